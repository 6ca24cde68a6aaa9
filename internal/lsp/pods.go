package lsp

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
)

// podOccurrences calls yield with what an object writes of the labels of pods, their containers, and the named ports of
// these.
func (o *objects) podOccurrences(r *lint.Resource, doc *manifest.Document, yield func(occurrence)) {
	write := func(s subject, p manifest.Place, declares bool) {
		if p.Exact && p.Node.Kind == manifest.Scalar && s.name != "" {
			yield(occurrenceOf(doc.File, s, p.Value, p.Node.Shared, declares))
		}
	}
	if r.HasPods {
		o.templateOccurrences(r, doc, write)
	}
	if r.Object.Kind != "PersistentVolumeClaim" {
		o.selectorOccurrences(r, doc, write)
	}
	switch r.Object.Kind {
	case "Service":
		o.portUses(r, doc, []string{"spec.ports"}, "targetPort", write)
	case "NetworkPolicy":
		var lists []string
		for i := range itemsAt(doc, "spec.ingress") {
			lists = append(lists, fmt.Sprintf("spec.ingress[%d].ports", i))
		}
		o.portUses(r, doc, lists, "port", write)
	case "HorizontalPodAutoscaler":
		i := slices.IndexFunc(
			r.Refs, func(ref lint.Ref) bool { return strings.HasPrefix(ref.Path, "spec.scaleTargetRef") },
		)
		if i < 0 {
			return
		}
		ref := r.Refs[i]
		for i := range itemsAt(doc, "spec.metrics") {
			place := doc.Find(fmt.Sprintf("spec.metrics[%d].containerResource.container", i))
			s := subject{group: ref.Group, kind: ref.Kind, namespace: ref.Namespace, name: ref.Name}
			s.container = textOf(place)
			write(s, place, false)
		}
	}
}

// templateOccurrences passes on what a workload or pod writes of its own pods.
func (o *objects) templateOccurrences(
	r *lint.Resource, doc *manifest.Document, write func(subject, manifest.Place, bool),
) {
	metadata := strings.TrimSuffix(r.SpecPath, "spec") + "metadata"
	labels := doc.Find(metadata + ".labels")
	if labels.Exact && labels.Node.Kind == manifest.Map {
		for i := range labels.Node.Fields {
			f := &labels.Node.Fields[i]
			place := manifest.Place{Exact: true, Node: f.Value, Value: f.Value.Range()}
			write(subject{namespace: r.Object.Namespace, label: f.Name, name: f.Value.Text}, place, true)
		}
	}
	gk := r.GroupKind()
	mine := subject{group: gk.Group, kind: gk.Kind, namespace: r.Object.Namespace, name: r.Object.Name}
	container := func(place manifest.Place, declares bool) {
		s := mine
		s.container = textOf(place)
		write(s, place, declares)
	}
	port := func(place manifest.Place, declares bool) {
		if name := textOf(place); hasPort(r, name) {
			write(o.portOf(r, name), place, declares)
		}
	}
	container(doc.Find(metadata+".annotations[kubectl.kubernetes.io/default-container]"), false)
	for _, list := range []string{".containers", ".initContainers"} {
		for i := range itemsAt(doc, r.SpecPath+list) {
			path := fmt.Sprintf("%s%s[%d]", r.SpecPath, list, i)
			container(doc.Find(path+".name"), true)
			for j := range itemsAt(doc, path+".ports") {
				port(doc.Find(fmt.Sprintf("%s.ports[%d].name", path, j)), true)
			}
			for _, probe := range []string{".livenessProbe", ".readinessProbe", ".startupProbe"} {
				port(doc.Find(path+probe+".httpGet.port"), false)
				port(doc.Find(path+probe+".tcpSocket.port"), false)
			}
			for j := range itemsAt(doc, path+".env") {
				container(doc.Find(fmt.Sprintf("%s.env[%d].valueFrom.resourceFieldRef.containerName", path, j)), false)
			}
		}
	}
}

// selectorOccurrences passes on the values of labels by which an object selects pods of its namespace.
func (o *objects) selectorOccurrences(
	r *lint.Resource, doc *manifest.Document, write func(subject, manifest.Place, bool),
) {
	value := func(label string, n *manifest.Node) {
		place := manifest.Place{Exact: true, Node: n, Value: n.Range()}
		write(subject{namespace: r.Object.Namespace, label: label, name: n.Text}, place, false)
	}
	plain := r.Object.Kind == "Service" || r.Object.Kind == "ReplicationController"
	var visit func(n *manifest.Node, above, name string)
	visit = func(n *manifest.Node, above, name string) {
		switch {
		case name == "volumeClaimTemplates":
			return
		case name == "matchLabels" && selectsPods(above), plain && above == "spec" && name == "selector":
			for i := range n.Fields {
				value(n.Fields[i].Name, n.Fields[i].Value)
			}
			return
		case name == "matchExpressions" && selectsPods(above):
			for _, item := range n.Items {
				key, values := item.Get("key"), item.Get("values")
				if key != nil && values != nil {
					for _, v := range values.Value.Items {
						value(key.Value.Text, v)
					}
				}
			}
			return
		}
		for i := range n.Fields {
			visit(n.Fields[i].Value, name, n.Fields[i].Name)
		}
		for _, item := range n.Items {
			visit(item, above, name)
		}
	}
	visit(doc.Root(), "", "")
}

// selectsPods reports whether a field of this name is a selector of pods.
func selectsPods(name string) bool {
	return name == "selector" || name == "podSelector" || name == "labelSelector"
}

// portUses passes on the named ports of pods in lists of an object that selects these.
func (o *objects) portUses(
	r *lint.Resource, doc *manifest.Document, lists []string, field string, write func(subject, manifest.Place, bool),
) {
	for _, list := range lists {
		for i := range itemsAt(doc, list) {
			place := doc.Find(fmt.Sprintf("%s[%d].%s", list, i, field))
			name := textOf(place)
			for pods := range o.set.Selected(r) {
				if hasPort(pods, name) {
					write(o.portOf(pods, name), place, false)
					break
				}
			}
		}
	}
}

// portOf returns the subject that is a named port of a workload, and of the workloads that have a port of that name and
// share a Service or NetworkPolicy with it: the name can be changed in all of them alone.
func (o *objects) portOf(r *lint.Resource, name string) subject {
	first := o.sharing(r, name)[0]
	gk := first.GroupKind()
	return subject{
		group: gk.Group, kind: gk.Kind, namespace: first.Object.Namespace, name: first.Object.Name, podPort: name,
	}
}

// sharing returns the workloads that share a named port, in the order of the set.
func (o *objects) sharing(r *lint.Resource, name string) []*lint.Resource {
	key := portKey{r, name}
	if all, ok := o.ports[key]; ok {
		return all
	}
	shared := map[*lint.Resource]bool{r: true}
	for grown := true; grown; {
		grown = false
		for _, by := range o.set.All {
			if by.Object.Namespace != r.Object.Namespace ||
				by.Object.Kind != "Service" && by.Object.Kind != "NetworkPolicy" {
				continue
			}
			if by.Object.Kind == "Service" &&
				!slices.ContainsFunc(by.Ports, func(p lint.Port) bool { return p.TargetName == name }) {
				continue
			}
			var members []*lint.Resource
			for pods := range o.set.Selected(by) {
				if hasPort(pods, name) {
					members = append(members, pods)
				}
			}
			if !slices.ContainsFunc(members, func(m *lint.Resource) bool { return shared[m] }) {
				continue
			}
			for _, m := range members {
				grown = grown || !shared[m]
				shared[m] = true
			}
		}
	}
	all := slices.DeleteFunc(slices.Clone(o.set.All), func(r *lint.Resource) bool { return !shared[r] })
	for _, m := range all {
		o.ports[portKey{m, name}] = all
	}
	return all
}

// portKey names a port of a workload.
type portKey struct {
	of   *lint.Resource
	name string
}

func hasPort(r *lint.Resource, name string) bool {
	return name != "" && slices.ContainsFunc(r.Ports, func(p lint.Port) bool { return p.Name == name })
}

// itemsAt returns the elements of a list.
func itemsAt(doc *manifest.Document, path string) []*manifest.Node {
	if p := doc.Find(path); p.Exact {
		return p.Node.Target().Items
	}
	return nil
}

// textOf returns the text at a place; empty if there is none.
func textOf(p manifest.Place) string {
	if !p.Exact || p.Node.Kind != manifest.Scalar {
		return ""
	}
	return p.Node.Text
}
