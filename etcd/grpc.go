package etcd

import (
	"context"
	"crypto/tls"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"althing/front"
)

// How connections are kept alive, as clients expect it.
const (
	keepAliveMin      = 5 * time.Second // a client that asks more often is sent away
	keepAliveInterval = 2 * time.Hour
	keepAliveTimeout  = 20 * time.Second
)

// Front returns a server of gRPC, with the limits that clients know, that serves
// s. It speaks TLS if that is not nil; began, if not nil, is told of each call
// that begins. It is not stopped by Close: stop it after.
func (s *Server) Front(tls *tls.Config, began func(method string)) *front.Server {
	f := front.New(front.Options{
		Unary: s.unary, Stream: s.stream, Began: began, TLS: tls,
		MaxRequestBytes: s.RequestBytes + overheadBytes, MaxStreams: s.Streams,
		PingMin: keepAliveMin, PingInterval: keepAliveInterval, PingTimeout: keepAliveTimeout,
	})
	s.Register(f)
	return f
}

// Register adds the services to a gRPC server. One that Front has not made lacks
// what is common to all calls: the checks of learners and of required leaders.
func (s *Server) Register(to grpc.ServiceRegistrar) {
	pb.RegisterKVServer(to, &keys{Server: s})
	pb.RegisterWatchServer(to, &watches{Server: s})
	pb.RegisterLeaseServer(to, &leases{Server: s})
	pb.RegisterClusterServer(to, &cluster{Server: s})
	pb.RegisterMaintenanceServer(to, &maintenance{Server: s})
	pb.RegisterAuthServer(to, &auth{Server: s})
	grpc_health_v1.RegisterHealthServer(to, s.health)
}

// unary is around each call.
func (s *Server) unary(
	ctx context.Context, r any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler,
) (response any, err error) {
	if s.Observe != nil {
		start := time.Now()
		defer func() { s.Observe(info.FullMethod, time.Since(start), err) }()
	}
	switch {
	case !s.votes() && !forLearners(r):
		return nil, rpctypes.ErrGRPCNotSupportedForLearner
	case requiresLeader(ctx) && !s.led():
		return nil, rpctypes.ErrGRPCNoLeader
	}
	return handle(ctx, r)
}

// forLearners reports whether one who does not vote yet may answer.
func forLearners(r any) bool {
	switch r := r.(type) {
	case *pb.StatusRequest, *grpc_health_v1.HealthCheckRequest:
		return true
	case *pb.RangeRequest:
		return r.GetSerializable()
	}
	return false
}

func requiresLeader(ctx context.Context) bool {
	v := metadata.ValueFromIncomingContext(ctx, rpctypes.MetadataRequireLeaderKey)
	return len(v) > 0 && v[0] == rpctypes.MetadataHasLeader
}

func (s *Server) led() bool {
	st, _ := s.Group.Status()
	return st.Leader != 0
}

// stream is around each stream. One that requires a leader ends when there has
// been none for long.
func (s *Server) stream(
	service any, to grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler,
) (err error) {
	if s.Observe != nil {
		start := time.Now()
		defer func() { s.Observe(info.FullMethod, time.Since(start), err) }()
	}
	learns := info.FullMethod == pb.Maintenance_Snapshot_FullMethodName ||
		info.FullMethod == grpc_health_v1.Health_Watch_FullMethodName
	if !learns && !s.votes() {
		return rpctypes.ErrGRPCNotSupportedForLearner
	}
	if !requiresLeader(to.Context()) {
		return handle(service, to)
	}
	if !s.led() {
		return rpctypes.ErrGRPCNoLeader
	}
	ctx, cancel := context.WithCancelCause(to.Context())
	defer cancel(nil)
	lost := s.lead.watch()
	go func() {
		select {
		case <-lost:
			cancel(rpctypes.ErrGRPCNoLeader)
		case <-ctx.Done():
		}
	}()
	return handle(service, &ledStream{to, ctx})
}

// A ledStream ends with its own context.
type ledStream struct {
	grpc.ServerStream
	ctx context.Context
}

// Context implements grpc.ServerStream.
func (l *ledStream) Context() context.Context { return l.ctx }
