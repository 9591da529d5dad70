package replay

import (
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
)

func TestMalformedLines(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/malformed.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name, Line, Message string
		Column              int
	}
	if err := yaml.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			_, wrong := parse([]byte(c.Line), 7)
			if wrong == nil {
				t.Fatal("accepted")
			}
			if wrong.Line != 7 || wrong.Column != c.Column || !strings.Contains(wrong.Message, c.Message) {
				t.Errorf("got %v, want column %d and %q", wrong, c.Column, c.Message)
			}
		})
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	text := `{"business_date":"2012-01-30","call":"aval.ordergate.v1.OrderService/ApproveOrder",` +
		`"as":{"role":"SALES_MANAGER","subject":"m.wang"},"accept":["ORDER_NOT_HELD"],"request":{"orderId":"0017"}}`
	l, wrong := parse([]byte(text), 1)
	if wrong != nil {
		t.Fatal(wrong)
	}
	request, ok := l.request.(*ordergatev1.ApproveOrderRequest)
	if !ok || request.GetOrderId() != "0017" || l.date.String() != "2012-01-30" || l.accept[0] != "ORDER_NOT_HELD" ||
		l.as != (Caller{Role: "SALES_MANAGER", Subject: "m.wang"}) {
		t.Fatalf("got %+v", l)
	}
}

func TestScanWantsDatesOnAllLinesOrNone(t *testing.T) {
	t.Parallel()
	const dated = `{"business_date":"2012-01-30","call":"aval.ordergate.v1.OrderService/GetOrder","request":{}}`
	const undated = `{"call":"aval.ordergate.v1.OrderService/GetOrder","request":{}}`
	cases := map[string]struct {
		lines []string
		wrong []int
	}{
		"all":             {lines: []string{dated, "", dated}},
		"none":            {lines: []string{undated, undated}},
		"one without":     {lines: []string{dated, undated, dated}, wrong: []int{2}},
		"one with":        {lines: []string{undated, dated, undated}, wrong: []int{2}},
		"and another one": {lines: []string{dated, "nonsense", dated, undated}, wrong: []int{2, 4}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			content, err := Scan(strings.NewReader(strings.Join(c.lines, "\n")))
			if err != nil {
				t.Fatal(err)
			}
			if len(content.Wrong) != len(c.wrong) {
				t.Fatalf("wrong: %v", content.Wrong)
			}
			for i, w := range content.Wrong {
				if w.Line != c.wrong[i] {
					t.Errorf("wrong: %v", content.Wrong)
				}
			}
		})
	}
}

func TestALineTooLongEndsTheReading(t *testing.T) {
	t.Parallel()
	content, err := Scan(strings.NewReader("{}\n" + strings.Repeat("x", maxLine+1) + "\n{}"))
	if err != nil || content.WrongLines != 2 || content.Wrong[1].Line != 2 {
		t.Fatalf("%+v, %v", content, err)
	}
}
