package etcd

import (
	"context"
	"net/url"
	"slices"
	"time"

	"althing/kv"
	"althing/process"
)

// followMembers tells the node where the members are reached, as the log has
// it, and finds out when this one is a member no more.
func (s *Server) followMembers() {
	known := make(map[process.ID]string)
	seen := false
	for {
		members := s.Store.Members()
		here := slices.ContainsFunc(members, func(m kv.Member) bool { return m.ID == s.Member })
		if seen && !here {
			close(s.removed)
			return
		}
		seen = here
		s.tellPeers(members, known)
		if !pause(s.life, upkeepInterval) {
			return
		}
	}
}

func (s *Server) tellPeers(members []kv.Member, known map[process.ID]string) {
	gone := make(map[process.ID]bool, len(known))
	for id := range known {
		gone[id] = true
	}
	for _, m := range members {
		id := process.ID(m.Replica)
		delete(gone, id)
		address := peerAddress(&m)
		if id == s.Self || address == "" || known[id] == address {
			continue
		}
		s.Node.SetPeer(id, address)
		known[id] = address
	}
	for id := range gone {
		s.Node.RemovePeer(id)
		delete(known, id)
	}
}

// peerAddress returns host and port of where a member is reached by others.
func peerAddress(m *kv.Member) string {
	for _, raw := range m.PeerURLs {
		if u, err := url.Parse(raw); err == nil && u.Host != "" {
			return u.Host
		}
	}
	return ""
}

// upkeep publishes what this member is called and where clients reach it, and
// minds the quota.
func (s *Server) upkeep() {
	raised := false
	for {
		s.publish()
		s.mindQuota(&raised)
		if !pause(s.life, upkeepInterval) {
			return
		}
	}
}

// publish sees to it that the record of this member says what it should. That
// is looked at for ever: a change of the group replaces records, and what was
// published while it was under way may be lost with it.
func (s *Server) publish() {
	members := s.Store.Members()
	i := slices.IndexFunc(members, func(m kv.Member) bool { return m.ID == s.Member })
	if i < 0 {
		return // an image with our record is still to come
	}
	if m := &members[i]; m.Name == s.Name && slices.Equal(m.ClientURLs, s.ClientURLs) {
		return
	}
	c := &kv.UpdateMember{ID: s.Member, Name: s.Name, ClientURLs: s.ClientURLs}
	if _, err := s.propose(s.life, c); err != nil && s.life.Err() == nil {
		s.Log.Warn("publish this member", "error", err)
	}
}

// mindQuota raises the alarm that makes puts be refused, and clears it once a
// tenth of the quota is free again. It clears only what it raised: an alarm
// that somebody else raised, or that is older than this server, he who
// operates the cluster clears.
func (s *Server) mindQuota(raised *bool) {
	_, inUse := s.Store.Size()
	mine := kv.Alarm{Member: s.Member, Kind: kv.NoSpace}
	up := slices.Contains(s.Store.Alarms(), mine)
	*raised = *raised && up // it was cleared by hand
	set := &kv.SetAlarm{Alarm: mine}
	switch {
	case !up && inUse > s.QuotaBytes:
		set.Raise = true
	case up && *raised && inUse < s.QuotaBytes/10*9:
	default:
		return
	}
	ctx, cancel := context.WithTimeout(s.life, time.Second)
	defer cancel()
	if _, err := s.propose(ctx, set); err != nil {
		if s.life.Err() == nil {
			s.Log.Warn("set the alarm of the quota", "raise", set.Raise, "error", err)
		}
		return
	}
	*raised = set.Raise
	s.Log.Warn("quota", "exceeded", set.Raise, "in use", inUse, "quota", s.QuotaBytes)
}
