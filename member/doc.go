// Package member is one member of a cluster, whole: the store, the node that
// replicates it, the server that clients speak to, and what operators watch.
//
// # A directory
//
//	member.json  who this member is; written once, before anything else
//	wal/         the log of the node
//	kv/          the store
//
// A member begins in an empty directory, and there are two ways. A founder is
// told of all founders and gets its replica number from the order of their
// names. One that joins asks a running member for the record that somebody
// has added for it, found by its peer URL. From then on the directory says who
// it is, and what a cluster once was founded from is not looked at any more.
//
// A directory that has lost its log or its store is refused. A member that
// came back blank under its old number could vote twice in one term, and the
// cluster could lose what it had acknowledged. It has to be removed and added
// again, and then gets a new number.
//
// # Numbers
//
// Clients know a member by 64 bits. The low 16 are its replica number, so that
// one that joins learns it from what any member list says; the others are a
// digest or drawn.
package member
