package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
)

// nodeBoot is how long a node is away while it is upgraded, and how long a surge node takes to become ready.
const nodeBoot = time.Minute

// longestTurn is how long the upgrade of a node may take on average before a plan gives up.
const longestTurn = 10 * time.Minute

// rollout drains nodes one after another, as a rolling upgrade of nodes does.
type rollout struct {
	surge   int     // nodes that replace others, at a time; 0: each node comes back
	index   int     // of a surge node's addresses
	all     []*turn // in the order in which they begin
	waiting []*turn // of all: not begun
	batch   []*turn // of all: under way
	made    []*corev1.Node
	boots   time.Time // when the surge nodes of the batch are ready
	failed  bool      // a drain has ended with an error: the upgrade does not go on
}

// turn is the upgrade of one node.
type turn struct {
	plan.Turn
	back time.Time // when the node is uncordoned; zero: it is still being drained
}

// newRollout returns the rolling upgrade of the nodes that are ready.
func (r *recorder) newRollout(surge int) *rollout {
	roll := &rollout{surge: surge, index: len(r.nodes)}
	for _, name := range slices.Sorted(maps.Keys(r.nodes)) {
		if n := r.nodes[name]; n.node != nil && !n.gone && n.ready && !n.closed {
			roll.all = append(roll.all, &turn{Turn: plan.Turn{Node: name}})
		}
	}
	roll.waiting = roll.all
	return roll
}

// busy reports whether the upgrade will go on by itself: it does not wait for a drain alone.
func (roll *rollout) busy(g *scenarioRunner) bool {
	return roll != nil && !roll.failed && (len(roll.waiting) > 0 || len(roll.batch) > 0) && !g.draining()
}

// longest returns how long an upgrade may take at most while something moves.
func (roll *rollout) longest() time.Duration {
	if roll == nil {
		return 0
	}
	return time.Duration(len(roll.waiting)) * longestTurn
}

// roll takes the next steps of a rolling upgrade.
func (s *simulation) roll(now time.Time) error {
	roll := s.rollout
	if roll == nil || roll.failed {
		return nil
	}
	for len(roll.batch) > 0 || len(roll.waiting) > 0 {
		if len(roll.batch) == 0 {
			if err := s.beginBatch(now); err != nil {
				return err
			}
		}
		if now.Before(roll.boots) {
			return nil
		}
		left := []*turn{}
		for _, t := range roll.batch {
			if err := s.upgrade(t, now); err != nil {
				return err
			}
			if t.Done == nil {
				left = append(left, t)
			}
		}
		if roll.batch = left; len(left) > 0 {
			return nil
		}
	}
	return nil
}

// beginBatch takes the next nodes, and asks for the nodes that replace them.
func (s *simulation) beginBatch(now time.Time) error {
	roll := s.rollout
	n := min(max(roll.surge, 1), len(roll.waiting))
	roll.batch, roll.waiting = roll.waiting[:n:n], roll.waiting[n:]
	if roll.surge == 0 {
		return nil
	}
	roll.boots = now.Add(nodeBoot)
	for _, t := range roll.batch {
		roll.index++
		t.ReplacedBy = s.recorder.unusedNode(t.Node + "-new")
		made := cluster.NodeLike(s.recorder.nodes[t.Node].node, t.ReplacedBy, roll.index)
		roll.made = append(roll.made, made)
		s.tellNode(now, "Request", made.Name, fmt.Sprintf("in place of %s, ready in %v", t.Node, nodeBoot))
	}
	return nil
}

// unusedNode returns a name that no node has.
func (r *recorder) unusedNode(name string) string {
	for i := 2; r.nodes[name] != nil; i++ {
		name = fmt.Sprintf("%s-%d", name, i)
	}
	return name
}

// upgrade takes the next step of the upgrade of a node.
func (s *simulation) upgrade(t *turn, now time.Time) error {
	ctx := context.Background()
	for _, made := range s.rollout.made {
		if err := s.addNode(ctx, made); err != nil {
			return err
		}
	}
	s.rollout.made = nil
	switch {
	case t.At == nil:
		t.At = timeOf(s.recorder.at(now))
		t.Refusals = s.recorder.drainRefusals(t.Node)
		return s.runner.drain(t.Node)
	case s.runner.drainingNode(t.Node):
		return nil
	case s.runner.failedDrain(diag.Object{Kind: "Node", Name: t.Node}):
		s.rollout.failed = true
		return nil
	case t.back.IsZero():
		t.Drained = timeOf(s.recorder.at(now))
		t.back = now.Add(nodeBoot)
		if s.rollout.surge == 0 {
			return nil
		}
		s.recorder.replaced[t.Node] = true
		err := s.applier.client.CoreV1().Nodes().Delete(ctx, t.Node, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	case now.Before(t.back):
		return nil
	default:
		if err := s.runner.cordon(t.Node, false); err != nil {
			return err
		}
	}
	t.Done = timeOf(s.recorder.at(now))
	return nil
}

func timeOf(t plan.Time) *plan.Time { return &t }

// tellNode adds a step about a node to the timeline.
func (s *simulation) tellNode(now time.Time, event, node, message string) {
	s.recorder.step(now, plan.Step{
		Source: plan.FromScenario, Event: event, Object: diag.Object{APIVersion: "v1", Kind: "Node", Name: node},
		Node:    node,
		Message: message,
	})
}

// describeRollout reports how the upgrade of each node went.
func (s *simulation) describeRollout() {
	if s.rollout == nil {
		return
	}
	p := &s.recorder.plan
	p.Turns = []plan.Turn{}
	for _, t := range s.rollout.all {
		t.Waited = waited(p.Timeline, &t.Turn)
		p.Turns = append(p.Turns, t.Turn)
	}
}

// waited returns how long evictions from a node were forbidden by budgets while it was drained.
func waited(timeline []plan.Step, t *plan.Turn) plan.Time {
	var first, last plan.Time
	found := false
	for i := range timeline {
		x := &timeline[i]
		if x.Event != "EvictionBlocked" || x.Node != t.Node || t.At == nil || x.At < *t.At ||
			t.Drained != nil && x.At > *t.Drained {
			continue
		}
		if !found {
			first, found = x.At, true
		}
		last = x.At
	}
	if !found {
		return 0
	}
	return last - first + plan.Time(evictRetry)
}
