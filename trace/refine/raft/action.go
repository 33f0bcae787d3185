package raft

import (
	"fmt"
	"slices"

	"althing/process"
	"althing/trace/refine/steps"
)

// An Action is a step of the specification: an action of Raft.tla with its
// parameters. Those that the action does not have are zero.
type Action struct {
	Name    string
	Server  process.ID
	To      process.ID
	Term    uint64
	Prev, N uint64
	Entry   Entry
	Message *Message
}

// actions are those of Raft.tla, with the names of its parameters after the
// server. Each returns the guard that does not hold, or changes the state.
var actions = map[string]struct {
	do     func(*Model, *Server, *Action) string
	params string
}{
	"Sync":                 {(*Model).sync, ""},
	"Flush":                {(*Model).flush, ""},
	"Crash":                {(*Model).crash, "n"},
	"Timeout":              {(*Model).timeout, ""},
	"AskVotes":             {(*Model).askVotes, ""},
	"TellTerm":             {(*Model).tellTerm, ""},
	"UpdateTerm":           {(*Model).updateTerm, "t"},
	"GrantVote":            {(*Model).grantVote, "m"},
	"SendVote":             {(*Model).sendVote, ""},
	"BecomeLeader":         {(*Model).becomeLeader, ""},
	"StepDown":             {(*Model).stepDown, ""},
	"Propose":              {(*Model).propose, "v"},
	"ChangeGroup":          {(*Model).changeGroup, "v new old"},
	"SendAppend":           {(*Model).sendAppend, "p n"},
	"AcceptAppend":         {(*Model).acceptAppend, "m"},
	"Acknowledge":          {(*Model).acknowledge, "m"},
	"AcknowledgeOwn":       {(*Model).acknowledgeOwn, "n"},
	"AcknowledgeCommitted": {(*Model).acknowledgeCommitted, "to n"},
	"AdvanceCommit":        {(*Model).advanceCommit, "n"},
	"SendHeartbeat":        {(*Model).sendHeartbeat, "to n"},
	"LearnCommit":          {(*Model).learnCommit, "m"},
	"SendSnapshot":         {(*Model).sendSnapshot, "t"},
	"InstallSnapshot":      {(*Model).installSnapshot, "m"},
}

// Do takes the step, or returns a *steps.Refusal and changes nothing.
func (m *Model) Do(a *Action) error {
	x, ok := actions[a.Name]
	if !ok {
		return fmt.Errorf("there is no action %q", a.Name)
	}
	if a.Message != nil && !m.sent(a.Message) {
		return &steps.Refusal{Action: a.Name, By: a.Server, Guard: "nobody sent that message"}
	}
	if guard := x.do(m, m.Server(a.Server), a); guard != "" {
		return &steps.Refusal{Action: a.Name, By: a.Server, Guard: guard}
	}
	return nil
}

func (m *Model) sync(s *Server, _ *Action) string {
	if len(s.Disk) < 2 {
		return "a record that is not durable"
	}
	s.Disk = s.Disk[1:]
	return ""
}

func (m *Model) flush(s *Server, _ *Action) string {
	n := int(s.Commit)
	if n <= len(s.durable().Kept) {
		return "the application is ahead of what it has made durable"
	}
	for i := range s.Disk {
		if r := &s.Disk[i]; n > len(r.Kept) {
			r.Kept = s.last().Log[:n:n]
		}
	}
	return ""
}

func (m *Model) crash(s *Server, a *Action) string {
	if a.N < 1 || a.N > uint64(len(s.Disk)) {
		return "it has that record"
	}
	r := restored(s.Disk[a.N-1])
	r.Log = slices.Clip(r.Log)
	*s = Server{Disk: []Record{r}, Role: Follower, Commit: uint64(len(r.Kept))}
	return ""
}

func (m *Model) timeout(s *Server, a *Action) string {
	if s.Role == Leader {
		return "it does not lead"
	}
	r := *s.last()
	r.Term, r.Vote = r.Term+1, a.Server
	s.save(r)
	s.Role = Candidate
	return ""
}

func (m *Model) askVotes(s *Server, a *Action) string {
	d := s.durable()
	if d.Vote != a.Server {
		return "its candidacy is durable"
	}
	n := uint64(len(d.Log))
	m.send(&Message{Type: "RequestVote", Term: d.Term, From: a.Server, Index: n, IndexTerm: termAt(d.Log, n)})
	return ""
}

func (m *Model) tellTerm(s *Server, _ *Action) string {
	m.send(&Message{Type: "Term", Term: s.durable().Term})
	return ""
}

func (m *Model) updateTerm(s *Server, a *Action) string {
	r := *s.last()
	switch {
	case a.Term <= r.Term:
		return "the term is later than its own"
	case !m.terms[a.Term]:
		return "somebody sent a message of that term"
	}
	r.Term, r.Vote = a.Term, 0
	s.save(r)
	s.Role = Follower
	return ""
}

func (m *Model) grantVote(s *Server, a *Action) string {
	x, r := a.Message, *s.last()
	n := uint64(len(r.Log))
	t := termAt(r.Log, n)
	switch {
	case x.Type != "RequestVote" || x.Term != r.Term:
		return "a vote is asked for in its term"
	case r.Vote != 0:
		return "it has not voted in this term"
	case !(x.IndexTerm > t || x.IndexTerm == t && x.Index >= n):
		return "the candidate's log is at least as complete as its own"
	}
	r.Vote = x.From
	s.save(r)
	return ""
}

func (m *Model) sendVote(s *Server, a *Action) string {
	d := s.durable()
	if d.Vote == 0 {
		return "a vote is durable"
	}
	m.send(&Message{Type: "Vote", Term: d.Term, From: a.Server, To: d.Vote})
	return ""
}

func (m *Model) becomeLeader(s *Server, a *Action) string {
	d := duty{s.last().Term, a.Server}
	switch {
	case s.Role != Candidate:
		return "it is a candidate"
	case !m.quorum(s.last().Log, func(id process.ID) bool { return slices.Contains(m.votes[d], id) }):
		return "a quorum of its group has sent it votes"
	}
	s.Role, m.elected[d] = Leader, true
	return ""
}

func (m *Model) stepDown(s *Server, _ *Action) string {
	if s.Role == Follower {
		return "it leads or wants to"
	}
	s.Role = Follower
	return ""
}

func (m *Model) extend(s *Server, e Entry) string {
	r := *s.last()
	switch {
	case s.Role != Leader:
		return "it leads"
	case e.Term != r.Term:
		return "the entry is of its term"
	}
	r.Log = append(r.Log, e)
	s.save(r)
	return ""
}

func (m *Model) propose(s *Server, a *Action) string { return m.extend(s, a.Entry) }

func (m *Model) changeGroup(s *Server, a *Action) string {
	r, e := s.last(), &a.Entry
	voters, old, index := m.group(r.Log)
	switch {
	case len(e.Voters) == 0:
		return "the group has voters"
	case index > s.Commit:
		return "the last change of the group is committed"
	case termAt(r.Log, s.Commit) != r.Term:
		return "an entry of its term is committed"
	case len(old) > 0 && (len(e.Old) > 0 || !slices.Equal(e.Voters, voters)):
		return "a joint group ends in the new one"
	case len(old) == 0 && len(e.Old) > 0 && !slices.Equal(e.Old, voters):
		return "a joint group begins with the one there is"
	case len(old) == 0 && len(e.Old) == 0 && apart(voters, e.Voters) > 1:
		return "one voter at once comes or goes, or there is a joint group"
	}
	return m.extend(s, *e)
}

func (m *Model) sendAppend(s *Server, a *Action) string {
	r := s.last()
	switch {
	case s.Role != Leader:
		return "it leads"
	case a.Prev+a.N > uint64(len(r.Log)):
		return "its log has the entries"
	}
	m.send(&Message{Type: "Append", Term: r.Term, From: a.Server, Index: a.Prev, IndexTerm: termAt(r.Log, a.Prev),
		Entries: r.Log[a.Prev : a.Prev+a.N : a.Prev+a.N], Commit: s.Commit})
	return ""
}

func (m *Model) acceptAppend(s *Server, a *Action) string {
	x, r := a.Message, *s.last()
	switch {
	case x.Type != "Append" || x.Term != r.Term:
		return "entries come from the leader of its term"
	case s.Role == Leader:
		return "it does not lead itself"
	case !has(r.Log, x.Index, x.IndexTerm):
		return "its log agrees with the leader's where the entries begin"
	}
	var changed bool
	if r.Log, changed = merge(r.Log, x); !changed {
		return "its log lacks some of the entries"
	}
	s.save(r)
	s.Role = Follower
	return ""
}

func (m *Model) ack(a *Action, to process.ID, d *Record, n uint64) string {
	m.send(&Message{Type: "Ack", Term: d.Term, From: a.Server, To: to, Match: n})
	return ""
}

func (m *Model) acknowledge(s *Server, a *Action) string {
	x, d := a.Message, s.durable()
	switch {
	case x.Type != "Append" || x.Term != d.Term:
		return "its durable term is the leader's"
	case x.From == a.Server:
		return "another leads"
	case !agrees(d.Log, x):
		return "its durable log holds all that the message brought"
	}
	return m.ack(a, x.From, d, x.end())
}

func (m *Model) acknowledgeOwn(s *Server, a *Action) string {
	d := s.durable()
	switch {
	case !m.elected[duty{d.Term, a.Server}]:
		return "it was elected in its durable term"
	case a.N > uint64(len(d.Log)):
		return "its own durable log has the entries"
	}
	return m.ack(a, a.Server, d, a.N)
}

func (m *Model) acknowledgeCommitted(s *Server, a *Action) string {
	d, n := s.durable(), a.N
	switch {
	case !m.elected[duty{d.Term, a.To}]:
		return "the other leads in its durable term"
	case n > s.Commit:
		return "that much is committed here"
	case n > uint64(len(d.Log)) || !equal(d.Log[:n], s.last().Log[:n]):
		return "what is committed here is durable"
	case termAt(d.Log, n) > d.Term:
		return "no entry is of a later term"
	}
	return m.ack(a, a.To, d, n)
}

func (m *Model) advanceCommit(s *Server, a *Action) string {
	r, n := s.last(), a.N
	acks := m.acks[duty{r.Term, a.Server}]
	switch {
	case s.Role != Leader:
		return "it leads"
	case n <= s.Commit || n > uint64(len(r.Log)):
		return "the entry is in its log, beyond what is committed"
	case termAt(r.Log, n) != r.Term:
		return "the entry is of its term"
	case !m.quorum(r.Log, func(id process.ID) bool { return acks[id] >= n }):
		return "a quorum of its group has said that the entry is durable"
	}
	s.Commit = n
	return ""
}

func (m *Model) sendHeartbeat(s *Server, a *Action) string {
	t := s.last().Term
	switch {
	case s.Role != Leader:
		return "it leads"
	case a.N < 1 || a.N > s.Commit:
		return "that much is committed"
	case m.acks[duty{t, a.Server}][a.To] < a.N:
		return "the receiver has said that it holds that much"
	}
	m.send(&Message{Type: "Heartbeat", Term: t, From: a.Server, To: a.To, Commit: a.N})
	return ""
}

func (m *Model) learnCommit(s *Server, a *Action) string {
	x, r := a.Message, s.last()
	var n uint64
	switch {
	case x.Term != r.Term || s.Role == Leader:
		return "the leader of its term says so"
	case x.Type == "Append":
		if !agrees(r.Log, x) {
			return "its log holds all that the message brought"
		}
		n = min(x.Commit, x.end())
	case x.Type == "Heartbeat" && x.To == a.Server:
		n = min(x.Commit, uint64(len(r.Log)))
	}
	if n <= s.Commit {
		return "it is more than it knew to be committed"
	}
	s.Commit = n
	return ""
}

func (m *Model) sendSnapshot(s *Server, a *Action) string {
	r, n := s.last(), s.Commit
	switch {
	case !m.elected[duty{a.Term, a.Server}] || a.Term > r.Term:
		return "it led in that term"
	case n == 0:
		return "something is committed"
	}
	m.send(&Message{Type: "Snapshot", Term: a.Term, From: a.Server, Entries: r.Log[:n:n]})
	return ""
}

func (m *Model) installSnapshot(s *Server, a *Action) string {
	x, r := a.Message, *s.last()
	n := uint64(len(x.Entries))
	switch {
	case x.Type != "Snapshot" || x.Term != r.Term || s.Role == Leader:
		return "the leader of its term sent it"
	case n <= s.Commit:
		return "it is ahead of what is committed here"
	}
	r.Kept = x.Entries
	s.save(restored(r))
	s.Role, s.Commit = Follower, n
	return ""
}
