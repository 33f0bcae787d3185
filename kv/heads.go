package kv

// headBytes bounds each half of the heads: enough for some ten thousand keys
// of usual length, and little beside the engine's own memory.
const headBytes = 8 << 20

// headOverhead is what a head and its map entry take besides the key.
const headOverhead = 96

// A head is what a write must know of the version it replaces. The zero head
// is that of a key that does not exist.
type head struct {
	create, mod, version, lease int64
	size                        uint64 // versionSize
}

func headOf(kv *KeyValue, keySize int) head {
	return head{kv.Create, kv.Mod, kv.Version, kv.Lease, uint64(keySize + len(kv.Value) + versionOverhead)}
}

// heads remembers what is in force of keys written of late. It holds all keys
// that the batch in the making has changed: it forgets only between batches.
type heads struct {
	young, old map[string]*head
	bytes      int // of young
}

// find returns the head of key, to be changed in place.
func (c *heads) find(key []byte) (*head, bool) {
	if h, ok := c.young[string(key)]; ok {
		return h, true
	}
	if h, ok := c.old[string(key)]; ok {
		c.add(key, h)
		return h, true
	}
	return nil, false
}

func (c *heads) put(key []byte, h head) *head {
	p := new(head)
	*p = h
	c.add(key, p)
	return p
}

func (c *heads) add(key []byte, h *head) {
	if c.young == nil {
		c.young = make(map[string]*head)
	}
	c.young[string(key)] = h
	c.bytes += len(key) + headOverhead
}

// turn is called between batches. Keys not used since the turn before last are
// forgotten.
func (c *heads) turn() {
	if c.bytes >= headBytes {
		c.old, c.young, c.bytes = c.young, nil, 0
	}
}
