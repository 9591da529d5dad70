// Package services_test holds who may import whom (the linter says it at the line, this test through any number of steps).
package services_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/avalcredit/aval/"

// rule says what packages whose path matches of may not import: themselves where direct is set, else through others too.
// Paths in of and never are regular expressions for the whole path, without the module's prefix.
type rule struct {
	name   string
	of     string
	except string
	never  string
	direct bool
}

const (
	phase     = `services/(evaluation|ordergate|receivables)`
	layers    = phase + `/internal/(app|postgres|rpc|jobs|peers)(/.*)?`
	core      = `/internal/(app|postgres(/.*)?)`
	transport = `google\.golang\.org/(grpc|protobuf|genproto)(/.*)?|buf\.build/.*|github\.com/grpc-ecosystem/.*`
	storage   = `github\.com/jackc/.*|database/sql|github\.com/riverqueue/.*|github\.com/pressly/.*`
	outside   = `net|net/http|os/exec|os/signal|go\.opentelemetry\.io/.*`
	contracts = `proto/gen/.*`
	testCode  = `testing|pkg/pgtest|services/ordergate/prove(/.*)?|pgregory\.net/rapid|github\.com/anishathalye/porcupine`
)

// table is "Who may import whom".
var table = []rule{
	{name: "contracts stand alone", of: `proto/gen/.*`, never: `(pkg|services)/.*`},
	{name: "building blocks know nothing of services", of: `pkg/.*`, never: `services/.*`},
	{name: "building blocks know no phase's contract", of: `pkg/.*`, never: `proto/gen/aval/(evaluation|ordergate|receivables)/.*`},
	{name: "what the domain stands on is pure", of: `pkg/(errs|money|calendar|approval)`, never: transport + `|` + storage + `|` + outside + `|` + contracts},
	{name: "the domain is pure", of: phase + `/internal/.*`, except: layers, never: transport + `|` + storage + `|` + outside + `|` + contracts},
	{name: "the domain knows no layer around it", of: phase + `/internal/.*`, except: layers, never: layers + `|` + phase},
	{name: "use cases know no transport", of: phase + `/internal/app`, never: `google\.golang\.org/grpc(/.*)?|` + phase + `/internal/rpc(/.*)?`, direct: true},
	{name: "the store knows no use case", of: phase + `/internal/postgres(/.*)?`, never: phase + `/internal/(app|rpc|jobs)(/.*)?`},
	{name: "the transport knows no SQL", of: phase + `/internal/rpc(/.*)?`, never: storage + `|` + phase + `/internal/postgres(/.*)?`, direct: true},
	{name: "evaluation meets other contracts at its edges", of: `services/evaluation` + core, never: `proto/gen/aval/(ordergate|receivables)/.*`, direct: true},
	{name: "ordergate meets other contracts at its edges", of: `services/ordergate` + core, never: `proto/gen/aval/(evaluation|receivables)/.*`, direct: true},
	{name: "receivables meets other contracts at its edges", of: `services/receivables` + core, never: `proto/gen/aval/(evaluation|ordergate)/.*`, direct: true},
	{name: "evaluation knows no other phase", of: `services/evaluation(/.*)?`, never: `services/(ordergate|receivables)(/.*)?`},
	{name: "ordergate knows no other phase", of: `services/ordergate(/.*)?`, never: `services/(evaluation|receivables)(/.*)?`},
	{name: "receivables knows no other phase", of: `services/receivables(/.*)?`, never: `services/(evaluation|ordergate)(/.*)?`},
	{name: "the front calls phases by contract", of: `services/(gateway|console)(/.*)?`, never: phase + `(/.*)?`},
	{name: "evaluationd carries one phase", of: `services/cmd/evaluationd`, never: `services/(ordergate|receivables|gateway|console|suite)(/.*)?`},
	{name: "ordergated carries one phase", of: `services/cmd/ordergated`, never: `services/(evaluation|receivables|gateway|console|suite)(/.*)?`},
	{name: "receivablesd carries one phase", of: `services/cmd/receivablesd`, never: `services/(evaluation|ordergate|gateway|console|suite)(/.*)?`},
	{name: "gatewayd carries no phase", of: `services/cmd/gatewayd`, never: phase + `(/.*)?|services/suite(/.*)?`},
	{name: "programs carry no test code", of: `services/cmd/.*`, except: `services/cmd/bench(/.*)?`, never: testCode},
}

// imports is the import graph: package path, without the module's prefix, to what it imports itself.
type imports map[string][]string

func TestWhoMayImportWhom(t *testing.T) {
	t.Parallel()
	graph := load(t)
	for _, r := range table {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			found, looked := r.check(graph)
			for _, chain := range found {
				t.Errorf("%s\n\t%s", r.name, strings.Join(chain, "\n\timports "))
			}
			if looked == 0 {
				t.Errorf("no package matches %s: the rule looks at nothing", r.of)
			}
		})
	}
}

// The other way round: what the rules are against is found.
func TestViolationsAreFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		graph imports
		rules []string
	}{
		{"gRPC in the domain, two steps away", imports{
			"services/ordergate/internal/check": {"errors", "pkg/rpcerr"},
			"pkg/rpcerr":                        {"google.golang.org/grpc/status"},
		}, []string{"the domain is pure"}},
		{"SQL in the transport", imports{
			"services/ordergate/internal/rpc": {"github.com/jackc/pgx/v5"},
		}, []string{"the transport knows no SQL"}},
		{"SQL below the use cases, as it should be", imports{
			"services/ordergate/internal/rpc":      {"services/ordergate/internal/app"},
			"services/ordergate/internal/app":      {"services/ordergate/internal/postgres"},
			"services/ordergate/internal/postgres": {"github.com/jackc/pgx/v5"},
		}, nil},
		{"another phase's contract in a use case", imports{
			"services/ordergate/internal/app": {"proto/gen/aval/evaluation/v1"},
		}, []string{"ordergate meets other contracts at its edges"}},
		{"a phase in a phase", imports{
			"services/ordergate": {"services/receivables"}, "services/receivables": {"errors"},
		}, []string{"ordergate knows no other phase"}},
		{"a phase in the gateway, through the suite", imports{
			"services/gateway": {"services/suite"}, "services/suite": {"services/evaluation"},
		}, []string{"the front calls phases by contract"}},
		{"a building block that knows a phase", imports{
			"pkg/page": {"proto/gen/aval/ordergate/v1"},
		}, []string{"building blocks know no phase's contract"}},
		{"a test database in a program", imports{
			"services/cmd/aval": {"pkg/pgtest"}, "pkg/pgtest": {"testing"},
		}, []string{"programs carry no test code"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, r := range table {
				if found, _ := r.check(c.graph); len(found) > 0 {
					got = append(got, r.name)
				}
			}
			if !slices.Equal(got, c.rules) {
				t.Errorf("rules broken: %q, want %q", got, c.rules)
			}
		})
	}
}

// check returns, for each package the rule looks at, the shortest chain to what it may not import, and how many it
// looked at.
func (r rule) check(graph imports) (chains [][]string, looked int) {
	of, except, never := whole(r.of), whole(r.except), whole(r.never)
	for path := range graph {
		if !of.MatchString(path) || except.MatchString(path) {
			continue
		}
		looked++
		if chain := graph.reach(path, never, r.direct); chain != nil {
			chains = append(chains, chain)
		}
	}
	slices.SortFunc(chains, slices.Compare)
	return chains, looked
}

// reach searches breadth first. What a package of the standard library imports is not followed.
func (g imports) reach(from string, never *regexp.Regexp, direct bool) []string {
	before := map[string]string{from: ""}
	for queue := []string{from}; len(queue) > 0; queue = queue[1:] {
		for _, next := range g[queue[0]] {
			if _, seen := before[next]; seen {
				continue
			}
			before[next] = queue[0]
			if never.MatchString(next) {
				var chain []string
				for p := next; p != ""; p = before[p] {
					chain = append(chain, p)
				}
				slices.Reverse(chain)
				return chain
			}
			if !direct {
				queue = append(queue, next)
			}
		}
	}
	return nil
}

func whole(pattern string) *regexp.Regexp { return regexp.MustCompile(`^(?:` + pattern + `)$`) }

// load asks the go command; the patterns hold with and without the workspace.
func load(t *testing.T) imports {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Imports,Standard",
		"./...", module+"pkg/...", module+"proto/...")
	var problems bytes.Buffer
	cmd.Stderr = &problems
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v\n%s", err, &problems)
	}
	graph, err := decode(out)
	if err != nil {
		t.Fatal(err)
	}
	return graph
}

func decode(out []byte) (imports, error) {
	graph := imports{}
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
			Standard   bool
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return graph, nil
		} else if err != nil {
			return nil, fmt.Errorf("what go list prints: %w", err)
		}
		if p.Standard {
			continue
		}
		for _, i := range p.Imports {
			graph[short(p.ImportPath)] = append(graph[short(p.ImportPath)], short(i))
		}
	}
}

func short(path string) string { return strings.TrimPrefix(path, module) }
