// Package worklist says whom a collector turns to first, and why. The package is pure.
package worklist

import (
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

// Contact is one contact with a customer.
type Contact struct {
	ID         string        `json:"id"`
	CustomerID string        `json:"customer_id"`
	Channel    string        `json:"channel"`
	Result     string        `json:"result"`
	Person     string        `json:"person,omitempty"`
	Text       string        `json:"text"`
	ItemIDs    []string      `json:"item_ids,omitempty"`
	NextDate   calendar.Date `json:"next_action_date,omitzero"`
	NextAction string        `json:"next_action,omitempty"`
	LoggedBy   string        `json:"logged_by"`
	Date       calendar.Date `json:"contact_date"`
	CreateTime time.Time     `json:"create_time"`
}

// Check holds a contact that is logged to its day. Errors: Invalid, rule DATE_PAST.
func (c Contact) Check(today calendar.Date) error {
	if !c.NextDate.IsZero() && c.NextDate.Before(today) {
		return errs.Field("contact.next_action_date", "DATE_PAST", "%s is in the past", c.NextDate)
	}
	return nil
}
