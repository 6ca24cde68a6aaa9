package rules

import (
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	rbacvalidation "k8s.io/component-helpers/auth/rbac/validation"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

var bindingKinds = []string{"RoleBinding", "ClusterRoleBinding"}

// accountRules compare what ServiceAccounts may do with what is asked of them.
var accountRules = []*lint.Rule{
	{
		Name:     "rbac-missing-for-service-account",
		Title:    "command that the ServiceAccount of its pod may not run",
		Severity: diag.Warning,
		Category: "references",
		URL:      rbacURL,
		Keeps:    slices.Concat(roleKinds, bindingKinds),
		Doc: "A container runs kubectl, or a controller that elects a leader, and no role that the set binds to its " +
			"ServiceAccount grants what that needs: the API server answers Forbidden. An account is judged if the set has " +
			"it and a binding for it, and all roles that are bound; a grant in any namespace, and for any name, is enough.",
		CheckSet: checkCalls,
	},
	{
		Name:     "rbac-escalation-on-apply",
		Title:    "role or binding that the one who applies it may not grant",
		Severity: diag.Warning,
		Category: "references",
		URL:      "https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping",
		Kinds:    slices.Concat(roleKinds, bindingKinds),
		Keeps:    slices.Concat(roleKinds, bindingKinds),
		Params: []lint.Param{{
			Name:    "applier",
			Doc:     "who applies the set, of those that the set grants rights: ServiceAccount/NAMESPACE/NAME",
			Default: "", Valid: accountName,
		}},
		Doc: "The API server lets nobody grant what he does not have himself, unless he has the verb escalate for roles, or " +
			"bind for bindings. For a GitOps controller or a pipeline whose rights are part of the set, the rule reports " +
			"what it cannot apply. An account with one of Kubernetes' own roles but cluster-admin is not judged." + teamDoc,
		CheckSet: checkEscalation,
	},
}

func accountName(value any) error {
	parts := strings.Split(value.(string), "/")
	if value != "" && (len(parts) != 3 || parts[0] != "ServiceAccount" || parts[1] == "" || parts[2] == "") {
		return fmt.Errorf("want ServiceAccount/NAMESPACE/NAME, not %q", value)
	}
	return nil
}

// rights are what the bindings of a set grant an account.
type rights struct {
	bound   bool // by at least one binding that names it
	unknown bool // one of the roles is not in the set
	grants  []grant
}

// grant is the rules of a role where they hold.
type grant struct {
	namespace string // empty: in every one
	rules     []rbacv1.PolicyRule
}

// rightsOf returns what an account may do by the bindings of a set.
func rightsOf(set *lint.Set, namespace, name string) (r rights) {
	account := &lint.Resource{
		Object: diag.Object{APIVersion: "v1", Kind: "ServiceAccount", Namespace: namespace, Name: name},
	}
	for _, kind := range bindingKinds {
		for _, binding := range set.Referring(kind, account) {
			r.bound = true
			r.add(set, binding)
		}
	}
	return r
}

// rightsOfGroups returns what the groups of an account may do.
func rightsOfGroups(set *lint.Set, namespace string) (r rights) {
	groups := []string{"system:serviceaccounts", "system:serviceaccounts:" + namespace, "system:authenticated"}
	for _, kind := range bindingKinds {
		for _, binding := range set.OfKind(rbacv1.GroupName, kind) {
			for _, s := range subjectsOf(binding) {
				if s.Kind == rbacv1.GroupKind && slices.Contains(groups, s.Name) {
					r.add(set, binding)
					break
				}
			}
		}
	}
	return r
}

func (r *rights) add(set *lint.Set, binding *lint.Resource) {
	namespace := binding.Object.Namespace
	if binding.Object.Kind == "ClusterRoleBinding" {
		namespace = ""
	}
	rules, known := rulesBound(set, binding)
	r.unknown = r.unknown || !known
	r.grants = append(r.grants, grant{namespace, rules})
}

// rulesBound returns the rules of the role that a binding names; false if it is not known what they are.
func rulesBound(set *lint.Set, binding *lint.Resource) ([]rbacv1.PolicyRule, bool) {
	if isClusterAdmin(binding) {
		return []rbacv1.PolicyRule{
			{APIGroups: []string{"*"}, Resources: []string{"*"}, Verbs: []string{"*"}},
			{NonResourceURLs: []string{"*"}, Verbs: []string{"*"}},
		}, true
	}
	role := boundRole(set, binding)
	if role == nil || role.Stored == nil || role.StoredValue()["aggregationRule"] != nil {
		return nil, false
	}
	return rulesOf(role), true
}

// subjectsOf returns the subjects of a binding whose contents are kept.
func subjectsOf(binding *lint.Resource) []rbacv1.Subject {
	var o rbacv1.ClusterRoleBinding // a RoleBinding has its subjects at the same place
	if runtime.DefaultUnstructuredConverter.FromUnstructured(binding.StoredValue(), &o) != nil {
		return nil
	}
	return o.Subjects
}

// in returns the rules that hold in a namespace; "" asks for those that hold in every one.
func (r *rights) in(namespace string) (rules []rbacv1.PolicyRule) {
	for _, g := range r.grants {
		if g.namespace == "" || g.namespace == namespace {
			rules = append(rules, g.rules...)
		}
	}
	return rules
}

// checkCalls looks for requests of the containers that their account may not make.
func checkCalls(p *lint.SetPass) error {
	if len(p.Resource.Calls) == 0 {
		return nil
	}
	namespace, account := p.Resource.Object.Namespace, accountOf(p.Resource)
	if p.Set.Get("", "ServiceAccount", namespace, account) == nil {
		return nil
	}
	has := rightsOf(p.Set, namespace, account)
	if !has.bound || has.unknown {
		return nil
	}
	reported := map[string]bool{}
	for _, call := range p.Resource.Calls {
		if has.allow(call) || reported[call.Command+call.Resource] {
			continue
		}
		groups := rightsOfGroups(p.Set, namespace)
		if groups.unknown || groups.allow(call) {
			continue
		}
		reported[call.Command+call.Resource] = true
		resource := call.Resource
		if call.Group != "" {
			resource += " of " + call.Group
		}
		p.Report(lint.Finding{
			Path: call.Path,
			Message: fmt.Sprintf(
				"%s: no role bound to ServiceAccount %s may %s %s", call.Command, account, call.Verb, resource,
			),
			Help: fmt.Sprintf(
				"add {apiGroups: [%q], resources: [%q], verbs: [%q]} to a role that is bound to it",
				call.Group, call.Resource, call.Verb,
			),
		})
	}
	return nil
}

// accountOf returns the name of the account that pods run as.
func accountOf(pods *lint.Resource) string {
	for _, ref := range pods.Refs {
		if ref.Role == "serviceAccountName" {
			return ref.Name
		}
	}
	return "default"
}

// allow reports whether any rule grants a request, for some name in some namespace. Who elects a leader may do so by
// what older controllers have for a lease.
func (r *rights) allow(call lint.Call) bool {
	verbs := []string{call.Verb}
	places := map[string]string{call.Resource: call.Group}
	if call.Resource == "leases" {
		verbs = []string{"create", "update", "patch"}
		places["configmaps"], places["endpoints"] = "", ""
	}
	for _, g := range r.grants {
		for _, rule := range g.rules {
			for resource, group := range places {
				if overlap(rule.Verbs, verbs) && overlap(rule.APIGroups, []string{group}) &&
					overlap(rule.Resources, []string{resource}) {
					return true
				}
			}
		}
	}
	return false
}

// checkEscalation looks for what the API server would not let the applier grant.
func checkEscalation(p *lint.SetPass) error {
	parts := strings.Split(p.Params.Text("applier"), "/")
	if len(parts) != 3 {
		return nil
	}
	has := rightsOf(p.Set, parts[1], parts[2])
	if !has.bound || has.unknown {
		return nil
	}
	has.grants = append(has.grants, rightsOfGroups(p.Set, parts[1]).grants...)
	namespace := p.Resource.Object.Namespace
	if strings.HasPrefix(p.Resource.Object.Kind, "Cluster") {
		namespace = ""
	}
	may := has.in(namespace)
	verb, kind, name, path := "escalate", p.Resource.Object.Kind, p.Resource.Object.Name, "rules"
	var wanted []rbacv1.PolicyRule
	if slices.Contains(bindingKinds, kind) {
		rules, known := rulesBound(p.Set, p.Resource)
		if !known {
			return nil
		}
		ref := roleRefOf(p.Resource)
		verb, kind, name, path, wanted = "bind", ref.Kind, ref.Name, "roleRef", rules
	} else {
		wanted = rulesOf(p.Resource)
	}
	resource := strings.ToLower(kind) + "s"
	if slices.ContainsFunc(may, func(r rbacv1.PolicyRule) bool { return exempts(&r, verb, resource, name) }) {
		return nil
	}
	covered, rest := rbacvalidation.Covers(may, wanted)
	if covered || len(rest) == 0 {
		return nil
	}
	p.Report(lint.Finding{
		Path: path, OnKey: true,
		Message: fmt.Sprintf(
			"%s cannot apply %s: it does not have %s itself",
			p.Params.Text("applier"), p.Resource.Object, ruleText(rest[0]),
		),
		Help: fmt.Sprintf("grant it the same, or the verb %s for %s, or let someone else apply it", verb, resource),
	})
	return nil
}

// roleRefOf returns the role that a binding names.
func roleRefOf(binding *lint.Resource) lint.Ref {
	for _, ref := range binding.Refs {
		if ref.Role == "roleRef" {
			return ref
		}
	}
	return lint.Ref{}
}

// exempts reports whether a rule grants the verb that takes the place of the rights themselves.
func exempts(r *rbacv1.PolicyRule, verb, resource, name string) bool {
	return overlap(r.Verbs, []string{verb}) && overlap(r.APIGroups, []string{rbacv1.GroupName}) &&
		overlap(r.Resources, []string{resource}) &&
		(len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, name))
}

// ruleText says what a rule grants: get, list secrets.
func ruleText(r rbacv1.PolicyRule) string {
	text := strings.Join(r.Verbs, ", ") + " "
	if len(r.NonResourceURLs) > 0 {
		return text + strings.Join(r.NonResourceURLs, ", ")
	}
	text += strings.Join(r.Resources, ", ")
	if group := strings.Join(r.APIGroups, ", "); group != "" {
		text += " of " + group
	}
	if len(r.ResourceNames) > 0 {
		text += " named " + strings.Join(r.ResourceNames, ", ")
	}
	return text
}
