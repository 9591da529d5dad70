package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"os"
	"path/filepath"

	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	"github.com/avalcredit/aval/services/suite/access"
)

// bankStatement is the kind of file that is read by receivables itself.
const bankStatement = "bank-statement"

// importStatement sends a bank's file to receivables and says what became of it.
func (c *importCommand) importStatement(ctx context.Context) error {
	if c.Mapping != "" || c.KeepGood {
		return fmt.Errorf("a %s is read by the mapping of its bank account, all of it or nothing: --mapping and --keep-good are for other files", bankStatement)
	}
	text, err := os.ReadFile(c.File)
	if err != nil {
		return err
	}
	packed, err := pack(text)
	if err != nil {
		return err
	}
	return c.with(ctx, func(ctx context.Context, s *access.Suite) error {
		ctx, err := s.As(ctx, "import", "FINANCE_CLERK")
		if err != nil {
			return err
		}
		resp, err := receivablesv1.NewBankServiceClient(s.Conn()).ImportBankStatement(ctx, &receivablesv1.ImportBankStatementRequest{
			RequestId: "bank-statement " + rand.Text(), BankAccountId: c.Account, Content: packed, FileName: filepath.Base(c.File), ValidateOnly: c.DryRun,
		})
		if err != nil {
			return fmt.Errorf("%s: %w", c.File, err)
		}
		c.statements(os.Stdout, resp)
		return nil
	})
}

// pack makes a file small enough for one request; one that is packed already stays.
func pack(text []byte) ([]byte, error) {
	if bytes.HasPrefix(text, []byte{0x1f, 0x8b}) {
		return text, nil
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write(text); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

func (c *importCommand) statements(w io.Writer, resp *receivablesv1.ImportBankStatementResponse) {
	if resp.GetKnown() {
		_, _ = fmt.Fprintln(w, "The same file was taken before; nothing is new.")
	}
	for _, s := range resp.GetBankStatements() {
		taken := s.GetNewLines()
		if resp.GetKnown() {
			taken = 0
		}
		_, _ = fmt.Fprintf(w, "%s of %s, %s to %s: %d lines, %d new, %d left out\n",
			s.GetBankStatementId(), s.GetBankAccountId(), s.GetFirstDate(), s.GetLastDate(), s.GetLines(), taken, s.GetSkipped())
		if d := s.GetDifference(); d != nil && d.GetAmount() != zeroOf(d.GetAmount()) {
			_, _ = fmt.Fprintf(w, "  its lines do not lead from the opening to the closing balance: %s %s is missing\n", d.GetCurrencyCode(), d.GetAmount())
		}
	}
	if !c.DryRun {
		_, _ = fmt.Fprintf(w, "%d lines have proposals, %d were applied by the policy's score\n", resp.GetProposed(), resp.GetConfirmed())
	}
}

// zeroOf is zero with as many digits as an amount.
func zeroOf(amount string) string {
	out := []byte("0")
	for i, b := range []byte(amount) {
		if b == '.' {
			out = append(out, amount[i:]...)
			for n := 2; n < len(out); n++ {
				out[n] = '0'
			}
			break
		}
	}
	return string(out)
}
