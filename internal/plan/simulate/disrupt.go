package simulate

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// Disrupt returns the input of a plan in which q happens when the change has settled as it does in the plan of in.
func Disrupt(in Input, q plan.Disruption) Input {
	in.After, in.Fit = &q, nil
	return in
}

// disrupt goes on from what the change has settled to: the disruption happens, and the plan begins there. What
// containers do, and what is expected, stays as the scenario says; its actions are over.
func (s *simulation) disrupt() error {
	action := plan.Action{}
	switch s.After.Kind {
	case plan.DrainNode:
		action.Drain = s.After.Target
	case plan.FailNode:
		action.FailNode = s.After.Target
	case plan.FailZone:
		action.FailZone = s.After.Target
	}
	scenario := plan.Scenario{}
	if s.Scenario != nil {
		scenario = *s.Scenario
	}
	scenario.Actions = nil
	if s.After.Kind != plan.DrainInTurn {
		scenario.Actions = []plan.Action{action}
	}
	s.Scenario, s.Change, s.Prune, s.Until = &scenario, nil, false, 0
	if err := s.recorder.restart(); err != nil {
		return err
	}
	s.scaler.rebase(s.recorder)
	s.before, s.crashing = s.unsettled(), s.recorder.crashing()
	s.recorder.crashed = s.crashing
	switch s.After.Kind {
	case plan.DrainNode:
		s.recorder.plan.Refusals = s.recorder.drainRefusals(s.After.Target)
	case plan.DrainInTurn:
		s.rollout = s.recorder.newRollout(s.After.Surge)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.runner = newScenarioRunner(ctx, s.applier, s.Scenario)
	s.runner.running.Go(s.runner.play)
	defer s.runner.running.Wait()
	defer cancel()
	if err := s.watch(); err != nil {
		return err
	}
	return s.finish()
}

// restart forgets what has been reported, and declares the present the state before.
func (r *recorder) restart() error {
	if err := r.catchUp(); err != nil {
		return err
	}
	r.plan = plan.Plan{Assumptions: r.plan.Assumptions}
	r.last, r.settled = 0, false
	clear(r.unplaced)
	clear(r.events)
	r.waiting = nil
	kept := r.order[:0]
	for _, p := range r.order {
		if !p.gone {
			kept = append(kept, p)
		}
	}
	r.order = kept
	return r.begin()
}

// drainRefusals lists the pods of a node for which kubectl drain wants a flag, and what becomes of them with it.
func (r *recorder) drainRefusals(node string) (refusals []string) {
	var bare, local []diag.Object
	for _, p := range r.order {
		if p.gone || p.life.Node != node || p.pod.Status.Phase == corev1.PodSucceeded ||
			p.pod.Status.Phase == corev1.PodFailed {
			continue
		}
		owner := metav1.GetControllerOf(p.pod)
		if owner != nil && owner.Kind == "DaemonSet" {
			continue
		}
		if owner == nil {
			bare = append(bare, p.life.Object)
		}
		for _, v := range p.pod.Spec.Volumes {
			if v.EmptyDir != nil {
				local = append(local, p.life.Object)
				break
			}
		}
	}
	for _, o := range bare {
		refusals = append(
			refusals, fmt.Sprintf("kubectl drain refuses without --force: nothing replaces %s, it is lost", o),
		)
	}
	for _, o := range local {
		refusals = append(
			refusals,
			fmt.Sprintf("kubectl drain refuses without --delete-emptydir-data: the emptyDir of %s is lost", o),
		)
	}
	return refusals
}
