package page_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
)

func signer() *page.Signer { return page.NewSigner([]byte("0123456789abcdef0123456789abcdef")) }

func TestTokenRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		query := page.Checksum(rapid.SliceOfN(rapid.String(), 0, 4).Draw(t, "query")...)
		cursor := rapid.SliceOfN(rapid.StringN(0, 64, 64), 0, 4).Draw(t, "cursor")
		token := signer().Encode(query, cursor...)
		got, err := signer().Decode(token, query, len(cursor))
		if err != nil || !slices.Equal(got, cursor) {
			t.Fatalf("%q came back as %q, error %v", cursor, got, err)
		}
	})
}

// No token that differs in any bit is accepted.
func TestForgedTokens(t *testing.T) {
	t.Parallel()
	raw, err := base64.RawURLEncoding.DecodeString(signer().Encode("q", "C1", "2026-07-01"))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		forged := slices.Clone(raw)
		forged[rapid.IntRange(0, len(raw)-1).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if got, err := signer().Decode(base64.RawURLEncoding.EncodeToString(forged), "q", 2); err == nil {
			t.Fatalf("accepted as %q", got)
		}
	})
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	token := signer().Encode("q", "C1")
	other := page.NewSigner([]byte("another key"))
	for name, c := range map[string]struct {
		token, query string
		n            int
	}{
		"another query":    {token, "r", 1},
		"another shape":    {token, "q", 2},
		"another key":      {other.Encode("q", "C1"), "q", 1},
		"not base64":       {"???", "q", 1},
		"short":            {"AAAA", "q", 1},
		"cut":              {token[:len(token)-4], "q", 1},
		"longer than any":  {strings.Repeat("A", 5_000), "q", 1},
		"a token repeated": {token + token, "q", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := signer().Decode(c.token, c.query, c.n)
			if errs.KindOf(err) != errs.Invalid || errs.ReasonOf(err) != page.ReasonTokenInvalid {
				t.Errorf("%q, error %v; want PAGE_TOKEN_INVALID", got, err)
			}
		})
	}
	if got, err := signer().Decode("", "q", 3); err != nil || got != nil {
		t.Errorf("the first page starts at %q, error %v", got, err)
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		requested, def, most int32
		want                 int
	}{
		{0, 50, 1000, 50}, {-1, 50, 1000, 50}, {1, 50, 1000, 1}, {1000, 50, 1000, 1000}, {1001, 50, 1000, 1000}, {0, 50, 20, 20},
	} {
		if got := page.Size(c.requested, c.def, c.most); got != c.want {
			t.Errorf("%d rows (default %d, at most %d) = %d, want %d", c.requested, c.def, c.most, got, c.want)
		}
	}
}

func TestChecksumKeepsPartsApart(t *testing.T) {
	t.Parallel()
	seen := map[string][]string{}
	for _, parts := range [][]string{{}, {""}, {"", ""}, {"ab", "c"}, {"a", "bc"}, {"abc"}, {"a", "b", "c"}, {"c", "ab"}} {
		sum := page.Checksum(parts...)
		if other, ok := seen[sum]; ok {
			t.Errorf("%q and %q have one checksum", parts, other)
		}
		seen[sum] = parts
		if sum != page.Checksum(parts...) {
			t.Errorf("%q has two checksums", parts)
		}
	}
}
