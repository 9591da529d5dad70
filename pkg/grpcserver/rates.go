package grpcserver

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxRatedSubjects bounds each of the two generations of remembered subjects.
const maxRatedSubjects = 8192

// subjectRates has a token bucket per subject. When the young generation is full it becomes the old one and the former
// old one is forgotten, so that memory is bounded; a forgotten subject only gets its full burst back.
type subjectRates struct {
	limit rate.Limit
	burst int

	mu         sync.Mutex
	young, old map[string]*rate.Limiter
}

func newSubjectRates(perSecond float64, burst int) *subjectRates {
	if burst <= 0 {
		burst = max(1, int(math.Ceil(perSecond)))
	}
	return &subjectRates{limit: rate.Limit(perSecond), burst: burst, young: map[string]*rate.Limiter{}}
}

// take takes one call from the subject's bucket; where it is empty it returns the wait until there is one again.
func (r *subjectRates) take(subject string, now time.Time) (time.Duration, bool) {
	reservation := r.bucket(subject).ReserveN(now, 1)
	delay := reservation.DelayFrom(now)
	if delay == 0 {
		return 0, true
	}
	reservation.CancelAt(now)
	return delay, false
}

func (r *subjectRates) bucket(subject string) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	if bucket, ok := r.young[subject]; ok {
		return bucket
	}
	bucket, ok := r.old[subject]
	if !ok {
		bucket = rate.NewLimiter(r.limit, r.burst)
	}
	if len(r.young) >= maxRatedSubjects {
		r.old, r.young = r.young, map[string]*rate.Limiter{}
	}
	r.young[subject] = bucket
	return bucket
}
