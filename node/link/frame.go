package link

import (
	"encoding"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
)

// On the wire a frame is
//
//	length u32, sum u32, kind u8, group uvarint, payload
//
// little endian; length counts what follows sum, and sum is the CRC-32C of
// that. A frame of length 0 is a ping, or the answer to one, and sum its
// number: a frame of a caller has a kind and a group at least.
const (
	frameHeader = 8
	maxExtra    = 1 + binary.MaxVarintLen32 // kind and group
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// A Frame is one message as it arrives.
type Frame struct {
	Kind    uint8
	Group   uint32
	Payload []byte
}

var (
	errLength = errors.New("the frame has an impossible length")
	errSum    = errors.New("the frame's checksum is wrong")
	errGroup  = errors.New("the frame's group is no number")
)

// appendFrame appends m as a frame. After an error b is as it was.
func appendFrame(b []byte, kind uint8, group uint32, m encoding.BinaryAppender, limit int) (
	[]byte, error) {
	start := len(b)
	f := append(b, 0, 0, 0, 0, 0, 0, 0, 0, kind)
	f = binary.AppendUvarint(f, uint64(group))
	head := len(f)
	f, err := m.AppendBinary(f)
	if err == nil && len(f)-head > limit {
		err = fmt.Errorf("%d bytes are more than the limit of %d", len(f)-head, limit)
	}
	if err != nil {
		return b, err
	}
	body := f[start+frameHeader:]
	binary.LittleEndian.PutUint32(f[start:], uint32(len(body)))
	binary.LittleEndian.PutUint32(f[start+4:], crc32.Checksum(body, castagnoli))
	return f, nil
}

// frameSize returns the size of the frame at the start of b, or 0 if b is too
// short to tell.
func frameSize(b []byte, limit int) (int, error) {
	if len(b) < frameHeader {
		return 0, nil
	}
	n := binary.LittleEndian.Uint32(b)
	if uint64(n) > uint64(limit)+maxExtra {
		return 0, errLength
	}
	return frameHeader + int(n), nil
}

// parseFrame reads a frame that is whole, and no ping. The payload is part of b.
func parseFrame(b []byte, limit int) (f Frame, err error) {
	body := b[frameHeader:]
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(b[4:]) {
		return Frame{}, errSum
	}
	group, n := binary.Uvarint(body[1:])
	if n <= 0 || group > 1<<32-1 {
		return Frame{}, errGroup
	}
	payload := body[1+n:]
	if len(payload) > limit {
		return Frame{}, errLength
	}
	return Frame{body[0], uint32(group), payload}, nil
}

func isPing(b []byte) bool { return binary.LittleEndian.Uint32(b) == 0 }

// appendPing appends the ping with this number, which is its answer too.
func appendPing(b []byte, number uint32) []byte {
	return binary.LittleEndian.AppendUint32(append(b, 0, 0, 0, 0), number)
}

func pingNumber(b []byte) uint32 { return binary.LittleEndian.Uint32(b[4:]) }

const (
	// chunkBytes is read at once at most: hundreds of small frames a call.
	chunkBytes = 128 << 10
	// minRead is the least room for a read, or the end of a chunk would be read
	// in crumbs.
	minRead = 16 << 10
)

// A splitter cuts what arrives into frames. Bytes are never written twice: a
// receiver may keep a payload for as long as it likes. It keeps the chunk of
// up to 128 KiB around it alive with that, so what is kept for long should be
// copied. One chunk for many frames is what makes receiving cheap.
type splitter struct {
	limit int
	chunk []byte
	r, w  int // chunk[r:w] has arrived and is in no whole frame yet
}

// room returns where the next bytes shall be read to. For a large frame it
// grows as its bytes arrive, not as its length promises.
func (s *splitter) room() []byte {
	if len(s.chunk)-s.w < minRead {
		rest := s.chunk[s.r:s.w]
		s.chunk = make([]byte, chunkBytes+2*len(rest))
		s.r, s.w = 0, copy(s.chunk, rest)
	}
	return s.chunk[s.w:]
}

// took says that n bytes have been read into room.
func (s *splitter) took(n int) { s.w += n }

// next returns the next whole frame, ping or not, or nil.
func (s *splitter) next() ([]byte, error) {
	b := s.chunk[s.r:s.w]
	n, err := frameSize(b, s.limit)
	if err != nil || n == 0 || n > len(b) {
		return nil, err
	}
	s.r += n
	return b[:n:n], nil
}
