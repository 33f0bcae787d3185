package vsync

import (
	"slices"

	"althing/clock"
	"althing/oplog/lanes"
	"althing/process"
	"althing/wire"
)

// messages is what a member of a group without one order for all has beside its views.
type messages struct {
	lanes.Deliveries                   // Lanes are saved, each change by a record
	waiting          []process.Request // for the next view
	goal             clock.Vector      // coordinator: where the view is to end
	armed            bool              // the timer repair is set
	news             news              // to be told at the end of the Step
}

// news is who must hear of what became durable here.
type news uint8

const (
	none      news = iota
	ourselves      // who hears a message knows that its origin has it
	all
)

// clone returns an independent copy; messages are shared.
func (x *messages) clone() *messages {
	return &messages{x.Deliveries.Clone(), slices.Clone(x.waiting), x.goal.Clone(), x.armed, x.news}
}

func (x *messages) appendState(b []byte) []byte {
	b = lanes.AppendVector(x.AppendState(b), x.goal)
	b = lanes.AppendRequests(wire.AppendUints(b, uint64(x.news)), x.waiting)
	return append(b, wire.Flag(x.armed, 1))
}
