package format

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"althing/history"
	"althing/history/txn"
)

func transactions(text string, f Format) ([]txn.Txn, error) {
	c := txn.Collector{Model: txn.RWRegister}
	err := Read(strings.NewReader(text), f, c.Add)
	return c.Txns(), err
}

// sessions is the same history of transactions in each format that has some.
var sessions = map[Format]string{
	Plume: `
w(x,1,0,10)
w(y,1,0,10)
r(x, 1, 1, 20)
w(x,9,1,-1)
r(x,9,1,-1)
r(y,1,0,11)
r(y,0,1,21)
`,
	AWDIT: `w x 1
w y 1
-----
r y 1
====
r x 1
---
=====
`,
	ITF: `{"#meta": {"format": "ITF", "states": [[1]]}, "vars": ["history", "net"], "states": [
 {"#meta": {"index": 0}, "history": [], "net": {"#set": [{"#tup": [1, 2]}]}},
 {"history": [
  {"process": {"#bigint": "0"}, "type": "invoke", "f": "txn",
   "value": [{"#tup": ["w", "x", {"#bigint": "1"}]}, ["w", "y", 1]]},
  {"process": 0, "type": "ok", "f": "txn", "value": [["w", "x", 1], ["w", "y", 1]]},
  {"process": 1, "type": "invoke", "f": "txn", "value": {"#tup": [["r", "x", ""]]}},
  {"process": {"#bigint": "1"}, "type": "ok", "f": "txn", "value": [["r", "x", {"#bigint": "1"}]]},
  {"process": 0, "type": "invoke", "f": "txn", "value": [["r", "y", ""]]},
  {"process": 0, "type": "ok", "f": "txn", "value": [["r", "y", "1"]]}]}]}`,
}

// TestTransactions: each format tells who did what in which order.
func TestTransactions(t *testing.T) {
	for f, text := range sessions {
		for _, as := range []Format{f, Auto} {
			txns, err := transactions(text, as)
			if err != nil {
				t.Fatalf("%s as %s: %v", f, as, err)
			}
			var told []string
			for i := range txns {
				told = append(told, txns[i].String())
			}
			slices.SortStableFunc(told, func(a, b string) int { return strings.Compare(a[:9], b[:9]) })
			want := []string{`process 0: write x "1" write y "1"`, `process 0: read y "1"`, `process 1: read x "1"`}
			if f == Plume {
				want = []string{want[0], want[1], `process 1: write x "9" (aborted)`, want[2], `process 1: read y ""`}
			}
			if !slices.Equal(told, want) {
				t.Errorf("%s as %s: %q, want %q", f, as, told, want)
			}
		}
	}
}

// TestTimeless: what tells no times is not judged by times.
func TestTimeless(t *testing.T) {
	const text = "w x 1\n===\nr x 1\n---\nr x 1\n"
	txns, err := transactions(text, Auto)
	if err != nil {
		t.Fatal(err)
	}
	for l, want := range map[txn.Level]history.Verdict{txn.Causal: history.OK, txn.Serializable: history.OK,
		txn.StrictSerializable: history.Unknown} {
		if r := txn.Check(txns, txn.RWRegister, l, 0); r.Verdict != want {
			t.Errorf("%s: %v %s", l, r.Verdict, r.Reason)
		}
	}
}

// TestModels: a run of a model is a history of anything, with times if it keeps
// some.
func TestModels(t *testing.T) {
	const text = `{"vars": ["history"], "states": [{"history": [
{"process": 0, "type": "invoke", "f": "cas", "value": {"#tup": [{"#bigint": "1"}, 2]}, "time": {"#bigint": "5"}},
{"process": 0, "type": "ok", "f": "cas", "value": false, "time": 6}, {"process": "net", "f": "cut", "time": 7}]}]}`
	c := history.Collector{Model: history.CASReg}
	if err := Read(strings.NewReader(text), Auto, c.Add); err != nil {
		t.Fatal(err)
	}
	want := history.Op{Kind: history.CAS, Old: "1", Arg: "2", Result: "0", Call: 5, Return: 6}
	if ops := c.Ops(); len(ops) != 1 || ops[0] != want || len(c.Marks()) != 1 {
		t.Errorf("%+v %v", ops, c.Marks())
	}
}

// TestTransactionErrors: what is wrong is told with its line.
func TestTransactionErrors(t *testing.T) {
	const states = `{"states": [` + "\n"
	for _, c := range [][2]string{
		{"w(1,2,0,1)\nr(1,2,0)", "line 2: \"r(1,2,0)\": expected r or w(key,value,session,transaction)"},
		{"w(1,2,0,1)\nx(1,2,0,1)", "line 2: \"x(1,2,0,1)\": expected"},
		{"w(1,2,0,1)\n\nw(1,,0,1)", "line 3: \"w(1,,0,1)\": a part is missing"},
		{"w(1,2,-1,1)", `line 1: session "-1": expected 0 to`},
		{"w(1,2,0,-2)", `line 1: transaction "-2"`},
		{"w(1,0,0,1)", "line 1: 0 is written"},
		{"w(1,2,0,1)\nw(1,3,0,2)\nw(1,4,0,1)", "line 3: transaction 1 goes on after the next of session 0 began"},
		{"w(1,2,0,1)\n\x00", "line 2: a text with NUL"},
		{"w x 1\nr x", `line 2: "r x": expected r or w`},
		{"w x 1\nq x 1", `line 2: "q x 1": expected r or w`},
		{"w x 1\n" + strings.Repeat("x", maxLine+1), "line 2: "},
		{`{"vars": []}`, "line 1: a trace without states"},
		{states + `{"x": 1}]}`, `line 2: state 0 has no variable "history"`},
		{states + `{"history": 1}]}`, "line 2: state 0: history is no sequence"},
		{states + `{"history": [1]}]}`, "line 2: '1' where an event should begin"},
		{states + `7]}`, "line 2: '7' where state 0 should begin"},
		{states + `{"history": [{"type": "ok"}]}]}`, "line 2: an event without a process"},
		{states + `{"history": []}`, "line 2: the file ends within an event"},
		{states + `{"history": []}]} 3`, "line 2: '3' after the end of the trace"},
		{`{"states": 3}`, "line 1: '3' where the list of states should begin"},
	} {
		_, err := transactions(c[0], Auto)
		if err == nil || !strings.Contains(err.Error(), c[1]) {
			t.Errorf("%.60q: %v, want %q", c[0], err, c[1])
		}
	}
	_, err := collect(t, "w x 1\n", Auto, history.Register)
	if want := `line 1: a register has no operation "txn"`; err == nil || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// FuzzTransactions: no input breaks the readers, and what they take can be
// judged.
func FuzzTransactions(f *testing.F) {
	for _, text := range sessions {
		f.Add([]byte(text))
	}
	f.Add([]byte("r(1,2,3,4)\nw(1,2,99999999999,4)"))
	f.Add([]byte(`{"states":[{"history":[{"process":{"#bigint":"9"},"value":{"#map":[]}}]}],"states":[]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, as := range Formats {
			txns, err := transactions(string(text), as)
			if err != nil || len(txns) > 50 {
				continue
			}
			for _, l := range []txn.Level{txn.MonotonicView, txn.ReadAtomic, txn.Causal} {
				if err := txn.Verify(txns, txn.RWRegister, l, txn.Check(txns, txn.RWRegister, l, 0)); err != nil {
					t.Fatalf("%s: %s: %v: %v", as, l, err, fmt.Sprint(txns))
				}
			}
		}
	})
}
