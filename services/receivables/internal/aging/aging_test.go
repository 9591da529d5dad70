package aging_test

import (
	"slices"
	"testing"

	"github.com/avalcredit/aval/services/receivables/internal/aging"
)

func TestBuckets(t *testing.T) {
	t.Parallel()
	b := aging.NewBuckets([]int32{30, 60, 90, 180, 360}, aging.ByDueDate)
	if !slices.Equal(b.Names, []string{"not_due", "1-30", "31-60", "61-90", "91-180", "181-360", ">360"}) {
		t.Errorf("names %q", b.Names)
	}
	for days, want := range map[int]string{
		-5: "not_due", 0: "not_due", 1: "1-30", 30: "1-30", 31: "31-60", 60: "31-60", 61: "61-90", 90: "61-90",
		91: "91-180", 180: "91-180", 181: "181-360", 360: "181-360", 361: ">360", 9999: ">360",
	} {
		if got := b.Names[b.Index(days)]; got != want {
			t.Errorf("%d days are in %s, want %s", days, got, want)
		}
	}
	b = aging.NewBuckets([]int32{7}, aging.ByInvoiceDate)
	if !slices.Equal(b.Names, []string{"0", "1-7", ">7"}) {
		t.Errorf("names %q", b.Names)
	}
}
