package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/services/suite"
)

type tokenCommand struct {
	Role    []string      `required:"" help:"Role that the token carries, as SALES_MANAGER; may be given several times."`
	Subject string        `help:"Person or program that the token stands for; default: the role's name in small letters."`
	TTL     time.Duration `name:"ttl" default:"720h" help:"How long the token is good for."`
	DataDir string        `help:"Data folder of the suite; default: as serve has it."`
}

// Run prints a token that a suite in development mode on the same data folder accepts.
func (c *tokenCommand) Run() error {
	cfg, err := suite.Load()
	if err != nil {
		return err
	}
	if !cfg.Development() {
		return suite.ErrNoIssuer
	}
	if c.DataDir != "" {
		cfg.DataDir = c.DataDir
	}
	for i, role := range c.Role {
		c.Role[i] = strings.TrimPrefix(strings.ToUpper(strings.ReplaceAll(role, "-", "_")), "ROLE_")
		if !authn.KnownRole(c.Role[i]) {
			return fmt.Errorf("%q is no role; the roles are %s", role, strings.Join(suite.Roles(), ", "))
		}
	}
	if slices.Contains(c.Role, authn.RoleService) {
		return errors.New("SERVICE is the role of the suite's own services; no token is made for it")
	}
	if c.TTL <= 0 {
		return errors.New("the time to live must be above zero")
	}
	if c.Subject == "" {
		c.Subject = suite.SubjectOf(c.Role[0])
	}
	issuer, err := suite.OpenIssuer(cfg.DataDir)
	if err != nil {
		return err
	}
	token, err := issuer.Token(c.Role, c.Subject, c.TTL)
	if err != nil {
		return err
	}
	_, err = fmt.Println(token)
	return err
}
