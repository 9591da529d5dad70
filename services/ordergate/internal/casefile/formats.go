package casefile

// PolicyAround is what the policy of a rule case leaves out.
const PolicyAround = `name: Case
base_currency: CNY
release_memory: {tolerance_percent: "0", days: 0}
release_authority:
  - steps: [{name: approval, roles: [ROLE_CREDIT_MANAGER]}]
`

// RuleCase is a case with a policy as people write it: rules, and what goes with them.
type RuleCase struct {
	ID       string     `yaml:"id"`
	Currency string     `yaml:"currency"` // of the account; empty: CNY
	Policy   string     `yaml:"policy"`
	Steps    []RuleStep `yaml:"steps"`
}

// RuleStep is a step with what receivables and evaluation may say beside the first facts, and what must show of it.
type RuleStep struct {
	Step   `yaml:",inline"`
	Policy string // with "do: policy": the policy from here on
	// grant
	Group, Grade, Cover string
	CoverUntil          string `yaml:"cover_until"`
	CoverReference      string `yaml:"cover_reference"`
	ValidFrom           string `yaml:"valid_from"`
	Temporary           struct{ Mode, Amount, From, Until string }
	Seasonal            struct{ Mode, Amount, From, Until string } // from and until are month and day
	Stock               struct{ Amount, From, Until string }       // base stock granted
	ForOrder            struct{ Order, Amount, Until string }      `yaml:"for_order"`
	// position
	Dunning, Broken, Invoices int
	SupplyStopped             bool `yaml:"supply_stopped"`
	Held                      []struct{ ID, Kind, Currency, Worth, From, Until string }
	BrokenAmount              string `yaml:"broken_amount"`
	BrokenDate                string `yaml:"broken_date"`
	BankBill                  string `yaml:"bank_bill"`
	CommercialBill            string `yaml:"commercial_bill"`
	BaseStock                 string `yaml:"base_stock"`
	Consignment, Deposit      string
	Disputed                  map[string]string
	// orders
	Delivery  string
	Currency  string
	OrderDate string `yaml:"order_date"`
	Priority  *int
	// what must show
	Verdict       string
	Refusals      []string
	Scopes        map[string]string
	Exemptions    map[string]string
	Figures       map[string]string // of any rule
	ExposureAfter string            `yaml:"exposure_after"`
	Rate          string            // rate, date and kind
	States        map[string]string // of several orders
	Passed        map[string]string // by order that got credit: those that its entry names, in turn
	Caps          []string          // category caps that the account is over
}

// ControlCase is one acceptance case of approvals, blocks and stops. Amounts are CNY.
type ControlCase struct {
	ID     string        `yaml:"id"`
	Policy ControlPolicy `yaml:"policy"`
	Steps  []ControlStep `yaml:"steps"`
}

// ControlPolicy is the order policy of a control case.
type ControlPolicy struct {
	Stop         *StopRule `yaml:"stop"`
	SevereRatio  string    `yaml:"severe_ratio"`
	SevereDays   int       `yaml:"severe_days"`
	DueDays      int       `yaml:"due_days"`
	KeepHold     bool      `yaml:"keep_hold"` // a raised limit does not lift a HOLD
	Authority    string    `yaml:"authority"`
	NoMemory     bool      `yaml:"no_memory"`
	HeldReserve  bool      `yaml:"held_reserve"`
	OverShipment string    `yaml:"over_shipment"`
}

// StopRule is when S2.18 stops a customer.
type StopRule struct {
	Percent string `yaml:"percent"`
	Days    int    `yaml:"days"`
	Count   bool   `yaml:"releases_count"`
}

// ControlStep is one thing that happens, and what must show after it.
type ControlStep struct {
	Do, Order, By, Date, Until, Kind string
	Limit, Treatment                 string
	Receivable, Unapplied            string
	Due, Bills                       map[string]string
	Amount, Terms                    string
	TermDays                         *int   `yaml:"term_days"`
	MaxAmount                        string `yaml:"max_amount"`
	Payment                          string
	MaxExcess                        string `yaml:"max_excess"`
	MaxDays                          int    `yaml:"max_days"`
	Replace                          bool
	// what must show
	Want, Error string
	Form        string   // state of the order's form
	Reasons     []string // rules that hold, or codes of a refused shipment
	Allowed     bool
	Stopped     *bool
	Blocked     *bool
	Withdrawals *int
	Events      []string // types told since the step before
	Buckets     map[string]string
	Next        []string // roles that may take the next step today
}

// SharedCase is what happens among customers that share a limit, and what must show after each step. Amounts are CNY.
type SharedCase struct {
	ID          string       `yaml:"id"`
	MembersDraw bool         `yaml:"members_draw"`
	Steps       []SharedStep `yaml:"steps"`
}

// SharedStep is one thing that happens, and what must show after it.
type SharedStep struct {
	Do       string // group_limit, customer, submit, check, cancel, approve, state
	Customer string
	Group    string
	Limit    string // amount or "undefined"
	Order    string
	Amount   string
	Want     string // state of the order, or the verdict of a check
	Reasons  []string
	Figures  map[string]string // of the rule group_pool
	Pool     map[string]string // group -> exposure
	Exposure map[string]string // customer -> exposure
}
