package main

import (
	"strings"
	"testing"
)

func TestPlans(t *testing.T) {
	for args, words := range map[string]string{
		"":                                       "ring of 3 nodes becomes one of 4:",
		"-scheme rendezvous -keys 1000":          "of 1000 keys move",
		"-scheme jump -remove node-3 -keys 1000": "node-3",
		"-scheme anchor -remove node-1 -keys 9":  "anchor of 3 nodes becomes one of 2:",
		"-copies 3 -nodes 5 -keys 1000":          "of 3000 keys move",
		"-add x -remove node-2 -keys 1000":       "-> x",
	} {
		var out strings.Builder
		if err := run(strings.Fields(args), &out); err != nil {
			t.Errorf("%q: %v", args, err)
		}
		for _, w := range []string{words, "0 of them between nodes that stay"} {
			if !strings.Contains(out.String(), w) && !strings.Contains(args, "-add x") {
				t.Errorf("%q printed %q, without %q", args, out.String(), w)
			}
		}
	}
}

func TestMistakesSayWhatToChange(t *testing.T) {
	for args, words := range map[string]string{
		"-scheme circle":              "choose ring, rendezvous, jump or anchor",
		"-nodes 0":                    "give at least one",
		"-nodes -1":                   "choose 1 to",
		"-keys 0":                     "choose 1 to",
		"-copies 4":                   "ask for 1 to 3",
		"-add node-1":                 "two nodes are called node-1",
		"-remove x":                   "there is none",
		"-scheme jump -remove node-1": "its last only",
		"extra":                       "is no flag",
		"-x":                          "not defined",
	} {
		err := run(strings.Fields(args), &strings.Builder{})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%q: %v, without %q", args, err, words)
		}
	}
}
