package delivery_test

import (
	"context"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
)

const (
	senderVar   = "AVAL_TEST_KILL_SENDER"
	receiverVar = "AVAL_TEST_KILL_RECEIVER"
)

// TestKilledRelays starts relays as processes of their own and kills them (-9)
// in the middle, again and again; the last one finishes.
func TestKilledRelays(t *testing.T) {
	t.Parallel()
	senderURL, receiverURL := pgtest.URL(t, "alpha", nil), pgtest.URL(t, "beta", nil)
	pool, other := pgtest.Open(t, senderURL, "alpha"), pgtest.Open(t, receiverURL, "beta")
	const customers, each = 4, 50
	for range each {
		for c := range customers {
			write(t, pool, "C-"+strconv.Itoa(c))
		}
	}
	for range 4 {
		//nolint:gosec // this very test program
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestRelayProcess$", "-test.count=1")
		cmd.Env = append(os.Environ(), senderVar+"="+senderURL, receiverVar+"="+receiverURL)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond)
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		// The claims of the dead expire; the test does not wait for that long.
		if _, err := pool.Exec(t.Context(), "UPDATE outbox_heads SET claimed_until = now() WHERE claimed_until IS NOT NULL"); err != nil {
			t.Fatal(err)
		}
	}
	rec := &receiver{pool: other, applied: map[string][]string{}}
	last := delivery.NewRelayWith(config(pool, rec.send))
	run(t, last)
	eventually(t, last)
	for c := range customers {
		// Accept lets nothing but the next sequence in, so the head says it all.
		got, err := delivery.Received(t.Context(), other, stream, "C-"+strconv.Itoa(c))
		if err != nil || got != each {
			t.Errorf("C-%d: received %d, %v; want %d", c, got, err, each)
		}
	}
}

// TestRelayProcess is the process that TestKilledRelays kills; by itself it has nothing to do.
func TestRelayProcess(t *testing.T) {
	if os.Getenv(senderVar) == "" {
		return
	}
	ctx := context.Background()
	pool, err := pg.Open(ctx, pg.Config{URL: os.Getenv(senderVar), Schema: "alpha"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := pg.Open(ctx, pg.Config{URL: os.Getenv(receiverVar), Schema: "beta"})
	if err != nil {
		t.Fatal(err)
	}
	rec := &receiver{pool: other, applied: map[string][]string{}}
	rec.lose = func(int64) bool { time.Sleep(10 * time.Millisecond); return false }
	cfg := config(pool, rec.send)
	cfg.Batch, cfg.Clock = 3, calendar.SystemClock(time.UTC)
	_ = delivery.NewRelayWith(cfg).Run(ctx)
}
