package prove

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate"
)

// entry is one row of an account's journal, as far as the checks look at it.
type entry struct {
	seq                     int64
	kind, order, request    string
	exposure                int64
	ordered, pending, owing int64
}

// journals reads every account's journal.
func journals(ctx context.Context, dsn string) (map[string][]entry, error) {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	rows, err := c.Query(ctx, `SELECT account_id, seq, kind, coalesce(order_id, ''), coalesce(request_id, ''), order_minor, delivery_minor,
		receivable_minor - unapplied_minor FROM `+ordergate.Schema+`.journal ORDER BY account_id, seq`)
	if err != nil {
		return nil, err
	}
	out := map[string][]entry{}
	var account string
	var e entry
	_, err = pgx.ForEachRow(rows, []any{&account, &e.seq, &e.kind, &e.order, &e.request, &e.ordered, &e.pending, &e.owing}, func() error {
		e.exposure = e.ordered + e.pending + e.owing
		out[account] = append(out[account], e)
		return nil
	})
	return out, err
}

// books compares what callers were told with what is stored.
type books struct {
	findings
	journal map[string][]entry
	ops     map[string][]*Operation // by account
	unknown int
}

func newBooks(ops []*Operation, journal map[string][]entry) *books {
	b := &books{journal: journal, ops: map[string][]*Operation{}}
	for _, op := range ops {
		b.ops[op.Account] = append(b.ops[op.Account], op)
		if op.Divergence != "" {
			b.add("one answer", op.Account, "%s: different answers to one request: %s", op, op.Divergence)
		}
	}
	return b
}

// settle gives every operation its place: the one it was told, or, where nobody was told, the one in the journal.
func (b *books) settle(account string) {
	byRequest := map[string][]entry{}
	var profiles, positions []int64
	for _, e := range b.journal[account] {
		switch {
		case e.request != "":
			byRequest[e.request] = append(byRequest[e.request], e)
		case e.kind == "PROFILE_RECEIVED":
			profiles = append(profiles, e.seq)
		case e.kind == "POSITION_RECEIVED":
			positions = append(positions, e.seq)
		}
	}
	for _, op := range b.ops[account] {
		switch op.Kind {
		case Limit:
			b.fed(op, profiles)
		case Position:
			b.fed(op, positions)
		case Read:
			op.Place = op.Answer.Seq
		default:
			b.stored(op, byRequest[op.RequestID])
			delete(byRequest, op.RequestID)
		}
	}
	for id := range byRequest {
		b.add("nothing unasked", account, "the journal has request %s that nobody sent", id)
	}
}

// fed finds the entry of an event of a feed: the n-th of its kind, for events take effect in order.
func (b *books) fed(op *Operation, entries []int64) {
	switch {
	case op.Sequence <= int64(len(entries)):
		op.Place = entries[op.Sequence-1]
	case op.Known && op.Answer.Refused == "":
		b.add("nothing lost", op.Account, "%s %d was acknowledged and is not in the journal", op.Kind, op.Sequence)
	}
}

func (b *books) stored(op *Operation, entries []entry) {
	if len(entries) > 1 {
		b.add("nothing doubled", op.Account, "request %s is in the journal %d times", op.RequestID, len(entries))
	}
	told := op.Known && op.Answer.Refused == ""
	switch {
	case len(entries) == 0 && told:
		b.add("nothing lost", op.Account, "%s was acknowledged and is not in the journal", op)
		op.Place = op.Answer.Seq
	case len(entries) == 0:
	case told:
		op.Place = op.Answer.Seq
		if !slices.ContainsFunc(entries, func(e entry) bool { return e.seq == op.Answer.Seq }) {
			b.add("nothing lost", op.Account, "%s was acknowledged at another entry than %d", op, entries[0].seq)
		}
	case op.Known && !op.Doubtful:
		b.add("nothing unasked", op.Account, "%s was refused and is in the journal at %d", op, entries[0].seq)
	default: // nobody knows the answer; what it did is known from the journal
		op.Known, op.Ended, op.Place = false, never, entries[0].seq
		op.Answer = Answer{State: held}
		if entries[0].kind != "ORDER_ACTED" {
			op.Answer.State = approved
		}
		b.unknown++
	}
}

// chain: numbers without a gap, and no entry by which the gate itself passed the limit.
func (b *books) chain(account string) {
	limits := map[int64]int64{}
	for _, op := range b.ops[account] {
		if op.Kind == Limit && op.Place > 0 {
			limits[op.Place] = op.Call.Limit
		}
	}
	var last entry
	var limit int64
	for _, e := range b.journal[account] {
		if e.seq != last.seq+1 {
			b.add("no gap", account, "entry %d follows entry %d", e.seq, last.seq)
		}
		if l, ok := limits[e.seq]; ok {
			limit = l
		}
		if e.exposure > limit && e.ordered > last.ordered && e.kind != "ORDER_RELEASED" && !b.covered(account, e) {
			b.add("never over the limit", account, "entry %d (%s %s) takes the exposure to %d, limit %d", e.seq, e.kind, e.order, e.exposure, limit)
		}
		last = e
	}
}

// covered says whether people released the order before, so that an amendment within the tolerance may pass the limit.
func (b *books) covered(account string, e entry) bool {
	return slices.ContainsFunc(b.journal[account], func(r entry) bool { return r.kind == "ORDER_RELEASED" && r.order == e.order && r.seq < e.seq })
}

// final compares the account and its orders, as the gate shows them, with the model at the end and with each other.
func (r *rig) final(ctx context.Context, name string, model account, f *findings) error {
	rep := r.replicas[0]
	conn := rep.conns[0]
	got, err := pb.NewCreditAccountServiceClient(conn).GetCreditAccount(as(ctx, rep.manager), &pb.GetCreditAccountRequest{CustomerId: name})
	if err != nil {
		return err
	}
	var reserved, pending int64
	live := 0
	req := &pb.ListOrdersRequest{CustomerId: name, PageSize: 1000}
	for {
		page, err := pb.NewOrderServiceClient(conn).ListOrders(as(ctx, rep.manager), req)
		if err != nil {
			return err
		}
		for _, o := range page.GetOrders() {
			reserved += minorOf(o.GetReservedAmount())
			pending += minorOf(o.GetDeliveredAmount())
			if s := trimState(o.GetState()); s == held || s == approved {
				live++
			}
		}
		if req.PageToken = page.GetNextPageToken(); req.PageToken == "" {
			break
		}
	}
	b := got.GetAccount().GetBuckets()
	if minorOf(b.GetOrder()) != reserved || minorOf(b.GetDelivery()) != pending {
		f.add("buckets are the sums of the orders", name, "buckets %v, orders give %d and %d", b, reserved, pending)
	}
	if minorOf(got.GetAccount().GetExposure()) != model.exposure() || got.GetAccount().GetSequence() != model.seq || live != len(model.orders) {
		f.add("the end is what the history leads to", name, "exposure %v at %d with %d live orders; the history gives %d at %d with %d",
			got.GetAccount().GetExposure().GetAmount(), got.GetAccount().GetSequence(), live, model.exposure(), model.seq, len(model.orders))
	}
	return nil
}

// verify has the gate verify its own chains and decisions.
func (r *rig) verify(ctx context.Context, f *findings) (entries int64, err error) {
	rep := r.replicas[0]
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	resp, err := pb.NewOperationsServiceClient(rep.conns[0]).VerifyChains(as(ctx, rep.manager), &pb.VerifyChainsRequest{})
	if err != nil {
		return 0, err
	}
	for _, b := range resp.GetBreaks() {
		f.add("chains verify", strings.TrimPrefix(b.GetChain(), "journal/"), "entry %d: %s", b.GetSequence(), b.GetProblem())
	}
	return resp.GetEntries(), nil
}

// answering tries until it works: the run may have ended just after a fault.
func answering(ctx context.Context, try func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Minute)
	defer cancel()
	for n := 0; ; n++ {
		err := try(ctx)
		if err == nil || n > 50 || errs.KindOf(err) != errs.Unavailable && errs.KindOf(err) != errs.DeadlineExceeded && n > 10 {
			return err
		}
		pause(ctx, 200*time.Millisecond)
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %w", ctx.Err(), err)
		}
	}
}
