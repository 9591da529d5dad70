package outcomes

import (
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/errs"
)

func TestRead(t *testing.T) {
	t.Parallel()
	columns := Columns{CustomerID: "id", Outcome: "out", Bad: "1", Good: "0"}
	for _, c := range []struct {
		name, text, says string
		bad, all         int
	}{
		{"good", "\ufeffname,id,out\nx,C-1,1\ny, C-2 ,0\n", "", 1, 2},
		{"another column", "id,result\nC-1,1\n", `no column "out"`, 0, 0},
		{"neither", "id,out\nC-1,1\nC-2,\n", `line 3: out "" is neither "1" nor "0"`, 0, 0},
		{"twice", "id,out\nC-1,1\nC-1,1\n", `line 3: customer "C-1" is empty or stands in line 2 already`, 0, 0},
		{"nobody", "id,out\n,1\n", `line 2: customer "" is empty`, 0, 0},
		{"short", "id,out\nC-1\n", "wrong number of fields", 0, 0},
		{"empty", "", "the header cannot be read", 0, 0},
	} {
		all, err := Read(strings.NewReader(c.text), columns)
		if c.says != "" {
			if errs.ReasonOf(err) != ReasonFileInvalid || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v", c.name, err)
			}
			continue
		}
		bad := 0
		for _, o := range all {
			if o.Bad {
				bad++
			}
		}
		if err != nil || bad != c.bad || len(all) != c.all || all[1].CustomerID != "C-2" {
			t.Errorf("%s: %v %v", c.name, all, err)
		}
	}
}
