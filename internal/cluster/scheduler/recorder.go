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

// Decision is how the scheduler decided over one pod, and why.
type Decision struct {
	At       time.Time
	Pod      *v1.Pod     // must not be changed
	Node     string      // chosen; empty: none
	Feasible int         // nodes that passed all filters; if it is one, none is scored
	Rejected []Rejection // by node
	Scores   []NodeScore // of the best feasible nodes, as many as Config.Scores says, best first
	Message  string      // the scheduler's own words, if no node fits; what preemption adds is not in it
}

// Rejection is the first filter that a node did not pass.
type Rejection struct{ Node, Plugin, Reason string }

// NodeScore is what a node was worth, with the share of each plugin.
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

// listen hears every decision of a scheduler that does not run yet, and tells of it if somebody wants
// to know.
func instrument(s *scheduler.Scheduler, options Options) {
	schedule := s.SchedulePod
	s.SchedulePod = func(ctx context.Context, f framework.Framework, state fwk.CycleState, pod *framework.QueuedPodInfo) (scheduler.ScheduleResult, error) {
		l := &recorder{Framework: f}
		result, err := schedule(ctx, l, state, pod)
		if options.OnDecision != nil {
			d := l.decision(pod.Pod, result, err)
			d.Scores = l.best(options.MaxScores, d.Node)
			options.OnDecision(d)
		}
		return result, err
	}
}

// listener hears the plugins during one decision. It takes no part in batching, which would
// reuse what was found for another pod and leave nothing to tell.
type recorder struct {
	framework.Framework

	mu       sync.Mutex
	rejected []Rejection
	scores   []fwk.NodePluginScores
}

func (l *recorder) RunFilterPluginsWithNominatedPods(ctx context.Context, state fwk.CycleState, pod *v1.Pod, info fwk.NodeInfo) *fwk.Status {
	status := l.Framework.RunFilterPluginsWithNominatedPods(ctx, state, pod, info)
	if status.IsRejected() {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.rejected = append(l.rejected, rejection(info.Node().Name, status))
	}
	return status
}

func (l *recorder) RunScorePlugins(ctx context.Context, state fwk.CycleState, pod *v1.Pod, nodes []fwk.NodeInfo) ([]fwk.NodePluginScores, *fwk.Status) {
	scores, status := l.Framework.RunScorePlugins(ctx, state, pod, nodes)
	for i := range scores {
		scores[i].Randomizer = tieBreak(string(pod.UID), scores[i].Name)
	}
	l.scores = scores
	return scores, status
}

func (l *recorder) GetNodeHint(context.Context, *v1.Pod, fwk.PodSignature, fwk.CycleState, int64) string {
	return ""
}

func (l *recorder) StoreScheduleResults(context.Context, fwk.PodSignature, string, string, framework.SortedScoredNodes, int64) {
}

func rejection(node string, status *fwk.Status) Rejection {
	return Rejection{Node: node, Plugin: status.Plugin(), Reason: status.Message()}
}

// decision sums up what was heard.
func (l *recorder) decision(pod *v1.Pod, result scheduler.ScheduleResult, err error) Decision {
	d := Decision{At: time.Now(), Pod: pod, Node: result.SuggestedHost, Feasible: result.FeasibleNodes, Rejected: l.rejected}
	var misfit *framework.FitError
	switch {
	case errors.As(err, &misfit):
		d.Message = misfit.Error()
		d.Rejected = append(d.Rejected, l.prefilterRejections(misfit)...)
	case err != nil:
		d.Message = err.Error()
	}
	slices.SortFunc(d.Rejected, func(a, b Rejection) int { return cmp.Compare(a.Node, b.Node) })
	d.Rejected = slices.Compact(d.Rejected)
	return d
}

// best gives the nodes with the highest scores, the chosen one before those that were as good.
func (l *recorder) best(most int, chosen string) (best []NodeScore) {
	if most == 0 {
		return nil
	}
	scores := slices.Clone(l.scores)
	slices.SortStableFunc(scores, func(a, b fwk.NodePluginScores) int {
		return cmp.Or(cmp.Compare(b.TotalScore, a.TotalScore), cmp.Compare(rankOf(a.Name, chosen), rankOf(b.Name, chosen)), cmp.Compare(a.Name, b.Name))
	})
	for _, s := range scores[:min(most, len(scores))] {
		best = append(best, nodeScore(s))
	}
	return best
}

// chance draws which of two nodes that are equally good takes a pod. The scheduler draws it too, but
// from a source that all goroutines share; this depends on the seed alone, from which UIDs are drawn.
func tieBreak(uid, node string) int {
	h := fnv.New64a()
	io.WriteString(h, uid)
	io.WriteString(h, node)
	return int(h.Sum64() >> 1)
}

// rankOf puts the chosen node before those that were as good.
func rankOf(node, chosen string) int {
	if node == chosen {
		return 0
	}
	return 1
}

// refusedEarly gives the nodes that were ruled out before any filter looked at them.
func (l *recorder) prefilterRejections(misfit *framework.FitError) (early []Rejection) {
	status := misfit.Diagnosis.NodeToStatus.AbsentNodesStatus()
	if misfit.Diagnosis.PreFilterMsg == "" && len(misfit.Diagnosis.UnschedulablePlugins) == 0 || status.Message() == "" {
		return nil
	}
	nodes, err := l.SnapshotSharedLister().NodeInfos().List()
	if err != nil {
		return nil
	}
	for _, n := range nodes {
		name := n.Node().Name
		if !slices.ContainsFunc(l.rejected, func(known Rejection) bool { return known.Node == name }) {
			early = append(early, rejection(name, status))
		}
	}
	return early
}

func nodeScore(s fwk.NodePluginScores) NodeScore {
	n := NodeScore{Node: s.Name, Total: s.TotalScore}
	for _, p := range s.Scores {
		if p.Score != 0 {
			n.Plugins = append(n.Plugins, PluginScore{Plugin: p.Name, Score: p.Score})
		}
	}
	slices.SortFunc(n.Plugins, func(a, b PluginScore) int { return cmp.Compare(a.Plugin, b.Plugin) })
	return n
}
