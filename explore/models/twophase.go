package models

import (
	"fmt"
	"slices"
	"strings"

	"althing/explore"
)

// TwoPhase is two-phase commit among resource managers and one transaction
// manager: Gray and Lamport, "Consensus on Transaction Commit", 2006, §3. A
// message, once sent, stays and may be received again.
//
// A state is one byte for each resource manager (its state, whether its
// Prepared was sent and whether that was received) and one for the transaction
// manager, whose decision is also the message that it sent.
type TwoPhase struct {
	Managers int
	buf      []byte
}

const (
	working = iota
	prepared
	committed
	aborted
	rmState = 0x03
	rmSent  = 0x04 // Prepared is on the network
	rmHeard = 0x08 // the transaction manager has received it
)

// The transaction manager's states.
const (
	undecided = iota
	decidedCommit
	decidedAbort
)

// Kinds of actions.
const (
	tmCommit uint8 = iota
	tmAbort
	tmHear
	rmPrepare
	rmAbort
	rmHearCommit
	rmHearAbort
)

// Kinds implements explore.Model.
func (*TwoPhase) Kinds() []string {
	return []string{"commit", "abort", "hear prepared", "prepare", "choose to abort", "hear commit", "hear abort"}
}

// Fork implements explore.Model.
func (t *TwoPhase) Fork() explore.Model { return &TwoPhase{Managers: t.Managers} }

// Initial implements explore.Model.
func (t *TwoPhase) Initial(s *explore.Steps) { s.Add(0, make([]byte, t.Managers+1)) }

// Next implements explore.Model.
func (t *TwoPhase) Next(state []byte, s *explore.Steps) {
	n := t.Managers
	tm := state[n]
	ready := true
	for _, rm := range state[:n] {
		ready = ready && rm&rmHeard != 0
	}
	if tm == undecided && ready {
		t.step(state, s, tmCommit, n, decidedCommit)
	}
	if tm == undecided {
		t.step(state, s, tmAbort, n, decidedAbort)
	}
	for i, rm := range state[:n] {
		if tm == undecided && rm&rmSent != 0 {
			t.step(state, s, tmHear, i, rm|rmHeard)
		}
		if rm&rmState == working {
			t.step(state, s, rmPrepare, i, rm&^rmState|prepared|rmSent)
			t.step(state, s, rmAbort, i, rm&^rmState|aborted)
		}
		if tm == decidedCommit {
			t.step(state, s, rmHearCommit, i, rm&^rmState|committed)
		}
		if tm == decidedAbort {
			t.step(state, s, rmHearAbort, i, rm&^rmState|aborted)
		}
	}
}

// step adds the state with byte i replaced.
func (t *TwoPhase) step(state []byte, s *explore.Steps, kind uint8, i int, b byte) {
	t.buf = append(t.buf[:0], state...)
	t.buf[i] = b
	s.Add(explore.NewAction(kind, uint64(i)), t.buf)
}

// Canonical implements explore.Symmetric: resource managers differ in nothing
// but their bytes, so these are sorted.
func (t *TwoPhase) Canonical(state []byte) { slices.Sort(state[:t.Managers]) }

// Properties implements explore.Model.
func (t *TwoPhase) Properties() []explore.Property {
	all := func(want byte) func([]byte) bool {
		return func(state []byte) bool {
			for _, rm := range state[:t.Managers] {
				if rm&rmState != want {
					return false
				}
			}
			return true
		}
	}
	return []explore.Property{
		{Name: "consistent", Mode: explore.Always, Holds: t.consistent},
		{Name: "all abort", Mode: explore.Sometimes, Holds: all(aborted)},
		{Name: "all commit", Mode: explore.Sometimes, Holds: all(committed)},
	}
}

// consistent: no manager commits while another aborts.
func (t *TwoPhase) consistent(state []byte) bool {
	var seen [4]bool
	for _, rm := range state[:t.Managers] {
		seen[rm&rmState] = true
	}
	return !seen[committed] || !seen[aborted]
}

// Describe implements explore.Model.
func (t *TwoPhase) Describe(_ []byte, a explore.Action) string {
	if a.Kind() <= tmAbort {
		return "the transaction manager decides to " + t.Kinds()[a.Kind()]
	}
	return fmt.Sprintf("%s (%d)", t.Kinds()[a.Kind()], a.Arg())
}

// Show implements explore.Model.
func (t *TwoPhase) Show(state []byte) string {
	var words []string
	for _, rm := range state[:t.Managers] {
		words = append(words, [...]string{"working", "prepared", "committed", "aborted"}[rm&rmState])
	}
	return strings.Join(words, " ")
}
