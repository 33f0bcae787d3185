package raft

import (
	"errors"
	"slices"
	"testing"

	"althing/process"
	"althing/trace/refine/refinetest"
	"althing/trace/refine/steps"
)

// scene is a state of three servers, on the way there.
type scene struct {
	t *testing.T
	*Model
}

func newScene(t *testing.T) scene { return scene{t, NewModel([]process.ID{1, 2, 3})} }

// do takes steps that are allowed.
func (s scene) do(all ...Action) {
	s.t.Helper()
	for i := range all {
		if err := s.Do(&all[i]); err != nil {
			s.t.Fatal(err)
		}
	}
}

// act is an action with a number: which one, its name says.
func act(name string, server process.ID, n ...uint64) Action {
	a := Action{Name: name, Server: server}
	if len(n) > 0 {
		a.N, a.Term, a.To = n[0], n[0], process.ID(n[0])
	}
	if len(n) > 1 {
		a.N = n[1]
	}
	return a
}

func (s scene) sync(server process.ID) {
	for len(s.Server(server).Disk) > 1 {
		s.do(act("Sync", server))
	}
}

// msg is the message of a kind and sender that came last: of the highest term, and
// of the most entries.
func (s scene) msg(kind string, from process.ID) (m *Message) {
	s.t.Helper()
	for _, all := range s.msgs {
		for _, x := range all {
			if x.Type == kind && x.From == from &&
				(m == nil || x.Term > m.Term || x.Term == m.Term && (x.end() > m.end() || x.Commit > m.Commit)) {
				m = x
			}
		}
	}
	if m == nil {
		s.t.Fatalf("%d sent no %s", from, kind)
	}
	return m
}

func with(a Action, m *Message) Action { a.Message = m; return a }

func entry(term uint64, text string) Entry { return Entry{Term: term, Text: text} }

// asks makes a server a candidate that has asked for votes.
func (s scene) asks(server process.ID) {
	s.t.Helper()
	s.do(act("Timeout", server))
	s.sync(server)
	s.do(act("AskVotes", server), act("SendVote", server))
}

// votes lets a server vote for another that has asked.
func (s scene) votes(server, candidate process.ID) {
	s.t.Helper()
	m := s.msg("RequestVote", candidate)
	s.do(act("UpdateTerm", server, m.Term), with(act("GrantVote", server), m))
	s.sync(server)
	s.do(act("SendVote", server))
}

// leads makes a server the leader of the next term, with the vote of another.
func (s scene) leads(server, voter process.ID) {
	s.t.Helper()
	s.asks(server)
	s.votes(voter, server)
	s.do(act("BecomeLeader", server))
}

// proposes adds an entry of the server's term to its log, durably, and sends all.
func (s scene) proposes(server process.ID, text string) {
	s.t.Helper()
	s.extends(server, Entry{Text: text})
}

func (s scene) extends(server process.ID, e Entry) {
	s.t.Helper()
	name := "Propose"
	if len(e.Voters) > 0 {
		name = "ChangeGroup"
	}
	e.Term = s.Server(server).last().Term
	s.do(Action{Name: name, Server: server, Entry: e})
	s.sync(server)
	n := uint64(len(s.Server(server).last().Log))
	s.do(act("AcknowledgeOwn", server, n), act("SendAppend", server, n))
}

// accepts lets a follower take what a leader has sent, durably.
func (s scene) accepts(server, leader process.ID) {
	s.t.Helper()
	m := s.msg("Append", leader)
	if m.Term > s.Server(server).last().Term {
		s.do(act("UpdateTerm", server, m.Term))
	}
	s.do(with(act("AcceptAppend", server), m))
	s.sync(server)
	s.do(with(act("Acknowledge", server), m))
}

// decides lets 1 lead term 1, and decide a with 2.
func (s scene) decides() {
	s.t.Helper()
	s.leads(1, 2)
	s.proposes(1, "a")
	s.accepts(2, 1)
	s.do(act("AdvanceCommit", 1, 1))
}

// from is the Append that a server sent, whose entries follow prev.
func (s scene) from(server process.ID, prev uint64) *Message {
	for _, all := range s.msgs {
		for _, x := range all {
			if x.Type == "Append" && x.From == server && x.Index == prev && len(x.Entries) > 0 {
				return x
			}
		}
	}
	s.t.Fatalf("%d sent no entries after %d", server, prev)
	return nil
}

func change(server process.ID, voters, old []process.ID) Action {
	return Action{Name: "ChangeGroup", Server: server, Entry: Entry{Term: 1, Text: "members", Voters: voters, Old: old}}
}

// scenes are one for each guard, and the step that it refuses.
var scenes = []struct {
	guard string
	make  func(scene) Action
}{
	{"a record that is not durable", func(s scene) Action { return act("Sync", 1) }},
	{"the application is ahead of what it has made durable", func(s scene) Action { return act("Flush", 1) }},
	{"it has that record", func(s scene) Action { return act("Crash", 1, 2) }},
	{"it has that record", func(s scene) Action { return act("Crash", 1, 0) }},
	{"it does not lead", func(s scene) Action { s.leads(1, 2); return act("Timeout", 1) }},
	{"its candidacy is durable", func(s scene) Action { s.do(act("Timeout", 1)); return act("AskVotes", 1) }},
	{"the term is later than its own", func(s scene) Action { s.asks(1); return act("UpdateTerm", 1, 1) }},
	{"somebody sent a message of that term", func(s scene) Action {
		s.do(act("Timeout", 1))
		return act("UpdateTerm", 2, 1)
	}},
	{"a vote is asked for in its term", func(s scene) Action {
		s.asks(1)
		return with(act("GrantVote", 2), s.msg("RequestVote", 1))
	}},
	{"a vote is asked for in its term", func(s scene) Action {
		s.asks(1)
		s.do(act("UpdateTerm", 2, 1))
		return with(act("GrantVote", 2), s.msg("Vote", 1))
	}},
	{"it has not voted in this term", func(s scene) Action {
		s.asks(1)
		s.asks(2)
		return with(act("GrantVote", 2), s.msg("RequestVote", 1))
	}},
	{"the candidate's log is at least as complete as its own", func(s scene) Action { // shorter
		s.leads(1, 2)
		s.proposes(1, "a")
		s.do(act("UpdateTerm", 3, 1), act("Timeout", 3))
		s.sync(3)
		s.do(act("AskVotes", 3), act("StepDown", 1), act("UpdateTerm", 1, 2))
		return with(act("GrantVote", 1), s.msg("RequestVote", 3))
	}},
	{"the candidate's log is at least as complete as its own", func(s scene) Action { // longer, of an earlier term
		s.leads(1, 2)
		s.proposes(1, "a")
		s.proposes(1, "b")
		s.leads(2, 3)
		s.proposes(2, "c")
		s.do(act("UpdateTerm", 1, 2), act("Timeout", 1))
		s.sync(1)
		s.do(act("AskVotes", 1), act("UpdateTerm", 2, 3))
		return with(act("GrantVote", 2), s.msg("RequestVote", 1))
	}},
	{"a vote is durable", func(s scene) Action { s.do(act("Timeout", 1)); return act("SendVote", 1) }},
	{"it is a candidate", func(s scene) Action {
		s.asks(1)
		s.votes(2, 1)
		s.do(act("StepDown", 1))
		return act("BecomeLeader", 1)
	}},
	{"a quorum of its group has sent it votes", func(s scene) Action { s.asks(1); return act("BecomeLeader", 1) }},
	{"it leads or wants to", func(s scene) Action { return act("StepDown", 1) }},
	{"it leads", func(s scene) Action { s.asks(1); return Action{Name: "Propose", Server: 1, Entry: entry(1, "a")} }},
	{"the entry is of its term", func(s scene) Action {
		s.leads(1, 2)
		return Action{Name: "Propose", Server: 1, Entry: entry(0, "a")}
	}},
	{"it leads", func(s scene) Action { s.asks(1); return act("SendAppend", 1, 0) }},
	{"its log has the entries", func(s scene) Action { s.leads(1, 2); return act("SendAppend", 1, 1) }},
	{"entries come from the leader of its term", func(s scene) Action {
		s.leads(1, 2)
		s.proposes(1, "a")
		return with(act("AcceptAppend", 3), s.msg("Append", 1))
	}},
	{"entries come from the leader of its term", func(s scene) Action {
		s.leads(1, 2)
		return with(act("AcceptAppend", 2), s.msg("RequestVote", 1))
	}},
	{"it does not lead itself", func(s scene) Action {
		s.leads(1, 2)
		s.proposes(1, "a")
		return with(act("AcceptAppend", 1), s.msg("Append", 1))
	}},
	{"its log agrees with the leader's where the entries begin", func(s scene) Action { // it is shorter
		s.leads(1, 2)
		s.proposes(1, "a")
		s.proposes(1, "b")
		s.do(Action{Name: "SendAppend", Server: 1, Prev: 1, N: 1}, act("UpdateTerm", 3, 1))
		return with(act("AcceptAppend", 3), s.from(1, 1))
	}},
	{"its log agrees with the leader's where the entries begin", func(s scene) Action { // another entry is there
		s.leads(1, 2)
		s.proposes(1, "a")
		s.leads(2, 3)
		s.proposes(2, "b")
		s.proposes(2, "c")
		s.do(Action{Name: "SendAppend", Server: 2, Prev: 1, N: 1}, act("UpdateTerm", 1, 2))
		return with(act("AcceptAppend", 1), s.from(2, 1))
	}},
	{"its log lacks some of the entries", func(s scene) Action {
		s.decides()
		return with(act("AcceptAppend", 2), s.msg("Append", 1))
	}},
	{"its durable term is the leader's", func(s scene) Action {
		s.leads(1, 2)
		s.proposes(1, "a")
		s.do(act("UpdateTerm", 3, 1), with(act("AcceptAppend", 3), s.msg("Append", 1)))
		return with(act("Acknowledge", 3), s.msg("Append", 1))
	}},
	{"another leads", func(s scene) Action {
		s.leads(1, 2)
		s.proposes(1, "a")
		return with(act("Acknowledge", 1), s.msg("Append", 1))
	}},
	{"its durable log holds all that the message brought", func(s scene) Action {
		s.leads(1, 2)
		s.proposes(1, "a")
		s.do(with(act("AcceptAppend", 2), s.msg("Append", 1)))
		return with(act("Acknowledge", 2), s.msg("Append", 1))
	}},
	{"it was elected in its durable term", func(s scene) Action { s.asks(1); return act("AcknowledgeOwn", 1, 0) }},
	{"its own durable log has the entries", func(s scene) Action {
		s.leads(1, 2)
		s.do(Action{Name: "Propose", Server: 1, Entry: entry(1, "a")})
		return act("AcknowledgeOwn", 1, 1)
	}},
	{"the other leads in its durable term", func(s scene) Action {
		s.decides()
		return act("AcknowledgeCommitted", 2, 3, 0)
	}},
	{"that much is committed here", func(s scene) Action {
		s.decides()
		return act("AcknowledgeCommitted", 2, 1, 1)
	}},
	{"what is committed here is durable", func(s scene) Action {
		s.decides()
		s.do(act("SendSnapshot", 1, 1), act("UpdateTerm", 3, 1), act("Sync", 3))
		s.do(with(act("InstallSnapshot", 3), s.msg("Snapshot", 1)))
		return act("AcknowledgeCommitted", 3, 1, 1)
	}},
	{"no entry is of a later term", func(s scene) Action { // an old leader's state, sent late
		s.leads(1, 2)
		s.do(act("UpdateTerm", 3, 1), act("Sync", 3))
		s.leads(2, 1)
		s.proposes(2, "b")
		s.accepts(1, 2)
		s.do(act("AdvanceCommit", 2, 1), act("SendHeartbeat", 2, 1, 1))
		s.do(with(act("LearnCommit", 1), s.msg("Heartbeat", 2)), act("SendSnapshot", 1, 1))
		s.do(with(act("InstallSnapshot", 3), s.msg("Snapshot", 1)), act("Sync", 3))
		return act("AcknowledgeCommitted", 3, 1, 1)
	}},
	{"it leads", func(s scene) Action { s.decides(); return act("AdvanceCommit", 2, 1) }},
	{"the entry is in its log, beyond what is committed", func(s scene) Action {
		s.decides()
		return act("AdvanceCommit", 1, 1)
	}},
	{"the entry is in its log, beyond what is committed", func(s scene) Action {
		s.decides()
		return act("AdvanceCommit", 1, 2)
	}},
	{"the entry is of its term", func(s scene) Action { // Figure 8
		s.leads(1, 2)
		s.proposes(1, "a")
		s.do(act("StepDown", 1))
		s.leads(1, 2)
		n := uint64(1)
		s.do(act("AcknowledgeOwn", 1, n), act("SendAppend", 1, n))
		s.accepts(2, 1)
		return act("AdvanceCommit", 1, 1)
	}},
	{"a quorum of its group has said that the entry is durable", func(s scene) Action {
		s.leads(1, 2)
		s.proposes(1, "a")
		s.do(with(act("AcceptAppend", 2), s.msg("Append", 1)))
		return act("AdvanceCommit", 1, 1)
	}},
	{"it leads", func(s scene) Action { s.decides(); return act("SendHeartbeat", 2, 1, 1) }},
	{"that much is committed", func(s scene) Action { s.leads(1, 2); return act("SendHeartbeat", 1, 2, 1) }},
	{"the receiver has said that it holds that much", func(s scene) Action {
		s.decides()
		return act("SendHeartbeat", 1, 3, 1)
	}},
	{"the leader of its term says so", func(s scene) Action {
		s.decides()
		s.do(act("SendHeartbeat", 1, 2, 1))
		s.asks(2)
		return with(act("LearnCommit", 2), s.msg("Heartbeat", 1))
	}},
	{"its log holds all that the message brought", func(s scene) Action {
		s.decides()
		s.do(act("SendAppend", 1, 1), act("UpdateTerm", 3, 1))
		return with(act("LearnCommit", 3), s.msg("Append", 1))
	}},
	{"it is more than it knew to be committed", func(s scene) Action { // a heartbeat for another
		s.decides()
		s.do(act("SendHeartbeat", 1, 2, 1), act("UpdateTerm", 3, 1))
		return with(act("LearnCommit", 3), s.msg("Heartbeat", 1))
	}},
	{"it led in that term", func(s scene) Action { s.decides(); return act("SendSnapshot", 2, 1) }},
	{"something is committed", func(s scene) Action { s.leads(1, 2); return act("SendSnapshot", 1, 1) }},
	{"the leader of its term sent it", func(s scene) Action {
		s.decides()
		s.do(act("SendSnapshot", 1, 1))
		return with(act("InstallSnapshot", 3), s.msg("Snapshot", 1))
	}},
	{"it is ahead of what is committed here", func(s scene) Action {
		s.decides()
		s.do(act("SendSnapshot", 1, 1), act("SendHeartbeat", 1, 2, 1))
		s.do(with(act("LearnCommit", 2), s.msg("Heartbeat", 1)))
		return with(act("InstallSnapshot", 2), s.msg("Snapshot", 1))
	}},
	{"the group has voters", func(s scene) Action { s.decides(); return change(1, nil, nil) }},
	{"the last change of the group is committed", func(s scene) Action {
		s.decides()
		s.extends(1, Entry{Voters: []process.ID{1, 2}})
		return change(1, []process.ID{1}, nil)
	}},
	{"an entry of its term is committed", func(s scene) Action {
		s.leads(1, 2)
		return change(1, []process.ID{1, 2}, nil)
	}},
	{"a joint group ends in the new one", func(s scene) Action {
		s.decides()
		s.extends(1, Entry{Voters: []process.ID{1, 2, 4, 5}, Old: []process.ID{1, 2, 3}})
		s.accepts(2, 1)
		s.accepts(4, 1)
		s.do(act("AdvanceCommit", 1, 2))
		return change(1, []process.ID{1, 2, 3}, nil)
	}},
	{"a quorum of its group has said that the entry is durable", func(s scene) Action { // of both groups
		s.decides()
		s.extends(1, Entry{Voters: []process.ID{1, 2, 4, 5}, Old: []process.ID{1, 2, 3}})
		s.accepts(2, 1)
		return act("AdvanceCommit", 1, 2)
	}},
	{"a joint group begins with the one there is", func(s scene) Action {
		s.decides()
		return change(1, []process.ID{4, 5}, []process.ID{1, 2})
	}},
	{"one voter at once comes or goes, or there is a joint group", func(s scene) Action {
		s.decides()
		return change(1, []process.ID{1, 2, 4}, nil)
	}},
	{"it leads", func(s scene) Action {
		s.decides()
		s.do(act("StepDown", 1))
		return change(1, []process.ID{1, 2}, nil)
	}},
	{"nobody sent that message", func(s scene) Action {
		return with(act("GrantVote", 1), &Message{Type: "RequestVote", From: 2})
	}},
}

// TestGuards: each guard refuses what it is there to refuse, and changes nothing.
func TestGuards(t *testing.T) {
	for _, x := range scenes {
		s := newScene(t)
		a := x.make(s)
		before := *s.Server(a.Server)
		disk := slices.Clone(before.Disk)
		var r *steps.Refusal
		if err := s.Do(&a); !errors.As(err, &r) || r.Guard != x.guard {
			t.Errorf("%q: %v", x.guard, err)
		}
		after := s.Server(a.Server)
		if after.Role != before.Role || after.Commit != before.Commit || len(after.Disk) != len(disk) {
			t.Errorf("%q: the step that was refused was taken", x.guard)
		}
	}
	if err := NewModel(nil).Do(&Action{Name: "Guess"}); err == nil {
		t.Error("an action that there is not is taken")
	}
}

// TestGuardsAll: there is no guard without a scene.
func TestGuardsAll(t *testing.T) {
	saw := map[string]bool{}
	for _, x := range scenes {
		saw[x.guard] = true
	}
	refinetest.Guards(t, "action.go", saw)
}

// TestRestored: what a crash leaves, with the application ahead of the log.
func TestRestored(t *testing.T) {
	s := newScene(t)
	s.decides()
	s.do(act("Flush", 1))
	s.do(act("Crash", 1, 1))
	if x := s.Server(1); x.Commit != 1 || len(x.last().Log) != 1 || x.Role != Follower || x.last().Term != 1 {
		t.Errorf("%+v", x)
	}
	s.do(act("SendSnapshot", 1, 1), act("UpdateTerm", 3, 1))
	s.do(with(act("InstallSnapshot", 3), s.msg("Snapshot", 1)))
	for records, want := range map[uint64]uint64{1: 0, 3: 1} { // before the state, and with it
		c := *s.Server(3)
		if s.crash(&c, &Action{N: records}); c.Commit != want || uint64(len(c.last().Log)) != want {
			t.Errorf("%d records: %+v", records, c)
		}
	}
}
