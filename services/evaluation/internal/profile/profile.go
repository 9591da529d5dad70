// Package profile is what the other phases know of a customer: sent whole with every
// change, numbered within the customer.
package profile

import (
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
	"github.com/avalcredit/aval/services/evaluation/internal/grant"
)

// Profile is the credit profile of a customer.
type Profile struct {
	CustomerID string `json:"customer_id"`
	// Sequence counts the changes of the profile, from 1.
	Sequence      int64         `json:"sequence"`
	BusinessDate  calendar.Date `json:"business_date"`
	DisplayName   string        `json:"display_name"`
	Currency      string        `json:"currency_code"`
	SalespersonID string        `json:"salesperson_id,omitempty"`
	// GroupID is the topmost group: the gate counts together what is under common control.
	GroupID          string                    `json:"group_id,omitempty"`
	UnitID           string                    `json:"unit_id,omitempty"`
	LifeCycle        customer.LifeCycle        `json:"life_cycle"`
	Grade            grade.Grade               `json:"grade,omitempty"`
	SettlementMethod customer.SettlementMethod `json:"settlement_method"`
	// Grant is the newest; nil: none was ever granted.
	Grant *grant.Grant `json:"grant,omitempty"`
	// GrantHash is the grant's hash in the chain, hexadecimal.
	GrantHash string `json:"grant_hash,omitempty"`
	// MergedIntoID is the file that stands for this one; empty: none does.
	MergedIntoID string `json:"merged_into_id,omitempty"`
}

// Of puts the profile of a customer together, without sequence and date.
func Of(c customer.Customer, newest *grant.Grant, grantHash string) Profile {
	if newest != nil && newest.Settlement != nil { // an approved form is more than the file
		c.SettlementMethod = customer.SettlementMethod(newest.Settlement.Method)
	}
	return Profile{
		CustomerID: c.ID, DisplayName: c.DisplayName, Currency: c.Currency,
		SalespersonID: c.SalespersonID, GroupID: c.Root(), UnitID: c.UnitID, LifeCycle: c.LifeCycle,
		Grade: c.Grade, SettlementMethod: c.SettlementMethod, Grant: newest, GrantHash: grantHash,
		MergedIntoID: c.MergedIntoID,
	}
}

// SameAs reports whether both tell the same, whatever their sequence and date.
func (p Profile) SameAs(o Profile) bool {
	p.Sequence, p.BusinessDate = o.Sequence, o.BusinessDate
	// The hash stands for the grant.
	p.Grant, o.Grant = nil, nil
	return p == o
}
