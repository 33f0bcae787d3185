// Package script is a test's hand: it plays a World from a text, and writes
// down what came of it. The text with its outcome is a golden test that reads
// as a story; one language serves all protocols.
//
// A script is blocks of commands, one a line. A line "---" ends a block; what
// happened follows, up to an empty line. Lines that begin with # are prose.
//
//	# A majority elects a leader in a term.
//	timeout 1 election
//	stabilize
//	---
//	timeout 1 election
//	  1⇢2 RequestVote Term=1
//	…
//
// Run executes the commands and returns the text with the outcome as it is
// now, so a test passes if nothing changed. Each event is a line: a delivery
// as from→to, with the message. Below it is what the replica asked for:
// messages that left (1→2), messages that wait for the disk (1⇢2), records,
// commits and answers to clients. The replica's state is shown when it
// changed. Timers are left out, but for "show timers".
//
// The commands; ID and N are numbers, a link is written 1->2:
//
//	timers NAME…              names timers 1, 2, … for the whole script
//	group N [KEY=VALUE…]      a new World of N voters; lease=true drift=0.05 trailing=N
//	                          heartbeat=50ms election=150ms..300ms window=N batch=N acks=N
//	timeout ID TIMER          a timer that is set fires
//	deliver LINK [KIND [N]]   the oldest message of the link, and of that kind, arrives;
//	                          or the N-th oldest
//	drop LINK [KIND [N]]      … is lost
//	duplicate LINK [KIND [N]] … is there twice
//	stabilize [ID…]           syncs and deliveries, until nothing moves among these, or all
//	session ID NAME           opens a session, known as NAME from then on
//	submit ID [NAME.SEQ] CMD  CMD is put K V, append K V, cas K OLD NEW or get K
//	read ID [NAME.SEQ] CMD    a read that is not in the log
//	members ID 1,2,3 [4,5]    asks for these voters, and these learners
//	transfer ID TO            asks the leader ID to hand over
//	sync ID [N]               N records become durable, or all
//	crash ID [keep=N]         N unsynced records survive, or none
//	flushfail ID [keep=N]     the same, by a disk that fails
//	restart ID, join          a replica comes back; a blank one comes
//	losedisk ID, corrupt ID   a disk is gone, or spoilt
//	flush ID, compact ID      the application is durable; the process is told
//	pause ID, resume ID
//	cut LINK, mend LINK, heal
//	partition 1 2 | 3         cuts all links between the sides
//	advance DURATION          time passes
//	clock ID [ppm=N] [jump=D] a clock's rate and jump
//	status                    what each replica shows, and its application
//	flying                    the messages on their way
//	show timers               timers are shown from now on
//	quiet COMMAND             does it and shows only what cannot be or must not be
package script
