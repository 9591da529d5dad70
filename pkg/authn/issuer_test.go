package authn_test

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/avalcredit/aval/pkg/authn"
	"github.com/avalcredit/aval/pkg/calendar"
	"github.com/avalcredit/aval/pkg/errs"
)

func TestIssuerVerifiesWhatItIssues(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "deep", "er")
	clock := calendar.FixedClock(time.Unix(startOfTests, 0), time.UTC)
	issuer, err := authn.NewIssuerWithClock(dir, clock)
	must(t, err)
	token, err := issuer.Token([]string{"SALES_MANAGER", "SERVICE"}, "u-1", time.Hour)
	must(t, err)
	want := authn.Principal{Subject: "u-1", Name: "u-1", Roles: []string{"SALES_MANAGER", "SERVICE"}}

	// A second program on the same folder has the same key.
	second, err := authn.NewIssuerWithClock(dir, clock)
	must(t, err)
	for _, v := range []authn.Verifier{issuer, second} {
		got, err := v.Verify(context.Background(), token)
		if err != nil || !reflect.DeepEqual(got, want) || !got.Service() {
			t.Errorf("%+v, %v", got, err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "dev-issuer.key"))
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the key's mode is %v", info.Mode())
	}
	left, err := os.ReadDir(dir)
	must(t, err)
	if len(left) != 1 {
		t.Errorf("the folder holds %v", left)
	}
	clock.Advance(time.Hour + authn.Leeway)
	if _, err := issuer.Verify(context.Background(), token); errs.ReasonOf(err) != "TOKEN_EXPIRED" {
		t.Errorf("after its end: %v", err)
	}
	if _, err := issuer.Token([]string{"KING"}, "u-1", time.Hour); err == nil {
		t.Error("an unknown role was issued")
	}
}

func TestIssuersAgreeOnOneKey(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	issuers := make([]*authn.Issuer, 16)
	var starting sync.WaitGroup
	for i := range issuers {
		starting.Go(func() {
			var err error
			if issuers[i], err = authn.NewIssuer(dir); err != nil {
				t.Error(err)
			}
		})
	}
	starting.Wait()
	for _, from := range issuers {
		token, err := from.Token(nil, "u-1", time.Hour)
		must(t, err)
		for _, to := range issuers {
			if _, err := to.Verify(context.Background(), token); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestIssuerRefusesKeysThatAreNone(t *testing.T) {
	t.Parallel()
	for name, write := range map[string]func(path string) error{
		"readable by others": func(path string) error {
			if _, err := authn.NewIssuer(filepath.Dir(path)); err != nil {
				return err
			}
			return os.Chmod(path, 0o640)
		},
		"no PEM": func(path string) error { return os.WriteFile(path, []byte("key"), 0o600) },
		"no PKCS#8": func(path string) error {
			return os.WriteFile(path, []byte("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), 0o600)
		},
	} {
		dir := t.TempDir()
		must(t, write(filepath.Join(dir, "dev-issuer.key")))
		if _, err := authn.NewIssuer(dir); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSourceRenewsInTime(t *testing.T) {
	t.Parallel()
	clock := calendar.FixedClock(time.Unix(startOfTests, 0), time.UTC)
	issuer, err := authn.NewIssuerWithClock(t.TempDir(), clock)
	must(t, err)
	source := issuer.Source("svc-gate", "SERVICE")
	first, err := source(context.Background())
	must(t, err)
	clock.Advance(29 * time.Minute)
	same, err := source(context.Background())
	must(t, err)
	clock.Advance(2 * time.Minute)
	next, err := source(context.Background())
	must(t, err)
	if first != same || first == next {
		t.Error("renewed at the wrong time")
	}
	p, err := issuer.Verify(context.Background(), next)
	if err != nil || !p.Service() {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestFileTokenFollowsTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	source := authn.FileToken(path)
	if _, err := source(context.Background()); err == nil {
		t.Error("no file, no error")
	}
	for _, text := range []string{"one", "two", "three"} {
		// Mounted secrets are replaced as a whole: same size and time are possible, the same file is not.
		must(t, os.WriteFile(path+".new", []byte("  "+text+"\n"), 0o600))
		must(t, os.Chtimes(path+".new", time.Unix(startOfTests, 0), time.Unix(startOfTests, 0)))
		must(t, os.Rename(path+".new", path))
		for range 2 {
			got, err := source(context.Background())
			if err != nil || got != text {
				t.Errorf("%q, %v", got, err)
			}
		}
	}
	must(t, os.WriteFile(path, []byte(" \n"), 0o600))
	if got, err := source(context.Background()); err == nil {
		t.Errorf("an empty file gives %q", got)
	}
}
