package report

import (
	"fmt"
	"regexp"
	"strings"
)

// words are the texts of one language.
type words struct {
	chinese bool
	text    map[string]string
	names   map[string]string
}

// fill writes a text with its values.
func (w writer) fill(key string, args ...any) string { return fmt.Sprintf(w.words.text[key], args...) }

// name is what an indicator, a treatment, a trigger or a kind of fact is called; what has no
// name goes by its own.
func (w words) name(id string) string {
	if n, ok := w.names[id]; ok {
		return n
	}
	return id
}

// input is the name of an input of a formula, with the name that it has in the formula.
func (w words) input(id string) string {
	if n, ok := w.names[id]; ok && n != id {
		return n + " " + id
	}
	return id
}

func (w words) either(name, chinese string) string {
	if w.chinese && chinese != "" {
		return chinese
	}
	return name
}

// unit stands behind a value.
func (w words) unit(unit, currency string) string {
	switch unit {
	case "money":
		return " " + currency
	case "days", "months", "points":
		return w.text["unit_"+unit]
	default:
		return ""
	}
}

// bounds are thresholds in words: English as they are recorded.
func (w words) bounds(recorded string) string {
	if !w.chinese {
		return recorded
	}
	return strings.NewReplacer("at least ", "≥ ", "at most ", "≤ ", "otherwise", "其余", "; ", "；", ": ", "：").Replace(recorded)
}

// missingRule is what a missing value counts for.
func (w words) missingRule(recorded string) string {
	if !w.chinese {
		return recorded
	}
	switch {
	case recorded == "ignore":
		return "不计"
	case strings.HasPrefix(recorded, "default "):
		return "以 " + strings.TrimPrefix(recorded, "default ") + " 代替"
	default:
		return "按 " + strings.TrimPrefix(strings.TrimPrefix(recorded, "fail: grade "), "fail: ") + " 计"
	}
}

func (w words) flag(v string) string {
	switch {
	case w.chinese && v == "true":
		return "真"
	case w.chinese && v == "false":
		return "假"
	default:
		return v
	}
}

// phrase is a sentence that the record holds in English.
func (w words) phrase(recorded string) string {
	if !w.chinese {
		return recorded
	}
	if p, ok := phrases()[recorded]; ok {
		return p
	}
	if m := ofFact.FindStringSubmatch(recorded); m != nil {
		return w.phrase(m[1]) + "（事实 " + m[2] + "）"
	}
	for _, p := range patterns {
		if m := p.english.FindStringSubmatch(recorded); m != nil {
			out := p.chinese
			for i, part := range m[1:] {
				out = strings.ReplaceAll(out, fmt.Sprintf("$%d", i+1), part)
			}
			return out
		}
	}
	return recorded
}

// failure says why a formula could not be worked out.
func (w words) failure(recorded string) string {
	if !w.chinese {
		return recorded
	}
	if m := place.FindStringSubmatch(recorded); m != nil {
		rest := m[3]
		if part, why, ok := strings.Cut(rest, " is missing: "); ok {
			return fmt.Sprintf("第 %s 行第 %s 列：缺少 %s（%s）", m[1], m[2], part, w.phrase(why))
		}
		if part, ok := strings.CutSuffix(rest, " divides by zero"); ok {
			return fmt.Sprintf("第 %s 行第 %s 列：%s 除以零", m[1], m[2], part)
		}
		return fmt.Sprintf("第 %s 行第 %s 列：%s", m[1], m[2], rest)
	}
	return w.phrase(recorded)
}

// ofFact ends what a fact is the cause of.
var ofFact = regexp.MustCompile(`^(.*) \(fact (.+)\)$`)

var place = regexp.MustCompile(`^line (\d+), column (\d+): (.*)$`)

// patterns are the sentences with something of their own in them.
var patterns = []struct {
	english *regexp.Regexp
	chinese string
}{
	{regexp.MustCompile(`^the share of venture (.+) in the assets is not known$`), "高风险项目 $1 占资产的比例未知"},
	{regexp.MustCompile(`^the policy's scales do not know the rating of (.+)$`), "政策的评级对照表未列出 $1 的评级"},
	{regexp.MustCompile(`^the firm's invoices are known up to (.+), longer ago than the policy allows$`), "企业发票数据只到 $1，早于政策允许的时间"},
	{regexp.MustCompile(`^no invoice within (\d+) months and no usual purchase stated: no limit can be recommended$`), "$1 个月内没有发票，也未申报通常采购额：无法建议额度"},
	{regexp.MustCompile(`^no invoice within (\d+) months$`), "$1 个月内没有发票"},
	{regexp.MustCompile(`^the usual purchase is stated in (.+)$`), "通常采购额以 $1 申报"},
	{regexp.MustCompile(`^the newest financial statement is in (.+)$`), "最新财务报表以 $1 编制"},
	{regexp.MustCompile(`^nothing usable is recorded of it in (.+)$`), "没有可用的 $1 记录"},
	{regexp.MustCompile(`^all customers are rated again under version (\d+) of the policy$`), "政策第 $1 版生效，全部客户重新评级"},
	{regexp.MustCompile(`^credit application (.+) was submitted$`), "提交了授信申请 $1"},
	{regexp.MustCompile(`^file (.+) was merged into this one$`), "档案 $1 并入本档案"},
	{regexp.MustCompile(`^invoice (.+) was settled on (.+)$`), "发票 $1 于 $2 结清"},
	{regexp.MustCompile(`^(\d+) invoices were settled, the last of them (.+) on (.+)$`), "$1 张发票结清，最后一张为 $2，日期 $3"},
	{regexp.MustCompile(`^(.+) lowered its rating from (.+) to (.+)$`), "$1 将评级由 $2 下调为 $3"},
}

func phrases() map[string]string {
	return map[string]string{
		"no invoice yet": "尚无发票",
		"fewer settled invoices than the policy asks for":                                             "已结清发票少于政策要求",
		"nothing has fallen due yet":                                                                  "尚无到期款项",
		"receivables does not tell of promises":                                                       "应收系统未提供付款承诺记录",
		"no invoice is settled yet":                                                                   "尚无已结清发票",
		"receivables does not tell the purchases by year":                                             "应收系统未提供年度采购额",
		"the first invoice is less than 24 months old, or nothing was bought in the earlier 12":       "首张发票不足 24 个月，或前 12 个月没有采购",
		"the newest financial statement is older than the policy allows":                              "最新财务报表早于政策允许的时间",
		"the newest financial statement does not say":                                                 "最新财务报表未列该项",
		"the newest financial statement has nothing to divide by":                                     "最新财务报表的分母为零或负数",
		"the newest financial statement does not tell the net profit":                                 "最新财务报表未列净利润",
		"nothing is recorded of risky ventures":                                                       "没有高风险项目的记录",
		"the newest financial statement does not say all that the formula needs":                      "最新财务报表未列出公式所需的全部项目",
		"no usable financial statement":                                                               "没有可用的财务报表",
		"the newest reported ratios are older than the policy allows":                                 "最新报告比率早于政策允许的时间",
		"the newest reported ratios do not say":                                                       "最新报告比率未列该项",
		"no invoices of the firm are recorded":                                                        "没有企业自身的发票记录",
		"the firm's sales are known for less than 12 whole months":                                    "企业销售记录不足 12 个整月",
		"the firm's sales are known for less than 24 whole months, or were nothing in the earlier 12": "企业销售记录不足 24 个整月，或前 12 个月没有销售",
		"the firm's sales are known for less than 12 whole months, or were nothing in them":           "企业销售记录不足 12 个整月，或期间没有销售",
		"no sales invoice of the firm is recorded":                                                    "没有企业的销售发票记录",
		"the firm's invoices have no sales to divide by":                                              "企业发票没有可作分母的销售额",
		"no valid sale with a known buyer is recorded":                                                "没有购买方明确的有效销售记录",
		"no valid sale of the firm is recorded":                                                       "没有企业的有效销售记录",
		"no purchase invoice of the firm is recorded, or it has no sales":                             "没有企业的采购发票记录，或没有销售额",
		"nothing is recorded of suits":                                                                "没有诉讼记录",
		"nothing is recorded of enforcement":                                                          "没有被执行记录",
		"no bank reference is recorded":                                                               "没有银行资信证明",
		"no trade reference is recorded":                                                              "没有贸易资信证明",
		"no site visit is recorded":                                                                   "没有实地考察记录",
		"no rating by an agency or bureau is recorded":                                                "没有外部评级记录",
		"the policy's scorecard gave no score":                                                        "政策的评分卡未给出分数",
		"no limit can be recommended":                                                                 "无法建议额度",
		"the result is above the greatest amount there is":                                            "结果超过金额上限",
		"the review interval ran out":                                                                 "复评间隔到期",
		"a suit is open against the customer":                                                         "客户有未结诉讼",
		"a judgement is enforced against the customer":                                                "客户被强制执行",
		"a risky venture became known":                                                                "发现高风险项目",
		"the customer is overdue with a bank":                                                         "客户在银行有逾期",
		"a statement shows a loss, or more debts than assets":                                         "报表显示亏损或资不抵债",
	}
}

func english() words {
	return words{text: map[string]string{ //nolint:gosec // words, no credentials
		"title": "Credit rating %s", "colon": ": ",
		"summary": "Result", "customer": "Customer: %s (%s)", "made": "Business date %s, policy version %d; occasion: %s",
		"grade": "Grade: %s; treatment: %s", "deciding": "Decided by: %s", "recommended": "Recommended: limit %s, term %d days from the invoice date", "no_recommendation": "Recommended: no credit",
		"cause": "Rated because %s", "hash": "Hash of the record: %s", "none": "none", "ungraded": "not graded", "missing": "missing", "unknown": "unknown",
		"by_cap": "cap %s", "by_score": "scorecard, %s points (%s)", "by_figure": "%s / %s = %s (%s)",
		"first": "The first rating of the customer.", "unchanged": "Unchanged since %s: %s.", "moved": "Since %s moved from %s to %s:",
		"cap_now": "· cap %s holds now", "cap_no_more": "· cap %s holds no more", "figure_moved": "· %s: from %s (%s) to %s (%s)",
		"score_moved": "· scorecard: from %s to %s points", "policy_moved": "· policy version %[2]d instead of %[1]d",
		"raise": "What raises the grade", "raise_to": "For grade %s or better, all of this has to come true:", "best": "There is no better grade.",
		"raise_unknown": "Nothing can be graded. What is missing:", "now": "now %s", "wanted": "; wanted: %s", "any_value": "any known value",
		"at_least": "at least %s", "at_most": "at most %s", "need_cap": "cap %s: its condition ends", "need_cap_facts": "cap %s: facts %s no longer hold",
		"need_points": "scorecard / %s: %s gives %s points instead of %s, weight %s (%s)", "need_policy": "%s: the policy gives no better grade",
		"need_value": "%s / %s: %s gives %s (%s)",
		"dimensions": "Dimensions", "no_dimensions": "The policy has no dimensions.", "scorecard": "Scorecard", "score": "Score %s, grade %s (%s)",
		"caps": "Caps", "no_caps": "The policy has no caps.", "yes": "yes", "no": "no",
		"limit": "Limit and term", "no_credit": "No credit: %s.", "formula_failed": "The formula could not be worked out: %s", "by_formula": "Limit by formula: %s",
		"limit_cap": "At most the cap of %s %s.", "limit_is": "Recommended limit: %s %s.", "term_is": "Recommended term: %d days; grace %d days. ",
		"percentile": "percentile %d", "limit_down": "Rounded down to steps of %s %s.", "limit_half_up": "Rounded half up to steps of %s %s.",
		"usual_unknown": "No invoice within %d months and no usual purchase stated.", "usual_stated": "Usual purchase as stated in the customer file: %s %s, x factor %s",
		"usual_measured": "%s of %d invoices within %d months: %s %s, x factor %s",
		"limit_formula":  "Formula of the limit", "term_formula": "Formula of the term",
		"facts": "Facts used", "no_facts": "No facts were used.", "unverified": "nobody yet",
		"col_indicator": "Indicator", "col_value": "Value", "col_grade": "Grade", "col_thresholds": "Thresholds", "col_facts": "Facts", "col_as_of": "As of",
		"col_points": "Points", "col_weight": "Weight", "col_bands": "Points by value", "col_cap": "Cap", "col_best": "Best grade", "col_holds": "Holds",
		"col_part": "Input or part", "col_fact": "Fact", "col_kind": "Kind", "col_source": "Source", "col_recorded": "Recorded by", "col_verified": "Verified by",
		"unit_days": " days", "unit_months": " months", "unit_points": " points",
	}, names: map[string]string{
		"CASH_CUSTOMER": "cash customer", "CREDIT": "credit", "CASH_ON_DELIVERY": "cash on delivery",
		"PAYMENT_BEFORE_DELIVERY": "payment before delivery", "PHASED_OUT": "payment before delivery, phased out",
		"ON_DEMAND": "on demand", "TRANSACTION_COMPLETED": "a transaction was completed", "INTERVAL": "review interval", "NEW_FACT": "a new fact",
		"NEW_POLICY": "a new policy",
	}}
}

func chinese() words {
	return words{chinese: true, text: map[string]string{ //nolint:gosec // words, no credentials
		"title": "信用评级报告 %s", "colon": "：",
		"summary": "评级结果", "customer": "客户：%s（%s）", "made": "业务日期 %s，政策版本 %d；评级原因：%s",
		"grade": "等级：%s；信用待遇：%s", "deciding": "决定因素：%s", "recommended": "建议：额度 %s，账期自发票日起 %d 天", "no_recommendation": "建议：不予赊销",
		"cause": "触发事项：%s", "hash": "记录哈希：%s", "none": "无", "ungraded": "未评级", "missing": "缺失", "unknown": "未知",
		"by_cap": "封顶规则 %s", "by_score": "评分卡 %s 分（%s）", "by_figure": "%s / %s = %s（%s）",
		"first": "该客户首次评级。", "unchanged": "自 %s 起未变：%s。", "moved": "自 %s 起由 %s 变为 %s：",
		"cap_now": "· 封顶规则 %s 现已生效", "cap_no_more": "· 封顶规则 %s 不再生效", "figure_moved": "· %s：由 %s（%s）变为 %s（%s）",
		"score_moved": "· 评分卡：由 %s 分变为 %s 分", "policy_moved": "· 政策版本由 %d 变为 %d",
		"raise": "如何提升等级", "raise_to": "升至 %s 级或更好，须全部满足：", "best": "已是最高等级。",
		"raise_unknown": "没有可评级的指标。缺失项：", "now": "现为 %s", "wanted": "；需要：%s", "any_value": "有已知数值",
		"at_least": "≥ %s", "at_most": "≤ %s", "need_cap": "封顶规则 %s：情形消除", "need_cap_facts": "封顶规则 %s：事实 %s 不再成立",
		"need_points": "评分卡 / %s：%s 得 %s 分（现 %s 分，权重 %s；%s）", "need_policy": "%s：政策没有更好的等级",
		"need_value": "%s / %s：%s 得 %s 级（%s）",
		"dimensions": "评价维度", "no_dimensions": "政策没有评价维度。", "scorecard": "评分卡", "score": "得分 %s，等级 %s（%s）",
		"caps": "封顶规则", "no_caps": "政策没有封顶规则。", "yes": "是", "no": "否",
		"limit": "额度与账期", "no_credit": "不予授信：%s。", "formula_failed": "公式无法计算：%s", "by_formula": "额度公式：%s",
		"limit_cap": "不超过上限 %s %s。", "limit_is": "建议额度：%s %s。", "term_is": "建议账期：%d 天；宽限期 %d 天。",
		"percentile": "第 %d 百分位数", "limit_down": "向下取整至 %s %s 的整数倍。", "limit_half_up": "四舍五入至 %s %s 的整数倍。",
		"usual_unknown": "%d 个月内没有发票，也未申报通常采购额。", "usual_stated": "客户档案申报的通常采购额：%s %s，× 系数 %s",
		"usual_measured": "%[3]d 个月内 %[2]d 张发票的%[1]s：%[4]s %[5]s，× 系数 %[6]s",
		"limit_formula":  "额度公式", "term_formula": "账期公式",
		"facts": "所用事实", "no_facts": "未使用事实。", "unverified": "尚未核实",
		"col_indicator": "指标", "col_value": "数值", "col_grade": "等级", "col_thresholds": "阈值", "col_facts": "事实", "col_as_of": "截至",
		"col_points": "得分", "col_weight": "权重", "col_bands": "得分标准", "col_cap": "封顶规则", "col_best": "最高等级", "col_holds": "是否生效",
		"col_part": "输入或步骤", "col_fact": "事实", "col_kind": "类别", "col_source": "来源", "col_recorded": "记录人", "col_verified": "核实人",
		"unit_days": " 天", "unit_months": " 个月", "unit_points": " 分",
	}, names: chineseNames()}
}

func chineseNames() map[string]string {
	return map[string]string{ //nolint:gosec // words, no credentials
		"CASH_CUSTOMER": "现金客户", "CREDIT": "赊销", "CASH_ON_DELIVERY": "货到付款", "PAYMENT_BEFORE_DELIVERY": "先款后货", "PHASED_OUT": "先款后货，逐步退出",
		"ON_DEMAND": "人工发起", "TRANSACTION_COMPLETED": "交易完成", "INTERVAL": "定期复评", "NEW_FACT": "新的事实", "NEW_POLICY": "新政策",
		"median": "中位数", "mean": "平均数", "largest": "最大值", "scorecard": "评分卡",

		"collection_rate": "回款率", "defaults_with_us": "对我方违约次数", "average_days_late": "平均逾期天数", "oldest_overdue_days": "最久未付逾期天数",
		"longest_days_late": "最长逾期天数", "months_of_trade": "交易月数", "broken_promises": "违背付款承诺次数", "yearly_purchases": "年采购额",
		"order_growth": "采购增长率", "debt_to_asset_ratio": "资产负债率", "current_ratio": "流动比率", "consecutive_losses": "连续亏损期数",
		"cash_flow_to_debt": "经营现金流负债比", "interest_cover": "利息保障倍数", "return_on_assets": "资产净利率",
		"altman_z_double_prime": "Altman Z″", "altman_z_prime": "Altman Z′", "risky_venture_share": "高风险项目占资产比例", "open_suits": "未结诉讼数",
		"open_enforcements": "未结被执行案件数", "external_rating": "外部评级", "banks_overdue": "有逾期的银行数", "references_as_agreed": "按约付款的资信证明比例",
		"reference_days_late": "资信证明所述最长平均逾期天数", "operating_at_visit": "考察时在经营",
		"yearly_sales": "年销售额", "sales_growth": "销售增长率", "sales_volatility": "销售波动率", "void_share": "作废发票占比", "returns_share": "退货占比",
		"top_buyer_share": "最大买方占比", "number_of_buyers": "买方数量", "activity_gap": "最近销售距今天数", "sales_months": "有销售的月数",
		"purchases_to_sales": "采购销售比",

		"financial_statement": "财务报表", "litigation": "诉讼", "risky_venture": "高风险项目", "trade_reference": "贸易资信证明",
		"guarantee": "担保", "enforcement_record": "被执行记录", "credit_report": "信用报告", "bank_reference": "银行资信证明", "reported_ratios": "报告比率",
		"site_visit": "实地考察",

		"grade": "等级", "currency": "币种", "score": "评分", "usual_purchase": "通常采购额", "largest_purchase": "最大一笔采购额", "purchases": "采购额合计",
		"invoices": "发票张数", "monthly_purchases": "月均采购额", "open_amount": "未收余额", "max_term_days": "等级最长账期", "total_assets": "资产总额",
		"equity": "所有者权益", "working_capital": "营运资金", "revenue": "营业收入", "net_profit": "净利润", "operating_cash_flow": "经营现金流",
		"guarantees": "担保金额合计", "bureau_limit": "信用报告建议额度", "bank_credit_line": "银行授信额度", "reference_highest_credit": "资信证明最高授信", "limit": "建议额度",
	}
}
