// Package snapshot takes pictures of a group that never stops: what every
// member held, and what was on its way between them, at one time that nobody
// could tell from a real one. Two protocols do so, for two kinds of channels.
//
// # The problem
//
// Members move money among one another. Nobody can look at all accounts at once,
// and who looks at one after the other may see a sum twice, or not at all: it was
// sent after the one account was seen and arrived before the other. A picture is
// right if it is a consistent cut: whatever is received in it was sent in it. Then
// the accounts, with what it shows on its way, add up to what there always was.
//
// # Sources
//
// Chandy and Lamport, Distributed Snapshots: Determining Global States of
// Distributed Systems, 1985: markers, for channels that keep their order. Lai and
// Yang, On Distributed Snapshots, 1987: colours, for channels that do not.
//
// # Words
//
//	member     one process, with an account
//	channel    from one member to another: packets numbered from 1, none lost
//	picture    a snapshot: its initiator and the initiator's number for it
//	record     of a picture: to note one's account, once
//	colour     of a packet: how many pictures of each initiator its sender had
//	           recorded
//	before     of a marker: how many packets of its channel were sent before its
//	           sender recorded
//
// # Messages
//
//	Packet  member → member, and the record of its sending and of its receipt
//	Begun   never sent: this member begins a picture
//	Ack     member → member: packets 1 to that are durable here
//	Stored  to itself: this packet of ours is durable
//
// # The steps of chandylamport
//
//  1. To begin a picture, record, and send a marker on every channel before
//     anything else.
//  2. At the first marker of a picture, record, and send markers likewise. Nothing
//     was on its way on the channel that it came by.
//  3. At a further marker: what came by its channel since we recorded was on its way.
//  4. When a marker has come by every channel, this member's part is complete.
//
// A channel delivers in order here, whatever the network does: a packet that is
// too early is dropped, and comes again.
//
// # The steps of laiyang
//
//  1. Every packet bears its sender's colour. To begin a picture, record.
//  2. Before a packet is received whose sender had recorded a picture that we have
//     not, record it: so nothing that was sent after the picture is in it.
//  3. A packet that comes after we recorded, and whose sender had not, was on its
//     way.
//  4. Having recorded, tell on each channel how many packets were sent before.
//     When these have come by every channel, this member's part is complete.
//
// Here a channel delivers in any order, and each packet once.
//
// # Channels, crashes
//
// Both papers assume channels that lose nothing, and members that do not fail. Here
// links lose and repeat, and members crash and come back: so each channel numbers
// its packets, keeps them until they are acknowledged, and sends them again; and a
// member saves each packet before it sends it, or acts on it. What it does follows
// from its records alone, so after a crash it is where it was. A member that is
// gone for good stops every picture, and its money is gone as well.
//
// Pictures of different initiators may overlap. An initiator begins the next of its
// own when the last is complete at itself: then every member has recorded it.
//
// # What is left out
//
// Collecting the parts of a picture in one place. Cutting the log: it holds every
// packet ever. These are protocols to learn from and to test with, not to serve.
package snapshot
