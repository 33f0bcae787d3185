package format

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"althing/history"
)

func collect(t testing.TB, text string, f Format, m history.Model) ([]history.Op, error) {
	t.Helper()
	c := history.Collector{Model: m}
	err := Read(strings.NewReader(text), f, c.Add)
	return c.Ops(), err
}

// one is the same history in every format.
var one = map[Format][]string{
	JSON: {`{"process":0,"type":"invoke","f":"write","value":1}
{"process":1,"type":"invoke","f":"cas","value":[1,2]}
{"process":0,"type":"ok","f":"write","value":1}
{"process":1,"type":"ok","f":"cas","value":false,"extra":{"a":[null]}}
{"process":2,"type":"invoke","f":"read","value":null}
{"process":"nemesis","type":"info","f":"kill","value":"n1"}
{"process":2,"type":"ok","f":"read","value":"1"}
{"process":0,"type":"invoke","f":"write","value":7}
{"process":0,"type":"info","f":"write","value":7}
{"process":3,"type":"invoke","f":"write","value":8}
{"process":3,"type":"fail","f":"write","value":8}`},
	EDN: {`{:process 0, :type :invoke, :f :write, :value 1, :index 0, :time 99}
{:process 1, :type :invoke, :f :cas, :value [1 2]} ; a remark
#jepsen.history.Op{:process 0, :type :ok, :f :write, :value 1, :time 3}
{:process 1, :type :ok, :f :cas, :value false, :extra {:a #{nil}}}
{:process 2, :type :invoke, :f :read, :value nil}
{:process :nemesis, :type :info, :f :kill, :value "n1"}
{:process 2, :type :ok, :f :read, :value "1"}
{:process 0, :type :invoke, :f :write, :value 7}
{:process 0, :type :info, :f :write, :value 7, :error #_(skipped) [:timeout "x"]}
{:process 3 :type :invoke :f :write :value 8}
{:process 3 :type :fail :f :write :value 8}`},
	Log: {`WARN  something - else
INFO  jepsen.util - 0	:invoke	:write	1
INFO  jepsen.util - 1	:invoke	:cas	[1 2]
INFO  jepsen.util - 0	:ok	:write	1
INFO  jepsen.util - 1	:fail	:cas	[1 2]
INFO  jepsen.util - 2	:invoke	:read	nil
INFO  jepsen.util - :nemesis	:info	:kill	"n1"
INFO  jepsen.util - 2	:ok	:read	1
INFO  jepsen.util - 0	:invoke	:write	7
INFO  jepsen.util - 0	:info	:write	:timed-out
INFO  jepsen.util - 3	:invoke	:write	8
INFO  jepsen.util - 3	:fail	:write	8`},
}

func TestAllFormatsSayTheSame(t *testing.T) {
	one[EDN] = append(one[EDN][:1:1], "["+one[EDN][0]+"\n]\n", "("+one[EDN][0]+"\n)")
	one[JSON] = append(one[JSON][:1:1], "["+strings.ReplaceAll(one[JSON][0], "\n", ",\n")+"]")
	want := []history.Op{
		{Client: 0, Kind: history.Put, Arg: "1", Call: 1, Return: 3},
		{Client: 1, Kind: history.CAS, Old: "1", Arg: "2", Result: "0", Call: 2, Return: 4},
		{Client: 2, Kind: history.Get, Result: "1", Call: 5, Return: 6},
		{Client: 0, Kind: history.Put, Arg: "7", Call: 7, Open: true},
	}
	for f, texts := range one {
		for _, text := range texts {
			for _, as := range []Format{f, Auto} {
				ops, err := collect(t, text, as, history.CASReg)
				if err != nil || fmt.Sprint(ops) != fmt.Sprint(want) {
					t.Errorf("%s as %s: %v\n%+v\nwant\n%+v\n%s", f, as, err, ops, want, text)
				}
			}
		}
	}
}

// TestFaults: what no client did stands among what they did.
func TestFaults(t *testing.T) {
	for f, texts := range one {
		var c history.Collector
		c.Model = history.CASReg
		if err := Read(strings.NewReader(texts[0]), f, c.Add); err != nil {
			t.Fatal(err)
		}
		if got := c.Marks(); len(got) != 1 || got[0] != (history.Mark{Time: 5, Text: "kill n1"}) {
			t.Errorf("%s: %+v", f, got)
		}
	}
	var c history.Collector
	c.Model = history.Register
	err := Read(strings.NewReader(`{"process":"nemesis","type":"info","f":"heal","time":7}
{"process":0,"type":"invoke","f":"read","time":9}`), JSON, c.Add)
	if got := c.Marks(); err != nil || len(got) != 1 || got[0] != (history.Mark{Time: 7, Text: "heal"}) {
		t.Errorf("%v, %+v", err, got)
	}
}

func TestTimesCountInJSON(t *testing.T) {
	ops, err := collect(t, `
{"process":1,"type":"invoke","f":"enqueue","value":"a","time":50,"key":"q"}
{"process":1,"type":"ok","f":"enqueue","time":70}
{"process":0,"type":"invoke","f":"dequeue","time":10,"key":"q"}
{"process":0,"type":"ok","f":"dequeue","time":60,"value":"a\u00e9\ud83d\ude00\n"}`, Auto, history.Queue)
	if err != nil || len(ops) != 2 || ops[1].Call != 10 || ops[1].Return != 60*time.Nanosecond ||
		ops[1].Result != "aé😀\n" || ops[1].Key != "q" {
		t.Errorf("%v %+v", err, ops)
	}
}

// TestErrors: what is wrong is told with its line.
func TestErrors(t *testing.T) {
	const call = `{"process":0,"type":"invoke","f":"read"}` + "\n"
	for _, c := range [][2]string{
		{"hello", "line 1: this begins as no known format"},
		{call + `{"process":0,"type":"ok"`, "line 2: the file ends within an event"},
		{call + `{"process":0,"type":"ko"}`, `line 2: type "ko"`},
		{call + "\n" + call, "line 3: process 0 calls read while it waits for its get"},
		{`{"process":0,"type":"ok","f":"r"}`, "line 1: process 0 has an answer, and asked nothing"},
		{`{"process":0,"type":"invoke","f":"dig"}`, "line 1: a register has no operation"},
		{`{"type":"invoke","f":"read"}`, "line 1: an event without a process"},
		{`{"process":0,"f":"read"}`, "line 1: an event without a type"},
		{`{"process":0,"type":"ok"}`, "line 1: an event without an f"},
		{`{"process":-4,"type":"ok","f":"r"}`, "line 1: process -4: expected"},
		{call + `{"process":0,"type":"ok","f":"write"}`, `line 2: process 0 asked for get`},
		{call + `{"process":0,"type":"ok","f":"read","time":1}`, "line 2: some events bear a time"},
		{call + `{"process":0,"type":"ok","f":"read","value":"a` + "\x00" + `"}`, "line 2: a text with NUL"},
		{call + `{"process":0,"type":"ok","f":"read","value":"\u0000"}`, "line 2: a text with NUL"},
		{call + `{"process":0,"type":"ok","f":"read","value":"\ud800\u0041"}`, "line 2: half a surrogate"},
		{call + `{"process":0,"type":"ok","f":"read","time":"noon"}`, `line 2: time "noon"`},
		{`[` + call, "the list of events has no end"},
		{call + "]", "line 2: ']' where an event should begin"},
		{call + strings.Repeat("[", 9), "line 2:"},
		{`{"process":0,"value":` + strings.Repeat("[", 99), "line 1: more than 32 lists"},
		{"INFO jepsen.util - 0 :invoke", "line 1: 2 words"},
		{"INFO jepsen.util - 0 :went :read nil", `line 1: type "went"`},
	} {
		text, want := c[0], c[1]
		_, err := collect(t, text, Auto, history.Register)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
	}
}

// known are the histories that Porcupine is tested with, and which of them are
// linearizable; its module has them.
func known(t *testing.T) string {
	t.Helper()
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/anishathalye/porcupine").Output()
	if err != nil {
		t.Fatalf("where is Porcupine? %v", err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "test_data")
}

func judge(t *testing.T, path string, m history.Model) history.Verdict {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := collect(t, string(text), Auto, m)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	r := history.Check(ops, 0)
	switch r.Verdict {
	case history.OK:
		err = history.VerifyOrder(ops, r.Order)
	case history.Illegal:
		err = history.VerifyCore(ops, r.Core)
	}
	if err != nil {
		t.Errorf("%s: %v: %v", path, r.Verdict, err)
	}
	return r.Verdict
}

// TestKnownAnswers: 102 histories of etcd, and six of a store of many keys.
func TestKnownAnswers(t *testing.T) {
	dir := known(t)
	fine := map[int]bool{}
	for _, n := range []int{2, 5, 7, 18, 25, 31, 38, 45, 48, 49, 51, 53, 56, 67, 75, 76, 80, 87, 92, 98,
		100, 101, 102} {
		fine[n] = true
	}
	for n := range 103 {
		if n == 95 {
			continue // there is none
		}
		want := history.Illegal
		if fine[n] {
			want = history.OK
		}
		if v := judge(t, filepath.Join(dir, "jepsen", fmt.Sprintf("etcd_%03d.log", n)), history.CASReg); v != want {
			t.Errorf("etcd %d: %v, want %v", n, v, want)
		}
	}
	for _, clients := range []int{1, 10, 50} {
		for name, want := range map[string]history.Verdict{"ok": history.OK, "bad": history.Illegal} {
			path := filepath.Join(dir, "kv", fmt.Sprintf("c%02d-%s.txt", clients, name))
			if v := judge(t, path, history.KV); v != want {
				t.Errorf("%s: %v, want %v", path, v, want)
			}
		}
	}
}

// FuzzRead: no input breaks the readers, and what they take is a history.
func FuzzRead(f *testing.F) {
	for _, texts := range one {
		for _, text := range texts {
			f.Add([]byte(text), uint8(2))
		}
	}
	f.Add([]byte(`{"process":1,"type":"invoke","f":"dequeue","value":"\u00e9"`), uint8(3))
	f.Add([]byte("#a #_ b {:process 1 :value #{1 2 [3]}}"), uint8(4))
	f.Fuzz(func(t *testing.T, text []byte, model uint8) {
		m := history.Models[int(model)%len(history.Models)]
		for _, as := range Formats {
			ops, err := collect(t, string(text), as, m)
			if err != nil {
				continue
			}
			for i := range ops {
				if o := &ops[i]; !o.Open && o.Return < o.Call || o.Kind == 0 || strings.Contains(o.Arg, "\x00") {
					t.Fatalf("%+v", o)
				}
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	var text strings.Builder
	const n = 100_000
	for i := range n {
		fmt.Fprintf(&text, `{"process":%d,"type":"invoke","f":"write","key":"k%d","value":%d,"time":%d}`+"\n",
			i%50, i%1000, i, 2*i)
		fmt.Fprintf(&text, `{"process":%d,"type":"ok","f":"write","key":"k%d","value":%d,"time":%d}`+"\n",
			i%50, i%1000, i, 2*i+1)
	}
	b.SetBytes(int64(text.Len()))
	b.ReportAllocs()
	for b.Loop() {
		if ops, err := collect(b, text.String(), Auto, history.KV); err != nil || len(ops) != n {
			b.Fatal(err)
		}
	}
}
