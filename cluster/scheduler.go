package cluster

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/events"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/profile"
)

// startScheduler runs the scheduler with its default profile, and tells of its decisions if
// somebody wants to hear. It gives the names of the filters in the order in which they look at a node.
func startScheduler(ctx context.Context, s *connection, decided func(Decision)) (filters []string, err error) {
	client, err := kubernetes.NewForConfig(protobuf(s.config, "kube-scheduler"))
	if err != nil {
		return nil, err
	}
	broadcaster := events.NewEventBroadcasterAdapterWithContext(ctx, client)
	recorders := profile.RecorderFactory(func(name string) events.EventRecorderLogger { return broadcaster.NewRecorder(name) })
	building, built := context.WithCancel(ctx)
	defer built() // ends what collects metrics every second, which nobody reads
	sched, err := scheduler.New(building, client, s.informers, nil, recorders)
	if err != nil {
		return nil, err
	}
	for _, p := range sched.Profiles[v1.DefaultSchedulerName].ListPlugins().Filter.Enabled {
		filters = append(filters, p.Name)
	}
	sched.StopEverything = ctx.Done()
	if decided != nil {
		recordDecisions(sched, decided)
	}
	broadcaster.StartRecordingToSink(ctx.Done())
	s.informers.Start(ctx.Done())
	s.informers.WaitForCacheSync(ctx.Done())
	if err := sched.WaitForHandlersSync(ctx); err != nil {
		return nil, err
	}
	go sched.Run(ctx)
	return filters, nil
}
