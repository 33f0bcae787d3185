package main

func Example() {
	main()
	// Output:
	// Mary  reads in paris  ["milk"], context {1:1}
	// Peter reads in oslo   ["milk"], context {1:1}
	//
	// paris knows {1:2}, oslo {1:1,2:1}: concurrent
	// together they hold 2 siblings:
	//   1:2 "milk eggs"
	//   2:1 "milk figs"
	//
	// Mary  reads in paris  ["milk eggs" "milk figs"], context {1:2,2:1}
	// Peter reads in oslo   ["eggs figs milk"], context {1:3,2:1}
	//
	// now oslo's old copy is before it: the conflict is resolved
}
