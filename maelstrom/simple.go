package maelstrom

import (
	"encoding/json"
	"fmt"
	"time"

	"althing/process"
)

// echo gives back what it is given.
type echo struct{ *node }

func (e echo) request(m *message) error {
	if m.Body.Type != "echo" {
		return e.strange(m)
	}
	if m.Body.Echo == nil {
		e.reply(m, fault(malformed, "echo is missing"))
		return nil
	}
	e.reply(m, body{Type: "echo_ok", Echo: m.Body.Echo})
	return nil
}

func (echo) peer(process.ID, *body) error             { return nil }
func (echo) wake(time.Time) (next time.Time, _ error) { return next, nil }

// unique makes names that no other node makes: its own, and a number.
type unique struct {
	*node
	last uint64
}

func (u *unique) request(m *message) error {
	if m.Body.Type != "generate" {
		return u.strange(m)
	}
	u.last++
	id, err := json.Marshal(fmt.Sprintf("%s-%d", u.names[u.self-1], u.last))
	u.reply(m, body{Type: "generate_ok", ID: id})
	return err
}

func (*unique) peer(process.ID, *body) error             { return nil }
func (*unique) wake(time.Time) (next time.Time, _ error) { return next, nil }
