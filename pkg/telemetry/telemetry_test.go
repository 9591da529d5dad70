package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/pkg/telemetry"
)

func TestNoSecretInTheLog(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/secrets.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Text, Want string }
	if err := yaml.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		for form, log := range map[string]func(*slog.Logger){
			"text":    func(l *slog.Logger) { l.Info("m", "value", c.Text) },
			"error":   func(l *slog.Logger) { l.Info("m", "value", errors.New(c.Text)) },
			"message": func(l *slog.Logger) { l.Info(c.Text) },
			"group":   func(l *slog.Logger) { l.WithGroup("g").Info("m", slog.Group("h", "value", c.Text)) },
			"with":    func(l *slog.Logger) { l.With("value", c.Text).Info("m") },
		} {
			line := &bytes.Buffer{}
			log(slog.New(telemetry.NewHandler(line, slog.LevelInfo)))
			want, err := json.Marshal(c.Want)
			if err != nil {
				t.Fatal(err)
			}
			escaped := strings.NewReplacer(`\u003c`, "<", `\u003e`, ">", `\u0026`, "&").Replace(string(want))
			if !strings.Contains(line.String(), escaped) {
				t.Errorf("%s of %q: %s", form, c.Text, line)
			}
		}
	}
}

func TestNamesThatAreSecret(t *testing.T) {
	t.Parallel()
	line := &bytes.Buffer{}
	log := slog.New(telemetry.NewHandler(line, slog.LevelInfo))
	log.Info("m", "password", "hunter2", "AVAL_DATABASE_URL", "hunter2", slog.Group("http", "Authorization", "hunter2", "pin_secret", 987654),
		"settings", struct{ Password, Host string }{"hunter2", "db"}, "bytes", json.RawMessage(`{"client_secret":"hunter2"}`))
	if strings.Contains(line.String(), "hunter2") || strings.Contains(line.String(), "987654") || !strings.Contains(line.String(), "db") {
		t.Errorf("%s", line)
	}
}

func TestLogMetricsAndTraces(t *testing.T) {
	t.Parallel()
	line := &bytes.Buffer{}
	tel, err := telemetry.New(context.Background(), telemetry.Config{Service: "gate", LogLevel: "warn", LogWriter: line})
	if err != nil {
		t.Fatal(err)
	}
	counter, err := tel.Meter.Meter("test").Int64Counter("decisions")
	if err != nil {
		t.Fatal(err)
	}
	counter.Add(context.Background(), 3)
	page := httptest.NewRecorder()
	tel.Handler().ServeHTTP(page, httptest.NewRequest("GET", "/metrics", nil))
	for _, part := range []string{"decisions_total{", "} 3", `service_name="gate"`, "go_goroutines"} {
		if !strings.Contains(page.Body.String(), part) {
			t.Errorf("/metrics lacks %s", part)
		}
	}
	ctx, span := tel.Tracer.Tracer("test").Start(context.Background(), "work")
	defer span.End()
	tel.Log.InfoContext(ctx, "too little")
	tel.Log.With("a", 1).WarnContext(ctx, "enough")
	var entry struct {
		Msg, Service string
		Trace        string `json:"trace_id"`
	}
	if err := json.Unmarshal(line.Bytes(), &entry); err != nil {
		t.Fatalf("%v in %s", err, line)
	}
	if entry.Msg != "enough" || entry.Service != "gate" || entry.Trace != span.SpanContext().TraceID().String() {
		t.Errorf("%s", line)
	}
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}

func TestBadConfig(t *testing.T) {
	t.Parallel()
	for _, cfg := range []telemetry.Config{{LogLevel: "loud"}, {OTLPEndpoint: "collector:4317"}} {
		if _, err := telemetry.New(context.Background(), cfg); err == nil {
			t.Errorf("%+v was accepted", cfg)
		}
	}
	// A collector that is away is no reason not to start, nor to hang at the end.
	tel, err := telemetry.New(context.Background(), telemetry.Config{OTLPEndpoint: "http://127.0.0.1:1", LogWriter: &bytes.Buffer{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := tel.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
}
