package replay_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/avalcredit/aval/pkg/errs"
	ordergatev1 "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/suite/internal/fakesuite"
	"github.com/avalcredit/aval/services/suite/replay"
)

type step struct {
	date, customer, order string
	kind                  string // submit, ship (names the order only), other (names nobody)
}

func (s step) text(i int) string {
	switch s.kind {
	case "submit":
		return fmt.Sprintf(`{"business_date":%q,"call":"aval.ordergate.v1.OrderService/SubmitOrder","request":{"request_id":"r%d","order":{"order_id":%q,"customer_id":%q}}}`, s.date, i, s.order, s.customer)
	case "ship":
		return fmt.Sprintf(`{"business_date":%q,"call":"aval.ordergate.v1.OrderService/ShipOrder","request":{"request_id":"r%d","order_id":%q}}`, s.date, i, s.order)
	default:
		return fmt.Sprintf(`{"business_date":%q,"call":"aval.ordergate.v1.OrderService/ListOrders","request":{"page_token":"r%d"}}`, s.date, i)
	}
}

// story draws dates in order, and on each lines of customers, some of which name only an order they submitted before.
func story(t *rapid.T) []step {
	var steps []step
	orders := map[string]string{}
	for day := range rapid.IntRange(1, 4).Draw(t, "days") {
		date := fmt.Sprintf("2012-01-%02d", day+1)
		for range rapid.IntRange(1, 12).Draw(t, "lines") {
			s := step{date: date, customer: rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "customer")}
			s.kind = rapid.SampledFrom([]string{"submit", "submit", "ship", "other"}).Draw(t, "kind")
			switch {
			case s.kind == "submit":
				s.order = fmt.Sprintf("o%d", len(steps))
				orders[s.customer] = s.order
			case s.kind == "ship" && orders[s.customer] != "":
				s.order = orders[s.customer]
			default:
				s.kind, s.customer = "other", ""
			}
			steps = append(steps, s)
		}
	}
	return steps
}

// journal records when each request was worked on; it is keyed by the request id, which is the line's index.
type journal struct {
	mu   sync.Mutex
	tick int
	from map[string]int
	to   map[string]int
	date map[string]string
}

func (j *journal) answer(call fakesuite.Call) (proto.Message, error) {
	id := ""
	if r, ok := call.Request.(interface{ GetRequestId() string }); ok {
		id = r.GetRequestId()
	} else if r, ok := call.Request.(*ordergatev1.ListOrdersRequest); ok {
		id = r.GetPageToken()
	}
	j.mu.Lock()
	j.tick++
	j.from[id], j.date[id] = j.tick, call.BusinessDate
	j.mu.Unlock()
	j.mu.Lock()
	j.tick++
	j.to[id] = j.tick
	j.mu.Unlock()
	return nil, nil
}

func TestEachCustomersOrderIsKeptAndDatesAreBarriers(t *testing.T) {
	t.Parallel()
	var current *journal
	suite := fakesuite.Start(t, func(call fakesuite.Call) (proto.Message, error) { return current.answer(call) })
	rapid.Check(t, func(t *rapid.T) {
		steps := story(t)
		var text strings.Builder
		for i, s := range steps {
			text.WriteString(s.text(i) + "\n")
		}
		current = &journal{from: map[string]int{}, to: map[string]int{}, date: map[string]string{}}
		var out bytes.Buffer
		sum, err := replay.Run(context.Background(), strings.NewReader(text.String()), replay.Options{
			Suite: suite, Out: &out, Concurrency: rapid.IntRange(1, 4).Draw(t, "workers"),
		})
		if err != nil || sum.Done != int64(len(steps)) {
			t.Fatalf("%+v, %v", sum, err)
		}
		check(t, steps, current)
		inOrder(t, out.String(), len(steps))
	})
}

func check(t *rapid.T, steps []step, j *journal) {
	id := func(i int) string { return fmt.Sprintf("r%d", i) }
	for i, a := range steps {
		if j.date[id(i)] != a.date {
			t.Fatalf("line %d ran on %q, want %s", i, j.date[id(i)], a.date)
		}
		for k := i + 1; k < len(steps); k++ {
			b := steps[k]
			ordered := a.customer == b.customer || a.customer == "" || b.customer == "" || a.date != b.date
			if ordered && j.to[id(i)] > j.from[id(k)] {
				t.Fatalf("line %d %+v began before line %d %+v ended", k, b, i, a)
			}
		}
	}
}

func inOrder(t *rapid.T, out string, n int) {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if len(lines) != n {
		t.Fatalf("%d lines of output for %d calls", len(lines), n)
	}
	for i, text := range lines {
		var l struct {
			Line     int
			Response map[string]any
		}
		if err := json.Unmarshal([]byte(text), &l); err != nil || l.Line != i+1 || l.Response == nil {
			t.Fatalf("output %d: %s (%v)", i+1, text, err)
		}
	}
}

func TestErrorsAreReportedAcceptedAndRetried(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	seen := map[string]int{}
	suite := fakesuite.Start(t, func(call fakesuite.Call) (proto.Message, error) {
		request, _ := call.Request.(*ordergatev1.ApproveOrderRequest)
		mu.Lock()
		defer mu.Unlock()
		seen[request.GetRequestId()]++
		switch request.GetOrderId() {
		case "busy":
			if seen[request.GetRequestId()] < 3 {
				return nil, errs.New(errs.Aborted, "RACE_LOST", "again")
			}
			return nil, nil
		case "bad":
			return nil, errs.Field("reason", "string.min_len", "must not be empty")
		default:
			return nil, errs.New(errs.FailedPrecondition, "ORDER_NOT_HELD", "the order is not held")
		}
	})
	lines := []string{
		`{"call":"aval.ordergate.v1.OrderService/ApproveOrder","request":{"request_id":"1","order_id":"busy"}}`,
		`{"call":"aval.ordergate.v1.OrderService/ApproveOrder","request":{"request_id":"2","order_id":"bad"}}`,
		`{"call":"aval.ordergate.v1.OrderService/ApproveOrder","accept":["ORDER_NOT_HELD"],"request":{"request_id":"3","order_id":"x"}}`,
	}
	var out bytes.Buffer
	sum, err := replay.Run(context.Background(), strings.NewReader(strings.Join(lines, "\n")),
		replay.Options{Suite: suite, Out: &out})
	if err != nil || sum.Done != 1 || sum.Skipped != 1 || sum.Failed != 1 || seen["1"] != 3 || seen["2"] != 1 {
		t.Fatalf("%+v, %v, %v", sum, err, seen)
	}
	want := `{"line":1,"response":{}}
{"line":2,"error":{"code":"INVALID_ARGUMENT","reason":"INVALID_FIELD","message":"reason: must not be empty","fields":[{"field":"reason","rule":"string.min_len","message":"must not be empty"}]}}
{"line":3,"error":{"code":"FAILED_PRECONDITION","reason":"ORDER_NOT_HELD","message":"the order is not held"},"accepted":true}
`
	if out.String() != want {
		t.Errorf("output\n%s\nwant\n%s", out.String(), want)
	}
}

// Answers use the contract's names and so those of REST, as requests may: an answer can become a request.
func TestAnswersUseTheContractsNames(t *testing.T) {
	t.Parallel()
	suite := fakesuite.Start(t, func(fakesuite.Call) (proto.Message, error) {
		return &ordergatev1.GetOrderResponse{Order: &ordergatev1.Order{OrderId: "O1", CustomerId: "C1"}}, nil
	})
	var out bytes.Buffer
	text := `{"call":"aval.ordergate.v1.OrderService/GetOrder","request":{"order_id":"O1"}}`
	if _, err := replay.Run(context.Background(), strings.NewReader(text), replay.Options{Suite: suite, Out: &out}); err != nil {
		t.Fatal(err)
	}
	if want := `{"line":1,"response":{"order":{"order_id":"O1","customer_id":"C1"}}}` + "\n"; out.String() != want {
		t.Errorf("output %s, want %s", out.String(), want)
	}
}

func TestNothingRunsWhereALineIsNoCall(t *testing.T) {
	t.Parallel()
	suite := fakesuite.Start(t, func(call fakesuite.Call) (proto.Message, error) {
		t.Errorf("called %s", call.Method)
		return nil, nil
	})
	var out bytes.Buffer
	text := `{"call":"aval.ordergate.v1.OrderService/GetOrder","request":{"order_id":"1"}}` + "\n{]\n"
	sum, err := replay.Run(context.Background(), strings.NewReader(text), replay.Options{Suite: suite, Out: &out})
	if errs.ReasonOf(err) != replay.ReasonFileInvalid || len(sum.Wrong) != 1 {
		t.Fatalf("%+v, %v", sum, err)
	}
	want := `{"line":2,"column":2,"error":{"code":"INVALID_ARGUMENT","reason":"LINE_MALFORMED","message":"invalid character ']' looking for beginning of object key string"}}` + "\n"
	if out.String() != want {
		t.Errorf("output %s", out.String())
	}
}

func TestCallersAreThoseOfTheLineElseTheMethodsFirstRole(t *testing.T) {
	t.Parallel()
	var callers []string
	suite := fakesuite.Start(t, func(call fakesuite.Call) (proto.Message, error) {
		callers = append(callers, call.Caller.Subject+" "+strings.Join(call.Caller.Roles, "+"))
		return nil, nil
	})
	text := `{"call":"aval.ordergate.v1.OrderService/ApproveOrder","request":{}}
{"call":"aval.ordergate.v1.OrderService/ApproveOrder","request":{},"as":{"role":"GENERAL_MANAGER"}}
{"call":"aval.ordergate.v1.OrderService/ApproveOrder","request":{},"as":{"role":"GENERAL_MANAGER","subject":"gm"}}
{"call":"aval.ordergate.v1.OrderService/SubmitOrder","request":{}}`
	if _, err := replay.Run(context.Background(), strings.NewReader(text),
		replay.Options{Suite: suite, Out: &bytes.Buffer{}}); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"replay-sales-manager SALES_MANAGER", "replay-general-manager GENERAL_MANAGER", "gm GENERAL_MANAGER",
		"replay-salesperson SALESPERSON+SALES_SUPERVISOR",
	}
	if fmt.Sprint(callers) != fmt.Sprint(want) {
		t.Errorf("callers %q, want %q", callers, want)
	}
}
