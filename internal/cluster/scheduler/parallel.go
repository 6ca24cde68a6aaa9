package scheduler

import (
	"context"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/util/workqueue"
	fwk "k8s.io/kube-scheduler/framework"

	"github.com/seatrial/seatrial/internal/kubernetes/hooks/globals"
)

// Nodes are scored in parallel: each score is a function of the node and of what was counted before, and has a place
// of its own. Everything else of a scheduling cycle looks at one node after another. How many nodes are filtered, and
// where the next cycle begins, depends on which are found first; so do the victims of a preemption.

// manyNodes is how many nodes have to be scored before several processors are worth the interruption.
const manyNodes = 256

// scorers returns how many goroutines score nodes.
func scorers() int { return globals.Available(8) }

// oneByOne calls for one piece after another what upstream's parallelizer calls for many at a time.
type oneByOne struct{}

func (oneByOne) Until(ctx context.Context, pieces int, do workqueue.DoWorkPieceFunc, _ string) {
	for i := 0; i < pieces && ctx.Err() == nil; i++ {
		do(i)
	}
}

// sequentialHandle is the handle of a plugin that must not work in parallel.
type sequentialHandle struct{ fwk.Handle }

func (sequentialHandle) Parallelizer() fwk.Parallelizer { return oneByOne{} }

// Parallelizer is what the scheduler filters nodes with.
func (r *recorder) Parallelizer() fwk.Parallelizer {
	if r.sequenced {
		return oneByOne{}
	}
	return r.Framework.Parallelizer()
}

// RunPreScorePlugins is followed by RunScorePlugins: both may use several processors, until release.
func (r *recorder) RunPreScorePlugins(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo,
) *fwk.Status {
	if r.sequenced && len(nodes) >= manyNodes && r.release == nil {
		r.release = globals.UseProcessors(scorers())
	}
	return r.Framework.RunPreScorePlugins(ctx, state, pod, nodes)
}
