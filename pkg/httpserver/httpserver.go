// Package httpserver serves HTTP with the limits every listener of the suite has, and the probes that platforms ask.
package httpserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of a connection; the library's own are meant for callers one trusts.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 60 * time.Second
	maxHeaderBytes    = 16 << 10
	maxStreams        = 100

	defaultDrainTimeout = 10 * time.Second
)

// Config sets up a server.
type Config struct {
	// Addr is the address to listen on, "127.0.0.1:0" for any free port.
	Addr string
	// DrainTimeout bounds the wait for running requests at the end, which are cut off after it; 0 means 10 s.
	DrainTimeout time.Duration
}

// Server is one HTTP server: New, Listen, Run.
type Server struct {
	cfg    Config
	log    *slog.Logger
	server *http.Server

	mu       sync.Mutex
	listener net.Listener
}

// New builds a server for the handler; a nil log discards.
func New(cfg Config, handler http.Handler, log *slog.Logger) (*Server, error) {
	if cfg.Addr == "" || handler == nil {
		return nil, errors.New("httpserver: an address and a handler must be set")
	}
	if cfg.DrainTimeout <= 0 {
		cfg.DrainTimeout = defaultDrainTimeout
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Server{cfg: cfg, log: log, server: &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: maxStreams},
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug), // what strangers send is no fault of ours
	}}, nil
}

// Listen opens the port and returns the address, with the real port. A second call only returns it.
func (s *Server) Listen() (net.Addr, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener != nil {
		return s.listener.Addr(), nil
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", s.cfg.Addr)
	if err != nil {
		return nil, fmt.Errorf("httpserver: %w", err)
	}
	s.listener = listener
	return listener.Addr(), nil
}

// Close gives back a port that Listen opened and Run never served. After Run it does nothing.
func (s *Server) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.listener == nil {
		return nil
	}
	if err := s.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("httpserver: %w", err)
	}
	return nil
}

// Run serves until ctx ends, after Listen or with one of its own. Then it takes no more connections, waits for the
// running requests, at most the drain timeout, and returns nil.
func (s *Server) Run(ctx context.Context) error {
	addr, err := s.Listen()
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- s.server.Serve(s.listener) }()
	s.log.InfoContext(ctx, "serving HTTP", "addr", addr.String())
	select {
	case err := <-ended:
		return fmt.Errorf("httpserver: %w", err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.DrainTimeout)
	defer cancel()
	if err := s.server.Shutdown(drain); err != nil {
		s.log.WarnContext(ctx, "HTTP requests cut off: not done in the drain timeout", "timeout", s.cfg.DrainTimeout)
		return s.server.Close()
	}
	return nil
}
