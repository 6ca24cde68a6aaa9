package rules

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	schedulinghelper "k8s.io/component-helpers/scheduling/corev1"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

// targetRules compare addresses and tolerations with the Services, endpoints and Nodes of the set.
var targetRules = []*lint.Rule{
	{
		Name:     "endpoint-target-missing",
		Title:    "endpoints that lead to a pod or a Service that the set does not have",
		Severity: diag.Warning,
		Category: "references",
		Optional: true,
		Kinds:    []string{"Endpoints", "EndpointSlice"},
		Keeps:    []string{"Endpoints", "EndpointSlice"},
		URL:      "https://kubernetes.io/docs/concepts/services-networking/service/#services-without-selectors",
		Doc: "Endpoints that are written by hand belong to a Service without a selector: Endpoints by their name, an " +
			"EndpointSlice by the label " + discoveryv1.LabelServiceName + ". Without that Service no request takes them. The " +
			"pod that a targetRef names has to exist as well." + external,
		CheckSet: checkEndpoints,
	},
	{
		Name:        "network-policy-ip-block-unmatched",
		Title:       "ipBlock of a NetworkPolicy that matches no address",
		Severity:    diag.Warning,
		Category:    "references",
		Optional:    true,
		Kinds:       []string{"NetworkPolicy"},
		Equivalents: "popeye 1206 and 1207",
		URL:         "https://kubernetes.io/docs/concepts/services-networking/network-policies/#behavior-of-to-and-from-selectors",
		Doc: "The block allows no address where the exceptions cover all of the range, and most likely none where the range " +
			"is the address of a Service: a policy mostly sees the address of the pod behind it. Where Nodes and endpoints of " +
			"the set name addresses, a private range that holds none of them is reported as well.",
		CheckSet: checkIPBlocks,
	},
	{
		Name:        "node-taint-untolerated",
		Title:       "workload that tolerates the taints of none of its nodes",
		Severity:    diag.Warning,
		Category:    "availability",
		Optional:    true,
		Equivalents: "popeye 700",
		URL:         "https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/",
		Doc: "All Nodes of the set that the workload may run on, by its nodeSelector and node affinity, have a taint with the " +
			"effect NoSchedule or NoExecute that it does not tolerate: its pods stay Pending. Nodes that are not in the set are " +
			"not known.",
		CheckSet: checkTaints,
	},
}

func checkEndpoints(p *lint.SetPass) error {
	o := p.Resource.Object
	service, path := o.Name, "metadata.name"
	if o.Kind == "EndpointSlice" {
		service, path = p.Resource.Labels[discoveryv1.LabelServiceName], "metadata.labels["+discoveryv1.LabelServiceName+"]"
	}
	ref := lint.Ref{Kind: "Service", Namespace: o.Namespace, Name: service}
	if service != "" && !p.Set.Has(ref) {
		p.Report(lint.Finding{
			Path: path, Message: fmt.Sprintf("%s is not in the set: no request takes these endpoints", ref),
			Help: "add a Service of this name without a selector",
		})
	}
	for path, target := range targetsOf(p) {
		ref := lint.Ref{Kind: target.Kind, Namespace: target.Namespace, Name: target.Name}
		if ref.Kind != "Pod" || p.Set.Has(ref) || madeByStatefulSet(p.Set, ref) {
			continue
		}
		p.Report(lint.Finding{
			Path: path, Message: fmt.Sprintf("%s is not in the set", ref),
			Help: "name a pod that exists, or remove the targetRef",
		})
	}
	return nil
}

// targetsOf returns what the addresses of endpoints belong to, by the paths of their names.
func targetsOf(p *lint.SetPass) map[string]*corev1.ObjectReference {
	all := map[string]*corev1.ObjectReference{}
	add := func(ref *corev1.ObjectReference, format string, at ...any) {
		if ref == nil || ref.Name == "" {
			return
		}
		if ref.Namespace == "" {
			ref.Namespace = p.Resource.Object.Namespace
		}
		all[fmt.Sprintf(format, at...)+".targetRef.name"] = ref
	}
	if p.Resource.Object.Kind == "Endpoints" {
		//lint:ignore SA1019 people still write them
		var o corev1.Endpoints
		if json.Unmarshal(p.Resource.Stored, &o) != nil {
			return nil
		}
		for i, subset := range o.Subsets {
			for j := range subset.Addresses {
				add(subset.Addresses[j].TargetRef, "subsets[%d].addresses[%d]", i, j)
			}
		}
		return all
	}
	var o discoveryv1.EndpointSlice
	if json.Unmarshal(p.Resource.Stored, &o) != nil {
		return nil
	}
	for i := range o.Endpoints {
		add(o.Endpoints[i].TargetRef, "endpoints[%d]", i)
	}
	return all
}

// madeByStatefulSet reports whether a StatefulSet of the set makes a pod of that name.
func madeByStatefulSet(set *lint.Set, pod lint.Ref) bool {
	dash := strings.LastIndexByte(pod.Name, '-')
	if dash < 0 {
		return false
	}
	_, err := strconv.ParseUint(pod.Name[dash+1:], 10, 31)
	return err == nil && set.Get("apps", "StatefulSet", pod.Namespace, pod.Name[:dash]) != nil
}

func checkIPBlocks(p *lint.SetPass) error {
	spec := p.Resource.Network
	if spec == nil {
		return nil
	}
	for i, rule := range spec.Ingress {
		checkPeerBlocks(p, rule.From, fmt.Sprintf("spec.ingress[%d].from", i))
	}
	for i, rule := range spec.Egress {
		checkPeerBlocks(p, rule.To, fmt.Sprintf("spec.egress[%d].to", i))
	}
	return nil
}

func checkPeerBlocks(p *lint.SetPass, peers []networkingv1.NetworkPolicyPeer, path string) {
	for i, peer := range peers {
		if peer.IPBlock == nil {
			continue
		}
		at := fmt.Sprintf("%s[%d].ipBlock.cidr", path, i)
		block, err := netip.ParsePrefix(peer.IPBlock.CIDR)
		if err != nil {
			continue // the server says so
		}
		block = block.Masked()
		if message, help := unmatched(p.Set, block, exceptions(peer.IPBlock)); message != "" {
			p.Report(lint.Finding{Path: at, Message: message, Help: help})
		}
	}
}

// exceptions returns the ranges that a block leaves out.
func exceptions(b *networkingv1.IPBlock) (all []netip.Prefix) {
	for _, text := range b.Except {
		if e, err := netip.ParsePrefix(text); err == nil {
			all = append(all, e.Masked())
		}
	}
	return all
}

// unmatched returns why a block matches no address that the set names; empty: it may match.
func unmatched(set *lint.Set, block netip.Prefix, except []netip.Prefix) (message, help string) {
	if covered(block, except) {
		return fmt.Sprintf("the exceptions take away all of %s", block), "remove the peer, or one of the exceptions"
	}
	if service := serviceAt(set, block); service != nil {
		return fmt.Sprintf("%s is the address of %s: policies mostly see those of the pods behind it", block, service.Object),
			"select the pods: podSelector, with a namespaceSelector if they live elsewhere"
	}
	known := map[netip.Prefix]bool{}
	for _, kind := range [][2]string{{"", "Node"}, {"", "Endpoints"}, {"discovery.k8s.io", "EndpointSlice"}} {
		for _, o := range set.OfKind(kind[0], kind[1]) {
			for _, text := range o.Addresses {
				address, ok := prefixOf(text)
				if !ok || address.Addr().Is4() != block.Addr().Is4() {
					continue
				}
				if known[address] = true; address.Overlaps(block) && !covered(address, except) {
					return "", ""
				}
			}
		}
	}
	if len(known) == 0 || !block.Addr().IsPrivate() {
		return "", ""
	}
	return fmt.Sprintf("%s holds none of the %d addresses and ranges that the set names", block, len(known)),
		"compare it with the addresses of the Nodes and endpoints of the set"
}

// serviceAt returns the Service whose address a block of one address is, or nil.
func serviceAt(set *lint.Set, block netip.Prefix) *lint.Resource {
	if !block.IsSingleIP() {
		return nil
	}
	services := set.OfKind("", "Service")
	i := slices.IndexFunc(services, func(s *lint.Resource) bool {
		return slices.Contains(s.Addresses, block.Addr().String())
	})
	if i < 0 {
		return nil
	}
	return services[i]
}

// prefixOf reads an address or a range.
func prefixOf(text string) (netip.Prefix, bool) {
	if address, err := netip.ParseAddr(text); err == nil {
		return netip.PrefixFrom(address.WithZone(""), address.BitLen()), true
	}
	block, err := netip.ParsePrefix(text)
	return block, err == nil
}

// covered reports whether ranges together hold all addresses of a block.
func covered(block netip.Prefix, by []netip.Prefix) bool {
	inside := false
	for _, e := range by {
		if e.Bits() <= block.Bits() && e.Contains(block.Addr()) {
			return true
		}
		inside = inside || block.Overlaps(e)
	}
	if !inside || block.IsSingleIP() {
		return false
	}
	low, high := halves(block)
	return covered(low, by) && covered(high, by)
}

// halves returns the two ranges that a block is made of.
func halves(block netip.Prefix) (low, high netip.Prefix) {
	bits := block.Bits()
	address := block.Addr().AsSlice()
	address[bits/8] |= 0x80 >> (bits % 8)
	above, _ := netip.AddrFromSlice(address) // it has the length of an address
	return netip.PrefixFrom(block.Addr(), bits+1), netip.PrefixFrom(above, bits+1)
}

func checkTaints(p *lint.SetPass) error {
	nodes := p.Set.OfKind("", "Node")
	if !p.Resource.HasPods || len(nodes) == 0 {
		return nil
	}
	pod := &corev1.Pod{}
	if asks := p.Resource.Placement; asks != nil {
		pod.Spec.NodeSelector, pod.Spec.Tolerations = asks.NodeSelector, asks.Tolerations
		if asks.Required != nil {
			pod.Spec.Affinity = &corev1.Affinity{
				NodeAffinity: &corev1.NodeAffinity{RequiredDuringSchedulingIgnoredDuringExecution: asks.Required},
			}
		}
	}
	required := nodeaffinity.GetRequiredNodeAffinity(pod)
	var first *lint.Resource
	var taint corev1.Taint
	for _, o := range nodes {
		node := &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: o.Object.Name, Labels: o.Labels},
			Spec:       corev1.NodeSpec{Taints: o.Taints},
		}
		if fits, err := required.Match(node); err != nil || !fits {
			continue
		}
		found, untolerated := schedulinghelper.FindMatchingUntoleratedTaint(
			klog.Background(), o.Taints, pod.Spec.Tolerations,
			func(t *corev1.Taint) bool { return t.Effect != corev1.TaintEffectPreferNoSchedule }, true,
		)
		if !untolerated {
			return nil
		}
		if first == nil {
			first, taint = o, found
		}
	}
	if first == nil {
		return nil
	}
	p.Report(lint.Finding{
		Path: p.Resource.SpecPath, OnKey: true,
		Message: fmt.Sprintf("the taint %s of %s is not tolerated, nor are those of the other nodes that it may run on",
			taint.ToString(), first.Object),
		Help:    fmt.Sprintf("add a toleration: {key: %s, operator: Exists, effect: %s}", taint.Key, taint.Effect),
		Related: []lint.RelatedPath{{Of: first, Path: "spec.taints", Message: "the taints"}},
	})
	return nil
}
