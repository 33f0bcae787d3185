// Package benor lets a group agree on one bit by tossing coins: the randomised
// consensus of Ben-Or, for replicas that crash.
//
// # Papers
//
// Ben-Or, "Another Advantage of Free Choice: Completely Asynchronous Agreement
// Protocols", PODC 1983, protocol A: cited as A. Aguilera and Toueg, "The
// Correctness Proof of Ben-Or's Randomized Consensus Algorithm", 2012 (the paper
// itself has none for n > 2f against an adversary who sees the coins): cited as AT.
//
// # Words
//
//	input      the bit that a replica begins with: that of the first command it is
//	           asked for, which is the last bit of the command's last byte ("0", "1")
//	round      a report and a proposal of each replica, from round 1
//	report     the bit that a replica has in a round
//	proposal   a bit that most of the group reported in the round, or "?"
//	coin       process.Output.Choose: the node's dice, the seed's, or both sides
//	f          how many replicas may be down: the group has more than 2f
//
// # Messages
//
//	message    from, to               answered by         when
//	Report     replica, voters        -                   a round begins: A, step 1
//	Proposal   replica, voters        -                   step 2; it says the report, too
//	Decided    replica, all           -                   step 3b; and to whoever asks
//	Ask        replica, all           what was said last  the timer of one that has no input
//
// A message of an earlier round than its receiver's is answered with what that one
// said last. On its disk a replica has each of its own Reports and Proposals, and
// what is Decided; the latest of these stands for all.
//
// # Steps
//
//  1. A replica reports its bit to all. (Report)
//  2. It waits for n-f reports of the round. If more than n/2 of the group reported
//     one bit, it proposes that bit to all, and else "?". (Proposal)
//  3. It waits for n-f proposals of the round. (a) A bit that one or more propose
//     becomes its own. (b) A bit that more than f propose is decided. (c) If all it
//     heard of propose "?", it tosses the coin for its bit. The next round begins.
//  4. Who decides tells all, and answers every message with it. (Decided)
//
// All messages go to oneself too, and count when they come: what a replica says
// counts nowhere before its disk has it.
//
// # Why it is right
//
// Two bits are not proposed in one round, for each would need a majority's reports.
// If a bit is decided in a round, more than f proposed it; so whoever ends the round
// hears it from one of them, takes it, and no other bit is reported ever after. If
// all inputs are one bit, no coin is tossed, so what is decided is somebody's input.
//
// Whoever ends a round takes the one bit that may be proposed in it, or tosses. If all
// come to have one bit so, the next round decides. If nobody who chooses the order of
// messages sees the coins, that has a probability of 2^-n or more in each round. If
// he sees them he may let a bit be proposed after others have tossed: that the
// probability of being undecided falls to 0 even so is what AT proves. This is the way
// around the theorem of Fischer, Lynch and Paterson, which speaks of protocols without
// chance: no clock is asked here, and the timer only sends again what may be lost. In
// explore/models is the protocol as a model of three processes over links that lose
// nothing: it has the exact odds against the worst adversary. This one runs; by a
// network that is blind, most seeds need two or three rounds if both bits are asked for.
//
// # What it can not do
//
//   - It decides one bit, not a command. The entry that is committed is no command:
//     its kind is NoOp, its Cmd "0" or "1". Clients are answered by the replica, not
//     by the application, all alike and however late they come: with the bit.
//   - There is no read: a command that comes late learns the bit, and does nothing
//     else. No session, no change of the group, nobody who could hand over.
//   - A replica whose disk was lost must not come back under its ID: it could report
//     twice in a round.
//
// # What is different here
//
//   - Ben-Or's links lose nothing, and his processes do not come back. Here each says
//     again, by a timer, what it said last; and a replica that hears of a later round
//     than its own goes there at once, with the bit that it heard reported there as
//     its own. What has been shown above stays true: no bit is reported in a round but
//     one with which another replica ended the round before, and who left rounds out
//     says nothing in them. So nobody needs an old message, and none is kept for later.
//   - Likewise a replica without an input takes part with the bit it hears of first.
//   - A Proposal says what its sender reported, so that the last message is enough.
//   - Who has decided stops: "Decided" takes the place of taking part for ever.
package benor
