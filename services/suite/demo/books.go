package demo

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/suite/access"
	"github.com/avalcredit/aval/services/suite/internal/invoke"
)

const prefix = "demo-"

// books makes the calls. Every request has the same id in every run, so that a load that was interrupted can be done
// again.
type books struct {
	suite *access.Suite
	// anchor is the last day of the history; it is kept in the files of the customers.
	anchor calendar.Date

	mu       sync.Mutex
	approved map[string]bool // orders that may be shipped, by the number of the sale
	shipped  map[string]bool // shipments that left the house
}

func newBooks(s *access.Suite, anchor calendar.Date) *books {
	return &books{suite: s, anchor: anchor, approved: map[string]bool{}, shipped: map[string]bool{}}
}

// person is somebody in the demo company.
type person struct{ role, subject string }

// by is the person who has the role in the demo company.
func by(role string) person {
	return person{role: role, subject: prefix + strings.ReplaceAll(strings.ToLower(role), "_", "-")}
}

// set and is write and read one of the maps.
func (b *books) set(m map[string]bool, key string, value bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	m[key] = value
}

func (b *books) is(m map[string]bool, key string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return m[key]
}

// signers are the roles that take the steps in order: of each the first of those that may, or all that have to.
func signers(steps []*typev1.ApprovalStep) []string {
	var out []string
	for _, s := range steps {
		roles := s.GetAllOf()
		if len(roles) == 0 {
			roles = s.GetRoles()[:1]
		}
		for _, r := range roles {
			out = append(out, strings.TrimPrefix(r.String(), "ROLE_"))
		}
	}
	return out
}

// ask makes one call by its full name in the name of a person.
func ask[T proto.Message](ctx context.Context, b *books, who person, method string, request proto.Message) (answer T, err error) {
	if ctx, err = b.suite.As(ctx, who.subject, who.role); err != nil {
		return answer, err
	}
	m, err := invoke.Find(method)
	if err != nil {
		return answer, err
	}
	got, err := invoke.Call(ctx, b.suite.Conn(), m, request)
	if err != nil {
		return answer, fmt.Errorf("%s as %s: %w", m.Name, who.role, err)
	}
	answer, ok := got.(T)
	if !ok {
		return answer, fmt.Errorf("%s answers with a %T", m.Name, got)
	}
	return answer, nil
}

// tell is ask where the answer does not matter.
func (b *books) tell(ctx context.Context, who person, method string, request proto.Message) error {
	_, err := ask[proto.Message](ctx, b, who, method, request)
	return err
}

func (b *books) open(ctx context.Context, f *firm) error {
	return b.tell(ctx, by("OPERATOR"), evaluationv1.CustomerService_CreateCustomer_FullMethodName, &evaluationv1.CreateCustomerRequest{
		RequestId: prefix + "customer-" + f.id,
		Customer: &evaluationv1.Customer{
			CustomerId: f.id, DisplayName: fmt.Sprintf("示例客户%02d (Demo Customer %02d)", f.n, f.n),
			LegalName: fmt.Sprintf("Demo Customer %02d, not a real company", f.n), RegistrationNumber: b.anchor.String(),
			CountryCode: "CN", Industry: [...]string{"machinery", "textiles", "food", "paper"}[f.n%4],
			Region: [...]string{"north", "east", "south", "west"}[f.n/2%4], CurrencyCode: currency,
			SalespersonId: f.seller, UsualPurchase: amount(f.usual), LifeCycle: lifeCycle(f),
		},
	})
}

func lifeCycle(f *firm) evaluationv1.LifeCycle {
	if f.habit == prospect {
		return evaluationv1.LifeCycle_LIFE_CYCLE_PROSPECT
	}
	return evaluationv1.LifeCycle_LIFE_CYCLE_ACTIVE
}

// statement records the statement of a year, verified by another person.
func (b *books) statement(ctx context.Context, f *firm, year, debtPercent int) error {
	assets := f.usual.MulRatio(money.Ratio{Num: 25, Den: 1})
	id := fmt.Sprintf("%s-FS-%d", f.id, year)
	err := b.fact(ctx, f, &evaluationv1.CreditFact{
		FactId: id, Source: fmt.Sprintf("annual report %d (invented)", year), AsOfDate: calendar.New(year, 12, 31).String(),
		Content: &evaluationv1.CreditFact_FinancialStatement{FinancialStatement: &evaluationv1.FinancialStatement{
			PeriodStartDate: calendar.New(year, 1, 1).String(), PeriodEndDate: calendar.New(year, 12, 31).String(), Audited: true,
			TotalAssets:      amount(assets),
			TotalLiabilities: amount(assets.MulRatio(money.Ratio{Num: int64(debtPercent), Den: 100})),
			NetProfit:        amount(assets.MulRatio(money.Ratio{Num: 4, Den: 100})),
		}},
	})
	if err != nil {
		return err
	}
	return b.rate(ctx, f, id)
}

// litigation records that another creditor sues, and rates at once: C at best.
func (b *books) litigation(ctx context.Context, f *firm, date calendar.Date) error {
	id := f.id + "-SUIT"
	err := b.fact(ctx, f, &evaluationv1.CreditFact{
		FactId: id, Source: "court register (invented)", AsOfDate: date.String(),
		Content: &evaluationv1.CreditFact_Litigation{Litigation: &evaluationv1.Litigation{
			Plaintiff: "Demo Supplier", Amount: amount(f.usual), FilingDate: date.AddDays(-20).String(), Open: true,
		}},
	})
	if err != nil {
		return err
	}
	return b.rate(ctx, f, id)
}

func (b *books) fact(ctx context.Context, f *firm, fact *evaluationv1.CreditFact) error {
	if err := b.tell(ctx, by("CREDIT_ANALYST"), evaluationv1.CreditFactService_RecordCreditFact_FullMethodName, &evaluationv1.RecordCreditFactRequest{
		RequestId: prefix + "fact-" + fact.GetFactId(), CustomerId: f.id, Fact: fact,
	}); err != nil {
		return err
	}
	return b.tell(ctx, by("CREDIT_MANAGER"), evaluationv1.CreditFactService_VerifyCreditFact_FullMethodName, &evaluationv1.VerifyCreditFactRequest{
		RequestId: prefix + "verify-" + fact.GetFactId(), CustomerId: f.id, FactId: fact.GetFactId(),
	})
}

func (b *books) rate(ctx context.Context, f *firm, after string) error {
	return b.tell(ctx, by("CREDIT_ANALYST"), evaluationv1.RatingService_RateCustomer_FullMethodName, &evaluationv1.RateCustomerRequest{
		RequestId: prefix + "rate-" + after, CustomerId: f.id,
	})
}

// apply asks for one usual purchase at thirty days, and takes every step of the form.
func (b *books) apply(ctx context.Context, f *firm) error {
	id, seller := "DCA-"+f.id, person{role: "SALESPERSON", subject: f.seller}
	if err := b.tell(ctx, seller, evaluationv1.CreditApplicationService_CreateCreditApplication_FullMethodName,
		&evaluationv1.CreateCreditApplicationRequest{
			RequestId: prefix + "draft-" + id,
			Application: &evaluationv1.CreditApplication{
				ApplicationId: id, CustomerId: f.id, RequestedLimit: amount(f.usual), RequestedTermDays: termDays,
				RequestedValidUntilDate: b.anchor.AddMonths(12, 31).String(), Purpose: "regular trade",
			},
		}); err != nil {
		return err
	}
	submitted, err := ask[*evaluationv1.SubmitCreditApplicationResponse](ctx, b, seller,
		evaluationv1.CreditApplicationService_SubmitCreditApplication_FullMethodName,
		&evaluationv1.SubmitCreditApplicationRequest{RequestId: prefix + "submit-" + id, ApplicationId: id})
	if err != nil {
		return err
	}
	for i, role := range signers(submitted.GetApplication().GetSteps()) {
		if err := b.tell(ctx, by(role), evaluationv1.CreditApplicationService_ApproveCreditApplication_FullMethodName,
			&evaluationv1.ApproveCreditApplicationRequest{
				RequestId: fmt.Sprintf("%sgrant-%s-%d", prefix, id, i), ApplicationId: id, Reason: "figures looked at",
			}); err != nil {
			return err
		}
	}
	return nil
}
