package simulate

import (
	"time"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster/scheduler"
	"github.com/seatrial/seatrial/internal/plan"
)

// judge keeps what the scheduler said about a pod.
func (r *recorder) judge(d scheduler.Decision) {
	r.decisions[d.Pod.UID] = d
	if d.Node != "" || !r.began {
		return
	}
	u := r.unplaced[d.Pod.UID]
	if u == nil {
		u = &plan.Unschedulable{
			At:     r.at(d.At),
			Object: diag.Object{APIVersion: "v1", Kind: "Pod", Namespace: d.Pod.Namespace, Name: d.Pod.Name},
		}
		r.unplaced[d.Pod.UID] = u
		r.waiting = append(r.waiting, d.Pod.UID)
	}
	u.Message, u.Nodes = d.Message, fits(d.Rejected)
}

// placed records that a pod has a node.
func (r *recorder) placed(t time.Time, p *podTrack) {
	if u := r.unplaced[p.pod.UID]; u != nil && u.Until == nil {
		u.Until = ptr(r.at(t))
	}
	d, judged := r.decisions[p.pod.UID]
	delete(r.decisions, p.pod.UID)
	if !r.began {
		return
	}
	placement := plan.Placement{
		At: r.at(t), Object: p.life.Object, Workload: p.life.Workload, Node: p.pod.Spec.NodeName,
	}
	if judged && d.Node == placement.Node {
		placement.Feasible, placement.Rejected = d.Feasible, fits(d.Rejected)
		placement.Scores = scores(d.Scores)
	}
	r.plan.Placements = append(r.plan.Placements, placement)
}

func fits(rejected []scheduler.Rejection) []plan.NodeFit {
	all := make([]plan.NodeFit, 0, len(rejected))
	for _, r := range rejected {
		all = append(all, plan.NodeFit{Name: r.Node, Plugin: r.Plugin, Reason: r.Reason})
	}
	return all
}

// scores returns the best nodes of a decision.
func scores(told []scheduler.NodeScore) (best []plan.NodeScore) {
	for _, s := range told {
		n := plan.NodeScore{Name: s.Node, Total: s.Total, Plugins: []plan.PluginScore{}}
		for _, p := range s.Plugins {
			n.Plugins = append(n.Plugins, plan.PluginScore{Name: p.Plugin, Score: p.Score})
		}
		best = append(best, n)
	}
	return best
}
