package front

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http2"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
)

const frameHeaderBytes = 9

// appendFrame appends the header of a frame whose payload has length bytes.
// RFC 9113 §4.1.
func appendFrame(b []byte, length int, kind http2.FrameType, flags http2.Flags, id uint32) []byte {
	b = append(b, byte(length>>16), byte(length>>8), byte(length), byte(kind), byte(flags))
	return binary.BigEndian.AppendUint32(b, id)
}

// setLength writes the length of the last frame of b, which begins at offset
// at, into its header.
func setLength(b []byte, at int) []byte {
	n := len(b) - at - frameHeaderBytes
	b[at], b[at+1], b[at+2] = byte(n>>16), byte(n>>8), byte(n)
	return b
}

func appendData(b []byte, id uint32, data []byte) []byte {
	return append(appendFrame(b, len(data), http2.FrameData, 0, id), data...)
}

func appendReset(b []byte, id uint32, code http2.ErrCode) []byte {
	return binary.BigEndian.AppendUint32(appendFrame(b, 4, http2.FrameRSTStream, 0, id), uint32(code))
}

func appendWindowUpdate(b []byte, id, increment uint32) []byte {
	return binary.BigEndian.AppendUint32(appendFrame(b, 4, http2.FrameWindowUpdate, 0, id), increment)
}

func appendPing(b []byte, ack bool, data [8]byte) []byte {
	var flags http2.Flags
	if ack {
		flags = http2.FlagPingAck
	}
	return append(appendFrame(b, len(data), http2.FramePing, flags, 0), data[:]...)
}

func appendGoAway(b []byte, last uint32, code http2.ErrCode, why string) []byte {
	b = appendFrame(b, 8+len(why), http2.FrameGoAway, 0, 0)
	b = binary.BigEndian.AppendUint32(b, last)
	return append(binary.BigEndian.AppendUint32(b, uint32(code)), why...)
}

// appendSettings says what differs from what RFC 9113 §6.5.2 lets a client
// believe.
func appendSettings(b []byte, streams uint32) []byte {
	settings := []http2.Setting{{ID: http2.SettingMaxHeaderListSize, Val: maxHeaderBytes}}
	if streams < math.MaxUint32 {
		settings = append(settings, http2.Setting{ID: http2.SettingMaxConcurrentStreams, Val: streams})
	}
	b = appendFrame(b, 6*len(settings), http2.FrameSettings, 0, 0)
	for _, s := range settings {
		b = binary.BigEndian.AppendUint16(b, uint16(s.ID))
		b = binary.BigEndian.AppendUint32(b, s.Val)
	}
	return b
}

// Places in the static table of RFC 7541, appendix A; the dynamic one begins
// after it, with what was put there last.
const (
	staticStatus      = 8 // ":status: 200"
	staticContentType = 31
	firstDynamic      = 62
)

const (
	plainContentType = "application/grpc"
	// headBytes and bothBytes are what the table has to hold: the content type
	// alone, and the status of a call that went well too. RFC 7541 §4.1.
	headBytes = 32 + len("content-type") + len(plainContentType)
	bothBytes = headBytes + 32 + len("grpc-status") + len("0")
)

// A table is what the client remembers of our header fields: nothing, the
// content type, or after it the status OK as well. All else is sent in full, so
// that their places never change and a reply that goes well is three bytes.
type table struct {
	max      uint32 // bytes that the client keeps
	update   bool   // max is less than the client was told
	head, ok bool   // in the table
}

// limit takes a client's SETTINGS_HEADER_TABLE_SIZE. More than there is is not
// made use of. Less is told at the next block: RFC 7541 §4.2.
func (t *table) limit(max uint32) {
	if max < t.max {
		t.max, t.update = max, true
		t.head, t.ok = false, false // and that clears the client's
	}
}

// appendUpdate begins a block.
func (t *table) appendUpdate(b []byte) []byte {
	if !t.update {
		return b
	}
	t.update = false
	b = appendInteger(b, 0x20, 5, 0)
	if t.max == 0 {
		return b
	}
	return appendInteger(b, 0x20, 5, uint64(t.max))
}

// appendHead is the block that opens a plain reply.
func (t *table) appendHead(b []byte) []byte {
	b = append(t.appendUpdate(b), 0x80|staticStatus)
	switch {
	case t.head && t.ok:
		return append(b, 0x80|(firstDynamic+1))
	case t.head:
		return append(b, 0x80|firstDynamic)
	case uint64(t.max) < uint64(bothBytes):
		return appendString(appendInteger(b, 0, 4, staticContentType), plainContentType)
	}
	t.head = true
	return appendString(appendInteger(b, 0x40, 6, staticContentType), plainContentType)
}

// appendOK is the block that ends a reply that went well.
func (t *table) appendOK(b []byte) []byte {
	b = t.appendUpdate(b)
	switch {
	case t.ok:
		return append(b, 0x80|firstDynamic)
	case !t.head: // no room, or never a plain reply: then nothing has its place
		return appendField(b, "grpc-status", "0")
	}
	t.ok = true
	return appendString(appendString(append(b, 0x40), "grpc-status"), "0")
}

// appendOpening opens any reply.
func (t *table) appendOpening(b []byte, httpStatus int, contentType string) []byte {
	b = t.appendUpdate(b)
	if httpStatus == 200 {
		b = append(b, 0x80|staticStatus)
	} else {
		b = appendString(appendInteger(b, 0, 4, staticStatus), strconv.Itoa(httpStatus))
	}
	return appendString(appendInteger(b, 0, 4, staticContentType), contentType)
}

// appendStatus appends a status, nil for OK, as gRPC has it in trailers.
func appendStatus(b []byte, s *status.Status) []byte {
	b = appendField(b, "grpc-status", strconv.Itoa(int(s.Code())))
	if s == nil {
		return b
	}
	b = appendField(b, "grpc-message", encodeText(s.Message()))
	if p := s.Proto(); len(p.GetDetails()) > 0 {
		if details, err := proto.Marshal(p); err == nil { // else code and text have to do
			b = appendField(b, "grpc-status-details-bin", base64.RawStdEncoding.EncodeToString(details))
		}
	}
	return b
}

// encodeText writes text as the values of header fields may be: what is not
// printable ASCII, and the percent sign, as the bytes of its UTF-8 in percents.
func encodeText(s string) string {
	plain := func(c byte) bool { return c >= ' ' && c <= '~' && c != '%' }
	if !slices.ContainsFunc([]byte(s), func(c byte) bool { return !plain(c) }) {
		return s
	}
	var to strings.Builder
	for _, c := range []byte(strings.ToValidUTF8(s, string(utf8.RuneError))) {
		if plain(c) {
			to.WriteByte(c)
		} else {
			fmt.Fprintf(&to, "%%%02X", c)
		}
	}
	return to.String()
}

// appendMetadata appends metadata, but for names that are gRPC's own.
func appendMetadata(b []byte, md metadata.MD) []byte {
	for name, values := range md {
		if name = strings.ToLower(name); reserved(name) {
			continue
		}
		for _, v := range values {
			if strings.HasSuffix(name, binarySuffix) {
				v = base64.RawStdEncoding.EncodeToString([]byte(v))
			}
			b = appendField(b, name, v)
		}
	}
	return b
}

// appendField appends a field that goes into no table. RFC 7541 §6.2.2.
func appendField(b []byte, name, value string) []byte {
	return appendString(appendString(append(b, 0), name), value)
}

func appendString(b []byte, s string) []byte {
	return append(appendInteger(b, 0, 7, uint64(len(s))), s...)
}

// appendInteger appends v after the bits of first, in as many as prefix more.
// RFC 7541 §5.1.
func appendInteger(b []byte, first byte, prefix uint, v uint64) []byte {
	most := uint64(1)<<prefix - 1
	if v < most {
		return append(b, first|byte(v))
	}
	b = append(b, first|byte(most))
	for v -= most; v >= 0x80; v >>= 7 {
		b = append(b, byte(v)|0x80)
	}
	return append(b, byte(v))
}
