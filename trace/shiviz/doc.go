// Package shiviz writes and checks logs for ShiViz, which draws them as
// space-time diagrams (Beschastnikh, Wang, Brun, Ernst, Debugging Distributed
// Systems, 2016; https://bestchai.bitbucket.io/shiviz).
//
// A log is text. Its first line is a regular expression that takes an entry
// apart: the groups host, clock and event are required, others become fields
// of the event. The second line is a regular expression for the lines between
// one execution and the next, with a group trace for its name; it is empty if
// there is one execution only. The rest are the entries:
//
//	(?<event>.*)\n(?<host>\S*) (?<clock>{.*})
//
//	submit 1: put k v
//	n1 {"n1":7,"n2":3}
//
// A clock is a vector clock as JSON, by host, of what the entry's event knows of
// each. A drawing needs more of it than an order of two events does. Export
// keeps these rules, and Check says of another's log where it breaks them:
//
//   - the host itself is in its clock: 1 in its first entry, and 1 more in each
//     further one, so every event that ticks is an entry;
//   - a host that is in a clock has entries, as many as the clock says or more;
//   - a clock is the one before it on the host, joined with the clocks of the
//     events it heard of, and no more: who knows of event 5 of another knows
//     all that this event knew;
//   - no event knows of itself beforehand.
package shiviz
