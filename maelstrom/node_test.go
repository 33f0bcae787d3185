package maelstrom_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"althing/maelstrom"
	"althing/process"
	"althing/protocol"
)

// said is the lines of a client to node n1 of a group of one, init first.
func said(bodies ...string) string {
	var b strings.Builder
	init := `{"type":"init","msg_id":0,"node_id":"n1","node_ids":["n1"]}`
	for i, text := range append([]string{init}, bodies...) {
		if i > 0 {
			text = fmt.Sprintf(`{"msg_id":%d,%s`, i, text[1:])
		}
		fmt.Fprintf(&b, `{"src":"c1","dest":"n1","body":%s}`+"\n", text)
	}
	return b.String()
}

func options(t testing.TB, workload, name string) maelstrom.Options {
	t.Helper()
	o := maelstrom.Options{Workload: workload}
	if name != "" {
		p, ok := protocol.Find(name)
		if !ok {
			t.Fatalf("no protocol %s", name)
		}
		o.Protocol = p
		o.Config.Election = process.Span{Min: time.Millisecond, Max: 2 * time.Millisecond}
	}
	return o
}

// A dialogue is a node that is asked one thing after the other.
type dialogue struct {
	t    testing.TB
	in   *io.PipeWriter
	out  *json.Decoder
	done chan error
}

// alone is the init of a group of one.
const alone = `{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}`

func talk(t testing.TB, o maelstrom.Options, init string) *dialogue {
	inRead, in := io.Pipe()
	out, outWrite := io.Pipe()
	d := &dialogue{t: t, in: in, out: json.NewDecoder(out), done: make(chan error, 1)}
	go func() {
		err := maelstrom.Run(o, inRead, outWrite)
		outWrite.CloseWithError(io.EOF)
		d.done <- err
	}()
	t.Cleanup(func() {
		in.Close()
		if err := <-d.done; err != nil {
			t.Error(err)
		}
	})
	d.ask(init)
	return d
}

// hears tells the node what another one says.
func (d *dialogue) hears(from, body string) {
	fmt.Fprintf(d.in, `{"src":%q,"dest":"n1","body":%s}`+"\n", from, body)
}

func (d *dialogue) ask(body string) string {
	d.hears("c1", body)
	return d.answer()
}

// answer returns the next that client c1 is told.
func (d *dialogue) answer() string {
	for {
		var m struct {
			Dest string
			Body json.RawMessage
		}
		if err := d.out.Decode(&m); err != nil {
			d.t.Fatalf("no answer: %v", err)
		}
		if m.Dest == "c1" {
			return string(m.Body)
		}
	}
}

// TestAnswers: each workload's requests, and what is wrong with some.
func TestAnswers(t *testing.T) {
	type line struct{ ask, want string } // of want, each word between spaces is in the answer
	for _, c := range []struct {
		workload, protocol string
		lines              []line
	}{
		{"lin-kv", "raft", []line{
			{`{"type":"read","msg_id":2,"key":1}`, `"in_reply_to":2 "code":20`},
			{`{"type":"cas","msg_id":3,"key":1,"from":1,"to":2}`, `"code":20`},
			{`{"type":"write","msg_id":4,"key":{"a":1,"b":[2]},"value":{"x": 1}}`, `"write_ok" "in_reply_to":4`},
			{`{"type":"read","msg_id":5,"key":{"b": [2],"a":1}}`, `"read_ok" "value":{"x":1}`},
			{`{"type":"cas","msg_id":6,"key":{"a":1,"b":[2]},"from":{"x":2},"to":3}`, `"code":22`},
			{`{"type":"cas","msg_id":7,"key":{"a":1,"b":[2]},"from":{"x":1},"to":null}`, `"cas_ok"`},
			{`{"type":"read","msg_id":8,"key":{"a":1,"b":[2]}}`, `"read_ok" "value":null`},
			{`{"type":"read","msg_id":9,"key":"1"}`, `"code":20`},
			{`{"type":"write","msg_id":10,"key":1}`, `"code":12`},
			{`{"type":"add","msg_id":11,"key":1}`, `"code":10 "in_reply_to":11`},
			{`{"type":"init","msg_id":12,"node_id":"n1","node_ids":["n1"]}`, `"code":14`},
			{`{"type":5,"msg_id":13}`, `"code":12 "in_reply_to":13`},
		}},
		{"lin-kv", "total", []line{
			{`{"type":"write","msg_id":2,"key":1,"value":9007199254740993}`, `"write_ok"`},
			{`{"type":"read","msg_id":3,"key":1}`, `"value":9007199254740993`},
			{`{"type":"cas","msg_id":4,"key":1,"from":9007199254740992,"to":1}`, `"code":22`},
		}},
		{"broadcast", "causal", []line{
			{`{"type":"topology","msg_id":2,"topology":{"n1":[]}}`, `"topology_ok"`},
			{`{"type":"read","msg_id":3}`, `"messages":[]`},
			{`{"type":"broadcast","msg_id":4,"message":7}`, `"broadcast_ok"`},
			{`{"type":"broadcast","msg_id":5,"message":7}`, `"broadcast_ok"`},
			{`{"type":"broadcast","msg_id":6}`, `"code":12`},
			{`{"type":"read","msg_id":7}`, `"messages":[7]`},
			{`{"type":"write","msg_id":8}`, `"code":10`},
		}},
		{"g-set", "", []line{
			{`{"type":"read","msg_id":2}`, `"value":[]`},
			{`{"type":"add","msg_id":3,"element":[1, "a"]}`, `"add_ok"`},
			{`{"type":"add","msg_id":4,"element":[1,"a"]}`, `"add_ok"`},
			{`{"type":"read","msg_id":5}`, `"value":[[1,"a"]]`},
			{`{"type":"add","msg_id":6}`, `"code":12`},
			{`{"type":"remove","msg_id":7}`, `"code":10`},
		}},
		{"g-counter", "", []line{
			{`{"type":"read","msg_id":2}`, `"value":0`},
			{`{"type":"add","msg_id":3,"delta":4}`, `"add_ok"`},
			{`{"type":"add","msg_id":4,"delta":-1}`, `"code":12`},
			{`{"type":"add","msg_id":5,"delta":9223372036854775807}`, `"code":14`},
			{`{"type":"add","msg_id":6,"delta":"x"}`, `"code":12`},
			{`{"type":"add","msg_id":7}`, `"code":12`},
			{`{"type":"read","msg_id":8}`, `"value":4`},
		}},
		{"pn-counter", "", []line{
			{`{"type":"add","msg_id":2,"delta":-4}`, `"add_ok"`},
			{`{"type":"add","msg_id":3,"delta":-9223372036854775808}`, `"code":14`},
			{`{"type":"add","msg_id":4}`, `"code":12`},
			{`{"type":"read","msg_id":5}`, `"value":-4`},
		}},
		{"echo", "", []line{
			{`{"type":"echo","msg_id":2,"echo":{"a":[null]}}`, `"echo_ok" "echo":{"a":[null]}`},
			{`{"type":"echo","msg_id":3}`, `"code":12`},
			{`{"type":"eco","msg_id":4}`, `"code":10`},
		}},
		{"unique-ids", "", []line{
			{`{"type":"generate","msg_id":2}`, `"generate_ok" "id":"n1-1"`},
			{`{"type":"generate","msg_id":3}`, `"id":"n1-2"`},
			{`{"type":"x","msg_id":4}`, `"code":10`},
		}},
	} {
		t.Run(c.workload+" "+c.protocol, func(t *testing.T) {
			d := talk(t, options(t, c.workload, c.protocol), alone)
			for _, l := range c.lines {
				got := d.ask(l.ask)
				for _, w := range strings.Fields(l.want) {
					if !strings.Contains(got, w) {
						t.Errorf("%s\nis answered with %s\nwithout %s", l.ask, got, w)
					}
				}
			}
		})
	}
}

// TestInit: a node that was not told who it is does nothing, and says so.
func TestInit(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{`{"type":"echo","msg_id":1,"echo":1}`, `"code":11`},
		{`{"type":"init","msg_id":1,"node_id":"n9","node_ids":["n1"]}`, `"code":12`},
		{`{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n1"]}`, `"code":12`},
		{`{"type":"init","msg_id":1,"node_id":"n1"}`, `"code":12`},
		{`{"type":"init","msg_id":1,"node_id":1}`, `"code":12`},
		{`{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}`, `"init_ok"`},
	} {
		var out bytes.Buffer
		in := strings.NewReader(`{"src":"c1","dest":"n1","body":` + c.body + `}`)
		if err := maelstrom.Run(options(t, "echo", ""), in, &out); err != nil {
			t.Errorf("%s: %v", c.body, err)
		}
		if got := out.String(); !strings.Contains(got, c.want) || strings.Count(got, "\n") != 1 {
			t.Errorf("%s is answered with %s, without %s", c.body, got, c.want)
		}
	}
}

// TestBadLines: what is no message ends the node, which says where it was.
func TestBadLines(t *testing.T) {
	for _, c := range []struct{ line, want string }{
		{`{`, "line 2: decode message"},
		{``, "line 2: decode message"},
		{`[]`, "line 2: decode message"},
		{`{"body":{"type":"echo"}}`, "line 2: decode message: it has no src"},
		{`{"src":"c1","body":{}}`, "line 2: decode message: it has no src, or no type"},
		{strings.Repeat("x", 17<<20), "read line 2"},
	} {
		var out bytes.Buffer
		err := maelstrom.Run(options(t, "echo", ""), strings.NewReader(said()+c.line+"\n"), &out)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q: %v, want %s", c.line, err, c.want)
		}
		if !strings.Contains(out.String(), "init_ok") {
			t.Errorf("%.40q: what was answered before is lost", c.line)
		}
	}
	err := maelstrom.Run(maelstrom.Options{Workload: "kafka"}, nil, nil)
	if !errors.Is(err, maelstrom.ErrWorkload) {
		t.Errorf("an unknown workload: %v", err)
	}
}

// TestBinaryBadLine: the command ends with 1 and says why where people look.
func TestBinaryBadLine(t *testing.T) {
	b := start(t, 0, 0)
	code, stderr := b.once("not JSON\n")
	if code != 1 || !strings.Contains(stderr, "line 1: decode message") {
		t.Errorf("it ends with %d and says %q", code, stderr)
	}
}

// TestLoneNode: cut off from a quorum, a request ends with an error that is
// definite only if nobody can have it, and not with silence.
func TestLoneNode(t *testing.T) {
	t.Parallel()
	b := start(t, 3, 1) // all is lost
	r := b.call("n1", fields{"type": "write", "key": 1, "value": 1}, patience)
	if r["code"] != 11.0 {
		t.Errorf("refused by all, it is answered with %v", r)
	}
	b.lose(0)
	b.until("n1", fields{"type": "write", "key": 1, "value": 1},
		func(r fields) bool { return r["type"] == "write_ok" })
}

// TestUnsureNode: a request that was forwarded, and never heard of again, may
// have been done. To say that it was not would make a liar of the history.
func TestUnsureNode(t *testing.T) {
	t.Parallel()
	b := start(t, 3, 0)
	write := fields{"type": "write", "key": 1, "value": 1}
	for i := range 3 {
		b.until(name(i), write, func(r fields) bool { return r["type"] == "write_ok" })
	}
	b.lack("althing_request")
	answers := make(chan fields)
	for i := range 3 {
		go func() { answers <- b.call(name(i), write, patience) }()
	}
	unsure := 0
	for range 3 {
		switch r := <-answers; {
		case r["code"] == 0.0:
			unsure++
		case r["type"] != "write_ok":
			t.Errorf("forwarded into nowhere, a write is answered with %v", r)
		}
	}
	if unsure == 0 {
		t.Error("no node had to forward its write")
	}
}

// TestOnce: a request of another node that comes again, as after a retry, takes
// effect once, though it is in the log twice; and only in that node's own name.
func TestOnce(t *testing.T) {
	d := talk(t, options(t, "lin-kv", "causal"), // which commits what it is given, and asks nobody
		`{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}`)
	cmd := base64.StdEncoding.EncodeToString([]byte(`{"type":"write","key":1,"value":"other"}`))
	other := fmt.Sprintf(`{"type":"althing_request","number":1,"data":%q}`, cmd)
	read := func(id int, want string) {
		t.Helper()
		if got := d.ask(fmt.Sprintf(`{"type":"read","msg_id":%d,"key":1}`, id)); !strings.Contains(got, want) {
			t.Errorf("the value is %s, not %s", got, want)
		}
	}
	d.hears("n2", other)
	read(2, `"other"`)
	d.ask(`{"type":"write","msg_id":3,"key":1,"value":"own"}`)
	d.hears("n2", other)
	d.hears("n9", other)
	read(5, `"own"`)
}

type failing struct{}

var errPipe = errors.New("pipe is gone")

func (failing) Write([]byte) (int, error) { return 0, errPipe }

// TestGone: nobody listens, so there is no reason to live.
func TestGone(t *testing.T) {
	if err := maelstrom.Run(options(t, "echo", ""), strings.NewReader(said()), failing{}); !errors.Is(err, errPipe) {
		t.Errorf("the output is gone, and Run returns %v", err)
	}
}

// FuzzRun: whatever comes, a node answers in JSON or ends with an error.
func FuzzRun(f *testing.F) {
	for i := range maelstrom.Workloads {
		f.Add(i, []byte(said(`{"type":"read","key":1}`, `{"type":"add","element":1,"delta":2}`,
			`{"type":"broadcast","message":[1]}`, `{"type":"write","key":1,"value":2}`)))
	}
	peers := `{"src":"c1","dest":"n1","body":{"type":"init","msg_id":0,"node_id":"n1","node_ids":["n1","n2"]}}
{"src":"n2","dest":"n1","body":{"type":"althing_%s","number":1,"data":"AQID"}}
`
	for i, kind := range []string{"process", "request", "delta", "ack", "other"} {
		f.Add(i, fmt.Appendf(nil, peers, kind))
	}
	f.Fuzz(func(t *testing.T, i int, in []byte) {
		w := maelstrom.Workloads[uint(i)%uint(len(maelstrom.Workloads))]
		name := map[string]string{"lin-kv": "raft", "broadcast": "causal"}[w]
		var out bytes.Buffer
		_ = maelstrom.Run(options(t, w, name), bytes.NewReader(in), &out)
		for line := range strings.Lines(out.String()) {
			if !json.Valid([]byte(line)) {
				t.Fatalf("%q is no JSON", line)
			}
		}
	})
}

func ExampleRun() {
	in := strings.NewReader(`{"src":"c1","dest":"n1","body":{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1"]}}
{"src":"c1","dest":"n1","body":{"type":"echo","msg_id":2,"echo":"hello"}}`)
	if err := maelstrom.Run(maelstrom.Options{Workload: "echo"}, in, os.Stdout); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"src":"n1","dest":"c1","body":{"type":"init_ok","in_reply_to":1}}
	// {"src":"n1","dest":"c1","body":{"type":"echo_ok","in_reply_to":2,"echo":"hello"}}
}

// BenchmarkWrite is one write after the other, through a group of one.
func BenchmarkWrite(b *testing.B) {
	d := talk(b, options(b, "lin-kv", "raft"), alone)
	b.ReportAllocs()
	for b.Loop() {
		if r := d.ask(`{"type":"write","msg_id":2,"key":1,"value":1}`); !strings.Contains(r, "write_ok") {
			b.Fatal(r)
		}
	}
}
