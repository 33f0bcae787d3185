package trace

import (
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"althing/process"
)

var errRequest = errors.New("not a request as a trace shows it")

// ParseRequest reads what Request wrote. What a command looks like is not known, so
// one that begins with the word of another kind is taken for that.
func ParseRequest(text string) (process.Request, error) {
	var r process.Request
	if word, rest, ok := strings.Cut(text, " "); ok && len(word) > 1 && word[0] == 'c' {
		client, seq, dot := strings.Cut(word[1:], ".")
		c, err1 := strconv.ParseUint(client, 10, 64)
		s, err2 := strconv.ParseUint(seq, 10, 64)
		if dot && err1 == nil && err2 == nil {
			r.Client, r.Seq, text = c, s, rest
		}
	}
	word, rest, _ := strings.Cut(text, " ")
	var err error
	switch word {
	case "read":
		r.Kind, text = process.Read, rest
	case "session":
		r.Kind, text = process.Session, rest
	case "no-op":
		r.Kind, text = process.NoOp, rest
	case "transfer":
		r.Kind = process.Transfer
		to, ok := strings.CutPrefix(rest, "to ")
		id, perr := strconv.ParseUint(to, 10, 64)
		if !ok || perr != nil {
			return r, fmt.Errorf("%w: %q", errRequest, text)
		}
		r.Cmd = binary.AppendUvarint(nil, id)
		return r, nil
	case "members":
		r.Kind = process.Members
		r.Cmd, err = parseMembers(rest)
		return r, err
	}
	r.Cmd, err = parseText(text)
	return r, err
}

func parseText(s string) ([]byte, error) {
	if digits, ok := strings.CutPrefix(s, "0x"); ok {
		b, err := hex.DecodeString(digits)
		if err != nil {
			return nil, fmt.Errorf("%w: %q: %w", errRequest, s, err)
		}
		return b, nil
	}
	if s == "" {
		return nil, nil
	}
	return []byte(s), nil
}

// parseMembers reads a group, and what follows it.
func parseMembers(s string) ([]byte, error) {
	var g process.Group
	for _, part := range []struct {
		word string
		ids  *[]process.ID
	}{{"", &g.Voters}, {"outgoing ", &g.Outgoing}, {"learners ", &g.Learners}} {
		rest, ok := strings.CutPrefix(s, part.word)
		if !ok || !strings.HasPrefix(rest, "{") {
			if part.word == "" {
				return nil, fmt.Errorf("%w: members %q", errRequest, s)
			}
			continue
		}
		list, after, _ := strings.Cut(rest[1:], "}")
		for _, digits := range strings.Split(list, ",") {
			if list == "" {
				break
			}
			id, err := strconv.ParseUint(digits, 10, 16)
			if err != nil || len(*part.ids) == process.MaxGroup {
				return nil, fmt.Errorf("%w: members %q", errRequest, s)
			}
			*part.ids = append(*part.ids, process.ID(id))
		}
		s = strings.TrimPrefix(after, " ")
	}
	tail, err := parseText(s)
	return slices.Concat(process.AppendGroup(nil, g), tail), err
}
