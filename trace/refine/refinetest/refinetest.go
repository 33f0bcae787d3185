// Package refinetest holds what every room of trace/refine is tested with: many runs
// that must be followed to their end, and runs told with a lie that must not.
package refinetest

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"althing/process"
	"althing/sim"
	"althing/spec"
	"althing/trace"
	"althing/trace/refine/steps"
)

var (
	seeds = flag.Int("seeds", 0, "seeds of runs to follow; 0: as many as each test likes")
	first = flag.Int("first", 1, "the first of them")
)

// Record simulates a run, and returns its trace. It does not look at what the
// simulation finds.
func Record(t testing.TB, p process.Protocol, o sim.Options) []byte {
	t.Helper()
	var b bytes.Buffer
	o.Trace = &b
	p.Monitor = nil // it would end a run before it is recorded what was wrong
	if _, err := sim.Run(p, o); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// Reader reads a trace.
func Reader(t testing.TB, b []byte) *trace.Reader {
	t.Helper()
	r, err := trace.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Events returns the events of a trace.
func Events(t testing.TB, b []byte) (all []trace.Event) {
	t.Helper()
	r := Reader(t, b)
	for {
		e, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, e)
	}
}

// Follow follows a run that is told as these events.
func Follow(t testing.TB, s *steps.Specification, all []trace.Event) error {
	t.Helper()
	var b bytes.Buffer
	w := trace.NewWriter(&b, trace.Header{Protocol: "told"})
	for i := range all {
		w.Write(&all[i])
	}
	_ = w.Flush() // into memory
	return s.Follow(Reader(t, b.Bytes()), nil)
}

// Runs requires that so many runs of p, under all faults and of three or five
// replicas, are followed to their end. It does not look at what the simulation
// finds: mutants that the specification can see are held against it alone.
func Runs(t *testing.T, s *steps.Specification, p process.Protocol, runs int) {
	t.Helper()
	if *seeds > 0 {
		runs = *seeds
	}
	for seed := *first; seed < *first+runs; seed++ {
		o := sim.Options{Seed: uint64(seed), Nodes: 3 + 2*(seed%2), Faults: sim.All, Duration: 4 * time.Second}
		if err := s.Follow(Reader(t, Record(t, p, o)), nil); err != nil {
			t.Fatalf("seed %d, %d replicas: Refinement: %v\n"+
				"replay: althing sim %s --seed %d --nodes %d --duration 4s",
				seed, o.Nodes, err, p.Name, seed, o.Nodes)
		}
	}
}

// Event is a lie about an event of a kind.
func Event(kind string, f func(*trace.Event)) func(*trace.Event) bool {
	return func(e *trace.Event) bool {
		if e.Kind != kind {
			return false
		}
		f(e)
		return true
	}
}

// Effect is a lie about an effect in a step: where it contains old, as kind and
// fields of its message, it has new.
func Effect(kind, old, new string) func(*trace.Event) bool {
	return func(e *trace.Event) bool {
		for i := range e.Effects {
			x := &e.Effects[i]
			if was := x.Msg + " " + x.Fields; e.Kind != "sync" && x.Kind == kind && strings.Contains(was, old) {
				x.Msg, x.Fields, _ = strings.Cut(strings.Replace(was, old, new, 1), " ")
				return true
			}
		}
		return false
	}
}

// AtOnce is a lie about a message that waits for the disk: it leaves now.
func AtOnce(message string) func(*trace.Event) bool {
	return func(e *trace.Event) bool {
		for i := range e.Effects {
			if x := &e.Effects[i]; x.Msg == message && x.Held {
				x.Kind = "SendNow"
				return true
			}
		}
		return false
	}
}

// Lies requires that the run is followed, and with any of the lies is not: by a part
// of what is to be said of it, each changes one event, and reports whether it did.
func Lies(t *testing.T, s *steps.Specification, run []byte, lies map[string]func(*trace.Event) bool) {
	t.Helper()
	all := Events(t, run)
	if err := s.Follow(Reader(t, run), nil); err != nil {
		t.Fatal(err)
	}
	for said, tell := range lies {
		told, lied := make([]trace.Event, len(all)), false
		for i := range all {
			told[i] = all[i]
			if lied {
				continue
			}
			e := all[i]
			e.Effects = append([]trace.Effect(nil), e.Effects...)
			for j := range e.Effects {
				e.Effects[j].Entries = append([]string(nil), e.Effects[j].Entries...)
			}
			if lied = tell(&e); lied {
				told[i] = e
			}
		}
		err := Follow(t, s, told)
		var d *steps.Deviation
		if !lied || !errors.As(err, &d) || !strings.Contains(err.Error(), said) {
			t.Errorf("%s: lied: %t; said: %v", said, lied, err)
		}
	}
}

// Names requires that the module that reads runs has exactly these actions, with
// these parameters, and that the specification has them.
func Names(t *testing.T, module string, actions map[string]string) {
	t.Helper()
	text := map[string]string{}
	for _, name := range []string{module, "Trace" + module} {
		b, err := spec.Modules.ReadFile(name + ".tla")
		if err != nil {
			t.Fatal(err)
		}
		text[name] = string(b)
	}
	read := regexp.MustCompile(`r\.a = "(\w+)" -> (?:r\.m \\in msgs /\\ )?(\w+)\(r\.((?:\w+)(?:, r\.\w+)*)\)`)
	found := 0
	for _, m := range read.FindAllStringSubmatch(text["Trace"+module], -1) {
		params := strings.ReplaceAll(m[3], ", r.", " ")
		if has, ok := actions[m[1]]; !ok || m[1] != m[2] || params != has {
			t.Errorf("%s(%s): the model has %q", m[2], params, has)
		}
		if !strings.Contains(text[module], "\n"+m[1]+"(") {
			t.Errorf("%s.tla has no %s", module, m[1])
		}
		found++
	}
	if found != len(actions) {
		t.Errorf("%d actions in Trace%s.tla, %d in the model", found, module, len(actions))
	}
}

// Guards requires that every guard which a file of Go names, as what it returns, is
// one that a test saw refuse.
func Guards(t *testing.T, file string, saw map[string]bool) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	all := regexp.MustCompile(`return "([^"]+)"`).FindAllStringSubmatch(string(text), -1)
	for _, m := range all {
		if !saw[m[1]] {
			t.Errorf("nothing is refused because of %q", m[1])
		}
	}
	if len(all) == 0 {
		t.Errorf("%s has no guards", file)
	}
}
