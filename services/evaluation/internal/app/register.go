package app

import (
	"context"
	"slices"
	"strconv"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/services/evaluation/internal/application"
	"github.com/avalcredit/aval/services/evaluation/internal/postgres"
)

const maxDifferences = 1000

// overBoth read both registers.
func overBoth() []string { return []string{"CREDIT_MANAGER", "GENERAL_MANAGER", "CHAIRMAN", "AUDITOR"} }

// readersOf are the roles that keep a register.
func readersOf(register string) []string {
	if register == "SETTLEMENT_DESK" {
		return []string{"FINANCE_CLERK", "FINANCE_MANAGER", "FINANCE_DIRECTOR"}
	}
	return []string{"SALES_MANAGER", "SALES_DIRECTOR"}
}

// EntryList asks for a page of a register.
type EntryList struct {
	Size  int32
	Token string
	// Register is SETTLEMENT_DESK or SALES_HEAD.
	Register string
	// CustomerID and SerialNumber bound the list; empty: all.
	CustomerID, SerialNumber string
}

// RegisterEntries lists a register, lowest number first, and the token of the next page.
// Errors: PermissionDenied NOT_YOUR_REGISTER.
func (a *App) RegisterEntries(ctx context.Context, l EntryList) ([]postgres.Entry, string, error) {
	who, err := caller(ctx)
	if err != nil {
		return nil, "", err
	}
	if may := append(overBoth(), readersOf(l.Register)...); !slices.ContainsFunc(may, who.HasRole) {
		return nil, "", errs.New(errs.PermissionDenied, "NOT_YOUR_REGISTER", "the other register is yours to read")
	}
	sum := page.Checksum("registers", l.Register, l.CustomerID, l.SerialNumber)
	n := page.Size(l.Size, defaultPage, maxPage)
	q := postgres.EntryQuery{Register: l.Register, CustomerID: l.CustomerID, SerialNumber: l.SerialNumber, Size: n + 1}
	after, err := a.pages.Decode(l.Token, sum, 2)
	if err != nil {
		return nil, "", err
	}
	if after != nil {
		q.AfterSerial = after[0]
		if q.AfterEntry, err = strconv.Atoi(after[1]); err != nil {
			return nil, "", errs.New(errs.Invalid, page.ReasonTokenInvalid, "the page token cannot be read")
		}
	}
	found, err := a.store().Entries(ctx, q)
	if err != nil || len(found) <= n {
		return found, "", err
	}
	found = found[:n]
	last := found[n-1]
	return found, a.pages.Encode(sum, last.SerialNumber, strconv.Itoa(last.Entry)), nil
}

// CompareRegisters compares both registers with each other and with the numbers given out.
func (a *App) CompareRegisters(ctx context.Context) (postgres.Comparison, error) {
	return postgres.CompareRegisters(ctx, a.Pool, serialSeries, application.SerialPrefix, maxDifferences)
}
