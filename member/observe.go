package member

import (
	"context"
	"time"

	"google.golang.org/grpc/status"

	"althing/front"
	"althing/kv"
	"althing/node"
	"althing/process"
	"althing/telemetry"
)

// watchInterval is how often progress and members are looked at.
const watchInterval = time.Second

// operations are the names of what a request asks for.
var operations = map[process.Kind]telemetry.Operation{
	process.Command:  telemetry.Write,
	process.Read:     telemetry.Read,
	process.Members:  telemetry.Membership,
	process.Transfer: telemetry.Transfer,
}

// hooks connect the node with the recorder.
func (m *Member) hooks() node.Hooks {
	return node.Hooks{
		Status:  m.record.Status,
		Applied: m.record.Applied,
		Synced:  m.metrics.Synced,
		Peer:    m.record.Peer,
		State:   m.record.State,
		Undone:  m.metrics.Undone,
		Done: func(_ uint32, kind process.Kind, took time.Duration, err error) {
			m.metrics.Done(operations[kind], took, err)
		},
	}
}

// called is told of each call of a client that ended.
func (m *Member) called(method string, _ time.Duration, err error) {
	s, ok := status.FromError(err)
	if !ok {
		s = status.FromContextError(err) // as gRPC tells the client
	}
	m.metrics.Handled(method, s.Code().String())
}

// methods returns all that a server serves.
func methods(s *front.Server) (ms []telemetry.Method) {
	for name, service := range s.GetServiceInfo() {
		for _, m := range service.Methods {
			ms = append(ms, telemetry.Method{Service: name, Name: m.Name,
				ClientStreams: m.IsClientStream, ServerStreams: m.IsServerStream})
		}
	}
	return ms
}

// sample returns the member at this moment. It is asked for by whoever scrapes.
func (m *Member) sample() (s telemetry.Sample) {
	st, _ := m.group.Status()
	s.HasLeader, s.Leader, s.Term = st.Leader != 0, st.Leader == m.id.Replica, st.Epoch
	s.Committed, s.Applied, s.Pending = st.Commit, m.group.Applied(), m.group.Pending()
	state := m.store.State()
	s.Learner = !state.Group.Votes(m.id.Replica)
	s.SizeBytes, s.InUseBytes = m.store.Size()
	s.Revision, s.Compacted = m.store.Revisions()
	s.Leases, s.QuotaBytes = len(m.store.Leases()), m.server.QuotaBytes
	ids := make(map[process.ID]string)
	for _, r := range m.store.Members() {
		ids[process.ID(r.Replica)] = hex(r.ID)
	}
	for _, p := range m.node.Peers() {
		if id := ids[p.ID]; id != "" && p.ID != m.id.Replica {
			s.Peers = append(s.Peers, telemetry.Peer{ID: id, Connected: p.Connected, RTT: p.RTT,
				SentBytes: p.SentBytes, ReceivedBytes: p.ReceivedBytes, Dropped: p.Dropped})
		}
	}
	return s
}

// watchNode waits for what ends the member.
func (m *Member) watchNode(ctx context.Context) {
	select {
	case <-m.node.Failed():
		m.fail(m.node.Err())
	case <-m.server.Removed():
		m.fail(ErrRemoved)
	case <-ctx.Done():
	}
}

// watchMembers keeps the recorder informed of who the members are, and of how
// far they are.
func (m *Member) watchMembers(ctx context.Context) {
	tick := time.NewTicker(watchInterval)
	defer tick.Stop()
	for {
		m.lookAtMembers()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (m *Member) lookAtMembers() {
	left := m.names
	m.names = make(map[process.ID]string)
	for _, r := range m.store.Members() {
		id := process.ID(r.Replica)
		name := m.nameOf(&r)
		delete(left, id)
		m.names[id] = name
		m.record.Name(id, name)
	}
	for id := range left {
		m.record.Left(id)
	}
	m.record.Voters(len(m.store.State().Group.Voters))
	st, _ := m.group.Status()
	if st.Leader != m.id.Replica {
		return
	}
	m.record.Progress(groupID, m.group.Progress())
}

// nameOf returns what a member is called. One that has not started has no name
// yet, unless it is a founder.
func (m *Member) nameOf(r *kv.Member) string {
	if r.Name != "" {
		return r.Name
	}
	for name, urls := range m.c.Founders {
		if sameURLs(urls, r.PeerURLs) {
			return name
		}
	}
	return hex(r.ID)
}
