package plan

import (
	"embed"
	"fmt"
	"slices"

	"github.com/goccy/go-yaml"
)

// data is what can be recommended, where, and what comes of it: text that can be
// read and changed without knowing the code. The tests hold it to what Make needs.
//
//go:embed data
var data embed.FS

// A kind is how a system meets failures: systems of a kind share their scenarios
// and the way that their numbers are found.
type kind string

const (
	ledMajority  kind = "majority with a leader"
	openMajority kind = "quorums without a leader"
	firstBackup  kind = "primary and backups"
	chained      kind = "chain"
	viewed       kind = "group views"
	lying        kind = "quorums among liars"
	partial      kind = "replicas that answer alone"
)

// A system is one that can be recommended.
type system struct {
	Key       string
	Row       string // of the catalog of protocols, for running it; "": none runs
	Serves    bool   // a cluster of "althing serve" with that row is all of it
	Name      string
	Kind      kind
	Gives     Consistency
	CAP       string
	PACELC    string
	What      string // in a sentence or two
	Guarantee string // what holds whatever happens, within its fault model
	Source    string
	Part      string // what of it the row of the catalog is, if not all
}

// A course is what happens in a scenario, and how it ends. Words in braces stand
// for numbers of the plan: see words.
type course struct{ Behavior, Recovery string }

var (
	systems = read[[]system]("systems")
	table   = read[[]row]("table")
	courses = read[map[kind]map[string]course]("scenarios")
)

// read decodes a table that is part of the program; a mistake in it is one of the
// program, which every test meets.
func read[T any](name string) (table T) {
	text, err := data.ReadFile("data/" + name + ".yaml")
	if err == nil {
		err = yaml.UnmarshalWithOptions(text, &table, yaml.Strict())
	}
	if err != nil {
		panic(fmt.Sprintf("plan: data/%s.yaml: %v", name, err))
	}
	return table
}

func find(key string) *system {
	i := slices.IndexFunc(systems, func(s system) bool { return s.Key == key })
	return &systems[i]
}
