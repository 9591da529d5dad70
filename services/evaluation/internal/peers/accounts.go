package peers

import (
	"context"
	"strings"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/rpcerr"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
)

// Accounts reads credit accounts from the order gate.
type Accounts struct {
	client ordergatev1.CreditAccountServiceClient
}

// NewAccounts returns a reader over a connection to the order gate.
func NewAccounts(conn grpc.ClientConnInterface) Accounts {
	return Accounts{client: ordergatev1.NewCreditAccountServiceClient(conn)}
}

// Open names each bucket that is not empty with its amount; none for a customer that the
// gate does not know. Errors: Unavailable OPEN_BUSINESS_UNKNOWN.
func (a Accounts) Open(ctx context.Context, customerID string) ([]string, error) {
	res, err := a.client.GetCreditAccount(ctx, &ordergatev1.GetCreditAccountRequest{CustomerId: customerID})
	if err != nil && errs.KindOf(rpcerr.FromError(err)) == errs.NotFound {
		return nil, nil
	}
	if err != nil {
		return nil, errs.New(errs.Unavailable, app.ReasonOpenBusinessUnknown, "the order gate cannot tell what is open: try again").WithCause(err)
	}
	var open []string
	buckets := res.GetAccount().GetBuckets().ProtoReflect()
	fields := buckets.Descriptor().Fields()
	for i := range fields.Len() {
		amount, ok := bucket(buckets, fields.Get(i))
		if ok && !amount.IsZero() {
			open = append(open, strings.ReplaceAll(string(fields.Get(i).Name()), "_", " ")+" "+amount.String()+" "+amount.Currency+" at the gate")
		}
	}
	return open, nil
}

func bucket(m protoreflect.Message, f protoreflect.FieldDescriptor) (money.Money, bool) {
	if !m.IsValid() || !m.Has(f) {
		return money.Money{}, false
	}
	sent, ok := m.Get(f).Message().Interface().(*typev1.Money)
	if !ok {
		return money.Money{}, false
	}
	// What cannot be read is not taken for nothing.
	amount, err := money.Parse(sent.GetCurrencyCode(), sent.GetAmount())
	if err != nil {
		return money.New(1, sent.GetCurrencyCode()), true
	}
	return amount, true
}
