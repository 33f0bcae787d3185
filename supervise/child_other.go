//go:build !linux

package supervise

import "syscall"

// attributes are none: here a child outlives a parent that is killed.
func attributes() *syscall.SysProcAttr { return nil }
