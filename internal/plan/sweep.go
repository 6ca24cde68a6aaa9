package plan

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
)

// The questions of a sweep, which are asked of each node or zone.
const (
	DrainNode = "drain-node"
	FailNode  = "fail-node"
	FailZone  = "fail-zone"
)

// Question asks what becomes of the cluster when the change has settled and something happens to a
// node or a zone.
type Question struct {
	Kind   string // drain-node, fail-node, fail-zone
	Target string // name of the node or the zone
}

// String gives the question as ParseQuestion reads it: drain-node=node-1.
func (q Question) String() string { return q.Kind + "=" + q.Target }

// ParseQuestion reads a question.
func ParseQuestion(text string) (Question, error) {
	kind, target, ok := strings.Cut(text, "=")
	if !ok || target == "" || !slices.Contains([]string{DrainNode, FailNode, FailZone}, kind) {
		return Question{}, fmt.Errorf("invalid question %q", text)
	}
	return Question{kind, target}, nil
}

// Questions asks a question of each node, or zone, of a plan, by name.
func Questions(kind string, p *Plan) (questions []Question) {
	for _, n := range p.Nodes {
		target := n.Name
		if kind == FailZone {
			target = n.Zone
		}
		if q := (Question{kind, target}); target != "" && !slices.Contains(questions, q) {
			questions = append(questions, q)
		}
	}
	slices.SortFunc(questions, func(a, b Question) int { return strings.Compare(a.Target, b.Target) })
	return questions
}

// Answer is what a plan says to a question.
type Answer struct {
	Kind           string           `json:"kind"`      // of the question: drain-node, fail-node, fail-zone
	Target         string           `json:"target"`    // name of the node or the zone
	Converged      bool             `json:"converged"` // all came to what it asks for again
	Reason         string           `json:"reason"`    // why it did not, or what was expected in vain; empty if all is well
	VirtualSeconds Time             `json:"virtualSeconds"`
	Workloads      []AnswerWorkload `json:"workloads"` // those that lost pods, by kind, namespace and name
	Blocked        int              `json:"blocked"`   // workloads, and pods without one, whose eviction a budget forbade
	Unschedulable  int              `json:"unschedulable"`
	Failed         []Expectation    `json:"failed,omitempty"`
}

// AnswerWorkload is how a workload fared.
type AnswerWorkload struct {
	Object       diag.Object `json:"object"`
	Desired      int         `json:"desired"`
	MinAvailable int         `json:"minAvailable"`
}

// Answer draws the answer to the question from its plan.
func (q Question) Answer(p *Plan) Answer {
	a := Answer{Kind: q.Kind, Target: q.Target, Converged: p.Converged, Reason: p.Reason, VirtualSeconds: p.VirtualSeconds, Workloads: []AnswerWorkload{}, Failed: p.Failed()}
	for _, w := range p.Workloads {
		if w.MinAvailable < w.Desired {
			a.Workloads = append(a.Workloads, AnswerWorkload{w.Object, w.Desired, w.MinAvailable})
		}
	}
	for _, problem := range p.Problems {
		if problem.Kind == Blocked {
			a.Blocked++
		}
	}
	for _, u := range p.Unschedulable {
		if u.Until == nil {
			a.Unschedulable++
		}
	}
	if a.Reason == "" && len(a.Failed) > 0 {
		a.Reason = a.Failed[0].Expect + ": " + a.Failed[0].Message
	}
	return a
}

// Passed tells whether all is well.
func (a *Answer) Passed() bool { return a.Converged && len(a.Failed) == 0 }
