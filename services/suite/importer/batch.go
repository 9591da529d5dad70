package importer

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/suite/internal/invoke"
)

// maxBatch is how many invoices one call takes.
const maxBatch = 5000

// fileRows counts the rows of the file that the requests stand for.
func fileRows(rows []row) int {
	n := 0
	for _, r := range rows {
		n += r.rows()
	}
	return n
}

// monthLength is that of YYYY-MM.
const monthLength = len("2006-01")

// batches puts the rows of one customer, side, month and source together, in the order of the file. A month with more
// invoices than one call takes becomes parts of it.
func batches(rows []row) ([]row, error) {
	parts := map[string]int{}
	open := map[string]int{}
	var out []row
	for _, r := range rows {
		request, ok := r.request.(*evaluationv1.RecordInvoiceBatchRequest)
		if !ok {
			return nil, errs.New(errs.Internal, "", "an invoice that is no RecordInvoiceBatch")
		}
		b := request.GetBatch()
		month := b.GetInvoices()[0].GetInvoiceDate()[:monthLength]
		key := strings.Join([]string{r.customer, b.GetDirection().String(), month, b.GetSource(), b.GetAsOfDate()}, "\x00")
		at, known := open[key]
		if known && len(out[at].lines) < maxBatch {
			whole, _ := out[at].request.(*evaluationv1.RecordInvoiceBatchRequest)
			whole.Batch.Invoices = append(whole.Batch.Invoices, b.GetInvoices()[0])
			out[at].lines = append(out[at].lines, r.line)
			if out[at].amount.Currency == r.amount.Currency {
				out[at].amount = out[at].amount.Add(r.amount)
			}
			continue
		}
		parts[key]++
		b.Part = int32(parts[key]) //nolint:gosec // at most a million rows
		r.lines = []int{r.line}
		open[key] = len(out)
		out = append(out, r)
	}
	return out, nameBatches(out)
}

// nameBatches names each request by its content: the same rows have the same id wherever they stand.
func nameBatches(rows []row) error {
	for _, r := range rows {
		request, ok := r.request.(*evaluationv1.RecordInvoiceBatchRequest)
		if !ok {
			continue
		}
		request.RequestId = ""
		content, err := proto.MarshalOptions{Deterministic: true}.Marshal(request)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(content)
		request.RequestId = "import-firm-invoices-" + hex.EncodeToString(sum[:16])
	}
	return nil
}

// place finds the line that a field of the request came from, and the field as a request of that line alone has it.
func (r row) place(path string) (line int, single string) {
	const list = "batch.invoices["
	rest, ok := strings.CutPrefix(path, list)
	if !ok || r.lines == nil {
		return r.line, path
	}
	index, field, _ := strings.Cut(rest, "]")
	i, err := strconv.Atoi(index)
	if err != nil || i < 0 || i >= len(r.lines) {
		return r.line, path
	}
	return r.lines[i], fmt.Sprintf("%s0]%s", list, field)
}

// batch makes the call of a batch, or tries it.
func (s *server) batch(ctx context.Context, request proto.Message) (state, *refusal, error) {
	answer, err := invoke.Call(ctx, s.suite.Conn(), s.create, request)
	switch errs.KindOf(err) {
	case 0:
		if recorded, ok := answer.(*evaluationv1.RecordInvoiceBatchResponse); ok && recorded.GetUnchanged() {
			return stateSame, nil, nil
		}
		return stateNew, nil, nil
	case errs.Invalid, errs.NotFound, errs.FailedPrecondition, errs.PermissionDenied:
		return stateBad, refused(err), nil
	default:
		return stateBad, nil, err
	}
}
