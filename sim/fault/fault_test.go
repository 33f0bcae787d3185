package fault

import "testing"

// TestNames: a set comes back from what it prints, and nothing else is one.
func TestNames(t *testing.T) {
	for _, f := range []Set{None, All, Loss | Crash, Ops, Transfer} {
		if g, err := Parse(f.String()); err != nil || g != f {
			t.Errorf("%v came back as %v, %v", f, g, err)
		}
	}
	for i, name := range Names {
		if f, err := Parse(name); err != nil || f.Number() != i || !All.Has(f) || None.Has(f) {
			t.Errorf("%q is %v, %v", name, f, err)
		}
	}
	if _, err := Parse("loss,fire"); err == nil {
		t.Error("there is no fire")
	}
}
