package rules

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
)

var rbacMatchRules = []*lint.Rule{
	{
		Name:     "rbac-rule-matches-nothing",
		Title:    "rule of a role that grants nothing",
		Severity: diag.Warning,
		Category: "security",
		URL:      "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources",
		Kinds:    []string{"Role", "ClusterRole"},
		Doc: "The API server takes any text for a group, resource or verb. A resource in the singular, in another group, with a " +
			"version in its group, or of the whole cluster in a Role is asked for by nobody, and the bearer of the role is " +
			"refused. Groups that are not Kubernetes' own, and resources that any Kubernetes since 1.20 has, are passed over.",
		Check: func(p *lint.Pass) error {
			var rules []rbacv1.PolicyRule
			_, namespaced := p.Object.(*rbacv1.Role)
			switch o := p.Object.(type) {
			case *rbacv1.Role:
				rules = o.Rules
			case *rbacv1.ClusterRole:
				rules = o.Rules
			}
			for i := range rules {
				r := policyRule{p, &rules[i], rules, fmt.Sprintf("rules[%d]", i), namespaced}
				r.groups()
				r.resources()
				r.verbs()
				r.names()
			}
			return nil
		},
	},
}

// policyRule is a rule of a role under judgement.
type policyRule struct {
	*lint.Pass
	rule       *rbacv1.PolicyRule
	all        []rbacv1.PolicyRule
	path       string
	namespaced bool // of a Role
}

func (r *policyRule) say(field string, i int, message, help, meant string) {
	f := lint.Finding{Path: fmt.Sprintf("%s.%s[%d]", r.path, field, i), Message: message, Help: help}
	if meant != "" {
		f.Help = fmt.Sprintf("did you mean %s?", meant)
		f.Fixes = []lint.PathFix{{Path: f.Path, NewText: strconv.Quote(meant), Message: "write " + meant}}
	}
	r.Report(f)
}

var versionedGroup = regexp.MustCompile(`(?:^|/)v[0-9]+(?:(?:alpha|beta)[0-9]+)?$`)

// groups finds groups that no resource has.
func (r *policyRule) groups() {
	for i, group := range r.rule.APIGroups {
		switch {
		case group == "core":
			r.say("apiGroups", i, `no group is called core: that of Pods and Services is ""`, `write ""`, "")
		case versionedGroup.MatchString(group):
			bare := strings.TrimSuffix(strings.TrimSuffix(group, versionedGroup.FindString(group)), "/")
			if bare == "" {
				r.say(
					"apiGroups", i, fmt.Sprintf("%q is a version, not a group", group),
					`the group of Pods and Services is ""`, "",
				)
			} else {
				r.say("apiGroups", i, fmt.Sprintf("group %q has a version", group), "", bare)
			}
		}
	}
}

// own reports whether all groups of the rule are Kubernetes' own, so that their resources are known.
func (r *policyRule) own() bool {
	return len(r.rule.APIGroups) > 0 && !slices.ContainsFunc(r.rule.APIGroups, func(g string) bool {
		return g == "*" || g == "core" || g != "" && !schema.IsBuiltinGroup(g)
	})
}

func (r *policyRule) resources() {
	own := r.own()
	for i, name := range r.rule.Resources {
		base, sub, _ := strings.Cut(name, "/")
		if sub == "*" && base != "*" && (own || slices.Contains(r.rule.APIGroups, "*")) {
			r.say("resources", i,
				fmt.Sprintf("%s matches nothing: * stands for all resources, */status for that of all", name),
				"name the subresources", "")
		}
		if !own {
			r.clusterScoped(i, name, base)
			continue
		}
		if strings.Contains(base, "*") {
			continue
		}
		var found []*schema.Kind
		for _, group := range r.rule.APIGroups {
			found = append(found, latestResources()[groupResource{group, base}]...)
		}
		for _, group := range r.rule.APIGroups {
			if len(found) == 0 {
				found = resourceKinds()[groupResource{group, base}]
			}
		}
		switch {
		case len(found) == 0:
			r.unknownResource(i, base)
		case r.namespaced && base != "namespaces" && r.plain() &&
			!slices.ContainsFunc(found, func(k *schema.Kind) bool { return k.Namespaced }):
			r.say(
				"resources", i, fmt.Sprintf("%s live in no namespace: a Role grants nothing of them", base),
				"use a ClusterRole and a ClusterRoleBinding", "",
			)
		}
	}
}

// clusterScoped finds a resource that lives in no namespace in a Role of all groups.
func (r *policyRule) clusterScoped(i int, name, base string) {
	if !r.namespaced || !slices.Contains(r.rule.APIGroups, "*") || base == "namespaces" || !r.plain() {
		return
	}
	found := false
	for of, kinds := range resourceKinds() {
		if of.resource != base {
			continue
		}
		if slices.ContainsFunc(kinds, func(k *schema.Kind) bool { return k.Namespaced }) {
			return
		}
		found = true
	}
	if found {
		r.say("resources", i, fmt.Sprintf("%s live in no namespace: a Role grants nothing of them", name),
			"use a ClusterRole and a ClusterRoleBinding", "")
	}
}

// plain reports whether the rule has no verbs that are asked for in a namespace whatever they are about: use, bind.
func (r *policyRule) plain() bool {
	return !slices.ContainsFunc(
		r.rule.Verbs, func(v string) bool { return v == "use" || v == "bind" || v == "escalate" },
	)
}

// unknownResource says what was meant by a resource that no group of the rule has.
func (r *policyRule) unknownResource(i int, name string) {
	message := fmt.Sprintf("no resource %s in group %q", name, r.rule.APIGroups[0])
	if len(r.rule.APIGroups) > 1 {
		message = fmt.Sprintf("no resource %s in the groups %q", name, r.rule.APIGroups)
	}
	var names, elsewhere []string
	for of, kinds := range resourceKinds() {
		if of.resource == name {
			elsewhere = append(elsewhere, strconv.Quote(of.group))
		}
		if !slices.Contains(r.rule.APIGroups, of.group) {
			continue
		}
		names = append(names, of.resource)
		for _, k := range kinds {
			if strings.EqualFold(k.Kind, name) || k.Singular == strings.ToLower(name) ||
				slices.Contains(k.ShortNames, name) {
				r.say("resources", i, message, "", of.resource+strings.TrimPrefix(r.rule.Resources[i], name))
				return
			}
		}
	}
	slices.Sort(elsewhere)
	switch {
	case len(elsewhere) > 0:
		r.say("resources", i, message, "it is in "+strings.Join(slices.Compact(elsewhere), " and "), "")
	default:
		slices.Sort(names)
		r.say("resources", i, message, "`kubectl api-resources` lists them", schema.DidYouMean(name, names))
	}
}

// wrongVerbs are words that people write for verbs, and what is meant.
var wrongVerbs = map[string]string{
	"read": "get", "view": "get", "describe": "get", "write": "update", "edit": "update", "modify": "update",
	"put":  "update",
	"post": "create", "add": "create", "remove": "delete", "apply": "patch", "all": "*", "any": "*", "exec": "create",
	"ls": "list", "replace": "update",
}

var verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}

// verbs finds words that are no verbs of the API server.
func (r *policyRule) verbs() {
	if !r.own() {
		return
	}
	for i, verb := range r.rule.Verbs {
		if slices.Contains(verbs, verb) {
			continue
		}
		meant := wrongVerbs[strings.ToLower(verb)]
		if slices.Contains(verbs, strings.ToLower(verb)) {
			meant = strings.ToLower(verb)
		}
		if meant != "" {
			r.say("verbs", i, fmt.Sprintf("%s is no verb of these resources", verb), "", meant)
		}
	}
}

// names finds a grant of create by name, which is refused: the name is not known when an object is created. Only who
// may apply or update as well can make use of it.
func (r *policyRule) names() {
	at := slices.Index(r.rule.Verbs, "create")
	if at < 0 || overlap(r.rule.Verbs, []string{"patch", "update"}) || len(r.rule.ResourceNames) == 0 ||
		slices.ContainsFunc(r.rule.Resources, func(n string) bool { return strings.Contains(n, "/") }) {
		return
	}
	for _, o := range r.all {
		if len(o.ResourceNames) == 0 && overlap(o.Verbs, []string{"create"}) && overlap(o.Resources, r.rule.Resources) {
			return
		}
	}
	r.say(
		"verbs", at, "create cannot be granted by name: it is refused", "grant create in a rule without resourceNames",
		"",
	)
}

type groupResource struct{ group, resource string }

// latestResources returns the kinds of each resource that the latest Kubernetes serves.
var latestResources = sync.OnceValue(func() map[groupResource][]*schema.Kind {
	return resourcesOf([]string{schema.Latest})
})

// resourceKinds returns the kinds of each resource that any known Kubernetes serves.
var resourceKinds = sync.OnceValue(func() map[groupResource][]*schema.Kind {
	all := resourcesOf(schema.Versions())
	// Authorization asks for these groups although objects are served by others, or by none that has schemas.
	for _, r := range []string{"users", "groups", "serviceaccounts", "userextras", "uids"} {
		all[groupResource{"", r}] = append(all[groupResource{"", r}], &schema.Kind{Namespaced: r == "serviceaccounts"})
		all[groupResource{"authentication.k8s.io", r}] = append(
			all[groupResource{"authentication.k8s.io", r}], &schema.Kind{},
		)
	}
	for _, r := range []string{"signers", "selfsubjectreviews", "attestations"} {
		all[groupResource{"certificates.k8s.io", r}] = append(
			all[groupResource{"certificates.k8s.io", r}], &schema.Kind{},
		)
	}
	for _, r := range []string{
		"daemonsets", "deployments", "replicasets", "networkpolicies", "podsecuritypolicies", "ingresses",
	} {
		at := groupResource{"extensions", r} // roles keep it for clusters of long ago
		all[at] = append(all[at], &schema.Kind{Namespaced: true})
	}
	return all
})

func resourcesOf(versions []string) map[groupResource][]*schema.Kind {
	all := map[groupResource][]*schema.Kind{}
	for _, version := range versions {
		store, err := schema.Open(version)
		if err != nil {
			panic(err) // what is embedded cannot be read: a defect of the build
		}
		for _, k := range store.Kinds() {
			if k.Resource != "" {
				at := groupResource{k.Group, k.Resource}
				all[at] = append(all[at], k)
			}
		}
	}
	return all
}

// rbacGrantRules are the grants that the RBAC good practices of Kubernetes warn of.
var rbacGrantRules = []*lint.Rule{
	grants("rbac-token-create", "role that may make tokens of ServiceAccounts", "kubescape C-0282",
		"A token of an account gives all its rights.",
		access("make tokens of ServiceAccounts", "", []string{"serviceaccounts/token"}, "create")),
	ofCluster(grants("rbac-nodes-proxy", "role that may reach the kubelet through nodes/proxy", "checkov "+
		"CKV2_K8S_2, kubescape C-0279",
		"Who reaches the API of the kubelet may run commands in every pod of the node, past audit and admission. get is "+
			"enough: a websocket needs no more.",
		access("reach the kubelet's API", "", []string{"nodes/proxy"}, "get", "create"))),
	ofCluster(grants("rbac-persistent-volume-create", "role that may make PersistentVolumes", "kubescape C-0278",
		"A PersistentVolume may be of type hostPath, and gives its pods the files of a node.",
		access("make PersistentVolumes", "", []string{"persistentvolumes"}, "create"))),
	ofCluster(grants("rbac-csr-approve", "role that may approve certificates", "checkov CKV_K8S_156, kubescape "+
		"C-0280",
		"Who approves certificate signing requests for the signer of client certificates gives himself any user and group.",
		access(
			"approve certificates", "certificates.k8s.io", []string{"certificatesigningrequests/approval"}, "update",
			"patch",
		))),
	ofCluster(grants("rbac-webhook-write", "role that may change admission webhooks", "checkov CKV_K8S_155, "+
		"kubescape C-0281",
		"A webhook reads every object that is admitted, Secrets among them, and may change it.",
		access("change admission webhooks", "admissionregistration.k8s.io",
			[]string{"validatingwebhookconfigurations", "mutatingwebhookconfigurations"}, "create", "update",
			"patch"))),
	grants("rbac-namespace-label", "role that may change namespaces", "kubescape C-0264",
		"The labels of a namespace choose its Pod Security level and which network policies let it in.",
		access("change namespaces", "", []string{"namespaces"}, "update", "patch")),
	grants("rbac-workload-create", "role that may make workloads", "kubescape C-0188",
		"Who makes workloads makes pods, and so may use every ServiceAccount, Secret and ConfigMap of the namespace.",
		access(
			"make workloads", "apps", []string{"deployments", "statefulsets", "daemonsets", "replicasets"}, "create",
		)),
}

// ofCluster makes a rule one of ClusterRoles alone: what it is about lives in no namespace.
func ofCluster(r *lint.Rule) *lint.Rule {
	r.Kinds = []string{"ClusterRole"}
	return r
}

// workloads are the kinds that make pods, by group.
var workloads = map[string][]string{
	"":      {"pods", "replicationcontrollers"},
	"apps":  {"deployments", "statefulsets", "daemonsets", "replicasets"},
	"batch": {"jobs", "cronjobs"},
}

var changing = []string{"create", "update", "patch", "delete", "deletecollection", "impersonate"}

// rbacWriteRules are grants of writing that benchmarks ask to review.
var rbacWriteRules = []*lint.Rule{
	grants("rbac-secret-write", "role that may change Secrets", "trivy KSV041 and KSV113",
		"Who changes a Secret decides which passwords and certificates pods believe. Rules that name the Secrets "+
			"(resourceNames) are passed over.",
		access("change Secrets", "", []string{"secrets"}, changing...)),
	grants("rbac-config-map-write", "role that may change ConfigMaps", "trivy KSV049 and KSV115, kubescape C-0037",
		"ConfigMaps configure more than programs: that of CoreDNS decides where names lead, and aws-auth who is who.",
		func(r *rbacv1.PolicyRule) (string, string) {
			if overlap(r.APIGroups, []string{""}) && overlap(r.Resources, []string{"configmaps"}) &&
				overlap(r.Verbs, changing) {
				return "resources", "the role may change ConfigMaps"
			}
			return "", ""
		}),
	grants("rbac-network-write", "role that may change the ways of traffic", "trivy KSV056",
		"Who changes Services, endpoints, Ingresses or network policies can read and redirect the traffic of others.",
		anyOf(access("change Services", "", []string{"services", "endpoints"}, changing...),
			access("change endpoints", "discovery.k8s.io", []string{"endpointslices"}, changing...),
			access(
				"change Ingresses and network policies", "networking.k8s.io", []string{"ingresses", "networkpolicies"},
				changing...,
			))),
	grants("rbac-role-write", "role that may change roles or bindings",
		"trivy KSV050, KSV051, KSV052 and KSV055, checkov CKV2_K8S_1",
		"Who may write bindings may hand out every role that he has himself, and with bind or escalate every other one.",
		access("change roles and bindings", rbacv1.GroupName,
			[]string{"roles", "clusterroles", "rolebindings", "clusterrolebindings"}, "create", "update", "patch")),
	grants("rbac-workload-write", "role that may change workloads", "trivy KSV048",
		"Who changes a workload changes what runs with the rights of its ServiceAccount.",
		anyOf(access("change pods", "", workloads[""], changing...),
			access("change workloads", "apps", workloads["apps"], changing...),
			access("change jobs", "batch", workloads["batch"], changing...))),
	grants("rbac-delete", "role that may delete what others run", "kubescape C-0007",
		"Deleting is the shortest way to an outage. Grant it to those who create the same objects.",
		anyOf(access("delete objects", "", []string{"secrets", "pods", "services"}, "delete", "deletecollection"),
			access("delete workloads", "apps", workloads["apps"], "delete", "deletecollection"),
			access("delete jobs", "batch", workloads["batch"], "delete", "deletecollection"))),
	grants("rbac-log-delete", "role that may delete the logs of pods", "trivy KSV042",
		"Who deletes logs deletes traces.",
		access("delete the logs of pods", "", []string{"pods/log"}, "delete", "deletecollection")),
	grants("rbac-event-delete", "role that may delete events", "kubescape C-0031",
		"Events tell what happened to pods and nodes. Who deletes them deletes traces.",
		anyOf(access("delete events", "", []string{"events"}, "delete", "deletecollection"),
			access("delete events", "events.k8s.io", []string{"events"}, "delete", "deletecollection"))),
	grants("rbac-port-forward", "role that may open ports of pods", "kubescape C-0063",
		"portforward reaches every port of the pods, past network policies and what is in front of them.",
		access("open ports of pods", "", []string{"pods/portforward"}, "create", "get")),
	grants("rbac-service-status-write", "role that may change the status of Services", "checkov CKV2_K8S_4",
		"The status names the addresses of a load balancer: nodes send what goes to them to the Service, whoever owns them "+
			"(CVE-2020-8554).",
		access("change the status of Services", "", []string{"services/status"}, "update", "patch")),
	{
		Name:        "rbac-authenticated",
		Title:       "rights for everybody with an account",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         rbacURL,
		Equivalents: "trivy KSV1011, kubescape C-0265",
		Doc: "system:authenticated are all users and all ServiceAccounts, those of every pod among them, and in some clouds " +
			"everybody with an account there. The roles that every cluster grants to all are passed over.",
		Check: eachBinding(func(p *lint.Pass, role rbacv1.RoleRef, subjects []rbacv1.Subject) {
			for i, s := range subjects {
				if s.Kind == "Group" && s.Name == "system:authenticated" &&
					!slices.Contains(discoveryRoles, role.Name) {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("subjects[%d].name", i),
						Message: fmt.Sprintf("everybody with an account gets %s %s", role.Kind, role.Name),
						Help:    "name the users, groups or ServiceAccounts that are meant",
					})
				}
			}
		}),
	},
}

// anyOf sees what the first of several sees.
func anyOf(all ...func(*rbacv1.PolicyRule) (string, string)) func(*rbacv1.PolicyRule) (string, string) {
	return func(r *rbacv1.PolicyRule) (string, string) {
		for _, see := range all {
			if field, message := see(r); field != "" {
				return field, message
			}
		}
		return "", ""
	}
}
