// Command etcd is etcd's own server, built from its module, so that what it is
// compared as is known.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
