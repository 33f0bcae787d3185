package balance

import (
	"math"
	"math/rand/v2"
	"testing"
)

// listed runs a program that has all its columns, slacks included: each row is
// at most its right side, but one is an equation. It returns the least cost, or
// +Inf if there is no solution.
func listed(t *testing.T, columns []column, right []float64, equation int) float64 {
	t.Helper()
	s := newSimplex(right, func(row int) bool { return row == equation })
	for _, ph := range []phase{first, second} {
		_, err := s.minimise(ph.cost, func(prices []float64) (column, error) {
			best, least := columns[0], math.Inf(1)
			for _, c := range columns {
				if r := reduced(c, ph.cost, prices); r < least {
					best, least = c, r
				}
			}
			return best, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for i, c := range s.basis {
			if c.barred && s.x[i] > 1e-9 {
				return math.Inf(1)
			}
		}
	}
	value := 0.0
	for i, c := range s.basis {
		value += c.cost * s.x[i]
	}
	return value
}

// dense returns the column of a variable, with all its entries.
func dense(cost float64, values ...float64) column {
	c := column{cost: cost}
	for row, v := range values {
		c.entries = append(c.entries, entry{row, v})
	}
	return c
}

// TestSimplexArtificial: an artificial variable that ends the first phase in
// the basis, at zero, must not grow in the second. Here x = 1, x + y ≤ 1, and y
// is worth something: it must stay 0.
func TestSimplexArtificial(t *testing.T) {
	x, y := dense(0, 1, 1), dense(-1, 0, 1)
	if got := listed(t, []column{x, y, dense(0, 0, 1)}, []float64{1, 1}, 0); got != 0 {
		t.Errorf("x = 1 and x + y ≤ 1 with -y least: %v, want 0", got)
	}
}

// TestSimplexCycle: Beale's program, on which the plain rule, the most negative
// column and the first row of equal ratios, goes round in circles.
func TestSimplexCycle(t *testing.T) {
	columns := []column{dense(-3./4, 1./4, 1./2, 0, 0), dense(150, -60, -90, 0, 0), dense(-1./50, -1./25,
		-1./50, 1, 0),
		dense(6, 9, 3, 0, 0), dense(0, 1), dense(0, 0, 1), dense(0, 0, 0, 1), dense(0, 0, 0, 0, 1)}
	if got := listed(t, columns, []float64{0, 0, 1, 1}, 3); math.Abs(got+1./20) > 1e-12 {
		t.Errorf("%v, want -1/20", got)
	}
}

// TestSimplexNaive compares with all bases, for small programs full of ties.
func TestSimplexNaive(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	solved := 0
	for range 3000 {
		equation := rng.IntN(3)
		var columns []column
		for row := range 3 {
			if row != equation {
				columns = append(columns, column{entries: []entry{{row, 1}}})
			}
		}
		for range 5 {
			columns = append(columns, dense(float64(rng.IntN(5)), float64(rng.IntN(6)-2),
				float64(rng.IntN(6)-2),
				float64(rng.IntN(3))))
		}
		right := []float64{float64(rng.IntN(3)), float64(rng.IntN(3)), 1}
		want := math.Inf(1)
		for i := range columns {
			for j := range i {
				for k := range j {
					want = min(want, vertex([3]column{columns[i], columns[j], columns[k]}, right))
				}
			}
		}
		if got := listed(t, columns, right, equation); got != want && !(math.Abs(got-want) < 1e-9) {
			t.Fatalf("%+v, %v, equation %d: %v, want %v", columns, right, equation, got, want)
		}
		if !math.IsInf(want, 1) {
			solved++
		}
	}
	if solved < 1000 {
		t.Errorf("only %d have a solution: the test says little", solved)
	}
}

// vertex returns the cost of the solution with just these three variables, by
// Cramer's rule; +Inf if there is none.
func vertex(basis [3]column, right []float64) float64 {
	var m [3][3]float64 // by column
	for i, c := range basis {
		for _, e := range c.entries {
			m[i][e.row] = e.value
		}
	}
	det := determinant(m)
	if det == 0 {
		return math.Inf(1)
	}
	cost := 0.0
	for i := range basis {
		n := m
		n[i] = [3]float64(right)
		x := determinant(n) / det
		if x < 0 {
			return math.Inf(1)
		}
		cost += basis[i].cost * x
	}
	return cost
}

func determinant(m [3][3]float64) float64 {
	return m[0][0]*(m[1][1]*m[2][2]-m[1][2]*m[2][1]) - m[1][0]*(m[0][1]*m[2][2]-m[0][2]*m[2][1]) +
		m[2][0]*(m[0][1]*m[1][2]-m[0][2]*m[1][1])
}
