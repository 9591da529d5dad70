package prove

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate"
)

// evaluationGate asks a process to be evaluation instead of a gate.
const evaluationGate = "evaluation"

// evaluation stands in for the other phase, in a process of its own: it takes withdrawals in order and keeps them on the disk, each before
// it answers, and knows no customer.
type evaluation struct {
	evaluationv1.UnimplementedFeedServiceServer
	mu   sync.Mutex
	kept *os.File
	last map[string]int64
}

func newEvaluation(file string) (*evaluation, error) {
	taken, err := withdrawn(file)
	if err != nil {
		return nil, err
	}
	e := &evaluation{last: map[string]int64{}}
	for customer, seqs := range taken {
		e.last[customer] = slices.Max(seqs)
	}
	e.kept, err = os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = fmt.Fprintln(e.kept) // ends a line that a kill has cut
	}
	return e, err
}

// withdrawn reads what was taken: by customer the numbers in the order they came.
func withdrawn(file string) (map[string][]int64, error) {
	out := map[string][]int64{}
	f, err := os.Open(file)
	if os.IsNotExist(err) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return out, withdrawnFrom(f, out)
}

// withdrawnFrom reads line by line; a last line that a kill has cut counts for nothing.
func withdrawnFrom(in io.Reader, out map[string][]int64) error {
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		var customer string
		var seq int64
		if _, err := fmt.Sscanf(lines.Text(), "%s %d.", &customer, &seq); err == nil && strings.HasSuffix(lines.Text(), ".") {
			out[customer] = append(out[customer], seq)
		}
	}
	return lines.Err()
}

// ApplyWithdrawals implements the contract.
func (e *evaluation) ApplyWithdrawals(_ context.Context, r *evaluationv1.ApplyWithdrawalsRequest) (*evaluationv1.ApplyWithdrawalsResponse, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	var last int64
	for _, w := range r.GetWithdrawals() {
		id, seq := w.GetCustomerId(), w.GetSequence()
		switch {
		case seq > e.last[id]+1:
			return nil, errs.New(errs.FailedPrecondition, "SEQUENCE_GAP", "%d follows %d", seq, e.last[id])
		case seq == e.last[id]+1:
			if _, err := fmt.Fprintf(e.kept, "%s %d.\n", id, seq); err != nil {
				return nil, err
			}
			if err := e.kept.Sync(); err != nil {
				return nil, err
			}
			e.last[id] = seq
		}
		last = e.last[id]
	}
	return &evaluationv1.ApplyWithdrawalsResponse{LastSequence: last}, nil
}

// GetCreditProfile implements the contract: nobody is known here.
func (e *evaluation) GetCreditProfile(_ context.Context, r *evaluationv1.GetCreditProfileRequest) (*evaluationv1.GetCreditProfileResponse, error) {
	return nil, errs.New(errs.NotFound, "CUSTOMER_UNKNOWN", "no customer is called %s", r.GetCustomerId())
}

// Register implements Gate.
func (e *evaluation) Register(r grpc.ServiceRegistrar) { evaluationv1.RegisterFeedServiceServer(r, e) }

// Run implements Gate.
func (e *evaluation) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// stopped is a customer that goes far over its limit and pays, again and again: each time S2.18 stops it, warehouses are told, and
// evaluation is asked to withdraw its credit.
type stopped struct {
	name  string
	acked int64 // positions that the gate has acknowledged
}

// breach feeds the positions of one. It is no part of the histories: what counts is what reaches the others.
func (l *load) breach(ctx context.Context, client int, s *stopped) {
	if !l.insist(ctx, client, Call{Kind: Limit, Root: s.name, Account: s.name, Sequence: 1, Limit: 100}) {
		return
	}
	for n := int64(1); l.working(ctx); n++ {
		c := Call{Kind: Position, Root: s.name, Account: s.name, Sequence: n}
		if n%2 == 1 {
			c.Open = 1_000_000
		}
		l.listen(ctx)
		if !l.insist(ctx, client, c) {
			return
		}
		s.acked = n
		pause(ctx, 10*feedPause)
	}
}

// insist sends a call of a feed until it is taken.
func (l *load) insist(ctx context.Context, client int, c Call) bool {
	for n := client; ctx.Err() == nil && time.Now().Before(l.hard); n++ {
		if _, err := l.replicas[n%len(l.replicas)].do(ctx, client, c); err == nil {
			return true
		}
		pause(ctx, feedPause)
	}
	return false
}

// ask asks about customers that nobody has heard of: the gate asks evaluation, which may be slow or gone, and answers when it can. That
// must be all: those who ask about customers that the gate knows do not notice.
func (l *load) ask(ctx context.Context, client int) {
	for n := 0; l.working(ctx); n++ {
		name := fmt.Sprintf("X%d-%d", client, n)
		rep := l.replicas[n%len(l.replicas)]
		_, _ = pb.NewOrderServiceClient(rep.conns[client%len(rep.conns)]).CheckOrder(as(ctx, rep.orders), &pb.CheckOrderRequest{
			Order: &pb.Order{OrderId: "O" + name, CustomerId: name, Amount: minor(1)}}) // whatever it answers
		l.strangers.Add(1)
		pause(ctx, feedPause)
	}
}

// delivered: what was promised to others reaches them, once and in order, after whatever happened: withdrawals evaluation, stops and
// releases the log that warehouses read.
func (r *rig) delivered(ctx context.Context, l *load, b *books, rep *Report) error {
	if len(l.stops) == 0 {
		return nil
	}
	began := time.Now()
	if err := r.caughtUp(ctx); err != nil {
		b.add("delivery catches up", "", "%v", err)
	}
	rep.CaughtUp, rep.Strangers = time.Since(began), int(l.strangers.Load())
	taken, err := withdrawn(r.withdrawals())
	if err != nil {
		return err
	}
	for _, s := range l.stops {
		var stops, positions int64
		for i, e := range b.journal[s.name] {
			if e.seq != int64(i)+1 {
				b.add("no gap", s.name, "entry %d stands at place %d", e.seq, i+1)
			}
			switch e.kind {
			case "CREDIT_STOPPED":
				stops++
			case "POSITION_RECEIVED":
				positions++
			}
		}
		if positions < s.acked {
			b.add("nothing lost", s.name, "%d positions were acknowledged, %d are in the journal", s.acked, positions)
		}
		if stops != (positions+1)/2 {
			b.add("every breach stops", s.name, "%d positions, every other beyond the limit, and %d stops", positions, stops)
		}
		for i, seq := range taken[s.name] {
			if seq != int64(i)+1 {
				b.add("nothing doubled", s.name, "evaluation took withdrawal %d at place %d", seq, i+1)
			}
		}
		if int64(len(taken[s.name])) != stops {
			b.add("nothing lost", s.name, "%d stops, %d withdrawals at evaluation", stops, len(taken[s.name]))
		}
		rep.Stops += int(stops)
	}
	return answering(ctx, func(ctx context.Context) error { return r.told(ctx, b, rep) })
}

// catchUpTime is how long delivery may take once everything works again.
const catchUpTime = time.Minute

// caughtUp waits until nothing is left to be delivered.
func (r *rig) caughtUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, catchUpTime)
	defer cancel()
	for {
		var pending int64
		rep := r.replicas[0]
		d, err := pb.NewOperationsServiceClient(rep.conns[0]).GetDelivery(as(ctx, rep.manager), &pb.GetDeliveryRequest{})
		for _, s := range d.GetStreams() {
			pending += s.GetPending()
		}
		if err == nil && pending == 0 && len(d.GetStreams()) > 0 {
			return nil
		}
		if pause(ctx, 5*feedPause); ctx.Err() != nil {
			return fmt.Errorf("%d events are still waiting %s after the load (%w)", pending, catchUpTime, err)
		}
	}
}

// told looks at the log that warehouses read: in order for each customer, without a gap, every stop in it.
func (r *rig) told(ctx context.Context, b *books, rep *Report) error {
	c, err := pgx.Connect(ctx, r.db.dsn(databaseName))
	if err != nil {
		return err
	}
	defer func() { _ = c.Close(context.WithoutCancel(ctx)) }()
	rows, err := c.Query(ctx, `SELECT customer_id, count(*), max(seq), count(*) FILTER (WHERE payload::jsonb ->> 'type' = 'CREDIT_STOPPED'),
		coalesce(bool_or(wrong), false) FROM (SELECT *, seq <> row_number() OVER (PARTITION BY customer_id ORDER BY pos) AS wrong
		FROM `+ordergate.Schema+`.shipment_log) x GROUP BY customer_id`)
	if err != nil {
		return err
	}
	var customer string
	var count, last, stops int64
	var wrong bool
	told := 0
	_, err = pgx.ForEachRow(rows, []any{&customer, &count, &last, &stops, &wrong}, func() error {
		if count != last || wrong {
			b.add("told in order", customer, "%d events up to number %d, out of order: %t", count, last, wrong)
		}
		want := int64(0)
		for _, e := range b.journal[customer] {
			if e.kind == "CREDIT_STOPPED" {
				want++
			}
		}
		if stops != want {
			b.add("told in order", customer, "warehouses were told of %d stops, there were %d", stops, want)
		}
		told += int(count)
		return nil
	})
	rep.Told = told
	return err
}
