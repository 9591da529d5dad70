package main

import (
	"fmt"

	"github.com/avalcredit/aval/services/host"
)

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run() error {
	_, err := fmt.Println(host.Version())
	return err
}
