package simulate

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	helper "k8s.io/component-helpers/resource"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/memstore"
	"github.com/seatrial/seatrial/internal/plan"
)

// nodeTrack adds up what the pods of a node ask for.
type nodeTrack struct {
	node                *corev1.Node
	name                string
	gone, ready, closed bool
	now, before, peak   load
}

// load is a sum of requests.
type load struct {
	pods        int
	cpu, memory int64 // millicores, bytes
}

func (r *recorder) node(name string) *nodeTrack {
	n := r.nodes[name]
	if n == nil {
		n = &nodeTrack{name: name}
		r.nodes[name] = n
	}
	return n
}

func requestsOf(pod *corev1.Pod) corev1.ResourceList {
	return helper.PodRequests(pod, helper.PodResourcesOptions{})
}

func quantity(list corev1.ResourceList, name corev1.ResourceName) string {
	q := list[name]
	return q.String()
}

// occupy counts a pod's requests on its node, as the scheduler does: until the pod has ended.
func (r *recorder) occupy(p *podTrack) {
	ended := p.pod.Status.Phase == corev1.PodSucceeded || p.pod.Status.Phase == corev1.PodFailed
	switch {
	case p.on == nil && p.pod.Spec.NodeName != "" && !ended:
		p.on = r.node(p.pod.Spec.NodeName)
		p.on.add(p, 1)
	case p.on != nil && ended:
		p.on.add(p, -1)
		p.on = nil
	}
}

func (n *nodeTrack) add(p *podTrack, sign int) {
	cpu, memory := p.requests[corev1.ResourceCPU], p.requests[corev1.ResourceMemory]
	n.now.pods += sign
	n.now.cpu += int64(sign) * cpu.MilliValue()
	n.now.memory += int64(sign) * memory.Value()
	n.peak.pods = max(n.peak.pods, n.now.pods)
	n.peak.cpu = max(n.peak.cpu, n.now.cpu)
	n.peak.memory = max(n.peak.memory, n.now.memory)
}

func (n *nodeTrack) rebase() { n.before, n.peak = n.now, n.now }

func (r *recorder) takeNode(w memstore.Write, node *corev1.Node) {
	n := r.node(node.Name)
	met := n.node != nil
	n.node, n.gone = node, w.Deleted
	object := diag.Object{APIVersion: "v1", Kind: "Node", Name: node.Name}
	tell := func(event string, warning bool) {
		r.step(w.At, plan.Step{Source: plan.FromState, Object: object, Event: event, Warning: warning, Node: node.Name})
	}
	if w.Deleted {
		tell("Deleted", !r.settled && !r.replaced[node.Name])
		return
	}
	ready, closed := nodeReady(node), node.Spec.Unschedulable
	switch {
	case !met && r.began:
		tell("Added", false)
	case !met:
	case ready != n.ready && ready:
		tell("Ready", false)
	case ready != n.ready:
		tell("NotReady", true)
	case closed != n.closed && closed:
		tell("Cordoned", false)
	case closed != n.closed:
		tell("Uncordoned", false)
	}
	n.ready, n.closed = ready, closed
}

func nodeReady(node *corev1.Node) bool {
	return slices.ContainsFunc(node.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}

// cpuText returns an amount of CPU as a quantity.
func cpuText(millicores int64) string {
	return resource.NewMilliQuantity(millicores, resource.DecimalSI).String()
}

// memoryText returns an amount of memory as a quantity.
func memoryText(bytes int64) string { return resource.NewQuantity(bytes, resource.BinarySI).String() }

// describeNodes returns the nodes of the plan.
func (r *recorder) describeNodes() []plan.Node {
	all := []plan.Node{}
	for _, name := range slices.Sorted(maps.Keys(r.nodes)) {
		n := r.nodes[name]
		if n.node == nil {
			continue
		}
		can := n.node.Status.Allocatable
		amount := func(name corev1.ResourceName, of func(load) int64) plan.Usage {
			q := can[name]
			text := memoryText
			if name == corev1.ResourceCPU {
				text = cpuText
			}
			return plan.Usage{
				Allocatable: q.String(), Before: text(of(n.before)), After: text(of(n.now)), Peak: text(of(n.peak)),
			}
		}
		limit := can[corev1.ResourcePods]
		all = append(all, plan.Node{
			Name: name, Zone: zoneOf(n.node), Ready: n.ready &&
				!n.gone, Taints: taints(n.node),
			Pods: n.now.pods, PodsBefore: n.before.pods, PodsPeak: n.peak.pods, PodsMax: int(limit.Value()),
			CPU:    amount(corev1.ResourceCPU, func(l load) int64 { return l.cpu }),
			Memory: amount(corev1.ResourceMemory, func(l load) int64 { return l.memory }),
		})
	}
	return all
}

func taints(n *corev1.Node) string {
	var all []string
	for _, t := range n.Spec.Taints {
		all = append(all, t.ToString())
	}
	slices.SortFunc(all, cmp.Compare[string])
	return strings.Join(all, ",")
}
