// Command evaluationd runs the evaluation phase as a process of its own.
package main

import (
	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/host/evaluationphase"
)

func main() { host.PhaseMain("evaluationd", evaluationphase.Phase()) }
