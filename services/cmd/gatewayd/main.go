// Command gatewayd runs the REST gateway as a process of its own.
package main

import "github.com/avalcredit/aval/services/host/front"

func main() { front.Main("gatewayd") }
