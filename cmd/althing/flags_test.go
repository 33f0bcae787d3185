package main

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"althing/cmd/althing/calc"
	"althing/cmd/althing/planning"
	"althing/internal/terminal"
)

// How commands end.
const (
	exitOK, exitBad        = terminal.ExitOK, terminal.ExitBad
	exitUsage, exitUnknown = terminal.ExitUsage, terminal.ExitUnknown
)

// command runs a command line as main does.
func command(args ...string) (code int, out, err string) {
	var o, e bytes.Buffer
	code = run(args, terminal.Output{Out: &o, Err: &e})
	return code, o.String(), e.String()
}

func TestServeFlags(t *testing.T) {
	for _, c := range []struct {
		args string
		want string // each word of it is in the message
	}{
		{"--name=", "--name= expected"},
		{"--name=a=b", "--name=a=b"},
		{"--protocol=paxos99", "--protocol=paxos99 expected raft"},
		{"--protocol=causal", "--protocol=causal one order"},
		{"--log-level=loud", "--log-level=loud debug warn"},
		{"--log-format=xml", "--log-format xml"},
		{"--listen-client-urls=127.0.0.1:2379", "--listen-client-urls=127.0.0.1:2379 http://"},
		{"--listen-client-urls=http://127.0.0.1", "--listen-client-urls=http://127.0.0.1 port"},
		{"--listen-client-urls=http://:2379", "--listen-client-urls=http://:2379 host"},
		{"--listen-client-urls=http://h:99999", "--listen-client-urls=http://h:99999 65535"},
		{"--listen-client-urls=http://h:02379", "plain number"},
		{"--listen-client-urls=http://h:1/x", "--listen-client-urls=http://h:1/x"},
		{"--listen-client-urls=http://u@h:1", "--listen-client-urls"},
		{"--listen-client-urls=ftp://h:1", "--listen-client-urls=ftp://h:1"},
		{"--listen-client-urls=http://h:1,http://h:1", "twice"},
		{"--listen-client-urls=http://0.0.0.0:2379", "--advertise-client-urls 0.0.0.0"},
		{"--listen-peer-urls=http://[::]:2380", "--initial-advertise-peer-urls [::]"},
		{"--listen-peer-urls=http://h:1,http://h:2", "--listen-peer-urls one URL"},
		{"--listen-metrics-urls=x", "--listen-metrics-urls=x"},
		{"--initial-cluster=default", "--initial-cluster=default NAME=URL"},
		{"--initial-cluster=a=http://localhost:2380", "--initial-cluster=a=http://localhost:2380 --name=default"},
		{"--initial-cluster=default=http://h:1", "--initial-cluster http://h:1 --initial-advertise-peer-urls"},
		{"--initial-cluster=default=h", "--initial-cluster=h"},
		{"--initial-cluster-state=old", "--initial-cluster-state new existing"},
		{"--join=h:1", "--join=h:1"},
		{"--heartbeat-interval=0", "--heartbeat-interval=0 from 1"},
		{"--heartbeat-interval=x", "--heartbeat-interval"},
		{"--election-timeout=499", "--election-timeout=499 5 times --heartbeat-interval=100"},
		{"--quota-backend-bytes=-1", "--quota-backend-bytes=-1"},
		{"--max-request-bytes=1", "--max-request-bytes=1 from 1024"},
		{"--max-txn-ops=0", "--max-txn-ops=0"},
		{"--snapshot-count=0", "--snapshot-count=0"},
		{"--acks=0", "--acks=0 from 1"},
		{"--snapshot-count=18446744073709551615", "--snapshot-count"},
		{"--cert-file=c", "--cert-file=c --key-file"},
		{"--peer-key-file=k", "--peer-cert-file --peer-key-file"},
		{"--client-cert-auth", "--client-cert-auth --trusted-ca-file"},
		{"--peer-client-cert-auth", "--peer-client-cert-auth --peer-trusted-ca-file"},
		{"--listen-client-urls=https://h:1", "--listen-client-urls=https://h:1 --cert-file"},
		{"--listen-peer-urls=https://h:1", "--listen-peer-urls=https://h:1 --peer-cert-file"},
		{"--listen-metrics-urls=https://h:1", "--listen-metrics-urls=https://h:1 --cert-file"},
		{"--cert-file=c --key-file=k", "--listen-client-urls=http://localhost:2379 https"},
		{"--no-such-flag", "--no-such-flag"},
		{"--config-file=/no/such/file", "--config-file=/no/such/file"},
	} {
		code, out, err := command(append([]string{"serve"}, strings.Fields(c.args)...)...)
		if code != exitUsage || out != "" {
			t.Errorf("%s: exit %d, %q", c.args, code, out)
		}
		for _, w := range strings.Fields(c.want) {
			if !strings.Contains(err, w) {
				t.Errorf("%s: no %q in %q", c.args, w, err)
			}
		}
	}
}

func TestServePlan(t *testing.T) {
	s, err := parseServe([]string{"--name=b", "--listen-client-urls=http://0.0.0.0:2379",
		"--advertise-client-urls=http://b:2379", "--listen-peer-urls=http://0.0.0.0:2380",
		"--initial-advertise-peer-urls=http://b:2380",
		"--initial-cluster=a=http://a:2380,b=http://b:2380,c=http://c:2380,c=http://c2:2380"})
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.plan()
	if err != nil {
		t.Fatal(err)
	}
	c := &p.config
	if p.dir != "b.althing" || len(c.Founders) != 3 || len(c.Founders["c"]) != 2 ||
		!slices.Equal(c.ClientURLs, []string{"http://b:2379"}) || c.Heartbeat.Milliseconds() != 100 ||
		c.Election.Milliseconds() != 500 || c.RequestBytes != 3<<19 || c.TxnOps != 128 || c.QuotaBytes != 2<<30 {
		t.Errorf("%+v", p)
	}
	if s, err = parseServe(nil); err != nil {
		t.Fatal(err)
	}
	if p, err = s.plan(); err != nil || len(p.config.Founders) != 1 {
		t.Errorf("without flags: %+v: %v", p, err)
	}
}

func TestConfigFile(t *testing.T) {
	flags := serveFlags(t)
	for name, c := range map[string]struct{ text, want string }{
		"unknown key":   {"name: a\nnmae: b\n", `2:1: there is no flag "nmae"`},
		"twice":         {"name: a\nname: b\n", "2:1"},
		"twice, quoted": {"name: a\n\"name\": b\n", "2:1"},
		"wrong type":    {"name: a\n\nheartbeat-interval: soon\n", "3:21: heartbeat-interval: expected"},
		"a fraction":    {"max-txn-ops: 1.5\n", "1:14: max-txn-ops"},
		"not a boolean": {"client-cert-auth: 3\n", "1:19: client-cert-auth"},
		"octal":         {"max-txn-ops: 010\n", "1:14: expected a number without a zero"},
		"a mapping":     {"join:\n  a: b\n", "2:"},
		"list in list":  {"join: [[a]]\n", "1:8: expected a value, not a list in a list"},
		"null":          {"name:\n", "expected a value"},
		"an anchor":     {"name: &x a\n", "expected a value"},
		"no mapping":    {"- name\n", "1:1: expected lines"},
		"two documents": {"name: a\n---\nname: b\n", "more than one document"},
		"itself":        {"config-file: x\n", `there is no flag "config-file"`},
		"no YAML":       {"name: [a\n", "1:7"},
	} {
		if v, err := parseConfig([]byte(c.text), flags); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, %v; want %q", name, v, err, c.want)
		}
	}
	const good = "# mine\nname: 'no'\nelection-timeout: 500\njoin:\n- http://a:1\n- http://b:1\n"
	v, err := parseConfig([]byte(good), flags)
	if err != nil || v["name"] != "no" || v["election-timeout"] != "500" || v["join"] != "http://a:1,http://b:1" {
		t.Errorf("%v: %v", v, err)
	}
	for _, empty := range []string{"", "# nothing\n", "---\n"} {
		if v, err := parseConfig([]byte(empty), flags); err != nil || len(v) != 0 {
			t.Errorf("%q: %v: %v", empty, v, err)
		}
	}
	big := filepath.Join(t.TempDir(), "big.yaml")
	if err := os.WriteFile(big, bytes.Repeat([]byte("#"), maxConfigBytes+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := readConfig(big, flags); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("a file without end: %v", err)
	}
}

func serveFlags(t testing.TB) []*kong.Flag {
	t.Helper()
	parser, err := kong.New(new(serveCommand))
	if err != nil {
		t.Fatal(err)
	}
	return parser.Model.Flags
}

// The command line comes before the environment, and that before the file.
func TestPrecedence(t *testing.T) {
	file := filepath.Join(t.TempDir(), "c.yaml")
	text := "name: of-file\ninitial-cluster-token: of-file\ndata-dir: of-file\nelection-timeout: 600\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("ALTHING_NAME", "of-env")
	t.Setenv("ALTHING_DATA_DIR", "of-env")
	t.Setenv("ETCD_NAME", "of-somebody-else")
	var c commands
	parser, err := kong.New(&c, kong.PostBuild(environment))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse([]string{"serve", "--config-file", file, "--data-dir=of-line"}); err != nil {
		t.Fatal(err)
	}
	s := &c.Serve
	if s.DataDir != "of-line" || s.Name != "of-env" || s.InitialClusterToken != "of-file" || s.ElectionTimeout != 600 ||
		s.HeartbeatInterval != 100 {
		t.Errorf("%+v", s)
	}
}

// Every flag says what it is for, and nothing is said of flags that are gone.
func TestHelp(t *testing.T) {
	parser, err := kong.New(new(commands), terminal.Explain(help, planning.Help, calc.Help))
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	nodes := slices.Clone(parser.Model.Children)
	for i := 0; i < len(nodes); i++ { // with those of commands within commands
		n := nodes[i]
		nodes = append(nodes, n.Children...)
		values := n.Positional
		for _, f := range n.Flags {
			if f.Name != "help" {
				values = append(values, f.Value)
			}
		}
		for _, v := range values {
			if v.Help == "" {
				t.Errorf("%s: nothing is said of %s", n.Name, v.Name)
			}
			said++
		}
	}
	for _, texts := range []terminal.Help{help, planning.Help, calc.Help} {
		for _, flags := range texts {
			said -= len(flags)
		}
	}
	if said != 0 {
		t.Errorf("%d flags too many have help", -said)
	}
}

func TestExitCodes(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
	}{
		{"version", exitOK}, {"--help", exitOK}, {"sim --help", exitOK}, {"", exitUsage}, {"nonsense", exitUsage},
		{"up --nodes=0x", exitUsage}, {"up --nodes=16", exitUsage}, {"up --client=2379", exitUsage},
		{"up --client=0.0.0.0:1", exitUsage}, {"up --client=h:65500", exitUsage},
		{"sim nothing", exitUsage}, {"sim --faults=net,gremlins", exitUsage}, {"sim --seeds=0", exitUsage},
		{"sim --nodes=99", exitUsage}, {"sim --duration=0s", exitUsage}, {"sim --rate=-1", exitUsage},
		{"sim --clients=99", exitUsage}, {"sim --seeds=2 --trace=x", exitUsage}, {"sim --trace=/no/such/x", exitUsage},
		{"bench", exitUsage}, {"bench scan", exitUsage}, {"bench put --clients=0", exitUsage},
		{"bench put --key-size=1", exitUsage}, {"bench mixed --reads=2", exitUsage}, {"bench put -o xml", exitUsage},
		{"bench put --cacert=/no/such", exitUsage},
		{"bench put --endpoints=127.0.0.1:1 --timeout=100ms", exitBad},
	} {
		if code, _, err := command(strings.Fields(c.args)...); code != c.code {
			t.Errorf("althing %s: exit %d, want %d: %s", c.args, code, c.code, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	flags := serveFlags(f)
	for _, s := range []string{
		"name: a\n", "join: [a, b]\n", "- a\n", "name: &x [*x]\n", "{name: 'a'}", "\x00", "a: !!binary x",
		"join:\n  - a\n  -\n", "name: |\n  a\n", "? a\n: b\n", "<<: {name: a}\n",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		values, err := parseConfig(b, flags)
		for k := range values {
			if err == nil && find(flags, k) == nil {
				t.Errorf("%q is no flag", k)
			}
		}
	})
}
