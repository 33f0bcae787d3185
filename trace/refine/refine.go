package refine

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"althing/trace"
	"althing/trace/refine/fastpaxos"
	"althing/trace/refine/multipaxos"
	"althing/trace/refine/paxos"
	"althing/trace/refine/raft"
	"althing/trace/refine/steps"
	"althing/trace/refine/vr"
)

// specifications are those that runs can be held against, by protocol.
var specifications = map[string]*steps.Specification{
	"fastpaxos":               fastpaxos.Coordinated,
	"fastpaxos-uncoordinated": fastpaxos.Uncoordinated,
	"multipaxos":              multipaxos.Specification,
	"paxos":                   paxos.Specification,
	"raft":                    raft.Specification,
	"vr":                      vr.OnDisk,
	"vr-diskless":             vr.Diskless,
}

// Protocols returns the names of the protocols whose runs can be followed, sorted.
func Protocols() []string { return slices.Sorted(maps.Keys(specifications)) }

// Of returns the specification of a protocol, by its name in the catalog. The error
// wraps trace.ErrForm: there is none.
func Of(protocol string) (*steps.Specification, error) {
	if s := specifications[protocol]; s != nil {
		return s, nil
	}
	return nil, fmt.Errorf("%w: of one of %s, but of %q", trace.ErrForm, strings.Join(Protocols(), ", "), protocol)
}

// Follow reads a trace to its end, or to where its simulation found a violation, and
// hands each event to each as steps of the protocol's specification; each may be
// nil. It returns a *steps.Deviation if an event is none, or an error that wraps
// trace.ErrForm if the trace cannot be read or is of a protocol without one.
func Follow(t *trace.Reader, each func(*steps.Step)) error {
	s, err := Of(t.Header().Protocol)
	if err != nil {
		return err
	}
	return s.Follow(t, each)
}

// Export follows a trace and makes a module of the run, which extends the one of
// package spec that reads such runs. Its error is that of Follow.
func Export(t *trace.Reader) (*steps.Module, error) {
	s, err := Of(t.Header().Protocol)
	if err != nil {
		return nil, err
	}
	return s.Export(t)
}
