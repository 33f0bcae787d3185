package etcd

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"althing/kv"
	"althing/process"
)

// maintenance is the service etcdserverpb.Maintenance.
type maintenance struct {
	pb.UnimplementedMaintenanceServer
	*Server
}

// Alarm implements pb.MaintenanceServer.
func (s *maintenance) Alarm(ctx context.Context, r *pb.AlarmRequest) (*pb.AlarmResponse, error) {
	if r.GetAction() == pb.AlarmRequest_GET {
		if err := s.barrier(ctx); err != nil {
			return nil, err
		}
		alarms := slices.DeleteFunc(s.Store.Alarms(), func(a kv.Alarm) bool {
			return r.GetAlarm() != pb.AlarmType_NONE && pb.AlarmType(a.Kind) != r.GetAlarm()
		})
		return &pb.AlarmResponse{Header: s.headerNow(), Alarms: pbAlarms(alarms)}, nil
	}
	if r.GetAlarm() == pb.AlarmType_NONE {
		return &pb.AlarmResponse{Header: s.headerNow()}, nil
	}
	set := &kv.SetAlarm{
		Alarm: kv.Alarm{Member: r.GetMemberID(), Kind: kv.AlarmKind(enum(int32(r.GetAlarm())))},
		Raise: r.GetAction() == pb.AlarmRequest_ACTIVATE,
	}
	if err := kv.Validate(set, 0); err != nil {
		return nil, clientError(ctx, err)
	}
	result, err := s.propose(ctx, set)
	if err != nil {
		return nil, err
	}
	response := &pb.AlarmResponse{Header: s.header(result.Revision)}
	if a, ok := result.Reply.(*kv.AlarmReply); ok {
		response.Alarms = pbAlarms(a.Changed)
	}
	return response, nil
}

// Status implements pb.MaintenanceServer. It answers without a leader too.
func (s *maintenance) Status(context.Context, *pb.StatusRequest) (*pb.StatusResponse, error) {
	st, _ := s.Group.Status()
	total, inUse := s.Store.Size()
	response := &pb.StatusResponse{
		Header:           s.headerNow(),
		Version:          s.Version,
		DbSize:           total,
		DbSizeInUse:      inUse,
		DbSizeQuota:      s.QuotaBytes,
		RaftIndex:        st.Commit,
		RaftTerm:         st.Epoch,
		RaftAppliedIndex: s.Group.Applied(),
		IsLearner:        !s.votes(),
		StorageVersion:   majorMinor(s.Version),
		DowngradeInfo:    &pb.DowngradeInfo{},
	}
	for _, m := range s.Store.Members() {
		if process.ID(m.Replica) == st.Leader {
			response.Leader = m.ID
		}
	}
	if st.Leader == 0 {
		response.Errors = append(response.Errors, rpctypes.ErrorDesc(rpctypes.ErrGRPCNoLeader))
	}
	for _, a := range pbAlarms(s.Store.Alarms()) {
		response.Errors = append(response.Errors, fmt.Sprintf("memberID:%d alarm:%s", a.MemberID, a.Alarm))
	}
	return response, nil
}

// majorMinor returns the first two numbers of a version.
func majorMinor(version string) string {
	parts := strings.SplitN(version, ".", 3)
	return strings.Join(parts[:min(2, len(parts))], ".")
}

// votes reports whether this member takes part in decisions.
func (s *Server) votes() bool {
	g := s.Store.State().Group
	return g.Votes(s.Self)
}

// Defragment implements pb.MaintenanceServer. There is nothing to do: the store
// gives space back by itself.
func (s *maintenance) Defragment(
	context.Context, *pb.DefragmentRequest,
) (*pb.DefragmentResponse, error) {
	return &pb.DefragmentResponse{Header: s.headerNow()}, nil
}

// Hash implements pb.MaintenanceServer: HashKV of the present.
func (s *maintenance) Hash(ctx context.Context, _ *pb.HashRequest) (*pb.HashResponse, error) {
	h, err := s.Store.HashKV(0)
	if err != nil {
		return nil, clientError(ctx, err)
	}
	return &pb.HashResponse{Header: s.header(h.Revision), Hash: h.Sum}, nil
}

// HashKV implements pb.MaintenanceServer.
func (s *maintenance) HashKV(
	ctx context.Context, r *pb.HashKVRequest,
) (*pb.HashKVResponse, error) {
	h, err := s.Store.HashKV(r.GetRevision())
	if err != nil {
		return nil, clientError(ctx, err)
	}
	return &pb.HashKVResponse{
		Header: s.headerNow(), Hash: h.Sum, CompactRevision: h.Compacted, HashRevision: h.Revision,
	}, nil
}

// MoveLeader implements pb.MaintenanceServer: it returns once the other leads.
func (s *maintenance) MoveLeader(
	ctx context.Context, r *pb.MoveLeaderRequest,
) (*pb.MoveLeaderResponse, error) {
	if _, ok := s.leading(); !ok {
		return nil, rpctypes.ErrGRPCNotLeader
	}
	members := s.Store.Members()
	i := slices.IndexFunc(members, func(m kv.Member) bool {
		return m.ID == r.GetTargetID() && !m.Learner
	})
	if i < 0 {
		return nil, rpctypes.ErrGRPCBadLeaderTransferee
	}
	target := process.ID(members[i].Replica)
	if target == s.Self {
		return &pb.MoveLeaderResponse{Header: s.headerNow()}, nil
	}
	bounded, cancel := s.bound(ctx)
	defer cancel()
	cmd := binary.AppendUvarint(nil, uint64(target))
	if _, err := s.Group.Do(bounded, process.Transfer, cmd); err != nil {
		return nil, clientError(ctx, err)
	}
	for {
		st, changed := s.Group.Status()
		if st.Leader == target {
			return &pb.MoveLeaderResponse{Header: s.headerNow()}, nil
		}
		select {
		case <-changed:
		case <-bounded.Done():
			return nil, clientError(ctx, bounded.Err())
		}
	}
}

// Downgrade implements pb.MaintenanceServer: there is one version so far.
func (s *maintenance) Downgrade(
	context.Context, *pb.DowngradeRequest,
) (*pb.DowngradeResponse, error) {
	return nil, status.Error(codes.Unimplemented, "etcdserver: there is no version to downgrade to")
}

// auth is the service etcdserverpb.Auth. Nobody is asked who he is: but for
// what clients ask to find that out, every call is Unimplemented.
type auth struct {
	pb.UnimplementedAuthServer
	*Server
}

// AuthStatus implements pb.AuthServer.
func (s *auth) AuthStatus(
	context.Context, *pb.AuthStatusRequest,
) (*pb.AuthStatusResponse, error) {
	return &pb.AuthStatusResponse{Header: s.headerNow(), AuthRevision: 1}, nil
}

// Authenticate implements pb.AuthServer. A client that has a password and is
// told this goes on without.
func (s *auth) Authenticate(
	context.Context, *pb.AuthenticateRequest,
) (*pb.AuthenticateResponse, error) {
	return nil, rpctypes.ErrGRPCAuthNotEnabled
}
