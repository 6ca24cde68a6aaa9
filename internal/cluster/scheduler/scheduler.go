package scheduler

import (
	"context"
	"sync"

	v1 "k8s.io/api/core/v1"
	apiruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/events"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/latest"
	"k8s.io/kubernetes/pkg/scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/queuesort"
	"k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/profile"

	"github.com/seatrial/seatrial/internal/cluster/clients"
	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
)

// schedulerOptions are the options of the scheduler.
type Options struct {
	OnDecision func(Decision)
	MaxScores  int
}

// startScheduler runs the scheduler with its default profile. With a pace it leaves nothing to chance,
// and tells of its decisions if somebody wants to hear. It ends with the context. It gives the names of the filters in the order in which they look at a node.
func Start(ctx context.Context, s *clients.Set, options Options, running *sync.WaitGroup) (filters []string, err error) {
	client, err := kubernetes.NewForConfig(s.BuiltIn("kube-scheduler"))
	if err != nil {
		return nil, err
	}
	broadcaster := events.NewBroadcaster(s.EventSink(client))
	started := false
	defer func() {
		if !started {
			broadcaster.Shutdown()
		}
	}()
	recorders := profile.RecorderFactory(func(name string) events.EventRecorderLogger { return broadcaster.NewRecorder(scheme.Scheme, name) })
	building, built := context.WithCancel(ctx)
	defer built() // ends what collects metrics every second, which nobody reads
	var upstream []scheduler.Option
	if s.Sequenced {
		if upstream, err = deterministic(); err != nil {
			return nil, err
		}
	}
	sched, err := scheduler.New(building, client, sharedinformers.ActivePods{SharedInformerFactory: s.Informers}, nil, recorders, upstream...)
	if err != nil {
		return nil, err
	}
	for _, p := range sched.Profiles[v1.DefaultSchedulerName].ListPlugins().Filter.Enabled {
		filters = append(filters, p.Name)
	}
	sched.StopEverything = ctx.Done()
	if s.Sequenced || options.OnDecision != nil {
		instrument(sched, options)
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
	started = true
	running.Go(func() {
		defer broadcaster.Shutdown()
		sched.Run(ctx)
	})
	return filters, nil
}

// withoutChance makes a scheduler look at nodes one after another, and at pods in an order that is
// always the same.
func deterministic() ([]scheduler.Option, error) {
	config, err := latest.Default()
	if err != nil {
		return nil, err
	}
	for _, p := range config.Profiles {
		for i := range p.Plugins.MultiPoint.Enabled {
			if plugin := &p.Plugins.MultiPoint.Enabled[i]; plugin.Name == queuesort.Name {
				plugin.Name = pluginInOrder
			}
		}
	}
	return []scheduler.Option{
		scheduler.WithProfiles(config.Profiles...),
		scheduler.WithFrameworkOutOfTreeRegistry(runtime.Registry{pluginInOrder: newOrderedQueue}),
		scheduler.WithParallelism(1), // there is one processor
	}, nil
}

const pluginInOrder = "PrioritySortInOrder"

// queueInOrder sorts the pods that wait as Kubernetes does, by priority and time, and those that came at the
// same time by when they were written last. New ones so come in the order in which they are told of: the first may be
// taken before the last is told.
type orderedQueue struct{ fwk.QueueSortPlugin }

func newOrderedQueue(ctx context.Context, args apiruntime.Object, handle fwk.Handle) (fwk.Plugin, error) {
	sort, err := queuesort.New(ctx, args, handle)
	if err != nil {
		return nil, err
	}
	return orderedQueue{sort.(fwk.QueueSortPlugin)}, nil
}

func (orderedQueue) Name() string { return pluginInOrder }

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
