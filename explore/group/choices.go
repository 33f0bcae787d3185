package group

// choices counts through every sequence of answers to Choose.
type choices struct {
	started     bool
	value, most []int // of each call: the answer, and the highest possible
	at          int
}

// next begins the next sequence and reports whether there is one.
func (c *choices) next() bool {
	c.at = 0
	if !c.started {
		c.started = true
		return true
	}
	for i := len(c.value) - 1; i >= 0; i-- {
		if c.value[i] < c.most[i] {
			c.value[i]++
			c.value, c.most = c.value[:i+1], c.most[:i+1]
			return true
		}
	}
	return false
}

// choose answers one call.
func (c *choices) choose(n int) int {
	if c.at == len(c.value) {
		c.value, c.most = append(c.value, 0), append(c.most, n-1)
	}
	c.at++
	return c.value[c.at-1]
}
