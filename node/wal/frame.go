package wal

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"slices"
)

const (
	// sector is the unit a disk writes whole or not at all. A batch begins on
	// one, so that no later batch shares a sector with it.
	sector = 512
	// version of the form of a batch. Magic, version and nonce keep their
	// places in all versions, so that an old program can tell a newer log.
	version = 1

	batchHeader  = 56 // magic 4, version 4, nonce, seq, lsn, floor 8 each, length 4, count 4, sums 4+4
	recordHeader = 9  // length 4, group 4, kind 1
)

const magic = 0x4c41574c // bytes "LWAL"

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A header precedes the records of a batch. All integers are little endian.
type header struct {
	nonce  uint64 // of the log; tells a stray or left-over batch of another one
	seq    uint64 // of the batch, from 1, without gaps
	lsn    uint64 // of the batch's first record
	floor  uint64 // no batch below is needed any more, so the log may begin here
	length uint32 // bytes of the records
	count  uint32 // records
	sum    uint32 // CRC-32C of the records
}

// put writes h in front of the records; its own CRC-32C covers their sum, and
// so everything.
func (h *header) put(b []byte) {
	le := binary.LittleEndian
	le.PutUint32(b[0:], magic)
	le.PutUint32(b[4:], version)
	le.PutUint64(b[8:], h.nonce)
	le.PutUint64(b[16:], h.seq)
	le.PutUint64(b[24:], h.lsn)
	le.PutUint64(b[32:], h.floor)
	le.PutUint32(b[40:], h.length)
	le.PutUint32(b[44:], h.count)
	le.PutUint32(b[48:], h.sum)
	le.PutUint32(b[52:], crc32.Checksum(b[:52], castagnoli))
}

// A sight is what a place in a file looks like.
type sight uint8

const (
	nothing sight = iota // no header that holds: zeros, records, or damage
	ours                 // a sound header of this log
	foreign              // a sound header of another log
	newer                // a header of a version that this program does not know
)

// parseHeader reads the header at the start of b. Nonce 0 stands for any log.
func parseHeader(b []byte, nonce uint64) (h header, s sight) {
	le := binary.LittleEndian
	if len(b) < batchHeader || le.Uint32(b) != magic {
		return header{}, nothing
	}
	h.nonce = le.Uint64(b[8:])
	mine := nonce == 0 || h.nonce == nonce
	if le.Uint32(b[4:]) != version {
		if mine { // else any record with the right bytes in it would count
			return header{}, newer
		}
		return header{}, nothing
	}
	if le.Uint32(b[52:]) != crc32.Checksum(b[:52], castagnoli) {
		return header{}, nothing
	}
	h.seq, h.lsn, h.floor = le.Uint64(b[16:]), le.Uint64(b[24:]), le.Uint64(b[32:])
	h.length, h.count, h.sum = le.Uint32(b[40:]), le.Uint32(b[44:]), le.Uint32(b[48:])
	if !mine {
		return h, foreign
	}
	return h, ours
}

// frameSize returns the bytes a batch with so many bytes of records takes on
// disk.
func frameSize(length int64) int64 {
	return (batchHeader + length + sector - 1) / sector * sector
}

// What a record is. The values are on disk.
const (
	save       byte = 0
	checkpoint byte = 1 // the group needs no record before this one
	drop       byte = 2 // the group needs no record up to this one
)

// A record is one Append as the log holds it.
type record struct {
	group uint32
	kind  byte
	body  []byte
}

// A CRC covers the records, so these mean a fault of the program that wrote them.
var (
	errRecord = errors.New("a record is cut off")
	errKind   = errors.New("a record of unknown kind")
	errCount  = errors.New("the number of records differs from the header's")
)

// cutRecord reads the record at the start of b and returns what follows it.
// The body is part of b.
func cutRecord(b []byte) (r record, rest []byte, err error) {
	if len(b) < recordHeader {
		return record{}, nil, errRecord
	}
	n := binary.LittleEndian.Uint32(b)
	r.group, r.kind = binary.LittleEndian.Uint32(b[4:]), b[8]
	b = b[recordHeader:]
	if uint64(n) > uint64(len(b)) {
		return record{}, nil, errRecord
	}
	if r.kind > drop {
		return record{}, nil, errKind
	}
	r.body = b[:n:n]
	return r, b[n:], nil
}

// eachRecord calls f with every record of a batch and its LSN.
func eachRecord(h *header, body []byte, f func(lsn uint64, r record) error) error {
	for i := range uint64(h.count) {
		r, rest, err := cutRecord(body)
		if err != nil {
			return err
		}
		if err := f(h.lsn+i, r); err != nil {
			return err
		}
		body = rest
	}
	if len(body) > 0 {
		return errCount
	}
	return nil
}

// A pin is where the records that a group still needs begin.
type pin struct {
	seq, lsn uint64
	bytes    int64 // of the checkpoint there, 0 if it is none
}

// pins knows the pin of each group that has any record. What it says follows
// from the batches noted alone, so that a running log and a recovered one
// agree.
type pins map[uint32]pin

// note takes in a durable batch and reports whether older ones may have become
// needless by it.
func (p pins) note(h *header, body []byte) (moved bool, err error) {
	err = eachRecord(h, body, func(lsn uint64, r record) error {
		switch _, known := p[r.group]; {
		case r.kind == drop:
			delete(p, r.group)
			moved = true
		case r.kind == checkpoint:
			p[r.group] = pin{h.seq, lsn, int64(len(r.body))}
			moved = true
		case !known:
			p[r.group] = pin{seq: h.seq, lsn: lsn}
		}
		return nil
	})
	return moved, err
}

// before returns the groups whose records begin before a batch, and the bytes
// of all groups' checkpoints.
func (p pins) before(seq uint64) (groups []uint32, bytes int64) {
	for g, at := range p {
		if at.seq < seq {
			groups = append(groups, g)
		}
		bytes += at.bytes
	}
	slices.Sort(groups)
	return groups, bytes
}

// oldest returns the group whose records begin first, and in which batch; ok
// is false when no group has any.
func (p pins) oldest() (group uint32, seq uint64, ok bool) {
	least := pin{seq: ^uint64(0), lsn: ^uint64(0)}
	for g, at := range p { // no two groups have one LSN, so the order is all one
		if at.lsn < least.lsn {
			group, least, ok = g, at, true
		}
	}
	return group, least.seq, ok
}
