package wal

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// datasync makes f's data durable without its times. On a file whose blocks
// have all been written before it journals nothing.
func datasync(f *os.File) error {
	for {
		err := unix.Fdatasync(int(f.Fd()))
		if !errors.Is(err, unix.EINTR) {
			return os.NewSyscallError("fdatasync", err)
		}
	}
}
