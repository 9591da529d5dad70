package mail

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/pg"
)

// Config of a relay. Zero durations and numbers take the defaults.
type Config struct {
	Pool  *pgxpool.Pool
	Clock calendar.Clock
	Log   *slog.Logger
	// Server takes the messages; without a host nothing is sent, and messages wait.
	Server Server
	// Poll is the pause between looks for work (1 s).
	Poll time.Duration
	// Workers is how many messages are sent at once (4).
	Workers int
	// MaxRefusals is how often a server may put off one message before it fails (12).
	MaxRefusals int
	// Backoff is the pause after a failure (30 s), doubled with each, up to MaxBackoff (1 h).
	Backoff, MaxBackoff time.Duration
}

const (
	// claimLasts bounds one sending; a claim that is older belongs to a process that is gone.
	claimLasts   = 10 * time.Minute
	storeTimeout = 5 * time.Second
	maxError     = 500
)

// Relay hands queued messages to an SMTP server. Any number of processes may run one on the same database.
type Relay struct {
	cfg   Config
	log   *slog.Logger
	nudge chan struct{}
}

// NewRelay returns a relay; nothing is sent before Run.
func NewRelay(cfg Config) *Relay {
	for v, def := range map[*time.Duration]time.Duration{
		&cfg.Poll: time.Second, &cfg.Backoff: 30 * time.Second, &cfg.MaxBackoff: time.Hour, &cfg.Server.Timeout: 30 * time.Second,
	} {
		if *v <= 0 {
			*v = def
		}
	}
	if cfg.Workers <= 0 {
		cfg.Workers = 4
	}
	if cfg.MaxRefusals <= 0 {
		cfg.MaxRefusals = 12
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	return &Relay{cfg: cfg, log: cfg.Log.With("relay", "mail"), nudge: make(chan struct{}, 1)}
}

// Nudge makes Run look for work now; it waits for nothing.
func (r *Relay) Nudge() {
	select {
	case r.nudge <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends; it then waits for what is under way and returns nil.
func (r *Relay) Run(ctx context.Context) error {
	if r.cfg.Server.Host == "" {
		r.log.InfoContext(ctx, "no mail server is set: letters wait in the queue")
		<-ctx.Done()
		return nil
	}
	var workers sync.WaitGroup
	defer workers.Wait()
	for range r.cfg.Workers {
		workers.Go(func() { r.work(ctx) })
	}
	return nil
}

func (r *Relay) work(ctx context.Context) {
	for ctx.Err() == nil {
		sent, err := r.once(ctx)
		if err != nil && ctx.Err() == nil {
			r.log.WarnContext(ctx, "mail: the queue cannot be worked on", "error", err)
		}
		if sent && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-r.nudge:
		case <-time.After(r.cfg.Poll):
		}
	}
}

const (
	orphansSQL = `UPDATE mail_queue SET state = 'UNCERTAIN', claimed_until = NULL, claim = '', updated_at = $1,
		last_error = 'the program ended while the message was being sent'
		WHERE state = 'SENDING' AND claimed_until < $1 RETURNING message_key`
	claimSQL = `UPDATE mail_queue SET state = 'SENDING', attempts = attempts + 1, claim = $2, claimed_until = $3, updated_at = $1
		WHERE message_key = (SELECT message_key FROM mail_queue WHERE state = 'QUEUED' AND next_attempt_at <= $1
			ORDER BY next_attempt_at, message_key LIMIT 1 FOR UPDATE SKIP LOCKED)
		RETURNING message_key, attempts, refusals`
	messageSQL = `SELECT message_key, sender, recipients, copies, reply_to, subject, body, created_at FROM mail_messages WHERE message_key = $1`
	attachSQL  = `SELECT name, content_type, content FROM mail_attachments WHERE message_key = $1 ORDER BY position`
	outcomeSQL = `UPDATE mail_queue SET state = $3, claim = '', claimed_until = NULL, sent_at = $4, last_error = $5, refusals = $6,
		next_attempt_at = $7, updated_at = $8 WHERE message_key = $1 AND claim = $2 AND state = 'SENDING'`
)

type claimed struct {
	key                string
	attempts, refusals int
	claim              string
}

// once sends one message, if one is due.
func (r *Relay) once(ctx context.Context) (bool, error) {
	if err := r.orphans(ctx); err != nil {
		return false, err
	}
	c := claimed{claim: fmt.Sprintf("%x", rand.Uint64())} //nolint:gosec // a name, no secret
	now := r.cfg.Clock.Now()
	err := pg.Err(r.cfg.Pool.QueryRow(ctx, claimSQL, now, c.claim, now.Add(claimLasts)).Scan(&c.key, &c.attempts, &c.refusals))
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	// From here on the message goes its way, whatever becomes of the program's wish to end.
	store, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout+2*r.cfg.Server.Timeout)
	defer cancel()
	m, queued, err := r.load(store, c.key)
	var result outcome
	if err != nil {
		result = outcome{verdict: later, said: err.Error()}
	} else {
		result = r.cfg.Server.send(store, m, queued)
	}
	return true, r.record(store, c, result)
}

// orphans marks what a process that is gone was about to send.
func (r *Relay) orphans(ctx context.Context) error {
	rows, err := r.cfg.Pool.Query(ctx, orphansSQL, r.cfg.Clock.Now())
	if err != nil {
		return pg.Err(err)
	}
	keys, err := pgx.CollectRows(rows, pgx.RowTo[string])
	for _, key := range keys {
		r.log.ErrorContext(ctx, "mail: nobody knows whether a message was sent; somebody must look", "message", key)
	}
	return pg.Err(err)
}

func (r *Relay) load(ctx context.Context, key string) (Message, time.Time, error) {
	var m Message
	var queued time.Time
	err := r.cfg.Pool.QueryRow(ctx, messageSQL, key).
		Scan(&m.Key, &m.From, &m.To, &m.Cc, &m.ReplyTo, &m.Subject, &m.Text, &queued)
	if err != nil {
		return m, queued, pg.Err(err)
	}
	rows, err := r.cfg.Pool.Query(ctx, attachSQL, key)
	if err != nil {
		return m, queued, pg.Err(err)
	}
	m.Attachments, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Attachment])
	return m, queued, pg.Err(err)
}

// record keeps what became of a sending.
func (r *Relay) record(ctx context.Context, c claimed, o outcome) error {
	now := r.cfg.Clock.Now()
	state, next, refusals := Queued, now.Add(r.pause(c.attempts)), c.refusals
	var sent *time.Time
	switch o.verdict {
	case taken:
		state, sent, refusals = Sent, &now, 0
	case refused:
		state = Failed
	case unknown:
		state = Uncertain
	case putOff:
		if refusals++; refusals >= r.cfg.MaxRefusals {
			state = Failed
		}
	case later:
	}
	if len(o.said) > maxError {
		o.said = o.said[:maxError]
	}
	if state != Sent {
		r.log.WarnContext(ctx, "mail: a message was not sent", "message", c.key, "state", state, "said", o.said)
	}
	_, err := r.cfg.Pool.Exec(ctx, outcomeSQL, c.key, c.claim, string(state), sent, clean(o.said), refusals, next, now)
	return pg.Err(err)
}

func (r *Relay) pause(attempts int) time.Duration {
	pause := r.cfg.Backoff
	for range attempts - 1 {
		if pause *= 2; pause >= r.cfg.MaxBackoff {
			return r.cfg.MaxBackoff
		}
	}
	return pause
}
