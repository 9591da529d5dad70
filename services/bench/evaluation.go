package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/grpcserver"
	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/pg"
	"github.com/avalcredit/aval/pkg/pgdev"
	"github.com/avalcredit/aval/pkg/telemetry"
	evaluationv1 "github.com/avalcredit/aval/proto/gen/aval/evaluation/v1"
	"github.com/avalcredit/aval/services/evaluation"
)

// evaluationGroup measures a dry run of the policy over all customers: read from the database with their facts and payment records, rated, and
// written back, a row each.
func evaluationGroup(ctx context.Context, cfg Config, db *pgdev.Server, out io.Writer) error {
	if err := onDatabase(ctx, db, "postgres", func(c *pgx.Conn) error {
		_, err := c.Exec(ctx, `CREATE DATABASE evaluation`)
		return err
	}); err != nil {
		return err
	}
	p, err := startEvaluation(ctx, db.DSN("evaluation"))
	if err != nil {
		return err
	}
	err = p.measure(ctx, cfg, db, out)
	return errors.Join(err, p.stop())
}

// evaluationProcess is the phase before the sale in a process of its own.
type evaluationProcess struct {
	evaluationReady
	cmd   *exec.Cmd
	stdin io.WriteCloser
}

// evaluationReady is what the serving process tells the one that measures it.
type evaluationReady struct{ Addr, Token string }

func startEvaluation(ctx context.Context, dsn string) (*evaluationProcess, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &evaluationProcess{cmd: exec.CommandContext(ctx, self, "--serve-evaluation="+dsn)} //nolint:gosec // this program itself
	p.cmd.Stderr = os.Stderr
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	if err != nil {
		return nil, errors.Join(fmt.Errorf("evaluation did not start: %w", err), p.stop())
	}
	return p, json.Unmarshal(line, &p.evaluationReady)
}

func (p *evaluationProcess) stop() error { return errors.Join(p.stdin.Close(), p.cmd.Wait()) }

func (p *evaluationProcess) measure(ctx context.Context, cfg Config, db *pgdev.Server, out io.Writer) error {
	begin := time.Now()
	var postmaster int
	var shape string
	if err := onDatabase(ctx, db, "evaluation", func(c *pgx.Conn) (err error) {
		if _, postmaster, err = processorTime(int(c.PgConn().PID())); err != nil {
			return err
		}
		shape, err = fillEvaluation(ctx, c, cfg.Rated)
		return err
	}); err != nil {
		return err
	}
	fmt.Fprintf(out, "dry runs of the built-in policy over %d customers (%s; made in %s); one process, and PostgreSQL\n",
		cfg.Rated, shape, time.Since(begin).Round(time.Second))
	conn, err := grpc.NewClient(p.Addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	var rates, inGo, inPostgres []float64
	var last *evaluationv1.PortfolioRun
	for range max(1, min(cfg.Rounds, evaluationRounds)) {
		before, err := p.used(postmaster)
		if err != nil {
			return err
		}
		if last, err = p.run(ctx, evaluationv1.NewPortfolioRunServiceClient(conn)); err != nil {
			return err
		}
		after, err := p.used(postmaster)
		if err != nil {
			return err
		}
		n, spent := float64(last.GetDone()), after.since(before)
		rates = append(rates, n/last.GetEndTime().AsTime().Sub(last.GetStartTime().AsTime()).Seconds())
		inGo, inPostgres = append(inGo, float64(spent.Go.Microseconds())/n), append(inPostgres, float64(spent.Postgres.Microseconds())/n)
	}
	peak, err := peakMemory(p.cmd.Process.Pid)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "  %-42s %10.0f   (rounds: %.0f)\n", "customers a second, read, rated, written", median(rates), rates)
	busy := median(inGo) + median(inPostgres)
	fmt.Fprintf(out, "  %-42s %10.0f   (%.1f + %.1f microseconds of processor a customer)\n", "with 2 processors of its own", 2e6/busy, median(inGo), median(inPostgres))
	report(out, "evaluation.rate_per_s", median(rates), 0)
	report(out, "evaluation.peak_mb", peak, 0)
	report(out, "evaluation.cpu_us_go", median(inGo), 1)
	report(out, "evaluation.cpu_us_postgres", median(inPostgres), 1)
	return nil
}

const evaluationRounds = 3

// run starts a dry run of the built-in policy and waits for its end.
func (p *evaluationProcess) run(ctx context.Context, client evaluationv1.PortfolioRunServiceClient) (*evaluationv1.PortfolioRun, error) {
	ctx = metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+p.Token, "aval-business-date", ratedOn.String())
	started, err := client.SimulateEvaluationPolicy(ctx, &evaluationv1.SimulateEvaluationPolicyRequest{RequestId: "bench-" + strconv.FormatInt(time.Now().UnixNano(), 10), Version: 1})
	if err != nil {
		return nil, err
	}
	id := started.GetPortfolioRun().GetPortfolioRunId()
	for {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		got, err := client.GetPortfolioRun(ctx, &evaluationv1.GetPortfolioRunRequest{PortfolioRunId: id}, grpc.MaxCallRecvMsgSize(64<<20))
		if err != nil {
			return nil, err
		}
		switch run := got.GetPortfolioRun(); run.GetState() {
		case evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_SUCCEEDED:
			return run, nil
		case evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_FAILED, evaluationv1.PortfolioRunState_PORTFOLIO_RUN_STATE_CANCELLED:
			return nil, fmt.Errorf("the run ended %s: %s %s", run.GetState(), run.GetErrorReason(), run.GetErrorMessage())
		default:
		}
	}
}

// used is what the process and the server behind a postmaster have used.
func (p *evaluationProcess) used(postmaster int) (u usage, err error) {
	if u.Go, _, err = processorTime(p.cmd.Process.Pid); err != nil {
		return u, err
	}
	u.Postgres, err = postgresTime(postmaster)
	return u, err
}

// peakMemory is the most memory that a process has had, in megabytes (proc(5), VmHWM).
func peakMemory(pid int) (float64, error) {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "status"))
	if err != nil {
		return 0, err
	}
	_, rest, ok := bytes.Cut(text, []byte("VmHWM:"))
	fields := bytes.Fields(rest)
	if !ok || len(fields) == 0 {
		return 0, errors.New("the memory of the process cannot be seen in /proc")
	}
	kb, err := strconv.ParseFloat(string(fields[0]), 64)
	return kb / 1000, err
}

// serveEvaluation runs the phase as it runs in production, in a process of its own. Receivables and the gate are not there: the payment records
// of the day are in the database.
func serveEvaluation(ctx context.Context, dsn string, out io.Writer) error {
	ctx = endWithParent(ctx, out)
	tel, err := telemetry.New(ctx, telemetry.Config{Service: "evaluationd", LogLevel: "warn", LogWriter: os.Stderr})
	if err != nil {
		return err
	}
	pool, err := pg.Open(ctx, pg.Config{URL: dsn, Schema: evaluation.Schema, MaxConns: 16, Tracer: tel.Tracer})
	if err != nil {
		return err
	}
	defer pool.Close()
	loc, err := calendar.Zone("Asia/Shanghai")
	if err != nil {
		return err
	}
	clock := calendar.SystemClock(loc)
	dir, err := os.MkdirTemp("", "aval-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	issuer, err := authn.NewIssuer(dir)
	if err != nil {
		return err
	}
	srv, err := grpcserver.New(grpcserver.Config{Addr: "127.0.0.1:0", DevClock: true},
		grpcserver.Deps{Log: tel.Log, Verifier: issuer, Clock: clock, Tracer: tel.Tracer, Meter: tel.Meter, Registry: tel.Registry})
	if err != nil {
		return err
	}
	service, err := evaluation.New(ctx, evaluation.Deps{Pool: pool, Clock: clock, Log: tel.Log, PageKey: []byte("bench"), OrderGate: absent{}, Receivables: absent{}})
	if err != nil {
		return err
	}
	service.Register(srv.Registrar())
	addr, err := srv.Listen()
	if err != nil {
		return err
	}
	r := evaluationReady{Addr: addr.String()}
	if r.Token, err = issuer.Token([]string{"CREDIT_MANAGER"}, "credit-manager", 24*time.Hour); err != nil {
		return err
	}
	if err := json.NewEncoder(out).Encode(r); err != nil {
		return err
	}
	return lifecycle.Run(ctx, tel.Log, lifecycle.Task{Name: "evaluation", Run: service.Run}, lifecycle.Task{Name: "grpc", Run: srv.Run})
}
