package suite

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
)

// Roles are the roles of people and of other programs, in the contract's order.
func Roles() []string {
	var names []string
	for _, number := range slices.Sorted(maps.Keys(optionsv1.Role_name)) {
		if name := authn.RoleName(optionsv1.Role(number)); name != "" && name != authn.RoleService {
			names = append(names, name)
		}
	}
	return names
}

// SubjectOf is the subject of a role's development token where none is named: "sales-manager" for SALES_MANAGER.
func SubjectOf(role string) string { return strings.ReplaceAll(strings.ToLower(role), "_", "-") }

// OpenIssuer makes development tokens for suites on the data folder; empty means DefaultDataDir.
func OpenIssuer(dataDir string) (*authn.Issuer, error) {
	if dataDir == "" {
		var err error
		if dataDir, err = DefaultDataDir(); err != nil {
			return nil, err
		}
	}
	if err := makeDataDir(dataDir); err != nil {
		return nil, err
	}
	return authn.NewIssuerWithClock(dataDir, calendar.SystemClock(time.UTC))
}
