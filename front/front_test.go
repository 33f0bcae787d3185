package front_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"althing/front"
)

// answers asks for text and wants the answer.
func answers(t *testing.T, c *grpc.ClientConn, text, want string) {
	t.Helper()
	got, err := say(within(t), c, text)
	if err != nil || got != want {
		t.Fatalf("%.20q is answered %.40q, %v; want %.40q", text, got, err, want)
	}
}

// fails asks for text and wants an error of that code, with part in its text.
func fails(t *testing.T, c *grpc.ClientConn, text string, code codes.Code, part string) {
	t.Helper()
	_, err := say(within(t), c, text)
	if status.Code(err) != code || !strings.Contains(status.Convert(err).Message(), part) {
		t.Fatalf("%.20q fails with %v; want %v, %q", text, err, code, part)
	}
}

func TestUnary(t *testing.T) {
	s := serve(t, front.Options{})
	c := dial(t, s.address, nil)
	answers(t, c, "", "")
	answers(t, c, "hello", "hello")
	for _, n := range []int{1, 16<<10 - 5, 16 << 10, 64 << 10, 1 << 20, 3 << 20} {
		text := strings.Repeat("x", n)
		answers(t, c, text, text)
		if got, err := say(within(t), c, fmt.Sprint(saySize, " ", n)); err != nil || len(got) != n {
			t.Fatalf("%d bytes asked for: %d, %v", n, len(got), err)
		}
	}
	_, err := say(within(t), c, sayFail)
	st := status.Convert(err)
	if st.Code() != codes.DataLoss || st.Message() != "100 % of it: naïve\n\x01" || len(st.Details()) != 1 {
		t.Fatalf("a status with details arrives as %v, %v", err, st.Details())
	}
	fails(t, c, sayPlain, codes.Unknown, "so it is")
	fails(t, c, sayExit, codes.Internal, "")
	answers(t, c, "hello", "hello")
}

// TestRefusals: what is refused before a handler sees it.
func TestRefusals(t *testing.T) {
	s := serve(t, front.Options{MaxRequestBytes: 100})
	c := dial(t, s.address, nil)
	fails(t, c, strings.Repeat("x", 1<<20), codes.ResourceExhausted, "received message larger than max (10485")
	ctx := within(t)
	for path, want := range map[string]string{
		"/test.Echo/None": "unknown method None for service test.Echo",
		"/test.None/Echo": "unknown service test.None",
		"/nothing":        `malformed method name: "/nothing"`,
	} {
		err := c.Invoke(ctx, path, new(bytesValue), new(bytesValue))
		if status.Code(err) != codes.Unimplemented || status.Convert(err).Message() != want {
			t.Errorf("%s: %v, want Unimplemented %q", path, err, want)
		}
	}
	err := c.Invoke(ctx, "/test.Echo/Unary", new(bytesValue), new(bytesValue), grpc.UseCompressor(gzip.Name))
	want := `grpc: Decompressor is not installed for grpc-encoding "gzip"`
	if status.Code(err) != codes.Unimplemented || status.Convert(err).Message() != want {
		t.Errorf("gzip: %v, want Unimplemented %q", err, want)
	}
	// A message to a stream that is too large ends it alone.
	both := open(t, ctx, c, "Both")
	if err := both.SendMsg(wrapperspb.Bytes(make([]byte, 200))); err != nil {
		t.Fatal(err)
	}
	if err := both.RecvMsg(new(bytesValue)); status.Code(err) != codes.ResourceExhausted {
		t.Errorf("a large message to a stream: %v", err)
	}
	answers(t, c, "hello", "hello")
}

func open(t *testing.T, ctx context.Context, c *grpc.ClientConn, name string) grpc.ClientStream {
	t.Helper()
	d := &grpc.StreamDesc{ServerStreams: name != "Count", ClientStreams: name != "Many"}
	to, err := c.NewStream(ctx, d, "/test.Echo/"+name)
	if err != nil {
		t.Fatal(err)
	}
	return to
}

func TestMetadata(t *testing.T) {
	s := serve(t, front.Options{})
	c := dial(t, s.address, nil, grpc.WithUserAgent("tester"))
	for _, name := range []string{"plain", "twice", "raw-bin", "user-agent", ":authority", "te"} {
		ctx := metadata.AppendToOutgoingContext(within(t),
			"plain", "value", "twice", "a", "twice", "b", "raw-bin", "\x00\xff")
		got, err := say(ctx, c, sayMeta+" "+name)
		want := map[string]string{
			"plain": "value", "twice": "a,b", "raw-bin": "\x00\xff", ":authority": s.address,
		}[name]
		if err != nil || got != want && !(name == "user-agent" && strings.HasPrefix(got, "tester grpc-go/")) {
			t.Errorf("metadata %s is %q, %v; want %q", name, got, err, want)
		}
	}
	// The next call says less, and is not taken for the last.
	if got, err := say(within(t), c, sayMeta+" plain"); got != "" || err != nil {
		t.Errorf("metadata of another call: %q, %v", got, err)
	}
	// Of many kinds of openings, each is told apart.
	for i := range 100 {
		v := fmt.Sprint(i % 50)
		ctx := metadata.AppendToOutgoingContext(within(t), "number", v)
		if got, err := say(ctx, c, sayMeta+" number"); got != v || err != nil {
			t.Errorf("number %q, %v; want %q", got, err, v)
		}
	}
}

// TestStreams: messages in order, both ways, with trailers.
func TestStreams(t *testing.T) {
	s := serve(t, front.Options{})
	c := dial(t, s.address, nil)
	to := open(t, within(t), c, "Both")
	const n = 500
	go func() {
		for i := range n {
			if err := to.SendMsg(wrapperspb.Bytes(fmt.Append(nil, i, strings.Repeat("y", i*20)))); err != nil {
				t.Error(err)
			}
		}
		to.CloseSend()
	}()
	for i := range n {
		in := new(bytesValue)
		if err := to.RecvMsg(in); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprint(i, strings.Repeat("y", i*20)); string(in.GetValue()) != want {
			t.Fatalf("answer %d is %.20q, want %.20q", i, in.GetValue(), want)
		}
	}
	if err := to.RecvMsg(new(bytesValue)); err != io.EOF {
		t.Fatalf("after the last: %v", err)
	}
	tail := to.Trailer()
	if !slices.Equal(tail["told-bin"], []string{"\x00\xff"}) || !slices.Equal(tail["told"], []string{"all"}) {
		t.Errorf("trailers are %v", tail)
	}
	up := open(t, within(t), c, "Count")
	for range 100 {
		if err := up.SendMsg(wrapperspb.Bytes(make([]byte, 10_000))); err != nil {
			t.Fatal(err)
		}
	}
	up.CloseSend()
	in := new(bytesValue)
	if err := up.RecvMsg(in); err != nil || string(in.GetValue()) != "1000000" {
		t.Errorf("counted %q, %v", in.GetValue(), err)
	}
}

// TestSlowReader: who does not read a stream holds up who sends on it, and
// nobody else; and when it goes, the sender is told.
func TestSlowReader(t *testing.T) {
	s := serve(t, front.Options{})
	c := dial(t, s.address, nil, grpc.WithInitialWindowSize(64<<10), grpc.WithInitialConnWindowSize(1<<20))
	ctx, cancel := context.WithCancel(within(t))
	var slow []grpc.ClientStream
	for range 5 {
		to := open(t, ctx, c, "Many")
		if err := to.SendMsg(wrapperspb.Bytes(make([]byte, 5000))); err != nil {
			t.Fatal(err)
		}
		to.CloseSend()
		head, err := to.Header()
		if err != nil || !slices.Equal(head["begun"], []string{"yes"}) {
			t.Fatalf("header %v, %v", head, err)
		}
		slow = append(slow, to)
	}
	for range 200 {
		answers(t, c, "hello", "hello")
	}
	text := strings.Repeat("x", 300<<10)
	answers(t, c, text, text)
	for range 1000 { // one that is read again goes on
		in := new(bytesValue)
		if err := slow[0].RecvMsg(in); err != nil || len(in.GetValue()) != 5000 {
			t.Fatal(len(in.GetValue()), err)
		}
	}
	cancel()
	for range slow {
		if err := <-s.ended; status.Code(err) != codes.Canceled {
			t.Errorf("the sender was told %v", err)
		}
	}
}

// TestContexts: they end when the client goes back on the call, when its time
// is up, and when its connection is gone.
func TestContexts(t *testing.T) {
	s := serve(t, front.Options{})
	c := dial(t, s.address, nil)
	answers(t, c, sayTimeout, "true false")
	ctx, cancel := context.WithTimeout(context.Background(), 1000*time.Hour)
	if got, err := say(ctx, c, sayTimeout); got != "true true" || err != nil {
		t.Errorf("a long timeout: %q, %v", got, err)
	}
	cancel()
	if got, err := say(context.Background(), c, sayTimeout); got != "false false" || err != nil {
		t.Errorf("no timeout: %q, %v", got, err)
	}
	for name, end := range map[string]func(){"cancel": nil, "deadline": nil, "stream": nil, "lost": nil} {
		other := dial(t, s.address, nil)
		ctx, cancel := context.WithCancel(within(t))
		want := context.Canceled
		end = cancel
		switch name {
		case "deadline":
			ctx, cancel = context.WithTimeout(ctx, 50*time.Millisecond)
			want, end = context.DeadlineExceeded, func() {}
		case "lost":
			end = func() { other.Close() }
		}
		done := make(chan error, 1)
		begun := make(chan struct{})
		go func() {
			if name == "stream" {
				to := open(t, ctx, other, "Both")
				to.SendMsg(wrapperspb.Bytes([]byte("hello")))
				if err := to.RecvMsg(new(bytesValue)); err != nil {
					t.Error(err)
				}
				close(begun)
				to.SendMsg(wrapperspb.Bytes([]byte(sayWait)))
				done <- to.RecvMsg(new(bytesValue))
				return
			}
			if _, err := say(ctx, other, "hello"); err != nil && name != "deadline" {
				t.Error(err)
			}
			close(begun)
			_, err := say(ctx, other, sayWait)
			done <- err
		}()
		<-begun
		if name != "deadline" {
			time.AfterFunc(20*time.Millisecond, end) // or it may end before the handler began: no matter
			select {
			case got := <-s.ended:
				if !errors.Is(got, want) {
					t.Errorf("%s: the handler's context ended with %v", name, got)
				}
			case <-time.After(patience):
				t.Fatalf("%s: the handler's context did not end", name)
			}
		} else if got := <-s.ended; !errors.Is(got, want) && !errors.Is(got, context.Canceled) {
			t.Errorf("%s: the handler's context ended with %v", name, got) // by itself or the client's reset
		}
		if err := <-done; err == nil {
			t.Errorf("%s: the call went well", name)
		}
		cancel()
	}
}

// TestManyStreams: thousands at one time on one connection.
func TestManyStreams(t *testing.T) {
	s := serve(t, front.Options{})
	c := dial(t, s.address, nil)
	ctx := within(t)
	var all sync.WaitGroup
	for i := range 3000 {
		all.Go(func() {
			to, err := c.NewStream(ctx, &grpc.StreamDesc{ServerStreams: true, ClientStreams: true}, "/test.Echo/Both")
			if err != nil {
				t.Error(err)
				return
			}
			in, out := wrapperspb.Bytes(fmt.Append(nil, i)), new(bytesValue)
			for range 3 {
				if err := to.SendMsg(in); err != nil {
					t.Error(err)
				}
				if err := to.RecvMsg(out); err != nil || string(out.GetValue()) != fmt.Sprint(i) {
					t.Errorf("stream %d: %q, %v", i, out.GetValue(), err)
				}
			}
			to.CloseSend()
			if err := to.RecvMsg(out); err != io.EOF {
				t.Error(err)
			}
		})
	}
	all.Wait()
	s.running.Wait()
}

// TestMaxStreams: a client is held to the number of streams, and none fails.
func TestMaxStreams(t *testing.T) {
	s := serve(t, front.Options{MaxStreams: 3})
	c := dial(t, s.address, nil)
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			if got, err := say(within(t), c, "hello"); got != "hello" || err != nil {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	all.Wait()
}

// TestGracefulStop: calls under way end well, new ones go elsewhere.
func TestGracefulStop(t *testing.T) {
	s := serve(t, front.Options{})
	c := dial(t, s.address, nil)
	to := open(t, within(t), c, "Both")
	in := wrapperspb.Bytes([]byte("hello"))
	exchange := func() {
		t.Helper()
		if err := to.SendMsg(in); err != nil {
			t.Fatal(err)
		}
		if err := to.RecvMsg(new(bytesValue)); err != nil {
			t.Fatal(err)
		}
	}
	exchange()
	stopped := make(chan struct{})
	go func() { s.GracefulStop(); close(stopped) }()
	refused := func() bool {
		l, err := net.Dial("tcp", s.address)
		if err == nil {
			l.Close()
		}
		return err != nil
	}
	for deadline := time.Now().Add(patience); !refused(); {
		if time.Now().After(deadline) {
			t.Fatal("connections are taken on")
		}
	}
	exchange()
	select {
	case <-stopped:
		t.Fatal("stopped with a call under way")
	default:
	}
	to.CloseSend()
	if err := to.RecvMsg(new(bytesValue)); err != io.EOF {
		t.Errorf("the end of a call under way: %v", err)
	}
	<-stopped
	fails(t, c, "hello", codes.Unavailable, "")
	if err := s.Serve(new(net.TCPListener)); !errors.Is(err, grpc.ErrServerStopped) {
		t.Errorf("Serve after the stop: %v", err)
	}
}

// TestStop ends what GracefulStop waits for.
func TestStop(t *testing.T) {
	s := serve(t, front.Options{})
	c := dial(t, s.address, nil)
	done := make(chan error, 1)
	to := open(t, within(t), c, "Both")
	if err := to.SendMsg(wrapperspb.Bytes([]byte("hello"))); err != nil {
		t.Fatal(err)
	}
	if err := to.RecvMsg(new(bytesValue)); err != nil {
		t.Fatal(err)
	}
	go func() { done <- to.RecvMsg(new(bytesValue)) }()
	stopped := make(chan struct{})
	go func() { s.GracefulStop(); close(stopped) }()
	s.Stop()
	<-stopped
	if err := <-done; status.Code(err) != codes.Unavailable {
		t.Errorf("the call ended with %v", err)
	}
}

// TestInterceptors are around the calls, and Began is told of them all.
func TestInterceptors(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	note := func(s string) { mu.Lock(); seen = append(seen, s); mu.Unlock() }
	s := serve(t, front.Options{
		Began: func(method string) { note("began " + method) },
		Unary: func(ctx context.Context, r any, i *grpc.UnaryServerInfo, h grpc.UnaryHandler) (any, error) {
			note("unary " + i.FullMethod)
			return h(ctx, r)
		},
		Stream: func(srv any, to grpc.ServerStream, i *grpc.StreamServerInfo, h grpc.StreamHandler) error {
			note(fmt.Sprint("stream ", i.FullMethod, i.IsClientStream, i.IsServerStream))
			return h(srv, to)
		},
	})
	c := dial(t, s.address, nil)
	answers(t, c, "hello", "hello")
	to := open(t, within(t), c, "Count")
	to.CloseSend()
	if err := to.RecvMsg(new(bytesValue)); err != nil {
		t.Fatal(err)
	}
	_ = c.Invoke(within(t), "/a/b", new(bytesValue), new(bytesValue))
	mu.Lock()
	defer mu.Unlock()
	want := []string{"began /test.Echo/Unary", "unary /test.Echo/Unary", "began /test.Echo/Count",
		"stream /test.Echo/Counttrue false", "began /a/b"}
	if !slices.Equal(seen, want) {
		t.Errorf("seen %q, want %q", seen, want)
	}
	if m := s.GetServiceInfo()["test.Echo"].Methods; len(m) != 4 || m[1].Name != "Both" || !m[1].IsClientStream {
		t.Errorf("services are told as %v", m)
	}
}
