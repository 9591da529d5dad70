package application

import "github.com/avalcredit/aval/pkg/calendar"

// ReasonGrantChanged: the standing grant is another than the one that the form was routed by.
const ReasonGrantChanged = "GRANT_CHANGED"

// Temporary is how and when a limit for a time holds.
type Temporary struct {
	// Mode is REPLACE or ADD.
	Mode  string        `json:"mode"`
	From  calendar.Date `json:"from_date"`
	Until calendar.Date `json:"until_date"`
	// Standing is the version of the grant that an older form was routed by; see
	// Application.StandingVersion.
	Standing int64 `json:"standing_version,omitempty"`
}
