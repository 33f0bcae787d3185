package calc

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"althing/internal/terminal"
)

// command runs a command line, with words apart by spaces, as main does.
func command(t *testing.T, words ...string) (code int, out, err string) {
	t.Helper()
	var o, e bytes.Buffer
	to := terminal.Output{Out: &o, Err: &e}
	var all struct {
		Calc Commands `cmd:""`
	}
	parser, fail := kong.New(&all, kong.Writers(&o, &e), kong.Exit(func(int) {}), terminal.Explain(Help))
	if fail != nil {
		t.Fatal(fail)
	}
	context, fail := parser.Parse(append([]string{"calc"}, words...))
	if fail != nil {
		return to.Fail(terminal.Usage(fail)), o.String(), e.String()
	}
	return to.Fail(context.Run(&to)), o.String(), e.String()
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "trips")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

const trips = "a b c\na - 10 30\nb 20 - 40\nc 50 60 -\n"

// TestAnswers: each calculator says what is known, as text and as JSON.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		args string
		code int
		text string // of the lines, single spaces
		json string // within
	}{
		{"quorum", 0, "quorum 2 of 3: any two", `"quorum": 2`},
		{"quorum -n 5", 0, "bears 2 that stop", `"fast_paxos_fast_quorum": 4`},
		{"quorum -n 7 --byzantine", 0, "quorum 5 of 7: any two share a node that does not lie", `"tolerates": 2`},
		{"quorum -n 5 --byzantine", 0, "quorum 4 of 5:", `"quorum": 4`},
		{"quorum -n 5 -f 1", 0, "spare 2 of", `"spare_nodes": 2`},
		{"quorum -n 10 --first 8", 0, "second phase 3 of 10: it commits with 7 down", `"second_phase": 3`},
		{"quorum -n 10 --second 3", 0, "first phase 8", `"safe": true`},
		{"quorum -n 5 --first 2 --second 3", 1, "safe NO: first + second phase must exceed n", `"share_no_node": [`},
		{"quorum -n 5 --fast 3", 1, "safe NO: first phase + twice fast", `"safe": false`},
		{"quorum -n 5 --fast 4", 0, "fast quorum 4", `"fast_quorum": 4`},
		{"quorum a*b*c+d*e*f --reads 0.25", 0, "capacity 2.6666", `"load": 0.375`},
		{"quorum choose(2,a,b,c) --capacity 1000", 0, "capacity 1500 commands", `"read_resilience": 1`},
		{"availability -n 1", 0, "nines 2.00", `"unavailable": 0.01`},
		{"availability -n 3", 0, "up 99.9702%", `"quorum": 2`},
		{"availability -n 2,2,1", 0, "any 1 region, and after that any 0 nodes", `"survives_regions": 1`},
		{"availability -n 3 --down 0", 0, "it never fails", `"nines": null`},
		{"availability -n 2,2 --region-down 1", 0, "up 0% of", `"unavailable": 1`},
		{"staleness --trials 2000", 0, "within the last 2: 55.56%", `"versions_for_chance": 18`},
		{"staleness -r 2 -w 2 --trials 2000", 0, "R+W > N a read asks", `"missed": 0`},
		{"staleness -n 3 -w 1 --trials 10", 0, "2W ≤ N no replica need see both", `"writes_meet": false`},
		{"staleness --write-delay 10ms --ack-delay 1ms --read-delay 1ms --response-delay 1ms --trials 10", 0,
			"visible 0 ms", `"p50_ms": 11`},
		{"timeouts --rtt 100ms --flush 0s", 0, "election timeout 1000 ms to 2000 ms", `"heartbeat_ms": 100`},
		{"timeouts --regions VA,IR,TO --flush 0s --drift 0", 0, "heartbeat 279 ms", `"election_timeout_ms": 2784`},
		{"timeouts --rtt 100ms --heartbeat 100ms --election 500ms", 1, "PROBLEM an election timeout",
			`raise it to 1.01s"`},
		{"timeouts -n 10 --votes 8 --rtt 10ms", 0, "until it commits", `"electors": 9`},
		{"timeouts --rtt 10ms --request 1s", 0, "a client tries for 35.94 s", `"retry_horizon_seconds": 35.9375`},
		{"timeouts -n 2", 0, "nobody is elected", `"problems": []`},
		{"timeouts --loss 0.5 --heartbeat 100ms --election 1s", 1, "one in", `"false_election_every_hours": 0`},
		{"latency VA OR CA", 0, "OR * 22.9 ms 57.9 ms", `"best_leader": "OR"`},
		{"latency va or ca --clients 1,0,0", 0, "VA * 82.6 ms 82.6 ms", `"client_mean_ms": 82.6`},
		{"latency us-east-1 OR CA", 0, "us-east-1 82.6 ms", `"best_leader": "OR"`},
		{"latency --nodes 3 --rtt 2ms --flush 1ms", 0, "1 * 3.0 ms 4.3 ms 3.0 5.0 5.0", `"best_leader": "1"`},
		{"ring", 0, "deviation 8.935%", `"moved_by_one_more": 0.166666`},
		{"ring -n 1", 0, "deviation 0%", `"shares": {`},
		{"latency VA OR CA --flush 10ms", 0, "OR * 32.9 ms 67.9 ms", `"flush_ms": 10`},
		{"latency --matrix=" + file(t, trips), 0, "a * 10.0 ms 33.3 ms 10.0 30.0 60.0", `"epaxos_fast_path"`},
		{"replication", 0, "synchronous waits for 3: 30 ms", `"waits_for": 2`},
		{"replication --writes 1000 --applied 800", 0, "age 12 s", `"drain_seconds": 15`},
		{"replication --hops 1ms,10ms,20ms,3ms", 0, "chain of 3 write 34 ms, read 6 ms", `"write_ms": 34`},
		{"confirmations -q 0.3", 0, "rosenfeld 15.64% undone after 6 blocks", `"blocks_for_risk": 32`},
		{"confirmations -q 0.3", 0, "nakamoto 13.21% undone", `"blocks_for_risk": 24`},
		{"confirmations -q 0.6", 0, "100% undone", `"blocks_for_risk": null`},
		{"confirmations --delay 10m", 0, "at most 38.2% of the power", `"tolerable_share": 0.38196`},
	} {
		words := strings.Fields(c.args)
		code, out, err := command(t, words...)
		if flat := strings.Join(strings.Fields(out), " "); code != c.code || !strings.Contains(flat, c.text) {
			t.Errorf("calc %s: exit %d, want %d with %q:\n%s%s", c.args, code, c.code, c.text, out, err)
		}
		code, out, err = command(t, append(words, "-o", "json")...)
		if code != c.code || !strings.Contains(out, c.json) || !json.Valid([]byte(out)) {
			t.Errorf("calc %s -o json: exit %d, want %d with %s:\n%s%s", c.args, code, c.code, c.json, out, err)
		}
	}
}

// TestWrong: what is called wrongly ends with 2, and the message has the flag, its
// value, and what was expected.
func TestWrong(t *testing.T) {
	for _, c := range []struct{ args, want string }{
		{"", "expected one of"},
		{"nothing", "nothing"},
		{"quorum -o xml", "--output"},
		{"quorum -n 0", "--nodes=0 expected from 1 to"},
		{"quorum -n 4 -f 2 --byzantine", "--failures=2 2f+1 = 5 3f+1 = 7"},
		{"quorum -n 3 --first 4", "--first=4 from 0 to 3"},
		{"quorum -n 3 --first 2 --byzantine", "--failures expected without --first"},
		{"quorum --writes a", "--writes=a expression"},
		{"quorum a+", "a+ want"},
		{"quorum a --writes a*", "--writes=a*"},
		{"quorum a --reads 2", "--reads=2 0 to 1"},
		{"quorum a --down=-1", "--down=-1 0 to 1"},
		{"quorum a --capacity 0", "--capacity=0 above 0"},
		{"quorum a --survive=-1", "--survive=-1 from 0"},
		{"availability -n 0", "--nodes=0 1 to 1000"},
		{"availability -n 1000,1", "--nodes=1001 1 to 1000"},
		{"availability -q 4", "--quorum=4 1 to 3"},
		{"availability --down NaN", "--down=NaN 0 to 1"},
		{"availability --region-down 1.5", "--region-down=1.5 0 to 1"},
		{"staleness -n 0", "--replicas=0 1 to"},
		{"staleness -r 4", "--read=4 1 to 3"},
		{"staleness -w 0", "--write=0 1 to 3"},
		{"staleness --network tape", "--network=tape ssd, disk"},
		{"staleness --write-delay soon", "--write-delay=soon 5ms"},
		{"staleness --apart=-2s", "--apart=-2s from 0s"},
		{"staleness --after=-2s", "--after=-2s from 0s"},
		{"staleness --chance 1", "--chance=1 between 0 and 1"},
		{"staleness --trials 0", "--trials=0 1 to"},
		{"timeouts --rtt=-1s", "--rtt=-1s from 0s"},
		{"timeouts --rtt=20s", "round 20.001s 50s"},
		{"timeouts --regions VA,MARS", "--regions=MARS VA OR"},
		{"timeouts --flush 2h", "--flush=2h 1h"},
		{"timeouts --loss 1", "--loss=1 below 1"},
		{"timeouts --drift 1", "--drift=1 0.1"},
		{"timeouts --risk 0", "--risk=0 between 0 and 1"},
		{"timeouts -n 1", "--nodes=1 from 2"},
		{"timeouts --heartbeat 1s", "--election=0s from 1ms"},
		{"timeouts --election 1s", "--heartbeat=0s from"},
		{"latency", "no regions VA OR"},
		{"latency MARS", "MARS VA OR"},
		{"latency VA --matrix x", "--matrix=x without regions"},
		{"latency --matrix /no/such", "--matrix=/no/such expected a file"},
		{"latency --matrix " + file(t, "a b\na 1\n"), "--matrix= expected a matrix: line 2"},
		{"latency VA OR -q 3", "--quorum=3 1 to 2"},
		{"latency VA OR --clients 1", "--clients=[1] expected 2 weights"},
		{"latency VA OR --clients 0,0", "--clients=[0 0] above 0"},
		{"latency VA --flush=-1s", "--flush=-1s from 0s"},
		{"latency --nodes 3", "--rtt=0s from 1ns"},
		{"latency --nodes 3 --rtt 1ms VA", "--nodes=3 without regions"},
		{"latency --nodes 100 --rtt 1ms", "--nodes=100 2 to"},
		{"timeouts -n 3 --votes 3", "--votes=3 1 to 2"},
		{"timeouts --request=-1s", "--request=-1s from"},
		{"ring -n 0", "--nodes=0 1 to"},
		{"ring --points 0", "--points=0 1 to"},
		{"replication --replicas=-1s", "--replicas=-1s from 0s"},
		{"replication --hops 1ms", "--hops=[1ms] at least 2"},
		{"replication --hops=1ms,-1ms", "--hops=-1ms from 0s"},
		{"replication --writes 1", "--writes=1 --applied=0 never catches up"},
		{"replication --writes=-1 --applied 1", "--writes=-1"},
		{"replication --writes 1 --for=-1s", "--for=-1s from 0s"},
		{"confirmations -q 2", "--attacker=2 from 0 to 1"},
		{"confirmations --blocks=-1", "--blocks=-1 from 0"},
		{"confirmations --risk 0", "--risk=0 above 0"},
		{"confirmations --delay=-1s", "--delay=-1s at least 0s"},
		{"confirmations --interval=0s", "--interval=0s above 0s"},
	} {
		code, out, err := command(t, strings.Fields(c.args)...)
		if code != terminal.ExitUsage || out != "" {
			t.Errorf("calc %s: exit %d, %s", c.args, code, out)
		}
		for _, w := range strings.Fields(c.want) {
			if !strings.Contains(err, w) {
				t.Errorf("calc %s: no %q in %q", c.args, w, err)
			}
		}
	}
}

// TestExamples: what --help shows runs, and ends as it says.
func TestExamples(t *testing.T) {
	examples := 0
	for _, name := range []string{"quorum", "availability", "staleness", "timeouts", "latency", "replication",
		"confirmations"} {
		_, text, _ := command(t, name, "--help")
		for l := range strings.Lines(text) {
			l, found := strings.CutPrefix(strings.TrimSpace(l), "althing calc ")
			if !found || strings.HasPrefix(l, name+" [") || strings.Contains(l, "--matrix") {
				continue
			}
			examples++
			var words []string
			for i, quoted := range strings.Split(l, "'") {
				if i%2 == 1 {
					words = append(words, quoted)
				} else {
					words = append(words, strings.Fields(quoted)...)
				}
			}
			if code, out, err := command(t, words...); code == terminal.ExitUsage || out == "" {
				t.Errorf("althing calc %s: exit %d: %s", l, code, err)
			}
		}
	}
	if examples < 15 {
		t.Errorf("%d examples", examples)
	}
}
