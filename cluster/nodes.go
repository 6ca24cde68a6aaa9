package cluster

import (
	"bytes"
	"fmt"
	"os"
	"regexp"
	"strconv"

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

// ParseNodes reads what --nodes says: a number of nodes of a size such as 3x4cpu16Gi, the name
// of a profile (demo, kind, 3-zone), or a file of Node objects.
func ParseNodes(text string) ([]*corev1.Node, error) {
	if profile, ok := profiles[text]; ok {
		return profile(), nil
	}
	if m := size.FindStringSubmatch(text); m != nil {
		return sized(m[1], m[2], m[3])
	}
	data, err := os.ReadFile(text)
	if err != nil {
		return nil, fmt.Errorf("nodes %q are neither a number and size such as 3x4cpu16Gi, nor demo, kind or 3-zone, nor a file that can be read: %w", text, err)
	}
	return readNodes(text, data)
}

func sized(count, cpu, memory string) ([]*corev1.Node, error) {
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
	return numbered("node", n, c, m), nil
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
