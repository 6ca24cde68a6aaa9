package simulate

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/manifest"
)

// What Karpenter sets, and its API group.
const (
	karpenterGroup    = "karpenter.sh"
	karpenterPool     = "karpenter.sh/nodepool"
	karpenterCapacity = "karpenter.sh/capacity-type"
)

// nodePool is what is read of a NodePool of Karpenter.
type nodePool struct {
	metav1.ObjectMeta `json:"metadata"`

	Spec struct {
		Template struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec struct {
				Taints []corev1.Taint `json:"taints"`
				// with more fields, which bound choices
				Requirements []corev1.NodeSelectorRequirement `json:"requirements"`
			} `json:"spec"`
		} `json:"template"`
		Limits map[string]any `json:"limits"`
		Weight int64          `json:"weight"`
	} `json:"spec"`
}

// karpenterGroups returns the NodePools among some objects. Their machine types are those of the nodes that exist.
func karpenterGroups(
	from []*manifest.Document, take func(func(*corev1.Node) bool) []*corev1.Node, assume func(string, ...any),
) (groups []*statedGroup) {
	for _, d := range from {
		o := objectOf(d)
		if !statesGroup(o) || d.Object.Kind != "NodePool" {
			continue
		}
		p := &nodePool{}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, p); err != nil {
			assume("NodePool %s is not read: %v", d.Object.Name, err)
			continue
		}
		g := &statedGroup{name: d.Object.Name, by: "NodePool " + d.Object.Name, max: -1, weight: int(p.Spec.Weight)}
		g.nodes = take(func(n *corev1.Node) bool { return n.Labels[karpenterPool] == g.name })
		g.limit(p.Spec.Limits, assume)
		for _, s := range shapesOf(g.nodes) {
			p.complete(s)
			g.shapes = append(g.shapes, s)
		}
		if len(g.nodes) == 0 {
			assume("NodePool %s has no node, so that its machine types are not known: it does not scale", g.name)
		}
		groups = append(groups, g)
	}
	return groups
}

// limit reads the limits of a NodePool.
func (g *statedGroup) limit(limits map[string]any, assume func(string, ...any)) {
	for name, value := range limits {
		q, ok := readQuantity(value)
		switch {
		case !ok:
			assume("limit %s of %s is not read: it is no quantity", name, g.by)
		case name == "nodes":
			g.max = int(q.Value())
		default:
			if g.limits == nil {
				g.limits = corev1.ResourceList{}
			}
			g.limits[corev1.ResourceName(name)] = q
		}
	}
}

// complete makes samples of what the pool would launch of a shape: with its labels and taints, in each of its zones. A
// shape that its requirements do not allow any more has none.
func (p *nodePool) complete(s *nodeShape) {
	zones := []string{}
	for _, r := range p.Spec.Template.Spec.Requirements {
		if r.Key == corev1.LabelTopologyZone && r.Operator == corev1.NodeSelectorOpIn {
			zones = append(zones, r.Values...)
		}
	}
	for _, zone := range zones {
		if !slices.ContainsFunc(s.samples, func(n *corev1.Node) bool { return zoneOf(n) == zone }) {
			s.samples = append(s.samples, elsewhere(s.samples[0], zone))
		}
	}
	for _, n := range s.samples {
		for key, value := range p.Spec.Template.Metadata.Labels {
			n.Labels[key] = value
		}
		n.Spec.Taints = p.Spec.Template.Spec.Taints
	}
	s.samples = slices.DeleteFunc(s.samples, func(n *corev1.Node) bool { return !p.allows(n) })
	slices.SortStableFunc(s.samples, func(a, b *corev1.Node) int { return strings.Compare(zoneOf(a), zoneOf(b)) })
}

// allows reports whether a node meets the requirements of the pool, as far as its labels say.
func (p *nodePool) allows(n *corev1.Node) bool {
	required := slices.DeleteFunc(slices.Clone(p.Spec.Template.Spec.Requirements),
		func(r corev1.NodeSelectorRequirement) bool {
			_, said := n.Labels[r.Key]
			return !said || !slices.Contains(operators, r.Operator) // Karpenter has more of them
		})
	if len(required) == 0 {
		return true
	}
	selector, err := nodeaffinity.NewNodeSelector(
		&corev1.NodeSelector{NodeSelectorTerms: []corev1.NodeSelectorTerm{{MatchExpressions: required}}},
	)
	return err != nil || selector.Match(n)
}

var operators = []corev1.NodeSelectorOperator{
	corev1.NodeSelectorOpIn, corev1.NodeSelectorOpNotIn, corev1.NodeSelectorOpExists, corev1.NodeSelectorOpDoesNotExist,
	corev1.NodeSelectorOpGt, corev1.NodeSelectorOpLt,
}

// What cluster-autoscaler reads of Cluster API's objects, and what Cluster API notes on nodes.
const (
	machineGroup = "cluster.x-k8s.io"
	annMin       = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-min-size"
	annMax       = "cluster.x-k8s.io/cluster-api-autoscaler-node-group-max-size"
	annOwnerKind = "cluster.x-k8s.io/owner-kind"
	annOwnerName = "cluster.x-k8s.io/owner-name"
	annCapacity  = "capacity.cluster-autoscaler.kubernetes.io/"
)

// machineKinds are the kinds that cluster-autoscaler scales.
var machineKinds = []string{"MachineDeployment", "MachineSet", "MachinePool"}

// machineGroups returns the groups of Cluster API that state how far they scale.
func machineGroups(
	from []*manifest.Document, take func(func(*corev1.Node) bool) []*corev1.Node, assume func(string, ...any),
) (groups []*statedGroup) {
	owners := map[string]string{} // MachineDeployments, by their MachineSets
	var scaled []*unstructured.Unstructured
	for _, d := range from {
		o := objectOf(d)
		if !statesGroup(o) || d.Object.Kind == "NodePool" {
			continue
		}
		for _, owner := range o.GetOwnerReferences() {
			if d.Object.Kind == "MachineSet" && owner.Kind == "MachineDeployment" {
				owners[o.GetName()] = owner.Name
			}
		}
		if o.GetAnnotations()[annMax] != "" && o.GetAnnotations()[annMin] != "" {
			scaled = append(scaled, o)
		}
	}
	for _, o := range scaled {
		g := &statedGroup{name: o.GetName(), by: o.GetKind() + " " + o.GetName(), dealt: true}
		least, errMin := strconv.Atoi(o.GetAnnotations()[annMin])
		most, errMax := strconv.Atoi(o.GetAnnotations()[annMax])
		if g.max = most; errMin != nil || errMax != nil || least < 0 || most < least {
			assume("%s is not scaled: its annotations %s and %s are no numbers of nodes", g.by, annMin, annMax)
			continue
		}
		g.nodes = take(func(n *corev1.Node) bool { return ownedBy(n, o, owners) })
		if g.shapes = shapesOf(g.nodes); len(g.nodes) == 0 {
			n, err := stated(o)
			switch {
			case err != nil:
				assume("%s is not scaled: %v", g.by, err)
			case n == nil:
				assume("%s has no node and no annotations with its capacity: it is not scaled", g.by)
			default:
				g.shapes = []*nodeShape{{size: sizeOf(n), samples: []*corev1.Node{n}}}
			}
		}
		groups = append(groups, g)
	}
	return groups
}

// statesGroup reports whether an object is of a kind that states node groups.
func statesGroup(o *unstructured.Unstructured) bool {
	group, kind := o.GroupVersionKind().Group, o.GetKind()
	return group == karpenterGroup && kind == "NodePool" || group == machineGroup && slices.Contains(machineKinds, kind)
}

// hashed matches the end of the name of a MachineSet that a MachineDeployment has made.
var hashed = regexp.MustCompile(`^-[a-z0-9]+$`)

// ownedBy reports whether a node is of a MachineDeployment, MachineSet or MachinePool, as Cluster API notes on it.
func ownedBy(n *corev1.Node, o *unstructured.Unstructured, owners map[string]string) bool {
	kind, name := n.Annotations[annOwnerKind], n.Annotations[annOwnerName]
	if kind == o.GetKind() {
		return name == o.GetName()
	}
	if kind != "MachineSet" || o.GetKind() != "MachineDeployment" {
		return false
	}
	if owner := owners[name]; owner != "" {
		return owner == o.GetName()
	}
	rest, ok := strings.CutPrefix(name, o.GetName())
	return ok && hashed.MatchString(rest)
}

// stated returns the node that annotations describe from which cluster-autoscaler scales up from zero; nil if they do
// not.
func stated(o *unstructured.Unstructured) (*corev1.Node, error) {
	said := func(key string) string { return o.GetAnnotations()[annCapacity+key] }
	if said("cpu") == "" || said("memory") == "" {
		return nil, nil
	}
	amounts := corev1.ResourceList{}
	for key, name := range map[string]corev1.ResourceName{
		"cpu": corev1.ResourceCPU, "memory": corev1.ResourceMemory, "ephemeral-disk": corev1.ResourceEphemeralStorage,
		"maxPods": corev1.ResourcePods, "gpu-count": corev1.ResourceName(said("gpu-type")),
	} {
		if said(key) == "" || name == "" {
			continue
		}
		q, err := resource.ParseQuantity(said(key))
		if err != nil {
			return nil, fmt.Errorf("annotation %s%s: %w", annCapacity, key, err)
		}
		amounts[name] = q
	}
	n := cluster.NewNode(o.GetName(), 0, amounts[corev1.ResourceCPU], amounts[corev1.ResourceMemory])
	for name, q := range amounts {
		n.Status.Capacity[name] = q
		n.Status.Allocatable[name] = q
	}
	labels, taints := commaParts(said("labels")), commaParts(said("taints"))
	for _, text := range labels {
		key, value, _ := strings.Cut(text, "=")
		n.Labels[key] = value
	}
	for _, text := range taints {
		taint, err := cluster.ParseTaint(text)
		if err != nil {
			return nil, fmt.Errorf("annotation %staints: %w", annCapacity, err)
		}
		n.Spec.Taints = append(n.Spec.Taints, taint)
	}
	return n, nil
}

// commaParts returns the parts of a text that commas separate.
func commaParts(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' })
}
