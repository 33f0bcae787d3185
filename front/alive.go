package front

import (
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

const (
	// maxStrikes is how many pings may come too early. As grpc-go has it.
	maxStrikes = 2
	// idlePing is how seldom a client may ping while it has no call.
	idlePing = 2 * time.Hour
	// drainTimeout is how long a client may take to answer that it has heard
	// that we end.
	drainTimeout = 5 * time.Second

	// maxCredit frames that ask for nothing are taken at once, and creditRate
	// in a second from then on. A client that cancels a thousand calls at one
	// time is within it, one that does so all the time is not: rapid reset,
	// CVE-2023-44487, and its kin.
	maxCredit  = 10_000
	creditRate = 1000
	// recentStreams are those, of the last opened, whose reset draws on the
	// credit. Calls that are given up when their time is over, as happens when
	// we are slow, are older.
	recentStreams = 1000
)

// drainPing asks whether the client has heard that we end.
var drainPing = [8]byte{'g', 'o', 'i', 'n', 'g'}

// credit is what frames that ask for nothing are paid from.
type credit struct {
	spent int
	since time.Time
}

// spend counts a frame that asks for nothing. The reader calls it.
func (c *conn) spend() error {
	k := &c.credit
	if k.spent++; k.spent <= maxCredit {
		return nil
	}
	now := time.Now()
	k.spent -= min(k.spent, int(min(now.Sub(k.since).Seconds(), maxCredit/creditRate)*creditRate))
	k.since = now
	if k.spent > maxCredit {
		return &violation{http2.ErrCodeEnhanceYourCalm, "too many frames that ask for nothing"}
	}
	return nil
}

// pings is what is remembered of a client's pings.
type pings struct {
	last    time.Time
	strikes int
}

// onPing answers PING, and looks whether it comes too early. Whoever was just
// sent something may ping: grpc-go measures the line by that. c.mu is held.
func (c *conn) onPing(f *http2.PingFrame) error {
	if f.IsAck() {
		if f.Data == drainPing && c.drain2 != nil {
			c.drain2.Stop()
			c.endStreams()
		}
		return nil
	}
	c.control(appendPing(c.out, true, f.Data))
	least := c.s.o.PingMin
	if len(c.streams) == 0 {
		least = idlePing
	}
	now := time.Now()
	early := now.Sub(c.pings.last) < least
	c.pings.last = now
	switch {
	case c.said:
		c.said, c.pings.strikes = false, 0
	case early:
		c.pings.strikes++
	}
	if c.pings.strikes > maxStrikes {
		return &violation{http2.ErrCodeEnhanceYourCalm, "too_many_pings"} // clients know the text
	}
	return nil
}

// alive tells whether the client is.
type alive struct {
	heard  atomic.Uint64 // frames that came
	writes atomic.Uint64 // begun and ended: odd while the flusher writes
	tick   *time.Timer
	drain2 *time.Timer // ends a client's time to hear that we end; nil before

	// Of the tick alone.
	heardLast, writesLast uint64
	silent                time.Duration // since heard last changed, about
	pinged                bool
}

// startTicking begins to look whether the client is alive. c.mu is held.
func (c *conn) startTicking() {
	every := min(c.s.o.PingTimeout, c.s.o.PingInterval)
	c.tick = time.AfterFunc(every, func() { c.look(every) })
}

// look cuts off a client that has not taken what was written to it, or not
// answered a ping, since the last look; and pings one that is silent.
func (c *conn) look(every time.Duration) {
	heard, writes := c.heard.Load(), c.writes.Load()
	stuck := writes%2 == 1 && writes == c.writesLast
	c.writesLast = writes
	if heard != c.heardLast {
		c.heardLast, c.silent, c.pinged = heard, 0, false
	} else {
		c.silent += every
	}
	late := c.pinged && c.silent >= c.s.o.PingInterval+c.s.o.PingTimeout
	if stuck || late {
		c.close(errGone)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	if c.silent >= c.s.o.PingInterval && !c.pinged {
		c.pinged = true
		c.out = appendPing(c.out, false, [8]byte{})
		c.wakeFlusher()
	}
	c.tick.Reset(every)
}

// drain begins to end the connection gracefully: the client is told, and when
// it has heard, no more streams are taken on. RFC 9113 §6.8.
func (c *conn) drain() {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed || c.drain2 != nil:
	case !c.started:
		c.closed = true
		_ = c.nc.Close() // in the handshake: there is nothing to lose
	default:
		c.out = appendGoAway(c.out, maxWindow, http2.ErrCodeNo, "graceful_stop")
		c.out = appendPing(c.out, false, drainPing)
		c.wakeFlusher()
		c.drain2 = time.AfterFunc(drainTimeout, func() {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.endStreams()
		})
	}
}

// endStreams takes no more streams on, and ends the connection with the last.
// c.mu is held.
func (c *conn) endStreams() {
	if c.drained || c.closed {
		return
	}
	c.drained = true
	c.out = appendGoAway(c.out, c.lastID, http2.ErrCodeNo, "graceful_stop")
	c.wakeFlusher()
	if len(c.streams) == 0 {
		c.finish()
	}
}
