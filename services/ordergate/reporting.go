package ordergate

import (
	"crypto/rand"
	"time"

	"google.golang.org/grpc"

	"github.com/avalcredit/aval/pkg/lifecycle"
	"github.com/avalcredit/aval/pkg/operation"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/policy"
	pb "github.com/avalcredit/aval/proto/gen/aval/ordergate/v1"
	"github.com/avalcredit/aval/services/ordergate/internal/app"
	"github.com/avalcredit/aval/services/ordergate/internal/jobs"
	"github.com/avalcredit/aval/services/ordergate/internal/rpc"
)

// Reporting says how reports are made.
type Reporting struct {
	Zone      *time.Location // where business dates change and the policy's hour is counted; nil: UTC
	FontFile  string         // font of documents; empty: the usual places are looked through
	Scheduled bool           // reports are made, orders on hold judged again and chains verified by the clock; off where callers set the business date
}

// reporting is what reads the journals beside the decision path: daily reports and long-running operations.
type reporting struct {
	reports     *rpc.Reports
	operations  *rpc.LongRunning
	makeReports *jobs.Reports       // nil: not scheduled
	recheck     *jobs.Waiting       // nil: not scheduled
	verify      *jobs.Verifications // nil: not scheduled
	work        *operation.Worker
}

func newReporting(d Deps, gate *app.Gate, verifier *app.Verifier, versions *policy.Store, pages *page.Signer) reporting {
	store, policies := gate.Store, gate.Policies
	zone := d.Reporting.Zone
	if zone == nil {
		zone = time.UTC
	}
	settings := policy.NewCache(versions, rpc.DecodeReportSettings)
	reports := app.NewReports(store, settings, d.Clock, pages)
	worker := rand.Text() // of this process
	operations, simulator := operation.NewStore(d.Pool), &app.Simulator{Store: store, Policies: policies, Clock: d.Clock}
	work := operation.NewWorker(operation.Worker{
		Store: operations, Log: d.Log, Name: worker, Kinds: map[string]operation.Work{app.KindSimulation: simulator.Run},
	})
	r := reporting{
		reports:    &rpc.Reports{Reports: reports, Zone: zone, FontFile: d.Reporting.FontFile},
		operations: &rpc.LongRunning{Operations: &app.Operations{Store: operations, Policies: policies, Clock: d.Clock, Pages: pages, Wake: work.Wake}},
		work:       work,
	}
	if d.Reporting.Scheduled {
		r.makeReports = &jobs.Reports{App: reports, Clock: d.Clock, Zone: zone, Log: d.Log, Worker: worker}
		r.verify = &jobs.Verifications{Verifier: verifier, Store: store, Settings: settings, Clock: d.Clock, Zone: zone, Log: d.Log, Worker: worker}
		r.recheck = &jobs.Waiting{Gate: gate, Store: store, Policies: policies, Clock: d.Clock, Log: d.Log, Worker: worker}
	}
	return r
}

func (r reporting) register(registrar grpc.ServiceRegistrar) {
	pb.RegisterReportServiceServer(registrar, r.reports)
	pb.RegisterOperationServiceServer(registrar, r.operations)
	pb.RegisterPolicySimulationServiceServer(registrar, r.operations)
}

func (r reporting) tasks() []lifecycle.Task {
	tasks := []lifecycle.Task{{Name: "ordergate operations", Run: r.work.Run}}
	if r.makeReports != nil {
		tasks = append(tasks, lifecycle.Task{Name: "ordergate daily reports", Run: r.makeReports.Run},
			lifecycle.Task{Name: "ordergate orders on hold", Run: r.recheck.Run}, lifecycle.Task{Name: "ordergate verification", Run: r.verify.Run})
	}
	return tasks
}
