// Package policy keeps a phase's policy: numbered versions, written as YAML,
// signed by a second person, in force from a date on. Old versions stay for ever,
// because old decisions name them.
package policy

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/serial"
)

// States of a version.
const (
	BuiltIn = "BUILT_IN" // came with the program; holds until another is signed
	Drafted = "DRAFT"
	Signed  = "SIGNED"
)

// Reasons of refusals.
const (
	ReasonNotFound      = "POLICY_NOT_FOUND"
	ReasonAlreadySigned = "POLICY_ALREADY_SIGNED"
	ReasonSamePerson    = "SAME_PERSON"
	ReasonDatePast      = "EFFECTIVE_DATE_PAST"
)

// Stream is the audit stream of a phase's policy; its events are
// "policy.create" and "policy.sign", with the version as subject.
const Stream = "policy"

// Actions of the stream's events.
const (
	actionCreate = "policy.create"
	actionSign   = "policy.sign"
)

// series numbers the versions, builtInAuthor stands for the program's makers.
const (
	series        = "policy"
	builtInAuthor = "built-in"
)

// Version of a policy.
type Version struct {
	Version       int64 // 1, 2, 3 ... without gaps
	State         string
	Spec          []byte // the message, deterministic protobuf
	YAML          string // as written
	Hash          []byte // chained over the versions
	EffectiveFrom calendar.Date
	CreatedBy     string
	SignedBy      string
	CreatedAt     time.Time // UTC
	SignedAt      time.Time // UTC; zero unless signed
	Comment       string
}

// Draft is what a person proposes.
type Draft struct {
	Spec      proto.Message
	YAML      string
	CreatedBy string // subject of the caller's token
	Comment   string
	Today     calendar.Date // business date of the call, for the audit event
}

// Store keeps the versions in the schema of its pool.
type Store struct{ pool *pgxpool.Pool }

// NewStore returns a store on a pool whose schema is migrated.
func NewStore(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

const (
	columns = `version, state, spec, yaml, hash, effective_from, created_by, coalesce(signed_by, ''), created_at, signed_at, comment`
	// The first version takes the first number of the series, whoever comes first.
	firstSQL  = `INSERT INTO serials (series, last_value) VALUES ($1, 1) ON CONFLICT (series) DO NOTHING`
	prevSQL   = `SELECT hash FROM policies WHERE version = $1`
	nowSQL    = `SELECT now()`
	insertSQL = `INSERT INTO policies (version, state, spec, yaml, comment, created_by, created_at, prev, hash, effective_from)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`
	lockSQL = `SELECT ` + columns + ` FROM policies WHERE version = $1 FOR UPDATE`
	signSQL = `UPDATE policies SET state = 'SIGNED', signed_by = $2, signed_at = now(), effective_from = $3
		WHERE version = $1 RETURNING ` + columns
	getSQL  = `SELECT ` + columns + ` FROM policies WHERE version = $1`
	listSQL = `SELECT ` + columns + ` FROM policies WHERE version > $1 ORDER BY version LIMIT $2`
	// What has effect: the program's own version, and a version whose signature is in the record of who did what, with
	// the same signer, date and content. A row that only says that it is signed holds nowhere.
	holds = `(state = 'BUILT_IN' AND version = 1 AND effective_from = '1970-01-01'
		OR state = 'SIGNED' AND EXISTS (SELECT FROM audit_events e
			WHERE e.stream = '` + Stream + `' AND e.action = '` + actionSign + `' AND e.subject = policies.version::text
			  AND e.actor = policies.signed_by AND e.detail->>'effective_from' = to_char(policies.effective_from, 'YYYY-MM-DD')
			  AND e.detail->>'hash' = encode(policies.hash, 'base64')))`
	// Of two versions from the same date the later one holds.
	inForceSQL = `SELECT ` + columns + ` FROM policies WHERE ` + holds + ` AND effective_from <= $1
		ORDER BY effective_from DESC, version DESC LIMIT 1`
)

// EnsureBuiltIn installs the program's own policy as version 1, in force from
// 1970-01-01, unless the schema has versions already. Replicas may call it at once.
func (s *Store) EnsureBuiltIn(ctx context.Context, spec proto.Message, yaml string) error {
	return pg.InTx(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, firstSQL, series)
		if err != nil || tag.RowsAffected() == 0 {
			return pg.Err(err)
		}
		d := Draft{Spec: spec, YAML: yaml, CreatedBy: builtInAuthor, Comment: "Came with the program."}
		_, err = insert(ctx, tx, d, row{version: 1, state: BuiltIn, from: always()})
		return err
	})
}

// Create stores a draft as the next version. The message is expected to be valid
// (see ParseYAML). Versions stay free of gaps, so drafts take turns until tx ends.
func (s *Store) Create(ctx context.Context, tx pgx.Tx, d Draft) (Version, error) {
	if d.CreatedBy == "" {
		return Version{}, errs.Field("created_by", "required", "a draft needs its author")
	}
	n, err := serial.Next(ctx, tx, series)
	if err != nil {
		return Version{}, err
	}
	v, err := insert(ctx, tx, d, row{version: n, state: Drafted})
	if err != nil {
		return Version{}, err
	}
	return v, record(ctx, tx, actionCreate, d.CreatedBy, v, d.Today)
}

// always is the date from which the program's own version holds.
func always() calendar.Date { return calendar.New(1970, time.January, 1) }

// row is the part of a version that a draft does not say.
type row struct {
	version int64
	state   string
	from    calendar.Date
}

func insert(ctx context.Context, tx pgx.Tx, d Draft, r row) (Version, error) {
	spec, err := proto.MarshalOptions{Deterministic: true}.Marshal(d.Spec)
	if err != nil {
		return Version{}, errs.New(errs.Internal, "INTERNAL", "internal error").WithCause(err)
	}
	if spec == nil {
		spec = []byte{}
	}
	v := Version{
		Version: r.version, State: r.state, Spec: spec, YAML: d.YAML, EffectiveFrom: r.from,
		CreatedBy: d.CreatedBy, Comment: d.Comment,
	}
	if err := tx.QueryRow(ctx, nowSQL).Scan(&v.CreatedAt); err != nil {
		return Version{}, pg.Err(err)
	}
	v.CreatedAt = v.CreatedAt.UTC()
	prev := audit.Genesis()
	if r.version > 1 {
		if err := tx.QueryRow(ctx, prevSQL, r.version-1).Scan(&prev); err != nil {
			return Version{}, pg.Err(err)
		}
	}
	v.Hash = audit.Link(prev, v.content())
	_, err = tx.Exec(ctx, insertSQL, v.Version, v.State, v.Spec, v.YAML, v.Comment, v.CreatedBy, v.CreatedAt, prev, v.Hash, v.EffectiveFrom)
	return v, pg.Err(err)
}

// content is what a version's hash covers: what it says, not whether it is signed.
func (v Version) content() []byte {
	return audit.Content(
		[]byte("aval.policy.v1"),
		binary.BigEndian.AppendUint64(nil, uint64(v.Version)), //nolint:gosec // positive
		binary.BigEndian.AppendUint64(nil, uint64(v.CreatedAt.UnixMicro())),
		v.Spec, []byte(v.YAML), []byte(v.Comment), []byte(v.CreatedBy),
	)
}

// Sign puts a draft in force from a date on. It refuses, with FailedPrecondition,
// a version that is not a draft (POLICY_ALREADY_SIGNED) and a date before today
// (EFFECTIVE_DATE_PAST), and, with PermissionDenied, the author as signer
// (SAME_PERSON). today is the business date of the call.
func (s *Store) Sign(ctx context.Context, tx pgx.Tx, version int64, signer string, effectiveFrom, today calendar.Date) (Version, error) {
	if signer == "" {
		return Version{}, errs.Field("signed_by", "required", "a signature needs its signer")
	}
	if effectiveFrom.IsZero() {
		return Version{}, errs.Field("effective_from", "required", "say from which date the policy holds")
	}
	v, err := one(ctx, tx, lockSQL, version)
	if err != nil {
		return Version{}, err
	}
	number := strconv.FormatInt(version, 10)
	switch {
	case v.State != Drafted:
		return Version{}, errs.New(errs.FailedPrecondition, ReasonAlreadySigned,
			"version %d is no draft: write a new version to change the policy", version).With("version", number).With("state", v.State)
	case v.CreatedBy == signer:
		return Version{}, errs.New(errs.PermissionDenied, ReasonSamePerson,
			"the author of a policy and its signer are different people").With("version", number)
	case effectiveFrom.Before(today):
		return Version{}, errs.New(errs.FailedPrecondition, ReasonDatePast,
			"a policy cannot hold from %s, before today (%s)", effectiveFrom, today).
			With("effective_from", effectiveFrom.String()).With("today", today.String())
	}
	v, err = one(ctx, tx, signSQL, version, signer, effectiveFrom)
	if err != nil {
		return Version{}, err
	}
	return v, record(ctx, tx, actionSign, signer, v, today)
}

// statement is the detail of an event: what was created, or what was signed, from when on.
type statement struct {
	Version       int64         `json:"version"`
	Hash          []byte        `json:"hash"`
	EffectiveFrom calendar.Date `json:"effective_from,omitzero"`
	SignedAt      time.Time     `json:"signed_at,omitzero"`
	Comment       string        `json:"comment,omitempty"`
}

func record(ctx context.Context, tx pgx.Tx, action, actor string, v Version, today calendar.Date) error {
	detail, err := json.Marshal(statement{v.Version, v.Hash, v.EffectiveFrom, v.SignedAt, v.Comment})
	if err != nil {
		return err
	}
	return audit.Append(ctx, tx, audit.Event{
		Stream: Stream, Actor: actor, Action: action, Subject: strconv.FormatInt(v.Version, 10),
		BusinessDate: today, Detail: detail,
	})
}

// Get returns a version, or NotFound POLICY_NOT_FOUND.
func (s *Store) Get(ctx context.Context, version int64) (Version, error) {
	v, err := one(ctx, s.pool, getSQL, version)
	if errs.KindOf(err) == errs.NotFound {
		return Version{}, errs.New(errs.NotFound, ReasonNotFound, "there is no version %d of the policy", version).WithCause(err)
	}
	return v, err
}

// List returns at most pageSize (1 to 1000) versions after afterVersion, in order.
func (s *Store) List(ctx context.Context, pageSize int, afterVersion int64) ([]Version, error) {
	rows, err := s.pool.Query(ctx, listSQL, afterVersion, min(max(pageSize, 1), 1000))
	if err != nil {
		return nil, pg.Err(err)
	}
	vs, err := pgx.CollectRows(rows, scan)
	return vs, pg.Err(err)
}

// InForce returns the version that holds on a date: among the built-in and the
// signed ones the one with the latest effective date not after it, and of those
// the latest version. NotFound POLICY_NOT_FOUND if there is none.
func (s *Store) InForce(ctx context.Context, date calendar.Date) (Version, error) {
	return one(ctx, s.pool, inForceSQL, date)
}

func one(ctx context.Context, q pg.Querier, sql string, args ...any) (Version, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return Version{}, pg.Err(err)
	}
	v, err := pgx.CollectExactlyOneRow(rows, scan)
	if errors.Is(err, pgx.ErrNoRows) {
		return Version{}, errs.New(errs.NotFound, ReasonNotFound, "there is no such version of the policy").WithCause(err)
	}
	return v, pg.Err(err)
}

func scan(r pgx.CollectableRow) (Version, error) {
	var v Version
	var signedAt *time.Time
	err := r.Scan(&v.Version, &v.State, &v.Spec, &v.YAML, &v.Hash, &v.EffectiveFrom, &v.CreatedBy, &v.SignedBy, &v.CreatedAt, &signedAt, &v.Comment)
	v.CreatedAt = v.CreatedAt.UTC()
	if signedAt != nil {
		v.SignedAt = signedAt.UTC()
	}
	return v, err
}
