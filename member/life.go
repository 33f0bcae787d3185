package member

import (
	"fmt"

	"althing/process"
)

// meet lets in a replica that connects if it has the data that it had when it
// was first met here. One that comes back under its ID with other data may
// have voted and forgotten it: with its vote a leader could be elected that
// lacks what is decided.
func (m *Member) meet(id process.ID, life uint64) error {
	m.idMu.Lock()
	defer m.idMu.Unlock()
	switch known := m.id.Lives[id]; {
	case life == 0:
		return fmt.Errorf("replica %d does not say which data it has", id)
	case known == life:
		return nil
	case known != 0:
		return fmt.Errorf("replica %d has lost its data: "+
			"remove the member, and add it again with an empty directory", id)
	}
	lives := m.id.Lives
	m.id.Lives = map[process.ID]uint64{id: life}
	for k, v := range lives {
		m.id.Lives[k] = v
	}
	if err := m.id.save(m.c.Dir); err != nil { // or it would be met anew after a crash
		m.id.Lives = lives
		return err
	}
	return nil
}

// started notes that log and store are there.
func (m *Member) started() error {
	m.idMu.Lock()
	defer m.idMu.Unlock()
	if m.id.Started {
		return nil
	}
	m.id.Started = true
	return m.id.save(m.c.Dir)
}
