package rpc

import (
	"strings"

	"google.golang.org/protobuf/reflect/protoreflect"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/fact"
)

// linesIn reads a message whose fields are all amounts; nil where it has none.
func linesIn(r *reader, at string, m protoreflect.Message) fact.Lines {
	var lines fact.Lines
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		sent, ok := v.Message().Interface().(*typev1.Money)
		if !ok {
			return true
		}
		if amount := r.money(at+string(f.Name()), sent); amount != nil {
			if lines == nil {
				lines = fact.Lines{}
			}
			lines[string(f.Name())] = *amount
		}
		return true
	})
	return lines
}

// linesOut is the reverse of linesIn.
func linesOut(lines fact.Lines, m protoreflect.Message) {
	fields := m.Descriptor().Fields()
	for name, amount := range lines {
		if f := fields.ByName(protoreflect.Name(name)); f != nil {
			m.Set(f, protoreflect.ValueOfMessage(moneyOf(&amount).ProtoReflect()))
		}
	}
}

func factKindIn(k evaluationv1.CreditFactKind) fact.Kind {
	return fact.Kind(strings.ToLower(name(k, evaluationv1.CreditFactKind_name, "CREDIT_FACT_KIND_")))
}

func factKindOut(k fact.Kind) evaluationv1.CreditFactKind {
	return number[evaluationv1.CreditFactKind](strings.ToUpper(string(k)), evaluationv1.CreditFactKind_value, "CREDIT_FACT_KIND_")
}

func enforcementIn(r *reader, m *evaluationv1.EnforcementRecord) *fact.Enforcement {
	return &fact.Enforcement{
		Court: m.GetCourt(), CaseNumber: m.GetCaseNumber(), Amount: r.money("fact.enforcement_record.amount", m.GetAmount()),
		FilingDate: r.date("fact.enforcement_record.filing_date", m.GetFilingDate()), Open: m.GetOpen(), Dishonest: m.GetDishonest(),
	}
}

func reportIn(r *reader, m *evaluationv1.CreditReport) *fact.Report {
	return &fact.Report{
		Agency: m.GetAgency(), Number: m.GetReportNumber(), Rating: m.GetRating(),
		RecommendedLimit: r.money("fact.credit_report.recommended_limit", m.GetRecommendedLimit()), Summary: m.GetSummary(),
	}
}

func bankIn(r *reader, m *evaluationv1.BankReference) *fact.Bank {
	const at = "fact.bank_reference."
	return &fact.Bank{
		Bank: m.GetBank(), ClientSince: r.date(at+"client_since_date", m.GetClientSinceDate()),
		CreditLine: r.money(at+"credit_line", m.GetCreditLine()), Used: r.money(at+"used", m.GetUsed()),
		Overdue: m.GetOverdue(), Remark: m.GetRemark(),
	}
}

// findingOut sets the content of the kinds that were found out: at court, from bureau and bank, on the spot.
func findingOut(c fact.Content, m *evaluationv1.CreditFact) {
	switch {
	case c.Enforcement != nil:
		e := c.Enforcement
		m.Content = &evaluationv1.CreditFact_EnforcementRecord{EnforcementRecord: &evaluationv1.EnforcementRecord{
			Court: e.Court, CaseNumber: e.CaseNumber, Amount: moneyOf(e.Amount), FilingDate: e.FilingDate.String(), Open: e.Open, Dishonest: e.Dishonest,
		}}
	case c.Report != nil:
		r := c.Report
		m.Content = &evaluationv1.CreditFact_CreditReport{CreditReport: &evaluationv1.CreditReport{
			Agency: r.Agency, ReportNumber: r.Number, Rating: r.Rating, RecommendedLimit: moneyOf(r.RecommendedLimit), Summary: r.Summary,
		}}
	case c.Bank != nil:
		b := c.Bank
		m.Content = &evaluationv1.CreditFact_BankReference{BankReference: &evaluationv1.BankReference{
			Bank: b.Bank, ClientSinceDate: b.ClientSince.String(), CreditLine: moneyOf(b.CreditLine), Used: moneyOf(b.Used), Overdue: b.Overdue, Remark: b.Remark,
		}}
	case c.Visit != nil:
		v := c.Visit
		m.Content = &evaluationv1.CreditFact_SiteVisit{SiteVisit: &evaluationv1.SiteVisit{
			Visitors: v.Visitors, Place: v.Place, Operating: v.Operating, Findings: v.Findings,
		}}
	}
}
