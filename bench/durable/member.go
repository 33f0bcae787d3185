package durable

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"althing/protocol"
	"althing/protocol/raft"
)

// Member runs one member of a system, with its files in dir, until in ends.
func Member(name string, id int, dir string, in io.Reader, out io.Writer) error {
	s, err := open(name, id, dir)
	if err != nil {
		return fmt.Errorf("open member %d of %s: %w", id, name, err)
	}
	orders, answers := json.NewDecoder(in), json.NewEncoder(out)
	err = answers.Encode(hello{s.addr()})
	for err == nil {
		var o order
		if err = orders.Decode(&o); err != nil {
			break
		}
		err = obey(s, &o, answers)
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return errors.Join(err, s.close())
}

func open(name string, id int, dir string) (system, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	switch name {
	case Althing:
		return openAlthing(raft.Protocol, id, dir, 1)
	case AlthingCalls:
		a, err := openAlthing(raft.Protocol, id, dir, 1)
		return calling{a}, err
	case Althing48:
		return openAlthing(raft.Protocol, id, dir, manyGroups)
	case Hashicorp:
		return openHashicorp(id, dir, false)
	case HashicorpTuned:
		return openHashicorp(id, dir, true)
	}
	if p, ok := protocol.Find(name); ok {
		return openAlthing(p, id, dir, 1)
	}
	return nil, errors.New("there is no such system")
}

// obey carries an order out. What the system refuses goes into the answer; an
// error means that nobody hears it.
func obey(s system, o *order, answers *json.Encoder) error {
	var a answer
	var err error
	if len(o.Peers) > 0 {
		err = s.join(o.Peers)
	} else {
		a, err = drive(s, o, func() error { return answers.Encode(answer{}) })
	}
	if err != nil {
		a = answer{Err: err.Error()}
	}
	return answers.Encode(a)
}
