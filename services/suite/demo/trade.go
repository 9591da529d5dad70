package demo

import (
	"context"
	"fmt"

	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

const (
	onCredit = ordergatev1.PaymentTerms_PAYMENT_TERMS_OPEN_ACCOUNT
	inFront  = ordergatev1.PaymentTerms_PAYMENT_TERMS_PREPAYMENT
)

// submit submits an order; where the gate holds it, people release it, reject it, or have not seen it yet.
func (b *books) submit(ctx context.Context, s *sale, terms ordergatev1.PaymentTerms) error {
	answer, err := ask[*ordergatev1.SubmitOrderResponse](ctx, b, by("ERP"), ordergatev1.OrderService_SubmitOrder_FullMethodName,
		&ordergatev1.SubmitOrderRequest{
			RequestId: prefix + "order-" + s.number,
			Order: &ordergatev1.Order{
				OrderId: s.order(), CustomerId: s.firm.id, Amount: amount(s.amount), PaymentTerms: terms, OrderDate: s.date.String(),
			},
		})
	if err != nil {
		return err
	}
	order := answer.GetOrder()
	if order.GetState() != ordergatev1.OrderState_ORDER_STATE_HELD {
		b.approve(s)
		return nil
	}
	switch s.verdict {
	case release:
		return b.release(ctx, s, order)
	case reject:
		return b.tell(ctx, by("CREDIT_MANAGER"), ordergatev1.OrderService_RejectOrder_FullMethodName, &ordergatev1.RejectOrderRequest{
			RequestId: prefix + "reject-" + s.number, OrderId: s.order(), Reason: "open items have to be paid first",
		})
	default:
		return nil
	}
}

// release takes every step of the hold's form.
func (b *books) release(ctx context.Context, s *sale, order *ordergatev1.Order) error {
	for i, step := range order.GetApproval().GetSteps() {
		if err := b.tell(ctx, by(signer(step)), ordergatev1.OrderService_ApproveOrder_FullMethodName, &ordergatev1.ApproveOrderRequest{
			RequestId: fmt.Sprintf("%srelease-%s-%d", prefix, s.number, i), OrderId: s.order(),
			Reason: "payment is announced; the customer is needed",
		}); err != nil {
			return err
		}
	}
	b.approve(s)
	return nil
}

func (b *books) approve(s *sale) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.approved[s.number] = true
}

// goes says whether the order was approved, by the gate or by people.
func (b *books) goes(s *sale) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.approved[s.number]
}

// ship ships a part of the order and invoices it on the same day.
func (b *books) ship(ctx context.Context, s *sale, i int, final bool) error {
	if !b.goes(s) {
		return nil
	}
	if err := b.tell(ctx, by("WAREHOUSE"), ordergatev1.OrderService_ShipOrder_FullMethodName, &ordergatev1.ShipOrderRequest{
		RequestId: prefix + "ship-" + s.shipment(i), OrderId: s.order(), ShipmentId: s.shipment(i),
		Amount: amount(s.parts[i]), Final: final,
	}); err != nil {
		return err
	}
	return b.tell(ctx, by("FINANCE_CLERK"), receivablesv1.InvoiceService_PostInvoice_FullMethodName, &receivablesv1.PostInvoiceRequest{
		RequestId: prefix + "invoice-" + s.invoice(i),
		Invoice: &receivablesv1.Invoice{
			InvoiceId: s.invoice(i), CustomerId: s.firm.id, OrderId: s.order(), Amount: amount(s.parts[i]),
			TermDays: new(int32(termDays)),
		},
	})
}

// pay posts the payment of an invoice; where the payer names none it goes to the oldest due.
func (b *books) pay(ctx context.Context, s *sale, i int, named bool) error {
	if !b.goes(s) {
		return nil
	}
	request := b.receipt(s, i)
	if named {
		request.Invoices = []*receivablesv1.InvoiceAmount{{InvoiceId: s.invoice(i)}}
	}
	return b.tell(ctx, by("FINANCE_CLERK"), receivablesv1.ReceiptService_PostReceipt_FullMethodName, request)
}

func (b *books) receipt(s *sale, i int) *receivablesv1.PostReceiptRequest {
	return &receivablesv1.PostReceiptRequest{
		RequestId: prefix + "receipt-" + s.receipt(i),
		Receipt: &receivablesv1.Receipt{
			ReceiptId: s.receipt(i), CustomerId: s.firm.id, Amount: amount(s.parts[i]),
			Instrument: receivablesv1.PaymentInstrument_PAYMENT_INSTRUMENT_REMITTANCE,
		},
	}
}

// prepay posts the money first and then submits the order that it is for.
func (b *books) prepay(ctx context.Context, s *sale) error {
	advance := b.receipt(s, 0)
	advance.ApplicationMode = receivablesv1.ApplicationMode_APPLICATION_MODE_NONE
	if err := b.tell(ctx, by("FINANCE_CLERK"), receivablesv1.ReceiptService_PostReceipt_FullMethodName, advance); err != nil {
		return err
	}
	return b.submit(ctx, s, inFront)
}

// shipPrepaid ships and invoices a prepaid order and applies its money to the invoice.
func (b *books) shipPrepaid(ctx context.Context, s *sale) error {
	if !b.goes(s) {
		return nil
	}
	if err := b.ship(ctx, s, 0, true); err != nil {
		return err
	}
	return b.tell(ctx, by("FINANCE_CLERK"), receivablesv1.ReceiptService_ApplyReceipt_FullMethodName, &receivablesv1.ApplyReceiptRequest{
		RequestId: prefix + "apply-" + s.receipt(0), ReceiptId: s.receipt(0),
		Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: s.invoice(0)}},
	})
}
