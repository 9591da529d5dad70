package letter

import (
	"fmt"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/receivables/internal/statement"
)

// words are what a language says.
type words struct {
	account, confirmation                                                        string
	to, number, date, phone, email                                               string
	say, ask, movements, open, payTo, reply, replyText, objections               string
	opening, openItems, overdue, unapplied, balance, none                        string
	dateHead, documentHead, kindHead, amountHead, balanceHead, dueHead, daysHead string
	openHead, dear, letterSay, letterAsk, regards                                string
	pageOf                                                                       func(page, total int) string
	day                                                                          func(calendar.Date) string
	kinds                                                                        map[string]string
}

func (w words) title(st statement.Statement) string {
	if st.Kind == statement.Confirmation {
		return w.confirmation
	}
	return w.account
}

// kind is the name of a kind of document; one that has none is shown as it is.
func (w words) kind(k string) string {
	if name := w.kinds[k]; name != "" {
		return name
	}
	return k
}

func wordsOf(l statement.Language) words {
	if l == statement.English {
		return english()
	}
	return chinese()
}

func chinese() words {
	return words{
		account: "对账单", confirmation: "往来款项询证函",
		to: "致：", number: "编号：", date: "日期：", phone: "电话：", email: "邮箱：",
		say: "贵公司 %s 至 %s 期间与我公司的往来及期末余额列示如下，期末余额为 %s。", ask: "为核对双方账目，请贵公司确认：截至 %s，贵公司欠我公司款项余额为 %s（贷方余额以负数表示）。明细如下。",
		movements: "本期往来", open: "未结清明细", payTo: "收款账户", reply: "回函",
		replyText:  "截至 %s，余额 %s：\n□ 信息核对无误。\n□ 信息不符，我公司账面余额为：____________________，差异原因：________________________________________\n\n单位盖章：____________________    经办人：____________________    日期：____________________\n\n请直接回复我公司信用管理部门，勿经由业务人员转交。",
		objections: "如对上述内容有异议，请直接与我公司信用管理部门联系。",
		opening:    "期初余额", openItems: "未结清款项", overdue: "其中：逾期", unapplied: "未核销收款", balance: "余额", none: "无",
		dateHead: "日期", documentHead: "单据号", kindHead: "类型", amountHead: "金额", balanceHead: "余额", dueHead: "到期日", daysHead: "逾期天数", openHead: "未结清金额",
		dear: "%s：", letterSay: "附件为贵公司截至 %s 的对账单，余额 %s。如有异议，请直接回复本邮件。",
		letterAsk: "附件为往来款项询证函。请核对贵公司截至 %s 的余额 %s，并直接回复本邮件确认；如有不符，请说明贵公司账面金额及原因。", regards: "信用管理部门",
		pageOf: func(page, total int) string { return fmt.Sprintf("第 %d 页，共 %d 页", page, total) },
		day:    func(d calendar.Date) string { return fmt.Sprintf("%d年%d月%d日", d.Year(), d.Month(), d.Day()) },
		kinds: map[string]string{ //nolint:gosec // names of documents, no secrets
			"INVOICE": "发票", "RECEIPT": "收款", "REVERSAL": "冲销", "CREDIT_NOTE": "贷项通知单", "DEBIT_NOTE": "借项通知单", "ADVANCE": "预收款", "CONTRA": "应收应付对冲",
			"WRITE_OFF": "坏账核销", "LATE_INTEREST": "逾期利息", "FEE": "费用", "DISCOUNT": "现金折扣", "REFUND": "退款", "CHARGEBACK": "退回的款项", "BILL": "票据",
			"DISHONOURED_BILL": "拒付票据", "CHARGE_WAIVER": "费用减免", "DEPOSIT_USE": "保证金抵扣", "BILL_RECOURSE": "票据追索",
		},
	}
}

func english() words {
	return words{
		account: "Statement of account", confirmation: "Confirmation of balance",
		to: "To: ", number: "Number: ", date: "Date: ", phone: "Telephone: ", email: "Mail: ",
		say: "Your account with us from %s to %s stands as follows; the balance is %s.", ask: "To reconcile our books, please confirm that on %s you owed us a balance of %s (a negative balance is in your favour). The details are below.",
		movements: "Movements of the period", open: "Open items", payTo: "Please pay to", reply: "Your reply",
		replyText:  "On %s, balance %s:\n[  ] We agree.\n[  ] We do not agree. The balance in our books is ____________________, because ________________________________________\n\nStamp: ____________________    Name: ____________________    Date: ____________________\n\nPlease answer our credit department directly, not through a salesperson.",
		objections: "If you do not agree with any of this, please tell our credit department directly.",
		opening:    "Opening balance", openItems: "Open items", overdue: "of which overdue", unapplied: "Money not applied", balance: "Balance", none: "None",
		dateHead: "Date", documentHead: "Document", kindHead: "Kind", amountHead: "Amount", balanceHead: "Balance", dueHead: "Due", daysHead: "Days overdue", openHead: "Open",
		dear: "To %s,", letterSay: "Attached is your statement of account to %s; the balance is %s. If you do not agree, please answer this mail.",
		letterAsk: "Attached is a letter that asks you to confirm your balance. Please check that on %s it was %s, and answer this mail; if it differs, please say the figure in your books and why.", regards: "Credit department",
		pageOf: func(page, total int) string { return fmt.Sprintf("Page %d of %d", page, total) },
		day:    calendar.Date.String,
		kinds: map[string]string{
			"INVOICE": "Invoice", "RECEIPT": "Receipt", "REVERSAL": "Reversal", "CREDIT_NOTE": "Credit note", "DEBIT_NOTE": "Debit note", "ADVANCE": "Advance", "CONTRA": "Contra",
			"WRITE_OFF": "Write-off", "LATE_INTEREST": "Late interest", "FEE": "Fee", "DISCOUNT": "Cash discount", "REFUND": "Refund", "CHARGEBACK": "Chargeback", "BILL": "Bill",
			"DISHONOURED_BILL": "Dishonoured bill", "CHARGE_WAIVER": "Waived charge", "DEPOSIT_USE": "Deposit used", "BILL_RECOURSE": "Recourse on a bill",
		},
	}
}
