package app

import (
	"context"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

// Kept lists the verifications that were made by the clock, newest first, and the token of the next page.
func (v *Verifier) Kept(ctx context.Context, pages *page.Signer, size32 int32, token string) ([]postgres.Verification, string, error) {
	sum := page.Checksum("verifications")
	cur, err := pages.Decode(token, sum, 1)
	if err != nil {
		return nil, "", err
	}
	var before calendar.Date
	if cur != nil {
		if before, err = calendar.ParseDate(cur[0]); err != nil {
			return nil, "", err
		}
	}
	size := page.Size(size32, pageDefault, pageMax)
	found, err := v.Store.Verifications(ctx, before, size+1)
	if err != nil || len(found) <= size {
		return found, "", err
	}
	found = found[:size]
	return found, pages.Encode(sum, found[size-1].Date.String()), nil
}
