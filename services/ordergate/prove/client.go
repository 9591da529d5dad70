package prove

import (
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/grpcclient"
	"github.com/avalcredit/aval/pkg/money"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

const (
	connections = 4               // a replica; one would make callers wait for each other
	sendTimeout = 4 * time.Second // of one sending; the same request is sent again after it
	currency    = "CNY"           // of all accounts
	today       = "2026-01-01"    // date of profiles and positions
	tokenTime   = 2 * time.Hour   // longer than any run
)

// people are the tokens that calls are made with.
type people struct{ orders, manager, service string }

func newPeople(dir string) (people, error) {
	issuer, err := authn.NewIssuer(dir)
	if err != nil {
		return people{}, err
	}
	var p people
	for _, x := range []struct {
		token   *string
		subject string
		roles   []string
	}{
		{&p.orders, "order-module", []string{"ERP"}},
		{&p.manager, "credit-manager", []string{"CREDIT_MANAGER", "AUDITOR", "OPERATOR"}},
		{&p.service, "service", []string{"SERVICE"}},
	} {
		if *x.token, err = issuer.Token(x.roles, x.subject, tokenTime); err != nil {
			return people{}, err
		}
	}
	return p, nil
}

func as(ctx context.Context, token string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+token)
}

// replica makes calls at one gate process.
type replica struct {
	people
	conns []*grpc.ClientConn
}

func dialReplica(ctx context.Context, addr string, p people) (*replica, error) {
	r := &replica{people: p}
	for range connections {
		c, err := grpcclient.Dial(ctx, addr, grpcclient.Options{Timeout: sendTimeout, MaxRecvBytes: 64 << 20})
		if err != nil {
			return nil, err
		}
		r.conns = append(r.conns, c)
	}
	return r, nil
}

func (r *replica) close() {
	for _, c := range r.conns {
		_ = c.Close() // nothing is lost with it
	}
}

// do makes a call once. Errors are *errs.Error.
func (r *replica) do(ctx context.Context, client int, c Call) (Answer, error) {
	conn := r.conns[client%len(r.conns)]
	orders := pb.NewOrderServiceClient(conn)
	switch c.Kind {
	case Submit:
		resp, err := orders.SubmitOrder(as(ctx, r.orders), &pb.SubmitOrderRequest{RequestId: c.RequestID,
			Order: &pb.Order{OrderId: c.Order, CustomerId: c.Account, Amount: minor(c.Amount)}})
		return answerOf(resp.GetOrder(), resp.GetDecision()), err
	case Amend:
		resp, err := orders.AmendOrder(as(ctx, r.orders), &pb.AmendOrderRequest{RequestId: c.RequestID, OrderId: c.Order, Amount: minor(c.Amount)})
		return answerOf(resp.GetOrder(), resp.GetDecision()), err
	case Cancel:
		resp, err := orders.CancelOrder(as(ctx, r.orders), &pb.CancelOrderRequest{RequestId: c.RequestID, OrderId: c.Order})
		return answerOf(resp.GetOrder(), nil), err
	case Ship:
		resp, err := orders.ShipOrder(as(ctx, r.orders), &pb.ShipOrderRequest{RequestId: c.RequestID, OrderId: c.Order, Amount: minor(c.Amount), Final: c.Final})
		return answerOf(resp.GetOrder(), nil), err
	case Approve:
		resp, err := orders.ApproveOrder(as(ctx, r.manager), &pb.ApproveOrderRequest{RequestId: c.RequestID, OrderId: c.Order, Reason: "agreed"})
		return answerOf(resp.GetOrder(), nil), err
	case Limit:
		_, err := pb.NewFeedServiceClient(conn).ApplyCreditProfiles(as(ctx, r.service), profileOf(c))
		return Answer{}, err
	case Position:
		_, err := pb.NewFeedServiceClient(conn).ApplyPositions(as(ctx, r.service), positionOf(c))
		return Answer{}, err
	case GroupLimit:
		resp, err := pb.NewGroupServiceClient(conn).SetGroupLimit(as(ctx, r.manager), &pb.SetGroupLimitRequest{
			RequestId: c.RequestID, GroupId: c.Root, Limit: minor(c.Limit), Reason: "agreed"})
		return Answer{Limit: minorOf(resp.GetGroup().GetLimit())}, err
	case Read:
		resp, err := pb.NewCreditAccountServiceClient(conn).GetCreditAccount(as(ctx, r.manager), &pb.GetCreditAccountRequest{CustomerId: c.Account})
		a := resp.GetAccount()
		return Answer{Seq: a.GetSequence(), Exposure: minorOf(a.GetExposure()), Limit: minorOf(a.GetLimit())}, err
	}
	return Answer{}, errs.New(errs.Internal, "UNKNOWN_KIND", "no call is called %s", c.Kind)
}

func answerOf(o *pb.Order, d *pb.Decision) Answer {
	a := Answer{Seq: o.GetJournalSequence(), State: trimState(o.GetState()), Reserved: minorOf(o.GetReservedAmount())}
	if d != nil {
		a.Decided, a.Before, a.After = true, minorOf(d.GetExposureBefore()), minorOf(d.GetExposureAfter())
		for _, p := range d.GetShared() {
			if p.GetKind() == "GROUP" {
				a.Shared = p.GetSequence()
			}
		}
	}
	return a
}

func trimState(s pb.OrderState) string { return s.String()[len("ORDER_STATE_"):] }

func minor(m int64) *typev1.Money {
	return &typev1.Money{CurrencyCode: currency, Amount: money.New(m, currency).String()}
}

// minorOf reads an amount of an answer; what cannot be read is no amount that any check expects.
func minorOf(m *typev1.Money) int64 {
	if m == nil {
		return 0
	}
	v, err := money.Parse(m.GetCurrencyCode(), m.GetAmount())
	if err != nil {
		return -1 << 62
	}
	return v.Minor
}

func profileOf(c Call) *pb.ApplyCreditProfilesRequest {
	return &pb.ApplyCreditProfilesRequest{Profiles: []*evaluationv1.CreditProfile{{
		CustomerId: c.Account, Sequence: c.Sequence, BusinessDate: today, DisplayName: "Customer " + c.Account, CurrencyCode: currency, SalespersonId: "sales-1",
		Grade: evaluationv1.Grade_GRADE_A, GroupId: groupOf(c),
		Grant: &evaluationv1.Grant{
			CustomerId: c.Account, Version: c.Sequence, Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, ValidFromDate: today,
			Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: minor(c.Limit)}},
		},
	}}}
}

func groupOf(c Call) string {
	if c.Root == c.Account {
		return ""
	}
	return c.Root
}

func positionOf(c Call) *pb.ApplyPositionsRequest {
	p := &receivablesv1.Position{CustomerId: c.Account, Sequence: c.Sequence, BusinessDate: today, Receivable: minor(c.Open), Unapplied: minor(0), Cause: fmt.Sprintf("%d invoices", len(c.Bills))}
	for _, b := range c.Bills {
		p.Movements = append(p.Movements, &receivablesv1.Movement{OrderId: b.Order, InvoiceId: b.Invoice, Amount: minor(b.Amount)})
	}
	return &pb.ApplyPositionsRequest{Positions: []*receivablesv1.Position{p}}
}
