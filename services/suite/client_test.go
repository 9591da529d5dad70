package suite_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"

	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

// person is somebody who works with the system, over REST and over gRPC.
type person struct {
	system  *system
	subject string
	token   string
	date    string // business date of the calls over REST; empty leaves it to the system
}

// as is a person with one role.
func (s *system) as(t testing.TB, role, subject string) person {
	t.Helper()
	return person{system: s, subject: subject, token: s.token(t, role, subject)}
}

// refusal is google.rpc.Status as JSON, with what programs read of it taken out.
type refusal struct {
	status  int
	header  http.Header
	Code    int    `json:"code"`
	Message string `json:"message"`
	Details []struct {
		Type       string            `json:"@type"`
		Domain     string            `json:"domain"`
		Reason     string            `json:"reason"`
		Metadata   map[string]string `json:"metadata"`
		Violations []struct {
			Field string `json:"field"`
		} `json:"field_violations"`
	} `json:"details"`
}

func (r refusal) reason() string {
	for _, d := range r.Details {
		if d.Domain == "aval" {
			return d.Reason
		}
	}
	return ""
}

func (r refusal) fields() []string {
	var fields []string
	for _, d := range r.Details {
		for _, v := range d.Violations {
			fields = append(fields, v.Field)
		}
	}
	return fields
}

// raw sends a request as it is and returns the status and the body.
func (p person) raw(t testing.TB, method, path string, body []byte) (int, http.Header, []byte) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, p.system.http+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if p.token != "" {
		req.Header.Set("Authorization", "Bearer "+p.token)
	}
	if p.date != "" {
		req.Header.Set("Aval-Business-Date", p.date)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, text
}

// call makes a call over REST that has to succeed; a nil request has no body.
func (p person) call(t testing.TB, method, path string, request, response proto.Message) {
	t.Helper()
	status, _, text := p.raw(t, method, path, bodyOf(t, request))
	if status != http.StatusOK {
		t.Fatalf("%s: %s %s: %d %s", p.subject, method, path, status, text)
	}
	if err := protojson.Unmarshal(text, response); err != nil {
		t.Fatalf("%s %s: %v in %s", method, path, err, text)
	}
}

// refused makes a call over REST that must not succeed.
func (p person) refused(t testing.TB, method, path string, request proto.Message) refusal {
	t.Helper()
	return p.refusedRaw(t, method, path, bodyOf(t, request))
}

func (p person) refusedRaw(t testing.TB, method, path string, body []byte) refusal {
	t.Helper()
	status, header, text := p.raw(t, method, path, body)
	if status == http.StatusOK {
		t.Fatalf("%s: %s %s is not refused: %s", p.subject, method, path, text)
	}
	r := refusal{status: status, header: header}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%s %s: %d %s: %v", method, path, status, text, err)
	}
	return r
}

func bodyOf(t testing.TB, request proto.Message) []byte {
	t.Helper()
	if request == nil {
		return nil
	}
	body, err := protojson.MarshalOptions{UseProtoNames: true}.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// invoke makes a call over gRPC that has to succeed.
func (p person) invoke(t testing.TB, phase, method string, request, response proto.Message) {
	t.Helper()
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+p.token)
	if err := p.conn(phase).Invoke(ctx, method, request, response); err != nil {
		t.Fatalf("%s: %s: %v", p.subject, method, err)
	}
}

func (p person) conn(phase string) *grpc.ClientConn { return p.system.conns[phase] }

// eventually waits for what other phases are told in the background.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

func cny(amount string) *typev1.Money { return &typev1.Money{CurrencyCode: "CNY", Amount: amount} }
