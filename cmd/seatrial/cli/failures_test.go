package cli

import (
	"net"
	"net/url"
	"os"
	"strconv"

	"github.com/rogpeppe/go-internal/testscript"
	"go.etcd.io/etcd/server/v3/embed"
	"go.uber.org/zap"
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
	free := url.URL{Scheme: "http", Host: "127.0.0.1:0"}
	config := embed.NewConfig()
	config.Dir = folder
	config.ListenClientUrls, config.AdvertiseClientUrls, config.ListenPeerUrls = []url.URL{free}, []url.URL{free}, nil
	config.InitialCluster = config.InitialClusterFromName(config.Name)
	config.ZapLoggerBuilder = embed.NewZapLoggerBuilder(zap.NewNop())
	server, err := embed.StartEtcd(config)
	ts.Check(err)
	ts.Defer(server.Close)
	<-server.Server.ReadyNotify()
	ts.Setenv(args[0], "http://"+server.Clients[0].Addr().String())
}
