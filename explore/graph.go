package explore

import "slices"

// A graph is all states of a Model and the ways between them: what properties
// of runs are decided on. An action that changes nothing is no way.
type graph struct {
	model  Model
	fair   Fair // nil: nothing is fair
	steps  Steps
	data   []byte
	ends   []int    // of each state in data
	parent []uint32 // by which a state was first reached; itself: initial
	ids    map[uint64]uint32
	same   []uint32 // next state with the same hash, or itself

	first   []int    // of each state in edges, and one more
	edges   []uint32 // to which state
	classes []int8   // of each edge: its fairness, or -1
	enabled []uint64 // of each state: set of classes

	strong, weak uint64 // sets of classes
}

// graphBytes is what a state takes besides its own bytes and its edges: ends,
// parent, same, first, enabled, and an entry of the map.
const graphBytes = 8 + 4 + 4 + 8 + 8 + 24

// explored builds the graph; ok is false if the search was halted before it was
// whole.
func (s *search) explored(w *worker) (g *graph, ok bool) {
	g = &graph{model: w.model, ids: map[uint64]uint32{}}
	g.fair, _ = w.model.(Fair)
	w.model.Initial(&g.steps)
	for i := range g.steps.Len() {
		if id, fresh := g.add(w, g.steps.State(i)); fresh {
			g.parent = append(g.parent, id)
		}
	}
	for id := uint32(0); int(id) < len(g.ends); id++ {
		g.first = append(g.first, len(g.edges))
		g.expand(w, id)
		if int(id)%boundEvery == 0 {
			bytes := uint64(cap(g.data)) + graphBytes*uint64(cap(g.ends)) + 5*uint64(cap(g.edges))
			if s.o.MaxBytes > 0 && bytes > s.o.MaxBytes {
				s.halt(AtBytes)
			}
			if s.bound(); s.halted() {
				return g, false
			}
		}
	}
	g.first = append(g.first, len(g.edges))
	return g, true
}

// state returns the bytes of a state.
func (g *graph) state(id uint32) []byte {
	begin := 0
	if id > 0 {
		begin = g.ends[id-1]
	}
	return g.data[begin:g.ends[id]:g.ends[id]]
}

// find returns the id of a state, and whether it is in the graph; if not, the
// last of those that have its hash, if any.
func (g *graph) find(w *worker, state []byte) (fp uint64, id uint32, found, crowd bool) {
	fp = w.fingerprint(state)
	id, crowd = g.ids[fp]
	for crowd && string(g.state(id)) != string(state) {
		if g.same[id] == id {
			return fp, id, false, true
		}
		id = g.same[id]
	}
	return fp, id, crowd, crowd
}

// add returns the id of a state, and whether it is new.
func (g *graph) add(w *worker, state []byte) (id uint32, fresh bool) {
	fp, id, found, crowd := g.find(w, state)
	if found {
		return id, false
	}
	next := uint32(len(g.ends))
	if crowd {
		g.same[id] = next
	} else {
		g.ids[fp] = next
	}
	g.data = append(g.data, state...)
	g.ends, g.same, g.enabled = append(g.ends, len(g.data)), append(g.same, next), append(g.enabled, 0)
	return next, true
}

// expand adds the edges of a state.
func (g *graph) expand(w *worker, id uint32) {
	g.steps.Reset()
	g.model.Next(g.state(id), &g.steps)
	for i := range g.steps.Len() {
		if g.steps.Err(i) != nil {
			continue
		}
		to, fresh := g.add(w, g.steps.State(i))
		if fresh {
			g.parent = append(g.parent, id)
		}
		if to == id {
			continue
		}
		class := -1
		if g.fair != nil {
			var strong bool
			class, strong = g.fair.Fairness(g.steps.Action(i))
			g.promise(id, class, strong)
		}
		g.edges, g.classes = append(g.edges, to), append(g.classes, int8(class))
	}
}

// promise notes that a class of actions is possible in a state.
func (g *graph) promise(id uint32, class int, strong bool) {
	if class < 0 {
		return
	}
	g.enabled[id] |= 1 << class
	if strong {
		g.strong |= 1 << class
	} else {
		g.weak |= 1 << class
	}
}

// out returns the edges of a state.
func (g *graph) out(id uint32) ([]uint32, []int8) {
	lo, hi := g.first[id], g.first[id+1]
	return g.edges[lo:hi], g.classes[lo:hi]
}

// A region is a part of a graph: the states that can be reached from some
// without meeting a goal. via is the state before each on a shortest way.
type region struct {
	in    []bool
	via   []uint32
	order []uint32 // as they were reached
}

// reach returns the region of states that start satisfies, and what follows,
// without those that goal satisfies.
func (g *graph) reach(start, goal func(state []byte) bool, initial bool) *region {
	r := &region{in: make([]bool, len(g.ends)), via: make([]uint32, len(g.ends))}
	missed := make([]bool, len(g.ends))
	for id := range uint32(len(g.ends)) {
		missed[id] = !goal(g.state(id))
		if missed[id] && (!initial || g.parent[id] == id) && start(g.state(id)) {
			r.in[id], r.via[id] = true, id
			r.order = append(r.order, id)
		}
	}
	for i := 0; i < len(r.order); i++ {
		id := r.order[i]
		edges, _ := g.out(id)
		for _, to := range edges {
			if missed[to] && !r.in[to] {
				r.in[to], r.via[to] = true, id
				r.order = append(r.order, to)
			}
		}
	}
	return r
}

// way returns the states from an initial one to id: through the region as far
// as it goes, then as the graph was built.
func (g *graph) way(r *region, id uint32) []uint32 {
	way := []uint32{id}
	for r.via[id] != id {
		id = r.via[id]
		way = append(way, id)
	}
	for g.parent[id] != id {
		id = g.parent[id]
		way = append(way, id)
	}
	slices.Reverse(way)
	return way
}
