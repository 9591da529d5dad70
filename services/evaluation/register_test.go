package evaluation_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
)

func (s *suite) registers() evaluationv1.FormRegisterServiceClient {
	return evaluationv1.NewFormRegisterServiceClient(s.conn)
}

func (s *suite) compared() *evaluationv1.CompareFormRegistersResponse {
	s.Helper()
	res, err := s.registers().CompareFormRegisters(as(auditor), &evaluationv1.CompareFormRegistersRequest{})
	must(s, err)
	return res
}

// Each register has its own readers, who page through all of it in order.
func TestRegistersAreReadByTheirPeople(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.granted("C-1")
	s.customer("C-2")
	s.statement("C-2", "40")
	s.apply("C-2", "1000", 10)
	const desk, head = evaluationv1.FormRegister_FORM_REGISTER_SETTLEMENT_DESK, evaluationv1.FormRegister_FORM_REGISTER_SALES_HEAD
	read := func(who string, r evaluationv1.FormRegister) error {
		_, err := s.registers().ListFormRegisterEntries(as(who), &evaluationv1.ListFormRegisterEntriesRequest{Register: r})
		return err
	}
	for _, c := range []struct {
		who      string
		register evaluationv1.FormRegister
		may      bool
	}{
		{clerk, desk, true}, {clerk, head, false}, {manager, head, true}, {manager, desk, false},
		{director, desk, true}, {director, head, false}, {auditor, desk, true}, {auditor, head, true}, {boss, head, true},
	} {
		err := read(c.who, c.register)
		if c.may {
			must(t, err)
			continue
		}
		refused(t, err, errs.PermissionDenied, "NOT_YOUR_REGISTER")
	}
	var all []string
	token := ""
	for range 3 {
		res, err := s.registers().ListFormRegisterEntries(as(clerk), &evaluationv1.ListFormRegisterEntriesRequest{Register: desk, PageSize: 1, PageToken: token})
		must(t, err)
		for _, e := range res.GetEntries() {
			all = append(all, fmt.Sprintf("%s/%d %s %s", e.GetSerialNumber(), e.GetEntry(), e.GetEvent(), e.GetActor()))
			if !strings.Contains(e.GetForm(), e.GetSerialNumber()) {
				t.Errorf("the form is not filed with it: %v", e)
			}
		}
		token = res.GetNextPageToken()
	}
	if got := strings.Join(all, ", "); got != "CA-000001/1 SUBMIT li, CA-000001/2 APPROVE ma, CA-000002/1 SUBMIT li" || token != "" {
		t.Errorf("%s; next %q", got, token)
	}
}

// Whatever is taken out of a register, put in or changed, shows when they are compared.
func TestRegistersAreCompared(t *testing.T) {
	t.Parallel()
	const both, desk = "", " AND register = 'SETTLEMENT_DESK'"
	for name, c := range map[string]struct{ sql, problem string }{
		"an entry is gone":     {"DELETE FROM form_registers WHERE entry = 2" + desk, "CA-000001/2 only the sales head has the entry"},
		"an actor is another":  {"UPDATE form_registers SET actor = 'x' WHERE entry = 1" + desk, "CA-000001/1 the registers have the entry differently"},
		"a form is another":    {"UPDATE form_registers SET form = '{}' WHERE entry = 1" + desk, "CA-000001/1 the registers have the entry differently"},
		"a form is gone":       {"DELETE FROM form_registers WHERE true" + both, "CA-000001/0 the number was given out, and neither register has the form"},
		"a number is invented": {"UPDATE form_registers SET serial_number = 'CA-000007' WHERE true" + both, "CA-000007/0 the number was never given out"},
		"both lack the same":   {"DELETE FROM form_registers WHERE entry = 1" + both, "CA-000001/0 entries of SETTLEMENT_DESK are not numbered 1, 2, 3 ..."},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t)
			s.granted("C-1")
			if c := s.compared(); len(c.GetDifferences()) != 0 || c.GetSerialNumbers() != 1 || c.GetSettlementDeskEntries() != 2 || c.GetSalesHeadEntries() != 2 {
				t.Fatalf("before: %v", c)
			}
			_, err := s.pool.Exec(t.Context(), "BEGIN; SET LOCAL session_replication_role = replica; "+c.sql+"; COMMIT")
			must(t, err)
			var found []string
			for _, d := range s.compared().GetDifferences() {
				found = append(found, fmt.Sprintf("%s/%d %s", d.GetSerialNumber(), d.GetEntry(), d.GetProblem()))
			}
			if !strings.Contains(strings.Join(found, "; "), c.problem) {
				t.Fatalf("%q", found)
			}
		})
	}
}

// Nothing was filed yet: the registers agree.
func TestEmptyRegistersAgree(t *testing.T) {
	t.Parallel()
	if c := start(t).compared(); len(c.GetDifferences()) != 0 || c.GetSerialNumbers() != 0 {
		t.Fatalf("%v", c)
	}
}
