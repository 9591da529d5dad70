// Package peers calls others: evaluation, to withdraw credit, and the receivers of webhooks.
package peers

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/delivery"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/pkg/rpcerr"
	"github.com/avalcredit/aval/pkg/violation"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/event"
	"github.com/avalcredit/aval/services/ordergate/internal/gate"
)

// SendWithdrawals asks evaluation to withdraw credit.
func SendWithdrawals(conn grpc.ClientConnInterface) delivery.Send {
	client := evaluationv1.NewFeedServiceClient(conn)
	return func(ctx context.Context, customerID string, events []delivery.Event) (int64, error) {
		req := &evaluationv1.ApplyWithdrawalsRequest{}
		for _, e := range events {
			var w gate.Withdrawal
			if err := json.Unmarshal(e.Payload, &w); err != nil {
				return 0, fmt.Errorf("withdrawal %d of %s: %w", e.Seq, customerID, err)
			}
			req.Withdrawals = append(req.Withdrawals, &evaluationv1.Withdrawal{
				CustomerId: customerID, Sequence: e.Seq, BusinessDate: w.BusinessDate.String(), Reason: w.Reason, OrderId: w.OrderID,
			})
		}
		res, err := client.ApplyWithdrawals(ctx, req)
		return res.GetLastSequence(), rpcerr.FromError(err)
	}
}

// answerBytes is how much of a receiver's answer is read, so that its connection can be used again.
const answerBytes = 64 << 10

// Webhook posts events over HTTP. It follows no redirect, uses no proxy, and connects only to addresses that targets allow: the one
// that a name was resolved to is checked, and no other is used.
func Webhook(targets event.Targets, clock calendar.Clock) app.Post {
	dialer := &net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}
	client := &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				pinned, err := resolve(ctx, targets, addr)
				if err != nil {
					return nil, err
				}
				return dialer.DialContext(ctx, network, pinned)
			},
			ForceAttemptHTTP2: true, MaxIdleConnsPerHost: 2, IdleConnTimeout: 60 * time.Second,
			TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 9 * time.Second, MaxResponseHeaderBytes: 16 << 10,
		},
	}
	return func(ctx context.Context, url string, key []byte, e event.Shipment) error {
		body, err := e.CloudEvent()
		if err != nil {
			return err
		}
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
		if err != nil {
			return fmt.Errorf("webhook: %w", err)
		}
		req.Header.Set("Content-Type", event.ContentType)
		req.Header.Set("User-Agent", "aval-ordergate")
		req.Header.Set(event.SignatureHeader, event.Sign(key, body, clock.Now()))
		res, err := client.Do(req)
		if err != nil {
			return errs.New(errs.Unavailable, "WEBHOOK_UNREACHABLE", "the receiver cannot be reached: %v", err)
		}
		defer res.Body.Close()
		_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, answerBytes)) // what it says beside the status does not matter
		if res.StatusCode < 200 || res.StatusCode > 299 {
			return errs.New(errs.Unavailable, "WEBHOOK_REFUSED", "the receiver answered %s", res.Status)
		}
		return nil
	}
}

// resolve is the first allowed address of a host and port.
func resolve(ctx context.Context, targets event.Targets, addr string) (string, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return "", err
	}
	ips, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return "", err
	}
	for _, ip := range ips {
		if targets.AllowsAddr(ip) {
			return net.JoinHostPort(ip.Unmap().String(), port), nil
		}
	}
	return "", fmt.Errorf("%s has no address that webhooks may go to", host)
}

// SendViolations delivers what the phase's register holds to evaluation, which shows all phases' in one list.
func SendViolations(conn grpc.ClientConnInterface) delivery.Send {
	evaluation := evaluationv1.NewFeedServiceClient(conn)
	return func(ctx context.Context, _ string, events []delivery.Event) (int64, error) {
		req := &evaluationv1.ApplyViolationsRequest{Phase: "ordergate"}
		for _, e := range events {
			var v violation.Violation
			if err := json.Unmarshal(e.Payload, &v); err != nil {
				return 0, fmt.Errorf("violation %d: %w", e.Seq, err)
			}
			req.Violations = append(req.Violations, &evaluationv1.ToldViolation{Sequence: e.Seq, Violation: violationMessage(v)})
		}
		resp, err := evaluation.ApplyViolations(ctx, req)
		return resp.GetLastSequence(), rpcerr.FromError(err)
	}
}

func violationMessage(v violation.Violation) *evaluationv1.Violation {
	return &evaluationv1.Violation{
		ViolationId: v.ID, Subject: v.Subject, Roles: v.Roles, Act: v.Act, ObjectKind: v.ObjectKind, ObjectId: v.ObjectID, CustomerId: v.CustomerID,
		ReasonCode: v.ReasonCode, Message: v.Message, BusinessDate: v.Date.String(), CreateTime: timestamppb.New(v.CreateTime), Evidence: v.Evidence,
		EvidenceHash: v.EvidenceHash, SupervisorRoles: v.SupervisorRoles,
		Kind: evaluationv1.ViolationKind(evaluationv1.ViolationKind_value["VIOLATION_KIND_"+string(v.Kind)]),
	}
}
