package rules

import (
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

var roleKinds = []string{"Role", "ClusterRole"}

// rbacBoundRules look at who gets what the roles of the set grant.
var rbacBoundRules = []*lint.Rule{
	bound("rbac-everything-bound", "binding to a role that may do everything",
		"polaris clusterrolebindingClusterAdmin, rolebindingClusterAdminClusterRole and rolebindingClusterAdminRole",
		"The role is not called cluster-admin, and may do as much.",
		"which may do everything", mayDoEverything),
	bound("rbac-exec-bound", "binding to a role that may run commands in pods",
		"polaris clusterrolebindingPodExecAttach, rolebindingClusterRolePodExecAttach and rolebindingRolePodExecAttach",
		"exec and attach give a shell inside the pods, with all that they may do.",
		"which may run commands in pods", mayExec),
	grants("rbac-everything", "role that may do everything", "trivy KSV044",
		"The role is not called cluster-admin, and may do as much.",
		func(r *rbacv1.PolicyRule) (string, string) {
			if mayDoEverything([]rbacv1.PolicyRule{*r}) {
				return "verbs", "the role may do everything"
			}
			return "", ""
		}),
	{
		Name:        "rbac-hand-out",
		Title:       "role that lets its bearers hand out any role",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         rbacURL,
		Kinds:       roleKinds,
		Equivalents: "trivy KSV051 and KSV052, checkov CKV2_K8S_1",
		Doc: "Whoever may make bindings, and may bind roles that he does not have, gives himself or others any of them, " +
			"cluster-admin among them. " + ownRolesDoc,
		Check: func(p *lint.Pass) error {
			rules := ownRules(p)
			binds := anyGrant(rules, access("", rbacv1.GroupName, []string{"roles", "clusterroles"}, "bind"))
			makes := access("", rbacv1.GroupName, []string{"rolebindings", "clusterrolebindings"}, "create")
			for i := range rules {
				if field, _ := makes(&rules[i]); binds && field != "" {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("rules[%d].resources", i),
						OnKey:   true,
						Message: "the role may make bindings, and bind roles that its bearer does not have",
					})
				}
			}
			return nil
		},
	},
	{
		Name:        "workload-cluster-admin",
		Title:       "pods whose account may do everything",
		Severity:    diag.Warning,
		Category:    "security",
		URL:         rbacURL,
		Keeps:       roleKinds,
		Equivalents: "kubescape C-0267 and C-0272",
		Doc: "A ClusterRoleBinding of the set gives the ServiceAccount of the pods cluster-admin, or a role that may do as " +
			"much, and the pods get its token: whoever breaks into one of them owns the cluster.",
		CheckSet: func(p *lint.SetPass) error { return checkAccount(p, "may do everything", mayDoEverythingInCore) },
	},
	{
		Name:        "workload-takeover",
		Title:       "pods whose account can take over the cluster",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         rbacURL,
		Keeps:       roleKinds,
		Equivalents: "kubescape C-0267",
		Doc: "A ClusterRoleBinding of the set lets the ServiceAccount of the pods, whose token they get, read all Secrets, " +
			"make pods, hand out roles or act as others: each of them leads to all rights.",
		CheckSet: func(p *lint.SetPass) error { return checkAccount(p, "can take over the cluster", mayTakeOver) },
	},
}

// bound makes a rule that looks at bindings to those roles of the set of which may holds.
func bound(name, title, peers, doc, what string, may func([]rbacv1.PolicyRule) bool) *lint.Rule {
	return &lint.Rule{
		Name:        name,
		Title:       title,
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         rbacURL,
		Kinds:       []string{"RoleBinding", "ClusterRoleBinding"},
		Keeps:       roleKinds,
		Equivalents: peers,
		Doc:         doc + " Kubernetes' own bindings, system: and cluster-admin, are passed over.",
		CheckSet: func(p *lint.SetPass) error {
			if role := boundRole(p.Set, p.Resource); role != nil && may(rulesOf(role)) &&
				!ownName(p.Resource.Object.Name) {
				p.Report(lint.Finding{
					Path:    "roleRef.name",
					Message: fmt.Sprintf("%s %s is granted, %s", role.Object.Kind, role.Object.Name, what),
					Help:    "bind a role with the rights that are needed",
					Related: []lint.RelatedPath{{Of: role, Path: "rules", Message: "the role"}},
				})
			}
			return nil
		},
	}
}

// boundRole returns the role of a binding; nil if the set does not have it.
func boundRole(set *lint.Set, binding *lint.Resource) *lint.Resource {
	for _, ref := range binding.Refs {
		if ref.Role == "roleRef" {
			return set.Get(ref.Group, ref.Kind, ref.Namespace, ref.Name)
		}
	}
	return nil
}

// rulesOf returns the rules of a role whose contents are kept.
func rulesOf(role *lint.Resource) []rbacv1.PolicyRule {
	var o rbacv1.ClusterRole // a Role has its rules at the same place
	if runtime.DefaultUnstructuredConverter.FromUnstructured(role.StoredValue(), &o) != nil {
		return nil
	}
	return o.Rules
}

// checkAccount looks at what the ServiceAccount of pods may do by the ClusterRoleBindings of the set.
func checkAccount(p *lint.SetPass, what string, may func([]rbacv1.PolicyRule) bool) error {
	if !p.Resource.HasPods {
		return nil
	}
	account := diag.Object{
		APIVersion: "v1", Kind: "ServiceAccount", Namespace: p.Resource.Object.Namespace, Name: "default",
	}
	path := p.Resource.SpecPath + ".serviceAccountName"
	for _, ref := range p.Resource.Refs {
		if ref.Role == "serviceAccountName" {
			account.Name, path = ref.Name, ref.Path
		}
	}
	if !getsToken(p.Set, p.Resource, account) {
		return nil
	}
	for _, binding := range p.Set.Referring("ClusterRoleBinding", &lint.Resource{Object: account}) {
		role := boundRole(p.Set, binding)
		if !isClusterAdmin(binding) && (role == nil || !may(rulesOf(role))) {
			continue
		}
		p.Report(lint.Finding{
			Path:    path,
			Message: fmt.Sprintf("ServiceAccount %s %s, and the pods get its token", account.Name, what),
			Help:    "give the pods an account with the rights that they need",
			Related: []lint.RelatedPath{{Of: binding, Path: "roleRef.name", Message: "granted here"}},
		})
		return nil
	}
	return nil
}

func isClusterAdmin(binding *lint.Resource) bool {
	return slices.ContainsFunc(binding.Refs, func(ref lint.Ref) bool {
		return ref.Role == "roleRef" && ref.Kind == "ClusterRole" && ref.Name == "cluster-admin"
	})
}

// getsToken reports whether pods get the token of their account; their own word counts before that of the account.
func getsToken(set *lint.Set, pods *lint.Resource, account diag.Object) bool {
	automount := pods.Automount
	if a := set.Get("", account.Kind, account.Namespace, account.Name); automount == nil && a != nil {
		automount = a.Automount
	}
	return automount == nil || *automount
}

var allVerbs = []string{"get", "list", "watch", "create", "update", "patch", "delete"}

// mayDoEverything reports whether rules grant every verb on all resources of all groups.
func mayDoEverything(rules []rbacv1.PolicyRule) bool {
	return slices.ContainsFunc(
		rules, func(r rbacv1.PolicyRule) bool { return slices.Contains(r.APIGroups, "*") && every(r) },
	)
}

// mayDoEverythingInCore reports whether rules grant every verb on all resources of the core group, which leads to all
// others.
func mayDoEverythingInCore(rules []rbacv1.PolicyRule) bool {
	return slices.ContainsFunc(
		rules, func(r rbacv1.PolicyRule) bool { return overlap(r.APIGroups, []string{""}) && every(r) },
	)
}

// every reports whether a rule grants every verb on all resources of its groups.
func every(r rbacv1.PolicyRule) bool {
	missing := func(verb string) bool { return !slices.Contains(r.Verbs, verb) }
	return (slices.Contains(r.Verbs, "*") || !slices.ContainsFunc(allVerbs, missing)) &&
		len(r.ResourceNames) == 0 && slices.Contains(r.Resources, "*")
}

func mayExec(rules []rbacv1.PolicyRule) bool {
	return anyGrant(rules, access("", "", []string{"pods/exec", "pods/attach"}, "create", "get"))
}

// takeovers are the grants that lead to all others.
var takeovers = []func(*rbacv1.PolicyRule) (string, string){
	access("", "", []string{"secrets"}, "get", "list", "watch"),
	access("", "", []string{"pods"}, "create", "update", "patch"),
	access("", "", []string{"pods/exec"}, "create"),
	access("", "", []string{"serviceaccounts/token"}, "create"),
	access(
		"", "apps", []string{"deployments", "statefulsets", "daemonsets", "replicasets"}, "create", "update", "patch",
	),
	access("", "batch", []string{"jobs", "cronjobs"}, "create", "update", "patch"),
	access("", rbacv1.GroupName, []string{"roles", "clusterroles"}, "escalate", "bind"),
	access("", "", []string{"users", "groups", "serviceaccounts"}, "impersonate"),
}

func mayTakeOver(rules []rbacv1.PolicyRule) bool {
	return anyGrant(rules, takeovers...)
}

func anyGrant(rules []rbacv1.PolicyRule, sees ...func(*rbacv1.PolicyRule) (string, string)) bool {
	for i := range rules {
		if field, _ := anyOf(sees...)(&rules[i]); field != "" {
			return true
		}
	}
	return false
}
