package simulate

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/kubectl/pkg/cmd/util"
	"k8s.io/kubectl/pkg/drain"
	"k8s.io/kubectl/pkg/polymorphichelpers"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster/kubelet"
	"github.com/seatrial/seatrial/internal/plan"
)

// evictRetry is how long kubectl drain waits after a budget has forbidden an eviction.
const evictRetry = 5 * time.Second

// scenarioRunner carries out the actions of a scenario.
type scenarioRunner struct {
	*applier
	actions []plan.Action
	zero    time.Time
	ctx     context.Context

	mu      sync.Mutex
	steps   []timedStep // not taken over yet
	changes []plan.Change
	open    int // actions that are not done
	drains  map[string]bool
	failed  map[string]bool // nodes whose drain has ended with an error
	running sync.WaitGroup
}

// timedStep is a Step whose time is not told yet.
type timedStep struct {
	at   time.Time
	step plan.Step
}

func newScenarioRunner(ctx context.Context, a *applier, s *plan.Scenario) *scenarioRunner {
	g := &scenarioRunner{applier: a, zero: time.Now(), ctx: ctx, drains: map[string]bool{}, failed: map[string]bool{}}
	if s != nil {
		g.actions = s.Actions
	}
	g.open = len(g.actions)
	return g
}

// play carries out the actions, each at its time.
func (g *scenarioRunner) play() {
	for i := range g.actions {
		a := &g.actions[i]
		select {
		case <-time.After(time.Until(g.zero.Add(a.At.Duration))):
		case <-g.ctx.Done():
			return
		}
		g.do(a)
		g.mu.Lock()
		g.open--
		g.mu.Unlock()
	}
}

// busy reports whether there is something left to do.
func (g *scenarioRunner) busy() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.open > 0
}

// draining reports whether a node is being drained.
func (g *scenarioRunner) draining() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.drains) > 0
}

// drainingNode reports whether that node is being drained.
func (g *scenarioRunner) drainingNode(name string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.drains[name]
}

// take returns what was noted since the last time.
func (g *scenarioRunner) take() (steps []timedStep, changes []plan.Change) {
	g.mu.Lock()
	defer g.mu.Unlock()
	steps, changes = g.steps, g.changes
	g.steps, g.changes = nil, nil
	return steps, changes
}

// failedDrain reports whether the drain of a node has ended with an error.
func (g *scenarioRunner) failedDrain(o diag.Object) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return o.Kind == "Node" && g.failed[o.Name]
}

func (g *scenarioRunner) note(source, event string, object diag.Object, warning bool, format string, args ...any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.steps = append(
		g.steps,
		timedStep{
			time.Now(),
			plan.Step{
				Source: source, Event: event, Object: object, Warning: warning,
				Message: fmt.Sprintf(format, args...),
			},
		},
	)
}

// do carries out one action. What the API server refuses is told as a change that was denied.
func (g *scenarioRunner) do(a *plan.Action) {
	namespace := cmp.Or(a.Namespace, metav1.NamespaceDefault)
	node := func(name string) diag.Object { return diag.Object{APIVersion: "v1", Kind: "Node", Name: name} }
	var err error
	var object diag.Object
	switch {
	case a.Apply != "":
		g.note(plan.FromScenario, "Apply", diag.Object{}, false, "%s", a.Apply)
		g.applyFile(a)
		return
	case a.Delete != "":
		object, err = g.remove(namespace, a.Delete)
	case a.Scale != nil:
		object, err = g.patch(
			namespace, a.Scale.Workload, map[string]any{"spec": map[string]any{"replicas": a.Scale.Replicas}},
			fmt.Sprintf("to %d", a.Scale.Replicas),
		)
	case a.Patch != nil:
		object, err = g.patch(namespace, a.Patch.Object, a.Patch.Merge, "patched")
	case a.DeletePod != "":
		object, err = g.removePod(namespace, a.DeletePod)
	case a.FailNode != "":
		object, err = node(a.FailNode), g.stop(a.FailNode, true)
	case a.RecoverNode != "":
		object, err = node(a.RecoverNode), g.stop(a.RecoverNode, false)
	case a.FailZone != "":
		object, err = diag.Object{Kind: "Zone", Name: a.FailZone}, g.stopZone(a.FailZone)
	case a.Drain != "":
		object, err = node(a.Drain), g.drain(a.Drain)
	case a.Cordon != "":
		object, err = node(a.Cordon), g.cordon(a.Cordon, true)
	case a.Uncordon != "":
		object, err = node(a.Uncordon), g.cordon(a.Uncordon, false)
	case a.Undo != "":
		object, err = g.undo(namespace, a.Undo)
	}
	if err != nil {
		g.mu.Lock()
		g.changes = append(
			g.changes,
			refused(
				plan.Change{Action: plan.Update, Object: object, By: "scenario", At: plan.Time(time.Since(g.zero))},
				err,
			),
		)
		g.mu.Unlock()
	}
}

func (g *scenarioRunner) applyFile(a *plan.Action) {
	for _, d := range inOrder(a.Documents) {
		c, err := g.apply(objectOf(d))
		place(&c, d)
		if err != nil {
			c = refused(c, err)
		}
		c.By, c.At = "scenario", plan.Time(time.Since(g.zero))
		g.mu.Lock()
		g.changes = append(g.changes, c)
		g.mu.Unlock()
		time.Sleep(applyPace)
	}
}

// find reads an object by its kind and name: Deployment/web, deployments.apps/web.
func (g *scenarioRunner) find(namespace, reference string) (*target, error) {
	kind, name, _ := strings.Cut(reference, "/")
	resource, group := schema.ParseResourceArg(strings.ToLower(kind))
	gvr := group.WithVersion("")
	if resource != nil {
		gvr = *resource
	}
	gvk, err := g.mapper.KindFor(gvr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", reference, err)
	}
	o := &unstructured.Unstructured{}
	o.SetGroupVersionKind(gvk)
	o.SetNamespace(namespace)
	o.SetName(name)
	return g.target(o)
}

func (g *scenarioRunner) remove(namespace, reference string) (diag.Object, error) {
	t, err := g.find(namespace, reference)
	if err != nil {
		return named(reference, namespace), err
	}
	g.note(plan.FromScenario, "Delete", t.object(), false, "deleted")
	propagation := metav1.DeletePropagationBackground
	at := plan.Time(time.Since(g.zero))
	if _, err = t.helper.DeleteWithOptions(
		t.namespace, t.name, &metav1.DeleteOptions{PropagationPolicy: &propagation},
	); err == nil {
		g.mu.Lock()
		g.changes = append(g.changes, plan.Change{Action: plan.Delete, Object: t.object(), By: "scenario", At: at})
		g.mu.Unlock()
	}
	return t.object(), err
}

// named is an object that was not found.
func named(reference, namespace string) diag.Object {
	kind, name, _ := strings.Cut(reference, "/")
	return diag.Object{Kind: kind, Namespace: namespace, Name: name}
}

// scenarioManager is who manages the fields that actions change, as the commands of kubectl do that they stand for.
const scenarioManager = "kubectl-edit"

func (g *scenarioRunner) patch(namespace, reference string, merge map[string]any, what string) (diag.Object, error) {
	t, err := g.find(namespace, reference)
	if err != nil {
		return named(reference, namespace), err
	}
	data, err := json.Marshal(merge)
	if err != nil {
		return t.object(), err
	}
	event := "Patch"
	if strings.HasPrefix(what, "to ") {
		event = "Scale"
	}
	g.note(plan.FromScenario, event, t.object(), false, "%s", what)
	before, err := t.helper.Get(t.namespace, t.name)
	if err != nil {
		return t.object(), err
	}
	after, err := t.helper.WithFieldManager(scenarioManager).Patch(t.namespace, t.name, types.MergePatchType, data, nil)
	if err != nil {
		return t.object(), err
	}
	c := plan.Change{Action: plan.Update, Object: t.object(), By: "scenario"}
	if c.Fields, err = difference(before, after, nil); err != nil {
		return t.object(), err
	}
	for i := range c.Fields {
		c.Fields[i].Defaulted = false
	}
	g.mu.Lock()
	g.changes = append(g.changes, c)
	g.mu.Unlock()
	return t.object(), nil
}

// removePod deletes the first pod that a glob or labels choose.
func (g *scenarioRunner) removePod(namespace, which string) (diag.Object, error) {
	pods, err := g.client.CoreV1().Pods(namespace).List(g.ctx, metav1.ListOptions{})
	if err != nil {
		return diag.Object{}, err
	}
	selector, glob := labels.Nothing(), (*regexp.Regexp)(nil)
	if strings.ContainsAny(which, "=!") {
		if selector, err = labels.Parse(which); err != nil {
			return diag.Object{}, err
		}
	} else {
		glob = plan.CompileGlob(which)
	}
	for _, p := range pods.Items {
		if p.DeletionTimestamp != nil || !selector.Matches(labels.Set(p.Labels)) && (glob == nil ||
			!glob.MatchString(p.Name)) {
			continue
		}
		object := diag.Object{APIVersion: "v1", Kind: "Pod", Namespace: p.Namespace, Name: p.Name}
		g.note(plan.FromScenario, "Delete", object, false, "deleted")
		return object, g.client.CoreV1().Pods(namespace).Delete(g.ctx, p.Name, metav1.DeleteOptions{})
	}
	return diag.Object{Kind: "Pod", Namespace: namespace, Name: which}, fmt.Errorf(
		"no pod in namespace %s is %s", namespace, which,
	)
}

// stop makes the kubelet of a node do nothing, or go on.
func (g *scenarioRunner) stop(node string, stopped bool) error {
	event, value := "Recover", any(nil)
	if stopped {
		event, value = "Fail", "true"
	}
	data, err := json.Marshal(
		map[string]any{"metadata": map[string]any{"annotations": map[string]any{kubelet.AnnotationStopped: value}}},
	)
	if err != nil {
		return err
	}
	g.note(plan.FromScenario, event, diag.Object{APIVersion: "v1", Kind: "Node", Name: node}, stopped, "")
	_, err = g.client.CoreV1().Nodes().Patch(g.ctx, node, types.MergePatchType, data, metav1.PatchOptions{})
	return err
}

func (g *scenarioRunner) stopZone(zone string) error {
	nodes, err := g.client.CoreV1().Nodes().List(
		g.ctx, metav1.ListOptions{LabelSelector: labels.Set{corev1.LabelTopologyZone: zone}.String()},
	)
	if err != nil {
		return err
	}
	if len(nodes.Items) == 0 {
		return fmt.Errorf("no node is in zone %q", zone)
	}
	for _, n := range nodes.Items {
		if err := g.stop(n.Name, true); err != nil {
			return err
		}
	}
	return nil
}

// helper does what kubectl cordon and drain do.
func (g *scenarioRunner) helper(errOut *evictions) *drain.Helper {
	return &drain.Helper{
		Ctx: g.ctx, Client: g.client, GracePeriodSeconds: -1, IgnoreAllDaemonSets: true, DeleteEmptyDirData: true,
		Force:                true,
		EvictErrorRetryDelay: evictRetry, Out: errOut, ErrOut: errOut, DryRunStrategy: util.DryRunNone,
	}
}

func (g *scenarioRunner) cordon(name string, closed bool) error {
	node, err := g.client.CoreV1().Nodes().Get(g.ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	event := "Uncordon"
	if closed {
		event = "Cordon"
	}
	g.note(plan.FromScenario, event, diag.Object{APIVersion: "v1", Kind: "Node", Name: name}, false, "")
	return drain.RunCordonOrUncordon(g.helper(&evictions{runner: g}), node, closed)
}

// drain begins to drain a node. It goes on until all pods are gone.
func (g *scenarioRunner) drain(name string) error {
	node, err := g.client.CoreV1().Nodes().Get(g.ctx, name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	object := diag.Object{APIVersion: "v1", Kind: "Node", Name: name}
	g.note(plan.FromScenario, "Drain", object, false, "")
	heard := &evictions{runner: g}
	h := g.helper(heard)
	if err := drain.RunCordonOrUncordon(h, node, true); err != nil {
		return err
	}
	g.mu.Lock()
	g.drains[name] = true
	g.mu.Unlock()
	g.running.Go(func() {
		err := drain.RunNodeDrain(h, name)
		if g.ctx.Err() != nil {
			return
		}
		if err != nil {
			g.note(plan.FromScenario, "DrainFailed", object, true, "%v", err)
			g.mu.Lock()
			g.failed[name] = true
			g.mu.Unlock()
		} else {
			g.note(plan.FromScenario, "Drained", object, false, "")
		}
		g.mu.Lock()
		delete(g.drains, name)
		g.mu.Unlock()
	})
	return nil
}

// evictions receives the output of drain, and reports the evictions that a budget forbids.
type evictions struct{ runner *scenarioRunner }

var forbidden = regexp.MustCompile(
	`^error when evicting pods/"([^"]+)" -n "([^"]+)" \(will retry after [^)]+\): (.*)\n$`,
)

func (e *evictions) Write(p []byte) (int, error) {
	if m := forbidden.FindSubmatch(p); m != nil {
		object := diag.Object{APIVersion: "v1", Kind: "Pod", Namespace: string(m[2]), Name: string(m[1])}
		e.runner.note(plan.FromEvent, "EvictionBlocked", object, true, "%s", m[3])
	}
	return len(p), nil
}

// undo rolls a Deployment back to the revision before.
func (g *scenarioRunner) undo(namespace, reference string) (diag.Object, error) {
	t, err := g.find(namespace, reference)
	if err != nil {
		return named(reference, namespace), err
	}
	if t.mapping.GroupVersionKind.Kind != "Deployment" {
		return t.object(), fmt.Errorf("undo knows Deployments only")
	}
	rollbacker, err := polymorphichelpers.RollbackerFor(t.mapping.GroupVersionKind.GroupKind(), g.client)
	if err != nil {
		return t.object(), err
	}
	d, err := g.client.AppsV1().Deployments(t.namespace).Get(g.ctx, t.name, metav1.GetOptions{})
	if err != nil {
		return t.object(), err
	}
	g.note(plan.FromScenario, "Undo", t.object(), false, "rolled back")
	_, err = rollbacker.Rollback(d, nil, 0, util.DryRunNone)
	return t.object(), err
}

// takeOver adds what the scenario did to the timeline.
func (r *recorder) takeOver(g *scenarioRunner) {
	steps, changes := g.take()
	for _, s := range steps {
		if p := r.podNamed(s.step.Object); p != nil {
			s.step.Node, s.step.Workload = p.life.Node, nameOf(p.life.Workload)
		}
		r.step(s.at, s.step)
	}
	r.plan.Changes = append(r.plan.Changes, changes...)
}

func (r *recorder) podNamed(o diag.Object) *podTrack {
	if o.Kind != "Pod" {
		return nil
	}
	i := slices.IndexFunc(r.order, func(p *podTrack) bool { return p.life.Object == o && !p.gone })
	if i < 0 {
		return nil
	}
	return r.order[i]
}
