package customer

// Op is what a node of a filter does.
type Op string

// The operations of a filter.
const (
	// And holds where all arguments hold.
	And Op = "AND"
	// Or holds where one argument holds.
	Or Op = "OR"
	// Not holds where its argument does not.
	Not Op = "NOT"
	// Equal compares a field with a value.
	Equal Op = "="
	// NotEqual is the opposite of Equal.
	NotEqual Op = "!="
	// Less compares by characters.
	Less Op = "<"
	// LessEqual compares by characters.
	LessEqual Op = "<="
	// Greater compares by characters.
	Greater Op = ">"
	// GreaterEqual compares by characters.
	GreaterEqual Op = ">="
	// Has finds a text within a field, whatever its case.
	Has Op = ":"
)

// Filter is a condition on customers: a comparison, or an operation on filters.
type Filter struct {
	// Op says what it is.
	Op Op
	// Args are the arguments of And, Or and Not.
	Args []Filter
	// Field is one of FilterFields, in a comparison.
	Field string
	// Value is what the field is compared with.
	Value string
}

// FilterFields are the fields that a filter may name.
func FilterFields() []string {
	return []string{"customer_id", "display_name", "salesperson_id", "group_id", "root_group_id", "merged_into_id", "region", "industry", "life_cycle", "grade"}
}

// Order is the order of a list; equal values are in the order of customer_id.
type Order struct {
	// Field is customer_id, display_name or create_time.
	Field string
	// Descending turns it around.
	Descending bool
}
