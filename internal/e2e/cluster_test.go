// Package e2e tests the built binary from outside: real processes, real disks,
// real clients. What a user is shown in the README is what runs here.
package e2e

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.uber.org/zap"

	"althing/internal/freeport"
)

var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "althing-e2e")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "althing")
	out, err := exec.Command("go", "build", "-o", path, "althing/cmd/althing").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%w\n%s", err, out)
	}
	return path, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if path, err := binary(); err == nil {
		os.RemoveAll(filepath.Dir(path))
	}
	os.Exit(code)
}

// A program is one run of the binary. What it printed is shown if the test
// fails.
type program struct {
	t    *testing.T
	cmd  *exec.Cmd
	out  *output
	done chan struct{}
}

type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// Write implements io.Writer.
func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) text() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func start(t *testing.T, args ...string) *program {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	p := &program{t: t, cmd: exec.Command(path, args...), out: new(output), done: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is in ProcessState
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			text := p.out.text()
			t.Logf("%s\n…%s", strings.Join(args, " "), text[max(0, len(text)-4000):])
		}
	})
	return p
}

// kill is kill -9.
func (p *program) kill() {
	_ = p.cmd.Process.Kill() // it may have ended
	<-p.done
}

// stop asks the program to end, and returns its exit code.
func (p *program) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGINT); err != nil {
		p.t.Fatal(err)
	}
	select {
	case <-p.done:
	case <-time.After(60 * time.Second):
		p.t.Fatal("it does not stop")
	}
	return p.cmd.ProcessState.ExitCode()
}

// await waits until the program has printed want.
func (p *program) await(want string) {
	p.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for !strings.Contains(p.out.text(), want) {
		select {
		case <-p.done:
			p.t.Fatalf("it ended before it printed %q:\n%s", want, p.out.text())
		case <-time.After(20 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("it does not print %q:\n%s", want, p.out.text())
		}
	}
}

// A cluster is members that each run as a process of their own.
type cluster struct {
	t       *testing.T
	args    [][]string // of each member
	clients []string   // endpoints
	members []*program // nil while down
}

func newCluster(t *testing.T, n int, flags ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, members: make([]*program, n)}
	port := freeport.Block(t, 3*n)
	var initial []string
	for i := range n {
		initial = append(initial, fmt.Sprintf("m%d=http://127.0.0.1:%d", i, port+3*i))
	}
	for i := range n {
		peer, client := fmt.Sprintf("http://127.0.0.1:%d", port+3*i), fmt.Sprintf("http://127.0.0.1:%d", port+3*i+1)
		c.clients = append(c.clients, client)
		c.args = append(c.args, append([]string{"serve", "--name", fmt.Sprintf("m%d", i), "--data-dir", t.TempDir(),
			"--listen-peer-urls", peer, "--listen-client-urls", client, "--initial-cluster", strings.Join(initial, ","),
			"--listen-metrics-urls", fmt.Sprintf("http://127.0.0.1:%d", port+3*i+2)}, flags...))
	}
	for i := range n {
		c.start(i)
	}
	return c
}

func (c *cluster) start(i int) { c.members[i] = start(c.t, c.args[i]...) }

func (c *cluster) client() *clientv3.Client {
	c.t.Helper()
	cl, err := clientv3.New(clientv3.Config{Endpoints: c.clients, DialTimeout: 20 * time.Second, Logger: zap.NewNop()})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { cl.Close() })
	return cl
}

// leader waits until a member says that it leads, and returns it.
func (c *cluster) leader(cl *clientv3.Client) int {
	c.t.Helper()
	deadline := time.Now().Add(60 * time.Second)
	for time.Now().Before(deadline) {
		for i, endpoint := range c.clients {
			if c.members[i] == nil {
				continue
			}
			ctx, cancel := context.WithTimeout(c.t.Context(), time.Second)
			s, err := cl.Status(ctx, endpoint)
			cancel()
			if err == nil && s.Leader != 0 && s.Leader == s.Header.MemberId {
				return i
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.t.Fatal("no leader")
	return 0
}
