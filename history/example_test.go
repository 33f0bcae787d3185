package history_test

import (
	"fmt"

	"althing/history"
)

// A read that misses what was written before it is explained by no order.
func ExampleCheck() {
	ops := []history.Op{
		{Client: 0, Kind: history.Put, Key: "x", Arg: "old", Call: 0, Return: 10},
		{Client: 0, Kind: history.Put, Key: "x", Arg: "new", Call: 20, Return: 30},
		{Client: 1, Kind: history.Get, Key: "x", Result: "new", Call: 25, Return: 35},
		{Client: 1, Kind: history.Get, Key: "x", Result: "old", Call: 40, Return: 50},
	}
	r := history.Check(ops, 0)
	fmt.Println(r.Verdict, "by", r.Method)
	for _, i := range r.Core {
		fmt.Println(&ops[i])
	}
	fmt.Println("proved:", history.VerifyCore(ops, r.Core) == nil)
	// Output:
	// illegal by zones
	// client 1: get x from 25ns to 35ns: "new"
	// client 1: get x from 40ns to 50ns: "old"
	// proved: true
}

// An order says when each operation may have taken effect.
func ExampleVerifyOrder() {
	ops := []history.Op{
		{Client: 0, Kind: history.Acquire, Key: "l", Result: "1", Call: 0, Return: 30},
		{Client: 1, Kind: history.Acquire, Key: "l", Result: "1", Call: 0, Return: 90},
		{Client: 0, Kind: history.Release, Key: "l", Result: "1", Call: 40, Return: 50},
	}
	r := history.Check(ops, 0)
	fmt.Println(r.Verdict, r.Order, history.VerifyOrder(ops, r.Order))
	// Output: ok [0 2 1] <nil>
}
