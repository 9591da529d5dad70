package gateway

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"github.com/grpc-ecosystem/grpc-gateway/v2/runtime"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"

	"github.com/avalcredit/aval/pkg/errs"
)

const (
	// MaxBody is the largest body of a request, in bytes.
	MaxBody = 1 << 20

	reasonTokenMissing = "TOKEN_MISSING"

	// slash stands for an encoded slash while the library matches the path, as the library would part an id like
	// "INV/2012" there. It is of no use to callers themselves: ids hold no characters of private use.
	slash = '\uE000'
)

// admit refuses what no service needs to see, and passes the rest on to the routes.
func (g *Gateway) admit(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") == "" {
			g.writeError(w, r, errs.New(errs.Unauthenticated, reasonTokenMissing, "an access token is needed"))
			return
		}
		if err := takeBody(w, r); err != nil {
			g.writeError(w, r, err)
			return
		}
		next.ServeHTTP(w, withSlashes(r))
	})
}

// takeBody reads the body whole, so that what comes after never waits for the caller.
func takeBody(w http.ResponseWriter, r *http.Request) error {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxBody))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return refusal{errs.New(errs.Invalid, ReasonBodyTooLarge, "the body is larger than %d bytes", MaxBody),
			http.StatusRequestEntityTooLarge}
	case err != nil:
		return errs.New(errs.Invalid, ReasonBodyUnreadable, "the body could not be read to its end").WithCause(err)
	case len(body) > 0:
		if err := checkMedia(r.Header); err != nil {
			return err
		}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	r.ContentLength = int64(len(body))
	return nil
}

// checkMedia takes JSON only; besides, a page of another site cannot send that without asking first.
func checkMedia(h http.Header) error {
	refuse := func(what string) error {
		return refusal{errs.New(errs.Invalid, ReasonMediaType, "%s", what), http.StatusUnsupportedMediaType}
	}
	if encoding := h.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return refuse("a compressed body is not taken")
	}
	declared := h.Get("Content-Type")
	if declared == "" {
		return nil
	}
	media, parameters, err := mime.ParseMediaType(declared)
	charset := parameters["charset"]
	if err != nil || media != "application/json" || (charset != "" && !strings.EqualFold(charset, "utf-8")) {
		return refuse("the body must be application/json in UTF-8")
	}
	return nil
}

// withSlashes hides encoded slashes from the library's matching; check puts them back.
func withSlashes(r *http.Request) *http.Request {
	raw := r.URL.RawPath
	if !strings.Contains(raw, "%2F") && !strings.Contains(raw, "%2f") {
		return r
	}
	hidden := url.PathEscape(string(slash))
	changed := *r.URL
	changed.RawPath = strings.NewReplacer("%2F", hidden, "%2f", hidden).Replace(raw)
	copied := *r
	copied.URL = &changed
	return &copied
}

// check looks at path, query and body of a request whose route is known, before the library decodes them: the library's
// own errors are text without a reason or a field, and it passes over what it does not know.
func (g *Gateway) check(next runtime.HandlerFunc) runtime.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request, path map[string]string) {
		pattern, _ := runtime.HTTPPattern(r.Context())
		route, ok := g.byPattern[r.Method+" "+pattern.String()]
		if !ok {
			g.writeError(w, r, errs.New(errs.NotFound, ReasonRouteUnknown, "there is no such path; see /openapi.json"))
			return
		}
		if labels, ok := otelhttp.LabelerFromContext(r.Context()); ok {
			labels.Add(attribute.String("http.route", route.Template))
		}
		for name, value := range path {
			path[name] = strings.ReplaceAll(value, string(slash), "/")
		}
		if err := g.checkRequest(route, r, path); err != nil {
			g.writeError(w, r, err)
			return
		}
		next(w, r, path)
	}
}

func (g *Gateway) checkRequest(route Route, r *http.Request, path map[string]string) error {
	if err := checkPath(route, path); err != nil {
		return err
	}
	if err := checkQuery(route, r.URL.RawQuery); err != nil {
		return err
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	return checkBody(route.bodyMessage(), body)
}
