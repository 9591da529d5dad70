package suite

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// One process at a time serves from a folder; what one that was killed has left there is not believed.
func TestFolderIsForOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, ok := ServingOn(dir); ok {
		t.Error("somebody serves from an empty folder")
	}
	lock, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lockFolder(dir); err == nil || !strings.Contains(err.Error(), "starting") {
		t.Errorf("a second process while the first is starting: %v", err)
	}
	want := Serving{PID: 4711, HTTP: "127.0.0.1:1", GRPC: "127.0.0.1:2"}
	if err := lock.announce(want); err != nil {
		t.Fatal(err)
	}
	if got, ok := ServingOn(dir); !ok || got != want {
		t.Errorf("serving: %+v %v", got, ok)
	}
	if _, err := lockFolder(dir); err == nil || !strings.Contains(err.Error(), "http://127.0.0.1:1") {
		t.Errorf("a second process: %v", err)
	}
	if err := lock.file.Close(); err != nil { // as when the process is killed
		t.Fatal(err)
	}
	if got, ok := ServingOn(dir); ok {
		t.Errorf("a killed process serves: %+v", got)
	}
	again, err := lockFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.release(); err != nil {
		t.Error(err)
	}
}

func TestDataDir(t *testing.T) {
	t.Parallel()
	base := t.TempDir()
	file, link := filepath.Join(base, "file"), filepath.Join(base, "link")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(base, link); err != nil {
		t.Fatal(err)
	}
	for path, good := range map[string]bool{filepath.Join(base, "a", "b"): true, file: false, link: false} {
		if err := makeDataDir(path); (err == nil) != good {
			t.Errorf("%s: %v", path, err)
		}
	}
	if info, err := os.Stat(filepath.Join(base, "a", "b")); err != nil || info.Mode().Perm()&0o066 != 0 {
		t.Errorf("others may look into the folder: %v %v", info.Mode(), err)
	}
}

func TestPageKeyIsKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first, err := pageKey(dir)
	if err != nil || len(first) < pageKeyBytes {
		t.Fatalf("%d bytes, %v", len(first), err)
	}
	if second, err := pageKey(dir); err != nil || !bytes.Equal(first, second) {
		t.Errorf("another key at the second start: %v", err)
	}
	if info, err := os.Stat(filepath.Join(dir, pageKeyFile)); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode: %v %v", info.Mode(), err)
	}
}

func TestSettingsThatDoNotGoTogether(t *testing.T) {
	t.Parallel()
	var cfg Config
	cfg.DataDir, cfg.OIDC.Issuer = t.TempDir(), "https://id.example"
	if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "AVAL_SERVICE_TOKEN_FILE") {
		t.Errorf("an issuer without a service token: %v", err)
	}
	cfg = Config{DataDir: t.TempDir()}
	cfg.TimeZone = "Nowhere/Town"
	if _, err := Start(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "Nowhere/Town") {
		t.Errorf("an unknown time zone: %v", err)
	}
}
