package review

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/seatrial/seatrial/internal/network"
	"github.com/seatrial/seatrial/lint"
)

// maxReached bounds how many workloads are held against each other.
const maxReached = 150

// connections finds what NetworkPolicies open or cut: of each workload what it connects to and what connects to it, and
// connections that the manifests say are made.
func connections(e *environment) (found []Consequence) {
	if !slices.ContainsFunc(e.pairs, concernsPolicies) || len(e.policies(e.old))+len(e.policies(e.new)) == 0 {
		return nil
	}
	c := &connectivity{environment: e, before: network.Of(e.old), after: network.Of(e.new)}
	var pods []*pair // workloads on both sides
	for _, p := range e.pairs {
		if p.old != nil && p.new != nil && p.new.Resource.HasPods && p.old.Resource.HasPods &&
			!p.new.Resource.HostNetwork {
			pods = append(pods, p)
		}
	}
	if len(pods) <= maxReached {
		for _, p := range pods {
			found = append(found, c.reach(p, pods, incoming)...)
			found = append(found, c.reach(p, pods, outgoing)...)
		}
	}
	for _, p := range e.pairs {
		if p.old != nil && p.new != nil {
			found = append(found, c.declared(p)...)
		}
	}
	return found
}

// concernsPolicies reports whether a change may have policies mean something else: of a policy, or of labels.
func concernsPolicies(p *pair) bool {
	switch {
	case p.action == "":
		return false
	case p.newest().is(networkingv1.GroupName, "NetworkPolicy"):
		return true
	case p.old == nil || p.new == nil:
		return false
	}
	return !maps.Equal(p.old.Resource.PodLabels, p.new.Resource.PodLabels) ||
		p.new.is("", "Namespace") && !maps.Equal(p.old.Resource.Labels, p.new.Resource.Labels)
}

func (e *environment) policies(in *lint.Set) []*lint.Resource {
	return in.OfKind(networkingv1.GroupName, "NetworkPolicy")
}

// connectivity is who reaches whom before and after a change.
type connectivity struct {
	*environment
	before, after *network.Set
}

// direction is one of connections as their pods see it, in words.
type direction struct {
	out                           bool
	limited, free, opened, closed string
	nobody, everybody             string
}

var (
	incoming = direction{
		limited: "connections to its pods were not limited, and are now",
		free:    "connections to its pods were limited by a NetworkPolicy, and are not any more",
		opened:  "now reached by %s", closed: "no longer reached by %s",
		nobody: "no workload of this environment reaches them", everybody: "everybody",
	}
	outgoing = direction{
		out:     true,
		limited: "connections from its pods were not limited, and are now",
		free:    "connections from its pods were limited by a NetworkPolicy, and are not any more",
		opened:  "may now connect to %s", closed: "may no longer connect to %s",
		nobody: "they reach no workload of this environment", everybody: "every address",
	}
)

// ask returns what the policies of an end say about connections in the direction.
func (d direction) ask(s *network.Set, end, other network.End, port network.Port) network.Way {
	if d.out {
		return s.Ask(end, other, port).Egress
	}
	return s.Ask(other, end, port).Ingress
}

// isolating returns the policies that limit the connections of pods in the direction.
func (d direction) isolating(s *network.Set, of *lint.Resource) []*lint.Resource {
	return d.ask(s, network.Pods(of), network.End{Outside: true}, network.Port{}).Isolating
}

// reach compares the connections of the pods of a workload in one direction.
func (c *connectivity) reach(p *pair, pods []*pair, d direction) (found []Consequence) {
	old, now := d.isolating(c.before, p.old.Resource), d.isolating(c.after, p.new.Resource)
	switch {
	case len(old)+len(now) == 0:
		return nil
	case len(old) == 0:
		limited := about(p.new, "network", Medium, "%s", d.limited)
		limited.Details = c.allowed(p, pods, now, d)
		return append(found, limited)
	case len(now) == 0:
		return append(found, about(p.new, "network", Medium, "%s", d.free))
	}
	var opens, cuts []string
	for _, other := range pods {
		if other == p {
			continue
		}
		was := d.ports(c.before, p.old.Resource, other.old.Resource, old)
		is := d.ports(c.after, p.new.Resource, other.new.Resource, now)
		switch {
		case was == is:
		case was == "":
			opens = append(opens, fmt.Sprintf("%s on %s", other.new, is))
		case is == "":
			cuts = append(cuts, other.new.String())
		default:
			opens = append(opens, fmt.Sprintf("%s on %s in place of %s", other.new, is, was))
		}
	}
	was, is := d.outside(old), d.outside(now)
	opens = append(opens, lacking(is, was)...)
	cuts = append(cuts, lacking(was, is)...)
	if len(cuts) > 0 {
		found = append(found, about(p.new, "network", Medium, d.closed, names(cuts)))
	}
	if len(opens) > 0 {
		found = append(found, about(p.new, "network", Medium, d.opened, names(opens)))
	}
	return found
}

// lacking lists what one set has and another has not.
func lacking(set, other map[string]bool) (list []string) {
	for _, name := range slices.Sorted(maps.Keys(set)) {
		if !other[name] {
			list = append(list, name)
		}
	}
	return list
}

// allowed says which connections policies that are new still let through.
func (c *connectivity) allowed(p *pair, pods []*pair, isolating []*lint.Resource, d direction) []string {
	var list []string
	for _, other := range pods {
		if other != p && d.ports(c.after, p.new.Resource, other.new.Resource, isolating) != "" {
			list = append(list, other.new.String())
		}
	}
	list = append(list, slices.Sorted(maps.Keys(d.outside(isolating)))...)
	var lines []string
	if len(list) == 0 {
		lines = append(lines, d.nobody)
	} else {
		lines = append(lines, "allowed: "+names(list))
	}
	if d.out && c.after.Resolves(p.new.Resource).Verdict == network.Blocked {
		lines = append(lines, "names are not resolved: no rule allows port 53 of the DNS server")
	}
	return lines
}

// anyPort stands for the ports that no manifest names.
var anyPort = network.Port{Protocol: string(corev1.ProtocolTCP)}

// ports says on which ports policies let pods connect to others, or be connected to; empty: on none.
func (d direction) ports(s *network.Set, pods, other *lint.Resource, isolating []*lint.Resource) string {
	receiver := pods
	if d.out {
		receiver = other
	}
	asked := []network.Port{anyPort}
	for _, p := range receiver.Ports {
		asked = append(asked, network.Port{Number: p.Number, Protocol: p.Protocol})
	}
	for _, policy := range isolating {
		for _, rule := range d.rules(policy) {
			if len(rule.peers) == 0 {
				continue // it is about everybody, and told as that
			}
			for _, p := range rule.ports {
				if p.Port != nil && p.Port.StrVal == "" {
					asked = append(asked, network.Port{Number: p.Port.IntVal, Protocol: protocolOf(p)})
				}
			}
		}
	}
	open := map[string]bool{}
	for _, port := range asked {
		if d.ask(s, network.Pods(pods), network.Pods(other), port).Verdict == network.Allowed {
			if port == anyPort {
				return "all ports"
			}
			open[portName(port)] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(open)), ", ")
}

func protocolOf(p networkingv1.NetworkPolicyPort) string {
	if p.Protocol == nil {
		return string(corev1.ProtocolTCP)
	}
	return string(*p.Protocol)
}

func portName(p network.Port) string {
	text := fmt.Sprintf("port %d", p.Number)
	if p.Protocol != string(corev1.ProtocolTCP) {
		text += "/" + p.Protocol
	}
	return text
}

// policyRule is a rule of a NetworkPolicy in one direction.
type policyRule struct {
	peers []networkingv1.NetworkPolicyPeer
	ports []networkingv1.NetworkPolicyPort
}

func (d direction) rules(policy *lint.Resource) (rules []policyRule) {
	if d.out {
		for _, r := range policy.Network.Egress {
			rules = append(rules, policyRule{r.To, r.Ports})
		}
		return rules
	}
	for _, r := range policy.Network.Ingress {
		rules = append(rules, policyRule{r.From, r.Ports})
	}
	return rules
}

// outside returns the addresses, and all others, that policies let through.
func (d direction) outside(isolating []*lint.Resource) map[string]bool {
	peers := map[string]bool{}
	for _, policy := range isolating {
		for _, rule := range d.rules(policy) {
			on := " on " + portList(rule.ports)
			if len(rule.peers) == 0 {
				peers[d.everybody+on] = true
			}
			for _, peer := range rule.peers {
				if peer.IPBlock != nil {
					peers[peer.IPBlock.CIDR+on] = true
				}
			}
		}
	}
	return peers
}

// portList names the ports of a rule.
func portList(ports []networkingv1.NetworkPolicyPort) string {
	if len(ports) == 0 {
		return "all ports"
	}
	texts := map[string]bool{}
	for _, port := range ports {
		text := "any port"
		if port.Port != nil {
			text = "port " + port.Port.String()
		}
		if port.EndPort != nil {
			text += fmt.Sprintf("-%d", *port.EndPort)
		}
		if protocol := protocolOf(port); protocol != string(corev1.ProtocolTCP) {
			text += "/" + protocol
		}
		texts[text] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(texts)), ", ")
}

// flow is a connection that a manifest says is made.
type flow struct {
	what     string // who connects, if not the object
	by       string // which field says so
	blocking *network.Way
}

// declared compares the connections that the manifest of an object says are made: to Services that its containers are
// told of, or that an Ingress leads to.
func (c *connectivity) declared(p *pair) (found []Consequence) {
	before := flowsOf(c.before, p.old)
	for _, key := range slices.Sorted(maps.Keys(before)) {
		was := before[key]
		is, still := flowsOf(c.after, p.new)[key]
		switch {
		case !still:
		case was.blocking == nil && is.blocking != nil:
			cut := about(
				p.new, "network", High, "%scannot connect to %s any more: %s", is.what, key, inWordsOf(is.blocking),
			)
			cut.Details = []string{"told by " + is.by}
			found = append(found, cut)
		case was.blocking != nil && is.blocking == nil:
			found = append(found, about(p.new, "network", Low, "%scan connect to %s again", is.what, key))
		}
	}
	return found
}

// flowsOf returns the connections that the manifest of an object tells of, by what they go to.
func flowsOf(s *network.Set, o *Object) map[string]flow {
	flows := map[string]flow{}
	add := func(service *lint.Resource, what, path string, blocking *network.Way) {
		key := service.Object.Kind + " " + service.Object.Name
		if known, ok := flows[key]; !ok || known.blocking == nil && blocking != nil {
			flows[key] = flow{what, namedPath(o, path), blocking}
		}
	}
	r := o.Resource
	switch {
	case o.is(networkingv1.GroupName, "Ingress"):
		for _, ref := range r.Refs {
			if service, backends := s.IngressBackends(ref); len(backends) > 0 {
				add(service, "its controller ", ref.Path, s.BlockingEntrance(backends))
			}
		}
	case r.HasPods && !r.HostNetwork:
		dns := s.Resolves(r)
		for _, h := range r.Hosts {
			service := s.Service(r.Object.Namespace, h.Name)
			if service == nil {
				continue
			}
			backends := s.Backends(service, h.Port)
			if len(backends) == 0 {
				continue // it is no NetworkPolicy that cuts it
			}
			blocking := s.Blocking(network.Pods(r), backends)
			if dns.Verdict == network.Blocked {
				blocking = cmp.Or(blocking, &dns)
			}
			add(service, "", h.Path, blocking)
		}
	}
	return flows
}

// inWordsOf says which policies block a connection.
func inWordsOf(w *network.Way) string {
	var list []string
	for _, p := range w.Isolating {
		list = append(list, p.Object.Kind+" "+p.Object.Name)
	}
	if w.Out {
		return fmt.Sprintf("no rule of %s lets it out", strings.Join(list, " or "))
	}
	return fmt.Sprintf("no rule of %s lets it in", strings.Join(list, " or "))
}
