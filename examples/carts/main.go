// Carts is two shopping carts of one customer, on two sites that cannot reach
// each other for a while. Both take changes all the time; when the link is back
// they exchange what they have, and are the same.
//
//	go run ./examples/carts
package main

import (
	"fmt"
	"slices"

	"althing/crdt"
)

// A site has its replica of the cart, and an actor that is its own.
type site struct {
	name  string
	actor uint64
	cart  crdt.Map
}

func (s *site) add(item string, n int64) { s.cart.Counter("items", item).Add(s.actor, n) }
func (s *site) remove(item string)       { s.cart.Remove("items", item) }
func (s *site) address(street string)    { s.cart.Register("address").Set(s.actor, street) }
func (s *site) show()                    { fmt.Printf("%-7s %v\n", s.name, &s.cart) }
func (s *site) takes(cart *crdt.Map)     { s.cart.Join(cart) }
func sync(a, b *site)                    { a.takes(&b.cart); b.takes(&a.cart) }
func title(words string, sites ...*site) {
	fmt.Println(words)
	for _, s := range sites {
		s.show()
	}
}

func main() {
	phone, laptop := &site{name: "phone", actor: 1}, &site{name: "laptop", actor: 2}

	phone.add("apples", 2)
	phone.add("pears", 1)
	sync(phone, laptop)
	title("together:", phone, laptop)

	phone.add("apples", 3)    // more of what is there,
	laptop.remove("apples")   // which the other takes out
	laptop.add("pears", 1)    // and both take one more
	phone.add("pears", 1)     // of the same
	phone.address("Main St")  // and each has its own
	laptop.address("High St") // idea of where it goes
	title("parted:", phone, laptop)

	sync(phone, laptop)
	sync(phone, laptop) // to tell it twice does no harm
	title("together again:", phone, laptop)

	phone.address(slices.Min(phone.cart.Register("address").Values())) // the customer was asked
	sync(phone, laptop)
	title("resolved:", phone, laptop)
}
