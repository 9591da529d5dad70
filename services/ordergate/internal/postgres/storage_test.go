package postgres_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// entryOf is the next entry of an account, for an order of that number where there is one.
func entryOf(t testing.TB, a *account.Account, number string) (gate.Entry, order.Order) {
	t.Helper()
	c := gate.Change{Kind: gate.OrderSubmitted, Account: *a}
	o := order.Order{ID: number, CustomerID: a.ID, Currency: "CNY", Amount: 100, State: order.Approved, ValidUntil: calendar.MustDate("2026-12-31")}
	if number != "" {
		c.Orders = []order.Order{o}
	}
	e, err := c.Seal(gate.Stamp{
		RequestID: number, RequestHash: []byte(number), RecordedAt: time.Date(1999, 12, 31, 23, 59, 59, 123456000, time.UTC),
		Today: calendar.MustDate("2026-07-01"), Actor: "客户经理",
	})
	if err != nil {
		t.Fatal(err)
	}
	*a = c.Account
	if number != "" {
		o = c.Orders[0]
	}
	return e, o
}

// What is written as new rows and what is written as changes reads the same.
func TestWhatIsWrittenReadsTheSame(t *testing.T) {
	t.Parallel()
	s := postgres.NewStore(pgtest.New(t, "ordergate", postgres.Migrations()))
	a := account.New("C1", "C1")
	for i, touch := range []bool{false, true} { // the second is no batch of new rows only
		id := fmt.Sprintf("O%d", i)
		e, o := entryOf(t, &a, id)
		k := postgres.Key{RootID: "C1", AccountID: "C1"}
		err := s.Apply(t.Context(), postgres.Write{
			Entries: []gate.Entry{e}, Orders: []postgres.StoredOrder{{RootID: "C1", Seq: e.Seq, Order: o}}, New: []postgres.NewOrder{{OrderID: id, Key: k}}, Touch: touch,
		})
		if err != nil {
			t.Fatal(err)
		}
		got, found, err := s.Entry(t.Context(), []string{"C1"}, "C1", e.Seq)
		if err != nil || !found || string(got.Link(nil)) != string(e.Link(nil)) || string(got.Hash) != string(e.Hash) {
			t.Errorf("%s: %+v, %v, want %+v", id, got, err, e)
		}
		key := postgres.OrderKey{Key: k, OrderID: id}
		orders, err := s.Orders(t.Context(), []postgres.OrderKey{key})
		if err != nil || orders[key].Seq != e.Seq || orders[key].Order.Seq != e.Seq || orders[key].Order.ValidUntil != o.ValidUntil {
			t.Errorf("%s: %+v, %v", id, orders, err)
		}
	}
}

// Replicas that write to the same accounts in any order lose races and nothing else: they never wait for each other in a circle.
func TestWritersNeverWaitInACircle(t *testing.T) {
	t.Parallel()
	s := postgres.NewStore(pgtest.New(t, "ordergate", postgres.Migrations()))
	const writers, rounds, accounts = 4, 10, 400
	for round := range rounds {
		var wg sync.WaitGroup
		together := make(chan struct{})
		for w := range writers {
			write := postgres.Write{Touch: round%2 == 0}              // both ways of writing
			random := rand.New(rand.NewPCG(uint64(round), uint64(w))) //nolint:gosec // a test
			for _, i := range random.Perm(accounts) {
				a := account.New(fmt.Sprintf("C%d", i), fmt.Sprintf("C%d", i))
				a.Seq = int64(round)
				e, _ := entryOf(t, &a, "")
				write.Entries = append(write.Entries, e)
			}
			wg.Go(func() {
				<-together
				if err := s.Apply(t.Context(), write); err != nil && !errors.Is(err, postgres.ErrStale) {
					t.Errorf("round %d, writer %d: %v", round, w, err)
				}
			})
		}
		close(together)
		wg.Wait()
	}
}
