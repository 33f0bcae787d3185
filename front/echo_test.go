package front_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"althing/front"
)

// patience of a test that waits: far beyond what it should take.
const patience = 20 * time.Second

type bytesValue = wrapperspb.BytesValue

// An echo answers with what it was told, but to these commands.
type echo struct {
	running sync.WaitGroup
	ended   chan error // of the contexts of those told to wait
}

type echoServer interface{ call(string) error }

// Texts that the echo takes for commands.
const (
	sayWait    = "wait"    // until the context ends
	sayExit    = "exit"    // ends the goroutine
	sayMeta    = "meta"    // answers with the metadata named next
	saySize    = "size"    // answers with so many bytes as follow
	sayFail    = "fail"    // with a status that has details
	sayPlain   = "plain"   // with an error that is no status
	sayTimeout = "timeout" // answers how long is left
)

func (e *echo) call(string) error { return nil }

func (e *echo) answer(ctx context.Context, in *bytesValue) (*bytesValue, error) {
	verb, rest, _ := strings.Cut(string(in.GetValue()), " ")
	switch verb {
	case sayWait:
		<-ctx.Done()
		e.ended <- ctx.Err()
		return nil, ctx.Err()
	case sayExit:
		runtime.Goexit()
	case sayMeta:
		return wrapperspb.Bytes([]byte(strings.Join(metadata.ValueFromIncomingContext(ctx, rest), ","))), nil
	case saySize:
		n, err := strconv.Atoi(rest)
		return wrapperspb.Bytes(make([]byte, n)), err
	case sayFail:
		s, err := status.New(codes.DataLoss, "100 % of it: naïve\n\x01").WithDetails(wrapperspb.String("why"))
		if err != nil {
			return nil, err
		}
		return nil, s.Err()
	case sayPlain:
		return nil, fmt.Errorf("so it is")
	case sayTimeout:
		at, ok := ctx.Deadline()
		return wrapperspb.Bytes(fmt.Append(nil, ok, time.Until(at) > time.Hour)), nil
	}
	return in, nil
}

// unary answers one message.
func unary(srv any, ctx context.Context, decode func(any) error, around grpc.UnaryServerInterceptor) (any, error) {
	in := new(bytesValue)
	if err := decode(in); err != nil {
		return nil, err
	}
	handle := func(ctx context.Context, r any) (any, error) {
		out, err := srv.(*echo).answer(ctx, r.(*bytesValue))
		return out, err
	}
	if around == nil {
		return handle(ctx, in)
	}
	return around(ctx, in, &grpc.UnaryServerInfo{Server: srv, FullMethod: "/test.Echo/Unary"}, handle)
}

// both answers each message until there are no more.
func both(srv any, to grpc.ServerStream) error {
	e := srv.(*echo)
	e.running.Add(1)
	defer e.running.Done()
	for {
		in := new(bytesValue)
		switch err := to.RecvMsg(in); {
		case err == io.EOF:
			to.SetTrailer(metadata.Pairs("told-bin", "\x00\xff", "told", "all"))
			return nil
		case err != nil:
			return err
		}
		out, err := e.answer(to.Context(), in)
		if err != nil {
			return err
		}
		if err := to.SendMsg(out); err != nil {
			return err
		}
	}
}

// many answers one message with itself, for ever.
func many(srv any, to grpc.ServerStream) error {
	in := new(bytesValue)
	if err := to.RecvMsg(in); err != nil {
		return err
	}
	if err := to.SendHeader(metadata.Pairs("begun", "yes")); err != nil {
		return err
	}
	for {
		if err := to.SendMsg(in); err != nil {
			srv.(*echo).ended <- err
			return err
		}
	}
}

// count answers many messages with how many bytes they were.
func count(srv any, to grpc.ServerStream) error {
	n := 0
	for {
		in := new(bytesValue)
		switch err := to.RecvMsg(in); {
		case err == io.EOF:
			return to.SendMsg(wrapperspb.Bytes([]byte(strconv.Itoa(n))))
		case err != nil:
			return err
		}
		n += len(in.GetValue())
	}
}

var echoService = grpc.ServiceDesc{
	ServiceName: "test.Echo",
	HandlerType: (*echoServer)(nil),
	Methods:     []grpc.MethodDesc{{MethodName: "Unary", Handler: unary}},
	Streams: []grpc.StreamDesc{
		{StreamName: "Both", Handler: both, ServerStreams: true, ClientStreams: true},
		{StreamName: "Many", Handler: many, ServerStreams: true},
		{StreamName: "Count", Handler: count, ClientStreams: true},
	},
}

// A served is a server with the echo, and where it is.
type served struct {
	*front.Server
	*echo
	address string
}

// serve starts a server that ends with the test.
func serve(t testing.TB, o front.Options) *served {
	t.Helper()
	s := &served{Server: front.New(o), echo: &echo{ended: make(chan error, 10_000)}}
	s.RegisterService(&echoService, s.echo)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.address = l.Addr().String()
	done := make(chan error, 1)
	go func() { done <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// dial returns a client; config is nil for one in the clear.
func dial(t testing.TB, address string, config *tls.Config, o ...grpc.DialOption) *grpc.ClientConn {
	t.Helper()
	creds := insecure.NewCredentials()
	if config != nil {
		creds = credentials.NewTLS(config)
	}
	c, err := grpc.NewClient("passthrough:///"+address, append(o, grpc.WithTransportCredentials(creds))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func within(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// say makes a unary call.
func say(ctx context.Context, c *grpc.ClientConn, text string) (string, error) {
	out := new(bytesValue)
	err := c.Invoke(ctx, "/test.Echo/Unary", wrapperspb.Bytes([]byte(text)), out)
	return string(out.GetValue()), err
}
