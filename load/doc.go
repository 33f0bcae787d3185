// Package load asks servers of the etcd API for work, and measures how they
// bear it.
//
// There are two ways to ask. In a closed loop each client waits for its answer
// and asks again at once: that finds the throughput. With a Rate, requests
// have their time, whether the servers keep up or not: that finds the latency
// of a given load. A latency then counts from the moment the request was due,
// not from when a client came free to send it, so that a server that stalls
// cannot hide the requests that would have been made meanwhile (coordinated
// omission).
//
// Requests are tried again as package retry says, but only if that is safe:
// those that only read, and those that the servers say they have not done. A
// latency covers all tries.
package load
