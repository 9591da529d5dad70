package evaluation_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/services/evaluation/internal/criteria"
	"github.com/avalcredit/aval/services/evaluation/internal/rating"
)

// ratingCase is one file of testdata/cases. Beside it stands the whole result as
// .golden.json; AVAL_UPDATE_GOLDEN=1 writes it anew.
type ratingCase struct {
	About string `json:"about"`
	Want  struct {
		Grade    string  `json:"grade"`
		Deciding *string `json:"deciding"`
		Limit    *string `json:"limit"`
		Term     *int    `json:"term"`
	} `json:"want"`
	Inputs rating.Inputs `json:"inputs"`
}

func builtIn(t testing.TB) criteria.Policy {
	t.Helper()
	return policyOf(t, "policy/default.yaml")
}

func TestBuiltInPolicyHasNoDefect(t *testing.T) {
	t.Parallel()
	if found := builtIn(t).Check(); len(found) != 0 {
		t.Fatalf("%v", found)
	}
}

// Invariants 1 to 4: the lowest dimension, caps after it, missing stays missing, exact bounds.
func TestRatingCases(t *testing.T) {
	t.Parallel()
	p := builtIn(t)
	files, err := filepath.Glob("testdata/cases/*.yaml")
	must(t, err)
	if len(files) < 15 {
		t.Fatalf("only %d cases", len(files))
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			c := readCase(t, file)
			rec, err := rating.Rate(c.Inputs, p)
			must(t, err)
			compareCase(t, c, rec.Result)
			compareGolden(t, strings.TrimSuffix(file, ".yaml")+".golden.json", rec.Result)
			again, err := rating.Rate(c.Inputs, p)
			must(t, err)
			first, err := rec.Bytes()
			must(t, err)
			second, err := again.Bytes()
			must(t, err)
			parsed, err := rating.Parse(first)
			must(t, err)
			third, err := parsed.Bytes()
			must(t, err)
			if !bytes.Equal(first, second) || !bytes.Equal(first, third) {
				t.Fatal("the same inputs gave other bytes")
			}
		})
	}
}

func readCase(t *testing.T, file string) ratingCase {
	t.Helper()
	text, err := os.ReadFile(file)
	must(t, err)
	var tree map[string]any
	must(t, yaml.Unmarshal(text, &tree))
	data, err := json.Marshal(dated(tree))
	must(t, err)
	var c ratingCase
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	must(t, d.Decode(&c))
	return c
}

// dated turns YAML's timestamps back into the dates that were written.
func dated(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = dated(v[k])
		}
	case []any:
		for i := range v {
			v[i] = dated(v[i])
		}
	case interface{ Format(string) string }:
		return v.Format("2006-01-02")
	}
	return v
}

func compareCase(t *testing.T, c ratingCase, got rating.Result) {
	t.Helper()
	if string(got.Grade) != c.Want.Grade {
		t.Errorf("grade %q, want %q: %s", got.Grade, c.Want.Grade, got.Reason)
	}
	if c.Want.Deciding != nil && got.Deciding != *c.Want.Deciding {
		t.Errorf("decided by %q, want %q", got.Deciding, *c.Want.Deciding)
	}
	if c.Want.Limit != nil && (got.Limit == nil || got.Limit.String() != *c.Want.Limit) {
		t.Errorf("limit %v, want %s: %s", got.Limit, *c.Want.Limit, got.LimitExplanation)
	}
	if c.Want.Term != nil && got.TermDays != *c.Want.Term {
		t.Errorf("term %d, want %d", got.TermDays, *c.Want.Term)
	}
}

func compareGolden(t *testing.T, file string, got rating.Result) {
	t.Helper()
	data, err := json.MarshalIndent(got, "", "  ")
	must(t, err)
	data = append(data, '\n')
	if os.Getenv("AVAL_UPDATE_GOLDEN") == "1" {
		must(t, os.WriteFile(file, data, 0o600))
		return
	}
	want, err := os.ReadFile(file)
	must(t, err)
	if !bytes.Equal(data, want) {
		t.Errorf("differs from %s:\n%s", file, data)
	}
}

// Records of before invoices, scorecards and ratios were known replay to their bytes, evidence included, under the policy
// of their day.
func TestOlderRecordsReplay(t *testing.T) {
	t.Parallel()
	p := policyOf(t, "testdata/records/policy.yaml")
	files, err := filepath.Glob("testdata/records/*.json")
	must(t, err)
	if len(files) < 3 {
		t.Fatalf("only %d records", len(files))
	}
	for _, file := range files {
		stored, err := os.ReadFile(file)
		must(t, err)
		old, err := rating.Parse(stored)
		must(t, err)
		again, err := rating.Again(old, p)
		must(t, err)
		data, err := again.Bytes()
		must(t, err)
		if !bytes.Equal(data, stored) {
			t.Errorf("%s replays to\n%s", file, data)
		}
	}
}
