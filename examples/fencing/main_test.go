package main

import (
	"io"
	"testing"
	"time"

	"althing/lease"
)

func Example() {
	main()
	// Output:
	// An account of 100, and a lock:
	// 1s   ann is granted the lock, with number 1
	// 1s   ann may think that she holds it: true. She reads 100, and is going to add 10
	// 1s   her machine, that of replica 1, which leads, stands still
	// 3s   replica 2 leads
	// 5s   bob asks for the lock, and must wait
	// 12s  bob is granted the lock, with number 2
	// 12s  bob adds 1: done, under number 2
	// 21s  the machine goes on; for its replica 1 leads, and then 2
	// 21s  ann, who has looked at her clock before, writes: done, under number 1
	// 21s  the account has 110: what bob added is lost
	//
	// The same, and the account has a fence:
	// 1s   ann is granted the lock, with number 1
	// 1s   ann may think that she holds it: true. She reads 100, and is going to add 10
	// 1s   her machine, that of replica 1, which leads, stands still
	// 3s   replica 2 leads
	// 5s   bob asks for the lock, and must wait
	// 12s  bob is granted the lock, with number 2
	// 12s  bob adds 1: done, under number 2
	// 21s  the machine goes on; for its replica 1 leads, and then 2
	// 21s  ann, who has looked at her clock before, writes: refused, for number 1 is older than 2
	// 23s  ann is granted the lock, with number 3
	// 23s  ann reads 101, and adds 10: done, under number 3
	// 23s  the account has 111: nothing is lost
}

// TestFence: whenever bob asks, and however long after that ann goes on, with a
// fence no update is lost; without one his is, whenever he could make one.
func TestFence(t *testing.T) {
	lost := 0
	for asks := 4 * time.Second; asks < 20*time.Second; asks += 900 * time.Millisecond {
		for after := time.Millisecond; after < 20*time.Second; after += 3 * time.Second {
			for _, fenced := range []bool{false, true} {
				granted, balance := race(t, fenced, asks, after)
				want := 110
				if granted && fenced {
					want = 101
				} else if granted {
					lost++
				}
				if balance != want {
					t.Errorf("fenced %v, bob asks at %v, ann goes on %v after that: %d, want %d",
						fenced, asks, after, balance, want)
				}
			}
		}
	}
	if lost == 0 {
		t.Error("bob was never granted the lock")
	}
}

// race is the story up to ann's write.
func race(t *testing.T, fenced bool, asks, after time.Duration) (granted bool, balance int) {
	l, err := newLock(io.Discard)
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	must(err)
	a := account{balance: 100, fenced: fenced}
	ann, bob := client{"ann", lease.Holder{Terms: terms}}, client{"bob", lease.Holder{Terms: terms}}
	l.at(time.Second)
	must(l.acquire(&ann))
	number, _ := ann.Believes(l.Now())
	must(l.stop())
	l.at(asks)
	must(l.acquire(&bob))
	second, granted := bob.Believes(l.Now())
	if granted {
		a.write(second, a.balance+1)
	}
	l.at(asks + after)
	must(l.goOn())
	a.write(number, 110)
	return granted, a.balance
}

// TestAnOldLeaderGrantsNothing: the machine that stood still takes itself for the
// leader; what it is asked is not decided, and so not granted.
func TestAnOldLeaderGrantsNothing(t *testing.T) {
	l, err := newLock(io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if err := l.stop(); err != nil {
		t.Fatal(err)
	}
	if err := l.Resume(l.stopped); err != nil {
		t.Fatal(err)
	}
	l.leader = l.stopped
	ann := client{"ann", lease.Holder{Terms: terms}}
	if err := l.acquire(&ann); err != nil {
		t.Fatal(err)
	}
	if _, ok := ann.Believes(l.Now()); ok || l.Status(l.stopped).Leader == l.stopped {
		t.Error("a replica that leads no longer has granted the lock")
	}
}
