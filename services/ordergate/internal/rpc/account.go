package rpc

import (
	"context"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
)

// Accounts implements CreditAccountService.
type Accounts struct {
	pb.UnsafeCreditAccountServiceServer
	Queries *app.Queries
}

var _ pb.CreditAccountServiceServer = (*Accounts)(nil)

// GetCreditAccount implements the contract.
func (s *Accounts) GetCreditAccount(ctx context.Context, r *pb.GetCreditAccountRequest) (*pb.GetCreditAccountResponse, error) {
	a, err := s.Queries.Account(ctx, caller(ctx), r.GetCustomerId())
	if err != nil {
		return nil, err
	}
	return &pb.GetCreditAccountResponse{Account: accountOf(a)}, nil
}

// ListCreditAccounts implements the contract.
func (s *Accounts) ListCreditAccounts(ctx context.Context, r *pb.ListCreditAccountsRequest) (*pb.ListCreditAccountsResponse, error) {
	page, err := s.Queries.Accounts(ctx, caller(ctx), account.Status(word(r.GetStatus().String(), "ACCOUNT_STATUS_", "")), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	resp := &pb.ListCreditAccountsResponse{NextPageToken: page.Next}
	for _, a := range page.Items {
		resp.Accounts = append(resp.Accounts, accountOf(a))
	}
	return resp, nil
}

// ListJournal implements the contract.
func (s *Accounts) ListJournal(ctx context.Context, r *pb.ListJournalRequest) (*pb.ListJournalResponse, error) {
	page, err := s.Queries.Journal(ctx, caller(ctx), r.GetCustomerId(), r.GetPageSize(), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &pb.ListJournalResponse{Entries: journalOf(page), NextPageToken: page.Next}, nil
}

func bucketsOf(b account.Buckets, currency string) *pb.ExposureBuckets {
	return &pb.ExposureBuckets{
		Order: minorOf(b.Order, currency), Delivery: minorOf(b.Delivery, currency),
		Receivable: minorOf(b.Receivable, currency), Unapplied: minorOf(b.Unapplied, currency),
	}
}

func accountOf(s app.AccountSheet) *pb.CreditAccount {
	a := s.Account
	p, g, cur := a.Profile, a.Profile.Grant, a.Profile.Currency
	exposure := s.Exposure
	out := &pb.CreditAccount{
		CustomerId: a.ID, DisplayName: p.Name, CurrencyCode: cur, SalespersonId: p.SalespersonID,
		LimitKind: enum[pb.LimitKind](pb.LimitKind_value, "LIMIT_KIND_", string(s.Limit.Kind)),
		Treatment: enum[evaluationv1.Treatment](evaluationv1.Treatment_value, "TREATMENT_", string(g.Treatment)),
		Grade:     enum[evaluationv1.Grade](evaluationv1.Grade_value, "GRADE_", p.Grade),
		TermDays:  int32(g.TermDays), GraceDays: int32(g.GraceDays), GrantValidUntilDate: g.ValidUntil.String(), GrantVersion: g.Version, //nolint:gosec // bounded by the contract
		Buckets: bucketsOf(a.Buckets, cur), Exposure: minorOf(exposure, cur),
		OverdueAmount: minorOf(s.Overdue, cur), DaysOverdue: int32(s.DaysOverdue), //nolint:gosec // days
		Status:   enum[pb.AccountStatus](pb.AccountStatus_value, "ACCOUNT_STATUS_", string(s.Status)),
		Sequence: a.Seq, PositionSequence: a.PositionSeq, AsOfDate: s.Today.String(),
		CapsExceeded: s.CapsExceeded, MergedCustomerIds: a.Merged,
	}
	if a.MergedInto != nil {
		out.MergedIntoId = a.MergedInto.AccountID
	}
	if s.Limit.Kind == account.LimitAmount {
		out.Limit, out.Available = minorOf(s.Limit.Minor, cur), minorOf(s.Limit.Minor-exposure, cur)
		out.UtilizationBp = s.UtilizationBP
	}
	if s.Security > 0 {
		out.Security = minorOf(s.Security, cur)
	}
	beside(out.GetBuckets(), a.Standing, cur)
	for _, d := range a.Ladder {
		out.Ladder = append(out.Ladder, &receivablesv1.DueAmount{DueDate: d.Date.String(), Amount: minorOf(d.Minor, cur)})
	}
	return out
}

// beside adds the buckets that receivables reports beside invoices and money; those of zero stay absent.
func beside(b *pb.ExposureBuckets, s account.Standing, currency string) {
	for _, x := range []struct {
		minor int64
		into  **typev1.Money
	}{
		{s.BankBill, &b.BankBill},
		{s.CommercialBill, &b.CommercialBill},
		{s.BaseStock, &b.BaseStock},
		{s.Consignment, &b.Consignment},
		{s.Deposit, &b.Deposit},
	} {
		if x.minor != 0 {
			*x.into = minorOf(x.minor, currency)
		}
	}
}
