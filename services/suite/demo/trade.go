package demo

import (
	"context"
	"fmt"
	"slices"

	"github.com/avalcredit/aval/pkg/errs"
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
		b.set(b.approved, s.number, true)
		return nil
	}
	switch s.verdict {
	case release:
		return b.release(ctx, s, order)
	case reject:
		// Whoever is asked first says no: the credit manager, or top management where the customer is severely over.
		first := signers(order.GetApproval().GetSteps())[0]
		return b.tell(ctx, by(first), ordergatev1.OrderService_RejectOrder_FullMethodName, &ordergatev1.RejectOrderRequest{
			RequestId: prefix + "reject-" + s.number, OrderId: s.order(), Reason: "open items have to be paid first",
		})
	default:
		return nil
	}
}

// release takes every step of the hold's form.
func (b *books) release(ctx context.Context, s *sale, order *ordergatev1.Order) error {
	for i, role := range signers(order.GetApproval().GetSteps()) {
		if err := b.tell(ctx, by(role), ordergatev1.OrderService_ApproveOrder_FullMethodName, &ordergatev1.ApproveOrderRequest{
			RequestId: fmt.Sprintf("%srelease-%s-%d", prefix, s.number, i), OrderId: s.order(),
			Reason: "payment is announced; the customer is needed",
		}); err != nil {
			return err
		}
	}
	b.set(b.approved, s.number, true)
	return nil
}

// stays are the reasons for which the gate keeps goods of a customer in the house, and what an order answers that was
// closed for one of them, when an interrupted load is run again.
var stays = []string{"CREDIT_STOPPED", "CREDIT_WITHDRAWN", "ORDER_NOT_APPROVED"}

// ship ships a part of the order and invoices it on the same day. Where the gate keeps the goods in the house, because the
// customer's credit ended after the order was approved, the rest of the order is closed.
func (b *books) ship(ctx context.Context, s *sale, i int, final bool) error {
	if !b.is(b.approved, s.number) {
		return nil
	}
	err := b.tell(ctx, by("WAREHOUSE"), ordergatev1.OrderService_ShipOrder_FullMethodName, &ordergatev1.ShipOrderRequest{
		RequestId: prefix + "ship-" + s.shipment(i), OrderId: s.order(), ShipmentId: s.shipment(i),
		Amount: amount(s.parts[i]), Final: final,
	})
	if slices.Contains(stays, errs.ReasonOf(err)) {
		b.set(b.approved, s.number, false)
		return b.tell(ctx, by("ERP"), ordergatev1.OrderService_CloseOrder_FullMethodName, &ordergatev1.CloseOrderRequest{
			RequestId: prefix + "close-" + s.number, OrderId: s.order(), Reason: "the customer has no credit any more",
		})
	}
	if err != nil {
		return err
	}
	b.set(b.shipped, s.shipment(i), true)
	return b.tell(ctx, by("FINANCE_CLERK"), receivablesv1.InvoiceService_PostInvoice_FullMethodName, &receivablesv1.PostInvoiceRequest{
		RequestId: prefix + "invoice-" + s.invoice(i),
		Invoice: &receivablesv1.Invoice{
			InvoiceId: s.invoice(i), CustomerId: s.firm.id, OrderId: s.order(), Amount: amount(s.parts[i]),
			TermDays: new(int32(termDays)),
		},
	})
}

// pay posts the payment of an invoice; where the firm names none it goes to the oldest due.
func (b *books) pay(ctx context.Context, s *sale, i int) error {
	if !b.is(b.shipped, s.shipment(i)) {
		return nil
	}
	request := b.receipt(s, i)
	if s.firm.names {
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
	if err := b.ship(ctx, s, 0, true); err != nil || !b.is(b.shipped, s.shipment(0)) {
		return err
	}
	return b.tell(ctx, by("FINANCE_CLERK"), receivablesv1.ReceiptService_ApplyReceipt_FullMethodName, &receivablesv1.ApplyReceiptRequest{
		RequestId: prefix + "apply-" + s.receipt(0), ReceiptId: s.receipt(0),
		Invoices: []*receivablesv1.InvoiceAmount{{InvoiceId: s.invoice(0)}},
	})
}
