package telemetry

import (
	"sort"
	"strconv"
	"time"

	"althing/process"
)

const (
	// timelinePoints and timelineGap make a timeline reach back some 40 s at
	// the least: who is further behind than that is far behind.
	timelinePoints = 4096
	timelineGap    = 10 * time.Millisecond
)

// A timeline remembers when which index was reached.
type timeline struct {
	points []point // a ring once it is full; ascending from oldest on
	oldest int
	last   point
}

type point struct {
	index uint64
	at    time.Duration
}

// add notes that index is reached now. Of those close together it keeps the
// first.
func (t *timeline) add(index uint64, now time.Duration) {
	if n := len(t.points); n > 0 && now-t.at(n-1).at < timelineGap {
		t.last = point{index, now}
		return
	}
	p := point{index, now}
	t.last = p
	if len(t.points) < timelinePoints {
		t.points = append(t.points, p)
		return
	}
	t.points[t.oldest] = p
	t.oldest = (t.oldest + 1) % len(t.points)
}

// at returns the i-th point, the oldest first.
func (t *timeline) at(i int) point { return t.points[(t.oldest+i)%len(t.points)] }

// behind returns how many entries lie between match and the last, and how long
// ago the first of them was reached: 0 if there are none. Further back than
// the timeline goes the age is that of its beginning.
func (t *timeline) behind(match uint64, now time.Duration) (entries uint64, age time.Duration) {
	if match >= t.last.index {
		return 0, 0
	}
	n := len(t.points)
	i := sort.Search(n, func(i int) bool { return t.at(i).index > match })
	since := t.last.at
	if i < n {
		since = t.at(i).at
	}
	return t.last.index - match, now - since
}

func itoa(id process.ID) string { return strconv.Itoa(int(id)) }
