// Command ordergated runs the ordergate phase as a process of its own.
package main

import (
	"github.com/avalcredit/aval/services/host"
	"github.com/avalcredit/aval/services/host/ordergatephase"
)

func main() { host.PhaseMain("ordergated", ordergatephase.Phase()) }
