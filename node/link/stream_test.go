package link

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"althing/process"
)

// A delivery is a stream as its handler saw it.
type delivery struct {
	from   process.ID
	group  uint32
	header string
	body   []byte
	err    error // of reading the body
}

func streaming(out chan<- delivery) func(*Config) {
	return func(c *Config) {
		c.HandleStream = func(from process.ID, group uint32, header []byte, body io.Reader) error {
			b, err := io.ReadAll(body)
			out <- delivery{from, group, string(header), b, err}
			return err
		}
	}
}

func content(n int) []byte {
	b := make([]byte, n)
	rnd := rand.New(rand.NewPCG(1, uint64(n)))
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

func TestStream(t *testing.T) {
	noLeaks(t)
	out := make(chan delivery, 1)
	a, _ := pair(t, streaming(out))
	for _, n := range []int{0, 1, maxChunk - 1, maxChunk, maxChunk + 1, 5<<20 + 3} {
		want := content(n)
		w, err := a.Stream(t.Context(), 2, 9, text("header"))
		must(t, err)
		for rest := want; len(rest) > 0; {
			n, err := w.Write(rest[:min(70_001, len(rest))])
			must(t, err)
			rest = rest[n:]
		}
		must(t, w.Close())
		d := wait(t, out)
		if d.from != 1 || d.group != 9 || d.header != "header" || d.err != nil ||
			!bytes.Equal(d.body, want) {
			t.Fatalf("%d bytes: from %d, group %d, header %q, %d bytes, %v",
				n, d.from, d.group, d.header, len(d.body), d.err)
		}
		if err := w.Close(); !errors.Is(err, errStreamClosed) {
			t.Fatalf("second Close: %v", err)
		}
		if _, err := w.Write([]byte("x")); !errors.Is(err, errStreamClosed) {
			t.Fatalf("Write after Close: %v", err)
		}
	}
}

// encoded returns the bytes of a whole stream after the handshake.
func encoded(chunks ...string) []byte {
	var b []byte
	sum := uint32(0)
	for _, c := range append(chunks, "") {
		sum = crc32.Update(sum, castagnoli, []byte(c))
		b = binary.LittleEndian.AppendUint32(b, uint32(len(c)))
		b = binary.LittleEndian.AppendUint32(b, sum)
		b = append(b, c...)
	}
	return b
}

// TestStreamCut breaks the connection after every byte, and flips every bit:
// never does the receiver believe that it has the whole.
func TestStreamCut(t *testing.T) {
	noLeaks(t)
	out := make(chan delivery, 1)
	b := start(t, 2, "127.0.0.1:0", streaming(out))
	whole := encoded("\x09\x00\x00\x00header", "some", "content")
	for n := range len(whole) {
		conn := greeted(t, b, forStream)
		write(t, conn, whole[:n])
		conn.Close()
		if n < 18 {
			continue // the handler has not been called
		}
		if d := wait(t, out); d.err == nil {
			t.Fatalf("cut after %d of %d bytes, taken for whole: %q", n, len(whole), d.body)
		}
	}
	for i := 18; i < len(whole); i++ {
		conn := greeted(t, b, forStream)
		bad := bytes.Clone(whole)
		bad[i] ^= 1 << (i % 8)
		write(t, conn, bad)
		conn.(interface{ CloseWrite() error }).CloseWrite()
		if d := wait(t, out); d.err == nil {
			t.Fatalf("byte %d was changed, and nobody noticed: %q", i, d.body)
		}
		conn.Close()
	}
	swapped := append(encoded("\x09\x00\x00\x00header")[:18], encoded("some", "content")...)
	conn := greeted(t, b, forStream)
	write(t, conn, swapped) // sound chunks of another stream
	if d := wait(t, out); d.err == nil {
		t.Fatal("a chunk of another stream was taken")
	}
	conn = greeted(t, b, forStream)
	write(t, conn, whole)
	if d := wait(t, out); d.err != nil || string(d.body) != "somecontent" || d.header != "header" {
		t.Fatalf("%q %q %v", d.header, d.body, d.err)
	}
	must(t, readAnswer(conn))
}

func TestStreamGivenUp(t *testing.T) {
	noLeaks(t)
	out := make(chan delivery, 1)
	a, _ := pair(t, streaming(out))
	ctx, cancel := context.WithCancel(t.Context())
	w, err := a.Stream(ctx, 2, 1, text("h"))
	must(t, err)
	if _, err := w.Write(content(1 << 20)); err != nil {
		t.Fatal(err)
	}
	cancel()
	if d := wait(t, out); d.err == nil {
		t.Fatal("the receiver took it for whole")
	}
	if err := w.Close(); !errors.Is(err, context.Canceled) {
		t.Fatalf("Close: %v", err)
	}
	if _, err := a.Stream(ctx, 2, 1, text("h")); !errors.Is(err, context.Canceled) {
		t.Fatalf("Stream: %v", err)
	}
	if _, err := a.Stream(t.Context(), 3, 1, text("h")); err == nil {
		t.Fatal("a stream to nobody")
	}
	if _, err := a.Stream(t.Context(), 2, 1, broken{}); err == nil {
		t.Fatal("a header without a form")
	}
}

// The sender learns when the receiver fails, or does not want all of it.
func TestStreamHandlerFails(t *testing.T) {
	noLeaks(t)
	for _, c := range []struct {
		says   string
		handle func(io.Reader) error
	}{
		{"disk is full", func(r io.Reader) error {
			io.Copy(io.Discard, r)
			return errors.New("disk is full")
		}},
		{"not read to the end", func(r io.Reader) error {
			_, err := io.CopyN(io.Discard, r, 3)
			return err
		}},
	} {
		a, b := pair(t, func(cfg *Config) {
			cfg.HandleStream = func(_ process.ID, _ uint32, _ []byte, r io.Reader) error {
				return c.handle(r)
			}
		})
		w, err := a.Stream(t.Context(), 2, 1, text("h"))
		must(t, err)
		w.Write([]byte("content"))
		var refused *RefusedError
		if err := w.Close(); !errors.As(err, &refused) || !strings.Contains(err.Error(), c.says) {
			t.Fatalf("want %q, got %v", c.says, err)
		}
		until(t, "the reason is logged", func() bool { return b.log.has(c.says) })
	}
	// One that knows how much to expect need not look for the end.
	a, _ := pair(t, func(cfg *Config) {
		cfg.HandleStream = func(_ process.ID, _ uint32, _ []byte, r io.Reader) error {
			_, err := io.ReadFull(r, make([]byte, 7))
			return err
		}
	})
	w, err := a.Stream(t.Context(), 2, 1, text("h"))
	must(t, err)
	w.Write([]byte("content"))
	must(t, w.Close())
}

// Frames go on while a stream is stuck, and Close ends both.
func TestStreamIsApart(t *testing.T) {
	noLeaks(t)
	stuck := make(chan struct{})
	a, b := pair(t, func(c *Config) {
		c.HandleStream = func(_ process.ID, _ uint32, _ []byte, r io.Reader) error {
			<-stuck
			_, err := io.Copy(io.Discard, r)
			return err
		}
	})
	var ends []chan error
	for range maxStreams {
		w, err := a.Stream(t.Context(), 2, 1, text("h"))
		must(t, err)
		end := make(chan error, 1)
		ends = append(ends, end)
		go func() {
			for {
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					w.Close()
					end <- err
					return
				}
			}
		}()
	}
	_, err := a.Stream(t.Context(), 2, 1, text("h"))
	if err == nil || !strings.Contains(err.Error(), "too many") {
		t.Fatalf("one stream too many: %v", err)
	}
	a.Send(2, 1, 1, text("heartbeat"))
	wait(t, b.frames)
	go close(stuck)
	must(t, a.Close())
	for _, end := range ends {
		if err := wait(t, end); !errors.Is(err, ErrClosed) {
			t.Fatalf("the stream ended with %v", err)
		}
	}
}

// memory is a connection that has all there is to read.
type memory struct{ io.Reader }

func (memory) SetReadDeadline(time.Time) error { return nil }

func FuzzStream(f *testing.F) {
	f.Add(encoded("\x09\x00\x00\x00header", "some", "content"), 10)
	f.Add(encoded("abc"), 0)
	f.Add([]byte{0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0}, 0)
	f.Fuzz(func(t *testing.T, b []byte, limit int) {
		limit = max(0, min(limit, 1<<20))
		r := &body{conn: memory{bytes.NewReader(b)}}
		_, header, err := r.header(limit)
		if err != nil {
			return
		}
		if len(header) > limit {
			t.Fatal("the header is over the limit")
		}
		all, err := io.ReadAll(r)
		if len(all) > len(b) {
			t.Fatal("more came out than went in")
		}
		if err == nil && r.ended() != nil {
			t.Fatal("whole, and not ended")
		}
	})
}

func FuzzFrames(f *testing.F) {
	f.Add(append(frame(1, "one"), frame(2, "two")...), 3)
	f.Add(appendPing(frame(255, ""), 7), 1)
	f.Add([]byte{0xff, 0xff, 0xff, 0x7f, 0, 0, 0, 0, 0, 0}, 100)
	f.Fuzz(func(t *testing.T, b []byte, step int) {
		step = max(1, min(step, 1<<16))
		s := splitter{limit: 1 << 20}
		var frames []Frame
		var again []byte
		for rest := b; len(rest) > 0; {
			n := copy(s.room(), rest[:min(step, len(rest))])
			s.took(n)
			rest = rest[n:]
			fs, _, err := s.split(nil, nil)
			frames = append(frames, fs...)
			if err != nil {
				break
			}
			if len(s.chunk) > chunkBytes+2*len(b) {
				t.Fatal("the memory is out of proportion")
			}
		}
		for _, f := range frames { // all of them still as they were
			var err error
			if again, err = appendFrame(again, f.Kind, f.Group, text(f.Payload), 1<<20); err != nil {
				t.Fatal(err)
			}
		}
		if len(again) > len(b) {
			t.Fatal("more came out than went in")
		}
	})
}

func FuzzHello(f *testing.F) {
	h := hello{forFrames, 7, 1, 2, 5}
	f.Add(h.append(nil))
	f.Add(appendAnswer(nil, errors.New(strings.Repeat("why ", 100))))
	f.Add(appendAnswer(nil, nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= helloSize {
			if h, err := parseHello(b[:helloSize]); err == nil && b[7] == 0 &&
				!bytes.Equal(h.append(nil), b[:helloSize]) {
				t.Fatal("a hello has two forms")
			}
		}
		readAnswer(bytes.NewReader(b))
	})
}
