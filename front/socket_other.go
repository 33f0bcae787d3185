//go:build !linux

package front

import (
	"net"
	"time"
)

// boundUnacknowledged is for Linux alone: elsewhere the kernel's own bound has
// to do.
func boundUnacknowledged(net.Conn, time.Duration) {}
