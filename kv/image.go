package kv

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"github.com/cockroachdb/pebble/v2"

	"althing/kv/disk"
	"althing/process"
	"althing/wire"
)

// An image is the stored records in order of their keys, so that it depends
// neither on the storage engine nor on its files:
//
//	magic, format version       16 + 1 bytes
//	block …                     any number of them
//	block of no bytes           the end
//
// A block is the size of its payload and a checksum, four bytes each, the
// larger first, and the payload: records, each the sizes of key and value as
// varints, the key and the value. The checksum goes on over all blocks up to
// this one, so that none can be missing, or the end.
const (
	imageMagic = "althing kv image"
	// imageBlock is when a block is closed: a write or two each.
	imageBlock = 256 << 10
	// imageBlockMost bounds a block: one record can be large, for the event log
	// has all the keys of one revision in one.
	imageBlockMost = 1 << 30
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// crc goes on with a checksum.
func crc(sum uint32, b []byte) uint32 { return crc32.Update(sum, castagnoli, b) }

// An image is the state as of one moment, for as long as it is not closed.
type image struct {
	e     *disk.State
	snap  *pebble.Snapshot
	state process.State
}

// Image implements process.Machine. It costs little until it is written.
func (s *Store) Image() (process.Image, error) {
	p, err := s.pin()
	if err != nil {
		return nil, err
	}
	i := &image{e: p.engine, snap: p.engine.DB.NewSnapshot()}
	b, err := value(i.snap, keyMeta) // the snapshot may be newer than p
	m, cutErr := cutMeta(b)
	if err = errors.Join(err, cutErr); err != nil {
		return nil, errors.Join(fmt.Errorf("take an image: %w", err), i.Close())
	}
	i.state = m.state
	return i, nil
}

// State implements process.Image.
func (i *image) State() process.State { return i.state }

// Close implements process.Image.
func (i *image) Close() error {
	defer i.e.Release()
	return i.snap.Close()
}

// WriteTo implements process.Image.
func (i *image) WriteTo(to io.Writer) (int64, error) {
	w := &blockWriter{to: to}
	w.write(append([]byte(imageMagic), formatVersion))
	err := each(i.snap, nil, nil, func(k, v []byte) error {
		w.block = binary.AppendUvarint(w.block, uint64(len(k)))
		w.block = binary.AppendUvarint(w.block, uint64(len(v)))
		w.block = append(append(w.block, k...), v...)
		if len(w.block) >= imageBlock {
			w.flush()
		}
		return w.err
	})
	if len(w.block) > 0 {
		w.flush()
	}
	w.flush() // the end
	if err = errors.Join(err, w.err); err != nil {
		return w.n, fmt.Errorf("write an image: %w", err)
	}
	return w.n, nil
}

type blockWriter struct {
	to    io.Writer
	block []byte
	sum   uint32
	n     int64
	err   error // the first
}

func (w *blockWriter) write(b []byte) {
	if w.err == nil {
		var n int
		n, w.err = w.to.Write(b)
		w.n += int64(n)
	}
}

func (w *blockWriter) flush() {
	if len(w.block) > imageBlockMost {
		w.err = errors.Join(w.err, fmt.Errorf("block of %d bytes: %w", len(w.block), ErrImage))
	}
	var head [8]byte
	binary.BigEndian.PutUint32(head[:], uint32(len(w.block)))
	w.sum = crc(crc(w.sum, head[:4]), w.block)
	binary.BigEndian.PutUint32(head[4:], w.sum)
	w.write(head[:])
	w.write(w.block)
	w.block = w.block[:0]
}

// staged is an image that was taken in and not yet loaded.
type staged struct {
	number uint64
	e      *disk.State
	in     *inventory
}

// Stage implements process.Machine. Bytes that are no image, or one that no
// store can have written, give ErrImage or ErrFormat and leave nothing behind.
func (s *Store) Stage(r io.Reader) (process.State, error) {
	if s.pub.Load() == nil {
		return process.State{}, ErrClosed
	}
	s.unstage()
	number := s.place.Number() + 1
	dir := s.place.Path(number)
	if err := s.opts.FS.RemoveAll(dir); err != nil {
		return process.State{}, fmt.Errorf("make room for an image: %w", err)
	}
	e, err := disk.Open(s.disk, dir)
	if err != nil {
		return process.State{}, err
	}
	in, err := takeIn(e, r)
	if err == nil {
		err = s.place.Sync()
	}
	if err != nil {
		e.Doom()
		e.Release()
		return process.State{}, fmt.Errorf("stage an image: %w", err)
	}
	s.staged = &staged{number, e, in}
	return in.meta.state, nil
}

// unstage drops the staged image, if there is one.
func (s *Store) unstage() {
	if s.staged != nil {
		s.staged.e.Doom()
		s.staged.e.Release()
		s.staged = nil
	}
}

// Load implements process.Machine. The marker is what decides which state is
// found after a crash; it moves at once.
func (s *Store) Load() error {
	if s.staged == nil {
		return errors.New("load: no image is staged")
	}
	if err := s.place.Move(s.staged.number); err != nil {
		return err
	}
	s.sweeper.stop()
	s.install(s.staged.e, s.staged.in)
	s.staged = nil
	return nil
}

// takeIn reads an image into an empty state, and makes it durable.
func takeIn(e *disk.State, r io.Reader) (*inventory, error) {
	in := &imageReader{from: bufio.NewReader(r), e: e}
	if err := in.header(); err != nil {
		return nil, err
	}
	for {
		more, err := in.nextBlock()
		if err != nil {
			return nil, err
		}
		if !more {
			break
		}
	}
	if err := e.DB.Flush(); err != nil {
		return nil, err
	}
	found, err := readInventory(e.DB)
	if err != nil {
		return nil, errors.Join(ErrImage, err)
	}
	if found.meta.rev < in.newest || found.swept.rev > found.meta.compacted {
		return nil, fmt.Errorf("image of revision %d with changes of %d, swept to %d: %w",
			found.meta.rev, in.newest, found.swept.rev, ErrImage)
	}
	return found, checkAttached(e.DB, found)
}

// checkAttached makes sure that what a lease is said to hold is there.
func checkAttached(db *pebble.DB, in *inventory) error {
	v := &view{r: db, rev: in.meta.rev}
	return eachOf(db, tableAttach, func(k, _ []byte) error {
		id := int64(binary.BigEndian.Uint64(k[1:]))
		kv, err := v.version(k[9:], v.rev)
		if err != nil {
			return err
		}
		if _, ok := in.leases[id]; !ok || kv == nil || kv.Lease != id {
			return fmt.Errorf("key attached to lease %d that is not: %w", id, ErrImage)
		}
		return nil
	})
}

type imageReader struct {
	from   *bufio.Reader
	e      *disk.State
	sum    uint32
	last   []byte // key
	newest int64  // revision of a version or a change
	block  bytes.Buffer
}

func (r *imageReader) header() error {
	var b [len(imageMagic) + 1]byte
	if _, err := io.ReadFull(r.from, b[:]); err != nil {
		return fmt.Errorf("read header: %w", errors.Join(ErrImage, err))
	}
	if string(b[:len(imageMagic)]) != imageMagic {
		return ErrImage
	}
	if v := b[len(imageMagic)]; v != formatVersion {
		return fmt.Errorf("image of version %d: %w", v, ErrFormat)
	}
	return nil
}

// nextBlock takes in one block; more is false of the last, which is empty.
func (r *imageReader) nextBlock() (more bool, err error) {
	var head [8]byte
	if _, err := io.ReadFull(r.from, head[:]); err != nil {
		return false, fmt.Errorf("read block: %w", errors.Join(ErrImage, err))
	}
	size := binary.BigEndian.Uint32(head[:])
	if size > imageBlockMost {
		return false, fmt.Errorf("block of %d bytes: %w", size, ErrImage)
	}
	r.block.Reset()
	// Grows with what comes, not with what is promised.
	if _, err := io.CopyN(&r.block, r.from, int64(size)); err != nil {
		return false, fmt.Errorf("read block: %w", errors.Join(ErrImage, err))
	}
	r.sum = crc(crc(r.sum, head[:4]), r.block.Bytes())
	if r.sum != binary.BigEndian.Uint32(head[4:]) {
		return false, fmt.Errorf("checksum of a block: %w", ErrImage)
	}
	if size == 0 {
		return false, nil
	}
	b := r.e.DB.NewBatch()
	defer b.Close()
	for d := (wire.Decoder{B: r.block.Bytes()}); len(d.B) > 0; {
		if err := r.record(&d, b); err != nil {
			return false, err
		}
	}
	return true, b.Commit(pebble.NoSync)
}

func (r *imageReader) record(d *wire.Decoder, b *pebble.Batch) error {
	keySize, valueSize := d.Uint(), d.Uint()
	left := uint64(len(d.B))
	if d.Bad || keySize > left || valueSize > left-keySize {
		return fmt.Errorf("record beyond its block: %w", ErrImage)
	}
	k, v := d.B[:keySize], d.B[keySize:keySize+valueSize]
	d.B = d.B[keySize+valueSize:]
	if bytes.Compare(r.last, k) >= 0 {
		return fmt.Errorf("record out of order: %w", ErrImage)
	}
	r.last = append(r.last[:0], k...)
	if err := checkRecord(k, v); err != nil {
		return fmt.Errorf("record %x: %w", k[:min(len(k), 32)], errors.Join(ErrImage, err))
	}
	switch k[0] {
	case tableData:
		_, rev, _ := cutSuffix(k)
		r.newest = max(r.newest, rev)
	case tableEvent:
		r.newest = max(r.newest, int64(binary.BigEndian.Uint64(k[1:])))
	}
	return b.Set(k, v, nil)
}
