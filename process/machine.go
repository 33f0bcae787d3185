package process

import "io"

// A Machine is the application: what Commit feeds. Apply is deterministic: the
// same entries in the same order lead to the same state and the same results
// on every replica. One goroutine calls it; but State, Sync, Image and the
// methods of an Image may be called by any at any time.
type Machine interface {
	// Apply executes es, which follow one another from State().Index+1 on, and
	// hands out the result of each: result i belongs to es[i]. What a result
	// is, the application decides; hosts only pass it on. But the result of an
	// entry that was passed over, because it was applied before or because its
	// session is closed, implements Skipped.
	Apply(es []Entry, result func(i int, r any))

	// Read answers a query without changing anything.
	Read(cmd []byte) any

	// State names what has been applied.
	State() State

	// Sync makes everything applied durable, and names it. Apply need not wait
	// for it.
	Sync() (State, error)

	// Image returns the state as of now. Later Applies do not change it.
	Image() (Image, error)

	// Stage takes in an image from elsewhere beside the present state, and
	// makes it durable there. Load then puts the staged image in place of the
	// present state, durably and at once: after a crash there is the one or the
	// other. A second Stage drops the first.
	Stage(r io.Reader) (State, error)
	Load() error
}

// An Image is an application state that can be sent elsewhere.
type Image interface {
	State() State
	io.WriterTo
	io.Closer
}

// A Toucher is a Machine that can say what a command is about, for people: the
// names of what it may have changed, each once. Any goroutine calls it.
type Toucher interface {
	Touches(cmd []byte) []string
}

// Skipped is implemented by the result of an entry that changed nothing
// because of its session, when Skipped returns true.
type Skipped interface{ Skipped() bool }
