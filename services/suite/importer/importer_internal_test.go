package importer

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	"golang.org/x/text/encoding/simplifiedchinese"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

func load(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatal(err)
	}
}

// firstStep reads a file as Run does, and returns the problems and the requests as JSON without their ids.
func firstStep(t *testing.T, kindName, mapping string, file []byte, caps Caps) (problems []string, requests []any, err error) {
	t.Helper()
	m, err := ParseMapping(kindName, []byte(mapping))
	if err != nil {
		t.Fatal(err)
	}
	j := &job{Options: Options{Caps: caps, OnProblem: func(p Problem) { problems = append(problems, p.String()) }}}
	j.complete()
	rows, err := j.read(bytes.NewReader(file), m)
	for _, r := range rows {
		requests = append(requests, asJSON(t, r.request))
	}
	return problems, requests, err
}

func asJSON(t *testing.T, m proto.Message) any {
	t.Helper()
	text, err := protojson.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	var v map[string]any
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatal(err)
	}
	if id, _ := v["requestId"].(string); !strings.HasPrefix(id, "import-") {
		t.Errorf("request id %q", id)
	}
	delete(v, "requestId")
	return v
}

func TestRows(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Name, Kind, Mapping, File string
		Problems, Requests        []string
	}
	load(t, "testdata/rows.yaml", &cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			problems, requests, err := firstStep(t, c.Kind, c.Mapping, []byte(c.File), Caps{})
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(problems, c.Problems) {
				t.Errorf("problems\n%s\nwant\n%s", strings.Join(problems, "\n"), strings.Join(c.Problems, "\n"))
			}
			if len(requests) != len(c.Requests) {
				t.Fatalf("%d good rows, want %d", len(requests), len(c.Requests))
			}
			for i, want := range c.Requests {
				var v any
				if err := json.Unmarshal([]byte(want), &v); err != nil {
					t.Fatal(err)
				}
				if !reflect.DeepEqual(requests[i], v) {
					t.Errorf("row %d\n%v\nwant\n%v", i, requests[i], v)
				}
			}
		})
	}
}

func TestMappingsThatAreRefused(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Name, Kind, Mapping string
		Wrong               []string
	}
	load(t, "testdata/mappings.yaml", &cases)
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			_, err := ParseMapping(c.Kind, []byte(c.Mapping))
			e, ok := errs.As(err)
			if !ok || e.Reason != ReasonMappingInvalid {
				t.Fatalf("got %v", err)
			}
			said := []string{e.Message}
			if len(e.Violations) > 0 {
				said = nil
				for _, v := range e.Violations {
					said = append(said, v.Field+" "+v.Message)
				}
			}
			if len(said) != len(c.Wrong) {
				t.Fatalf("said\n%s", strings.Join(said, "\n"))
			}
			for i, want := range c.Wrong {
				if !strings.Contains(said[i], want) {
					t.Errorf("said %q, want %q", said[i], want)
				}
			}
		})
	}
}

const nameMapping = "fields:\n  customer_id: 编号\n  display_name: 名称\n"

func zipped(t *testing.T, text []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	const plain = "编号,名称\n0017,示例客户07\n"
	gbk, err := simplifiedchinese.GBK.NewEncoder().String(plain)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]struct {
		file     []byte
		encoding string
		wrong    string // in the error or the first problem
	}{
		"utf-8":                  {file: []byte(plain), encoding: "utf-8"},
		"utf-8 with mark":        {file: []byte("\ufeff" + plain), encoding: "utf-8"},
		"utf-8 with mark as gbk": {file: []byte("\ufeff" + plain), encoding: "gbk"},
		"windows line ends":      {file: []byte(strings.ReplaceAll(plain, "\n", "\r\n")), encoding: "utf-8"},
		"gbk":                    {file: []byte(gbk), encoding: "gbk"},
		"gzip":                   {file: zipped(t, []byte(plain)), encoding: "utf-8"},
		"gzip of gbk":            {file: zipped(t, []byte(gbk)), encoding: "gbk"},
		"gbk as utf-8":           {file: []byte(gbk), encoding: "utf-8", wrong: "no column"},
		"utf-16":                 {file: []byte("\xff\xfe\x00\x01"), encoding: "utf-8", wrong: "UTF-16"},
		"broken utf-8":           {file: []byte("编号,名称\n1,\xff\xfe\n"), encoding: "utf-8", wrong: "not valid UTF-8"},
		"broken gbk":             {file: []byte(gbk + "1,\xff\n"), encoding: "gbk", wrong: "not valid GBK"},
		"broken gzip":            {file: zipped(t, []byte(plain))[:20], encoding: "utf-8", wrong: "cannot be read"},
		"no gzip":                {file: []byte("\x1f\x8bhello"), encoding: "utf-8", wrong: "gzip"},
		"empty":                  {file: nil, encoding: "utf-8", wrong: "the file is empty"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, err := ParseMapping("customers", []byte("encoding: "+c.encoding+"\n"+nameMapping))
			if err != nil {
				t.Fatal(err)
			}
			said := ""
			j := &job{Options: Options{OnProblem: func(p Problem) { said += p.String() }}}
			j.complete()
			rows, err := j.read(bytes.NewReader(c.file), m)
			if err != nil {
				said += err.Error()
			}
			if c.wrong != "" {
				if !strings.Contains(said, c.wrong) {
					t.Fatalf("said %q, want %q", said, c.wrong)
				}
				return
			}
			if said != "" || len(rows) != 1 || rows[0].key != "0017" || !strings.Contains(rows[0].request.(interface{ String() string }).String(), "示例客户07") {
				t.Fatalf("rows %v, said %q", rows, said)
			}
		})
	}
}

func TestCaps(t *testing.T) {
	t.Parallel()
	bomb := zipped(t, append([]byte("编号,名称\n1,"), bytes.Repeat([]byte("x"), 8<<20)...))
	lines := zipped(t, append([]byte("编号,名称\n"), bytes.Repeat([]byte("\n"), 8<<20)...))
	if len(bomb)+len(lines) > 64<<10 {
		t.Fatal("no bombs")
	}
	small := Caps{Bytes: 1 << 20, Rows: 3, Columns: 4, FieldBytes: 100, RowBytes: 1000}
	cases := map[string]struct {
		file []byte
		says string
	}{
		"a bomb":             {file: bomb, says: "is a quote not closed"},
		"a bomb of lines":    {file: lines, says: "longer than 1000 bytes"},
		"rows":               {file: []byte("编号,名称\n1,a\n2,a\n3,a\n4,a\n"), says: "more than 3 rows"},
		"columns":            {file: []byte("编号,名称\n1,a,,,\n"), says: "5 columns"},
		"a field":            {file: []byte("编号,名称\n1," + strings.Repeat("x", 101) + "\n"), says: "longer than 100 bytes"},
		"a quote left open":  {file: []byte("编号,名称\n1,\"" + strings.Repeat("x\n", 100_000)), says: "is a quote not closed"},
		"a quote in a field": {file: []byte("编号,名称\n1,a\"b\n"), says: "line 2, column 4"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := firstStep(t, "customers", nameMapping, c.file, small)
			if errs.ReasonOf(err) != ReasonFileInvalid || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("said %v, want %q", err, c.says)
			}
		})
	}
}

// Every date written in a format is read from it.
func TestDateFormats(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		date := calendar.New(rapid.IntRange(1900, 2100).Draw(t, "year"), 1, 1).AddDays(rapid.IntRange(0, 364).Draw(t, "day"))
		sep := rapid.SampledFrom([]string{"/", "-", ".", " ", "年"}).Draw(t, "separator")
		parts := rapid.Permutation([]string{"YYYY", rapid.SampledFrom([]string{"M", "MM"}).Draw(t, "month"), rapid.SampledFrom([]string{"D", "DD"}).Draw(t, "day of month")}).Draw(t, "order")
		format, err := parseDateFormat(strings.Join(parts, sep))
		if err != nil {
			t.Fatal(err)
		}
		iso := strings.Split(date.String(), "-")
		written := make([]string, len(parts))
		for i, p := range parts {
			digits := iso[strings.IndexByte("YMD", p[0])]
			if len(p) == 1 {
				digits = strings.TrimPrefix(digits, "0")
			}
			written[i] = digits
		}
		got, err := format.parse(strings.Join(written, sep))
		if err != nil || got != date.String() {
			t.Fatalf("%q in %s is %q, %v; want %s", strings.Join(written, sep), format, got, err, date)
		}
	})
}
