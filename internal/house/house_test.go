// Package house holds the rules of the house as tests: who may know whom, what
// a protocol may touch, how large things may grow, what must be said. Each
// failure says which rule and why it is one.
package house

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

const root = "../.."

// floors tells where each room stands. An import only goes down, or from a
// room to the rooms inside it.
var floors = map[string]int{
	"internal/freeport": 1, "lease": 1, "process": 1, "region": 1, "retry": 1, "wire": 1, "clock": 1, "partition": 1,
	"confirm": 1, "timing": 1, "replication": 1,
	"session": 2, "reads": 2, "quorum": 2, "oplog": 2, "crdt": 2, "trace": 2, "history": 2, "telemetry": 2, "front": 2,
	"node/wal": 2, "node/link": 2, "supervise": 2,
	"kv/command": 2, "history/judge": 3, "sim/dice": 1, "sim/agenda": 1, "sim/ddmin": 1,
	"sim/fault": 1, "sim/guest": 3, "sim/waits": 1, "sim/schedule": 4,
	"kv": 3, "node": 3, "world": 3, "protocol/*": 3, "trace/shiviz": 3, "trace/diagram": 3, "trace/itf": 3,
	"trace/refine": 3, "trace/refine/steps": 2, "trace/refine/refinetest": 5, "trace/replay": 4, "spec": 2,
	"protocol": 4, "etcd": 4, "sim": 4, "script": 4, "load": 4,
	"explore": 2, "explore/valence": 3, "explore/group": 4, "explore/models": 4, "explore/flp": 5,
	"member": 5, "maelstrom": 5,
	"plan": 3, "plan/prove": 5, "internal/terminal": 5,
	"cmd/*": 6, "examples/*": 6, "internal/house": 6, "internal/e2e": 6,
}

// hosts run any protocol. They are handed one.
var hosts = []string{"node", "world", "sim", "script", "explore", "web", "maelstrom"}

// impure is what a process must not import: it would no longer be a function
// of its inputs.
var impure = []string{"os", "net", "sync", "sync/atomic", "context", "log", "log/slog", "math/rand",
	"math/rand/v2", "crypto/rand", "runtime", "unsafe", "reflect"}

// drawers are names that say nothing of what is inside.
var drawers = []string{"util", "utils", "common", "helper", "helpers", "misc", "base", "types", "pkg", "lib"}

const (
	maxFunc    = 70   // lines: a function fits a screen
	maxFile    = 500  // lines: beyond it, find the seam
	maxPackage = 3000 // lines: beyond it, find the noun
	maxColumns = 120  // hard; 100 is the aim
)

// A source is one Go file of the module.
type source struct {
	room string // its directory, slashes, relative to the root
	path string
	text []byte
	file *ast.File
	fset *token.FileSet
	test bool
}

func sources(t *testing.T) []source {
	t.Helper()
	var all []source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() {
			nested := path != root && exists(filepath.Join(path, "go.mod"))
			if nested || name == "testdata" || len(name) > 2 && name[0] == '.' {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(name) != ".go" || strings.HasSuffix(name, ".pb.go") {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s := source{room: filepath.ToSlash(filepath.Dir(rel)), path: filepath.ToSlash(rel), text: text}
		s.fset, s.test = token.NewFileSet(), strings.HasSuffix(name, "_test.go")
		s.file, err = parser.ParseFile(s.fset, s.path, text, parser.ParseComments)
		all = append(all, s)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func exists(path string) bool { _, err := os.Stat(path); return err == nil }

// imports returns the imported paths; those of the module without its name.
func (s *source) imports() (rooms, others []string) {
	for _, i := range s.file.Imports {
		path := strings.Trim(i.Path.Value, `"`)
		if room, ok := strings.CutPrefix(path, "althing/"); ok {
			rooms = append(rooms, room)
		} else {
			others = append(others, path)
		}
	}
	return rooms, others
}

// floor returns where a room stands, by the longest name that fits it.
func floor(room string) (int, bool) {
	if f, ok := floors[room]; ok {
		return f, true
	}
	for dir := room; dir != "."; {
		dir = filepath.Dir(dir)
		if f, ok := floors[dir+"/*"]; ok {
			return f, true
		}
		if f, ok := floors[dir]; ok {
			return f, true // a room inside a room
		}
	}
	return 0, false
}

func within(room, other string) bool { return strings.HasPrefix(room, other+"/") }

func TestFloors(t *testing.T) {
	for _, s := range sources(t) {
		here, ok := floor(s.room)
		if !ok {
			t.Errorf("%s: room %s has no floor: give it one in this test, and in ARCHITECTURE.md", s.path, s.room)
			continue
		}
		if s.test {
			continue // a test may look at anything
		}
		rooms, _ := s.imports()
		for _, r := range rooms {
			there, _ := floor(r)
			if there > here || there == here && !within(r, s.room) && !within(s.room, r) {
				t.Errorf("%s (floor %d) imports %s (floor %d): an import only goes down, so that each "+
					"room can be understood with those below it alone", s.path, here, r, there)
			}
		}
	}
}

func TestHostsKnowNoProtocol(t *testing.T) {
	for _, s := range sources(t) {
		top, _, _ := strings.Cut(s.room, "/")
		rooms, _ := s.imports()
		for _, r := range rooms {
			isProtocol := r == "protocol" || within(r, "protocol")
			switch {
			case !isProtocol || s.test && s.room == "protocol":
			case slices.Contains(hosts, top) && !s.test:
				t.Errorf("%s imports %s: a host is handed its protocol, or it could be bent to one", s.path, r)
			case within(s.room, "protocol"):
				t.Errorf("%s imports %s: what two protocols need moves down a floor and gets a noun", s.path, r)
			}
		}
	}
}

func TestPurity(t *testing.T) {
	for _, s := range sources(t) {
		pure := s.room == "process" || within(s.room, "protocol")
		if !pure || s.test {
			continue
		}
		_, others := s.imports()
		for _, p := range others {
			if slices.Contains(impure, p) || strings.Contains(strings.Split(p, "/")[0], ".") {
				t.Errorf("%s imports %q: a process reads nothing but its receiver and its input, or it could be "+
					"neither replayed nor explored", s.path, p)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.GoStmt, *ast.SelectStmt, *ast.SendStmt, *ast.ChanType:
				t.Errorf("%s: goroutines and channels are for hosts", s.fset.Position(n.Pos()))
			case *ast.SelectorExpr:
				x, ok := n.X.(*ast.Ident)
				if ok && x.Name == "time" && slices.Contains([]string{"Now", "Since", "Sleep", "After"}, n.Sel.Name) {
					t.Errorf("%s: a process is told the time", s.fset.Position(n.Pos()))
				}
			}
			return true
		})
	}
}

// TestSendNowSaysWhy: what overtakes the disk needs an argument beside it.
func TestSendNowSaysWhy(t *testing.T) {
	for _, s := range sources(t) {
		if !within(s.room, "protocol") || s.test {
			continue
		}
		lines := bytes.Split(s.text, []byte("\n"))
		for i, l := range lines {
			if !bytes.Contains(l, []byte(".SendNow(")) {
				continue
			}
			said := false
			for j := i - 1; j >= 0 && bytes.HasPrefix(bytes.TrimSpace(lines[j]), []byte("//")); j-- {
				said = said || bytes.HasPrefix(bytes.TrimSpace(lines[j]), []byte("// Now:"))
			}
			if !said {
				t.Errorf(`%s:%d: SendNow without a comment above it that begins "Now:" and says why it may `+
					"overtake the disk", s.path, i+1)
			}
		}
	}
}

func TestNames(t *testing.T) {
	for _, s := range sources(t) {
		if slices.Contains(drawers, s.file.Name.Name) {
			t.Errorf("%s: package %s: a drawer for everything; find the noun", s.path, s.file.Name.Name)
		}
	}
}

// TestSizes ratchets: ratchet.txt names what was over a limit when the limit
// came, and by how much. Nothing new joins it, and what is in it only shrinks.
func TestSizes(t *testing.T) {
	allowed := ratchet(t)
	packages := map[string]int{}
	check := func(what string, size, limit int, advice string) {
		if most, ok := allowed[what]; ok {
			delete(allowed, what)
			if size > limit && size < most {
				t.Errorf("%s shrank to %d: say so in ratchet.txt, so that it stays", what, size)
			}
			if size <= limit {
				t.Errorf("%s is within its limit now: take it out of ratchet.txt", what)
			}
			limit = max(limit, most)
		}
		if size > limit {
			t.Errorf("%s has %d lines, of %d at most: %s", what, size, limit, advice)
		}
	}
	for _, s := range sources(t) {
		n := bytes.Count(s.text, []byte("\n"))
		for i, l := range strings.Split(string(s.text), "\n") {
			tag := strings.HasSuffix(l, "`") // a struct tag cannot be broken
			if w := utf8.RuneCountInString(strings.ReplaceAll(l, "\t", "    ")); w > maxColumns && !tag {
				t.Errorf("%s:%d: %d columns, of %d at most", s.path, i+1, w, maxColumns)
			}
		}
		if s.test {
			continue
		}
		packages[s.room] += n
		check(s.path, n, maxFile, "find the seam")
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Body != nil {
				lines := s.fset.Position(f.End()).Line - s.fset.Position(f.Pos()).Line + 1
				check(s.path+":"+f.Name.Name, lines, maxFunc, "a function fits a screen")
			}
		}
	}
	for room, n := range packages {
		check(room, n, maxPackage, "find the noun")
	}
	for what := range allowed {
		t.Errorf("ratchet.txt names %s, which is gone", what)
	}
}

func ratchet(t *testing.T) map[string]int {
	text, err := os.ReadFile("ratchet.txt")
	if err != nil {
		t.Fatal(err)
	}
	m := make(map[string]int)
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		var what string
		var n int
		if _, err := fmt.Sscan(line, &what, &n); err != nil {
			t.Fatalf("ratchet.txt: %q: %v", line, err)
		}
		m[what] = n
	}
	return m
}

// TestDocs: every package says what it is, every exported name what it does.
func TestDocs(t *testing.T) {
	documented := map[string]bool{}
	rooms := map[string]string{}
	for _, s := range sources(t) {
		if s.test {
			continue
		}
		rooms[s.room] = s.path
		documented[s.room] = documented[s.room] || s.file.Doc != nil
		for _, d := range s.file.Decls {
			for _, id := range undocumented(d) {
				t.Errorf("%s: exported %s has no doc comment", s.fset.Position(id.Pos()), id.Name)
			}
		}
	}
	for room, path := range rooms {
		if !documented[room] {
			t.Errorf("%s: package %s has no package comment: what problem, whose, in which words", path, room)
		}
	}
}

// undocumented returns the exported names that a declaration leaves unsaid. A
// comment on a group of constants or variables speaks for all in it.
func undocumented(d ast.Decl) (ids []*ast.Ident) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && exportedReceiver(d) {
			ids = append(ids, d.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
					ids = append(ids, spec.Name)
				}
			case *ast.ValueSpec:
				for _, id := range spec.Names {
					if id.IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
						ids = append(ids, id)
					}
				}
			}
		}
	}
	return ids
}

func exportedReceiver(f *ast.FuncDecl) bool {
	if f.Recv == nil {
		return true
	}
	x := f.Recv.List[0].Type
	if star, ok := x.(*ast.StarExpr); ok {
		x = star.X
	}
	if index, ok := x.(*ast.IndexExpr); ok {
		x = index.X
	}
	id, ok := x.(*ast.Ident)
	return ok && id.IsExported()
}
