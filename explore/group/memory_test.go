package group_test

import (
	"path/filepath"
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/protocol/raft"
)

var remembered = group.Bounds{Replicas: 2, Elections: 2, Requests: 1, Reads: 1, Crashes: 1, SlowDisks: true}

// A search of real processes is stopped and resumed, each time by a Model that
// knows nothing yet.
func TestResume(t *testing.T) {
	b := remembered
	b.Elections = 1
	whole := run(t, model(t, raft.Protocol, b), explore.Options{})
	o := explore.Options{Checkpoint: filepath.Join(t.TempDir(), "checkpoint"), Resume: true, Workers: 2}
	stops := 0
	var r explore.Result
	for o.MaxStates = 2000; ; o.MaxStates *= 2 {
		if r = run(t, model(t, raft.Protocol, b), o); r.Stopped == "" {
			break
		}
		stops++
	}
	if stops < 2 || r.Distinct != whole.Distinct || r.Generated != whole.Generated || r.Depth != whole.Depth {
		t.Errorf("after %d stops %v, want %v", stops, &r, &whole)
	}
	other := b
	other.Crashes++
	if _, err := explore.Run(t.Context(), model(t, raft.Protocol, other), o); err == nil {
		t.Error("a checkpoint of other bounds is taken in")
	}
}

// A counterexample that was found before the checkpoint, or through states that
// come from it, plays again.
func TestResumeToACounterexample(t *testing.T) {
	p := mutated(overtake("Vote"))
	b := group.Bounds{Replicas: 3, Elections: 2, Crashes: 1, Ordered: true, SlowDisks: true}
	o := explore.Options{Checkpoint: filepath.Join(t.TempDir(), "checkpoint"), Resume: true, MaxStates: 20_000}
	run(t, model(t, p, b), o)
	o.MaxStates = 0
	g := model(t, p, b)
	r := run(t, g, o)
	f := r.Broken()
	if f == nil {
		t.Fatalf("nothing is broken: %v", &r)
	}
	if _, broken, err := g.Replay(f.Trace, nil); broken == nil || err != nil {
		t.Errorf("in the World: %v, %v", broken, err)
	}
}

func FuzzRecall(f *testing.F) {
	g, err := group.New(raft.Protocol, remembered)
	if err != nil {
		f.Fatal(err)
	}
	if _, err := explore.Run(f.Context(), g, explore.Options{MaxStates: 50, Workers: 1}); err != nil {
		f.Fatal(err)
	}
	good := g.AppendMemory(nil)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("raft"))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := group.New(raft.Protocol, remembered)
		if err != nil {
			t.Fatal(err)
		}
		if m.Recall(b) == nil && string(m.AppendMemory(nil)) != string(b) {
			t.Error("what was taken in is not what was given")
		}
	})
}
