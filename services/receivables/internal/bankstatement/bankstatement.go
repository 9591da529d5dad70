// Package bankstatement reads statements of the company's bank accounts: ISO 20022 camt.053 of any version, and CSV by a
// declared mapping. What it gives are the lines, each with an identity that follows from what the line says, so that the same
// line of another file is recognised. The package is pure.
package bankstatement

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
)

// ReasonInvalid is the reason of errors of a file that cannot be read; the metadata `place` says where.
const ReasonInvalid = "BANK_STATEMENT_INVALID"

// Limits of a file.
const (
	MaxBytes  = 64 << 20
	MaxLines  = 50_000
	maxText   = 2000 // of a line's text, in characters
	maxName   = 256
	maxNumber = 64
)

// Line is one movement of money on a bank account. A positive amount came in.
type Line struct {
	BookingDate calendar.Date `json:"booking_date"`
	ValueDate   calendar.Date `json:"value_date"`
	Amount      money.Money   `json:"amount"`
	// BankReference is the bank's own number of the movement; empty: it gives none.
	BankReference string `json:"bank_reference,omitempty"`
	// EndToEnd is the payer's own number of the payment.
	EndToEnd string `json:"end_to_end,omitempty"`
	// PartyName and PartyAccount are the other side: who paid, of money that came in.
	PartyName    string `json:"party_name,omitempty"`
	PartyAccount string `json:"party_account,omitempty"`
	PartyBank    string `json:"party_bank,omitempty"`
	// Text is what the payer wrote, then what the bank wrote.
	Text string `json:"text,omitempty"`
	// Reversal says that the line takes an earlier one back.
	Reversal bool `json:"reversal,omitempty"`
	// Batch is how many lines the bank booked as one sum, this one among them; 0: it was booked by itself.
	Batch int `json:"batch,omitempty"`
	// Place is where it stands in the file: "line 17" or "statement 1, entry 4, transaction 2".
	Place string `json:"-"`
}

// Statement is what a file says of one account.
type Statement struct {
	// Number is the bank's number of the statement; empty: none.
	Number string
	// Account is the number of the account as the file has it, without spaces; empty: the file does not say.
	Account  string
	Currency string
	// Opening and Closing are the booked balances; nil: the file does not say.
	Opening, Closing *money.Money
	Lines            []Line
	// Skipped are entries that are not booked yet or move nothing.
	Skipped int
}

// Balanced says whether opening balance and lines give the closing balance; known is false where a balance is missing.
func (s Statement) Balanced() (balanced, known bool, difference money.Money) {
	if s.Opening == nil || s.Closing == nil {
		return false, false, money.Money{}
	}
	sum := *s.Opening
	for _, l := range s.Lines {
		sum = sum.Add(l.Amount)
	}
	difference = s.Closing.Sub(sum)
	return difference.IsZero(), true, difference
}

// Identities gives each line of an account's file its identity. A line with the bank's own number is that number, day and
// amount; one without is all that it says. Where a file says the same several times, the second is another movement than the
// first: the n-th of a file is the n-th of any other file.
func Identities(account string, lines []Line) []string {
	seen := map[string]int{}
	out := make([]string, len(lines))
	for i, l := range lines {
		content := l.content(account)
		seen[content]++
		sum := sha256.Sum256([]byte(content + strconv.Itoa(seen[content])))
		out[i] = hex.EncodeToString(sum[:16])
	}
	return out
}

func (l Line) content(account string) string {
	parts := []string{account, l.BookingDate.String(), l.Amount.Currency, strconv.FormatInt(l.Amount.Minor, 10)}
	if l.BankReference != "" {
		parts = append(parts, "reference", l.BankReference)
	} else {
		parts = append(parts, "content", l.ValueDate.String(), l.EndToEnd, folded(l.PartyName), folded(l.PartyAccount), folded(l.Text))
	}
	var b strings.Builder
	for _, p := range parts {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(p))) //nolint:gosec // a line is short
		b.Write(n[:])
		b.WriteString(p)
	}
	return b.String()
}

// folded is a text without what files of the same bank differ in: spaces and the case of letters.
func folded(s string) string {
	return strings.ToUpper(strings.Join(strings.Fields(s), ""))
}

// Number is the number of an account as it is compared: without spaces and hyphens, in capitals.
func Number(s string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, s))
}

func invalid(place, format string, args ...any) *errs.Error {
	e := errs.New(errs.Invalid, ReasonInvalid, place+": "+format, args...)
	return e.With("place", place).WithViolations(errs.Violation{Field: "content", Rule: "bank_statement", Message: e.Message})
}

// tidy is a text as it is kept: valid, without control characters, with single spaces, not longer than most characters.
func tidy(s string, most int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "?"), func(r rune) bool {
		return r <= ' ' || r == 0x7F || r == '\u00a0' || r == '\u3000' || r == '\ufeff'
	}), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most])
}

// bound brings a line's texts to what is kept.
func (l Line) bound() Line {
	l.Text, l.PartyName, l.PartyBank = tidy(l.Text, maxText), tidy(l.PartyName, maxName), tidy(l.PartyBank, maxName)
	l.PartyAccount, l.BankReference, l.EndToEnd = Number(tidy(l.PartyAccount, maxNumber)), tidy(l.BankReference, maxName), tidy(l.EndToEnd, maxName)
	return l
}
