package vsync

import (
	"slices"

	"althing/oplog/lanes"
	"althing/process"
)

// messageMonitor checks a group without one order for all: its views as monitor
// does, and what is delivered as a lanes.Witness does.
type messageMonitor struct {
	views   *monitor
	witness *lanes.Witness
}

func newMessageMonitor(causal bool) *messageMonitor {
	return &messageMonitor{newMonitor().(*monitor), lanes.NewWitness(causal)}
}

// Crashed implements process.Monitor.
func (m *messageMonitor) Crashed(id process.ID) {
	m.views.Crashed(id)
	m.witness.Crashed(id)
}

// Stepped implements process.Monitor.
func (m *messageMonitor) Stepped(
	id process.ID, p process.Process, in *process.Input, effects []process.Effect,
) error {
	commit := func(e process.Effect) bool { return e.Kind == process.Commit }
	if err := m.views.Stepped(id, p, in, slices.DeleteFunc(slices.Clone(effects), commit)); err != nil {
		return err
	}
	r := p.(*Member)
	if k, ok := in.Msg.(*Kept); ok {
		m.witness.Recovered(id, &k.Messages)
	}
	var next []*lanes.Multicast
	if in.Kind != process.Recover {
		next = r.msgs.Line[r.msgs.Index-r.msgs.Base:]
	}
	return m.witness.Stepped(id, uint64(r.view), next, in, effects)
}

// Clone returns an independent copy.
func (m *messageMonitor) Clone() process.Monitor {
	return &messageMonitor{m.views.Clone().(*monitor), m.witness.Clone()}
}

// AppendState appends all that m remembers in one canonical form.
func (m *messageMonitor) AppendState(b []byte) []byte {
	return m.witness.AppendState(m.views.AppendState(b))
}
