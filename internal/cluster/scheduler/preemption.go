package scheduler

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/runtime"
	corev1helpers "k8s.io/component-helpers/scheduling/corev1"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/defaultpreemption"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins/feature"
	"k8s.io/kubernetes/pkg/scheduler/framework/preemption"
	frameworkruntime "k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/util"
)

const orderedPreemptionName = "DefaultPreemptionInOrder"

// newOrderedPreemption returns a factory of the default preemption that chooses between equal nodes by name: upstream
// begins at a random node, and takes the first of a map.
func newOrderedPreemption(features feature.Features) frameworkruntime.PluginFactory {
	return func(ctx context.Context, args runtime.Object, handle fwk.Handle) (fwk.Plugin, error) {
		p, err := defaultpreemption.New(ctx, args, sequentialHandle{handle}, features)
		if err != nil {
			return nil, err
		}
		choice := orderedPreemption{Interface: p.Evaluator.Interface}
		if a, ok := args.(*config.DefaultPreemptionArgs); ok {
			choice.args = a
		}
		p.Evaluator.Interface = choice
		return p, nil
	}
}

// orderedPreemption is the default preemption without its random choices.
type orderedPreemption struct {
	preemption.Interface
	args *config.DefaultPreemptionArgs
}

// GetOffsetAndNumCandidates begins at the first node, and looks at as many as upstream does.
func (p orderedPreemption) GetOffsetAndNumCandidates(nodes int32) (offset, candidates int32) {
	wanted := max(nodes*p.args.MinCandidateNodesPercentage/100, p.args.MinCandidateNodesAbsolute)
	return 0, min(nodes, wanted)
}

// OrderedScoreFuncs returns the criteria of upstream, which are documented as the order in which candidates are
// compared, and after them the name of the node.
func (p orderedPreemption) OrderedScoreFuncs(
	_ context.Context, candidates map[string]*extenderv1.Victims,
) []func(node string) int64 {
	names := make([]string, 0, len(candidates))
	for name := range candidates {
		names = append(names, name)
	}
	slices.Sort(names)
	rank := make(map[string]int64, len(names))
	for i, name := range names {
		rank[name] = int64(i)
	}
	return []func(string) int64{
		func(node string) int64 { return -candidates[node].NumPDBViolations },
		func(node string) int64 { return -int64(corev1helpers.PodPriority(candidates[node].Pods[0])) },
		func(node string) int64 { return -prioritySum(candidates[node]) },
		func(node string) int64 { return -int64(len(candidates[node].Pods)) },
		func(node string) int64 { return util.GetEarliestPodStartTime(candidates[node]).UnixNano() },
		func(node string) int64 { return -rank[node] },
	}
}

// prioritySum adds up the priorities of victims, each shifted above zero, so that fewer victims are better also where
// priorities are negative.
func prioritySum(victims *extenderv1.Victims) (sum int64) {
	const shift = int64(1) << 31
	for _, pod := range victims.Pods {
		sum += int64(corev1helpers.PodPriority(pod)) + shift
	}
	return sum
}
