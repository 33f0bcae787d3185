package etcd

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"althing/kv"
)

// leases is the service etcdserverpb.Lease. That a lease is granted or revoked
// goes through the log; how long it has left only the leader knows.
type leases struct {
	pb.UnimplementedLeaseServer
	*Server
}

// minTTL is the shortest time to live, in seconds: a lease must outlive the
// election of a new leader.
func (s *Server) minTTL() int64 {
	return int64(math.Ceil((3 * s.Election / 2).Seconds()))
}

// LeaseGrant implements pb.LeaseServer. It raises a TTL that is too short; the
// response tells.
func (s *leases) LeaseGrant(
	ctx context.Context, r *pb.LeaseGrantRequest,
) (*pb.LeaseGrantResponse, error) {
	if r.GetTTL() > kv.MaxTTL {
		return nil, rpctypes.ErrGRPCLeaseTTLTooLarge
	}
	c := &kv.LeaseGrant{ID: r.GetID(), TTL: max(r.GetTTL(), s.minTTL())}
	for {
		if r.GetID() == 0 {
			c.ID = rand.Int64N(math.MaxInt64) + 1
		}
		result, err := s.propose(ctx, c)
		switch {
		case err == nil:
			h := s.header(result.Revision)
			return &pb.LeaseGrantResponse{Header: h, ID: c.ID, TTL: c.TTL}, nil
		case r.GetID() != 0 || !errors.Is(err, rpctypes.ErrGRPCLeaseExist):
			return nil, err
		}
	}
}

// LeaseRevoke implements pb.LeaseServer.
func (s *leases) LeaseRevoke(
	ctx context.Context, r *pb.LeaseRevokeRequest,
) (*pb.LeaseRevokeResponse, error) {
	result, err := s.propose(ctx, &kv.LeaseRevoke{IDs: []int64{r.GetID()}})
	if err != nil {
		return nil, err
	}
	return &pb.LeaseRevokeResponse{Header: s.header(result.Revision)}, nil
}

// LeaseKeepAlive implements pb.LeaseServer: one response for each request, with
// a TTL of 0 for a lease that there is not, or not any more.
func (s *leases) LeaseKeepAlive(to pb.Lease_LeaseKeepAliveServer) error {
	// Recv knows nothing of the loss of a leader: it waits on its own goroutine,
	// which ends when the stream has.
	done := make(chan error, 1)
	go func() {
		for {
			r, err := to.Recv()
			if errors.Is(err, io.EOF) {
				done <- nil
				return
			}
			if err == nil {
				err = s.keepAlive(to, r.GetID())
			}
			if err != nil {
				done <- err
				return
			}
		}
	}()
	select {
	case err := <-done:
		return err
	case <-to.Context().Done():
		return context.Cause(to.Context())
	case <-s.life.Done():
		return rpctypes.ErrGRPCStopped
	}
}

func (s *leases) keepAlive(to pb.Lease_LeaseKeepAliveServer, id int64) error {
	// The revision is that before the renewal: what a client sees at a later
	// one, it may take to have happened after.
	response := &pb.LeaseKeepAliveResponse{Header: s.headerNow(), ID: id}
	ttl, err := atLeader(to.Context(), s.Server,
		func(ctx context.Context, epoch uint64) (int64, error) { return s.renew(ctx, epoch, id) },
		func(ctx context.Context, c *grpc.ClientConn) (int64, error) { return renewThere(ctx, c, id) })
	switch {
	case errors.Is(err, kv.ErrLeaseNotFound) || errors.Is(err, rpctypes.ErrGRPCLeaseNotFound):
		ttl = 0
	case err != nil:
		return err
	}
	response.TTL = ttl
	return to.Send(response)
}

// renew gives a lease its full time from now, and returns it in seconds.
func (s *Server) renew(ctx context.Context, epoch uint64, id int64) (ttl int64, err error) {
	if err := s.knowLease(ctx, id); err != nil {
		return 0, err
	}
	ttl, clear, err := s.Store.Lessor().KeepAlive(id)
	if err != nil && !errors.Is(err, kv.ErrLeaseNotFound) {
		return 0, err
	}
	if clear != nil {
		if _, err := s.propose(ctx, clear); err != nil {
			return 0, err
		}
	}
	// A successor elected before the renewal knows nothing of it, and may let
	// the lease run out: only one elected after gives it its full time again.
	// And a lease that has run out here may live on there.
	if confirmed := s.confirm(ctx, epoch); confirmed != nil {
		return 0, confirmed
	}
	return ttl, err
}

// knowLease sees to it that a lease granted a moment ago, through another
// member, is known here before one says that there is none.
func (s *Server) knowLease(ctx context.Context, id int64) error {
	if _, ok := s.Store.Lease(id); ok {
		return nil
	}
	return s.barrier(ctx)
}

func renewThere(ctx context.Context, c *grpc.ClientConn, id int64) (ttl int64, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	call, err := pb.NewLeaseClient(c).LeaseKeepAlive(ctx)
	if err != nil {
		return 0, harmless(err)
	}
	if err := call.Send(&pb.LeaseKeepAliveRequest{ID: id}); err != nil && !errors.Is(err, io.EOF) {
		return 0, harmless(err)
	}
	r, err := call.Recv() // and this tells why, if Send found the stream ended
	return r.GetTTL(), harmless(err)
}

// harmless turns the loss of a connection into an error after which atLeader
// tries again: to do it twice does no harm.
func harmless(err error) error {
	if status.Code(err) == codes.Unavailable {
		return rpctypes.ErrGRPCNoLeader
	}
	return err
}

// LeaseTimeToLive implements pb.LeaseServer: a TTL of -1 for a lease that there
// is not.
func (s *leases) LeaseTimeToLive(
	ctx context.Context, r *pb.LeaseTimeToLiveRequest,
) (*pb.LeaseTimeToLiveResponse, error) {
	response, err := atLeader(ctx, s.Server,
		func(ctx context.Context, epoch uint64) (*pb.LeaseTimeToLiveResponse, error) {
			return s.timeToLive(ctx, epoch, r)
		},
		func(ctx context.Context, c *grpc.ClientConn) (*pb.LeaseTimeToLiveResponse, error) {
			response, err := pb.NewLeaseClient(c).LeaseTimeToLive(ctx, r)
			return response, harmless(err)
		})
	if err != nil {
		return nil, err
	}
	response.Header = s.header(response.GetHeader().GetRevision())
	return response, nil
}

func (s *Server) timeToLive(
	ctx context.Context, epoch uint64, r *pb.LeaseTimeToLiveRequest,
) (*pb.LeaseTimeToLiveResponse, error) {
	if err := s.knowLease(ctx, r.GetID()); err != nil {
		return nil, err
	}
	response := &pb.LeaseTimeToLiveResponse{Header: s.headerNow(), ID: r.GetID(), TTL: -1}
	left, err := s.Store.Lessor().TimeToLive(r.GetID())
	if err == nil {
		if l, ok := s.Store.Lease(r.GetID()); ok {
			response.TTL, response.GrantedTTL = int64(left/time.Second), l.TTL
			if r.GetKeys() {
				response.Keys, err = s.Store.LeaseKeys(r.GetID())
			}
		}
	}
	if err != nil && !errors.Is(err, kv.ErrLeaseNotFound) {
		return nil, err
	}
	return response, s.confirm(ctx, epoch)
}

// LeaseLeases implements pb.LeaseServer: what this member knows, with those
// first that run out first if it leads.
func (s *leases) LeaseLeases(
	context.Context, *pb.LeaseLeasesRequest,
) (*pb.LeaseLeasesResponse, error) {
	response := &pb.LeaseLeasesResponse{Header: s.headerNow()}
	all := s.Store.Leases()
	left := make(map[int64]time.Duration, len(all))
	for _, l := range all {
		if d, err := s.Store.Lessor().TimeToLive(l.ID); err == nil {
			left[l.ID] = d
		}
	}
	slices.SortStableFunc(all, func(a, b kv.Lease) int { return cmp.Compare(left[a.ID], left[b.ID]) })
	for _, l := range all {
		response.Leases = append(response.Leases, &pb.LeaseStatus{ID: l.ID})
	}
	return response, nil
}
