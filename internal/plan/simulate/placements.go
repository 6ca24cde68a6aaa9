package simulate

import (
	"time"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
)

// judge keeps what the scheduler said about a pod.
func (h *history) judge(d cluster.Decision) {
	h.decisions[d.Pod.UID] = d
	if d.Node != "" || !h.began {
		return
	}
	u := h.unplaced[d.Pod.UID]
	if u == nil {
		u = &plan.Unschedulable{At: h.at(d.At), Object: diag.Object{APIVersion: "v1", Kind: "Pod", Namespace: d.Pod.Namespace, Name: d.Pod.Name}}
		h.unplaced[d.Pod.UID] = u
		h.waiting = append(h.waiting, d.Pod.UID)
	}
	u.Message, u.Nodes = d.Message, fits(d.Rejected)
}

// placed tells of a pod that has got a node.
func (h *history) placed(t time.Time, p *podTrack) {
	if u := h.unplaced[p.pod.UID]; u != nil && u.Until == nil {
		u.Until = ptr(h.at(t))
	}
	d, judged := h.decisions[p.pod.UID]
	delete(h.decisions, p.pod.UID)
	if !h.began {
		return
	}
	placement := plan.Placement{At: h.at(t), Object: p.life.Object, Workload: p.life.Workload, Node: p.pod.Spec.NodeName}
	if judged && d.Node == placement.Node {
		placement.Feasible, placement.Rejected = d.Feasible, fits(d.Rejected)
		placement.Scores = scores(d.Scores)
	}
	h.plan.Placements = append(h.plan.Placements, placement)
}

func fits(rejected []cluster.Rejection) []plan.NodeFit {
	all := make([]plan.NodeFit, 0, len(rejected))
	for _, r := range rejected {
		all = append(all, plan.NodeFit{Name: r.Node, Plugin: r.Plugin, Reason: r.Reason})
	}
	return all
}

// scores gives the best nodes of a decision.
func scores(told []cluster.NodeScore) (best []plan.NodeScore) {
	for _, s := range told {
		n := plan.NodeScore{Name: s.Node, Total: s.Total, Plugins: []plan.PluginScore{}}
		for _, p := range s.Plugins {
			n.Plugins = append(n.Plugins, plan.PluginScore{Name: p.Plugin, Score: p.Score})
		}
		best = append(best, n)
	}
	return best
}
