package maelstrom_test

import (
	"strings"
	"testing"

	"althing/maelstrom"
	"althing/process"
)

// A hoarder does nothing until another node's request comes. That it refuses;
// then it serves the reads of its own node, which wait for its first entry, and
// commits its commands: all that the contract allows, in the oddest order.
type hoarder struct{ reads, commands []process.Request }

// Step implements process.Process.
func (h *hoarder) Step(in process.Input, out *process.Output) {
	for _, q := range in.Reqs {
		switch {
		case q.Client != 1:
			out.Refuse([]process.Request{q}, process.Unsupported, 0)
			out.Serve(h.reads, 1)
			for i, q := range h.commands {
				out.Commit([]process.Entry{{Epoch: 1, Index: uint64(i + 1), Req: q}})
			}
		case q.Kind == process.Read:
			h.reads = append(h.reads, q)
		default:
			h.commands = append(h.commands, q)
		}
	}
}

func (h *hoarder) Status() process.Status                           { return process.Status{} }
func (h *hoarder) Progress(b []process.Progress) []process.Progress { return b }
func (h *hoarder) Clone() process.Process                           { c := *h; return &c }
func (h *hoarder) AppendState(b []byte) []byte                      { return b }

// TestHost: a read is answered from no state before the one that it waits for,
// and what another node's request comes to is not taken for our own's.
func TestHost(t *testing.T) {
	p := process.Protocol{Name: "hoarder", New: func(process.Config) process.Process { return new(hoarder) }}
	d := talk(t, maelstrom.Options{Workload: "lin-kv", Protocol: p},
		`{"type":"init","msg_id":1,"node_id":"n1","node_ids":["n1","n2"]}`)
	d.hears("c1", `{"type":"read","msg_id":2,"key":1}`)
	d.hears("c1", `{"type":"write","msg_id":3,"key":1,"value":7}`)
	d.hears("n2", `{"type":"althing_request","number":1,"data":"e30="}`)
	if got := d.answer(); !strings.Contains(got, "write_ok") {
		t.Errorf("the write is answered with %s", got)
	}
	if got := d.answer(); !strings.Contains(got, `"read_ok"`) || !strings.Contains(got, `"value":7`) {
		t.Errorf("the read is answered with %s", got)
	}
}
