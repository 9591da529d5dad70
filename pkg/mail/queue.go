package mail

import (
	"bytes"
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

const (
	// ReasonReused is the reason of a key that names another message already.
	ReasonReused = "MAIL_KEY_REUSED"
	// ReasonUnknown is the reason of a key that names no message.
	ReasonUnknown = "MAIL_UNKNOWN"
	// ReasonState is the reason of an act that the message's state does not allow.
	ReasonState = "MAIL_STATE"
)

const (
	addMessageSQL = `INSERT INTO mail_messages (message_key, sender, recipients, copies, reply_to, subject, body, digest, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (message_key) DO NOTHING`
	digestSQL        = `SELECT digest FROM mail_messages WHERE message_key = $1`
	addAttachmentSQL = `INSERT INTO mail_attachments (message_key, position, name, content_type, content) VALUES ($1, $2, $3, $4, $5)`
	addToQueueSQL    = `INSERT INTO mail_queue (message_key, state, next_attempt_at, updated_at) VALUES ($1, 'QUEUED', $2, $2)`

	statusSQL = `SELECT m.message_key, m.recipients, m.subject, q.state, q.attempts, q.last_error, m.created_at, q.sent_at
		FROM mail_queue q JOIN mail_messages m USING (message_key) `
	statusOfSQL   = statusSQL + `WHERE q.message_key = ANY($1) ORDER BY m.message_key`
	statusListSQL = statusSQL + `WHERE ($1 = '' OR q.state = $1) AND q.message_key > $2 ORDER BY q.message_key LIMIT $3`
	moveSQL       = `UPDATE mail_queue SET state = $2, sent_at = CASE WHEN $2 = 'SENT' THEN $4::timestamptz END, refusals = 0,
		next_attempt_at = $4, updated_at = $4 WHERE message_key = $1 AND state = ANY($3)`
	stateOfSQL = `SELECT state FROM mail_queue WHERE message_key = $1`
)

// Enqueue puts a message into the queue, in the transaction of what it tells of; added is false where the same message is
// there already. Errors: Invalid for a message that cannot be sent, AlreadyExists MAIL_KEY_REUSED where the key names
// another one.
func Enqueue(ctx context.Context, tx pgx.Tx, m Message, now time.Time) (added bool, err error) {
	if err := m.check(); err != nil {
		return false, err
	}
	tag, err := tx.Exec(ctx, addMessageSQL, m.Key, m.From, m.To, append([]string{}, m.Cc...), m.ReplyTo, m.Subject, m.Text, m.digest(), now)
	if err != nil {
		return false, pg.Err(err)
	}
	if tag.RowsAffected() == 0 {
		return false, same(ctx, tx, m)
	}
	for i, a := range m.Attachments {
		content := a.Content
		if content == nil {
			content = []byte{}
		}
		if _, err := tx.Exec(ctx, addAttachmentSQL, m.Key, i+1, a.Name, a.ContentType, content); err != nil {
			return false, pg.Err(err)
		}
	}
	_, err = tx.Exec(ctx, addToQueueSQL, m.Key, now)
	return true, pg.Err(err)
}

func same(ctx context.Context, tx pgx.Tx, m Message) error {
	var digest []byte
	if err := tx.QueryRow(ctx, digestSQL, m.Key).Scan(&digest); err != nil {
		return pg.Err(err)
	}
	if !bytes.Equal(digest, m.digest()) {
		return errs.New(errs.AlreadyExists, ReasonReused, "another message was queued as %s", m.Key).With("message_key", m.Key)
	}
	return nil
}

// Statuses says where messages stand, by key; those that are not there are left out.
func Statuses(ctx context.Context, q pg.Querier, keys ...string) (map[string]Status, error) {
	list, err := collect(ctx, q, statusOfSQL, keys)
	out := make(map[string]Status, len(list))
	for _, s := range list {
		out[s.Key] = s
	}
	return out, err
}

// List returns messages by key, those after a key; an empty state is all.
func List(ctx context.Context, q pg.Querier, state State, after string, limit int) ([]Status, error) {
	return collect(ctx, q, statusListSQL, string(state), after, limit)
}

func collect(ctx context.Context, q pg.Querier, query string, args ...any) ([]Status, error) {
	rows, err := q.Query(ctx, query, args...)
	if err != nil {
		return nil, pg.Err(err)
	}
	out, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (Status, error) {
		var s Status
		var sent *time.Time
		err := row.Scan(&s.Key, &s.To, &s.Subject, &s.State, &s.Attempts, &s.LastError, &s.QueueTime, &sent)
		if sent != nil {
			s.SentTime = *sent
		}
		return s, err
	})
	return out, pg.Err(err)
}

// Cancel takes a message out of the queue that nobody has begun to send. Errors: NotFound MAIL_UNKNOWN,
// FailedPrecondition MAIL_STATE.
func Cancel(ctx context.Context, tx pgx.Tx, key string, now time.Time) error {
	return move(ctx, tx, key, Cancelled, now, Queued)
}

// Resend puts a message that failed, or of which nobody knows whether it arrived, into the queue again: a person says so.
// Errors as of Cancel.
func Resend(ctx context.Context, tx pgx.Tx, key string, now time.Time) error {
	return move(ctx, tx, key, Queued, now, Failed, Uncertain)
}

// Settle records that a message of which nobody knew arrived: a person has asked. Errors as of Cancel.
func Settle(ctx context.Context, tx pgx.Tx, key string, now time.Time) error {
	return move(ctx, tx, key, Sent, now, Uncertain)
}

func move(ctx context.Context, tx pgx.Tx, key string, to State, now time.Time, from ...State) error {
	allowed := make([]string, len(from))
	for i, s := range from {
		allowed[i] = string(s)
	}
	tag, err := tx.Exec(ctx, moveSQL, key, string(to), allowed, now)
	if err != nil || tag.RowsAffected() > 0 {
		return pg.Err(err)
	}
	var state string
	err = pg.Err(tx.QueryRow(ctx, stateOfSQL, key).Scan(&state))
	if errs.KindOf(err) == errs.NotFound {
		return errs.New(errs.NotFound, ReasonUnknown, "there is no message %s", key).With("message_key", key)
	}
	if err != nil {
		return err
	}
	return errs.New(errs.FailedPrecondition, ReasonState, "message %s is %s", key, state).With("message_key", key).With("state", state)
}
