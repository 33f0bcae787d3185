package process

// A Store is a Process that is the data, where Facts.Stores says so: it commits
// nothing, and answers each request itself, by Reply. For clients all stores
// are alike. Commands are words with one space between; a TOKEN stands for all
// that a replica had taken in, and clients hand it on as they got it.
//
//	get KEY [TOKEN]        TOKEN, and each value behind a space, quoted as in Go
//	put KEY VALUE          over all values that are here: TOKEN
//	set KEY TOKEN VALUE    over those that TOKEN has seen, and no others: TOKEN
//
// A VALUE is what is left of the command. A replica that has not taken in what
// the TOKEN of a request has seen refuses it as Behind. A get may be a Read or
// a Command: it is the same.
type Store interface {
	Process

	// AppendContents appends the data in one canonical form, with what readers
	// are shown of it: replicas that have taken in the same writes append the
	// same bytes.
	AppendContents(b []byte) []byte

	// Group is the group as this replica knows it.
	Group() Group

	// Lost returns the keys of writes that were taken in, and then dropped in
	// favour of one whose writer did not know of them: each behind the number of
	// the write, so that two replicas name it alike. It may have forgotten the
	// oldest.
	Lost() []string
}
