package front_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// A raw is a client that speaks frames, allowed or not.
type raw struct {
	t testing.TB
	net.Conn
	*http2.Framer
	buf bytes.Buffer
	enc *hpack.Encoder
	dec *hpack.Decoder

	updates int // of the size of the table, at the beginning of replies
}

// connect dials and says the preface and settings.
func connect(t testing.TB, address string, settings ...http2.Setting) *raw {
	t.Helper()
	r := begin(t, address)
	r.must(r.WriteSettings(settings...))
	return r
}

// begin dials and says the preface.
func begin(t testing.TB, address string) *raw {
	t.Helper()
	nc, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { nc.Close() })
	nc.SetDeadline(time.Now().Add(patience))
	r := &raw{t: t, Conn: nc, Framer: http2.NewFramer(nc, nc)}
	r.AllowIllegalWrites = true
	r.encodeTo()
	_, err = io.WriteString(nc, http2.ClientPreface)
	r.must(err)
	return r
}

func (r *raw) encodeTo() {
	r.enc = hpack.NewEncoder(&r.buf)
	r.dec = hpack.NewDecoder(4096, nil)
}

func (r *raw) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// opening is what a call to path begins with.
func opening(path string, more ...string) []string {
	return append([]string{":method", "POST", ":scheme", "http", ":path", path, ":authority", "here",
		"content-type", "application/grpc", "te", "trailers"}, more...)
}

// block encodes fields.
func (r *raw) block(fields ...string) []byte {
	r.buf.Reset()
	for i := 0; i < len(fields); i += 2 {
		r.must(r.enc.WriteField(hpack.HeaderField{Name: fields[i], Value: fields[i+1]}))
	}
	return bytes.Clone(r.buf.Bytes())
}

// headers opens a stream.
func (r *raw) headers(id uint32, end bool, fields ...string) {
	r.t.Helper()
	r.must(r.WriteHeaders(http2.HeadersFrameParam{
		StreamID: id, BlockFragment: r.block(fields...), EndHeaders: true, EndStream: end,
	}))
}

// message is text as gRPC sends it.
func message(text string) []byte {
	b, err := proto.Marshal(wrapperspb.Bytes([]byte(text)))
	if err != nil {
		panic(err)
	}
	return append(binary.BigEndian.AppendUint32([]byte{0}, uint32(len(b))), b...)
}

// call makes a unary call of text.
func (r *raw) call(id uint32, text string) {
	r.t.Helper()
	r.headers(id, false, opening("/test.Echo/Unary")...)
	r.must(r.WriteData(id, true, message(text)))
}

// reads takes frames until one that want takes, and returns it; nil at the end
// of the connection.
func (r *raw) reads(want func(http2.Frame) bool) http2.Frame {
	r.t.Helper()
	for {
		f, err := r.ReadFrame()
		if err != nil {
			var late net.Error
			if errors.As(err, &late) && late.Timeout() {
				r.t.Fatal("waited in vain for a frame")
			}
			return nil
		}
		if want(f) {
			return f
		}
	}
}

// goesAway wants the connection to end for a reason.
func (r *raw) goesAway(code http2.ErrCode) {
	r.t.Helper()
	f := r.reads(func(f http2.Frame) bool { return f.Header().Type == http2.FrameGoAway })
	g, ok := f.(*http2.GoAwayFrame)
	if !ok {
		r.t.Fatalf("the connection ended without GOAWAY; want %v", code)
	}
	if g.ErrCode != code {
		r.t.Fatalf("GOAWAY %v, %q; want %v", g.ErrCode, g.DebugData(), code)
	}
	if f := r.reads(func(http2.Frame) bool { return true }); f != nil {
		r.t.Fatalf("%v follows the GOAWAY", f)
	}
}

// resets wants a stream to end for a reason.
func (r *raw) resets(id uint32, code http2.ErrCode) {
	r.t.Helper()
	f := r.reads(func(f http2.Frame) bool {
		return f.Header().Type == http2.FrameRSTStream || f.Header().Type == http2.FrameGoAway
	})
	s, ok := f.(*http2.RSTStreamFrame)
	if !ok || s.StreamID != id || s.ErrCode != code {
		r.t.Fatalf("got %v; want RST_STREAM of %d for %v", f, id, code)
	}
}

// reply reads the whole reply on a stream: its header fields, the trailers
// among them, and its data.
func (r *raw) reply(id uint32) (fields map[string]string, data []byte) {
	r.t.Helper()
	fields = make(map[string]string)
	r.reads(func(f http2.Frame) bool {
		switch f := f.(type) {
		case *http2.HeadersFrame:
			if f.HeaderBlockFragment()[0]&0xe0 == 0x20 {
				r.updates++
			}
			all, err := r.dec.DecodeFull(f.HeaderBlockFragment())
			r.must(err)
			if f.StreamID != id {
				return false
			}
			for _, h := range all {
				fields[h.Name] = h.Value
			}
			return f.StreamEnded()
		case *http2.DataFrame:
			if f.StreamID == id {
				data = append(data, f.Data()...)
			}
		}
		return false
	})
	return fields, data
}

// echoes makes a call that is to go well.
func (r *raw) echoes(id uint32, text string) {
	r.t.Helper()
	r.call(id, text)
	r.answered(id, text)
}

// answered wants a reply to be text.
func (r *raw) answered(id uint32, text string) {
	r.t.Helper()
	fields, data := r.reply(id)
	if fields["grpc-status"] != "0" || fields[":status"] != "200" || fields["content-type"] != "application/grpc" {
		r.t.Fatalf("the reply says %v", fields)
	}
	if !bytes.Equal(data, message(text)) {
		r.t.Fatalf("the reply is %.40q, want %.40q", data, message(text))
	}
}
