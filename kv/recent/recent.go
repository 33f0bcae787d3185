// Package recent holds in memory what is in force of the keys of a store that
// were written of late, for reads of one key: an iterator over the storage
// engine costs as much as all else that such a read does.
package recent

import (
	"sync"

	"althing/kv/command"
)

const (
	// halfBytes bounds each half of what is held: some twenty thousand keys of
	// usual size.
	halfBytes = 8 << 20
	// overhead is what a version takes besides key and value, about: the
	// numbers, and its place in the map.
	overhead = 160
)

// Versions holds versions of keys, some of those that are the newest. The zero
// value is empty.
//
// One goroutine puts what it changes, all that a revision changes before it
// makes that revision the current one. A reader looks at the current revision
// first and for a version then. So what it finds is the newest as of that
// revision or of a later one; and if it is itself not newer than that revision,
// nothing came between: it is the one in force.
type Versions struct {
	mu         sync.RWMutex
	young, old map[string]*command.KeyValue // what they point to never changes
	bytes      int                          // of young
}

// Put takes in a copy of what was made of a key: a version that is newer than
// all before, or, with Version 0, the end of the key at revision Mod.
func (v *Versions) Put(kv *command.KeyValue) {
	p := new(command.KeyValue)
	*p = *kv
	// The original may lie in a large piece, with all that came beside it.
	b := append(append(make([]byte, 0, len(kv.Key)+len(kv.Value)), kv.Key...), kv.Value...)
	p.Key, p.Value = b[:len(kv.Key):len(kv.Key)], nil
	if len(kv.Value) > 0 {
		p.Value = b[len(kv.Key):]
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.young == nil || v.bytes >= halfBytes {
		v.old, v.young, v.bytes = v.young, make(map[string]*command.KeyValue), 0
	}
	if was := v.young[string(kv.Key)]; was != nil {
		v.bytes -= size(was)
	}
	v.young[string(p.Key)] = p
	v.bytes += size(p)
}

func size(kv *command.KeyValue) int { return len(kv.Key) + len(kv.Value) + overhead }

// Find returns the version of key in force at rev, which was the current
// revision when the caller looked, or with Version 0 that there is none. It
// returns nil if it does not know. Nobody may change what it returns.
func (v *Versions) Find(key []byte, rev int64) *command.KeyValue {
	v.mu.RLock()
	kv := v.young[string(key)]
	if kv == nil {
		kv = v.old[string(key)]
	}
	v.mu.RUnlock()
	if kv == nil || kv.Mod > rev {
		return nil
	}
	return kv
}
