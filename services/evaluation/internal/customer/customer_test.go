package customer_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
)

func TestUSCC(t *testing.T) {
	t.Parallel()
	cases := map[string]bool{
		"91350100M000100Y43": true,  // the example of GB 32100-2015
		"91350100M000100Y44": false, // wrong check digit
		"91350100M000100Y4":  false,
		"":                   false,
		"91350100I000100Y43": false, // I is not in the alphabet
		"91350100m000100y43": false,
	}
	for code, want := range cases {
		if customer.ValidUSCC(code) != want {
			t.Errorf("%q: want %v", code, want)
		}
	}
}

// One wrong character never passes: 31 is prime and no weight is a multiple of it.
func TestUSCCFindsEveryWrongCharacter(t *testing.T) {
	t.Parallel()
	const alphabet = "0123456789ABCDEFGHJKLMNPQRTUWXY"
	rapid.Check(t, func(t *rapid.T) {
		code := []byte("91350100M000100Y43")
		at := rapid.IntRange(0, len(code)-1).Draw(t, "at")
		c := alphabet[rapid.IntRange(0, len(alphabet)-1).Draw(t, "character")]
		if c == code[at] {
			return
		}
		code[at] = c
		if customer.ValidUSCC(string(code)) {
			t.Fatalf("%s passes", code)
		}
	})
}

func TestKeysFindTheSameFirm(t *testing.T) {
	t.Parallel()
	same := [][2]string{
		{"Sunrise Trading Co., Ltd.", "SUNRISE TRADING CO LTD"},
		{"Sunrise Trading", "sunrise  trading"},
		{"东方贸易有限公司", "东方贸易"},
		{"ＡＢＣ（中国）有限公司", "ABC(中国)有限公司"},
	}
	for _, p := range same {
		if customer.NameKey(p[0]) != customer.NameKey(p[1]) {
			t.Errorf("%q and %q: %q, %q", p[0], p[1], customer.NameKey(p[0]), customer.NameKey(p[1]))
		}
	}
	if customer.NameKey("Sunrise Trading") == customer.NameKey("Sunset Trading") {
		t.Error("different names have one key")
	}
	if customer.NumberKey("000123") != customer.NumberKey("123") || customer.NumberKey("000") != "0" {
		t.Error("leading zeros tell numbers apart")
	}
}

func TestApply(t *testing.T) {
	t.Parallel()
	old := customer.Customer{ID: "C-1", DisplayName: "Old", Region: "east", Revision: 3}.Complete()
	next, err := old.Apply(customer.Patch{
		Values: customer.Customer{ID: "C-1", DisplayName: "New", Region: "west", Revision: 3},
		Fields: []string{"display_name", "customer_id", "revision"},
	})
	if err != nil || next.DisplayName != "New" || next.Region != "east" || next.Revision != 4 {
		t.Fatalf("%+v %v", next, err)
	}
	if _, err := old.Apply(customer.Patch{Values: customer.Customer{Revision: 2}}); errs.ReasonOf(err) != customer.ReasonRevisionConflict {
		t.Errorf("a stale revision passes: %v", err)
	}
	for _, f := range []string{"grade", "create_time", "update_time", "nonsense"} {
		if _, err := old.Apply(customer.Patch{Fields: []string{f}}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s can be changed: %v", f, err)
		}
	}
}

func TestValidateNamesTheField(t *testing.T) {
	t.Parallel()
	today := calendar.MustDate("2026-03-02")
	cases := map[string]func(*customer.Customer){
		"customer.uscc":           func(c *customer.Customer) { c.USCC = "91350100M000100Y44" },
		"customer.customer_id":    func(c *customer.Customer) { c.ID = " x" },
		"customer.display_name":   func(c *customer.Customer) { c.DisplayName = "  " },
		"customer.currency_code":  func(c *customer.Customer) { c.Currency = "RMB" },
		"customer.founding_date":  func(c *customer.Customer) { c.FoundingDate = today.AddDays(1) },
		"customer.country_code":   func(c *customer.Customer) { c.CountryCode = "chn" },
		"customer.salesperson_id": func(c *customer.Customer) { c.SalespersonID = "a\tb" },
	}
	for field, spoil := range cases {
		c := customer.Customer{ID: "C-1", DisplayName: "Firm"}.Complete()
		spoil(&c)
		e, ok := errs.As(c.Validate(today))
		if !ok || e.Reason != errs.ReasonInvalidField || e.Violations[0].Field != field {
			t.Errorf("%s: %v", field, e)
		}
	}
}
