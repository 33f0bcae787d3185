package agenda

// A Pool keeps values that events refer to by number.
type Pool[T any] struct {
	values []T
	free   []uint64
}

// Add keeps v, and returns its number.
func (p *Pool[T]) Add(v T) uint64 {
	if n := len(p.free); n > 0 {
		i := p.free[n-1]
		p.free = p.free[:n-1]
		p.values[i] = v
		return i
	}
	p.values = append(p.values, v)
	return uint64(len(p.values) - 1)
}

// Take gives back the value of that number, which is free then.
func (p *Pool[T]) Take(i uint64) T {
	var zero T
	v := p.values[i]
	p.values[i] = zero
	p.free = append(p.free, i)
	return v
}
