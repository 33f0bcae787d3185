package world

import (
	"bytes"

	"althing/process"
)

// Store returns the process as a store; nil while it is down, or if it is none.
func (w *World) Store(id process.ID) process.Store {
	s, _ := w.replica(id).proc.(process.Store)
	return s
}

// storeGroup is the group as stores know it; the first, if none runs.
func (w *World) storeGroup() process.Group {
	g, epoch := w.first.Clone(), uint64(0)
	for i := range w.replicas {
		id := process.ID(i + 1)
		if s := w.Store(id); s != nil && w.Status(id).Epoch > epoch {
			g, epoch = s.Group(), w.Status(id).Epoch
		}
	}
	return g
}

func (w *World) sameContents(ids []process.ID) bool {
	var first []byte
	for i, id := range ids {
		s := w.Store(id)
		if s == nil {
			return false
		}
		b := s.AppendContents(nil)
		if i == 0 {
			first = b
		} else if !bytes.Equal(b, first) {
			return false
		}
	}
	return true
}
