package app

import (
	"context"
	"sync"
	"time"

	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/services/ordergate/internal/event"
	"github.com/avalcredit/aval/services/ordergate/internal/postgres"
)

const (
	followPage = 500
	followPoll = 250 * time.Millisecond
)

// Events tells warehouses of stops and releases.
type Events struct {
	Store *postgres.Store

	mu   sync.Mutex
	news chan struct{} // closed when this replica has logged something
}

// Log is the Send of the relay of postgres.StreamShipment: it takes events into the log that Follow reads.
func (e *Events) Log(ctx context.Context, customerID string, events []delivery.Event) (int64, error) {
	last, err := e.Store.Log(ctx, customerID, events)
	e.mu.Lock()
	if e.news != nil {
		close(e.news)
		e.news = nil
	}
	e.mu.Unlock()
	return last, err
}

// changed is closed when this replica logs something; other replicas' events are seen by looking.
func (e *Events) changed() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.news == nil {
		e.news = make(chan struct{})
	}
	return e.news
}

// Follow hands over the events behind a position, of one customer or of all (""), and then those that come, until ctx ends or send
// fails. A send that fails may have been seen: events come at least once.
func (e *Events) Follow(ctx context.Context, pos int64, customerID string, send func(pos int64, s event.Shipment) error) error {
	for {
		news := e.changed()
		logged, err := e.Store.LogAfter(ctx, pos, customerID, followPage)
		if err != nil {
			return err
		}
		for _, l := range logged {
			s, err := event.Decode(l.Payload, l.Seq)
			if err != nil {
				return err
			}
			if err := send(l.Pos, s); err != nil {
				return err
			}
			pos = l.Pos
		}
		if len(logged) == followPage {
			continue
		}
		wait := time.NewTimer(followPoll)
		select {
		case <-ctx.Done():
			wait.Stop()
			return ctx.Err()
		case <-news:
		case <-wait.C:
		}
		wait.Stop()
	}
}
