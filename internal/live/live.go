// Package live runs a cluster in real time for real clients: Kubernetes' own API server on an
// etcd in the same process, behind TLS on the loopback interface, with the controllers, the
// scheduler and the simulated kubelets of package cluster.
//
// The central type is [Cluster]:
//
//	c, err := live.Start(ctx, live.Config{Folder: folder})
//	defer c.Close()
package live

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	utilnet "k8s.io/apimachinery/pkg/util/net"
	"k8s.io/apiserver/pkg/server/egressselector"
	"k8s.io/kubernetes/cmd/kube-apiserver/app/options"

	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/controllers"
	"github.com/seatrial/seatrial/internal/kubernetes/hooks"
)

// Config configures a live cluster.
type Config struct {
	Folder    Folder
	Port      int            // on 127.0.0.1; 0: any that is free
	Nodes     []*corev1.Node // created if missing; nil: cluster.DefaultNodes if the cluster has none
	Etcd      ExternalEtcd   // zero: an etcd of its own, in the folder
	Admission Admission      // plugins
	Log       io.Writer      // of what goes wrong in etcd; nil: nowhere

	// Fatal is told why when the etcd of its own cannot go on, or the external one has become
	// another's, once the cluster has it, and has to end the process; nil: a panic does.
	Fatal func(error)
}

// Cluster is a running cluster.
type Cluster struct {
	Facts
	folder   Folder
	unlock   func()
	store    *store    // nil: an external one
	claim    *claim    // of that; nil: there is none
	kubelets *kubelets // what the server reaches of them
	server   *server
	engine   *cluster.Cluster
	pki      *pki
	stop     context.CancelFunc
	running  sync.WaitGroup
	close    sync.Once
	failed   error
}

// Start starts a cluster. It is ready when Start returns, and ends with Close.
func Start(ctx context.Context, config Config) (c *Cluster, err error) {
	if config.Log == nil {
		config.Log = io.Discard
	}
	if config.Fatal == nil {
		config.Fatal = func(err error) { panic(err) }
	}
	hooks.ShowMetrics()
	c = &Cluster{folder: config.Folder}
	defer func() {
		if err != nil {
			err = errors.Join(err, c.Close())
		}
	}()
	if err := c.takeFolder(); err != nil {
		return c, err
	}
	return c, c.start(ctx, config)
}

// takeFolder locks the folder for this process.
func (c *Cluster) takeFolder() (err error) {
	if err := makeFolder(string(c.folder)); err != nil {
		return err
	}
	if c.unlock, err = c.folder.lock(); err != nil {
		return err
	}
	c.pki, err = newPKI(c.folder.pki())
	return err
}

func (c *Cluster) start(ctx context.Context, config Config) error {
	remembered, err := c.folder.remembered()
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(config.Port)))
	if err != nil {
		return fmt.Errorf(
			"the cluster cannot listen on port %d: %w; --port names another one, --port 0 takes one that is free",
			config.Port,
			err,
		)
	}
	o := flags(c.pki, listener)
	config.Admission.apply(o)
	if err := c.connectStore(ctx, config, o); err != nil {
		return errors.Join(err, listener.Close())
	}
	if c.kubelets, err = startKubelets(c.pki); err != nil {
		return errors.Join(err, listener.Close())
	}
	if c.server, err = startServer(listener, o, c.kubelets.dial); err != nil {
		return errors.Join(err, listener.Close())
	}
	if err := c.simulate(ctx, config, remembered); err != nil {
		return err
	}
	if err := registerUsage(ctx, c.server.client); err != nil {
		return err
	}
	if err := c.server.awaitReady(ctx); err != nil {
		return err
	}
	port := listener.Addr().(*net.TCPAddr).Port
	c.Facts = Facts{Port: port, URL: fmt.Sprintf("https://127.0.0.1:%d", port), Store: config.Etcd.addresses()}
	return c.folder.writeFacts(c.Facts)
}

// connectStore connects the API server to its store.
func (c *Cluster) connectStore(ctx context.Context, config Config, o *options.ServerRunOptions) (err error) {
	storage := &o.Etcd.StorageConfig
	if e := config.Etcd; len(e.Endpoints) > 0 {
		storage.Prefix = e.Prefix
		storage.Transport.ServerList = e.Endpoints
		storage.Transport.TrustedCAFile, storage.Transport.CertFile, storage.Transport.KeyFile =
			e.CAFile, e.CertFile, e.KeyFile
		c.claim, err = e.claim(ctx, c.pki.ca.cert, config.Fatal)
		return err
	}
	made, err := c.folder.makeStore()
	if err != nil {
		return err
	}
	if c.store, err = startStore(ctx, c.folder.etcd(), config.Log, config.Fatal); err != nil {
		return err
	}
	if err := made(); err != nil {
		return err
	}
	storage.Transport.ServerList = []string{"http://etcd.memory:1"} // a name that the dialer does not look at
	storage.Transport.EgressLookup = func(egressselector.NetworkContext) (utilnet.DialFunc, error) {
		return c.store.dial, nil
	}
	return nil
}

// simulate runs controllers, scheduler and kubelets.
func (c *Cluster) simulate(ctx context.Context, config Config, remembered []byte) (err error) {
	var running context.Context
	running, c.stop = context.WithCancel(context.Background())
	defer context.AfterFunc(ctx, c.stop)() // ctx bounds the start alone
	c.engine, err = cluster.Start(running, cluster.Config{
		API:          c.server.client,
		Authority:    &controllers.Authority{Cert: c.pki.ca.cert, Key: c.pki.ca.key, AccountKey: c.pki.account.key},
		Nodes:        config.Nodes,
		KubeletState: remembered,
	})
	if err != nil {
		return err
	}
	c.kubelets.engine.Store(c.engine)
	c.running.Go(func() { c.remember(running) })
	return nil
}

// rememberEvery is how often the state of the kubelets is saved.
const rememberEvery = 2 * time.Second

// remember saves the state of the kubelets, which a killed process would lose.
func (c *Cluster) remember(ctx context.Context) {
	var last []byte
	for done := false; !done; {
		select {
		case <-ctx.Done():
			done = true
		case <-time.After(rememberEvery):
		}
		state, err := c.engine.KubeletState()
		if err != nil || bytes.Equal(state, last) {
			continue
		}
		if err := atomicfile.Write(c.folder.kubelet(), state, 0o600); err == nil {
			last = state
		}
	}
}

// Ended returns a channel that is closed when the cluster has ended, also by itself. Close returns why.
func (c *Cluster) Ended() <-chan struct{} { return c.server.ended }

// Close ends the cluster: what uses the API server, then the server, then etcd, for which the server would otherwise
// wait.
func (c *Cluster) Close() error {
	c.close.Do(func() {
		if c.stop != nil {
			c.stop()
			c.running.Wait()
		}
		if c.engine != nil {
			c.engine.Close()
		}
		if c.server != nil {
			c.failed = c.server.close()
		}
		c.kubelets.close()
		if c.store != nil {
			c.store.close()
		}
		if c.claim != nil {
			c.claim.close()
		}
		if c.unlock != nil {
			c.unlock()
		}
	})
	return c.failed
}
