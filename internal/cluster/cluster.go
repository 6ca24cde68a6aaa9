// Package cluster runs a Kubernetes control plane in this process: the real API server on a
// store in memory, the real controllers and scheduler, and simulated kubelets.
//
// The central type is [Engine]. No port is opened; clients reach it through its configuration:
//
//	engine, err := cluster.Start(ctx, cluster.Config{})
//	client, err := kubernetes.NewForConfig(engine.RESTConfig())
//
// Started inside of [virtualtime.Run], it lives in virtual time: a rollout of ten minutes takes a
// fraction of a second, and goes the same way every time.
//
// [virtualtime.Run]: https://pkg.go.dev/github.com/seatrial/seatrial/internal/cluster/virtualtime#Run
package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

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

// Config says what a cluster consists of. The zero value is a new cluster of two nodes.
type Config struct {
	API     *rest.Config // an API server that runs already, to be acted on in real time; nil: one in memory
	DB      *memstore.DB // what an earlier life left behind in memory; nil: a new cluster
	Kubelet []byte       // what its kubelets remembered

	Authority *controllers.Authority // of a cluster with real clients; nil: it has no certificates

	Nodes  []*v1.Node                                  // of a new cluster; nil: DefaultNodes
	Script func(*v1.Pod, *v1.Container) kubelet.Script // what containers do; nil: kubelet.DefaultScript
	Pace   time.Duration                               // of virtual time that requests are collected for, then served in an order; 0: none
	Bare   bool                                        // the API server alone: nothing acts on what is stored

	Usage   func(*v1.Pod, *v1.Container, v1.ResourceName) int64 // that autoscalers see, in thousandths of a CPU and bytes; nil: kubelet.Usage
	Listen  func(memstore.Write)                                // hears of every write to a database in memory, or nil
	Told    func(*v1.Event)                                     // hears of every event that a component records, in place of the API server; must not change it; nil: they are stored
	Decided func(scheduler.Decision)                            // hears of every decision of the scheduler; nil: nobody does
	Scores  int                                                 // how many nodes of a decision are told with their scores; of a thousand nodes they take much memory
	Prepare func(context.Context, *rest.Config) error           // stores what is there before anything acts, or nil

	Rest func() // is called again and again at moments at which nothing runs, where there is a Pace; or nil

	Tracking  apiserver.Tracking // whose objects have managed fields
	Roleless  bool               // there are no roles but those that somebody makes, and no endpoints of the API server: enough where only administrators act, and sooner there
	Unwritten bool               // heartbeats of nodes are not written to their leases; the controllers hear of them all the same
}

// Pace is a good Config.Pace: requests fall into an order that does not depend on goroutines.
const Pace = 10 * time.Millisecond

// Engine is a running cluster.
type Engine struct {
	*clients.Set
	server  *apiserver.Server // nil: it is somebody else's
	kubelet *kubelet.Kubelet
	filters []string // of the scheduler
	cancel  context.CancelFunc
	running sync.WaitGroup
	close   sync.Once
}

// Start starts a cluster. It is ready when Start returns, and ends with Close.
func Start(ctx context.Context, config Config) (*Engine, error) {
	ctx, cancel := context.WithCancel(ctx)
	e := &Engine{cancel: cancel}
	if err := e.start(ctx, config); err != nil {
		e.Close()
		return nil, fmt.Errorf("starting the cluster: %w", err)
	}
	return e, nil
}

func (e *Engine) start(ctx context.Context, config Config) (err error) {
	if config.API == nil {
		err = e.serve(ctx, config)
	} else {
		err = e.attach(ctx, config)
	}
	if err != nil {
		return err
	}
	if config.Prepare != nil {
		if err := config.Prepare(ctx, e.RESTConfig()); err != nil {
			return err
		}
	}
	if config.Bare {
		return nil
	}
	return e.act(ctx, config)
}

// serve starts an API server in memory.
func (e *Engine) serve(ctx context.Context, config Config) (err error) {
	e.server, err = apiserver.New(ctx, apiserver.Options{
		DB: config.DB, BatchWindow: config.Pace, OnIdle: config.Rest, OnWrite: config.Listen, OnEvent: config.Told,
		Tracking: config.Tracking, SkipBootstrapRBAC: config.Roleless,
	})
	if err != nil {
		return err
	}
	e.Set = e.server.Set
	if err := e.server.Start(ctx); err != nil {
		return err
	}
	if config.DB == nil {
		return seedSimulation(ctx, e.Client, config.Nodes)
	}
	if !config.Bare {
		e.server.RestoreService(ctx)
	}
	return nil
}

// attach goes on from an API server that has seen to its own objects.
func (e *Engine) attach(ctx context.Context, config Config) (err error) {
	if e.Set, err = clients.New(config.API, false); err != nil {
		return err
	}
	if err := awaitAdmission(ctx, e.Client); err != nil {
		return err
	}
	if err := apiserver.Bootstrap(ctx, e.Client); err != nil {
		return err
	}
	nodes := config.Nodes
	if nodes == nil {
		known, err := e.Client.CoreV1().Nodes().List(ctx, metav1.ListOptions{Limit: 1})
		if err != nil {
			return err
		}
		if len(known.Items) > 0 {
			nodes = []*v1.Node{} // it goes on with those that it has
		}
	}
	return seedSimulation(ctx, e.Client, nodes)
}

// act starts what acts on the stored objects.
func (e *Engine) act(ctx context.Context, config Config) error {
	client, err := kubernetes.NewForConfig(e.BuiltIn(inprocess.KubeletAgent))
	if err != nil {
		return err
	}
	e.kubelet, err = kubelet.New(kubelet.Config{Client: e.RecordingEvents(e.WritingStatuses(client, inprocess.KubeletAgent)), Informers: e.Informers, Script: config.Script, State: config.Kubelet, Version: linked.Version(), Unwritten: config.Unwritten})
	if err != nil {
		return err
	}
	options := controllers.Options{Authority: config.Authority, Usage: config.Usage}
	if config.Unwritten {
		options.LastBeat = e.kubelet.LastBeat
	}
	if err := controllers.Start(ctx, e.Set, options, &e.running); err != nil {
		return err
	}
	if e.filters, err = scheduler.Start(ctx, e.Set, scheduler.Options{OnDecision: config.Decided, MaxScores: config.Scores}, &e.running); err != nil {
		return fmt.Errorf("scheduler: %w", err)
	}
	e.running.Go(func() { e.kubelet.Run(ctx) })
	if err := awaitServiceAccount(ctx, e.Client); err != nil || config.API == nil {
		return err
	}
	return awaitNodes(ctx, e.Informers.Core().V1().Nodes().Lister())
}

// RESTConfig is how clients reach the API server, as administrators.
func (e *Engine) RESTConfig() *rest.Config { return rest.CopyConfig(e.Config) }

// Pods are those that the controllers know of. They must not be changed.
func (e *Engine) Pods() []*v1.Pod {
	pods, err := e.Informers.Core().V1().Pods().Lister().List(labels.Everything())
	if err != nil {
		return nil // never: it reads from memory
	}
	return pods
}

// DB holds all objects of a cluster in memory.
func (e *Engine) DB() *memstore.DB { return e.Set.DB }

// KubeletState is what the kubelets remember, for Config.Kubelet of a later life.
func (e *Engine) KubeletState() ([]byte, error) {
	if e.kubelet == nil {
		return nil, nil
	}
	return e.kubelet.Snapshot()
}

// Version is the version of Kubernetes that runs.
func (e *Engine) Version() string { return linked.Version() }

// Filters are the plugins that look whether a node fits, in their order; the first to reject it is
// the last to look.
func (e *Engine) Filters() []string { return e.filters }

// Close ends everything that Start has begun.
func (e *Engine) Close() {
	e.close.Do(func() {
		if e.server != nil {
			e.server.Refuse()
		}
		e.cancel()
		e.running.Wait()
		if e.server != nil {
			e.server.Close()
		}
	})
}
