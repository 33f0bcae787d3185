package clock

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"
)

// A Hybrid is a stamp that agrees with happened-before, as a [Lamport] time
// does, and is close to physical time: 48 bits of milliseconds since 1970, then
// a counter of 16 bits for events within one. Stamps are ordered as numbers.
// (Kulkarni et al., Logical Physical Clocks, 2014; the paper packs 48 bits of an
// NTP time, with a unit of 15 µs, where there are milliseconds here.)
type Hybrid uint64

const counterBits = 16

// maxWall is the last millisecond that a Hybrid has room for, in the year 10889.
const maxWall = math.MaxUint64 >> counterBits

// NewHybrid returns the stamp with these parts. The wall time has 48 bits: more
// are cut off.
func NewHybrid(wall uint64, counter uint16) Hybrid {
	return Hybrid(wall<<counterBits | uint64(counter))
}

// Wall returns the milliseconds since 1970, which can be ahead of physical time
// by as much as clocks differ.
func (h Hybrid) Wall() uint64 { return uint64(h >> counterBits) }

// Counter returns the number within the millisecond.
func (h Hybrid) Counter() uint16 { return uint16(h) }

// Time returns the wall time.
func (h Hybrid) Time() time.Time { return time.UnixMilli(int64(h.Wall())) }

// AppendBinary appends 8 bytes, the highest first: bytes are ordered as stamps
// are. It never fails.
func (h Hybrid) AppendBinary(b []byte) ([]byte, error) {
	return binary.BigEndian.AppendUint64(b, uint64(h)), nil
}

// MarshalBinary is AppendBinary to nil.
func (h Hybrid) MarshalBinary() ([]byte, error) { return h.AppendBinary(nil) }

// UnmarshalBinary reads what AppendBinary wrote, or fails with ErrMalformed.
func (h *Hybrid) UnmarshalBinary(b []byte) error {
	if len(b) != 8 {
		return malformed("hybrid")
	}
	*h = Hybrid(binary.BigEndian.Uint64(b))
	return nil
}

// String returns "wall+counter".
func (h Hybrid) String() string {
	b, _ := h.AppendText(nil)
	return string(b)
}

// AppendText appends what String returns. It never fails.
func (h Hybrid) AppendText(b []byte) ([]byte, error) {
	b = append(strconv.AppendUint(b, h.Wall(), 10), '+')
	return strconv.AppendUint(b, uint64(h.Counter()), 10), nil
}

// MarshalText is AppendText to nil.
func (h Hybrid) MarshalText() ([]byte, error) { return h.AppendText(nil) }

// UnmarshalText reads what AppendText wrote, or fails with ErrMalformed.
func (h *Hybrid) UnmarshalText(text []byte) error {
	pair, err := parsePair(text, "+", "hybrid")
	if err != nil || pair[0] > maxWall || pair[1] > math.MaxUint16 {
		return malformed("hybrid")
	}
	*h = NewHybrid(pair[0], uint16(pair[1]))
	return nil
}

// What a HybridClock refuses. It is then as it was.
var (
	// ErrOffset: a remote stamp is further ahead of physical time than clocks may
	// differ. Were it taken over, one broken clock would move all others.
	ErrOffset = errors.New("clock: remote time too far ahead")
	// ErrLimit: the next stamp is beyond what has been reserved.
	ErrLimit = errors.New("clock: beyond the reserved time")
)

// A HybridClock gives the stamps of one process. Each is greater than all that
// it gave or witnessed before, whatever physical time does. It is not for
// several goroutines at once.
//
// For that to hold across restarts too, the process keeps a limit on disk: it
// gives no stamp beyond it, and after a restart none up to it. Reserve tells
// what to write; Extend, when that is durable, that it has been written.
type HybridClock struct {
	physical  func() time.Time
	maxOffset uint64 // ms
	last      Hybrid // the latest given or witnessed
	limit     Hybrid
}

// NewHybridClock returns the clock of a process that never restarts under the
// same name. A stamp from elsewhere may be ahead of physical time by up to
// maxOffset, in whole milliseconds: the most that the physical clocks of two
// processes may differ by.
func NewHybridClock(physical func() time.Time, maxOffset time.Duration) *HybridClock {
	c := RestoreHybridClock(physical, maxOffset, 0)
	c.limit = math.MaxUint64
	return c
}

// RestoreHybridClock returns the clock of a process that wrote this limit last,
// or 0 if it never wrote any. It gives stamps beyond the limit only, and needs
// an Extend before the first.
func RestoreHybridClock(
	physical func() time.Time, maxOffset time.Duration, limit Hybrid,
) *HybridClock {
	offset := uint64(max(0, maxOffset.Milliseconds()))
	return &HybridClock{physical: physical, maxOffset: offset, last: limit, limit: limit}
}

// Now returns the stamp of the next event: a local one, or a message sent. It
// fails with ErrLimit, or with ErrOverflow at the end of time.
func (c *HybridClock) Now() (Hybrid, error) {
	wall, err := c.wall()
	if err != nil {
		return 0, err
	}
	return c.next(wall, c.last)
}

// Witness returns the stamp of the receipt of a message: greater than its
// stamp. It fails with ErrOffset, or as Now does.
func (c *HybridClock) Witness(remote Hybrid) (Hybrid, error) {
	wall, err := c.wall()
	if err != nil {
		return 0, err
	}
	if remote.Wall() > wall+c.maxOffset {
		return 0, fmt.Errorf("witness %v at %d, with %d ms at most between: %w",
			remote, wall, c.maxOffset, ErrOffset)
	}
	return c.next(wall, max(c.last, remote))
}

// next gives the least stamp that is greater than all before and not behind
// physical time. Where the paper counts c up, this counts the whole number up:
// the same, but that a counter without room carries into the wall time, which
// then is 1 ms ahead for each 65,536 events within one.
func (c *HybridClock) next(wall uint64, before Hybrid) (Hybrid, error) {
	if before == math.MaxUint64 {
		return 0, fmt.Errorf("tick at %v: %w", before, ErrOverflow)
	}
	h := max(before+1, NewHybrid(wall, 0))
	if h > c.limit {
		return 0, fmt.Errorf("tick at %v, with %v reserved: %w", h, c.limit, ErrLimit)
	}
	c.last = h
	return h, nil
}

// wall returns physical time in milliseconds; before 1970, it is 1970.
func (c *HybridClock) wall() (uint64, error) {
	ms := max(0, c.physical().UnixMilli())
	if ms > maxWall {
		return 0, fmt.Errorf("read physical time %d ms: %w", ms, ErrOverflow)
	}
	return uint64(ms), nil
}

// Ahead returns by how much the latest stamp is ahead of physical time, or 0 if
// it is not: how far the clocks of the group differ, as seen from here. After a
// restart it is what of the old reservation is left. Whoever then must not give
// stamps that others would refuse waits for it to fall.
func (c *HybridClock) Ahead() (time.Duration, error) {
	wall, err := c.wall()
	if err != nil || c.last.Wall() <= wall {
		return 0, err
	}
	const most = uint64(math.MaxInt64 / time.Millisecond)
	return time.Duration(min(c.last.Wall()-wall, most)) * time.Millisecond, nil
}

// Reserve returns a limit that lets the clock go on for that long, in whole
// milliseconds: to be made durable, then handed to Extend. Well before that
// much time has passed, it is time for the next.
func (c *HybridClock) Reserve(ahead time.Duration) (Hybrid, error) {
	wall, err := c.wall()
	if err != nil {
		return 0, err
	}
	wall = max(wall, c.last.Wall()) + uint64(max(0, ahead.Milliseconds()))
	return max(c.limit, NewHybrid(min(wall, maxWall), math.MaxUint16)), nil
}

// Extend lets the clock give stamps up to a limit that is durable now. A lower
// one than before changes nothing.
func (c *HybridClock) Extend(limit Hybrid) { c.limit = max(c.limit, limit) }
