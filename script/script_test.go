package script

import (
	"bytes"
	"strings"
	"testing"

	"althing/world/worldtest"
)

const put = `# The primary replicates what is durable.
timers resend
quiet group 3
quiet stabilize
submit 1 put k v
deliver 1->1
sync 1
deliver 1->2 Append
sync 2
deliver 1->1
deliver 2->1
status
---
submit 1: put k v
  save Log Type=4 Entries=[1@1 put k v]
  1⇢2 Append Type=1 Entries=[1@1 put k v]
  1⇢3 Append Type=1 Entries=[1@1 put k v]
  1⇢1 Ack Type=2 Index=1
  1 is primary@1 leader=1 last=1 commit=0
cannot: there is no such message
sync 1 (1 records)
  1→2 Append Type=1 Entries=[1@1 put k v]
  1→3 Append Type=1 Entries=[1@1 put k v]
  1→1 Ack Type=2 Index=1
1→2 Append Type=1 Entries=[1@1 put k v]
  save Log Type=4 Entries=[1@1 put k v]
  2⇢1 Ack Type=2 Index=1
  2 is backup@1 leader=1 last=1 commit=0
sync 2 (1 records)
  2→1 Ack Type=2 Index=1
1→1 Ack Type=2 Index=1
2→1 Ack Type=2 Index=1
  commit 1@1 put k v
  answer put k v: 
  1 is primary@1 leader=1 last=1 commit=1
1 primary@1 leader=1 last=1 commit=1 unsynced=0 {1,2,3} k=v
2 backup@1 leader=1 last=1 commit=0 unsynced=0 {1,2,3}
3 backup@1 leader=1 last=0 commit=0 unsynced=0 {1,2,3}
`

func TestAScriptTellsWhatHappened(t *testing.T) {
	got, err := Run(worldtest.Protocol(worldtest.NoBug), []byte(put))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != put {
		t.Errorf("%s\n%s", Diff([]byte(put), got), got)
	}
	again, err := Run(worldtest.Protocol(worldtest.NoBug), got)
	if err != nil || !bytes.Equal(again, got) {
		t.Errorf("the second time is not like the first: %v\n%s", err, Diff(got, again))
	}
}

// run plays commands without prose and returns the outcome.
func run(t *testing.T, bug worldtest.Bug, commands string) string {
	t.Helper()
	got, err := Run(worldtest.Protocol(bug), []byte(commands+"\n---\n"))
	if err != nil {
		t.Fatal(err)
	}
	_, outcome, _ := strings.Cut(string(got), "---\n")
	return outcome
}

func TestEveryCommandDoesWhatItSays(t *testing.T) {
	const begin = "timers resend\nquiet group 3\nquiet stabilize\n"
	const retry = "quiet session 1 a\nquiet stabilize\nquiet submit 1 a.1 append k x\nquiet stabilize\n"
	for commands, want := range map[string]string{
		"show timers\nquiet advance 1s\ntimeout 1 resend": "timeout 1 resend\n" +
			"  1→2 Append Type=1\n  1→3 Append Type=1\n  timer resend in 50ms\n",
		"timeout 1 1":      "timeout 1 resend\n  1→2 Append Type=1\n  1→3 Append Type=1\n",
		"timeout 2 resend": "cannot: the timer is not set\n",
		"quiet timeout 1 1\ndrop 1->2 Append\ndrop 1->2": "drop 1→2 Append Type=1\ncannot: there is no such message\n",
		"quiet timeout 1 1\nduplicate 1->2\nflying": "duplicate 1→2 Append Type=1\nin flight 1→2 Append Type=1\n" +
			"in flight 1→3 Append Type=1\nin flight 1→2 Append Type=1\n",
		retry + "submit 1 a.1 append k x\nquiet stabilize\nread 1 a.2 get k": "submit 1: c1.1 append k x\n" +
			"  save Log Type=4 Index=2 Entries=[3@1 c1.1 append k x]\n" +
			"  1⇢2 Append Type=1 Index=2 Commit=2 Entries=[3@1 c1.1 append k x]\n" +
			"  1⇢3 Append Type=1 Index=2 Commit=2 Entries=[3@1 c1.1 append k x]\n" +
			"  1⇢1 Ack Type=2 Index=3\n  1 is primary@1 leader=1 last=3 commit=2\n" +
			"submit 1: c1.2 read get k\n  serve at 3: c1.2 read get k\n  answer c1.2 read get k: x\n",
		"members 1 1,2 3": "submit 1: members {1,2} learners {3}\n" +
			"  refuse members {1,2} learners {3}: Unsupported, ask 0\n",
		"transfer 1 2": "submit 1: transfer to 2\n  refuse transfer to 2: Unsupported, ask 0\n",
		"quiet submit 1 put k v\ncrash 1 keep=1\nrestart 1": "crash 1 (1 records)\nrestart 1 (1 records)\n" +
			"  1→1 Ack Type=2 Index=1\n  1 is primary@1 leader=1 last=1 commit=0\n",
		"quiet submit 1 put k v\nflushfail 1": "flushfail 1 (0 records)\n",
		"crash 1 keep=1":                      "cannot: the replica has fewer unsynced records\n",
		"losedisk 2\nrestart 2":               "losedisk 2\ncannot: the replica's disk is gone\n",
		"corrupt 2\nquiet crash 2\nrestart 2": "corrupt 2\n" +
			"cannot: the replica refuses to start: its log is corrupt\n",
		"join":                              "join 4\n  4 is backup@1 leader=1 last=0 commit=0\n",
		"flush 1":                           "cannot: there is nothing to do\n",
		"pause 2\nsubmit 2 get k\nresume 2": "pause 2\ncannot: the replica is paused\nresume 2\n",
		"partition 1 | 2 3\nmend 1->2\ncut 1->2\nheal": "partition 1 | 2 3\nmend 1→2\ncut 1→2\nheal\n",
		"advance 50ms\nadvance 1s":                     "it is 50ms\nit is 1.05s\n",
		"clock 1 ppm=10 jump=1s":                       "clock 1: ahead by 1s\n",
	} {
		if got := run(t, worldtest.NoBug, begin+commands); got != want {
			t.Errorf("%s\n got %q\nwant %q", commands, got, want)
		}
	}
}

func TestAViolationEndsTheWorld(t *testing.T) {
	begin := "quiet group 3\n"
	got := run(t, worldtest.BadTimer, begin+"quiet submit 1 put k v")
	if want := "violation: Contract: replica 1 sets timer 16 to {0s 0s}\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	_, err := Run(worldtest.Protocol(worldtest.BadTimer), []byte(begin+"submit 1 put k v\nstatus\n---\n"))
	if err == nil {
		t.Error("the World went on after a violation")
	}
}

func TestWhatMakesNoSenseIsAnErrorWithItsLine(t *testing.T) {
	for _, bad := range []string{
		"fly 1", "timeout 1", "timeout x 1", "timeout 1 tea", "deliver 1", "deliver 1-2", "deliver 1->0", "sync",
		"sync 1 x", "submit 1", "submit 1 nobody.1 put k v", "members 1", "members 1 x", "crash 1 keep=x",
		"partition 1 2", "advance -1s", "clock 1 speed=3", "group", "group 99", "group 3 colour=red", "show all",
		"quiet", "status all", "flying low", "join 4", "heal 1", "cut 1", "transfer 1", "session 1",
	} {
		_, err := Run(worldtest.Protocol(worldtest.NoBug), []byte("quiet group 3\n"+bad+"\n---\n"))
		if err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, bad := range []string{"status\n---\n", "group 3\n"} {
		if _, err := Run(worldtest.Protocol(worldtest.NoBug), []byte(bad)); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

func FuzzRun(f *testing.F) {
	f.Add([]byte(put))
	f.Add([]byte("quiet\ngroup 3 election=1s\ndeliver ->\nsync 9\n---"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1<<10 {
			return // longer scripts bring nothing new, and stabilize takes its time
		}
		if out, err := Run(worldtest.Protocol(worldtest.NoBug), b); err == nil && len(out) > 0 {
			if _, err := Run(worldtest.Protocol(worldtest.NoBug), out); err != nil {
				t.Errorf("what it wrote it does not read: %v", err)
			}
		}
	})
}
