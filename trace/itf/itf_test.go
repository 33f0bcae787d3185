package itf_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"althing/protocol/raft"
	"althing/sim"
	"althing/trace"
	"althing/trace/itf"
)

// write exports a trace and reads it as the format has it.
func write(t *testing.T, file []byte) (states []map[string]any) {
	t.Helper()
	r, err := trace.NewReader(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := itf.Write(&out, r); err != nil {
		t.Fatal(err)
	}
	var all struct {
		Meta   map[string]string `json:"#meta"`
		Params []string
		Vars   []string
		States []map[string]any
	}
	if err := json.Unmarshal(out.Bytes(), &all); err != nil || all.Meta["format"] != "ITF" || all.Params == nil {
		t.Fatalf("%v: %+v", err, all.Meta)
	}
	for i, s := range all.States {
		if s["#meta"].(map[string]any)["index"] != float64(i) || len(s) != len(all.Vars)+1 {
			t.Fatalf("state %d: %v", i, s)
		}
		for _, name := range all.Vars {
			wellFormed(t, s[name])
		}
	}
	return all.States
}

// wellFormed checks a value against the format: a number is a big integer, an object
// with # is of one of its kinds.
func wellFormed(t *testing.T, v any) {
	t.Helper()
	switch v := v.(type) {
	case string, bool:
	case []any:
		for _, x := range v {
			wellFormed(t, x)
		}
	case map[string]any:
		for key, x := range v {
			if special := strings.HasPrefix(key, "#"); special && (len(v) != 1 ||
				!slices.Contains([]string{"#bigint", "#tup", "#set", "#map"}, key)) {
				t.Fatalf("no value: %v", v)
			}
			if pairs, ok := x.([]any); key == "#map" && ok {
				for _, p := range pairs {
					if pair, ok := p.([]any); !ok || len(pair) != 2 {
						t.Fatalf("no pair: %v", p)
					}
				}
			}
			wellFormed(t, x)
		}
	default:
		t.Fatalf("no value: %T %v", v, v)
	}
}

func TestARunIsStates(t *testing.T) {
	for seed := range uint64(3) {
		var file bytes.Buffer
		r, err := sim.Run(raft.Protocol, sim.Options{Seed: seed, Faults: sim.All, Duration: time.Second, Trace: &file})
		if err != nil {
			t.Fatal(err)
		}
		if states := write(t, file.Bytes()); uint64(len(states)) != r.Events {
			t.Errorf("%d states of %d events", len(states), r.Events)
		}
	}
}

// What the variables are after each event, by hand.
func TestVariables(t *testing.T) {
	const effects = `[{"kind":"SendNow","to":2,"msg":"A"},{"kind":"Send","to":2,"msg":"B","held":true}]`
	states := write(t, []byte(`{"althing":2,"protocol":"toy","seed":1}
{"t":0,"seq":1,"kind":"start","node":1,"role":"leader","epoch":3,"effects":`+effects+`}
{"t":5,"seq":2,"kind":"duplicate","from":1,"to":2,"msg":"A","sent":1}
{"t":6,"seq":3,"kind":"deliver","node":2,"from":1,"msg":"A","sent":1,"role":"follower"}
{"t":7,"seq":4,"kind":"crash","node":1}
`))
	for i, want := range []string{
		`{"#map":[[{"#tup":[{"#bigint":"1"},{"#bigint":"1"},{"#bigint":"2"},"A",""]},{"#bigint":"1"}]]}`,
		`{"#map":[[{"#tup":[{"#bigint":"1"},{"#bigint":"1"},{"#bigint":"2"},"A",""]},{"#bigint":"2"}]]}`,
		`{"#map":[[{"#tup":[{"#bigint":"1"},{"#bigint":"1"},{"#bigint":"2"},"A",""]},{"#bigint":"1"}]]}`,
		`{"#map":[[{"#tup":[{"#bigint":"1"},{"#bigint":"1"},{"#bigint":"2"},"A",""]},{"#bigint":"1"}]]}`,
	} {
		if got, _ := json.Marshal(states[i]["flying"]); string(got) != want {
			t.Errorf("state %d: %s, want %s", i, got, want)
		}
	}
	up, _ := json.Marshal(states[3]["up"])
	role, _ := json.Marshal(states[2]["role"])
	if string(up) != `{"#set":[{"#bigint":"2"}]}` ||
		string(role) != `{"#map":[[{"#bigint":"1"},"leader"],[{"#bigint":"2"},"follower"]]}` {
		t.Errorf("up %s, roles %s", up, role)
	}
}

func TestTooLong(t *testing.T) {
	var file bytes.Buffer
	w := trace.NewWriter(&file, trace.Header{Protocol: "toy"})
	for i := range itf.MaxStates + 1 {
		w.Write(&trace.Event{Seq: uint64(i + 1), Kind: "heal"})
	}
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	r, err := trace.NewReader(&file)
	if err != nil {
		t.Fatal(err)
	}
	if err := itf.Write(new(bytes.Buffer), r); !errors.Is(err, itf.ErrLong) {
		t.Error(err)
	}
}
