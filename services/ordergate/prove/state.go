package prove

import (
	"cmp"
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

// entry is one row of a journal, as far as the checks look at it.
type entry struct {
	seq                     int64
	kind, order, request    string
	member                  string // in a group's journal: the account that moved it, and its entry
	memberSeq               int64
	exposure                int64
	ordered, pending, owing int64
}

// groupSuffix ends the name under which a group's journal is kept here, beside those of accounts.
const groupSuffix = "/group"

// journals reads every journal: of accounts by their names, of groups by theirs and groupSuffix.
func journals(ctx context.Context, dsn string, product bool) (map[string][]entry, error) {
	c, err := pgx.Connect(ctx, dsn)
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	name, member := "account_id", "'', 0"
	if product {
		name = "CASE WHEN account_id = ' group' THEN root_id || '" + groupSuffix + "' ELSE account_id END"
		member = "coalesce(detail::jsonb -> 'member' ->> 'account_id', ''), coalesce((detail::jsonb -> 'member' ->> 'seq')::bigint, 0)"
	}
	rows, err := c.Query(ctx, `SELECT `+name+`, seq, kind, coalesce(order_id, ''), coalesce(request_id, ''), `+member+`, order_minor, delivery_minor,
		receivable_minor - unapplied_minor FROM `+ordergate.Schema+`.journal ORDER BY 1, seq`)
	if err != nil {
		return nil, err
	}
	out := map[string][]entry{}
	var account string
	var e entry
	_, err = pgx.ForEachRow(rows, []any{&account, &e.seq, &e.kind, &e.order, &e.request, &e.member, &e.memberSeq, &e.ordered, &e.pending, &e.owing}, func() error {
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
	ops     map[string][]*Operation    // by account; those about a group by the group's name and groupSuffix
	places  map[string]map[int64]int64 // of members: entry of the account -> entry of the group
	unknown int
}

func newBooks(ops []*Operation, journal map[string][]entry) *books {
	b := &books{journal: journal, ops: map[string][]*Operation{}, places: map[string]map[int64]int64{}}
	for _, op := range ops {
		name := op.Account
		if op.Kind == GroupLimit {
			name = op.Root + groupSuffix
		}
		b.ops[name] = append(b.ops[name], op)
		if op.Divergence != "" {
			b.add("one answer", name, "%s: different answers to one request: %s", op, op.Divergence)
		}
	}
	for name, entries := range journal {
		if !strings.HasSuffix(name, groupSuffix) {
			continue
		}
		for _, e := range entries {
			if b.places[e.member] == nil {
				b.places[e.member] = map[int64]int64{}
			}
			b.places[e.member][e.memberSeq] = e.seq
		}
	}
	return b
}

// start is the model of a root as it stands when the load begins, and the operations that come after that.
func (b *books) start(name string, accounts []string, passive bool) (root, []*Operation) {
	r := root{passive: passive}
	if accounts[0] == name {
		r.members = []account{{name: name}}
		return r, b.ops[name]
	}
	r.group = name
	ops := slices.Clone(b.ops[name+groupSuffix])
	for _, op := range ops {
		if op.RequestID == "open-"+name {
			r.seq, r.limit = op.Place, op.Call.Limit
		}
	}
	for _, a := range accounts {
		m := account{name: a, limits: 1}
		for seq, place := range b.places[a] {
			if place < r.seq {
				m.seq = max(m.seq, seq)
			}
		}
		for _, op := range b.ops[a] {
			if op.Kind == Limit && op.Sequence == 1 {
				m.limit = op.Call.Limit
			}
		}
		r.members = append(r.members, m)
		ops = append(ops, b.ops[a]...)
	}
	return r, slices.DeleteFunc(ops, func(op *Operation) bool {
		return op.RequestID == "open-"+name || op.Kind == Limit && op.Sequence == 1
	})
}

// place gives an operation that took effect at an entry of its account its place in the root.
func (b *books) place(name string) {
	entries := b.places[name]
	for _, op := range b.ops[name] {
		op.Place = op.At
		if entries != nil && op.At > 0 {
			op.Place = entries[op.At]
		}
	}
}

// reads moves every read of a group's member as far behind as it must stand: a read sees one account only, and is at home anywhere
// between the entry that it saw and the next one of the same account.
func (b *books) reads(ops []*Operation) {
	begins, ends := slices.Clone(ops), slices.Clone(ops)
	slices.SortFunc(begins, func(x, y *Operation) int { return cmp.Compare(x.Began, y.Began) })
	slices.SortFunc(ends, func(x, y *Operation) int { return cmp.Compare(x.Ended, y.Ended) })
	var furthest int64 // place of what had ended
	for _, op := range begins {
		for len(ends) > 0 && ends[0].Ended < op.Began {
			furthest = max(furthest, ends[0].Place)
			ends = ends[1:]
		}
		entries := b.places[op.Account]
		if op.Kind != Read || op.Place == 0 || entries == nil {
			continue
		}
		last := int64(never)
		if next, ok := entries[op.At+1]; ok {
			last = next - 1
		}
		op.Place = max(op.Place, min(furthest, last))
	}
}

// settle gives every operation its entry: the one it was told, or, where nobody was told, the one in the journal.
func (b *books) settle(account string) {
	defer b.place(account)
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
			op.At = op.Answer.Seq
		case GroupLimit:
			b.grouped(op, byRequest[op.RequestID])
			delete(byRequest, op.RequestID)
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
		op.At = entries[op.Sequence-1]
	case op.Known && op.Answer.Refused == "":
		b.add("nothing lost", op.Account, "%s %d was acknowledged and is not in the journal", op.Kind, op.Sequence)
	}
}

// grouped finds the entry of a limit of a group, whose answers say no place.
func (b *books) grouped(op *Operation, entries []entry) {
	if len(entries) > 1 {
		b.add("nothing doubled", op.Root, "request %s is in the journal %d times", op.RequestID, len(entries))
	}
	switch {
	case len(entries) > 0:
		op.At = entries[0].seq
		if !op.Known {
			op.Ended = never
			b.unknown++
		}
	case op.Known && op.Answer.Refused == "":
		b.add("nothing lost", op.Root, "%s was acknowledged and is not in the journal", op)
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
		op.At = op.Answer.Seq
	case len(entries) == 0:
	case told:
		op.At = op.Answer.Seq
		if !slices.ContainsFunc(entries, func(e entry) bool { return e.seq == op.Answer.Seq }) {
			b.add("nothing lost", op.Account, "%s was acknowledged at another entry than %d", op, entries[0].seq)
		}
	case op.Known && !op.Doubtful:
		b.add("nothing unasked", op.Account, "%s was refused and is in the journal at %d", op, entries[0].seq)
	default: // nobody knows the answer; what it did is known from the journal
		op.Known, op.Ended, op.At = false, never, entries[0].seq
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
		if (op.Kind == Limit || op.Kind == GroupLimit) && op.At > 0 {
			limits[op.At] = op.Call.Limit
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
		if e.member != "" { // what moved the group
			m := b.entryOf(e.member, e.memberSeq)
			account, e.kind, e.order = e.member, m.kind, m.order
			if m.kind == "MOVED_IN" {
				limit = max(limit, e.exposure) // before the group has a limit
			}
		}
		if e.exposure > limit && e.ordered > last.ordered && e.kind != "ORDER_RELEASED" && !b.covered(account, e) {
			b.add("never over the limit", account, "entry %d (%s %s) takes the exposure to %d, limit %d", e.seq, e.kind, e.order, e.exposure, limit)
		}
		last = e
	}
}

func (b *books) entryOf(account string, seq int64) entry {
	entries := b.journal[account]
	if seq < 1 || seq > int64(len(entries)) {
		return entry{}
	}
	return entries[seq-1]
}

// covered says whether people released the order before, so that an amendment within the tolerance may pass the limit.
func (b *books) covered(account string, e entry) bool {
	return slices.ContainsFunc(b.journal[account], func(r entry) bool {
		return r.kind == "ORDER_RELEASED" && r.order == e.order && (e.member != "" || r.seq < e.seq)
	})
}

// final compares the account and its orders, as the gate shows them, with the model at the end and with each other.
func (r *rig) final(ctx context.Context, model account, f *findings) error {
	name := model.name
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

// finalGroup compares a group's pool with its members in the model.
func (r *rig) finalGroup(ctx context.Context, model root, f *findings) error {
	if model.group == "" {
		return nil
	}
	rep := r.replicas[0]
	got, err := pb.NewGroupServiceClient(rep.conns[0]).GetGroup(as(ctx, rep.manager), &pb.GetGroupRequest{GroupId: model.group})
	if err != nil {
		return err
	}
	if g := got.GetGroup(); minorOf(g.GetExposure()) != model.exposure() || g.GetSequence() != model.seq || minorOf(g.GetLimit()) != model.limit {
		f.add("the end is what the history leads to", model.group, "exposure %v of %v at %d; the history gives %d of %d at %d",
			g.GetExposure().GetAmount(), g.GetLimit().GetAmount(), g.GetSequence(), model.exposure(), model.limit, model.seq)
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
