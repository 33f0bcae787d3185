// Package itc implements interval tree clocks: a clock of causality for systems
// whose processes come and go. (Almeida, Baquero, Fonte, Interval Tree Clocks,
// OPODIS 2008.)
//
// A vector clock needs to know its processes: each owns an entry, and the entry
// stays when the process has gone. Here, what is owned is a part of the
// interval [0,1). The first process owns all of it. A process forks by giving
// half of its part to a new one, with nobody else's help; it retires by letting
// another join it, who then owns both parts. No name is ever given out.
//
// What is known is a function from [0,1) to counts, where a vector is one from
// processes to counts. A process has an event by raising the function somewhere
// in its part, where nobody else can have raised it. To learn what another
// knows is to take the greater of the two functions at each point. One stamp is
// before another if its function is nowhere the greater.
//
// A [Stamp] is both: an id, the part that is owned, and an event tree, the
// function. An id is 0, for nothing, or 1, for all, or a pair of ids, for the
// two halves of the interval. An event tree is a number n, for n everywhere, or
// a triple (n,l,r), for n plus what l says of the left half and r of the right.
// Both are kept in normal form: the smallest tree for the function.
//
//	Seed   (1,0): all is owned, nothing has happened
//	Fork   one stamp becomes two that know the same and share the part
//	Peek   a copy that owns nothing: what a message carries
//	Event  something happened here
//	Join   what both own and know
//	Compare  who knew of whom
//
// The operations of other clocks are made of these. To send is Event, then a
// Peek to go with the message; to receive is Join with it, then Event; two
// replicas synchronize by a Join, then a Fork. After a Fork or a Join the
// stamps that went in must not be used again: their parts have new owners. So
// an id is like a name: whoever restores one from a backup has to be sure that
// nobody else goes on with it. Join refuses two ids that overlap, which
// is how such a mistake shows, if late.
//
// Stamps are as large as their history is mixed: some bits when few processes
// are active, but proportional to their number, not to its logarithm, when all
// are and hear of each other. Joins make them small again.
//
// A Stamp is an immutable value: copies are free, and any number of goroutines
// may use one.
package itc
