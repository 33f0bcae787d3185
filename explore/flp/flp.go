// Package flp tells, for one protocol, what Fischer, Lynch and Paterson proved of all:
// "Impossibility of Distributed Consensus with One Faulty Process", 1985. Each line
// that it prints is the outcome of a computation; what could not be shown is an error.
//
// On a model of binary consensus the valence of every state is known. Then a protocol
// gives up agreement, or is stopped by one process that stops, or has a run that never
// decides; which, and how, is printed. On a real protocol two requests compete for
// being committed first, and an adversary keeps both possible. Then it is shown what
// ends that: a network that is timely from some moment on, or a coin.
package flp

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/bits"
	"os"
	"strings"

	"althing/explore"
	"althing/explore/group"
	"althing/explore/models"
	"althing/explore/valence"
	"althing/process"
	"althing/trace"
	"althing/trace/diagram"
)

// A Show is what to show, and where. The files get the run, unless their names are
// empty.
type Show struct {
	Out       io.Writer
	Steps     int    // events, or a few more, that a run is kept open for: 1 to MaxSteps
	Draw      uint64 // events of it that are drawn
	MaxStates int    // of a model

	Mermaid, PlantUML, Trace string
}

// MaxSteps bounds the events of a run of a model, for each is kept; MaxReal those of
// real processes, whose timers fire no more than 255 times and whose logs grow.
const (
	MaxSteps = 100_000
	MaxReal  = 1000
)

// rules are the models, by name.
var rules = []struct {
	name string
	rule models.Rule
	says string
}{
	{"wait-all", models.WaitAll, "hears all inputs and decides what most are"},
	{"eager", models.Eager, "hears all inputs but one and decides what most are"},
	{"coordinator", models.Coordinator, "rounds with a coordinator, by majorities"},
	{"ben-or", models.Coin, "the same rounds with a coin"},
}

// Models returns the names of the models.
func Models() (names []string) {
	for _, r := range rules {
		names = append(names, r.name)
	}
	return names
}

// Model shows it on the model of that name.
func (f *Show) Model(name string) error {
	for _, r := range rules {
		if r.name == name {
			return f.model(r.name, r.says, r.rule)
		}
	}
	return fmt.Errorf("there is no model %q", name)
}

func plural(rounds int) string {
	if rounds == 1 {
		return "1 round"
	}
	return fmt.Sprint(rounds, " rounds")
}

// ErrNotShown is returned where nothing of what FLP says could be shown.
var ErrNotShown = errors.New("not shown")

// model shows it on a model of binary consensus, whose states are all known.
func (f *Show) model(name, says string, rule models.Rule) error {
	m := &models.Binary{N: 3, Rule: rule, Rounds: 2, Endless: true}
	fmt.Fprintf(f.Out, "%s: binary consensus of 3, %s;\n"+
		"any message may take any time, one process may stop\n", name, says)
	g := valence.Build(m, f.MaxStates)
	univalent, bivalent, none := g.Count()
	seen, within := "all there are", ""
	if rule >= models.Coordinator {
		within = ", with nobody two rounds ahead of another"
	}
	if !g.Whole() {
		seen = "not all"
	}
	fmt.Fprintf(f.Out, "  states         %d%s, %s:\n"+
		"                 0-valent %d, 1-valent %d, bivalent %d, none %d\n", g.Len(), within, seen, univalent[0],
		univalent[1], bivalent, none)
	if !g.Whole() {
		fmt.Fprintln(f.Out, "                 what is called univalent may not be: --max-states")
	}
	begin, twice := f.inputs(m, g)
	stops := f.stopped(m)
	switch {
	case twice != nil:
		fmt.Fprintf(f.Out, "  agreement      given up: %d steps after inputs %s two have decided differently\n",
			len(twice)-1, begin)
		return f.drawn(name, m.Events(twice), 1)
	case begin == "" && stops:
		fmt.Fprintln(f.Out, "  termination    given up: Lemma 2 ends here, where one process that stops is waited for")
		return nil
	case begin == "":
		return fmt.Errorf("no initial state is bivalent: %w", ErrNotShown)
	case rule == models.Coin:
		return f.coin(m, g)
	}
	state := m.Begin(int(parse(begin)))
	run, err := f.delay(m, g, state)
	if err != nil {
		return err
	}
	if err := f.drawn(name, m.Events(run.Way), 1); err != nil {
		return err
	}
	return f.timely(m, run)
}

// inputs prints the valence of each initial state. It returns the inputs of the
// first one that is bivalent, or whose way leads to two decisions, and that way.
func (f *Show) inputs(m *models.Binary, g *valence.Graph) (begin string, twice []explore.Step) {
	var parts []string
	for i, state := range g.Initial() {
		text := fmt.Sprintf("%03b", bits.Reverse8(uint8(i))>>5) // as people read: process 1 first
		parts = append(parts, text+" "+called(g.Valence(state)))
		if begin == "" && valence.Bivalent(g.Valence(state)) {
			begin = text
		}
		if twice == nil && m.Rule == models.Eager {
			twice = valence.Search(valence.From{System: m, State: state}, g.Len(),
				func(s []byte) bool { return valence.Bivalent(m.Decided(s)) })
		}
	}
	fmt.Fprintf(f.Out, "  by inputs      %s\n", strings.Join(parts, ", "))
	if pairs := g.Adjacent(); len(pairs) > 0 {
		fmt.Fprintf(f.Out, "  Lemma 2        %d pairs of inputs that differ at one process have different\n"+
			"                 valences: if it stops first, nobody sees the difference\n", len(pairs))
	}
	if begin != "" && twice == nil {
		state := m.Begin(int(parse(begin)))
		fmt.Fprintf(f.Out, "  Lemma 2        inputs %s are bivalent: 0 is decided in %d steps, 1 in %d\n", begin,
			len(g.Way(state, 0))-1, len(g.Way(state, 1))-1)
	}
	return begin, twice
}

// parse reads inputs as people read them.
func parse(inputs string) (n uint8) {
	for i, c := range inputs {
		n |= uint8(c-'0') << i
	}
	return n
}

func called(set uint64) string {
	switch set {
	case 0:
		return "none"
	case 1:
		return "0-valent"
	case 2:
		return "1-valent"
	}
	return "bivalent"
}

// stopped prints what may be decided if one process stops before its first step, and
// reports whether some such run can never decide.
func (f *Show) stopped(m *models.Binary) (stuck bool) {
	few := *m
	few.Endless, few.Rounds = false, 3 // who has stopped holds up a window
	var stops []string
	for p := range m.N {
		g := valence.Build(valence.Without{System: &few, Process: p}, f.MaxStates)
		for _, state := range g.Initial() {
			if g.Whole() && g.Valence(state) == 0 {
				stops = append(stops, fmt.Sprint(p+1))
				break
			}
		}
	}
	if len(stops) > 0 {
		fmt.Fprintf(f.Out, "  one stops      without %s no run decides\n", strings.Join(stops, ", or without "))
		return true
	}
	fmt.Fprintln(f.Out, "  one stops      whoever it is and whatever the inputs, some run of the others decides")
	return false
}

// delay lets the adversary play, checks what it did, and prints it.
func (f *Show) delay(m valence.System, o valence.Oracle, state []byte) (*valence.Run, error) {
	run, err := valence.Delay(m, o, state, f.Steps, delayStates)
	if err == nil {
		err = valence.Check(m, o, run)
	}
	if err != nil {
		fmt.Fprintf(f.Out, "  Lemma 3        the adversary fails after %d events: %v\n", len(run.Way)-1, err)
		return nil, fmt.Errorf("no run was kept open for %d events: %w", f.Steps, ErrNotShown)
	}
	fmt.Fprintf(f.Out, "  Lemma 3        %d events, %d messages arrived, none later than %d events after it was\n"+
		"                 sent; steps %v; nothing is decided, and from the end two ways lead to two\n"+
		"                 decisions: played again, step by step\n", len(run.Way)-1, run.Received, run.Waited,
		run.Steps)
	if run.Loop >= 0 {
		fmt.Fprintf(f.Out, "  for ever       after event %d all is as it was after event %d, but for the number of\n"+
			"                 the round\n", run.Again, run.Loop)
	}
	return run, nil
}

// timely prints how partial synchrony ends the run: Dwork, Lynch and Stockmeyer,
// "Consensus in the Presence of Partial Synchrony", 1988.
func (f *Show) timely(m valence.System, run *valence.Run) error {
	worst := 0
	for i, step := range run.Way {
		way := valence.Timely(m, step.State, 0, 1<<m.Processes()-1, timelyEvents)
		if m.Decided(way[len(way)-1].State) == 0 {
			return fmt.Errorf("after event %d a timely network decides nothing within %d events: %w", i, timelyEvents,
				ErrNotShown)
		}
		worst = max(worst, len(way)-1)
	}
	fmt.Fprintf(f.Out, "  timely         from each of these %d states, if from then on messages are faster than\n"+
		"                 patience (and only 1's ends), something is decided within %d events\n", len(run.Way), worst)
	return nil
}

// delayStates bounds the states that are looked at for the arrival of one message: a
// schedule that goes on is among the first few hundred, or there is none.
const delayStates = 1000

// timelyEvents bounds what a timely network may take: elections and a decision.
const timelyEvents = 400

// coin prints how a coin ends it.
func (f *Show) coin(m *models.Binary, g *valence.Graph) error {
	fmt.Fprintln(f.Out, "  a coin         whoever chooses the order sees each coin; the highest probability that\n"+
		"                 two processes end so many rounds, and nothing is decided (exact, over all\n"+
		"                 inputs, no bound on who is ahead):")
	for rounds := 1; rounds <= 3; rounds++ {
		few := &models.Binary{N: 3, Rule: models.Coin, Rounds: rounds}
		odds, worst := valence.NewOdds(few, few.Finished, 2), 0.0
		for inputs := range 1 << few.N {
			worst = max(worst, odds.Undecided(few.Begin(inputs)))
		}
		fmt.Fprintf(f.Out, "                 %-9s  %v\n", plural(rounds), worst)
	}
	odds, worst, states := valence.NewOdds(m, m.Left, coinRounds), 0.0, 0
	g.Each(func(state []byte) {
		if m.Decided(state) == 0 {
			states++
			worst = max(worst, odds.Undecided(state))
		}
	})
	if !g.Whole() || worst >= 1 {
		return fmt.Errorf("the probability of %d rounds more is %v: %w", coinRounds, worst, ErrNotShown)
	}
	fmt.Fprintf(f.Out, "                 from any of the %d undecided states (nobody two rounds ahead), that\n"+
		"                 all leave %d rounds more: at most %v; k times %d rounds: at most the k-th\n"+
		"                 power of that, which falls to 0\n", states, coinRounds, worst, coinRounds)
	return nil
}

// coinRounds is after how many rounds the odds are below 1 from wherever a run is.
const coinRounds = 3

// Real shows it on the processes that are served. The protocol must order all commits
// alike.
func (f *Show) Real(p process.Protocol) error {
	b := group.Bounds{Replicas: 3, Elections: group.MaxBound, Requests: 2, Ordered: true}
	g, err := group.New(p, b)
	if err != nil {
		return err
	}
	fmt.Fprintf(f.Out, "%s: which of two requests is committed first, by 3 replicas;\n"+
		"any message may take any time, any timer may fire whenever it is set (%d times in all)\n", p.Name, b.Elections)
	scout := valence.NewScout(g, timelyEvents)
	way := g.Contest(0, 1)
	if way == nil {
		fmt.Fprintln(f.Out, "  requests       no run was found in which two replicas take one each")
		return fmt.Errorf("no contest was found: %w", ErrNotShown)
	}
	state := way[len(way)-1].State
	fmt.Fprintf(f.Out, "  requests       after %d events 1 has taken \"put k 1\" and 2 \"put k 2\":\n"+
		"                 %s\n", len(way)-1, g.Show(state))
	if err := valence.Open(g, scout, state); err != nil {
		fmt.Fprintf(f.Out, "  Lemma 2        no two decisions were found from there: %v\n", err)
		return f.waits(g, state)
	}
	fmt.Fprintf(f.Out, "  Lemma 2        that state is bivalent: %d events more and the first is committed, or %d\n"+
		"                 and the second is\n", len(scout.Way(state, 1))-1, len(scout.Way(state, 2))-1)
	run, err := f.delay(g, scout, state)
	if err != nil {
		return err
	}
	before := uint64(0)
	_, _, err = g.Replay(way, func(*trace.Event) { before++ })
	var events []trace.Event
	_, broken, again := g.Replay(append(way[:len(way):len(way)], run.Way[1:]...), func(e *trace.Event) {
		events = append(events, *e)
	})
	if err = errors.Join(err, broken, again); err != nil {
		return fmt.Errorf("play the run in a World: %w", err)
	}
	fmt.Fprintf(f.Out, "  the World      plays it alike: %d events with the flushes, nothing broken\n", len(events))
	if err := f.drawn(p.Name, events, before+1); err != nil {
		return err
	}
	return f.timely(g, run)
}

// waits prints what becomes of a group of which one stops, where nothing is open.
func (f *Show) waits(g *group.Model, state []byte) error {
	all := uint64(1)<<g.Processes() - 1
	for p := range g.Processes() {
		for lead := range g.Processes() {
			way := valence.Timely(g, state, lead, all&^(1<<p), timelyEvents)
			if g.Decided(way[len(way)-1].State) != 0 {
				return fmt.Errorf("nothing is open, and %d may stop: %w", p+1, ErrNotShown)
			}
		}
	}
	fmt.Fprintln(f.Out, "  termination    given up: with any one replica stopped there, timely runs commit neither")
	return nil
}

// drawn prints the first events of a run, and writes it where the flags say.
func (f *Show) drawn(name string, events []trace.Event, from uint64) error {
	var file bytes.Buffer
	w := trace.NewWriter(&file, trace.Header{Protocol: name, Options: "explore flp"})
	for i := range events {
		w.Write(&events[i])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	draw := func(to *bytes.Buffer, in diagram.Window, l diagram.Language) error {
		t, err := trace.NewReader(bytes.NewReader(file.Bytes()))
		if err != nil {
			return err
		}
		return diagram.Write(to, t, in, l)
	}
	for _, out := range []struct {
		path string
		l    diagram.Language
	}{{f.Mermaid, diagram.Mermaid}, {f.PlantUML, diagram.PlantUML}, {f.Trace, 0}} {
		if out.path == "" {
			continue
		}
		text := file
		if out.l != 0 {
			text = bytes.Buffer{}
			if err := draw(&text, diagram.Window{}, out.l); err != nil {
				return err
			}
		}
		if err := os.WriteFile(out.path, text.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write the run: %w", err)
		}
	}
	if f.Draw == 0 {
		return nil
	}
	var text bytes.Buffer
	if err := draw(&text, diagram.Window{From: from, To: from + f.Draw - 1}, diagram.Text); err != nil {
		return err
	}
	if from > 1 {
		fmt.Fprintf(f.Out, "\nAfter %d events, by which the requests were taken:\n", from-1)
	}
	fmt.Fprintf(f.Out, "\n%s", &text)
	if n := uint64(len(events)); n > from+f.Draw-1 {
		fmt.Fprintf(f.Out, "  … and %d events more (--draw, --mermaid, --plantuml, --trace)\n", n-(from+f.Draw-1))
	}
	fmt.Fprintln(f.Out)
	return nil
}
