// Package crdt is data that several replicas may change at the same time,
// without asking each other, and that becomes the same everywhere once they
// have told each other: conflict-free replicated data types, in the delta-state
// form of Almeida, Shoker and Baquero, Delta state replicated data types, 2018
// (arXiv 1603.01529). Counters, registers and sets are first described, as whole
// states, by Shapiro, Preguiça, Baquero and Zawirski, A comprehensive study of
// Convergent and Commutative Replicated Data Types, 2011. The papers of the
// other types are named at each.
//
// # How it is used
//
// A replica holds a state, changes it in its own name, and gets a delta: a
// small state that says what has changed. It sends the delta, or now and then
// its whole state, to the others, who join what they get:
//
//	var here, there crdt.AWSet
//	there.Join(here.Add(1, "apple")) // 1 is the actor: see below
//
// Join is associative, commutative and idempotent, and states only go up by it
// (definition 3 there). So messages may come twice, late and in any order, alone
// or joined with others, and through third parties; they may be lost, as long as
// something later says the same; and what has taken in the same is the same, to
// the byte. What was lost, a whole state makes good. An [Outbox] sees to it that
// nothing is, and seldom needs one.
//
// # The types
//
//	type            when two change it at once                          memory
//	GCounter        all increments count                                actors
//	PNCounter       all increments and decrements count                 2 × actors
//	BoundedCounter  so they do, and it never falls below 0              pairs of actors that gave
//	GSet            all elements are in                                 elements
//	AWSet           add wins over remove                                elements in it
//	RWSet           remove wins over add                                elements ever; Prune
//	LWWRegister     the later by the clock wins, the other is lost      1
//	MVRegister      both values are kept until a write has seen both    values not yet overwritten
//	EWFlag          enable wins over disable                            1
//	Map             by field: Counter, Set, Register, Flag, or a map    what is in it, of counters
//	                again; a remove resets what it has seen             each increment
//	Sequence        both inserts stay whole, one before the other       elements ever
//
// To that the causal types, AWSet to Map but for LWWRegister, add a [Context]:
// one span for each actor there ever was, as long as no delta is missing. All
// have a Size, which tells.
//
// # How the causal types work
//
// Each change gets a dot, which no other ever gets: an actor and a number. A
// state is a store, which says what dots stand for, and a context, which is the
// dots ever seen. A dot in the context that is not in the store is something
// that was removed; one that is in neither is news. Hence the join keeps of two
// stores what both have, and what one has and the other has not seen;
// and hence nothing else need be kept of the removed. Every change replaces
// what it has seen by a dot of its own or by nothing: what it has not seen it
// cannot touch, and that is what "wins" means in the table.
//
// # What the program must see to
//
// Actors. No two replicas may use one actor, nor one replica an actor whose
// changes it may have forgotten: it would give a dot twice, and others, who have
// seen that dot, would take the new change for an old one and lose it. A
// replica that was restored from a backup or has lost its disk goes on as a new
// actor. Save a change before it is sent.
//
// Trust. Bytes are checked for form: any that no state has are refused, so
// whatever is read can be joined. But a replica that lies about what it has
// seen can remove all, and no data type can prevent it.
//
// Invariants that span replicas. Two may both pass a check and break together
// what each held alone. A [BoundedCounter] shares out one such invariant
// beforehand; for others the replicas must agree first.
//
// Nothing here is for several goroutines at once.
package crdt

import (
	"encoding"
	"fmt"
)

// A State is what every type here is, as a pointer: *GCounter, *AWSet and so
// on. Its zero value is the least state; Join makes the least that is above
// both; equal states have equal bytes. Deltas are states.
type State[T any] interface {
	*T
	Join(*T)
	Clone() *T
	Size() Size
	encoding.BinaryAppender
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
	fmt.Stringer
}
