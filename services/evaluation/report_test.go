package evaluation_test

import (
	"bytes"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/paper"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation/internal/app/ratingfile"
	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
	"github.com/avalcredit/aval/services/evaluation/internal/rating/report"
)

// english finds two English words in a row.
var english = regexp.MustCompile(`[a-z]{3,} [a-z]{2,}`)

// told is every text of a report but the formulas.
func told(r report.Report) []string {
	all := []string{r.Title}
	for _, p := range r.Parts {
		all = append(all, p.Heading)
		if !strings.Contains(p.Heading, "公式") {
			all = append(all, p.Lines...)
		}
		for _, row := range p.Rows {
			all = append(all, row...)
		}
	}
	return all
}

func reportOf(t *testing.T, in rating.Inputs, p criteria.Policy, l report.Language) report.Report {
	t.Helper()
	rec, err := rating.Rate(in, p)
	must(t, err)
	return report.Of(report.Case{Record: rec, Policy: p, CustomerName: "示例贸易", Hash: "00ff"}, l)
}

// Invariant 46: a report tells all of it in both languages, for every case there is and for both forms of policies.
func TestReportsInBothLanguages(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/cases/*.yaml")
	must(t, err)
	policies := []criteria.Policy{
		builtIn(t), policyOf(t, "policy/ratios.yaml"), policyOf(t, "policy/invoices.yaml"),
		withFormulas(t, "min(usual_purchase, known(guarantees) ? guarantees : equity / open_amount)", "known(bureau_limit) ? 10 : revenue"),
	}
	for _, file := range files {
		in := readCase(t, file).Inputs
		for _, p := range policies {
			rec, err := rating.Rate(in, p)
			must(t, err)
			en, zh := reportOf(t, in, p, report.English), reportOf(t, in, p, report.Chinese)
			if len(en.Parts) != len(zh.Parts) {
				t.Fatalf("%s: %d and %d parts", file, len(en.Parts), len(zh.Parts))
			}
			for i := range en.Parts {
				if a, b := en.Parts[i], zh.Parts[i]; len(a.Lines) != len(b.Lines) || len(a.Rows) != len(b.Rows) || len(a.Columns) != len(b.Columns) {
					t.Errorf("%s: %s and %s differ", file, a.Heading, b.Heading)
				}
			}
			for _, text := range told(zh) {
				if english.MatchString(text) || strings.Contains(text, "%!") {
					t.Errorf("%s: in Chinese %q", file, text)
				}
			}
			all := strings.Join(told(en), "\n")
			if strings.Contains(all, "%!") {
				t.Errorf("%s:\n%s", file, all)
			}
			for _, d := range rec.Result.Dimensions {
				for _, i := range d.Indicators {
					if !strings.Contains(all, i.Name) || !strings.Contains(all, i.Threshold) || !strings.Contains(all, i.Value) {
						t.Errorf("%s: nothing of %s", file, i.Name)
					}
				}
			}
		}
	}
}

// The words of one report, as they are read.
func TestReportReads(t *testing.T) {
	t.Parallel()
	in := readCase(t, "testdata/cases/sued_by_others.yaml").Inputs
	zh := told(reportOf(t, in, builtIn(t), report.Chinese))
	for _, want := range []string{
		"客户：示例贸易（C-1）", "等级：C；信用待遇：先款后货", "决定因素：封顶规则 被其他债权人起诉", "升至 B 级或更好，须全部满足：",
		"· 封顶规则 被其他债权人起诉：事实 F-2 不再成立", "不予授信：先款后货。", "记录哈希：00ff",
	} {
		if !slices.Contains(zh, want) {
			t.Errorf("no line %q in\n%s", want, strings.Join(zh, "\n"))
		}
	}
	in = readCase(t, "testdata/cases/lowest_dimension.yaml").Inputs
	zh = told(reportOf(t, in, builtIn(t), report.Chinese))
	if want := "· 偿付能力 / 资产负债率：≤ 0.75 得 B 级（现为 0.8）"; !slices.Contains(zh, want) {
		t.Errorf("no line %q in\n%s", want, strings.Join(zh, "\n"))
	}
	en := told(reportOf(t, in, builtIn(t), report.English))
	if want := "· ability_to_pay / debt_to_asset_ratio: at most 0.75 gives B (now 0.8)"; !slices.Contains(en, want) {
		t.Errorf("no line %q in\n%s", want, strings.Join(en, "\n"))
	}
}

func TestReportAsADocument(t *testing.T) {
	t.Parallel()
	font, err := paper.FindFont("")
	if errs.ReasonOf(err) == paper.ReasonNoFont {
		t.Skip(err)
	}
	must(t, err)
	in := readCase(t, "testdata/cases/moved.yaml").Inputs
	for _, l := range []report.Language{report.Chinese, report.English} {
		made := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
		file, err := ratingfile.PDF(reportOf(t, in, withFormulas(t, "usual_purchase * 2", ""), l), "C/1.2", made, font)
		must(t, err)
		again, err := ratingfile.PDF(reportOf(t, in, withFormulas(t, "usual_purchase * 2", ""), l), "C/1.2", made, font)
		must(t, err)
		if !bytes.HasPrefix(file.Data, []byte("%PDF-")) || !bytes.Equal(file.Data, again.Data) || file.Name != "rating-C_1.2-"+string(l)+".pdf" {
			t.Errorf("%s: %d bytes", file.Name, len(file.Data))
		}
	}
}

// A report is asked for by its rating; a customer of somebody else has none.
func TestRatingReport(t *testing.T) {
	t.Parallel()
	s := start(t)
	s.customer("C-1")
	s.statement("C-1", "80")
	id := s.rate("C-1").GetRating().GetRatingId()
	got, err := s.ratings().GetRatingReport(as(seller), &evaluationv1.GetRatingReportRequest{RatingId: id, Language: evaluationv1.ReportLanguage_REPORT_LANGUAGE_EN})
	must(t, err)
	if r := got.GetReport(); r.GetTitle() != "Credit rating "+id || r.GetLanguage() != "en" || len(r.GetParts()) < 5 || len(r.GetParts()[2].GetRows()) == 0 {
		t.Errorf("%v", r)
	}
	raise := s.ratingsOf("C-1")[0].GetRaise()
	if n := raise.GetNeeds(); raise.GetTo() != evaluationv1.Grade_GRADE_B || len(n) != 1 || n[0].GetAtMost() != "0.75" || n[0].GetValue() != "0.8" {
		t.Errorf("%v", raise)
	}
	_, err = s.ratings().GetRatingReport(as(other), &evaluationv1.GetRatingReportRequest{RatingId: id})
	refused(t, err, errs.NotFound, "RATING_NOT_FOUND")
	_, err = s.ratings().DownloadRatingReport(as(other), &evaluationv1.DownloadRatingReportRequest{RatingId: id})
	refused(t, err, errs.NotFound, "RATING_NOT_FOUND")
	file, err := s.ratings().DownloadRatingReport(as(seller), &evaluationv1.DownloadRatingReportRequest{RatingId: id})
	if errs.ReasonOf(err) == paper.ReasonNoFont {
		t.Skip(err)
	}
	must(t, err)
	if file.GetContentType() != paper.ContentType || !bytes.HasPrefix(file.GetData(), []byte("%PDF-")) {
		t.Errorf("%s, %d bytes", file.GetContentType(), len(file.GetData()))
	}
}
