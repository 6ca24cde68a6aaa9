// Package scheduler runs the real scheduler with its default profile, and records its decisions.
//
// [Start] runs it; a [Decision] says which node a pod was bound to, what each filter and score plugin said of the
// nodes, and why none fits. Where requests are sequenced, the scheduler filters one node after another, takes pods
// in a determined order, and breaks ties by a hash of the pod's UID and the node's name.
package scheduler

import (
	"cmp"
	"context"
	"sync"

	v1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/podtopologyspread"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/queuesort"
	"k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/profile"

	"github.com/seatrial/seatrial/internal/cluster/clients"
	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
)

// Options configure the scheduler.
type Options struct {
	OnDecision func(Decision) // receives every decision; may be nil
	MaxScores  int            // number of nodes of a decision that are reported with their scores
	Config     []byte         // a KubeSchedulerConfiguration; nil: the default
	// VolumeLimits returns how many volumes a node would take that does not exist, for estimators; nil: any number.
	VolumeLimits func(*v1.Node) *storagev1.CSINode
}

// Scheduler is a running scheduler.
type Scheduler struct {
	// Filters are the names of the filter plugins in the order in which they look at a node.
	Filters []string
	// Profiles are the names of the profiles, by which pods ask for them, in the order of the configuration.
	Profiles []string

	profiles   []config.KubeSchedulerProfile
	frameworks profile.Map
	registry   runtime.Registry

	limits     func(*v1.Node) *storagev1.CSINode
	shown      *shown                         // to the frameworks of estimators
	estimating map[string]framework.Framework // by profile
}

// Start runs the scheduler until the context ends.
func Start(ctx context.Context, s *clients.Set, options Options, running *sync.WaitGroup) (*Scheduler, error) {
	client, err := kubernetes.NewForConfig(s.BuiltIn("kube-scheduler"))
	if err != nil {
		return nil, err
	}
	broadcaster := events.NewBroadcaster(s.EventSink(client))
	runs := false
	defer func() {
		if !runs {
			broadcaster.Shutdown()
		}
	}()
	recorders := profile.RecorderFactory(func(name string) events.EventRecorderLogger {
		if direct := s.DirectRecorder(name); direct != nil {
			return direct
		}
		return broadcaster.NewRecorder(scheme.Scheme, name)
	})
	building, built := context.WithCancel(ctx)
	defer built() // ends a goroutine that collects unused metrics every second
	c, err := configuration(options.Config)
	if err != nil {
		return nil, err
	}
	started := &Scheduler{
		limits: options.VolumeLimits, profiles: c.Profiles, registry: plugins.NewInTreeRegistry(), shown: &shown{},
		estimating: map[string]framework.Framework{},
	}
	upstream := configured(c)
	if s.Sequenced {
		more, replacements := deterministic(c.Profiles)
		upstream = append(upstream, more...)
		if err := started.registry.Merge(replacements); err != nil {
			return nil, err
		}
	}
	active := sharedinformers.ActivePods{SharedInformerFactory: s.Informers}
	sched, err := scheduler.New(building, client, active, nil, recorders, upstream...)
	if err != nil {
		return nil, err
	}
	started.frameworks = sched.Profiles
	for _, p := range c.Profiles {
		started.Profiles = append(started.Profiles, p.SchedulerName)
	}
	for _, p := range sched.Profiles[started.Profiles[0]].ListPlugins().Filter.Enabled {
		started.Filters = append(started.Filters, upstreamName(p.Name))
	}
	sched.StopEverything = ctx.Done()
	if s.Sequenced || options.OnDecision != nil {
		instrument(sched, options, s.Sequenced)
	}
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return nil, err
	}
	s.Informers.Start(ctx.Done())
	s.Informers.WaitForCacheSync(ctx.Done())
	s.Quiesce()
	if err := sched.WaitForHandlersSync(ctx); err != nil {
		return nil, err
	}
	runs = true
	running.Go(func() {
		defer broadcaster.Shutdown()
		sched.Run(ctx)
	})
	return started, nil
}

// configured returns what a configuration says of the scheduler itself.
func configured(c *config.KubeSchedulerConfiguration) []scheduler.Option {
	return []scheduler.Option{
		scheduler.WithProfiles(c.Profiles...), scheduler.WithPercentageOfNodesToScore(c.PercentageOfNodesToScore),
		scheduler.WithPodInitialBackoffSeconds(c.PodInitialBackoffSeconds),
		scheduler.WithPodMaxBackoffSeconds(c.PodMaxBackoffSeconds),
	}
}

// deterministic returns options with which the scheduler takes pods in an order that is always the same, and the
// plugins that they name. It changes the profiles accordingly. What must look at one node after another has a
// parallelizer of its own.
func deterministic(profiles []config.KubeSchedulerProfile) ([]scheduler.Option, runtime.Registry) {
	for i := range profiles {
		replacePlugins(&profiles[i])
	}
	features := feature.NewSchedulerFeaturesFromGates(utilfeature.DefaultFeatureGate)
	replacements := runtime.Registry{
		orderedQueueName:      newOrderedQueue,
		orderedPreemptionName: newOrderedPreemption(features),
		summarizedSpreadName:  newSummarizedSpread(features),
	}
	return []scheduler.Option{
		scheduler.WithFrameworkOutOfTreeRegistry(replacements), scheduler.WithParallelism(int32(scorers())),
	}, replacements
}

// replaced maps plugins of upstream to those that take their place: they do not choose at random, or take less time.
var replaced = map[string]string{
	queuesort.Name:         orderedQueueName,
	defaultpreemption.Name: orderedPreemptionName,
	podtopologyspread.Name: summarizedSpreadName,
}

// upstreamName returns what a plugin is called in reports.
func upstreamName(plugin string) string {
	for upstream, ours := range replaced {
		if plugin == ours {
			return upstream
		}
	}
	return plugin
}

// replacePlugins makes a profile use the plugins that take the place of others.
func replacePlugins(p *config.KubeSchedulerProfile) {
	for _, set := range []config.PluginSet{
		p.Plugins.MultiPoint, p.Plugins.QueueSort, p.Plugins.PreEnqueue, p.Plugins.PreFilter, p.Plugins.Filter,
		p.Plugins.PostFilter, p.Plugins.PreScore, p.Plugins.Score, p.Plugins.PodGroupPostFilter,
	} {
		for _, plugins := range [][]config.Plugin{set.Enabled, set.Disabled} {
			for i := range plugins {
				plugins[i].Name = cmp.Or(replaced[plugins[i].Name], plugins[i].Name)
			}
		}
	}
	for i := range p.PluginConfig {
		p.PluginConfig[i].Name = cmp.Or(replaced[p.PluginConfig[i].Name], p.PluginConfig[i].Name)
	}
}

const orderedQueueName = "PrioritySortInOrder"

// orderedQueue sorts pending pods as Kubernetes does, by priority and time, and then by resource version. That is the
// order in which the scheduler is notified of new pods: it may take the first before it is notified of the last.
type orderedQueue struct{ fwk.QueueSortPlugin }

func newOrderedQueue(ctx context.Context, args apiruntime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	sort, err := queuesort.New(ctx, args, handle)
	if err != nil {
		return nil, err
	}
	return orderedQueue{sort.(fwk.QueueSortPlugin)}, nil
}

func (orderedQueue) Name() string { return orderedQueueName }

func (q orderedQueue) Less(a, b fwk.QueuedEntityInfo) bool {
	if q.QueueSortPlugin.Less(a, b) {
		return true
	}
	first, ok := a.(*framework.QueuedPodInfo)
	if !ok || q.QueueSortPlugin.Less(b, a) {
		return false
	}
	second, ok := b.(*framework.QueuedPodInfo)
	if !ok {
		return false
	}
	order, err := resourceversion.CompareResourceVersion(first.Pod.ResourceVersion, second.Pod.ResourceVersion)
	return err == nil && order < 0
}
