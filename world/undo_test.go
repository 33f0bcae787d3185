package world

import (
	"testing"

	"althing/process"
)

// at is commit in an epoch.
func at(epoch, index uint64, cmd string) process.Effect {
	e := commit(index, cmd)
	e.Entries[0].Epoch = epoch
	return e
}

// TestWhatALoserMustHold: a protocol that Loses may undo commits in a later epoch,
// and nothing else.
func TestWhatALoserMustHold(t *testing.T) {
	for name, c := range map[string]struct {
		want string // "": it may
		do   func(b *bench) error
	}{
		"a later epoch undoes": {"", func(b *bench) error {
			b.must(b.tell(1, at(1, 1, "x"), at(1, 2, "y")))
			b.must(b.tell(2, at(2, 1, "y")))
			b.equal(len(b.Undone()), 2)
			return nil
		}},
		"another commits what is undone already": {"", func(b *bench) error {
			b.must(b.tell(1, at(1, 1, "x"), at(1, 2, "y")))
			b.must(b.tell(2, at(1, 1, "x"), at(2, 2, "x")))
			b.must(b.tell(3, at(1, 1, "x"), at(1, 2, "y")))
			b.equal(len(b.Undone()), 2)
			return nil
		}},
		"two requests at one index of an epoch": {"Agreement", func(b *bench) error {
			b.must(b.tell(1, at(1, 1, "x")))
			return b.tell(2, at(1, 1, "y"))
		}},
		"it goes on from what was undone": {"Agreement", func(b *bench) error {
			b.must(b.tell(1, at(1, 1, "x")))
			b.must(b.tell(2, at(2, 1, "y")))
			return b.tell(1, at(2, 2, "y"))
		}},
		"what nobody asked for": {"Validity", func(b *bench) error { return b.tell(1, at(1, 1, "z")) }},
		"what nobody asked for, undone at once": {"Validity", func(b *bench) error {
			b.must(b.tell(1, at(2, 1, "x")))
			return b.tell(2, at(1, 1, "z"))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.check.loses = true
			b.submitted("x", "y")
			if err := c.do(b); c.want != "" {
				b.violates(c.want, err)
			} else {
				b.must(err)
			}
		})
	}
}

// TestFence: a leader does not answer after one of a later epoch has; a backup may,
// what it applies, and any may serve a read.
func TestFence(t *testing.T) {
	for name, c := range map[string]struct {
		kind          process.Kind
		leader, epoch uint64 // of the replica that answers last
		fenced        bool
	}{
		"an old leader":         {process.Command, 1, 2, true},
		"the leader":            {process.Command, 1, 3, false},
		"a backup":              {process.Command, 2, 2, false},
		"a read, by old leader": {process.Read, 1, 2, false},
	} {
		b := newBench(t)
		b.check.loses, b.check.wrote = true, 3
		b.replica(1).status = process.Status{Leader: process.ID(c.leader), Epoch: c.epoch}
		b.News.Answers = []Answer{{Node: 1, Outcome: Done, Req: process.Request{Kind: c.kind}}}
		if got := b.Fence() != nil; got != c.fenced {
			t.Errorf("%s: fenced is %v", name, got)
		}
	}
}

func TestHarmed(t *testing.T) {
	b := newBench(t)
	b.check.loses = true
	b.submitted("put k v", "append l w", "put m x")
	b.must(b.tell(1, at(1, 1, "put m x"), at(1, 2, "put k v"), at(1, 3, "append l w")))
	b.must(b.tell(2, at(1, 1, "put m x"), at(2, 2, "put m x")))
	b.equal(b.Harmed(), map[string]bool{"k": true, "l": true})
}

// TestAnOlderStateStays: what was loaded is durable with its record, though the
// application was durable further on; and no longer counts when it is durable itself.
func TestAnOlderStateStays(t *testing.T) {
	for _, flushed := range []bool{false, true} {
		b := newBench(t)
		b.check.loses = true
		b.submitted("x", "y")
		load := &order{"old", []process.Effect{{Kind: process.LoadState}}}
		b.must(b.tell(2, at(1, 1, "x")))
		b.must(b.tell(2, process.Effect{Kind: process.SendState, To: 1, Msg: load}))
		b.must(b.tell(1, at(1, 1, "x"), at(1, 2, "y")))
		b.must(b.Flush(1))
		commits[b.Process(1).(*probe)] = 1
		b.must(b.Deliver(b.Flights()[0].ID))
		want := uint64(1)
		if flushed {
			b.must(b.tell(1, at(2, 2, "x"), at(2, 3, "y")))
			b.must(b.Flush(1))
			want = 3
		}
		b.must(b.Sync(1, b.Unsynced(1)))
		b.must(b.Crash(1, 0))
		if got := b.replica(1).disk.kept.state.Index; got != want {
			t.Errorf("flushed after it was loaded: %v: it restarts with entry %d, want %d", flushed, got, want)
		}
	}
}
