package multipaxos

import (
	"testing"

	"althing/process/processtest"
)

func TestRules(t *testing.T) { processtest.Run(t, Protocol) }
