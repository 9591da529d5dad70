// Package policy holds the order policy that is shipped with the suite.
package policy

import _ "embed" // the policy is compiled in

// Default is the shipped policy, YAML.
//
//go:embed default.yaml
var Default string //nolint:gochecknoglobals // embedded text needs a variable
