package config_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/avalcredit/aval/pkg/config"
)

type settings struct {
	GRPC struct {
		Addr     string `koanf:"addr" default:":8080"`
		DevClock bool   `koanf:"dev_clock"`
	} `koanf:"grpc"`
	Database struct {
		URL config.Secret `koanf:"url" secret:"env" required:"true"`
	} `koanf:"database"`
	Pool       `koanf:",squash"`
	SigningKey config.Secret     `koanf:"signing_key"`
	Roles      []string          `koanf:"roles"`
	Labels     map[string]string `koanf:"labels"`
	Mode       mode              `koanf:"mode"`
	Runtime    func()            `koanf:"-"`
	private    int
}

// Pool is embedded: its settings are on the outer level.
type Pool struct {
	Workers int           `koanf:"workers" default:"4"`
	Grace   time.Duration `koanf:"grace" default:"1500ms"`
}

func (s *settings) Validate() error {
	if s.Workers < 1 {
		return errors.New("workers must be positive")
	}
	return nil
}

type mode struct{ name string }

func (m *mode) UnmarshalText(text []byte) error {
	m.name = strings.ToUpper(string(text))
	if m.name != "STRICT" && m.name != "LOOSE" {
		return fmt.Errorf("%q is no mode", text)
	}
	return nil
}

type result struct {
	Addr, Grace, Mode, URL string
	Dev                    bool
	Workers                int
	Roles                  []string
	Labels                 map[string]string
}

type testCase struct {
	Name, File    string
	Files, Env    map[string]string
	Want          result
	Error, Hidden []string
}

func TestLoad(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/cases.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var cases []testCase
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			s := settings{private: 7}
			err := config.LoadFrom("AVAL", &s, c.environment(t))
			if len(c.Error) == 0 {
				c.compare(t, s, err)
				return
			}
			for _, part := range c.Error {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("%v lacks %q", err, part)
				}
			}
			for _, part := range c.Hidden {
				if strings.Contains(fmt.Sprint(err), part) {
					t.Errorf("%v shows %q", err, part)
				}
			}
		})
	}
}

// environment writes the case's files and returns the variables.
func (c testCase) environment(t *testing.T) func(string) (string, bool) {
	t.Helper()
	dir := t.TempDir()
	var replace []string
	for name, content := range c.Files {
		replace = append(replace, "@"+name, write(t, dir, name, content))
	}
	paths := strings.NewReplacer(replace...)
	env := map[string]string{}
	for name, value := range c.Env {
		env[name] = paths.Replace(value)
	}
	if c.File != "" {
		env["AVAL_CONFIG"] = write(t, dir, "config.yaml", paths.Replace(c.File))
	}
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (c testCase) compare(t *testing.T, s settings, err error) {
	t.Helper()
	got := result{
		Addr: s.GRPC.Addr, Grace: s.Grace.String(), Mode: s.Mode.name, URL: s.Database.URL.Reveal(), Dev: s.GRPC.DevClock,
		Workers: s.Workers, Roles: s.Roles, Labels: s.Labels,
	}
	if err != nil || !reflect.DeepEqual(got, c.Want) || s.private != 7 {
		t.Errorf("%+v, %v, want %+v", got, err, c.Want)
	}
}

func TestWhatIntoHoldsStays(t *testing.T) {
	t.Parallel()
	s := struct {
		Name string `koanf:"name"`
		Port int    `koanf:"port" default:"80"`
	}{"kept", 70}
	if err := config.LoadFrom("X_", &s, func(string) (string, bool) { return "", false }); err != nil || s.Name != "kept" || s.Port != 80 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestMistakesOfTheProgram(t *testing.T) {
	t.Parallel()
	for name, into := range map[string]any{
		"no pointer": struct{}{},
		"no struct":  new(int),
		"nil":        (*struct{})(nil),
		"no tag":     &struct{ Name string }{},
		"a dot": &struct {
			Name string `koanf:"a.b"`
		}{},
		"secret default": &struct {
			Key config.Secret `koanf:"key" default:"x"`
		}{},
		"same variable": &struct {
			A struct {
				B string `koanf:"b"`
			} `koanf:"a"`
			C string `koanf:"a_b"`
		}{},
	} {
		if err := config.LoadFrom("X", into, func(string) (string, bool) { return "", false }); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestSecretsDoNotShow(t *testing.T) {
	t.Parallel()
	s := config.NewSecret("hunter2")
	text, err := json.Marshal(map[string]any{"s": s})
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	slog.New(slog.NewTextHandler(log, nil)).Info("m", "s", s, "in", struct{ S config.Secret }{s})
	for _, shown := range []string{
		string(text), log.String(), fmt.Sprint(s), fmt.Sprintf("%+v", s), fmt.Sprintf("%#v", s), fmt.Sprintf("%q", s),
		fmt.Sprintf("%v", struct{ S config.Secret }{s}),
	} {
		if strings.Contains(shown, "hunter2") || !strings.Contains(shown, "[redacted]") {
			t.Errorf("shown: %s", shown)
		}
	}
	if s.Reveal() != "hunter2" || s.IsZero() || !(config.Secret{}).IsZero() {
		t.Error("the value is lost")
	}
}
