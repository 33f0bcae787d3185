package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"althing/internal/terminal"
)

type versionCommand struct{}

// Run prints the version.
func (versionCommand) Run(to *terminal.Output) error {
	version, revision := build()
	_, err := fmt.Fprintf(to.Out, "althing %s\n%s %s/%s\n", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
	if revision != "" && err == nil {
		_, err = fmt.Fprintln(to.Out, "revision", revision)
	}
	return err
}

// build returns the version of the module, and the revision of the source if
// the build knew it.
func build() (version, revision string) {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "(devel)", ""
	}
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			revision = s.Value + revision
		case s.Key == "vcs.modified" && s.Value == "true":
			revision += " with changes"
		}
	}
	return info.Main.Version, revision
}
