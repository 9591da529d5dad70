package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
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

// callers submit orders to one address.
type callers struct {
	conns []*grpc.ClientConn
	token string
	next  *atomic.Int64 // number of the next order, shared so that numbers are never used twice
}

func dial(addr, token string, next *atomic.Int64) (*callers, error) {
	c := &callers{token: token, next: next}
	for range connections {
		conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
		if err != nil {
			return nil, err
		}
		c.conns = append(c.conns, conn)
	}
	return c, nil
}

func newOrder(customer, id string, minor int64) *pb.Order {
	return &pb.Order{OrderId: id, CustomerId: customer, Amount: &typev1.Money{CurrencyCode: "CNY", Amount: fmt.Sprintf("%d.%02d", minor/100, minor%100)}}
}

// customerName of number n.
func customerName(n int) string { return "C" + strconv.Itoa(1_000_000+n) }

// submit sends one order of a customer out of n.
func (c *callers) submit(ctx context.Context, conn *grpc.ClientConn, n int) error {
	id := "O" + strconv.FormatInt(c.next.Add(1), 10)
	_, err := pb.NewOrderServiceClient(conn).SubmitOrder(ctx, &pb.SubmitOrderRequest{
		RequestId: id, Order: newOrder(customerName(rand.IntN(n)), id, 100+rand.Int64N(10_000)), //nolint:gosec // load, not secrets
	})
	return err
}

func (c *callers) context(ctx context.Context) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+c.token)
}

// rate is orders per second with so many callers at once, over customers; a caller sends the next order when it has an answer.
func (c *callers) rate(ctx context.Context, workers, customers int, d time.Duration) (float64, error) {
	ctx = c.context(ctx)
	end := time.Now().Add(d)
	var done atomic.Int64
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	begin := time.Now()
	for i := range workers {
		wg.Go(func() {
			conn := c.conns[i%len(c.conns)]
			for time.Now().Before(end) {
				if err := c.submit(ctx, conn, customers); err != nil {
					once.Do(func() { failed = err })
					return
				}
				done.Add(1)
			}
		})
	}
	wg.Wait()
	return float64(done.Load()) / time.Since(begin).Seconds(), failed
}

// latency is the median time of one order with one caller.
func (c *callers) latency(ctx context.Context, customers, n int) (time.Duration, error) {
	ctx = c.context(ctx)
	times := make([]time.Duration, n)
	for i := range times {
		t0 := time.Now()
		if err := c.submit(ctx, c.conns[0], customers); err != nil {
			return 0, err
		}
		times[i] = time.Since(t0)
	}
	return median(times), nil
}

// fill tells the gate of n customers, each with an ample limit, through the feed that evaluation uses.
func (c *callers) fill(ctx context.Context, n int) error {
	ctx = c.context(ctx)
	numbers := make(chan int)
	var wg sync.WaitGroup
	var once sync.Once
	var failed error
	for i := range 128 {
		wg.Go(func() {
			client := pb.NewFeedServiceClient(c.conns[i%len(c.conns)])
			for k := range numbers {
				if _, err := client.ApplyCreditProfiles(ctx, profile(k)); err != nil {
					once.Do(func() { failed = err })
				}
			}
		})
	}
	for k := range n {
		numbers <- k
	}
	close(numbers)
	wg.Wait()
	return failed
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
