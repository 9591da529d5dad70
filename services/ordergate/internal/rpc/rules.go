package rpc

import (
	"cmp"
	"slices"
	"strconv"

	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/money"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/check"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc/expression"
)

// rulebook reads the rules of a policy. Faults are gathered, so that whoever writes a policy sees them all at once.
type rulebook struct {
	compiler *expression.Compiler // made for the first expression
	faults   []errs.Violation
}

func (b *rulebook) fault(field, rule, message string) {
	b.faults = append(b.faults, errs.Violation{Field: field, Rule: rule, Message: message})
}

// rulesOf reads rules, combinations, weights and rates into p; the error carries a violation for each fault.
func rulesOf(spec *pb.OrderPolicy, p *check.Policy) error {
	b := &rulebook{}
	places := map[string]int{}
	for i, r := range spec.GetRules() {
		at := "policy.rules[" + strconv.Itoa(i) + "]"
		rule, err := b.rule(at, r)
		if err != nil {
			return err
		}
		p.Rules = append(p.Rules, rule)
		if _, again := places[r.GetName()]; again {
			b.fault(at+".name", "UNIQUE", "another rule has this name")
		}
		places[r.GetName()] = i
	}
	p.NeedsOrders, p.HeldSecurity = check.NeedsOthers(p.Rules), check.CountsHeld(p.Rules)
	b.combinations(spec, places, p)
	b.weights(spec.GetBucketWeights(), p)
	b.rates(spec.GetConversion(), p)
	b.waiting(spec.GetWaitingOrder(), p)
	return policyInvalid(b.faults)
}

// rule reads a rule with its overrides.
func (b *rulebook) rule(at string, r *pb.OrderRule) (check.Rule, error) {
	out := check.Rule{Name: r.GetName(), Enforcement: check.Enforcement(word(r.GetEnforcement().String(), "RULE_ENFORCEMENT_", string(check.HoldOnBreak)))}
	if err := b.parameters(at, r, &out); err != nil {
		return out, err
	}
	var overrides check.Overrides
	for i, o := range r.GetOverrides() {
		if err := b.override(at+".overrides["+strconv.Itoa(i)+"]", o, out, &overrides); err != nil {
			return out, err
		}
	}
	out.Overrides = overrides
	return out, nil
}

// override reads one override of base into the map of its scope.
func (b *rulebook) override(at string, o *pb.RuleOverride, base check.Rule, into *check.Overrides) error {
	x := &check.Override{Rule: base}
	if o.GetEnforcement() != pb.RuleEnforcement_RULE_ENFORCEMENT_UNSPECIFIED {
		x.Rule.Enforcement = check.Enforcement(word(o.GetEnforcement().String(), "RULE_ENFORCEMENT_", ""))
	}
	var err error
	if x.Until, err = parseDate(at+".until_date", o.GetUntilDate()); err != nil {
		b.fault(at+".until_date", "DATE_INVALID", "not a date: "+o.GetUntilDate())
	}
	given := givenCheck(o)
	if e := o.GetExemption(); e != nil {
		x.Exempt, x.Exemption = true, e.GetReason()
		if given != nil || o.GetEnforcement() != pb.RuleEnforcement_RULE_ENFORCEMENT_UNSPECIFIED {
			b.fault(at+".exemption", "ALONE", "an exemption stands alone: no enforcement, no parameters")
		}
	}
	if given != nil {
		if err := b.parameters(at, given, &x.Rule); err != nil {
			return err
		}
		if x.Rule.Kind != base.Kind {
			b.fault(at, "SAME_CHECK", "an override has the same check as its rule")
		}
	}
	add := func(m *map[string]*check.Override, kind, key string) {
		if *m == nil {
			*m = map[string]*check.Override{}
		}
		if (*m)[key] != nil {
			b.fault(at, "UNIQUE", "another override is for the same "+kind)
		}
		x.Scope = kind + " " + key
		(*m)[key] = x
	}
	switch s := o.GetScope().(type) {
	case *pb.RuleOverride_CustomerId:
		add(&into.Customer, "customer", s.CustomerId)
	case *pb.RuleOverride_GroupId:
		add(&into.Group, "group", s.GroupId)
	case *pb.RuleOverride_Grade:
		add(&into.Grade, "grade", word(s.Grade.String(), "GRADE_", ""))
	}
	return nil
}

// givenCheck is the check of an override as a rule's; nil where it gives none.
func givenCheck(o *pb.RuleOverride) *pb.OrderRule {
	m := o.ProtoReflect()
	field := m.WhichOneof(m.Descriptor().Oneofs().ByName("check"))
	if field == nil {
		return nil
	}
	r := &pb.OrderRule{}
	var target protoreflect.FieldDescriptor = r.ProtoReflect().Descriptor().Fields().ByName(field.Name())
	r.ProtoReflect().Set(target, m.Get(field))
	return r
}

// parameters reads what a rule checks.
func (b *rulebook) parameters(at string, r *pb.OrderRule, out *check.Rule) error {
	var err error
	switch c := r.GetCheck().(type) {
	case *pb.OrderRule_Limit:
		err = b.limit(at, c.Limit, out)
	case *pb.OrderRule_DaysOverdue:
		out.Kind, out.MaxDays = check.KindDaysOverdue, int(c.DaysOverdue.GetMaxDays())
	case *pb.OrderRule_OverdueAmount:
		out.Kind, out.MaxAmount, out.MinDays = check.KindOverdueAmount, c.OverdueAmount.GetMaxAmount(), int(c.OverdueAmount.GetMinDays())
	case *pb.OrderRule_Term:
		out.Kind = check.KindTerm
	case *pb.OrderRule_Treatment:
		out.Kind = check.KindTreatment
	case *pb.OrderRule_GrantValidity:
		out.Kind = check.KindGrantValidity
	case *pb.OrderRule_OrderSize:
		out.Kind, out.MaxAmount = check.KindOrderSize, c.OrderSize.GetMaxAmount()
	case *pb.OrderRule_GroupPool:
		out.Kind, out.MembersDraw = check.KindGroupPool, c.GroupPool.GetMembersDrawOnGroup()
	case *pb.OrderRule_Budget:
		out.Kind = check.KindBudget
	case *pb.OrderRule_Ceiling:
		out.Kind = check.KindCeiling
	case *pb.OrderRule_Concentration:
		out.Kind, out.MinTotal = check.KindConcentration, c.Concentration.GetMinTotal()
		out.MaxShare, err = ratioOf(c.Concentration.GetMaxShare())
	case *pb.OrderRule_Utilization:
		out.Kind = check.KindUtilization
		out.MaxRatio, err = ratioOf(c.Utilization.GetMaxRatio())
	case *pb.OrderRule_OverdueRatio:
		out.Kind, out.MinDays = check.KindOverdueRatio, int(c.OverdueRatio.GetMinDays())
		out.MaxRatio, err = money.ParseRatio(c.OverdueRatio.GetMaxPercent() + "%")
	case *pb.OrderRule_OldestOpenItem:
		out.Kind, out.MaxDays, out.ExcludeDisputed = check.KindOldestItem, int(c.OldestOpenItem.GetMaxDays()), c.OldestOpenItem.GetExcludeDisputed()
	case *pb.OrderRule_UnpaidBatches:
		out.Kind, out.MaxCount = check.KindUnpaidBatches, int(c.UnpaidBatches.GetMaxUnpaid())
	case *pb.OrderRule_BrokenPromise:
		out.Kind, out.MaxCount, out.WithinDays = check.KindBrokenPromise, int(c.BrokenPromise.GetMaxBroken()), int(c.BrokenPromise.GetWithinDays())
	case *pb.OrderRule_OpenDispute:
		out.Kind, out.MaxAmount = check.KindOpenDispute, c.OpenDispute.GetMaxAmount()
	case *pb.OrderRule_DunningLevel:
		out.Kind, out.MaxCount = check.KindDunningLevel, int(c.DunningLevel.GetMaxLevel())
	case *pb.OrderRule_SupplyStop:
		out.Kind = check.KindSupplyStop
	case *pb.OrderRule_CategoryCap:
		out.Kind, out.MaxAmount, out.MinDays = check.KindCategoryCap, c.CategoryCap.GetMaxAmount(), int(c.CategoryCap.GetMarginDays())
		out.Category = check.Category(word(c.CategoryCap.GetCategory().String(), "EXPOSURE_CATEGORY_", ""))
	case *pb.OrderRule_Expression:
		err = b.expression(at+".expression.expression", c.Expression, out)
	default:
		err = errs.New(errs.Internal, "POLICY_UNREADABLE", "rule %s checks nothing that this version knows", r.GetName())
	}
	return err
}

func (b *rulebook) limit(at string, c *pb.LimitCheck, out *check.Rule) error {
	out.Kind = check.KindLimit
	out.Floor = c.GetReceivableFloor()
	out.Horizon = dayCount(c.HorizonDays) //nolint:protogetter // absent is not zero
	var err error
	if out.Threshold, err = ratioOf(c.GetThreshold()); err != nil {
		return err
	}
	if out.Watch, err = ratioOf(c.GetWatchRatio()); err != nil {
		return err
	}
	out.Security = check.SecurityMode(word(c.GetSecurity().GetMode().String(), "SECURITY_MODE_", ""))
	if out.SecurityShare, err = ratioOf(c.GetSecurity().GetShare()); err != nil {
		return err
	}
	out.HeldSecurity = c.GetSecurity().GetHeld()
	for i, w := range c.GetSecurity().GetWeights() {
		field := at + ".limit.security.weights[" + strconv.Itoa(i) + "]"
		if !out.HeldSecurity {
			b.fault(field, "HELD_ONLY", "weights are those of securities held: without `held` none counts")
		}
		if out.SecurityWeights == nil {
			out.SecurityWeights = map[string]money.Ratio{}
		}
		kind := securityKind(w.GetKind())
		if _, again := out.SecurityWeights[kind]; again {
			b.fault(field+".kind", "UNIQUE", "this kind has a weight already")
		}
		if out.SecurityWeights[kind], err = money.ParseRatio(w.GetShare()); err != nil {
			return err
		}
	}
	return nil
}

func (b *rulebook) expression(at string, c *pb.ExpressionCheck, out *check.Rule) error {
	if b.compiler == nil {
		compiler, err := expression.NewCompiler()
		if err != nil {
			return err
		}
		b.compiler = compiler
	}
	program, faults := b.compiler.Compile(c.GetExpression())
	for _, f := range faults {
		b.fault(at, "EXPRESSION", "line "+strconv.Itoa(f.Line)+", column "+strconv.Itoa(f.Column)+" of the expression: "+f.Message)
	}
	out.Kind, out.Message = check.KindExpression, c.GetMessage()
	if len(faults) == 0 {
		out.Expression = program
	}
	return nil
}

func (b *rulebook) combinations(spec *pb.OrderPolicy, places map[string]int, p *check.Policy) {
	taken := map[string]string{}
	for i, c := range spec.GetCombinations() {
		at := "policy.combinations[" + strconv.Itoa(i) + "]"
		if slices.ContainsFunc(p.Combinations, func(x check.Combination) bool { return x.Name == c.GetName() }) {
			b.fault(at+".name", "UNIQUE", "another combination has this name")
		}
		out := check.Combination{Name: c.GetName()}
		for n, name := range c.GetRules() {
			field := at + ".rules[" + strconv.Itoa(n) + "]"
			place, ok := places[name]
			switch {
			case !ok:
				b.fault(field, "RULE", "the policy has no rule "+name)
			case taken[name] != "":
				b.fault(field, "ONE_COMBINATION", "the rule is in combination "+taken[name]+" already")
			default:
				taken[name] = c.GetName()
				out.Rules = append(out.Rules, place)
			}
		}
		p.Combinations = append(p.Combinations, out)
	}
}

func (b *rulebook) weights(w *pb.BucketWeights, p *check.Policy) {
	for _, x := range []struct {
		name, text string
		into       *money.Ratio
	}{
		{"bank_bill", w.GetBankBill(), &p.Weights.BankBill},
		{"commercial_bill", w.GetCommercialBill(), &p.Weights.CommercialBill},
		{"base_stock", w.GetBaseStock(), &p.Weights.BaseStock},
		{"consignment", w.GetConsignment(), &p.Weights.Consignment},
		{"deposit", w.GetDeposit(), &p.Weights.Deposit},
	} {
		r, err := ratioOf(x.text)
		if err != nil {
			b.fault("policy.bucket_weights."+x.name, "RATIO", "not a share: "+x.text)
		}
		*x.into = r
	}
}

func (b *rulebook) rates(c *pb.CurrencyConversion, p *check.Policy) {
	if c == nil {
		return
	}
	p.Conversion = check.Conversion{Kind: check.RateKind(word(c.GetKind().String(), "RATE_KIND_", string(check.RateFrozen))), Rates: map[check.Pair][]check.Rate{}}
	for i, r := range c.GetRates() {
		at := "policy.conversion.rates[" + strconv.Itoa(i) + "]"
		pair := check.Pair{From: r.GetFromCurrency(), To: r.GetToCurrency()}
		_, okFrom := money.Digits(pair.From)
		_, okTo := money.Digits(pair.To)
		day, dateErr := parseDate("from_date", r.GetFromDate())
		ratio, rateErr := money.ParseRatio(r.GetRate())
		switch {
		case !okFrom || !okTo:
			b.fault(at, "CURRENCY", "not a pair of currencies of ISO 4217: "+pair.From+", "+pair.To)
		case pair.From == pair.To:
			b.fault(at+".to_currency", "PAIR", "a rate is between two currencies")
		case dateErr != nil:
			b.fault(at+".from_date", "DATE_INVALID", "not a date: "+r.GetFromDate())
		case rateErr != nil || ratio.Num <= 0:
			b.fault(at+".rate", "RATE", "a rate is above zero")
		case slices.ContainsFunc(p.Conversion.Rates[pair], func(x check.Rate) bool { return x.From == day }):
			b.fault(at+".from_date", "UNIQUE", "another rate of the pair begins on this day")
		default:
			p.Conversion.Rates[pair] = append(p.Conversion.Rates[pair], check.Rate{From: day, Ratio: ratio})
		}
	}
	for _, rates := range p.Conversion.Rates {
		slices.SortFunc(rates, func(x, y check.Rate) int { return cmp.Compare(x.From.String(), y.From.String()) })
	}
}

// waiting reads the order of those that wait: each criterion once, and one amount only.
func (b *rulebook) waiting(criteria []pb.WaitingCriterion, p *check.Policy) {
	for i, c := range criteria {
		at, by := "policy.waiting_order["+strconv.Itoa(i)+"]", check.WaitingCriterion(word(c.String(), "WAITING_CRITERION_", ""))
		amount := func(x check.WaitingCriterion) bool { return x == check.BySmallest || x == check.ByLargest }
		switch {
		case by == "" || pb.WaitingCriterion_name[int32(c)] == "":
			b.fault(at, "CRITERION", "not a criterion of the order of those that wait")
		case slices.Contains(p.WaitingOrder, by):
			b.fault(at, "UNIQUE", "the criterion is named twice; the second would decide nothing")
		case amount(by) && slices.ContainsFunc(p.WaitingOrder, amount):
			b.fault(at, "ONE_AMOUNT", "smallest first and largest first exclude each other")
		default:
			p.WaitingOrder = append(p.WaitingOrder, by)
		}
	}
}
