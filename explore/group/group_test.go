package group_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"althing/explore"
	"althing/explore/group"
	"althing/process"
	"althing/protocol/raft"
	"althing/script"
	"althing/trace"
	"althing/world"
)

func model(t *testing.T, p process.Protocol, b group.Bounds) *group.Model {
	t.Helper()
	g, err := group.New(p, b)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func run(t *testing.T, m explore.Model, o explore.Options) explore.Result {
	t.Helper()
	r, err := explore.Run(t.Context(), m, o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Raft's states within tight bounds. A number that changes says that Raft, or
// what may happen to it, has changed.
func TestRaftCounts(t *testing.T) {
	for _, c := range []struct {
		bounds              group.Bounds
		generated, distinct uint64
		depth               int
	}{
		{group.Bounds{Replicas: 1, Elections: 2, Requests: 2, Crashes: 2, Compactions: 1, SlowDisks: true},
			2_863, 2_004, 15},
		{group.Bounds{Replicas: 2, Elections: 2, Requests: 1, Crashes: 1, SlowDisks: true}, 1_169_423, 419_934, 43},
		{group.Bounds{Replicas: 2, Elections: 1, Beats: 1, Reads: 1, Duplicates: 1}, 68_519, 25_703, 21},
		{group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Ordered: true}, 10_564, 4_096, 29},
		{group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Crashes: 1, Ordered: true}, 82_795, 27_919, 30},
		{group.Bounds{Replicas: 3, Elections: 1, Requests: 1, Drops: 1, Beats: 1, Ordered: true},
			1_337_176, 446_230, 35},
		{group.Bounds{Replicas: 3, Elections: 2, Ordered: true}, 2_608_960, 669_043, 41},
	} {
		if testing.Short() && c.distinct > 200_000 {
			continue
		}
		g := model(t, raft.Protocol, c.bounds)
		r := run(t, g, explore.Options{})
		if r.Generated != c.generated || r.Distinct != c.distinct || r.Depth != c.depth || r.Stopped != "" ||
			!g.Watched() || r.Broken() != nil {
			t.Errorf("%+v: %v, watched %v, %+v", c.bounds, &r, g.Watched(), r.Broken())
		}
	}
}

// What the explorer does, a World does: the processes of both are compared
// after each step of random ways.
func TestAWorldGoesTheSameWay(t *testing.T) {
	everything := group.Bounds{Replicas: 3, Elections: 4, Beats: 4, Requests: 4, Reads: 2, Crashes: 3,
		Compactions: 2, Duplicates: 3, SlowDisks: true}
	ordered := everything
	ordered.Duplicates, ordered.Drops, ordered.Ordered = 0, 3, true
	quick, few := everything, everything
	quick.SlowDisks, few.Crashes = false, 1
	for i, b := range []group.Bounds{everything, ordered, quick, few} {
		g := model(t, raft.Protocol, b)
		rng := rand.New(rand.NewPCG(uint64(i), 1))
		kinds := map[string]int{}
		for range 60 {
			way := wander(t, g, rng, 80)
			for _, s := range way[1:] {
				kinds[g.Kinds()[s.Action.Kind()]]++
			}
			if _, broken, err := g.Replay(way, nil); broken != nil || err != nil {
				t.Fatalf("%+v: %v, %v", b, broken, err)
			}
		}
		for k, n := range map[string]int{"election": b.Elections, "beat": b.Beats, "submit": b.Requests,
			"read": b.Reads, "crash": b.Crashes, "compact": b.Compactions, "duplicate": b.Duplicates,
			"drop": b.Drops, "deliver": 1} {
			if kinds[k] == 0 && n > 0 {
				t.Errorf("%+v: no %s on any way: %v", b, k, kinds)
			}
		}
	}
}

func wander(t *testing.T, g *group.Model, rng *rand.Rand, steps int) []explore.Step {
	var s explore.Steps
	g.Initial(&s)
	way := []explore.Step{{State: slices.Clone(s.State(0))}}
	for len(way) < steps {
		s.Reset()
		last := way[len(way)-1].State
		if g.Next(last, &s); s.Len() == 0 {
			break
		}
		i := rng.IntN(s.Len())
		if rng.IntN(3) > 0 { // first are the messages: without them nothing gets anywhere
			i = rng.IntN(min(s.Len(), 3))
		}
		if err := s.Err(i); err != nil {
			t.Fatal(err)
		}
		way = append(way, explore.Step{Action: s.Action(i), State: slices.Clone(s.State(i)),
			Text: g.Describe(last, s.Action(i))})
	}
	return way
}

// A mutant is Raft with its effects changed.
type mutant struct {
	process.Process
	change func(*process.Effect)
}

func (m *mutant) Step(in process.Input, out *process.Output) {
	before := len(out.Effects)
	m.Process.Step(in, out)
	for i := before; i < len(out.Effects); i++ {
		m.change(&out.Effects[i])
	}
}

func (m *mutant) Clone() process.Process { return &mutant{m.Process.Clone(), m.change} }

// unwrapped shows a Monitor the Raft in the mutant.
type unwrapped struct{ group.Historian }

func (u unwrapped) Stepped(id process.ID, p process.Process, in *process.Input, es []process.Effect) error {
	return u.Historian.Stepped(id, p.(*mutant).Process, in, es)
}

func (u unwrapped) Clone() process.Monitor { return unwrapped{u.Historian.Clone().(group.Historian)} }

func mutated(change func(*process.Effect)) process.Protocol {
	p := raft.Protocol
	p.New = func(c process.Config) process.Process { return &mutant{raft.New(c), change} }
	p.Monitor = func() process.Monitor { return unwrapped{raft.Protocol.Monitor().(group.Historian)} }
	return p
}

// overtake makes a message of a kind overtake the disk.
func overtake(kind string) func(*process.Effect) {
	return func(e *process.Effect) {
		if e.Kind == process.Send && e.Msg.Kind() == kind {
			e.Kind = process.SendNow
		}
	}
}

// A vote that leaves before it is durable can be given twice: the explorer
// finds how, the World agrees, and the script plays it again.
func TestAVoteThatOvertakesTheDisk(t *testing.T) {
	p := mutated(overtake("Vote"))
	g := model(t, p, group.Bounds{Replicas: 3, Elections: 2, Crashes: 1, Ordered: true, SlowDisks: true})
	r := run(t, g, explore.Options{})
	f := r.Broken()
	if f == nil || !strings.Contains(f.Err.Error(), "election safety") {
		t.Fatalf("%v: %+v", &r, f)
	}
	var events []string
	_, broken, err := g.Replay(f.Trace, func(e *trace.Event) { events = append(events, e.String()) })
	var v *world.Violation
	if err != nil || !errors.As(broken, &v) || v.Name != "election safety" || len(events) < len(f.Trace) {
		t.Fatalf("replay: %v, %v\n%s", broken, err, strings.Join(events, "\n"))
	}
	text, err := g.Script(f.Trace, "two leaders\nof one term")
	if err != nil {
		t.Fatal(err)
	}
	out, err := script.Run(p, []byte(text))
	if err != nil || !bytes.Contains(out, []byte("violation: election safety")) {
		t.Errorf("script: %v\n%s\n%s", err, text, out)
	}
	if sound := run(t, model(t, raft.Protocol, group.Bounds{Replicas: 3, Elections: 1, Crashes: 1, Ordered: true,
		SlowDisks: true}), explore.Options{}); sound.Broken() != nil {
		t.Errorf("Raft itself: %+v", sound.Broken())
	}
}

// never makes a replica forget to save a kind of record.
func never(kind string) func(*process.Effect) {
	return func(e *process.Effect) {
		if e.Kind == process.Save && e.Msg.Kind() == kind {
			*e = process.Effect{Kind: process.StopTimer, Timer: process.MaxTimer}
		}
	}
}

// What Raft does for its disk, it must do: without, levels lead to a shortest
// way to ruin, and walks to some way soon.
func TestMutants(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*process.Effect)
		breaks string
		steps  int
	}{
		"a vote overtakes the disk":   {overtake("Vote"), "election safety", 13},
		"a reply overtakes the disk":  {overtake("AppendReply"), "leader completeness", 19},
		"terms and votes are unsaved": {never("HardState"), "election safety", 11},
		"entries are unsaved":         {never("Entries"), "leader completeness", 19},
	} {
		searches := []explore.Options{{}}
		if c.breaks == "election safety" { // the others take walks a million steps
			searches = append(searches, explore.Options{Search: explore.Walk, Walks: 10_000, MaxDepth: 60})
		}
		for _, o := range searches {
			g := model(t, mutated(c.change), group.Bounds{Replicas: 3, Elections: 2, Crashes: 1, Ordered: true,
				SlowDisks: true})
			r := run(t, g, o)
			f := r.Broken()
			if f == nil || !strings.Contains(f.Err.Error(), c.breaks) {
				t.Errorf("%s: %v: %+v", name, &r, f)
				continue
			}
			if n := len(f.Trace) - 1; o.Search == explore.Breadth && n != c.steps {
				t.Errorf("%s: the shortest way has %d steps, want %d", name, n, c.steps)
			}
			if _, broken, err := g.Replay(f.Trace, nil); broken == nil || err != nil {
				t.Errorf("%s: in the World %v, %v", name, broken, err)
			}
		}
	}
}

// watched collects what replicas look like in any state.
type watched struct {
	explore.Model
	looks map[string]bool
}

func (w watched) Fork() explore.Model { return w }

func (w watched) Properties() []explore.Property {
	return []explore.Property{{Name: "seen", Mode: explore.Always, Holds: func(state []byte) bool {
		look, _, _ := strings.Cut(w.Show(state), " messages") // how many there are is left
		w.looks[look[:strings.LastIndex(look, ";")]] = true
		return true
	}}}
}

// once takes no second crash.
type once struct{ *group.Model }

func (o once) Fork() explore.Model { return o }

func (o once) Next(state []byte, s *explore.Steps) {
	var all explore.Steps
	o.Model.Next(state, &all)
	crash := slices.Index(o.Kinds(), "crash")
	for i := range all.Len() {
		if a := all.Action(i); int(a.Kind()) != crash || state[crash] == 0 { // a state begins with its counts
			s.Add(a, all.State(i))
		}
	}
}

// That disks forget after the last crash hides nothing: with a crash more that
// never comes, they do not, and replicas come to look the same.
func TestForgettingHidesNothing(t *testing.T) {
	b := group.Bounds{Replicas: 2, Elections: 2, Crashes: 1, SlowDisks: true, Ordered: true}
	few := watched{model(t, raft.Protocol, b), map[string]bool{}}
	small := run(t, few, explore.Options{Workers: 1})
	b.Crashes = 2
	many := watched{once{model(t, raft.Protocol, b)}, map[string]bool{}}
	large := run(t, many, explore.Options{Workers: 1})
	if !maps.Equal(few.looks, many.looks) || len(few.looks) < 50 || large.Distinct <= small.Distinct {
		t.Errorf("%d looks in %v, %d in %v", len(few.looks), &small, len(many.looks), &large)
	}
}
