package evaluation_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/policy"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
	"github.com/avalcredit/aval/services/evaluation/internal/rpc"
	"github.com/avalcredit/aval/services/evaluation/policytool"
)

// policyOf reads a policy text as the suite does and refuses one with a defect.
func policyOf(t testing.TB, file string) criteria.Policy {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	spec := &evaluationv1.EvaluationPolicy{}
	must(t, policy.ParseYAML(file, text, spec))
	data, err := proto.MarshalOptions{Deterministic: true}.Marshal(spec)
	must(t, err)
	p, err := rpc.DecodePolicy(policy.Version{Version: 1, Spec: data})
	must(t, err)
	if found := p.Check(); len(found) != 0 {
		t.Fatalf("%s: %v", file, found)
	}
	return p
}

func scoreOf(t testing.TB, r rating.Result) *big.Rat {
	t.Helper()
	if r.Scorecard == nil || r.Scorecard.Score == "" {
		return nil
	}
	v, ok := new(big.Rat).SetString(r.Scorecard.Score)
	if !ok {
		t.Fatalf("score %q", r.Scorecard.Score)
	}
	return v
}

// The shipped policy for firms known by their invoices rates every firm, and its grades tell those that defaulted from
// those that did not.
func TestInvoicePolicyTellsDefaultsApart(t *testing.T) {
	t.Parallel()
	p := policyOf(t, "policy/invoices.yaml")
	trade := smeTrade(t)
	var all []policytool.Rated
	table(t, dataFile(t, "sme-ratings", "rated_enterprises.csv"), func(row map[string]string) {
		id := row["企业代号"]
		in := rating.Inputs{
			CustomerID: id, Sequence: 1, Date: calendar.MustDate(smeAsOf), Trigger: rating.OnDemand, Currency: "CNY", Invoices: smeSummary(trade[id]),
		}
		rec, err := rating.Rate(in, p)
		must(t, err)
		all = append(all, policytool.Rated{
			CustomerID: id, Grade: string(rec.Result.Grade), Score: scoreOf(t, rec.Result), Bad: row["是否违约"] == "是",
		})
	})
	v := policytool.Validate(all)
	var b strings.Builder
	must(t, v.Print(&b))
	t.Log(b.String())
	if v.Customers != 123 || v.Ungraded != 0 || v.Bad != 27 {
		t.Errorf("%d firms, %d not graded, %d defaulted", v.Customers, v.Ungraded, v.Bad)
	}
	if v.ByScore.AUC.Cmp(big.NewRat(85, 100)) < 0 || len(v.Warnings) > 0 {
		t.Errorf("AUC %s; %q", v.ByScore.AUC.FloatString(4), v.Warnings)
	}
}

// polishFirm is one firm of polish-bankruptcy.
type polishFirm struct {
	ratios   fact.Ratios
	cells    map[int]string
	bankrupt bool
}

// polishFirms reads the firms; a cell of "?" is unknown.
func polishFirms(t testing.TB) []polishFirm {
	t.Helper()
	text, err := os.ReadFile(dataFile(t, "polish-bankruptcy", "1year.arff"))
	must(t, err)
	_, data, found := strings.Cut(string(text), "@data")
	if !found {
		t.Fatal("no data in the file")
	}
	var all []polishFirm
	for _, line := range strings.Fields(data) {
		cells := strings.Split(line, ",")
		f := polishFirm{cells: map[int]string{}, bankrupt: cells[len(cells)-1] == "1"}
		for i, c := range cells[:len(cells)-1] {
			if c != "?" {
				f.cells[i+1] = c
			}
		}
		// The numbers are those of the set's own list of ratios. Its cash flow is net profit and depreciation.
		f.ratios = fact.Ratios{
			NetProfitToAssets: f.cells[1], DebtToAssets: f.cells[2], WorkingCapitalToAssets: f.cells[3], CurrentRatio: f.cells[4],
			RetainedEarningsToAssets: f.cells[6], OperatingProfitToAssets: f.cells[7], EquityToDebt: f.cells[8],
			SalesToAssets: f.cells[9], CashFlowToDebt: f.cells[26], InterestCover: f.cells[27],
		}
		all = append(all, f)
	}
	return all
}

func (f polishFirm) inputs() rating.Inputs {
	day := calendar.MustDate("2012-12-31")
	ratios := f.ratios
	return rating.Inputs{
		CustomerID: "P", Sequence: 1, Date: day, Trigger: rating.OnDemand, Currency: "PLN",
		Facts: []fact.Fact{{ID: "F-1", CustomerID: "P", Sequence: 1, Source: "bureau", AsOf: day, RecordedBy: "a", RecordDate: day, Content: fact.Content{Ratios: &ratios}}},
	}
}

// Every firm is rated; a cell that is missing is said to be missing and never taken for a value.
func TestRatioPolicyRatesFirmsWithMissingCells(t *testing.T) {
	t.Parallel()
	p := policyOf(t, "policy/ratios.yaml")
	needs := map[string][]int{
		"altman_z_double_prime": {3, 6, 7, 8}, "debt_to_asset_ratio": {2}, "return_on_assets": {1}, "current_ratio": {4},
		"interest_cover": {27}, "cash_flow_to_debt": {26},
	}
	var all []policytool.Rated
	missing := 0
	for i, f := range polishFirms(t) {
		rec, err := rating.Rate(f.inputs(), p)
		must(t, err)
		for _, item := range rec.Result.Scorecard.Items {
			known := true
			for _, cell := range needs[item.Figure.Name] {
				known = known && f.cells[cell] != ""
			}
			if item.Figure.Missing == known || known != (item.Figure.Value != "") || known != (item.Points != "") {
				t.Fatalf("firm %d: %+v", i, item)
			}
			if !known {
				missing++
			}
		}
		all = append(all, policytool.Rated{Grade: string(rec.Result.Grade), Score: scoreOf(t, rec.Result), Bad: f.bankrupt})
	}
	v := policytool.Validate(all)
	var b strings.Builder
	must(t, v.Print(&b))
	t.Logf("%d figures missing\n%s", missing, b.String())
	if v.Customers != 7027 || v.Bad != 271 || missing == 0 || len(v.Warnings) > 0 || v.ByScore.AUC.Cmp(big.NewRat(60, 100)) < 0 {
		t.Errorf("%+v", v)
	}
}

// Altman's Z' and single ratios tell bankrupt firms apart exactly as well as a computation without this project says.
func TestRatiosAgainstTheReference(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(dataFile(t, "polish-bankruptcy", "reference_1year.json"))
	must(t, err)
	var want map[string]json.RawMessage
	must(t, json.Unmarshal(text, &want))
	var altman struct {
		Rows int     `json:"rows_computable"`
		AUC  float64 `json:"auc"`
	}
	must(t, json.Unmarshal(want["altman Z' private (0.717X3+0.847X6+3.107X7+0.420X8+0.998X9)"], &altman))
	single := func(key string) string {
		var v float64
		must(t, json.Unmarshal(want[key], &v))
		return fmt.Sprintf("%.6f", v)
	}
	firms := polishFirms(t)
	for _, c := range []struct {
		indicator criteria.Indicator
		lower     bool
		want      string
	}{
		{criteria.AltmanZPrime, false, fmt.Sprintf("%.6f", altman.AUC)},
		{criteria.ReturnOnAssets, false, single("auc Attr1 net profit/total assets")},
		{criteria.DebtToAssetRatio, true, single("auc Attr2 total liabilities/total assets")},
		{criteria.CurrentRatio, false, single("auc Attr4 current assets/short-term liabilities")},
	} {
		p := criteria.Policy{Dimensions: []criteria.Dimension{{Name: "d", Rules: []criteria.Rule{{
			Indicator: c.indicator, Missing: criteria.Ignore, Thresholds: []criteria.Threshold{{Grade: grade.A, Bound: criteria.Otherwise}},
		}}}}}
		var all []policytool.Rated
		for _, f := range firms {
			rec, err := rating.Rate(f.inputs(), p)
			must(t, err)
			i := rec.Result.Dimensions[0].Indicators[0]
			if i.Missing {
				continue
			}
			v, ok := new(big.Rat).SetString(i.Value)
			if !ok {
				t.Fatalf("value %q", i.Value)
			}
			if c.lower {
				v.Neg(v)
			}
			all = append(all, policytool.Rated{Grade: "A", Score: v, Bad: f.bankrupt})
		}
		if got := policytool.Validate(all).ByScore.AUC.FloatString(6); got != c.want {
			t.Errorf("%s: AUC %s over %d firms, want %s", c.indicator, got, len(all), c.want)
		}
		if c.indicator == criteria.AltmanZPrime && len(all) != altman.Rows {
			t.Errorf("Z' of %d firms, want %d", len(all), altman.Rows)
		}
	}
}
