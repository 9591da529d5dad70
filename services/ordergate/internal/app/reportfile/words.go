package reportfile

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/avalcredit/aval/services/ordergate/internal/account"
	"github.com/avalcredit/aval/services/ordergate/internal/report"
)

// words are the texts of one language.
type words struct {
	title, pageOf, howMany, leftOut, none       string
	made, makeKept, makeNow, settings           string
	summary, holds, releases, stops, over, near string
	expiring, violations                        string
	tabs                                        [8]string
	kind, count                                 string
	counts                                      [9]string
	order, customer, name, salesperson, cur     string
	amount, excess, days, reasons, submitted    string
	state, row, approvers, reason, when, what   string
	actor, grade, limit, exposure, use, overdue string
	until, left, roles, subject, unlimited      string
	undefined                                   string
	terms                                       map[string]string // words of the system in this language
	rules                                       map[string]string // names of the shipped policy's rules
	between                                     string            // names of a list
}

func wordsOf(l Language) words {
	if l == English {
		return englishWords()
	}
	return chineseWords()
}

func chineseWords() words {
	return words{
		title: "信用特殊情况日报", pageOf: "第 %d 页，共 %d 页", howMany: "（共 %d 条）", leftOut: "另有 %d 条未列出，按严重程度列示在前。", none: "无",
		made: "业务日期 %s，生成时间 %s，订单政策第 %d 版。", makeKept: "本报告已归档，SHA-256：%s。", makeNow: "本报告为即时查询结果，未归档。",
		settings: "列示额度使用率超过 %s 的客户，以及 %d 天内到期的授信。",
		summary:  "汇总", holds: "订单冻结", releases: "特批放行（规则之外由人员放行）", stops: "停止发货与客户冻结", over: "超额客户", near: "额度使用率偏高的客户",
		expiring: "即将到期的授信", violations: "违规：被拒绝的审批操作",
		tabs: [8]string{"汇总", "订单冻结", "特批放行", "停发与冻结", "超额客户", "额度使用率偏高", "即将到期授信", "违规"},
		kind: "项目", count: "数量",
		counts: [9]string{"日终冻结订单", "当日新冻结订单", "特批放行", "停止发货与客户冻结", "超额客户", "额度使用率偏高客户", "即将到期的授信", "被拒绝的审批操作", "信用账户总数"},
		order:  "订单", customer: "客户编号", name: "客户名称", salesperson: "业务员", cur: "币种", amount: "金额", excess: "超额金额", days: "最长逾期天数",
		reasons: "冻结原因（规则）", submitted: "提交日期", state: "日终状态", row: "权限级次", approvers: "审批人", reason: "理由", when: "时间", what: "事项",
		actor: "操作人", grade: "等级", limit: "信用额度", exposure: "信用占用", use: "使用率", overdue: "逾期金额", until: "有效期至", left: "剩余天数",
		roles: "角色", subject: "对象", unlimited: "不限额", undefined: "无授信",
		terms: map[string]string{ //nolint:gosec // words, no credentials
			"HELD": "冻结", "APPROVED": "已批准", "REJECTED": "已驳回", "CANCELLED": "已取消", "COMPLETED": "已完成",
			"SAME_PERSON": "自批：申请人或已审批人", "NOT_YOUR_STEP": "越级或越权：不属本人审批节点",
			"approval.act": "审批", "orderPolicy.sign": "签署订单政策",
			"BLOCK_SET": "客户冻结", "BLOCK_LIFTED": "客户解冻", "CREDIT_STOPPED": "停止发货", "CREDIT_STOP_LIFTED": "恢复发货",
		},
		rules: map[string]string{ //nolint:gosec // words, no credentials
			"treatment": "信用待遇", "grant_validity": "授信有效期", "limit": "信用额度", "group_pool": "集团额度", "ceiling": "应收总额上限", "budget": "赊销预算",
			"term": "账期", "days_overdue": "逾期天数", "overdue_amount": "逾期金额", "broken_promise": "付款承诺未兑现", "supply_stop": "催款停供",
			"block": "客户冻结", "credit_stop": "停止发货",
		},
		between: "、",
	}
}

func englishWords() words {
	return words{
		title: "Daily report of special credit situations", pageOf: "Page %d of %d", howMany: " (%d)", leftOut: "%d more are not listed; the gravest come first.", none: "None",
		made: "Business date %s, made %s, order policy version %d.", makeKept: "This report is kept; SHA-256: %s.", makeNow: "This report is of the moment and is not kept.",
		settings: "Listed are accounts that use more than %s of their limit, and grants that end within %d days.",
		summary:  "Summary", holds: "Orders on hold", releases: "Released by people, outside the rules", stops: "Stops and customer blocks", over: "Accounts over their limit", near: "Accounts near their limit",
		expiring: "Grants of credit that end soon", violations: "Violations: refused acts of approval",
		tabs: [8]string{"Summary", "Holds", "Releases", "Stops and blocks", "Over limit", "Near limit", "Expiring grants", "Violations"},
		kind: "Situation", count: "Number",
		counts: [9]string{"Orders on hold at the end of the date", "Orders put on hold on the date", "Orders released by people", "Stops and customer blocks", "Accounts over their limit", "Accounts near their limit", "Grants that end soon", "Refused acts of approval", "Credit accounts in all"},
		order:  "Order", customer: "Customer", name: "Name", salesperson: "Salesperson", cur: "Currency", amount: "Amount", excess: "Excess", days: "Days overdue",
		reasons: "Rules that hold", submitted: "Submitted", state: "State", row: "Authority row", approvers: "Approved by", reason: "Reason", when: "Time", what: "What",
		actor: "Who", grade: "Grade", limit: "Limit", exposure: "Exposure", use: "Use", overdue: "Overdue amount", until: "Valid until", left: "Days left",
		roles: "Roles", subject: "On", unlimited: "unlimited", undefined: "none",
		terms: map[string]string{
			"HELD": "Held", "APPROVED": "Approved", "REJECTED": "Rejected", "CANCELLED": "Cancelled", "COMPLETED": "Completed",
			"SAME_PERSON": "Same person: applicant or earlier approver", "NOT_YOUR_STEP": "Not the person's step",
			"approval.act": "Act on an approval", "orderPolicy.sign": "Sign an order policy",
			"BLOCK_SET": "Customer blocked", "BLOCK_LIFTED": "Customer unblocked", "CREDIT_STOPPED": "Shipping stopped", "CREDIT_STOP_LIFTED": "Shipping resumed",
		},
		between: ", ",
	}
}

// ruleNames are the rules by their names in the language: in Chinese the one that the policy gives (own), else that of the shipped rule
// of this name; where there is neither, the name itself.
func (w words) ruleNames(rules []string, own map[string]string) string {
	names := make([]string, len(rules))
	for i, r := range rules {
		names[i] = r
		if w.rules != nil {
			names[i] = cmp.Or(own[r], w.rules[r], r)
		}
	}
	return strings.Join(names, w.between)
}

// term is a word of the system in the language, or itself where the language has none.
func (w words) term(s string) string {
	if t, ok := w.terms[s]; ok {
		return t
	}
	return s
}

// about are the lines below the title.
func (w words) about(d report.Daily, o Options) []string {
	lines := []string{
		fmt.Sprintf(w.made, d.Date, stamp(d.MadeAt, o), d.Settings.Version),
		fmt.Sprintf(w.settings, percent(d.Settings.Utilization.Num*10_000/max(1, d.Settings.Utilization.Den)), d.Settings.ExpiringDays),
	}
	if o.Kept {
		return append(lines, fmt.Sprintf(w.makeKept, fmt.Sprintf("%x", o.Hash)))
	}
	return append(lines, w.makeNow)
}

func stamp(t time.Time, o Options) string {
	if o.Zone != nil {
		t = t.In(o.Zone)
	}
	return t.Format("2006-01-02 15:04")
}

// percent is basis points as a percentage: 9010 is 90.1%.
func percent(bp int64) string {
	s := fmt.Sprintf("%d.%02d", bp/100, bp%100)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".") + "%"
}

func (w words) parts(d report.Daily, o Options) []part {
	return []part{
		w.summaryPart(d), w.holdPart(d), w.releasePart(d), w.stopPart(d, o),
		w.usePart(d.OverLimit, w.over, w.tabs[4], d.Counts.OverLimit), w.usePart(d.NearLimit, w.near, w.tabs[5], d.Counts.NearLimit),
		w.expiringPart(d), w.violationPart(d, o),
	}
}

func (w words) summaryPart(d report.Daily) part {
	c := d.Counts
	p := part{title: w.summary, tab: w.tabs[0], columns: []column{{w.kind, 6, false}, {w.count, 2, true}}}
	for i, n := range []int64{c.OnHold, c.Held, c.Releases, c.Stops, c.OverLimit, c.NearLimit, c.Expiring, c.Violations, c.Accounts} {
		p.rows = append(p.rows, []cell{text(w.counts[i]), {kind: isNumber, minor: n}})
	}
	return p
}

func (w words) holdPart(d report.Daily) part {
	p := part{title: w.holds, tab: w.tabs[1], empty: w.none, count: max(d.Counts.OnHold, int64(len(d.Holds))), columns: []column{
		{w.order, 2.2, false}, {w.customer, 1.9, false}, {w.name, 3.6, false}, {w.salesperson, 1.6, false}, {w.cur, 1.4, false}, {w.amount, 2.2, true},
		{w.excess, 2.2, true}, {w.days, 1.2, true}, {w.reasons, 2.8, false}, {w.submitted, 1.7, false}, {w.state, 1.4, false},
	}}
	for _, h := range d.Holds {
		p.rows = append(p.rows, []cell{
			text(h.OrderID), text(h.ID), text(h.Name), text(h.Salesperson), text(h.Currency), amount(h.Amount, h.Currency), amount(h.Excess, h.Currency),
			number(h.DaysOverdue), text(w.ruleNames(h.Reasons, d.Settings.RuleNames)), text(h.SubmitDate.String()), text(w.term(string(h.State))),
		})
	}
	return p
}

func (w words) releasePart(d report.Daily) part {
	p := part{title: w.releases, tab: w.tabs[2], empty: w.none, count: d.Counts.Releases, columns: []column{
		{w.order, 2.2, false}, {w.customer, 1.9, false}, {w.name, 3.4, false}, {w.cur, 1.4, false}, {w.amount, 2.2, true}, {w.excess, 2.2, true},
		{w.days, 1.2, true}, {w.reasons, 2.4, false}, {w.row, 1.4, true}, {w.approvers, 2.2, false}, {w.reason, 3.2, false},
	}}
	for _, r := range d.Releases {
		p.rows = append(p.rows, []cell{
			text(r.OrderID), text(r.ID), text(r.Name), text(r.Currency), amount(r.Amount, r.Currency), amount(r.Excess, r.Currency),
			number(r.DaysOverdue), text(w.ruleNames(r.Reasons, d.Settings.RuleNames)), number(r.Row), text(strings.Join(r.Approvers, ", ")), text(r.Reason),
		})
	}
	return p
}

func (w words) stopPart(d report.Daily, o Options) part {
	p := part{title: w.stops, tab: w.tabs[3], empty: w.none, count: d.Counts.Stops, columns: []column{
		{w.when, 2, false}, {w.what, 2.4, false}, {w.customer, 1.9, false}, {w.name, 3.6, false}, {w.order, 2.2, false}, {w.actor, 2, false}, {w.reason, 4, false},
	}}
	for _, s := range d.Stops {
		p.rows = append(p.rows, []cell{text(stamp(s.At, o)), text(w.term(s.Kind)), text(s.ID), text(s.Name), text(s.OrderID), text(s.Actor), text(s.Reason)})
	}
	return p
}

func (w words) usePart(uses []report.Use, title, tab string, count int64) part {
	p := part{title: title, tab: tab, empty: w.none, count: count, columns: []column{
		{w.customer, 2, false}, {w.name, 3.6, false}, {w.salesperson, 1.7, false}, {w.grade, 1.1, false}, {w.cur, 1.4, false}, {w.limit, 2.3, true},
		{w.exposure, 2.3, true}, {w.excess, 2.3, true}, {w.use, 1.4, true}, {w.overdue, 2.2, true}, {w.days, 1.2, true},
	}}
	for _, u := range uses {
		use := ""
		if u.LimitKind == account.LimitAmount && u.Limit > 0 {
			use = percent(u.BasisPoints)
		}
		p.rows = append(p.rows, []cell{
			text(u.ID), text(u.Name), text(u.Salesperson), text(u.Grade), text(u.Currency), w.limitCell(u.LimitKind, u.Limit, u.Currency),
			amount(u.Exposure, u.Currency), amount(u.Excess, u.Currency), text(use), amount(u.Overdue, u.Currency), number(u.DaysOverdue),
		})
	}
	return p
}

func (w words) limitCell(k account.LimitKind, minor int64, currency string) cell {
	switch k {
	case account.LimitUndefined:
		return text(w.undefined)
	case account.LimitUnlimited:
		return text(w.unlimited)
	case account.LimitAmount:
	}
	return amount(minor, currency)
}

func (w words) expiringPart(d report.Daily) part {
	p := part{title: w.expiring, tab: w.tabs[6], empty: w.none, count: d.Counts.Expiring, columns: []column{
		{w.customer, 2, false}, {w.name, 4, false}, {w.salesperson, 2, false}, {w.until, 2, false}, {w.left, 1.4, true}, {w.cur, 1.4, false}, {w.limit, 2.4, true}, {w.exposure, 2.4, true},
	}}
	for _, e := range d.Expiring {
		p.rows = append(p.rows, []cell{
			text(e.ID), text(e.Name), text(e.Salesperson), text(e.Until.String()), number(e.DaysLeft), text(e.Currency),
			w.limitCell(e.LimitKind, e.Limit, e.Currency), amount(e.Exposure, e.Currency),
		})
	}
	return p
}

func (w words) violationPart(d report.Daily, o Options) part {
	p := part{title: w.violations, tab: w.tabs[7], empty: w.none, count: d.Counts.Violations, columns: []column{
		{w.when, 2, false}, {w.actor, 2, false}, {w.roles, 3, false}, {w.what, 2.4, false}, {w.subject, 2.2, false}, {w.customer, 1.9, false}, {w.reason, 3.4, false},
	}}
	for _, v := range d.Violations {
		p.rows = append(p.rows, []cell{
			text(stamp(v.At, o)), text(v.Actor), text(strings.Join(v.Roles, ", ")), text(w.term(v.Action)), text(v.Subject), text(v.CustomerID), text(w.term(v.Reason)),
		})
	}
	return p
}
