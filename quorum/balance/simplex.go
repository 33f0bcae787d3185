package balance

import (
	"errors"
	"math"
)

const (
	// maxPivots is where the simplex method gives up. Programs of 300 rows took
	// under two thousand; the lexicographic rule cannot cycle, rounding might.
	maxPivots = 20_000
	// tiny is what counts as zero in a program whose coefficients are about 1.
	tiny = 1e-10
	// smallest is the least entry that is divided by.
	smallest = 1e-7
	// refactor is after how many pivots the inverse is computed anew, for each
	// adds to its errors.
	refactor = 32
)

// errNumbers says that rounding spoilt a computation.
var errNumbers = errors.New("balance: the linear program is numerically too hard: " +
	"bring capacities and latencies to fewer orders of magnitude")

// A column of the program: a variable of at least 0, with its entries by row.
type column struct {
	cost    float64
	entries []entry
	barred  bool // an artificial variable, which must become 0
	quorum  *quorumColumn
}

type entry struct {
	row   int
	value float64
}

// A simplex is a linear program on its way: minimise cost over variables of at
// least 0, such that each row is at most, or is, its right side. It is the
// revised method with an explicit inverse of the basis, for columns that nobody
// lists: who runs it is asked for one with a negative reduced cost. Ties in the
// ratio test break lexicographically, which cannot cycle whichever column
// enters (Dantzig, Orden and Wolfe 1955).
type simplex struct {
	basis   []column // by row
	right   []float64
	x       []float64   // the values of the basis
	inverse [][]float64 // of the basis
}

// newSimplex starts from a unit column for each row: slack where the row is an
// inequality, artificial where it is an equation. Right sides are at least 0.
func newSimplex(right []float64, equation func(row int) bool) *simplex {
	s := &simplex{right: right, x: append([]float64(nil), right...)}
	for i := range right {
		s.basis = append(s.basis, column{entries: []entry{{i, 1}}, barred: equation(i)})
		row := make([]float64, len(right))
		row[i] = 1
		s.inverse = append(s.inverse, row)
	}
	return s
}

// prices returns the dual values of the rows, for given costs of columns.
func (s *simplex) prices(cost func(column) float64) []float64 {
	y := make([]float64, len(s.x))
	for i, c := range s.basis {
		if k := cost(c); k != 0 {
			for j, v := range s.inverse[i] {
				y[j] += k * v
			}
		}
	}
	return y
}

// reduced returns the reduced cost of a column.
func reduced(c column, cost func(column) float64, prices []float64) float64 {
	r := cost(c)
	for _, e := range c.entries {
		r -= prices[e.row] * e.value
	}
	return r
}

// minimise pivots until no column that enter offers has a negative reduced cost.
// It returns the prices then.
func (s *simplex) minimise(cost func(column) float64,
	enter func(prices []float64) (column, error)) ([]float64, error) {
	for n := range maxPivots {
		if n%refactor == refactor-1 {
			if err := s.refactor(); err != nil {
				return nil, err
			}
		}
		y := s.prices(cost)
		c, err := enter(y)
		if err != nil {
			return nil, err
		}
		if reduced(c, cost, y) >= -tiny {
			return y, nil
		}
		if err := s.pivot(c); err != nil {
			return nil, err
		}
	}
	return nil, errNumbers
}

// pivot brings a column into the basis.
func (s *simplex) pivot(c column) error {
	d := make([]float64, len(s.x)) // the column in terms of the basis
	for i, row := range s.inverse {
		for _, e := range c.entries {
			d[i] += row[e.row] * e.value
		}
	}
	out := -1
	for i := range d {
		if s.basis[i].barred && s.x[i] <= tiny && math.Abs(d[i]) > smallest {
			out = i // an artificial variable at zero leaves when it can, or it could grow again
			break
		}
		if d[i] > smallest && (out < 0 || s.before(i, out, d)) {
			out = i
		}
	}
	if out < 0 {
		return errNumbers // nothing here is unbounded below
	}
	pivot := s.inverse[out]
	for j := range pivot {
		pivot[j] /= d[out]
	}
	s.x[out] /= d[out]
	for i, row := range s.inverse {
		if i == out || d[i] == 0 {
			continue
		}
		for j, v := range pivot {
			row[j] -= d[i] * v
		}
		if s.x[i] -= d[i] * s.x[out]; s.x[i] < 0 && s.x[i] > -tiny {
			s.x[i] = 0
		}
	}
	s.basis[out] = c
	return nil
}

// before tells whether row i leaves rather than row k: by the ratio, and if that
// ties by the rows of the inverse.
func (s *simplex) before(i, k int, d []float64) bool {
	a, b := s.x[i]/d[i], s.x[k]/d[k]
	for j := 0; math.Abs(a-b) <= 1e-12 && j < len(s.x); j++ {
		a, b = s.inverse[i][j]/d[i], s.inverse[k][j]/d[k]
	}
	return a < b
}

// refactor computes the inverse of the basis from its columns, by Gauss and
// Jordan with the largest pivot of each column, and with it the values.
func (s *simplex) refactor() error {
	m := len(s.x)
	work := make([][]float64, m) // the basis beside the unit matrix
	for i := range work {
		work[i] = make([]float64, 2*m)
		work[i][m+i] = 1
	}
	for j, c := range s.basis {
		for _, e := range c.entries {
			work[e.row][j] += e.value
		}
	}
	for j := range m {
		top := j
		for i := j; i < m; i++ {
			if math.Abs(work[i][j]) > math.Abs(work[top][j]) {
				top = i
			}
		}
		work[j], work[top] = work[top], work[j]
		pivot := work[j]
		if math.Abs(pivot[j]) < tiny {
			return errNumbers
		}
		for k := 2*m - 1; k >= j; k-- {
			pivot[k] /= pivot[j]
		}
		for i, row := range work {
			if f := row[j]; i != j && f != 0 {
				for k := j; k < 2*m; k++ {
					row[k] -= f * pivot[k]
				}
			}
		}
	}
	for i := range m {
		s.inverse[i] = work[i][m:]
		s.x[i] = 0
		for j, b := range s.right {
			s.x[i] += s.inverse[i][j] * b
		}
		if s.x[i] < 0 && s.x[i] > -smallest {
			s.x[i] = 0
		}
	}
	return nil
}
