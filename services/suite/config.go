// Package suite runs all of Aval in one process: the three phases on one gRPC server, the REST gateway, and a private
// PostgreSQL where no other is named. Tests start the same type that the program does.
package suite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"github.com/avalcredit/aval/pkg/config"
	"github.com/avalcredit/aval/services/host"
)

const (
	defaultHTTP  = "127.0.0.1:8080"
	defaultGRPC  = "127.0.0.1:9090"
	defaultConns = 16 // of each phase
)

// Config are the settings of the all-in-one program. The zero value serves on the default ports, with a private
// PostgreSQL and development tokens, from the default data folder.
type Config struct {
	host.General `koanf:",squash"`
	// HTTP is where REST is served; default 127.0.0.1:8080.
	HTTP host.Listen `koanf:"http"`
	// GRPC is where all services are served; default 127.0.0.1:9090.
	GRPC host.Listen `koanf:"grpc"`
	// DataDir holds what is kept: the private database, keys; empty means DefaultDataDir.
	DataDir string `koanf:"data_dir"`
	// Database is used instead of a private one where its URL is set.
	Database host.Database `koanf:"database"`
	// OIDC names whose access tokens are accepted. Without an issuer the suite runs in development mode: it makes
	// tokens itself, and callers may set the business date of their calls.
	OIDC host.OIDC `koanf:"oidc"`
	// Service says in whose name the phases call each other; needed with an OIDC issuer only.
	Service struct {
		// TokenFile holds the access token.
		TokenFile string `koanf:"token_file"`
	} `koanf:"service"`
	// Page signs page tokens; without a key one is made and kept in the data folder.
	Page struct {
		// Key is secret and comes from the file that AVAL_PAGE_KEY_FILE names.
		Key config.Secret `koanf:"key"`
	} `koanf:"page"`
	// Ephemeral gives the private database's durability up for speed. For tests only.
	Ephemeral bool `koanf:"-"`
}

// Load reads the settings from the environment, AVAL_..., and from the file that AVAL_CONFIG names.
func Load() (Config, error) {
	var cfg Config
	err := config.Load(host.Prefix, &cfg)
	return cfg, err
}

// Development reports whether the suite makes its own tokens and lets callers set the business date.
func (c *Config) Development() bool { return c.OIDC.Issuer == "" }

func (c *Config) complete() error {
	if c.HTTP.Addr == "" {
		c.HTTP.Addr = defaultHTTP
	}
	if c.GRPC.Addr == "" {
		c.GRPC.Addr = defaultGRPC
	}
	if c.Database.MaxConns == 0 {
		c.Database.MaxConns = defaultConns
	}
	if !c.Development() && (c.OIDC.Audience == "" || c.Service.TokenFile == "") {
		return errors.New("with AVAL_OIDC_ISSUER, AVAL_OIDC_AUDIENCE and AVAL_SERVICE_TOKEN_FILE must be set as well")
	}
	if c.DataDir == "" {
		dir, err := DefaultDataDir()
		if err != nil {
			return err
		}
		c.DataDir = dir
	}
	dir, err := filepath.Abs(c.DataDir)
	c.DataDir = dir
	return err
}

// DefaultDataDir is .data in the working folder, or /var/tmp/aval-UID where the account that PostgreSQL runs as could
// not enter that, as it cannot enter root's home.
func DefaultDataDir() (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	if os.Geteuid() != 0 || enterable(here) {
		return filepath.Join(here, ".data"), nil
	}
	return filepath.Join("/var/tmp", "aval-"+strconv.Itoa(os.Geteuid())), nil
}

// enterable reports whether every account may pass through the folder and all above it.
func enterable(dir string) bool {
	for {
		info, err := os.Stat(dir)
		if err != nil || info.Mode().Perm()&0o001 == 0 {
			return false
		}
		up := filepath.Dir(dir)
		if up == dir {
			return true
		}
		dir = up
	}
}

// makeDataDir makes the folder, or takes one that is ours: in a shared place anybody may have made it before us.
func makeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	if owner, ok := info.Sys().(*syscall.Stat_t); !info.IsDir() || (ok && int(owner.Uid) != os.Geteuid()) {
		return fmt.Errorf("data folder: %s is not a folder of this account; choose another with AVAL_DATA_DIR", dir)
	}
	mode := os.FileMode(0o700)
	if os.Geteuid() == 0 {
		mode = 0o711 // the account that PostgreSQL runs as passes through to its own folder, and reads nothing
	}
	if err := os.Chmod(dir, mode); err != nil {
		return fmt.Errorf("data folder: %w", err)
	}
	return nil
}
