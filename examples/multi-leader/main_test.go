package main

func Example() {
	main()
	// Output:
	// multileader:
	//   1: put cart milk                     {1:1}
	//   1: put cart milk eggs                {1:2}
	//   3: put cart milk figs                {1:1,3:1}
	//   2: get cart                          {1:2} "milk eggs"
	//   3: get cart                          {1:1,3:1} "milk figs"
	//   -- they meet again
	//   2: get cart                          {1:2,3:1} "milk eggs" "milk figs"
	//   3: get cart                          {1:2,3:1} "milk eggs" "milk figs"
	//   3: set cart {1:2,3:1} milk eggs figs {1:2,3:2}
	//   1: get cart                          {1:2,3:2} "milk eggs figs"
	// multileader-lww:
	//   1: put cart milk                     {1:1}
	//   1: put cart milk eggs                {1:2}
	//   3: put cart milk figs                {1:1,3:1}
	//   2: get cart                          {1:2} "milk eggs"
	//   3: get cart                          {1:1,3:1} "milk figs"
	//   -- they meet again
	//   2: get cart                          {1:2,3:1} "milk figs"
	//   3: get cart                          {1:2,3:1} "milk figs"
	//   3: set cart {1:2,3:1} milk eggs figs {1:2,3:2}
	//   1: get cart                          {1:2,3:2} "milk eggs figs"
	//   lost, by the rule: 1:2 cart
	// multileader-union:
	//   1: put cart milk                     {1:1}
	//   1: put cart milk eggs                {1:2}
	//   3: put cart milk figs                {1:1,3:1}
	//   2: get cart                          {1:2} "milk eggs"
	//   3: get cart                          {1:1,3:1} "milk figs"
	//   -- they meet again
	//   2: get cart                          {1:2,3:1} "eggs figs milk"
	//   3: get cart                          {1:2,3:1} "eggs figs milk"
	//   3: set cart {1:2,3:1} milk eggs figs {1:2,3:2}
	//   1: get cart                          {1:2,3:2} "milk eggs figs"
}
