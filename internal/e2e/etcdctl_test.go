package e2e

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"althing/internal/freeport"
)

// A shell runs an unmodified etcdctl against a cluster.
type shell struct {
	t         *testing.T
	endpoints string
}

func newShell(t *testing.T, endpoints string) *shell {
	t.Helper()
	if _, err := exec.LookPath("etcdctl"); err != nil {
		t.Fatal("this test needs an unmodified etcdctl: apt-get install etcd-client")
	}
	return &shell{t, endpoints}
}

func (s *shell) command(args ...string) *exec.Cmd {
	cmd := exec.Command("etcdctl", append([]string{"--endpoints", s.endpoints, "--command-timeout", "20s"}, args...)...)
	cmd.Env = append(os.Environ(), "ETCDCTL_API=3")
	return cmd
}

// run returns what etcdctl prints; it must succeed.
func (s *shell) run(stdin string, args ...string) string {
	s.t.Helper()
	cmd := s.command(args...)
	cmd.Stdin = strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("etcdctl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// want runs etcdctl and compares what it prints.
func (s *shell) want(want, stdin string, args ...string) {
	s.t.Helper()
	if got := s.run(stdin, args...); got != want {
		s.t.Fatalf("etcdctl %s printed\n%q\nnot\n%q", strings.Join(args, " "), got, want)
	}
}

// match runs etcdctl and holds what it prints against a pattern, whose first
// group it returns.
func (s *shell) match(pattern string, args ...string) string {
	s.t.Helper()
	got := s.run("", args...)
	m := regexp.MustCompile(pattern).FindStringSubmatch(got)
	if m == nil {
		s.t.Fatalf("etcdctl %s printed\n%s\nwhich does not match %s", strings.Join(args, " "), got, pattern)
	}
	return m[len(m)-1]
}

// up runs "althing up" as the README says, and returns the endpoints that it
// prints.
func up(t *testing.T, dir string, port int, flags ...string) (*program, string) {
	t.Helper()
	p := start(t, append([]string{"up", "--data", dir, "--client", fmt.Sprintf("127.0.0.1:%d", port)}, flags...)...)
	p.await("Ready")
	m := regexp.MustCompile(`etcdctl --endpoints (\S+) put greeting hello`).FindStringSubmatch(p.out.text())
	if m == nil {
		t.Fatalf("no line to paste:\n%s", p.out.text())
	}
	return p, m[1]
}

// TestEtcdctl is the tour: what the README shows, and every kind of request
// that an unmodified etcdctl makes.
func TestEtcdctl(t *testing.T) {
	dir := t.TempDir()
	port := freeport.Block(t, 30) // for three members
	p, endpoints := up(t, dir, port)
	s := newShell(t, endpoints)

	s.want("OK\n", "", "put", "greeting", "hello")
	s.want("greeting\nhello\n", "", "get", "greeting")
	for i := range 5 {
		s.want("OK\n", "", "put", fmt.Sprintf("fruit/%d", i), fmt.Sprint("v", i))
	}
	s.want("fruit/0\nv0\nfruit/1\nv1\n", "", "get", "fruit/", "--prefix", "--limit", "2")
	s.want("fruit/4\n\nfruit/3\n\n", "",
		"get", "fruit/1", "fruit/9", "--order", "DESCEND", "--limit", "2", "--keys-only")
	s.want("2\n", "", "del", "fruit/3", "fruit/5")
	s.want("FAILURE\n\nfruit/0\nv0\n", "value(\"fruit/0\") = \"other\"\n\nput a b\n\nget fruit/0\n\n", "txn")
	s.want("SUCCESS\n\nOK\n", "mod(\"none\") = \"0\"\n\nput none now\n\n\n\n", "txn")

	s.watch()
	s.lease()

	rev := s.match(`"revision":(\d+)`, "get", "greeting", "-w", "json")
	s.want("compacted revision "+rev+"\n", "", "compaction", rev)
	out, err := s.command("get", "greeting", "--rev", "2").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "etcdserver: mvcc: required revision has been compacted") {
		t.Fatalf("a read before the compaction: %v, %s", err, out)
	}
	if n := strings.Count(s.run("", "member", "list"), "started"); n != 3 {
		t.Fatalf("%d members have started:\n%s", n, s.run("", "member", "list"))
	}
	status := s.run("", "endpoint", "status")
	if strings.Count(status, "true") != 1 || strings.Count(status, "\n") != 3 {
		t.Fatalf("one of three leads:\n%s", status)
	}
	if n := strings.Count(s.run("", "endpoint", "health"), "is healthy"); n != 3 {
		t.Fatalf("%d endpoints are healthy", n)
	}

	if code := p.stop(); code != 0 {
		t.Fatalf("up ended with %d", code)
	}
	_, endpoints = up(t, dir, port)
	s.endpoints = endpoints
	s.want("greeting\nhello\n", "", "get", "greeting")
}

// watch sees a change from the past and one that comes.
func (s *shell) watch() {
	s.t.Helper()
	s.want("OK\n", "", "put", "seen", "before")
	rev := s.match(`"mod_revision":(\d+)`, "get", "seen", "-w", "json")
	cmd := s.command("watch", "seen", "--rev", rev)
	out, err := cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	lines := make(chan string)
	go func() {
		defer close(lines)
		for sc := bufio.NewScanner(out); sc.Scan(); {
			lines <- sc.Text()
		}
	}()
	expect := func(want ...string) {
		s.t.Helper()
		for _, w := range want {
			select {
			case got := <-lines:
				if got != w {
					s.t.Fatalf("the watch printed %q, not %q", got, w)
				}
			case <-time.After(30 * time.Second):
				s.t.Fatalf("the watch does not print %q", w)
			}
		}
	}
	expect("PUT", "seen", "before")
	s.want("OK\n", "", "put", "seen", "after")
	expect("PUT", "seen", "after")
	s.want("1\n", "", "del", "seen")
	expect("DELETE", "seen", "")
}

// lease grants, keeps alive, lets run out and revokes.
func (s *shell) lease() {
	s.t.Helper()
	id := s.match(`lease ([0-9a-f]+) granted with TTL\(2s\)`, "lease", "grant", "2")
	s.want("OK\n", "", "put", "leased", "v", "--lease", id)
	keep := s.command("lease", "keep-alive", id)
	if err := keep.Start(); err != nil {
		s.t.Fatal(err)
	}
	time.Sleep(4 * time.Second) // twice its time to live: it lives only if it is kept alive
	s.want("leased\nv\n", "", "get", "leased")
	s.match(`granted with TTL\(2s\), remaining\((\d+)s\), attached keys\(\[leased\]\)`,
		"lease", "timetolive", id, "--keys")
	if err := keep.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = keep.Wait()
	for deadline := time.Now().Add(time.Minute); s.run("", "get", "leased") != ""; {
		if time.Now().After(deadline) {
			s.t.Fatal("a lease that nobody keeps alive does not run out")
		}
	}
	id = s.match(`lease ([0-9a-f]+) granted`, "lease", "grant", "600")
	s.want("OK\n", "", "put", "leased", "v", "--lease", id)
	s.want("lease "+id+" revoked\n", "", "lease", "revoke", id)
	s.want("", "", "get", "leased")
}
