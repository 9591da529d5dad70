package rpc

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/approval"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/policy"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	optionsv1 "github.com/avalcredit/aval/proto/gen/aval/options/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/grade"
)

// Policies serves the evaluation policy.
type Policies struct {
	evaluationv1.UnsafeEvaluationPolicyServiceServer
	App *app.App
}

var _ evaluationv1.EvaluationPolicyServiceServer = Policies{}

// CreateEvaluationPolicy implements the contract.
func (s Policies) CreateEvaluationPolicy(ctx context.Context, req *evaluationv1.CreateEvaluationPolicyRequest) (*evaluationv1.CreateEvaluationPolicyResponse, error) {
	spec := req.GetPolicy()
	if text := req.GetYaml(); text != "" {
		spec = &evaluationv1.EvaluationPolicy{}
		if err := policy.ParseYAML("yaml", []byte(text), spec); err != nil {
			return nil, err
		}
	}
	checked, err := policyIn(spec)
	if err != nil {
		return nil, policyInvalid(err)
	}
	r := request(ctx, evaluationv1.EvaluationPolicyService_CreateEvaluationPolicy_FullMethodName, req.GetRequestId(), req)
	v, err := s.App.CreatePolicy(ctx, r, policy.Draft{Spec: spec, YAML: req.GetYaml(), Comment: req.GetComment()}, checked)
	if err != nil {
		return nil, err
	}
	out, err := versionOut(v)
	return &evaluationv1.CreateEvaluationPolicyResponse{Version: out}, err
}

// SignEvaluationPolicy implements the contract.
func (s Policies) SignEvaluationPolicy(ctx context.Context, req *evaluationv1.SignEvaluationPolicyRequest) (*evaluationv1.SignEvaluationPolicyResponse, error) {
	var d reader
	from := d.date("effective_from_date", req.GetEffectiveFromDate())
	if err := d.err(); err != nil {
		return nil, err
	}
	r := request(ctx, evaluationv1.EvaluationPolicyService_SignEvaluationPolicy_FullMethodName, req.GetRequestId(), req)
	v, err := s.App.SignPolicy(ctx, r, req.GetVersion(), from)
	if err != nil {
		return nil, err
	}
	out, err := versionOut(v)
	return &evaluationv1.SignEvaluationPolicyResponse{Version: out}, err
}

// GetEvaluationPolicy implements the contract.
func (s Policies) GetEvaluationPolicy(ctx context.Context, req *evaluationv1.GetEvaluationPolicyRequest) (*evaluationv1.GetEvaluationPolicyResponse, error) {
	v, err := s.App.Policy(ctx, req.GetVersion())
	if err != nil {
		return nil, err
	}
	out, err := versionOut(v)
	return &evaluationv1.GetEvaluationPolicyResponse{Version: out}, err
}

// ListEvaluationPolicies implements the contract.
func (s Policies) ListEvaluationPolicies(ctx context.Context, req *evaluationv1.ListEvaluationPoliciesRequest) (*evaluationv1.ListEvaluationPoliciesResponse, error) {
	found, next, err := s.App.PolicyVersions(ctx, req.GetPageSize(), req.GetPageToken())
	if err != nil {
		return nil, err
	}
	res := &evaluationv1.ListEvaluationPoliciesResponse{NextPageToken: next}
	for _, v := range found {
		out, err := versionOut(v)
		if err != nil {
			return nil, err
		}
		res.Versions = append(res.Versions, out)
	}
	return res, nil
}

func versionOut(v policy.Version) (*evaluationv1.EvaluationPolicyVersion, error) {
	spec := &evaluationv1.EvaluationPolicy{}
	if err := proto.Unmarshal(v.Spec, spec); err != nil {
		return nil, err
	}
	return &evaluationv1.EvaluationPolicyVersion{
		Version: v.Version, State: number[typev1.PolicyState](v.State, typev1.PolicyState_value, "POLICY_STATE_"),
		Policy: spec, Yaml: v.YAML, Hash: specHash(v.Spec), EffectiveFromDate: v.EffectiveFrom.String(),
		CreatedBy: v.CreatedBy, CreateTime: timeOf(v.CreatedAt), SignedBy: v.SignedBy, SignTime: timeOf(v.SignedAt),
		Comment: v.Comment,
	}, nil
}

// policyInvalid gives a value that cannot be read the reason of a defective policy.
func policyInvalid(err error) error {
	e, ok := errs.As(err)
	if !ok {
		return err
	}
	return errs.New(errs.Invalid, "POLICY_INVALID", "%s", e.Message).WithViolations(e.Violations...)
}

// specHash identifies what a policy says, whenever and by whom it was written.
func specHash(spec []byte) string {
	sum := sha256.Sum256(spec)
	return hex.EncodeToString(sum[:])
}

// DecodePolicy reads a stored version for the domain.
func DecodePolicy(v policy.Version) (criteria.Policy, error) {
	spec := &evaluationv1.EvaluationPolicy{}
	if err := proto.Unmarshal(v.Spec, spec); err != nil {
		return criteria.Policy{}, err
	}
	p, err := policyIn(spec)
	p.Version, p.Hash = v.Version, specHash(v.Spec)
	return p, err
}

func policyIn(m *evaluationv1.EvaluationPolicy) (criteria.Policy, error) {
	var r reader
	p := criteria.Policy{
		Name: m.GetName(), BaseCurrency: m.GetBaseCurrency(), UnlimitedAllowed: m.GetUnlimitedAllowed(),
		GrantValidDays: int(m.GetGrantValidDays()), ReviewIntervalDays: int(m.GetReviewIntervalDays()),
		Treatments: map[grade.Grade]criteria.Treatment{}, Checklist: checklistIn(m.GetChecklist()), Scales: scalesIn(&r, m.GetRatingScales()),
	}
	conventions := m.GetConventions()
	for _, d := range m.GetDimensions() {
		dim := criteria.Dimension{Name: d.GetName(), NameZH: d.GetNameZh()}
		for _, rule := range d.GetIndicators() {
			in := ruleIn(rule, conventions)
			in.Scales = p.Scales
			dim.Rules = append(dim.Rules, in)
		}
		p.Dimensions = append(p.Dimensions, dim)
	}
	for _, c := range m.GetCaps() {
		condition := name(c.GetCondition(), evaluationv1.CapCondition_name, "CAP_CONDITION_")
		p.Caps = append(p.Caps, criteria.Cap{
			Name: c.GetName(), NameZH: c.GetNameZh(), Condition: criteria.Condition(strings.ToLower(condition)), Best: gradeIn(c.GetBestGrade()),
		})
	}
	for _, t := range m.GetTreatments() {
		p.Treatments[gradeIn(t.GetGrade())] = criteria.Treatment{
			Treatment:   grade.Treatment(name(t.GetTreatment(), evaluationv1.Treatment_name, "TREATMENT_")),
			MaxTermDays: int(t.GetMaxTermDays()), GraceDays: int(t.GetGraceDays()),
		}
	}
	p.Scorecard = scorecardIn(m.GetScorecard(), p.Scales, conventions)
	p.Limit = limitRuleIn(&r, m.GetLimit(), p.BaseCurrency)
	p.Limit.Rounding = roundingIn(&r, conventions)
	p.Term = formulaIn(&r, "term.formula", m.GetTerm().GetFormula(), m.GetTerm().GetFacts())
	for _, f := range []*criteria.Formula{p.Limit.Formula, p.Term} {
		if f != nil {
			f.Facts = byConvention(f.Facts, conventions)
			f.Facts.Scales = p.Scales
		}
	}
	for _, row := range m.GetApplicationAuthority() {
		p.Authority = append(p.Authority, rowIn(&r, row, p.BaseCurrency))
	}
	p.DueDays, p.ExpiryWarningDays = dueDaysIn(m.GetDueDays()), criteria.DefaultExpiryWarningDays
	if m.ExpiryWarningDays != nil {
		p.ExpiryWarningDays = int(m.GetExpiryWarningDays())
	}
	for _, g := range m.GetGradeReviews() {
		p.GradeReviews = append(p.GradeReviews, criteria.GradeReview{Grade: gradeIn(g.GetGrade()), Days: int(g.GetIntervalDays())})
	}
	p.Growth, p.Form = growthIn(m.GetGrowth()), formIn(m.GetApplicationForm())
	if c := m.GetShortCycle(); c != nil {
		p.ShortCycle = &criteria.ShortCycle{
			PurchaseDays: int(c.GetPurchaseIntervalDays()), ReviewDays: int(c.GetReviewIntervalDays()), InsteadOfTransactions: c.GetInsteadOfTransactions(),
		}
	}
	return p, r.err()
}

// byConvention fills in what a rule does not say.
func byConvention(r criteria.Rule, c *evaluationv1.EvaluationConventions) criteria.Rule {
	if r.Missing == "" {
		r.Missing = criteria.Fail
		if c.GetMissing() == evaluationv1.ConventionMissing_CONVENTION_MISSING_IGNORE {
			r.Missing = criteria.Ignore
		}
	}
	if r.MaxAgeDays == 0 {
		r.MaxAgeDays = int(c.GetMaxAgeDays())
	}
	if r.MinItems == 0 && (r.Indicator.FromPayments() || r.Indicator == "") {
		r.MinItems = int64(c.GetMinItems())
	}
	return r
}

// roundingIn reads how limits are rounded; nil: to the minor unit only.
func roundingIn(r *reader, c *evaluationv1.EvaluationConventions) *criteria.Rounding {
	switch step := rat(c.GetLimitStep()); {
	case step == nil && c.GetLimitRounding() != evaluationv1.LimitRounding_LIMIT_ROUNDING_UNSPECIFIED:
		r.found = append(r.found, errs.Violation{Field: "conventions.limit_step", Rule: "required", Message: "limit_rounding needs the step that limits are rounded to"})
	case step == nil:
	case step.Sign() <= 0:
		r.found = append(r.found, errs.Violation{Field: "conventions.limit_step", Rule: "positive", Message: "must be above zero"})
	default:
		return &criteria.Rounding{
			Step: step, Text: c.GetLimitStep(), HalfUp: c.GetLimitRounding() == evaluationv1.LimitRounding_LIMIT_ROUNDING_HALF_UP,
		}
	}
	return nil
}

func ruleIn(m *evaluationv1.IndicatorRule, c *evaluationv1.EvaluationConventions) criteria.Rule {
	rule := criteria.Rule{
		Indicator: criteria.Indicator(strings.ToLower(name(m.GetIndicator(), evaluationv1.Indicator_name, "INDICATOR_"))),
		Missing:   criteria.Missing(strings.ToLower(name(m.GetMissing(), evaluationv1.MissingRule_name, "MISSING_RULE_"))),
		// The contract's pattern admits decimals only, so these do not fail.
		MissingValue: rat(m.GetMissingValue()), MissingText: m.GetMissingValue(), MissingGrade: gradeIn(m.GetMissingGrade()),
		MaxAgeDays: int(m.GetMaxAgeDays()), VerifiedOnly: m.GetVerifiedOnly(), MinItems: int64(m.GetMinItems()),
	}
	rule = byConvention(rule, c)
	if rule.MissingGrade == grade.None {
		rule.MissingGrade = grade.D
	}
	rule.Thresholds = thresholdsIn(m.GetThresholds())
	return rule
}

func scalesIn(r *reader, all []*evaluationv1.RatingScale) []criteria.Scale {
	var scales []criteria.Scale
	for i, m := range all {
		s := criteria.Scale{Agency: strings.TrimSpace(m.GetAgency()), Points: map[string]*big.Rat{}}
		for k, p := range m.GetRatings() {
			if s.Points[p.GetRating()] != nil {
				r.found = append(r.found, errs.Violation{
					Field: fmt.Sprintf("rating_scales[%d].ratings[%d].rating", i, k), Rule: "unique", Message: "stands in the scale twice",
				})
			}
			s.Points[p.GetRating()] = rat(p.GetPoints())
		}
		scales = append(scales, s)
	}
	return scales
}

func rat(text string) *big.Rat {
	if text == "" {
		return nil
	}
	v, ok := new(big.Rat).SetString(text)
	if !ok {
		return nil
	}
	return v
}

func limitRuleIn(r *reader, m *evaluationv1.LimitRule, currency string) criteria.Limit {
	l := criteria.Limit{Usual: criteria.Median, WindowMonths: int(m.GetWindowMonths()), Percentile: int(m.GetPercentile())}
	switch m.GetUsualPurchase() {
	case evaluationv1.UsualPurchase_USUAL_PURCHASE_MEAN:
		l.Usual = criteria.Mean
	case evaluationv1.UsualPurchase_USUAL_PURCHASE_MAX:
		l.Usual = criteria.Largest
	case evaluationv1.UsualPurchase_USUAL_PURCHASE_PERCENTILE:
		l.Usual = criteria.Percentile
	default: // the median
	}
	if m.GetFactor() != "" {
		var err error
		if l.Factor, err = money.ParseRatio(m.GetFactor()); err != nil {
			r.bad("limit.factor", err)
		}
	}
	l.Formula = formulaIn(r, "limit.formula", m.GetFormula(), m.GetFacts())
	if m.GetCap() != "" {
		l.Cap = r.money("limit.cap", &typev1.Money{CurrencyCode: currency, Amount: m.GetCap()})
	}
	return l
}

func rowIn(r *reader, m *typev1.AuthorityRow, currency string) approval.Row {
	var row approval.Row
	if m.GetMaxAmount() != "" {
		if most := r.money("application_authority.max_amount", &typev1.Money{CurrencyCode: currency, Amount: m.GetMaxAmount()}); most != nil {
			row.MaxAmount = &most.Minor
		}
	}
	if m.MaxDays != nil {
		days := int(m.GetMaxDays())
		row.MaxDays = &days
	}
	row.When = whenIn(r, m.GetWhen())
	for _, s := range m.GetSteps() {
		row.Steps = append(row.Steps, approval.Step{
			Name: s.GetName(), AnyOf: roleNames(s.GetRoles()), AllOf: roleNames(s.GetAllOf()), DueDays: int(s.GetDueDays()),
			EscalateTo: name(s.GetEscalateTo(), optionsv1.Role_name, "ROLE_"), InWriting: s.GetInWriting(),
		})
	}
	return row
}

func roleNames(roles []optionsv1.Role) []string {
	var out []string
	for _, role := range roles {
		out = append(out, name(role, optionsv1.Role_name, "ROLE_"))
	}
	return out
}

func whenIn(r *reader, m *typev1.AuthorityConditions) approval.When {
	w := approval.When{Grades: m.GetGrades(), Groups: m.GetGroupIds()}
	if m.GetMaxLimitOver() != "" {
		var err error
		if w.AmountOver, err = money.ParseRatio(m.GetMaxLimitOver()); err != nil {
			r.bad("application_authority.when.max_limit_over", err)
		}
	}
	if m != nil && m.MaxDaysOver != nil {
		days := int(m.GetMaxDaysOver())
		w.DaysOver = &days
	}
	return w
}

func dueDaysIn(m *evaluationv1.DueDays) criteria.DueDays {
	d := criteria.DefaultDueDays()
	if m == nil {
		return d
	}
	for from, into := range map[*int32]*int{
		m.Withdrawal: &d.Withdrawal, m.Contingency: &d.Contingency, m.Replacement: &d.Replacement, m.PhaseOut: &d.PhaseOut, m.Recovery: &d.Recovery,
	} {
		if from != nil {
			*into = int(*from)
		}
	}
	return d
}

// formIn reads what an application must have.
func formIn(m *evaluationv1.ApplicationFormRule) criteria.Form {
	f := criteria.Form{Purpose: m.GetPurpose(), Instruments: m.GetInstruments(), Checklist: m.GetChecklist(), Documents: int(m.GetDocuments())}
	for _, field := range m.GetCustomerFields() {
		f.Fields = append(f.Fields, criteria.FileField(name(field, evaluationv1.CustomerFileField_name, "CUSTOMER_FILE_FIELD_")))
	}
	return f
}

// growthIn reads what is expected of customers with credit; what is absent has its default.
func growthIn(m *evaluationv1.GrowthRule) criteria.Growth {
	const year = 12
	g := criteria.Growth{
		Months: cmp.Or(int(m.GetPeriodMonths()), year), Least: m.GetLeastGrowth(),
		YearBefore: m.GetCompareWith() == evaluationv1.GrowthComparison_GROWTH_COMPARISON_YEAR_BEFORE,
	}
	g.CreditMonths = cmp.Or(int(m.GetCreditMonths()), g.Months)
	return g
}
