// Package front is a server of gRPC calls over HTTP/2: what stands between the
// sockets of clients and the handlers that protoc-gen-go-grpc generates. It
// implements grpc.ServiceRegistrar, so that services are registered with it as
// with grpc.Server, and it speaks with any gRPC client. Frames are read and
// header blocks decoded by golang.org/x/net/http2; codes, status, metadata and
// the handlers' interfaces are grpc's. What is here is the part between them,
// made for many small calls on few connections.
//
// # Words
//
// A connection carries streams; each stream is one call. A call has an opening
// (its HEADERS: method, metadata, timeout), messages, and an end (its trailers:
// a status). A window is how many bytes of DATA one side may send before the
// other says that it may send more; there is one for each stream and one for the
// connection, in both directions.
//
// # The way of a call
//
//  1. The connection's reader takes a frame. An opening that says the same as
//     one before is not looked at again: method and metadata are known.
//  2. When the request is whole, the reader hands the stream to a worker, which
//     runs the handler. Workers are reused, for their stacks have grown. A
//     streaming call has a goroutine of its own from its opening on.
//  3. The worker appends head, message and trailers to the connection's buffer,
//     in one go under the connection's lock, and wakes the flusher.
//  4. The flusher lets whoever is ready append too, then writes the buffer in
//     one system call. Meanwhile the next buffer fills.
//
// A message that windows or a full buffer do not let pass waits at its stream.
// The flusher moves such messages on, a frame from each stream in turn, when
// there is room. SendMsg returns when its message has been moved: so a slow
// reader holds up the one who sends to it, and nobody else.
//
// # Who holds what
//
// One mutex guards the whole state of a connection; the reader has a few fields
// of its own. What happens under it is short: nothing waits, encodes or calls
// handlers. Nobody but the flusher writes to the socket: a reader that wrote
// could wait for a client that waits for the reader.
//
// # Against hostile and broken clients
//
// Every violation of HTTP/2 ends the stream or the connection with the code that
// RFC 9113 names. Frames that ask for nothing (resets, settings, empty frames)
// draw on a credit that refills slowly; pings are allowed as seldom as Options
// say. Buffers are bounded: what a client may send ahead on a stream, what waits
// to be written, headers, names in a table. A client that does not take what is
// written to it for PingTimeout is cut off. The number of streams of a
// connection is the caller's to bound: Options.MaxStreams.
//
// # What is not here
//
// Compression: requests that use it are Unimplemented, as with a grpc.Server
// that no compressor is registered with. Metadata of replies from unary
// handlers: grpc.SetHeader and its kin return an error there. Server push,
// priorities, HTTP/1. A handler that panics takes the process down, as any
// goroutine does; one that ends by runtime.Goexit has its call reset.
package front
