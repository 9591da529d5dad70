package grpcserver

import "testing"

// People who sent a wrong value are told what a right one is, not how it is recognised; what has no words here keeps its own.
func TestPatternsAreToldInWords(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"does not match regex pattern `^[0-9]{4}-[0-9]{2}-[0-9]{2}$`": "must be a date, YYYY-MM-DD",
		"does not match regex pattern `^[A-Z]{3}$`":                   "must be a currency code of three capitals, as CNY",
		"does not match regex pattern `^[a-z]$`":                      "does not match regex pattern `^[a-z]$`",
		"value is required":                                           "value is required",
	} {
		if got := inWords(message); got != want {
			t.Errorf("%q is told as %q, want %q", message, got, want)
		}
	}
}
