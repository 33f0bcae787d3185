package front

import (
	"runtime"
	"sync"
	"time"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/status"
)

const (
	// fullBytes is how much may wait to be written before messages wait at their
	// streams: what the kernel takes at one time, about.
	fullBytes = 64 << 10
	// haltBytes is how much may wait before the reader waits too: no window bounds
	// answers to pings, refusals and errors.
	haltBytes = 2 * fullBytes
	// keepBytes is the largest buffer that is kept for later.
	keepBytes = 2 * fullBytes
)

// outbound is what a connection has to write. All under the connection's mutex.
type outbound struct {
	out     []byte     // whole frames, for the flusher
	asleep  bool       // the flusher waits
	work    *sync.Cond // there is something to flush
	written *sync.Cond // there is room

	window  int64     // that the client gives the connection
	initial int64     // that it gives each stream at first
	queue   []*stream // with a message that waits, and a window to send it in
	said    bool      // something of a call was sent since the last ping

	table     table
	listBytes uint32 // of a list of header fields that the client takes
}

func (o *outbound) init(c *conn) {
	o.work, o.written = sync.NewCond(&c.mu), sync.NewCond(&c.mu)
	o.window, o.initial = startWindow, startWindow
	o.table.max, o.listBytes = tableBytes, 1<<32-1
}

// control has b written, which is c.out with something appended that is no
// message's.
func (c *conn) control(b []byte) {
	c.out = b
	c.wakeFlusher()
}

// lock takes c.mu for the reader: when there is room for an answer.
func (c *conn) lock() {
	c.mu.Lock()
	for len(c.out) > haltBytes && !c.closed && !c.over {
		c.written.Wait()
	}
}

func (c *conn) wakeFlusher() {
	if c.asleep {
		c.asleep = false
		c.work.Signal()
	}
}

// flush writes what there is until the connection ends.
func (c *conn) flush() {
	var spare []byte
	c.mu.Lock()
	defer c.mu.Unlock()
	for !c.closed {
		c.pump()
		if len(c.out) == 0 {
			if c.over {
				c.linger()
				return
			}
			c.asleep = true
			c.work.Wait()
			if !c.closed && !c.over { // whoever is ready may append to this write
				c.mu.Unlock()
				runtime.Gosched()
				c.mu.Lock()
			}
			continue
		}
		b := c.out
		c.out = spare[:0]
		c.written.Broadcast()
		c.mu.Unlock()
		c.writes.Add(1)
		_, err := c.nc.Write(b)
		c.writes.Add(1)
		if spare = b; cap(b) > keepBytes {
			spare = nil
		}
		if err != nil {
			c.close(err) // and the reader comes to its end
		}
		c.mu.Lock()
	}
}

// linger tells the client that nothing follows, and gives it a little time to
// read what was said last before the connection ends. c.mu is held.
func (c *conn) linger() {
	if half, ok := c.nc.(interface{ CloseWrite() error }); ok {
		_ = half.CloseWrite() // if it fails, the client learns it a little later
	}
	_ = c.nc.SetReadDeadline(time.Now().Add(lingering)) // the reader ends with it
}

// send sends a message, or lets it wait at its stream until there is room. It
// reports whether the message is gone. c.mu is held.
func (c *conn) send(t *stream, message []byte) (gone bool) {
	c.head(t)
	c.said = true
	n := int64(len(message))
	if n <= min(t.window, c.window, fullBytes) && len(c.out) < fullBytes && len(c.queue) == 0 {
		t.window -= n
		c.window -= n
		for len(message) > frameBytes {
			c.out = appendData(c.out, t.id, message[:frameBytes])
			message = message[frameBytes:]
		}
		c.out = appendData(c.out, t.id, message)
		c.wakeFlusher()
		return true
	}
	t.pending = message
	c.enqueue(t)
	c.wakeFlusher()
	return false
}

// enqueue lets the flusher look at a stream, if there is something to do.
func (c *conn) enqueue(t *stream) {
	if !t.queued && len(t.pending) > 0 && t.window > 0 {
		t.queued = true
		c.queue = append(c.queue, t)
	}
}

// pump moves messages that wait, a frame from each stream in turn, for as long
// as there is room. c.mu is held.
func (c *conn) pump() {
	for len(c.queue) > 0 && c.window > 0 && len(c.out) < fullBytes {
		t := c.queue[0]
		c.queue[0] = nil
		c.queue = c.queue[1:]
		t.queued = false
		n := min(int64(len(t.pending)), t.window, c.window, frameBytes)
		if n <= 0 {
			continue // reset since, or its window has shrunk
		}
		c.said = true
		c.out = appendData(c.out, t.id, t.pending[:n])
		t.pending = t.pending[n:]
		t.window -= n
		c.window -= n
		switch {
		case len(t.pending) > 0:
			c.enqueue(t)
		case t.ending:
			c.trailers(t)
		default:
			t.pending = nil
			t.wake()
		}
	}
	if len(c.queue) == 0 {
		c.queue = nil // its array moved on with each stream taken
	}
}

// end ends a call with a status, nil for OK, once its messages are gone. A
// stream that was torn amid a message is reset. c.mu is held.
func (c *conn) end(t *stream, s *status.Status) {
	switch {
	case t.closed:
	case t.torn:
		c.reset(t, http2.ErrCodeCancel)
	default:
		t.ending, t.status = true, s
		if len(t.pending) == 0 {
			c.trailers(t)
		}
	}
}

// head opens the reply, once.
func (c *conn) head(t *stream) {
	if t.begun {
		return
	}
	t.begun, c.said = true, true
	if t.route.plain && len(t.header) == 0 {
		at := len(c.out)
		c.out = appendFrame(c.out, 0, http2.FrameHeaders, http2.FlagHeadersEndHeaders, t.id)
		c.out = setLength(c.table.appendHead(c.out), at)
		return
	}
	c.block(t, appendMetadata(c.table.appendOpening(nil, 200, t.route.contentType), t.header), false)
}

// trailers ends the reply, and the stream.
func (c *conn) trailers(t *stream) {
	c.said = true
	if t.status == nil && t.begun && len(t.trailer) == 0 {
		at := len(c.out)
		c.out = appendFrame(c.out, 0, http2.FrameHeaders, http2.FlagHeadersEndHeaders|http2.FlagHeadersEndStream, t.id)
		c.out = setLength(c.table.appendOK(c.out), at)
	} else {
		var b []byte
		if !t.begun {
			b = c.table.appendOpening(nil, t.route.httpStatus, t.route.contentType)
			b = appendMetadata(b, t.header)
		} else {
			b = c.table.appendUpdate(nil)
		}
		if !c.block(t, appendMetadata(appendStatus(b, t.status), t.trailer), true) {
			return
		}
	}
	if !t.ended {
		c.out = appendReset(c.out, t.id, http2.ErrCodeNo) // the rest of the request is not wanted
	}
	c.forget(t, nil)
	c.wakeFlusher()
}

// block sends a header block. One that the client does not take ends the
// stream: then it returns false.
func (c *conn) block(t *stream, b []byte, last bool) bool {
	if uint64(len(b)) > uint64(c.listBytes) {
		c.reset(t, http2.ErrCodeInternal)
		return false
	}
	var flags http2.Flags
	if last {
		flags = http2.FlagHeadersEndStream
	}
	kind := http2.FrameHeaders
	for len(b) > frameBytes {
		c.out = append(appendFrame(c.out, frameBytes, kind, flags, t.id), b[:frameBytes]...)
		kind, flags, b = http2.FrameContinuation, 0, b[frameBytes:]
	}
	// The flag is the same for both kinds.
	c.out = append(appendFrame(c.out, len(b), kind, flags|http2.FlagHeadersEndHeaders, t.id), b...)
	return true
}

// onWindowUpdate takes WINDOW_UPDATE. RFC 9113 §6.9. c.mu is held.
func (c *conn) onWindowUpdate(f *http2.WindowUpdateFrame) error {
	if f.StreamID == 0 {
		if c.window += int64(f.Increment); c.window > maxWindow {
			return &violation{http2.ErrCodeFlowControl, "the window of the connection is too large"}
		}
		if len(c.queue) > 0 {
			c.wakeFlusher()
		}
		return nil
	}
	if f.StreamID > c.lastID {
		return &violation{http2.ErrCodeProtocol, "WINDOW_UPDATE on a stream that was not opened"}
	}
	t := c.streams[f.StreamID]
	if t == nil {
		return nil
	}
	if t.window += int64(f.Increment); t.window > maxWindow {
		c.reset(t, http2.ErrCodeFlowControl)
		return c.spend()
	}
	if c.enqueue(t); t.queued {
		c.wakeFlusher()
	}
	return nil
}

// startWith gives streams another window, those that are there too: theirs may
// become less than nothing. RFC 9113 §6.9.2. c.mu is held.
func (c *conn) startWith(window int64) error {
	more := window - c.initial
	c.initial = window
	for _, t := range c.streams {
		if t.window += more; t.window > maxWindow {
			return &violation{http2.ErrCodeFlowControl, "the window of a stream is too large"}
		}
		c.enqueue(t)
	}
	if len(c.queue) > 0 {
		c.wakeFlusher()
	}
	return nil
}
