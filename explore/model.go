package explore

// A Model is a set of states and the ways between them. It is used by one
// goroutine; Fork makes one for another.
type Model interface {
	// Initial adds every initial state, with the zero Action.
	Initial(s *Steps)

	// Next adds each successor of state with the action that leads to it,
	// always in the same order. An action that changes nothing may be added or
	// left out: it counts as generated, and leads nowhere new. Next must
	// neither change state nor keep it.
	Next(state []byte, s *Steps)

	// Properties are what must hold. Their functions are used by the same
	// goroutine as the Model.
	Properties() []Property

	// Kinds names the kinds of actions, in the order of Action.Kind.
	Kinds() []string

	// Describe tells a person what a does in state.
	Describe(state []byte, a Action) string

	// Show tells a person what state is, in one line or more.
	Show(state []byte) string

	// Fork returns a Model of the same states for another goroutine.
	Fork() Model
}

// A Symmetric Model has states that differ in names alone. Canonical replaces
// state, in place, by the one of them that stands for all: two states get the
// same bytes if and only if some renaming leads from one to the other. Next and
// all properties must not care for names.
type Symmetric interface {
	Canonical(state []byte)
}

// A Keeper is a Model whose states mean something only together with what it
// remembers. AppendMemory appends that, for a checkpoint; Recall takes it in, on
// a Model that was made alike and from which Forks are made afterwards.
type Keeper interface {
	AppendMemory(b []byte) []byte
	Recall(b []byte) error
}

// A Fair Model has actions that cannot be put off for ever. Fairness returns
// which one a is, from 0 to MaxFair-1, or -1 if nothing is promised of it, and
// whether it is strongly fair: a weakly fair action is taken if it stays
// possible, a strongly fair one if it is possible again and again.
type Fair interface {
	Fairness(a Action) (class int, strong bool)
}

// MaxFair bounds the classes of Fair, so that a set of them is one word.
const MaxFair = 64

// An Action is a kind in the low eight bits, and above it what the Model likes.
type Action uint64

// NewAction returns an action of a kind; arg has up to 56 bits.
func NewAction(kind uint8, arg uint64) Action { return Action(arg<<8 | uint64(kind)) }

// Kind returns the kind.
func (a Action) Kind() uint8 { return uint8(a) }

// Arg returns the argument.
func (a Action) Arg() uint64 { return uint64(a >> 8) }

// Steps are the ways out of a state. The engine reuses one buffer for all, so
// that a transition allocates nothing.
type Steps struct {
	buf   []byte
	steps []step
}

type step struct {
	end    int // in buf
	action Action
	err    error
}

// Add adds a successor; state is copied.
func (s *Steps) Add(a Action, state []byte) {
	s.buf = append(s.buf, state...)
	s.steps = append(s.steps, step{end: len(s.buf), action: a})
}

// Fail adds an action that breaks a promise by itself. It leads nowhere.
func (s *Steps) Fail(a Action, err error) {
	s.steps = append(s.steps, step{len(s.buf), a, err})
}

// Len returns how many there are.
func (s *Steps) Len() int { return len(s.steps) }

// Action returns that of step i.
func (s *Steps) Action(i int) Action { return s.steps[i].action }

// State returns the successor of step i, until the next Reset. It is empty if
// the step failed.
func (s *Steps) State(i int) []byte {
	begin := 0
	if i > 0 {
		begin = s.steps[i-1].end
	}
	end := s.steps[i].end
	return s.buf[begin:end:end]
}

// Err returns what step i broke, or nil.
func (s *Steps) Err(i int) error { return s.steps[i].err }

// Reset empties s for reuse.
func (s *Steps) Reset() { s.buf, s.steps = s.buf[:0], s.steps[:0] }

// Mode says how a Property is meant. The package comment tells of each.
type Mode uint8

const (
	Always     Mode = iota + 1 // in every state
	Sometimes                  // in some state
	Eventually                 // in some state of every fair run
	LeadsTo                    // in some state of every fair run after each where From holds
)

// String returns the mode in lower case.
func (m Mode) String() string {
	return [...]string{"none", "always", "sometimes", "eventually", "leads to"}[m]
}

// A Property is a statement about the runs of a Model.
type Property struct {
	Name  string
	Mode  Mode
	Holds func(state []byte) bool
	From  func(state []byte) bool // LeadsTo only
}
