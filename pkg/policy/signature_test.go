package policy_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/policy"
)

// TestForgedSignatures does what somebody with the database at hand can do, past the triggers where one stands in the
// way: a signature that nobody gave is found, and has no effect.
func TestForgedSignatures(t *testing.T) {
	t.Parallel()
	forgedEvent := `INSERT INTO audit_events SELECT stream, seq + 10, at, business_date, 'ghost', 'policy.sign', %s, detail, prev, hash
		FROM audit_events WHERE action = 'policy.create' AND subject = '2'`
	for name, c := range map[string]struct {
		sql   string
		want  string // what is found; "" nothing
		holds int64  // the version in force on 2026-06-01
	}{
		"nothing": {"SELECT 1", "", 3},
		"signature of nobody": {"UPDATE policies SET state = 'SIGNED', signed_by = 'ghost', signed_at = now(), effective_from = '2000-01-01' WHERE version = 2",
			"2: is signed, but not exactly one event tells of its signature", 3},
		"signature of nobody, later": {"UPDATE policies SET state = 'SIGNED', signed_by = 'ghost', signed_at = now(), effective_from = '2026-05-01' WHERE version = 2",
			"2: is signed, but not exactly one event tells of its signature", 3},
		"other date":          {"UPDATE policies SET effective_from = '2000-01-01' WHERE version = 3", "3: signer, date or content differ from the event that tells of its signature", 1},
		"other signer":        {"UPDATE policies SET signed_by = 'ghost' WHERE version = 3", "3: signer, date or content differ from the event that tells of its signature", 1},
		"other time":          {"UPDATE policies SET signed_at = signed_at - interval '1 day' WHERE version = 3", "3: signer, date or content differ from the event that tells of its signature", 3},
		"signature taken off": {"UPDATE policies SET state = 'DRAFT', signed_by = NULL, signed_at = NULL, effective_from = NULL WHERE version = 3", "3: is a draft, but an event tells of its signature", 1},
		"version taken away":  {"DELETE FROM policies WHERE version = 3", "3: events tell of a version that is not there", 1},
		"event for a draft":   {strings.Replace(forgedEvent, "%s", "'2'", 1), "2: is a draft, but an event tells of its signature", 3},
		"event for nothing":   {strings.Replace(forgedEvent, "%s", "'9'", 1), "9: events tell of a version that is not there", 3},
		"as if built in":      {"UPDATE policies SET state = 'BUILT_IN', effective_from = '2026-05-01' WHERE version = 2", "2: says that it came with the program, but is not the first version since 1970-01-01", 3},
		"built in, later":     {"UPDATE policies SET effective_from = '2026-05-01' WHERE version = 1", "1: says that it came with the program, but is not the first version since 1970-01-01", 3},
		"other author":        {"DELETE FROM audit_events WHERE action = 'policy.create' AND subject = '2'", "2: not exactly one event tells who wrote it", 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, pool := newStore(t)
			for range 2 {
				if _, err := create(t.Context(), s, pool, "2", "author"); err != nil {
					t.Fatal(err)
				}
			}
			if _, err := sign(t.Context(), s, pool, 3, "manager", "2026-03-10", "2026-03-01"); err != nil {
				t.Fatal(err)
			}
			sql := "SET session_replication_role = replica; " + c.sql + "; RESET session_replication_role"
			if _, err := pool.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
			broken, err := s.Verify(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			found := ""
			for _, b := range broken {
				found += string(rune('0'+b.Seq)) + ": " + b.Why
			}
			if found != c.want {
				t.Errorf("found %q, want %q", found, c.want)
			}
			v, err := s.InForce(t.Context(), date("2026-06-01"))
			if err != nil || v.Version != c.holds {
				t.Errorf("in force: %d, %v; want %d", v.Version, err, c.holds)
			}
			cache := policy.NewCache(s, func(v policy.Version) (int64, error) { return v.Version, nil })
			if n, err := cache.InForce(t.Context(), date("2026-06-01")); err != nil || n != c.holds {
				t.Errorf("cache: %d, %v; want %d", n, err, c.holds)
			}
		})
	}
}
