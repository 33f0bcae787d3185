package load

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

// ticksPerSecond is the unit of the CPU times that Linux shows of a process:
// it shows them in hundredths on every machine. proc(5), times(2)
const ticksPerSecond = 100

const unknown time.Duration = -1

// A spending is the CPU time of one process over a time.
type spending struct {
	name      string
	cpu, over time.Duration
}

// A usage measures CPU time from begin on.
type usage struct {
	mu   sync.Mutex
	pids []int // 0: this process
	from []time.Duration
	at   time.Time
}

func newUsage(pids []int) *usage {
	u := &usage{pids: append([]int{0}, pids...)}
	u.begin()
	return u
}

// begin forgets what was spent so far.
func (u *usage) begin() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.from, u.at = u.from[:0], time.Now()
	for _, pid := range u.pids {
		t, err := cpuTime(pid)
		if err != nil {
			t = unknown
		}
		u.from = append(u.from, t)
	}
}

// since returns what was spent. A process that cannot be looked at is left out.
func (u *usage) since() (s []spending) {
	u.mu.Lock()
	defer u.mu.Unlock()
	over := time.Since(u.at)
	for i, pid := range u.pids {
		t, err := cpuTime(pid)
		if err != nil || u.from[i] == unknown {
			continue
		}
		name := "generator"
		if pid != 0 {
			name = "pid " + strconv.Itoa(pid)
		}
		s = append(s, spending{name, t - u.from[i], over})
	}
	return s
}

// cpuTime returns the time a process has spent since it began; 0 is this one.
// It needs Linux.
func cpuTime(pid int) (time.Duration, error) {
	who := "self"
	if pid != 0 {
		who = strconv.Itoa(pid)
	}
	b, err := os.ReadFile("/proc/" + who + "/stat")
	if err != nil {
		return 0, err
	}
	return parseStat(string(b))
}

// parseStat reads utime and stime, fields 14 and 15 of proc(5). The second
// field is a name in brackets that may hold anything.
func parseStat(s string) (time.Duration, error) {
	_, rest, ok := cutLast(s, ")")
	fields := strings.Fields(rest)
	if !ok || len(fields) < 13 {
		return 0, fmt.Errorf("parse %q: not the state of a process", s)
	}
	var ticks uint64
	for _, f := range fields[11:13] {
		n, err := strconv.ParseUint(f, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("parse CPU time: %w", err)
		}
		ticks += n
	}
	return time.Duration(ticks) * (time.Second / ticksPerSecond), nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}
