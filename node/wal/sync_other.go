//go:build !linux

package wal

import "os"

// datasync makes f's data durable by the strongest means there is.
func datasync(f *os.File) error { return f.Sync() }
