package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/test/bufconn"
	"k8s.io/apiserver/pkg/storage/storagebackend"
)

// store is an etcd server of one member in this process. It listens nowhere: its only client
// reaches it through memory.
type store struct {
	etcd   *embed.Etcd
	server *grpc.Server
	memory *bufconn.Listener
}

const (
	etcdStartTime = 30 * time.Second
	etcdBuffer    = 64 << 10 // bytes of a connection in flight
)

// startStore starts etcd on a folder. Every write is on the disk before it is acknowledged.
func startStore(ctx context.Context, folder string, log io.Writer) (s *store, err error) {
	s = &store{memory: bufconn.Listen(etcdBuffer)}
	logger, started := newStoreLog(log)
	if err := s.launch(etcdConfig(folder, logger)); err != nil {
		return nil, storeError(folder, err)
	}
	select {
	case <-s.etcd.Server.ReadyNotify():
		started()
		return s, nil
	case err = <-s.etcd.Err():
	case <-s.etcd.Server.StopNotify():
		err = errors.New("it has stopped")
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(etcdStartTime):
		err = fmt.Errorf("it is not ready after %v", etcdStartTime)
	}
	s.close()
	return nil, storeError(folder, err)
}

// launch starts the server. What etcd would end the process for becomes an error.
func (s *store) launch(config *embed.Config) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	if s.etcd, err = embed.StartEtcd(config); err != nil {
		return err
	}
	s.server = v3rpc.Server(s.etcd.Server, nil, nil,
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}))
	go func() { _ = s.server.Serve(s.memory) }() // ends with the server
	return nil
}

func etcdConfig(folder string, log *zap.Logger) *embed.Config {
	c := embed.NewConfig()
	c.Dir = folder
	c.ListenClientUrls, c.ListenPeerUrls = nil, nil
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.TickMs, c.ElectionMs = 20, 100 // there is nobody to wait for
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(log)
	c.BootstrapDefragThresholdMegabytes = 64
	return c
}

// storeError says what to do about the usual reasons.
func storeError(folder string, err error) error {
	way := "if its data are damaged, `seatrial down --purge` starts anew"
	if errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "no space left") {
		way = "make room on the disk, or name another folder with --data-dir"
	}
	return fmt.Errorf("starting etcd on %s: %w; %s", folder, err, way)
}

// newStoreLog makes a log of what goes wrong in etcd. Until started is called, what would end the
// process becomes a panic; afterwards it is told, and ends the process.
func newStoreLog(w io.Writer) (log *zap.Logger, started func()) {
	h := &fatalHook{}
	core := zapcore.NewCore(zapcore.NewConsoleEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(w), zapcore.ErrorLevel)
	return zap.New(core, zap.WithFatalHook(h), zap.WithPanicHook(h)), func() { h.started.Store(true) }
}

type fatalHook struct{ started atomic.Bool }

func (h *fatalHook) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	message := entry.Message
	for _, f := range fields {
		if err, ok := f.Interface.(error); ok {
			message += ": " + err.Error()
		}
	}
	if !h.started.Load() {
		panic(message)
	}
	fmt.Fprintf(os.Stderr, "seatrial: etcd cannot go on: %s\n", message)
	os.Exit(3)
}

// dial connects the API server's client.
func (s *store) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return s.memory.DialContext(ctx)
}

// close ends the store. What uses it must have ended before.
func (s *store) close() {
	s.server.Stop()
	s.etcd.Close()
}

// storePatience is how long an external etcd may take to answer.
const storePatience = 10 * time.Second

// checkStore asks an external etcd whether it is there.
func checkStore(ctx context.Context, t storagebackend.TransportConfig) error {
	config := clientv3.Config{Endpoints: t.ServerList, DialTimeout: storePatience, Logger: zap.NewNop()}
	if t.CertFile != "" || t.KeyFile != "" || t.TrustedCAFile != "" {
		info := transport.TLSInfo{CertFile: t.CertFile, KeyFile: t.KeyFile, TrustedCAFile: t.TrustedCAFile}
		tls, err := info.ClientConfig()
		if err != nil {
			return fmt.Errorf("reading the certificates for etcd: %w", err)
		}
		config.TLS = tls
	}
	client, err := clientv3.New(config)
	if err != nil {
		return fmt.Errorf("connecting to etcd: %w", err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, storePatience)
	defer cancel()
	if _, err := client.Status(ctx, t.ServerList[0]); err != nil {
		return fmt.Errorf("etcd at %s does not answer: %w; --etcd-endpoints, --etcd-ca, --etcd-cert and --etcd-key say how to reach it", strings.Join(t.ServerList, ","), err)
	}
	return nil
}
