package policy

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/pg"
)

const (
	chainSQL = `SELECT version, state, spec, yaml, comment, created_by, created_at, coalesce(signed_by, ''), signed_at,
		effective_from, prev, hash FROM policies ORDER BY version`
	actsSQL = `SELECT seq, action, actor, subject, detail::text FROM audit_events
		WHERE stream = $1 AND action IN ($2, $3) ORDER BY seq`
)

// act is an event about a version, as the record of who did what has it.
type act struct {
	Seq                            int64
	Action, Actor, Subject, Detail string
}

// acts are the events about one version.
type acts struct{ created, signed []act }

// Verify recomputes the chain of versions and compares each version with the events of the audit stream, both ways: who
// wrote it, who signed it and from when, and that nobody signed what is not there. It returns where that does not hold.
// That the events themselves are genuine is audit.Verify's to find.
func (s *Store) Verify(ctx context.Context) ([]audit.Break, error) {
	var broken []audit.Break
	opts := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly} // versions and events of one moment
	err := pgx.BeginTxFunc(ctx, s.pool, opts, func(tx pgx.Tx) error {
		said, unread, err := readActs(ctx, tx)
		if err != nil {
			return err
		}
		broken = unread
		return verifyVersions(ctx, tx, said, func(version int64, why string) {
			broken = append(broken, audit.Break{Stream: Stream, Seq: version, Why: why})
		})
	})
	return broken, pg.Err(err)
}

// readActs returns the events by version, and those that name none.
func readActs(ctx context.Context, tx pgx.Tx) (map[int64]acts, []audit.Break, error) {
	rows, err := tx.Query(ctx, actsSQL, Stream, actionCreate, actionSign)
	if err != nil {
		return nil, nil, err
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[act])
	if err != nil {
		return nil, nil, err
	}
	said := map[int64]acts{}
	var broken []audit.Break
	for _, a := range list {
		version, err := strconv.ParseInt(a.Subject, 10, 64)
		if err != nil {
			broken = append(broken, audit.Break{Stream: Stream, Seq: a.Seq, Why: "an event names no version"})
			continue
		}
		of := said[version]
		if a.Action == actionSign {
			of.signed = append(of.signed, a)
		} else {
			of.created = append(of.created, a)
		}
		said[version] = of
	}
	return said, broken, nil
}

func verifyVersions(ctx context.Context, tx pgx.Tx, said map[int64]acts, report func(int64, string)) error {
	rows, err := tx.Query(ctx, chainSQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	last, lastHash := int64(0), audit.Genesis()
	for rows.Next() {
		var v Version
		var prev []byte
		var signedAt *time.Time
		if err := rows.Scan(&v.Version, &v.State, &v.Spec, &v.YAML, &v.Comment, &v.CreatedBy, &v.CreatedAt, &v.SignedBy,
			&signedAt, &v.EffectiveFrom, &prev, &v.Hash); err != nil {
			return err
		}
		if signedAt != nil {
			v.SignedAt = *signedAt
		}
		var why string
		switch {
		case v.Version != last+1:
			why = "versions before it are missing"
		case string(prev) != string(lastHash):
			why = "does not continue the version before"
		case string(v.Hash) != string(audit.Link(prev, v.content())):
			why = "content and hash differ"
		default:
			why = said[v.Version].differ(v)
		}
		if why != "" {
			report(v.Version, why)
		}
		delete(said, v.Version)
		last, lastHash = v.Version, v.Hash
	}
	for _, version := range slices.SortedFunc(maps.Keys(said), cmp.Compare[int64]) {
		report(version, "events tell of a version that is not there")
	}
	return rows.Err()
}

// differ says where a version and the events about it differ, or nothing.
func (a acts) differ(v Version) string {
	if v.State == BuiltIn {
		switch {
		case v.Version != 1 || v.EffectiveFrom != always() || v.CreatedBy != builtInAuthor:
			return "says that it came with the program, but is not the first version since 1970-01-01"
		case len(a.created)+len(a.signed) > 0:
			return "came with the program, but events tell of its author or signer"
		}
		return ""
	}
	switch {
	case len(a.created) != 1:
		return "not exactly one event tells who wrote it"
	case a.created[0].Actor != v.CreatedBy || !a.created[0].states(v, false):
		return "differs from the event that tells who wrote it"
	case v.State == Drafted && len(a.signed) > 0:
		return "is a draft, but an event tells of its signature"
	case v.State == Signed && len(a.signed) != 1:
		return "is signed, but not exactly one event tells of its signature"
	case v.State == Signed && (a.signed[0].Actor != v.SignedBy || !a.signed[0].states(v, true)):
		return "signer, date or content differ from the event that tells of its signature"
	}
	return ""
}

// states reports whether the event's detail says the same as the version.
func (a act) states(v Version, signed bool) bool {
	var d statement
	if json.Unmarshal([]byte(a.Detail), &d) != nil || d.Version != v.Version || string(d.Hash) != string(v.Hash) {
		return false
	}
	if !signed {
		return d.EffectiveFrom.IsZero()
	}
	// Events written before the time of signing was part of them name none.
	return d.EffectiveFrom == v.EffectiveFrom && (d.SignedAt.IsZero() || d.SignedAt.Equal(v.SignedAt))
}
