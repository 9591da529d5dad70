package gateway

import (
	"context"
	"errors"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"google.golang.org/grpc"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
)

// Backends are the connections to the services that answer. All three may be one.
type Backends struct {
	// Evaluation is the phase before the sale.
	Evaluation grpc.ClientConnInterface
	// OrderGate is the phase during the sale.
	OrderGate grpc.ClientConnInterface
	// Receivables is the phase after the sale.
	Receivables grpc.ClientConnInterface
}

func (b Backends) register(ctx context.Context, mux *runtime.ServeMux) error {
	return errors.Join(b.registerEvaluation(ctx, mux), b.registerOrderGate(ctx, mux), b.registerReceivables(ctx, mux))
}

func (b Backends) registerEvaluation(ctx context.Context, mux *runtime.ServeMux) error {
	c := b.Evaluation
	return errors.Join(
		evaluationv1.RegisterCustomerServiceHandlerClient(ctx, mux, evaluationv1.NewCustomerServiceClient(c)),
		evaluationv1.RegisterCustomerGroupServiceHandlerClient(ctx, mux, evaluationv1.NewCustomerGroupServiceClient(c)),
		evaluationv1.RegisterCustomerHandOverServiceHandlerClient(ctx, mux, evaluationv1.NewCustomerHandOverServiceClient(c)),
		evaluationv1.RegisterCreditFactServiceHandlerClient(ctx, mux, evaluationv1.NewCreditFactServiceClient(c)),
		evaluationv1.RegisterInvoiceFactServiceHandlerClient(ctx, mux, evaluationv1.NewInvoiceFactServiceClient(c)),
		evaluationv1.RegisterRatingServiceHandlerClient(ctx, mux, evaluationv1.NewRatingServiceClient(c)),
		evaluationv1.RegisterTreatmentPlanServiceHandlerClient(ctx, mux, evaluationv1.NewTreatmentPlanServiceClient(c)),
		evaluationv1.RegisterCreditApplicationServiceHandlerClient(ctx, mux, evaluationv1.NewCreditApplicationServiceClient(c)),
		evaluationv1.RegisterCreditGrantServiceHandlerClient(ctx, mux, evaluationv1.NewCreditGrantServiceClient(c)),
		evaluationv1.RegisterCustomerHandOverServiceHandlerClient(ctx, mux, evaluationv1.NewCustomerHandOverServiceClient(c)),
		evaluationv1.RegisterDelegationServiceHandlerClient(ctx, mux, evaluationv1.NewDelegationServiceClient(c)),
		evaluationv1.RegisterWithdrawalServiceHandlerClient(ctx, mux, evaluationv1.NewWithdrawalServiceClient(c)),
		evaluationv1.RegisterFormRegisterServiceHandlerClient(ctx, mux, evaluationv1.NewFormRegisterServiceClient(c)),
		evaluationv1.RegisterViolationServiceHandlerClient(ctx, mux, evaluationv1.NewViolationServiceClient(c)),
		evaluationv1.RegisterEvaluationPolicyServiceHandlerClient(ctx, mux, evaluationv1.NewEvaluationPolicyServiceClient(c)),
		evaluationv1.RegisterPolicyTrialServiceHandlerClient(ctx, mux, evaluationv1.NewPolicyTrialServiceClient(c)),
		evaluationv1.RegisterPortfolioRunServiceHandlerClient(ctx, mux, evaluationv1.NewPortfolioRunServiceClient(c)),
		evaluationv1.RegisterGrowthReviewServiceHandlerClient(ctx, mux, evaluationv1.NewGrowthReviewServiceClient(c)),
		evaluationv1.RegisterOperationsServiceHandlerClient(ctx, mux, evaluationv1.NewOperationsServiceClient(c)),
	)
}

func (b Backends) registerOrderGate(ctx context.Context, mux *runtime.ServeMux) error {
	c := b.OrderGate
	return errors.Join(
		ordergatev1.RegisterOrderServiceHandlerClient(ctx, mux, ordergatev1.NewOrderServiceClient(c)),
		ordergatev1.RegisterDecisionServiceHandlerClient(ctx, mux, ordergatev1.NewDecisionServiceClient(c)),
		ordergatev1.RegisterCreditAccountServiceHandlerClient(ctx, mux, ordergatev1.NewCreditAccountServiceClient(c)),
		ordergatev1.RegisterGroupServiceHandlerClient(ctx, mux, ordergatev1.NewGroupServiceClient(c)),
		ordergatev1.RegisterBudgetServiceHandlerClient(ctx, mux, ordergatev1.NewBudgetServiceClient(c)),
		ordergatev1.RegisterCeilingServiceHandlerClient(ctx, mux, ordergatev1.NewCeilingServiceClient(c)),
		ordergatev1.RegisterOrderPolicyServiceHandlerClient(ctx, mux, ordergatev1.NewOrderPolicyServiceClient(c)),
		ordergatev1.RegisterCustomerControlServiceHandlerClient(ctx, mux, ordergatev1.NewCustomerControlServiceClient(c)),
		ordergatev1.RegisterWarehouseServiceHandlerClient(ctx, mux, ordergatev1.NewWarehouseServiceClient(c)),
		ordergatev1.RegisterWebhookServiceHandlerClient(ctx, mux, ordergatev1.NewWebhookServiceClient(c)),
		ordergatev1.RegisterReportServiceHandlerClient(ctx, mux, ordergatev1.NewReportServiceClient(c)),
		ordergatev1.RegisterPolicySimulationServiceHandlerClient(ctx, mux, ordergatev1.NewPolicySimulationServiceClient(c)),
		ordergatev1.RegisterOperationServiceHandlerClient(ctx, mux, ordergatev1.NewOperationServiceClient(c)),
		ordergatev1.RegisterOperationsServiceHandlerClient(ctx, mux, ordergatev1.NewOperationsServiceClient(c)),
	)
}

func (b Backends) registerReceivables(ctx context.Context, mux *runtime.ServeMux) error {
	c := b.Receivables
	return errors.Join(
		receivablesv1.RegisterInvoiceServiceHandlerClient(ctx, mux, receivablesv1.NewInvoiceServiceClient(c)),
		receivablesv1.RegisterReceiptServiceHandlerClient(ctx, mux, receivablesv1.NewReceiptServiceClient(c)),
		receivablesv1.RegisterBankServiceHandlerClient(ctx, mux, receivablesv1.NewBankServiceClient(c)),
		receivablesv1.RegisterStatementServiceHandlerClient(ctx, mux, receivablesv1.NewStatementServiceClient(c)),
		receivablesv1.RegisterLetterServiceHandlerClient(ctx, mux, receivablesv1.NewLetterServiceClient(c)),
		receivablesv1.RegisterPaymentNoticeServiceHandlerClient(ctx, mux, receivablesv1.NewPaymentNoticeServiceClient(c)),
		receivablesv1.RegisterDocumentServiceHandlerClient(ctx, mux, receivablesv1.NewDocumentServiceClient(c)),
		receivablesv1.RegisterBillServiceHandlerClient(ctx, mux, receivablesv1.NewBillServiceClient(c)),
		receivablesv1.RegisterCreditMemoServiceHandlerClient(ctx, mux, receivablesv1.NewCreditMemoServiceClient(c)),
		receivablesv1.RegisterReceiptPlanServiceHandlerClient(ctx, mux, receivablesv1.NewReceiptPlanServiceClient(c)),
		receivablesv1.RegisterPeriodServiceHandlerClient(ctx, mux, receivablesv1.NewPeriodServiceClient(c)),
		receivablesv1.RegisterLimitationServiceHandlerClient(ctx, mux, receivablesv1.NewLimitationServiceClient(c)),
		receivablesv1.RegisterWarningServiceHandlerClient(ctx, mux, receivablesv1.NewWarningServiceClient(c)),
		receivablesv1.RegisterSecurityServiceHandlerClient(ctx, mux, receivablesv1.NewSecurityServiceClient(c)),
		receivablesv1.RegisterLegalCaseServiceHandlerClient(ctx, mux, receivablesv1.NewLegalCaseServiceClient(c)),
		receivablesv1.RegisterRestructuringServiceHandlerClient(ctx, mux, receivablesv1.NewRestructuringServiceClient(c)),
		receivablesv1.RegisterWrittenOffServiceHandlerClient(ctx, mux, receivablesv1.NewWrittenOffServiceClient(c)),
		receivablesv1.RegisterResponsibilityServiceHandlerClient(ctx, mux, receivablesv1.NewResponsibilityServiceClient(c)),
		receivablesv1.RegisterChargeServiceHandlerClient(ctx, mux, receivablesv1.NewChargeServiceClient(c)),
		receivablesv1.RegisterAgingServiceHandlerClient(ctx, mux, receivablesv1.NewAgingServiceClient(c)),
		receivablesv1.RegisterFiguresServiceHandlerClient(ctx, mux, receivablesv1.NewFiguresServiceClient(c)),
		receivablesv1.RegisterReceivablesReportServiceHandlerClient(ctx, mux, receivablesv1.NewReceivablesReportServiceClient(c)),
		receivablesv1.RegisterLedgerServiceHandlerClient(ctx, mux, receivablesv1.NewLedgerServiceClient(c)),
		receivablesv1.RegisterChargeServiceHandlerClient(ctx, mux, receivablesv1.NewChargeServiceClient(c)),
		receivablesv1.RegisterLegalCaseServiceHandlerClient(ctx, mux, receivablesv1.NewLegalCaseServiceClient(c)),
		receivablesv1.RegisterLimitationServiceHandlerClient(ctx, mux, receivablesv1.NewLimitationServiceClient(c)),
		receivablesv1.RegisterResponsibilityServiceHandlerClient(ctx, mux, receivablesv1.NewResponsibilityServiceClient(c)),
		receivablesv1.RegisterRestructuringServiceHandlerClient(ctx, mux, receivablesv1.NewRestructuringServiceClient(c)),
		receivablesv1.RegisterSecurityServiceHandlerClient(ctx, mux, receivablesv1.NewSecurityServiceClient(c)),
		receivablesv1.RegisterWarningServiceHandlerClient(ctx, mux, receivablesv1.NewWarningServiceClient(c)),
		receivablesv1.RegisterDunningServiceHandlerClient(ctx, mux, receivablesv1.NewDunningServiceClient(c)),
		receivablesv1.RegisterCollectionServiceHandlerClient(ctx, mux, receivablesv1.NewCollectionServiceClient(c)),
		receivablesv1.RegisterOverdueMeetingServiceHandlerClient(ctx, mux, receivablesv1.NewOverdueMeetingServiceClient(c)),
		receivablesv1.RegisterReceivablesPolicyServiceHandlerClient(ctx, mux, receivablesv1.NewReceivablesPolicyServiceClient(c)),
		receivablesv1.RegisterOperationsServiceHandlerClient(ctx, mux, receivablesv1.NewOperationsServiceClient(c)),
	)
}
