package terms

import (
	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/receivables/internal/interest"
)

// Ledger decides who approves adjustments and what late payment costs.
type Ledger struct {
	// MemoReasons are the codes of the reasons for credit memos.
	MemoReasons []string
	// MemoAuthority is who approves a credit memo, up to which amount.
	MemoAuthority approval.Table
	// Interest on late payment.
	Interest interest.Terms
}

func (l Ledger) check() error {
	if v := l.MemoAuthority.Check("policy.ledger.memo_authority"); len(v) > 0 {
		return errs.New(errs.Invalid, "POLICY_INVALID", "%s: %s", v[0].Field, v[0].Message).WithViolations(v...)
	}
	return nil
}
