package etcd

import (
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	"althing/kv"
	"althing/process"
)

const (
	// forwarded marks a call that one member passes to another, so that two who
	// each take the other for the leader do not pass it on for ever.
	forwarded = "althing-forwarded"
	// forwardPause is between two tries to find the leader.
	forwardPause = 50 * time.Millisecond
)

// A forwarder holds the connection to the member that leads.
type forwarder struct {
	mu     sync.Mutex
	target string
	conn   *grpc.ClientConn
	closed bool
}

func (f *forwarder) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closed = true
	if f.conn == nil {
		return nil
	}
	return f.conn.Close()
}

// to returns a connection to target, and drops the one to another.
func (f *forwarder) to(
	target string, c credentials.TransportCredentials,
) (*grpc.ClientConn, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return nil, rpctypes.ErrGRPCStopped
	}
	if f.conn != nil && f.target == target {
		return f.conn, nil
	}
	conn, err := grpc.NewClient("passthrough:///"+target, grpc.WithTransportCredentials(c))
	if err != nil {
		return nil, err
	}
	if f.conn != nil {
		// Calls on it fail, and are tried again with the new leader.
		_ = f.conn.Close()
	}
	f.conn, f.target = conn, target
	return conn, nil
}

var errNoAddress = errors.New("the leader has no client address yet")

// leaderConn returns a connection to the client address of the leader.
func (s *Server) leaderConn(leader process.ID) (*grpc.ClientConn, error) {
	for _, m := range s.Store.Members() {
		if process.ID(m.Replica) != leader || len(m.ClientURLs) == 0 {
			continue
		}
		u, err := url.Parse(m.ClientURLs[0])
		if err != nil {
			return nil, err
		}
		c := insecure.NewCredentials()
		if u.Scheme == "https" {
			c = credentials.NewTLS(s.ClientTLS)
		}
		return s.forward.to(u.Host, c)
	}
	return nil, errNoAddress
}

// atLeader has a call done by the leader: here, if we lead, or there. Neither
// may have an effect if it fails with one of these: that somebody else leads,
// or that there is no connection. Then it is tried again until ctx ends.
func atLeader[T any](
	ctx context.Context, s *Server,
	here func(ctx context.Context, epoch uint64) (T, error),
	there func(ctx context.Context, c *grpc.ClientConn) (T, error),
) (result T, err error) {
	bounded, cancel := s.bound(ctx)
	defer cancel()
	err = rpctypes.ErrGRPCNoLeader
	for {
		st, changed := s.Group.Status()
		switch {
		case st.Leader == s.Self:
			result, err = here(bounded, st.Epoch)
		case isForwarded(ctx):
			return result, rpctypes.ErrGRPCNotLeader
		case st.Leader != 0:
			var conn *grpc.ClientConn
			if conn, err = s.leaderConn(st.Leader); err == nil {
				out := metadata.AppendToOutgoingContext(bounded, forwarded, "true")
				result, err = there(out, conn)
			}
		}
		if err == nil || !again(err) {
			return result, err
		}
		wait, stop := context.WithTimeout(bounded, forwardPause)
		select {
		case <-changed:
		case <-wait.Done():
		}
		stop()
		if bounded.Err() != nil || s.life.Err() != nil {
			return result, clientError(ctx, err)
		}
	}
}

func isForwarded(ctx context.Context) bool {
	return len(metadata.ValueFromIncomingContext(ctx, forwarded)) > 0
}

// again reports whether the call that failed so was not done, and another
// member may do it.
func again(err error) bool {
	if errors.Is(err, errNoAddress) || errors.Is(err, kv.ErrNotLessor) {
		return true
	}
	switch rpctypes.ErrorDesc(err) {
	case rpctypes.ErrorDesc(rpctypes.ErrGRPCNotLeader), rpctypes.ErrorDesc(rpctypes.ErrGRPCNoLeader),
		rpctypes.ErrorDesc(rpctypes.ErrGRPCLeaderChanged):
		return true
	}
	return false
}
