package maelstrom_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// patience bounds every wait of these tests; on a machine at ease they take a
// small part of it.
const patience = 12 * time.Second

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "althing-maelstrom")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "althing")
	out, err := exec.Command("go", "build", "-o", path, "althing/cmd/althing").CombinedOutput()
	if err != nil {
		return path, fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

var built atomic.Bool

func TestMain(m *testing.M) {
	code := m.Run()
	if built.Load() {
		path, _ := binary()
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

type fields map[string]any

type envelope struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body fields `json:"body"`
}

// A bench is a small Maelstrom: nodes that are processes of the binary, and the
// network between them, which delays, loses, repeats and cuts.
type bench struct {
	t     *testing.T
	nodes map[string]*program

	mu      sync.Mutex
	loss    float64 // of messages between nodes; as many come twice
	drop    string  // bodies of this type are lost
	cut     string  // this node hears no other, and is not heard
	waiting map[int]chan fields
	last    int
	closed  bool
}

type program struct {
	cmd *exec.Cmd
	mu  sync.Mutex
	in  io.WriteCloser
}

func (p *program) write(line []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.in.Write(line) // one that has ended says so by silence
}

// start runs so many nodes, and inits them.
func start(t *testing.T, nodes int, loss float64, args ...string) *bench {
	t.Helper()
	built.Store(true)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, nodes: make(map[string]*program), loss: loss, waiting: make(map[int]chan fields)}
	var names []string
	for i := range nodes {
		names = append(names, fmt.Sprintf("n%d", i+1))
	}
	for _, name := range names {
		cmd := exec.Command(path, append([]string{"maelstrom"}, args...)...)
		var said strings.Builder
		cmd.Stderr = &said
		in, err := cmd.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		b.nodes[name] = &program{cmd: cmd, in: in}
		read := make(chan struct{})
		go func() { defer close(read); b.read(name, out) }()
		t.Cleanup(func() {
			b.mu.Lock()
			b.closed = true
			b.mu.Unlock()
			in.Close()
			<-read
			if err := cmd.Wait(); err != nil || said.Len() > 0 {
				t.Errorf("%s: %v\n%s", name, err, said.String())
			}
		})
	}
	for _, name := range names {
		r := b.call(name, fields{"type": "init", "node_id": name, "node_ids": names}, patience)
		if r["type"] != "init_ok" {
			t.Fatalf("%s answers init with %v", name, r)
		}
	}
	return b
}

// read routes what a node says.
func (b *bench) read(name string, out io.Reader) {
	s := bufio.NewScanner(out)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var e envelope
		if err := json.Unmarshal(s.Bytes(), &e); err != nil || e.Src != name {
			b.t.Errorf("%s says %q: %v", name, s.Bytes(), err)
			continue
		}
		if _, node := b.nodes[e.Dest]; node {
			for range b.copies() {
				delay := time.Duration(rand.IntN(3000)) * time.Microsecond
				time.AfterFunc(delay, func() { b.deliver(e) })
			}
			continue
		}
		id, _ := e.Body["in_reply_to"].(float64)
		b.mu.Lock()
		c := b.waiting[int(id)]
		delete(b.waiting, int(id))
		b.mu.Unlock()
		if c != nil {
			c <- e.Body
		}
	}
}

// copies returns how often a message comes.
func (b *bench) copies() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch x := rand.Float64(); {
	case x < b.loss:
		return 0
	case x < 2*b.loss:
		return 2
	}
	return 1
}

func (b *bench) deliver(e envelope) {
	b.mu.Lock()
	lost := b.closed || e.Body["type"] == b.drop || b.cut != "" && (e.Src == b.cut || e.Dest == b.cut)
	b.mu.Unlock()
	if lost {
		return
	}
	line, err := json.Marshal(e)
	if err != nil {
		b.t.Error(err)
	}
	b.nodes[e.Dest].write(append(line, '\n'))
}

// lose sets how many messages are lost.
func (b *bench) lose(loss float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.loss = loss
}

// lack loses all bodies of one type.
func (b *bench) lack(kind string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.drop = kind
}

// isolate cuts off one node, and heals the one before; "" is none.
func (b *bench) isolate(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cut = name
}

// call asks a node, and returns the answer; nil if it does not come in time.
func (b *bench) call(node string, body fields, limit time.Duration) fields {
	c := make(chan fields, 1)
	b.mu.Lock()
	b.last++
	id := b.last
	b.waiting[id] = c
	b.mu.Unlock()
	request := fields{"msg_id": id}
	for k, v := range body {
		request[k] = v
	}
	line, err := json.Marshal(envelope{"c1", node, request})
	if err != nil {
		b.t.Error(err)
	}
	b.nodes[node].write(append(line, '\n'))
	select {
	case r := <-c:
		return r
	case <-time.After(limit):
		b.mu.Lock()
		delete(b.waiting, id)
		b.mu.Unlock()
		return nil
	}
}

// until asks again until the answer is good, and fails the test when patience
// is at its end.
func (b *bench) until(node string, body fields, good func(fields) bool) {
	b.t.Helper()
	var r fields
	for end := time.Now().Add(patience); time.Now().Before(end); {
		if r = b.call(node, body, time.Second); r != nil && good(r) {
			return
		}
	}
	b.t.Fatalf("%s answers %v with %v to the end", node, body, r)
}

func name(i int) string { return fmt.Sprintf("n%d", i+1) }

// once runs the binary with that input, and returns how it ended and what it
// said on standard error.
func (b *bench) once(in string) (code int, stderr string) {
	b.t.Helper()
	path, err := binary()
	if err != nil {
		b.t.Fatal(err)
	}
	cmd := exec.Command(path, "maelstrom")
	cmd.Stdin = strings.NewReader(in)
	var said strings.Builder
	cmd.Stderr = &said
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		b.t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), said.String()
}
