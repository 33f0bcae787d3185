package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"althing/bench/api"
	"althing/bench/result"
)

// Names of servers in rows.
const (
	althing = "althing"
	etcd    = "etcd 3.7.3"
)

// api measures servers of the etcd API. They are built first, each within its
// own module: from this tree, and from etcd's.
func (r *run) api(ctx context.Context, dir string) ([]result.Row, error) {
	list := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "althing")
	list.Stderr = os.Stderr
	tree, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("find the module althing: run this within bench: %w", err)
	}
	own, err := build(ctx, strings.TrimSpace(string(tree)), "althing/cmd/althing", filepath.Join(dir, "althing"))
	if err != nil {
		return nil, err
	}
	theirs, err := build(ctx, ".", "althing/bench/cmd/etcd", filepath.Join(dir, "etcd"))
	if err != nil {
		return nil, err
	}
	return api.Measure(ctx, []api.Server{
		{Name: althing, Path: own, Args: []string{"serve"}}, {Name: etcd, Path: theirs},
	}, api.Options{Dir: dir, Warm: r.Warm, Measure: r.Measure})
}

func build(ctx context.Context, module, pkg, path string) (string, error) {
	c := exec.CommandContext(ctx, "go", "build", "-o", path, pkg)
	c.Dir, c.Stderr = module, os.Stderr
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("build %s: %w", pkg, err)
	}
	return path, nil
}
