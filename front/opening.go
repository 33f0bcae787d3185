package front

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const (
	// maxHeaderBytes bounds the header fields of a call, as RFC 9113 §10.5.1
	// counts them: far more than tokens and traces need.
	maxHeaderBytes = 64 << 10
	// maxKnown is how many openings a connection remembers: of methods, mostly.
	maxKnown = 16
	// maxKnownBytes is the largest that is remembered.
	maxKnownBytes = 4 << 10

	timeoutField = "grpc-timeout"
	binarySuffix = "-bin"
)

// An opening is the header fields of a call as they are decoded. All of it
// belongs to the reader.
type opening struct {
	block   []byte              // of all frames
	fields  []hpack.HeaderField // but the timeout
	bytes   int                 // of fields
	large   bool                // too large: the rest was dropped
	timeout string
	timed   bool
}

func (o *opening) reset() {
	if o.block = o.block[:0]; cap(o.block) > maxKnownBytes {
		o.block = nil
	}
	clear(o.fields)
	o.fields, o.bytes, o.large, o.timeout, o.timed = o.fields[:0], 0, false, "", false
}

// add takes a decoded field. The timeout stands apart, for it is another with
// each call.
func (o *opening) add(f hpack.HeaderField) {
	if o.bytes += int(f.Size()); o.bytes > maxHeaderBytes {
		o.large = true
		return
	}
	if f.Name == timeoutField {
		o.timeout, o.timed = f.Value, true
		return
	}
	o.fields = append(o.fields, f)
}

// A route is what an opening says, its timeout aside: which method, with what
// metadata. It is shared by all calls that open so.
type route struct {
	fields      []hpack.HeaderField
	path        string
	method      *method         // nil: the call is refused
	ctx         context.Context // with the peer and the metadata
	contentType string          // of the reply
	plain       bool            // it is plainContentType

	// Why the call is refused.
	refusal    *status.Status
	httpStatus int           // of a reply without a message
	malformed  http2.ErrCode // if not 0: the stream is reset
}

// onHeaders takes HEADERS with all its CONTINUATIONs: a call, or the trailers
// of one.
func (c *conn) onHeaders(f *http2.HeadersFrame) error {
	id, ended := f.StreamID, f.StreamEnded()
	if err := c.readOpening(f); err != nil {
		return err
	}
	defer c.opening.reset()
	c.lock()
	known := c.streams[id]
	last := c.lastID
	c.mu.Unlock()
	switch {
	case id%2 == 0:
		return &violation{http2.ErrCodeProtocol, "a client's stream with an even number"}
	case known != nil && ended:
		return c.onTrailers(id)
	case known != nil:
		return &violation{http2.ErrCodeProtocol, "HEADERS twice on one stream"}
	case id <= last:
		if ended { // trailers, perhaps, that were under way when the stream ended
			return c.spend()
		}
		return &violation{http2.ErrCodeStreamClosed, "HEADERS on a stream that was closed"}
	}
	return c.open(id, ended)
}

// onTrailers takes the trailers of a request: gRPC has none, but they end it.
func (c *conn) onTrailers(id uint32) error {
	c.mu.Lock()
	t := c.streams[id]
	whole := t != nil && t.receive(nil, 0, true)
	c.mu.Unlock()
	if whole {
		c.s.dispatch(t)
	}
	return nil
}

// readOpening reads and decodes a whole header block into c.opening. A block
// has to be decoded even if nobody wants it: later ones build on it.
func (c *conn) readOpening(f *http2.HeadersFrame) error {
	o := &c.opening
	block := f.HeaderBlockFragment()
	for more := !f.HeadersEnded(); more; {
		if len(o.block) == 0 {
			o.block = append(o.block, block...) // the frame's bytes are gone with the next
		}
		next, err := c.framer.ReadFrame()
		if err != nil {
			return err
		}
		n := next.(*http2.ContinuationFrame) // the framer sees to it
		o.block = append(o.block, n.HeaderBlockFragment()...)
		block, more = o.block, !n.HeadersEnded()
		if len(block) > maxHeaderBytes {
			return &violation{http2.ErrCodeEnhanceYourCalm, "header block too large"}
		}
		if err := c.spend(); err != nil {
			return err
		}
	}
	_, err := c.decoder.Write(block)
	if err == nil {
		err = c.decoder.Close()
	}
	if err != nil {
		return &violation{http2.ErrCodeCompression, err.Error()}
	}
	return nil
}

// open begins a call. The opening has been read.
func (c *conn) open(id uint32, ended bool) error {
	o := &c.opening
	r := c.routeOf(o)
	ctx := &callContext{Context: r.ctx}
	if o.timed && r.refusal == nil && r.malformed == 0 {
		d, err := parseTimeout(o.timeout)
		switch {
		case err != nil:
			r = r.refused(http.StatusBadRequest, codes.Internal, "malformed grpc-timeout: %v", err)
		case d <= 0:
			r = r.refused(http.StatusOK, codes.DeadlineExceeded, "%v", context.DeadlineExceeded)
		default:
			ctx.deadline = time.Now().Add(d)
		}
	}
	if c.s.o.Began != nil && r.path != "" {
		c.s.o.Began(r.path)
	}
	t := newStream(c, id, r, ctx)
	c.mu.Lock()
	switch {
	case c.closed: // what is read now was read ahead: nobody would end the call any more
		c.mu.Unlock()
		return errGone
	case c.drained: // beyond what the client was told is taken
		c.mu.Unlock()
		return nil
	case r.malformed != 0:
		c.lastID = id
		c.reset(t, r.malformed)
	case len(c.streams) >= int(c.s.o.MaxStreams) || c.running >= 2*int(c.s.o.MaxStreams):
		// Handlers of streams that were reset count too, or who resets them
		// would have as many as he likes.
		c.lastID = id
		c.reset(t, http2.ErrCodeRefusedStream)
	default:
		c.lastID = id
		t.window = c.initial
		c.streams[id] = t
		c.began(t, ended)
		return nil
	}
	err := c.spend()
	c.mu.Unlock()
	return err
}

// began has a call go its way: refused, run at once, or run when its request is
// whole. It releases c.mu.
func (c *conn) began(t *stream, ended bool) {
	if t.route.refusal != nil {
		t.ended = ended
		c.end(t, t.route.refusal)
		c.mu.Unlock()
		return
	}
	if t.route.method.unary == nil {
		c.running++
		c.s.handlers.Add(1)
		go t.runStream()
	}
	whole := ended && t.receive(nil, 0, true)
	c.mu.Unlock()
	if whole {
		c.s.dispatch(t)
	}
}

// routeOf returns what an opening says.
func (c *conn) routeOf(o *opening) *route {
	same := func(r *route) bool { return slices.Equal(r.fields, o.fields) }
	if i := slices.IndexFunc(c.known, same); i >= 0 && !o.large {
		r := c.known[i]
		copy(c.known[1:i+1], c.known[:i])
		c.known[0] = r
		return r
	}
	r := c.s.routeFor(c.base, o)
	if o.bytes <= maxKnownBytes && r.malformed == 0 {
		r.fields = slices.Clone(o.fields)
		if len(c.known) < maxKnown {
			c.known = append(c.known, nil)
		}
		copy(c.known[1:], c.known)
		c.known[0] = r
	}
	return r
}

// routeFor finds out what an opening says. RFC 9113 §8; gRPC over HTTP/2,
// "Requests"; where these leave it open, what grpc-go says.
func (s *Server) routeFor(base context.Context, o *opening) *route {
	r := &route{ctx: base, httpStatus: http.StatusOK, contentType: plainContentType, plain: true}
	if o.large {
		r.malformed = http2.ErrCodeFrameSize
		return r
	}
	if !wellFormed(o.fields) {
		r.malformed = http2.ErrCodeProtocol
		return r
	}
	md := make(metadata.MD, len(o.fields))
	verb, encoding, contentType, valid := "", "", "", false
	for _, f := range o.fields {
		switch f.Name {
		case ":method":
			verb = f.Value
		case ":path":
			r.path = f.Value
		case "grpc-encoding":
			encoding = f.Value
		case "content-type":
			contentType = f.Value
			if valid = isGRPC(f.Value); !valid {
				continue
			}
			r.setContentType(f.Value)
			md[f.Name] = append(md[f.Name], f.Value)
		case ":authority", "user-agent":
			md[f.Name] = append(md[f.Name], f.Value)
		default:
			if reserved(f.Name) {
				continue
			}
			v, err := decodeValue(f.Name, f.Value)
			if err != nil {
				return r.refused(http.StatusBadRequest, codes.Internal,
					"malformed binary metadata %q in header %q: %v", f.Value, f.Name, err)
			}
			md[f.Name] = append(md[f.Name], v)
		}
	}
	hosts, authorities := md["host"], md[":authority"]
	if delete(md, "host"); len(authorities) == 0 && len(hosts) > 0 {
		md[":authority"] = hosts
	}
	r.ctx = metadata.NewIncomingContext(base, md)
	switch {
	case len(authorities) > 1 || len(hosts) > 1:
		return r.refused(http.StatusBadRequest, codes.Internal, "num values of :authority: %v, num values of "+
			"host: %v, both must only have 1 value as per HTTP/2 spec", len(authorities), len(hosts))
	case !valid:
		return r.refused(http.StatusUnsupportedMediaType, codes.InvalidArgument,
			"invalid gRPC request content-type %q", contentType)
	case len(md[":authority"]) == 0:
		return r.refused(http.StatusBadRequest, codes.Internal, "no host or :authority header present")
	case verb != http.MethodPost:
		return r.refused(http.StatusMethodNotAllowed, codes.Internal,
			"Received a HEADERS frame with :method %q which should be POST", verb)
	}
	if r.method = s.methods[r.path]; r.method == nil {
		return r.refused(http.StatusOK, codes.Unimplemented, "%s", s.unknown(r.path))
	}
	if encoding != "" && encoding != "identity" {
		return r.refused(http.StatusOK, codes.Unimplemented,
			"grpc: Decompressor is not installed for grpc-encoding %q", encoding)
	}
	return r
}

// refused returns a route by which nobody comes any further.
func (r *route) refused(httpStatus int, code codes.Code, format string, args ...any) *route {
	no := *r
	no.httpStatus, no.refusal = httpStatus, status.Newf(code, format, args...)
	return &no
}

// unknown says what is not known of a path.
func (s *Server) unknown(path string) string {
	service, name, ok := "", "", strings.HasPrefix(path, "/")
	if ok {
		i := strings.LastIndexByte(path[1:], '/')
		if ok = i >= 0; ok {
			service, name = path[1:i+1], path[i+2:]
		}
	}
	switch _, known := s.services[service]; {
	case !ok:
		return fmt.Sprintf("malformed method name: %q", path)
	case !known:
		return "unknown service " + service
	}
	return fmt.Sprintf("unknown method %s for service %s", name, service)
}

// wellFormed reports whether header fields are a request of HTTP/2: RFC 9113
// §8.2 and §8.3.
func wellFormed(fields []hpack.HeaderField) bool {
	pseudo := map[string]int{}
	regular := false
	for _, f := range fields {
		if !httpguts.ValidHeaderFieldValue(f.Value) {
			return false
		}
		if strings.HasPrefix(f.Name, ":") {
			if regular || f.Value == "" && f.Name == ":path" {
				return false
			}
			pseudo[f.Name]++
			continue
		}
		regular = true
		upper := func(c rune) bool { return 'A' <= c && c <= 'Z' }
		if !httpguts.ValidHeaderFieldName(f.Name) || strings.ContainsFunc(f.Name, upper) {
			return false
		}
		switch f.Name {
		case "connection", "proxy-connection", "keep-alive", "transfer-encoding", "upgrade":
			return false
		case "te":
			if f.Value != "trailers" {
				return false
			}
		}
	}
	for name, n := range pseudo {
		switch name {
		case ":method", ":scheme", ":path":
			if n > 1 {
				return false
			}
		case ":authority": // how many is told with a status
		default:
			return false
		}
	}
	return pseudo[":method"] == 1 && pseudo[":scheme"] == 1 && pseudo[":path"] == 1
}

// reserved reports whether a header field is the protocol's own, and not
// metadata.
func reserved(name string) bool {
	switch name {
	case "content-type", "user-agent", "grpc-message-type", "grpc-encoding", "grpc-message",
		"grpc-status", "grpc-status-details-bin", timeoutField, "te":
		return true
	}
	return strings.HasPrefix(name, ":")
}

// isGRPC reports whether a content type is gRPC's, of whatever coding: all are
// taken for protocol buffers, as grpc-go does.
func isGRPC(contentType string) bool {
	rest, ok := strings.CutPrefix(contentType, plainContentType)
	return ok && (rest == "" || rest[0] == '+' || rest[0] == ';')
}

// setContentType has replies be of the content type of the request.
func (r *route) setContentType(request string) {
	if len(request) > len(plainContentType)+1 {
		r.plain = false
		r.contentType = plainContentType + "+" + request[len(plainContentType)+1:]
	}
}

func decodeValue(name, value string) (string, error) {
	if !strings.HasSuffix(name, binarySuffix) {
		return value, nil
	}
	b, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(value, "="))
	return string(b), err
}

var timeoutUnits = map[byte]time.Duration{
	'H': time.Hour, 'M': time.Minute, 'S': time.Second,
	'm': time.Millisecond, 'u': time.Microsecond, 'n': time.Nanosecond,
}

// maxTimeoutDigits is from the grammar of gRPC over HTTP/2.
const maxTimeoutDigits = 8

// parseTimeout reads a grpc-timeout: digits and a unit. What is longer than a
// Duration can be is as long as it can.
func parseTimeout(s string) (time.Duration, error) {
	if len(s) < 2 || len(s) > maxTimeoutDigits+1 {
		return 0, fmt.Errorf("%q has not 1 to %d digits and a unit", s, maxTimeoutDigits)
	}
	unit, ok := timeoutUnits[s[len(s)-1]]
	if !ok {
		return 0, fmt.Errorf("%q has no unit that there is", s)
	}
	n, err := strconv.ParseUint(s[:len(s)-1], 10, 63)
	if err != nil {
		return 0, errors.New("no number: " + strconv.Quote(s))
	}
	if n > uint64(math.MaxInt64/unit) {
		return math.MaxInt64, nil
	}
	return time.Duration(n) * unit, nil
}
