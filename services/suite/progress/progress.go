// Package progress draws a bar with a rate on a terminal, and nothing anywhere else.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
)

const (
	width = 30
	every = 100 * time.Millisecond
)

// Terminal returns the file as a writer to draw on where it is a terminal, else nil.
func Terminal(f *os.File) io.Writer {
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return nil
	}
	return f
}

// Bar counts what is done. It may be used by several goroutines.
type Bar struct {
	screen io.Writer
	clock  calendar.Clock
	label  string
	total  int64

	mu     sync.Mutex
	done   int64
	note   string
	start  time.Time
	drawn  time.Time
	closed bool
}

// New starts a bar for a total of items. A nil screen draws nothing; the counting is the same.
func New(screen io.Writer, clock calendar.Clock, label string, total int64) *Bar {
	return &Bar{screen: screen, clock: clock, label: label, total: total, start: clock.Now()}
}

// Add counts items as done.
func (b *Bar) Add(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.done += n
	b.draw(false)
}

// Note sets the text behind the bar, such as the date in hand.
func (b *Bar) Note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.note = text
}

// Close draws the last state and ends the line. It returns the time that passed since the start and the items a second.
func (b *Bar) Close() (elapsed time.Duration, rate float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.closed {
		b.draw(true)
		if b.screen != nil {
			_, _ = fmt.Fprintln(b.screen)
		}
		b.closed = true
	}
	return b.speed(b.clock.Now())
}

func (b *Bar) speed(now time.Time) (time.Duration, float64) {
	elapsed := now.Sub(b.start)
	if elapsed <= 0 {
		return 0, 0
	}
	return elapsed, float64(b.done) / elapsed.Seconds()
}

func (b *Bar) draw(last bool) {
	if b.screen == nil || b.closed {
		return
	}
	now := b.clock.Now()
	if !last && now.Sub(b.drawn) < every {
		return
	}
	b.drawn = now
	share := 1.0
	if b.total > 0 {
		share = min(float64(b.done)/float64(b.total), 1)
	}
	full := int(share * width)
	_, rate := b.speed(now)
	_, _ = fmt.Fprintf(b.screen, "\r%s [%s%s] %3.0f%% %d/%d  %.0f/s %s\x1b[K",
		b.label, strings.Repeat("#", full), strings.Repeat(".", width-full), share*100, b.done, b.total, rate, b.note)
}
