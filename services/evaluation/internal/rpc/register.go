package rpc

import (
	"context"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
)

const registerPrefix = "FORM_REGISTER_"

// Registers serves the two registers of forms.
type Registers struct {
	evaluationv1.UnsafeFormRegisterServiceServer
	App *app.App
}

var _ evaluationv1.FormRegisterServiceServer = Registers{}

// ListFormRegisterEntries implements the contract.
func (s Registers) ListFormRegisterEntries(ctx context.Context, req *evaluationv1.ListFormRegisterEntriesRequest) (*evaluationv1.ListFormRegisterEntriesResponse, error) {
	found, next, err := s.App.RegisterEntries(ctx, app.EntryList{
		Size: req.GetPageSize(), Token: req.GetPageToken(), CustomerID: req.GetCustomerId(), SerialNumber: req.GetSerialNumber(),
		Register: name(req.GetRegister(), evaluationv1.FormRegister_name, registerPrefix),
	})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListFormRegisterEntriesResponse{NextPageToken: next}
	for _, e := range found {
		res.Entries = append(res.Entries, &evaluationv1.FormRegisterEntry{
			Register:     number[evaluationv1.FormRegister](e.Register, evaluationv1.FormRegister_value, registerPrefix),
			SerialNumber: e.SerialNumber, Entry: int32(e.Entry), //nolint:gosec // read from an int column
			ApplicationId: e.ApplicationID, CustomerId: e.CustomerID, Event: e.Event, Actor: e.Person, FiledDate: e.FiledOn.String(), Form: e.Form,
		})
	}
	return res, nil
}

// CompareFormRegisters implements the contract.
func (s Registers) CompareFormRegisters(ctx context.Context, _ *evaluationv1.CompareFormRegistersRequest) (*evaluationv1.CompareFormRegistersResponse, error) {
	c, err := s.App.CompareRegisters(ctx)
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.CompareFormRegistersResponse{
		SerialNumbers: c.Serials, SettlementDeskEntries: c.SettlementDesk, SalesHeadEntries: c.SalesHead,
	}
	for _, d := range c.Differences {
		res.Differences = append(res.Differences, &evaluationv1.FormRegisterDifference{
			SerialNumber: d.SerialNumber, Entry: int32(d.Entry), Problem: d.Problem, //nolint:gosec // read from an int column
		})
	}
	return res, nil
}
