package primarybackup

import (
	"reflect"
	"testing"

	"althing/process"
)

// entries makes those of an epoch after prev.
func entries(epoch, prev uint64, n int) (es []process.Entry) {
	for i := range uint64(n) {
		es = append(es, process.Entry{Epoch: epoch, Index: prev + i + 1, Req: process.Request{Cmd: []byte("c")}})
	}
	return es
}

// saying is what a replica says to be undone: the indexes of entries, and sure.
type saying struct{ first, last, sure uint64 }

func said(out *process.Output) (all []saying) {
	for _, e := range out.Effects {
		if e.Kind == process.Undone {
			all = append(all, saying{e.Entries[0].Index, e.Entries[len(e.Entries)-1].Index, e.Index})
		}
	}
	return all
}

// TestUndone: a backup of an asynchronous group of five has seven entries of epoch
// 1 after a no-op, and has applied five of them; three are settled.
func TestUndone(t *testing.T) {
	g := process.Group{Voters: []process.ID{1, 2, 3, 4, 5}}
	from := func(m process.Msg, s *process.State) process.Input {
		return process.Input{Kind: process.Receive, From: 3, Msg: m, State: s}
	}
	other := from(&AppendEntries{Epoch: 2, Prev: 4, PrevEpoch: 1, Entries: entries(2, 4, 3)}, nil)
	earlier := from(&AppendEntries{Epoch: 2, Prev: 3, PrevEpoch: 1, Entries: entries(2, 3, 1)}, nil)
	settled := from(&Heartbeat{Epoch: 2, Settled: 5}, nil)
	back := from(&AppendEntries{Epoch: 3, Prev: 4, PrevEpoch: 1, Settled: 5, Entries: entries(1, 4, 3)}, nil)
	part := from(&AppendEntries{Epoch: 3, Prev: 3, PrevEpoch: 1, Settled: 5,
		Entries: append(entries(1, 3, 1), entries(3, 4, 1)...)}, nil)
	install := func(past ...Begun) process.Input {
		return from(&InstallState{Epoch: 2, Base: 9, BaseEpoch: 2, Past: past},
			&process.State{Index: 9, Epoch: 2, Group: g})
	}
	restart := process.Input{Kind: process.Start, State: &process.State{Index: 2, Epoch: 1, Group: g}}
	type inputs = []process.Input
	for name, c := range map[string]struct {
		in   inputs
		want []saying
	}{
		"what is replaced is not undone yet":   {inputs{other}, nil},
		"it is once something else is settled": {inputs{other, settled}, []saying{{5, 5, 5}}},
		"it is said once":                      {inputs{other, settled, settled}, []saying{{5, 5, 5}}},
		"and not again after a restart":        {inputs{other, settled, restart, settled}, []saying{{5, 5, 5}}},
		"a later primary brings it back":       {inputs{other, back}, nil},
		"a later primary brings back a part":   {inputs{earlier, part}, []saying{{5, 5, 5}}},
		"a restart remembers, and may forget":  {inputs{restart, other, settled}, []saying{{5, 7, 3}}},
		"a restart between the two":            {inputs{other, restart, settled}, []saying{{5, 5, 5}}},
		"a history that parts after entry 4":   {inputs{install(Begun{1, 1}, Begun{5, 2})}, []saying{{5, 5, 5}}},
		"a history that parts after entry 5":   {inputs{install(Begun{1, 1}, Begun{6, 2})}, nil},
		"a history that goes on from all":      {inputs{install(Begun{1, 1}, Begun{8, 2})}, nil},
		"a restart, another history": {inputs{restart, install(Begun{1, 1}, Begun{7, 2})},
			[]saying{{7, 7, 3}}},
		"a history whose beginning is not known": {inputs{install(Begun{8, 2})}, []saying{{4, 5, 5}}},
	} {
		var records []process.Msg
		r, out := open(process.Config{Self: 2}, asynchronous), &process.Output{}
		step := func(in process.Input) {
			n := len(out.Effects)
			r.Step(in, out)
			for _, e := range out.Effects[n:] {
				switch e.Kind {
				case process.Save:
					records = append(records, e.Msg)
				case process.Checkpoint:
					records = []process.Msg{e.Msg}
				}
			}
		}
		step(process.Input{Kind: process.Start, State: &process.State{Group: g}})
		for _, m := range []process.Msg{
			&AppendEntries{Epoch: 1, Entries: entries(1, 0, 4)},
			&Heartbeat{Epoch: 1, Commit: 3, Settled: 3},
			&AppendEntries{Epoch: 1, Prev: 4, PrevEpoch: 1, Entries: entries(1, 4, 3)},
			&Heartbeat{Epoch: 1, Commit: 5, Settled: 3},
		} {
			step(from(m, nil))
		}
		for _, in := range c.in {
			if in.Kind == process.Start {
				r = open(process.Config{Self: 2}, asynchronous)
				for _, m := range records {
					r.Step(process.Input{Kind: process.Recover, Msg: m}, &process.Output{})
				}
			}
			step(in)
		}
		if got := said(out); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: it says %v, want %v", name, got, c.want)
		}
	}
}
