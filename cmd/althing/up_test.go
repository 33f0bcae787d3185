package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"althing/internal/freeport"
)

// asCommand makes this test's own binary be the command, and so its children.
const asCommand = "ALTHING_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	os.Exit(m.Run())
}

// patience bounds what these tests wait for: much longer than it takes.
const patience = 30 * time.Second

// A program is the command in a process of its own.
type program struct {
	cmd   *exec.Cmd
	mu    sync.Mutex
	said  bytes.Buffer
	ended chan struct{}
}

func launch(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(os.Args[0], args...), ended: make(chan struct{})}
	p.cmd.Env = append(os.Environ(), asCommand+"=1")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd.Stdout, p.cmd.Stderr = w, w
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	w.Close()
	go func() {
		for s := bufio.NewScanner(r); s.Scan(); {
			p.mu.Lock()
			fmt.Fprintln(&p.said, s.Text())
			p.mu.Unlock()
		}
		r.Close()
	}()
	go func() {
		_ = p.cmd.Wait() // its state says how it ended
		close(p.ended)
	}()
	t.Cleanup(func() {
		_ = p.cmd.Process.Kill() // it may have ended
		<-p.ended
		if t.Failed() {
			t.Logf("%s said:\n%s", strings.Join(args, " "), p.text())
		}
	})
	return p
}

func (p *program) text() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.said.String()
}

// await waits until the program has said n times what the pattern says, and
// returns its groups.
func (p *program) await(t *testing.T, pattern string, n int) [][]string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	var found [][]string
	eventually(t, fmt.Sprintf("%d times %q", n, pattern), func() bool {
		found = re.FindAllStringSubmatch(p.text(), -1)
		return len(found) >= n
	})
	return found
}

// stop asks the program to end, and returns its exit code.
func (p *program) stop(t *testing.T, s os.Signal) int {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
	select {
	case <-p.ended:
	case <-time.After(patience):
		t.Fatal("it does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !f(); {
		if time.Now().After(end) {
			t.Fatalf("not within %v: %s", patience, what)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
}

// endpoints returns where the cluster in a directory serves clients.
func endpoints(t *testing.T, dir string) (list []string) {
	t.Helper()
	var c cluster
	b, err := os.ReadFile(filepath.Join(dir, clusterFile))
	if err == nil {
		err = json.Unmarshal(b, &c)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range c.Members {
		list = append(list, m.Client)
	}
	return list
}

func dial(t *testing.T, endpoints ...string) *clientv3.Client {
	t.Helper()
	c, err := clientv3.New(clientv3.Config{Endpoints: endpoints, Logger: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func put(t *testing.T, c *clientv3.Client, key, value string) {
	t.Helper()
	eventually(t, "put "+key, func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		_, err := c.Put(ctx, key, value)
		return err == nil
	})
}

func holds(t *testing.T, c *clientv3.Client, key, want string) {
	t.Helper()
	var got string
	eventually(t, fmt.Sprintf("%s holds %s", key, want), func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		r, err := c.Get(ctx, key)
		if err == nil && len(r.Kvs) == 1 {
			got = string(r.Kvs[0].Value)
		}
		return err == nil && got == want
	})
}

// alive says whether a process still holds what it held. One that was killed
// is a zombie as soon as its first thread is gone, while another may not have
// closed the sockets yet: it holds nothing when that thread alone is left.
func alive(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	threads, err := os.ReadDir(fmt.Sprintf("/proc/%d/task", pid))
	return err == nil && (!bytes.Contains(b, []byte(") Z ")) || len(threads) > 1)
}

// A cluster of processes bears the death of one, which comes back; all are
// gone with their parent, however it ends; and the next run has everything.
func TestUp(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	up := launch(t, "up", "--processes", "--data", dir, fmt.Sprintf("--client=127.0.0.1:%d", freeport.Block(t, 30)))
	up.await(t, `Ready after`, 1)
	var pids []int
	for _, m := range up.await(t, `process (\d+)`, 3) {
		pid, _ := strconv.Atoi(m[1])
		pids = append(pids, pid)
	}
	at := endpoints(t, dir)
	c := dial(t, at...)
	put(t, c, "one", "1")
	if err := syscall.Kill(pids[0], syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	put(t, c, "two", "2")
	up.await(t, `process (\d+)`, 4)
	for _, e := range at {
		holds(t, dial(t, e), "two", "2")
	}
	for _, m := range up.await(t, `process (\d+)`, 4) {
		pid, _ := strconv.Atoi(m[1])
		pids = append(pids, pid)
	}
	if err := up.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "children end with their parent", func() bool {
		for _, pid := range pids {
			if alive(pid) {
				return false
			}
		}
		return true
	})

	again := launch(t, "up", "--data", dir)
	again.await(t, `Ready after`, 1)
	if now := endpoints(t, dir); strings.Join(now, " ") != strings.Join(at, " ") {
		t.Errorf("it was at %v, and is at %v", at, now)
	}
	holds(t, c, "one", "1")
	for _, n := range []string{"n1", "n2", "n3"} {
		log, err := os.ReadFile(filepath.Join(dir, n, "log.jsonl"))
		if err != nil || !bytes.Contains(log, []byte(`"event":"leader_elected"`)) {
			t.Errorf("the log of %s lacks the election: %v", n, err)
		}
	}
	if code := again.stop(t, syscall.SIGTERM); code != exitOK {
		t.Errorf("stopped with %d", code)
	}
	if err := os.RemoveAll(filepath.Join(dir, "n2")); err != nil {
		t.Fatal(err)
	}
	for want, args := range map[string][]string{
		"has promised the others": {"up", "--data", dir},
		"a cluster of 3":          {"up", "--data", dir, "--nodes=5"},
		"a cluster at":            {"up", "--data", dir, "--client=127.0.0.1:9"},
		"a cluster of raft":       {"up", "--data", dir, "--protocol=multipaxos"},
	} {
		p := launch(t, args...)
		p.await(t, want, 1)
		if <-p.ended; p.cmd.ProcessState.ExitCode() == exitOK {
			t.Errorf("%v: ended as if all were well", args)
		}
	}
}

// What stands in the way is said in a sentence that names it.
func TestInTheWay(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	busy := l.Addr().String()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	const free = "--listen-metrics-urls=http://127.0.0.1:0 --listen-peer-urls=http://127.0.0.1:0 " +
		"--listen-client-urls=http://127.0.0.1:0"
	for _, c := range []struct{ args, want string }{
		{"serve " + free + " --data-dir=" + file, "--data-dir=" + file + ": " + file + " is a file"},
		{"serve " + free + " --data-dir=" + file + "/x", "is a file: expected a directory"},
		{"serve " + free + " --data-dir=/proc/x", "--data-dir=/proc/x"},
		{"serve --data-dir=" + dir + "/a --listen-client-urls=http://" + busy, "another program listens at " + busy},
		{"serve --data-dir=" + dir + "/b --listen-peer-urls=http://192.0.2.1:1", "no address 192.0.2.1:1"},
		{"serve --data-dir=" + dir + "/c --log-file=" + file + "/log", "--log-file"},
		{"up --data=" + dir, "but no cluster: expected an empty directory"},
		{"up --data=" + file, "is a file"},
		{"up --data=" + dir + "/d --client=" + busy, "another program listens at " + busy},
		{"up --data=" + dir + "/e --client=192.0.2.1:2000", "no address 192.0.2.1:2000"},
	} {
		code, _, err := command(strings.Fields(c.args)...)
		if code == exitOK || !strings.Contains(err, c.want) {
			t.Errorf("%s: exit %d, %q; want %q", c.args, code, err, c.want)
		}
	}
}

// The load generator and the server agree about how much was done.
func TestBench(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	up := launch(t, "up", "--nodes=1", "--data", dir, fmt.Sprintf("--client=127.0.0.1:%d", freeport.Block(t, 10)))
	up.await(t, `Ready after`, 1)
	at := endpoints(t, dir)[0]
	bench := func(args ...string) (r struct {
		Series []struct {
			Operation string
			Count     int64
		}
	}) {
		args = append([]string{"bench"}, args...)
		code, out, err := command(append(args, "--endpoints", at, "--output=json", "--warmup=0s", "--clients=4")...)
		if code != exitOK {
			t.Fatalf("%v: exit %d: %s", args, code, err)
		}
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatal(err)
		}
		return r
	}
	c := dial(t, at)
	revision := func() int64 {
		r, err := c.Get(t.Context(), "x")
		if err != nil {
			t.Fatal(err)
		}
		return r.Header.Revision
	}
	before := revision()
	if r := bench("put", "--requests=100"); r.Series[0].Count != 100 || revision() != before+100 {
		t.Errorf("%+v, and revision %d after %d", r, revision(), before)
	}
	if r := bench("put", "--rate=200", "--duration=500ms"); r.Series[0].Count != 100 {
		t.Errorf("at 200 a second for half a second: %+v", r)
	}
	for _, w := range []string{"get", "get-serializable", "mixed"} {
		total := int64(0)
		for _, s := range bench(w, "--requests=50", "--keys=10").Series {
			total += s.Count
		}
		if total != 50 {
			t.Errorf("%s: %d of 50", w, total)
		}
	}
	r := bench("watch", "--requests=20", "--watchers=7")
	if len(r.Series) != 2 || r.Series[0].Count != 20 || r.Series[1].Count != 140 {
		t.Errorf("20 puts for 7 watchers: %+v", r)
	}
	if code := up.stop(t, syscall.SIGINT); code != exitOK {
		t.Errorf("stopped with %d", code)
	}
}
