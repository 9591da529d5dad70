package bankstatement_test

import (
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/receivables/internal/bankstatement"
)

func camt(t testing.TB) string {
	t.Helper()
	text, err := os.ReadFile("testdata/camt053-v02.xml")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCAMT(t *testing.T) {
	t.Parallel()
	statements, err := bankstatement.ParseCAMT([]byte(camt(t)))
	if err != nil || len(statements) != 1 {
		t.Fatalf("%d statements, %v", len(statements), err)
	}
	s := statements[0]
	if s.Account != "DE89370400440532013000" || s.Currency != "EUR" || s.Number != "ST-2026-061" || s.Skipped != 1 || len(s.Lines) != 4 {
		t.Fatalf("statement %+v", s)
	}
	if ok, known, diff := s.Balanced(); !ok || !known {
		t.Errorf("balances differ by %s", diff)
	}
	one := s.Lines[0]
	if one.Amount.String() != "1190.00" || one.BookingDate.String() != "2026-03-02" || one.ValueDate.String() != "2026-03-03" ||
		one.BankReference != "B-77" || one.EndToEnd != "" || one.PartyName != "Buyer One GmbH" || one.PartyAccount != "DE02120300000000202051" ||
		one.PartyBank != "BYLADEM1001" || one.Text != "Invoice 4711 of 1 March TRANSFER" || one.Batch != 0 {
		t.Errorf("line 1 %+v", one)
	}
	batch := s.Lines[1]
	if batch.Amount.String() != "100.25" || batch.Batch != 2 || batch.EndToEnd != "E-1" || batch.BookingDate.String() != "2026-03-02" ||
		batch.Text != "R-2001 RF18539007547034" || batch.PartyName != "Buyer Two" || s.Lines[2].Amount.String() != "200.25" {
		t.Errorf("batch %+v", batch)
	}
	if back := s.Lines[3]; back.Amount.String() != "-10.00" || !back.Reversal || back.Text != "RETURNED" {
		t.Errorf("reversal %+v", back)
	}
}

// Newer versions put names and states one element deeper; everything else is the same.
func TestCAMTVersions(t *testing.T) {
	t.Parallel()
	old, err := bankstatement.ParseCAMT([]byte(camt(t)))
	if err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"04", "08", "13"} {
		text := strings.NewReplacer("camt.053.001.02", "camt.053.001."+version, "<Sts>BOOK</Sts>", "<Sts><Cd>BOOK</Cd></Sts>",
			"<Sts>PDNG</Sts>", "<Sts><Cd>PDNG</Cd></Sts>", "<Dbtr><Nm>Buyer One GmbH</Nm></Dbtr>", "<Dbtr><Pty><Nm>Buyer One GmbH</Nm></Pty></Dbtr>",
			"<AmtDtls><TxAmt>", "", "</TxAmt></AmtDtls>", "<CdtDbtInd>CRDT</CdtDbtInd>", "<BIC>BYLADEM1001</BIC>", "<BICFI>BYLADEM1001</BICFI>").Replace(camt(t))
		got, err := bankstatement.ParseCAMT([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", version, err)
		}
		if !reflect.DeepEqual(got, old) {
			t.Errorf("%s: %+v\nwant %+v", version, got, old)
		}
	}
	// A prefix for the namespace means the same.
	prefixed := strings.NewReplacer("<Document xmlns=", "<n:Document xmlns:n=", "</Document>", "</n:Document>").Replace(camt(t))
	if _, err := bankstatement.ParseCAMT([]byte(prefixed)); err != nil {
		t.Errorf("prefixed root: %v", err)
	}
}

func TestBatchThatDoesNotAddUpIsOneLine(t *testing.T) {
	t.Parallel()
	text := strings.Replace(camt(t), ">200.25<", ">200.00<", 1)
	s, err := bankstatement.ParseCAMT([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if l := s[0].Lines; len(l) != 3 || l[1].Amount.String() != "300.50" || l[1].Batch != 0 {
		t.Errorf("lines %+v", l)
	}
}

func TestCAMTRefused(t *testing.T) {
	t.Parallel()
	good := camt(t)
	for name, c := range map[string]struct{ text, place string }{
		"empty":                {"", "file"},
		"not XML":              {"Datum;Betrag\n", "file"},
		"cut off":              {good[:len(good)/2], "file"},
		"another message":      {strings.Replace(good, "camt.053", "camt.052", 1), "file"},
		"no namespace":         {strings.Replace(good, ` xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"`, "", 1), "file"},
		"entities":             {strings.Replace(good, "<Document", "<!DOCTYPE a [<!ENTITY b \"b\">]><Document", 1), "file"},
		"unknown entity":       {strings.Replace(good, "TRANSFER", "&nbsp;", 1), "file"},
		"another encoding":     {strings.Replace(good, "UTF-8", "ISO-8859-1", 1), "file"},
		"too deep":             {strings.Replace(good, "<Id>ST-2026-061</Id>", strings.Repeat("<a>", 100)+strings.Repeat("</a>", 100), 1), "file"},
		"no account":           {strings.Replace(good, "<IBAN>DE89 3704 0044 0532 0130 00</IBAN>", "", 1), "statement 1"},
		"not an amount":        {strings.Replace(good, ">1190.00<", ">1,190.00<", 1), "statement 1, entry 1"},
		"too precise":          {strings.Replace(good, ">1190.00<", ">1190.001<", 1), "statement 1, entry 1"},
		"negative":             {strings.Replace(good, ">1190.00<", ">-1190.00<", 1), "statement 1, entry 1"},
		"another currency":     {strings.Replace(good, `Ccy="EUR">1190.00`, `Ccy="USD">1190.00`, 1), "statement 1, entry 1"},
		"no side":              {strings.Replace(good, "<Amt Ccy=\"EUR\">1190.00</Amt><CdtDbtInd>CRDT</CdtDbtInd>", "<Amt Ccy=\"EUR\">1190.00</Amt>", 1), "statement 1, entry 1"},
		"not a date":           {strings.Replace(good, "<Dt>2026-03-03</Dt>", "<Dt>2026-02-30</Dt>", 1), "statement 1, entry 1"},
		"no date":              {strings.Replace(good, "<BookgDt><DtTm>2026-03-02T23:30:00+01:00</DtTm></BookgDt>", "", 1), "statement 1, entry 2"},
		"no statement":         {`<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"><BkToCstmrStmt/></Document>`, "file"},
		"larger than any such": {strings.Repeat(" ", bankstatement.MaxBytes+1), "file"},
	} {
		_, err := bankstatement.ParseCAMT([]byte(c.text))
		e, ok := errs.As(err)
		if !ok || e.Reason != bankstatement.ReasonInvalid || e.Meta["place"] != c.place {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Three banks: a Chinese one (GBK, a letterhead, columns for credit and debit, tabs that keep digits), a German one
// (semicolons, a decimal comma, a sign), one with words for the side.
func TestCSV(t *testing.T) {
	t.Parallel()
	chinese := "账户明细查询\n账号：6222 0200 0000 0001\n交易日期,借方发生额,贷方发生额,币种,交易流水号,对方户名,对方账号,摘要,附言\n" +
		"20260302,,\"12,345.60\",人民币,9001\t,上海远航贸易有限公司,\t310066661018800012345,货款,发票 INV-0001\n" +
		"20260302,500.00,,人民币,9002,电力公司,31006,电费,\n合计,500.00,\n"
	gbk, err := simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(chinese))
	if err != nil {
		t.Fatal(err)
	}
	mapping := bankstatement.Mapping{
		Encoding: "gbk", SkipLines: 2, DateFormat: "20060102", BookingDate: "交易日期", Debit: "借方发生额", Credit: "贷方发生额", Currency: "币种",
		BankReference: "交易流水号", PartyName: "对方户名", PartyAccount: "对方账号", Texts: []string{"摘要", "附言"},
	}
	if err := mapping.Check("mapping"); err != nil {
		t.Fatal(err)
	}
	// The sum at the end has no date: a row that says an amount and no day is a mistake, not a line.
	if _, err := bankstatement.ParseCSV(gbk, mapping, "CNY"); err == nil || !strings.Contains(err.Error(), "line 6") {
		t.Errorf("the sum below: %v", err)
	}
	gbk, err = simplifiedchinese.GB18030.NewEncoder().Bytes([]byte(strings.Replace(chinese, "合计,500.00,\n", "合计\n", 1)))
	if err != nil {
		t.Fatal(err)
	}
	s, err := bankstatement.ParseCSV(gbk, mapping, "CNY")
	if err != nil || len(s.Lines) != 2 || s.Skipped != 1 {
		t.Fatalf("%+v, %v", s, err)
	}
	l := s.Lines[0]
	if l.Amount.String() != "12345.60" || l.BookingDate.String() != "2026-03-02" || l.BankReference != "9001" || l.PartyName != "上海远航贸易有限公司" ||
		l.PartyAccount != "310066661018800012345" || l.Text != "货款 发票 INV-0001" || s.Lines[1].Amount.String() != "-500.00" {
		t.Errorf("lines %+v", s.Lines)
	}

	german := "\xef\xbb\xbfBuchungstag;Wertstellung;Auftraggeber;Verwendungszweck;Betrag\n02.03.2026;03.03.2026;Buyer One GmbH;Rechnung 4711;1.190,00\n02.03.2026;;Strom;;-10,5\n"
	s, err = bankstatement.ParseCSV([]byte(german), bankstatement.Mapping{
		Delimiter: ";", DateFormat: "02.01.2006", DecimalComma: true, BookingDate: "Buchungstag", ValueDate: "Wertstellung",
		PartyName: "Auftraggeber", Texts: []string{"Verwendungszweck"}, Amount: "Betrag",
	}, "EUR")
	if err != nil || len(s.Lines) != 2 || s.Lines[0].Amount.String() != "1190.00" || s.Lines[0].ValueDate.String() != "2026-03-03" || s.Lines[1].Amount.String() != "-10.50" {
		t.Errorf("%+v, %v", s, err)
	}

	sided := "Date,Dir,Amt\n2026-03-02,C,10.00\n2026-03-02,D,4.00\n"
	s, err = bankstatement.ParseCSV([]byte(sided), bankstatement.Mapping{BookingDate: "Date", Amount: "Amt", Side: "Dir", SideIn: []string{"C"}}, "USD")
	if err != nil || len(s.Lines) != 2 || s.Lines[0].Amount.String() != "10.00" || s.Lines[1].Amount.String() != "-4.00" {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestCSVRefused(t *testing.T) {
	t.Parallel()
	good := bankstatement.Mapping{BookingDate: "Date", Amount: "Amount", Currency: "Currency"}
	for name, c := range map[string]struct{ text, place string }{
		"no such column":     {"Date,Value\n", "header"},
		"column twice":       {"Date,Amount,Amount,Currency\n", "header"},
		"empty":              {"", "header"},
		"not a date":         {"Date,Amount,Currency\n2026-13-01,1.00,CNY\n", "line 2"},
		"not an amount":      {"Date,Amount,Currency\n2026-03-02,1.00,CNY\n2026-03-02,one,CNY\n", "line 3"},
		"too precise":        {"Date,Amount,Currency\n2026-03-02,1.005,CNY\n", "line 2"},
		"another currency":   {"Date,Amount,Currency\n2026-03-02,1.00,USD\n", "line 2"},
		"not UTF-8":          {"Date,Amount,Currency\n2026-03-02,1.00,\xd6\xd0\n", "file"},
		"a number too large": {"Date,Amount,Currency\n2026-03-02,99999999999999999999,CNY\n", "line 2"},
	} {
		_, err := bankstatement.ParseCSV([]byte(c.text), good, "CNY")
		if e, ok := errs.As(err); !ok || e.Reason != bankstatement.ReasonInvalid || e.Meta["place"] != c.place {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, m := range map[string]bankstatement.Mapping{
		"encoding":     {BookingDate: "a", Amount: "b", Encoding: "latin1"},
		"delimiter":    {BookingDate: "a", Amount: "b", Delimiter: "||"},
		"no date":      {Amount: "b"},
		"no amount":    {BookingDate: "a", Credit: "b"},
		"both amounts": {BookingDate: "a", Amount: "b", Credit: "c", Debit: "d"},
		"side":         {BookingDate: "a", Amount: "b", Side: "c"},
		"date format":  {BookingDate: "a", Amount: "b", DateFormat: "YYYY-MM-DD"},
	} {
		if err := m.Check("mapping"); errs.KindOf(err) != errs.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// The same file, another format of it, and a file that overlaps it give the same lines the same identities; two payments that
// say the same stay two.
func TestIdentities(t *testing.T) {
	t.Parallel()
	mapping := bankstatement.Mapping{BookingDate: "Date", Amount: "Amount", BankReference: "Ref", PartyName: "Name", Texts: []string{"Text"}}
	read := func(rows ...string) []bankstatement.Line {
		s, err := bankstatement.ParseCSV([]byte("Date,Amount,Ref,Name,Text\n"+strings.Join(rows, "\n")), mapping, "CNY")
		if err != nil {
			t.Fatal(err)
		}
		return s.Lines
	}
	a := "2026-03-02,100.00,,Buyer,rent"
	b := "2026-03-02,200.00,R-9,Buyer,goods"
	all := bankstatement.Identities("1", read(a, a, b, "2026-03-03,100.00,,Buyer,rent"))
	distinct := slices.Compact(slices.Sorted(slices.Values(all)))
	if len(distinct) != 4 {
		t.Fatalf("identities %v", all)
	}
	if again := bankstatement.Identities("1", read(a, a, b, "2026-03-03,100.00,,Buyer,rent")); !slices.Equal(all, again) {
		t.Errorf("the same file: %v, %v", all, again)
	}
	if overlap := bankstatement.Identities("1", read("2026-03-02,100.00,,BUYER,re nt", b, "2026-03-03,100.00,,Buyer,rent", "2026-03-04,1.00,,,")); overlap[0] != all[0] ||
		overlap[1] != all[2] || overlap[2] != all[3] || slices.Contains(all, overlap[3]) {
		t.Errorf("an overlapping file: %v, %v", all, overlap)
	}
	if other := bankstatement.Identities("1", read("2026-03-02,200.00,R-9,,Buyer: goods")); other[0] != all[2] {
		t.Errorf("with the bank's number the text does not matter: %v", other)
	}
	if other := bankstatement.Identities("2", read(a)); other[0] == all[0] {
		t.Error("two accounts share an identity")
	}
}

func FuzzStatements(f *testing.F) {
	f.Add(camt(f))
	f.Add("Date,Amount\n2026-03-02,1.00\n")
	f.Fuzz(func(t *testing.T, text string) {
		_, _ = bankstatement.ParseCAMT([]byte(text))
		s, err := bankstatement.ParseCSV([]byte(text), bankstatement.Mapping{BookingDate: "Date", Amount: "Amount"}, "CNY")
		if err == nil && len(bankstatement.Identities("1", s.Lines)) != len(s.Lines) {
			t.Error("a line without an identity")
		}
	})
}
