// Fencing shows why a lock needs a fence: a client that holds it is stopped for
// longer than its lease, another one gets the lock, and then the first goes on, with
// a write in its hands. Run it:
//
//	go run ./examples/fencing
//
// The lock is package lease above Raft, in a World of three replicas. The client
// lives on the machine that leads; that machine stands still, and goes on as if
// nothing had been. Time is virtual: a pause of twenty seconds takes none.
package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"althing/lease"
	"althing/process"
	"althing/protocol/raft"
	"althing/world"
)

var terms = lease.Terms{Length: 10 * time.Second, Skew: time.Second}

func main() {
	for _, fenced := range []bool{false, true} {
		if err := story(fenced); err != nil {
			fmt.Fprintln(os.Stderr, "fencing:", err)
			os.Exit(1)
		}
	}
}

// story is the same twice, but for one comparison of two numbers.
func story(fenced bool) error {
	if fenced {
		fmt.Println("\nThe same, and the account has a fence:")
	} else {
		fmt.Println("An account of 100, and a lock:")
	}
	l, err := newLock(os.Stdout)
	if err != nil {
		return err
	}
	a := account{balance: 100, fenced: fenced}
	ann, bob := client{"ann", lease.Holder{Terms: terms}}, client{"bob", lease.Holder{Terms: terms}}

	l.at(1 * time.Second)
	if err := l.acquire(&ann); err != nil {
		return err
	}
	number, holds := ann.Believes(l.Now())
	seen := a.balance
	l.say("ann may think that she holds it: %v. She reads %d, and is going to add 10", holds, seen)
	if err := l.stop(); err != nil {
		return err
	}
	l.at(5 * time.Second)
	if err := l.acquire(&bob); err != nil {
		return err
	}
	l.at(12 * time.Second)
	if err := l.acquire(&bob); err != nil {
		return err
	}
	second, _ := bob.Believes(l.Now())
	l.say("bob adds 1: %s", a.write(second, a.balance+1))

	l.at(21 * time.Second)
	if err := l.goOn(); err != nil {
		return err
	}
	l.say("ann, who has looked at her clock before, writes: %s", a.write(number, seen+10))
	if a.balance != 101 {
		l.say("the account has %d: what bob added is lost", a.balance)
		return nil
	}
	l.at(23 * time.Second) // when bob's lease is over
	if err := l.acquire(&ann); err != nil {
		return err
	}
	third, _ := ann.Believes(l.Now())
	seen = a.balance
	l.say("ann reads %d, and adds 10: %s", seen, a.write(third, seen+10))
	l.say("the account has %d: nothing is lost", a.balance)
	return nil
}

// An account is the resource. It is not in the log of the lock, or it would need
// none; its fence is beside it, and lives as long.
type account struct {
	balance int
	fenced  bool
	fence   lease.Fence
}

// write sets the balance under the lease of a number.
func (a *account) write(number uint64, balance int) string {
	if a.fenced && !a.fence.Take(number) {
		return fmt.Sprintf("refused, for number %d is older than %d", number, a.fence.Last)
	}
	a.balance = balance
	return fmt.Sprintf("done, under number %d", number)
}

// A client knows what it was granted.
type client struct {
	name string
	lease.Holder
}

// A lock is three replicas of Raft, and what comes of their log: whoever applies
// it has the same lease, for what is asked and when is in the log.
type lock struct {
	*world.World
	leader  process.ID
	stopped process.ID
	service lease.Service
	applied int
	out     io.Writer
}

func newLock(out io.Writer) (*lock, error) {
	w := world.New(raft.Protocol, world.Config{Replicas: 3, Seed: 1})
	l := &lock{World: w, service: lease.Service{Terms: terms}, out: out}
	for id := range process.ID(3) {
		if err := l.Restart(id + 1); err != nil {
			return nil, err
		}
	}
	l.Advance(time.Second / 2)
	return l, l.elect(1)
}

// elect lets a replica hear of no leader for so long that it asks for votes.
func (l *lock) elect(id process.ID) error {
	const election process.Timer = 1
	if err := l.Timeout(id, election); err != nil {
		return err
	}
	l.settle()
	if l.leader = l.Status(id).Leader; l.leader != id {
		return fmt.Errorf("replica %d was not elected", id)
	}
	return nil
}

// stop lets the machine that leads stand still. Another takes its place, with all
// that was decided.
func (l *lock) stop() error {
	l.stopped = l.leader
	if err := l.Pause(l.stopped); err != nil {
		return err
	}
	l.say("her machine, that of replica %d, which leads, stands still", l.stopped)
	l.at(3 * time.Second)
	if err := l.elect(l.stopped%3 + 1); err != nil {
		return err
	}
	l.say("replica %d leads", l.leader)
	return nil
}

// goOn lets the machine go on. What is on the way to it arrives now.
func (l *lock) goOn() error {
	if err := l.Resume(l.stopped); err != nil {
		return err
	}
	before := l.Status(l.stopped).Leader
	l.settle()
	l.say("the machine goes on; for its replica %d leads, and then %d", before, l.Status(l.stopped).Leader)
	return nil
}

// acquire asks for the lock, at the time of the leader, and tells the client what
// came of it when the request is decided.
func (l *lock) acquire(c *client) error {
	asked := l.Now()
	cmd := fmt.Sprintf("put lock %s %d", c.name, asked)
	if err := l.Submit(l.leader, []process.Request{{Cmd: []byte(cmd)}}); err != nil {
		return err
	}
	l.settle()
	number, ok := uint64(0), false
	for _, e := range l.Chosen()[l.applied:] {
		l.applied++
		if e.Req.Kind != process.Command {
			continue
		}
		var name string
		var at time.Duration
		if _, err := fmt.Sscanf(string(e.Req.Cmd), "put lock %s %d", &name, &at); err != nil {
			return fmt.Errorf("read entry %d: %w", e.Index, err)
		}
		number, ok = l.service.Grant(name, at)
	}
	if !ok {
		l.say("%s asks for the lock, and must wait", c.name)
		return nil
	}
	c.Granted(number, asked)
	l.say("%s is granted the lock, with number %d", c.name, number)
	return nil
}

func (l *lock) at(t time.Duration) { l.Advance(t) }

func (l *lock) say(format string, args ...any) {
	fmt.Fprintf(l.out, "%-4s %s\n", strings.TrimSuffix(l.Now().String(), "0ms"), fmt.Sprintf(format, args...))
}

// settle lets disks write and messages arrive, until nothing moves.
func (l *lock) settle() {
	for moved := true; moved; {
		moved = false
		for id := process.ID(1); id <= 3; id++ {
			if n := l.Unsynced(id); n > 0 {
				moved = l.Sync(id, n) == nil || moved
			}
		}
		for _, f := range l.Flights() {
			moved = l.Deliver(f.ID) == nil || moved
		}
	}
	l.News.Reset()
}
