package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
)

// Kinds of disruptions, each of which can be tried on each node or zone.
const (
	DrainNode = "drain-node"
	FailNode  = "fail-node"
	FailZone  = "fail-zone"
	// DrainInTurn drains all nodes one after another, as a rolling upgrade of nodes does. It is tried once.
	DrainInTurn = "drain-in-turn"
)

// AllNodes is the target of a disruption that is about all nodes.
const AllNodes = "all"

// Disruption is something that happens to a node or a zone when the change has settled.
type Disruption struct {
	Kind   string `json:"kind"`   // drain-node, fail-node, fail-zone, drain-in-turn
	Target string `json:"target"` // name of the node or the zone, or AllNodes
	// of drain-in-turn: nodes that come first and replace others; 0: each comes back
	Surge int `json:"surge,omitempty"`
}

// String returns the disruption as users read it: drain-node=node-1.
func (d Disruption) String() string { return d.Kind + "=" + d.Target }

// Validate returns an error if there is no such kind, or no target.
func (d Disruption) Validate() error {
	if d.Target == "" || !slices.Contains([]string{DrainNode, FailNode, FailZone, DrainInTurn}, d.Kind) {
		return fmt.Errorf("invalid disruption %q", d)
	}
	return nil
}

// Disruptions returns the disruption of a kind for each node, or zone, of a plan, by name; for DrainInTurn, the one for
// all.
func Disruptions(kind string, p *Plan) (all []Disruption) {
	if kind == DrainInTurn {
		return []Disruption{{Kind: kind, Target: AllNodes}}
	}
	for _, n := range p.Nodes {
		target := n.Name
		if kind == FailZone {
			target = n.Zone
		}
		if d := (Disruption{Kind: kind, Target: target}); target != "" && !slices.Contains(all, d) {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b Disruption) int { return strings.Compare(a.Target, b.Target) })
	return all
}

// Outcome is what becomes of a plan in a disruption.
type Outcome struct {
	// of the disruption: drain-node, fail-node, fail-zone, drain-in-turn
	Kind           string            `json:"kind"`
	Target         string            `json:"target"`    // name of the node or the zone, or AllNodes
	Converged      bool              `json:"converged"` // everything recovered
	Reason         string            `json:"reason"`    // why not, or which expectation failed; empty if all is well
	WayOut         string            `json:"wayOut,omitempty"`
	VirtualSeconds Time              `json:"virtualSeconds"`
	Workloads      []OutcomeWorkload `json:"workloads"` // those that lost pods, by kind, namespace and name
	// workloads, and pods without one, whose eviction a budget forbade
	Blocked       int           `json:"blocked"`
	Unschedulable int           `json:"unschedulable"`
	Failed        []Expectation `json:"failed,omitempty"`
	// what kubectl drain refuses without a flag, and what is lost with it
	Refusals []string `json:"refusals,omitempty"`
	Surge    int      `json:"surge,omitempty"` // of the disruption
	Turns    []Turn   `json:"turns,omitempty"` // of drain-in-turn: each node, in order
}

// Turn is how the upgrade of a node went when nodes are drained in turn. What is null did not happen.
type Turn struct {
	Node       string `json:"node"`
	At         *Time  `json:"at"`                   // when its drain began
	Drained    *Time  `json:"drained"`              // when its drain ended
	Done       *Time  `json:"done"`                 // when it was back, or had been deleted
	Waited     Time   `json:"waited"`               // how long budgets forbade evictions
	ReplacedBy string `json:"replacedBy,omitempty"` // the surge node
	// what kubectl drain refuses without a flag, and what is lost with it
	Refusals []string `json:"refusals,omitempty"`
}

// OutcomeWorkload is how a workload fared.
type OutcomeWorkload struct {
	Object       diag.Object `json:"object"`
	Desired      int         `json:"desired"`
	MinAvailable int         `json:"minAvailable"`
}

// Outcome returns the outcome of the disruption according to its plan.
func (d Disruption) Outcome(p *Plan) Outcome {
	o := Outcome{
		Kind: d.Kind, Target: d.Target, Converged: p.Converged, Reason: p.Reason, WayOut: p.WayOut,
		VirtualSeconds: p.VirtualSeconds,
		Workloads:      []OutcomeWorkload{}, Failed: p.Failed(), Refusals: p.Refusals,
		Surge: d.Surge, Turns: p.Turns,
	}
	for _, w := range p.Workloads {
		if w.MinAvailable < w.Desired {
			o.Workloads = append(o.Workloads, OutcomeWorkload{w.Object, w.Desired, w.MinAvailable})
		}
	}
	for _, problem := range p.Problems {
		if problem.Kind == Blocked {
			o.Blocked++
		}
	}
	for _, u := range p.Unschedulable {
		if u.Until == nil {
			o.Unschedulable++
		}
	}
	if o.Reason == "" && len(o.Failed) > 0 {
		o.Reason = o.Failed[0].Expect + ": " + o.Failed[0].Message
	}
	return o
}

// Passed reports whether everything recovered and all expectations were met.
func (o *Outcome) Passed() bool { return o.Converged && len(o.Failed) == 0 }
