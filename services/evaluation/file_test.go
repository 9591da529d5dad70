package evaluation_test

import (
	"slices"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) groups() evaluationv1.CustomerGroupServiceClient {
	return evaluationv1.NewCustomerGroupServiceClient(s.conn)
}

func (s *suite) group(id, parent string) (*evaluationv1.SetCustomerGroupResponse, error) {
	return s.groups().SetCustomerGroup(as(credit), &evaluationv1.SetCustomerGroupRequest{
		RequestId: s.rid(), Group: &evaluationv1.CustomerGroup{GroupId: id, ParentGroupId: parent, DisplayName: "Group " + id},
	})
}

// Invariant 29: the gate counts by the topmost group, whatever moves in the tree, and there are no cycles.
func TestGroupTree(t *testing.T) {
	t.Parallel()
	s := start(t)
	for id, group := range map[string]string{"C-1": "SUB", "C-2": "SUB", "C-3": "TOP", "C-4": ""} {
		_, err := s.create(erp, &evaluationv1.Customer{CustomerId: id, DisplayName: "Member " + id, GroupId: group})
		must(t, err)
	}
	if got := s.gate.newest("C-1").GetGroupId(); got != "SUB" {
		t.Fatalf("a group that nobody described is its own root, not %q", got)
	}
	_, err := s.group("SUB", "MID")
	refused(t, err, errs.NotFound, "GROUP_NOT_FOUND")
	for _, g := range [][2]string{{"TOP", ""}, {"MID", "TOP"}} {
		_, err := s.group(g[0], g[1])
		must(t, err)
	}
	set, err := s.group("SUB", "MID")
	must(t, err)
	if set.GetMovedCustomers() != 2 || set.GetGroup().GetRootGroupId() != "TOP" {
		t.Fatalf("%v", set)
	}
	for id, want := range map[string]string{"C-1": "TOP", "C-2": "TOP", "C-3": "TOP", "C-4": ""} {
		if got := s.gate.newest(id).GetGroupId(); got != want {
			t.Errorf("the gate is told that %s is in %q, want %q", id, got, want)
		}
	}
	_, err = s.group("TOP", "SUB")
	refused(t, err, errs.FailedPrecondition, "GROUP_CYCLE")
	next, err := s.update(&evaluationv1.Customer{CustomerId: "C-4", GroupId: "SUB"}, "group_id")
	must(t, err)
	if next.GetRootGroupId() != "TOP" || next.GetGroupId() != "SUB" || s.gate.newest("C-4").GetGroupId() != "TOP" {
		t.Fatalf("%v", next)
	}
	list, err := s.customers().ListCustomers(as(manager), &evaluationv1.ListCustomersRequest{Filter: `root_group_id = "TOP"`})
	must(t, err)
	if len(list.GetCustomers()) != 4 {
		t.Fatalf("%d customers under TOP", len(list.GetCustomers()))
	}
	if set, err = s.group("MID", ""); err != nil || set.GetMovedCustomers() != 3 {
		t.Fatalf("%v %v", set, err)
	}
	if got := s.gate.newest("C-4").GetGroupId(); got != "MID" {
		t.Fatalf("told %q", got)
	}
	tried, err := s.groups().SetCustomerGroup(as(credit), &evaluationv1.SetCustomerGroupRequest{
		RequestId: s.rid(), ValidateOnly: true, Group: &evaluationv1.CustomerGroup{GroupId: "MID", ParentGroupId: "TOP", DisplayName: "x"},
	})
	must(t, err)
	got, err := s.groups().GetCustomerGroup(as(manager), &evaluationv1.GetCustomerGroupRequest{GroupId: "SUB"})
	must(t, err)
	if tried.GetMovedCustomers() != 3 || got.GetGroup().GetRootGroupId() != "MID" {
		t.Fatalf("tried %v, then %v", tried, got)
	}
	page, err := s.groups().ListCustomerGroups(as(manager), &evaluationv1.ListCustomerGroupsRequest{PageSize: 2})
	must(t, err)
	rest, err := s.groups().ListCustomerGroups(as(manager), &evaluationv1.ListCustomerGroupsRequest{PageSize: 2, PageToken: page.GetNextPageToken()})
	must(t, err)
	if len(page.GetGroups()) != 2 || len(rest.GetGroups()) != 1 || rest.GetNextPageToken() != "" {
		t.Fatalf("%v %v", page, rest)
	}
}

func TestDuplicatesSayWhy(t *testing.T) {
	t.Parallel()
	s := start(t)
	_, err := s.create(erp, &evaluationv1.Customer{
		CustomerId: "0042", DisplayName: "Sunrise", LegalName: "Sunrise Trading Co., Ltd.", Aliases: []string{"Old Dawn"}, Uscc: "91350100M000100Y43",
	})
	must(t, err)
	for id, c := range map[string]struct {
		file *evaluationv1.Customer
		want evaluationv1.Likeness
	}{
		"code":    {&evaluationv1.Customer{DisplayName: "Elsewhere Unknown", Uscc: "91350100M000100Y43"}, evaluationv1.Likeness_LIKENESS_SAME_CODE},
		"42":      {&evaluationv1.Customer{DisplayName: "Moonlight Number"}, evaluationv1.Likeness_LIKENESS_SAME_NUMBER},
		"alias":   {&evaluationv1.Customer{DisplayName: "OLD DAWN LTD"}, evaluationv1.Likeness_LIKENESS_SAME_NAME},
		"similar": {&evaluationv1.Customer{DisplayName: "Sunrize Trading Limited"}, evaluationv1.Likeness_LIKENESS_SIMILAR_NAME},
	} {
		c.file.CustomerId = id
		res, err := s.customers().CreateCustomer(as(erp), &evaluationv1.CreateCustomerRequest{RequestId: s.rid(), Customer: c.file, ValidateOnly: true})
		must(t, err)
		if d := res.GetPossibleDuplicates(); len(d) != 1 || d[0].GetCustomerId() != "0042" || !slices.Contains(d[0].GetLikenesses(), c.want) {
			t.Errorf("%s: %v", id, d)
		}
	}
}

func TestLifeCycleAndWholeFile(t *testing.T) {
	t.Parallel()
	s := start(t)
	file := &evaluationv1.Customer{
		CustomerId: "C-1", DisplayName: "Firm", Aliases: []string{"Former Firm"},
		Addresses:       []*evaluationv1.Address{{Purpose: "delivery", CountryCode: "CN", Region: "Fujian", PostalCode: "350001", Lines: "Road 1"}},
		PurchasePattern: &evaluationv1.PurchasePattern{Goods: "paper", IntervalDays: 30, PeakMonths: []int32{9, 10}},
	}
	res, err := s.create(erp, file)
	must(t, err)
	got := res.GetCustomer()
	if got.GetAddresses()[0].String() != file.GetAddresses()[0].String() || got.GetPurchasePattern().String() != file.GetPurchasePattern().String() ||
		!slices.Equal(got.GetAliases(), file.GetAliases()) {
		t.Fatalf("%v", got)
	}
	_, err = s.update(&evaluationv1.Customer{CustomerId: "C-1", LifeCycle: evaluationv1.LifeCycle_LIFE_CYCLE_PHASED_OUT}, "life_cycle")
	refused(t, err, errs.FailedPrecondition, "LIFE_CYCLE_NOT_ALLOWED")
	if field(err) != "customer.life_cycle" {
		t.Fatalf("names %q", field(err))
	}
	got, err = s.update(&evaluationv1.Customer{CustomerId: "C-1", LifeCycle: evaluationv1.LifeCycle_LIFE_CYCLE_ACTIVE}, "life_cycle")
	must(t, err)
	if got.GetLifeCycle() != evaluationv1.LifeCycle_LIFE_CYCLE_ACTIVE || s.gate.newest("C-1").GetLifeCycle() != evaluationv1.LifeCycle_LIFE_CYCLE_ACTIVE {
		t.Fatalf("%v", got)
	}
}
