package policy_test

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgtest"
	"github.com/avalcredit/aval/pkg/policy"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func spec(amount string) *typev1.AuthorityRow { return &typev1.AuthorityRow{MaxAmount: amount} }

func date(s string) calendar.Date { return calendar.MustDate(s) }

func newStore(t *testing.T) (*policy.Store, *pgxpool.Pool) {
	t.Helper()
	pool := pgtest.New(t, "alpha", nil)
	s := policy.NewStore(pool)
	if err := s.EnsureBuiltIn(t.Context(), spec("1"), "max_amount: \"1\""); err != nil {
		t.Fatal(err)
	}
	return s, pool
}

func create(ctx context.Context, s *policy.Store, pool *pgxpool.Pool, amount, author string) (v policy.Version, err error) {
	err = pg.InTx(ctx, pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		v, err = s.Create(ctx, tx, policy.Draft{
			Spec: spec(amount), YAML: "max_amount: " + amount, CreatedBy: author, Comment: "why", Today: date("2026-03-01"),
		})
		return err
	})
	return v, err
}

func sign(ctx context.Context, s *policy.Store, pool *pgxpool.Pool, n int64, signer, from, today string) (v policy.Version, err error) {
	err = pg.InTx(ctx, pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		v, err = s.Sign(ctx, tx, n, signer, date(from), date(today))
		return err
	})
	return v, err
}

func TestLifeOfAVersion(t *testing.T) {
	t.Parallel()
	s, pool := newStore(t)
	v, err := create(t.Context(), s, pool, "2", "author")
	if err != nil || v.Version != 2 || v.State != policy.Drafted || len(v.Hash) != 32 {
		t.Fatalf("created %+v, %v", v, err)
	}
	if f, err := s.InForce(t.Context(), date("2026-03-01")); err != nil || f.Version != 1 || f.State != policy.BuiltIn {
		t.Errorf("a draft has effect: %+v, %v", f, err)
	}
	signed, err := sign(t.Context(), s, pool, 2, "manager", "2026-03-10", "2026-03-01")
	if err != nil || signed.State != policy.Signed || signed.SignedBy != "manager" || signed.SignedAt.IsZero() {
		t.Fatalf("signed %+v, %v", signed, err)
	}
	got, err := s.Get(t.Context(), 2)
	if err != nil || got.EffectiveFrom != date("2026-03-10") || got.YAML != "max_amount: 2" || got.Comment != "why" || string(got.Hash) != string(v.Hash) {
		t.Errorf("stored %+v, %v", got, err)
	}
	var back typev1.AuthorityRow
	if err := proto.Unmarshal(got.Spec, &back); err != nil || back.GetMaxAmount() != "2" {
		t.Errorf("spec %v, %v", &back, err)
	}
	for d, want := range map[string]int64{"1970-01-01": 1, "2026-03-09": 1, "2026-03-10": 2, "2099-01-01": 2} {
		if f, err := s.InForce(t.Context(), date(d)); err != nil || f.Version != want {
			t.Errorf("in force on %s: %d, %v; want %d", d, f.Version, err, want)
		}
	}
	if _, err := s.InForce(t.Context(), date("1969-12-31")); errs.ReasonOf(err) != policy.ReasonNotFound {
		t.Errorf("before the first: %v", err)
	}
	events, _, err := audit.List(t.Context(), pool, audit.Filter{Stream: policy.Stream}, audit.Page{Size: 9})
	if err != nil || len(events) != 2 || events[0].Action != "policy.sign" || events[0].Actor != "manager" ||
		events[1].Action != "policy.create" || events[1].Subject != "2" || !strings.Contains(string(events[0].Detail), "2026-03-10") {
		t.Errorf("audit %+v, %v", events, err)
	}
}

func TestWhichVersionHolds(t *testing.T) {
	t.Parallel()
	s, pool := newStore(t)
	// version -> effective date, in the order of signing
	for i, from := range []string{"2026-03-20", "2026-03-10", "2026-03-10"} {
		if _, err := create(t.Context(), s, pool, "9", "author"); err != nil {
			t.Fatal(err)
		}
		if _, err := sign(t.Context(), s, pool, int64(i+2), "manager", from, "2026-03-01"); err != nil {
			t.Fatal(err)
		}
	}
	cache := policy.NewCache(s, func(v policy.Version) (int64, error) { return v.Version, nil })
	for d, want := range map[string]int64{"2026-03-09": 1, "2026-03-10": 4, "2026-03-19": 4, "2026-03-20": 2} {
		if f, err := s.InForce(t.Context(), date(d)); err != nil || f.Version != want {
			t.Errorf("in force on %s: %d, %v; want %d", d, f.Version, err, want)
		}
		if n, err := cache.InForce(t.Context(), date(d)); err != nil || n != want {
			t.Errorf("cache on %s: %d, %v; want %d", d, n, err, want)
		}
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	s, pool := newStore(t)
	for range 2 {
		if _, err := create(t.Context(), s, pool, "2", "author"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sign(t.Context(), s, pool, 3, "manager", "2026-03-01", "2026-03-01"); err != nil {
		t.Fatalf("from today: %v", err)
	}
	for name, c := range map[string]struct {
		version             int64
		signer, from, today string
		want                string
	}{
		"author":   {2, "author", "2026-03-02", "2026-03-01", policy.ReasonSamePerson},
		"past":     {2, "manager", "2026-02-28", "2026-03-01", policy.ReasonDatePast},
		"twice":    {3, "manager", "2026-03-02", "2026-03-01", policy.ReasonAlreadySigned},
		"built in": {1, "manager", "2026-03-02", "2026-03-01", policy.ReasonAlreadySigned},
		"unknown":  {9, "manager", "2026-03-02", "2026-03-01", policy.ReasonNotFound},
		"nobody":   {2, "", "2026-03-02", "2026-03-01", errs.ReasonInvalidField},
	} {
		if _, err := sign(t.Context(), s, pool, c.version, c.signer, c.from, c.today); errs.ReasonOf(err) != c.want {
			t.Errorf("%s: %v, want %s", name, err, c.want)
		}
	}
	if v, err := s.Get(t.Context(), 2); err != nil || v.State != policy.Drafted {
		t.Errorf("a refused signature left %+v, %v", v, err)
	}
}

func TestConcurrentSignaturesOnlyOneCounts(t *testing.T) {
	t.Parallel()
	s, pool := newStore(t)
	if _, err := create(t.Context(), s, pool, "2", "author"); err != nil {
		t.Fatal(err)
	}
	var signed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			_, err := sign(t.Context(), s, pool, 2, "manager", "2026-03-02", "2026-03-01")
			if err == nil {
				signed.Add(1)
			} else if errs.ReasonOf(err) != policy.ReasonAlreadySigned {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	if signed.Load() != 1 {
		t.Errorf("signed %d times", signed.Load())
	}
}

func TestVersionsAreGapFreeAndBuiltInComesOnce(t *testing.T) {
	t.Parallel()
	pool := pgtest.New(t, "alpha", nil)
	s := policy.NewStore(pool)
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if err := s.EnsureBuiltIn(t.Context(), spec("1"), "max_amount: \"1\""); err != nil {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	for i := range 20 {
		wg.Go(func() {
			err := pg.InTx(t.Context(), pool, func(ctx context.Context, tx pgx.Tx) error {
				if _, err := s.Create(ctx, tx, policy.Draft{Spec: spec("2"), YAML: "x", CreatedBy: "author"}); err != nil {
					return err
				}
				if i%4 == 0 {
					return errs.New(errs.FailedPrecondition, "REFUSED", "rolled back")
				}
				return nil
			})
			if err != nil && errs.ReasonOf(err) != "REFUSED" {
				t.Errorf("%v", err)
			}
		})
	}
	wg.Wait()
	first, err := s.List(t.Context(), 10, 0)
	if err != nil {
		t.Fatal(err)
	}
	rest, err := s.List(t.Context(), 10, first[len(first)-1].Version)
	if err != nil {
		t.Fatal(err)
	}
	all := append(first, rest...)
	if len(all) != 16 {
		t.Errorf("%d versions, want 16", len(all))
	}
	for i, v := range all {
		if v.Version != int64(i+1) || (v.State == policy.BuiltIn) != (i == 0) {
			t.Errorf("place %d holds version %d, %s", i+1, v.Version, v.State)
		}
	}
	if b, err := s.Verify(t.Context()); err != nil || len(b) != 0 {
		t.Errorf("verify: %v, %v", b, err)
	}
}

func TestVersionsCannotBeChanged(t *testing.T) {
	t.Parallel()
	s, pool := newStore(t)
	for range 2 {
		if _, err := create(t.Context(), s, pool, "2", "author"); err != nil {
			t.Fatal(err)
		}
	}
	for _, q := range []string{
		"UPDATE policies SET yaml = 'x' WHERE version = 2",
		"UPDATE policies SET state = 'SIGNED', signed_by = 'm', signed_at = now(), effective_from = '2026-01-01', spec = '' WHERE version = 2",
		"UPDATE policies SET state = 'SIGNED', signed_by = 'author', signed_at = now(), effective_from = '2026-01-01' WHERE version = 2",
		"UPDATE policies SET effective_from = '2026-01-01' WHERE version = 1",
		"DELETE FROM policies", "TRUNCATE policies",
	} {
		if _, err := pool.Exec(t.Context(), q); err == nil {
			t.Errorf("%s: allowed", q)
		}
	}
	tamper := "SET session_replication_role = replica; UPDATE policies SET yaml = 'x' WHERE version = 2; RESET session_replication_role"
	if _, err := pool.Exec(t.Context(), tamper, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if b, err := s.Verify(t.Context()); err != nil || len(b) != 1 || b[0].Seq != 2 {
		t.Errorf("verify: %v, %v", b, err)
	}
}

func TestCache(t *testing.T) {
	t.Parallel()
	s, pool := newStore(t)
	var decoded atomic.Int64
	cache := policy.NewCache(s, func(v policy.Version) (int64, error) {
		decoded.Add(1)
		return v.Version, nil
	})
	holds := func(want int64) {
		t.Helper()
		if n, err := cache.InForce(t.Context(), date("2026-03-05")); err != nil || n != want {
			t.Errorf("in force: %d, %v; want %d", n, err, want)
		}
	}
	for range 3 {
		holds(1)
	}
	if decoded.Load() != 1 {
		t.Errorf("decoded %d times", decoded.Load())
	}
	if _, err := create(t.Context(), s, pool, "2", "author"); err != nil {
		t.Fatal(err)
	}
	if n, err := cache.ByVersion(t.Context(), 2); err != nil || n != 2 {
		t.Errorf("by version: %d, %v", n, err)
	}
	if _, err := sign(t.Context(), s, pool, 2, "manager", "2026-03-05", "2026-03-01"); err != nil {
		t.Fatal(err)
	}
	cache.Invalidate()
	holds(2)
	if _, err := cache.ByVersion(t.Context(), 9); errs.ReasonOf(err) != policy.ReasonNotFound {
		t.Errorf("unknown version: %v", err)
	}
	if _, err := cache.InForce(t.Context(), date("1960-01-01")); errs.ReasonOf(err) != policy.ReasonNotFound {
		t.Errorf("before the first: %v", err)
	}
}
