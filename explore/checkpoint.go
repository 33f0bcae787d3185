package explore

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"

	"github.com/cespare/xxhash/v2"
)

// A checkpoint is one file: a line that says so, then numbers of eight bytes,
// little-endian, and byte strings with their length before them.
//
//	mark       condenses the Model, the seed and the symmetry: another search
//	           does not read it
//	memory     of a Keeper
//	level, generated, dead, and the transitions of each kind
//	findings   property, fingerprint, action and text of each
//	visited    fingerprint and parent of each state
//	waiting    the states of this level, then those of the next
//	sum        64 bits over all before it
//
// It takes the place of an older one only when it is whole and durable.
const checkpointLine = "althing explore checkpoint 1\n"

// ErrCheckpoint is returned for a file that is no checkpoint of the search.
var ErrCheckpoint = errors.New("explore: not a checkpoint of this search")

// A notary writes numbers and strings and sums them up. The first error stays.
type notary struct {
	w   *bufio.Writer
	sum hash.Hash64
	buf [8]byte
	err error
}

func (n *notary) bytes(b []byte) {
	if n.err == nil {
		_, _ = n.sum.Write(b) // never fails
		_, n.err = n.w.Write(b)
	}
}

func (n *notary) number(x uint64) {
	binary.LittleEndian.PutUint64(n.buf[:], x)
	n.bytes(n.buf[:])
}

func (n *notary) text(b []byte) {
	n.number(uint64(len(b)))
	n.bytes(b)
}

// save writes a checkpoint.
func (s *search) save(f *frontier) (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("explore: write checkpoint: %w", err)
		}
	}()
	file, err := os.CreateTemp(filepath.Dir(s.o.Checkpoint), filepath.Base(s.o.Checkpoint)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name()) // after the rename there is none
	n := &notary{w: bufio.NewWriterSize(file, 1<<20), sum: xxhash.New()}
	n.bytes([]byte(checkpointLine))
	n.number(s.mark())
	var memory []byte
	if k, ok := s.model.(Keeper); ok {
		memory = k.AppendMemory(nil)
	}
	n.text(memory)
	s.write(n, f)
	n.number(n.sum.Sum64())
	if n.err == nil {
		n.err = n.w.Flush()
	}
	if err := errors.Join(n.err, file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(file.Name(), s.o.Checkpoint)
}

func (s *search) write(n *notary, f *frontier) {
	n.number(uint64(s.level.Load()))
	generated, dead, kinds := s.counts()
	n.number(generated)
	n.number(dead)
	for _, k := range kinds {
		n.number(k)
	}
	n.number(uint64(len(s.findings)))
	for _, x := range s.findings {
		n.number(uint64(int64(x.property)))
		n.number(x.fp)
		n.number(uint64(x.action))
		text := ""
		if x.err != nil {
			text = x.err.Error()
		}
		n.text([]byte(text))
	}
	states, _ := s.seen.size()
	n.number(states)
	for i := range s.seen.shards {
		for _, slot := range s.seen.shards[i].slots {
			if slot.fp != 0 {
				n.number(slot.fp)
				n.number(slot.parent)
			}
		}
	}
	for _, bags := range [][]*bag{f.now, f.next} {
		count := 0
		for _, b := range bags {
			count += len(b.ends)
		}
		n.number(uint64(count))
		for _, b := range bags {
			for i := range b.ends {
				n.text(b.at(i))
			}
		}
	}
}

// counts sums up what the workers counted.
func (s *search) counts() (generated, dead uint64, kinds []uint64) {
	kinds = make([]uint64, len(s.workers[0].kinds))
	for _, w := range s.workers {
		generated += w.generated
		dead += w.dead
		for k, n := range w.kinds {
			kinds[k] += n
		}
	}
	return generated, dead, kinds
}

// mark condenses what makes a search this one.
func (s *search) mark() uint64 {
	d := xxhash.New()
	w := s.workers[0]
	w.steps.Reset()
	w.model.Initial(&w.steps)
	fmt.Fprintf(d, "%T %v %d %d\n", s.model, s.o.Symmetry, s.o.Seed, w.steps.Len())
	for _, k := range w.model.Kinds() {
		fmt.Fprintln(d, k)
	}
	for _, p := range w.props {
		fmt.Fprintln(d, p.Name, p.Mode)
	}
	_, _ = d.Write(w.steps.buf) // never fails
	if w.steps.Len() > 0 {
		first := slices.Clone(w.steps.State(0))
		w.steps.Reset()
		w.model.Next(first, &w.steps)
		_, _ = d.Write(w.steps.buf) // never fails
	}
	return d.Sum64()
}

// A reader reads what a notary wrote. The first error stays, and numbers are 0
// from then on.
type reader struct {
	r   *bufio.Reader
	sum hash.Hash64
	buf [8]byte
	err error
}

func (r *reader) bytes(b []byte) {
	if r.err == nil {
		if _, r.err = io.ReadFull(r.r, b); r.err == nil {
			_, _ = r.sum.Write(b) // never fails
			return
		}
	}
	clear(b)
}

func (r *reader) number() uint64 {
	r.bytes(r.buf[:])
	return binary.LittleEndian.Uint64(r.buf[:])
}

// blob reads what text wrote, of any size that there is.
func (r *reader) blob() []byte {
	n := int64(r.number() & (1<<62 - 1))
	var b bytes.Buffer
	if r.err == nil {
		_, r.err = io.CopyN(&b, r.r, n)
		_, _ = r.sum.Write(b.Bytes()) // never fails
	}
	return b.Bytes()
}

// maxText bounds a state, so that a file that is none does not fill the memory.
const maxText = 1 << 24

func (r *reader) text(buf []byte) []byte {
	n := r.number()
	if n > maxText {
		r.fail("a state of %d bytes", n)
		return nil
	}
	if uint64(cap(buf)) < n {
		buf = make([]byte, n)
	}
	r.bytes(buf[:n])
	return buf[:n]
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
	}
}

// load reads the checkpoint, if there is one.
func (s *search) load(f *frontier) (ok bool, err error) {
	file, err := os.Open(s.o.Checkpoint)
	if errors.Is(err, os.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("explore: read checkpoint: %w", err)
	}
	defer file.Close()
	if err := s.read(file, f); err != nil {
		return false, fmt.Errorf("%w: %s: %w", ErrCheckpoint, s.o.Checkpoint, err)
	}
	return true, nil
}

// read takes in a checkpoint. After an error the search is not to be used.
func (s *search) read(from io.Reader, f *frontier) error {
	r := &reader{r: bufio.NewReaderSize(from, 1<<20), sum: xxhash.New()}
	line := make([]byte, len(checkpointLine))
	if r.bytes(line); string(line) != checkpointLine {
		r.fail("it begins with something else")
	}
	if mark := r.number(); mark != s.mark() {
		r.fail("it is of another model, seed or symmetry")
	}
	if memory := r.blob(); r.err == nil {
		if err := s.recall(memory); err != nil {
			return err
		}
	}
	w := s.workers[0]
	s.level.Store(int64(r.number()))
	w.generated, w.dead = r.number(), r.number()
	for k := range w.kinds {
		w.kinds[k] = r.number()
	}
	for range r.count() {
		x := spot{property: int(int64(r.number())), fp: r.number(), action: Action(r.number())}
		if text := r.text(nil); len(text) > 0 {
			x.err = errors.New(string(text))
		}
		if r.err != nil || x.property < -1 || x.property >= len(w.props) ||
			(x.property == -1) != (x.err != nil) || int(x.action.Kind()) >= len(w.kinds) {
			r.fail("a finding of property %d", x.property)
			break
		}
		s.findings = append(s.findings, x)
	}
	for range r.count() {
		if fp, parent := r.number(), r.number(); fp == 0 || !s.seen.add(fp, parent) {
			r.fail("a state is there twice")
			break
		}
	}
	for _, bags := range []*[]*bag{&f.now, &f.next} {
		var p pile
		var buf []byte
		for range r.count() {
			if buf = r.text(buf); r.err != nil {
				break
			}
			if _, ok := s.seen.parent(w.fingerprint(buf)); !ok {
				r.fail("a state waits that was not visited")
				break
			}
			p.push(buf)
		}
		*bags = p.bags
	}
	want := r.sum.Sum64()
	if sum := r.number(); sum != want {
		r.fail("its sum is wrong")
	}
	if _, err := r.r.ReadByte(); err != io.EOF {
		r.fail("it goes on after its end")
	}
	return r.err
}

// recall gives a Keeper its memory, and makes new workers, for what they know is
// of another.
func (s *search) recall(memory []byte) error {
	k, ok := s.model.(Keeper)
	if !ok {
		if len(memory) > 0 {
			return errors.New("it is of a model that remembers")
		}
		return nil
	}
	if err := k.Recall(memory); err != nil {
		return err
	}
	s.mu.Lock() // progress looks at them
	defer s.mu.Unlock()
	for i := range s.workers {
		s.workers[i] = s.worker()
	}
	return nil
}

// count reads how many things follow; none after an error.
func (r *reader) count() uint64 {
	n := r.number()
	if r.err != nil {
		return 0
	}
	return n
}
