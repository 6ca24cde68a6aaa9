package rules

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/internal/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
)

const external = " Objects that exist outside the set are declared in the configuration (`external: [Secret/shop/db-password]`) or with `--external`."

var referenceRules = []*lint.Rule{
	missing("config-map-missing", "ConfigMap", "ConfigMap that the set does not define", false,
		"The pod waits in CreateContainerConfigError or ContainerCreating until the ConfigMap exists."),
	missing("secret-missing", "Secret", "Secret that the set does not define", false,
		"The pod waits in CreateContainerConfigError or ContainerCreating until the Secret exists."),
	missing("pvc-missing", "PersistentVolumeClaim", "PersistentVolumeClaim that the set does not define", false,
		"The pod stays Pending: the scheduler waits for the claim."),
	missing("service-account-missing", "ServiceAccount", "ServiceAccount that the set does not define", false,
		"The API server refuses the pods; the workload itself is accepted and makes none."),
	missing("hpa-target-missing", "", "autoscaler for a workload that the set does not define", false,
		"The autoscaler finds nothing to scale and reports FailedGetScale."),
	missing("priority-class-missing", "PriorityClass", "PriorityClass that the set does not define", true,
		"The API server refuses the pods."),
	missing("runtime-class-missing", "RuntimeClass", "RuntimeClass that the set does not define", true,
		"The API server refuses the pods."),
	missing("storage-class-missing", "StorageClass", "StorageClass that the set does not define", true,
		"The claim stays Pending, and with it the pods that use it."),
	missing("ingress-class-missing", "IngressClass", "IngressClass that the set does not define", true,
		"No controller takes the Ingress."),
	missing("admission-policy-binding-dangling", "ValidatingAdmissionPolicy", "binding of an admission policy that the set does not define", false,
		"The binding does nothing."),
	missing("rbac-role-missing", "", "binding to a role that the set does not define", false,
		"The binding is accepted and grants nothing."),
	missing("rbac-subject-missing", "ServiceAccount", "binding for a ServiceAccount that the set does not define", false,
		"The binding is accepted and grants nothing to anybody."),
	missing("webhook-service-missing", "Service", "webhook at a Service that the set does not define", false,
		"With failurePolicy Fail, the default, every request that the webhook matches is refused."),
	missing("ingress-service-missing", "Service", "Ingress to a Service that the set does not define", false,
		"Requests are answered with an error of the Ingress controller."),
	{
		Name: "ingress-service-port-missing", Title: "Ingress to a port that its Service does not have", Severity: diag.Warning, Category: "references", Kinds: []string{"Ingress"},
		Doc:      "The backend names a port of the Service, by number or by name. A port that the Service does not list leads nowhere.",
		CheckSet: checkIngressPort,
	},
	{
		Name: "config-key-missing", Title: "key that the ConfigMap or Secret does not have", Severity: diag.Warning, Category: "references",
		Doc:      "The ConfigMap or Secret is part of the set but lacks the key. The container waits in CreateContainerConfigError, or the volume cannot be mounted.",
		CheckSet: checkKeys,
	},
	{
		Name: "service-selects-no-pods", Title: "Service whose selector matches no pods of the set", Severity: diag.Warning, Category: "references", Kinds: []string{"Service"},
		Doc: "A Service sends its traffic to the pods that carry all labels of its selector. When the set has pods in the namespace and none of them is chosen, a label is most likely misspelt. " +
			"A Service in a set without any pods in its namespace is not judged: its pods are elsewhere.",
		CheckSet: checkSelects,
	},
	{
		Name: "pdb-selects-no-pods", Title: "PodDisruptionBudget that protects no pods of the set", Severity: diag.Warning, Category: "references", Kinds: []string{"PodDisruptionBudget"},
		Doc:      "The budget's selector matches none of the set's pods in the namespace, so that a drain may take all of them at once. A budget in a set without any pods in its namespace is not judged.",
		CheckSet: checkSelects,
	},
	{
		Name: "network-policy-selects-no-pods", Title: "NetworkPolicy that applies to no pods of the set", Severity: diag.Warning, Category: "references", Kinds: []string{"NetworkPolicy"},
		Doc:      "The policy's podSelector matches none of the set's pods in the namespace. A policy in a set without any pods in its namespace, and one with an empty selector, which means all pods, are not judged.",
		CheckSet: checkSelects,
	},
	{
		Name: "service-target-port-missing", Title: "Service to a named port that its pods do not declare", Severity: diag.Warning, Category: "references", Kinds: []string{"Service"},
		Doc:      "A targetPort that is a name is looked up among the container ports of the chosen pods. When none declares it, the Service has no endpoints for that port.",
		CheckSet: checkTargetPort,
	},
	{
		Name: "service-protocol-mismatch", Title: "Service port and container port of different protocols", Severity: diag.Warning, Category: "references", Kinds: []string{"Service"},
		Doc:      "The chosen pods declare the port, but for another protocol: UDP packets sent to a TCP port are lost.",
		CheckSet: checkProtocol,
	},
	{
		Name: "statefulset-service-invalid", Title: "StatefulSet whose governing Service is absent or not headless", Severity: diag.Warning, Category: "references", Kinds: []string{"StatefulSet"},
		Doc:      "serviceName names the headless Service (clusterIP: None) that gives each pod its own DNS name. Without it web-0.web does not resolve." + external,
		CheckSet: checkGoverningService,
	},
	{
		Name: "workload-selectors-overlap", Title: "two workloads that select each other's pods", Severity: diag.Warning, Category: "references",
		Kinds:    []string{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"},
		Doc:      "Controllers of one namespace count, adopt and delete the pods that their selector matches. When it matches the pods of another workload as well, Services, budgets and autoscalers mix the two.",
		CheckSet: checkOverlap,
	},
}

// roles of references that a rule does not speak of, because another rule does.
var missingRole = map[string]func(*lint.Resource, lint.Ref) bool{
	"hpa-target-missing":      func(_ *lint.Resource, r lint.Ref) bool { return r.Role == "scaleTargetRef" },
	"rbac-role-missing":       func(_ *lint.Resource, r lint.Ref) bool { return r.Role == "roleRef" },
	"rbac-subject-missing":    func(_ *lint.Resource, r lint.Ref) bool { return r.Role == "subject" },
	"service-account-missing": func(_ *lint.Resource, r lint.Ref) bool { return r.Role == "serviceAccountName" },
	"webhook-service-missing": func(_ *lint.Resource, r lint.Ref) bool { return strings.HasPrefix(r.Role, "webhook ") },
	"ingress-service-missing": func(_ *lint.Resource, r lint.Ref) bool { return r.Role == "backend" },
}

// missing makes the rule that looks for referred objects of one kind.
func missing(name, kind, title string, optional bool, consequence string) *lint.Rule {
	return &lint.Rule{
		Name: name, Title: title, Severity: diag.Warning, Category: "references", Optional: optional,
		Doc: consequence + " References that the API declares optional are passed over." + external,
		CheckSet: func(p *lint.SetPass) error {
			for _, ref := range p.Resource.Refs {
				if kind != "" && ref.Kind != kind || ref.Optional || p.Set.Has(ref) {
					continue
				}
				if mine := missingRole[name]; mine != nil && !mine(p.Resource, ref) {
					continue
				}
				p.Report(lint.Finding{Path: ref.Path, Message: fmt.Sprintf("%s of %s is not in the set", ref, ref.Role), Detail: suggestName(p.Set, ref)})
			}
			return nil
		},
	}
}

// suggestName says what to do about a name that leads nowhere.
func suggestName(set *lint.Set, ref lint.Ref) string {
	if best := schema.DidYouMean(ref.Name, set.Names(ref.Group, ref.Kind, ref.Namespace)); best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	for _, other := range set.OfKind(ref.Group, ref.Kind) {
		if other.Object.Name == ref.Name {
			return fmt.Sprintf("there is one in namespace %s", other.Object.Namespace)
		}
	}
	declared := ref.Kind + "/" + ref.Name
	if ref.Namespace != "" {
		declared = ref.Kind + "/" + ref.Namespace + "/" + ref.Name
	}
	return fmt.Sprintf("add it to the set, or declare it with --external %s", declared)
}

func checkKeys(p *lint.SetPass) error {
	for _, ref := range p.Resource.Refs {
		target := p.Set.Get(ref.Group, ref.Kind, ref.Namespace, ref.Name)
		if target == nil || ref.Optional {
			continue
		}
		for _, key := range ref.Keys {
			if slices.Contains(target.Keys, key.Name) {
				continue
			}
			detail := "its keys are " + strings.Join(target.Keys, ", ")
			if best := schema.DidYouMean(key.Name, target.Keys); best != "" {
				detail = fmt.Sprintf("did you mean %s?", best)
			}
			p.Report(lint.Finding{Path: key.Path, Message: fmt.Sprintf("%s has no key %q", ref, key.Name), Detail: detail,
				Related: []lint.RelatedPath{{Of: target, Path: "metadata.name", Message: "defined here"}}})
		}
	}
	return nil
}

func checkIngressPort(p *lint.SetPass) error {
	for _, ref := range p.Resource.Refs {
		if ref.Port == nil {
			continue
		}
		service := p.Set.Get("", "Service", ref.Namespace, ref.Name)
		if service == nil {
			continue
		}
		found := slices.ContainsFunc(service.Ports, func(o lint.Port) bool {
			return ref.Port.Name != "" && o.Name == ref.Port.Name || ref.Port.Name == "" && o.Number == ref.Port.Number
		})
		if !found {
			p.Report(lint.Finding{Path: ref.Port.Path, Message: fmt.Sprintf("Service %s has no port %s", ref.Name, portName(*ref.Port)), Detail: "its ports are " + portList(service.Ports),
				Related: []lint.RelatedPath{{Of: service, Path: "spec.ports", Message: "the Service's ports"}}})
		}
	}
	return nil
}

func portName(p lint.Port) string {
	if p.Name != "" {
		return p.Name
	}
	return fmt.Sprint(p.Number)
}

func portList(ports []lint.Port) string {
	var list []string
	for _, p := range ports {
		text := fmt.Sprint(p.Number)
		if p.Name != "" {
			text += " (" + p.Name + ")"
		}
		list = append(list, text)
	}
	return strings.Join(list, ", ")
}

func checkSelects(p *lint.SetPass) error {
	r := p.Resource
	if r.Selector == nil || len(r.Selector.MatchLabels) == 0 && len(r.Selector.MatchExpressions) == 0 || !p.Set.HasPodsIn(r.Object.Namespace) {
		return nil
	}
	for range p.Set.Selected(r) {
		return nil
	}
	f := lint.Finding{Path: r.Selector.Path, OnKey: true, Message: fmt.Sprintf("selector of %s matches no pods of the set", r.Object), Detail: "no pod template in the namespace carries all of these labels"}
	if near, key := nearMiss(p.Set, r); near != nil {
		f.Detail = fmt.Sprintf("%s labels its pods %s=%s", near.Object, key, near.PodLabels[key])
		if near.PodLabels[key] == "" {
			f.Detail = fmt.Sprintf("%s does not label its pods with %s", near.Object, key)
		}
		f.Related = []lint.RelatedPath{{Of: near, Path: "metadata.name", Message: "the nearest candidate"}}
	}
	p.Report(f)
	return nil
}

// nearMiss finds pods that differ from a selector in one label only: it has another value, or is
// not there; of a single label the value must be much like the one asked for.
func nearMiss(set *lint.Set, r *lint.Resource) (*lint.Resource, string) {
	if len(r.Selector.MatchExpressions) > 0 {
		return nil, ""
	}
	for _, leave := range sortedKeys(r.Selector.MatchLabels) {
		rest := maps.Clone(r.Selector.MatchLabels)
		delete(rest, leave)
		if pods := set.Labelled(r.Object.Namespace, rest); pods != nil {
			return pods, leave
		}
		if len(rest) > 0 {
			continue
		}
		candidates := set.WithLabelKey(r.Object.Namespace, leave)
		for _, pods := range candidates[:min(len(candidates), maxCandidates)] {
			if schema.DidYouMean(r.Selector.MatchLabels[leave], []string{pods.PodLabels[leave]}) != "" {
				return pods, leave
			}
		}
	}
	return nil, ""
}

// maxCandidates bounds the search for something alike: it is a courtesy, and must not take long.
const maxCandidates = 100

func checkTargetPort(p *lint.SetPass) error {
	for i, port := range p.Resource.Ports {
		if port.TargetName == "" || p.Resource.Selector == nil {
			continue
		}
		pods := slices.Collect(p.Set.Selected(p.Resource))
		var names []string
		for _, w := range pods {
			for _, o := range w.Ports {
				names = append(names, o.Name)
			}
		}
		if len(pods) == 0 || slices.Contains(names, port.TargetName) {
			continue
		}
		f := lint.Finding{Path: fmt.Sprintf("spec.ports[%d].targetPort", i), Message: fmt.Sprintf("no container of %s declares a port named %q", pods[0].Object, port.TargetName),
			Related: []lint.RelatedPath{{Of: pods[0], Path: "metadata.name", Message: "selected here"}}}
		if best := schema.DidYouMean(port.TargetName, names); best != "" {
			f.Detail = fmt.Sprintf("did you mean %s?", best)
		}
		p.Report(f)
	}
	return nil
}

func checkProtocol(p *lint.SetPass) error {
	if p.Resource.Selector == nil {
		return nil
	}
	for i, port := range p.Resource.Ports {
		target := port.TargetNumber
		if target == 0 {
			continue
		}
		for w := range p.Set.Selected(p.Resource) {
			var other *lint.Port
			for j := range w.Ports {
				if o := &w.Ports[j]; o.Number == target {
					if o.Protocol == port.Protocol {
						other = nil
						break
					}
					other = o
				}
			}
			if other != nil {
				p.Report(lint.Finding{Path: fmt.Sprintf("spec.ports[%d]", i), Message: fmt.Sprintf("port %d is %s here and %s in %s", target, port.Protocol, other.Protocol, w.Object),
					Related: []lint.RelatedPath{{Of: w, Path: other.Path, Message: "the container's port"}}})
				break
			}
		}
	}
	return nil
}

func checkGoverningService(p *lint.SetPass) error {
	for _, ref := range p.Resource.Refs {
		if ref.Role != "serviceName" {
			continue
		}
		service := p.Set.Get("", "Service", ref.Namespace, ref.Name)
		switch {
		case service == nil && !p.Set.Has(ref):
			p.Report(lint.Finding{Path: ref.Path, Message: fmt.Sprintf("governing Service %s is not in the set", ref.Name), Detail: suggestName(p.Set, ref)})
		case service != nil && !service.Headless:
			p.Report(lint.Finding{Path: ref.Path, Message: fmt.Sprintf("governing Service %s is not headless", ref.Name), Detail: "set clusterIP: None on the Service, or name a headless one",
				Related: []lint.RelatedPath{{Of: service, Path: "spec", Message: "the Service"}}})
		}
	}
	return nil
}

func checkOverlap(p *lint.SetPass) error {
	r := p.Resource
	if r.Selector == nil || len(r.Selector.MatchLabels) == 0 && len(r.Selector.MatchExpressions) == 0 {
		return nil
	}
	for other := range p.Set.Selected(r) {
		if other == r || other.Selector == nil || !slices.Contains(p.Rule.Kinds, other.Object.Kind) || other.Object == r.Object {
			continue
		}
		p.Report(lint.Finding{Path: r.Selector.Path, OnKey: true, Message: fmt.Sprintf("selector of %s also matches the pods of %s", r.Object, other.Object), Detail: "give each workload a label of its own and select by it",
			Related: []lint.RelatedPath{{Of: other, Path: "spec.selector", Message: "the other workload's selector"}}})
		return nil
	}
	return nil
}
