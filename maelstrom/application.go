package maelstrom

import "encoding/json"

// registers are keys and values, both in canonical form.
type registers map[string]json.RawMessage

func (registers) command(m *message) (cmd []byte, read bool, answer *body) {
	op := body{Type: m.Body.Type, Key: m.Body.Key}
	fields := []*json.RawMessage{&op.Key}
	switch op.Type {
	case "read":
	case "write":
		op.Value = m.Body.Value
		fields = append(fields, &op.Value)
	case "cas":
		op.From, op.To = m.Body.From, m.Body.To
		fields = append(fields, &op.From, &op.To)
	default:
		b := fault(unsupported, "lin-kv does not know %q", op.Type)
		return nil, false, &b
	}
	return encode(&op, fields...)
}

// encode makes a command of op, whose fields must be there.
func encode(op *body, fields ...*json.RawMessage) (cmd []byte, read bool, answer *body) {
	if b, ok := canonicalise(fields...); !ok {
		return nil, false, &b
	}
	cmd, err := json.Marshal(op)
	if err != nil {
		b := fault(malformed, "%v", err)
		return nil, false, &b
	}
	return cmd, op.Type == "read", nil
}

func (r registers) apply(cmd []byte) body {
	var op body
	if err := json.Unmarshal(cmd, &op); err != nil {
		return fault(malformed, "decode command: %v", err)
	}
	value, ok := r[string(op.Key)]
	switch {
	case op.Type == "write":
		r[string(op.Key)] = op.Value
		return body{Type: "write_ok"}
	case !ok:
		return fault(noKey, "there is no key %s", op.Key)
	case op.Type == "read":
		return body{Type: "read_ok", Value: value}
	case op.Type != "cas":
		return fault(malformed, "command %q", op.Type)
	case string(value) != string(op.From):
		return fault(mismatch, "the value is %s, not %s", value, op.From)
	}
	r[string(op.Key)] = op.To
	return body{Type: "cas_ok"}
}

// A board holds the messages that were delivered here, each once, in that order.
type board struct {
	messages []json.RawMessage
	seen     map[string]bool
}

func (b *board) command(m *message) (cmd []byte, read bool, answer *body) {
	switch m.Body.Type {
	case "topology":
		return nil, false, &body{Type: "topology_ok"}
	case "read": // of what is here: it waits for nobody
		return nil, false, &body{Type: "read_ok", Messages: list(b.messages)}
	case "broadcast":
		op := body{Type: "broadcast", Message: m.Body.Message}
		return encode(&op, &op.Message)
	}
	f := fault(unsupported, "broadcast does not know %q", m.Body.Type)
	return nil, false, &f
}

func (b *board) apply(cmd []byte) body {
	var op body
	if err := json.Unmarshal(cmd, &op); err != nil || op.Type != "broadcast" {
		return fault(malformed, "not a broadcast: %v", err)
	}
	if b.seen == nil {
		b.seen = make(map[string]bool)
	}
	if !b.seen[string(op.Message)] {
		b.seen[string(op.Message)] = true
		b.messages = append(b.messages, op.Message)
	}
	return body{Type: "broadcast_ok"}
}

// list writes values as one array.
func list[T ~[]byte | ~string](values []T) json.RawMessage {
	text := []byte{'['}
	for i, v := range values {
		if i > 0 {
			text = append(text, ',')
		}
		text = append(text, v...)
	}
	return append(text, ']')
}
