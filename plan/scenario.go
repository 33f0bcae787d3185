package plan

import (
	"fmt"
	"strings"
)

// The scenarios that every plan lists.
const (
	LeaderCrash       = "leader crash"
	FollowerCrash     = "follower crash"
	MinorityPartition = "minority partition"
	MajorityPartition = "majority partition"
	Asymmetric        = "asymmetric partition"
	SlowNode          = "slow node"
	SlowDisk          = "slow disk"
	ClockSkew         = "clock skew"
	Duplicates        = "duplicated messages"
	Reordered         = "reordered messages"
	LostMessages      = "lost messages"
	LostDisk          = "restart with lost disk"
	RegionLoss        = "region loss"
	ChangeInFlight    = "configuration change in flight"
)

// Scenarios are all of them, in this order.
var Scenarios = []string{LeaderCrash, FollowerCrash, MinorityPartition, MajorityPartition, Asymmetric, SlowNode,
	SlowDisk, ClockSkew, Duplicates, Reordered, LostMessages, LostDisk, RegionLoss, ChangeInFlight}

// A course is what happens in a scenario, and how it ends. Words in braces stand
// for numbers of the plan: see words.
type course struct{ behavior, recovery string }

// courses are what systems of a kind do in each scenario. Minority partition: a
// minority with the leader is cut off; majority partition: no part has a quorum.
var courses = map[kind]map[string]course{
	ledMajority: {
		LeaderCrash: {"No command is answered until another leads: {outage} at the most likely. Nothing acknowledged is lost.",
			"A follower that hears nothing for {timeout} to {timeout2} asks for votes, and leads with {election} of {n}; the crashed node comes back as a follower."},
		FollowerCrash: {"Commands go on while {quorum} of {n} are up; the leader waits for the others.",
			"The node replays its log, and is sent what it lacks: entries, or a snapshot."},
		MinorityPartition: {"A leader on the smaller side answers nothing from then on, and steps down after {timeout}; the larger side elects another. Reads on the smaller side are refused.",
			"When it heals the smaller side follows; what it had not decided is dropped, and was never acknowledged."},
		MajorityPartition: {"No part has {quorum} of {n} nodes: no write and no linearizable read is answered. Nothing is lost, nothing diverges.",
			"As soon as {election} nodes hear each other again they elect a leader, within {timeout2} and a round."},
		Asymmetric: {"A leader that is heard but hears nobody steps down, for it has no quorum's answers within {timeout}; without that check it would block the group for good.",
			"Another is elected; nodes that cannot be heard do not disturb it (pre-vote)."},
		SlowNode: {"A slow follower is not waited for; a slow leader slows all, and is replaced if it is silent for {timeout}.",
			"It catches up by itself; leadership can be handed over."},
		SlowDisk: {"A follower's does not matter while {quorum} others answer; the leader's own is not waited for either, if others are durable. Its votes and answers to clients wait.",
			"Hand leadership over; the node catches up when its disk does."},
		ClockSkew: {"Nothing: no safety rests on clocks, unless reads by lease are on; then clocks must not drift by more than is configured.",
			"None is needed."},
		Duplicates:   {"Nothing: each message names its term and index, and sessions answer a retried command with its first result.", "None is needed."},
		Reordered:    {"Nothing: an append that does not fit is refused and sent again.", "None is needed."},
		LostMessages: {"What was lost is sent again at the next heartbeat, {heartbeat} later at most; many in a row look like a crash.", "None is needed below one in ten."},
		LostDisk: {"A node that lost its disk has forgotten its vote: it must not come back under its ID. The others go on with {quorum} of {n}.",
			"Remove it, add a new member in its place; that one is sent a snapshot."},
		RegionLoss: {"{region}", "{regionback}"},
		ChangeInFlight: {"Old and new majorities overlap at each step, so commands go on; a leader that crashes leaves the change done or undone, never half.",
			"The next leader goes on with it; a change that did not commit is asked for again."},
	},
	openMajority: {
		LeaderCrash: {"There is no leader to lose; without its coordinator a group decides while nothing collides, and collisions wait for the next.",
			"Another coordinator takes over within {timeout2}."},
		FollowerCrash: {"While {quorum} of {n} are up, fast rounds go on; with fewer, rounds are classic: a delay more.",
			"The node replays its log and learns what it missed."},
		MinorityPartition: {"The larger side goes on, in classic rounds if it has no fast quorum; the smaller answers nothing.", "The smaller side learns what was decided."},
		MajorityPartition: {"No part has a majority: nothing is decided. Nothing is lost.", "Decisions go on as soon as a majority hears itself."},
		Asymmetric:        {"Votes of a node that is not heard are not waited for, if a quorum is left.", "The node learns what it missed."},
		SlowNode:          {"A fast quorum has little slack: one slow node can delay each command, where a leader's majority would not wait for it.", "The coordinator goes over to classic rounds."},
		SlowDisk:          {"As with a slow node: votes wait for disks.", "Classic rounds, which need fewer."},
		ClockSkew:         {"Nothing: no safety rests on clocks.", "None is needed."},
		Duplicates:        {"Nothing: a vote is given once in a round.", "None is needed."},
		Reordered:         {"Commands that arrive in different orders collide, and cost a round more.", "The coordinator picks by the votes."},
		LostMessages:      {"A lost vote may cost the fast round; it is asked for again within {heartbeat}.", "None is needed."},
		LostDisk:          {"A node that lost its disk has forgotten its votes, and must not come back under its ID.", "A group with a new member in its place has to be founded from a snapshot: this protocol has no change of members."},
		RegionLoss:        {"{region}", "{regionback}"},
		ChangeInFlight:    {"Not offered: a change of members is refused.", "Take a snapshot, and found a group of the new members from it."},
	},
	firstBackup: {
		LeaderCrash: {"No write is answered until a backup is promoted: {outage} at the most likely. {lossbehavior}",
			"A majority promotes the backup that has most, in a new epoch; the old primary is refused by its epoch when it comes back, and is a backup."},
		FollowerCrash: {"Synchronous writes wait until the backup is taken out of step, at most a heartbeat or two, {heartbeat} each; asynchronous ones do not wait.",
			"It catches up, and is in step again when it has all."},
		MinorityPartition: {"A primary on the smaller side loses its lease and answers nothing more; the larger side promotes another. {lossbehavior}", "The old primary takes the new one's state, and says which of its writes were undone."},
		MajorityPartition: {"No part has a majority, so nobody is promoted, and no primary keeps its lease.", "Promotion goes on as soon as a majority hears itself."},
		Asymmetric:        {"A primary that hears no answers loses its lease, and is replaced.", "It comes back as a backup."},
		SlowNode:          {"Synchronous: the slowest backup in step sets the pace. Asynchronous: the backup lags.", "It is taken out of step, and comes back."},
		SlowDisk:          {"Synchronous: each write waits for it while it is in step. The primary's own disk slows every write in all modes.", "Promote another, or let it drop out of step."},
		ClockSkew:         {"Leases rest on clocks that drift by no more than is configured; beyond that, two primaries could answer.", "Keep clocks disciplined; fencing by epoch refuses the old primary's writes at the backups all the same."},
		Duplicates:        {"Nothing: writes carry index and epoch, retries are known by session.", "None is needed."},
		Reordered:         {"Nothing: what does not fit is refused and sent again.", "None is needed."},
		LostMessages:      {"Sent again with the next heartbeat, {heartbeat} later at most.", "None is needed."},
		LostDisk:          {"The node must not come back under its ID; the others go on with a majority.", "A new member starts from the primary's state."},
		RegionLoss:        {"{region}", "{regionback}"},
		ChangeInFlight:    {"Not offered: the group is the one it was founded with.", "Found a new group from a snapshot."},
	},
	chained: {
		LeaderCrash: {"The head is gone: writes wait until the master has taken it out, {timeout} to {timeout2}; the next in the chain is head, and has all that was passed on.",
			"It comes back as the tail, after it has caught up."},
		FollowerCrash: {"Any node's failure stops writes until the master has taken it out; the tail's stops reads, too.",
			"The node before it sends to the one after it what that lacks; the failed one comes back as the tail."},
		MinorityPartition: {"The master, on the larger side, takes the others out of the chain; who is out neither answers reads nor commits.", "They come back as tails, one by one."},
		MajorityPartition: {"The master has no majority, so the chain stays as it is: it works only if it is whole.", "The master goes on as soon as a majority hears itself."},
		Asymmetric:        {"A link of the chain that carries nothing one way stops all, until the master takes an end of it out.", "The node comes back as the tail."},
		SlowNode:          {"All writes go through it: the slowest node sets the pace.", "Take it out of the chain."},
		SlowDisk:          {"As a slow node: each write waits for all disks.", "Take it out of the chain."},
		ClockSkew:         {"The tail reads by a lease of the master; clocks must not drift by more than is configured.", "None is needed within that."},
		Duplicates:        {"Nothing: updates are numbered.", "None is needed."},
		Reordered:         {"Nothing: an update that does not fit waits, or is asked for again.", "None is needed."},
		LostMessages:      {"A lost update stops the chain until it is sent again, {heartbeat} later at most.", "None is needed."},
		LostDisk:          {"The node must not come back under its ID; the chain goes on without it.", "A new member joins as the tail, with the state of its predecessor."},
		RegionLoss:        {"{region}", "{regionback}"},
		ChangeInFlight:    {"Chains are numbered by epochs; a message of another epoch is ignored, so a change is whole or not at all.", "The master's next leader goes on with it."},
	},
	viewed: {
		LeaderCrash: {"The group stops, agrees on a view without the failed member, and delivers in it what all who go on have: {timeout} to {timeout2} and two rounds.",
			"It joins again with the state of a member."},
		FollowerCrash:     {"As the sequencer's crash: every member must acknowledge, so each failure is a view change.", "It joins again with the state of a member."},
		MinorityPartition: {"The larger side forms the next view; the smaller stops (primary partition).", "Its members join again; what they sent and nobody delivered is sent anew."},
		MajorityPartition: {"No part has a majority of the last view: all stop.", "When enough members of the last view meet again, the view goes on."},
		Asymmetric:        {"A member that is not heard is taken out of the view.", "It joins again."},
		SlowNode:          {"All wait for its acknowledgement: the slowest member sets the pace, until it is taken out.", "Take it out; it joins again when it is well."},
		SlowDisk:          {"As a slow node.", "As a slow node."},
		ClockSkew:         {"Nothing: views, not clocks, decide who may act.", "None is needed."},
		Duplicates:        {"Nothing: messages are numbered in their view.", "None is needed."},
		Reordered:         {"Nothing: delivery waits for order.", "None is needed."},
		LostMessages:      {"Sent again within {heartbeat}; many in a row are taken for a crash, and cost a view.", "None is needed."},
		LostDisk:          {"It has forgotten its views, and must join as a new member.", "It joins with the state of a member."},
		RegionLoss:        {"{region}", "{regionback}"},
		ChangeInFlight:    {"A join is a view; a crash in the middle leaves the old view or the new one.", "The coordinator of the survivors proposes the next."},
	},
	lying: {
		LeaderCrash: {"Requests wait until a view change, {timeout} to {timeout2}; a primary that lies does no more than that.",
			"The next primary proves from {quorum} nodes' words what was prepared."},
		FollowerCrash:     {"Up to {f} of {n} nodes may be silent or lie, and {quorum} answer all the same.", "It is sent a checkpoint that {fplus} nodes vouch for."},
		MinorityPartition: {"The side with {quorum} of {n} goes on; the other answers nothing.", "It catches up by checkpoints."},
		MajorityPartition: {"No part has {quorum} of {n}: nothing is decided, nothing diverges.", "Views go on as soon as {quorum} hear each other."},
		Asymmetric:        {"A primary that is not heard is replaced; one that hears nobody cannot decide.", "A view change."},
		SlowNode:          {"Not waited for, unless it is the primary.", "A view change replaces a slow primary."},
		SlowDisk:          {"As a slow node: votes wait for disks, or a crash would let a node vote twice.", "None is needed."},
		ClockSkew:         {"Nothing: safety does not rest on clocks; view timers need only grow.", "None is needed."},
		Duplicates:        {"Nothing: a vote counts once, requests are known by client and number.", "None is needed."},
		Reordered:         {"Nothing: votes are collected in whatever order.", "None is needed."},
		LostMessages:      {"Sent again; a request that nobody orders makes the replicas change views.", "None is needed."},
		LostDisk:          {"A node that forgot its votes could vote twice: it counts as one of the {f} that may lie.", "It joins under a new key."},
		RegionLoss:        {"{region}", "{regionback}"},
		ChangeInFlight:    {"A change is a command like any other, ordered by the old members and in force after a checkpoint.", "The next view goes on with it."},
	},
	partial: {
		LeaderCrash:       {"There is no leader; clients go to another node.", "The node comes back, and is sent what it missed."},
		FollowerCrash:     {"Nodes that are up answer; what the other misses is kept for it.", "Anti-entropy brings it up to date."},
		MinorityPartition: {"Both sides take reads and writes, {nrwside}; they differ until it heals.", "They exchange what they have; writes that did not know of each other are found, and merged or kept side by side."},
		MajorityPartition: {"As any partition: each part goes on by itself, {nrwside}.", "They converge when they meet."},
		Asymmetric:        {"The side that hears takes the other's writes; the other lags.", "Anti-entropy compares both ways."},
		SlowNode:          {"Others answer first.", "It catches up."},
		SlowDisk:          {"Others answer first, if writes wait for fewer than all.", "It catches up."},
		ClockSkew:         {"{skew}", "Keep clocks disciplined; hybrid clocks refuse a time that is too far ahead."},
		Duplicates:        {"Nothing: a merge is idempotent.", "None is needed."},
		Reordered:         {"Nothing: a merge does not ask for an order; causes are waited for where they are promised.", "None is needed."},
		LostMessages:      {"A copy lags until anti-entropy finds it.", "Anti-entropy."},
		LostDisk:          {"The node must come back under a new identity for its versions: a number given twice would hide a write.", "It is filled from the others; what no other had is lost."},
		RegionLoss:        {"The other regions go on; what the lost one had not sent yet is gone with it.", "Its nodes are filled from the others."},
		ChangeInFlight:    {"Reads and writes go to old and new owners until the keys are there; nothing stops.", "Anti-entropy finishes what was interrupted."},
	},
}

// scenarios fills the courses of a plan's system with its numbers.
func (p *Plan) scenarios() {
	words := p.words()
	for _, name := range Scenarios {
		c := courses[p.system.kind][name]
		if name == RegionLoss && p.request.inhabited() < 2 && p.system.kind != partial {
			c = course{"All nodes are in one region: with it, everything stops; with its disks, everything is lost.",
				"Restore from a copy elsewhere; what was written since that copy is lost."}
		}
		p.FailureScenarios = append(p.FailureScenarios, FailureScenario{
			Scenario: name, Behavior: words.Replace(c.behavior), Recovery: words.Replace(c.recovery),
		})
	}
}

// words are what stands in braces in the courses.
func (p *Plan) words() *strings.Replacer {
	c, n := &p.Configuration, p.Configuration.Voters
	election := c.Quorum
	if c.Election > 0 {
		election = c.Election
	}
	region, back := "The others go on: what is left has a quorum.", "Its nodes catch up when they are back."
	if !p.FaultTolerance.AnyRegion {
		region = "Losing the region with most nodes leaves no quorum: all stops until it is back. Losing another one does no harm."
		back = "Bring the region back, or restore from a copy; forcing a minority to go on can lose what was acknowledged."
	}
	loss := "Nothing acknowledged is lost."
	if p.system.key == "primarybackup-async" {
		loss = "The last writes that no majority had are undone, and reported by key."
	}
	side := "each for itself"
	if p.NRW != nil {
		side = fmt.Sprintf("while %d replicas of a key can be written and %d read there (or stand-ins keep writes for them)",
			p.NRW.W, p.NRW.R)
	}
	skew := "Nothing: versions, not clocks, say what came after what."
	if p.system.key == "lww" {
		skew = "A node whose clock is ahead wins over later writes, which are lost."
	}
	ms := func(v int) string { return fmt.Sprintf("%d ms", v) }
	return strings.NewReplacer(
		"{n}", fmt.Sprint(n), "{quorum}", fmt.Sprint(c.Quorum), "{election}", fmt.Sprint(election),
		"{f}", fmt.Sprint(p.FaultTolerance.Liars), "{fplus}", fmt.Sprint(p.FaultTolerance.Liars+1),
		"{timeout}", ms(c.TimeoutMS), "{timeout2}", ms(2*c.TimeoutMS), "{heartbeat}", ms(c.HeartbeatMS),
		"{outage}", "about "+ms(p.outage()), "{region}", region, "{regionback}", back,
		"{lossbehavior}", loss, "{nrwside}", side, "{skew}", skew,
	)
}
