package scheduler

import (
	"cmp"
	"context"
	"errors"
	"hash/fnv"
	"io"
	"slices"
	"sync"
	"time"

	v1 "k8s.io/api/core/v1"
	fwk "k8s.io/kube-scheduler/framework"
	"k8s.io/kubernetes/pkg/scheduler"
	"k8s.io/kubernetes/pkg/scheduler/framework"
)

// Decision is what the scheduler decided about one pod, and why.
type Decision struct {
	At       time.Time
	Pod      *v1.Pod     // must not be changed
	Node     string      // chosen; empty: none
	Feasible int         // number of nodes that passed all filters; a single one is not scored
	Rejected []Rejection // by node
	Scores   []NodeScore // of at most Options.MaxScores feasible nodes, best first
	Message  string      // of the scheduler, if no node fits; without what preemption adds
}

// Rejection is the first filter that a node did not pass.
type Rejection struct{ Node, Plugin, Reason string }

// NodeScore is the score of a node, and the part of each plugin.
type NodeScore struct {
	Node    string
	Total   int64
	Plugins []PluginScore // by name
}

// PluginScore is a score with the weight of its plugin.
type PluginScore struct {
	Plugin string
	Score  int64
}

// instrument has a scheduler that does not run yet report its decisions.
func instrument(s *scheduler.Scheduler, options Options, sequenced bool) {
	schedule := s.SchedulePod
	s.SchedulePod = func(
		ctx context.Context, f framework.Framework, state fwk.CycleState, pod *framework.QueuedPodInfo,
	) (scheduler.ScheduleResult, error) {
		r := &recorder{Framework: f, sequenced: sequenced}
		result, err := schedule(ctx, r, state, pod)
		if r.release != nil {
			r.release()
		}
		if options.OnDecision != nil {
			d := r.decision(pod.Pod, result, err)
			d.Scores = r.best(options.MaxScores, d.Node)
			options.OnDecision(d)
		}
		return result, err
	}
}

// recorder records what plugins return during one decision. It prevents batching, which would reuse the results for
// another pod and leave nothing to record.
type recorder struct {
	framework.Framework
	sequenced bool   // only results that do not depend on who is first may be found in parallel
	release   func() // gives processors back; nil: there are none

	mu       sync.Mutex
	rejected []Rejection
	scores   []fwk.NodePluginScores
}

func (r *recorder) RunFilterPluginsWithNominatedPods(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo,
) *fwk.Status {
	status := r.Framework.RunFilterPluginsWithNominatedPods(ctx, state, pod, info)
	if status.IsRejected() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.rejected = append(r.rejected, rejection(info.Node().Name, status))
	}
	return status
}

func (r *recorder) RunScorePlugins(
	ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo,
) ([]fwk.NodePluginScores, *fwk.Status) {
	scores, status := r.Framework.RunScorePlugins(ctx, state, pod, nodes)
	breakTies(string(pod.UID), scores)
	r.scores = scores
	return scores, status
}

func (r *recorder) GetNodeHint(context.Context, *v1.Pod, fwk.PodSignature, fwk.CycleState, int64) string {
	return ""
}

func (r *recorder) StoreScheduleResults(
	context.Context, fwk.PodSignature, string, string, framework.SortedScoredNodes, int64,
) {
}

func rejection(node string, status *fwk.Status) Rejection {
	return Rejection{Node: node, Plugin: upstreamName(status.Plugin()), Reason: status.Message()}
}

// decision returns the recorded decision.
func (r *recorder) decision(pod *v1.Pod, result scheduler.ScheduleResult, err error) Decision {
	d := Decision{
		At: time.Now(), Pod: pod, Node: result.SuggestedHost, Feasible: result.FeasibleNodes, Rejected: r.rejected,
	}
	var misfit *framework.FitError
	switch {
	case errors.As(err, &misfit):
		d.Message = misfit.Error()
		d.Rejected = append(d.Rejected, r.prefilterRejections(misfit)...)
	case err != nil:
		d.Message = err.Error()
	}
	slices.SortFunc(d.Rejected, func(a, b Rejection) int { return cmp.Compare(a.Node, b.Node) })
	d.Rejected = slices.Compact(d.Rejected)
	return d
}

// best returns the nodes with the highest scores, the chosen one before others with the same score.
func (r *recorder) best(most int, chosen string) (best []NodeScore) {
	if most == 0 {
		return nil
	}
	scores := slices.Clone(r.scores)
	slices.SortStableFunc(scores, func(a, b fwk.NodePluginScores) int {
		return cmp.Or(
			cmp.Compare(b.TotalScore, a.TotalScore),
			cmp.Compare(rankOf(a.Name, chosen), rankOf(b.Name, chosen)),
			cmp.Compare(a.Name, b.Name),
		)
	})
	for _, s := range scores[:min(most, len(scores))] {
		best = append(best, nodeScore(s))
	}
	return best
}

// breakTies orders the nodes with the highest score: nobody compares the others.
func breakTies(uid string, scores []fwk.NodePluginScores) {
	if len(scores) == 0 {
		return
	}
	highest := slices.MaxFunc(scores, func(a, b fwk.NodePluginScores) int {
		return cmp.Compare(a.TotalScore, b.TotalScore)
	}).TotalScore
	for i := range scores {
		if scores[i].TotalScore == highest {
			scores[i].Randomizer = tieBreak(uid, scores[i].Name)
		}
	}
}

// tieBreak derives a deterministic tie-break between nodes of the same score from the pod's UID and the node's name.
// The scheduler draws one from a source that all goroutines share; UIDs depend on the seed alone.
func tieBreak(uid, node string) int {
	h := fnv.New64a()
	io.WriteString(h, uid)
	io.WriteString(h, node)
	return int(h.Sum64() >> 1)
}

// rankOf orders the chosen node before others.
func rankOf(node, chosen string) int {
	if node == chosen {
		return 0
	}
	return 1
}

// prefilterRejections returns the nodes that were rejected before any filter looked at them.
func (r *recorder) prefilterRejections(misfit *framework.FitError) (early []Rejection) {
	status := misfit.Diagnosis.NodeToStatus.AbsentNodesStatus()
	if misfit.Diagnosis.PreFilterMsg == "" && len(misfit.Diagnosis.UnschedulablePlugins) == 0 ||
		status.Message() == "" {
		return nil
	}
	nodes, err := r.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return nil
	}
	for _, n := range nodes {
		name := n.Node().Name
		if !slices.ContainsFunc(r.rejected, func(known Rejection) bool { return known.Node == name }) {
			early = append(early, rejection(name, status))
		}
	}
	return early
}

func nodeScore(s fwk.NodePluginScores) NodeScore {
	n := NodeScore{Node: s.Name, Total: s.TotalScore}
	for _, p := range s.Scores {
		if p.Score != 0 {
			n.Plugins = append(n.Plugins, PluginScore{Plugin: upstreamName(p.Name), Score: p.Score})
		}
	}
	slices.SortFunc(n.Plugins, func(a, b PluginScore) int { return cmp.Compare(a.Plugin, b.Plugin) })
	return n
}
