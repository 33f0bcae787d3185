package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"althing/process"
)

// streams are the application states on their way: one to each member, and
// one in.
type streams struct {
	mu      sync.Mutex
	out     map[process.ID]bool
	staging sync.Mutex // one state at a time comes in
	wg      sync.WaitGroup
}

// sendState sends m with an image of the machine's state as it is now. If one
// is on its way to that member already, that one serves.
func (g *Group) sendState(to process.ID, m process.Msg) {
	s := &g.sending
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out[to] || g.n.closing.Load() {
		return
	}
	if s.out == nil {
		s.out = make(map[process.ID]bool)
	}
	s.out[to] = true
	s.wg.Go(func() {
		bytes, err := g.stream(to, m)
		s.mu.Lock()
		delete(s.out, to)
		s.mu.Unlock()
		if err != nil {
			g.n.o.Log.Warn("state was not sent", "group", g.id, "to", to, "error", err)
		}
		if hook := g.n.o.Hooks.State; hook != nil {
			hook(g.id, to, bytes, err)
		}
	})
}

func (g *Group) stream(to process.ID, m process.Msg) (n int64, err error) {
	image, err := g.machine.Image()
	if err != nil {
		return 0, fmt.Errorf("take an image: %w", err)
	}
	defer func() { err = errors.Join(err, image.Close()) }()
	h := &stateHeader{state: image.State()}
	if h.msg, err = m.AppendBinary(nil); err != nil {
		return 0, fmt.Errorf("encode %s: %w", m.Kind(), err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	stop := context.AfterFunc(g.n.ctx, cancel)
	defer stop()
	w, err := g.n.transport.Stream(ctx, to, g.id, h)
	if err != nil {
		return 0, err
	}
	if n, err = image.WriteTo(w); err != nil {
		return n, err // the stream is left without its end, which the receiver notices
	}
	return n, w.Close()
}

// takeState takes in a state from another member and steps the process with
// it. The next one has to wait until the process has decided about this one.
func (n *Node) takeState(from process.ID, group uint32, header []byte, body io.Reader) error {
	g := n.groups[group]
	if g == nil {
		return fmt.Errorf("no group %d", group)
	}
	h, err := decodeStateHeader(header)
	if err != nil {
		return err
	}
	m, err := n.o.Protocol.Decode(h.msg)
	if err != nil {
		return err
	}
	g.sending.staging.Lock()
	defer g.sending.staging.Unlock()
	s, err := g.app.stage(body)
	if err != nil {
		return fmt.Errorf("stage: %w", err)
	}
	if s.Index != h.state.Index || s.Epoch != h.state.Epoch {
		return fmt.Errorf("the state is of index %d, announced as %d", s.Index, h.state.Index)
	}
	done := make(chan struct{})
	g.bring(func(in *inbox) {
		in.msgs = append(in.msgs, received{from: from, msg: m, state: &s, done: done})
	})
	select {
	case <-done:
		return nil
	case <-n.failed:
		return ErrClosed
	case <-n.ctx.Done():
		return ErrClosed
	}
}
