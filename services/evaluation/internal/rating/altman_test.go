package rating

import (
	"math/big"
	"testing"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

func parts(texts ...string) altmanParts {
	v := make([]*big.Rat, 5)
	for i, s := range texts {
		v[i] = decimal(s)
	}
	return altmanParts{v[0], v[1], v[2], v[3], v[4]}
}

func TestAltman(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		model altmanWeights
		parts altmanParts
		want  string
	}{
		// The published example rounds it to 2.70.
		{"Z, a published example", altmanZ(), parts("0.34", "0.15", "0.00", "0.80", "1.6"), "2.698"},
		{"Z'", altmanZPrime(), parts("1", "1", "1", "1", "1"), "6.089"},
		{"Z''", altmanZDoublePrime(), parts("1", "1", "1", "1", ""), "17.59"},
		{"Z'' of a loss", altmanZDoublePrime(), parts("-0.1", "-0.2", "-0.05", "-0.1", ""), "-1.749"},
		{"Z' without sales", altmanZPrime(), parts("1", "1", "1", "1", ""), ""},
		{"Z'' without equity", altmanZDoublePrime(), parts("1", "1", "1", "", "1"), ""},
	} {
		got := ""
		if z := c.model.score(c.parts); z != nil {
			got = text(z)
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// The parts come out of a statement exactly, and one unknown line leaves its part unknown.
func TestAltmanOfAStatement(t *testing.T) {
	t.Parallel()
	m := func(minor int64) *money.Money { v := money.New(minor, "CNY"); return &v }
	s := fact.Statement{
		TotalAssets: m(1000), TotalLiabilities: m(600), CurrentAssets: m(500), CurrentLiabilities: m(400),
		Revenue: m(1500), OperatingProfit: m(80), RetainedEarnings: m(200),
	}
	// 0.1, 0.2, 0.08, 2/3, 1.5
	if z := altmanZDoublePrime().score(partsOf(s)); z == nil || text(z) != "2.5456" {
		t.Errorf("Z'' %v", z)
	}
	if z := altmanZPrime().score(partsOf(s)); z == nil || text(z) != "2.26666" {
		t.Errorf("Z' %v", z)
	}
	s.RetainedEarnings = nil
	if z := altmanZDoublePrime().score(partsOf(s)); z != nil {
		t.Errorf("Z'' %v without retained earnings", z)
	}
}
