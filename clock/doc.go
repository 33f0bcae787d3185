// Package clock orders the events of a system without a common clock.
//
// Machines that only exchange messages have no shared now. What they do have is
// Lamport's happened-before: an event happened before another if it came
// earlier in the same process, if it is the sending of a message of which the
// other is the receipt, or by a chain of these. Two events of which neither
// happened before the other are concurrent: neither can have influenced the
// other. Each clock here gives events stamps that tell some of this:
//
//	clock          e before f gives   and back   size          use
//	Lamport        stamp(e)<stamp(f)  no         one number    one order, the same everywhere
//	Vector         stamp(e)<stamp(f)  yes        one a process causality in a fixed group
//	itc.Stamp      stamp(e)<stamp(f)  yes        what is mixed causality where processes come and go
//	Version        of writes          yes        one a writer  what a replica of some data knows
//	Siblings       of writes          yes        and the values concurrent writes, kept and resolved
//	HybridClock    stamp(e)<stamp(f)  no         64 bits       order that is near physical time
//	IntervalClock  stamp(e)<stamp(f)  no         64 bits       order by true time, by waiting
//
// "And back" is what makes conflicts visible: if neither of two such stamps is
// less, the events were concurrent, and [Order] says so. Lamport's and the
// hybrid clock order concurrent events too, in some way that means nothing. An
// interval clock orders even events between which no message went, if one
// ended before the other began; for that it needs clocks whose error is known.
//
// Which to take: for a log that all read in one order, a [Lamport] clock; if
// people or retention rules read the stamps as times, a [HybridClock]. To find
// out whether one event can have caused another, a [Vector], or, if processes
// come and go, the stamps of package itc. For data that is written in several
// places at once, [Siblings]. For transactions across sites with a bound on
// clock error, an [IntervalClock].
//
// A [History] is the stamps of a whole run: it tells which cuts through it are
// consistent, and so in which states it may have been.
//
// Clocks are plain values without locks, and read nothing: where physical time
// is needed it comes in as a function. None of them ever wraps; each fails with
// [ErrOverflow] instead. Each stamp has one binary and one text form. Decoders
// refuse any other with [ErrMalformed], and allocate no more than in proportion
// to what they are given.
//
// The words: a process has events; an actor makes writes, each named by a
// [Dot]. To tick is to count an event; to witness is to receive a stamp, which
// is an event too; to merge is to take over knowledge without an event.
package clock
