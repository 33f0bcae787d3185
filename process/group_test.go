package process

import (
	"bytes"
	"slices"
	"testing"
)

func TestGroupValid(t *testing.T) {
	for _, c := range []struct {
		name  string
		group Group
		valid bool
	}{
		{"three voters", Group{Voters: []ID{1, 2, 3}}, true},
		{"a learner", Group{Voters: []ID{1}, Learners: []ID{2}}, true},
		{"joint", Group{Voters: []ID{1, 2}, Outgoing: []ID{2, 3}}, true},
		{"an outgoing voter to learn", Group{Voters: []ID{1}, Outgoing: []ID{2}, Learners: []ID{2}}, true},
		{"nobody", Group{}, false},
		{"learners alone", Group{Learners: []ID{1}}, false},
		{"nobody's ID", Group{Voters: []ID{0, 1}}, false},
		{"not ascending", Group{Voters: []ID{2, 1}}, false},
		{"twice", Group{Voters: []ID{1, 1}}, false},
		{"a voter that learns", Group{Voters: []ID{1, 2}, Learners: []ID{2}}, false},
	} {
		if got := c.group.Valid(); got != c.valid {
			t.Errorf("%s: valid is %v", c.name, got)
		}
	}
}

func TestGroupMembers(t *testing.T) {
	g := Group{Voters: []ID{1, 4}, Outgoing: []ID{2, 4}, Learners: []ID{2, 3}}
	if got := g.Members(); !slices.Equal(got, []ID{1, 2, 3, 4}) {
		t.Errorf("members are %v", got)
	}
	if !g.Votes(2) || g.Votes(3) || !g.Has(3) || g.Has(5) || !g.Joint() {
		t.Errorf("%+v: who votes, who takes part", g)
	}
	c := g.Clone()
	c.Voters[0] = 9
	if g.Voters[0] != 1 || g.Equal(&c) {
		t.Error("a clone shares its lists")
	}
}

func FuzzCutGroup(f *testing.F) {
	f.Add(append(AppendGroup(nil, Group{Voters: []ID{1, 300}, Learners: []ID{7}}), "rest"...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f})
	f.Fuzz(func(t *testing.T, b []byte) {
		g, rest, err := CutGroup(b)
		if err != nil {
			return
		}
		again, left, err := CutGroup(append(AppendGroup(nil, g), rest...))
		if err != nil || !g.Equal(&again) || !bytes.Equal(rest, left) {
			t.Fatalf("%+v became %+v, %v", g, again, err)
		}
	})
}

func TestOutputReuse(t *testing.T) {
	var o Output
	o.Refuse([]Request{{Seq: 1}}, Busy, 3)
	o.Commit(nil)
	o.Serve(nil, 4)
	if len(o.Effects) != 1 {
		t.Fatalf("nothing to commit or serve is an effect: %+v", o.Effects)
	}
	o.Reset()
	o.LoadState()
	if e := o.Effects[0]; e.Kind != LoadState || e.Why != 0 || e.To != 0 || e.Reqs != nil {
		t.Fatalf("an effect has something of an earlier one: %+v", e)
	}
}
