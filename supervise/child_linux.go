package supervise

import "syscall"

// attributes make the kernel kill a child when its parent dies, whatever the
// parent dies of, and keep the terminal's Ctrl-C from it: the parent says when
// to stop.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
