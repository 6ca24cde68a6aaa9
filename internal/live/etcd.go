package live

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	bolt "go.etcd.io/bbolt"
	"go.etcd.io/etcd/client/pkg/v3/types"
	"go.etcd.io/etcd/server/v3/config"
	"go.etcd.io/etcd/server/v3/etcdserver"
	"go.etcd.io/etcd/server/v3/etcdserver/api/membership"
	"go.etcd.io/etcd/server/v3/etcdserver/api/v3rpc"
	"go.etcd.io/etcd/server/v3/features"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/test/bufconn"
)

// store is an etcd server with one member in this process. It has no listener: its only client reaches it through
// memory.
type store struct {
	etcd   *etcdserver.EtcdServer
	server *grpc.Server
	memory *bufconn.Listener
}

const (
	etcdStartTime = 30 * time.Second
	etcdBuffer    = 64 << 10 // bytes of a connection in flight
)

// startStore starts etcd on a folder. Every write is on the disk before it is acknowledged. After the start fatal is
// called if etcd cannot continue; it must not return.
func startStore(ctx context.Context, folder string, log io.Writer, fatal func(error)) (*store, error) {
	if err := checkData(folder); err != nil {
		return nil, storeError("starting etcd", folder, err)
	}
	s := &store{memory: bufconn.Listen(etcdBuffer)}
	end := &fatalHook{failed: make(chan error, 1), fatal: func(err error) {
		fatal(storeError("etcd cannot go on", folder, err))
	}}
	if err := s.await(ctx, etcdConfig(folder, newStoreLog(log, end)), end.failed); err != nil {
		return nil, storeError("starting etcd", folder, err)
	}
	end.started.Store(true)
	s.server = v3rpc.Server(s.etcd, nil, nil,
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: time.Second, PermitWithoutStream: true}))
	go func() { _ = s.server.Serve(s.memory) }() // ends with the server
	return s, nil
}

// ServeStore starts etcd on a folder for the clients of a listener, until stop is called.
func ServeStore(ctx context.Context, folder string, l net.Listener) (stop func(), err error) {
	s, err := startStore(ctx, folder, io.Discard, func(error) { runtime.Goexit() })
	if err != nil {
		return nil, err
	}
	go func() { _ = s.server.Serve(l) }() // ends with the server
	return s.close, nil
}

// await waits until the server is ready, or has failed.
func (s *store) await(ctx context.Context, c config.ServerConfig, failed <-chan error) error {
	launched, refused := make(chan *etcdserver.EtcdServer, 1), make(chan error, 1)
	go func() {
		etcd, err := etcdserver.NewServer(c)
		if err != nil {
			refused <- err
			return
		}
		etcd.Start()
		launched <- etcd
	}()
	late := fmt.Errorf("it is not ready after %v", etcdStartTime)
	patience, giveUp := context.WithTimeoutCause(ctx, etcdStartTime, late)
	defer giveUp()
	select { // an interrupt has to wait: what is half launched cannot be ended
	case s.etcd = <-launched:
	case err := <-refused:
		return err
	case err := <-failed:
		return err
	case <-time.After(etcdStartTime):
		return late
	}
	select {
	case <-s.etcd.ReadyNotify():
		return nil
	case err := <-failed:
		return err // what it holds cannot be let go in order
	case <-s.etcd.StopNotify():
		return errors.New("it has stopped")
	case <-patience.Done():
		s.etcd.Stop()
		return context.Cause(patience)
	}
}

// member is the name of the only member; folders that exist hold it.
const member = "default"

// etcdConfig returns etcd's usual configuration for one member without listeners. The package that etcd's own command
// line uses would open a socket whenever this program starts.
func etcdConfig(folder string, log *zap.Logger) config.ServerConfig {
	peer := types.MustNewURLs([]string{"http://localhost:2380"}) // nobody listens there
	return config.ServerConfig{
		Name: member, DataDir: folder, Logger: log,
		PeerURLs: peer, ClientURLs: types.MustNewURLs([]string{"http://localhost:2379"}),
		InitialPeerURLsMap: types.URLsMap{member: peer}, InitialClusterToken: "etcd-cluster", NewCluster: true,
		// Only the start waits for an election, and each tick wakes an idle cluster.
		TickMs: 33, ElectionTicks: 5, InitialElectionTickAdvance: true, PreVote: true, StrictReconfigCheck: true,
		SnapshotCount:          etcdserver.DefaultSnapshotCount,
		SnapshotCatchUpEntries: etcdserver.DefaultSnapshotCatchUpEntries,
		MaxSnapFiles:           5, MaxWALFiles: 5, MaxTxnOps: 128, MaxRequestBytes: 3 << 19,
		MaxConcurrentStreams: math.MaxUint32,
		BackendFreelistType:  bolt.FreelistMapType, BootstrapDefragThresholdMegabytes: 64,
		WarningApplyDuration: 100 * time.Millisecond, WarningUnaryRequestDuration: 300 * time.Millisecond,
		CompactHashCheckTime: time.Minute, DowngradeCheckTime: 5 * time.Second,
		AutoCompactionMode: "periodic", AuthToken: "simple", BcryptCost: 10, TokenTTL: 300, Metrics: "basic",
		MaxLearners: membership.DefaultMaxLearners, V2Deprecation: config.V2DeprDefault,
		ServerFeatureGate: features.NewDefaultServerFeatureGate(member, log),
	}
}

// storeError adds what to do to the usual errors.
func storeError(what, folder string, err error) error {
	way := "put a copy of that folder in place, start anew with `seatrial down --purge`, or name another with --data-dir"
	if errors.Is(err, syscall.ENOSPC) || strings.Contains(err.Error(), "no space left") {
		way = "make room on the disk and start it again: nothing is lost that was acknowledged; --data-dir names another folder"
	}
	return fmt.Errorf("%s in %s: %w; %s", what, folder, err, way)
}

// newStoreLog returns a log of the errors of etcd; end replaces what would end the process.
func newStoreLog(w io.Writer, end *fatalHook) *zap.Logger {
	core := zapcore.NewCore(
		zapcore.NewConsoleEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(w), zapcore.ErrorLevel,
	)
	return zap.New(core, zap.WithFatalHook(end), zap.WithPanicHook(end))
}

// fatalHook replaces the end of the process: until etcd has started, by an error.
type fatalHook struct {
	started atomic.Bool
	failed  chan error
	fatal   func(error)
}

func (h *fatalHook) OnWrite(entry *zapcore.CheckedEntry, fields []zapcore.Field) {
	err := errors.New(entry.Message)
	for _, f := range fields {
		if cause, ok := f.Interface.(error); ok {
			err = fmt.Errorf("%s: %w", entry.Message, cause)
		}
	}
	if h.started.Load() {
		h.fatal(err)
	}
	select {
	case h.failed <- err:
	default: // the first one is the reason
	}
	runtime.Goexit() // what called must not go on
}

// dial connects the API server's client.
func (s *store) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	return s.memory.DialContext(ctx)
}

// close ends the store, after its users.
func (s *store) close() {
	s.server.Stop()
	s.etcd.Stop()
}
