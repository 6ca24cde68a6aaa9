package lint

import (
	"cmp"
	"fmt"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// namedBy are the objects that custom resources name in a field with kind and name. Where the resource leaves out
// group or kind they are the defaults of its definition.
var namedBy = []struct {
	group, kind string
	field       []string
	defaults    schema.GroupKind
	clusterKind string // kind that lives in no namespace
	role        string
}{
	{"cert-manager.io", "Certificate", []string{"spec", "issuerRef"},
		schema.GroupKind{Group: "cert-manager.io", Kind: "Issuer"}, "ClusterIssuer", roleNamed},
	{"external-secrets.io", "ExternalSecret", []string{"spec", "secretStoreRef"},
		schema.GroupKind{Group: "external-secrets.io", Kind: "SecretStore"}, "ClusterSecretStore", roleNamed},
	{"keda.sh", "ScaledObject", []string{"spec", "scaleTargetRef"},
		schema.GroupKind{Group: "apps", Kind: "Deployment"}, "", "scaleTargetRef"},
	{
		"autoscaling.k8s.io", "VerticalPodAutoscaler", []string{"spec", "targetRef"}, schema.GroupKind{}, "",
		"scaleTargetRef",
	},
	{rolloutGroup, "Rollout", []string{"spec", "workloadRef"}, schema.GroupKind{}, "", "workloadRef"},
}

// rolloutGroup is the group of the Rollouts of Argo.
const rolloutGroup = "argoproj.io"

// rolloutServices are the Services that a Rollout names, by the field of its strategy that does.
var rolloutServices = map[string][]string{
	"canary":    {"canaryService", "stableService"},
	"blueGreen": {"activeService", "previewService"},
}

// roleNamed is the role of an object that a custom resource names, of a kind that is custom as well.
const roleNamed = "custom resource"

// routes are the kinds of the Gateway API that lead to Services.
var routes = map[string]bool{"HTTPRoute": true, "GRPCRoute": true, "TLSRoute": true, "TCPRoute": true, "UDPRoute": true}

// refers adds the objects that a custom resource names.
func (f facts) refers(value map[string]any) {
	gk := f.GroupKind()
	for _, n := range namedBy {
		if gk.Group == n.group && gk.Kind == n.kind {
			if ref, found, _ := unstructured.NestedMap(value, n.field...); found {
				f.named(ref, n.field[0]+"."+n.field[1], n.defaults, n.clusterKind, n.role)
			}
		}
	}
	switch {
	case gk.Group == "gateway.networking.k8s.io" && routes[gk.Kind]:
		f.eachBelow(value, "rules", "backendRefs", f.backend)
		gateway := schema.GroupKind{Group: gk.Group, Kind: "Gateway"}
		parents, _, _ := unstructured.NestedSlice(value, "spec", "parentRefs")
		for i, p := range parents {
			if ref, ok := p.(map[string]any); ok {
				f.named(ref, fmt.Sprintf("spec.parentRefs[%d]", i), gateway, "", roleNamed)
			}
		}
	case gk.Group == rolloutGroup && gk.Kind == "Rollout":
		for _, strategy := range sortedKeys(rolloutServices) {
			for _, field := range rolloutServices[strategy] {
				name, _, _ := unstructured.NestedString(value, "spec", "strategy", strategy, field)
				path := "spec.strategy." + strategy + "." + field
				f.refer(Ref{Kind: "Service", Name: name, Namespace: f.Object.Namespace, Path: path, Role: field})
			}
		}
	case gk.Group == "traefik.io" && gk.Kind == "IngressRoute":
		f.eachBelow(value, "routes", "services", f.backend)
	}
}

// named adds a reference that a field with kind and name makes.
func (f facts) named(ref map[string]any, path string, defaults schema.GroupKind, clusterKind, role string) {
	text := func(field string) string { s, _ := ref[field].(string); return s }
	group := cmp.Or(text("group"), defaults.Group)
	if version := text("apiVersion"); version != "" {
		group = schema.FromAPIVersionAndKind(version, "").Group
	}
	r := Ref{
		Group: group, Kind: cmp.Or(text("kind"), defaults.Kind), Name: text("name"), Path: path + ".name", Role: role,
		Namespace: cmp.Or(text("namespace"), f.Object.Namespace),
	}
	if r.Kind == clusterKind {
		r.Namespace = ""
	}
	if r.Name != "" && r.Kind != "" {
		f.refer(r)
	}
}

// eachBelow calls use for each item of a list in the items of another one: spec.rules[0].backendRefs[1].
func (f facts) eachBelow(value map[string]any, outer, inner string, use func(item map[string]any, path string)) {
	items, _, _ := unstructured.NestedSlice(value, "spec", outer)
	for i, item := range items {
		below, _ := item.(map[string]any)
		list, _ := below[inner].([]any)
		for j, entry := range list {
			if entry, ok := entry.(map[string]any); ok {
				use(entry, fmt.Sprintf("spec.%s[%d].%s[%d]", outer, i, inner, j))
			}
		}
	}
}

// backend adds the Service that a route leads to.
func (f facts) backend(b map[string]any, path string) {
	text := func(field string) string { s, _ := b[field].(string); return s }
	if text("group") != "" || cmp.Or(text("kind"), "Service") != "Service" || text("name") == "" {
		return
	}
	ref := Ref{
		Kind: "Service", Name: text("name"), Namespace: cmp.Or(text("namespace"), f.Object.Namespace),
		Path: path + ".name", Role: "backend",
	}
	switch port := b["port"].(type) {
	case int64:
		ref.Port = &Port{Number: int32(port), Path: path + ".port"}
	case float64:
		ref.Port = &Port{Number: int32(port), Path: path + ".port"}
	case string:
		ref.Port = &Port{Name: port, Path: path + ".port"}
	}
	f.refer(ref)
}
