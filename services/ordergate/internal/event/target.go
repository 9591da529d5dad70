package event

import (
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/avalcredit/aval/pkg/errs"
)

// Targets says where webhooks may go.
type Targets struct {
	// Hosts are the names that the operator allows, "wms.example.com", or ".example.com" for all names below it.
	Hosts []string
	// Development allows plain HTTP, private addresses, and every host.
	Development bool
}

// Check refuses an address that webhooks may not go to. Errors: WEBHOOK_URL_NOT_ALLOWED.
func (t Targets) Check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "" || u.Opaque != "":
		return notAllowed("is not a URL")
	case u.User != nil || u.Fragment != "":
		return notAllowed("must not carry a user or a fragment")
	case u.Scheme != "https" && (u.Scheme != "http" || !t.Development):
		return notAllowed("must begin with https://")
	case !t.allows(strings.ToLower(u.Hostname())):
		return notAllowed("its host is not one that the operator allows")
	}
	return nil
}

func (t Targets) allows(host string) bool {
	if ip, err := netip.ParseAddr(host); err == nil && !t.AllowsAddr(ip) {
		return false
	}
	return t.Development || slices.ContainsFunc(t.Hosts, func(h string) bool {
		h = strings.ToLower(h)
		return h == host || strings.HasPrefix(h, ".") && strings.HasSuffix(host, h)
	})
}

// AllowsAddr reports whether a connection may be made to an address: outside development no private, local or reserved one, whatever
// name led there.
func (t Targets) AllowsAddr(ip netip.Addr) bool {
	ip = ip.Unmap()
	if t.Development {
		return ip.IsValid()
	}
	return ip.IsValid() && ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(reserved(), func(p netip.Prefix) bool { return p.Contains(ip) })
}

// reserved are ranges that the standard library does not call private: shared, benchmarking, documentation, protocol use, and IPv4
// hidden in IPv6.
func reserved() []netip.Prefix {
	var out []netip.Prefix
	for _, s := range []string{
		"0.0.0.0/8", "100.64.0.0/10", "192.0.0.0/24", "192.0.2.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "240.0.0.0/4",
		"64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16",
	} {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

func notAllowed(why string) error {
	return errs.New(errs.Invalid, "WEBHOOK_URL_NOT_ALLOWED", "the address %s", why).
		WithViolations(errs.Violation{Field: "url", Rule: "WEBHOOK_URL_NOT_ALLOWED", Message: why})
}
