package simulate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/kubelet"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/manifest"
)

// statedGroup is a node group that a cluster states: by an object of an autoscaler, or by a label of its nodes.
type statedGroup struct {
	name   string
	by     string         // what states it, such as NodePool general
	nodes  []*corev1.Node // that it has
	shapes []*nodeShape   // of its nodes, by size
	max    int            // -1: not stated
	limits corev1.ResourceList
	weight int
	dealt  bool // its nodes are dealt out to its zones in turn; otherwise each zone takes all of them
}

// nodeShape is a kind of node that a group has.
type nodeShape struct {
	size    string
	nodes   []*corev1.Node // that exist
	samples []*corev1.Node // what new nodes are like, one for each zone; empty: no more come
}

// poolLabels are the labels by which managed clouds, and Karpenter, name the group of a node, the most specific first.
var poolLabels = []string{
	karpenterPool, "eks.amazonaws.com/nodegroup", "cloud.google.com/gke-nodepool", "kubernetes.azure.com/agentpool",
}

// statedGroups returns the node groups that objects and nodes of a cluster state, by name.
func statedGroups(from []*manifest.Document, nodes []*corev1.Node, assume func(string, ...any)) []*statedGroup {
	left := slices.Clone(nodes)
	take := func(member func(*corev1.Node) bool) (taken []*corev1.Node) {
		rest := []*corev1.Node{}
		for _, n := range left {
			if member(n) {
				taken = append(taken, n)
			} else {
				rest = append(rest, n)
			}
		}
		left = rest
		return taken
	}
	all := slices.Concat(karpenterGroups(from, take, assume), machineGroups(from, take, assume))
	for _, label := range poolLabels {
		names := map[string]bool{}
		for _, n := range left {
			if name := n.Labels[label]; name != "" {
				names[name] = true
			}
		}
		for _, name := range slices.Sorted(maps.Keys(names)) {
			g := &statedGroup{name: name, by: "label " + label, max: -1, dealt: true}
			g.nodes = take(func(n *corev1.Node) bool { return n.Labels[label] == name })
			g.shapes = shapesOf(g.nodes)
			all = append(all, g)
		}
	}
	slices.SortStableFunc(all, func(a, b *statedGroup) int { return cmp.Compare(a.name, b.name) })
	return all
}

// shapesOf returns the kinds of some nodes: those of one machine type are alike.
func shapesOf(nodes []*corev1.Node) []*nodeShape {
	kinds := map[string]*nodeShape{}
	for _, n := range nodes {
		key := strings.Join([]string{
			sizeOf(n), n.Labels[karpenterCapacity], n.Labels[corev1.LabelArchStable], n.Labels[corev1.LabelOSStable],
		}, " ")
		if kinds[key] == nil {
			kinds[key] = &nodeShape{size: sizeOf(n)}
		}
		kinds[key].nodes = append(kinds[key].nodes, n)
	}
	shapes := []*nodeShape{}
	for _, key := range slices.Sorted(maps.Keys(kinds)) {
		s := kinds[key]
		zones := map[string][]*corev1.Node{}
		for _, n := range s.nodes {
			zones[zoneOf(n)] = append(zones[zoneOf(n)], n)
		}
		for _, zone := range slices.Sorted(maps.Keys(zones)) {
			s.samples = append(s.samples, sampleOf(zones[zone]))
		}
		shapes = append(shapes, s)
	}
	return shapes
}

func zoneOf(n *corev1.Node) string { return n.Labels[corev1.LabelTopologyZone] }

// sizeOf returns the machine type of a node, or, where it states none, its CPU and memory.
func sizeOf(n *corev1.Node) string {
	if kind := n.Labels[corev1.LabelInstanceTypeStable]; kind != "" {
		return kind
	}
	return quantity(n.Status.Capacity, corev1.ResourceCPU) + "cpu" + quantity(n.Status.Capacity, corev1.ResourceMemory)
}

// passing are the prefixes of the keys of taints that autoscalers and clouds set for a while.
var passing = []string{
	"karpenter.sh/", "ToBeDeletedByClusterAutoscaler", "DeletionCandidateOfClusterAutoscaler",
	"node.cloudprovider.kubernetes.io/",
}

// sampleOf returns what a new node beside some others is like: the first, with the labels and taints that all have.
func sampleOf(nodes []*corev1.Node) *corev1.Node {
	s := cluster.NodeLike(nodes[0], nodes[0].Name, 0)
	s.Annotations = nil
	kubelet.Ready(s, s.Status.NodeInfo.KubeletVersion) // it may not state all that it offers
	maps.DeleteFunc(s.Labels, func(key, value string) bool {
		return key != corev1.LabelHostname && !all(nodes, func(n *corev1.Node) bool { return n.Labels[key] == value })
	})
	s.Spec.Taints = slices.DeleteFunc(s.Spec.Taints, func(t corev1.Taint) bool {
		return slices.ContainsFunc(passing, func(prefix string) bool { return strings.HasPrefix(t.Key, prefix) }) ||
			!all(nodes, func(n *corev1.Node) bool {
				return slices.ContainsFunc(n.Spec.Taints, func(o corev1.Taint) bool { return o.MatchTaint(&t) })
			})
	})
	return s
}

func all[T any](items []T, holds func(T) bool) bool {
	return !slices.ContainsFunc(items, func(it T) bool { return !holds(it) })
}

// elsewhere returns what a node like another is in another zone. Labels that name the zone change with it.
func elsewhere(n *corev1.Node, zone string) *corev1.Node {
	moved := n.DeepCopy()
	for key, value := range moved.Labels {
		if value == zoneOf(n) {
			moved.Labels[key] = zone
		}
	}
	return moved
}

// pool is a group whose nodes are of several kinds: they share its limits.
type pool struct {
	groups []*scaledGroup
	max    int
	limits corev1.ResourceList
}

func (p *pool) count() (n int) {
	for _, g := range p.groups {
		n += g.count()
	}
	return n
}

// allows reports whether the limits of the pool let a node come, besides those that exist and those of growth.
func (p *pool) allows(n *corev1.Node, grown *growth) bool {
	if p.count()+len(grown.nodes) >= p.max {
		return false
	}
	if len(p.limits) == 0 {
		return true
	}
	used := corev1.ResourceList{}
	use := func(n *corev1.Node) {
		for name := range p.limits {
			sum, more := used[name], n.Status.Capacity[name]
			sum.Add(more)
			used[name] = sum
		}
	}
	use(n)
	for _, i := range grown.nodes {
		use(grown.group.templates[i])
	}
	for _, g := range p.groups {
		for i, state := range g.state {
			if state != absent {
				use(g.templates[i])
			}
		}
	}
	for name, limit := range p.limits {
		if sum := used[name]; sum.Cmp(limit) > 0 {
			return false
		}
	}
	return true
}

// scaledOf returns the group of a name that the cluster states, one for each kind of its nodes, and the nodes that it
// begins with besides those that exist.
func scaledOf(want *plan.NodeGroup, stated []*statedGroup) (groups []*scaledGroup, begin []*corev1.Node, err error) {
	g, err := findStated(want, stated)
	if err != nil {
		return nil, nil, err
	}
	set := *want
	if set.Max < 0 {
		set.Max = g.most()
	}
	if set.Min < 0 {
		set.Min = min(len(g.nodes), set.Max)
	}
	p := &pool{max: max(set.Max, len(g.nodes)), limits: g.limits}
	if want.Max > 0 {
		p.limits = nil // the user's word counts
	}
	taken := map[string]bool{}
	for _, s := range stated {
		for _, n := range s.nodes {
			taken[n.Name] = true
		}
	}
	number := 0
	for _, shape := range g.shapes {
		set.Size = shape.size
		more, like := g.further(shape, p.max, &number, taken)
		sg := newScaledGroup(set, slices.Concat(shape.nodes, more))
		sg.like = like
		for i := range shape.nodes {
			sg.state[i] = present
		}
		if want.Min < 0 {
			sg.stays = len(shape.nodes)
		}
		sg.pool, sg.weight = p, g.weight
		p.groups = append(p.groups, sg)
	}
	for _, sg := range p.groups {
		for i := len(sg.templates) - 1; i >= 0 && p.count() < set.Min; i-- {
			if sg.state[i] == absent {
				sg.state[i] = present
				begin = append(begin, sg.templates[i])
			}
		}
	}
	return p.groups, begin, nil
}

// further returns the nodes of a shape that may come, with names that none has, and the nodes that they are like.
func (g *statedGroup) further(
	shape *nodeShape, most int, number *int, taken map[string]bool,
) (nodes []*corev1.Node, like map[string]string) {
	like = map[string]string{}
	if len(shape.samples) == 0 {
		return nil, like
	}
	count := most - len(g.nodes)
	if !g.dealt {
		count *= len(shape.samples)
	}
	for i := range count {
		name := ""
		for name == "" || taken[name] {
			*number++
			name = fmt.Sprintf("%s-new-%d", g.name, *number)
		}
		taken[name] = true
		sample := shape.samples[i%len(shape.samples)]
		like[name] = sample.Name
		n := cluster.NodeLike(sample, name, 1000+*number)
		n.Labels[corev1.LabelHostname] = name
		nodes = append(nodes, n)
	}
	return nodes, like
}

// most returns how many nodes the group has at most, by what it states; -1 if it states nothing.
func (g *statedGroup) most() int {
	if g.max >= 0 || len(g.limits) == 0 {
		return g.max
	}
	most := plan.MaxGroupNodes
	for name, limit := range g.limits {
		smallest := int64(0)
		for _, s := range g.shapes {
			for _, n := range s.samples {
				q := n.Status.Capacity[name]
				if v := q.MilliValue(); v > 0 && (smallest == 0 || v < smallest) {
					smallest = v
				}
			}
		}
		if smallest > 0 {
			most = min(most, int(limit.MilliValue()/smallest))
		}
	}
	return max(most, len(g.nodes))
}

// findStated returns the group that a user names.
func findStated(want *plan.NodeGroup, stated []*statedGroup) (*statedGroup, error) {
	names := []string{}
	for _, g := range stated {
		if g.name != want.Name {
			names = append(names, g.name)
			continue
		}
		switch {
		case len(g.shapes) == 0:
			return nil, fmt.Errorf(
				"node group %s has no node, and does not state the size of one: add it, such as 4cpu16Gi", g.name,
			)
		case want.Max < 0 && g.most() < 0:
			return nil, fmt.Errorf("node group %s: nothing states how many nodes it has at most: add max=", g.name)
		}
		return g, nil
	}
	if len(names) == 0 {
		return nil, fmt.Errorf(
			"node group %s has no size, such as 4cpu16Gi, and no nodes here are of a group", want.Name,
		)
	}
	return nil, fmt.Errorf(
		"node group %s has no size, such as 4cpu16Gi, and is none of the groups of the nodes: %s", want.Name,
		strings.Join(names, ", "),
	)
}

// beginning returns the nodes that a plan of the input begins with, those of groups left out, and the names of nodes of
// From that are not ready; nil: the default nodes.
func (in *Input) beginning(lived []*corev1.Node) (nodes []*corev1.Node, lost []string) {
	if in.Nodes != nil || len(lived) == 0 {
		return in.Nodes, nil
	}
	return fresh(lived)
}

// CheckGroups returns an error if a node group without a size is none that the cluster of the input states.
func CheckGroups(in *Input) error {
	if all(in.NodeGroups, func(g plan.NodeGroup) bool { return g.Size != "" }) {
		return nil
	}
	_, _, lived, err := divide(in.From)
	if err != nil {
		return err
	}
	nodes, _ := in.beginning(lived)
	stated := statedGroups(in.From, nodes, func(string, ...any) {})
	for _, g := range in.NodeGroups {
		if g.Size == "" {
			if _, err := findStated(&g, stated); err != nil {
				return err
			}
		}
	}
	return nil
}

// chooseGroups returns the node groups of the plan: those of the input, and those of the cluster that state how far
// they scale. It says which ones that are, and which ones do not scale.
func (s *simulation) chooseGroups(stated []*statedGroup) []plan.NodeGroup {
	groups := slices.Clone(s.NodeGroups)
	var offered []string
	for _, g := range stated {
		i := slices.IndexFunc(groups, func(x plan.NodeGroup) bool { return x.Name == g.name })
		switch {
		case i >= 0 && groups[i].Size != "", len(g.shapes) == 0:
			continue
		case i >= 0:
			s.assume("%s", g.describe(cmp.Or(max(groups[i].Max, 0), g.most()), "as asked for"))
		case g.most() >= 0 && s.Nodes == nil && !s.FixedGroups:
			groups = append(groups, plan.StatedNodeGroup(g.name))
			s.assume("%s", g.describe(g.most(), g.by+" states it"))
		default:
			offered = append(offered, fmt.Sprintf("%s (%d of %s)", g.name, len(g.nodes), g.sizes()))
		}
	}
	if len(offered) > 0 {
		s.assume(
			"node groups of the cluster that do not scale here: %s; --node-group name=NAME,max=N lets one",
			strings.Join(offered, ", "),
		)
	}
	return groups
}

// sizes returns the sizes of new nodes of a group.
func (g *statedGroup) sizes() string {
	var sizes []string
	for _, s := range g.shapes {
		if len(s.samples) > 0 && !slices.Contains(sizes, s.size) {
			sizes = append(sizes, s.size)
		}
	}
	return strings.Join(sizes, ", ")
}

// describe says how a group scales.
func (g *statedGroup) describe(most int, why string) string {
	like := "as its annotations state them"
	if len(g.nodes) > 0 {
		like = "like those that exist: " + g.sizes()
	}
	bound := fmt.Sprintf("up to %d nodes", most)
	if len(g.limits) > 0 && why != "as asked for" {
		bound += " (" + limitText(g.limits) + ")"
	}
	return fmt.Sprintf("node group %s scales %s, %s; new nodes are %s", g.name, bound, why, like)
}

func limitText(limits corev1.ResourceList) string {
	var words []string
	for _, name := range slices.Sorted(maps.Keys(limits)) {
		words = append(words, string(name)+" "+quantity(limits, name))
	}
	return strings.Join(words, ", ")
}

// readQuantity reads a quantity of an object, and reports whether it is one.
func readQuantity(value any) (resource.Quantity, bool) {
	var text string
	switch v := value.(type) {
	case string:
		text = v
	case int64:
		text = strconv.FormatInt(v, 10)
	case float64:
		text = strconv.FormatFloat(v, 'f', -1, 64)
	default:
		return resource.Quantity{}, false
	}
	q, err := resource.ParseQuantity(text)
	return q, err == nil && q.Sign() >= 0
}
