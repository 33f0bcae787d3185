package clock

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// A form is a value with one binary and one text form.
type form interface {
	encoding.BinaryAppender
	encoding.BinaryMarshaler
	encoding.TextAppender
	encoding.TextMarshaler
	fmt.Stringer
}

// A parsed is a pointer to a form, to read it with.
type parsed[T any] interface {
	*T
	encoding.BinaryUnmarshaler
	encoding.TextUnmarshaler
}

// forms wants v to be written as text and bytes, and read back from both.
func forms[T form, P parsed[T]](t *testing.T, v T, text, bytes string) {
	t.Helper()
	if v.String() != text || string(must(v.MarshalText())) != text {
		t.Errorf("text is %s, want %s", v, text)
	}
	if b := must(v.MarshalBinary()); string(b) != bytes {
		t.Errorf("%v is %q, want %q", v, b, bytes)
	}
	if b := must(v.AppendBinary([]byte("x"))); string(b) != "x"+bytes {
		t.Errorf("%v appended is %q", v, b)
	}
	var w, x T
	if err := P(&w).UnmarshalText([]byte(text)); err != nil || !reflect.DeepEqual(v, w) {
		t.Errorf("%q is read as %v, %v", text, w, err)
	}
	if err := P(&x).UnmarshalBinary([]byte(bytes)); err != nil || !reflect.DeepEqual(v, x) {
		t.Errorf("%q is read as %v, %v", bytes, x, err)
	}
}

// refused wants none of the texts to be read, and nothing to change by trying.
func refused[T form, P parsed[T]](t *testing.T, texts ...string) {
	t.Helper()
	for _, s := range texts {
		var v, zero T
		err := P(&v).UnmarshalText([]byte(s))
		if !errors.Is(err, ErrMalformed) || !reflect.DeepEqual(v, zero) {
			t.Errorf("%T %q is read as %v, %v", v, s, v, err)
		}
	}
}

// refusedBytes is refused for binary forms.
func refusedBytes[T form, P parsed[T]](t *testing.T, all ...string) {
	t.Helper()
	for _, s := range all {
		var v, zero T
		err := P(&v).UnmarshalBinary([]byte(s))
		if !errors.Is(err, ErrMalformed) || !reflect.DeepEqual(v, zero) {
			t.Errorf("%T %q is read as %v, %v", v, s, v, err)
		}
	}
}

// fuzz reads anything as bytes and as text: what is read is written just so.
func fuzz[T form, P parsed[T]](f *testing.F, seeds ...string) {
	for _, s := range append(seeds, "") {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var v, w T
		if err := P(&v).UnmarshalBinary(b); err == nil {
			if again := must(v.MarshalBinary()); string(again) != string(b) {
				t.Errorf("%q is read, and written as %q", b, again)
			}
		}
		if err := P(&w).UnmarshalText(b); err == nil && w.String() != string(b) {
			t.Errorf("%q is read, and written as %q", b, w)
		}
	})
}
