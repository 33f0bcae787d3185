package front

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/peer"
)

const (
	// readBytes is how much one system call reads at most.
	readBytes = 32 << 10
	// frameBytes is the longest frame that we take, and that we send: every
	// peer must take as much.
	frameBytes = 16 << 10
	// tableBytes bounds a table of header fields, the client's and ours.
	tableBytes = 4096
	// maxWindow is the largest window that there may be. RFC 9113 §6.9.1.
	maxWindow = 1<<31 - 1
	// startWindow is every window at the beginning. RFC 9113 §6.9.2.
	startWindow = 1<<16 - 1
	// streamWindow is what a client may send ahead on one stream, beyond the
	// message that is awaited: it stays startWindow, so that nothing need be said.
	streamWindow = startWindow
	// connWindow is what a client may have under way on all streams. What has
	// come does not count: a stream that is not read must not stop the others.
	connWindow = 1 << 20
	// lingering is how long a client is listened to after our last word, so that
	// the connection is not reset before the client has read it.
	lingering = time.Second
)

var (
	errStopped = errors.New("the server is stopped")
	errGone    = errors.New("the client is gone")
)

// A conn is one connection.
type conn struct {
	s  *Server
	nc net.Conn

	// The reader's own.
	framer   *http2.Framer
	decoder  *hpack.Decoder
	base     context.Context // of all calls; says who the peer is
	opening  opening         // being read
	known    []*route        // openings seen, the latest used first
	inWindow int             // that the client has left on the connection
	credit   credit
	pings    pings

	mu      sync.Mutex
	started bool // the flusher runs
	closed  bool // all is over
	over    bool // what is in out is the last
	streams map[uint32]*stream
	running int    // handlers, also of streams that are gone
	lastID  uint32 // highest of a stream
	drained bool   // no stream is taken on any more
	outbound
	alive
}

// violation is a client's offence against the protocol, which ends the
// connection: RFC 9113 §5.4.1.
type violation struct {
	code http2.ErrCode
	why  string
}

// Error implements error.
func (v *violation) Error() string { return fmt.Sprintf("%v: %s", v.code, v.why) }

// run serves the connection until it ends.
func (c *conn) run() {
	if err := c.begin(); err != nil {
		c.close(err)
		return
	}
	var flusher sync.WaitGroup
	flusher.Go(c.flush)
	defer flusher.Wait()
	err := c.read()
	var v *violation
	if errors.As(err, &v) {
		c.lastWord(v.code, v.why)
		_, _ = io.Copy(io.Discard, c.nc) // until the client or the deadline ends it
	}
	c.close(err)
}

// begin shakes hands, reads the client's preface, and says our settings.
func (c *conn) begin() error {
	raw := c.nc
	if err := raw.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	p := &peer.Peer{Addr: raw.RemoteAddr(), LocalAddr: raw.LocalAddr()}
	nc := raw
	if c.s.creds != nil {
		var err error
		if nc, p.AuthInfo, err = c.s.creds.ServerHandshake(raw); err != nil {
			return fmt.Errorf("TLS handshake: %w", err)
		}
	}
	r := bufio.NewReaderSize(nc, readBytes)
	var preface [len(http2.ClientPreface)]byte
	if _, err := io.ReadFull(r, preface[:]); err != nil {
		return fmt.Errorf("read the preface: %w", err)
	}
	if !bytes.Equal(preface[:], []byte(http2.ClientPreface)) {
		return errors.New("the client does not speak HTTP/2")
	}
	if err := raw.SetDeadline(time.Time{}); err != nil {
		return err
	}
	boundUnacknowledged(raw, c.s.o.PingTimeout)
	c.base = peer.NewContext(context.Background(), p)
	c.framer = http2.NewFramer(nil, r)
	c.framer.SetReuseFrames()
	c.framer.SetMaxReadFrameSize(frameBytes)
	c.decoder = hpack.NewDecoder(tableBytes, c.opening.add)
	c.decoder.SetMaxStringLength(maxHeaderBytes)
	c.inWindow = connWindow
	c.credit.since = time.Now()

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return errStopped
	}
	c.nc = nc
	c.streams = make(map[uint32]*stream)
	c.outbound.init(c)
	c.out = appendSettings(c.out, c.s.o.MaxStreams)
	c.out = appendWindowUpdate(c.out, 0, connWindow-startWindow)
	c.started = true
	c.startTicking()
	return nil
}

// read takes frames until the connection ends. The error is a violation if it
// is the client's fault.
func (c *conn) read() error {
	for first := true; ; first = false {
		h, err := c.framer.ReadFrameHeader()
		if errors.Is(err, http2.ErrFrameTooLarge) {
			return &violation{http2.ErrCodeFrameSize, "frame larger than allowed"}
		}
		var f http2.Frame
		if err == nil {
			if first && h.Type != http2.FrameSettings {
				return &violation{http2.ErrCodeProtocol, "the first frame is not SETTINGS"}
			}
			f, err = c.framer.ReadFrameForHeader(h)
		}
		if err == nil {
			c.heard.Add(1)
			err = c.take(f)
		}
		if err != nil {
			if err = c.offence(h, err); err != nil {
				return err
			}
		}
	}
}

// offence deals with what was wrong with a frame: nil if only a stream suffers.
func (c *conn) offence(h http2.FrameHeader, err error) error {
	var ofStream http2.StreamError
	var ofConn http2.ConnectionError
	switch {
	case errors.As(err, &ofStream) && h.Type != http2.FrameHeaders && h.Type != http2.FrameContinuation:
		// Never of HEADERS: the block would be missing from the client's table.
		c.lock()
		defer c.mu.Unlock()
		if ofStream.StreamID > c.lastID {
			return &violation{ofStream.Code, "malformed frame of a stream that was not opened"}
		}
		c.resetID(ofStream.StreamID, ofStream.Code)
		return c.spend()
	case errors.As(err, &ofStream):
		return &violation{ofStream.Code, "malformed HEADERS"}
	case errors.As(err, &ofConn):
		why := "malformed or misplaced frame"
		if d := c.framer.ErrorDetail(); d != nil {
			why = d.Error()
		}
		return &violation{http2.ErrCode(ofConn), why}
	case errors.Is(err, io.ErrUnexpectedEOF):
		// It may be a frame too short for its own padding as well as a
		// connection that is lost: to say so does no harm.
		return &violation{http2.ErrCodeFrameSize, "frame too short"}
	}
	return err
}

// take acts on a frame.
func (c *conn) take(f http2.Frame) error {
	switch f := f.(type) {
	case *http2.DataFrame:
		return c.onData(f)
	case *http2.HeadersFrame:
		return c.onHeaders(f)
	case *http2.WindowUpdateFrame:
		c.lock()
		defer c.mu.Unlock()
		return c.onWindowUpdate(f)
	case *http2.RSTStreamFrame:
		c.lock()
		defer c.mu.Unlock()
		return c.onReset(f)
	case *http2.SettingsFrame:
		c.lock()
		defer c.mu.Unlock()
		return c.onSettings(f)
	case *http2.PingFrame:
		c.lock()
		defer c.mu.Unlock()
		return c.onPing(f)
	case *http2.GoAwayFrame:
		return nil // the client opens no more streams, and closes when it is done
	case *http2.PushPromiseFrame:
		return &violation{http2.ErrCodeProtocol, "PUSH_PROMISE from a client"}
	}
	return c.spend() // priorities, and what is not known: to be ignored
}

// onData takes DATA. Its whole length counts against windows, with padding.
func (c *conn) onData(f *http2.DataFrame) error {
	n := int(f.Length)
	c.inWindow -= n // never below 0: half of it is more than a frame, and is given back at once
	if len(f.Data()) == 0 && !f.StreamEnded() {
		if err := c.spend(); err != nil {
			return err
		}
	}
	c.lock()
	if c.inWindow <= connWindow/2 {
		c.control(appendWindowUpdate(c.out, 0, uint32(connWindow-c.inWindow)))
		c.inWindow = connWindow
	}
	t := c.streams[f.StreamID]
	if t == nil {
		defer c.mu.Unlock()
		if f.StreamID > c.lastID {
			return &violation{http2.ErrCodeProtocol, "DATA on a stream that was not opened"}
		}
		return nil // it was under way when the stream ended
	}
	whole := t.receive(f.Data(), n, f.StreamEnded())
	c.mu.Unlock()
	if whole {
		c.s.dispatch(t)
	}
	return nil
}

// onReset takes RST_STREAM: the client does not wait for the call any more.
func (c *conn) onReset(f *http2.RSTStreamFrame) error {
	if f.StreamID > c.lastID {
		return &violation{http2.ErrCodeProtocol, "RST_STREAM on a stream that was not opened"}
	}
	t := c.streams[f.StreamID]
	if t != nil {
		c.forget(t, context.Canceled)
	}
	if t == nil || c.lastID-f.StreamID < 2*recentStreams {
		return c.spend()
	}
	return nil // its client has waited for it
}

// onSettings takes SETTINGS. RFC 9113 §6.5.
func (c *conn) onSettings(f *http2.SettingsFrame) error {
	if f.IsAck() {
		return nil
	}
	err := f.ForeachSetting(func(s http2.Setting) error {
		if err := s.Valid(); err != nil {
			return err
		}
		switch s.ID {
		case http2.SettingInitialWindowSize:
			return c.startWith(int64(s.Val))
		case http2.SettingHeaderTableSize:
			c.table.limit(s.Val)
		case http2.SettingMaxHeaderListSize:
			c.listBytes = s.Val
		}
		return nil
	})
	if err != nil {
		return err
	}
	c.control(appendFrame(c.out, 0, http2.FrameSettings, http2.FlagSettingsAck, 0))
	return c.spend()
}

// forget takes a stream off the connection, and ends its call's context.
// c.mu is held.
func (c *conn) forget(t *stream, why error) {
	if t.closed {
		return
	}
	t.closed = true
	t.pending = nil
	delete(c.streams, t.id)
	t.ctx.end(why)
	t.wake()
	if c.drained && len(c.streams) == 0 {
		c.finish()
	}
}

// reset ends a stream with RST_STREAM. c.mu is held.
func (c *conn) reset(t *stream, code http2.ErrCode) {
	c.resetID(t.id, code)
}

func (c *conn) resetID(id uint32, code http2.ErrCode) {
	c.control(appendReset(c.out, id, code))
	if t := c.streams[id]; t != nil {
		c.forget(t, context.Canceled)
	}
}

// lastWord says why the connection ends, and that it does.
func (c *conn) lastWord(code http2.ErrCode, why string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out = appendGoAway(c.out, c.lastID, code, why)
	for _, t := range c.streams {
		c.forget(t, context.Canceled)
	}
	c.finish()
}

// finish has the flusher end the connection once all is written. c.mu is held.
func (c *conn) finish() {
	c.over = true
	c.wakeFlusher()
}

// close ends the connection at once. It may be called at any time, and again.
func (c *conn) close(why error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	c.closed = true
	for _, t := range c.streams {
		c.forget(t, context.Canceled)
	}
	_ = c.nc.Close() // nothing more is said or heard
	if c.started {
		c.tick.Stop()
		c.wakeFlusher()
		c.written.Broadcast()
	}
}
