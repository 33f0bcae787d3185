package kv

import (
	"bytes"
	"testing"

	"althing/kv/command"
)

func FuzzRecord(f *testing.F) {
	f.Add([]byte{tableMeta, 'a'}, (&meta{rev: 1}).append(nil))
	f.Add([]byte{tableMeta, 's'}, swept{3, 4}.append(nil))
	f.Add(appendDataKey(nil, []byte("a\x00b"), 7, false), appendData(nil, &KeyValue{Create: 3, Mod: 7, Version: 2}))
	f.Add(appendDataKey(nil, []byte("a"), 7, true), []byte{})
	f.Add(eventKey(9), appendLogged(nil, &logged{key: []byte("k"), ended: 3, freeable: 50}))
	f.Add(id64(tableLease, 5), appendLease(nil, &Lease{ID: 5, TTL: 9, Granted: 2}))
	f.Add(id64(tableMember, 5), command.AppendMember(nil, &Member{ID: 5, Replica: 1}))
	f.Add(id64(tableSession, 5), []byte{5, 1, 0, 0})
	f.Add(attachKey(5, []byte("k")), []byte{})
	f.Fuzz(func(t *testing.T, k, v []byte) {
		if len(k) == 0 {
			return
		}
		if n := splitKey(k); n < 0 || n > len(k) || splitKey(k[:n]) != n {
			t.Fatalf("prefix of %x is %d bytes", k, n)
		}
		if next := nextPrefix(nil, k[:splitKey(k)]); bytes.Compare(next, k[:splitKey(k)]) <= 0 {
			t.Fatalf("%x does not follow %x", next, k)
		}
		if checkRecord(k, v) == nil && k[0] == tableData {
			if next := nextPrefix(nil, k[:splitKey(k)]); bytes.Compare(next, k) <= 0 {
				t.Fatalf("%x is beyond the next prefix %x", k, next)
			}
		}
	})
}

// Order and distinctness of stored keys carry every read.
func TestKeyOrder(t *testing.T) {
	keys := [][]byte{{0}, {0, 0}, {0, 1}, {0, 255}, {1}, {1, 0}, {1, 0, 1}, {1, 1}, {1, 255}, []byte("a"),
		[]byte("a\x00"), []byte("a\x00\x01"), []byte("a\x00\x02"), []byte("a\x01"), []byte("aa"), {255}, {255, 255}}
	var last []byte
	for i, k := range keys {
		got, rest, ok := cutKey(nil, appendKey(nil, k))
		if !ok || len(rest) > 0 || !bytes.Equal(got, k) {
			t.Fatalf("%x became %x, %x, %v", k, got, rest, ok)
		}
		for _, rev := range []int64{1 << 62, 256, 255, 2, 1} {
			b := appendDataKey(nil, k, rev, rev == 255)
			if bytes.Compare(last, b) >= 0 {
				t.Fatalf("key %d at %d is not after what comes before it", i, rev)
			}
			prefix, r, tombstone := cutSuffix(b)
			if n := splitKey(b); n != len(prefix) || r != rev || tombstone != (rev == 255) {
				t.Fatalf("%x: prefix of %d bytes, revision %d, %v", b, n, r, tombstone)
			}
			if bytes.Compare(seekKey(k), b) >= 0 || bytes.Compare(nextPrefix(nil, seekKey(k)), b) <= 0 {
				t.Fatalf("%x is not between its prefix and the next", b)
			}
			last = b
		}
	}
}
