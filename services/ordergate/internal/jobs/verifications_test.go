package jobs_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/policy"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/jobs"
	"github.com/avalcredit/aval/services/ordergate/internal/order"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
)

func (r *rig) verifications(worker string) *jobs.Verifications {
	return &jobs.Verifications{
		Verifier: &app.Verifier{
			Pool: r.pool, Store: r.store, Policies: policy.NewCache(r.versions, rpc.DecodePolicy), Book: r.versions, Log: r.log,
		},
		Store: r.store, Settings: policy.NewCache(r.versions, rpc.DecodeReportSettings), Clock: r.clock, Zone: r.zone, Log: r.log, Worker: worker,
	}
}

func (r *rig) kept(t *testing.T) []postgres.Verification {
	t.Helper()
	found, next, err := r.verifications("").Verifier.Kept(t.Context(), page.NewSigner([]byte("k")), 0, "")
	must(t, err)
	if next != "" {
		t.Errorf("%d verifications, and more", len(found))
	}
	return found
}

// All that is stored is verified once for each business date, by one of the replicas, from the policy's hour on; what does not hold is kept.
func TestVerificationByTheClock(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	r.customer(t, "C1", raised("2026-07-10", "2026-07-20"))
	r.submit(t, order.Order{ID: "O1", CustomerID: "C1", Amount: 1500}, order.Held)
	r.clock.Set(time.Date(2026, 7, 2, 5, 59, 0, 0, r.zone))
	must(t, r.verifications("a").Make(ctx))
	if n := len(r.kept(t)); n != 0 {
		t.Fatalf("%d verifications before the hour", n)
	}
	r.clock.Set(time.Date(2026, 7, 2, 6, 0, 0, 0, r.zone))
	must(t, r.verifications("a").Make(ctx))
	must(t, r.verifications("b").Make(ctx))
	must(t, pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL session_replication_role = replica`); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `UPDATE journal SET actor = 'somebody' WHERE seq = 2`)
		return err
	}))
	r.noon("2026-07-03")
	must(t, r.verifications("b").Make(ctx))
	kept := r.kept(t)
	if len(kept) != 2 || kept[1].Date != calendar.MustDate("2026-07-02") || len(kept[1].Breaks) != 0 || kept[1].Entries < 2 || kept[1].Ended.IsZero() {
		t.Fatalf("%+v", kept)
	}
	if b := kept[0].Breaks; len(b) != 1 || b[0].Chain != "journal/C1" || b[0].Seq != 2 {
		t.Errorf("a changed entry gives %+v", b)
	}
}

// A verification that died is made again by another replica when its lease is over.
func TestVerificationIsTakenOver(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := t.Context()
	day := calendar.MustDate("2026-07-01") // noon there
	if claimed, err := r.store.ClaimVerification(ctx, day, "dead", time.Hour); err != nil || !claimed {
		t.Fatal(claimed, err)
	}
	must(t, r.verifications("b").Make(ctx))
	if k := r.kept(t); len(k) != 1 || !k[0].Ended.IsZero() {
		t.Fatalf("under the lease: %+v", k)
	}
	_, err := r.pool.Exec(ctx, `UPDATE verification_runs SET lease_until = now() - interval '1 second'`)
	must(t, err)
	must(t, r.verifications("b").Make(ctx))
	if k := r.kept(t); len(k) != 1 || k[0].Ended.IsZero() {
		t.Errorf("after the lease: %+v", k)
	}
	if err := r.store.HoldVerification(ctx, day, "dead", time.Hour); err == nil {
		t.Error("who had lost the claim could hold it")
	}
}

// Verifying while orders come in finds nothing: it looks at one moment.
func TestVerificationUnderTraffic(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 20 {
		r.customer(t, fmt.Sprintf("C%d", i), raised("2026-07-01", "2026-07-20"))
	}
	ended := make(chan error)
	stop := make(chan struct{})
	go func() {
		for n := 0; ; n++ {
			id := fmt.Sprintf("O%d", n)
			_, err := r.gate.Submit(t.Context(), app.Caller{Subject: "sales", Sees: everybody}, app.Request{ID: id, Hash: []byte(id)},
				order.Order{ID: id, CustomerID: fmt.Sprintf("C%d", n%20), Currency: "CNY", Amount: 1, Terms: order.OpenAccount})
			select {
			case <-stop:
				ended <- err
				return
			default:
			}
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	for range 20 {
		found, err := r.verifications("a").Verifier.Verify(t.Context())
		must(t, err)
		if len(found.Breaks) > 0 {
			t.Fatalf("%+v", found.Breaks[0])
		}
	}
	close(stop)
	must(t, <-ended)
}
