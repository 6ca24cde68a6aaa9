package simulate

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/seatrial/seatrial/internal/plan"
)

// maxPack is the largest number of nodes that is tried.
const maxPack = 1024

// Pack looks for the fewest nodes of a size with which a plan completes, by simulating it with numbers of nodes:
// doubled until it completes, then halved in between. It returns the plan with the fewest, or with the last number that
// was tried.
func Pack(ctx context.Context, in Input, size string, nodes func(int) ([]*corev1.Node, error)) (*plan.Plan, error) {
	found := &plan.Pack{Size: size, Tried: []plan.PackTry{}, Shares: []plan.PackShares{}}
	try := func(n int) (p *plan.Plan, err error) {
		if in.Nodes, err = nodes(n); err != nil {
			return nil, err
		}
		if p, err = Simulate(ctx, in); err != nil {
			return nil, err
		}
		found.Tried = append(found.Tried, plan.PackTry{Nodes: n, Completes: p.Converged, Reason: p.Reason})
		return p, nil
	}
	best, few, many := (*plan.Plan)(nil), 0, 1
	for {
		p, err := try(many)
		if err != nil {
			return nil, err
		}
		best = p
		if p.Converged {
			break
		}
		if !nodesMayHelp(p) || many == maxPack {
			best.Pack = found
			return best, nil
		}
		few, many = many, 2*many
	}
	for many-few > 1 {
		p, err := try((few + many) / 2)
		if err != nil {
			return nil, err
		}
		if p.Converged {
			best, many = p, (few+many)/2
		} else {
			few = (few + many) / 2
		}
	}
	found.Nodes = many
	found.Shares = shares(best)
	slices.SortFunc(found.Tried, func(a, b plan.PackTry) int { return cmp.Compare(a.Nodes, b.Nodes) })
	best.Pack = found
	return best, nil
}

// nodeless are the traps of pods without a node that more nodes of the same size do not help.
var nodeless = []string{
	"pod-too-large", "resource-not-offered", "no-node-matches", "untolerated-taint", "spread-label-missing",
	"claim-missing",
	"volume-taken", "volume-missing", "storage-class-missing", "affinity-without-partner",
}

// nodesMayHelp reports whether a plan stalls since pods find no node, and others may.
func nodesMayHelp(p *plan.Plan) bool {
	return slices.ContainsFunc(p.Problems, func(q plan.Problem) bool {
		return q.Open && q.Kind == plan.Unplaced && !slices.Contains(nodeless, q.Trap)
	})
}

// shares returns how much of all nodes the pods ask for at the end of a plan.
func shares(p *plan.Plan) []plan.PackShares {
	percent := func(used, of int64) int { return int(100 * used / max(of, 1)) }
	sum := func(usage func(*plan.Node) plan.Usage) (used, of int64) {
		for i := range p.Nodes {
			u := usage(&p.Nodes[i])
			after, can := resource.MustParse(u.After), resource.MustParse(u.Allocatable)
			used, of = used+after.MilliValue(), of+can.MilliValue()
		}
		return used, of
	}
	pods, room := 0, 0
	for i := range p.Nodes {
		pods, room = pods+p.Nodes[i].Pods, room+p.Nodes[i].PodsMax
	}
	return []plan.PackShares{
		{Resource: "cpu", Percent: percent(sum(func(n *plan.Node) plan.Usage { return n.CPU }))},
		{Resource: "memory", Percent: percent(sum(func(n *plan.Node) plan.Usage { return n.Memory }))},
		{Resource: "pods", Percent: percent(int64(pods), int64(room))},
	}
}

// SizedNodes returns a function that makes a number of nodes of a size, such as 4cpu16Gi,zone=a,zone=b.
func SizedNodes(size string, parse func(...string) ([]*corev1.Node, error)) func(int) ([]*corev1.Node, error) {
	return func(n int) ([]*corev1.Node, error) { return parse(fmt.Sprintf("%dx%s", n, size)) }
}
