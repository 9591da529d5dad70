package prove

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
)

// Mix says how often each kind of call is made, in parts.
type Mix struct{ Submit, Amend, Cancel, Ship, Approve, Read, Limit, Position int }

// everything is the mix of a gate that can do it all.
func everything() Mix {
	return Mix{Submit: 40, Amend: 12, Cancel: 10, Ship: 20, Approve: 1, Read: 5, Limit: 1, Position: 1}
}

// load is the callers of one run, and what they share.
type load struct {
	cfg      Config
	replicas []*replica
	history  History
	start    time.Time
	end      time.Time // no new calls from here on
	hard     time.Time // no further sendings of a call from here on
	accounts []*shipped
	stops    []*stopped
	silent   atomic.Bool // receivables and evaluation say nothing

	strangers atomic.Int64 // questions about customers that nobody has heard of
}

// shipped is what of an account waits for its invoice.
type shipped struct {
	name string
	root string // its group, or itself
	mu   sync.Mutex
	wait []Bill
}

func (s *shipped) add(b Bill) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wait = append(s.wait, b)
}

func (s *shipped) take(most int) []Bill {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := min(most, len(s.wait))
	bills := slices.Clone(s.wait[:n])
	s.wait = append(s.wait[:0:0], s.wait[n:]...)
	return bills
}

func newLoad(cfg Config, replicas []*replica, start time.Time) *load {
	l := &load{cfg: cfg, replicas: replicas, start: start, end: start.Add(cfg.Duration)}
	l.hard = l.end.Add(settleTime)
	for i := range cfg.Accounts {
		a := &shipped{name: fmt.Sprintf("A%04d", i)}
		a.root = a.name
		if g := i / membersEach; g < cfg.Groups {
			a.root = fmt.Sprintf("G%04d", g)
		}
		l.accounts = append(l.accounts, a)
	}
	for i := range cfg.Stops {
		l.stops = append(l.stops, &stopped{name: fmt.Sprintf("S%04d", i)})
	}
	return l
}

// membersEach is how many accounts share a group.
const membersEach = 2

// roots are the groups and the accounts that have none.
func (l *load) roots() []string {
	var names []string
	for _, a := range l.accounts {
		if !slices.Contains(names, a.root) {
			names = append(names, a.root)
		}
	}
	return names
}

// groupLimit is of a group when it opens: less than its members may use by their own limits.
func (l *load) groupLimit() int64 { return l.cfg.Limit * membersEach * 2 / 3 }

// settleTime is how long calls under way are sent again after the end.
const settleTime = time.Minute

func (l *load) now() int64 { return int64(time.Since(l.start)) }

// open gives every account its first limit, and every group.
func (l *load) open(ctx context.Context) error {
	if err := l.accountsOpen(ctx); err != nil {
		return err
	}
	for i := range l.cfg.Groups {
		g := fmt.Sprintf("G%04d", i)
		if op := l.perform(ctx, 0, Call{Kind: GroupLimit, Root: g, RequestID: "open-" + g, Limit: l.groupLimit()}); !op.Known || op.Answer.Refused != "" {
			return fmt.Errorf("group %s was not opened: %+v", g, op.Answer)
		}
	}
	return nil
}

func (l *load) accountsOpen(ctx context.Context) error {
	var wg sync.WaitGroup
	work := make(chan *shipped)
	failed := make(chan error, 1)
	for client := range min(16, len(l.accounts)) {
		wg.Go(func() {
			for a := range work {
				op := l.perform(ctx, client, Call{Kind: Limit, Root: a.root, Account: a.name, Sequence: 1, Limit: l.cfg.Limit})
				if !op.Known || op.Answer.Refused != "" {
					select {
					case failed <- fmt.Errorf("account %s was not opened: %+v", a.name, op.Answer):
					default:
					}
				}
			}
		})
	}
	for _, a := range l.accounts {
		work <- a
	}
	close(work)
	wg.Wait()
	close(failed)
	return <-failed
}

// run lets all callers work until the end.
func (l *load) run(ctx context.Context) {
	var wg sync.WaitGroup
	feeders := 0
	if l.cfg.Mix.Limit > 0 {
		wg.Go(func() { l.limits(ctx, 0) })
		feeders++
	}
	if l.cfg.Mix.Position > 0 {
		wg.Go(func() { l.positions(ctx, 1) })
		feeders++
	}
	for i, s := range l.stops {
		wg.Go(func() { l.breach(ctx, l.cfg.Callers+i, s) })
	}
	for i := range l.cfg.Strangers {
		wg.Go(func() { l.ask(ctx, l.cfg.Callers+len(l.stops)+i) })
	}
	for i := range l.cfg.Callers - feeders {
		wg.Go(func() { (&caller{load: l, client: i + 2}).run(ctx) })
	}
	wg.Wait()
}

func (l *load) working(ctx context.Context) bool { return ctx.Err() == nil && time.Now().Before(l.end) }

// limits cuts and raises limits, account by account.
func (l *load) limits(ctx context.Context, client int) {
	sequence := make([]int64, len(l.accounts))
	for n := 0; l.working(ctx); n++ {
		i := n % len(l.accounts)
		limit := l.cfg.Limit * int64([]int{1, 2, 1, 3, 2}[rand.IntN(5)]) / 2 //nolint:gosec // load, not secrets
		a := l.accounts[i]
		op := l.perform(ctx, client, Call{Kind: Limit, Root: a.root, Account: a.name, Sequence: 2 + sequence[i], Limit: limit})
		if op.Known && op.Answer.Refused == "" {
			sequence[i]++
		}
		if a.root != a.name {
			limit := l.groupLimit() * int64([]int{2, 3, 4, 6}[rand.IntN(4)]) / 3 //nolint:gosec // load, not secrets
			l.perform(ctx, client, Call{Kind: GroupLimit, Root: a.root, RequestID: fmt.Sprint("limit-", n), Limit: limit})
		}
		l.listen(ctx)
		pause(ctx, feedPause/time.Duration(l.cfg.Mix.Limit))
	}
}

// feedPause is the pause between two events of a feed.
const feedPause = 20 * time.Millisecond

// positions bills what was shipped; each position also says that what the one before billed is paid.
func (l *load) positions(ctx context.Context, client int) {
	sequence := make([]int64, len(l.accounts))
	for n := 0; l.working(ctx); n++ {
		i := n % len(l.accounts)
		bills := l.accounts[i].take(30)
		var open int64
		for _, b := range bills {
			open += b.Amount
		}
		op := l.perform(ctx, client, Call{Kind: Position, Root: l.accounts[i].root, Account: l.accounts[i].name, Sequence: 1 + sequence[i], Open: open, Bills: bills})
		if op.Known && op.Answer.Refused == "" {
			sequence[i]++
		}
		l.listen(ctx)
		pause(ctx, feedPause/time.Duration(l.cfg.Mix.Position))
	}
}

// listen waits while the feeds are silent.
func (l *load) listen(ctx context.Context) {
	for l.silent.Load() && l.working(ctx) {
		pause(ctx, feedPause)
	}
}

// perform makes a call: the same request is sent again on any error until a definite answer, some twice at once on two replicas.
func (l *load) perform(ctx context.Context, client int, c Call) *Operation {
	op := &Operation{Call: c, Client: client, Began: l.now(), Ended: never}
	for time.Now().Before(l.hard) && ctx.Err() == nil {
		op.Tries++
		replies := l.send(ctx, client, c)
		if l.settle(op, replies) {
			break
		}
		pause(ctx, time.Duration(20+rand.IntN(60))*time.Millisecond) //nolint:gosec // load, not secrets
	}
	if op.Known {
		op.Ended = l.now()
		l.again(ctx, op)
	}
	l.history.Add(op)
	return op
}

// reply is what one sending led to.
type reply struct {
	answer   Answer
	definite bool
}

// send sends once, or twice at once.
func (l *load) send(ctx context.Context, client int, c Call) []reply {
	at := rand.IntN(len(l.replicas)) //nolint:gosec // load, not secrets
	once := func(at int) reply {
		a, err := l.replicas[at].do(ctx, client, c)
		switch errs.KindOf(err) {
		case errs.Invalid, errs.PermissionDenied, errs.NotFound, errs.AlreadyExists, errs.FailedPrecondition:
			return reply{Answer{Refused: errs.ReasonOf(err)}, true}
		default: // nobody knows whether it had its effect
			return reply{a, err == nil}
		}
	}
	if rand.Float64() >= l.cfg.Twice || c.Kind == Read { //nolint:gosec // load, not secrets
		return []reply{once(at)}
	}
	replies := make([]reply, 2)
	var wg sync.WaitGroup
	wg.Go(func() { replies[0] = once(at) })
	wg.Go(func() { replies[1] = once((at + 1) % len(l.replicas)) })
	wg.Wait()
	return replies
}

// settle takes up what came back and reports whether that is definite.
func (l *load) settle(op *Operation, replies []reply) bool {
	var effect, refusal *Answer
	for i := range replies {
		a := &replies[i].answer
		switch {
		case !replies[i].definite:
			op.Doubtful = true
		case a.Refused != "":
			refusal = a
		case effect != nil && *effect != *a:
			op.Divergence = fmt.Sprintf("%+v and %+v", *effect, *a)
		default:
			effect = a
		}
	}
	switch {
	case effect != nil:
		op.Known, op.Answer, op.Doubtful = true, *effect, false
		if refusal != nil && !byState(refusal.Refused) {
			op.Divergence = fmt.Sprintf("%+v and %+v", *effect, *refusal)
		}
	case refusal != nil:
		op.Known, op.Answer = true, *refusal
	}
	return op.Known
}

// byState says whether a refusal is of the state at the time: sent again later, the same request may pass.
func byState(reason string) bool {
	switch reason {
	case "ORDER_EXISTS", "REQUEST_ID_REUSED", "SHIPMENT_EXISTS", "CUSTOMER_UNKNOWN", "ORDER_UNKNOWN":
		return false
	}
	return true
}

// again sends some requests that were answered once more; the answer must be the same.
func (l *load) again(ctx context.Context, op *Operation) {
	if op.Answer.Refused != "" || op.RequestID == "" || rand.Float64() >= l.cfg.Twice/2 { //nolint:gosec // load, not secrets
		return
	}
	for _, r := range l.send(ctx, op.Client, op.Call) {
		if r.definite && r.answer != op.Answer {
			op.Divergence = fmt.Sprintf("%+v and later %+v", op.Answer, r.answer)
		}
	}
}

// caller has orders of its own and does with them what an ERP does.
type caller struct {
	*load
	client int
	n      int
	own    []owned
}

type owned struct {
	account   *shipped
	id, state string
	amount    int64
	shipped   int64
	reserved  int64
}

// most orders that one caller leaves open.
const most = 3

func (c *caller) run(ctx context.Context) {
	for c.working(ctx) {
		c.n++
		c.step(ctx, c.choose())
	}
}

func (c *caller) choose() Kind {
	m := c.cfg.Mix
	parts := []struct {
		kind Kind
		n    int
	}{{Submit, m.Submit}, {Amend, m.Amend}, {Cancel, m.Cancel}, {Ship, m.Ship}, {Approve, m.Approve}, {Read, m.Read}}
	sum := 0
	for _, p := range parts {
		sum += p.n
	}
	at := rand.IntN(sum) //nolint:gosec // load, not secrets
	for _, p := range parts {
		if at -= p.n; at < 0 {
			return p.kind
		}
	}
	return Submit
}

func (c *caller) id(what string) string { return fmt.Sprintf("%s%d-%d", what, c.client, c.n) }

// pick finds an own order in the state, at random; -1 where there is none.
func (c *caller) pick(state string) int {
	first := rand.IntN(max(1, len(c.own))) //nolint:gosec // load, not secrets
	for i := range c.own {
		if at := (first + i) % len(c.own); state == "" || c.own[at].state == state {
			return at
		}
	}
	return -1
}

func (c *caller) step(ctx context.Context, kind Kind) {
	i := -1
	switch kind {
	case Amend, Ship:
		i = c.pick(approved)
	case Approve:
		i = c.pick(held)
	case Cancel:
		i = c.pick("")
	default:
	}
	switch {
	case kind == Read:
		a := c.accounts[rand.IntN(len(c.accounts))] //nolint:gosec // load, not secrets
		c.perform(ctx, c.client, Call{Kind: Read, Root: a.root, Account: a.name})
	case kind == Submit && len(c.own) >= most:
		c.step(ctx, Cancel)
	case i < 0:
		c.submit(ctx)
	default:
		c.change(ctx, kind, i)
	}
}

func (c *caller) submit(ctx context.Context) {
	if len(c.own) >= most {
		return
	}
	a := c.accounts[rand.IntN(len(c.accounts))]                                                                                               //nolint:gosec // load, not secrets
	call := Call{Kind: Submit, Root: a.root, Account: a.name, Order: c.id("O"), RequestID: c.id("s"), Amount: 2 + rand.Int64N(c.cfg.Limit/8)} //nolint:gosec // load, not secrets
	op := c.perform(ctx, c.client, call)
	if op.Known && op.Answer.Refused == "" {
		c.own = append(c.own, owned{account: a, id: call.Order, state: op.Answer.State, amount: call.Amount, reserved: op.Answer.Reserved})
	}
}

func (c *caller) change(ctx context.Context, kind Kind, i int) {
	o := &c.own[i]
	call := Call{Kind: kind, Root: o.account.root, Account: o.account.name, Order: o.id, RequestID: c.id(string(kind))}
	switch kind {
	case Amend:
		call.Amount = o.shipped + 1 + rand.Int64N(c.cfg.Limit/8) //nolint:gosec // load, not secrets
	case Ship:
		call.Amount = o.reserved
		if o.reserved > 1 && rand.IntN(3) == 0 { //nolint:gosec // load, not secrets
			call.Amount, call.Final = o.reserved/2, rand.IntN(2) == 0 //nolint:gosec // load, not secrets
		}
	default:
	}
	op := c.perform(ctx, c.client, call)
	if !op.Known {
		c.own = slices.Delete(c.own, i, i+1) // nobody knows what became of it
		return
	}
	if op.Answer.Refused != "" {
		if op.Answer.Refused == "ORDER_NOT_HELD" {
			o.state, o.reserved = approved, o.amount
		}
		return
	}
	o.state, o.reserved = op.Answer.State, op.Answer.Reserved
	switch kind {
	case Amend:
		o.amount = call.Amount
	case Ship:
		o.shipped += call.Amount
		o.account.add(Bill{Order: o.id, Invoice: "I" + call.RequestID, Amount: call.Amount})
	default:
	}
	if o.reserved == 0 && o.state != held {
		c.own = slices.Delete(c.own, i, i+1)
	}
}
