// Package kv is the replicated application behind the etcd v3 interface: a
// multi-version key-value store with transactions, leases and watches.
package kv
