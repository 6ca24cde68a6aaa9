package rules

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
)

const external = " Objects that exist outside the set are declared in the configuration (`external: " +
	"[Secret/shop/db-password]`) or with `--external`."

var referenceRules = []*lint.Rule{
	missing(
		lint.Rule{
			Name:        "config-map-missing",
			Title:       "ConfigMap that the set does not define",
			Equivalents: "kube-linter env-value-from, monokle LNK001",
			Doc:         "The pod waits in CreateContainerConfigError or ContainerCreating until the ConfigMap exists.",
		},
		ofKind("ConfigMap"),
	),
	missing(
		lint.Rule{
			Name:        "secret-missing",
			Title:       "Secret that the set does not define",
			Equivalents: "kube-linter env-value-from, popeye 304, monokle LNK001",
			Doc: "The pod waits in CreateContainerConfigError or ContainerCreating until the Secret exists, or its " +
				"image cannot be pulled; an Ingress serves a certificate that nobody trusts. " +
				"A Secret that a Certificate, an ExternalSecret, a SealedSecret or an annotation for cert-manager " +
				"brings about counts as defined, and so does one that a Job of the set creates.",
		},
		ofKind("Secret"),
	),
	missing(
		lint.Rule{
			Name:        "pvc-missing",
			Title:       "PersistentVolumeClaim that the set does not define",
			Equivalents: "monokle LNK001",
			Doc: "The pod stays Pending: the scheduler waits for the claim. The claims that a StatefulSet " +
				"makes for its pods count as defined.",
		},
		ofKind("PersistentVolumeClaim"),
	),
	missing(
		lint.Rule{
			Name:        "pv-missing",
			Title:       "PersistentVolume that the set does not define",
			Equivalents: "monokle LNK001",
			Doc:         "A claim that names its volume stays Pending until this very volume exists.",
		},
		ofKind("PersistentVolume"),
	),
	missing(
		lint.Rule{
			Name:  "service-account-missing",
			Title: "ServiceAccount that the set does not define",
			Equivalents: "kube-linter non-existent-service-account, popeye 307 and 507, monokle LNK001, kubescape " +
				"C-0307",
			Doc: "The API server refuses the pods; the workload itself is accepted and makes none.",
		},
		inRole("serviceAccountName"),
	),
	missing(
		lint.Rule{Name: "resource-claim-missing", Title: "ResourceClaim or its template that the set does not define",
			Doc: "The pod stays Pending: the scheduler waits for the claim."},
		inRole("resourceClaims"),
	),
	missing(
		lint.Rule{
			Name:  "hpa-target-missing",
			Title: "autoscaler for a workload that the set does not define",
			Equivalents: "kube-linter dangling-horizontalpodautoscaler, kube-score " +
				"horizontalpodautoscaler-has-target, popeye 600, kubescape C-0300",
			Doc: "The autoscaler finds nothing to scale and reports FailedGetScale. So does what a ScaledObject of KEDA " +
				"makes; a VerticalPodAutoscaler has nothing to observe, and a Rollout of Argo no pods to run. A target of " +
				"a custom kind is reported where the set defines others of the kind.",
		},
		scaleTarget,
	),
	missing(
		lint.Rule{Name: "priority-class-missing", Title: "PriorityClass that the set does not define", Optional: true,
			Doc: "The API server refuses the pods."},
		ofKind("PriorityClass"),
	),
	missing(lint.Rule{Name: "runtime-class-missing", Title: "RuntimeClass that the set does not define", Optional: true,
		Doc: "The API server refuses the pods."}, ofKind("RuntimeClass")),
	missing(lint.Rule{Name: "storage-class-missing", Title: "StorageClass that the set does not define", Optional: true,
		Doc: "The claim stays Pending, and with it the pods that use it."}, ofKind("StorageClass")),
	missing(lint.Rule{Name: "ingress-class-missing", Title: "IngressClass that the set does not define", Optional: true,
		Doc: "No controller takes the Ingress."}, ofKind("IngressClass")),
	missing(
		lint.Rule{
			Name:        "admission-policy-binding-dangling",
			Title:       "binding of an admission policy that the set does not define",
			Equivalents: "monokle LNK001",
			Doc:         "The binding does nothing.",
		},
		inRole("policyName"),
	),
	missing(
		lint.Rule{
			Name:        "rbac-role-missing",
			Title:       "binding to a role that the set does not define",
			Equivalents: "popeye 1300, monokle LNK001",
			Doc:         "The binding is accepted and grants nothing.",
		},
		inRole("roleRef"),
	),
	missing(
		lint.Rule{
			Name:        "rbac-subject-missing",
			Title:       "binding for a ServiceAccount that the set does not define",
			Equivalents: "popeye 1300, monokle LNK001",
			Doc: "The binding is accepted and grants nothing to anybody. Accounts of a namespace of which " +
				"the set describes nothing are not judged.",
		},
		func(set *lint.Set, r lint.Ref) bool { return r.Role == "subject" && set.Describes(r.Namespace) },
	),
	missing(lint.Rule{Name: "webhook-service-missing", Title: "webhook at a Service that the set does not define",
		Doc: "With failurePolicy Fail, the default, every request that the webhook matches is refused."},
		func(_ *lint.Set, r lint.Ref) bool { return strings.HasPrefix(r.Role, "webhook ") }),
	missing(
		lint.Rule{
			Name:  "ingress-service-missing",
			Title: "Ingress, route or Rollout to a Service that the set does not define",
			Equivalents: "kube-linter dangling-ingress, kube-score ingress-targets-service, popeye 1401, monokle " +
				"LNK001, kubescape C-0298 and C-0302",
			Doc: "Requests are answered with an error of the controller of the Ingress, or of the Gateway for an " +
				"HTTPRoute and the like.",
		},
		inRole("backend", "canaryService", "stableService", "activeService", "previewService"),
	),
	missing(
		lint.Rule{
			Name:  "custom-reference-missing",
			Title: "object that a custom resource names and the set does not define",
			Doc: "The issuer of a Certificate, the store of an ExternalSecret, the Gateway of a route: the controller " +
				"waits for it. It is reported where the set defines others of the kind, so that the name is probably wrong.",
		},
		func(set *lint.Set, r lint.Ref) bool {
			return r.Role == "custom resource" && len(set.Names(r.Group, r.Kind, r.Namespace)) > 0
		},
	),
	{
		Name:     "namespace-missing",
		Title:    "namespace that the set does not define",
		Severity: diag.Warning,
		Category: "config",
		Optional: true,
		Doc: "Objects cannot be created in a namespace that does not exist. It is told once a namespace." +
			external,
		CheckSet: checkNamespace,
	},
	{
		Name:        "resource-unused",
		Title:       "object that nothing in the set refers to",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Kinds:       []string{"ConfigMap", "Secret", "PersistentVolumeClaim"},
		Equivalents: "popeye 400",
		Doc: "Left over, or the name in the reference is misspelt. Namespaces with custom resources are " +
			"passed over: what these refer to is not known.",
		CheckSet: checkUnused,
	},
	{
		Name:        "config-key-unused",
		Title:       "key of a ConfigMap or Secret that nothing in the set reads",
		Severity:    diag.Info,
		Category:    "config",
		Optional:    true,
		Kinds:       []string{"ConfigMap", "Secret"},
		Equivalents: "popeye 401",
		Doc: "Each object that refers to it names single keys, and this one none of them does: it is left over, or its name is " +
			"misspelt at one of the two places. Namespaces with custom resources are passed over.",
		CheckSet: checkUnusedKeys,
	},
	{
		Name:        "network-policy-peer-selects-nothing",
		Title:       "NetworkPolicy peer that matches no pods of the set",
		Severity:    diag.Warning,
		Category:    "references",
		Kinds:       []string{"NetworkPolicy"},
		Equivalents: "kube-linter dangling-networkpolicypeer-podselector, popeye 1201",
		Doc: "A peer with a podSelector alone means pods of the policy's own namespace. When none is " +
			"chosen, nobody is let through. To mean pods of other namespaces, add a namespaceSelector.",
		CheckSet: checkPeers,
	},
	{
		Name:     "ingress-host-path-conflict",
		Title:    "two Ingresses for one host and path",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{"Ingress"},
		Doc: "Both are accepted; which of them gets the requests depends on the controller, usually the older " +
			"one.",
		CheckSet: checkClaims("the older one usually gets the requests: remove one path"),
	},
	{
		Name:     "node-port-conflict",
		Title:    "two Services on one port of the nodes",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{"Service"},
		Doc:      "The API server refuses the second Service: provided port is already allocated.",
		CheckSet: checkClaims("the API server refuses the second Service: leave nodePort out, or choose another"),
	},
	nodePortRange,
	{
		Name: "ingress-service-port-missing",
		Equivalents: "kube-linter dangling-ingress, kube-score ingress-targets-service, popeye 1402, kubescape " +
			"C-0298",
		Title:    "Ingress to a port that its Service does not have",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{"Ingress", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute", "IngressRoute"},
		Doc: "The backend names a port of the Service, by number or by name. A port that the Service does " +
			"not list leads nowhere.",
		CheckSet: checkIngressPort,
	},
	{
		Name:        "config-key-missing",
		Equivalents: "kube-linter env-value-from",
		Title:       "key that the ConfigMap or Secret does not have",
		Severity:    diag.Warning,
		Category:    "references",
		Doc: "The ConfigMap or Secret is part of the set but lacks the key. The container waits in " +
			"CreateContainerConfigError, or the volume cannot be mounted. One that is written without any key is " +
			"filled by somebody else and not judged.",
		CheckSet: checkKeys,
	},
	{
		Name:     "service-selects-no-pods",
		Title:    "Service whose selector matches no pods of the set",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{"Service"},
		Doc: "A Service sends its traffic to the pods that carry all labels of its selector. When the set has pods " +
			"in the namespace and none of them is chosen, a label is most likely misspelt. " +
			"A Service in a set without any pods in its namespace is not judged, unless it would match pods of " +
			"another one: its pods are elsewhere. Where custom resources may make pods that the set does not " +
			"show, only what is nearly right is reported.",
		Equivalents: "kube-linter dangling-service, kube-score service-targets-pod, popeye 1100, monokle LNK001, " +
			"kubescape C-0293",
		CheckSet: checkSelects,
	},
	{
		Name:        "pdb-selects-no-pods",
		Title:       "PodDisruptionBudget that protects no pods of the set",
		Severity:    diag.Warning,
		Category:    "references",
		Kinds:       []string{"PodDisruptionBudget"},
		Equivalents: "popeye 900",
		Doc: "The budget's selector matches none of the set's pods in the namespace, so that a drain may " +
			"take all of them at once. A budget in a set without any pods in its namespace is not judged.",
		CheckSet: checkSelects,
	},
	{
		Name: "network-policy-selects-no-pods",
		Equivalents: "kube-linter dangling-networkpolicy, kube-score networkpolicy-targets-pod, popeye 1200, " +
			"monokle LNK001, kubescape C-0299",
		Title:    "NetworkPolicy that applies to no pods of the set",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{"NetworkPolicy"},
		Doc: "The policy's podSelector matches none of the set's pods in the namespace. A policy in a set " +
			"without any pods in its namespace, and one with an empty selector, which means all pods, are not judged.",
		CheckSet: checkSelects,
	},
	{
		Name:        "service-target-port-missing",
		Equivalents: "popeye 1101 and 1106",
		Title:       "Service to a named port that its pods do not declare",
		Severity:    diag.Warning,
		Category:    "references",
		Kinds:       []string{"Service"},
		Doc: "A targetPort that is a name is looked up among the container ports of the chosen pods. When " +
			"none declares it, the Service has no endpoints for that port.",
		CheckSet: checkTargetPort,
	},
	{
		Name:     "service-protocol-mismatch",
		Title:    "Service port and container port of different protocols",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{"Service"},
		Doc: "The chosen pods declare the port, but for another protocol: UDP packets sent to a TCP port are " +
			"lost.",
		CheckSet: checkProtocol,
	},
	{
		Name:        "statefulset-service-invalid",
		Equivalents: "kube-score statefulset-has-servicename",
		Title:       "StatefulSet whose governing Service is absent or not headless",
		Severity:    diag.Warning,
		Category:    "references",
		Kinds:       []string{"StatefulSet"},
		Doc: "serviceName names the headless Service (clusterIP: None) that gives each pod its own DNS " +
			"name. Without it web-0.web does not resolve." + external,
		CheckSet: checkGoverningService,
	},
	{
		Name:     "workload-selectors-overlap",
		Title:    "two workloads that select each other's pods",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{"Deployment", "ReplicaSet", "StatefulSet", "DaemonSet", "ReplicationController"},
		Doc: "A controller adopts every pod without an owner that its selector matches, and an autoscaler counts " +
			"every pod that it matches, of whatever owner. " +
			"When a selector matches the pods of another workload as well, the two are mixed.",
		CheckSet: checkOverlap,
	},
}

// missing makes a rule that looks for those referred objects of which it speaks.
func missing(r lint.Rule, speaks func(*lint.Set, lint.Ref) bool) *lint.Rule {
	r.Severity, r.Category = diag.Warning, "references"
	r.Doc += " References that the API declares optional are passed over." + external
	r.CheckSet = func(p *lint.SetPass) error {
		for _, ref := range p.Resource.Refs {
			if !ref.Optional && speaks(p.Set, ref) && !p.Set.Has(ref) {
				p.Report(lint.Finding{
					Path:    ref.Path,
					Message: fmt.Sprintf("%s of %s is not in the set", ref, ref.Role),
					Help:    suggestName(p.Set, ref),
				})
			}
		}
		return nil
	}
	return &r
}

func ofKind(kind string) func(*lint.Set, lint.Ref) bool {
	return func(_ *lint.Set, r lint.Ref) bool { return r.Kind == kind && r.Role != "subject" }
}

// scaleTarget reports whether a reference is that of an autoscaler to a workload that the set should define: one of
// Kubernetes' own kinds, or of a custom one of which the set has others.
func scaleTarget(set *lint.Set, r lint.Ref) bool {
	own := schema.IsBuiltinGroup(r.Group) ||
		slices.Contains([]string{"Deployment", "StatefulSet", "ReplicaSet"}, r.Kind)
	return inRole("scaleTargetRef", "workloadRef")(set, r) && (own || len(set.Names(r.Group, r.Kind, r.Namespace)) > 0)
}

func inRole(roles ...string) func(*lint.Set, lint.Ref) bool {
	return func(_ *lint.Set, r lint.Ref) bool { return slices.Contains(roles, r.Role) }
}

// suggestName says what to do about a name that leads nowhere.
func suggestName(set *lint.Set, ref lint.Ref) string {
	if best := schema.DidYouMean(ref.Name, set.Names(ref.Group, ref.Kind, ref.Namespace)); best != "" &&
		len(ref.Name) > 2 {
		return fmt.Sprintf("did you mean %s?", best)
	}
	if other := set.Elsewhere(ref); other != nil {
		return fmt.Sprintf("there is one in namespace %s", other.Object.Namespace)
	}
	for _, group := range []string{"apps", "batch"} {
		if other := set.Get(group, ref.Kind, ref.Namespace, ref.Name); other != nil {
			return fmt.Sprintf("there is one of another API: write apiVersion %s", other.Object.APIVersion)
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
		if target == nil || ref.Optional || len(target.Keys) == 0 {
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
			p.Report(lint.Finding{Path: key.Path, Message: fmt.Sprintf("%s has no key %q", ref, key.Name), Help: detail,
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
		if service == nil || len(service.Ports) == 0 { // an ExternalName needs none
			continue
		}
		found := slices.ContainsFunc(service.Ports, func(o lint.Port) bool {
			return ref.Port.Name != "" && o.Name == ref.Port.Name || ref.Port.Name == "" && o.Number == ref.Port.Number
		})
		if !found {
			p.Report(lint.Finding{
				Path:    ref.Port.Path,
				Message: fmt.Sprintf("Service %s has no port %s", ref.Name, portName(*ref.Port)),
				Help:    "its ports are " + portList(service.Ports),
				Related: []lint.RelatedPath{{Of: service, Path: "spec.ports", Message: "the Service's ports"}},
			})
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
	if r.Selector == nil || len(r.Selector.MatchLabels) == 0 && len(r.Selector.MatchExpressions) == 0 ||
		first(p.Set.Selected(r)) != nil {
		return nil
	}
	f := lint.Finding{
		Path:    r.Selector.Path,
		OnKey:   true,
		Message: fmt.Sprintf("selector of %s matches no pods of the set", r.Object),
		Help:    "no pod template in the namespace carries all of these labels",
	}
	switch near, key := nearMiss(p.Set, r); {
	case near != nil:
		f.Help = fmt.Sprintf("%s labels its pods %s=%s", near.Object, key, near.PodLabels[key])
		if near.PodLabels[key] == "" {
			f.Help = fmt.Sprintf("%s does not label its pods with %s", near.Object, key)
		}
		f.Related = []lint.RelatedPath{{Of: near, Path: "metadata.name", Message: "the nearest candidate"}}
	case p.Set.MayCreatePods(r.Object.Namespace):
		return nil
	default:
		if astray := p.Set.Astray(r); astray != nil {
			f.Help = fmt.Sprintf(
				"%s has these labels, in another namespace: only pods of the own namespace are selected",
				astray.Object,
			)
			f.Related = []lint.RelatedPath{{Of: astray, Path: "metadata.name", Message: "pods of another namespace"}}
		} else if !p.Set.HasPodsIn(r.Object.Namespace) {
			return nil
		}
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
		for _, pods := range set.WithLabelKey(r.Object.Namespace, leave) {
			if schema.DidYouMean(r.Selector.MatchLabels[leave], []string{pods.PodLabels[leave]}) != "" {
				return pods, leave
			}
		}
	}
	return nil, ""
}

// checkTargetPort looks for a named port among the ports of the selected pods, as the endpoints
// controller does: by name and protocol, in any container that goes on running.
func checkTargetPort(p *lint.SetPass) error {
	for i, port := range p.Resource.Ports {
		if port.TargetName == "" || p.Resource.Selector == nil {
			continue
		}
		var chosen *lint.Resource
		var names []string
		declared := false
		for w := range p.Set.Selected(p.Resource) {
			chosen = cmp.Or(chosen, w)
			names = append(names, portNames(w.Ports)...)
			if declared = slices.Contains(names, port.TargetName); declared {
				break
			}
		}
		if declared || chosen == nil {
			continue
		}
		f := lint.Finding{
			Path:    fmt.Sprintf("spec.ports[%d].targetPort", i),
			Message: fmt.Sprintf("no container of %s declares a port named %q", chosen.Object, port.TargetName),
			Related: []lint.RelatedPath{{Of: chosen, Path: "metadata.name", Message: "selected here"}},
		}
		if best := schema.DidYouMean(port.TargetName, names); best != "" {
			f.Help = fmt.Sprintf("did you mean %s?", best)
		}
		p.Report(f)
	}
	return nil
}

func portNames(ports []lint.Port) (names []string) {
	for _, p := range ports {
		names = append(names, p.Name)
	}
	return names
}

// checkProtocol looks for pods that declare the target port for another protocol, and not for the
// Service's own.
func checkProtocol(p *lint.SetPass) error {
	if p.Resource.Selector == nil {
		return nil
	}
	for i, port := range p.Resource.Ports {
		for w := range p.Set.Selected(p.Resource) {
			other := ofOtherProtocol(w.Ports, port)
			if other == nil {
				continue
			}
			p.Report(lint.Finding{
				Path: fmt.Sprintf("spec.ports[%d]", i),
				Message: fmt.Sprintf(
					"port %s is %s here and %s in %s",
					cmp.Or(port.TargetName, fmt.Sprint(port.TargetNumber)),
					port.Protocol,
					other.Protocol,
					w.Object,
				),
				Help:    "protocol is TCP unless it says otherwise",
				Related: []lint.RelatedPath{{Of: w, Path: other.Path, Message: "the container's port"}},
			})
			break
		}
	}
	return nil
}

func ofOtherProtocol(ports []lint.Port, service lint.Port) (other *lint.Port) {
	for i := range ports {
		p := &ports[i]
		if service.TargetName != "" && p.Name != service.TargetName ||
			service.TargetName == "" && p.Number != service.TargetNumber {
			continue
		}
		if p.Protocol == service.Protocol {
			return nil
		}
		other = p
	}
	return other
}

func checkGoverningService(p *lint.SetPass) error {
	for _, ref := range p.Resource.Refs {
		if ref.Role != "serviceName" {
			continue
		}
		service := p.Set.Get("", "Service", ref.Namespace, ref.Name)
		switch {
		case service == nil && !p.Set.Has(ref):
			p.Report(lint.Finding{
				Path:    ref.Path,
				Message: fmt.Sprintf("governing Service %s is not in the set", ref.Name),
				Help:    suggestName(p.Set, ref),
			})
		case service != nil && !service.Headless:
			p.Report(lint.Finding{
				Path:    ref.Path,
				Message: fmt.Sprintf("governing Service %s is not headless", ref.Name),
				Help:    "set clusterIP: None on the Service, or name a headless one",
				Related: []lint.RelatedPath{{Of: service, Path: "spec", Message: "the Service"}},
			})
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
		if other == r || other.Selector == nil || !slices.Contains(p.Rule.Kinds, other.Object.Kind) ||
			other.Object == r.Object {
			continue
		}
		p.Report(lint.Finding{
			Path:    r.Selector.Path,
			OnKey:   true,
			Message: fmt.Sprintf("selector of %s also matches the pods of %s", r.Object, other.Object),
			Help:    "give each workload a label of its own and select by it",
			Related: []lint.RelatedPath{
				{Of: other, Path: "spec.selector", Message: "the other workload's selector"},
			},
		})
		return nil
	}
	return nil
}

func checkNamespace(p *lint.SetPass) error {
	namespace := p.Resource.Object.Namespace
	if namespace == "" || p.Set.Has(lint.Ref{Kind: "Namespace", Name: namespace}) ||
		p.Set.First(namespace) != p.Resource {
		return nil
	}
	p.Report(lint.Finding{
		Path:    "metadata.namespace",
		Message: fmt.Sprintf("Namespace %s is not in the set", namespace),
		Help:    suggestName(p.Set, lint.Ref{Kind: "Namespace", Name: namespace}),
	})
	return nil
}

func checkUnused(p *lint.SetPass) error {
	r := p.Resource
	if !p.Set.HasPodsIn(r.Object.Namespace) || p.Set.MayCreatePods(r.Object.Namespace) || p.Set.Referred(r) {
		return nil
	}
	p.Report(lint.Finding{
		Path:    "metadata.name",
		Message: fmt.Sprintf("nothing in the set refers to %s", r.Object),
		Help:    "remove it, or fix the name in the reference",
	})
	return nil
}

func checkUnusedKeys(p *lint.SetPass) error {
	r := p.Resource
	if !p.Set.HasPodsIn(r.Object.Namespace) || p.Set.MayCreatePods(r.Object.Namespace) {
		return nil
	}
	read, whole := map[string]bool{}, false
	for _, o := range p.Set.Referrers(r) {
		for _, ref := range o.Refs {
			if ref.Kind != r.Object.Kind || ref.Group != "" || ref.Name != r.Object.Name ||
				ref.Namespace != r.Object.Namespace {
				continue
			}
			whole = whole || len(ref.Keys) == 0
			for _, key := range ref.Keys {
				read[key.Name] = true
			}
		}
	}
	if whole || len(read) == 0 {
		return nil
	}
	for _, key := range r.Keys {
		if !read[key] {
			p.Report(lint.Finding{
				Path: keyPath(r, key), OnKey: r.Object.Kind == "ConfigMap",
				Message: fmt.Sprintf("nothing in the set reads the key %s", key),
				Help:    "remove it, or fix its name in the reference",
			})
		}
	}
	return nil
}

// keyPath returns where a key is shown: that of a Secret may be written in data or in stringData.
func keyPath(r *lint.Resource, key string) string {
	if r.Object.Kind == "Secret" {
		return "metadata.name"
	}
	return "data[" + key + "]"
}

func checkPeers(p *lint.SetPass) error {
	namespace := p.Resource.Object.Namespace
	if !p.Set.HasPodsIn(namespace) || p.Set.MayCreatePods(namespace) {
		return nil
	}
	for _, peer := range p.Resource.Peers {
		if first(p.Set.SelectedBy(namespace, &peer.LabelSelector)) == nil {
			p.Report(lint.Finding{
				Path:    peer.Path,
				OnKey:   true,
				Message: "no pods of the namespace match the peer's podSelector",
				Help:    "pods of other namespaces are meant by a namespaceSelector beside it",
			})
		}
	}
	return nil
}

// checkClaims finds what an earlier object of the same kind claims as well.
func checkClaims(detail string) func(*lint.SetPass) error {
	return func(p *lint.SetPass) error {
		for _, c := range p.Resource.Claims {
			other := p.Set.Claimants(p.Resource.Object.Kind, c)[0]
			if other.Object == p.Resource.Object {
				continue
			}
			related := lint.RelatedPath{Of: other, Message: "first claimed here"}
			for _, o := range other.Claims {
				if o.What == c.What {
					related.Path = o.Path
				}
			}
			p.Report(lint.Finding{
				Path:    c.Path,
				Message: fmt.Sprintf("%s has %s as well", other.Object, c.What),
				Help:    detail,
				Related: []lint.RelatedPath{related},
			})
		}
		return nil
	}
}

// first returns the first of some objects, or nil.
func first(list iter.Seq[*lint.Resource]) *lint.Resource {
	for r := range list {
		return r
	}
	return nil
}
