// Package prove holds the claims of a plan against runs.
//
// Prove takes what a plan recommends and the runner-up, which is the first
// alternative that is another protocol and can be run, through every scenario that
// plans list, in the simulator: under the distances, disks, reads and clocks of the
// request, and with the heartbeat and timeouts of the plan. It writes into the plan
// what each run came to, and beside it the seed and the command that comes to the
// same. The same plan gives the same figures, however many cores there are.
//
// A run contradicts the plan if
//
//	a promise of the protocol is broken, as its monitor and package history judge
//	acknowledged writes are lost, and the plan does not say that they may be
//	a read shows less than was acknowledged before it, and reads are to be linearizable
//	answers stop for longer than the plan says, by far: see allowed
//	answers go on where the plan says that they stop, in the middle of the scenario
//
// What cannot be run is said, and not passed over: systems without a row in the
// catalog, protocols that do not claim to survive a scenario, changes that a protocol
// refuses. A group larger than the simulator takes is run with as many nodes as it does.
//
// The chance of a partition that a request gives is the chance that a run has one,
// and not of a message to be lost: it weighs the outages, with partitions and
// without, in what a run is to expect.
package prove
