package progress_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/services/suite/progress"
)

func TestBar(t *testing.T) {
	t.Parallel()
	clock := calendar.FixedClock(time.Unix(1_700_000_000, 0), time.UTC)
	var screen strings.Builder
	bar := progress.New(&screen, clock, "lines", 8)
	bar.Note("2012-01-30")
	clock.Advance(2 * time.Second)
	bar.Add(4)
	elapsed, rate := bar.Close()
	if elapsed != 2*time.Second || rate != 2 {
		t.Fatalf("%v at %v a second", elapsed, rate)
	}
	want := "\rlines [###############...............]  50% 4/8  2/s 2012-01-30\x1b[K"
	if got := screen.String(); !strings.HasPrefix(got, want) || !strings.HasSuffix(got, "\n") {
		t.Fatalf("drew %q", got)
	}
}

func TestNothingIsDrawnWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	f, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	if progress.Terminal(f) != nil {
		t.Fatal("a file is no terminal")
	}
	bar := progress.New(nil, calendar.FixedClock(time.Unix(0, 0), time.UTC), "rows", 1)
	bar.Add(1)
	bar.Close()
}
