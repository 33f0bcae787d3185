package shiviz

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"althing/clock"
	"althing/trace"
)

// Pattern is the regular expression that takes the entries of Export apart.
const Pattern = `(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`

// Export writes the trace as a log. Each event of a replica is an entry, whose
// text is that of the trace; events of links alone, such as a cut, are nobody's
// and left out, and so are messages that were lost: their sending is in the
// entry that they left with. It returns the first error of reading or writing.
func Export(w io.Writer, t *trace.Reader) error {
	x := exporter{sent: map[uint64]clock.Vector{}}
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n\n", Pattern)
	for {
		e, err := t.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if e.Node == 0 {
			continue
		}
		if err := x.entry(b, &e); err != nil {
			return err
		}
	}
	if err := b.Flush(); err != nil {
		return fmt.Errorf("write the log: %w", err)
	}
	return nil
}

type exporter struct {
	names  clock.Names
	clocks []clock.Vector          // by number of the name
	sent   map[uint64]clock.Vector // by event in which messages left
}

func (x *exporter) entry(w io.Writer, e *trace.Event) error {
	host := fmt.Sprint("n", e.Node)
	i := x.names.Index(host)
	for len(x.clocks) <= i {
		x.clocks = append(x.clocks, nil)
	}
	v := &x.clocks[i]
	if e.Kind == "deliver" && e.From != e.Node {
		past, ok := x.sent[e.Sent]
		if !ok {
			return fmt.Errorf("%w: event %d delivers what left in event %d, which sent nothing",
				trace.ErrForm, e.Seq, e.Sent)
		}
		v.Merge(past)
	}
	if err := v.Tick(i); err != nil {
		return err
	}
	for j := range e.Effects {
		if f := &e.Effects[j]; f.To != 0 && f.To != e.Node && f.Msg != "" && !f.Held {
			x.sent[e.Seq] = v.Clone()
			break
		}
	}
	stamp, err := x.names.AppendJSON(nil, *v)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n%s %s\n", e, host, stamp)
	return err
}
