package customer

import (
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
)

// Reasons of merges.
const (
	// ReasonMerged: the file was merged into another one.
	ReasonMerged = "CUSTOMER_MERGED"
	// ReasonNotClosed: a file is closed before it is merged.
	ReasonNotClosed = "CUSTOMER_NOT_CLOSED"
	// ReasonSurvivorClosed: the file that is to stand for both is closed.
	ReasonSurvivorClosed = "SURVIVOR_CLOSED"
	// ReasonCurrencyDiffers: the accounts are in two currencies.
	ReasonCurrencyDiffers = "CURRENCY_DIFFERS"
	// ReasonCodesDiffer: the files are of two firms.
	ReasonCodesDiffer = "CODES_DIFFER"
	// ReasonOpenBusiness: a form of the file is still on its way.
	ReasonOpenBusiness = "CUSTOMER_HAS_OPEN_BUSINESS"
)

// Changeable refuses changes of a file that was merged: FailedPrecondition CUSTOMER_MERGED.
func (c Customer) Changeable() error {
	if c.MergedIntoID == "" {
		return nil
	}
	return errs.New(errs.FailedPrecondition, ReasonMerged, "file %s was merged into %s", c.ID, c.MergedIntoID).
		With("merged_into_id", c.MergedIntoID)
}

// CheckMerge says whether a file may be merged into another one, as far as the files
// tell. Errors: Invalid INVALID_FIELD for a file into itself; FailedPrecondition with
// the reasons above.
func (c Customer) CheckMerge(into Customer) error {
	refuse := func(reason, format string, args ...any) error {
		return errs.New(errs.FailedPrecondition, reason, format, args...)
	}
	switch {
	case c.ID == into.ID:
		return errs.Field("survivor_id", "other", "names the file itself")
	case c.MergedIntoID != "":
		return c.Changeable()
	case into.MergedIntoID != "":
		return into.Changeable()
	case into.LifeCycle == Closed:
		return refuse(ReasonSurvivorClosed, "file %s is closed and cannot stand for another one", into.ID)
	case c.Currency != into.Currency:
		return refuse(ReasonCurrencyDiffers, "the accounts are in %s and %s", c.Currency, into.Currency)
	case c.USCC != "" && into.USCC != "" && c.USCC != into.USCC:
		return refuse(ReasonCodesDiffer, "the files have two unified social credit codes: they are two firms")
	case c.LifeCycle != Closed:
		return refuse(ReasonNotClosed, "file %s is %s: close it first, so that nothing new begins in it", c.ID, c.LifeCycle)
	default:
		return nil
	}
}

// MergeInto returns both files after a merge: this one names the other, which takes over
// its names and contacts and what it leaves open itself.
func (c Customer) MergeInto(into Customer, at time.Time) (merged, survivor Customer) {
	merged, survivor = c, into
	merged.MergedIntoID = into.ID
	survivor.Aliases, survivor.Contacts = slices.Clone(into.Aliases), slices.Clone(into.Contacts)
	for _, name := range slices.Concat([]string{c.LegalName, c.DisplayName}, c.Aliases) {
		key := NameKey(name)
		if key != "" && len(survivor.Aliases) < maxContacts && !slices.Contains(survivor.NameKeys(), key) {
			survivor.Aliases = append(survivor.Aliases, name)
		}
	}
	for _, p := range c.Contacts {
		if len(survivor.Contacts) < maxContacts && !slices.Contains(survivor.Contacts, p) {
			survivor.Contacts = append(survivor.Contacts, p)
		}
	}
	if into.USCC == "" && into.RegistrationNumber == "" {
		survivor.USCC, survivor.RegistrationNumber = c.USCC, c.RegistrationNumber
		if c.CountryCode != "" {
			survivor.CountryCode = c.CountryCode
		}
	}
	for _, field := range []string{"legal_name", "legal_form", "legal_representative", "address", "industry", "region", "credit_analyst_id"} {
		if place := survivor.text(field, &survivor); *place == "" {
			*place = *c.text(field, &c)
		}
	}
	if survivor.FoundingDate.IsZero() {
		survivor.FoundingDate = c.FoundingDate
	}
	merged.Revision++
	survivor.Revision++
	merged.UpdateTime, survivor.UpdateTime = at, at
	return merged, survivor
}
