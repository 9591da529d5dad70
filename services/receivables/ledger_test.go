package receivables_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// tale is one case file: calls of the API about one customer, and what they must answer. In all strings "~" is the
// case's own prefix, "~" alone its customer; "CNY 10" is an amount; "$name" what an earlier call saved.
type tale struct {
	Name  string `yaml:"name"`
	Calls []call `yaml:"calls"`
}

type call struct {
	On   string         `yaml:"on"`
	As   string         `yaml:"as"` // ROLE, or subject:ROLE
	Call string         `yaml:"call"`
	Body map[string]any `yaml:"body"`
	// Want maps a path of the answer to its value; Error is the reason of a refusal, Field what it names.
	Want  map[string]any    `yaml:"want"`
	Error string            `yaml:"error"`
	Field string            `yaml:"field"`
	Save  map[string]string `yaml:"save"`
}

// The cases of the ledger, P1 to P15 among them, through the API: after each the account, the aging and the ledger say
// the same on every day on which something happened, and after all the chains verify.
func TestLedgerCases(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/ledger/*.yaml")
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no case files")
	}
	w := newWorld(t)
	for _, file := range files {
		id := strings.TrimSuffix(filepath.Base(file), ".yaml")
		t.Run(id, func(t *testing.T) { // one database: a case is a customer
			text, err := os.ReadFile(file)
			must(t, err)
			var s tale
			dec := yaml.NewDecoder(strings.NewReader(string(text)))
			dec.KnownFields(true)
			must(t, dec.Decode(&s))
			w.deliver(t, profile(id, "S-1", 1))
			r := &teller{w: w, id: id, saved: map[string]string{}}
			var days []string
			for i, c := range s.Calls {
				r.tell(t, i+1, c)
				days = append(days, c.On)
			}
			slices.Sort(days)
			for _, day := range slices.Compact(days) {
				r.agrees(t, day)
			}
		})
	}
	report, err := w.ops.VerifyChains(w.as(t, "AUDITOR", ""), &receivablesv1.VerifyChainsRequest{})
	must(t, err)
	if len(report.GetBreaks()) > 0 || report.GetEntries() == 0 {
		t.Errorf("after all cases: %v", report)
	}
}

type teller struct {
	w     *world
	id    string
	saved map[string]string
}

func (r *teller) tell(t *testing.T, n int, c call) {
	t.Helper()
	service, method, _ := strings.Cut(c.Call, "/")
	d, err := protoregistry.GlobalFiles.FindDescriptorByName(protoreflect.FullName("aval.receivables.v1." + service))
	must(t, err)
	m := d.(protoreflect.ServiceDescriptor).Methods().ByName(protoreflect.Name(method))
	body, _ := r.fill(c.Body).(map[string]any)
	in, out := message(t, m.Input()), message(t, m.Output())
	if in.ProtoReflect().Descriptor().Fields().ByName("request_id") != nil && body["request_id"] == nil {
		body["request_id"] = fmt.Sprintf("%s %d", r.id, n)
	}
	text, err := json.Marshal(body)
	must(t, err)
	if err := protojson.Unmarshal(text, in); err != nil {
		t.Fatalf("call %d: %v", n, err)
	}
	subject, role, found := strings.Cut(c.As, ":")
	if !found {
		role = subject
	}
	err = r.w.conn.Invoke(r.w.by(t, subject, role, c.On), "/aval.receivables.v1."+c.Call, in, out)
	if c.Error != "" {
		e, _ := errs.As(err)
		if errs.ReasonOf(err) != c.Error || c.Field != "" && !names(e, c.Field) {
			t.Fatalf("call %d (%s): error %v, want %s %s", n, c.Call, err, c.Error, c.Field)
		}
		return
	}
	if err != nil {
		t.Fatalf("call %d (%s): %v", n, c.Call, err)
	}
	r.answers(t, n, c, out)
}

func message(t *testing.T, d protoreflect.MessageDescriptor) proto.Message {
	t.Helper()
	kind, err := protoregistry.GlobalTypes.FindMessageByName(d.FullName())
	must(t, err)
	return kind.New().Interface()
}

// answers holds an answer to what the case wants of it, and saves from it.
func (r *teller) answers(t *testing.T, n int, c call, out proto.Message) {
	t.Helper()
	text, err := protojson.MarshalOptions{UseProtoNames: true, EmitUnpopulated: true}.Marshal(out)
	must(t, err)
	var answer any
	must(t, json.Unmarshal(text, &answer))
	for path, v := range c.Want {
		if got, want := at(answer, path), r.wanted(v); got != want {
			t.Errorf("call %d (%s): %s = %q, want %q", n, c.Call, path, got, want)
		}
	}
	for name, path := range c.Save {
		r.saved[name] = at(answer, path)
	}
}

var amountText = regexp.MustCompile(`^([A-Z]{3}) (-?[0-9.]+)$`)

// fill puts what strings stand for into a body.
func (r *teller) fill(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, e := range v {
			out[k] = r.fill(e)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, e := range v {
			out[i] = r.fill(e)
		}
		return out
	case string:
		if m := amountText.FindStringSubmatch(v); m != nil {
			return map[string]any{"currency_code": m[1], "amount": m[2]}
		}
		return r.text(v)
	case time.Time: // a date that stands without quotes
		return v.Format(time.DateOnly)
	default:
		return v
	}
}

// wanted is a value of a case as answers are compared with it.
func (r *teller) wanted(v any) string {
	if date, ok := v.(time.Time); ok {
		return date.Format(time.DateOnly)
	}
	return r.text(fmt.Sprint(v))
}

func (r *teller) text(s string) string {
	switch {
	case s == "~":
		return r.id
	case strings.HasPrefix(s, "~"):
		return r.id + "-" + s[1:]
	case strings.HasPrefix(s, "$"):
		return r.saved[s[1:]]
	default:
		return s
	}
}

// at is the value at a path, an amount as "CNY 10.00"; a list is its length after "#".
func at(v any, path string) string {
	for _, name := range strings.Split(path, ".") {
		switch here := v.(type) {
		case map[string]any:
			v = here[name]
		case []any:
			if name == "#" {
				return strconv.Itoa(len(here))
			}
			i, err := strconv.Atoi(name)
			if err != nil || i >= len(here) {
				return "nothing at " + path
			}
			v = here[i]
		default:
			return "nothing at " + path
		}
	}
	if m, ok := v.(map[string]any); ok && m["currency_code"] != nil && m["amount"] != nil {
		return fmt.Sprint(m["currency_code"], " ", m["amount"])
	}
	return fmt.Sprint(v)
}

// agrees holds the account, the aging and the ledger of a day to one another (P15), also as they were known on that day.
func (r *teller) agrees(t *testing.T, day string) {
	t.Helper()
	ctx := r.w.as(t, "AUDITOR", "")
	ledger, err := r.w.ledger.GetLedger(ctx, &receivablesv1.GetLedgerRequest{CustomerId: r.id, ToDate: day, PageSize: 1})
	must(t, err)
	account, err := r.w.ledger.GetAccount(ctx, &receivablesv1.GetAccountRequest{CustomerId: r.id, AsOfDate: day})
	must(t, err)
	aging, err := r.w.aging.GetAging(ctx, &receivablesv1.GetAgingRequest{CustomerId: r.id, AsOf: day, GroupBy: "customer"})
	must(t, err)
	balance := int64(0)
	for _, b := range ledger.GetBalances() {
		balance += minor(t, b.GetAmount())
	}
	a := account.GetAccount()
	stands(t, day, a, balance)
	buckets, unapplied := int64(0), int64(0)
	for _, row := range aging.GetRows() {
		for _, b := range row.GetBuckets() {
			buckets += minor(t, b.GetAmount().GetAmount())
		}
		unapplied += minor(t, row.GetUnappliedAmount().GetAmount())
	}
	if buckets-unapplied != balance || buckets != minor(t, a.GetOpenAmount().GetAmount()) {
		t.Errorf("%s: buckets %d, unapplied %d, balance %d, account %v", day, buckets, unapplied, balance, a)
	}
	known, err := r.w.ledger.GetAccount(ctx, &receivablesv1.GetAccountRequest{CustomerId: r.id, AsOfDate: "2099-01-01", KnownOnDate: day})
	must(t, err)
	ledger, err = r.w.ledger.GetLedger(ctx, &receivablesv1.GetLedgerRequest{CustomerId: r.id, KnownOnDate: day, PageSize: 1})
	must(t, err)
	balance = 0
	for _, b := range ledger.GetBalances() {
		balance += minor(t, b.GetAmount())
	}
	stands(t, "known on "+day, known.GetAccount(), balance)
}

// stands: what is open less what is unapplied and advanced is the balance, and all accounts sum to zero.
func stands(t *testing.T, day string, a *receivablesv1.CustomerAccount, balance int64) {
	t.Helper()
	sum, all := minor(t, a.GetOpenAmount().GetAmount())-minor(t, a.GetUnappliedAmount().GetAmount()), int64(0)
	for _, adv := range a.GetAdvances() {
		sum -= minor(t, adv.GetAmount().GetAmount())
	}
	for _, l := range a.GetAccounts() {
		all += minor(t, l.GetAmount().GetAmount())
	}
	if sum != balance || minor(t, a.GetBalance().GetAmount()) != balance || all != 0 {
		t.Errorf("%s: balance of the ledger %d, accounts sum to %d: %v", day, balance, all, a)
	}
}

func minor(t *testing.T, amount string) int64 {
	t.Helper()
	m, err := money.Parse("CNY", amount)
	must(t, err)
	return m.Minor
}
