package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
)

// connections carry the callers: one would make the callers wait for each other, many would measure sockets.
const connections = 8

// callers submit orders to one address, or to several, a share of them to each.
type callers struct {
	conns []*conn
	next  *atomic.Int64 // number of the next order, shared so that numbers are never used twice
}

// conn is a connection and the token that its server takes.
type conn struct {
	*grpc.ClientConn
	token string
}

func (c *conn) context(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
}

// target is a server and a token that it takes.
type target struct{ addr, token string }

func dial(next *atomic.Int64, targets ...target) (*callers, error) {
	c := &callers{next: next}
	for i := range connections * len(targets) {
		t := targets[i%len(targets)]
		cc, err := grpc.NewClient(t.addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		c.conns = append(c.conns, &conn{cc, t.token})
	}
	return c, nil
}

func newOrder(customer, id string, minor int64) *pb.Order {
	return &pb.Order{OrderId: id, CustomerId: customer, Amount: &typev1.Money{CurrencyCode: "CNY", Amount: fmt.Sprintf("%d.%02d", minor/100, minor%100)}}
}

// customerName of number n.
func customerName(n int) string { return "C" + strconv.Itoa(1_000_000+n) }

// random is a submission of one order of a customer out of n.
func (c *callers) random(n int) *pb.SubmitOrderRequest {
	id := "O" + strconv.FormatInt(c.next.Add(1), 10)
	return &pb.SubmitOrderRequest{RequestId: id, Order: newOrder(customerName(rand.IntN(n)), id, 100+rand.Int64N(10_000))} //nolint:gosec // load, not secrets
}

func (c *callers) submit(ctx context.Context, cc *conn, n int) error {
	_, err := pb.NewOrderServiceClient(cc).SubmitOrder(ctx, c.random(n))
	return err
}

// each runs work so many times at once, each with a connection, and returns the first error and how long all took.
func (c *callers) each(ctx context.Context, workers int, work func(ctx context.Context, i int, cc *conn) error) (time.Duration, error) {
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	begin := time.Now()
	for i := range workers {
		wg.Go(func() {
			cc := c.conns[i%len(c.conns)]
			if err := work(cc.context(ctx), i, cc); err != nil {
				once.Do(func() { failed = err })
			}
		})
	}
	wg.Wait()
	return time.Since(begin), failed
}

// rate is orders per second with so many callers at once, over customers; a caller sends the next order when it has an answer.
func (c *callers) rate(ctx context.Context, workers, customers int, d time.Duration) (float64, error) {
	end := time.Now().Add(d)
	var done atomic.Int64
	took, err := c.each(ctx, workers, func(ctx context.Context, _ int, cc *conn) error {
		for time.Now().Before(end) {
			if err := c.submit(ctx, cc, customers); err != nil {
				return err
			}
			done.Add(1)
		}
		return nil
	})
	return float64(done.Load()) / took.Seconds(), err
}

// streamRate is orders per second over so many streams, each with so many orders under way, one order in a message.
func (c *callers) streamRate(ctx context.Context, streams, under, customers int, d time.Duration) (float64, error) {
	end := time.Now().Add(d)
	var done atomic.Int64
	took, err := c.each(ctx, streams, func(ctx context.Context, _ int, cc *conn) error {
		stream, err := pb.NewOrderServiceClient(cc).SubmitOrders(ctx)
		if err != nil {
			return err
		}
		free := make(chan struct{}, under)
		sent := make(chan error, 1)
		go func() {
			for time.Now().Before(end) {
				free <- struct{}{}
				if err := stream.Send(&pb.SubmitOrdersRequest{Submissions: []*pb.SubmitOrderRequest{c.random(customers)}}); err != nil {
					sent <- err
					return
				}
			}
			sent <- stream.CloseSend()
		}()
		for {
			resp, err := stream.Recv()
			if errors.Is(err, io.EOF) {
				return <-sent
			}
			if err != nil {
				return err
			}
			for _, r := range resp.GetResults() {
				if r.GetErrorReason() != "" {
					return fmt.Errorf("%s: %s", r.GetErrorReason(), r.GetErrorMessage())
				}
				done.Add(1)
				<-free
			}
		}
	})
	return float64(done.Load()) / took.Seconds(), err
}

// latency is the median time of one order with one caller.
func (c *callers) latency(ctx context.Context, customers, n int) (time.Duration, error) {
	times := make([]time.Duration, n)
	_, err := c.each(ctx, 1, func(ctx context.Context, _ int, cc *conn) error {
		for i := range times {
			t0 := time.Now()
			if err := c.submit(ctx, cc, customers); err != nil {
				return err
			}
			times[i] = time.Since(t0)
		}
		return nil
	})
	return median(times), err
}

// paced is the 99th percentile of the time of an order at a given rate, from when it was to be sent: a gate that falls behind shows.
func (c *callers) paced(ctx context.Context, perSecond float64, customers int, d time.Duration) (time.Duration, error) {
	count := int(perSecond * d.Seconds())
	if count < 1 {
		return 0, errors.New("the rate is below one order")
	}
	times, gap := make([]time.Duration, count), time.Duration(float64(time.Second)/perSecond)
	var next atomic.Int64
	begin := time.Now()
	_, err := c.each(ctx, 512, func(ctx context.Context, _ int, cc *conn) error {
		for {
			i := int(next.Add(1)) - 1
			if i >= count {
				return nil
			}
			due := begin.Add(time.Duration(i) * gap)
			time.Sleep(time.Until(due))
			if err := c.submit(ctx, cc, customers); err != nil {
				return err
			}
			times[i] = time.Since(due)
		}
	})
	slices.Sort(times)
	return times[len(times)*99/100], err
}

// fill tells the gate of n customers, each with an ample limit, through the feed that evaluation uses.
func (c *callers) fill(ctx context.Context, n int) error {
	var next atomic.Int64
	_, err := c.each(ctx, 512, func(ctx context.Context, _ int, cc *conn) error {
		client := pb.NewFeedServiceClient(cc)
		for {
			k := int(next.Add(1)) - 1
			if k >= n {
				return nil
			}
			if _, err := client.ApplyCreditProfiles(ctx, profile(k)); err != nil {
				return err
			}
		}
	})
	return err
}

func profile(k int) *pb.ApplyCreditProfilesRequest {
	id := customerName(k)
	return &pb.ApplyCreditProfilesRequest{Profiles: []*evaluationv1.CreditProfile{{
		CustomerId: id, Sequence: 1, BusinessDate: "2026-01-01", DisplayName: "Customer " + id, CurrencyCode: "CNY", SalespersonId: "sales-1",
		Grade: evaluationv1.Grade_GRADE_A,
		Grant: &evaluationv1.Grant{
			CustomerId: id, Version: 1, Treatment: evaluationv1.Treatment_TREATMENT_CREDIT, TermDays: 30, ValidFromDate: "2026-01-01",
			Limit: &evaluationv1.CreditLimit{Kind: &evaluationv1.CreditLimit_Amount{Amount: &typev1.Money{CurrencyCode: "CNY", Amount: "1000000000.00"}}},
		},
	}}}
}
