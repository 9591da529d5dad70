// Package event is what warehouses and other receivers are told: stops and releases, their form as CloudEvents, and their signature.
package event

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
)

// Shipment is one stop or release.
type Shipment struct {
	CustomerID    string        `json:"customer_id"`
	Seq           int64         `json:"-"` // within the customer, from 1, without gaps; given by the outbox
	Type          string        `json:"type"`
	OrderID       string        `json:"order_id,omitempty"`
	Reasons       []string      `json:"reasons,omitempty"`
	BusinessDate  calendar.Date `json:"business_date"`
	Until         calendar.Date `json:"until,omitzero"`
	Time          time.Time     `json:"time"`
	SalespersonID string        `json:"salesperson_id,omitempty"`
	Notify        []string      `json:"notify,omitempty"` // roles that must learn of it
	Entry         int64         `json:"entry"`            // of the customer's journal
}

// ID is the event's name, the same whenever it is sent.
func (s Shipment) ID() string { return s.CustomerID + "/" + strconv.FormatInt(s.Seq, 10) }

// Decode reads a kept event and gives it its number.
func Decode(payload []byte, seq int64) (Shipment, error) {
	var s Shipment
	if err := json.Unmarshal(payload, &s); err != nil {
		return s, fmt.Errorf("stored shipment event: %w", err)
	}
	s.Seq = seq
	return s, nil
}

// ContentType is that of a CloudEvent in its JSON form.
const ContentType = "application/cloudevents+json; charset=utf-8"

// cloudEvent is CloudEvents 1.0, JSON format.
type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"`
	Type            string    `json:"type"`
	Subject         string    `json:"subject"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Sequence        string    `json:"sequence"` // extension: within the customer
	Data            data      `json:"data"`
}

type data struct {
	CustomerID    string   `json:"customer_id"`
	Sequence      int64    `json:"sequence"`
	OrderID       string   `json:"order_id,omitempty"`
	ReasonCodes   []string `json:"reason_codes"`
	BusinessDate  string   `json:"business_date"`
	UntilDate     string   `json:"until_date,omitempty"`
	SalespersonID string   `json:"salesperson_id,omitempty"`
	NotifyRoles   []string `json:"notify_roles,omitempty"`
}

// CloudEvent is the event as receivers of webhooks get it. Its type is "aval.ordergate." and the type in small letters with a version,
// for example "aval.ordergate.order_released.v1"; its subject the order, or the customer where it is about all orders.
func (s Shipment) CloudEvent() ([]byte, error) {
	subject := "customers/" + s.CustomerID
	if s.OrderID != "" {
		subject = "orders/" + s.OrderID
	}
	reasons := s.Reasons
	if reasons == nil {
		reasons = []string{}
	}
	body, err := json.Marshal(cloudEvent{
		SpecVersion: "1.0", ID: s.ID(), Source: "/aval/ordergate", Type: "aval.ordergate." + strings.ToLower(s.Type) + ".v1", Subject: subject,
		Time: s.Time.UTC(), DataContentType: "application/json", Sequence: fmt.Sprintf("%020d", s.Seq),
		Data: data{
			CustomerID: s.CustomerID, Sequence: s.Seq, OrderID: s.OrderID, ReasonCodes: reasons, BusinessDate: s.BusinessDate.String(),
			UntilDate: s.Until.String(), SalespersonID: s.SalespersonID, NotifyRoles: s.Notify,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("encode cloud event: %w", err)
	}
	return body, nil
}

// SignatureHeader carries the signature of a webhook's body.
const SignatureHeader = "Aval-Signature"

// Sign is the value of the signature header: the time, in Unix seconds, and the HMAC-SHA256 of time and body under the receiver's key.
// The time is signed too, so that an old message cannot be sent again as a new one.
func Sign(key, body []byte, at time.Time) string {
	t := strconv.FormatInt(at.Unix(), 10)
	return "t=" + t + ",v1=" + hex.EncodeToString(mac(key, t, body))
}

// Verify reports whether a signature header is that of the body, and not older than age at now.
func Verify(key, body []byte, header string, now time.Time, age time.Duration) bool {
	stamp, sum, ok := strings.Cut(header, ",v1=")
	t, cut := strings.CutPrefix(stamp, "t=")
	at, err := strconv.ParseInt(t, 10, 64)
	got, hexErr := hex.DecodeString(sum)
	if !ok || !cut || err != nil || hexErr != nil || now.Sub(time.Unix(at, 0)).Abs() > age {
		return false
	}
	return hmac.Equal(got, mac(key, t, body))
}

func mac(key []byte, t string, body []byte) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = h.Write([]byte(t + ".")) // a hash never fails
	_, _ = h.Write(body)
	return h.Sum(nil)
}
