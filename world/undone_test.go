package world

import (
	"testing"

	"althing/process"
)

// undone says that an entry is undone, up to index sure certainly.
func undone(sure uint64, epoch, index uint64, cmd string) process.Effect {
	e := at(epoch, index, cmd)
	e.Kind, e.Index = process.Undone, sure
	return e
}

// TestWhatIsSaidToBeUndone: what a replica says must have been committed, as far as
// it is sure, and asked for; and in the end all is said, and nothing else.
func TestWhatIsSaidToBeUndone(t *testing.T) {
	for name, c := range map[string]struct {
		keeps  bool // the protocol loses nothing
		says   []process.Effect
		while  string // what saying it violates
		unsaid bool
	}{
		"nothing":            {unsaid: true},
		"what is undone":     {says: []process.Effect{undone(2, 1, 2, "y")}},
		"perhaps":            {says: []process.Effect{undone(0, 1, 2, "y")}},
		"what is not undone": {says: []process.Effect{undone(2, 1, 2, "y"), undone(1, 1, 1, "x")}, unsaid: true},
		"another request":    {says: []process.Effect{undone(2, 1, 2, "x")}, while: "Undone"},
		"never committed":    {says: []process.Effect{undone(3, 1, 3, "x")}, while: "Undone"},
		"not sure of it":     {says: []process.Effect{undone(2, 1, 2, "y"), undone(2, 1, 3, "x")}},
		"asked by nobody":    {says: []process.Effect{undone(0, 1, 3, "z")}, while: "Validity"},
		"without losing":     {keeps: true, says: []process.Effect{undone(2, 1, 2, "y")}, while: "Contract"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			b.check.loses = true
			b.submitted("x", "y")
			b.must(b.tell(1, at(1, 1, "x"), at(1, 2, "y")))
			b.must(b.tell(2, at(1, 1, "x"), at(2, 2, "x")))
			b.check.loses = !c.keeps
			for _, e := range c.says {
				if err := b.tell(1, e); c.while != "" {
					b.violates(c.while, err)
				} else {
					b.must(err)
				}
			}
			if got := b.Unsaid() != nil; c.while == "" && got != c.unsaid {
				t.Errorf("something is not as it was said: %v", got)
			}
		})
	}
}
