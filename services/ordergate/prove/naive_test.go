package prove_test

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/money"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/telemetry"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/ordergate/prove"
)

// naive is a gate as one writes it in an afternoon, each kind with one mistake: proof that the rig finds them.
type naive struct {
	pb.UnimplementedOrderServiceServer
	pb.UnimplementedFeedServiceServer
	pb.UnimplementedCreditAccountServiceServer
	pb.UnimplementedOperationsServiceServer
	pool  *pgxpool.Pool
	racy  bool // reads, checks and writes without a lock or a key that would show that somebody else was there
	async bool // answers before the commit is on the disk
	noIDs bool // does not know a request that it answered before
}

// naiveGates are the gates by name; "careful" makes no mistake, so that the rig can be seen to accuse nobody wrongly.
func naiveGates() map[string]prove.NewGate {
	kinds := map[string]naive{"careful": {}, "racy": {racy: true}, "async": {async: true}, "no-ids": {noIDs: true}}
	gates := map[string]prove.NewGate{}
	for name, kind := range kinds {
		gates[name] = func(ctx context.Context, pool *pgxpool.Pool, _ calendar.Clock, _ *telemetry.Telemetry) (prove.Gate, error) {
			g := kind
			g.pool = pool
			_, err := pool.Exec(ctx, naiveSchema)
			return &g, err
		}
	}
	return gates
}

const naiveSchema = `
SELECT pg_advisory_lock(1);
CREATE SCHEMA IF NOT EXISTS ordergate;
CREATE TABLE IF NOT EXISTS ordergate.accounts (id text PRIMARY KEY, credit_limit bigint, used bigint, seq bigint, profile bigint);
CREATE TABLE IF NOT EXISTS ordergate.orders (order_id text, account_id text, state text, reserved bigint);
CREATE TABLE IF NOT EXISTS ordergate.answers (request_id text PRIMARY KEY, answer text);
CREATE TABLE IF NOT EXISTS ordergate.journal (account_id text, seq bigint, kind text, order_id text, request_id text,
    order_minor bigint, delivery_minor bigint DEFAULT 0, receivable_minor bigint DEFAULT 0, unapplied_minor bigint DEFAULT 0);
CREATE INDEX IF NOT EXISTS orders_id ON ordergate.orders (order_id);
SELECT pg_advisory_unlock(1);`

// Register implements prove.Gate.
func (n *naive) Register(r grpc.ServiceRegistrar) {
	pb.RegisterOrderServiceServer(r, n)
	pb.RegisterFeedServiceServer(r, n)
	pb.RegisterCreditAccountServiceServer(r, n)
	pb.RegisterOperationsServiceServer(r, n)
}

// Run implements prove.Gate.
func (n *naive) Run(ctx context.Context) error { <-ctx.Done(); return nil }

// result is what a naive decision answers.
type result struct {
	Seq, Before, After, Reserved int64
	State                        string
}

// state of an account, in a transaction.
type state struct {
	tx               pgx.Tx
	id               string
	limit, used, seq int64
}

// change runs a decision on an account: same request, same answer, unless that is the mistake.
func (n *naive) change(ctx context.Context, account, request string, decide func(context.Context, *state) (result, error)) (result, error) {
	var r result
	err := pg.InTx(ctx, n.pool, func(ctx context.Context, tx pgx.Tx) error {
		if n.async {
			if _, err := tx.Exec(ctx, `SET LOCAL synchronous_commit = off`); err != nil {
				return err
			}
		}
		s := &state{tx: tx, id: account}
		query := `SELECT credit_limit, used, seq FROM accounts WHERE id = $1`
		if !n.racy {
			query += ` FOR UPDATE`
		}
		if err := tx.QueryRow(ctx, query, account).Scan(&s.limit, &s.used, &s.seq); err != nil {
			return pg.Err(err)
		}
		var known string
		err := tx.QueryRow(ctx, `SELECT answer FROM answers WHERE request_id = $1`, request).Scan(&known)
		if err == nil && !n.noIDs {
			return json.Unmarshal([]byte(known), &r)
		}
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return pg.Err(err)
		}
		if r, err = decide(ctx, s); err != nil {
			return pg.Err(err)
		}
		answer, err := json.Marshal(r)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, `INSERT INTO answers VALUES ($1, $2) ON CONFLICT DO NOTHING`, request, string(answer))
		return pg.Err(err)
	})
	return r, err
}

func (s *state) write(ctx context.Context, kind, orderID, request string) error {
	s.seq++
	if _, err := s.tx.Exec(ctx, `UPDATE accounts SET used = $2, seq = $3 WHERE id = $1`, s.id, s.used, s.seq); err != nil {
		return err
	}
	_, err := s.tx.Exec(ctx, `INSERT INTO journal (account_id, seq, kind, order_id, request_id, order_minor) VALUES ($1, $2, $3, $4, $5, $6)`,
		s.id, s.seq, kind, orderID, request, s.used)
	return err
}

// SubmitOrder implements the contract.
func (n *naive) SubmitOrder(ctx context.Context, r *pb.SubmitOrderRequest) (*pb.SubmitOrderResponse, error) {
	m, err := money.Parse("CNY", r.GetOrder().GetAmount().GetAmount())
	if err != nil {
		return nil, err
	}
	id := r.GetOrder().GetOrderId()
	res, err := n.change(ctx, r.GetOrder().GetCustomerId(), r.GetRequestId(), func(ctx context.Context, s *state) (result, error) {
		res := result{Before: s.used, After: s.used + m.Minor, State: "HELD"}
		if res.After <= s.limit {
			res.State, res.Reserved = "APPROVED", m.Minor
			s.used = res.After
		}
		if err := s.write(ctx, "ORDER_SUBMITTED", id, r.GetRequestId()); err != nil {
			return res, err
		}
		res.Seq = s.seq
		_, err := s.tx.Exec(ctx, `INSERT INTO orders VALUES ($1, $2, $3, $4)`, id, s.id, res.State, res.Reserved)
		return res, err
	})
	return &pb.SubmitOrderResponse{Order: res.order(id), Decision: &pb.Decision{ExposureBefore: cny(res.Before), ExposureAfter: cny(res.After)}}, err
}

// CancelOrder implements the contract.
func (n *naive) CancelOrder(ctx context.Context, r *pb.CancelOrderRequest) (*pb.CancelOrderResponse, error) {
	var account string
	err := n.pool.QueryRow(ctx, `SELECT account_id FROM orders WHERE order_id = $1`, r.GetOrderId()).Scan(&account)
	if err != nil {
		return nil, pg.Err(err)
	}
	res, err := n.change(ctx, account, r.GetRequestId(), func(ctx context.Context, s *state) (result, error) {
		var reserved int64
		if err := s.tx.QueryRow(ctx, `SELECT reserved FROM orders WHERE order_id = $1`, r.GetOrderId()).Scan(&reserved); err != nil {
			return result{}, err
		}
		s.used -= reserved
		if _, err := s.tx.Exec(ctx, `UPDATE orders SET state = 'CANCELLED', reserved = 0 WHERE order_id = $1`, r.GetOrderId()); err != nil {
			return result{}, err
		}
		err := s.write(ctx, "ORDER_CANCELLED", r.GetOrderId(), r.GetRequestId())
		return result{State: "CANCELLED", Seq: s.seq}, err
	})
	return &pb.CancelOrderResponse{Order: res.order(r.GetOrderId())}, err
}

func (r result) order(id string) *pb.Order {
	return &pb.Order{OrderId: id, State: pb.OrderState(pb.OrderState_value["ORDER_STATE_"+r.State]), ReservedAmount: cny(r.Reserved), JournalSequence: r.Seq}
}

// ListOrders implements the contract.
func (n *naive) ListOrders(ctx context.Context, r *pb.ListOrdersRequest) (*pb.ListOrdersResponse, error) {
	rows, err := n.pool.Query(ctx, `SELECT order_id, state, reserved FROM orders WHERE account_id = $1`, r.GetCustomerId())
	if err != nil {
		return nil, pg.Err(err)
	}
	resp := &pb.ListOrdersResponse{}
	var id, st string
	var reserved int64
	_, err = pgx.ForEachRow(rows, []any{&id, &st, &reserved}, func() error {
		resp.Orders = append(resp.Orders, result{State: st, Reserved: reserved}.order(id))
		return nil
	})
	return resp, pg.Err(err)
}

// ApplyCreditProfiles implements the contract.
func (n *naive) ApplyCreditProfiles(ctx context.Context, r *pb.ApplyCreditProfilesRequest) (*pb.ApplyCreditProfilesResponse, error) {
	p := r.GetProfiles()[0]
	m, err := money.Parse("CNY", p.GetGrant().GetLimit().GetAmount().GetAmount())
	if err != nil {
		return nil, err
	}
	err = pg.InTx(ctx, n.pool, func(ctx context.Context, tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `INSERT INTO accounts VALUES ($1, $2, 0, 1, $3) ON CONFLICT DO NOTHING`, p.GetCustomerId(), m.Minor, p.GetSequence())
		if err == nil && tag.RowsAffected() > 0 {
			_, err = tx.Exec(ctx, `INSERT INTO journal (account_id, seq, kind, order_minor) VALUES ($1, 1, 'PROFILE_RECEIVED', 0)`, p.GetCustomerId())
		}
		return pg.Err(err)
	})
	return &pb.ApplyCreditProfilesResponse{LastSequence: p.GetSequence()}, err
}

// GetCreditAccount implements the contract.
func (n *naive) GetCreditAccount(ctx context.Context, r *pb.GetCreditAccountRequest) (*pb.GetCreditAccountResponse, error) {
	var limit, used, seq int64
	err := n.pool.QueryRow(ctx, `SELECT credit_limit, used, seq FROM accounts WHERE id = $1`, r.GetCustomerId()).Scan(&limit, &used, &seq)
	return &pb.GetCreditAccountResponse{Account: &pb.CreditAccount{
		Sequence: seq, Exposure: cny(used), Limit: cny(limit), Buckets: &pb.ExposureBuckets{Order: cny(used), Delivery: cny(0)},
	}}, pg.Err(err)
}

// VerifyChains implements the contract.
func (n *naive) VerifyChains(context.Context, *pb.VerifyChainsRequest) (*pb.VerifyChainsResponse, error) {
	return &pb.VerifyChainsResponse{}, nil
}

func cny(minor int64) *typev1.Money {
	return &typev1.Money{CurrencyCode: "CNY", Amount: money.New(minor, "CNY").String()}
}
