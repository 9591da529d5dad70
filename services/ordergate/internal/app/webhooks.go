package app

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/services/ordergate/internal/event"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

const (
	mostWebhooks = 100
	secretBytes  = 32
	// watchWebhooks is how often a replica looks for receivers that others registered or removed.
	watchWebhooks = time.Second
	// A receiver has this long to take one event.
	webhookTimeout = 10 * time.Second
	webhookBackoff = 10 * time.Minute
)

// Post hands one event to a receiver; anything but success is an error, and the event is sent again.
type Post func(ctx context.Context, url string, key []byte, e event.Shipment) error

// Webhooks keeps the receivers of stops and releases, and delivers to them.
type Webhooks struct {
	Pool    *pgxpool.Pool
	Store   *postgres.Store
	Clock   calendar.Clock
	Log     *slog.Logger
	Targets event.Targets
	Post    Post
	Key     []byte // seals secrets; the same on all replicas
	// Backoff bounds the pause after failures; 0: 10 minutes.
	Backoff time.Duration
}

// Webhook is a receiver of events.
type Webhook = postgres.Webhook

// Created is what is kept of a registration for a repeated request: the secret stays sealed.
type Created struct {
	Webhook postgres.Webhook `json:"webhook"`
	Sealed  []byte           `json:"sealed"`
}

// Create registers a receiver and returns it with the key of its signatures, hexadecimal.
// Errors: WEBHOOK_URL_NOT_ALLOWED, TOO_MANY_WEBHOOKS, REQUEST_ID_REUSED.
func (w *Webhooks) Create(ctx context.Context, c Caller, req idem.Request, url string, types []string) (postgres.Webhook, string, error) {
	if err := w.Targets.Check(url); err != nil {
		return postgres.Webhook{}, "", err
	}
	var made Created
	err := pg.InTx(ctx, w.Pool, func(ctx context.Context, tx pgx.Tx) (err error) {
		made, _, err = idem.Do(ctx, tx, req, func() (Created, error) {
			secret, id := make([]byte, secretBytes), make([]byte, 12)
			_, _ = rand.Read(secret) // never fails
			_, _ = rand.Read(id)
			sealed, err := w.seal(secret)
			if err != nil {
				return Created{}, err
			}
			hook := postgres.Webhook{ID: hex.EncodeToString(id), URL: url, Types: slices.Clone(types), Secret: sealed, CreatedBy: c.Subject}
			if hook.Types == nil {
				hook.Types = []string{}
			}
			hook, err = w.Store.AddWebhook(ctx, tx, hook, mostWebhooks)
			hook.Secret = nil
			return Created{Webhook: hook, Sealed: sealed}, err
		})
		return err
	})
	if err != nil {
		return postgres.Webhook{}, "", err
	}
	secret, err := w.open(made.Sealed)
	return made.Webhook, hex.EncodeToString(secret), err
}

// List lists the receivers, oldest first.
func (w *Webhooks) List(ctx context.Context) ([]postgres.Webhook, error) {
	return w.Store.Webhooks(ctx)
}

// Delete removes a receiver. Errors: WEBHOOK_UNKNOWN.
func (w *Webhooks) Delete(ctx context.Context, id string) error {
	found, err := w.Store.DropWebhook(ctx, id)
	if err == nil && !found {
		err = errs.New(errs.NotFound, "WEBHOOK_UNKNOWN", "webhook %s is not known", id).With("webhook_id", id)
	}
	return err
}

// Run delivers to the receivers that there are until ctx ends: each has a relay of its own, so that one that is down delays no other.
func (w *Webhooks) Run(ctx context.Context) error {
	running := map[string]context.CancelFunc{}
	var wg sync.WaitGroup
	defer wg.Wait()
	defer func() {
		for _, stop := range running {
			stop()
		}
	}()
	for {
		hooks, err := w.Store.ActiveWebhooks(ctx)
		if err != nil && ctx.Err() == nil {
			w.Log.WarnContext(ctx, "webhooks cannot be read", "error", err)
		}
		if err == nil {
			there := map[string]bool{}
			for _, h := range hooks {
				if there[h.ID] = true; running[h.ID] != nil {
					continue
				}
				hookCtx, stop := context.WithCancel(ctx)
				running[h.ID] = stop
				relay := w.relay(h)
				wg.Go(func() { _ = relay.Run(hookCtx) }) // it ends with its context, without an error
			}
			for id, stop := range running {
				if !there[id] {
					stop()
					delete(running, id)
				}
			}
		}
		wait := time.NewTimer(watchWebhooks)
		select {
		case <-ctx.Done():
			wait.Stop()
			return nil
		case <-wait.C:
		}
	}
}

// relay sends one event at a time: what was taken is acknowledged before the next goes out.
func (w *Webhooks) relay(h postgres.Webhook) *delivery.Relay {
	backoff := w.Backoff
	if backoff == 0 {
		backoff = webhookBackoff
	}
	return delivery.NewRelayWith(delivery.Config{
		Pool: w.Pool, Stream: postgres.WebhookStream(h.ID), Log: w.Log, Clock: w.Clock,
		SendTimeout: webhookTimeout, MaxBackoff: backoff, Workers: 4, Batch: 1,
		Send: func(ctx context.Context, _ string, events []delivery.Event) (int64, error) {
			if err := w.Targets.Check(h.URL); err != nil { // what is allowed may have become narrower
				return 0, err
			}
			key, err := w.open(h.Secret)
			if err != nil {
				return 0, err
			}
			var last int64
			for _, x := range events {
				e, err := postgres.Forwarded(x.Payload)
				if err != nil {
					return last, err
				}
				if err := w.Post(ctx, h.URL, key, e); err != nil {
					return last, err
				}
				last = x.Seq
			}
			return last, nil
		},
	})
}

func (w *Webhooks) aead() (cipher.AEAD, error) {
	h := hmac.New(sha256.New, w.Key)
	_, _ = h.Write([]byte("aval webhook secrets"))
	block, err := aes.NewCipher(h.Sum(nil))
	if err != nil {
		return nil, fmt.Errorf("webhook secrets: %w", err)
	}
	return cipher.NewGCM(block)
}

func (w *Webhooks) seal(secret []byte) ([]byte, error) {
	a, err := w.aead()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, a.NonceSize(), a.NonceSize()+len(secret)+a.Overhead())
	_, _ = rand.Read(nonce)
	return a.Seal(nonce, nonce, secret, nil), nil
}

func (w *Webhooks) open(sealed []byte) ([]byte, error) {
	a, err := w.aead()
	if err != nil {
		return nil, err
	}
	if len(sealed) < a.NonceSize() {
		return nil, errors.New("a webhook's secret is too short")
	}
	secret, err := a.Open(nil, sealed[:a.NonceSize()], sealed[a.NonceSize():], nil)
	if err != nil {
		return nil, fmt.Errorf("a webhook's secret does not open; was the key changed? %w", err)
	}
	return secret, nil
}
