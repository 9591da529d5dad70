package app

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/avalcredit/aval/pkg/audit"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/services/receivables/internal/position"
	"github.com/avalcredit/aval/services/receivables/internal/postgres"
)

// saveCustomer keeps a profile. Where it says that its file was merged, its account goes on in the survivor's, and the gate is told of
// both under the survivor's number from now on: that position says up to which one under the other number it stands.
func (s *Service) saveCustomer(ctx context.Context, tx pgx.Tx, c Customer) error {
	act := s.act(ctx)
	if err := postgres.SaveCustomer(ctx, tx, c, act.Now); err != nil || c.MergedIntoID == "" {
		return err
	}
	var head delivery.Head
	into, moved, err := postgres.GoOnIn(ctx, tx, c, act, func() (int64, error) {
		var err error
		head, err = delivery.HeadOf(ctx, tx, StreamPosition, c.ID)
		return head.Last, err
	})
	if err != nil || !moved {
		return err
	}
	if err := into.Save(ctx); err != nil {
		return err
	}
	detail, err := json.Marshal(map[string]any{"merged_customer_id": c.ID, "last_position": head.Last})
	if err != nil {
		return err
	}
	err = audit.Append(ctx, tx, audit.Event{
		Stream: "customer/" + into.CustomerID(), Actor: act.Actor, BusinessDate: act.Today, Action: "account.merge", Subject: "customer " + c.ID, Detail: detail,
	})
	if err != nil {
		return err
	}
	standing, err := into.Standing(ctx)
	if err != nil {
		return err
	}
	_, err = delivery.Append(ctx, tx, StreamPosition, into.CustomerID(), func(seq int64) ([]byte, error) {
		return positionOf(position.Change{CustomerID: into.CustomerID(), Sequence: seq, BusinessDate: act.Today, Cause: "merger of customer " + c.ID}, standing)
	})
	return err
}

// under is a document's customer as this account has it: its own number for one that goes on in it.
func (c *change) under(ctx context.Context, customerID string) (string, error) {
	if customerID == c.customer.ID {
		return customerID, nil
	}
	moved, err := postgres.Moved(ctx, c.tx, []string{customerID})
	if err != nil || moved[customerID] == "" {
		return customerID, err
	}
	return moved[customerID], nil
}

// holds refuses a document that is not what was asked for, or stands under a number which is neither this account's nor one's that goes on
// in it, as the error given.
func (c *change) holds(ctx context.Context, customerID string, fits bool, unknown error) error {
	owner, err := c.under(ctx, customerID)
	if err == nil && (owner != c.customer.ID || !fits) {
		return unknown
	}
	return err
}
