package cluster

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// profiles are named sets of nodes.
var profiles = map[string]func() []*corev1.Node{
	"demo": DefaultNodes,
	"kind": func() []*corev1.Node {
		return numbered("kind-worker", 3, resource.MustParse("8"), resource.MustParse("16Gi"))
	},
	"3-zone": threeZones,
}

// maxNodes is the maximum number of nodes in a group.
const maxNodes = 5000

// size matches a number and size of nodes: 3x4cpu16Gi.
var size = regexp.MustCompile(`^(\d+)x([0-9.]+m?)cpu([0-9.]+[KMGTP]i?)$`)

// counted matches what looks like a number and size, right or wrong.
var counted = regexp.MustCompile(`^[-+]?\d+x`)

// ParseNodes parses values of --nodes, one for each group: a number of nodes of a size such as 3x4cpu16Gi, which
// attributes may follow (see attributes); the name of a profile (demo, kind, 3-zone); or a file of Node objects, - for
// standard input. Nodes that an API server would reject are an error.
func ParseNodes(groups ...string) (nodes []*corev1.Node, err error) {
	from := map[string]string{} // where a name was given
	for i, text := range groups {
		group, err := parseGroup(text, i)
		if err != nil {
			return nil, err
		}
		for _, n := range group {
			if from[n.Name] != "" {
				return nil, fmt.Errorf(
					"two nodes are named %s, by %s and by %s: give one of them another name, as in 3x4cpu16Gi,name=large", n.Name,
					from[n.Name], n.from,
				)
			}
			from[n.Name] = n.from
			// each has addresses of its own
			if len(groups) > 1 && n.Spec.PodCIDR != "" || n.Spec.PodCIDR == "" && len(n.Status.Addresses) == 0 {
				renumber(n.Node, len(nodes)+1)
			}
			nodes = append(nodes, n.Node)
		}
	}
	return nodes, nil
}

// described is a node, and where it was described.
type described struct {
	*corev1.Node
	from string
}

func parseGroup(text string, index int) ([]described, error) {
	if profile, ok := profiles[text]; ok {
		return describe(profile(), text), nil
	}
	if first, _, _ := strings.Cut(text, ","); !size.MatchString(first) {
		return readNodes(text)
	}
	nodes, err := parseSize(text, index)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", text, err)
	}
	return describe(nodes, text), nil
}

func describe(nodes []*corev1.Node, from string) []described {
	all := make([]described, len(nodes))
	for i, n := range nodes {
		all[i] = described{n, from}
	}
	return all
}

// parseSize returns the nodes of a number and size, with their attributes.
func parseSize(text string, index int) ([]*corev1.Node, error) {
	first, rest, more := strings.Cut(text, ",")
	a := newAttributes()
	if more {
		if err := a.parse(rest); err != nil {
			return nil, err
		}
	}
	name := a.given["name"]
	if name == "" {
		name = "node"
		if index > 0 {
			name = fmt.Sprintf("node%d", index+1)
		}
	}
	m := size.FindStringSubmatch(first)
	nodes, err := sized(name, m[1], m[2], m[3])
	if err != nil {
		return nil, err
	}
	a.apply(nodes)
	return nodes, judgeNode(nodes[len(nodes)-1]) // that with the longest name; else they are alike
}

// attributes of a group of nodes, as they follow its size: name=large, zone=a (several: the nodes
// are dealt out to them), label=disk=ssd, taint=dedicated=gpu:NoSchedule, pods=30,
// resource=nvidia.com/gpu=2.
type attributes struct {
	given  map[string]string // what may be said once: name, pods, and each label and resource
	zones  []string
	labels map[string]string
	taints []corev1.Taint
	offers corev1.ResourceList
}

func newAttributes() *attributes {
	return &attributes{given: map[string]string{}, labels: map[string]string{}, offers: corev1.ResourceList{}}
}

func (a *attributes) parse(text string) error {
	for _, part := range strings.Split(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		if value == "" {
			return fmt.Errorf("attribute %q has no value: want name=, zone=, label=, taint=, pods= or resource=", part)
		}
		if err := a.set(key, value); err != nil {
			return err
		}
	}
	return nil
}

func (a *attributes) set(key, value string) error {
	switch key {
	case "name":
		return a.once(key, value)
	case "zone":
		a.zones = append(a.zones, value)
	case "label":
		k, v, ok := strings.Cut(value, "=")
		if !ok {
			return fmt.Errorf("label %q: want key=value", value)
		}
		a.labels[k] = v
		return a.once("label "+k, v)
	case "taint":
		return a.taint(value)
	case "pods":
		return a.offer(string(corev1.ResourcePods), value)
	case "resource":
		k, v, ok := strings.Cut(value, "=")
		if !ok {
			return fmt.Errorf("resource %q: want name=quantity", value)
		}
		return a.offer(k, v)
	default:
		return fmt.Errorf("unknown attribute %q: want name, zone, label, taint, pods or resource", key)
	}
	return nil
}

// once rejects a repeated attribute.
func (a *attributes) once(what, value string) error {
	if old, ok := a.given[what]; ok {
		return fmt.Errorf("%s is given twice: %s and %s", what, old, value)
	}
	a.given[what] = value
	return nil
}

func (a *attributes) taint(text string) error {
	t, err := ParseTaint(text)
	if err != nil {
		return err
	}
	a.taints = append(a.taints, t)
	return nil
}

// ParseTaint reads a taint as kubectl writes it: key=value:effect or key:effect.
func ParseTaint(text string) (corev1.Taint, error) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return corev1.Taint{}, fmt.Errorf("taint %q: want key=value:effect", text)
	}
	t := corev1.Taint{Effect: corev1.TaintEffect(text[i+1:])}
	t.Key, t.Value, _ = strings.Cut(text[:i], "=")
	switch t.Effect {
	case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
		return t, nil
	}
	return corev1.Taint{}, fmt.Errorf(
		"taint %q: effect %q is none of NoSchedule, PreferNoSchedule, NoExecute", text, t.Effect,
	)
}

func (a *attributes) offer(name, amount string) error {
	q, err := resource.ParseQuantity(amount)
	if err != nil {
		return fmt.Errorf("%s %q: %w", name, amount, err)
	}
	a.offers[corev1.ResourceName(name)] = q
	return a.once(name, amount)
}

func (a *attributes) apply(nodes []*corev1.Node) {
	for i, n := range nodes {
		maps.Copy(n.Labels, a.labels)
		if len(a.zones) > 0 {
			n.Labels[corev1.LabelTopologyZone] = a.zones[i%len(a.zones)]
			n.Labels[corev1.LabelTopologyRegion] = "region-1"
		}
		n.Spec.Taints = append(n.Spec.Taints, a.taints...)
		offers := maps.Clone(n.Status.Capacity)
		maps.Copy(offers, a.offers)
		n.Status.Capacity, n.Status.Allocatable = offers, offers
	}
}

// NodeLike returns a new node like another, with another name and the addresses of an index.
func NodeLike(n *corev1.Node, name string, index int) *corev1.Node {
	like := FreshNode(n)
	like.Name, like.Spec.Unschedulable, like.Spec.ProviderID = name, false, ""
	like.Labels = maps.Clone(n.Labels)
	if _, ok := like.Labels[corev1.LabelHostname]; ok {
		like.Labels[corev1.LabelHostname] = name
	}
	renumber(like, index)
	return like
}

// renumber sets the addresses of an index.
func renumber(n *corev1.Node, index int) {
	fresh := NewNode(n.Name, index, resource.Quantity{}, resource.Quantity{})
	n.Spec.PodCIDR, n.Spec.PodCIDRs, n.Status.Addresses =
		fresh.Spec.PodCIDR, fresh.Spec.PodCIDRs, fresh.Status.Addresses
}

func sized(name, count, cpu, memory string) ([]*corev1.Node, error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > maxNodes {
		return nil, fmt.Errorf("%s nodes: want 1 to %d", count, maxNodes)
	}
	c, err := resource.ParseQuantity(cpu)
	if err != nil {
		return nil, fmt.Errorf("cpu %q: %w", cpu, err)
	}
	m, err := resource.ParseQuantity(memory)
	if err != nil {
		return nil, fmt.Errorf("memory %q: %w", memory, err)
	}
	if c.IsZero() || m.IsZero() {
		return nil, errors.New("a node without cpu or memory takes no pod")
	}
	return numbered(name, n, c, m), nil
}

func numbered(prefix string, count int, cpu, memory resource.Quantity) []*corev1.Node {
	nodes := make([]*corev1.Node, count)
	for i := range nodes {
		nodes[i] = NewNode(fmt.Sprintf("%s-%d", prefix, i+1), i+1, cpu, memory)
	}
	return nodes
}

func threeZones() []*corev1.Node {
	nodes := numbered("node", 3, resource.MustParse("4"), resource.MustParse("16Gi"))
	for i, zone := range []string{"zone-a", "zone-b", "zone-c"} {
		nodes[i].Labels[corev1.LabelTopologyZone] = zone
		nodes[i].Labels[corev1.LabelTopologyRegion] = "region-1"
	}
	return nodes
}

// DefaultNodes returns a worker, and a control plane that runs no ordinary pods.
func DefaultNodes() []*corev1.Node {
	worker := NewNode("demo-worker", 1, resource.MustParse("4"), resource.MustParse("8Gi"))
	plane := NewNode("demo-control-plane", 0, resource.MustParse("4"), resource.MustParse("8Gi"))
	plane.Labels["node-role.kubernetes.io/control-plane"] = ""
	plane.Spec.Taints = []corev1.Taint{
		{Key: "node-role.kubernetes.io/control-plane", Effect: corev1.TaintEffectNoSchedule},
	}
	return []*corev1.Node{plane, worker}
}

// NewNode returns a node with a capacity. Its addresses depend on the index.
func NewNode(name string, index int, cpu, memory resource.Quantity) *corev1.Node {
	offers := corev1.ResourceList{
		corev1.ResourceCPU:              cpu,
		corev1.ResourceMemory:           memory,
		corev1.ResourcePods:             resource.MustParse("110"),
		corev1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	}
	cidr := podRange(index)
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: map[string]string{
			corev1.LabelHostname:   name,
			corev1.LabelOSStable:   "linux",
			corev1.LabelArchStable: "amd64",
		}},
		Spec: corev1.NodeSpec{PodCIDR: cidr, PodCIDRs: []string{cidr}},
		Status: corev1.NodeStatus{
			Capacity:    offers,
			Allocatable: offers,
			Addresses: []corev1.NodeAddress{
				{Type: corev1.NodeInternalIP, Address: fmt.Sprintf("172.18.%d.%d", (index+2)/256, (index+2)%256)},
				{Type: corev1.NodeHostName, Address: name},
			},
		},
	}
}

// podRange returns the pod range of a node: beyond the 256 nodes of 10.244.0.0/16, in the ranges from 10.129.0.0/16 on.
func podRange(index int) string {
	second := 244
	if index > 255 {
		second = 128 + index/256
	}
	return fmt.Sprintf("10.%d.%d.0/24", second, index%256)
}
