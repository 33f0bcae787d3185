package protocol_test

import (
	"testing"

	"althing/process/processtest"
	"althing/protocol"
)

func TestRules(t *testing.T) {
	for _, p := range protocol.All {
		t.Run(p.Name, func(t *testing.T) { processtest.Run(t, p) })
	}
}
