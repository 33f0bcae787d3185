package kv

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/cockroachdb/pebble/v2"

	"althing/kv/command"
	"althing/process"
	"althing/session"
	"althing/wire"
)

// The first byte of a stored key names its table: see the package comment.
const (
	tableAttach  byte = 'a'
	tableData    byte = 'd'
	tableEvent   byte = 'e'
	tableLease   byte = 'l'
	tableMeta    byte = 'm'
	tableMember  byte = 'r'
	tableSession byte = 's'
)

var (
	keyMeta  = []byte{tableMeta, 'a'}
	keySwept = []byte{tableMeta, 's'}
)

const (
	// formatVersion is that of everything in this file.
	formatVersion = 1
	// suffixSize is what a data key ends with: revision and tombstone flag.
	suffixSize = 9
	// versionOverhead is what a version takes besides key and value, about:
	// the suffix, the numbers before the value, and its place in the event log.
	versionOverhead = 48
)

// appendKey appends user key k so that the order of the bytes is the order of
// the keys, and no key begins another: zero is escaped, and 0 1 ends it.
func appendKey(b, k []byte) []byte {
	for {
		i := bytes.IndexByte(k, 0)
		if i < 0 {
			return append(append(b, k...), 0, 1)
		}
		b = append(append(b, k[:i]...), 0, 0xff)
		k = k[i+1:]
	}
}

// cutKey reads what appendKey wrote, and appends it to k.
func cutKey(k, b []byte) (key, rest []byte, ok bool) {
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 || i+1 == len(b) {
			return nil, nil, false
		}
		k = append(k, b[:i]...)
		switch b[i+1] {
		case 1:
			return k, b[i+2:], len(k) > 0
		case 0xff:
			k = append(k, 0)
		default:
			return nil, nil, false
		}
		b = b[i+2:]
	}
}

// appendDataKey appends the key of version rev of k. Newer versions come
// first, so that a seek to rev finds what was in force at rev.
func appendDataKey(b, k []byte, rev int64, tombstone bool) []byte {
	b = appendSuffix(appendKey(append(b, tableData), k), rev)
	b[len(b)-1] = wire.Flag(tombstone, 1)
	return b
}

// appendSuffix appends what comes before all versions of a key that are not
// newer than rev, and after all that are.
func appendSuffix(b []byte, rev int64) []byte {
	return append(binary.BigEndian.AppendUint64(b, ^uint64(rev)), 0)
}

// seekKey is where the versions of k begin: what all of them share.
func seekKey(k []byte) []byte { return appendKey([]byte{tableData}, k) }

// cutSuffix reads the end of a data key.
func cutSuffix(b []byte) (prefix []byte, rev int64, tombstone bool) {
	n := len(b) - suffixSize
	return b[:n], int64(^binary.BigEndian.Uint64(b[n:])), b[n+8] != 0
}

// comparer orders stored keys by their bytes. It is its own only to tell which
// part of a key the versions of one user key share: one filter entry for all.
var comparer = func() *pebble.Comparer {
	c := *pebble.DefaultComparer
	c.Name = "althing.kv.1"
	c.Split = splitKey
	c.ImmediateSuccessor = nextPrefix
	// Shortened keys would not have the suffix that splitKey cuts off.
	c.Separator = func(dst, a, _ []byte) []byte { return append(dst, a...) }
	c.Successor = func(dst, a []byte) []byte { return append(dst, a...) }
	return &c
}()

// splitKey tells the storage engine which part of a stored key all versions of
// a user key share.
func splitKey(b []byte) int {
	if len(b) == 0 || b[0] != tableData {
		return len(b)
	}
	for at := 1; ; {
		i := bytes.IndexByte(b[at:], 0)
		if i < 0 || at+i+1 == len(b) {
			return len(b)
		}
		if at += i + 2; b[at-1] == 1 {
			return at
		}
	}
}

// nextPrefix appends the least of what splitKey can cut off that is greater
// than a: no version of a is beyond it.
func nextPrefix(dst, a []byte) []byte {
	dst = append(dst, a...)
	if n := splitKey(a); n >= 2 && a[0] == tableData && a[n-1] == 1 {
		dst[len(dst)-1]++ // after the end of a key comes no 2
		return dst
	}
	return append(dst, 0)
}

// dataBounds returns the stored keys that s takes in.
func dataBounds(s command.Span) (lower, upper []byte) {
	if s.Open {
		return seekKey(s.First), []byte{tableData + 1}
	}
	return seekKey(s.First), seekKey(s.End)
}

// appendData appends the stored value of kv: what the key does not tell.
func appendData(b []byte, kv *KeyValue) []byte {
	b = binary.AppendUvarint(b, uint64(kv.Mod-kv.Create))
	b = binary.AppendUvarint(b, uint64(kv.Version))
	b = binary.AppendVarint(b, kv.Lease)
	return append(b, kv.Value...)
}

// cutData reads what appendData wrote into kv, whose Mod is set. The value
// shares b.
func cutData(b []byte, kv *KeyValue) error {
	d := wire.Decoder{B: b}
	age, version := d.Uint(), d.Uint()
	kv.Lease = d.Int()
	if d.Bad || age >= uint64(kv.Mod) || version == 0 || version > math.MaxInt64 {
		return errStored
	}
	kv.Create, kv.Version, kv.Value = kv.Mod-int64(age), int64(version), d.B
	return nil
}

var errStored = fmt.Errorf("stored bytes make no sense: %w", ErrFormat)

func versionSize(key, value []byte) uint64 {
	return uint64(len(key) + len(value) + versionOverhead)
}

func eventKey(rev int64) []byte {
	return binary.BigEndian.AppendUint64([]byte{tableEvent}, uint64(rev))
}

// A logged is one change in the event log. It names the version that it ended,
// so that a compaction finds what to remove without a search.
type logged struct {
	key      []byte
	delete   bool
	ended    int64  // revision of the version before; 0 if there was none
	freeable uint64 // versionSize of the version before
}

func appendLogged(b []byte, l *logged) []byte {
	b = append(b, wire.Flag(l.delete, 1))
	b = wire.AppendBytes(b, l.key)
	b = binary.AppendUvarint(b, uint64(l.ended))
	return binary.AppendUvarint(b, l.freeable)
}

// cutLogged reads all changes of revision rev. They share b.
func cutLogged(b []byte, rev int64) ([]logged, error) {
	var ls []logged
	for d := (wire.Decoder{B: b}); len(d.B) > 0; {
		l := logged{delete: d.Flags(1) != 0, key: d.Bytes()}
		ended := d.Uint()
		l.freeable = d.Uint()
		if d.Bad || ended >= uint64(rev) || len(l.key) == 0 {
			return nil, errStored
		}
		l.ended = int64(ended)
		ls = append(ls, l)
	}
	if len(ls) == 0 {
		return nil, errStored
	}
	return ls, nil
}

// A meta is the one record that every batch rewrites.
type meta struct {
	state     process.State
	rev       int64  // the current revision
	compacted int64  // the watermark; 0: never
	written   uint64 // versionSize of all versions ever written
	reign     uint64 // Index of the last LeasePromote
	seq       uint64 // of the last LeaseCheckpoint in this reign
	replica   uint64 // the highest ID that any replica of the group ever had
	alarms    []Alarm
}

// regroup puts a group in force.
func (m *meta) regroup(g process.Group) {
	m.state.Group = g
	for _, id := range g.Members() {
		m.replica = max(m.replica, uint64(id))
	}
}

func (m *meta) append(b []byte) []byte {
	b = binary.AppendUvarint(b, formatVersion)
	b = binary.AppendUvarint(b, m.state.Index)
	b = binary.AppendUvarint(b, m.state.Epoch)
	b = process.AppendGroup(b, m.state.Group)
	for _, v := range [...]uint64{
		uint64(m.rev), uint64(m.compacted), m.written, m.reign, m.seq, m.replica,
	} {
		b = binary.AppendUvarint(b, v)
	}
	for _, a := range m.alarms {
		b = binary.AppendUvarint(append(b, byte(a.Kind)), a.Member)
	}
	return b
}

func cutMeta(b []byte) (meta, error) {
	d := wire.Decoder{B: b}
	if v := d.Uint(); v != formatVersion {
		return meta{}, fmt.Errorf("store of version %d: %w", v, ErrFormat)
	}
	var m meta
	m.state.Index, m.state.Epoch = d.Uint(), d.Uint()
	var err error
	if m.state.Group, d.B, err = process.CutGroup(d.B); err != nil {
		return meta{}, errStored
	}
	rev, compacted := d.Uint(), d.Uint()
	m.written, m.reign, m.seq, m.replica = d.Uint(), d.Uint(), d.Uint(), d.Uint()
	d.Require(rev >= 1 && rev < math.MaxInt64 && compacted <= rev && m.replica <= math.MaxUint16)
	m.rev, m.compacted = int64(rev), int64(compacted)
	for len(d.B) > 0 {
		m.alarms = append(m.alarms, Alarm{Kind: AlarmKind(d.Byte()), Member: d.Uint()})
	}
	if d.Bad {
		return meta{}, errStored
	}
	return m, nil
}

// A swept record is how far the sweeper has come.
type swept struct {
	rev   int64  // all that compactions up to here gave up is removed
	freed uint64 // versionSize of all versions removed
}

func (s swept) append(b []byte) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(b, uint64(s.rev)), s.freed)
}

func cutSwept(b []byte) (swept, error) {
	d := wire.Decoder{B: b}
	rev, freed := d.Uint(), d.Uint()
	if !d.Done() || rev > math.MaxInt64 {
		return swept{}, errStored
	}
	return swept{int64(rev), freed}, nil
}

func id64(table byte, id uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{table}, id)
}

func attachKey(lease int64, key []byte) []byte {
	return append(id64(tableAttach, uint64(lease)), key...)
}

func appendLease(b []byte, l *Lease) []byte {
	b = binary.AppendUvarint(b, uint64(l.TTL))
	b = binary.AppendUvarint(b, uint64(l.Remaining))
	return binary.AppendUvarint(b, l.Granted)
}

func cutLease(id int64, b []byte) (Lease, error) {
	d := wire.Decoder{B: b}
	l := Lease{ID: id, TTL: int64(d.Uint()), Remaining: int64(d.Uint()), Granted: d.Uint()}
	if !d.Done() || id == 0 || l.TTL < 1 || l.TTL > MaxTTL || l.Remaining < 0 || l.Remaining > l.TTL {
		return Lease{}, errStored
	}
	return l, nil
}

func cutMember(id uint64, b []byte) (Member, error) {
	d := wire.Decoder{B: b}
	m := command.CutMember(&d)
	if !d.Done() || m.ID != id || id == 0 {
		return Member{}, errStored
	}
	return *m, nil
}

// checkRecord tells whether a stored key and value can be what this file
// writes: what comes from elsewhere is looked at before it is believed.
func checkRecord(k, v []byte) error {
	if len(k) == 0 {
		return errStored
	}
	wide := len(k) == 9 // a table and a number of eight bytes
	var id uint64
	if len(k) >= 9 {
		id = binary.BigEndian.Uint64(k[1:])
	}
	switch k[0] {
	case tableAttach:
		if len(k) > 9 && len(v) == 0 {
			return nil
		}
	case tableData:
		return checkData(k, v)
	case tableEvent:
		if wide && id <= math.MaxInt64 {
			_, err := cutLogged(v, int64(id))
			return err
		}
	case tableLease:
		if wide {
			_, err := cutLease(int64(id), v)
			return err
		}
	case tableMember:
		if wide {
			_, err := cutMember(id, v)
			return err
		}
	case tableSession:
		if wide {
			return checkSession(id, v)
		}
	case tableMeta:
		return checkMeta(k, v)
	}
	return errStored
}

func checkData(k, v []byte) error {
	_, suffix, ok := cutKey(nil, k[1:])
	if !ok || len(suffix) != suffixSize || suffix[8] > 1 {
		return errStored
	}
	_, rev, tombstone := cutSuffix(suffix)
	switch {
	case rev < 1 || tombstone && len(v) > 0:
		return errStored
	case tombstone:
		return nil
	}
	return cutData(v, &KeyValue{Mod: rev})
}

func checkSession(id uint64, v []byte) error {
	var t session.Table
	rest, err := t.LoadClient(v)
	if err != nil || len(rest) > 0 || !slices.Equal(t.Clients(), []uint64{id}) {
		return errStored
	}
	return nil
}

func checkMeta(k, v []byte) error {
	var err error
	switch {
	case bytes.Equal(k, keyMeta):
		_, err = cutMeta(v)
	case bytes.Equal(k, keySwept):
		_, err = cutSwept(v)
	default:
		err = errStored
	}
	return err
}
