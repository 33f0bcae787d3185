package front

import (
	"context"
	"encoding/binary"
	"io"
	"sync"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const (
	// prefixBytes come before each message: whether it is compressed, and its
	// length. gRPC over HTTP/2, "Length-Prefixed-Message".
	prefixBytes = 5
	// keepMessage is the largest buffer of a message that is kept for later.
	keepMessage = 16 << 10
)

// Errors that clients see; the text is grpc-go's.
var (
	errNoRequest = status.Error(codes.Internal,
		"cardinality violation: received no request message from non-client-streaming RPC")
	errRequests = status.Error(codes.Internal,
		"cardinality violation: received multiple request messages for non-client-streaming RPC")
	errCutOff     = status.Error(codes.Internal, io.ErrUnexpectedEOF.Error())
	errCompressed = status.Error(codes.Internal,
		"grpc: compressed flag set with identity or empty encoding")
	errHeaders = status.Error(codes.Internal, "transport: the stream is done or WriteHeader was already called")
)

// A stream is a call. It is the grpc.ServerStream of those that are streams.
type stream struct {
	c     *conn
	id    uint32
	route *route
	ctx   *callContext

	// Of whoever runs the handler.
	decode   func(any) error // decodeRequest, bound once
	buf      []byte          // for messages that are sent
	finished bool
	received bool // a message

	// Under the connection's mutex.
	closed   bool          // off the connection
	ended    bool          // the client has sent all
	in       []byte        // what came and was not taken
	inWindow int           // that the client has left
	more     chan struct{} // something came, or the stream ended; nil: nobody waits
	window   int64         // that the client gives us
	pending  []byte        // of a message, that is not gone yet
	room     chan struct{} // pending is gone, or the stream ended; nil: nobody waits
	queued   bool          // in conn.queue
	torn     bool          // part of a message is gone, and the rest will never be
	begun    bool          // the reply
	ending   bool          // with status, after pending
	status   *status.Status
	header   metadata.MD
	trailer  metadata.MD
}

// streams of unary calls are used again: nobody else gets to see them.
var streams = sync.Pool{New: func() any {
	t := new(stream)
	t.decode = t.decodeRequest
	return t
}}

func newStream(c *conn, id uint32, r *route, ctx *callContext) *stream {
	var t *stream
	if m := r.method; m != nil && m.unary != nil {
		t = streams.Get().(*stream)
	} else {
		t = &stream{more: make(chan struct{}, 1), room: make(chan struct{}, 1)}
	}
	t.c, t.id, t.route, t.ctx, t.inWindow = c, id, r, ctx, streamWindow
	return t
}

// recycle gives the stream of a unary call back.
func (t *stream) recycle() {
	in, buf := t.in[:0], t.buf[:0]
	if cap(in) > keepMessage {
		in = nil
	}
	if cap(buf) > keepMessage {
		buf = nil
	}
	*t = stream{decode: t.decode, in: in, buf: buf}
	streams.Put(t)
}

// wake wakes whoever waits for something to happen to the stream.
func (t *stream) wake() {
	for _, c := range []chan struct{}{t.more, t.room} {
		select {
		case c <- struct{}{}:
		default: // nobody waits, or has been woken already
		}
	}
}

// receive takes DATA, of n bytes with its padding, and perhaps the end of the
// request. It reports whether a unary request is whole now, and is to be
// dispatched. c.mu is held.
func (t *stream) receive(data []byte, n int, ended bool) (whole bool) {
	c := t.c
	if t.ended {
		c.reset(t, http2.ErrCodeStreamClosed)
		return false
	}
	if t.inWindow -= n; t.inWindow < 0 {
		c.reset(t, http2.ErrCodeFlowControl)
		return false
	}
	t.in = append(t.in, data...)
	t.ended = ended
	size, known := t.awaited()
	unary := t.route.method.unary != nil
	switch {
	case known && size > c.s.o.MaxRequestBytes:
		if unary {
			c.end(t, tooLarge(size, c.s.o.MaxRequestBytes))
			return false
		}
	case !ended:
		t.grant(size)
	}
	if unary && ended {
		c.running++
		return true
	}
	t.wake()
	return false
}

// awaited returns how long the next message of in is.
func (t *stream) awaited() (size int, known bool) {
	if len(t.in) < prefixBytes {
		return 0, false
	}
	return int(min(binary.BigEndian.Uint32(t.in[1:]), maxWindow)), true
}

// grant lets the client send more, if there is room for it, or a message of
// that size is awaited which would not come otherwise.
func (t *stream) grant(size int) {
	more := prefixBytes + size - len(t.in) - t.inWindow
	if free := streamWindow - len(t.in) - t.inWindow; free >= streamWindow/2 {
		more = max(more, free)
	}
	if more > 0 {
		t.inWindow += more
		t.c.control(appendWindowUpdate(t.c.out, t.id, uint32(more)))
	}
}

func tooLarge(size, most int) *status.Status {
	return status.Newf(codes.ResourceExhausted, "grpc: received message larger than max (%d vs. %d)", size, most)
}

// runUnary runs the handler of a unary call whose request is whole, and sends
// what it returns.
func (t *stream) runUnary() {
	defer t.leave()
	c, m := t.c, t.route.method
	reply, err := m.unary(m.service, t.ctx, t.decode, c.s.o.Unary)
	var message []byte
	if err == nil {
		t.buf, err = appendMessage(t.buf[:0], reply)
		message = t.buf
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.finished = true
	switch {
	case t.closed:
	case err != nil:
		c.end(t, statusOf(err))
	default:
		c.send(t, message)
		c.end(t, nil)
	}
}

// leave ends a call whose handler has returned, or ended its goroutine: then
// the client is not left waiting.
func (t *stream) leave() {
	c := t.c
	c.mu.Lock()
	if !t.finished && !t.closed {
		c.reset(t, http2.ErrCodeInternal)
	}
	c.running--
	ours := t.more == nil && t.closed && !t.queued
	c.mu.Unlock()
	if ours {
		t.recycle()
	}
	c.s.handlers.Done()
}

// runStream runs the handler of a call that is a stream.
func (t *stream) runStream() {
	defer t.leave()
	c, m := t.c, t.route.method
	var err error
	if c.s.o.Stream != nil {
		err = c.s.o.Stream(m.service, t, &m.info, m.stream)
	} else {
		err = m.stream(m.service, t)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	t.finished = true
	if err != nil {
		c.end(t, statusOf(err))
	} else {
		c.end(t, nil)
	}
}

// statusOf returns what a client is told of an error of a handler.
func statusOf(err error) *status.Status {
	if s, ok := status.FromError(err); ok {
		return s
	}
	return status.FromContextError(err)
}

// decodeRequest decodes the one message of a unary call.
func (t *stream) decodeRequest(m any) error {
	size, known := t.awaited()
	switch {
	case len(t.in) == 0:
		return errNoRequest
	case !known || len(t.in) < prefixBytes+size:
		return errCutOff
	case len(t.in) > prefixBytes+size:
		return errRequests
	}
	return decodeMessage(t.in, m)
}

// decodeMessage decodes a message with its prefix.
func decodeMessage(b []byte, m any) error {
	switch b[0] {
	case 0:
	case 1:
		return errCompressed
	default:
		return status.Errorf(codes.Internal, "grpc: received unexpected payload format %d", b[0])
	}
	p, ok := m.(proto.Message)
	if !ok {
		return status.Errorf(codes.Internal, "grpc: failed to unmarshal the received message: %T is none", m)
	}
	if err := proto.Unmarshal(b[prefixBytes:], p); err != nil {
		return status.Errorf(codes.Internal, "grpc: failed to unmarshal the received message: %v", err)
	}
	return nil
}

// appendMessage appends a message with its prefix.
func appendMessage(b []byte, m any) ([]byte, error) {
	p, ok := m.(proto.Message)
	if !ok {
		return b, status.Errorf(codes.Internal, "grpc: error while marshaling: %T is no message", m)
	}
	at := len(b)
	b, err := proto.MarshalOptions{}.MarshalAppend(append(b, 0, 0, 0, 0, 0), p)
	if err != nil {
		return b[:at], status.Errorf(codes.Internal, "grpc: error while marshaling: %v", err)
	}
	n := len(b) - at - prefixBytes
	if int64(n) > maxWindow {
		return b[:at], status.Errorf(codes.ResourceExhausted, "grpc: message too large (%d bytes)", n)
	}
	binary.BigEndian.PutUint32(b[at+1:], uint32(n))
	return b, nil
}

// Context implements grpc.ServerStream.
func (t *stream) Context() context.Context { return t.ctx }

// SetHeader implements grpc.ServerStream.
func (t *stream) SetHeader(md metadata.MD) error {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	if t.begun || t.closed {
		return errHeaders
	}
	t.header = metadata.Join(t.header, md)
	return nil
}

// SendHeader implements grpc.ServerStream.
func (t *stream) SendHeader(md metadata.MD) error {
	if err := t.SetHeader(md); err != nil {
		return err
	}
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.c.head(t)
	t.c.wakeFlusher()
	return nil
}

// SetTrailer implements grpc.ServerStream.
func (t *stream) SetTrailer(md metadata.MD) {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	t.trailer = metadata.Join(t.trailer, md)
}

// SendMsg implements grpc.ServerStream. It returns when the message is on its
// way.
func (t *stream) SendMsg(m any) error {
	var err error
	if t.buf, err = appendMessage(t.buf[:0], m); err != nil {
		return err
	}
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if t.closed || t.torn {
		return t.over()
	}
	if c.send(t, t.buf) {
		if cap(t.buf) > keepMessage {
			t.buf = nil
		}
		return nil
	}
	for len(t.pending) > 0 && !t.closed {
		c.mu.Unlock()
		select {
		case <-t.room:
			c.mu.Lock()
		case <-t.ctx.Done():
			c.mu.Lock()
			if !t.closed && len(t.pending) > 0 {
				t.torn, t.pending = true, nil
			}
		}
	}
	t.buf = nil // it was large, and a stream that waits need not keep it
	if t.closed || t.torn {
		return t.over()
	}
	return nil
}

// over returns why nothing more goes over the stream.
func (t *stream) over() error {
	if err := t.ctx.Err(); err != nil {
		return status.FromContextError(err).Err()
	}
	return status.FromContextError(context.Canceled).Err()
}

// RecvMsg implements grpc.ServerStream.
func (t *stream) RecvMsg(m any) error {
	b, err := t.next()
	if err == io.EOF && !t.route.method.info.IsClientStream && !t.received {
		err = errNoRequest
	}
	if err != nil {
		return err
	}
	t.received = true
	if err := decodeMessage(b, m); err != nil || t.route.method.info.IsClientStream {
		return err
	}
	switch _, err := t.next(); err {
	case io.EOF:
		return nil // there is but one
	case nil:
		return errRequests
	default:
		return err
	}
}

// next waits for a message, and returns it with its prefix; io.EOF when there
// are no more.
func (t *stream) next() ([]byte, error) {
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		size, known := t.awaited()
		switch most := c.s.o.MaxRequestBytes; {
		case known && size > most:
			return nil, tooLarge(size, most).Err()
		case known && len(t.in) >= prefixBytes+size:
			b := append([]byte(nil), t.in[:prefixBytes+size]...)
			if t.in = append(t.in[:0], t.in[len(b):]...); len(t.in) == 0 && cap(t.in) > keepMessage {
				t.in = nil
			}
			if !t.ended && !t.closed {
				size, _ = t.awaited()
				t.grant(min(size, most))
			}
			return b, nil
		case t.closed:
			return nil, t.over()
		case t.ended && len(t.in) > 0:
			return nil, errCutOff
		case t.ended:
			return nil, io.EOF
		}
		c.mu.Unlock()
		select {
		case <-t.more:
		case <-t.ctx.Done():
		}
		c.mu.Lock()
		if err := t.ctx.Err(); err != nil {
			return nil, status.FromContextError(err).Err()
		}
	}
}
