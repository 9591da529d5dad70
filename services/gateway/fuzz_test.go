package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/avalcredit/aval/services/gateway"
)

// Whatever the body and the query are, the answer is success or a refusal with a reason: never a panic, never our fault.
func FuzzRequest(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[`, `null`, `{"request_id":"r","order":{"amount":{"amount":"1"}}}`, `{"order":null,"x":[{"y":1}]}`,
		`{"order":{"requested_term_days":1e2,"payment_terms":2,"order_id":"\ud83d"}}`, `{"request_id":"a","requestId":"b"}`,
		`{"order":{"amount":{"amount":{}}}}`, `"text"`, "{\"request_id\":\"\xff\"}",
	} {
		f.Add(body, "page_size=1&state=ORDER_STATE_HELD")
	}
	f.Add(`{}`, "page_size=%zz&a.b.c=1&=")
	g, err := gateway.New(f.Context(), gateway.Config{
		Backends: gateway.Backends{Evaluation: &backend{}, OrderGate: &backend{}, Receivables: &backend{}},
		Ready:    func(context.Context) error { return nil },
	})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body, query string) {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			text := body
			if method == http.MethodGet {
				text = ""
			}
			r := httptest.NewRequest(method, "/v1/orders", strings.NewReader(text))
			r.URL.RawQuery = query
			if method == http.MethodPost {
				r.URL.RawQuery = ""
			}
			r.Header.Set("Authorization", "Bearer t")
			w := httptest.NewRecorder()
			g.Handler().ServeHTTP(w, r)
			if w.Code == http.StatusOK {
				continue
			}
			var got answer
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || w.Code >= 500 || got.reason() == "" || got.Code == 0 {
				t.Errorf("%s %q %q: %d %s (%v)", method, body, query, w.Code, w.Body, err)
			}
		}
	})
}
