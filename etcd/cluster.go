package etcd

import (
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc"

	"althing/kv"
	"althing/node"
	"althing/process"
	"althing/quorum"
)

// cluster is the service etcdserverpb.Cluster. Changes are made by the leader,
// one at a time: it alone knows who is well, and checks against what it has
// read after the last change.
type cluster struct {
	pb.UnimplementedClusterServer
	*Server
}

// MemberList implements pb.ClusterServer.
func (s *cluster) MemberList(
	ctx context.Context, r *pb.MemberListRequest,
) (*pb.MemberListResponse, error) {
	if r.GetLinearizable() {
		if err := s.barrier(ctx); err != nil {
			return nil, err
		}
	}
	return &pb.MemberListResponse{Header: s.headerNow(), Members: pbMembers(s.Store.Members())}, nil
}

// MemberAdd implements pb.ClusterServer.
func (s *cluster) MemberAdd(
	ctx context.Context, r *pb.MemberAddRequest,
) (*pb.MemberAddResponse, error) {
	urls, err := cleanURLs(r.GetPeerURLs())
	if err != nil {
		return nil, err
	}
	response, err := atLeader(ctx, s.Server,
		func(ctx context.Context, epoch uint64) (*pb.MemberAddResponse, error) {
			var added *kv.Member
			err := s.change(ctx, epoch, func(ro *roster) (kv.MemberChange, error) {
				if ro.hasURL(urls, 0) {
					return kv.MemberChange{}, rpctypes.ErrGRPCPeerURLExist
				}
				err := ro.mayAdd(r.GetIsLearner(), s.Learners)
				if err != nil {
					return kv.MemberChange{}, err
				}
				added, err = ro.add(urls, r.GetIsLearner())
				return kv.MemberChange{Upsert: added}, err
			})
			if err != nil {
				return nil, err
			}
			return &pb.MemberAddResponse{Member: pbMember(added), Members: pbMembers(s.Store.Members())}, nil
		},
		func(ctx context.Context, c *grpc.ClientConn) (*pb.MemberAddResponse, error) {
			return pb.NewClusterClient(c).MemberAdd(ctx, r)
		})
	if err != nil {
		return nil, err
	}
	response.Header = s.headerNow()
	return response, nil
}

// MemberRemove implements pb.ClusterServer.
func (s *cluster) MemberRemove(
	ctx context.Context, r *pb.MemberRemoveRequest,
) (*pb.MemberRemoveResponse, error) {
	members, err := s.changeMembers(ctx, func(ro *roster) (kv.MemberChange, error) {
		m := ro.find(r.GetID())
		if m == nil {
			return kv.MemberChange{}, rpctypes.ErrGRPCMemberNotFound
		}
		if err := ro.mayRemove(m); err != nil {
			return kv.MemberChange{}, err
		}
		ro.remove(process.ID(m.Replica))
		return kv.MemberChange{Remove: m.ID}, nil
	}, func(ctx context.Context, c pb.ClusterClient) ([]*pb.Member, error) {
		response, err := c.MemberRemove(ctx, r)
		return response.GetMembers(), err
	})
	if err != nil {
		return nil, err
	}
	return &pb.MemberRemoveResponse{Header: s.headerNow(), Members: members}, nil
}

// MemberUpdate implements pb.ClusterServer.
func (s *cluster) MemberUpdate(
	ctx context.Context, r *pb.MemberUpdateRequest,
) (*pb.MemberUpdateResponse, error) {
	urls, err := cleanURLs(r.GetPeerURLs())
	if err != nil {
		return nil, err
	}
	members, err := s.changeMembers(ctx, func(ro *roster) (kv.MemberChange, error) {
		m := ro.find(r.GetID())
		if m == nil {
			return kv.MemberChange{}, rpctypes.ErrGRPCMemberNotFound
		}
		if ro.hasURL(urls, m.ID) {
			return kv.MemberChange{}, rpctypes.ErrGRPCPeerURLExist
		}
		m.PeerURLs = urls
		return kv.MemberChange{Upsert: m}, nil
	}, func(ctx context.Context, c pb.ClusterClient) ([]*pb.Member, error) {
		response, err := c.MemberUpdate(ctx, r)
		return response.GetMembers(), err
	})
	if err != nil {
		return nil, err
	}
	return &pb.MemberUpdateResponse{Header: s.headerNow(), Members: members}, nil
}

// MemberPromote implements pb.ClusterServer.
func (s *cluster) MemberPromote(
	ctx context.Context, r *pb.MemberPromoteRequest,
) (*pb.MemberPromoteResponse, error) {
	members, err := s.changeMembers(ctx, func(ro *roster) (kv.MemberChange, error) {
		m := ro.find(r.GetID())
		switch {
		case m == nil:
			return kv.MemberChange{}, rpctypes.ErrGRPCMemberNotFound
		case !m.Learner:
			return kv.MemberChange{}, rpctypes.ErrGRPCMemberNotLearner
		}
		if err := ro.mayPromote(m); err != nil {
			return kv.MemberChange{}, err
		}
		m.Learner = false
		ro.promote(process.ID(m.Replica))
		return kv.MemberChange{Upsert: m}, nil
	}, func(ctx context.Context, c pb.ClusterClient) ([]*pb.Member, error) {
		response, err := c.MemberPromote(ctx, r)
		return response.GetMembers(), err
	})
	if err != nil {
		return nil, err
	}
	return &pb.MemberPromoteResponse{Header: s.headerNow(), Members: members}, nil
}

// changeMembers changes the group, here or at the leader, and returns the
// members after it.
func (s *cluster) changeMembers(
	ctx context.Context, plan func(*roster) (kv.MemberChange, error),
	there func(context.Context, pb.ClusterClient) ([]*pb.Member, error),
) ([]*pb.Member, error) {
	return atLeader(ctx, s.Server,
		func(ctx context.Context, epoch uint64) ([]*pb.Member, error) {
			if err := s.change(ctx, epoch, plan); err != nil {
				return nil, err
			}
			return pbMembers(s.Store.Members()), nil
		},
		func(ctx context.Context, c *grpc.ClientConn) ([]*pb.Member, error) {
			return there(ctx, pb.NewClusterClient(c))
		})
}

// change has a plan carried out: it is made of what is in force, and proposed.
// While the protocol is busy with another change it is made anew.
func (s *cluster) change(
	ctx context.Context, epoch uint64, plan func(*roster) (kv.MemberChange, error),
) error {
	s.changes.Lock()
	defer s.changes.Unlock()
	for {
		// The plan must know of every change that anybody was told of.
		if err := s.confirm(ctx, epoch); err != nil {
			return err
		}
		state := s.Store.State()
		ro := &roster{
			members: s.Store.Members(), group: state.Group.Clone(), last: s.Store.LastReplica(),
			progress: s.Group.Progress(), healthy: s.Election,
		}
		c, err := plan(ro)
		if err != nil {
			return err
		}
		v, err := s.Group.Do(ctx, process.Members, kv.EncodeMembers(ro.group, c))
		if err == nil {
			if r, ok := v.(*kv.Result); ok {
				err = r.Err
			}
			return clientError(ctx, err)
		}
		var refused *node.RefusedError
		if !errors.As(err, &refused) || refused.Why != process.Changing || !pause(ctx, forwardPause) {
			return clientError(ctx, err)
		}
	}
}

// A roster is the members as the leader knows them, and the group that is
// wanted.
type roster struct {
	members  []kv.Member // by Replica
	group    process.Group
	last     process.ID // the highest that any replica ever had
	progress []process.Progress
	healthy  time.Duration // how lately one must have been heard of to be well
}

func (ro *roster) find(id uint64) *kv.Member {
	for i := range ro.members {
		if ro.members[i].ID == id {
			return &ro.members[i]
		}
	}
	return nil
}

// hasURL reports whether a member other than the one named is reached by one
// of urls.
func (ro *roster) hasURL(urls []string, but uint64) bool {
	taken := func(u string) bool { return slices.Contains(urls, u) }
	return slices.ContainsFunc(ro.members, func(m kv.Member) bool {
		return m.ID != but && slices.ContainsFunc(m.PeerURLs, taken)
	})
}

// voters counts the voters, and those of them that have started.
func (ro *roster) voters() (all, started int) {
	for i := range ro.members {
		if m := &ro.members[i]; !m.Learner {
			all++
			if m.Name != "" {
				started++
			}
		}
	}
	return all, started
}

// well reports whether the leader has heard of a replica of late. Its clock is
// not known here; but one of the others it must have heard just now, or it
// would lead no more.
func (ro *roster) well(id process.ID) bool {
	var now time.Duration
	for _, p := range ro.progress {
		now = max(now, p.Heard)
	}
	for _, p := range ro.progress {
		if p.ID == id {
			return p.Heard > 0 && now-p.Heard < ro.healthy
		}
	}
	return true // the leader itself
}

// wellVoters counts the voters that are well, the leader among them.
func (ro *roster) wellVoters() (n int) {
	for _, id := range ro.group.Voters {
		if ro.well(id) {
			n++
		}
	}
	return n
}

// mayAdd tells why a member may not be added now: one that counts but has not
// started yet must not be what a quorum hangs on.
func (ro *roster) mayAdd(learner bool, most int) error {
	if learner {
		if len(ro.group.Learners) >= most {
			return rpctypes.ErrGRPCTooManyLearners
		}
		return nil
	}
	all, started := ro.voters()
	if all == 1 && started == 1 {
		return nil // else a cluster of one could not grow
	}
	if started < quorum.Majority(all+1) {
		return rpctypes.ErrGRPCMemberNotEnoughStarted
	}
	if ro.wellVoters() < len(ro.group.Voters) {
		return rpctypes.ErrGRPCUnhealthy
	}
	return nil
}

// mayRemove tells why m may not be removed now: what is left must have a
// quorum of members that are well.
func (ro *roster) mayRemove(m *kv.Member) error {
	all, started := ro.voters()
	if m.Learner {
		return nil
	}
	if m.Name != "" {
		started--
	}
	if left := quorum.Majority(all - 1); started < left {
		return rpctypes.ErrGRPCMemberNotEnoughStarted
	}
	if !ro.well(process.ID(m.Replica)) {
		return nil // no quorum is without one that is down already
	}
	if ro.wellVoters()-1 < quorum.Majority(len(ro.group.Voters)-1) {
		return rpctypes.ErrGRPCUnhealthy
	}
	return nil
}

// mayPromote tells why m may not vote yet. Whether it has caught up, the
// protocol knows.
func (ro *roster) mayPromote(m *kv.Member) error {
	all, started := ro.voters()
	if m.Name != "" {
		started++
	}
	if started < quorum.Majority(all+1) {
		return rpctypes.ErrGRPCMemberNotEnoughStarted
	}
	return nil
}

// maxReplica is the highest number of a replica.
const maxReplica = 1<<16 - 1

// add puts a new member into the group.
func (ro *roster) add(urls []string, learner bool) (*kv.Member, error) {
	if ro.last == maxReplica {
		return nil, rpctypes.ErrGRPCMemberExist // no number is left: 65,535 members have been
	}
	replica := ro.last + 1
	m := &kv.Member{Replica: uint16(replica), PeerURLs: urls, Learner: learner}
	for m.ID == 0 || ro.find(m.ID) != nil {
		// The low bits are the replica's: one that joins learns it from the
		// member list.
		m.ID = rand.Uint64()<<16 | uint64(replica)
	}
	list := &ro.group.Voters
	if learner {
		list = &ro.group.Learners
	}
	*list = append(*list, replica) // the highest of all
	return m, nil
}

func (ro *roster) remove(id process.ID) {
	is := func(other process.ID) bool { return other == id }
	ro.group.Voters = slices.DeleteFunc(ro.group.Voters, is)
	ro.group.Learners = slices.DeleteFunc(ro.group.Learners, is)
}

func (ro *roster) promote(id process.ID) {
	ro.remove(id)
	ro.group.Voters = append(ro.group.Voters, id)
	slices.Sort(ro.group.Voters)
}

// cleanURLs checks where a member is to be reached: scheme, host and port, and
// nothing else. It returns them in order.
func cleanURLs(urls []string) ([]string, error) {
	if len(urls) == 0 {
		return nil, rpctypes.ErrGRPCMemberBadURLs
	}
	clean := make([]string, 0, len(urls))
	for _, raw := range urls {
		u, err := url.Parse(strings.TrimSpace(raw))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Path != "" || u.RawQuery != "" {
			return nil, rpctypes.ErrGRPCMemberBadURLs
		}
		if _, port, err := net.SplitHostPort(u.Host); err != nil || port == "" {
			return nil, rpctypes.ErrGRPCMemberBadURLs
		}
		clean = append(clean, u.String())
	}
	slices.Sort(clean)
	return slices.Compact(clean), nil
}
