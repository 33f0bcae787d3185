package etcd

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"

	pb "go.etcd.io/etcd/api/v3/etcdserverpb"
)

// A snapshot is a file of our own making: an image of the store, as a replica
// sends it to another, in a frame that clients of this interface can keep and
// check without knowing what is in it.
//
//	magic       8 bytes
//	image       as many as there are
//	zeros       so that all before the digest is a multiple of 512
//	length      8 bytes, big-endian, of the image
//	digest      SHA-256 of all before it
//
// Clients look at the size alone: 32 more than a multiple of 512 is a file
// with a digest at its end.
const (
	snapshotMagic  = "althing1"
	snapshotSector = 512
	lengthSize     = 8
	// blobBytes is what one message of a snapshot carries: large enough that
	// the cost of a message does not count.
	blobBytes = 256 << 10
)

// ErrSnapshot is that a file is no snapshot, or not a whole one.
var ErrSnapshot = errors.New("etcd: not a snapshot")

// Snapshot implements pb.MaintenanceServer. How much is to come is not known
// beforehand, so remaining_bytes is 0 throughout.
func (s *maintenance) Snapshot(_ *pb.SnapshotRequest, to pb.Maintenance_SnapshotServer) (err error) {
	image, err := s.Store.Image()
	if err != nil {
		return clientError(to.Context(), err)
	}
	defer func() { err = errors.Join(err, image.Close()) }()
	blobs := &blobWriter{to: to, s: s}
	b := bufio.NewWriterSize(blobs, blobBytes)
	if err := WriteSnapshot(b, image); err != nil {
		return clientError(to.Context(), err)
	}
	return b.Flush()
}

// WriteSnapshot writes image as a snapshot.
func WriteSnapshot(w io.Writer, image io.WriterTo) error {
	f := &frameWriter{w: w, digest: sha256.New()}
	if _, err := io.WriteString(f, snapshotMagic); err != nil {
		return err
	}
	if _, err := image.WriteTo(f); err != nil {
		return fmt.Errorf("write the image of a snapshot: %w", err)
	}
	length := f.n - int64(len(snapshotMagic))
	trailing := (f.n + lengthSize) % snapshotSector
	end := make([]byte, (snapshotSector-trailing)%snapshotSector)
	end = binary.BigEndian.AppendUint64(end, uint64(length))
	if _, err := f.Write(end); err != nil {
		return err
	}
	_, err := w.Write(f.digest.Sum(nil))
	return err
}

// frameWriter counts and digests what goes through.
type frameWriter struct {
	w      io.Writer
	digest hash.Hash
	n      int64
}

func (f *frameWriter) Write(b []byte) (int, error) {
	n, err := f.w.Write(b)
	f.digest.Write(b[:n])
	f.n += int64(n)
	return n, err
}

// blobWriter sends each Write as a message.
type blobWriter struct {
	to    pb.Maintenance_SnapshotServer
	s     *maintenance
	begun bool
}

func (w *blobWriter) Write(b []byte) (int, error) {
	r := &pb.SnapshotResponse{Blob: b}
	if !w.begun { // the first tells what it is a snapshot of
		r.Header, r.Version, w.begun = w.s.headerNow(), w.s.Version, true
	}
	if err := w.to.Send(r); err != nil {
		return 0, err
	}
	return len(b), nil
}

// ReadSnapshot checks a whole snapshot, and returns the image in it, for
// process.Machine.Stage. The error is ErrSnapshot for anything else.
func ReadSnapshot(f io.ReadSeeker) (image io.Reader, err error) {
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, fmt.Errorf("size of a snapshot: %w", err)
	}
	body := size - sha256.Size
	if body < snapshotSector || body%snapshotSector != 0 {
		return nil, fmt.Errorf("%d bytes: %w", size, ErrSnapshot)
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	var magic [len(snapshotMagic)]byte
	var length [lengthSize]byte
	var sum [sha256.Size]byte
	digest := sha256.New()
	r := io.TeeReader(f, digest)
	if _, err := io.ReadFull(r, magic[:]); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	if _, err := io.CopyN(io.Discard, r, body-int64(len(magic)+len(length))); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	if _, err := io.ReadFull(r, length[:]); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	if _, err := io.ReadFull(f, sum[:]); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	n := binary.BigEndian.Uint64(length[:])
	switch {
	case string(magic[:]) != snapshotMagic:
		return nil, fmt.Errorf("it begins with %q: %w", magic[:], ErrSnapshot)
	case !bytes.Equal(digest.Sum(nil), sum[:]):
		return nil, fmt.Errorf("its digest is another: %w", ErrSnapshot)
	case n > uint64(body)-uint64(len(magic)+len(length)):
		return nil, fmt.Errorf("an image of %d bytes: %w", n, ErrSnapshot)
	}
	if _, err := f.Seek(int64(len(magic)), io.SeekStart); err != nil {
		return nil, fmt.Errorf("read a snapshot: %w", err)
	}
	return io.LimitReader(f, int64(n)), nil
}
