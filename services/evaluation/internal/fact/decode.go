package fact

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// Decode reads a fact as json.Marshal writes it. What it does not know by name, or finds written otherwise, it leaves to json.Unmarshal, so
// that it reads the same and only faster.
func Decode(data []byte, f *Fact) error {
	*f = Fact{}
	s := scanner{data: string(data)} // once: all texts are parts of it
	if s.object(f) && s.at == len(data) {
		return nil
	}
	*f = Fact{}
	return json.Unmarshal(data, f)
}

// field reads a value of the fact; false: unknown.
func (f *Fact) field(s *scanner, key string) bool {
	switch key {
	case "fact_id":
		return s.text(&f.ID)
	case "customer_id":
		return s.text(&f.CustomerID)
	case "sequence":
		return s.whole(&f.Sequence)
	case "content":
		return s.object(&f.Content)
	case "source":
		return s.text(&f.Source)
	case "as_of_date":
		return s.date(&f.AsOf)
	case "valid_until_date":
		return s.date(&f.ValidUntil)
	case "supersedes_fact_id":
		return s.text(&f.Supersedes)
	case "attachment_sha256":
		return s.text(&f.AttachmentSHA256)
	case "recorded_by":
		return s.text(&f.RecordedBy)
	case "record_date":
		return s.date(&f.RecordDate)
	case "verified_by":
		return s.text(&f.VerifiedBy)
	case "verify_date":
		return s.date(&f.VerifyDate)
	case "superseded_by_fact_id":
		return s.text(&f.SupersededBy)
	case "origin_customer_id":
		return s.text(&f.OriginCustomerID)
	case "origin_fact_id":
		return s.text(&f.OriginFactID)
	default:
		return false
	}
}

// field reads the kinds that come in numbers.
func (c *Content) field(s *scanner, key string) bool {
	switch key {
	case "financial_statement":
		return fresh(&c.Statement) && s.object(c.Statement)
	case "litigation":
		return fresh(&c.Litigation) && s.object(c.Litigation)
	case "trade_reference":
		return fresh(&c.Reference) && s.object(c.Reference)
	case "external_rating":
		return fresh(&c.ExternalRating) && s.object(c.ExternalRating)
	case "reported_ratios":
		return fresh(&c.Ratios) && s.object(c.Ratios)
	default:
		return false
	}
}

// fresh makes what is not there yet; of a name that stands twice json.Unmarshal merges the values.
func fresh[T any](to **T) bool {
	if *to != nil {
		return false
	}
	*to = new(T)
	return true
}

func (v *Statement) field(s *scanner, key string) bool {
	switch key {
	case "period_start_date":
		return s.date(&v.PeriodStart)
	case "period_end_date":
		return s.date(&v.PeriodEnd)
	case "audited":
		return s.boolean(&v.Audited)
	case "total_assets":
		return s.money(&v.TotalAssets)
	case "total_liabilities":
		return s.money(&v.TotalLiabilities)
	case "current_assets":
		return s.money(&v.CurrentAssets)
	case "current_liabilities":
		return s.money(&v.CurrentLiabilities)
	case "revenue":
		return s.money(&v.Revenue)
	case "operating_profit":
		return s.money(&v.OperatingProfit)
	case "net_profit":
		return s.money(&v.NetProfit)
	case "operating_cash_flow":
		return s.money(&v.OperatingCashFlow)
	case "balance_sheet":
		return s.lines(&v.BalanceSheet)
	case "income_statement":
		return s.lines(&v.Income)
	case "cash_flow_statement":
		return s.lines(&v.CashFlow)
	case "retained_earnings":
		return s.money(&v.RetainedEarnings)
	case "interest_expense":
		return s.money(&v.InterestExpense)
	default:
		return false
	}
}

func (v *Litigation) field(s *scanner, key string) bool {
	switch key {
	case "plaintiff":
		return s.text(&v.Plaintiff)
	case "amount":
		return s.money(&v.Amount)
	case "filing_date":
		return s.date(&v.FilingDate)
	case "open":
		return s.boolean(&v.Open)
	case "case_number":
		return s.text(&v.CaseNumber)
	default:
		return false
	}
}

func (v *Reference) field(s *scanner, key string) bool {
	switch key {
	case "referee":
		return s.text(&v.Referee)
	case "pays_as_agreed":
		return s.boolean(&v.PaysAsAgreed)
	case "highest_credit":
		return s.money(&v.HighestCredit)
	case "average_days_late":
		var n int64
		ok := s.whole(&n)
		v.AverageDaysLate = int(n)
		return ok
	default:
		return false
	}
}

func (v *ExternalRating) field(s *scanner, key string) bool {
	switch key {
	case "agency":
		return s.text(&v.Agency)
	case "rating":
		return s.text(&v.Rating)
	default:
		return false
	}
}

func (v *Ratios) field(s *scanner, key string) bool {
	switch key {
	case "debt_to_assets":
		return s.text(&v.DebtToAssets)
	case "current_ratio":
		return s.text(&v.CurrentRatio)
	case "working_capital_to_assets":
		return s.text(&v.WorkingCapitalToAssets)
	case "retained_earnings_to_assets":
		return s.text(&v.RetainedEarningsToAssets)
	case "operating_profit_to_assets":
		return s.text(&v.OperatingProfitToAssets)
	case "equity_to_debt":
		return s.text(&v.EquityToDebt)
	case "sales_to_assets":
		return s.text(&v.SalesToAssets)
	case "net_profit_to_assets":
		return s.text(&v.NetProfitToAssets)
	case "cash_flow_to_debt":
		return s.text(&v.CashFlowToDebt)
	case "interest_cover":
		return s.text(&v.InterestCover)
	default:
		return false
	}
}

// scanner reads JSON without spaces and without escapes. Whatever else it finds it gives up on.
type scanner struct {
	data string
	at   int
}

// object is what reads its fields by their names.
type object interface {
	field(s *scanner, key string) bool
}

func (s *scanner) skip(c byte) bool {
	if s.at < len(s.data) && s.data[s.at] == c {
		s.at++
		return true
	}
	return false
}

func (s *scanner) word(w string) bool {
	if end := s.at + len(w); end <= len(s.data) && s.data[s.at:end] == w {
		s.at = end
		return true
	}
	return false
}

// raw reads a text without its quotes.
func (s *scanner) raw() (string, bool) {
	if !s.skip('"') {
		return "", false
	}
	begin, foreign := s.at, false
	for ; s.at < len(s.data); s.at++ {
		switch c := s.data[s.at]; {
		case c == '"':
			text := s.data[begin:s.at]
			s.at++
			return text, !foreign || utf8.ValidString(text)
		case c == '\\' || c < ' ':
			return "", false
		case c >= utf8.RuneSelf:
			foreign = true
		}
	}
	return "", false
}

// object reads an object, each value by what knows its name.
func (s *scanner) object(to object) bool {
	if !s.skip('{') {
		return false
	}
	if s.skip('}') {
		return true
	}
	for {
		key, ok := s.raw()
		if !ok || !s.skip(':') || !to.field(s, key) {
			return false
		}
		if !s.skip(',') {
			return s.skip('}')
		}
	}
}

func (s *scanner) text(to *string) bool {
	text, ok := s.raw()
	*to = text
	return ok
}

func (s *scanner) date(to *calendar.Date) bool {
	text, ok := s.raw()
	if !ok || len(text) == 0 {
		return false
	}
	d, err := calendar.ParseDate(text)
	*to = d
	return err == nil
}

func (s *scanner) boolean(to *bool) bool {
	*to = s.word("true")
	return *to || s.word("false")
}

const mostDigits = 18

func (s *scanner) whole(to *int64) bool {
	negative := s.skip('-')
	begin := s.at
	var n int64
	for s.at < len(s.data) && s.data[s.at] >= '0' && s.data[s.at] <= '9' {
		n = n*10 + int64(s.data[s.at]-'0')
		s.at++
	}
	if digits := s.at - begin; digits == 0 || digits > mostDigits || (digits > 1 && s.data[begin] == '0') {
		return false
	}
	if *to = n; negative {
		*to = -n
	}
	return true
}

func (s *scanner) amount() (money.Money, bool) {
	if !s.word(`{"currency_code":`) {
		return money.Money{}, false
	}
	currency, ok := s.raw()
	if !ok || !s.word(`,"amount":`) {
		return money.Money{}, false
	}
	text, ok := s.raw()
	if !ok || !s.skip('}') {
		return money.Money{}, false
	}
	m, err := money.Parse(currency, text)
	return m, err == nil
}

func (s *scanner) money(to **money.Money) bool {
	m, ok := s.amount()
	*to = &m
	return ok
}

func (s *scanner) lines(to *Lines) bool {
	*to = Lines{}
	return s.object(*to)
}

func (l Lines) field(s *scanner, key string) bool {
	m, ok := s.amount()
	l[key] = m
	return ok
}
