package command

import (
	"fmt"
	"slices"
)

// Touches names what a command may change, for people, each thing once: keys as
// they are, ranges as [from, to), and in parentheses what is no key. What a Txn
// only reads, or compares, is not among it.
func Touches(c Command) []string {
	var names []string
	add := func(name string) {
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
	}
	touch(c, add)
	return names
}

func touch(c Command, add func(string)) {
	switch c := c.(type) {
	case *Put:
		add(string(c.Key))
	case *DeleteRange:
		add(span(c.Key, c.End))
	case *Txn: // no deeper than MaxDepth
		for _, op := range slices.Concat(c.Then, c.Else) {
			touch(op, add)
		}
	case *LeaseGrant:
		add(lease(c.ID))
	case *LeaseRevoke:
		for _, id := range c.IDs {
			add(lease(id))
		}
	case *LeaseExpire:
		for i := range c.Leases {
			add(lease(c.Leases[i].ID))
		}
	case *LeaseCheckpoint:
		for i := range c.Leases {
			add(lease(c.Leases[i].ID))
		}
	case *LeasePromote:
		add("(reign)")
	case *Compact:
		add("(compaction)")
	case *SetAlarm:
		add("(alarm)")
	case *UpdateMember:
		add("(member)")
	}
}

func span(key, end []byte) string {
	switch {
	case len(end) == 0:
		return string(key)
	case len(end) == 1 && end[0] == 0:
		return fmt.Sprintf("[%s, …)", key)
	}
	return fmt.Sprintf("[%s, %s)", key, end)
}

// lease names a lease as clients print it.
func lease(id int64) string { return fmt.Sprintf("(lease %x)", uint64(id)) }
