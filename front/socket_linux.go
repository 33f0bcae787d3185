package front

import (
	"net"
	"time"

	"golang.org/x/sys/unix"
)

// boundUnacknowledged has the kernel end a connection whose client has not
// acknowledged for that long what was sent to it. Without it a client that fell
// silent amid a call is noticed only when the kernel gives up, after a quarter
// of an hour.
func boundUnacknowledged(nc net.Conn, d time.Duration) {
	tcp, ok := nc.(*net.TCPConn)
	if !ok {
		return
	}
	if raw, err := tcp.SyscallConn(); err == nil {
		// If it fails, the kernel's own bound has to do.
		_ = raw.Control(func(fd uintptr) {
			_ = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(d.Milliseconds()))
		})
	}
}
