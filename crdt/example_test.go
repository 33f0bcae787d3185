package crdt_test

import (
	"fmt"

	"althing/crdt"
)

// Two replicas change a set at the same time. Each hands on its deltas.
func Example() {
	var here, there crdt.AWSet
	there.Join(here.Add(1, "apple")) // actor 1 is here,
	a := here.Remove("apple")
	b := there.Add(2, "apple") // and 2 is there
	here.Join(b)
	there.Join(a)
	there.Join(a) // twice does no harm
	fmt.Println(&here, &there)
	// Output: {"apple"} {"apple"}
}

func ExampleGCounter() {
	var here, there crdt.GCounter
	here.Add(1, 3)
	there.Add(2, 4)
	here.Join(&there)
	fmt.Println(here.Value())
	// Output: 7
}

func ExamplePNCounter() {
	var here, there crdt.PNCounter
	here.Add(1, 5)
	there.Add(2, -7)
	here.Join(&there)
	fmt.Println(here.Value())
	// Output: -2
}

// Ten tickets are sold on two sites, and never an eleventh.
func ExampleBoundedCounter() {
	var berlin, osaka crdt.BoundedCounter
	berlin.Add(1, 10)
	berlin.Give(1, 2, 4)
	osaka.Join(&berlin)
	_, err := osaka.Take(2, 5)
	fmt.Println(err)
	osaka.Take(2, 4)
	berlin.Take(1, 6)
	berlin.Join(&osaka)
	fmt.Println(&berlin)
	// Output:
	// take 5 with rights for 4: not enough rights
	// 0
}

func ExampleRWSet() {
	var banned, elsewhere crdt.RWSet
	elsewhere.Join(banned.Add(1, "mallory"))
	banned.Remove(1, "mallory")
	elsewhere.Add(2, "mallory")
	banned.Join(&elsewhere)
	fmt.Println(banned.Has("mallory"))
	// Output: false
}

func ExampleLWWRegister() {
	var here, there crdt.LWWRegister
	here.Set(1000, 1, "blue")
	there.Set(1001, 2, "green")
	here.Join(&there)
	fmt.Println(&here)
	// Output: "green"
}

func ExampleMVRegister() {
	var here, there crdt.MVRegister
	here.Set(1, "blue")
	there.Set(2, "green")
	here.Join(&there)
	fmt.Println(&here)
	here.Set(1, "turquoise") // over both
	fmt.Println(&here)
	// Output:
	// {"blue" "green"}
	// {"turquoise"}
}

func ExampleEWFlag() {
	var here, there crdt.EWFlag
	there.Join(here.Enable(1))
	here.Disable()
	there.Enable(2)
	here.Join(&there)
	fmt.Println(&here)
	// Output: on
}

// A profile is removed in one place and counted up in another: what was seen is
// reset, what was not stays.
func ExampleMap() {
	var here, there crdt.Map
	here.Register("ann", "name").Set(1, "Ann")
	here.Counter("ann", "visits").Add(1, 5)
	there.Join(&here)
	here.Remove("ann")
	there.Counter("ann", "visits").Add(2, 1)
	here.Join(&there)
	fmt.Println(&here)
	// Output: {"ann":{"visits":1}}
}

// Two write at the same place, and both sentences stay whole.
func ExampleSequence() {
	var here, there crdt.Sequence
	there.Join(here.InsertText(1, 0, "Dear all, "))
	here.InsertText(1, 10, "hello. ")
	there.InsertText(2, 10, "goodbye. ")
	here.Delete(0, 10)
	here.Join(&there)
	fmt.Println(&here)
	// Output: hello. goodbye.
}

// A client keeps what it has read, as text, and says later what it had read.
func ExampleContext() {
	var tags crdt.AWSet
	tags.Add(1, "old")
	token, _ := tags.Seen("old").MarshalText()
	tags.Add(2, "old") // by another, meanwhile
	var seen crdt.Context
	if err := seen.UnmarshalText(token); err != nil {
		panic(err)
	}
	tags.RemoveSeen(seen)
	fmt.Println(string(token), &tags)
	// Output: 1:1 {"old"}
}

func ExampleStrategy() {
	var color crdt.MVRegister
	color.SetSeen(1, "blue", crdt.Context{})
	color.SetSeen(2, "green", crdt.Context{})
	longest := crdt.MergeWith("longest", func(a, b string) (string, error) {
		if len(b) > len(a) {
			return b, nil
		}
		return a, nil
	})
	for _, s := range []crdt.Strategy{crdt.KeepSiblings, crdt.LastWriterWins, longest} {
		values, err := s.Resolve(color.Versions())
		fmt.Println(s, values, err)
	}
	// Output:
	// keep-siblings [blue green] <nil>
	// last-writer-wins [green] <nil>
	// longest [green] <nil>
}

// Changes go to a peer until it has acknowledged them.
func ExampleOutbox() {
	var here, there crdt.GSet
	out := crdt.NewOutbox(&here, 100, 1, 2)
	_, number := out.For(2)
	out.Acked(2, number)
	out.Put(here.Add("a"))
	out.For(2) // is lost
	out.Put(here.Add("b"))
	message, number := out.For(2)
	there.Join(message)
	out.Acked(2, number)
	fmt.Println(message, &there, out.Kept())
	// Output: {"a" "b"} {"a" "b"} 0
}
