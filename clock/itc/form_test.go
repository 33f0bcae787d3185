package itc

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"althing/clock"
)

// bits returns the encoding before it is filled up to whole bytes.
func bits(s Stamp) string {
	w := s.write(nil)
	n := 8*len(w.b) + w.n
	b, _ := s.MarshalBinary()
	return spell(b)[:n]
}

func spell(b []byte) string {
	var s strings.Builder
	for _, c := range b {
		fmt.Fprintf(&s, "%08b", c)
	}
	return s.String()
}

// forms wants s to be written so, and read back from both forms.
func forms(t *testing.T, s Stamp, text, encoding string) {
	t.Helper()
	if s.String() != text {
		t.Errorf("stamp is %s, want %s", s, text)
	}
	if b := bits(s); b != encoding {
		t.Errorf("%s is encoded as %s, want %s", text, b, encoding)
	}
	same(t, s)
}

// same wants s to survive both of its forms, which accept nothing but normal
// forms.
func same(t *testing.T, s Stamp) {
	t.Helper()
	var u Stamp
	b, _ := s.MarshalBinary()
	if err := u.UnmarshalBinary(b); err != nil || u.String() != s.String() {
		t.Errorf("%s is read back as %s, %v", s, u, err)
	}
	text, _ := s.MarshalText()
	if err := u.UnmarshalText(text); err != nil || u.String() != s.String() {
		t.Errorf("%s is parsed as %s, %v", s, u, err)
	}
}

// TestNumbers: the encoding of counts at the ends of its ranges, and of all
// lengths.
func TestNumbers(t *testing.T) {
	for n, want := range map[uint64]string{0: "000", 3: "011", 4: "10000", 11: "10111", 12: "1100000"} {
		w := writer{}
		w.number(n)
		size := 8*len(w.b) + w.n
		w.put(0, 8)
		if got := spell(w.b)[:size]; got != want {
			t.Errorf("%d is written as %s, want %s", n, got, want)
		}
	}
	for shift := range 64 {
		for n := uint64(1)<<shift - 6; n != 1<<shift+6; n++ {
			same(t, Stamp{event: event{base: n}})
		}
	}
}

// TestMalformed: one form for each stamp, and no other is read.
func TestMalformed(t *testing.T) {
	var s Stamp
	for _, text := range []string{
		"", "0", "(0)", "(0,0", "(0,0))", "((0,0),0)", "((1,1),0)", "(2,0)", "(01,0)", "(0,00)", "(0,-1)",
		"(0,(0,1,1))", "(0,(0,0,0))", "(0,(0,1,2))", "(0,(1,(0,1,2),0))", "(0, 0)", "((1,0,1),0)", "(0,(0,1))",
		"((,1),0)", "(0,(,0,1))", "(0,0)x", "((0,(0,0)),0)",
	} {
		if err := s.UnmarshalText([]byte(text)); !errors.Is(err, clock.ErrMalformed) {
			t.Errorf("%q is read as %s, %v", text, s, err)
		}
	}
	for what, b := range map[string]string{
		"nothing":            "",
		"no event":           "000",
		"cut short":          "00011",
		"a padding of one":   "00010001",
		"a byte too much":    "0001000000000000",
		"id (0,0)":           "01000" + "1000",
		"id (0,0) in full":   "11000000" + "1000",
		"id (0,1) in full":   "11000001" + "1000",
		"id (1,1)":           "11001001" + "1000",
		"event (0,0,0)":      "000" + "0001000",
		"event (0,0,0) left": "000" + "0011000",
		"event (0,1,1)":      "000" + "01010011001",
		"event (0,1,2)":      "000" + "01010011010",
		"event (0,0,1) full": "000" + "01010001001",
		"event (0,1,0) full": "000" + "01010011000",
		"event (0,0,1) as n": "000" + "0110010001001",
		"event (1,0,0)":      "000" + "0110010011000",
		"n not a number":     "000" + "0110000001001",
	} {
		bs := make([]byte, (len(b)+7)/8)
		for i := range b {
			bs[i/8] |= (b[i] - '0') << (7 - i%8)
		}
		if err := s.UnmarshalBinary(bs); !errors.Is(err, clock.ErrMalformed) {
			t.Errorf("%s is read as %s, %v", what, s, err)
		}
	}
	if s != (Stamp{}) {
		t.Errorf("a failed read leaves %s", s)
	}
}

func FuzzStamp(f *testing.F) {
	for _, s := range mixed(5) {
		b, _ := s.MarshalBinary()
		f.Add(b)
		f.Add([]byte(s.String()))
	}
	f.Add([]byte(strings.Repeat("\xff", 40)))
	f.Add([]byte("(0,(0,1,1))"))
	f.Fuzz(func(t *testing.T, b []byte) {
		var s Stamp
		if err := s.UnmarshalBinary(b); err == nil {
			if again, _ := s.MarshalBinary(); string(again) != string(b) {
				t.Errorf("%x is read as %s, and written as %x", b, s, again)
			}
			same(t, s)
			if u, err := s.Event(); err == nil && (u.Compare(s) != clock.After) {
				t.Errorf("%s has an event: %s", s, u)
			}
		}
		if err := s.UnmarshalText(b); err == nil {
			if s.String() != string(b) {
				t.Errorf("%s is read as %s", b, s)
			}
			same(t, s)
		}
	})
}

func BenchmarkEvent8(b *testing.B) {
	b.ReportAllocs()
	s := mixed(8)[3]
	for b.Loop() {
		s, _ = s.Event()
	}
}

func BenchmarkEvent64(b *testing.B) {
	b.ReportAllocs()
	s := mixed(64)[3]
	for b.Loop() {
		s, _ = s.Event()
	}
}

func BenchmarkJoin8(b *testing.B) {
	b.ReportAllocs()
	live := mixed(8)
	s, m := live[3], live[5].Peek()
	for b.Loop() {
		_, _ = s.Join(m)
	}
}

func BenchmarkCompare8(b *testing.B) {
	b.ReportAllocs()
	live := mixed(8)
	for b.Loop() {
		live[3].Compare(live[5])
	}
}

func BenchmarkForkEventJoin(b *testing.B) {
	b.ReportAllocs()
	s := mixed(8)[3]
	for b.Loop() {
		x, y, _ := s.Fork()
		x, _ = x.Event()
		s, _ = x.Join(y)
	}
}

func BenchmarkMarshal8(b *testing.B) {
	b.ReportAllocs()
	s := mixed(8)[3]
	buf := make([]byte, 0, 64)
	for b.Loop() {
		_, _ = s.AppendBinary(buf)
	}
}

func BenchmarkUnmarshal8(b *testing.B) {
	b.ReportAllocs()
	buf, _ := mixed(8)[3].MarshalBinary()
	var s Stamp
	for b.Loop() {
		_ = s.UnmarshalBinary(buf)
	}
}
