package suite_test

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/avalcredit/aval/pkg/paper"
	"github.com/avalcredit/aval/pkg/sheet"
)

// The daily report comes over REST as data, and as files that a browser saves instead of showing.
func TestDailyReportOverREST(t *testing.T) {
	t.Parallel()
	s := oneProcess(t)
	auditor := s.as(t, "AUDITOR", "auditor")
	status, _, body := auditor.raw(t, http.MethodGet, "/v1/reports/daily", nil)
	if status != http.StatusOK || !bytes.Contains(body, []byte(`"counts"`)) {
		t.Errorf("data: %d %s", status, body)
	}
	status, header, body := auditor.raw(t, http.MethodGet, "/v1/reports/daily:download?format=REPORT_FORMAT_XLSX&language=REPORT_LANGUAGE_EN", nil)
	saved := header.Get("Content-Disposition")
	if status != http.StatusOK || header.Get("Content-Type") != sheet.ContentType || !bytes.HasPrefix(body, []byte("PK")) ||
		!strings.HasPrefix(saved, `attachment; filename="daily-credit-report-`) || header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("spreadsheet: %d %v, %d bytes", status, header, len(body))
	}
	status, header, body = auditor.raw(t, http.MethodGet, "/v1/reports/daily:download", nil)
	if _, err := paper.FindFont(""); err != nil { // a machine without a font says what is missing
		if status != http.StatusBadRequest || !bytes.Contains(body, []byte(paper.FontPackage)) {
			t.Errorf("document without a font: %d %s", status, body)
		}
		return
	}
	if status != http.StatusOK || header.Get("Content-Type") != "application/pdf" || !bytes.HasPrefix(body, []byte("%PDF-")) {
		t.Errorf("document: %d %v, %d bytes", status, header, len(body))
	}
}
