package partition

import (
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"
	"strings"
	"testing"
)

// The first three are of the reference implementation's own documents; the rest
// were computed with another library. They never change: keys lie by them.
func TestHashKnownAnswers(t *testing.T) {
	var long strings.Builder
	for i := range 100 {
		long.WriteByte(byte(i))
	}
	for _, c := range []struct {
		key  string
		want Point
	}{
		{"", 0xef46db3751d8e999},
		{"a", 0xd24ec4f1a98c6e5b},
		{"abc", 0x44bc2cf5ad770999},
		{"user:1", 0xd9c7c4609e6080f3},
		{"abcdefgh", 0x3ad351775b4634b7},
		{"0123456789abcdef0123456789abcdef", 0x642a94958e71e6c5},
		{long.String(), 0x6ac1e58032166597},
	} {
		if got := Hash([]byte(c.key)); got != c.want {
			t.Errorf("Hash(%q) = %#016x, want %#016x", c.key, uint64(got), uint64(c.want))
		}
		if got := HashString(c.key); got != c.want {
			t.Errorf("HashString(%q) = %#016x, want %#016x", c.key, uint64(got), uint64(c.want))
		}
	}
}

// SplitMix64 from seed 0 begins with this number in every implementation of it.
func TestMixKnownAnswer(t *testing.T) {
	if got := mix(golden); got != 0xe220a8397b1dcdaf {
		t.Errorf("mix(golden) = %#x", got)
	}
}

// TestHashAvalanche: each bit of the key turns each bit of the hash as often as not.
func TestHashAvalanche(t *testing.T) {
	const rounds = 4000
	r := rand.New(rand.NewPCG(1, 1))
	for _, h := range []struct {
		name string
		of   func([]byte) uint64
	}{
		{"Hash", func(b []byte) uint64 { return uint64(Hash(b)) }},
		{"mix", func(b []byte) uint64 { return mix(binary.LittleEndian.Uint64(b)) }},
	} {
		var turned [64][64]int
		for range rounds {
			key := binary.LittleEndian.AppendUint64(nil, r.Uint64())
			before := h.of(key)
			for i := range 64 {
				key[i/8] ^= 1 << (i % 8)
				for d := before ^ h.of(key); d != 0; d &= d - 1 {
					turned[i][bits.TrailingZeros64(d)]++
				}
				key[i/8] ^= 1 << (i % 8)
			}
		}
		for i := range turned {
			for j, n := range turned[i] { // 4,096 counts: none beyond 5.5 standard deviations
				if z := math.Abs(float64(n)-rounds/2) / math.Sqrt(rounds/4); z > 5.5 {
					t.Errorf("%s: bit %d turns bit %d %d times of %d", h.name, i, j, n, rounds)
				}
			}
		}
	}
}

func TestHashAllocatesNothing(t *testing.T) {
	key := strings.Repeat("k", 100)
	if n := testing.AllocsPerRun(100, func() { HashString(key) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
