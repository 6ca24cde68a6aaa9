package rules

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

var networkRules = []*lint.Rule{
	{
		Name:     "network-policy-missing",
		Title:    "pods that no NetworkPolicy isolates",
		Severity: diag.Info,
		Category: "security",
		Optional: true,
		Kinds: []string{
			"Pod",
			"Deployment",
			"StatefulSet",
			"DaemonSet",
			"ReplicaSet",
			"ReplicationController",
			"Job",
			"CronJob",
			"DeploymentConfig",
			"Rollout",
		},
		Params: []lint.Param{
			{
				Name: "directions", Doc: "Ingress, Egress or both, as policyTypes has them; empty: either will do",
				Default: []string{"Ingress"}, Valid: policyTypes,
			},
		},
		URL: "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
		Equivalents: "kube-linter non-isolated-pod, kube-score pod-networkpolicy, polaris missingNetworkPolicy, " +
			"popeye 1204 and 1205, checkov CKV2_K8S_6, kubescape C-0030 and C-0260",
		Keeps: []string{ciliumPolicy, ciliumClusterPolicy},
		Doc: "Without a policy that selects them, every pod of the cluster may connect to these. Policies of Cilium count as " +
			"well. Pods on " +
			"the network of their node are passed over: policies do not apply to them.",
		CheckSet: func(p *lint.SetPass) error {
			if p.Resource.HostNetwork {
				return nil
			}
			directions := ciliumDirections(p)
			for policy := range p.Set.Selecting(networkingv1.GroupName, "NetworkPolicy", p.Resource) {
				if policy.Network == nil {
					continue // it could not be read
				}
				for _, t := range policy.Network.PolicyTypes {
					directions[t] = true
				}
			}
			wanted := p.Params.List("directions")
			missing := func(t string) bool { return !directions[networkingv1.PolicyType(t)] }
			switch {
			case len(directions) == 0 || slices.Contains(wanted, "Ingress") && missing("Ingress"):
				p.Report(lint.Finding{
					Path:    "metadata.name",
					Message: fmt.Sprintf("no NetworkPolicy of the set selects the pods of %s", p.Resource.Object),
					Help:    "add one that lets in what must come in",
				})
			case slices.ContainsFunc(wanted, missing):
				p.Report(lint.Finding{
					Path: "metadata.name",
					Message: fmt.Sprintf(
						"no NetworkPolicy of the set says where the pods of %s may connect to", p.Resource.Object,
					),
					Help: "add one that lets out what must go out",
				})
			}
			return nil
		},
	},
	{
		Name:        "namespace-network-policy-missing",
		Title:       "namespace without any NetworkPolicy",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"Namespace"},
		Keeps:       []string{ciliumPolicy, ciliumClusterPolicy},
		URL:         "https://kubernetes.io/docs/concepts/services-networking/network-policies/",
		Equivalents: "kubescape C-0049, C-0054 and C-0206",
		Doc: "Every pod of the cluster may connect to those that will run in the namespace. A policy that selects all pods " +
			"and allows nothing is a start. Policies of Cilium count as well.",
		CheckSet: func(p *lint.SetPass) error {
			name := p.Resource.Object.Name
			if len(p.Set.In(networkingv1.GroupName, "NetworkPolicy", name))+
				len(p.Set.In(ciliumGroup, ciliumPolicy, name)) > 0 ||
				len(coveringPolicies(p)) > 0 {
				return nil
			}
			p.Report(lint.Finding{
				Path:    "metadata.name",
				Message: fmt.Sprintf("no NetworkPolicy of the set is in namespace %s", name),
				Help:    "add one that denies what nobody allows",
			})
			return nil
		},
	},
	exposed(
		"service-type-node-port",
		"Service on a port of every node",
		corev1.ServiceTypeNodePort,
		"kube-linter exposed-services, kube-score service-type, popeye 1104, datree 7, monokle KBP114",
		"The Service is reachable past the Ingress, its TLS and its rules, on all nodes.",
	),
	exposed(
		"service-type-load-balancer",
		"Service with a load balancer of its own",
		corev1.ServiceTypeLoadBalancer,
		"kube-linter exposed-services, popeye 1103, monokle KBP114",
		"Each such Service costs an address, most often a public one, and has no TLS of its own.",
	),
	{
		Name:        "ingress-tls-missing",
		Title:       "Ingress without TLS",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"Ingress"},
		Equivalents: "polaris tlsSettingsMissing, kubescape C-0263",
		Doc:         "What users send and get can be read and changed on the way.",
		Check: eachIngress(func(p *lint.Pass, o *networkingv1.Ingress) {
			if len(o.Spec.TLS) == 0 {
				p.Report(lint.Finding{
					Path:    "spec",
					OnKey:   true,
					Message: "the Ingress has no tls",
					Help:    "add spec.tls with a Secret for its hosts",
				})
			}
		}),
	},
	{
		Name:        "ingress-host-wildcard",
		Title:       "Ingress for every host",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"Ingress"},
		Equivalents: "datree 6",
		Doc:         "A rule without a host answers for every name that leads to the controller, those of others too.",
		Check: eachIngress(func(p *lint.Pass, o *networkingv1.Ingress) {
			for i, rule := range o.Spec.Rules {
				if rule.Host == "" {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("spec.rules[%d].host", i),
						Message: "the rule holds for every host",
						Help:    "name the host",
					})
				}
			}
		}),
	},
	{
		Name:        "ingress-snippet-annotations",
		Title:       "configuration of nginx in an annotation",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"Ingress"},
		Equivalents: "datree 32, checkov CKV_K8S_152, CKV_K8S_153 and CKV_K8S_154",
		URL:         "https://kubernetes.github.io/ingress-nginx/user-guide/nginx-configuration/annotations-risk/",
		Doc: "Who may write an Ingress may so read all Secrets that the controller can read (CVE-2021-25742). " +
			"Controllers refuse such annotations unless they are told otherwise.",
		Check: eachIngress(func(p *lint.Pass, o *networkingv1.Ingress) {
			for _, key := range sortedKeys(o.Annotations) {
				if strings.HasPrefix(key, "nginx.ingress.kubernetes.io/") && strings.HasSuffix(key, "-snippet") {
					p.Report(lint.Finding{
						Path:    "metadata.annotations[" + key + "]",
						OnKey:   true,
						Message: fmt.Sprintf("annotation %s writes into the configuration of nginx", key),
					})
				}
			}
		}),
	},
}

// The range of node ports, unless the API server is given another one.
const firstNodePort, lastNodePort = 30000, 32767

var nodePortRange = &lint.Rule{
	Name:     "node-port-range",
	Title:    "port of the nodes that the API server does not give",
	Severity: diag.Warning,
	Category: "references",
	Kinds:    []string{"Service"},
	Doc: "The API server takes nodePort and healthCheckNodePort from 30000 to 32767, unless it runs with another " +
		"`--service-node-port-range`, and refuses a Service with another port.",
	Check: func(p *lint.Pass) error {
		o, ok := p.Object.(*corev1.Service)
		if !ok {
			return nil
		}
		report := func(path string, port int32) {
			written := p.Document.Find(path)
			if port >= firstNodePort && port <= lastNodePort || !written.Exact || written.Node.Null ||
				written.Node.Text == "0" {
				return // the server chooses one
			}
			p.Report(lint.Finding{
				Path: path,
				Message: fmt.Sprintf("port %d of the nodes is not between %d and %d, the range of which the API server gives ports",
					port, firstNodePort, lastNodePort),
				Help: "leave the field out, and Kubernetes chooses a port; targetPort is the port of the container",
			})
		}
		for i, port := range o.Spec.Ports {
			report(fmt.Sprintf("spec.ports[%d].nodePort", i), port.NodePort)
		}
		report("spec.healthCheckNodePort", o.Spec.HealthCheckNodePort)
		return nil
	},
}

func exposed(name, title string, kind corev1.ServiceType, peers, doc string) *lint.Rule {
	return &lint.Rule{
		Name:        name,
		Title:       title,
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		Kinds:       []string{"Service"},
		Equivalents: peers,
		Doc:         doc,
		Check: func(p *lint.Pass) error {
			if o, ok := p.Object.(*corev1.Service); ok && o.Spec.Type == kind {
				p.Report(lint.Finding{
					Path:    "spec.type",
					Message: fmt.Sprintf("the Service is of type %s", kind),
					Help:    "use ClusterIP and an Ingress or a Gateway",
				})
			}
			return nil
		},
	}
}

func eachIngress(f func(*lint.Pass, *networkingv1.Ingress)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		if o, ok := p.Object.(*networkingv1.Ingress); ok {
			f(p, o)
		}
		return nil
	}
}

// policyTypes reports what is wrong with a list of directions.
func policyTypes(value any) error {
	for _, name := range value.([]string) {
		if name != string(networkingv1.PolicyTypeIngress) && name != string(networkingv1.PolicyTypeEgress) {
			return fmt.Errorf("want Ingress or Egress, not %q", name)
		}
	}
	return nil
}
