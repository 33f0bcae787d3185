// Package trace is the record of a run: what happened, one event after the
// other, in a form that people and programs can read.
//
// A trace file is JSON lines. The first line is the Header; every further line
// is one Event. Equal runs have equal bytes: keys come in the order given
// here, times are whole nanoseconds, and nothing depends on the machine.
//
//	{"althing":2,"protocol":"raft","seed":7,"options":"nodes=3 …","world":"replicas=3 …"}
//	{"t":51200133,"seq":18,"kind":"deliver","node":3,"from":1,"msg":"RequestVote",
//	 "fields":"Term=1 LastIndex=0","role":"follower","epoch":1,"effects":[…]}
//
// The keys of an event; those that would be zero or empty are left out:
//
//	t        virtual time since the run began, in nanoseconds
//	seq      number of the event, from 1, without gaps
//	kind     what happened: see the table below
//	node     the replica it happened to
//	from     who sent the message
//	to       the other end: of a link that is cut, of a message dropped
//	msg      the paper's name of the message
//	fields   its fields that are not zero, as Name=value
//	sent     seq of the event in which the message left its sender
//	timer    which timer fired
//	n        a count: records synced, kept by a crash, replayed by a restart
//	reqs     the requests submitted
//	role     what the replica is after the event, and its
//	epoch    term, ballot or view,
//	leader   whom it follows,
//	last     the end of its log,
//	commit   how far it has handed the log to the application
//	effects  what the process asked for, in order
//	chose    what the host answered to each Choose of the process
//	note     the rest, in words; for a violation, its name and message
//
// The kinds of event:
//
//	start, restart, join     a replica begins, with n records of its log
//	deliver, drop, duplicate a message
//	timeout                  a timer fires
//	submit                   requests reach a replica
//	sync                     n records became durable; effects: what they held back
//	crash, flushfail         a replica stops; n unsynced records survive
//	losedisk, corrupt        its disk is gone, or can no longer be trusted
//	flush, compact           the application is durable; the process hears so
//	pause, resume            a replica gets nothing for a while
//	cut, mend, heal          a link fails in one direction, works; all work
//	clock                    a clock jumps or changes its rate
//	violation                a property no longer holds; the run ends
//
// The keys of an effect: kind (as process.EffectKind names it), to, msg,
// fields, held (it waits for the disk), timer, min and max (a span in
// nanoseconds), index, entries, why, data.
package trace
