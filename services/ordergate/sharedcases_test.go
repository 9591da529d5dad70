package ordergate_test

import (
	"os"
	"strings"
	"testing"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/casefile"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
	defaults "github.com/avalcredit/aval/services/ordergate/policy"
)

// The cases of customers that share a limit, through the API.
func TestSharedCases(t *testing.T) {
	t.Parallel()
	cases, err := casefile.ReadShared(os.DirFS("testdata/shared"))
	must(t, err)
	for _, c := range cases {
		t.Run(c.ID, func(t *testing.T) {
			t.Parallel()
			p := &sharedPlayer{player: &player{world: newWorld(t)}, groups: map[string]bool{}}
			text := defaults.Default
			if c.MembersDraw {
				text = strings.Replace(text, "group_pool: {}", "group_pool: {members_draw_on_group: true}", 1)
			}
			spec, err := rpc.ParsePolicy("case", text)
			must(t, err)
			p.sign(spec)
			for i, s := range c.Steps {
				p.step = i + 1
				p.playShared(s)
			}
			for g := range p.groups {
				p.sums(g)
			}
			p.verified()
		})
	}
}

type sharedPlayer struct {
	*player
	groups map[string]bool
}

func (p *sharedPlayer) playShared(s casefile.SharedStep) {
	p.t.Helper()
	base := casefile.Step{Do: s.Do, Order: s.Order, Amount: s.Amount, Want: s.Want, Reasons: s.Reasons}
	var got shown
	switch s.Do {
	case "group_limit":
		_, got.err = pb.NewGroupServiceClient(p.conn).SetGroupLimit(p.as("chief", "CREDIT_MANAGER"), &pb.SetGroupLimitRequest{
			RequestId: p.request(), GroupId: s.Group, Limit: cny(s.Limit), Reason: "because"})
	case "customer":
		g := grantOf(casefile.Step{Limit: s.Limit, Term: 30})
		if s.Limit == "undefined" {
			g = &evaluationv1.Grant{Treatment: evaluationv1.Treatment_TREATMENT_CASH_CUSTOMER}
		}
		got.err = p.profile(&evaluationv1.CreditProfile{CustomerId: s.Customer, CurrencyCode: "CNY", SalespersonId: "person-SALESPERSON", GroupId: s.Group, Grant: g})
	case "state":
	case "submit":
		o := orderOf(base)
		o.CustomerId = s.Customer
		r, err := p.orders.SubmitOrder(p.as("person-SALESPERSON", "SALESPERSON"), &pb.SubmitOrderRequest{RequestId: p.request(), Order: o})
		got = shown{r.GetDecision(), err}
	case "check":
		o := orderOf(base)
		o.CustomerId = s.Customer
		r, err := p.orders.CheckOrder(p.as("person-SALESPERSON", "SALESPERSON"), &pb.CheckOrderRequest{Order: o})
		got = shown{r.GetDecision(), err}
	default:
		got = p.do(base)
	}
	if s.Group != "" {
		p.groups[s.Group] = true
	}
	p.failsAs(base, got.err)
	p.expect(base, got)
	for name, want := range s.Figures {
		if v := figureOf(got.decision, name); v != want {
			p.t.Errorf("step %d: %s is %q, want %s", p.step, name, v, want)
		}
	}
	for g, want := range s.Pool {
		if v := p.group(g).GetExposure().GetAmount(); p.minor(v) != p.minor(want) {
			p.t.Errorf("step %d: group %s has %s, want %s", p.step, g, v, want)
		}
	}
	for c, want := range s.Exposure {
		if v := p.account(c).GetExposure().GetAmount(); p.minor(v) != p.minor(want) {
			p.t.Errorf("step %d: %s has %s, want %s", p.step, c, v, want)
		}
	}
}

func (p *sharedPlayer) group(id string) *pb.Group {
	p.t.Helper()
	r, err := pb.NewGroupServiceClient(p.conn).GetGroup(p.as("auditor", "AUDITOR"), &pb.GetGroupRequest{GroupId: id})
	must(p.t, err)
	return r.GetGroup()
}

// sums: what a group uses is the sum of its members.
func (p *sharedPlayer) sums(id string) {
	p.t.Helper()
	g := p.group(id)
	var sum int64
	for _, m := range g.GetMembers() {
		sum += p.minor(p.account(m.GetCustomerId()).GetExposure().GetAmount())
	}
	if p.minor(g.GetExposure().GetAmount()) != sum {
		p.t.Errorf("group %s has %v, its members %d", id, g.GetExposure(), sum)
	}
}
