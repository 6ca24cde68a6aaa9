package lsp

import (
	"context"
	"maps"
	"slices"

	"github.com/seatrial/seatrial/lint"
)

// names offers the names of the set that a value may have: of objects, keys of their data, ports, volumes and labels.
func (s *Server) names(ctx context.Context, d *document, c *cursor) ([]offer, error) {
	if !c.value && !selects(c.path) {
		return nil, nil
	}
	o, err := s.objects(ctx, d)
	if err != nil {
		return nil, err
	}
	if !c.value {
		return labelKeys(o.set, c), nil
	}
	n := len(c.path)
	switch {
	case mountsVolume(c.path):
		var offers []offer
		for _, v := range volumes(c.doc, c.path) {
			offers = append(offers, named(v.Text, "volume"))
		}
		return offers, nil
	case n > 1 && selects(c.path[:n-1]):
		return labelValues(o.set, c.path[n-1]), nil
	case n == 2 && c.path[0] == "metadata" && c.path[1] == "namespace":
		return namespaces(o.set), nil
	}
	snapshot, err := s.snapshot(d)
	if err != nil {
		return nil, err
	}
	r, err := snapshot.Object(ctx, c.doc)
	if err != nil {
		return nil, err
	}
	return referred(o.set, r), nil
}

func named(name, detail string) offer {
	return offer{label: name, text: name, detail: detail, kind: itemReference}
}

// referred offers what an object can refer to where the marker stands.
func referred(set *lint.Set, r *lint.Resource) (offers []offer) {
	for _, ref := range r.Refs {
		if ref.Name == marker {
			for _, name := range set.Names(ref.Group, ref.Kind, ref.Namespace) {
				offers = append(offers, named(name, ref.Kind))
			}
		}
		target := set.Get(ref.Group, ref.Kind, ref.Namespace, ref.Name)
		if target == nil {
			continue
		}
		for _, k := range ref.Keys {
			if k.Name != marker {
				continue
			}
			for _, key := range target.Keys {
				offers = append(offers, named(key, "key of "+ref.Kind+" "+ref.Name))
			}
		}
		if ref.Port != nil && ref.Port.Name == marker {
			for _, p := range target.Ports {
				if p.Name != "" {
					offers = append(offers, named(p.Name, "port of "+ref.Kind+" "+ref.Name))
				}
			}
		}
	}
	return offers
}

// selects reports whether a path is that of a map of labels by which pods are selected.
func selects(path []string) bool {
	n := len(path)
	return n > 0 && path[n-1] == "matchLabels" || n == 2 && path[0] == "spec" && path[1] == "selector"
}

// labelKeys offers the keys of the labels that pods of the set have.
func labelKeys(set *lint.Set, c *cursor) (offers []offer) {
	if len(c.path) == 2 && c.doc.Object.Kind != "Service" && c.doc.Object.Kind != "ReplicationController" {
		return nil // of others the selector has matchLabels
	}
	keys := map[string]bool{}
	for _, r := range set.All {
		for key := range r.PodLabels {
			keys[key] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		if !slices.Contains(c.present, key) {
			offers = append(offers, offer{label: key, text: key + ": ", detail: "label of pods", kind: itemReference})
		}
	}
	return offers
}

// labelValues offers the values that a label has on pods of the set.
func labelValues(set *lint.Set, key string) (offers []offer) {
	values := map[string]bool{}
	for _, r := range set.All {
		if v := r.PodLabels[key]; v != "" {
			values[v] = true
		}
	}
	for _, v := range slices.Sorted(maps.Keys(values)) {
		offers = append(offers, named(v, "label of pods"))
	}
	return offers
}

// namespaces offers the namespaces that the set defines or uses.
func namespaces(set *lint.Set) (offers []offer) {
	names := map[string]bool{}
	for _, r := range set.All {
		if r.Object.Kind == "Namespace" {
			names[r.Object.Name] = true
		} else if r.Object.Namespace != "" && r.Object.Namespace != marker {
			names[r.Object.Namespace] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		offers = append(offers, named(name, "namespace"))
	}
	return offers
}
