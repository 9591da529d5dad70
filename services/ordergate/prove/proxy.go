package prove

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// trouble is what a network does to the bytes of both directions.
type trouble struct {
	delay  time.Duration // each piece comes so much later
	rate   int           // bytes a second; 0: as fast as they come
	silent bool          // nothing comes, and nobody learns why
}

// proxy is the network between one gate and the database. What it swallows while it is silent comes when it speaks again, as with a
// network that was cut and retransmits.
type proxy struct {
	listener net.Listener
	target   string

	mu    sync.Mutex
	now   trouble
	heal  chan struct{} // closed when the trouble changes
	conns map[net.Conn]struct{}
	gone  bool
	work  sync.WaitGroup
}

func newProxy(ctx context.Context, target string) (*proxy, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{listener: l, target: target, heal: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	p.work.Go(p.accept)
	return p, nil
}

func (p *proxy) addr() string { return p.listener.Addr().String() }

func (p *proxy) accept() {
	for {
		c, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.join(c) })
	}
}

func (p *proxy) join(c net.Conn) {
	if !p.keep(c) {
		return
	}
	defer p.drop(c)
	d, err := net.DialTimeout("tcp", p.target, 5*time.Second) //nolint:noctx // ends with the proxy's own connections
	if err != nil {
		return // the database is down: the gate sees its connection end
	}
	if !p.keep(d) {
		return
	}
	defer p.drop(d)
	var both sync.WaitGroup
	both.Go(func() { p.copy(c, d) })
	both.Go(func() { p.copy(d, c) })
	both.Wait()
}

func (p *proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.gone {
		_ = c.Close() // nothing was sent on it
		return false
	}
	p.conns[c] = struct{}{}
	return true
}

func (p *proxy) drop(c net.Conn) {
	_ = c.Close() // the other half may have closed it
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, c)
}

// copy passes on what comes, as the trouble of the moment lets it, until one side ends; then it ends both.
func (p *proxy) copy(to, from net.Conn) {
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			p.suffer(n)
			if _, werr := to.Write(buf[:n]); werr != nil {
				err = errors.Join(err, werr)
			}
		}
		if err != nil {
			_ = to.Close()   // whoever reads there learns of it
			_ = from.Close() // and so does who writes here
			return
		}
	}
}

// suffer waits as long as n bytes take now.
func (p *proxy) suffer(n int) {
	for {
		p.mu.Lock()
		t, heal := p.now, p.heal
		p.mu.Unlock()
		switch {
		case t.silent:
			<-heal
			continue
		case t.delay > 0:
			time.Sleep(t.delay)
		}
		if t.rate > 0 {
			time.Sleep(time.Duration(n) * time.Second / time.Duration(t.rate))
		}
		return
	}
}

// set changes the trouble, for connections that stand too.
func (p *proxy) set(t trouble) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.now = t
	close(p.heal)
	p.heal = make(chan struct{})
}

// reset ends all connections without a word, as a firewall does that has lost its memory.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		if tcp, ok := c.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0) // RST instead of FIN
		}
		_ = c.Close() // it may have ended this moment
	}
}

func (p *proxy) close() error {
	err := p.listener.Close()
	p.set(trouble{})
	p.mu.Lock()
	p.gone = true
	p.mu.Unlock()
	p.reset()
	p.work.Wait()
	return err
}
