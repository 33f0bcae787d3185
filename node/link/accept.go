package link

import (
	"crypto/tls"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"althing/process"
)

// An inbound is the connection that a peer's frames come by.
type inbound struct {
	conn net.Conn
	done chan struct{} // closed after the last Handle
}

// accept takes connections until the transport is closed.
func (t *Transport) accept() {
	for try := 2; ; try++ {
		conn, err := t.ln.Accept()
		if err == nil {
			try = 1
			t.admit(conn)
			continue
		}
		if t.ctx.Err() != nil {
			return
		}
		t.c.Log.Error("cannot accept connections", "err", err) // too many open files, most likely
		pause := time.NewTimer(t.c.Retry.Delay(try, rand.Float64()))
		select {
		case <-pause.C:
		case <-t.ctx.Done():
			pause.Stop()
			return
		}
	}
}

// admit starts the goroutine of a connection.
func (t *Transport) admit(raw net.Conn) {
	conn := raw
	if t.c.TLS != nil {
		conn = tls.Server(raw, t.c.TLS)
	}
	if err := t.track(conn); err != nil {
		return
	}
	t.mu.Lock()
	full := t.accepted >= maxInbound
	if !full {
		t.accepted++
	}
	t.mu.Unlock()
	if full {
		t.c.Log.Warn("connection refused", "remote", raw.RemoteAddr().String(), "err", "too many")
		t.untrack(conn)
		return
	}
	if c, ok := raw.(*net.TCPConn); ok {
		c.SetKeepAliveConfig(t.keepAlive()) // without it, the deadlines find a dead peer later
	}
	t.all.Go(func() {
		log := t.c.Log.With("remote", raw.RemoteAddr().String())
		h, err := t.welcome(conn)
		if err == nil {
			log = log.With("peer", h.from)
			err = t.receive(conn, h)
		}
		t.untrack(conn)
		t.mu.Lock()
		t.accepted--
		t.mu.Unlock()
		if err != nil && t.ctx.Err() == nil {
			log.Warn("connection closed", "err", err)
		}
	})
}

// welcome is the handshake of the side that accepts, but for its answer if
// that is good.
func (t *Transport) welcome(conn net.Conn) (hello, error) {
	if err := conn.SetDeadline(time.Now().Add(t.c.Timeout)); err != nil {
		return hello{}, err
	}
	var b [helloSize]byte
	if _, err := io.ReadFull(conn, b[:]); err != nil {
		return hello{}, fmt.Errorf("read the hello: %w", cutOff(err))
	}
	h, err := parseHello(b[:])
	if err == nil {
		err = t.judge(&h)
	}
	if err == nil {
		err = t.verify(conn, h.from)
	}
	if err != nil {
		return h, t.refuse(conn, err)
	}
	return h, nil
}

// refuse tells the other side why, and returns why.
func (t *Transport) refuse(conn net.Conn, why error) error {
	if _, err := conn.Write(appendAnswer(nil, why)); err != nil {
		return errors.Join(why, fmt.Errorf("write the answer: %w", err))
	}
	return fmt.Errorf("refused: %w", why)
}

func (t *Transport) judge(h *hello) error {
	switch {
	case h.cluster != t.c.Cluster:
		return fmt.Errorf("it is of cluster %x, and this of %x", h.cluster, t.c.Cluster)
	case h.to != t.c.Self:
		return fmt.Errorf("it means node %d, and this is %d", h.to, t.c.Self)
	case h.from == 0 || h.from == t.c.Self:
		return fmt.Errorf("it says that it is node %d", h.from)
	case t.c.Meet != nil:
		return t.c.Meet(h.from, h.life)
	}
	return nil
}

func (t *Transport) receive(conn net.Conn, h hello) error {
	if h.purpose == forStream {
		return t.receiveStream(conn, h.from)
	}
	in := &inbound{conn, make(chan struct{})}
	defer close(in.done)
	t.mu.Lock()
	old, count := t.inbound[h.from], t.count(h.from)
	t.inbound[h.from] = in
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		if t.inbound[h.from] == in {
			delete(t.inbound, h.from)
		}
		t.mu.Unlock()
	}()
	if old != nil { // the peer has given that up; nothing of it may come after the new
		old.conn.Close()
		<-old.done
	}
	if _, err := conn.Write(appendAnswer(nil, nil)); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	t.c.Log.Info("accepted", "peer", h.from, "remote", conn.RemoteAddr().String())
	return t.readFrames(conn, h.from, count)
}

// readFrames hands over what arrives until the connection ends.
func (t *Transport) readFrames(conn net.Conn, from process.ID, count *counters) error {
	s := splitter{limit: t.c.FrameBytes}
	var frames []Frame
	var pongs []byte
	for {
		// A live peer pings ten times in this time.
		if err := conn.SetDeadline(time.Now().Add(t.c.Timeout)); err != nil {
			return err
		}
		n, err := conn.Read(s.room())
		if err != nil {
			return fmt.Errorf("read: %w", err)
		}
		s.took(n)
		count.receivedBytes.Add(uint64(n))
		bad := error(nil)
		frames, pongs, bad = s.split(frames[:0], pongs[:0])
		if len(frames) > 0 {
			count.received.Add(uint64(len(frames)))
			if err := t.c.Handle(from, frames); err != nil {
				return fmt.Errorf("handle: %w", err)
			}
			clear(frames) // or an idle connection would keep payloads alive
		}
		if bad != nil {
			return fmt.Errorf("read: %w", bad)
		}
		if len(pongs) > 0 {
			if err := conn.SetWriteDeadline(time.Now().Add(t.c.Timeout)); err != nil {
				return err
			}
			if _, err := conn.Write(pongs); err != nil {
				return fmt.Errorf("answer a ping: %w", err)
			}
		}
	}
}

// split appends all whole frames to frames, and the answers to pings among
// them to pongs.
func (s *splitter) split(frames []Frame, pongs []byte) ([]Frame, []byte, error) {
	for {
		b, err := s.next()
		if err != nil || b == nil {
			return frames, pongs, err
		}
		if isPing(b) {
			pongs = appendPing(pongs, binary.LittleEndian.Uint32(b[4:]))
			continue
		}
		f, err := parseFrame(b, s.limit)
		if err != nil {
			return frames, pongs, err
		}
		frames = append(frames, f)
	}
}
