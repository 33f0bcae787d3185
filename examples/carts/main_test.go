package main

func Example() {
	main()
	// Output:
	// together:
	// phone   {"items":{"apples":2 "pears":1}}
	// laptop  {"items":{"apples":2 "pears":1}}
	// parted:
	// phone   {"items":{"apples":5 "pears":2} "address":{"Main St"}}
	// laptop  {"items":{"pears":2} "address":{"High St"}}
	// together again:
	// phone   {"items":{"apples":3 "pears":3} "address":{"High St" "Main St"}}
	// laptop  {"items":{"apples":3 "pears":3} "address":{"High St" "Main St"}}
	// resolved:
	// phone   {"items":{"apples":3 "pears":3} "address":{"High St"}}
	// laptop  {"items":{"apples":3 "pears":3} "address":{"High St"}}
}
