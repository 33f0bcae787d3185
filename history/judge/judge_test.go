package judge_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"althing/history"
	"althing/history/format"
	"althing/history/judge"
)

func Example() {
	j := judge.New("register")
	err := format.Read(strings.NewReader(`
		{"process": 0, "type": "invoke", "f": "write", "value": 1}
		{"process": 0, "type": "ok", "f": "write", "value": 1}
		{"process": 1, "type": "invoke", "f": "read"}
		{"process": 1, "type": "ok", "f": "read", "value": 2}`), format.Auto, j.Add)
	if err != nil {
		fmt.Println(err)
		return
	}
	v := j.Judge(judge.Linearizable, time.Minute)
	fmt.Println(v.Verdict, "by", v.How)
	fmt.Println(strings.Join(v.Reasons, "\n"))
	// Output:
	// illegal by 2 operations, by zones
	// key "": no order explains this operation, whatever the others did:
	//   client 1: get  from 3ns to 4ns: "2"
}

// TestAll has every model judged by every promise: a history of nothing keeps
// it, and what is told of it can be drawn.
func TestAll(t *testing.T) {
	for _, m := range judge.Models() {
		if len(judge.Promises(m)) == 0 {
			t.Errorf("%s can be held to nothing", m)
		}
		for _, p := range judge.Promises(m) {
			v := judge.New(m).Judge(p, time.Minute)
			if v.Verdict != history.OK && p != "convergence" { // of which nobody can tell
				t.Errorf("%s, %s: %v %v", m, p, v.Verdict, v.Reasons)
			}
			var b bytes.Buffer
			if err := v.Page().Write(&b); err != nil || b.Len() == 0 {
				t.Errorf("%s, %s: the page: %v", m, p, err)
			}
		}
	}
	if judge.Promises("mystery") != nil {
		t.Error("an unknown model has promises")
	}
}

// TestTransactions: the transactions of a cycle stand out on the page, and
// their certificate is verified.
func TestTransactions(t *testing.T) {
	j := judge.New("list-append")
	err := format.Read(strings.NewReader(`
		{"process": 0, "type": "invoke", "f": "txn", "value": [["append", "x", 1], ["r", "y", null]]}
		{"process": 1, "type": "invoke", "f": "txn", "value": [["append", "y", 1], ["r", "x", null]]}
		{"process": 0, "type": "ok", "f": "txn", "value": [["append", "x", 1], ["r", "y", []]]}
		{"process": 1, "type": "ok", "f": "txn", "value": [["append", "y", 1], ["r", "x", []]]}
		{"process": 0, "type": "invoke", "f": "txn", "value": [["r", "x", null], ["r", "y", null]]}
		{"process": 0, "type": "ok", "f": "txn", "value": [["r", "x", [1]], ["r", "y", [1]]]}`), format.JSON, j.Add)
	if err != nil {
		t.Fatal(err)
	}
	v := j.Judge("serializable", time.Minute)
	var b bytes.Buffer
	if err := errors.Join(v.Proof, v.Page().Write(&b)); err != nil || v.Verdict != history.Illegal {
		t.Fatalf("%v, %v: %v", v.Verdict, err, v.Reasons)
	}
	if n := strings.Count(b.String(), ` core"`); n != 2 {
		t.Errorf("%d transactions stand out, want 2", n)
	}
}
