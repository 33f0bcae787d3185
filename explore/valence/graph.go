package valence

import (
	"bytes"
	"slices"

	"althing/explore"
)

// A Graph is all states of a System, and the valence of each.
type Graph struct {
	m     System
	ids   map[string]uint32
	keys  []string
	roots []uint32
	first []int    // of each state in edges, and one more
	edges []uint32 // to which state
	sets  []uint64
	whole bool
}

// Build visits the states of m, at most so many, and returns the valence of each.
// States that are alike by m's Canonical, if it has one, are one.
func Build(m System, most int) *Graph {
	g := &Graph{m: m, ids: map[string]uint32{}, whole: true}
	var s explore.Steps
	m.Initial(&s)
	for i := range s.Len() {
		id, _ := g.add(s.State(i), most)
		g.roots = append(g.roots, id)
	}
	for id := 0; id < len(g.keys); id++ {
		g.first = append(g.first, len(g.edges))
		s.Reset()
		m.Next([]byte(g.keys[id]), &s)
		for i := range s.Len() {
			if s.Err(i) != nil {
				continue
			}
			if to, ok := g.add(s.State(i), most); ok && int(to) != id {
				g.edges = append(g.edges, to)
			}
		}
	}
	g.first = append(g.first, len(g.edges))
	g.spread()
	return g
}

func (g *Graph) add(state []byte, most int) (id uint32, ok bool) {
	k := key(g.m, state)
	if id, ok := g.ids[k]; ok {
		return id, true
	}
	if len(g.keys) >= most {
		g.whole = false
		return 0, false
	}
	id = uint32(len(g.keys))
	g.ids[k] = id
	g.keys = append(g.keys, k)
	return id, true
}

// spread carries what is decided back along all edges, until nothing changes.
func (g *Graph) spread() {
	n := len(g.keys)
	g.sets = make([]uint64, n)
	back, from := make([]int, n+1), make([]uint32, len(g.edges))
	for _, to := range g.edges {
		back[to+1]++
	}
	for i := range n {
		back[i+1] += back[i]
	}
	free := slices.Clone(back)
	for id := range n {
		for _, to := range g.edges[g.first[id]:g.first[id+1]] {
			from[free[to]] = uint32(id)
			free[to]++
		}
	}
	var changed []uint32
	for id, k := range g.keys {
		if g.sets[id] = g.m.Decided([]byte(k)); g.sets[id] != 0 {
			changed = append(changed, uint32(id))
		}
	}
	for len(changed) > 0 {
		id := changed[len(changed)-1]
		changed = changed[:len(changed)-1]
		for _, before := range from[back[id]:back[id+1]] {
			if more := g.sets[before] | g.sets[id]; more != g.sets[before] {
				g.sets[before] = more
				changed = append(changed, before)
			}
		}
	}
}

// Whole reports whether all states are in the graph: then what a valence does not
// have cannot be decided.
func (g *Graph) Whole() bool { return g.whole }

// Count returns how many states are univalent, by value, bivalent, and without any
// decision to come.
func (g *Graph) Count() (univalent [64]int, bivalent, none int) {
	for _, set := range g.sets {
		switch {
		case set == 0:
			none++
		case Bivalent(set):
			bivalent++
		default:
			for v := range univalent {
				if set == 1<<v {
					univalent[v]++
				}
			}
		}
	}
	return univalent, bivalent, none
}

// Len returns how many states there are.
func (g *Graph) Len() int { return len(g.keys) }

// Each calls f with every state.
func (g *Graph) Each(f func(state []byte)) {
	for _, k := range g.keys {
		f([]byte(k))
	}
}

// Initial returns the initial states, in the order of the System.
func (g *Graph) Initial() (states [][]byte) {
	for _, id := range g.roots {
		states = append(states, []byte(g.keys[id]))
	}
	return states
}

// Valence implements Oracle; of a state that is not in the graph nothing is known.
func (g *Graph) Valence(state []byte) uint64 {
	if id, ok := g.ids[key(g.m, state)]; ok {
		return g.sets[id]
	}
	return 0
}

// Way implements Oracle, with a shortest way.
func (g *Graph) Way(state []byte, v int) []explore.Step {
	return search(g.m, state, len(g.keys), func(state []byte) bool { return g.Valence(state)>>v&1 == 1 },
		func(state []byte) bool { return g.m.Decided(state)>>v&1 == 1 })
}

// Search returns a shortest way from the first initial state that has one to a state
// that is wanted; nil if there is none among the first most.
func Search(m System, most int, want func(state []byte) bool) []explore.Step {
	var s explore.Steps
	m.Initial(&s)
	for i := range s.Len() {
		if way := search(m, s.State(i), most, func([]byte) bool { return true }, want); way != nil {
			return way
		}
	}
	return nil
}

// search returns a shortest way from a state to one that is wanted, through states
// that may be entered; nil if there is none among so many states.
func search(m System, state []byte, most int, enter, want func(state []byte) bool) []explore.Step {
	type visit struct {
		step   explore.Step
		before int
	}
	seen := map[string]bool{key(m, state): true}
	queue := []visit{{explore.Step{State: bytes.Clone(state)}, -1}}
	var s explore.Steps
	for i := 0; i < len(queue); i++ {
		at := queue[i].step.State
		if want(at) {
			var way []explore.Step
			for ; i >= 0; i = queue[i].before {
				way = append(way, queue[i].step)
			}
			slices.Reverse(way)
			return way
		}
		s.Reset()
		m.Next(at, &s)
		for j := range s.Len() {
			if s.Err(j) != nil || len(queue) >= most || seen[key(m, s.State(j))] || !enter(s.State(j)) {
				continue
			}
			seen[key(m, s.State(j))] = true
			a := s.Action(j)
			queue = append(queue, visit{explore.Step{Action: a, Text: m.Describe(at, a),
				State: bytes.Clone(s.State(j))}, i})
		}
	}
	return nil
}

// Adjacent returns pairs of initial states, by their number, that differ in one
// process's input and are univalent for different values. Inputs are the bits of a
// state's number.
func (g *Graph) Adjacent() (pairs [][2]int) {
	for i, id := range g.roots {
		for p := range g.m.Processes() {
			j := i ^ 1<<p
			if j <= i || j >= len(g.roots) {
				continue
			}
			a, b := g.sets[id], g.sets[g.roots[j]]
			if a != 0 && b != 0 && a != b && !Bivalent(a) && !Bivalent(b) {
				pairs = append(pairs, [2]int{i, j})
			}
		}
	}
	return pairs
}
