package grpcserver

import (
	"context"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/errs"
)

// witnessTimeout bounds what a refused call waits for those who see it.
const witnessTimeout = 5 * time.Second

// Refusal is a call of somebody who is known and may not do what they called for, or not in this way.
type Refusal struct {
	// Method is the full name, "/package.Service/Method".
	Method string
	// Caller is who was refused.
	Caller authn.Principal
	// Request is what they sent; nil of a stream. It may not have been checked: roles are looked at first.
	Request proto.Message
	// Err is why: of kind PermissionDenied, or an *errs.Error that is to be witnessed.
	Err error
}

// Witness is a registrar that shows a service what is refused.
type Witness interface {
	// OnRefused has fn called for every refusal, after all that the call did was rolled back and before it is answered. The
	// context says who called and on which business date, and ends within five seconds. To be called before Listen.
	OnRefused(fn func(ctx context.Context, r Refusal))
}

var _ Witness = (*registrar)(nil)

// OnRefused implements Witness.
func (r *registrar) OnRefused(fn func(context.Context, Refusal)) {
	r.witnesses = append(r.witnesses, fn)
}

// witnessed shows a refusal to those who want to see it.
func (s *Server) witnessed(ctx context.Context, record *callRecord) {
	if len(s.services.witnesses) == 0 || record.caller.Subject == "" || !isRefusal(record.cause) {
		return
	}
	// Hanging up does not keep an attempt out of the record.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), witnessTimeout)
	defer cancel()
	ctx = authn.WithPrincipal(ctx, record.caller)
	if dated, err := s.dated(ctx); err == nil {
		ctx = dated
	}
	request, _ := record.request.(proto.Message)
	for _, fn := range s.services.witnesses {
		fn(ctx, Refusal{Method: record.method, Caller: record.caller, Request: request, Err: record.cause})
	}
}

// isRefusal reports whether an error refuses an act beyond somebody's authority, or one around procedure.
func isRefusal(err error) bool {
	e, ok := errs.As(err)
	return ok && (e.Kind == errs.PermissionDenied || e.Witnessed)
}
