package audit_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func event(stream string, n int) audit.Event {
	return audit.Event{
		Stream: stream, Actor: "u-" + fmt.Sprint(n%3), Action: "limit.change", Subject: "C-" + fmt.Sprint(n),
		BusinessDate: calendar.MustDate("2026-03-01").AddDays(n),
		Detail:       json.RawMessage(fmt.Sprintf(`{ "n":%d, "text":"信用 \u0000" }`, n)),
	}
}

func appendAll(t *testing.T, pool *pgxpool.Pool, events ...audit.Event) {
	t.Helper()
	for _, e := range events {
		err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error { return audit.Append(ctx, tx, e) })
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestChainHoldsUnderConcurrency(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	var wg sync.WaitGroup
	for g := range 8 {
		wg.Go(func() {
			for n := range 20 {
				err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
					if err := audit.Append(ctx, tx, event("s"+fmt.Sprint((g+n)%3), n)); err != nil {
						return err
					}
					if n%5 == 4 {
						return errs.New(errs.FailedPrecondition, "REFUSED", "rolled back")
					}
					return nil
				})
				if err != nil && errs.ReasonOf(err) != "REFUSED" {
					t.Errorf("%v", err)
				}
			}
		})
	}
	wg.Wait()
	r, err := audit.Verify(t.Context(), pool)
	if err != nil || len(r.Broken) != 0 || r.Streams != 3 || r.Entries != 8*16 {
		t.Errorf("report %+v, %v; want 3 streams, 128 entries, unbroken", r, err)
	}
}

func TestChangesAreRefused(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	appendAll(t, pool, event("s", 1))
	for _, q := range []string{
		"UPDATE audit_events SET actor = 'x'", "DELETE FROM audit_events", "TRUNCATE audit_events",
		"DELETE FROM audit_heads", "TRUNCATE audit_heads",
	} {
		if _, err := pool.Exec(t.Context(), q); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", q, err)
		}
	}
}

// TestTamperingIsFound does what a superuser can do past the triggers.
func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sql  string
		want string // "" = the chain alone is blind
	}{
		"edit actor":        {"UPDATE audit_events SET actor = 'evil' WHERE stream = 'a' AND seq = 3", "a 3: content and hash differ"},
		"edit detail":       {`UPDATE audit_events SET detail = '{ "n":9 }' WHERE stream = 'a' AND seq = 3`, "a 3: content and hash differ"},
		"edit space":        {`UPDATE audit_events SET detail = replace(detail::text, ' ', '')::json WHERE stream = 'a' AND seq = 3`, "a 3: content and hash differ"},
		"edit time":         {"UPDATE audit_events SET at = at - interval '1 microsecond' WHERE stream = 'a' AND seq = 3", "a 3: content and hash differ"},
		"edit date":         {"UPDATE audit_events SET business_date = NULL WHERE stream = 'a' AND seq = 3", "a 3: content and hash differ"},
		"edit hash":         {"UPDATE audit_events SET hash = sha256('x') WHERE stream = 'a' AND seq = 3", "a 3: content and hash differ"},
		"delete middle":     {"DELETE FROM audit_events WHERE stream = 'a' AND seq = 3", "a 4: follows 2: entries are missing"},
		"delete first":      {"DELETE FROM audit_events WHERE stream = 'a' AND seq = 1", "a 2: follows 0: entries are missing"},
		"cut tail":          {"DELETE FROM audit_events WHERE stream = 'a' AND seq > 3", "a 3: the last entry, but the head says 5"},
		"remove stream":     {"DELETE FROM audit_events WHERE stream = 'a'", "a 5: the head's entries are missing"},
		"remove head":       {"DELETE FROM audit_heads WHERE stream = 'a'", "a 5: the stream has no head"},
		"edit head":         {"UPDATE audit_heads SET hash = sha256('x') WHERE stream = 'a'", "a 5: the head has another hash"},
		"swap two":          {"UPDATE audit_events SET seq = CASE seq WHEN 2 THEN 103 WHEN 3 THEN 2 END WHERE stream = 'a' AND seq IN (2, 3); UPDATE audit_events SET seq = 3 WHERE stream = 'a' AND seq = 103", "a 2: does not continue the entry before"},
		"insert":            {"UPDATE audit_events SET seq = 6 WHERE stream = 'a' AND seq = 5; INSERT INTO audit_events SELECT stream, 5, at, business_date, 'evil', action, subject, detail, prev, sha256('x') FROM audit_events WHERE stream = 'a' AND seq = 4", "a 5: does not continue the entry before"},
		"move other stream": {"UPDATE audit_events SET stream = 'b', seq = 7 WHERE stream = 'a' AND seq = 5", "b 7: does not continue the entry before"},
		"cut tail and head": {`DELETE FROM audit_events WHERE stream = 'a' AND seq > 3;
			UPDATE audit_heads SET last_seq = 3, hash = (SELECT hash FROM audit_events WHERE stream = 'a' AND seq = 3) WHERE stream = 'a'`, ""},
		"remove stream and head": {"DELETE FROM audit_events WHERE stream = 'a'; DELETE FROM audit_heads WHERE stream = 'a'", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool := pgtest.New(t, "alpha", nil)
			for n := range 5 {
				appendAll(t, pool, event("a", n), event("b", n))
			}
			anchors, err := audit.Heads(t.Context(), pool)
			if err != nil || len(anchors) != 2 {
				t.Fatalf("heads: %v, %v", anchors, err)
			}
			appendAll(t, pool, event("b", 5)) // the anchors may be older than the heads
			if _, err := pool.Exec(t.Context(), "SET session_replication_role = replica; "+c.sql+"; RESET session_replication_role", pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
			r, err := audit.Verify(t.Context(), pool)
			if err != nil {
				t.Fatal(err)
			}
			if c.want == "" {
				if len(r.Broken) != 0 {
					t.Errorf("found without anchors: %+v", r.Broken)
				}
				if r, err = audit.Verify(t.Context(), pool, anchors...); err != nil || len(r.Broken) == 0 {
					t.Errorf("not found with anchors: %v", err)
				}
				return
			}
			var all []string
			for _, b := range r.Broken {
				all = append(all, fmt.Sprintf("%s %d: %s", b.Stream, b.Seq, b.Why))
			}
			if !strings.Contains(strings.Join(all, "\n")+"\n", c.want+"\n") {
				t.Errorf("found %q, want %q", all, c.want)
			}
		})
	}
}

// TestRehashedChain: who recomputes everything is found by an anchor only.
func TestRehashedChain(t *testing.T) {
	t.Parallel()
	honest, forged := pgtest.New(t, "alpha", nil), pgtest.New(t, "alpha", nil)
	appendAll(t, honest, event("a", 1), event("a", 2))
	appendAll(t, forged, event("a", 9), event("a", 2))
	anchors, err := audit.Heads(t.Context(), honest)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := audit.Verify(t.Context(), forged); err != nil || len(r.Broken) != 0 {
		t.Errorf("a well-made chain is reported: %+v, %v", r, err)
	}
	r, err := audit.Verify(t.Context(), forged, anchors...)
	if err != nil || len(r.Broken) != 1 || r.Broken[0].Why != "differs from the anchor" {
		t.Errorf("report %+v, %v", r, err)
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	for n := range 7 {
		appendAll(t, pool, event("s"+fmt.Sprint(n%2), n))
	}
	for name, c := range map[string]struct {
		f    audit.Filter
		want string // subjects, newest first
	}{
		"all":     {audit.Filter{}, "C-6 C-5 C-4 C-3 C-2 C-1 C-0"},
		"stream":  {audit.Filter{Stream: "s1"}, "C-5 C-3 C-1"},
		"actor":   {audit.Filter{Actor: "u-0"}, "C-6 C-3 C-0"},
		"action":  {audit.Filter{Action: "other"}, ""},
		"subject": {audit.Filter{Subject: "C-4"}, "C-4"},
		"dates":   {audit.Filter{From: calendar.MustDate("2026-03-03"), To: calendar.MustDate("2026-03-05")}, "C-4 C-3 C-2"},
	} {
		var got []string
		var after []string
		for {
			es, next, err := audit.List(t.Context(), pool, c.f, audit.Page{Size: 2, After: after})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range es {
				got = append(got, e.Subject)
			}
			if next == nil {
				break
			}
			if len(next) != audit.CursorParts {
				t.Fatalf("cursor %q", next)
			}
			after = next
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	es, _, err := audit.List(t.Context(), pool, audit.Filter{Subject: "C-1"}, audit.Page{Size: 1})
	if err != nil || string(es[0].Detail) != string(event("", 1).Detail) || es[0].BusinessDate.String() != "2026-03-02" {
		t.Errorf("entry %+v, %v", es, err)
	}
	for _, bad := range [][]string{{"1"}, {"x", "s", "1"}, {"1", "s", "x"}} {
		if _, _, err := audit.List(t.Context(), pool, audit.Filter{}, audit.Page{Size: 1, After: bad}); errs.KindOf(err) != errs.Invalid {
			t.Errorf("cursor %q: %v", bad, err)
		}
	}
}

func TestAppendRefusesIncompleteEvents(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	for _, e := range []audit.Event{{Actor: "u", Action: "x"}, {Stream: "s", Action: "x"}, {Stream: "s", Actor: "u"}} {
		err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error { return audit.Append(ctx, tx, e) })
		if errs.KindOf(err) != errs.Internal {
			t.Errorf("%+v: %v", e, err)
		}
	}
}
