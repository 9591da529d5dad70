package grpcserver

import (
	"errors"

	"github.com/prometheus/client_golang/prometheus"
)

// counters count what operators alert on and what the calls' durations do not show.
type counters struct {
	refusals *prometheus.CounterVec
	panics   *prometheus.CounterVec
}

func newCounters(registry prometheus.Registerer) (counters, error) {
	c := counters{
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aval_grpc_refusals_total", Help: "Calls that ended with an error, by its code and reason.",
		}, []string{"method", "code", "reason"}),
		panics: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "aval_grpc_panics_total", Help: "Calls that ended in a panic.",
		}, []string{"method"}),
	}
	if registry == nil {
		return c, nil
	}
	var err, failed error
	c.refusals, err = registered(registry, c.refusals)
	failed = errors.Join(failed, err)
	c.panics, err = registered(registry, c.panics)
	return c, errors.Join(failed, err)
}

// registered lets several servers of one process count into the same counter.
func registered(registry prometheus.Registerer, c *prometheus.CounterVec) (*prometheus.CounterVec, error) {
	err := registry.Register(c)
	var before prometheus.AlreadyRegisteredError
	if errors.As(err, &before) {
		if existing, ok := before.ExistingCollector.(*prometheus.CounterVec); ok {
			return existing, nil
		}
	}
	return c, err
}

func (c counters) refused(method, code, reason string) {
	c.refusals.WithLabelValues(method, code, reason).Inc()
}

func (c counters) panicked(method string) { c.panics.WithLabelValues(method).Inc() }
