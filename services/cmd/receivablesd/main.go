// Command receivablesd runs the receivables phase as a process of its own.
package main

import (
	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/host/receivablesphase"
)

func main() { host.PhaseMain("receivablesd", receivablesphase.Phase()) }
