// Package spec holds what the protocols of this house are, in TLA+: state
// machines with their invariants and temporal properties, and small instances of
// each (.cfg) that TLC checks completely. README.md has what was checked, to which
// bounds, and what TLC said to a deliberate mistake in each.
//
// As Go, it is the modules' text, for those who write a run beside them.
package spec

import "embed"

// Modules holds the text of all modules, by file name.
//
//go:embed *.tla
var Modules embed.FS
