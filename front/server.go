package front

import (
	"crypto/tls"
	"errors"
	"fmt"
	"math"
	"net"
	"reflect"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"althing/retry"
)

// Options say how a Server treats its clients. Zeros stand for the defaults
// named, which are grpc's.
type Options struct {
	Unary  grpc.UnaryServerInterceptor  // around each unary call; nil: nothing
	Stream grpc.StreamServerInterceptor // around each other call; nil: nothing

	// Began is told of each call that begins, known method or not, before
	// anything is done for it. It must not wait. Nil: nobody is told.
	Began func(method string)

	TLS *tls.Config // nil: in the clear

	MaxRequestBytes int    // of one message that is received; 4 MiB
	MaxStreams      uint32 // at one time on one connection; as many as there are numbers

	// A client that pings more often than every PingMin is sent away; so is one
	// that pings at all, more than once in two hours, while it has no call. 5 min.
	PingMin time.Duration
	// PingInterval is how long a client may be silent before it is pinged; 2 h.
	PingInterval time.Duration
	// PingTimeout is how long a client may leave a ping unanswered, and what is
	// written to it untaken; 20 s.
	PingTimeout time.Duration
}

func (o *Options) complete() {
	if o.MaxRequestBytes <= 0 {
		o.MaxRequestBytes = 4 << 20
	}
	if o.MaxStreams == 0 {
		o.MaxStreams = math.MaxUint32
	}
	if o.PingMin <= 0 {
		o.PingMin = 5 * time.Minute
	}
	if o.PingInterval <= 0 {
		o.PingInterval = 2 * time.Hour
	}
	if o.PingTimeout <= 0 {
		o.PingTimeout = 20 * time.Second
	}
}

const (
	// maxIdle bounds the workers that wait for calls: what they keep is a stack.
	maxIdle = 1024
	// handshakeTimeout bounds how long a connection may take to become one.
	handshakeTimeout = 20 * time.Second
)

// acceptPause is between two tries to accept, when there are for example too
// many files open.
var acceptPause = retry.Policy{
	Initial: 5 * time.Millisecond, Max: time.Second, Multiplier: 2, Jitter: 0.1,
}

// A method is what a path names.
type method struct {
	name    string // the path
	service any
	unary   grpc.MethodHandler // nil: a stream
	stream  grpc.StreamHandler
	info    grpc.StreamServerInfo
}

// A Server serves what is registered with it, from Serve until Stop or
// GracefulStop.
type Server struct {
	o        Options
	creds    credentials.TransportCredentials // nil: in the clear
	services map[string]grpc.ServiceInfo
	methods  map[string]*method

	workers  workers
	handlers sync.WaitGroup // that run

	mu        sync.Mutex
	listeners map[net.Listener]bool
	conns     map[*conn]bool
	stopping  bool
	draining  bool
	quit      chan struct{}  // closed when stopping
	serving   sync.WaitGroup // Serve, and connections
}

// New returns a server that has no services yet.
func New(o Options) *Server {
	o.complete()
	s := &Server{
		o: o, services: make(map[string]grpc.ServiceInfo), methods: make(map[string]*method),
		quit:      make(chan struct{}),
		listeners: make(map[net.Listener]bool), conns: make(map[*conn]bool),
	}
	if o.TLS != nil {
		s.creds = credentials.NewTLS(o.TLS)
	}
	return s
}

// RegisterService implements grpc.ServiceRegistrar. It panics if a service is
// registered twice, after Serve, or with something that is none.
func (s *Server) RegisterService(d *grpc.ServiceDesc, service any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.services[d.ServiceName]; ok || len(s.listeners) > 0 {
		panic(fmt.Sprintf("front: service %s registered twice, or too late", d.ServiceName))
	}
	if t := reflect.TypeOf(d.HandlerType).Elem(); !reflect.TypeOf(service).Implements(t) {
		panic(fmt.Sprintf("front: %T is no %v", service, t))
	}
	info := grpc.ServiceInfo{Metadata: d.Metadata}
	add := func(name string, m method, client, server bool) {
		m.name, m.service = "/"+d.ServiceName+"/"+name, service
		m.info = grpc.StreamServerInfo{FullMethod: m.name, IsClientStream: client, IsServerStream: server}
		s.methods[m.name] = &m
		info.Methods = append(info.Methods, grpc.MethodInfo{
			Name: name, IsClientStream: client, IsServerStream: server,
		})
	}
	for i := range d.Methods {
		add(d.Methods[i].MethodName, method{unary: d.Methods[i].Handler}, false, false)
	}
	for i := range d.Streams {
		t := &d.Streams[i]
		add(t.StreamName, method{stream: t.Handler}, t.ClientStreams, t.ServerStreams)
	}
	s.services[d.ServiceName] = info
}

// GetServiceInfo returns what is registered, by name of the service. The name
// is grpc's: the server is a reflection.GRPCServer with it.
func (s *Server) GetServiceInfo() map[string]grpc.ServiceInfo { return s.services }

// Serve accepts connections until the server is stopped; then it returns nil.
// Any other end is an error. It closes l.
func (s *Server) Serve(l net.Listener) error {
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		_ = l.Close() // nothing was accepted from it
		return grpc.ErrServerStopped
	}
	s.listeners[l] = true
	s.serving.Add(1)
	s.mu.Unlock()
	defer s.serving.Done()
	defer l.Close()
	for tries := 0; ; {
		nc, err := l.Accept()
		if err == nil {
			tries = 0
			s.serving.Add(1) // not from zero: Serve itself counts
			go s.serve(nc)
			continue
		}
		select {
		case <-s.quit:
			return nil
		default:
		}
		var passing interface{ Temporary() bool }
		if !errors.As(err, &passing) || !passing.Temporary() {
			return fmt.Errorf("accept at %s: %w", l.Addr(), err)
		}
		tries++
		select {
		case <-time.After(acceptPause.Delay(tries+1, 0.5)):
		case <-s.quit:
			return nil
		}
	}
}

// serve is the whole life of a connection.
func (s *Server) serve(nc net.Conn) {
	defer s.serving.Done()
	defer nc.Close()
	// Whoever dials and says nothing ends with the server too.
	c := &conn{s: s, nc: nc}
	s.mu.Lock()
	if s.stopping {
		s.mu.Unlock()
		return
	}
	s.conns[c] = true
	s.mu.Unlock()
	c.run()
	s.mu.Lock()
	delete(s.conns, c)
	s.mu.Unlock()
}

// workers are goroutines that wait for calls. The one that waits the shortest is
// taken first: its stack is still in the processor's cache.
type workers struct {
	mu   sync.Mutex
	idle []chan *stream
	over bool
}

// dispatch has a worker run a call whose request is whole.
func (s *Server) dispatch(t *stream) {
	s.handlers.Add(1)
	w := &s.workers
	w.mu.Lock()
	last := len(w.idle) - 1
	if last < 0 {
		w.mu.Unlock()
		go s.work(t)
		return
	}
	next := w.idle[last]
	w.idle = w.idle[:last]
	w.mu.Unlock()
	next <- t
}

// work runs t, and then what it is given, for as long as there are not too many
// others who wait.
func (s *Server) work(t *stream) {
	w, next := &s.workers, make(chan *stream, 1)
	for ; t != nil; t = <-next {
		t.runUnary()
		w.mu.Lock()
		if w.over || len(w.idle) == maxIdle {
			w.mu.Unlock()
			return
		}
		w.idle = append(w.idle, next)
		w.mu.Unlock()
	}
}

// end ends those who wait, and who would wait.
func (w *workers) end() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	for _, next := range w.idle {
		close(next)
	}
	w.idle = nil
}

// Stop ends all connections and the calls on them at once. It does not wait for
// handlers, whose contexts have ended.
func (s *Server) Stop() { s.stop(false) }

// GracefulStop takes on no more connections and calls, and returns when those
// under way have ended by themselves, or been ended by Stop.
func (s *Server) GracefulStop() {
	s.stop(true)
	s.handlers.Wait()
}

func (s *Server) stop(graceful bool) {
	s.mu.Lock()
	if !s.stopping {
		s.stopping = true
		close(s.quit)
		for l := range s.listeners {
			_ = l.Close() // Serve returns in any case
		}
	}
	for c := range s.conns {
		switch {
		case !graceful:
			c.close(errStopped)
		case !s.draining:
			c.drain()
		}
	}
	s.draining = s.draining || graceful
	s.mu.Unlock()
	s.serving.Wait()
	s.workers.end() // nobody dispatches any more
}
