package cli

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/seatrial/seatrial/internal/live"
)

// occupy listens on a port that nobody answers on, and gives its number to the script: occupy VARIABLE
func occupy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: occupy VARIABLE")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Defer(func() { listener.Close() })
	ts.Setenv(args[0], strconv.Itoa(listener.Addr().(*net.TCPAddr).Port))
}

// startEtcd runs an etcd beside the script, and gives it the address: etcd VARIABLE
func startEtcd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: etcd VARIABLE")
	}
	folder, err := os.MkdirTemp(ts.Getenv("WORK"), "etcd")
	ts.Check(err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	ts.Check(err)
	stop, err := live.ServeStore(context.Background(), filepath.Join(folder, "data"), listener)
	ts.Check(err)
	ts.Defer(stop)
	ts.Setenv(args[0], "http://"+listener.Addr().String())
}
