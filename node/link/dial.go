package link

import (
	"context"
	"crypto/tls"
	"encoding"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"runtime"
	"sync"
	"time"

	"althing/process"
)

// A peer is the way to one other node: its goroutine dials, and writes what
// waits.
type peer struct {
	t     *Transport
	id    process.ID
	addr  string
	count *counters
	ctx   context.Context // ends when the peer is removed or re-addressed
	end   context.CancelFunc
	done  chan struct{} // closed when the goroutine has ended
	wake  chan struct{} // holds one: something waits

	mu     sync.Mutex
	up     bool
	buf    []byte // waits to be written
	frames uint64 // in buf

	pingAt time.Time // when the ping under way was sent; zero: none is
	ping   uint32    // its number
}

func (p *peer) send(kind uint8, group uint32, m encoding.BinaryAppender) bool {
	p.mu.Lock()
	if !p.up || len(p.buf) >= p.t.c.PendingBytes {
		p.mu.Unlock()
		p.count.dropped.Add(1)
		return false
	}
	first := len(p.buf) == 0
	b, err := appendFrame(p.buf, kind, group, m, p.t.c.FrameBytes)
	p.buf = b
	if err == nil {
		p.frames++
	}
	p.mu.Unlock()
	if err != nil {
		p.count.dropped.Add(1)
		p.t.c.Log.Error("message dropped", "to", p.id, "kind", kind, "group", group, "err", err)
		return false
	}
	if first {
		p.poke()
	}
	return true
}

func (p *peer) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// run dials until the peer is removed.
func (p *peer) run() {
	defer close(p.done)
	log := p.t.c.Log.With("peer", p.id, "addr", p.addr)
	said := ""
	for try := 2; ; try++ {
		conn, err := p.t.dial(p.ctx, p.id, p.addr, forFrames)
		if err == nil {
			log.Info("connected")
			err = p.serve(conn)
			try, said = 2, "" // it worked: begin with short pauses again
		}
		if p.ctx.Err() != nil {
			return
		}
		if text := err.Error(); text != said { // once, not once a second
			log.Warn("not connected", "err", err)
			said = text
		}
		pause := time.NewTimer(p.t.c.Retry.Delay(try, rand.Float64()))
		select {
		case <-pause.C:
		case <-p.ctx.Done():
			pause.Stop()
			return
		}
	}
}

// dial makes a connection for a purpose. The caller untracks it.
func (t *Transport) dial(ctx context.Context, to process.ID, addr string, purpose byte) (
	net.Conn, error) {
	d := net.Dialer{Timeout: t.c.Timeout, KeepAliveConfig: t.keepAlive()}
	conn, err := d.DialContext(ctx, "tcp", addr) // without delay: Go's default
	if err != nil {
		return nil, fmt.Errorf("dial: %w", err)
	}
	if t.c.TLS != nil {
		cfg := t.c.TLS.Clone()
		if cfg.ServerName == "" {
			if host, _, err := net.SplitHostPort(addr); err == nil {
				cfg.ServerName = host
			}
		}
		conn = tls.Client(conn, cfg)
	}
	if err := t.track(conn); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	err = t.greet(conn, to, purpose)
	if !stop() && err == nil {
		err = ctx.Err()
	}
	if err != nil {
		t.untrack(conn)
		return nil, fmt.Errorf("greet: %w", err)
	}
	return conn, nil
}

// keepAlive finds dead hosts where nothing else does: while an answer to a
// stream is awaited.
func (t *Transport) keepAlive() net.KeepAliveConfig {
	d := t.c.Timeout
	return net.KeepAliveConfig{Enable: true, Idle: d / 2, Interval: d / 8, Count: 4}
}

// greet is the handshake of the side that dials.
func (t *Transport) greet(conn net.Conn, to process.ID, purpose byte) error {
	if err := conn.SetDeadline(time.Now().Add(t.c.Timeout)); err != nil {
		return err
	}
	h := hello{purpose: purpose, cluster: t.c.Cluster, from: t.c.Self, to: to, life: t.c.Life}
	if _, err := conn.Write(h.append(nil)); err != nil {
		return fmt.Errorf("write the hello: %w", err)
	}
	if err := t.verify(conn, to); err != nil { // the write has done TLS's handshake
		return err
	}
	if err := readAnswer(conn); err != nil {
		return err
	}
	return conn.SetDeadline(time.Time{})
}

func (t *Transport) verify(conn net.Conn, id process.ID) error {
	c, ok := conn.(*tls.Conn)
	if !ok || t.c.Verify == nil {
		return nil
	}
	if err := t.c.Verify(id, c.ConnectionState()); err != nil {
		return fmt.Errorf("verify that the certificate is of %d: %w", id, err)
	}
	return nil
}

// serve writes what waits until the connection breaks or the peer is removed.
func (p *peer) serve(conn net.Conn) error {
	gone := make(chan error, 1)
	go func() { gone <- p.pongs(conn) }()
	p.mu.Lock()
	p.up, p.pingAt = true, time.Time{}
	p.mu.Unlock()
	p.count.connected.Store(true)
	p.count.connects.Add(1)
	p.t.c.Up(p.id)

	err, heard := p.write(conn, gone)

	p.mu.Lock()
	p.up = false
	p.count.dropped.Add(p.frames)
	p.buf, p.frames = nil, 0
	p.mu.Unlock()
	p.count.connected.Store(false)
	p.t.untrack(conn)
	if !heard {
		<-gone // ends with the connection
	}
	p.t.c.Down(p.id)
	return err
}

// write reports too whether it took the error from gone.
func (p *peer) write(conn net.Conn, gone <-chan error) (err error, heard bool) {
	tick := time.NewTicker(p.t.c.Timeout / 10)
	defer tick.Stop()
	var spare []byte
	for {
		select {
		case <-p.wake:
			// Whoever else is about to send goes first: one write then takes it
			// all. A call to the kernel costs more than all of this.
			runtime.Gosched()
		case <-tick.C:
			if err := p.addPing(); err != nil {
				return err, false
			}
		case err := <-gone:
			return err, true
		case <-p.ctx.Done():
			return p.ctx.Err(), false
		}
		p.mu.Lock()
		buf, frames := p.buf, p.frames
		p.buf, p.frames = spare[:0], 0
		p.mu.Unlock()
		if len(buf) > 0 {
			if err := p.writeBuf(conn, buf, frames); err != nil {
				return err, false
			}
		}
		if spare = buf; cap(spare) > keepBytes {
			spare = nil
		}
	}
}

func (p *peer) writeBuf(conn net.Conn, buf []byte, frames uint64) error {
	err := conn.SetWriteDeadline(time.Now().Add(p.t.c.Timeout))
	if err == nil {
		_, err = conn.Write(buf)
	}
	if err != nil {
		p.count.dropped.Add(frames)
		return fmt.Errorf("write: %w", err)
	}
	p.count.sent.Add(frames)
	p.count.sentBytes.Add(uint64(len(buf)))
	return nil
}

// addPing adds a ping unless one is under way, for too long perhaps.
func (p *peer) addPing() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	switch {
	case p.pingAt.IsZero():
		p.ping++
		p.pingAt = now
		p.buf = appendPing(p.buf, p.ping)
	case now.Sub(p.pingAt) > p.t.c.Timeout:
		return fmt.Errorf("no answer for %v", now.Sub(p.pingAt))
	}
	return nil
}

// pongs reads the answers to pings, and so notices the end of the connection.
func (p *peer) pongs(conn net.Conn) error {
	var b [frameHeader]byte
	for {
		if _, err := io.ReadFull(conn, b[:]); err != nil {
			return fmt.Errorf("read: %w", cutOff(err))
		}
		p.mu.Lock()
		at, ok := p.pingAt, !p.pingAt.IsZero() && isPing(b[:]) && pingNumber(b[:]) == p.ping
		p.pingAt = time.Time{}
		p.mu.Unlock()
		if !ok {
			return fmt.Errorf("read: %x answers no ping", b)
		}
		p.count.rtt.Store(max(1, int64(time.Since(at))))
	}
}
