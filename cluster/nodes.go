package cluster

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"
)

// profiles are sets of nodes that have a name.
var profiles = map[string]func() []*corev1.Node{
	"demo": DefaultNodes,
	"kind": func() []*corev1.Node {
		return numbered("kind-worker", 3, resource.MustParse("8"), resource.MustParse("16Gi"))
	},
	"3-zone": threeZones,
}

// size is how many nodes of which size: 3x4cpu16Gi.
var size = regexp.MustCompile(`^(\d+)x([0-9.]+m?)cpu([0-9.]+[KMGTP]i?)$`)

// ParseNodes reads what --nodes says, once for each group: a number of nodes of a size such as
// 3x4cpu16Gi, which attributes may follow (see attributes); the name of a profile (demo, kind,
// 3-zone); or a file of Node objects.
func ParseNodes(groups ...string) (nodes []*corev1.Node, err error) {
	for i, text := range groups {
		group, err := parseGroup(text, i)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, group...)
	}
	seen := map[string]bool{}
	for i, n := range nodes {
		if seen[n.Name] {
			return nil, fmt.Errorf("two nodes are named %s: give a group another name, such as 3x4cpu16Gi,name=%s", n.Name, "large")
		}
		seen[n.Name] = true
		if len(groups) > 1 && n.Spec.PodCIDR != "" { // each has addresses of its own
			renumber(n, i+1)
		}
	}
	return nodes, nil
}

func parseGroup(text string, index int) ([]*corev1.Node, error) {
	if profile, ok := profiles[text]; ok {
		return profile(), nil
	}
	first, rest, _ := strings.Cut(text, ",")
	if m := size.FindStringSubmatch(first); m != nil {
		a, err := parseAttributes(rest)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		if a.name == "" {
			a.name = "node"
			if index > 0 {
				a.name = fmt.Sprintf("node%d", index+1)
			}
		}
		nodes, err := sized(a.name, m[1], m[2], m[3])
		if err != nil {
			return nil, err
		}
		a.apply(nodes)
		return nodes, nil
	}
	data, err := os.ReadFile(text)
	if err != nil {
		return nil, fmt.Errorf("nodes %q are neither a number and size such as 3x4cpu16Gi, nor demo, kind or 3-zone, nor a file that can be read: %w", text, err)
	}
	return readNodes(text, data)
}

// attributes of a group of nodes, as they follow its size: name=large, zone=a (several: the nodes
// are dealt out to them), label=disk=ssd, taint=dedicated=gpu:NoSchedule, pods=30,
// resource=nvidia.com/gpu=2.
type attributes struct {
	name   string
	zones  []string
	labels map[string]string
	taints []corev1.Taint
	offers corev1.ResourceList
}

func parseAttributes(text string) (*attributes, error) {
	a := &attributes{labels: map[string]string{}, offers: corev1.ResourceList{}}
	if text == "" {
		return a, nil
	}
	for _, part := range strings.Split(text, ",") {
		key, value, _ := strings.Cut(part, "=")
		if value == "" {
			return nil, fmt.Errorf("attribute %q has no value: want name=, zone=, label=, taint=, pods= or resource=", part)
		}
		if err := a.set(key, value); err != nil {
			return nil, err
		}
	}
	return a, nil
}

func (a *attributes) set(key, value string) error {
	switch key {
	case "name":
		a.name = value
	case "zone":
		a.zones = append(a.zones, value)
	case "label":
		k, v, ok := strings.Cut(value, "=")
		if !ok {
			return fmt.Errorf("label %q: want key=value", value)
		}
		a.labels[k] = v
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

// taint reads a taint as kubectl writes it: key=value:effect or key:effect.
func (a *attributes) taint(text string) error {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return fmt.Errorf("taint %q: want key=value:effect", text)
	}
	t := corev1.Taint{Effect: corev1.TaintEffect(text[i+1:])}
	t.Key, t.Value, _ = strings.Cut(text[:i], "=")
	switch t.Effect {
	case corev1.TaintEffectNoSchedule, corev1.TaintEffectPreferNoSchedule, corev1.TaintEffectNoExecute:
		a.taints = append(a.taints, t)
		return nil
	}
	return fmt.Errorf("taint %q: effect %q is none of NoSchedule, PreferNoSchedule, NoExecute", text, t.Effect)
}

func (a *attributes) offer(name, amount string) error {
	q, err := resource.ParseQuantity(amount)
	if err != nil {
		return fmt.Errorf("%s %q: %w", name, amount, err)
	}
	a.offers[corev1.ResourceName(name)] = q
	return nil
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

// renumber gives a node the addresses of an index.
func renumber(n *corev1.Node, index int) {
	fresh := NewNode(n.Name, index, resource.Quantity{}, resource.Quantity{})
	n.Spec.PodCIDR, n.Spec.PodCIDRs, n.Status.Addresses = fresh.Spec.PodCIDR, fresh.Spec.PodCIDRs, fresh.Status.Addresses
}

func sized(name, count, cpu, memory string) ([]*corev1.Node, error) {
	n, err := strconv.Atoi(count)
	if err != nil || n < 1 || n > 5000 {
		return nil, fmt.Errorf("%s nodes: want 1 to 5000", count)
	}
	c, err := resource.ParseQuantity(cpu)
	if err != nil {
		return nil, fmt.Errorf("cpu %q: %w", cpu, err)
	}
	m, err := resource.ParseQuantity(memory)
	if err != nil {
		return nil, fmt.Errorf("memory %q: %w", memory, err)
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

// readNodes reads Node objects, or a List of them.
func readNodes(name string, data []byte) (nodes []*corev1.Node, err error) {
	for i, document := range split(data) {
		var list corev1.NodeList
		if err := yaml.Unmarshal(document, &list); err == nil && len(list.Items) > 0 {
			for j := range list.Items {
				nodes = append(nodes, &list.Items[j])
			}
			continue
		}
		node := &corev1.Node{}
		if err := yaml.UnmarshalStrict(document, node); err != nil {
			return nil, fmt.Errorf("%s, document %d: %w", name, i+1, err)
		}
		if node.Kind != "Node" {
			return nil, fmt.Errorf("%s, document %d: want a Node, got kind %q", name, i+1, node.Kind)
		}
		nodes = append(nodes, node)
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("%s holds no nodes", name)
	}
	return nodes, nil
}

var separator = regexp.MustCompile(`(?m)^---.*$`)

// split gives the documents of a file that hold anything.
func split(data []byte) (all [][]byte) {
	for _, part := range separator.Split(string(data), -1) {
		if part := bytes.TrimSpace([]byte(part)); len(part) > 0 {
			all = append(all, part)
		}
	}
	return all
}
