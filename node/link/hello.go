package link

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"

	"althing/process"
)

// A connection begins with a hello of the side that dials, which says who it
// is and whom it means, and an answer: welcome, or why not. Magic and version
// keep their places in all versions.
const (
	magic      = 0x4b4e4c41 // bytes "ALNK"
	version    = 1
	helloSize  = 32 // magic 4, version 2, purpose 1, 0, cluster 8, from 2, to 2, life 8, CRC-32C 4
	answerHead = 8  // magic 4, version 2, refused 1, length of the reason 1
)

// What a connection is for.
const (
	forFrames byte = 1
	forStream byte = 2
)

type hello struct {
	purpose  byte
	cluster  uint64
	from, to process.ID
	life     uint64 // of from
}

func (h *hello) append(b []byte) []byte {
	start := len(b)
	le := binary.LittleEndian
	b = le.AppendUint32(b, magic)
	b = le.AppendUint16(b, version)
	b = append(b, h.purpose, 0)
	b = le.AppendUint64(b, h.cluster)
	b = le.AppendUint16(b, uint16(h.from))
	b = le.AppendUint16(b, uint16(h.to))
	b = le.AppendUint64(b, h.life)
	return le.AppendUint32(b, crc32.Checksum(b[start:], castagnoli))
}

var errMagic = errors.New("the other side does not speak this protocol")

// parseHello reads the helloSize bytes of b.
func parseHello(b []byte) (h hello, err error) {
	le := binary.LittleEndian
	if le.Uint32(b) != magic {
		return hello{}, errMagic
	}
	if v := le.Uint16(b[4:]); v != version {
		return hello{}, fmt.Errorf("protocol version %d, want %d", v, version)
	}
	if crc32.Checksum(b[:28], castagnoli) != le.Uint32(b[28:]) {
		return hello{}, errSum
	}
	h.purpose, h.cluster = b[6], le.Uint64(b[8:])
	h.from, h.to = process.ID(le.Uint16(b[16:])), process.ID(le.Uint16(b[18:]))
	h.life = le.Uint64(b[20:])
	if h.purpose != forFrames && h.purpose != forStream {
		return hello{}, fmt.Errorf("a connection for unknown purpose %d", h.purpose)
	}
	return h, nil
}

// A RefusedError is the reason that the other side gave for not doing what it
// was asked.
type RefusedError struct{ Reason string }

// Error returns the reason.
func (e *RefusedError) Error() string { return "refused: " + e.Reason }

// appendAnswer appends a welcome, or else why not, as far as 255 bytes tell.
func appendAnswer(b []byte, why error) []byte {
	b = binary.LittleEndian.AppendUint32(b, magic)
	b = binary.LittleEndian.AppendUint16(b, version)
	if why == nil {
		return append(b, 0, 0)
	}
	reason := why.Error()
	reason = reason[:min(len(reason), 255)]
	return append(append(b, 1, byte(len(reason))), reason...)
}

// readAnswer reads what appendAnswer wrote; a refusal is a *RefusedError.
func readAnswer(r io.Reader) error {
	var head [answerHead]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return fmt.Errorf("read the answer: %w", cutOff(err))
	}
	if binary.LittleEndian.Uint32(head[:]) != magic {
		return errMagic
	}
	reason := make([]byte, head[7])
	if _, err := io.ReadFull(r, reason); err != nil {
		return fmt.Errorf("read the answer: %w", cutOff(err))
	}
	if head[6] != 0 { // in all versions, so that a refusal for the version is understood
		return &RefusedError{string(reason)}
	}
	if v := binary.LittleEndian.Uint16(head[4:]); v != version {
		return fmt.Errorf("protocol version %d, want %d", v, version)
	}
	return nil
}

// cutOff tells the end of a connection from the end of what it carries.
func cutOff(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
