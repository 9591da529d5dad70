package event_test

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
	"github.com/avalcredit/aval/services/ordergate/internal/event"
)

func TestCloudEvent(t *testing.T) {
	t.Parallel()
	e := event.Shipment{
		CustomerID: "C-1", Seq: 12, Type: "ORDER_RELEASED", OrderID: "O-7", BusinessDate: calendar.MustDate("2026-07-01"),
		Time: time.Date(2026, 7, 1, 4, 0, 0, 0, time.UTC),
	}
	body, err := e.CloudEvent()
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"specversion": "1.0", "id": "C-1/12", "source": "/aval/ordergate", "type": "aval.ordergate.order_released.v1", "subject": "orders/O-7",
		"time": "2026-07-01T04:00:00Z", "datacontenttype": "application/json", "sequence": "00000000000000000012",
	} {
		if got[name] != want {
			t.Errorf("%s is %v, want %s", name, got[name], want)
		}
	}
	if strings.Contains(string(body), "amount") {
		t.Errorf("an amount leaves the house: %s", body)
	}
}

func TestSignature(t *testing.T) {
	t.Parallel()
	key, body, now := []byte("key"), []byte("body"), time.Unix(1_800_000_000, 0)
	sum := event.Sign(key, body, now)
	for _, c := range []struct {
		name      string
		key, body string
		header    string
		at        time.Time
		want      bool
	}{
		{"as signed", "key", "body", sum, now.Add(time.Minute), true},
		{"another key", "other", "body", sum, now, false},
		{"another body", "key", "bodi", sum, now, false},
		{"sent again later", "key", "body", sum, now.Add(time.Hour), false},
		{"another time", "key", "body", strings.Replace(sum, "t=18", "t=19", 1), now, false},
		{"nothing", "key", "body", "", now, false},
		{"no hash", "key", "body", "t=1800000000,v1=", now, false},
	} {
		if got := event.Verify([]byte(c.key), []byte(c.body), c.header, c.at, 5*time.Minute); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

func TestTargets(t *testing.T) {
	t.Parallel()
	out := event.Targets{Hosts: []string{"wms.example.com", ".ship.example.com", "10.0.0.1", "8.8.8.8"}}
	dev := event.Targets{Development: true}
	for _, c := range []struct {
		targets event.Targets
		url     string
		allowed bool
	}{
		{out, "https://wms.example.com/hook?a=b", true},
		{out, "https://WMS.example.com:8443/hook", true},
		{out, "https://a.ship.example.com", true},
		{out, "https://ship.example.com", false},
		{out, "https://evil-wms.example.com", false},
		{out, "https://wms.example.com.evil.com", false},
		{out, "http://wms.example.com", false},
		{out, "https://user@wms.example.com", false},
		{out, "https://wms.example.com@evil.com", false},
		{out, "https://wms.example.com/#x", false},
		{out, "https://10.0.0.1", false},
		{out, "https://8.8.8.8", true},
		{out, "ftp://wms.example.com", false},
		{out, "wms.example.com", false},
		{out, "https:///hook", false},
		{event.Targets{}, "https://wms.example.com", false},
		{dev, "http://127.0.0.1:8080/", true},
		{dev, "file:///etc/passwd", false},
	} {
		err := c.targets.Check(c.url)
		if (err == nil) != c.allowed || (err != nil && errs.ReasonOf(err) != "WEBHOOK_URL_NOT_ALLOWED") {
			t.Errorf("%s: %v", c.url, err)
		}
	}
	for ip, allowed := range map[string]bool{
		"8.8.8.8": true, "2606:4700::1111": true, "127.0.0.1": false, "::1": false, "10.1.2.3": false, "172.16.0.1": false, "192.168.1.1": false,
		"169.254.169.254": false, "100.64.0.1": false, "0.0.0.0": false, "224.0.0.1": false, "255.255.255.255": false, "fd00::1": false,
		"fe80::1": false, "::ffff:127.0.0.1": false, "64:ff9b::7f00:1": false, "2002:7f00:1::": false,
	} {
		if got := out.AllowsAddr(netip.MustParseAddr(ip)); got != allowed {
			t.Errorf("%s: %v", ip, got)
		}
	}
}
