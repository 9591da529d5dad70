package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
)

// ratedOn is the business date of the runs.
var ratedOn = calendar.MustDate("2026-03-02") //nolint:gochecknoglobals // a constant

// What share of the customers has what, in hundredths.
const (
	withGrant, withRecord          = 60, 85
	withStatement, withSecond      = 70, 40 // of the last year, and of those the one before too
	withLines                      = 15     // of the statements, those with their lines
	withRating, withReference      = 25, 20
	withSuit, withVenture, inGroup = 8, 3, 10
)

// maker makes customers of a realistic shape, the same ones in every run.
type maker struct {
	rnd        *rand.Rand
	verified   [][]any
	facts      int
	factBytes  int
	statements int
}

func (m *maker) chance(hundredths int) bool { return m.rnd.IntN(100) < hundredths }

func (m *maker) id(i int) string { return fmt.Sprintf("C%07d", i) }

// fillEvaluation fills the schema of the phase, which has migrated it, and says what is in it. Rows go in as the phase itself writes them; that
// each belongs to another one need not be checked again.
func fillEvaluation(ctx context.Context, c *pgx.Conn, n int) (shape string, err error) {
	if _, err := c.Exec(ctx, `SET search_path = evaluation, public; SET session_replication_role = replica`); err != nil {
		return "", err
	}
	m := &maker{rnd: rand.New(rand.NewPCG(1, 2))} //nolint:gosec // the same data in every run
	at := time.Date(2025, 6, 1, 0, 0, 0, 0, time.UTC)
	if err := m.copy(ctx, c, "customers", []string{
		"customer_id", "display_name", "salesperson_id", "group_id", "root_group_id", "region", "industry", "life_cycle", "grade", "uscc", "number_key",
		"create_time", "file", "profile", "rating_sequence", "grant_version", "reviewed_on",
	}, n, func(i int, add func(...any)) { m.customer(i, at, add) }); err != nil {
		return "", err
	}
	if err := m.copy(ctx, c, "facts", []string{"customer_id", "fact_id", "sequence", "record_date", "body", "create_time"}, n,
		func(i int, add func(...any)) { m.factsOf(i, at, add) }); err != nil {
		return "", err
	}
	if _, err := c.CopyFrom(ctx, pgx.Identifier{"fact_verifications"}, []string{"customer_id", "fact_id", "verified_by", "verify_date", "create_time"},
		pgx.CopyFromRows(m.verified)); err != nil {
		return "", err
	}
	records := 0
	if err := m.copy(ctx, c, "payment_records", []string{
		"customer_id", "as_of", "window_start", "asked_at", "currency_code", "fallen_due", "collected", "collected_on_time", "settled_items", "late_items",
		"late_amount_days", "settled_amount", "longest_days_late", "oldest_overdue_days", "defaults", "first_invoice", "open_amount", "invoice_minor",
	}, n, func(i int, add func(...any)) { m.record(i, &records, add) }); err != nil {
		return "", err
	}
	for _, table := range []string{"customers", "facts", "fact_verifications", "payment_records"} {
		if _, err := c.Exec(ctx, `VACUUM ANALYZE `+table); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d with a payment history, %.1f facts of %d bytes each, %d statements", records, float64(m.facts)/float64(n), m.factBytes/max(m.facts, 1), m.statements), nil
}

// copy writes the rows of customers 0 to n-1.
func (*maker) copy(ctx context.Context, c *pgx.Conn, table string, columns []string, n int, rows func(i int, add func(...any))) error {
	i := 0
	var ready [][]any
	_, err := c.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		for len(ready) == 0 && i < n {
			rows(i, func(row ...any) { ready = append(ready, row) })
			i++
		}
		if len(ready) == 0 {
			return nil, nil
		}
		row := ready[0]
		ready = ready[1:]
		return row, nil
	}))
	return err
}

func (m *maker) customer(i int, at time.Time, add func(...any)) {
	id, grade := m.id(i), []string{"A", "A", "A", "B", "B", "C", "D", ""}[m.rnd.IntN(8)]
	sales, unit, group := fmt.Sprintf("sales-%03d", m.rnd.IntN(400)), fmt.Sprintf("unit-%02d", m.rnd.IntN(40)), ""
	if m.chance(inGroup) {
		group = fmt.Sprintf("G%05d", m.rnd.IntN(20_000))
	}
	file := fmt.Sprintf(`{"customer_id":"%[1]s","display_name":"Example Trading %[1]s Co., Ltd","legal_name":"Example Trading %[1]s Company Limited","uscc":"91310000%010[2]dX",`+
		`"country_code":"CN","legal_form":"limited liability company","founding_date":"2011-05-06","industry":"5173","region":"310000","unit_id":"%[3]s","currency_code":"CNY",`+
		`"salesperson_id":"%[4]s","credit_analyst_id":"analyst-7","settlement_method":"MONTHLY","usual_purchase":{"currency_code":"CNY","amount":"%[5]d.00"},`+
		`"contacts":[{"purpose":"PAYMENTS","name":"Accounts Payable","phone":"+86 21 5555 %04[2]d","email":"payables-%[1]s@example.com"}],`+
		`"addresses":[{"purpose":"REGISTERED","country_code":"CN","region":"310000","postal_code":"200000","lines":"Example Road %[2]d, Floor 3"},`+
		`{"purpose":"DELIVERY","country_code":"CN","region":"310000","postal_code":"200000","lines":"Warehouse %[2]d, Gate 2"}],"life_cycle":"ACTIVE","grade":"%[6]s","revision":3}`,
		id, i, unit, sales, 1000+m.rnd.IntN(200_000), grade)
	grant, version := "", 0
	if m.chance(withGrant) {
		version = 1
		grant = fmt.Sprintf(`,"grant":{"customer_id":"%s","version":1,"origin":"APPLICATION","treatment":"CREDIT","limit":{"amount":{"currency_code":"CNY","amount":"%d.00"}},`+
			`"term_days":30,"grace_days":5,"valid_from_date":"2025-06-01","valid_until_date":"2026-05-31","application_id":"app-%d","serial_number":"CA-%07d",`+
			`"approved_by":"manager","reason":"approved by form","rating_id":"%s.1","grade":"A"},"grant_hash":"%064d"`, id, 10_000+m.rnd.IntN(500_000), i, i, id, i)
	}
	profile := fmt.Sprintf(`{"customer_id":"%s","sequence":2,"display_name":"Example Trading %s Co., Ltd","currency_code":"CNY","salesperson_id":"%s","unit_id":"%s","life_cycle":"ACTIVE","grade":"%s","settlement_method":"MONTHLY"%s}`,
		id, id, sales, unit, grade, grant)
	add(id, "Example Trading "+id+" Co., Ltd", sales, group, group, "310000", "5173", "ACTIVE", grade, fmt.Sprintf("91310000%010dX", i), id,
		at, []byte(file), []byte(profile), int64(1), int64(version), ratedOn.AddDays(-m.rnd.IntN(180)))
}

// lineNames are what a full balance sheet says beside its totals.
var lineNames = []string{ //nolint:gochecknoglobals // a constant
	"monetary_funds", "notes_receivable", "accounts_receivable", "prepayments", "other_receivables", "inventories", "other_current_assets",
	"fixed_assets", "construction_in_progress", "intangible_assets", "long_term_deferred_expenses", "short_term_borrowings", "notes_payable", "accounts_payable",
	"contract_liabilities", "payroll_payable", "taxes_payable", "other_payables", "long_term_borrowings", "deferred_income", "paid_in_capital", "surplus_reserve",
}

func (m *maker) statement(year int) string {
	m.statements++
	assets := 1_000_000 + m.rnd.IntN(90_000_000)
	amount := func(n int) string {
		return fmt.Sprintf(`{"currency_code":"CNY","amount":"%d.%02d"}`, n, m.rnd.IntN(100))
	}
	debts := assets / 100 * (20 + m.rnd.IntN(75))
	text := fmt.Sprintf(`{"financial_statement":{"period_start_date":"%[1]d-01-01","period_end_date":"%[1]d-12-31","audited":%[2]t,"total_assets":%[3]s,"total_liabilities":%[4]s,`+
		`"current_assets":%[5]s,"current_liabilities":%[6]s,"revenue":%[7]s,"operating_profit":%[8]s,"net_profit":%[9]s,"operating_cash_flow":%[10]s`,
		year, m.chance(50), amount(assets), amount(debts), amount(assets/2), amount(debts/2), amount(assets/2*3), amount(assets/20), amount(assets/100*(m.rnd.IntN(12)-2)), amount(assets/25))
	if m.chance(withLines) {
		text += `,"balance_sheet":{`
		for i, name := range lineNames {
			if i > 0 {
				text += ","
			}
			text += `"` + name + `":` + amount(assets/100)
		}
		text += "}"
	}
	return text + "}}"
}

func (m *maker) factsOf(i int, at time.Time, add func(...any)) {
	id, seq := m.id(i), 0
	fact := func(content, asOf string, verify bool) {
		seq++
		m.facts++
		name := fmt.Sprintf("F-%d-%d", i, seq)
		body := fmt.Sprintf(`{"fact_id":"%s","customer_id":"%s","sequence":%d,"content":%s,"source":"annual report filed with the registry","as_of_date":"%s","attachment_sha256":"%064d","recorded_by":"analyst-7","record_date":"2025-06-01"}`,
			name, id, seq, content, asOf, i)
		m.factBytes += len(body)
		add(id, name, int64(seq), calendar.MustDate("2025-06-01"), []byte(body), at)
		if verify {
			m.verified = append(m.verified, []any{id, name, "clerk-3", calendar.MustDate("2025-06-02"), at})
		}
	}
	if m.chance(withStatement) {
		if m.chance(withSecond) {
			fact(m.statement(2023), "2023-12-31", true)
		}
		fact(m.statement(2024), "2024-12-31", m.chance(90))
	}
	if m.chance(withRating) {
		fact(`{"external_rating":{"agency":"Example Bureau","rating":"AA"}}`, "2025-03-01", false)
	}
	if m.chance(withReference) {
		fact(`{"trade_reference":{"referee":"Example Supplier","pays_as_agreed":true,"highest_credit":{"currency_code":"CNY","amount":"50000.00"},"average_days_late":3}}`, "2025-03-01", true)
	}
	if m.chance(withSuit) {
		fact(fmt.Sprintf(`{"litigation":{"plaintiff":"Example Bank","amount":{"currency_code":"CNY","amount":"120000.00"},"filing_date":"2025-02-01","open":%t,"case_number":"(2025) 12"}}`, m.chance(40)), "2025-02-10", true)
	}
	if m.chance(withVenture) {
		fact(`{"risky_venture":{"description":"a mine abroad","share_of_assets":"0.25"}}`, "2025-01-10", true)
	}
}

func (m *maker) record(i int, records *int, add func(...any)) {
	asked, start := time.Date(2026, 3, 2, 1, 0, 0, 0, time.UTC), ratedOn.AddMonths(-12, 0).AddDays(1)
	if !m.chance(withRecord) {
		zero := int64(0)
		add(m.id(i), ratedOn, start, asked, "CNY", zero, zero, zero, zero, zero, "0", zero, int32(0), int32(0), zero, nil, zero, []int64{})
		return
	}
	*records++
	invoices := make([]int64, m.rnd.IntN(25))
	for k := range invoices {
		invoices[k] = 100_000 + m.rnd.Int64N(20_000_000)
	}
	slices.Sort(invoices)
	due := int64(1_000_000 + m.rnd.IntN(900_000_000))
	collected := due
	if m.chance(40) {
		collected = due / 100 * int64(60+m.rnd.IntN(41))
	}
	late := "0"
	if m.chance(50) {
		late = fmt.Sprint(due * int64(m.rnd.IntN(40)))
	}
	add(m.id(i), ratedOn, start, asked, "CNY", due, collected, collected, int64(3+m.rnd.IntN(200)), int64(2), late, due, int32(m.rnd.IntN(60)), int32(m.rnd.IntN(20)), //nolint:gosec // small
		int64(m.rnd.IntN(12)/10), calendar.MustDate("2021-04-05"), due-collected, invoices)
}
