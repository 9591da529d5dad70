package httpserver

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// probeTimeout bounds one question for readiness; platforms give up after a few seconds themselves.
const probeTimeout = 3 * time.Second

// Probes is what a platform asks a process.
type Probes struct {
	// Ready returns nil where requests may be sent here. It must not name anything that strangers may not know.
	Ready func(ctx context.Context) error
	// Metrics serves the metrics; nil serves none.
	Metrics http.Handler
}

// Handler serves /healthz (the process works), /readyz (it may be sent requests) and /metrics.
func (p Probes) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), probeTimeout)
		defer cancel()
		if err := p.Ready(ctx); err != nil {
			answer(w, http.StatusServiceUnavailable, err.Error())
			return
		}
		answer(w, http.StatusOK, "ok")
	})
	if p.Metrics != nil {
		mux.Handle("GET /metrics", p.Metrics)
	}
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]string{"status": text}) // a prober that left does not care
}
