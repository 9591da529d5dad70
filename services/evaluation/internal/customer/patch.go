package customer

import (
	"slices"
	"strconv"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
)

// ReasonRevisionConflict is the reason when another change came first.
const ReasonRevisionConflict = "REVISION_CONFLICT"

// Patch is a change of some fields of a file.
type Patch struct {
	// Values holds the new values of the named fields; its ID names the customer, its
	// Revision the one the change starts from (0: whatever it is).
	Values Customer
	// Fields are the names of the fields to change, as in the contract.
	Fields []string
}

// Apply returns the file with the patch's fields changed and the next revision.
// Errors: Aborted REVISION_CONFLICT; Invalid INVALID_FIELD for a field that cannot
// be changed; FailedPrecondition LIFE_CYCLE_NOT_ALLOWED. The caller validates the result.
func (c Customer) Apply(p Patch) (Customer, error) {
	if p.Values.Revision != 0 && p.Values.Revision != c.Revision {
		return c, errs.New(errs.Aborted, ReasonRevisionConflict,
			"the file is at revision %d, not %d: read it again", c.Revision, p.Values.Revision).
			With("revision", strconv.FormatInt(c.Revision, 10))
	}
	var found []errs.Violation
	stage := c.LifeCycle
	for _, f := range p.Fields {
		// A path into a field names the field: messages are replaced whole.
		field, _, _ := strings.Cut(f, ".")
		if !c.set(field, p.Values) {
			found = append(found, errs.Violation{Field: "update_mask", Rule: "changeable", Message: f + " is not a field that can be changed"})
		}
	}
	if err := errs.Fields(found...); err != nil {
		return c, err
	}
	c.Contacts, c.Aliases, c.Addresses = slices.Clone(c.Contacts), slices.Clone(c.Aliases), slices.Clone(c.Addresses)
	c = c.Complete()
	if err := stage.move(c.LifeCycle); err != nil {
		return c, err
	}
	c.Revision++
	return c, nil
}

func (c *Customer) set(field string, v Customer) bool {
	if text := c.text(field, &v); text != nil {
		*c.text(field, c) = *text
		return true
	}
	switch field {
	case "founding_date":
		c.FoundingDate = v.FoundingDate
	case "settlement_method":
		c.SettlementMethod = v.SettlementMethod
	case "usual_purchase":
		c.UsualPurchase = v.UsualPurchase
	case "contacts":
		c.Contacts = v.Contacts
	case "aliases":
		c.Aliases = v.Aliases
	case "addresses":
		c.Addresses = v.Addresses
	case "purchase_pattern":
		c.Pattern = v.Pattern
	case "life_cycle":
		c.LifeCycle = v.LifeCycle
	case "customer_id", "revision":
		// They say which file and from which revision; a client that sends the whole
		// file back names them too.
	default:
		return false
	}
	return true
}

// text returns the place of a plain text field in the file, nil for other fields.
func (*Customer) text(field string, in *Customer) *string {
	switch field {
	case "display_name":
		return &in.DisplayName
	case "legal_name":
		return &in.LegalName
	case "uscc":
		return &in.USCC
	case "registration_number":
		return &in.RegistrationNumber
	case "country_code":
		return &in.CountryCode
	case "legal_form":
		return &in.LegalForm
	case "industry":
		return &in.Industry
	case "region":
		return &in.Region
	case "group_id":
		return &in.GroupID
	case "unit_id":
		return &in.UnitID
	case "legal_representative":
		return &in.LegalRepresentative
	case "currency_code":
		return &in.Currency
	case "salesperson_id":
		return &in.SalespersonID
	case "credit_analyst_id":
		return &in.CreditAnalystID
	case "address":
		return &in.Address
	default:
		return nil
	}
}
