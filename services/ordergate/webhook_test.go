package ordergate_test

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/errs"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/event"
)

// receiver is a warehouse system that fails the first times, each time otherwise.
type receiver struct {
	t   *testing.T
	key []byte

	mu       sync.Mutex
	calls    int
	redirect int
	got      map[string][]string // customer -> ids of events
	types    []string
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.URL.Path == "/elsewhere" {
		r.redirect++
		return
	}
	body, err := io.ReadAll(req.Body)
	if err != nil {
		r.t.Error(err)
	}
	switch r.calls++; r.calls {
	case 1:
		http.Error(w, "not now", http.StatusInternalServerError)
		return
	case 2:
		http.Redirect(w, req, "/elsewhere", http.StatusTemporaryRedirect)
		return
	case 3:
		panic(http.ErrAbortHandler) // cut off
	}
	if !event.Verify(r.key, body, req.Header.Get(event.SignatureHeader), time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC), time.Minute) {
		r.t.Errorf("the signature %q is not that of the body", req.Header.Get(event.SignatureHeader))
	}
	if got := req.Header.Get("Content-Type"); got != event.ContentType {
		r.t.Errorf("content type %s", got)
	}
	var e struct {
		SpecVersion, ID, Type string
		Data                  struct {
			Customer string `json:"customer_id"`
		}
	}
	if err := json.Unmarshal(body, &e); err != nil || e.SpecVersion != "1.0" {
		r.t.Errorf("%s: %v", body, err)
	}
	r.got[e.Data.Customer] = append(r.got[e.Data.Customer], e.ID)
	r.types = append(r.types, e.Type)
}

func (r *receiver) count(customer string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.got[customer])
}

// A receiver that fails the first times gets every event in the end, each customer's in order, signed; no redirect is followed.
func TestWebhookReceiverFailsFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := &receiver{t: t, got: map[string][]string{}}
	server := httptest.NewServer(r)
	t.Cleanup(server.Close)
	hooks := pb.NewWebhookServiceClient(w.conn)
	operator := w.as("operator", "OPERATOR")
	create := &pb.CreateWebhookRequest{RequestId: "hook", Url: server.URL + "/hook"}
	made, err := hooks.CreateWebhook(operator, create)
	must(t, err)
	again, err := hooks.CreateWebhook(operator, create)
	must(t, err)
	if made.GetSecret() == "" || again.GetSecret() != made.GetSecret() || again.GetWebhook().GetWebhookId() != made.GetWebhook().GetWebhookId() {
		t.Errorf("sent twice: %v and %v", made, again)
	}
	if r.key, err = hex.DecodeString(made.GetSecret()); err != nil || len(r.key) != 32 {
		t.Fatalf("secret %q: %v", made.GetSecret(), err)
	}
	only, err := hooks.CreateWebhook(operator, &pb.CreateWebhookRequest{RequestId: "deaf", Url: "http://127.0.0.1:1/", Types: []pb.ShipmentEventType{pb.ShipmentEventType_SHIPMENT_EVENT_TYPE_CREDIT_STOPPED}})
	must(t, err)
	for _, customer := range []string{"C1", "C2"} {
		w.credit(customer, "1000")
		for range 3 {
			must(t, w.block(customer, pb.BlockKind_BLOCK_KIND_STOP, ""))
			must(t, w.unblock(customer))
		}
	}
	eventually(t, "all events arrive", func() bool { return r.count("C1") == 6 && r.count("C2") == 6 })
	r.mu.Lock()
	for customer, ids := range r.got {
		for i, id := range ids {
			if want := customer + "/" + string(rune('1'+i)); id != want {
				t.Errorf("%s: event %d is %s", customer, i+1, id)
			}
		}
	}
	if r.redirect > 0 {
		t.Error("a redirect was followed")
	}
	r.mu.Unlock()
	list, err := hooks.ListWebhooks(operator, &pb.ListWebhooksRequest{})
	must(t, err)
	if len(list.GetWebhooks()) != 2 || list.GetWebhooks()[0].GetPending() != 0 || list.GetWebhooks()[1].GetPending() != 0 {
		t.Errorf("list %v", list)
	}
	must(t, w.removed(hooks, made.GetWebhook().GetWebhookId()))
	must(t, w.block("C1", pb.BlockKind_BLOCK_KIND_STOP, ""))
	// The other one is down: it waits with what is for it, and says why.
	w.owes("C2", "1500", "0")
	eventually(t, "the receiver that is down has one event waiting", func() bool {
		list, err := hooks.ListWebhooks(operator, &pb.ListWebhooksRequest{})
		must(t, err)
		return len(list.GetWebhooks()) == 1 && list.GetWebhooks()[0].GetWebhookId() == only.GetWebhook().GetWebhookId() &&
			list.GetWebhooks()[0].GetPending() == 1 && list.GetWebhooks()[0].GetLastError() != ""
	})
	if n := r.count("C1"); n != 6 {
		t.Errorf("a removed receiver got %d events", n)
	}
	if err := w.removed(hooks, "nobody"); errs.ReasonOf(err) != "WEBHOOK_UNKNOWN" {
		t.Errorf("unknown: %v", err)
	}
	if _, err := hooks.CreateWebhook(operator, &pb.CreateWebhookRequest{RequestId: "x", Url: "file:///etc/passwd"}); errs.ReasonOf(err) != "WEBHOOK_URL_NOT_ALLOWED" {
		t.Errorf("a file: %v", err)
	}
	var sealed []byte
	must(t, w.pool.QueryRow(t.Context(), "SELECT secret FROM webhooks WHERE id = $1", made.GetWebhook().GetWebhookId()).Scan(&sealed))
	if hex.EncodeToString(sealed) == made.GetSecret() {
		t.Error("the secret is stored in the clear")
	}
}

func (w *world) removed(hooks pb.WebhookServiceClient, id string) error {
	_, err := hooks.DeleteWebhook(w.as("operator", "OPERATOR"), &pb.DeleteWebhookRequest{WebhookId: id})
	return err
}
