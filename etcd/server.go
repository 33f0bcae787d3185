package etcd

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"math"
	"sync"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"go.etcd.io/etcd/api/v3/version"
	"google.golang.org/grpc/health"

	"althing/etcd/feed"
	"althing/kv"
	"althing/node"
	"althing/process"
)

// APIVersion is the version of the interface that clients are told, unless
// Options say otherwise. They decide by it what they may ask for, so it is the
// newest whose calls are all here.
var APIVersion = version.Version

// Options are what a server serves, and as whom.
type Options struct {
	Store *kv.Store
	Group *node.Group // that Store is the machine of
	Node  *node.Node  // is told where members are reached as they come and go

	Cluster    uint64      // of all members the same, as clients see it; not 0
	Member     uint64      // this member, as clients see it; not 0
	Self       process.ID  // this member's replica
	Name       string      // published to the other members and to clients
	ClientURLs []string    // likewise: where this server is reached
	ClientTLS  *tls.Config // how other members' https ClientURLs are called

	Version string // as clients see it; empty: APIVersion

	// Election is the longest that a replica waits for a leader before it acts.
	// Timeouts of requests and the shortest lease come from it. 0: 1 s.
	Election time.Duration

	Log *slog.Logger // nil: nowhere

	// Observe is told of every call and stream that ends. Nil: nobody is.
	Observe func(method string, took time.Duration, err error)

	Limits
}

// Limits bound what clients may ask for. Zeros stand for the defaults, which
// are those that clients know.
type Limits struct {
	RequestBytes     int           // of a request that changes something; 1.5 MiB
	TxnOps           int           // of a transaction, in any one of its lists; 128
	Learners         int           // at one time; 1
	QuotaBytes       int64         // of keys and values, beyond which puts are refused; 2 GiB
	Streams          uint32        // at one time on one connection; as many as there are numbers
	ProgressInterval time.Duration // between progress notifications to an idle watcher; 10 min
	WatchBytes       int           // of events waiting for one stream, about; 4 MiB
}

const (
	defaultRequestBytes = 3 << 19
	defaultTxnOps       = 128
	defaultQuotaBytes   = 2 << 30
	defaultProgress     = 10 * time.Minute
	// minProgress keeps a mistyped interval from flooding the streams.
	minProgress       = 100 * time.Millisecond
	defaultWatchBytes = 4 << 20
	defaultElection   = time.Second

	// overheadBytes is what a message may have on top of RequestBytes before
	// gRPC refuses to read it: room for the error that tells why.
	overheadBytes = 512 << 10
	// upkeepInterval is how often members, alarms and the quota are looked at.
	upkeepInterval = 250 * time.Millisecond
)

func (o *Options) complete() {
	positive := func(v *int, standard int) {
		if *v <= 0 {
			*v = standard
		}
	}
	positive(&o.RequestBytes, defaultRequestBytes)
	positive(&o.TxnOps, defaultTxnOps)
	positive(&o.Learners, 1)
	positive(&o.WatchBytes, defaultWatchBytes)
	if o.QuotaBytes <= 0 {
		o.QuotaBytes = defaultQuotaBytes
	}
	if o.Streams == 0 {
		o.Streams = math.MaxUint32
	}
	if o.ProgressInterval <= 0 {
		o.ProgressInterval = defaultProgress
	}
	o.ProgressInterval = max(o.ProgressInterval, minProgress)
	if o.Election <= 0 {
		o.Election = defaultElection
	}
	if o.Version == "" {
		o.Version = APIVersion
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
}

// A Server answers clients of one member.
type Server struct {
	Options

	hub     *feed.Hub
	lead    *leadership
	forward forwarder
	health  *health.Server
	changes sync.Mutex // of the group, and what it is checked against: one at a time

	life    context.Context // ends with Close
	end     context.CancelFunc
	work    sync.WaitGroup // the goroutines of the server itself
	removed chan struct{}  // closed once this member is none any more
}

// New begins to serve: leases and alarms are kept from now on if this member
// leads, watches are fed. Close ends it.
func New(o Options) (*Server, error) {
	if o.Store == nil || o.Group == nil || o.Node == nil {
		return nil, errors.New("etcd: options lack store, group or node")
	}
	if o.Cluster == 0 || o.Member == 0 || o.Self == 0 {
		return nil, errors.New("etcd: options do not say who this is")
	}
	o.complete()
	s := &Server{
		Options: o,
		hub:     feed.NewHub(o.Store),
		lead:    newLeadership(),
		health:  health.NewServer(),
		removed: make(chan struct{}),
	}
	s.life, s.end = context.WithCancel(context.Background())
	for _, f := range []func(){
		func() { s.hub.Run(s.life) },
		s.followLeader,
		s.followMembers,
		s.upkeep,
	} {
		s.work.Go(f)
	}
	return s, nil
}

// Close ends all streams with an error that makes clients go elsewhere, and
// waits for the server's own goroutines. It leaves store and node open.
func (s *Server) Close() error {
	s.health.Shutdown()
	s.end()
	s.work.Wait()
	return s.forward.close()
}

// Removed is closed once this member has been removed from the cluster.
func (s *Server) Removed() <-chan struct{} { return s.removed }

// header returns what begins each response that speaks of revision.
func (s *Server) header(revision int64) *pb.ResponseHeader {
	st, _ := s.Group.Status()
	return &pb.ResponseHeader{
		ClusterId: s.Cluster, MemberId: s.Member, Revision: revision, RaftTerm: st.Epoch,
	}
}

// headerNow returns the header of a response that speaks of no revision.
func (s *Server) headerNow() *pb.ResponseHeader {
	rev, _ := s.Store.Revisions()
	return s.header(rev)
}

// timeout is how long a request is tried: what a slow disk may take, and two
// elections. A client that gives less waits less.
func (s *Server) timeout() time.Duration { return 5*time.Second + 2*s.Election }

// propose has c decided and applied here, and returns what came of it. Its
// errors are those that clients know.
func (s *Server) propose(ctx context.Context, c kv.Command) (*kv.Result, error) {
	cmd := kv.Encode(c)
	if len(cmd) > s.RequestBytes {
		return nil, rpctypes.ErrGRPCRequestTooLarge
	}
	return s.do(ctx, process.Command, cmd)
}

func (s *Server) do(ctx context.Context, kind process.Kind, cmd []byte) (*kv.Result, error) {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	v, err := s.Group.Do(bounded, kind, cmd)
	if err != nil {
		return nil, clientError(ctx, err)
	}
	r, ok := v.(*kv.Result)
	if !ok { // a Transfer has none
		return &kv.Result{}, nil
	}
	return r, clientError(ctx, r.Err)
}

// barrier returns once a read of the store is linearizable.
func (s *Server) barrier(ctx context.Context) error {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	_, err := s.Group.Barrier(bounded)
	return clientError(ctx, err)
}

// pause waits a little before something is tried again. It returns false if
// ctx ends first.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}
