// Package partition says which node holds which keys, and what a change of
// nodes would move before it is made.
//
// # The problem
//
// Keys are many, nodes are few, and nodes come and go. "Hash mod number of nodes"
// is even, but one node more moves n of n+1 keys. What is wanted is even, moves
// only what it must (1/(n+1) of all keys to a node that comes, 1/n from one that
// goes, and nothing between the others), and is computed alike by all who ask,
// with no word between them.
//
// # Three ways
//
// A [Placement] computes the node from the key's hash. All four schemes stand
// behind it:
//
//	            weights  copies  any may go  capacity  cost of a look-up
//	Ring          yes     cheap     yes        any      a search among n·100 points
//	Rendezvous    yes     exact     yes        any      a look at every node
//	Jump          no      *         last only  any      ln n steps, no memory
//	Anchor        no      *         yes        fixed    1 + ln(capacity/n) steps
//
// (* The papers have no second choice; here it is that of rendezvous, so the
// second and further copies cost a look at every node.) Take a ring for copies or
// weights on many nodes, rendezvous for up to some dozens of nodes, anchor for
// one copy on many. A [Ring] of 100 points a node has its fullest node about 16 %
// above the mean with 10 nodes, 27 % with 100, 35 % with 1,000; the other three
// are as even as chance: so few keys, so much noise. [Bounded] puts a limit on
// what any node gets, over each scheme.
//
// [Ranges] keep keys in order, so that they can be scanned: each node has ranges
// of keys. They split and merge as their size and load change; a [Meter] for each
// says where, and a [Policy] holds the thresholds, far enough apart that a range
// which has just split does not merge again.
//
// A [Directory] is a table: it can put any partition on any node, at the price
// that everyone must have the table, and the same one.
//
// # Copies
//
// [Prefer] returns the nodes for the copies of a key, never one twice, and
// [PreferRacks] never two of one rack. Where there are not enough, they say so.
//
// # Epochs
//
// Ranges and directories are told, not computed, so a client or a node may hold
// an old one. Each partition therefore has an epoch, which grows with each change
// of it. A request bears the epoch its sender knows; a node's [Guard] refuses it
// unless the node is the owner, knows the same epoch, and has a lease on its copy
// of the map that has not run out. A refused client fetches the map and asks
// again. So nothing stale is served, and where the keeper of the map keeps the
// rule that stands at Guard, no key by two nodes at once.
//
// # Plans
//
// Placements, ranges and directories are values. A change makes a new one, and
// Moves compares it with the one in use: a [Plan] says how many keys go from where
// to where, and how many of them go between nodes that both stay as they are.
//
// # What leaves the process
//
// [Hash] is xxHash64, the same everywhere for ever. A placement's [Description],
// ranges and directories have a text each, one for each value, and read it back.
//
// # Words
//
//	point      the hash of a key, or where a node stands on the ring
//	owner      the node of a key's first copy
//	walk       all nodes in the order in which they would take over a key
//	epoch      counts the changes of a partition; grows, and never recurs
//	version    counts the changes of a map; an epoch is the version that made it
//
// # Sources
//
// Karger et al. 1997 and DeCandia et al. 2007 (rings), Thaler and Ravishankar 1998
// (rendezvous), Lamping and Veach 2014 (jump), Mendelson et al. 2021 (anchor),
// Mirrokni, Thorup and Zadimoghaddam 2018 (bounded loads). What is left out: how
// the map gets to all nodes (let a group agree on it) and how keys are moved.
package partition
