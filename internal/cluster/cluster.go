// Package cluster runs a Kubernetes control plane in this process: the real API server on a store in memory, the real
// controllers and scheduler, and simulated kubelets.
//
// The central type is [Cluster]. It opens no port; clients use its configuration:
//
//	c, err := cluster.Start(ctx, cluster.Config{})
//	client, err := kubernetes.NewForConfig(c.RESTConfig())
//
// Started in [virtualtime.Run] with an APIServer.BatchWindow, it lives in virtual time: a rollout of ten minutes takes
// a fraction of a second, and is the same each time.
//
// This package starts the parts in order, adds what is simulated (nodes, a storage class), and reads nodes from flags
// and files. The parts have packages of their own, from the ground up: informers, inprocess, clients, kubelet, then
// apiserver, controllers and scheduler.
//
// [virtualtime.Run]: https://pkg.go.dev/github.com/seatrial/seatrial/internal/cluster/virtualtime#Run
package cluster

import (
	"context"
	"errors"
	"fmt"
	"sync"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/cluster/apiserver"
	"github.com/seatrial/seatrial/internal/cluster/clients"
	"github.com/seatrial/seatrial/internal/cluster/controllers"
	"github.com/seatrial/seatrial/internal/cluster/inprocess"
	"github.com/seatrial/seatrial/internal/cluster/kubelet"
	"github.com/seatrial/seatrial/internal/cluster/scheduler"
	linked "github.com/seatrial/seatrial/internal/kubernetes"
	"github.com/seatrial/seatrial/internal/memstore"
)

// Config configures a cluster. The zero value is a new cluster of two nodes in real time.
type Config struct {
	API       *rest.Config      // a running API server to attach to, in real time; nil: one in memory
	APIServer apiserver.Options // of the API server in memory
	Scheduler scheduler.Options

	APIServerOnly bool // no controllers, scheduler or kubelets

	Authority *controllers.Authority // signs certificates for real clients; nil: there are none
	Nodes     []*v1.Node             // of a new cluster; nil: DefaultNodes

	Behavior       func(*v1.Pod, *v1.Container) kubelet.Behavior // of containers; nil: kubelet.DefaultBehavior
	KubeletState   []byte                                        // from Cluster.KubeletState before a restart, or nil
	InMemoryLeases bool                                          // heartbeats of nodes are not written to their leases

	// Usage returns the use that autoscalers see, in thousandths of a CPU and bytes; nil: kubelet.Usage.
	Usage func(*v1.Pod, *v1.Container, v1.ResourceName) int64
	// Prepare stores objects before controllers, scheduler and kubelets start; may be nil.
	Prepare func(context.Context, *rest.Config) error
}

// Cluster is a running cluster.
type Cluster struct {
	clients   *clients.Set
	server    *apiserver.Server // nil: attached to another
	kubelet   *kubelet.Kubelet
	scheduler *scheduler.Scheduler // nil: none runs
	cancel    context.CancelFunc
	running   sync.WaitGroup
	close     sync.Once
}

// Start starts a cluster. It is ready when Start returns, and ends with Close.
func Start(ctx context.Context, config Config) (*Cluster, error) {
	ctx, cancel := context.WithCancel(ctx)
	c := &Cluster{cancel: cancel}
	if err := c.start(ctx, config); err != nil {
		c.Close()
		return nil, fmt.Errorf("starting the cluster: %w", err)
	}
	return c, nil
}

func (c *Cluster) start(ctx context.Context, config Config) (err error) {
	if config.API == nil {
		err = c.serve(ctx, config)
	} else {
		err = c.attach(ctx, config)
	}
	if err != nil {
		return err
	}
	if config.Prepare != nil {
		if err := config.Prepare(ctx, c.RESTConfig()); err != nil {
			return err
		}
	}
	if config.APIServerOnly {
		return nil
	}
	return c.act(ctx, config)
}

// serve starts an API server in memory.
func (c *Cluster) serve(ctx context.Context, config Config) (err error) {
	config.APIServer.Containers = containers{c}
	if c.server, err = apiserver.New(ctx, config.APIServer); err != nil {
		return err
	}
	c.clients = c.server.Set
	if err := c.server.Start(ctx); err != nil {
		return err
	}
	if config.APIServer.DB == nil {
		return seedSimulation(ctx, c.clients.Client, config.Nodes)
	}
	if !config.APIServerOnly {
		c.server.RestoreService(ctx)
	}
	return nil
}

// attach connects to a running API server, which has created its own objects, and adds what is simulated.
func (c *Cluster) attach(ctx context.Context, config Config) (err error) {
	if c.clients, err = clients.New(config.API, false); err != nil {
		return err
	}
	if err := awaitAdmission(ctx, c.clients.Client); err != nil {
		return err
	}
	if err := apiserver.Bootstrap(ctx, c.clients.Client); err != nil {
		return err
	}
	nodes := config.Nodes
	if nodes == nil {
		known, err := c.clients.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1})
		if err != nil {
			return err
		}
		if len(known.Items) > 0 {
			nodes = []*v1.Node{} // it keeps its own
		}
	}
	return seedSimulation(ctx, c.clients.Client, nodes)
}

// act starts kubelets, controllers and scheduler.
func (c *Cluster) act(ctx context.Context, config Config) error {
	client, err := kubernetes.NewForConfig(c.clients.BuiltIn(inprocess.KubeletAgent))
	if err != nil {
		return err
	}
	c.kubelet, err = kubelet.New(kubelet.Config{
		Client:         c.clients.RecordingEvents(c.clients.WritingStatuses(client, inprocess.KubeletAgent)),
		Informers:      c.clients.Informers,
		Behavior:       config.Behavior,
		State:          config.KubeletState,
		Version:        linked.Version(),
		InMemoryLeases: config.InMemoryLeases,
		IssueTokens:    config.Authority != nil,
	})
	if err != nil {
		return err
	}
	options := controllers.Options{Authority: config.Authority, Usage: config.Usage}
	if config.InMemoryLeases {
		options.LastBeat = c.kubelet.LastBeat
	}
	if err := controllers.Start(ctx, c.clients, options, &c.running); err != nil {
		return err
	}
	if c.scheduler, err = scheduler.Start(ctx, c.clients, config.Scheduler, &c.running); err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	c.running.Go(func() { c.kubelet.Run(ctx) })
	if err := awaitServiceAccount(ctx, c.clients.Client); err != nil || config.API == nil {
		return err
	}
	return awaitNodes(ctx, c.clients.Informers.Core().V1().Nodes().Lister())
}

// RESTConfig returns the configuration of a client of the API server, as an administrator.
func (c *Cluster) RESTConfig() *rest.Config { return rest.CopyConfig(c.clients.Config) }

// Pods returns the pods in the cache of the controllers. They must not be changed.
func (c *Cluster) Pods() []*v1.Pod {
	pods, err := c.clients.Informers.Core().V1().Pods().Lister().List(labels.Everything())
	if err != nil {
		return nil // never: it reads a cache
	}
	return pods
}

// ServiceNamed reports whether a host is the name of a Service that exists, as the pods of a namespace see it.
func (c *Cluster) ServiceNamed(namespace, host string) bool {
	return c.kubelet.ServiceNamed(namespace, host)
}

var errNoKubelet = errors.New("containers are simulated, and no kubelet runs")

// containers answers for the containers of a cluster, once its kubelets are there.
type containers struct{ *Cluster }

// Exec returns what a command prints in a container, to be written in JSON.
func (c containers) Exec(namespace, pod, container string, command []string) (any, error) {
	return c.Cluster.Exec(namespace, pod, container, command)
}

// Log returns what of the log of a container is asked for.
func (c containers) Log(namespace, pod string, o *v1.PodLogOptions) (string, error) {
	log, err := c.Cluster.Log(namespace, pod, o.Container, o.Previous)
	if err != nil {
		return "", err
	}
	return log.Select(o), nil
}

// Exec returns what a command prints in a running container. The error says what is not known of it.
func (c *Cluster) Exec(namespace, pod, container string, command []string) (*kubelet.Output, error) {
	if c.kubelet == nil {
		return nil, errNoKubelet
	}
	return c.kubelet.Exec(namespace, pod, container, command)
}

// Log returns what a container has printed in its present or last run, or in the one before.
func (c *Cluster) Log(namespace, pod, container string, previous bool) (*kubelet.Log, error) {
	if c.kubelet == nil {
		return nil, errNoKubelet
	}
	return c.kubelet.Log(namespace, pod, container, previous)
}

// DB returns the store of an API server in memory.
func (c *Cluster) DB() *memstore.DB { return c.clients.DB }

// KubeletState returns the state of the kubelets, for Config.KubeletState after a restart.
func (c *Cluster) KubeletState() ([]byte, error) {
	if c.kubelet == nil {
		return nil, nil
	}
	return c.kubelet.Snapshot()
}

// Version returns the version of Kubernetes that runs.
func (c *Cluster) Version() string { return linked.Version() }

// Filters returns the names of the filter plugins in the order in which they look at a node, until one rejects it.
func (c *Cluster) Filters() []string {
	if c.scheduler == nil {
		return nil
	}
	return c.scheduler.Filters
}

// Schedulers returns the names of the profiles of the scheduler, by which pods ask for them.
func (c *Cluster) Schedulers() []string { return c.scheduler.Profiles }

// AddNode adds a node that is ready.
func (c *Cluster) AddNode(ctx context.Context, node *v1.Node) error {
	return seedNode(ctx, c.clients.Client, node)
}

// NewEstimator returns an estimator of where pods would go, by the scheduler of the cluster.
func (c *Cluster) NewEstimator(nodes []*v1.Node, pods []*v1.Pod) *scheduler.Estimator {
	return c.scheduler.NewEstimator(nodes, pods)
}

// Close ends everything that Start has started.
func (c *Cluster) Close() {
	c.close.Do(func() {
		if c.server != nil {
			c.server.Refuse()
		}
		c.cancel()
		c.running.Wait()
		if c.server != nil {
			c.server.Close()
		}
	})
}
