package reportfile

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/services/receivables/internal/aging"
	"github.com/avalcredit/aval/services/receivables/internal/figures"
)

// Monthly is what the files of a monthly report are made of.
type Monthly struct {
	Month, Hash           string // the hash is empty where the report is not kept
	Last                  string // last day
	MadeAt                time.Time
	Zone                  *time.Location
	PolicyVersion         int64
	Buckets               []string
	Figures, Units        []figures.Row
	ByUnit, ByPerson, All []aging.Row
	Overdue               []figures.Concentration
	Rolls                 map[string][]figures.RollRow
	// AimsByUnit, AimsByGrade and Control are rows of texts and amounts in the order of their columns.
	AimsByUnit, AimsByGrade, Control [][]any
	Provisions                       [][]any
	Missing                          bool
}

type monthlyWords struct {
	title, made, kept, notKept, missing, pageOf, empty                                string
	figures, units, aging, agingUnits, agingPersons, overdue, rolls, aims, aimsGrades string
	control, provisions                                                               string
	month, unit, currency, customer, share, items, bucket, settled, rolled            string
	period                                                                            []string
	names                                                                             map[string]string
	aimsColumns, controlColumns, provisionColumns                                     []string
}

func monthlyWordsOf(l Language) monthlyWords {
	if l == English {
		w := monthlyWords{
			title: "Receivables report", made: "Made %s under policy version %d.", kept: "Kept; SHA-256 %s.", notKept: "Of the moment; not kept.",
			missing: "The gate could not be asked: ceilings, limits in use and refused sales are missing.", pageOf: "Page %d of %d", empty: "nothing",
			figures: "Figures", units: "Figures by unit", aging: "Aging", agingUnits: "Aging by unit", agingPersons: "Aging by person", overdue: "Most overdue", rolls: "Roll rates",
			aims: "Both aims by unit", aimsGrades: "Both aims by grade", control: "Total control", provisions: "Expected losses",
			month: "Month", unit: "Unit", currency: "Currency", customer: "Customer", share: "Share", items: "Items", bucket: "Bucket", settled: "Settled", rolled: "Moved on",
			period:           []string{"Opening", "Credit sales", "Fell due", "Collected", "Written off", "Closing", "Overdue"},
			names:            map[string]string{},
			aimsColumns:      []string{"Key", "Currency", "Credit sales", "Refused sales", "Orders refused", "Limits", "Limits in use", "Use", "Overdue", "Overdue ratio", "Losses", "Bad-debt ratio", "Cost of capital"},
			controlColumns:   []string{"Unit", "Currency", "Warning", "Stop", "Total", "Status", "Receivable", "Overdue", "Rise", "Warning on", "Stop on"},
			provisionColumns: []string{"Currency", "Open", "Allowance before", "Written off", "Allowance", "Charge"},
		}
		for _, d := range figures.Definitions {
			w.names[d.Name] = d.Title
		}
		return w
	}
	return monthlyWords{
		title: "应收账款月报", made: "%s 生成，政策版本 %d。", kept: "已存档，SHA-256 %s。", notKept: "即时生成，未存档。",
		missing: "未能查询订单关口：总量上限、额度使用与被拒销售缺失。", pageOf: "第 %d 页，共 %d 页", empty: "无",
		figures: "指标", units: "各单位指标", aging: "账龄", agingUnits: "各单位账龄", agingPersons: "各责任人账龄", overdue: "逾期大户", rolls: "账龄迁徙率",
		aims: "各单位双目标", aimsGrades: "各等级双目标", control: "总量控制", provisions: "预期信用损失",
		month: "月份", unit: "单位", currency: "币种", customer: "客户", share: "占比", items: "笔数", bucket: "账龄段", settled: "已结清", rolled: "恶化",
		period: []string{"期初", "赊销额", "到期额", "已收回", "核销", "期末", "逾期"},
		names: map[string]string{
			"dso": "DSO（期末余额）", "dso_average": "DSO（平均余额）", "dso_count_back": "DSO（倒推法）", "best_possible_dso": "最佳可能DSO",
			"average_days_delinquent": "平均逾期天数", "cei": "回收效率指数", "collection_rate": "回款率", "overdue_ratio": "逾期率", "bad_debt_ratio": "坏账率",
		},
		aimsColumns:      []string{"分组", "币种", "赊销额", "被拒销售", "被拒订单", "授信额度", "已用额度", "使用率", "逾期", "逾期率", "损失", "坏账率", "资金成本"},
		controlColumns:   []string{"单位", "币种", "预警线", "停止线", "占用总额", "状态", "应收余额", "逾期", "增加额", "预计达预警日", "预计达停止日"},
		provisionColumns: []string{"币种", "未清金额", "期初准备", "核销", "期末准备", "本期计提"},
	}
}

// parts of the report, in order.
func (w monthlyWords) parts(m Monthly, l Language) []part {
	a := agingWordsOf(l)
	ages := Aging{Query: aging.Query{Buckets: aging.Buckets{Names: m.Buckets}, By: aging.ByDueDate}}
	parts := []part{
		w.periodPart(w.figures, w.month, m.Figures), a.agingPart(ages, m.All, w.aging), w.rows(w.control, w.controlColumns, m.Control),
		w.rows(w.aims, w.aimsColumns, m.AimsByUnit), w.rows(w.aimsGrades, w.aimsColumns, m.AimsByGrade), w.periodPart(w.units, w.unit, m.Units),
		a.agingPart(ages, m.ByUnit, w.agingUnits), a.agingPart(ages, m.ByPerson, w.agingPersons), w.overduePart(m), w.rollPart(m, a),
		w.rows(w.provisions, w.provisionColumns, m.Provisions),
	}
	parts[0].about = w.about(m)
	return parts
}

func (w monthlyWords) about(m Monthly) []string {
	kept := w.notKept
	if m.Hash != "" {
		kept = fmt.Sprintf(w.kept, m.Hash)
	}
	lines := []string{fmt.Sprintf(w.made, m.MadeAt.In(m.Zone).Format("2006-01-02 15:04"), m.PolicyVersion), kept}
	if m.Missing {
		lines = append(lines, w.missing)
	}
	return lines
}

func (w monthlyWords) periodPart(title, key string, rows []figures.Row) part {
	p := part{title: title, tab: title, columns: []column{{title: key, weight: 2}, {title: w.currency, weight: 1}}}
	for _, name := range w.period {
		p.columns = append(p.columns, column{title: name, weight: 2, right: true})
	}
	for _, d := range figures.Definitions {
		p.columns = append(p.columns, column{title: w.names[d.Name], weight: 1.6, right: true})
	}
	for _, r := range rows {
		cells := []cell{text(r.Key), text(r.Currency)}
		for _, minor := range []int64{r.Opening, r.Sales, r.FallenDue, r.Collected, r.WrittenOff, r.Closing, r.Overdue()} {
			cells = append(cells, amount(money.New(minor, r.Currency)))
		}
		for _, f := range r.All() {
			cells = append(cells, text(f.Value.Decimal(2+2*digitsOf(f.Unit))))
		}
		p.add(cells...)
	}
	return p
}

// digitsOf is 1 for ratios, which are shown with four digits, and 0 for what is shown with two.
func digitsOf(u figures.Unit) int {
	if u == figures.Ratio {
		return 1
	}
	return 0
}

func (w monthlyWords) overduePart(m Monthly) part {
	p := part{title: w.overdue, tab: w.overdue, columns: []column{
		{title: w.customer, weight: 2}, {title: "", weight: 3}, {title: w.currency, weight: 1}, {title: w.period[6], weight: 2, right: true},
		{title: w.items, weight: 1, right: true}, {title: w.period[5], weight: 2, right: true}, {title: w.share, weight: 1, right: true},
	}}
	for _, c := range m.Overdue {
		for _, d := range c.Top {
			p.add(text(d.CustomerID), text(d.DisplayName), text(c.Currency), amount(money.New(d.Overdue, c.Currency)), number(d.OverdueItems),
				amount(money.New(d.Open, c.Currency)), text(c.Share(d.Open).Decimal(4)))
		}
	}
	return p
}

func (w monthlyWords) rollPart(m Monthly, a agingWords) part {
	q := aging.Query{Buckets: aging.Buckets{Names: m.Buckets}}
	p := part{title: w.rolls, tab: w.rolls, columns: []column{{title: w.bucket, weight: 2}, {title: w.currency, weight: 1}, {title: w.period[0], weight: 2, right: true}}}
	for i := range m.Buckets {
		p.columns = append(p.columns, column{title: a.bucketTitle(i, q), weight: 1.5, right: true})
	}
	p.columns = append(p.columns, column{title: w.settled, weight: 1.5, right: true}, column{title: w.rolled, weight: 1.5, right: true})
	for _, currency := range slices.Sorted(maps.Keys(m.Rolls)) {
		for i, r := range m.Rolls[currency] {
			cells := []cell{text(a.bucketTitle(i, q)), text(currency), amount(money.New(r.Opening, currency))}
			for to := range r.To {
				cells = append(cells, text(r.Rate(to).Decimal(4)))
			}
			p.add(append(cells, text(r.Rate(figures.Settled).Decimal(4)), text(r.Worse(i).Decimal(4)))...)
		}
	}
	return p
}

// rows is a part of rows that are made already.
func (w monthlyWords) rows(title string, columns []string, rows [][]any) part {
	p := part{title: title, tab: title}
	for i, c := range columns {
		p.columns = append(p.columns, column{title: c, weight: 2, right: i > 1})
	}
	for _, r := range rows {
		var cells []cell
		for _, v := range r {
			switch v := v.(type) {
			case money.Money:
				cells = append(cells, amount(v))
			case int64:
				cells = append(cells, number(v))
			case string:
				cells = append(cells, text(v))
			}
		}
		p.add(cells...)
	}
	return p
}

// MonthlyXLSX makes the spreadsheet of a monthly report.
func MonthlyXLSX(m Monthly, l Language) (File, error) {
	w := monthlyWordsOf(l)
	return book(monthlyName(m, l), w.title+"  "+m.Month, w.parts(m, l), w.empty)
}

// MonthlyPDF makes the document.
func MonthlyPDF(m Monthly, l Language, font paper.Font) (File, error) {
	w := monthlyWordsOf(l)
	return document(monthlyName(m, l), w.title+"  "+m.Month, w.parts(m, l), documentOptions{font: font, made: m.MadeAt, pageOf: w.pageOf, empty: w.empty})
}

func monthlyName(m Monthly, l Language) string {
	return "receivables-report-" + m.Month + "-" + string(l)
}
