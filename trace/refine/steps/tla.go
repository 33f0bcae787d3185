package steps

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"

	"althing/process"
	"althing/trace"
)

// A Module is a run as TLC reads it. It stands beside the modules of package spec.
type Module struct {
	Name    string // of the module, and without its ending of its file
	Text    string
	Config  string   // what TLC is told with it
	Extends []string // the modules that it needs, by name
	Steps   int      // of the specification
}

// Export follows a trace and makes a module of the run, which extends the one that
// reads such runs. Its error is that of Follow.
func (s *Specification) Export(t *trace.Reader) (*Module, error) {
	var steps []string
	cast := &Cast{}
	founders, err := s.follow(t, func(s *Step) {
		for i, a := range s.Actions {
			seen := s.Seen
			if i < len(s.Actions)-1 {
				seen = nil
			}
			steps = append(steps, "    "+Line(a, seen))
			cast.All, cast.Actions = append(cast.All, a.By()), append(cast.Actions, a)
		}
		if len(s.Actions) == 0 && s.Seen != nil {
			steps = append(steps, "    "+Line(look{s.Seen.By()}, s.Seen))
		}
	})
	if err != nil {
		return nil, err
	}
	cast.Founders, cast.All = founders, append(cast.All, founders...)
	slices.Sort(cast.All)
	cast.All = slices.Compact(cast.All)
	name, reader := s.Module+"Run", "Trace"+s.Module
	rule := strings.Repeat("-", 32)
	h := t.Header()
	lines, definitions := s.Config(cast)
	config := append([]string{"SPECIFICATION TraceSpec"}, lines...)
	config = append(config, "CONSTANTS", "    Run <- Steps", "")
	return &Module{
		Name: name, Steps: len(steps), Config: strings.Join(config, "\n"), Extends: []string{s.Module, reader},
		Text: fmt.Sprintf("%s MODULE %s %s\n\\* %s, seed %d: %s\nEXTENDS %s\n\n%sSteps == <<\n%s\n>>\n%s\n",
			rule, name, rule, h.Protocol, h.Seed, plain(h.Options), reader, strings.Join(definitions, ""),
			strings.Join(steps, ",\n"),
			strings.Repeat("=", 79)),
	}, nil
}

// look is the step that changes nothing: something is seen.
type look struct{ by process.ID }

func (l look) By() process.ID { return l.by }
func (l look) Record() string { return fmt.Sprintf(`a |-> "Look", i |-> %d`, l.by) }

// Line is an action as a record of TLA+, with what was seen after it; that may be
// nil.
func Line(a Action, seen Shown) string {
	if seen == nil {
		return "[" + a.Record() + "]"
	}
	return fmt.Sprintf("[%s, seen |-> [%s]]", a.Record(), seen.Record())
}

// Set is a set of replicas or of numbers in TLA+.
func Set[N process.ID | uint64](all []N) string {
	return "{" + strings.Trim(strings.ReplaceAll(fmt.Sprint(all), " ", ", "), "[]") + "}"
}

// Texts is a set of what is written already, once each.
func Texts(all map[string]bool) string {
	return "{" + strings.Join(slices.Sorted(maps.Keys(all)), ", ") + "}"
}

// Quote is a string of TLA+, which knows no more than ASCII.
func Quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(plain(text)) + `"`
}

// plain writes what is beyond ASCII as its number, so that different texts stay so.
func plain(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r < unicode.MaxASCII && unicode.IsPrint(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, "<%04X>", r)
		}
	}
	return b.String()
}
