package maelstrom

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// maxLine bounds a message, in bytes: the largest is the state of a large set.
const maxLine = 16 << 20

// A message is one line.
type message struct {
	Src  string `json:"src"`
	Dest string `json:"dest"`
	Body body   `json:"body"`

	bad error // a field is of the wrong type: JSON, but not what we speak
}

// A body is what a message bears: of all types together, since few fields of
// one name differ. Values of clients stay JSON.
type body struct {
	Type      string   `json:"type"`
	MsgID     *int64   `json:"msg_id,omitempty"`
	InReplyTo *int64   `json:"in_reply_to,omitempty"`
	Code      *code    `json:"code,omitempty"`
	Text      string   `json:"text,omitempty"`
	Delta     *int64   `json:"delta,omitempty"`
	NodeID    string   `json:"node_id,omitempty"`
	NodeIDs   []string `json:"node_ids,omitempty"`

	Key      json.RawMessage `json:"key,omitempty"`
	Value    json.RawMessage `json:"value,omitempty"`
	From     json.RawMessage `json:"from,omitempty"`
	To       json.RawMessage `json:"to,omitempty"`
	Echo     json.RawMessage `json:"echo,omitempty"`
	Element  json.RawMessage `json:"element,omitempty"`
	Message  json.RawMessage `json:"message,omitempty"`
	Messages json.RawMessage `json:"messages,omitempty"`
	ID       json.RawMessage `json:"id,omitempty"`

	// Between nodes.
	Number uint64 `json:"number,omitempty"` // of a request, or of a delta
	Data   []byte `json:"data,omitempty"`   // base64
}

// The types of bodies between nodes.
const (
	typeProcess = "althing_process" // Data: a process.Msg
	typeRequest = "althing_request" // Number, Data: a command that its sender was asked for
	typeDelta   = "althing_delta"   // Number, Data: a state of a crdt
	typeAck     = "althing_ack"     // Number: of a delta that was joined
)

// A code is that of an error, as Maelstrom numbers them.
type code int

// The codes in use. All but timeout are definite: the request had no effect and
// never will have.
const (
	timeout     code = 0
	unsupported code = 10
	unavailable code = 11
	malformed   code = 12
	aborted     code = 14
	noKey       code = 20
	mismatch    code = 22
)

// fault makes the body of an error.
func fault(c code, text string, args ...any) body {
	return body{Type: "error", Code: &c, Text: fmt.Sprintf(text, args...)}
}

// decode reads one line.
func decode(line []byte) (m message, err error) {
	var wrong *json.UnmarshalTypeError
	if err := json.Unmarshal(line, &m); errors.As(err, &wrong) && wrong.Field != "" {
		m.bad = err
	} else if err != nil {
		return m, fmt.Errorf("decode message: %w", err)
	}
	if m.Src == "" || m.Body.Type == "" && m.bad == nil {
		return m, errors.New("decode message: it has no src, or no type in its body")
	}
	return m, nil
}

// canonical returns the one form of a value, so that equal values have equal
// bytes: no spaces, fields of objects in order, numbers as they were written.
func canonical(v json.RawMessage) (json.RawMessage, error) {
	d := json.NewDecoder(bytes.NewReader(v))
	d.UseNumber()
	var x any
	if err := d.Decode(&x); err != nil {
		return nil, fmt.Errorf("decode value: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("decode value: more than one")
	}
	return json.Marshal(x)
}

// canonicalise puts fields that must be there into canonical form, or says that
// the request is malformed.
func canonicalise(fields ...*json.RawMessage) (body, bool) {
	for _, f := range fields {
		v, err := canonical(*f)
		if err != nil {
			return fault(malformed, "a field is missing, or no value: %v", err), false
		}
		*f = v
	}
	return body{}, true
}
