package rpc

import (
	"context"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/errs"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/customer"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Customers serves the customer file.
type Customers struct {
	evaluationv1.UnsafeCustomerServiceServer
	App *app.App
}

var _ evaluationv1.CustomerServiceServer = Customers{}

// CreateCustomer implements the contract.
func (s Customers) CreateCustomer(ctx context.Context, req *evaluationv1.CreateCustomerRequest) (*evaluationv1.CreateCustomerResponse, error) {
	c, err := customerIn(req.GetCustomer())
	if err != nil {
		return nil, err
	}
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	r := request(ctx, evaluationv1.CustomerService_CreateCustomer_FullMethodName, req.GetRequestId(), req)
	created, err := s.App.CreateCustomer(ctx, r, c)
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.CreateCustomerResponse{Customer: customerOut(created.Customer)}
	for _, d := range created.Duplicates {
		res.PossibleDuplicateIds = append(res.PossibleDuplicateIds, d.CustomerID)
		res.PossibleDuplicates = append(res.PossibleDuplicates, duplicateOut(d))
	}
	return res, nil
}

// GetCustomer implements the contract.
func (s Customers) GetCustomer(ctx context.Context, req *evaluationv1.GetCustomerRequest) (*evaluationv1.GetCustomerResponse, error) {
	c, err := s.App.Customer(ctx, req.GetCustomerId())
	if err != nil {
		return nil, err
	}
	return &evaluationv1.GetCustomerResponse{Customer: customerOut(c)}, nil
}

// UpdateCustomer implements the contract. Without a mask the fields that the message
// has are changed.
func (s Customers) UpdateCustomer(ctx context.Context, req *evaluationv1.UpdateCustomerRequest) (*evaluationv1.UpdateCustomerResponse, error) {
	if req.GetCustomer() == nil {
		return nil, errs.Field("customer", "required", "name the customer and what changes")
	}
	values, err := customerIn(req.GetCustomer())
	if err != nil {
		return nil, err
	}
	patch := customer.Patch{Values: values, Fields: req.GetUpdateMask().GetPaths()}
	if len(patch.Fields) == 0 {
		req.GetCustomer().ProtoReflect().Range(func(f protoreflect.FieldDescriptor, _ protoreflect.Value) bool {
			patch.Fields = append(patch.Fields, string(f.Name()))
			return true
		})
	}
	r := request(ctx, evaluationv1.CustomerService_UpdateCustomer_FullMethodName, req.GetRequestId(), req)
	c, err := s.App.UpdateCustomer(ctx, r, patch)
	if err != nil {
		return nil, err
	}
	return &evaluationv1.UpdateCustomerResponse{Customer: customerOut(c)}, nil
}

// MergeCustomer implements the contract.
func (s Customers) MergeCustomer(ctx context.Context, req *evaluationv1.MergeCustomerRequest) (*evaluationv1.MergeCustomerResponse, error) {
	if req.GetValidateOnly() {
		ctx = app.OnTrial(ctx)
		req.ValidateOnly = false // not part of what the request id stands for
	}
	r := request(ctx, evaluationv1.CustomerService_MergeCustomer_FullMethodName, req.GetRequestId(), req)
	m, err := s.App.MergeCustomer(ctx, r, app.MergeRequest{MergedID: req.GetCustomerId(), SurvivorID: req.GetSurvivorId(), Reason: req.GetReason()})
	if err != nil {
		return nil, err
	}
	return &evaluationv1.MergeCustomerResponse{
		Survivor: customerOut(m.Survivor), Merged: customerOut(m.Merged), CopiedFacts: int32(m.Copied), //nolint:gosec // bounded
	}, nil
}

// ListCustomers implements the contract.
func (s Customers) ListCustomers(ctx context.Context, req *evaluationv1.ListCustomersRequest) (*evaluationv1.ListCustomersResponse, error) {
	filter, err := parseFilter(req.GetFilter())
	if err != nil {
		return nil, err
	}
	order, err := parseOrder(req.GetOrderBy())
	if err != nil {
		return nil, err
	}
	found, next, err := s.App.Customers(ctx, app.CustomerList{
		Size: req.GetPageSize(), Token: req.GetPageToken(), FilterText: req.GetFilter(), Filter: filter, Order: order,
	})
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListCustomersResponse{NextPageToken: next}
	for _, c := range found {
		res.Customers = append(res.Customers, customerOut(c))
	}
	return res, nil
}

func customerIn(m *evaluationv1.Customer) (customer.Customer, error) {
	var r reader
	c := customer.Customer{
		ID: m.GetCustomerId(), DisplayName: m.GetDisplayName(), LegalName: m.GetLegalName(), USCC: m.GetUscc(),
		RegistrationNumber: m.GetRegistrationNumber(), CountryCode: m.GetCountryCode(), LegalForm: m.GetLegalForm(),
		FoundingDate: r.date("customer.founding_date", m.GetFoundingDate()),
		Industry:     m.GetIndustry(), Region: m.GetRegion(), GroupID: m.GetGroupId(), UnitID: m.GetUnitId(),
		LegalRepresentative: m.GetLegalRepresentative(), Currency: m.GetCurrencyCode(),
		SalespersonID: m.GetSalespersonId(), CreditAnalystID: m.GetCreditAnalystId(),
		SettlementMethod: customer.SettlementMethod(name(m.GetSettlementMethod(), evaluationv1.SettlementMethod_name, "SETTLEMENT_METHOD_")),
		UsualPurchase:    r.money("customer.usual_purchase", m.GetUsualPurchase()),
		Address:          m.GetAddress(),
		Aliases:          m.GetAliases(),
		LifeCycle:        customer.LifeCycle(name(m.GetLifeCycle(), evaluationv1.LifeCycle_name, "LIFE_CYCLE_")),
		Revision:         m.GetRevision(),
	}
	for _, p := range m.GetContacts() {
		c.Contacts = append(c.Contacts, customer.Contact{Purpose: p.GetPurpose(), Name: p.GetName(), Phone: p.GetPhone(), Email: p.GetEmail()})
	}
	for _, a := range m.GetAddresses() {
		c.Addresses = append(c.Addresses, customer.Address{
			Purpose: a.GetPurpose(), CountryCode: a.GetCountryCode(), Region: a.GetRegion(), PostalCode: a.GetPostalCode(), Lines: a.GetLines(),
		})
	}
	if p := m.GetPurchasePattern(); p != nil {
		c.Pattern = &customer.Pattern{Goods: p.GetGoods(), IntervalDays: int(p.GetIntervalDays())}
		for _, month := range p.GetPeakMonths() {
			c.Pattern.PeakMonths = append(c.Pattern.PeakMonths, int(month))
		}
	}
	return c, r.err()
}

func customerOut(c customer.Customer) *evaluationv1.Customer {
	m := &evaluationv1.Customer{
		CustomerId: c.ID, DisplayName: c.DisplayName, LegalName: c.LegalName, Uscc: c.USCC,
		RegistrationNumber: c.RegistrationNumber, CountryCode: c.CountryCode, LegalForm: c.LegalForm,
		FoundingDate: c.FoundingDate.String(), Industry: c.Industry, Region: c.Region, GroupId: c.GroupID, UnitId: c.UnitID,
		LegalRepresentative: c.LegalRepresentative, CurrencyCode: c.Currency,
		SalespersonId: c.SalespersonID, CreditAnalystId: c.CreditAnalystID,
		SettlementMethod: settlementMethodOut(c.SettlementMethod), UsualPurchase: moneyOf(c.UsualPurchase),
		Address: c.Address, LifeCycle: lifeCycleOut(c.LifeCycle), Revision: c.Revision,
		CreateTime: timeOf(c.CreateTime), UpdateTime: timeOf(c.UpdateTime), Grade: gradeOut(c.Grade),
		Aliases: c.Aliases, RootGroupId: c.Root(), MergedIntoId: c.MergedIntoID,
	}
	for _, p := range c.Contacts {
		m.Contacts = append(m.Contacts, &evaluationv1.Contact{Purpose: p.Purpose, Name: p.Name, Phone: p.Phone, Email: p.Email})
	}
	for _, a := range c.Addresses {
		m.Addresses = append(m.Addresses, &evaluationv1.Address{
			Purpose: a.Purpose, CountryCode: a.CountryCode, Region: a.Region, PostalCode: a.PostalCode, Lines: a.Lines,
		})
	}
	if p := c.Pattern; p != nil {
		m.PurchasePattern = &evaluationv1.PurchasePattern{Goods: p.Goods, IntervalDays: int32(p.IntervalDays)} //nolint:gosec // at most 3,650
		for _, month := range p.PeakMonths {
			m.PurchasePattern.PeakMonths = append(m.PurchasePattern.PeakMonths, int32(month)) //nolint:gosec // at most 12
		}
	}
	return m
}

func duplicateOut(d customer.Duplicate) *evaluationv1.PossibleDuplicate {
	m := &evaluationv1.PossibleDuplicate{CustomerId: d.CustomerID, DisplayName: d.DisplayName}
	for _, l := range d.Likenesses {
		m.Likenesses = append(m.Likenesses, number[evaluationv1.Likeness](string(l), evaluationv1.Likeness_value, "LIKENESS_"))
	}
	return m
}

func lifeCycleOut(l customer.LifeCycle) evaluationv1.LifeCycle {
	return number[evaluationv1.LifeCycle](string(l), evaluationv1.LifeCycle_value, "LIFE_CYCLE_")
}

func settlementMethodOut(m customer.SettlementMethod) evaluationv1.SettlementMethod {
	return number[evaluationv1.SettlementMethod](string(m), evaluationv1.SettlementMethod_value, "SETTLEMENT_METHOD_")
}

func gradeOut(g grade.Grade) evaluationv1.Grade {
	return number[evaluationv1.Grade](string(g), evaluationv1.Grade_value, "GRADE_")
}

func gradeIn(g evaluationv1.Grade) grade.Grade {
	return grade.Grade(name(g, evaluationv1.Grade_name, "GRADE_"))
}

func treatmentOut(t grade.Treatment) evaluationv1.Treatment {
	return number[evaluationv1.Treatment](string(t), evaluationv1.Treatment_value, "TREATMENT_")
}
