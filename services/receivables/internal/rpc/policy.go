package rpc

import (
	"context"
	"encoding/hex"
	"fmt"
	"strconv"

	"google.golang.org/protobuf/proto"

	"github.com/avalcredit/aval/pkg/idem"
	"github.com/avalcredit/aval/pkg/page"
	"github.com/avalcredit/aval/pkg/policy"
	receivablesv1 "github.com/avalcredit/aval/proto/gen/aval/receivables/v1"
	typev1 "github.com/avalcredit/aval/proto/gen/aval/type/v1"
	"github.com/avalcredit/aval/services/receivables/internal/app"
	"github.com/avalcredit/aval/services/receivables/internal/terms"
)

// Policies serves ReceivablesPolicyService.
type Policies struct {
	receivablesv1.UnsafeReceivablesPolicyServiceServer
	Book  *policy.Book
	Pages *page.Signer
}

var _ receivablesv1.ReceivablesPolicyServiceServer = (*Policies)(nil)

// ParsePolicy reads a policy from YAML; path names the text in errors. Errors:
// Invalid POLICY_INVALID, with line and column.
func ParsePolicy(path string, yaml []byte) (*receivablesv1.ReceivablesPolicy, error) {
	p := &receivablesv1.ReceivablesPolicy{}
	if err := policy.ParseYAML(path, yaml, p); err != nil {
		return nil, err
	}
	return p, checkPolicy(p)
}

// checkPolicy holds a policy to what single fields cannot say.
func checkPolicy(p *receivablesv1.ReceivablesPolicy) error {
	t, err := termsOf(p)
	if err != nil {
		return err
	}
	return t.Check()
}

// DecodePolicy makes the domain's policy of a stored version.
func DecodePolicy(v policy.Version) (terms.Policy, error) {
	p := &receivablesv1.ReceivablesPolicy{}
	if err := proto.Unmarshal(v.Spec, p); err != nil {
		return terms.Policy{}, fmt.Errorf("receivables policy %d: %w", v.Version, err)
	}
	t, err := termsOf(p)
	if err != nil {
		return terms.Policy{}, fmt.Errorf("receivables policy %d: %w", v.Version, err)
	}
	t.Version = v.Version
	return t, nil
}

func termsOf(p *receivablesv1.ReceivablesPolicy) (terms.Policy, error) {
	ledger, err := ledgerOf(p.GetLedger(), p.GetBaseCurrency())
	if err != nil {
		return terms.Policy{}, err
	}
	collection, err := collectionOf(p.GetCollection(), ledger.Interest)
	if err != nil {
		return terms.Policy{}, err
	}
	claims, err := claimsOf(p)
	if err != nil {
		return terms.Policy{}, err
	}
	cash, err := cashOf(p.GetCash())
	if err != nil {
		return terms.Policy{}, err
	}
	return terms.Policy{
		AgingBounds: p.GetAgingBounds(), DefaultTermDays: int(p.GetDefaultTermDays()), DefaultAfterDays: int(p.GetDefaultAfterDays()),
		NoticeDays: int(p.GetPaymentNoticeDays()), Collection: collection, Cash: cash,
		Claims: claims, Figures: figureTermsOf(p.GetFigures()),
		BaseCurrency: p.GetBaseCurrency(), Ledger: ledger,
	}, nil
}

// CreateReceivablesPolicy implements ReceivablesPolicyService.
func (s *Policies) CreateReceivablesPolicy(ctx context.Context, req *receivablesv1.CreateReceivablesPolicyRequest) (*receivablesv1.CreateReceivablesPolicyResponse, error) {
	spec := req.GetPolicy()
	if spec == nil {
		var err error
		if spec, err = ParsePolicy("yaml", []byte(req.GetYaml())); err != nil {
			return nil, err
		}
	}
	if err := checkPolicy(spec); err != nil {
		return nil, err
	}
	r := idem.FromProto(ctx, receivablesv1.ReceivablesPolicyService_CreateReceivablesPolicy_FullMethodName, req.GetRequestId(), req)
	v, err := s.Book.Create(ctx, r, policy.Draft{
		Spec: spec, YAML: req.GetYaml(), Comment: req.GetComment(), CreatedBy: app.Actor(ctx),
	})
	if err != nil {
		return nil, err
	}
	out, err := versionOf(v)
	return &receivablesv1.CreateReceivablesPolicyResponse{Version: out}, err
}

// SignReceivablesPolicy implements ReceivablesPolicyService.
func (s *Policies) SignReceivablesPolicy(ctx context.Context, req *receivablesv1.SignReceivablesPolicyRequest) (*receivablesv1.SignReceivablesPolicyResponse, error) {
	var f fields
	from := f.date("effective_from_date", req.GetEffectiveFromDate())
	if f.err != nil {
		return nil, f.err
	}
	r := idem.FromProto(ctx, receivablesv1.ReceivablesPolicyService_SignReceivablesPolicy_FullMethodName, req.GetRequestId(), req)
	v, err := s.Book.Sign(ctx, r, req.GetVersion(), app.Actor(ctx), from)
	if err != nil {
		return nil, err
	}
	out, err := versionOf(v)
	return &receivablesv1.SignReceivablesPolicyResponse{Version: out}, err
}

// GetReceivablesPolicy implements ReceivablesPolicyService.
func (s *Policies) GetReceivablesPolicy(ctx context.Context, req *receivablesv1.GetReceivablesPolicyRequest) (*receivablesv1.GetReceivablesPolicyResponse, error) {
	v, err := s.Book.Get(ctx, req.GetVersion())
	if err != nil {
		return nil, err
	}
	out, err := versionOf(v)
	return &receivablesv1.GetReceivablesPolicyResponse{Version: out}, err
}

// ListReceivablesPolicies implements ReceivablesPolicyService.
func (s *Policies) ListReceivablesPolicies(ctx context.Context, req *receivablesv1.ListReceivablesPoliciesRequest) (*receivablesv1.ListReceivablesPoliciesResponse, error) {
	checksum := page.Checksum("receivablesPolicies")
	cursor, err := s.Pages.Decode(req.GetPageToken(), checksum, 1)
	if err != nil {
		return nil, err
	}
	var before int64
	if cursor != nil {
		if before, err = number(cursor[0]); err != nil {
			return nil, err
		}
	}
	size := page.Size(req.GetPageSize(), defaultPage, maxPage)
	versions, err := s.Book.Newest(ctx, size+1, before)
	if err != nil {
		return nil, err
	}
	resp := &receivablesv1.ListReceivablesPoliciesResponse{}
	if len(versions) > size {
		versions = versions[:size]
		resp.NextPageToken = s.Pages.Encode(checksum, strconv.FormatInt(versions[size-1].Version, 10))
	}
	for _, v := range versions {
		out, err := versionOf(v)
		if err != nil {
			return nil, err
		}
		resp.Versions = append(resp.Versions, out)
	}
	return resp, nil
}

func versionOf(v policy.Version) (*receivablesv1.ReceivablesPolicyVersion, error) {
	spec := &receivablesv1.ReceivablesPolicy{}
	if err := proto.Unmarshal(v.Spec, spec); err != nil {
		return nil, fmt.Errorf("receivables policy %d: %w", v.Version, err)
	}
	return &receivablesv1.ReceivablesPolicyVersion{
		Version: v.Version, State: policyStateOf(v.State), Policy: spec, Yaml: v.YAML, Hash: hex.EncodeToString(v.Hash),
		EffectiveFromDate: v.EffectiveFrom.String(), CreatedBy: v.CreatedBy, CreateTime: timeOf(v.CreatedAt),
		SignedBy: v.SignedBy, SignTime: timeOf(v.SignedAt), Comment: v.Comment,
	}, nil
}

func policyStateOf(state string) typev1.PolicyState {
	switch state {
	case policy.BuiltIn:
		return typev1.PolicyState_POLICY_STATE_BUILT_IN
	case policy.Drafted:
		return typev1.PolicyState_POLICY_STATE_DRAFT
	case policy.Signed:
		return typev1.PolicyState_POLICY_STATE_SIGNED
	default:
		return typev1.PolicyState_POLICY_STATE_UNSPECIFIED
	}
}
