package telemetry

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"regexp"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

const redacted = "[redacted]"

// NewHandler returns a handler that writes JSON lines with the trace's ids and without secrets: attributes whose name
// says that they are secret lose their value, and tokens and passwords inside of texts are taken out.
func NewHandler(w io.Writer, level slog.Leveler) slog.Handler {
	r := newRedactor()
	return traced{slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: r.attr})}
}

// traced adds the ids of the span in the context.
type traced struct{ slog.Handler }

// Handle implements slog.Handler.
func (t traced) Handle(ctx context.Context, record slog.Record) error {
	if span := trace.SpanContextFromContext(ctx); span.IsValid() {
		record = record.Clone()
		record.AddAttrs(slog.String("trace_id", span.TraceID().String()), slog.String("span_id", span.SpanID().String()))
	}
	return t.Handler.Handle(ctx, record)
}

// WithAttrs implements slog.Handler.
func (t traced) WithAttrs(attrs []slog.Attr) slog.Handler { return traced{t.Handler.WithAttrs(attrs)} }

// WithGroup implements slog.Handler.
func (t traced) WithGroup(name string) slog.Handler { return traced{t.Handler.WithGroup(name)} }

type replacement struct {
	pattern *regexp.Regexp
	with    string
}

type redactor struct{ texts []replacement }

func newRedactor() *redactor {
	return &redactor{texts: []replacement{
		// Anything that is presented as a bearer token, and anything that looks like a JWT.
		{regexp.MustCompile(`(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}`), "$1 " + redacted},
		{regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?`), redacted},
		// The password in a URL; the rest of it helps to find the mistake.
		{regexp.MustCompile(`\b([A-Za-z][A-Za-z0-9+.-]*://[^\s:/@"']*):[^\s"']*@`), "$1:" + redacted + "@"},
		// key=value as in DSNs and query strings, "key": "value" as in JSON.
		{
			regexp.MustCompile(`(?i)\b(\w*(?:password|passwd|secret|token|api_?key))("?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&"'}]+)`),
			"$1$2" + redacted,
		},
		{regexp.MustCompile(`-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)`), redacted},
	}}
}

// attr is called for every attribute, the message among them.
func (r *redactor) attr(_ []string, a slog.Attr) slog.Attr {
	if secretName(a.Key) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, r.text(a.Value.String()))
	case slog.KindAny:
		return r.any(a)
	default:
		return a
	}
}

func (r *redactor) any(a slog.Attr) slog.Attr {
	if err, ok := a.Value.Any().(error); ok && err != nil {
		return slog.String(a.Key, r.text(err.Error()))
	}
	plain, err := json.Marshal(a.Value.Any())
	if err != nil {
		return a // the JSON handler reports it in the line
	}
	if clean := r.text(string(plain)); clean != string(plain) {
		return slog.String(a.Key, clean)
	}
	return a
}

func (r *redactor) text(s string) string {
	for _, t := range r.texts {
		s = t.pattern.ReplaceAllString(s, t.with)
	}
	return s
}

// secretName knows names whose whole value is secret. "page_token" and the like count too: better one too many.
func secretName(key string) bool {
	key = strings.ToLower(key)
	for _, part := range []string{
		"password", "passwd", "secret", "token", "authorization", "cookie", "dsn", "database_url", "api_key", "apikey",
		"private_key", "credential",
	} {
		if strings.Contains(key, part) {
			return true
		}
	}
	return false
}
