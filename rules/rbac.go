package rules

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

const rbacURL = "https://kubernetes.io/docs/concepts/security/rbac-good-practices/"

var rbacRules = []*lint.Rule{
	{
		Name:     "rbac-cluster-admin",
		Title:    "binding to cluster-admin",
		Severity: diag.Warning,
		Category: "security",
		URL:      rbacURL,
		Equivalents: "kube-linter cluster-admin-role-binding, polaris clusterrolebindingClusterAdmin and " +
			"rolebindingClusterAdminClusterRole, datree 95, kubescape C-0035, C-0185 and C-0187",
		Doc: "cluster-admin may do everything, with a ClusterRoleBinding in every namespace. Who needs less " +
			"should have less. The binding of system:masters, which every cluster has, is passed over.",
		Check: eachBinding(func(p *lint.Pass, role rbacv1.RoleRef, subjects []rbacv1.Subject) {
			others := slices.ContainsFunc(subjects, func(s rbacv1.Subject) bool { return s.Name != "system:masters" })
			if role.Kind == "ClusterRole" && role.Name == "cluster-admin" && others {
				within := "the cluster"
				if p.Document.Object.Kind == "RoleBinding" {
					within = "namespace " + cmp.Or(p.Document.Object.Namespace, "default")
				}
				p.Report(lint.Finding{
					Path:    "roleRef.name",
					Message: "cluster-admin is granted, which may do everything in " + within,
					Help:    "bind a role with the rights that are needed",
				})
			}
		}),
	},
	{
		Name:        "rbac-anonymous",
		Equivalents: "kubescape C-0262",
		Title:       "rights for everybody",
		Severity:    diag.Warning,
		Category:    "security",
		URL:         rbacURL,
		Doc: "system:anonymous and system:unauthenticated are all who can reach the API server. The roles for " +
			"discovery, system:public-info-viewer and kubeadm's cluster-info are meant for them and passed over.",
		Check: eachBinding(func(p *lint.Pass, role rbacv1.RoleRef, subjects []rbacv1.Subject) {
			if slices.Contains(discoveryRoles, role.Name) || role.Name == "kubeadm:bootstrap-signer-clusterinfo" {
				return
			}
			for i, s := range subjects {
				if s.Kind == "User" && s.Name == "system:anonymous" ||
					s.Kind == "Group" && s.Name == "system:unauthenticated" {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("subjects[%d].name", i),
						Message: fmt.Sprintf("%s, which is everybody, gets %s %s", s.Name, role.Kind, role.Name),
						Help:    "name the users, groups or ServiceAccounts that are meant",
					})
				}
			}
		}),
	},
	{
		Name:        "rbac-system-masters",
		Title:       "rights for system:masters",
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         rbacURL,
		Equivalents: "datree 104",
		Doc:         "The group may do everything already, past RBAC, and that cannot be taken from it.",
		Check: eachBinding(func(p *lint.Pass, _ rbacv1.RoleRef, subjects []rbacv1.Subject) {
			for i, s := range subjects {
				if s.Kind == "Group" && s.Name == "system:masters" {
					p.Report(lint.Finding{
						Path:    fmt.Sprintf("subjects[%d].name", i),
						Message: "system:masters may do everything anyway",
						Help:    "bind another group, whose rights can be taken back",
					})
				}
			}
		}),
	},
	{
		Name:        "default-service-account-bound",
		Title:       "rights for the default ServiceAccount",
		Severity:    diag.Warning,
		Category:    "security",
		URL:         rbacURL,
		Equivalents: "popeye 308, checkov CKV_K8S_42, kubescape C-0225 and C-0239",
		Doc:         "Every pod of the namespace that names no other account gets these rights.",
		Check: eachBinding(func(p *lint.Pass, role rbacv1.RoleRef, subjects []rbacv1.Subject) {
			for i, s := range subjects {
				if s.Kind == rbacv1.ServiceAccountKind && s.Name == "default" {
					p.Report(lint.Finding{
						Path: fmt.Sprintf("subjects[%d].name", i),
						Message: fmt.Sprintf(
							"every pod of namespace %s without an account of its own gets %s %s",
							cmp.Or(s.Namespace, p.Document.Object.Namespace, "default"),
							role.Kind,
							role.Name,
						),
						Help: "make a ServiceAccount for those that need it",
					})
				}
			}
		}),
	},
	grants(
		"rbac-wildcard",
		"role with a wildcard",
		"kube-linter wildcard-in-rules, datree 97, checkov CKV_K8S_49, kubescape C-0035 and C-0187",
		"A star stands for what will come as well: new verbs, and resources of definitions that somebody installs "+
			"next year.",
		func(r *rbacv1.PolicyRule) (field, message string) {
			var all []string
			for _, list := range []struct {
				field string
				names []string
			}{{"verbs", r.Verbs}, {"resources", r.Resources}, {"apiGroups", r.APIGroups}} {
				if slices.Contains(list.names, "*") {
					field, all = cmp.Or(field, list.field), append(all, "all "+list.field)
				}
			}
			if field == "" {
				return "", ""
			}
			return field, "the role grants " + strings.Join(all, " and ")
		},
	),
	grants("rbac-escalation-verbs", "role that lets its bearers give themselves more", "datree 105, checkov "+
		"CKV2_K8S_1 and CKV2_K8S_3, kubescape C-0065 and C-0191",
		"bind and escalate get round the check that nobody grants more than he has; impersonate lets act as anybody.",
		func(r *rbacv1.PolicyRule) (string, string) {
			roles := overlap(r.APIGroups, []string{rbacv1.GroupName}) &&
				overlap(r.Resources, []string{"roles", "clusterroles", "rolebindings", "clusterrolebindings"})
			users := overlap(r.APIGroups, []string{"", "authentication.k8s.io"}) &&
				(overlap(r.Resources, []string{"users", "groups", "serviceaccounts", "uids"}) ||
					slices.ContainsFunc(
						r.Resources, func(n string) bool { return strings.HasPrefix(n, "userextras/") },
					))
			for _, way := range []struct {
				verb string
				of   bool
			}{{"escalate", roles}, {"bind", roles}, {"impersonate", users}} {
				if way.of && overlap(r.Verbs, []string{way.verb}) {
					return "verbs", fmt.Sprintf("the role grants %s", way.verb)
				}
			}
			return "", ""
		}),
	grants("rbac-secret-access", "role that may read Secrets", "kube-linter access-to-secrets, datree 96, checkov "+
		"CKV2_K8S_5, kubescape C-0015 and C-0186",
		"list and watch show the contents, as get does. Rules that name the Secrets (resourceNames) are passed over.",
		access("read Secrets", "", []string{"secrets"}, "get", "list", "watch")),
	grants(
		"rbac-pod-create",
		"role that may make pods",
		"kube-linter access-to-create-pods, datree 101, monokle KBP107, kubescape C-0188",
		"Who makes pods may use every ServiceAccount, Secret and ConfigMap of the namespace.",
		access("create pods", "", []string{"pods"}, "create"),
	),
	grants(
		"rbac-pod-exec",
		"role that may run commands in pods",
		"polaris clusterrolePodExecAttach and rolePodExecAttach, datree 48, monokle KBP108, checkov CKV2_K8S_2, "+
			"kubescape C-0002",
		"exec and attach give a shell inside the pods, with all that they may do.",
		access("run commands in pods", "", []string{"pods/exec", "pods/attach"}, "create", "get"),
	),
}

// eachBinding makes a check of one that looks at a binding of a role to subjects.
func eachBinding(f func(p *lint.Pass, role rbacv1.RoleRef, subjects []rbacv1.Subject)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		switch o := p.Object.(type) {
		case *rbacv1.RoleBinding:
			f(p, o.RoleRef, o.Subjects)
		case *rbacv1.ClusterRoleBinding:
			f(p, o.RoleRef, o.Subjects)
		}
		return nil
	}
}

// discoveryRoles are what every cluster grants to all.
var discoveryRoles = []string{
	"system:public-info-viewer", "system:discovery", "system:basic-user", "system:service-account-issuer-discovery",
}

// defaultRoles are the roles for users that every cluster has.
var defaultRoles = []string{"cluster-admin", "admin", "edit", "view"}

const ownRolesDoc = "Kubernetes' own roles, system: and cluster-admin, admin, edit and view, are passed over."

// grants makes a rule that looks at what each rule of a role grants; see gives the field that does it and a message.
func grants(name, title, peers, doc string, see func(*rbacv1.PolicyRule) (field, message string)) *lint.Rule {
	return &lint.Rule{
		Name:        name,
		Title:       title,
		Severity:    diag.Info,
		Category:    "security",
		Optional:    true,
		URL:         rbacURL,
		Equivalents: peers,
		Doc:         doc + " " + ownRolesDoc,
		Kinds:       []string{"Role", "ClusterRole"},
		Check: func(p *lint.Pass) error {
			rules := ownRules(p)
			for i := range rules {
				if field, message := see(&rules[i]); field != "" {
					p.Report(lint.Finding{Path: fmt.Sprintf("rules[%d].%s", i, field), OnKey: true, Message: message})
				}
			}
			return nil
		},
	}
}

// ownName reports whether a role or binding is one of Kubernetes' own, or of GKE's.
func ownName(name string) bool {
	return strings.HasPrefix(name, "system:") || strings.HasPrefix(name, "gce:") || slices.Contains(defaultRoles, name)
}

// ownRules returns the rules of a role that is not one of Kubernetes' own.
func ownRules(p *lint.Pass) []rbacv1.PolicyRule {
	if ownName(p.Document.Object.Name) {
		return nil
	}
	switch o := p.Object.(type) {
	case *rbacv1.Role:
		return o.Rules
	case *rbacv1.ClusterRole:
		return o.Rules
	}
	return nil
}

// access sees whether a rule grants one of some verbs on one of some resources, whatever their names.
func access(what, group string, resources []string, verbs ...string) func(*rbacv1.PolicyRule) (string, string) {
	return func(r *rbacv1.PolicyRule) (string, string) {
		if len(r.ResourceNames) > 0 || !overlap(r.APIGroups, []string{group}) || !overlap(r.Resources, resources) ||
			!overlap(r.Verbs, verbs) {
			return "", ""
		}
		return "resources", "the role may " + what
	}
}

// overlap reports whether a list with wildcards holds any of some names. */status is that of all resources.
func overlap(list, names []string) bool {
	return slices.ContainsFunc(list, func(n string) bool {
		sub, all := strings.CutPrefix(n, "*/")
		return n == "*" || slices.Contains(names, n) ||
			all && slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, "/"+sub) })
	})
}
