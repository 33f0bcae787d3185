// Package vsync sends messages to a group whose membership all agree on: virtual
// synchrony. Whoever is in the same two views, one after the other, has delivered
// the same messages between them; so a failure looks to all as if it had happened
// at one moment between two messages. Here messages are requests, and what is
// delivered stays delivered. There are three rows: vsync has one order for all, and
// most of this page is about it; vsync-causal and vsync-fifo have less, see below.
//
// # Papers
//
// Birman and Joseph, "Exploiting Virtual Synchrony in Distributed Systems", SOSP
// 1987: cited as BJ. Birman, Schiper and Stephenson, "Lightweight Causal and Atomic
// Group Multicast", TOCS 1991: cited as BSS. Schiper and Sandoz, "Uniform Reliable
// Multicast in a Virtually Synchronous Environment", ICDCS 1993, for delivery that
// a crash cannot undo. Chockler, Keidar and Vitenberg, "Group Communication
// Specifications", 2001: the names of properties. Lamport, "Paxos Made Simple",
// 2001, for the agreement on a view.
//
// # Words
//
//	view         who is in the group from an entry of the log on. It is an Entry of
//	             kind Members: its Voters are the members of the view, its Learners
//	             are those outside, who join when they have caught up
//	sequencer    who orders the messages of a view: the coordinator who first proposed it
//	cast         to give a message its place in the order, and send it to all
//	stable       of a message: all members of its view have it on their disks
//	deliver      to hand a stable message to the application
//	flush        to stop in a view, and to tell what one has of it
//	coordinator  who brings about the agreement on the next view
//	ballot       an attempt at that; it is the ViewID of what its coordinator proposes
//	             if no other proposal may be agreed on yet
//	majority     more than half of the members of the present view
//
// # Messages
//
//	message    from, to                   answered by   when
//	Cast       sequencer, all             Ack           new messages
//	Stable     sequencer, all             Here          the timer, a read, new stable messages
//	Suspect    member, the view           Agree         no sequencer was heard
//	Flush      coordinator, the view      Flushed       a majority hears none; the sequencer misses
//	                                                    a member, or one outside can join
//	Propose    coordinator, the view      Accept        a majority has flushed
//	View       coordinator, all           Ack           a majority has accepted
//	Fetch      replica, any other         State         its log lacks something
//	Reject     member, coordinator                      it has promised a later ballot
//	Newer      replica, any other         Fetch         the other is in an earlier view
//	HandOver   sequencer, a member        Flush         the next view should be its own
//
// Cast, View and State are one form: entries, and what they follow. On its disk a
// replica has Records, each of which says what changed in its log and repeats the
// little beside it: its view, its promise and its vote; and now and then a
// Checkpoint that stands for all before.
//
// # Steps
//
//  1. The sequencer gives requests their places, and sends them to all without
//     waiting for its own disk. A member saves them, in order, and says how much it
//     has when that is durable. (BSS §4)
//  2. What all members of the view have is stable. The sequencer, which counts
//     itself by a message to itself, delivers it, and tells the others with the next
//     Cast or a Stable. The entry that names the view is the first that becomes so.
//  3. A sequencer that misses a member, or whose messages do not become stable, for
//     an election timeout changes the view. So it does if one outside has all that
//     was delivered. Other members ask all whether they hear no sequencer either,
//     and change the view if a majority does not.
//  4. The coordinator takes a ballot above all it knows of. Who promises it stops: it
//     takes no Cast of this view any more and acknowledges nothing; it tells how long
//     its log is, and what it voted for. (The flush, BJ §3.3)
//  5. With the answers of a majority, and a while later even if some are missing,
//     the coordinator takes the log that is longest, fetches what it lacks of it,
//     and proposes those who answered, and those who may join, for the next view, to
//     begin where that log ends. But if any has voted, it proposes what was voted
//     for in the highest ballot.
//  6. A member fetches what it lacks up to there, saves its vote, and accepts. What a
//     majority has accepted is agreed on. Who hears of it drops what it has beyond
//     the end of the old view: that is delivered nowhere. Then it is in the new one.
//  7. A replica in an earlier view fetches the log, or the application's state if
//     that is compacted. (The state transfer of a join, BJ §3.4)
//  8. A read is served when a majority of the view has answered a round that began
//     after it came, and the view itself is delivered.
//
// # Why that is so
//
// Primary views. Let v be a view that is agreed on. The one after it is a decree of
// Paxos whose acceptors are the members of v: one at most is agreed on, however many
// coordinators duel. So the views are a chain, each with the consent of a majority of
// the one before; a minority stops. Who was left out and does not know it is in a
// view of which a majority has promised a ballot, durably.
//
// Safe delivery. A message that is delivered in v is on the disks of all its members,
// and was before any of them flushed, for an Ack leaves no member that has. So each
// of a majority that flushes has it, and so has the longest log; if the coordinator
// takes up an older vote, then that was made so. What is beyond the longest log of a
// majority is stable nowhere, and is not delivered: all that v was is settled by the
// entry after it, the same for all. Every later view begins with a log that has that
// entry, for who promises anything about the view after w has the entry of w.
//
// One order. A view has one sequencer in one life of it: it is whose ballot the
// ViewID is, and after a restart it follows (it may have sent Casts that its disk
// has lost) until another view is its own. So logs of one view differ in length alone.
//
// Reads. A view after v, and any delivery in it, needs a majority of v that has
// promised; the majority that answered the round had not, and the two meet. So when
// the round began, all that was delivered anywhere was delivered by the sequencer of
// v, who is the first to know. One that is left out gets no majority, serves nothing,
// and says so within an election timeout.
//
// # Crashes
//
// All that others may rely on is saved before it is sent, so a crash is a loss of
// messages: a member that is back soon enough is still in the view, with its log. One
// that was left out is outside, and joins again. If all fail, the group is back when
// a majority of the last view is: nobody need know who failed last, as a view that
// somebody knows only by its vote is found by the next ballot. The others alone
// do not suffice, for it may have gone on without them. (Facts.Shrinks)
//
// That is the price of views: of five replicas, three can fail for good one after
// another, if each time the rest has agreed before the next one fails; but two that
// have just left the other three must not be all that comes back. Protocols with
// fixed majorities, such as Raft, are the other way round.
//
// A replica whose disk was lost counts as one that promised and has what it has
// forgotten. Nothing here can know it again: hosts keep it out (package member), and
// it comes back under a new ID, by a change of the members.
//
// # FIFO and causal order
//
// In vsync-fifo and vsync-causal (CBCAST, BSS §5) any member of the view casts, to
// all at once, and there is no sequencer: who would be it looks after the view alone.
// Views, ballots and the flush are as above; the log has the views and nothing else,
// and lane o of package lanes has the messages of member o, numbered over all views.
//
//		message    from, to                   answered by   when
//		Multicast  member, the view           Have          a request; it was lost
//		Have       member, the view           Have          something is durable; it asks
//		Lack       replica, any other         Multicast,    messages are not here
//		                                      History
//		History    replica, any other                       the other was left out of a view
//
//	 1. A member saves its message, and sends it when that is durable; in causal order
//	    with the vector of what it has delivered. Who gets it saves it, and tells all.
//	 2. A message that a majority of the view has on its disks gets its place in the
//	    order of this member, after those of its sender before it; in causal order after
//	    all that its vector has. It is delivered when the disk has that place: so the
//	    order is the same after a crash.
//	 3. Flushed says how many messages of each member are there, and from then on no Have
//	    is sent. The coordinator takes the most of each, fetches what it lacks, and
//	    proposes the view with this vector, its cut. Who accepts has all up to there.
//	 4. Who enters the view first delivers what is left up to the cut, sorted in a way
//	    that all compute alike and that keeps both orders. What is beyond the cut is
//	    delivered nowhere; its sender casts it again in the next view that it is in.
//	 5. Who comes back after views without it has an order of its own, which no
//	    application's state of another would continue. So it is sent the messages it
//	    missed (History), view by view, and delivers them before it enters. They are kept
//	    until all members of the first group have delivered them; who stays away makes the
//	    others answer Busy in the end. The first group is all that there ever is.
//
// Why the cut has all that was delivered: a majority of the view sent its Have before
// it flushed, and one of them is among any majority that flushed, or that made the vote
// which is taken up. Why it is closed: what a message of the cut comes after was
// delivered before it was cast, and so is in the cut. Why the same set: up to the cut all
// deliver all, and nothing beyond. A majority is enough, where total order asks all, for
// there is nobody whose word of delivery the others must be able to repeat.
//
// These rows are simulated and explored, not served: replicas do not agree on a state.
// They take commands alone. An application is not told of views.
//
// # What is different here
//
//   - The flush of the paper is all-to-all, and each member counts. Here unstable
//     messages go by way of the coordinator, which also settles what happens if it fails.
//   - In BJ the failure detector's word is final, and who is suspected has to leave.
//     Here it may be in the next view if it answers.
//   - Delivery waits for all members of a view (Safe, uniform), not for none of them:
//     what a member delivered before it failed, all others deliver. That a view needs
//     all is why a failed member has to be left out before anything is delivered, and
//     why a crash of any member is noticed, where in Raft only that of a leader is.
//   - Members that an operator names are members of the next view if they flush, or
//     have caught up, and learners of it otherwise. There are no lasting learners: who
//     is outside and has caught up joins. A change may keep any of the present
//     members, even one alone, since the majority that agrees is of the old view, and
//     nothing is delivered in the new one, nor is the change answered, before all its
//     members have all. A sequencer that is not wanted any more leaves then.
//   - There is no lease: a read takes a round.
//   - Messages to several groups, overlapping groups (BSS §6) and lightweight groups
//     are left out.
//   - Client sessions are the application's (package session): the log may hold a
//     request twice.
package vsync
