package grpcserver_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"github.com/avalcredit/aval/pkg/grpcclient"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/internal/echo"
)

// slow is a handler that says when a call has come in and answers when it may.
type slow struct{ entered, release chan struct{} }

func newSlow() slow { return slow{entered: make(chan struct{}, 8), release: make(chan struct{})} }

func (s slow) handle(ctx context.Context, _, text string) (string, error) {
	s.entered <- struct{}{}
	select {
	case <-s.release:
		return text, nil
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func TestShutdownLetsCallsFinish(t *testing.T) {
	t.Parallel()
	handler := newSlow()
	r := start(t, grpcserver.Config{DrainDelay: 300 * time.Millisecond}, grpcserver.Deps{}, handler.handle)
	r.SetServing(grpcserver.Ready, true)

	// A watch of health must notice, and must not hold up the end.
	watch, err := healthv1.NewHealthClient(r.conn).Watch(limited(t), &healthv1.HealthCheckRequest{Service: grpcserver.Ready})
	must(t, err)
	answer, err := watch.Recv()
	must(t, err)
	if answer.GetStatus() != healthv1.HealthCheckResponse_SERVING {
		t.Fatalf("ready is %v", answer.GetStatus())
	}

	before, after := make(chan error, 1), make(chan error, 1)
	say := func(to chan<- error) {
		_, err := echo.Call(r.as(t, "m-1", "SALES_MANAGER"), r.conn, echo.Say, "x")
		to <- err
	}
	go say(before)
	<-handler.entered
	ended := make(chan error, 1)
	go func() { ended <- r.stop() }()

	answer, err = watch.Recv()
	must(t, err)
	if answer.GetStatus() != healthv1.HealthCheckResponse_NOT_SERVING {
		t.Fatalf("ready is %v while draining", answer.GetStatus())
	}
	// Those who have not noticed yet are still served.
	go say(after)
	<-handler.entered
	select {
	case err := <-ended:
		t.Fatalf("ended with calls running: %v", err)
	case <-time.After(600 * time.Millisecond):
	}
	close(handler.release)
	must(t, <-before)
	must(t, <-after)
	select {
	case err := <-ended:
		must(t, err)
	case <-time.After(patience):
		t.Fatal("did not end")
	}
	if _, err := echo.Call(r.as(t, "m-1", "SALES_MANAGER"), r.conn, echo.Say, "x"); status.Code(err) != codes.Unavailable {
		t.Errorf("after the end: %v", err)
	}
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	t.Parallel()
	handler := newSlow()
	r := start(t, grpcserver.Config{DrainTimeout: 100 * time.Millisecond}, grpcserver.Deps{}, handler.handle)
	answered := make(chan error, 1)
	go func() {
		_, err := echo.Call(r.as(t, "m-1", "SALES_MANAGER"), r.conn, echo.Say, "x")
		answered <- err
	}()
	<-handler.entered
	must(t, r.stop())
	if err := <-answered; err == nil {
		t.Error("the call was answered")
	}
	if !strings.Contains(r.log.String(), "cut off") {
		t.Error("the log does not tell")
	}
}

func TestPortInUseIsAnError(t *testing.T) {
	t.Parallel()
	r := start(t, grpcserver.Config{}, grpcserver.Deps{}, repeat)
	addr, err := r.Listen()
	must(t, err)
	second, err := grpcserver.New(grpcserver.Config{Addr: addr.String()}, grpcserver.Deps{Verifier: r.issuer})
	must(t, err)
	if err := second.Run(limited(t)); err == nil {
		t.Error("two servers share a port")
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	web := httptest.NewTLSServer(nil) // for its certificate
	defer web.Close()
	r := start(t, grpcserver.Config{}, grpcserver.Deps{TLS: &tls.Config{Certificates: web.TLS.Certificates}}, repeat)
	if _, err := echo.Call(r.as(t, "m-1", "SALES_MANAGER"), r.conn, echo.Say, "x"); status.Code(err) != codes.Unavailable {
		t.Errorf("without TLS: %v", err)
	}
	trusted := x509.NewCertPool()
	trusted.AddCert(web.Certificate())
	for name, c := range map[string]struct {
		roots *x509.CertPool
		want  codes.Code
	}{"trusted": {trusted, codes.OK}, "not trusted": {x509.NewCertPool(), codes.Unavailable}} {
		conn, err := grpcclient.Dial(limited(t), r.conn.Target(), grpcclient.Options{
			TLS: &tls.Config{RootCAs: c.roots}, KeepStatus: true,
		})
		must(t, err)
		if _, err := echo.Call(r.as(t, "m-1", "SALES_MANAGER"), conn, echo.Say, "x"); status.Code(err) != c.want {
			t.Errorf("%s: %v", name, err)
		}
		must(t, conn.Close())
	}
}
