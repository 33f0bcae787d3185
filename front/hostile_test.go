package front_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"

	"althing/front"
)

// huge is more frames than a connection may have that ask for nothing.
const huge = 15_000

// violations each end the connection, for a reason that RFC 9113 names.
var violations = []struct {
	name string
	do   func(*raw)
	want http2.ErrCode
}{
	{"data on stream 0", func(r *raw) { r.WriteData(0, false, []byte("x")) }, http2.ErrCodeProtocol},
	{"data on an idle stream", func(r *raw) { r.WriteData(5, false, []byte("x")) }, http2.ErrCodeProtocol},
	{"headers on stream 0", func(r *raw) { r.headers(0, true, opening("/a/b")...) }, http2.ErrCodeProtocol},
	{"headers on an even stream", func(r *raw) { r.headers(2, true, opening("/a/b")...) }, http2.ErrCodeProtocol},
	{"headers on a closed stream", func(r *raw) {
		r.echoes(3, "hello")
		r.headers(1, false, opening("/a/b")...)
	}, http2.ErrCodeStreamClosed},
	{"headers twice", func(r *raw) {
		r.headers(1, false, opening("/test.Echo/Unary")...)
		r.headers(1, false, opening("/test.Echo/Unary")...)
	}, http2.ErrCodeProtocol},
	{"a field of no table", func(r *raw) { r.WriteRawFrame(http2.FrameHeaders, 5, 1, []byte{0xff, 0xff, 0xff}) },
		http2.ErrCodeCompression},
	{"a field cut off", func(r *raw) { r.WriteRawFrame(http2.FrameHeaders, 5, 1, []byte{0x40, 10, 'x'}) },
		http2.ErrCodeCompression},
	{"a table too large", func(r *raw) { r.WriteRawFrame(http2.FrameHeaders, 5, 1, []byte{0x3f, 0xff, 0x7f}) },
		http2.ErrCodeCompression},
	{"continuation of nothing", func(r *raw) { r.WriteContinuation(1, true, nil) }, http2.ErrCodeProtocol},
	{"headers interrupted", func(r *raw) {
		r.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: r.block(opening("/a/b")...)})
		r.WritePing(false, [8]byte{})
	}, http2.ErrCodeProtocol},
	{"continuation of another", func(r *raw) {
		r.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: r.block(opening("/a/b")...)})
		r.WriteContinuation(3, true, nil)
	}, http2.ErrCodeProtocol},
	{"headers without end", func(r *raw) {
		r.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: r.block(opening("/a/b")...)})
		for range 10 {
			r.WriteContinuation(1, false, make([]byte, 16<<10))
		}
	}, http2.ErrCodeEnhanceYourCalm},
	{"empty continuations", func(r *raw) {
		r.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: r.block(opening("/a/b")...)})
		r.flood(func() { r.WriteContinuation(1, false, nil) })
	}, http2.ErrCodeEnhanceYourCalm},
	{"headers padded beyond their end", func(r *raw) { r.WriteRawFrame(http2.FrameHeaders, 0xd, 1, []byte{9, 1}) },
		http2.ErrCodeProtocol},
	{"data padded beyond its end", func(r *raw) {
		r.headers(1, false, opening("/test.Echo/Unary")...)
		r.WriteRawFrame(http2.FrameData, http2.FlagDataPadded, 1, []byte{9, 1})
	}, http2.ErrCodeProtocol},
	{"data too short for its padding", func(r *raw) {
		r.headers(1, false, opening("/test.Echo/Unary")...)
		r.WriteRawFrame(http2.FrameData, http2.FlagDataPadded, 1, nil)
	}, http2.ErrCodeFrameSize},
	{"window update of 0", func(r *raw) { r.WriteWindowUpdate(0, 0) }, http2.ErrCodeProtocol},
	{"window too large", func(r *raw) { r.WriteWindowUpdate(0, 1<<31-1) }, http2.ErrCodeFlowControl},
	{"window of an idle stream", func(r *raw) { r.WriteWindowUpdate(7, 1) }, http2.ErrCodeProtocol},
	{"zero window of an idle stream", func(r *raw) { r.WriteWindowUpdate(7, 0) }, http2.ErrCodeProtocol},
	{"window update cut off", func(r *raw) { r.WriteRawFrame(http2.FrameWindowUpdate, 0, 0, []byte{1}) },
		http2.ErrCodeFrameSize},
	{"initial window too large", func(r *raw) {
		r.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 31})
	}, http2.ErrCodeFlowControl},
	{"initial window too large for a stream", func(r *raw) {
		r.headers(1, false, opening("/test.Echo/Unary")...)
		r.WriteWindowUpdate(1, 1<<30)
		r.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
	}, http2.ErrCodeFlowControl},
	{"frame size too small", func(r *raw) {
		r.WriteSettings(http2.Setting{ID: http2.SettingMaxFrameSize, Val: 1})
	}, http2.ErrCodeProtocol},
	{"push neither on nor off", func(r *raw) {
		r.WriteSettings(http2.Setting{ID: http2.SettingEnablePush, Val: 2})
	}, http2.ErrCodeProtocol},
	{"settings cut off", func(r *raw) { r.WriteRawFrame(http2.FrameSettings, 0, 0, []byte{1}) },
		http2.ErrCodeFrameSize},
	{"settings of a stream", func(r *raw) { r.WriteRawFrame(http2.FrameSettings, 0, 1, nil) },
		http2.ErrCodeProtocol},
	{"settings in an ack", func(r *raw) { r.WriteRawFrame(http2.FrameSettings, 1, 0, make([]byte, 6)) },
		http2.ErrCodeFrameSize},
	{"ping too short", func(r *raw) { r.WriteRawFrame(http2.FramePing, 0, 0, []byte{1}) }, http2.ErrCodeFrameSize},
	{"ping of a stream", func(r *raw) { r.WriteRawFrame(http2.FramePing, 0, 1, make([]byte, 8)) },
		http2.ErrCodeProtocol},
	{"frame too large", func(r *raw) { r.WriteRawFrame(http2.FrameData, 0, 1, make([]byte, 16<<10+1)) },
		http2.ErrCodeFrameSize},
	{"reset of an idle stream", func(r *raw) { r.WriteRSTStream(3, http2.ErrCodeCancel) }, http2.ErrCodeProtocol},
	{"reset of stream 0", func(r *raw) { r.WriteRSTStream(0, http2.ErrCodeCancel) }, http2.ErrCodeProtocol},
	{"reset cut off", func(r *raw) { r.WriteRawFrame(http2.FrameRSTStream, 0, 1, []byte{1}) },
		http2.ErrCodeFrameSize},
	{"a promise", func(r *raw) {
		r.WritePushPromise(http2.PushPromiseParam{StreamID: 1, PromiseID: 2, EndHeaders: true})
	}, http2.ErrCodeProtocol},
	{"rapid reset", func(r *raw) {
		id := uint32(1)
		block := r.block(opening("/test.Echo/Unary")...)
		r.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true})
		block = r.block(opening("/test.Echo/Unary")...)
		r.flood(func() {
			r.WriteRSTStream(id, http2.ErrCodeCancel)
			id += 2
			r.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true})
		})
	}, http2.ErrCodeEnhanceYourCalm},
	{"malformed openings", func(r *raw) {
		id := uint32(1)
		block := r.block(":path", "/")
		r.flood(func() {
			r.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true})
			id += 2
		})
	}, http2.ErrCodeEnhanceYourCalm},
	{"settings without end", func(r *raw) { r.flood(func() { r.WriteSettings() }) }, http2.ErrCodeEnhanceYourCalm},
	{"priorities without end", func(r *raw) {
		r.flood(func() { r.WritePriority(1, http2.PriorityParam{}) })
	}, http2.ErrCodeEnhanceYourCalm},
	{"frames of no kind", func(r *raw) { r.flood(func() { r.WriteRawFrame(99, 0, 0, nil) }) },
		http2.ErrCodeEnhanceYourCalm},
	{"empty data", func(r *raw) {
		r.headers(1, false, opening("/test.Echo/Both")...)
		r.flood(func() { r.WriteData(1, false, nil) })
	}, http2.ErrCodeEnhanceYourCalm},
	{"pings", func(r *raw) { r.flood(func() { r.WritePing(false, [8]byte{}) }) }, http2.ErrCodeEnhanceYourCalm},
	{"pings within a call", func(r *raw) {
		r.headers(1, false, opening("/test.Echo/Unary")...)
		r.flood(func() { r.WritePing(false, [8]byte{}) })
	}, http2.ErrCodeEnhanceYourCalm},
}

// flood does it until the server has had enough; else the test fails by that.
func (r *raw) flood(do func()) {
	var all bytes.Buffer
	to := http2.NewFramer(&all, nil)
	to.AllowIllegalWrites = true
	r.Framer, to = to, r.Framer
	for range huge {
		do()
	}
	r.Framer = to
	if r.Conn != nil {
		go r.Write(all.Bytes()) // it fails when the server has gone
	}
}

func TestViolations(t *testing.T) {
	s := serve(t, front.Options{})
	for _, v := range violations {
		t.Run(strings.ReplaceAll(v.name, " ", "_"), func(t *testing.T) {
			r := connect(t, s.address)
			v.do(r)
			r.goesAway(v.want)
		})
	}
	r := begin(t, s.address)
	r.must(r.WritePing(false, [8]byte{}))
	r.goesAway(http2.ErrCodeProtocol) // the first is to be SETTINGS
	answers(t, dial(t, s.address, nil), "hello", "hello")
}

// TestNoHTTP2: who speaks something else is hung up on.
func TestNoHTTP2(t *testing.T) {
	s := serve(t, front.Options{})
	r := connect(t, s.address)
	r.Close()
	r = begin(t, s.address)
	r.Close()
	nc := begin(t, s.address).Conn
	nc.Write([]byte(strings.Repeat("GET / HTTP/1.1\r\n", 10)))
	var b [1 << 10]byte
	for n := 0; ; {
		k, err := nc.Read(b[:])
		if n += k; err != nil {
			break
		}
		if n > len(b) {
			t.Fatal("the connection goes on")
		}
	}
}

// TestStreamErrors: violations that end one stream, and no other.
func TestStreamErrors(t *testing.T) {
	s := serve(t, front.Options{MaxStreams: 4})
	bad := func(more ...string) func(*raw, uint32) {
		return func(r *raw, id uint32) { r.headers(id, true, opening("/test.Echo/Unary", more...)...) }
	}
	both := func(do func(*raw, uint32)) func(*raw, uint32) {
		return func(r *raw, id uint32) {
			r.headers(id, false, opening("/test.Echo/Both")...)
			do(r, id)
		}
	}
	for _, v := range []struct {
		name string
		do   func(*raw, uint32)
		want http2.ErrCode
	}{
		{"window update of 0", both(func(r *raw, id uint32) { r.WriteWindowUpdate(id, 0) }), http2.ErrCodeProtocol},
		{"window too large", both(func(r *raw, id uint32) { r.WriteWindowUpdate(id, 1<<31-1) }),
			http2.ErrCodeFlowControl},
		{"data after the end", both(func(r *raw, id uint32) {
			r.WriteData(id, true, message(sayWait))
			r.WriteData(id, false, []byte("x"))
		}), http2.ErrCodeStreamClosed},
		{"data beyond the window", both(func(r *raw, id uint32) {
			r.WriteData(id, false, message(sayWait)) // and what follows is not read
			for range 5 {
				r.WriteData(id, false, message(strings.Repeat("x", 16_000)))
			}
		}), http2.ErrCodeFlowControl},
		{"an upper case name", bad("Name", "x"), http2.ErrCodeProtocol},
		{"a name that is none", bad("na me", "x"), http2.ErrCodeProtocol},
		{"a value that is none", bad("name", "x\n"), http2.ErrCodeProtocol},
		{"connection", bad("connection", "x"), http2.ErrCodeProtocol},
		{"other codings", bad("te", "gzip"), http2.ErrCodeProtocol},
		{"an empty path", func(r *raw, id uint32) { r.headers(id, true, opening("")...) }, http2.ErrCodeProtocol},
		{"a pseudo field late", bad(":path", "x"), http2.ErrCodeProtocol},
		{"a response's field", func(r *raw, id uint32) { r.headers(id, true, ":status", "200") },
			http2.ErrCodeProtocol},
		{"no path", func(r *raw, id uint32) { r.headers(id, true, ":method", "POST", ":scheme", "http") },
			http2.ErrCodeProtocol},
		{"two paths", func(r *raw, id uint32) {
			r.headers(id, true, append([]string{":path", "/"}, opening("/test.Echo/Unary")...)...)
		}, http2.ErrCodeProtocol},
		{"a long list", func(r *raw, id uint32) {
			var long []string
			for range 30 { // in the table once, and named often
				long = append(long, "long", strings.Repeat("x", 3000))
			}
			bad(long...)(r, id)
		}, http2.ErrCodeFrameSize},
	} {
		t.Run(strings.ReplaceAll(v.name, " ", "_"), func(t *testing.T) {
			r := connect(t, s.address)
			r.echoes(1, "hello")
			v.do(r, 3)
			r.resets(3, v.want)
			r.must(r.WriteData(3, false, []byte("still under way")))
			r.echoes(5, "hello")
		})
	}
	r := connect(t, s.address)
	for id := uint32(1); id < 11; id += 2 {
		r.headers(id, false, opening("/test.Echo/Unary")...)
	}
	r.resets(9, http2.ErrCodeRefusedStream)
}

// TestRefusedOpenings: what is HTTP/2 but not gRPC gets an answer that says so.
func TestRefusedOpenings(t *testing.T) {
	s := serve(t, front.Options{})
	r := connect(t, s.address)
	id := uint32(1)
	for _, v := range []struct {
		change       []string
		status, code string
	}{
		{[]string{"content-type", "text/html"}, "415", "3"},
		{[]string{"content-type", "application/grpcx"}, "415", "3"},
		{[]string{":method", "GET"}, "405", "13"},
		{[]string{":authority", ""}, "400", "13"},
		{[]string{"grpc-timeout", "1x"}, "400", "13"},
		{[]string{"grpc-timeout", "123456789S"}, "400", "13"},
		{[]string{"grpc-timeout", "S"}, "400", "13"},
		{[]string{"grpc-timeout", "-1S"}, "400", "13"},
		{[]string{"grpc-timeout", "0n"}, "200", "4"},
		{[]string{"some-bin", "%"}, "400", "13"},
		{[]string{"host", "a", "host", "b"}, "400", "13"},
		{[]string{"grpc-encoding", "gzip"}, "200", "12"},
		{[]string{":path", "/a/b"}, "200", "12"},
	} {
		fields := opening("/test.Echo/Unary")
		for i := 0; i < len(v.change); i += 2 {
			for j := 0; j < len(fields); j += 2 {
				if fields[j] == v.change[i] {
					fields = append(fields[:j], fields[j+2:]...)
				}
			}
			switch {
			case v.change[i+1] == "":
			case v.change[i][0] == ':':
				fields = append([]string{v.change[i], v.change[i+1]}, fields...)
			default:
				fields = append(fields, v.change[i], v.change[i+1])
			}
		}
		if v.change[0] == "host" {
			fields = append(fields, "host", "a")
		}
		r.headers(id, false, fields...)
		got, _ := r.reply(id)
		if got[":status"] != v.status || got["grpc-status"] != v.code {
			t.Errorf("%q: the reply says %v, want %s and %s", v.change, got, v.status, v.code)
		}
		r.resets(id, http2.ErrCodeNo) // the request was not awaited
		id += 2
	}
	r.echoes(id, "hello")
}

// TestOddRequests are unusual, and allowed.
func TestOddRequests(t *testing.T) {
	s := serve(t, front.Options{})
	r := connect(t, s.address, http2.Setting{ID: 99, Val: 1})
	block := r.block(opening("/test.Echo/Unary", "grpc-encoding", "identity", "grpc-timeout", "99999999H")...)
	r.must(r.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block[:9], PadLength: 7,
		Priority: http2.PriorityParam{StreamDep: 3, Weight: 9}}))
	for _, b := range block[9 : len(block)-1] {
		r.must(r.WriteContinuation(1, false, []byte{b}))
	}
	r.must(r.WriteContinuation(1, true, block[len(block)-1:]))
	for _, b := range message("hello") {
		r.must(r.WriteDataPadded(1, false, []byte{b}, make([]byte, 200)))
	}
	r.must(r.WriteRawFrame(99, 0xff, 1, []byte("not known")))
	r.must(r.WriteGoAway(0, http2.ErrCodeNo, nil))
	r.headers(1, true, "trailer", "of a request")
	r.answered(1, "hello")
	r.headers(1, true, "trailer", "late")
	r.must(r.WriteRSTStream(1, http2.ErrCodeCancel))
	r.must(r.WriteWindowUpdate(1, 1))
	r.headers(3, false, append(opening("/test.Echo/Unary")[:8], "content-type", "application/grpc+proto")...)
	r.must(r.WriteData(3, true, message("x")))
	if got, _ := r.reply(3); got["content-type"] != "application/grpc+proto" || got["grpc-status"] != "0" {
		t.Errorf("the reply says %v", got)
	}
	for id, body := range map[uint32][]byte{
		5: nil, 7: message("hello")[:8], 9: {0, 0}, 11: append(message("x"), message("y")...),
		13: append([]byte{1}, message("x")[1:]...), 15: append([]byte{7}, message("x")[1:]...),
		17: {0, 0, 0, 0, 1, 0xff},
	} {
		r := connect(t, s.address)
		r.headers(id, false, opening("/test.Echo/Unary")...)
		r.must(r.WriteData(id, true, body))
		if got, _ := r.reply(id); got["grpc-status"] != "13" || got["grpc-message"] == "" {
			t.Errorf("%q is answered with %v", body, got)
		}
	}
	r.must(r.WritePing(false, [8]byte{1, 2, 3}))
	r.reads(func(f http2.Frame) bool {
		p, ok := f.(*http2.PingFrame)
		return ok && p.IsAck() && p.Data == [8]byte{1, 2, 3}
	})
}

// TestWindows: no byte beyond the windows that the client gives, and all within
// them in the end.
func TestWindows(t *testing.T) {
	s := serve(t, front.Options{})
	r := connect(t, s.address, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 0})
	conn, size := 1<<16-1, 200_000
	windows, got := map[uint32]int{}, map[uint32]int{}
	const streams = 6
	for id := uint32(1); id < 2*streams; id += 2 {
		r.call(id, sayOf(size))
		windows[id] = 0
	}
	total := len(message(strings.Repeat("x", size)))
	give := uint32(1)
	for ended := 0; ended < streams; {
		f, err := r.ReadFrame()
		r.must(err)
		id := f.Header().StreamID
		switch f := f.(type) {
		case *http2.SettingsFrame:
			if !f.IsAck() {
				continue
			}
			for id := range windows { // each another window, and then all another one
				r.must(r.WriteWindowUpdate(id, id*1000))
				windows[id] += int(id) * 1000
			}
			if give == 1 {
				r.must(r.WriteSettings(http2.Setting{ID: http2.SettingInitialWindowSize, Val: 5000}))
				for id := range windows {
					windows[id] += 5000
				}
				give = 7
			}
		case *http2.DataFrame:
			n := len(f.Data())
			got[id] += n
			if conn, windows[id] = conn-n, windows[id]-n; conn < 0 || windows[id] < 0 {
				t.Fatalf("stream %d was sent more than its windows: %d, %d", id, conn, windows[id])
			}
			if give = give*31%20_011 + 1; windows[id] < 3000 {
				r.must(r.WriteWindowUpdate(id, give))
				windows[id] += int(give)
			}
			if conn < 20_000 {
				r.must(r.WriteWindowUpdate(0, 2*give+uint32(n)))
				conn += 2*int(give) + n
			}
		case *http2.HeadersFrame:
			if f.StreamEnded() {
				ended++
				if got[id] != total {
					t.Errorf("stream %d was sent %d bytes, want %d", id, got[id], total)
				}
			}
		}
	}
}

func sayOf(size int) string { return fmt.Sprint(saySize, " ", size) }

// TestTable: whatever a client keeps of our header fields, and if it changes its
// mind, it can read them.
func TestTable(t *testing.T) {
	s := serve(t, front.Options{})
	for _, size := range []uint32{0, 1, 80, 103, 104, 120, 4096, 1 << 20} {
		r := connect(t, s.address, http2.Setting{ID: http2.SettingHeaderTableSize, Val: size})
		id := uint32(1)
		say := func() {
			r.echoes(id, "hello")
			r.call(id+2, sayPlain)
			if got, _ := r.reply(id + 2); got["grpc-status"] != "2" || got["grpc-message"] != "so it is" {
				t.Errorf("table of %d: an error says %v", size, got)
			}
			id += 4
		}
		r.settled()
		r.dec.SetAllowedMaxDynamicTableSize(size)
		say()
		say()
		told := min(size, 4096) // what the server last said that it makes use of
		for _, less := range []uint32{size / 2, 0, size} {
			r.must(r.WriteSettings(http2.Setting{ID: http2.SettingHeaderTableSize, Val: less}))
			r.settled()
			r.dec.SetAllowedMaxDynamicTableSize(less)
			before, want := r.updates, 0
			if less < told {
				told, want = less, 1
			}
			say()
			say()
			if got := r.updates - before; got != want {
				t.Errorf("table of %d, then %d: told %d times, want %d", size, less, got, want)
			}
		}
	}
}

// TestConnectionWindow: that of the connection binds, however large those of
// the streams are.
func TestConnectionWindow(t *testing.T) {
	s := serve(t, front.Options{})
	r := connect(t, s.address, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1 << 30})
	r.settled()
	const size = 50_000
	got, given := 0, 1<<16-1
	for id := uint32(1); id < 9; id += 2 { // those that fit at once, and those that wait
		r.call(id, sayOf(size))
	}
	for range 20 {
		for asked := false; ; {
			f, err := r.ReadFrame()
			r.must(err)
			if f.Header().Type == http2.FrameData {
				got += int(f.Header().Length)
			}
			if got > given {
				t.Fatalf("%d bytes were sent within a window of %d", got, given)
			}
			if got == given && !asked { // whatever is sent in spite of it comes before the answer
				asked = true
				r.must(r.WritePing(false, [8]byte{}))
			}
			if f.Header().Type == http2.FramePing {
				break
			}
		}
		r.must(r.WriteWindowUpdate(0, 3))
		given += 3
	}
}

// settled waits until the server has taken the settings.
func (r *raw) settled() {
	r.t.Helper()
	r.reads(func(f http2.Frame) bool { s, ok := f.(*http2.SettingsFrame); return ok && s.IsAck() })
}

// TestListLimit: a client that takes no long lists of header fields is not sent
// any.
func TestListLimit(t *testing.T) {
	s := serve(t, front.Options{})
	r := connect(t, s.address, http2.Setting{ID: http2.SettingMaxHeaderListSize, Val: 50})
	r.settled()
	r.echoes(1, "hello")
	r.call(3, sayFail)
	r.resets(3, http2.ErrCodeInternal)
	r.echoes(5, "hello")
}

// TestSilence: a client that is silent is pinged; one that answers is kept, one
// that does not is cut off.
func TestSilence(t *testing.T) {
	s := serve(t, front.Options{PingInterval: 20 * time.Millisecond, PingTimeout: 20 * time.Millisecond})
	ping := func(f http2.Frame) bool { p, ok := f.(*http2.PingFrame); return ok && !p.IsAck() }
	r := connect(t, s.address)
	for range 3 {
		f := r.reads(ping)
		if f == nil {
			t.Fatal("a client that answers was cut off")
		}
		r.must(r.WritePing(true, f.(*http2.PingFrame).Data))
	}
	if r.reads(ping) == nil {
		t.Fatal("no ping")
	}
	if f := r.reads(func(http2.Frame) bool { return true }); f != nil {
		t.Fatalf("%v to a client that does not answer", f)
	}
}

// TestStuck: a client that takes nothing of what is written to it is cut off,
// and the senders are told.
func TestStuck(t *testing.T) {
	s := serve(t, front.Options{PingTimeout: 50 * time.Millisecond})
	r := connect(t, s.address, http2.Setting{ID: http2.SettingInitialWindowSize, Val: 1<<31 - 1})
	r.must(r.WriteWindowUpdate(0, 1<<30))
	r.headers(1, false, opening("/test.Echo/Many")...)
	r.must(r.WriteData(1, true, message(strings.Repeat("x", 10_000))))
	select {
	case err := <-s.ended:
		if err == nil {
			t.Error("the sender was told nothing")
		}
	case <-time.After(patience):
		t.Error("the sender is stuck")
	}
}

// TestLateResets: calls that are given up after a while cost their client
// nothing, however many they are.
func TestLateResets(t *testing.T) {
	s := serve(t, front.Options{})
	r := connect(t, s.address)
	r.headers(1, false, opening("/test.Echo/Unary")...)
	block := r.block(opening("/test.Echo/Unary")...)
	var all bytes.Buffer
	to := http2.NewFramer(&all, nil)
	const last, behind = 2*3*huge + 1, 2 * 2000
	for id := uint32(3); id < last; id += 2 {
		r.must(to.WriteHeaders(http2.HeadersFrameParam{StreamID: id, BlockFragment: block, EndHeaders: true}))
		if id > behind {
			r.must(to.WriteRSTStream(id-behind, http2.ErrCodeCancel))
		}
	}
	_, err := r.Write(all.Bytes())
	r.must(err)
	r.echoes(last, "hello")
}
