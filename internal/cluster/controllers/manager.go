// Package controllers runs the controllers of kube-controller-manager that make sense without a cloud, a provisioner of
// simulated volumes, and what they need to be deterministic and to continue after a restart.
//
// The function is [Start]. The table in manager.go lists the controllers; each of the other files explains one thing
// that upstream leaves to chance, or to a process that never restarts:
//   - claims.go takes claims that pods may use one after another;
//   - daemonset.go chooses the pods that a rolling update of a DaemonSet replaces;
//   - heartbeats.go provides the heartbeats of nodes that are not written;
//   - resume.go continues what has a deadline: deletion of namespaces, lost nodes, tolerations;
//   - suppressevents.go drops the events of nodes that are not new;
//   - hpametrics.go provides the usage of containers to autoscalers.
package controllers

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/quota/v1/generic"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	coreinformers "k8s.io/client-go/informers/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/util/flowcontrol"
	"k8s.io/controller-manager/pkg/informerfactory"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/pkg/controller"
	"k8s.io/kubernetes/pkg/controller/certificates/rootcacertpublisher"
	"k8s.io/kubernetes/pkg/controller/cronjob"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/deployment"
	"k8s.io/kubernetes/pkg/controller/disruption"
	"k8s.io/kubernetes/pkg/controller/endpoint"
	"k8s.io/kubernetes/pkg/controller/endpointslice"
	"k8s.io/kubernetes/pkg/controller/garbagecollector"
	"k8s.io/kubernetes/pkg/controller/job"
	"k8s.io/kubernetes/pkg/controller/namespace"
	"k8s.io/kubernetes/pkg/controller/nodelifecycle"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podgc"
	"k8s.io/kubernetes/pkg/controller/replicaset"
	"k8s.io/kubernetes/pkg/controller/replication"
	"k8s.io/kubernetes/pkg/controller/resourcequota"
	"k8s.io/kubernetes/pkg/controller/serviceaccount"
	"k8s.io/kubernetes/pkg/controller/statefulset"
	"k8s.io/kubernetes/pkg/controller/tainteviction"
	"k8s.io/kubernetes/pkg/controller/ttlafterfinished"
	"k8s.io/kubernetes/pkg/controller/volume/pvprotection"
	quotainstall "k8s.io/kubernetes/pkg/quota/v1/install"

	"github.com/seatrial/seatrial/internal/cluster/clients"
	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
	"github.com/seatrial/seatrial/internal/cluster/inprocess"
)

// workers is the number of objects that a controller processes at a time, as by default for the busy ones.
const workers = 5

// manager builds and runs the controllers, which share clients and informers.
type manager struct {
	ctx       context.Context
	authority *Authority // nil: no certificates and no tokens
	client    kubernetes.Interface
	discovery discovery.ServerResourcesInterface
	shared    informers.SharedInformerFactory
	metadata  metadata.Interface
	objects   metadatainformer.SharedInformerFactory
	mapper    *restmapper.DeferredDiscoveryRESTMapper
	scale     scale.ScalesGetter
	metrics   *usageMetrics
	lastBeat  func(node string) time.Time // heartbeat that was not written; nil: all are written
	resumed   time.Time                   // when the cluster restarted; zero: it is new
	started   chan struct{}               // closed when the informers run

	run []func(context.Context)
}

// Options configure the controllers.
type Options struct {
	Authority *Authority                                          // signs certificates and tokens; nil: there are none
	Usage     func(*v1.Pod, *v1.Container, v1.ResourceName) int64 // for autoscalers; nil: kubelet.Usage
	LastBeat  func(node string) time.Time                         // heartbeat that was not written; nil: all are
}

// Start runs the controllers until the context ends.
func Start(ctx context.Context, s *clients.Set, options Options, running *sync.WaitGroup) error {
	m, err := newManager(ctx, s, options)
	if err != nil {
		return err
	}
	return m.start(running)
}

func newManager(ctx context.Context, s *clients.Set, options Options) (*manager, error) {
	config := s.BuiltIn(inprocess.ManagerAgent)
	config.Wrap(func(next http.RoundTripper) http.RoundTripper { return suppressNodeRegistered{next} })
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	m := &manager{
		ctx: ctx, authority: options.Authority, lastBeat: options.LastBeat,
		client:    s.RecordingEvents(s.WritingStatuses(client, inprocess.ManagerAgent)),
		discovery: client.Discovery(), shared: s.Informers, started: make(chan struct{}),
	}
	if m.metadata, err = metadata.NewForConfig(config); err != nil {
		return nil, err
	}
	m.objects = metadatainformer.NewSharedInformerFactory(m.metadata, 0)
	if o, ok := s.Informers.(sharedinformers.Sorted); ok {
		m.objects = sharedinformers.SortedMetadata{SharedInformerFactory: m.objects, Notifications: o.Notifications}
	}
	m.mapper = restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	m.metrics = &usageMetrics{pods: s.Informers.Core().V1().Pods().Lister(), usage: options.Usage}
	if s.Resumed() {
		m.resumed = time.Now()
	}
	if s.Sequenced {
		m.discovery = clients.NewCachedDiscovery(m.client, s.DB).Kinds
	}
	kinds := scale.NewDiscoveryScaleKindResolver(client.Discovery())
	m.scale, err = scale.NewForConfig(s.Config, m.mapper, dynamic.LegacyAPIPathResolverFunc, kinds)
	return m, err
}

// controllerInit builds a controller.
type controllerInit struct {
	name  string
	build func(*manager) error
}

// controllers run in every cluster.
var controllers = []controllerInit{
	{"deployment", (*manager).deployment},
	{"replicaset", (*manager).replicaset},
	{"replicationcontroller", (*manager).replication},
	{"statefulset", (*manager).statefulset},
	{"daemonset", (*manager).daemonset},
	{"job", (*manager).job},
	{"cronjob", (*manager).cronjob},
	{"ttl-after-finished", (*manager).ttlAfterFinished},
	{"endpoints", (*manager).endpoints},
	{"endpointslice", (*manager).endpointSlice},
	{"serviceaccount", (*manager).serviceAccount},
	{"root-ca-certificate-publisher", (*manager).rootCA},
	{"namespace", (*manager).namespace},
	{"garbage-collector", (*manager).garbageCollector},
	{"pod-garbage-collector", (*manager).podGC},
	{"disruption", (*manager).disruption},
	{"node-lifecycle", (*manager).nodeLifecycle},
	{"taint-eviction", (*manager).taintEviction},
	{"horizontal-pod-autoscaler", (*manager).autoscaler},
	{"resourcequota", (*manager).quota},
	{"persistentvolume-binder", (*manager).volumeBinder},
	{"persistentvolume-provisioner", (*manager).volumeProvisioner},
	{"persistentvolumeclaim-protection", (*manager).claimProtection},
	{"persistentvolume-protection", (*manager).volumeProtection},
	{"ephemeral-volume", (*manager).ephemeralVolumes},
	{"resourceclaim", (*manager).resourceClaims},
	{"endpointslice-mirroring", (*manager).sliceMirroring},
	{"clusterrole-aggregation", (*manager).roleAggregation},
	{"validatingadmissionpolicy-status", (*manager).policyStatus},
}

// start builds all controllers, and runs them with their informers until the context ends.
func (m *manager) start(running *sync.WaitGroup) error {
	all := controllers
	if m.authority != nil {
		all = slices.Concat(controllers, liveControllers)
	}
	for _, c := range all {
		if err := c.build(m); err != nil {
			return fmt.Errorf("controller %s: %w", c.name, err)
		}
	}
	m.shared.Start(m.ctx.Done())
	m.objects.Start(m.ctx.Done())
	close(m.started)
	for _, run := range m.run {
		running.Go(func() { run(m.ctx) })
	}
	return nil
}

func (m *manager) add(run func(context.Context)) { m.run = append(m.run, run) }

func (m *manager) deployment() error {
	c, err := deployment.NewDeploymentController(
		m.ctx, m.shared.Apps().V1().Deployments(), m.shared.Apps().V1().ReplicaSets(), m.shared.Core().V1().Pods(),
		m.client,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return err
}

func (m *manager) replicaset() error {
	var pods coreinformers.PodInformer = m.shared.Core().V1().Pods()
	if _, ok := m.shared.(sharedinformers.Sorted); ok {
		pods = replicaSetPods{pods, m.shared.Apps().V1().ReplicaSets().Lister()}
	}
	c := replicaset.NewReplicaSetController(
		m.ctx, m.shared.Apps().V1().ReplicaSets(), pods, m.client, replicaset.BurstReplicas,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) replication() error {
	c := replication.NewReplicationManager(
		m.ctx, m.shared.Core().V1().Pods(), m.shared.Core().V1().ReplicationControllers(), m.client,
		replication.BurstReplicas,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) statefulset() error {
	c := statefulset.NewStatefulSetController(
		m.ctx, m.shared.Core().V1().Pods(), m.shared.Apps().V1().StatefulSets(),
		m.shared.Core().V1().PersistentVolumeClaims(), m.shared.Apps().V1().ControllerRevisions(), m.client,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) daemonset() error {
	client := m.client
	if _, ok := m.shared.(sharedinformers.Sorted); ok {
		client = deterministicClient{client, newPodChooser(m.ctx, m.client, m.shared)}
	}
	c, err := daemon.NewDaemonSetsController(
		m.ctx, m.shared.Apps().V1().DaemonSets(), m.shared.Apps().V1().ControllerRevisions(),
		m.shared.Core().V1().Pods(),
		m.shared.Core().V1().Nodes(), client,
		flowcontrol.NewBackOff(time.Second, 15*time.Minute))
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return err
}

func (m *manager) job() error {
	c, err := job.NewController(m.ctx, m.client, m.shared.Core().V1().Pods(), m.shared.Batch().V1().Jobs(), nil, nil)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return err
}

func (m *manager) cronjob() error {
	c, err := cronjob.NewControllerV2(m.ctx, m.shared.Batch().V1().Jobs(), m.shared.Batch().V1().CronJobs(), m.client)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return err
}

func (m *manager) ttlAfterFinished() error {
	c := ttlafterfinished.New(m.ctx, m.shared.Batch().V1().Jobs(), m.client)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) endpoints() error {
	c := endpoint.NewEndpointController(
		m.ctx, m.shared.Core().V1().Pods(), m.shared.Core().V1().Services(), m.shared.Core().V1().Endpoints(),
		m.client, 0,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) endpointSlice() error {
	c := endpointslice.NewController(
		m.ctx, m.shared.Core().V1().Pods(), m.shared.Core().V1().Services(), m.shared.Core().V1().Nodes(),
		m.shared.Discovery().V1().EndpointSlices(), 100, sortingEndpoints{m.client}, 0,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) serviceAccount() error {
	c, err := serviceaccount.NewServiceAccountsController(
		klog.FromContext(m.ctx), m.shared.Core().V1().ServiceAccounts(), m.shared.Core().V1().Namespaces(), m.client,
		serviceaccount.DefaultServiceAccountsControllerOptions(),
	)
	m.add(func(ctx context.Context) { c.Run(ctx, 1) })
	return err
}

func (m *manager) rootCA() error {
	certificate, err := m.authority.root()
	if err != nil {
		return err
	}
	c, err := rootcacertpublisher.NewPublisher(
		m.shared.Core().V1().ConfigMaps(), m.shared.Core().V1().Namespaces(), m.client, certificate,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, 1) })
	return err
}

func (m *manager) namespace() error {
	c := namespace.NewNamespaceController(
		m.ctx, m.client, m.metadata, m.discovery.ServerPreferredNamespacedResources, m.shared.Core().V1().Namespaces(),
		5*time.Minute, v1.FinalizerKubernetes,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	if !m.resumed.IsZero() {
		m.add(m.finishNamespaces)
	}
	return nil
}

func (m *manager) garbageCollector() error {
	ignored := map[schema.GroupResource]struct{}{
		{Resource: "events"}: {}, {Group: "events.k8s.io", Resource: "events"}: {},
	}
	factory := informerfactory.NewInformerFactory(m.shared, m.objects)
	graph := garbagecollector.NewDependencyGraphBuilder(m.ctx, m.metadata, m.mapper, ignored, factory, m.started)
	c, err := garbagecollector.NewComposedGarbageCollector(m.ctx, m.client, m.metadata, m.mapper, graph)
	m.add(func(ctx context.Context) { c.Run(ctx, workers, 30*time.Second) })
	m.add(func(ctx context.Context) { c.Sync(ctx, m.discovery, 30*time.Second) })
	return err
}

func (m *manager) podGC() error {
	const terminatedPodThreshold = 12500
	c := podgc.NewPodGC(
		m.ctx, m.client, m.shared.Core().V1().Pods(), m.shared.Core().V1().Nodes(), terminatedPodThreshold,
	)
	m.add(func(ctx context.Context) { c.Run(ctx) })
	return nil
}

func (m *manager) disruption() error {
	c := disruption.NewDisruptionController(
		m.ctx, m.shared.Core().V1().Pods(), m.shared.Policy().V1().PodDisruptionBudgets(),
		m.shared.Core().V1().ReplicationControllers(), m.shared.Apps().V1().ReplicaSets(),
		m.shared.Apps().V1().Deployments(),
		m.shared.Apps().V1().StatefulSets(),
		m.client, m.mapper, m.scale, m.client.Discovery())
	m.add(func(ctx context.Context) { c.Run(ctx, 1) })
	return nil
}

func (m *manager) nodeLifecycle() error {
	const (
		monitorPeriod     = 5 * time.Second
		startupGrace      = 60 * time.Second
		monitorGrace      = 50 * time.Second
		evictionRate      = 0.1
		secondaryRate     = 0.01
		largeCluster      = 50
		unhealthyFraction = 0.55
	)
	leases := m.shared.Coordination().V1().Leases()
	if m.lastBeat != nil {
		leases = inMemoryHeartbeats{leases, m.lastBeat}
	}
	c, err := nodelifecycle.NewNodeLifecycleController(
		m.ctx, leases, m.shared.Core().V1().Pods(), m.shared.Core().V1().Nodes(), m.shared.Apps().V1().DaemonSets(),
		m.client,
		monitorPeriod, startupGrace, monitorGrace, evictionRate, secondaryRate, largeCluster, unhealthyFraction)
	m.add(func(ctx context.Context) { c.Run(ctx) })
	if !m.resumed.IsZero() {
		m.add(func(ctx context.Context) { m.loseNodes(ctx, monitorGrace) })
	}
	return err
}

func (m *manager) taintEviction() error {
	var nodes coreinformers.NodeInformer = m.shared.Core().V1().Nodes()
	var pods coreinformers.PodInformer = m.shared.Core().V1().Pods()
	if !m.resumed.IsZero() {
		nodes = stableTaints{nodes, m.resumed.Add(time.Second), new(sync.Map)}
		pods = remainingTolerations{pods, nodes, m.resumed}
	}
	c, err := tainteviction.New(m.ctx, m.client, pods, nodes, "taint-eviction-controller")
	m.add(func(ctx context.Context) { c.Run(ctx) })
	return err
}

func (m *manager) autoscaler() error {
	c := podautoscaler.NewHorizontalController(
		m.ctx, m.client.CoreV1(), m.scale, m.client.AutoscalingV2(), m.mapper, m.metrics,
		m.shared.Autoscaling().V2().HorizontalPodAutoscalers(), m.shared.Core().V1().Pods(),
		15*time.Second, 5*time.Minute, 0.1, 5*time.Minute, 30*time.Second)
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return nil
}

func (m *manager) quota() error {
	config, err := quotainstall.NewQuotaConfigurationForControllers(
		generic.ListerFuncForResourceFunc(m.shared.ForResource), m.shared,
	)
	if err != nil {
		return err
	}
	c, err := resourcequota.NewController(m.ctx, &resourcequota.ControllerOptions{
		QuotaClient:               m.client.CoreV1(),
		ResourceQuotaInformer:     m.shared.Core().V1().ResourceQuotas(),
		ResyncPeriod:              controller.StaticResyncPeriodFunc(5 * time.Minute),
		InformerFactory:           informerfactory.NewInformerFactory(m.shared, m.objects),
		ReplenishmentResyncPeriod: func() time.Duration { return 12 * time.Hour },
		DiscoveryFunc:             m.discovery.ServerPreferredNamespacedResources,
		IgnoredResourcesFunc:      config.IgnoredResources,
		InformersStarted:          m.started,
		Registry:                  generic.NewRegistry(config.Evaluators()),
		UpdateFilter:              quotainstall.DefaultUpdateFilter(),
	})
	// Its Sync, which discovers new kinds, is not run: it holds a lock while it waits for caches, and virtual time does
	// not pass while its workers wait for that lock. New kinds are counted after the next start.
	m.add(func(ctx context.Context) { c.Run(ctx, workers) })
	return err
}

func (m *manager) volumeProtection() error {
	c, err := pvprotection.NewPVProtectionController(
		klog.FromContext(m.ctx), m.shared.Core().V1().PersistentVolumes(), m.client,
	)
	m.add(func(ctx context.Context) { c.Run(ctx, 1) })
	return err
}
