package txn

import "testing"

// TestFalseForced: cycles that prove nothing are refused.
func TestFalseForced(t *testing.T) {
	txns := inSessions(RWRegister, "x+1 y+1 | x+2 y+2 / z+1 | x:2 y:1 | z:1 x:1 | x:1 y: | y: x:1")
	co := func(from, to int32, before, after string, via ...int32) Edge {
		e := edge(from, to, CO, "x", before, after)
		e.Via = via
		return e
	}
	for _, c := range []struct {
		level Level
		ok    bool
		cycle []Edge
	}{
		{Causal, true, []Edge{edge(0, 5, WR, "x", "", "1"), edge(5, 0, RW, "y", "", "1")}},
		{MonotonicView, true, []Edge{edge(0, 5, WR, "x", "", "1"), edge(5, 0, RW, "y", "", "1")}},
		{ReadAtomic, true, []Edge{edge(0, 6, WR, "x", "", "1"), edge(6, 0, RW, "y", "", "1")}},
		{MonotonicView, false, []Edge{edge(0, 6, WR, "x", "", "1"), edge(6, 0, RW, "y", "", "1")}},
		{Causal, false, []Edge{edge(0, 5, WR, "x", "", "1"), edge(5, 0, RW, "x", "", "1")}},
		{Causal, false, []Edge{edge(0, 5, WR, "x", "", "1")}},
		{Causal, false, []Edge{edge(0, 5, SO, "", "", ""), edge(5, 0, RW, "y", "", "1")}},
		{Causal, false, nil},
		{Causal, false, []Edge{edge(0, 1, WW, "x", "1", "2"), edge(1, 0, WW, "x", "2", "1")}},
		{Causal, true, []Edge{co(1, 0, "2", "1", 2, 4), co(0, 1, "1", "2", 3)}},
		{ReadAtomic, false, []Edge{co(1, 0, "2", "1", 2, 4), co(0, 1, "1", "2", 3)}},
		{Causal, false, []Edge{co(1, 0, "2", "1", 2, 4), co(0, 1, "1", "2", 2, 3)}},
		{ReadAtomic, false, []Edge{co(1, 0, "2", "1", 4), co(0, 1, "1", "2", 3)}},
		{Causal, false, []Edge{edge(0, 5, RT, "", "", ""), edge(5, 0, RT, "", "", "")}},
	} {
		if err := VerifyForced(txns, RWRegister, c.level, c.cycle); (err == nil) != c.ok {
			t.Errorf("%s: %v: %v", c.level, c.cycle, err)
		}
	}
}

// TestFalseOrders: orders that prove nothing are refused.
func TestFalseOrders(t *testing.T) {
	for _, c := range []struct {
		level Level
		text  string
		order []int32
	}{
		{ReadAtomic, "x+1 / x:", []int32{0, 1}},
		{Causal, "x+1 / x:", []int32{0, 1}},
		{Causal, "x+1 / y+1 | y:1 x:", []int32{0, 1, 2}},
		{Causal, "x+1 | x:1 y+1 | y:1 x:", []int32{0, 1, 2}},
		{Causal, "x+1 ? / x:1 / x:", []int32{0, 1, 2}},
		{MonotonicView, "x+1 / y+1", []int32{1, 0}},
		{MonotonicView, "y+1 / x+1 ? | x:1", []int32{1, 2, 0}},
		{MonotonicView, "x+1 | x:1", []int32{1, 0}},
		{MonotonicView, "x+1 | x:1", []int32{0}},
		{MonotonicView, "x+1 | x:1", []int32{0, 1, 1}},
		{MonotonicView, "x+1 | x+2 | x:1 x:2", []int32{1, 0, 2}},
		{ReadAtomic, "x+1 | x+2 | x:1 x:2", []int32{0, 1, 2}},
		{MonotonicView, "x+1 x:2", []int32{0}},
		{MonotonicView, "x:7", []int32{0}},
		{MonotonicView, "x+1 x+2 | x:1", []int32{0, 1}},
	} {
		if VerifyOrder(inSessions(RWRegister, c.text), RWRegister, c.level, c.order) == nil {
			t.Errorf("%s %s: %v is taken", c.level, c.text, c.order)
		}
	}
	for _, c := range []struct {
		text  string
		order []int32
	}{
		{"x+1 | x+2 | x:2,1", []int32{0, 1, 2}}, {"x+1 x+2 | x:1", []int32{0, 1}}, {"x+1 x:", []int32{0}},
		{"x+1 | x:1", []int32{1, 0}}, {"x+1 y+1 | x:1 y:", []int32{0, 1}},
	} {
		if VerifyOrder(inSessions(ListAppend, c.text), ListAppend, MonotonicView, c.order) == nil {
			t.Errorf("%s: %v is taken", c.text, c.order)
		}
	}
}

// TestFalseAnomalies: what does not show an anomaly is refused.
func TestFalseAnomalies(t *testing.T) {
	for _, c := range []struct {
		model   Model
		text    string
		anomaly string
		core    []int32
		shows   bool
	}{
		{RWRegister, "x+1 ! | x:1", "G1a", []int32{0, 1}, true},
		{RWRegister, "x+1 | x:1", "G1a", []int32{0, 1}, false},
		{RWRegister, "x+1 x+2 | x:1", "G1b", []int32{0, 1}, true},
		{RWRegister, "x+1 x+2 | x:2", "G1b", []int32{0, 1}, false},
		{RWRegister, "x+1 x:1 x+2", "G1b", []int32{0, 0}, false},
		{ListAppend, "x+1 x+2 | x+3 | x:1,2,3", "G1b", []int32{0, 2}, false},
		{ListAppend, "x+1 x+2 | x+3 | x:1,2,3", "torn-write", []int32{0, 2}, false},
		{ListAppend, "x+1 x+2 | x+3 | x:2,1,3", "torn-write", []int32{0, 2}, true},
		{RWRegister, "x+1 | x:1", "garbage", []int32{1}, false},
		{RWRegister, "x+1 x:1", "internal", []int32{0}, false},
		{RWRegister, "x: x+1 x:1", "fuzzy-read", []int32{0}, false},
		{RWRegister, "x+1 | x: x:1", "fuzzy-read", []int32{1}, true},
		{ListAppend, "x+1 | x+2 | x:1 | x:1,2", "incompatible-order", []int32{2, 3}, false},
		{ListAppend, "x+1 | x+2 | x:1 | x:2", "incompatible-order", []int32{2, 3}, true},
		{ListAppend, "x+1 | x:1", "duplicate", []int32{1}, false},
		{RWRegister, "x: x+1 | x:1 x+2", "lost-update", []int32{0, 1}, false},
		{RWRegister, "x: x+1 | x: x+2", "lost-update", []int32{0, 1}, true},
		{RWRegister, "x: x+1 | x: x+2", "lost-update", []int32{0, 0}, false},
		{RWRegister, "x: x+1 | x: x+2", "mystery", []int32{0}, false},
		{RWRegister, "x: x+1 | x: x+2", "internal", nil, false},
	} {
		err := VerifyAnomaly(inSessions(c.model, c.text), c.model, c.anomaly, c.core)
		if (err == nil) != c.shows {
			t.Errorf("%s %s: %s: %v", c.model, c.text, c.anomaly, err)
		}
	}
}
