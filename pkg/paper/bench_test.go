package paper_test

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/paper"
)

// letter is a letter of a page or two as customers get them; no two have the same name and figures.
func letter(f paper.Font, n int, words [6]string) ([]byte, error) {
	d := paper.New(paper.Options{
		Font: f, Title: words[0], Made: time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC), Left: words[1],
		PageOf: func(page, total int) string { return fmt.Sprintf(words[5], page, total) },
	})
	d.Title(words[0])
	d.Text(fmt.Sprintf("%s %06d\nST-%d", words[2], n, n))
	d.Text(words[3])
	table := paper.Table{Columns: []paper.Column{{Title: words[0], Weight: 3}, {Title: words[4], Weight: 2, Align: paper.Right}}}
	for i := range 12 {
		table.Rows = append(table.Rows, []string{fmt.Sprintf("INV-%06d", n+i), fmt.Sprintf("%d,%03d.00", n%1000, i)})
	}
	d.Table(table)
	return d.Bytes()
}

func chinese() [6]string {
	return [6]string{"往来款项询证函", "示例股份有限公司", "致：上海远航国际贸易（集团）股份有限公司", "为核对双方账目，请贵公司确认：截至 2026年6月30日，贵公司欠我公司款项余额如下（贷方余额以负数表示）。", "未结清金额", "第 %d 页，共 %d 页"}
}

func english() [6]string {
	return [6]string{"Confirmation of balance", "Example Corporation", "To: Buyer Trading Company", "To reconcile our books, please confirm the balance that you owed us (a negative balance is in your favour).", "Open", "Page %d of %d"}
}

// BenchmarkLetter makes letters one after another, the font looked for each time as the services do.
func BenchmarkLetter(b *testing.B) {
	for name, words := range map[string][6]string{"zh": chinese(), "en": english()} {
		b.Run(name, func(b *testing.B) {
			for n := 0; b.Loop(); n++ {
				f, err := paper.FindFont(os.Getenv("AVAL_FONT_FILE"))
				if err != nil {
					b.Skip(err)
				}
				if _, err := letter(f, n, words); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "documents/s")
		})
	}
}
