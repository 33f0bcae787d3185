package crdt

import (
	"fmt"
	"slices"
)

// A Strategy is a way to resolve conflicts: what becomes of versions that were
// written without knowing of each other. Its result depends on the set of
// versions alone, not on their order or on duplicates, so replicas that have
// the same versions agree. Who writes the result back writes it over the
// context of all the versions.
type Strategy struct {
	name    string
	resolve func(versions []Version) ([]string, error)
}

// String returns the name of the strategy.
func (s Strategy) String() string { return s.name }

// Resolve returns the values that are left, in order, each once: none of none.
// The zero Strategy keeps all. Errors are those of a merge: a value that is not
// what it takes.
func (s Strategy) Resolve(versions []Version) ([]string, error) {
	all := slices.Clone(versions)
	slices.SortFunc(all, compareVersions)
	all = slices.Compact(all)
	if len(all) == 0 || s.resolve == nil {
		return siblings(all), nil
	}
	values, err := s.resolve(all)
	if err != nil {
		return nil, fmt.Errorf("resolve %d versions by %s: %w", len(all), s.name, err)
	}
	return values, nil
}

func siblings(versions []Version) []string {
	var all []string
	for _, v := range versions {
		all = append(all, v.Value)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

var (
	// LastWriterWins keeps the version with the latest time; of equal times
	// that of the greater actor, then the later write, then the greater value.
	// All others are lost.
	LastWriterWins = Strategy{"last-writer-wins", func(versions []Version) ([]string, error) {
		return []string{versions[len(versions)-1].Value}, nil
	}}
	// KeepSiblings keeps all versions: whoever reads decides.
	KeepSiblings = Strategy{"keep-siblings", func(versions []Version) ([]string, error) {
		return siblings(versions), nil
	}}
)

// MergeWith merges by a function, two values at a time, from the least version
// to the greatest by time, actor, number and value. Replicas that merge only
// some of the versions, and then the results, agree only if merge is
// associative, commutative and idempotent: else they must merge all at once.
func MergeWith(name string, merge func(a, b string) (string, error)) Strategy {
	return Strategy{name, func(versions []Version) ([]string, error) {
		value := versions[0].Value
		for _, v := range versions[1:] {
			var err error
			if value, err = merge(value, v.Value); err != nil {
				return nil, err
			}
		}
		return []string{value}, nil
	}}
}

// Joined merges versions whose values are the canonical bytes of states of one
// type: nothing is lost, in whatever order and portions they are merged.
func Joined[T any, S State[T]](name string) Strategy {
	return Strategy{name, func(versions []Version) ([]string, error) {
		var all S = new(T)
		for _, v := range versions {
			var one S = new(T)
			if err := one.UnmarshalBinary([]byte(v.Value)); err != nil {
				return nil, err
			}
			all.Join((*T)(one))
		}
		b, err := all.AppendBinary(nil)
		return []string{string(b)}, err
	}}
}
