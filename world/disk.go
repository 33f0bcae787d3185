package world

import (
	"slices"

	"althing/process"
)

// A disk is one replica's log, and what waits for it. Positions count from 1
// and never recur; first is that of records[0].
type disk struct {
	records []record
	first   uint64 // position of records[0]; 0 stands for 1, so that the zero disk is empty
	durable uint64 // position of the last durable record
	kept    *Machine
	held    []held // messages that wait, in order; those before next have left
	next    int
}

// A record is a Save, a Checkpoint, or a LoadState: then it has the image.
type record struct {
	msg        process.Msg
	image      *Machine
	checkpoint bool
}

type held struct {
	after uint64 // position that must be durable first
	to    process.ID
	msg   process.Msg
	state bool // attach the application's state when it leaves
}

// last returns the position of the last record.
func (d *disk) last() uint64 { return d.start() + uint64(len(d.records)) - 1 }

func (d *disk) start() uint64 { return max(d.first, 1) }

func (d *disk) append(r record) { d.records = append(d.records, r) }

// unsynced returns how many records are not durable.
func (d *disk) unsynced() int { return int(d.last() - d.durable) }

// sync makes the n oldest unsynced records durable.
func (d *disk) sync(n int) {
	checkpoint := -1
	from := int(d.durable + 1 - d.start())
	for i := from; i < from+n; i++ {
		r := &d.records[i]
		if r.checkpoint {
			checkpoint = i
		}
		if r.image != nil {
			d.kept = r.image
		}
	}
	d.durable += uint64(n)
	if checkpoint > 0 {
		d.first = d.start() + uint64(checkpoint)
		d.records = slices.Delete(d.records, 0, checkpoint)
	}
}

// keep makes the application durable as it is now, and with it what was loaded.
func (d *disk) keep(m *Machine) {
	d.kept = m
	for i := int(d.durable + 1 - d.start()); i < len(d.records); i++ {
		d.records[i].image = nil
	}
}

// crash loses all but the durable records and n more, and all that waited.
func (d *disk) crash(n int) {
	d.sync(n)
	d.records = slices.Delete(d.records, int(d.durable+1-d.start()), len(d.records))
	clear(d.held)
	d.held, d.next = d.held[:0], 0
}

// hold keeps a message until all records so far are durable.
func (d *disk) hold(h held) {
	h.after = d.last()
	d.held = append(d.held, h)
}

// release takes out the next message that may leave.
func (d *disk) release() (h held, ok bool) {
	if d.next == len(d.held) {
		clear(d.held)
		d.held, d.next = d.held[:0], 0
		return held{}, false
	}
	if d.held[d.next].after > d.durable {
		return held{}, false
	}
	d.next++
	return d.held[d.next-1], true
}

// clone shares only what is immutable.
func (d *disk) clone() disk {
	c := *d
	c.records, c.held, c.next = slices.Clone(d.records), slices.Clone(d.held[d.next:]), 0
	return c
}
