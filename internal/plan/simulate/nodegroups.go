package simulate

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/scheduler"
	"github.com/seatrial/seatrial/internal/plan"
)

const (
	// scanEvery is how often node groups look for pods without a node and for nodes without need.
	scanEvery = 10 * time.Second
	// underUsed is the share of requests below which a node may go, in percent.
	underUsed = 50
)

// scaler grows and shrinks the node groups of a plan.
type scaler struct {
	groups   []*scaledGroup
	expander string
	seed     int64
	looked   time.Time            // when the groups last did
	unneeded map[string]time.Time // nodes, and since when
	leaving  string               // a node that is being emptied; or none
	changed  time.Time            // when a node last came or went
}

// scaledGroup is a node group, with a template for each of its nodes.
type scaledGroup struct {
	plan.NodeGroup
	templates []*corev1.Node
	state     []nodeState
	boots     []time.Time // when a node that boots is ready
	use       plan.GroupUse
	pool      *pool             // the groups that it shares its limits with; nil: it has its own
	like      map[string]string // nodes that exist, by the names of the templates that are like them
	stays     int               // of the templates, the first ones: nodes that do not go
	weight    int               // groups of a higher one come first
}

// total returns how many nodes a group has, with those of the groups that share its limits.
func (g *scaledGroup) total() int {
	if g.pool == nil {
		return g.count()
	}
	return g.pool.count()
}

type nodeState int

const (
	absent nodeState = iota
	booting
	present
)

// GroupNodes returns the nodes of a group at its largest. The error says which attribute is wrong.
func GroupNodes(g *plan.NodeGroup) ([]*corev1.Node, error) { return cluster.ParseNodes(g.Nodes(g.Max)) }

// newScaler returns the scaler of some groups, and the nodes that they begin with. Groups without a size are among
// stated.
func newScaler(
	groups []plan.NodeGroup, stated []*statedGroup, expander string, seed int64,
) (*scaler, []*corev1.Node, error) {
	if len(groups) == 0 {
		return nil, nil, nil
	}
	s := &scaler{expander: cmp.Or(expander, plan.ExpandPrice), seed: seed, unneeded: map[string]time.Time{}}
	begin := []*corev1.Node{}
	for _, g := range groups {
		if g.Size == "" {
			scaled, more, err := scaledOf(&g, stated)
			if err != nil {
				return nil, nil, err
			}
			s.groups, begin = append(s.groups, scaled...), append(begin, more...)
			continue
		}
		templates, err := GroupNodes(&g)
		if err != nil {
			return nil, nil, err
		}
		sg := newScaledGroup(g, templates)
		for i := range g.Min {
			sg.state[i] = present
			begin = append(begin, templates[i])
		}
		s.groups = append(s.groups, sg)
	}
	return s, begin, nil
}

// newScaledGroup returns a group none of whose nodes exists.
func newScaledGroup(g plan.NodeGroup, templates []*corev1.Node) *scaledGroup {
	return &scaledGroup{
		NodeGroup: g, templates: templates, state: make([]nodeState, len(templates)),
		boots: make([]time.Time, len(templates)),
		use:   plan.GroupUse{Name: g.Name, Size: g.Size, Min: g.Min, Max: g.Max, Price: g.Price},
	}
}

// count returns how many nodes a group has, those that boot included.
func (g *scaledGroup) count() (n int) {
	for _, state := range g.state {
		if state != absent {
			n++
		}
	}
	return n
}

// busy reports whether the groups have yet to look at the last change, or nodes boot, or will go when they have been
// unneeded for long enough.
func (sc *scaler) busy(now, lastChange time.Time) bool {
	if sc == nil {
		return false
	}
	if now.Sub(sc.changed) < settledFor || !sc.looked.After(lastChange) {
		return true
	}
	for _, g := range sc.groups {
		if slices.Contains(g.state, booting) {
			return true
		}
	}
	return sc.leaving != "" || len(sc.unneeded) > 0
}

// scale lets the node groups follow the pods, if it is time.
func (s *simulation) scale(now time.Time) error {
	sc := s.scaler
	if sc == nil || now.Sub(sc.looked) < scanEvery {
		return nil
	}
	sc.looked = now
	if err := s.finishBoots(now); err != nil {
		return err
	}
	if err := s.scaleUp(now); err != nil {
		return err
	}
	if err := s.scaleDown(now); err != nil {
		return err
	}
	for _, g := range sc.groups {
		g.use.Peak = max(g.use.Peak, g.count())
	}
	s.recorder.groupCost(sc)
	return nil
}

// finishBoots adds the nodes whose time has come.
func (s *simulation) finishBoots(now time.Time) error {
	for _, g := range s.scaler.groups {
		for i := range g.state {
			if g.state[i] != booting || now.Before(g.boots[i]) {
				continue
			}
			g.state[i], s.scaler.changed = present, now
			if err := s.addNode(context.Background(), g.templates[i]); err != nil {
				return err
			}
		}
	}
	return nil
}

// scaleUp asks for nodes for the pods that no node takes, those that boot included.
func (s *simulation) scaleUp(now time.Time) error {
	var pending []*corev1.Pod
	for _, p := range s.engine.Pods() {
		if p.Spec.NodeName == "" && p.DeletionTimestamp == nil && unschedulable(p) {
			pending = append(pending, p)
		}
	}
	if len(pending) == 0 {
		return nil
	}
	slices.SortFunc(pending, func(a, b *corev1.Pod) int {
		return cmp.Or(cmp.Compare(priorityOf(b), priorityOf(a)), a.CreationTimestamp.Compare(b.CreationTimestamp.Time),
			cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	e := s.estimator()
	pending, err := placeAll(e, pending)
	for len(pending) > 0 && err == nil {
		var best *growth
		if best, err = s.scaler.best(e, pending); best == nil {
			break
		}
		for _, i := range best.nodes {
			best.group.state[i], best.group.boots[i] = booting, now.Add(best.group.Boot)
			n := best.group.templates[i]
			s.recorder.step(now, plan.Step{
				Source: plan.FromScenario, Event: "Request",
				Object:  diag.Object{APIVersion: "v1", Kind: "Node", Name: n.Name},
				Message: fmt.Sprintf("from group %s, ready in %v", best.group.Name, best.group.Boot), Node: n.Name,
			})
		}
		e, pending = best.estimator, best.left
	}
	return err
}

func unschedulable(p *corev1.Pod) bool {
	return slices.ContainsFunc(p.Status.Conditions, func(c corev1.PodCondition) bool {
		return c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse &&
			c.Reason == corev1.PodReasonUnschedulable
	})
}

// estimator returns an estimator of the nodes that exist and those that boot, and of their pods.
func (s *simulation) estimator() *scheduler.Estimator {
	nodes, pods := s.recorder.standing()
	nodes = slices.DeleteFunc(nodes, func(n *corev1.Node) bool { return !nodeReady(n) })
	e := s.engine.NewEstimator(nodes, pods)
	for _, g := range s.scaler.groups {
		for i, state := range g.state {
			known := s.recorder.nodes[g.templates[i].Name]
			// it has just come
			if state == booting || state == present && (known == nil || known.node == nil || known.gone) {
				e.AddNode(g.templates[i])
			}
		}
	}
	return e
}

// placeAll places pods, and returns those that no node takes.
func placeAll(e *scheduler.Estimator, pods []*corev1.Pod) (left []*corev1.Pod, err error) {
	for _, p := range pods {
		node, _, err := e.Place(context.Background(), p)
		if err != nil {
			return nil, err
		}
		if node == "" {
			left = append(left, p)
		}
	}
	return left, nil
}

// growth is what more nodes of a group come to.
type growth struct {
	group     *scaledGroup
	nodes     []int // indices of templates
	placed    int   // pods
	waste     float64
	left      []*corev1.Pod
	estimator *scheduler.Estimator
}

// best returns the growth that the expander prefers of those that take a pod; nil if none does.
func (sc *scaler) best(e *scheduler.Estimator, pending []*corev1.Pod) (best *growth, err error) {
	var all []*growth
	for _, g := range sc.groups {
		for _, zone := range g.zones() {
			grown, err := g.grow(e.Fork(), pending, zone)
			if err != nil {
				return nil, err
			}
			if grown.placed > 0 {
				all = append(all, grown)
			}
		}
	}
	if len(all) == 0 {
		return nil, nil
	}
	return slices.MinFunc(all, sc.compare), nil
}

// compare orders what groups come to, the best first.
func (sc *scaler) compare(a, b *growth) int {
	price := func(x *growth) float64 { return x.group.Price * float64(len(x.nodes)) / float64(x.placed) }
	var first int
	switch sc.expander {
	case plan.ExpandPrice:
		first = cmp.Or(btoi(a.group.Price == 0)-btoi(b.group.Price == 0), cmp.Compare(price(a), price(b)))
	case plan.ExpandRandom:
		first = cmp.Compare(sc.draw(a), sc.draw(b))
	}
	return cmp.Or(
		cmp.Compare(b.group.weight, a.group.weight), first, cmp.Compare(a.waste, b.waste),
		cmp.Compare(b.placed, a.placed),
		cmp.Compare(a.group.Name, b.group.Name), cmp.Compare(a.group.Size, b.group.Size),
	)
}

// draw returns a number that depends on the seed, the group, and how many nodes it has.
func (sc *scaler) draw(g *growth) uint64 {
	h := fnv.New64a()
	fmt.Fprint(h, sc.seed, g.group.Name, g.nodes)
	if g.group.pool != nil {
		fmt.Fprint(h, g.group.Size)
	}
	return h.Sum64()
}

// zones returns the zones of the nodes that a group may add, one empty if they have none.
func (g *scaledGroup) zones() (all []string) {
	for i, n := range g.templates {
		if zone := zoneOf(n); g.state[i] == absent && !slices.Contains(all, zone) {
			all = append(all, zone)
		}
	}
	return all
}

// grow adds nodes of the group in a zone as long as each takes a pod that no other node takes.
func (g *scaledGroup) grow(e *scheduler.Estimator, pending []*corev1.Pod, zone string) (*growth, error) {
	grown := &growth{group: g, left: pending, estimator: e}
	var asked, offered float64
	for i, n := range g.templates {
		if g.state[i] != absent || zoneOf(n) != zone || len(grown.left) == 0 {
			continue
		}
		if g.pool != nil && !g.pool.allows(n, grown) {
			break
		}
		with := grown.estimator.Fork()
		with.AddNode(n)
		left, err := placeAll(with, grown.left)
		if err != nil {
			return nil, err
		}
		if len(left) == len(grown.left) {
			break
		}
		grown.nodes = append(grown.nodes, i)
		grown.placed += len(grown.left) - len(left)
		grown.left, grown.estimator = left, with
		offered += portion(n.Status.Allocatable, n.Status.Allocatable)
	}
	for _, p := range pending {
		if !slices.Contains(grown.left, p) && len(grown.nodes) > 0 {
			asked += portion(requestsOf(p), g.templates[grown.nodes[0]].Status.Allocatable)
		}
	}
	grown.waste = offered - asked
	return grown, nil
}

// portion adds up the shares of CPU and memory in those of a node.
func portion(part, of corev1.ResourceList) (sum float64) {
	for _, name := range []corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory} {
		a, b := part[name], of[name]
		if b.MilliValue() > 0 {
			sum += float64(a.MilliValue()) / float64(b.MilliValue())
		}
	}
	return sum
}

// scaleDown removes a node that has been unneeded for long enough.
func (s *simulation) scaleDown(now time.Time) error {
	sc := s.scaler
	if sc.leaving != "" {
		if err := s.empty(sc.leaving, now); err != nil || sc.leaving != "" {
			return err
		}
	}
	still := map[string]time.Time{}
	for _, g := range sc.groups {
		if g.total() <= g.Min {
			continue
		}
		for i := len(g.templates) - 1; i >= g.stays; i-- {
			name := g.templates[i].Name
			if g.state[i] != present || !s.mayGo(name) {
				continue
			}
			since, known := sc.unneeded[name]
			if !known {
				since = now
			}
			if now.Sub(since) >= g.Idle && sc.leaving == "" {
				sc.leaving = name
			}
			still[name] = since
		}
	}
	sc.unneeded = still
	if sc.leaving == "" {
		return nil
	}
	s.recorder.settled = true
	s.recorder.step(now, plan.Step{
		Source: plan.FromScenario, Event: "Remove",
		Object: diag.Object{APIVersion: "v1", Kind: "Node", Name: sc.leaving}, Node: sc.leaving,
		Message: "empty or under-used, and its pods fit elsewhere",
	})
	_, err := s.applier.client.CoreV1().Nodes().Patch(
		context.Background(), sc.leaving, types.MergePatchType, []byte(`{"spec":{"unschedulable":true}}`),
		metav1.PatchOptions{},
	)
	return err
}

// movable returns the pods of a node that have to go elsewhere before it goes, and whether all of them may.
func (s *simulation) movable(node string) (pods []*podTrack, ok bool) {
	for _, t := range s.recorder.order {
		if t.gone || t.on == nil || t.on.name != node {
			continue
		}
		owner := metav1.GetControllerOf(t.pod)
		if owner == nil {
			return nil, false // nothing makes it again
		}
		if owner.Kind != "DaemonSet" {
			pods = append(pods, t)
		}
	}
	return pods, true
}

// mayGo reports whether a node is empty or under-used, budgets allow its pods to be evicted, and they fit elsewhere.
func (s *simulation) mayGo(name string) bool {
	n := s.recorder.nodes[name]
	pods, ok := s.movable(name)
	if n == nil || n.node == nil || n.gone || !n.ready || !ok {
		return false
	}
	taken := map[*budgetTrack]int32{}
	var cpu, memory int64
	again := []*corev1.Pod{}
	for _, t := range pods {
		c, m := t.requests[corev1.ResourceCPU], t.requests[corev1.ResourceMemory]
		cpu, memory = cpu+c.MilliValue(), memory+m.Value()
		for _, b := range s.recorder.budgetsOf(t.pod) {
			if taken[b]++; taken[b] > b.status.DisruptionsAllowed {
				return false
			}
		}
		p := t.pod.DeepCopy()
		p.Spec.NodeName = ""
		again = append(again, p)
	}
	can := n.node.Status.Allocatable
	if 100*cpu >= underUsed*can.Cpu().MilliValue() || 100*memory >= underUsed*can.Memory().Value() {
		return false
	}
	rest, _ := s.estimator().Without(name)
	left, err := placeAll(rest, again)
	return err == nil && len(left) == 0
}

// empty evicts the pods of a node, and deletes it when none is left.
func (s *simulation) empty(name string, now time.Time) error {
	ctx := context.Background()
	pods, _ := s.movable(name)
	for _, t := range pods {
		if t.pod.DeletionTimestamp != nil {
			continue
		}
		err := s.applier.client.PolicyV1().Evictions(t.pod.Namespace).Evict(ctx, &policyv1.Eviction{
			ObjectMeta: metav1.ObjectMeta{Namespace: t.pod.Namespace, Name: t.pod.Name},
		})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsTooManyRequests(err) {
			return err
		}
	}
	if len(pods) > 0 {
		return nil
	}
	for _, g := range s.scaler.groups {
		for i, n := range g.templates {
			if n.Name == name {
				g.state[i] = absent
			}
		}
	}
	s.scaler.leaving, s.scaler.changed = "", now
	delete(s.scaler.unneeded, name)
	if err := s.applier.client.CoreV1().Nodes().Delete(
		ctx, name, metav1.DeleteOptions{},
	); err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	return nil
}

// groupCost notes what the nodes of all groups cost at present.
func (r *recorder) groupCost(sc *scaler) {
	sum, priced := 0.0, false
	for _, g := range sc.groups {
		sum += g.Price * float64(g.count())
		priced = priced || g.Price > 0
	}
	if !priced {
		return
	}
	if !r.began || r.plan.Cost == nil {
		r.plan.Cost = &plan.Cost{Before: sum, Peak: sum}
	}
	r.plan.Cost.Peak, r.plan.Cost.After = max(r.plan.Cost.Peak, sum), sum
}

// rebase makes the present nodes of groups those before the change.
func (sc *scaler) rebase(r *recorder) {
	if sc == nil {
		return
	}
	for _, g := range sc.groups {
		g.use.Before, g.use.Peak = g.count(), g.count()
	}
	r.plan.Cost = nil
	r.groupCost(sc)
}

// describeGroups reports the nodes of groups, and how full they are at the end.
func (s *simulation) describeGroups() {
	if s.scaler == nil {
		return
	}
	r := s.recorder
	r.plan.NodeGroups = []plan.GroupUse{}
	for _, g := range s.scaler.groups {
		g.use.After = g.count()
		g.use.Peak = max(g.use.Peak, g.use.After)
		var cpu, cpuOf, memory, memoryOf int64
		for i, n := range g.templates {
			t := r.nodes[n.Name]
			if g.state[i] != present || t == nil || t.gone || t.node == nil {
				continue
			}
			can := t.node.Status.Allocatable
			cpu, cpuOf = cpu+t.now.cpu, cpuOf+can.Cpu().MilliValue()
			memory, memoryOf = memory+t.now.memory, memoryOf+can.Memory().Value()
		}
		g.use.CPUPercent, g.use.MemoryPercent = int(100*cpu/max(cpuOf, 1)), int(100*memory/max(memoryOf, 1))
		r.plan.NodeGroups = append(r.plan.NodeGroups, g.use)
	}
}
