package bankstatement

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// camtSpace begins the namespace of every version of the message.
const camtSpace = "urn:iso:std:iso:20022:tech:xsd:camt.053.001."

// maxDepth bounds how deep elements may lie in each other.
const maxDepth = 64

// ParseCAMT reads an ISO 20022 bank-to-customer statement (camt.053), of any version of the namespace. Pending entries and
// those that move nothing are left out and counted. An entry that the bank booked as a batch gives a line for each of its
// transactions where their amounts add up to it, else one line. Errors: Invalid BANK_STATEMENT_INVALID, which says where.
func ParseCAMT(content []byte) ([]Statement, error) {
	if len(content) > MaxBytes {
		return nil, invalid("file", "it has more than %d bytes", MaxBytes)
	}
	if err := checkXML(content); err != nil {
		return nil, err
	}
	var doc camtDocument
	d := xml.NewDecoder(bytes.NewReader(content))
	d.CharsetReader = charset
	if err := d.Decode(&doc); err != nil {
		return nil, invalid("file", "%v", err)
	}
	if len(doc.Statements) == 0 {
		return nil, invalid("file", "it has no statement (BkToCstmrStmt/Stmt)")
	}
	var out []Statement
	total := 0
	for i, s := range doc.Statements {
		statement, err := s.statement(fmt.Sprintf("statement %d", i+1))
		if err != nil {
			return nil, err
		}
		if total += len(statement.Lines); total > MaxLines {
			return nil, invalid("file", "it has more than %d lines", MaxLines)
		}
		out = append(out, statement)
	}
	return out, nil
}

// checkXML walks the file once: it is well formed, names the message, declares no entities and is not too deep.
func checkXML(content []byte) error {
	d := xml.NewDecoder(bytes.NewReader(content))
	d.CharsetReader = charset
	depth, first := 0, true
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return invalid("file", "%v", err)
		}
		switch t := token.(type) {
		case xml.Directive:
			return invalid("file", "it has a DOCTYPE, which no bank statement needs")
		case xml.StartElement:
			if first && (t.Name.Local != "Document" || !strings.HasPrefix(t.Name.Space, camtSpace)) {
				return invalid("file", "it is no camt.053 message but {%.80s}%.40s", t.Name.Space, t.Name.Local)
			}
			if depth++; depth > maxDepth {
				return invalid("file", "its elements lie more than %d deep", maxDepth)
			}
			first = false
		case xml.EndElement:
			depth--
		}
	}
	if first {
		return invalid("file", "it is empty")
	}
	return nil
}

// charset: the message is always UTF-8; what says otherwise but is plain ASCII is read as it is.
func charset(label string, input io.Reader) (io.Reader, error) {
	switch strings.ToLower(label) {
	case "utf-8", "utf8", "us-ascii", "ascii":
		return input, nil
	default:
		return nil, fmt.Errorf("a camt.053 message is UTF-8, not %.20s", label)
	}
}

type camtDocument struct {
	Statements []camtStatement `xml:"BkToCstmrStmt>Stmt"`
}

type camtStatement struct {
	ID       string        `xml:"Id"`
	Sequence string        `xml:"ElctrncSeqNb"`
	Account  camtAccount   `xml:"Acct"`
	Balances []camtBalance `xml:"Bal"`
	Entries  []camtEntry   `xml:"Ntry"`
}

type camtAccount struct {
	IBAN     string `xml:"Id>IBAN"`
	Other    string `xml:"Id>Othr>Id"`
	Currency string `xml:"Ccy"`
}

func (a camtAccount) number() string {
	if a.IBAN != "" {
		return Number(strings.TrimSpace(a.IBAN))
	}
	return Number(strings.TrimSpace(a.Other))
}

type camtBalance struct {
	Code   string     `xml:"Tp>CdOrPrtry>Cd"`
	Amount camtAmount `xml:"Amt"`
	Side   string     `xml:"CdtDbtInd"`
}

type camtAmount struct {
	Currency string `xml:"Ccy,attr"`
	Value    string `xml:",chardata"`
}

type camtDate struct {
	Date     string `xml:"Dt"`
	DateTime string `xml:"DtTm"`
}

type camtEntry struct {
	Reference string     `xml:"NtryRef"`
	Amount    camtAmount `xml:"Amt"`
	Side      string     `xml:"CdtDbtInd"`
	Reversal  string     `xml:"RvslInd"`
	Status    camtStatus `xml:"Sts"`
	Booked    camtDate   `xml:"BookgDt"`
	Value     camtDate   `xml:"ValDt"`
	BankRef   string     `xml:"AcctSvcrRef"`
	Details   []struct {
		Transactions []camtTransaction `xml:"TxDtls"`
	} `xml:"NtryDtls"`
	Info string `xml:"AddtlNtryInf"`
}

// camtStatus is text in old versions and a code in an element of its own in newer ones.
type camtStatus struct {
	Text string `xml:",chardata"`
	Code string `xml:"Cd"`
}

func (s camtStatus) booked() bool {
	code := strings.TrimSpace(s.Code)
	if code == "" {
		code = strings.TrimSpace(s.Text)
	}
	return code == "BOOK" || code == ""
}

type camtTransaction struct {
	Refs struct {
		BankRef     string `xml:"AcctSvcrRef"`
		EndToEnd    string `xml:"EndToEndId"`
		Transaction string `xml:"TxId"`
		Instruction string `xml:"InstrId"`
	} `xml:"Refs"`
	Amount  *camtAmount `xml:"Amt"`
	Side    string      `xml:"CdtDbtInd"`
	Details struct {
		Transaction *camtAmount `xml:"TxAmt>Amt"`
	} `xml:"AmtDtls"`
	Parties struct {
		Debtor       camtParty   `xml:"Dbtr"`
		DebtorAcct   camtAccount `xml:"DbtrAcct"`
		Ultimate     camtParty   `xml:"UltmtDbtr"`
		Creditor     camtParty   `xml:"Cdtr"`
		CreditorAcct camtAccount `xml:"CdtrAcct"`
	} `xml:"RltdPties"`
	Agents struct {
		Debtor   camtAgent `xml:"DbtrAgt>FinInstnId"`
		Creditor camtAgent `xml:"CdtrAgt>FinInstnId"`
	} `xml:"RltdAgts"`
	Remittance struct {
		Texts      []string `xml:"Ustrd"`
		Structured []struct {
			Documents []string `xml:"RfrdDocInf>Nb"`
			Reference string   `xml:"CdtrRefInf>Ref"`
			More      []string `xml:"AddtlRmtInf"`
		} `xml:"Strd"`
	} `xml:"RmtInf"`
	Info string `xml:"AddtlTxInf"`
}

// camtParty has its name directly in old versions and one deeper in newer ones.
type camtParty struct {
	Name   string `xml:"Nm"`
	Deeper string `xml:"Pty>Nm"`
}

func (p camtParty) name() string {
	if p.Name != "" {
		return p.Name
	}
	return p.Deeper
}

type camtAgent struct {
	Name   string `xml:"Nm"`
	BIC    string `xml:"BIC"`
	NewBIC string `xml:"BICFI"`
}

func (a camtAgent) name() string {
	for _, s := range []string{a.Name, a.BIC, a.NewBIC} {
		if s != "" {
			return s
		}
	}
	return ""
}

func (s camtStatement) statement(place string) (Statement, error) {
	out := Statement{Number: tidy(s.ID, maxName), Account: s.Account.number(), Currency: strings.TrimSpace(s.Account.Currency)}
	if out.Account == "" {
		return out, invalid(place, "it names no account (Acct/Id)")
	}
	for i, e := range s.Entries {
		at := fmt.Sprintf("%s, entry %d", place, i+1)
		if out.Currency == "" {
			out.Currency = e.Amount.Currency
		}
		lines, err := e.lines(at, out.Currency)
		if err != nil {
			return out, err
		}
		if len(lines) == 0 {
			out.Skipped++
		}
		out.Lines = append(out.Lines, lines...)
	}
	for _, b := range s.Balances {
		amount, err := b.Amount.money(place+", balance "+b.Code, out.Currency, b.Side)
		if err != nil {
			return out, err
		}
		switch b.Code {
		case "OPBD", "PRCD":
			out.Opening = &amount
		case "CLBD":
			out.Closing = &amount
		}
	}
	return out, nil
}

// money reads an amount in the account's currency, with the sign of its side.
func (a camtAmount) money(at, currency, side string) (money.Money, error) {
	if a.Currency != currency {
		return money.Money{}, invalid(at, "the amount is in %.3q, the account in %.3q", a.Currency, currency)
	}
	m, err := money.Parse(currency, plainDecimal(strings.TrimSpace(a.Value), currency))
	if err != nil || m.IsNegative() {
		return m, invalid(at, "%.40q is no amount in %s", a.Value, currency)
	}
	switch strings.TrimSpace(side) {
	case "CRDT":
		return m, nil
	case "DBIT":
		return m.Neg(), nil
	default:
		return m, invalid(at, "%.10q is neither CRDT nor DBIT", side)
	}
}

// plainDecimal takes zeros away that go beyond the currency's digits: banks write 12.50000.
func plainDecimal(s, currency string) string {
	whole, fraction, ok := strings.Cut(s, ".")
	digits, known := money.Digits(currency)
	if !ok || !known || len(fraction) <= digits || strings.Trim(fraction[digits:], "0") != "" {
		return s
	}
	if digits == 0 {
		return whole
	}
	return whole + "." + fraction[:digits]
}

func (d camtDate) date(at string) (calendar.Date, error) {
	s := strings.TrimSpace(d.Date)
	if s == "" {
		s = strings.TrimSpace(d.DateTime) // the bank's own day: its time is in its own zone
	}
	const day = len("2006-01-02")
	if len(s) > day && (s[day] == 'T' || s[day] == 'Z' || s[day] == '+') {
		s = s[:day]
	}
	if s == "" {
		return calendar.Date{}, nil
	}
	date, err := calendar.ParseDate(s)
	if err != nil {
		return date, invalid(at, "%.40q is not a date", s)
	}
	return date, nil
}

func (e camtEntry) lines(at, currency string) ([]Line, error) {
	amount, err := e.Amount.money(at, currency, e.Side)
	if err != nil || amount.IsZero() || !e.Status.booked() {
		return nil, err
	}
	whole := Line{Amount: amount, BankReference: e.BankRef, Text: e.Info, Reversal: strings.TrimSpace(e.Reversal) == "true", Place: at}
	if whole.BankReference == "" {
		whole.BankReference = e.Reference
	}
	if whole.BookingDate, err = e.Booked.date(at); err != nil {
		return nil, err
	}
	if whole.ValueDate, err = e.Value.date(at); err != nil {
		return nil, err
	}
	if whole.BookingDate.IsZero() {
		whole.BookingDate = whole.ValueDate
	}
	if whole.BookingDate.IsZero() {
		return nil, invalid(at, "it has neither a booking date nor a value date")
	}
	if whole.ValueDate.IsZero() {
		whole.ValueDate = whole.BookingDate
	}
	return e.split(whole), nil
}

// split gives a line for each transaction of a batch whose amounts add up; else one line with what is known of them.
func (e camtEntry) split(whole Line) []Line {
	var transactions []camtTransaction
	for _, d := range e.Details {
		transactions = append(transactions, d.Transactions...)
	}
	if len(transactions) == 0 {
		return []Line{whole.bound()}
	}
	if len(transactions) == 1 {
		return []Line{transactions[0].line(whole, whole.Amount)}
	}
	lines := make([]Line, 0, len(transactions))
	sum := money.Zero(whole.Amount.Currency)
	for i, t := range transactions {
		amount, ok := t.amount(whole.Amount)
		if !ok {
			return []Line{whole.bound()}
		}
		l := t.line(whole, amount)
		l.Batch, l.Place = len(transactions), fmt.Sprintf("%s, transaction %d", whole.Place, i+1)
		if t.Refs.BankRef == "" {
			l.BankReference = strings.TrimSpace(whole.BankReference + "/" + t.Refs.EndToEnd)
			if t.Refs.EndToEnd == "" || t.Refs.EndToEnd == notProvided {
				l.BankReference = "" // a number that all of them share names none of them
			}
		}
		sum = sum.Add(amount)
		lines = append(lines, l.bound())
	}
	if sum != whole.Amount {
		return []Line{whole.bound()}
	}
	return lines
}

// amount of a transaction, with the sign of its side or the entry's; ok is false where it has none in the account's currency.
func (t camtTransaction) amount(entry money.Money) (money.Money, bool) {
	a := t.Amount
	if a == nil {
		a = t.Details.Transaction
	}
	if a == nil {
		return money.Money{}, false
	}
	side := t.Side
	if side == "" {
		side = "CRDT"
		if entry.IsNegative() {
			side = "DBIT"
		}
	}
	m, err := a.money("", entry.Currency, side)
	return m, err == nil
}

// notProvided is what stands where a payer gave no number.
const notProvided = "NOTPROVIDED"

func (t camtTransaction) line(whole Line, amount money.Money) Line {
	l := whole
	l.Amount = amount
	if t.Refs.BankRef != "" {
		l.BankReference = t.Refs.BankRef
	}
	if t.Refs.EndToEnd != notProvided {
		l.EndToEnd = t.Refs.EndToEnd
	}
	party, account, agent := t.Parties.Debtor, t.Parties.DebtorAcct, t.Agents.Debtor
	if amount.IsNegative() {
		party, account, agent = t.Parties.Creditor, t.Parties.CreditorAcct, t.Agents.Creditor
	}
	l.PartyName, l.PartyAccount, l.PartyBank = party.name(), account.number(), agent.name()
	texts := append([]string(nil), t.Remittance.Texts...)
	for _, s := range t.Remittance.Structured {
		texts = append(texts, s.Documents...)
		texts = append(append(texts, s.Reference), s.More...)
	}
	if !amount.IsNegative() {
		texts = append(texts, t.Parties.Ultimate.name())
	}
	l.Text = strings.Join(append(texts, t.Info, whole.Text), " ")
	return l.bound()
}
