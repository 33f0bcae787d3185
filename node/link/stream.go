package link

import (
	"bytes"
	"context"
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net"
	"time"

	"althing/process"
)

const (
	// maxChunk is what is checked at a time: large enough for a disk, small
	// enough to hold.
	maxChunk = 256 << 10
	// streamTimeout is how long a side of a stream may do nothing. It is long
	// because the receiver writes to a disk.
	streamTimeout = time.Minute
)

// A stream is, after the handshake: length u32, sum u32, group u32, header;
// then chunks of length u32, sum u32, data; and at the end a chunk of length
// 0. Each sum is the CRC-32C of all data so far, group and header included. The
// receiver then sends an answer like that of the handshake.

// Stream opens a stream to a peer, for what is too large for a frame. Whoever
// gets it is told the header first. Close ends it, and returns nil only if the
// receiver has taken all of it. To give it up, end ctx, before Close.
func (t *Transport) Stream(ctx context.Context, to process.ID, group uint32,
	header encoding.BinaryAppender) (io.WriteCloser, error) {
	w, err := t.openStream(ctx, to, group, header)
	if err != nil {
		return nil, fmt.Errorf("open a stream to %d: %w", to, err)
	}
	return w, nil
}

func (t *Transport) openStream(ctx context.Context, to process.ID, group uint32,
	header encoding.BinaryAppender) (*streamWriter, error) {
	p := (*t.peers.Load())[to]
	if p == nil {
		return nil, errors.New("the peer is unknown")
	}
	head := binary.LittleEndian.AppendUint32(make([]byte, frameHeader), group)
	head, err := header.AppendBinary(head)
	if err != nil {
		return nil, fmt.Errorf("encode the header: %w", err)
	}
	if n := len(head) - frameHeader - 4; n > t.c.FrameBytes {
		return nil, fmt.Errorf("a header of %d bytes is over the limit of %d", n, t.c.FrameBytes)
	}
	conn, err := t.dial(ctx, to, p.addr, forStream)
	if err != nil {
		return nil, err
	}
	w := &streamWriter{t: t, ctx: ctx, conn: conn, buf: head}
	w.stop = context.AfterFunc(ctx, func() { conn.Close() })
	if err := w.flush(); err != nil {
		w.release()
		return nil, err
	}
	return w, nil
}

type streamWriter struct {
	t    *Transport
	ctx  context.Context
	conn net.Conn
	stop func() bool
	buf  []byte // a chunk, after room for its length and sum
	sum  uint32
	err  error // why it failed, or that it is closed
}

var errStreamClosed = errors.New("the stream is closed")

// Write sends b, in chunks that may wait for more.
func (w *streamWriter) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		if w.err != nil {
			return n, w.err
		}
		k := min(len(b), frameHeader+maxChunk-len(w.buf))
		w.buf = append(w.buf, b[:k]...)
		n, b = n+k, b[k:]
		if len(w.buf) == frameHeader+maxChunk {
			w.flush()
		}
	}
	return n, w.err
}

// flush sends the chunk in buf.
func (w *streamWriter) flush() error {
	data := w.buf[frameHeader:]
	w.sum = crc32.Update(w.sum, castagnoli, data)
	binary.LittleEndian.PutUint32(w.buf, uint32(len(data)))
	binary.LittleEndian.PutUint32(w.buf[4:], w.sum)
	err := w.conn.SetWriteDeadline(time.Now().Add(streamTimeout))
	if err == nil {
		_, err = w.conn.Write(w.buf)
	}
	if err != nil {
		w.err = w.why("write to the stream", err)
	}
	w.buf = w.buf[:frameHeader]
	return w.err
}

// why prefers the reason of whoever gave up, us or the receiver, to the noise
// of the connection that broke for it.
func (w *streamWriter) why(verb string, err error) error {
	if w.ctx.Err() != nil {
		return fmt.Errorf("%s: %w", verb, context.Cause(w.ctx))
	}
	if w.t.ctx.Err() != nil {
		return fmt.Errorf("%s: %w", verb, ErrClosed)
	}
	var refused *RefusedError
	w.conn.SetReadDeadline(time.Now().Add(w.t.c.Timeout))
	if errors.As(readAnswer(w.conn), &refused) {
		err = refused
	}
	return fmt.Errorf("%s: %w", verb, err)
}

// Close marks the end and waits for the receiver's answer.
func (w *streamWriter) Close() error {
	if errors.Is(w.err, errStreamClosed) {
		return w.err
	}
	defer w.release()
	if w.err == nil && len(w.buf) > frameHeader {
		w.flush()
	}
	if w.err == nil {
		w.flush() // of length 0
	}
	if w.err != nil {
		return w.err
	}
	if err := readAnswer(w.conn); err != nil {
		var refused *RefusedError
		if errors.As(err, &refused) {
			return fmt.Errorf("close the stream: %w", err)
		}
		return w.why("close the stream", err)
	}
	return nil
}

func (w *streamWriter) release() {
	w.stop()
	w.t.untrack(w.conn)
	w.err = errStreamClosed
}

// receiveStream runs the handler of a stream and answers how it went.
func (t *Transport) receiveStream(conn net.Conn, from process.ID) error {
	t.mu.Lock()
	full := t.streams >= maxStreams
	if !full {
		t.streams++
	}
	t.mu.Unlock()
	switch {
	case full:
		return t.refuse(conn, errors.New("it receives too many streams already"))
	case t.c.HandleStream == nil:
		defer t.endStream()
		return t.refuse(conn, errors.New("it takes no streams"))
	}
	defer t.endStream()
	if _, err := conn.Write(appendAnswer(nil, nil)); err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	b := &body{conn: conn}
	group, header, err := b.header(t.c.FrameBytes)
	if err == nil {
		err = t.c.HandleStream(from, group, header, b)
	}
	if err == nil {
		err = b.ended()
	}
	if e := conn.SetWriteDeadline(time.Now().Add(t.c.Timeout)); e != nil {
		return errors.Join(err, e)
	}
	if err != nil {
		return t.refuse(conn, fmt.Errorf("the stream failed: %w", err))
	}
	if _, err := conn.Write(appendAnswer(nil, nil)); err != nil {
		return fmt.Errorf("answer a stream: %w", err)
	}
	return nil
}

func (t *Transport) endStream() {
	t.mu.Lock()
	t.streams--
	t.mu.Unlock()
}

// A deadliner is the part of a connection that a body reads from.
type deadliner interface {
	io.Reader
	SetReadDeadline(time.Time) error
}

// A body is the content of a stream, each chunk checked before any of it is
// handed out.
type body struct {
	conn  deadliner
	sum   uint32
	chunk bytes.Buffer
	err   error // io.EOF once the end mark has been seen
}

// header reads what precedes the chunks.
func (b *body) header(limit int) (group uint32, header []byte, err error) {
	if err := b.fill(limit + 4); err != nil {
		return 0, nil, fmt.Errorf("read the header: %w", cutOff(err))
	}
	if b.chunk.Len() < 4 {
		return 0, nil, fmt.Errorf("read the header: %w", errLength)
	}
	group = binary.LittleEndian.Uint32(b.chunk.Next(4))
	return group, bytes.Clone(b.chunk.Next(b.chunk.Len())), nil
}

// Read returns io.EOF if and only if the stream is whole.
func (b *body) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for b.chunk.Len() == 0 {
		if b.err == nil {
			b.err = b.fill(maxChunk)
		}
		if b.err != nil {
			return 0, b.err
		}
	}
	return b.chunk.Read(p)
}

// fill reads one chunk, of at most limit bytes, and checks it. It returns
// io.EOF for the end mark.
func (b *body) fill(limit int) error {
	if err := b.conn.SetReadDeadline(time.Now().Add(streamTimeout)); err != nil {
		return err
	}
	var head [frameHeader]byte
	if _, err := io.ReadFull(b.conn, head[:]); err != nil {
		return cutOff(err)
	}
	n := binary.LittleEndian.Uint32(head[:])
	if uint64(n) > uint64(limit) {
		return errLength
	}
	b.chunk.Reset()
	if _, err := io.CopyN(&b.chunk, b.conn, int64(n)); err != nil { // grows as bytes arrive
		b.chunk.Reset()
		return cutOff(err)
	}
	b.sum = crc32.Update(b.sum, castagnoli, b.chunk.Bytes())
	if b.sum != binary.LittleEndian.Uint32(head[4:]) {
		b.chunk.Reset()
		return errSum
	}
	if n == 0 {
		return io.EOF
	}
	return nil
}

// ended returns nil if the whole body has been read. A handler that knows how
// much there is need not have seen the end mark.
func (b *body) ended() error {
	var one [1]byte
	switch n, err := b.Read(one[:]); {
	case n > 0:
		return errors.New("it was not read to the end")
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}
