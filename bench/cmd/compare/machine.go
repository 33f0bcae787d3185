package main

import (
	"bufio"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// machine tells what the numbers were taken on. What cannot be found out is
// left out.
func machine(dir string) map[string]string {
	m := map[string]string{
		"go": runtime.Version(), "cores": strconv.Itoa(runtime.NumCPU()), "date": time.Now().UTC().Format(time.DateOnly),
	}
	put := func(key, value string) {
		if value != "" {
			m[key] = value
		}
	}
	put("cpu", field("/proc/cpuinfo", "model name"))
	put("memory", field("/proc/meminfo", "MemTotal"))
	if b, err := os.ReadFile("/proc/loadavg"); err == nil {
		put("load before", strings.Join(strings.Fields(string(b))[:3], " "))
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		put("kernel", unix.ByteSliceToString(u.Release[:]))
	}
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) == nil {
		put("file system", fileSystem(int64(s.Type)))
	}
	return m
}

func fileSystem(magic int64) string {
	switch magic {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs: nothing here is durable"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	}
	return "0x" + strconv.FormatInt(magic, 16)
}

// field finds the first "name: value" of a file.
func field(path, name string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return ""
}
