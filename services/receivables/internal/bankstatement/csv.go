package bankstatement

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// Mapping says which columns of a bank's CSV file are what. Columns are named as in the file's header; an empty name is a
// column that the file lacks.
type Mapping struct {
	// Encoding is "utf-8" (the default) or "gbk".
	Encoding string `json:"encoding,omitempty"`
	// Delimiter between fields; empty: a comma.
	Delimiter string `json:"delimiter,omitempty"`
	// SkipLines above the header: banks put a letterhead there.
	SkipLines int `json:"skip_lines,omitempty"`
	// DateFormat as Go and many programs write it with 2006 01 02, for example "2006/1/2"; empty: 2006-01-02.
	DateFormat string `json:"date_format,omitempty"`
	// DecimalComma says that 1.234,56 is a number; else it is 1,234.56.
	DecimalComma bool   `json:"decimal_comma,omitempty"`
	BookingDate  string `json:"booking_date"`
	ValueDate    string `json:"value_date,omitempty"`
	// Amount is one column with a sign, or with Side beside it; else Credit and Debit are a column each.
	Amount string `json:"amount,omitempty"`
	Credit string `json:"credit,omitempty"`
	Debit  string `json:"debit,omitempty"`
	// Side is the column that says whether money came in; SideIn are its words for that.
	Side   string   `json:"side,omitempty"`
	SideIn []string `json:"side_in,omitempty"`
	// Currency is a column to be held against the account's.
	Currency      string `json:"currency,omitempty"`
	BankReference string `json:"bank_reference,omitempty"`
	EndToEnd      string `json:"end_to_end,omitempty"`
	PartyName     string `json:"party_name,omitempty"`
	PartyAccount  string `json:"party_account,omitempty"`
	PartyBank     string `json:"party_bank,omitempty"`
	// Texts are the columns that together are the line's text.
	Texts []string `json:"texts,omitempty"`
}

const maxSkipped = 100

// Check holds a mapping to what can be read. at is its path. Its errors have kind Invalid and name the field.
func (m Mapping) Check(at string) error {
	switch {
	case m.Encoding != "" && m.Encoding != "utf-8" && m.Encoding != "gbk":
		return errs.Field(at+".encoding", "in", "%.20q is neither utf-8 nor gbk", m.Encoding)
	case utf8.RuneCountInString(m.Delimiter) > 1 || m.Delimiter == "\"" || m.Delimiter == "\n" || m.Delimiter == "\r":
		return errs.Field(at+".delimiter", "delimiter", "a delimiter is one character")
	case m.SkipLines < 0 || m.SkipLines > maxSkipped:
		return errs.Field(at+".skip_lines", "range", "%d is outside 0 to %d", m.SkipLines, maxSkipped)
	case m.BookingDate == "":
		return errs.Field(at+".booking_date_column", "required", "name the column of the booking date")
	case m.Amount == "" && (m.Credit == "" || m.Debit == ""):
		return errs.Field(at+".amount_column", "required", "name the column of the amount, or those of credit and debit")
	case m.Amount != "" && (m.Credit != "" || m.Debit != ""):
		return errs.Field(at+".amount_column", "either", "name the column of the amount, or those of credit and debit, not both")
	case m.Side != "" && (m.Amount == "" || len(m.SideIn) == 0):
		return errs.Field(at+".side_column", "side_in", "a column that says where money went belongs to an amount, and needs its words for money that came in")
	}
	if probe := time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC); m.DateFormat != "" {
		back, err := time.Parse(m.DateFormat, probe.Format(m.DateFormat))
		if err != nil || !back.Equal(probe) {
			return errs.Field(at+".date_format", "date_format", "%.40q does not hold a day; write it as 2006-01-02 would be", m.DateFormat)
		}
	}
	return nil
}

// ParseCSV reads a bank's CSV file of an account in a currency. Rows without an amount are left out and counted: banks end
// files with sums. Errors: Invalid BANK_STATEMENT_INVALID, which says where.
func ParseCSV(content []byte, m Mapping, currency string) (Statement, error) {
	out := Statement{Currency: currency}
	text, err := m.decode(content)
	if err != nil {
		return out, err
	}
	text, skipped, err := m.skip(text)
	if err != nil {
		return out, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.FieldsPerRecord, r.LazyQuotes, r.TrimLeadingSpace = -1, true, true
	if m.Delimiter != "" {
		r.Comma, _ = utf8.DecodeRuneInString(m.Delimiter)
	}
	header, err := r.Read()
	if err != nil {
		return out, invalid("header", "%v", err)
	}
	rows := csvRows{mapping: m, currency: currency, place: map[string]int{}}
	if err := rows.columns(header); err != nil {
		return out, err
	}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		line, _ := r.FieldPos(0)
		at := fmt.Sprintf("line %d", line+skipped)
		if err != nil {
			return out, invalid(at, "%v", err)
		}
		l, ok, err := rows.line(at, record)
		if err != nil {
			return out, err
		}
		if !ok {
			out.Skipped++
			continue
		}
		if out.Lines = append(out.Lines, l.bound()); len(out.Lines) > MaxLines {
			return out, invalid("file", "it has more than %d lines", MaxLines)
		}
	}
}

func (m Mapping) decode(content []byte) ([]byte, error) {
	if len(content) > MaxBytes {
		return nil, invalid("file", "it has more than %d bytes", MaxBytes)
	}
	if m.Encoding == "gbk" {
		text, err := simplifiedchinese.GB18030.NewDecoder().Bytes(content)
		if err != nil {
			return nil, invalid("file", "it is not GBK: %v", err)
		}
		return text, nil
	}
	content = bytes.TrimPrefix(content, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(content) {
		return nil, invalid("file", "it is not UTF-8; name its encoding in the mapping")
	}
	return content, nil
}

func (m Mapping) skip(text []byte) ([]byte, int, error) {
	for n := range m.SkipLines {
		_, rest, found := bytes.Cut(text, []byte("\n"))
		if !found {
			return nil, 0, invalid("file", "it has %d lines, none below the %d to be skipped", n+1, m.SkipLines)
		}
		text = rest
	}
	return text, m.SkipLines, nil
}

type csvRows struct {
	mapping  Mapping
	currency string
	place    map[string]int
}

// columns finds those that the mapping names.
func (c *csvRows) columns(header []string) error {
	for i, name := range header {
		name = tidy(name, maxName)
		if _, twice := c.place[name]; twice {
			c.place[name] = -1
			continue
		}
		c.place[name] = i
	}
	m := c.mapping
	for _, name := range append([]string{
		m.BookingDate, m.ValueDate, m.Amount, m.Credit, m.Debit, m.Side, m.Currency, m.BankReference, m.EndToEnd,
		m.PartyName, m.PartyAccount, m.PartyBank,
	}, m.Texts...) {
		if name == "" {
			continue
		}
		switch at, ok := c.place[tidy(name, maxName)]; {
		case !ok:
			return invalid("header", "there is no column %.60q; there are %.400s", name, strings.Join(header, ", "))
		case at < 0:
			return invalid("header", "the column %.60q stands twice", name)
		}
	}
	return nil
}

func (c *csvRows) get(record []string, column string) string {
	at, ok := c.place[tidy(column, maxName)]
	if column == "" || !ok || at >= len(record) {
		return ""
	}
	return strings.Trim(strings.TrimSpace(record[at]), "\t\u00a0") // banks add tabs so that spreadsheets keep digits
}

func (c *csvRows) line(at string, record []string) (l Line, ok bool, err error) {
	m := c.mapping
	if l.Amount, ok, err = c.amount(at, record); err != nil || !ok {
		return l, false, err
	}
	if l.BookingDate, err = c.date(at, m.BookingDate, record); err != nil {
		return l, false, err
	}
	if l.BookingDate.IsZero() {
		return l, false, invalid(at, "the column %.60q has no date", m.BookingDate)
	}
	if l.ValueDate, err = c.date(at, m.ValueDate, record); err != nil {
		return l, false, err
	}
	if l.ValueDate.IsZero() {
		l.ValueDate = l.BookingDate
	}
	if currency := c.get(record, m.Currency); currency != "" && !c.sameCurrency(currency) {
		return l, false, invalid(at, "it is in %.20q, the account in %s", currency, c.currency)
	}
	l.Place, l.BankReference, l.EndToEnd = at, c.get(record, m.BankReference), c.get(record, m.EndToEnd)
	l.PartyName, l.PartyAccount, l.PartyBank = c.get(record, m.PartyName), c.get(record, m.PartyAccount), c.get(record, m.PartyBank)
	var texts []string
	for _, column := range m.Texts {
		texts = append(texts, c.get(record, column))
	}
	l.Text = strings.Join(texts, " ")
	return l, true, nil
}

// sameCurrency knows how Chinese banks write their own.
func (c *csvRows) sameCurrency(s string) bool {
	return strings.EqualFold(s, c.currency) || c.currency == "CNY" && slices.Contains([]string{"人民币", "RMB", "人民币元", "156"}, strings.ToUpper(s))
}

func (c *csvRows) date(at, column string, record []string) (calendar.Date, error) {
	s := c.get(record, column)
	if s == "" {
		return calendar.Date{}, nil
	}
	format := c.mapping.DateFormat
	if format == "" {
		format = time.DateOnly
	}
	day, err := time.Parse(format, s)
	if err != nil || day.Year() < 1900 || day.Year() > 9999 {
		return calendar.Date{}, invalid(at, "%.40q is not a date like %s", s, format)
	}
	return calendar.New(day.Year(), day.Month(), day.Day()), nil
}

// amount is what came in (positive) or went out; ok is false where the row has none.
func (c *csvRows) amount(at string, record []string) (_ money.Money, ok bool, err error) {
	m := c.mapping
	if m.Amount != "" {
		amount, ok, err := c.number(at, m.Amount, record)
		if err != nil || !ok || m.Side == "" {
			return amount, ok && !amount.IsZero(), err
		}
		amount = amount.Abs()
		if !slices.Contains(m.SideIn, c.get(record, m.Side)) {
			amount = amount.Neg()
		}
		return amount, !amount.IsZero(), nil
	}
	in, _, err := c.number(at, m.Credit, record)
	if err != nil {
		return in, false, err
	}
	out, _, err := c.number(at, m.Debit, record)
	if err != nil {
		return out, false, err
	}
	if !in.IsZero() && !out.IsZero() {
		return in, false, invalid(at, "it has a credit and a debit")
	}
	if in.IsZero() {
		return out.Abs().Neg(), !out.IsZero(), nil
	}
	return in, true, nil
}

func (c *csvRows) number(at, column string, record []string) (money.Money, bool, error) {
	s := c.get(record, column)
	zero := money.Zero(c.currency)
	if s == "" || s == "-" {
		return zero, false, nil
	}
	plain := strings.NewReplacer(",", "", " ", "", "\u00a0", "", "¥", "", "￥", "", "'", "").Replace(s)
	if c.mapping.DecimalComma {
		plain = strings.NewReplacer(".", "", " ", "", "\u00a0", "", "'", "", ",", ".").Replace(s)
	}
	plain = strings.TrimPrefix(plain, "+")
	amount, err := money.Parse(c.currency, plainDecimal(plain, c.currency))
	if err != nil {
		return zero, false, invalid(at, "%.40q in the column %.60q is no amount in %s", s, column, c.currency)
	}
	return amount, true, nil
}
