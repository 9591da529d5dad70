package httpserver_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/httpserver"
)

func start(t *testing.T, handler http.Handler, drain time.Duration) (base string, stop func() error) {
	t.Helper()
	s, err := httpserver.New(httpserver.Config{Addr: "127.0.0.1:0", DrainTimeout: drain}, handler, nil)
	if err != nil {
		t.Fatal(err)
	}
	addr, err := s.Listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	return "http://" + addr.String(), func() error {
		cancel()
		return <-ended
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	resp, err := http.Get(url) //nolint:gosec,noctx // our own server
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestProbes(t *testing.T) {
	t.Parallel()
	var broken atomic.Bool
	base, stop := start(t, httpserver.Probes{
		Ready: func(context.Context) error {
			if broken.Load() {
				return errors.New("the database does not answer")
			}
			return nil
		},
		Metrics: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "up 1\n") }),
	}.Handler(), 0)
	for _, c := range []struct {
		path   string
		broken bool
		status int
		body   string
	}{
		{"/healthz", false, 200, "ok"},
		{"/readyz", false, 200, "ok"},
		{"/readyz", true, 503, "the database does not answer"},
		{"/healthz", true, 200, "ok"},
		{"/metrics", false, 200, "up 1"},
		{"/elsewhere", false, 404, ""},
	} {
		broken.Store(c.broken)
		if status, body := get(t, base+c.path); status != c.status || !strings.Contains(body, c.body) {
			t.Errorf("%s (broken: %v): %d %q, want %d %q", c.path, c.broken, status, body, c.status, c.body)
		}
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// A request that is under way when the shutdown begins gets its answer.
func TestShutdownLosesNoRequest(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	base, stop := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(entered)
		<-leave
		_, _ = io.WriteString(w, "done")
	}), 5*time.Second)
	got := make(chan string, 1)
	go func() {
		_, body := get(t, base+"/")
		got <- body
	}()
	<-entered
	ended := make(chan error, 1)
	go func() { ended <- stop() }()
	close(leave)
	if body := <-got; body != "done" {
		t.Errorf("the running request got %q", body)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	entered, leave := make(chan struct{}), make(chan struct{})
	t.Cleanup(func() { close(leave) })
	base, stop := start(t, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		close(entered)
		<-leave
	}), 50*time.Millisecond)
	go func() {
		resp, err := http.Get(base + "/") //nolint:gosec,noctx // our own server
		if err == nil {
			_ = resp.Body.Close()
		}
	}()
	<-entered
	begin := time.Now()
	if err := stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("the shutdown took %s", took)
	}
}
