package partition

import "math/bits"

// A Point is what is left of a key: its hash, and so its place on the circle of
// all 2^64 of them.
type Point uint64

// The primes of xxHash64.
const (
	prime1 uint64 = 0x9e3779b185ebca87
	prime2 uint64 = 0xc2b2ae3d27d4eb4f
	prime3 uint64 = 0x165667b19e3779f9
	prime4 uint64 = 0x85ebca77c2b2ae63
	prime5 uint64 = 0x27d4eb2f165667c5
)

// Hash returns the point of a key: xxHash64 with seed 0 (Collet, xxHash fast
// digest algorithm, version 0.1.1, XXH64), the same in every process, on every
// machine, in every version, and in other languages. It is fast and leaves no
// pattern, but is no secret: who chooses keys can choose where they fall.
func Hash(key []byte) Point { return xxh64(key) }

// HashString returns Hash of the bytes of a string.
func HashString(key string) Point { return xxh64(key) }

func xxh64[T string | []byte](b T) Point {
	size := uint64(len(b))
	h := prime5
	if len(b) >= 32 {
		v := [4]uint64{0, prime2, 0, 0}
		v[0] += prime1 // apart, for the sum is beyond what a constant may be
		v[0] += prime2
		v[3] -= prime1
		for ; len(b) >= 32; b = b[32:] {
			for i := range v {
				v[i] = stir(v[i], load64(b[8*i:8*i+8]))
			}
		}
		h = bits.RotateLeft64(v[0], 1) + bits.RotateLeft64(v[1], 7) +
			bits.RotateLeft64(v[2], 12) + bits.RotateLeft64(v[3], 18)
		for _, lane := range v {
			h = (h^stir(0, lane))*prime1 + prime4
		}
	}
	h += size
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64(h^stir(0, load64(b)), 27)*prime1 + prime4
	}
	if len(b) >= 4 {
		word := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24
		h = bits.RotateLeft64(h^word*prime1, 23)*prime2 + prime3
		b = b[4:]
	}
	for i := range len(b) {
		h = bits.RotateLeft64(h^uint64(b[i])*prime5, 11) * prime1
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return Point(h ^ h>>32)
}

// stir is the round of xxHash64: eight bytes enter a lane.
func stir(lane, word uint64) uint64 {
	return bits.RotateLeft64(lane+word*prime2, 31) * prime1
}

// load64 reads eight bytes, the lowest first.
func load64[T string | []byte](b T) uint64 {
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// mix is a bijection that leaves no pattern: the finalizer of SplitMix64 (Steele,
// Lea, Flood, Fast splittable pseudorandom number generators, 2014).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// golden is 2^64 over the golden ratio: its multiples lie far from each other.
const golden = 0x9e3779b97f4a7c15
