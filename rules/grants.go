package rules

import (
	"encoding/json"
	"fmt"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

const gatewayGroup, referenceGrant = "gateway.networking.k8s.io", "ReferenceGrant"

// grantKinds are the kinds of the Gateway API that may refer to objects of other namespaces if these allow it.
var grantKinds = []string{"HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute", "Gateway"}

var grantRules = []*lint.Rule{{
	Name:     "reference-not-granted",
	Title:    "route or Gateway that refers to another namespace without its permission",
	Severity: diag.Warning,
	Category: "references",
	Kinds:    grantKinds,
	Keeps:    append([]string{referenceGrant}, grantKinds...),
	URL:      "https://gateway-api.sigs.k8s.io/api-types/referencegrant/",
	Doc: "A Service or Secret in another namespace can be used only if a ReferenceGrant there allows it; without one, " +
		"requests get the status 500, and a listener does not start. It is reported where the set holds the object that " +
		"is referred to.",
	CheckSet: checkGrants,
}}

func checkGrants(p *lint.SetPass) error {
	o := p.Resource
	if o.GroupKind().Group != gatewayGroup {
		return nil
	}
	for _, ref := range append(certificates(o), o.Refs...) {
		if ref.Group != "" || ref.Namespace == o.Object.Namespace ||
			p.Set.Get("", ref.Kind, ref.Namespace, ref.Name) == nil ||
			granted(p.Set, o, ref) {
			continue
		}
		p.Report(lint.Finding{
			Path:    ref.Path,
			Message: fmt.Sprintf("%s is in another namespace, and no ReferenceGrant there allows the reference", ref),
			Help: fmt.Sprintf(
				"add a ReferenceGrant to namespace %s: from %s in namespace %s, to %s",
				ref.Namespace, o.Object.Kind, o.Object.Namespace, ref.Kind,
			),
		})
	}
	return nil
}

// certificates returns the Secrets that the listeners of a Gateway use.
func certificates(o *lint.Resource) (refs []lint.Ref) {
	var gateway struct {
		Spec struct {
			Listeners []struct {
				TLS struct {
					CertificateRefs []struct{ Group, Kind, Namespace, Name string }
				}
			}
		}
	}
	if o.Object.Kind != "Gateway" || json.Unmarshal(written(o), &gateway) != nil {
		return nil
	}
	for i, l := range gateway.Spec.Listeners {
		for j, c := range l.TLS.CertificateRefs {
			if c.Group == "" && (c.Kind == "" || c.Kind == "Secret") && c.Namespace != "" {
				refs = append(refs, lint.Ref{
					Kind: "Secret", Namespace: c.Namespace, Name: c.Name,
					Path: fmt.Sprintf("spec.listeners[%d].tls.certificateRefs[%d].namespace", i, j),
				})
			}
		}
	}
	return refs
}

// granted reports whether a ReferenceGrant of the set allows a reference.
func granted(set *lint.Set, from *lint.Resource, to lint.Ref) bool {
	for _, g := range set.In(gatewayGroup, referenceGrant, to.Namespace) {
		var grant struct {
			Spec struct {
				From []struct{ Group, Kind, Namespace string }
				To   []struct{ Group, Kind, Name string }
			}
		}
		if json.Unmarshal(written(g), &grant) != nil {
			return true // it is not known what it allows
		}
		for _, f := range grant.Spec.From {
			for _, t := range grant.Spec.To {
				if f.Group == gatewayGroup && f.Kind == from.Object.Kind && f.Namespace == from.Object.Namespace &&
					t.Group == "" && t.Kind == to.Kind && (t.Name == "" || t.Name == to.Name) {
					return true
				}
			}
		}
	}
	return false
}
