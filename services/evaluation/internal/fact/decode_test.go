package fact

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
)

// fill gives every field of a value something, so that a field which is added is looked at too.
func fill(v reflect.Value, n *int) {
	*n++
	switch v.Interface().(type) {
	case calendar.Date:
		v.Set(reflect.ValueOf(calendar.New(2026, time.January, 1).AddDays(*n)))
		return
	case money.Money:
		v.Set(reflect.ValueOf(money.New(int64(*n)*101-500, "CNY")))
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(v.Elem(), n)
	case reflect.Struct:
		for i := range v.NumField() {
			fill(v.Field(i), n)
		}
	case reflect.Map:
		v.Set(reflect.ValueOf(Lines{fmt.Sprintf("line_%d", *n): money.New(int64(*n), "CNY"), "other": money.New(-7, "JPY")}))
	case reflect.String:
		v.SetString(fmt.Sprintf("text %d 信用", *n))
	case reflect.Bool:
		v.SetBool(true)
	default:
		v.SetInt(int64(*n))
	}
}

// The fast reading of a fact reads what the other one reads: each kind with every field, with none, and written in other ways.
func TestDecodeReadsTheSame(t *testing.T) {
	t.Parallel()
	var texts []string
	kinds := reflect.TypeFor[Content]()
	for i := range kinds.NumField() {
		var f Fact
		n := i * 100
		fill(reflect.ValueOf(&f).Elem(), &n)
		content := f.Content
		f.Content = Content{}
		reflect.ValueOf(&f.Content).Elem().Field(i).Set(reflect.ValueOf(content).Field(i))
		full, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		empty := Fact{ID: "F-1"}
		reflect.ValueOf(&empty.Content).Elem().Field(i).Set(reflect.New(kinds.Field(i).Type.Elem()))
		none, err := json.Marshal(empty)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, string(full), string(none))
	}
	texts = append(texts, `{"fact_id":"a\"b","sequence":1}`, `{ "fact_id" : "spaced", "sequence": 3 }`, `{"fact_id":"x","unknown":[1,{"a":null}],"sequence":4}`,
		`{"content":{"litigation":{"open":true,"amount":{"amount":"5.00","currency_code":"CNY"}}}}`, `{"content":{"litigation":null}}`,
		`{"sequence":1e3}`, `{"content":{"litigation":{"open":true},"litigation":{"plaintiff":"x"}}}`, `{"sequence":-12}`, `{"fact_id":"\u003c"}`, `{}`)
	for _, text := range texts {
		var want, got Fact
		wantErr := json.Unmarshal([]byte(text), &want)
		gotErr := Decode([]byte(text), &got)
		if (wantErr == nil) != (gotErr == nil) || (wantErr == nil && !reflect.DeepEqual(got, want)) {
			t.Errorf("%s\n got %+v (%v)\nwant %+v (%v)", text, got, gotErr, want, wantErr)
		}
	}
}

// A fact of a kind that comes in numbers does not take the slow way.
func TestDecodeIsTheFastWay(t *testing.T) {
	t.Parallel()
	for _, field := range []int{0, 1, 3, 4, 10} {
		var f Fact
		n := 1
		fill(reflect.ValueOf(&f).Elem(), &n)
		content := f.Content
		f.Content = Content{}
		reflect.ValueOf(&f.Content).Elem().Field(field).Set(reflect.ValueOf(content).Field(field))
		text, err := json.Marshal(f)
		if err != nil {
			t.Fatal(err)
		}
		s := scanner{data: string(text)}
		if got := new(Fact); !s.object(got) || s.at != len(text) {
			t.Errorf("%s: given up at %s", f.Content.Kind(), text[s.at:])
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"fact_id":"a","sequence":2,"content":{"external_rating":{"agency":"x","rating":"AA"}},"as_of_date":"2026-01-02"}`))
	f.Add([]byte(`{"content":{"financial_statement":{"period_end_date":"2025-12-31","audited":true,"total_assets":{"currency_code":"CNY","amount":"1.00"}}}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		var want, got Fact
		wantErr, gotErr := json.Unmarshal(data, &want), Decode(data, &got)
		if (wantErr == nil) != (gotErr == nil) || (wantErr == nil && !reflect.DeepEqual(got, want)) {
			t.Fatalf("%s\n got %+v (%v)\nwant %+v (%v)", data, got, gotErr, want, wantErr)
		}
	})
}
