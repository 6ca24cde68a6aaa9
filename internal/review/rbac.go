package review

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/auth/rbac/validation"

	apischema "github.com/seatrial/seatrial/schema"
)

const rbacGroup = rbacv1.GroupName

// allOf begins what a grant calls the rules of a role that is not known.
const allOf = "all that "

// grant is one thing that a subject may do.
type grant struct {
	subject   string // ServiceAccount shop/web
	namespace string // empty: the whole cluster
	verb      string
	resource  string // with its group: pods, deployments.apps; a path such as /metrics; or all that a role allows
	name      string // empty: any
}

// permissions finds who may do more than before.
func permissions(e *environment) (found []Consequence) {
	if !slices.ContainsFunc(
		e.pairs, func(p *pair) bool { return p.action != "" && p.newest().Resource.GroupKind().Group == rbacGroup },
	) {
		return nil
	}
	before, after := grantsOf(e.before()), grantsOf(e.after())
	had := rightsOf(before)
	bySubject := map[string][]grant{}
	for g := range after {
		if !covered(g, before, had) {
			bySubject[g.subject] = append(bySubject[g.subject], g)
		}
	}
	for _, subject := range slices.Sorted(maps.Keys(bySubject)) {
		added := bySubject[subject]
		slices.SortFunc(added, func(a, b grant) int {
			return cmp.Or(
				cmp.Compare(a.resource, b.resource), cmp.Compare(a.verb, b.verb), cmp.Compare(a.namespace, b.namespace),
				cmp.Compare(a.name, b.name),
			)
		})
		risk := Medium
		if slices.ContainsFunc(added, dangerous) {
			risk = High
		}
		lines := inWords(added)
		c := Consequence{
			Kind: "rbac", Risk: risk, Message: fmt.Sprintf("%s may now %s", subject, lines[0]), Details: lines[1:],
		}
		c.Object.Kind, c.Object.Name = "", subject
		if from := after[added[0]]; from != nil {
			c.Object, c.File, c.Line = from.shown(), from.Place.File, from.Place.Start.Line
		}
		found = append(found, c)
	}
	return found
}

// roles are the roles of a set of objects.
type roles struct {
	rules map[Identity][]rbacv1.PolicyRule
	of    map[Identity]*Object
}

// grantsOf returns what the bindings among objects allow, with the binding that says so.
func grantsOf(objects []*Object) map[grant]*Object {
	r := rolesOf(objects)
	grants := map[grant]*Object{}
	for _, o := range objects {
		switch b := o.Typed.(type) {
		case *rbacv1.RoleBinding:
			r.bind(grants, o, b.RoleRef, b.Subjects, o.Resource.Object.Namespace)
		case *rbacv1.ClusterRoleBinding:
			r.bind(grants, o, b.RoleRef, b.Subjects, "")
		}
	}
	return grants
}

func rolesOf(objects []*Object) *roles {
	r := &roles{map[Identity][]rbacv1.PolicyRule{}, map[Identity]*Object{}}
	for _, o := range objects {
		switch role := o.Typed.(type) {
		case *rbacv1.Role:
			r.rules[o.Identity()] = role.Rules
		case *rbacv1.ClusterRole:
			r.rules[o.Identity()] = append(slices.Clone(role.Rules), aggregated(role.AggregationRule, objects)...)
		default:
			continue
		}
		r.of[o.Identity()] = o
	}
	return r
}

// aggregated returns the rules of the ClusterRoles that a ClusterRole gathers.
func aggregated(rule *rbacv1.AggregationRule, objects []*Object) (rules []rbacv1.PolicyRule) {
	if rule == nil {
		return nil
	}
	for i := range rule.ClusterRoleSelectors {
		selector, err := metav1.LabelSelectorAsSelector(&rule.ClusterRoleSelectors[i])
		if err != nil {
			continue
		}
		for _, o := range objects {
			if role, ok := o.Typed.(*rbacv1.ClusterRole); ok && role.AggregationRule == nil &&
				selector.Matches(labels.Set(role.Labels)) {
				rules = append(rules, role.Rules...)
			}
		}
	}
	return rules
}

// bind adds what a binding allows its subjects. A role that is not among the objects is one thing to be allowed.
func (r *roles) bind(
	grants map[grant]*Object, binding *Object, ref rbacv1.RoleRef, subjects []rbacv1.Subject, namespace string,
) {
	id := Identity{rbacGroup, ref.Kind, "", ref.Name}
	if ref.Kind == "Role" {
		id.Namespace = namespace
	}
	rules, known := r.rules[id]
	for _, s := range subjects {
		subject := subjectName(s, namespace)
		if !known {
			grants[grant{
				subject: subject, namespace: namespace, verb: "*",
				resource: allOf + ref.Kind + " " + ref.Name + " allows",
			}] = binding
			continue
		}
		for _, rule := range rules {
			for _, g := range grantsOfRule(rule, namespace != "") {
				g.subject, g.namespace = subject, namespace
				if grants[g] == nil {
					grants[g] = cmp.Or(r.of[id], binding)
				}
			}
		}
	}
}

func subjectName(s rbacv1.Subject, namespace string) string {
	if s.Kind == rbacv1.ServiceAccountKind {
		return fmt.Sprintf("%s %s/%s", s.Kind, cmp.Or(s.Namespace, namespace), s.Name)
	}
	return s.Kind + " " + s.Name
}

// grantsOfRule returns what a rule allows. A binding in a namespace allows nothing outside of namespaces.
func grantsOfRule(rule rbacv1.PolicyRule, inNamespace bool) (grants []grant) {
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, verb := range rule.Verbs {
		for _, url := range rule.NonResourceURLs {
			if inNamespace {
				break
			}
			grants = append(grants, grant{verb: verb, resource: url})
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				base, sub, _ := strings.Cut(resource, "/")
				if sub == "*" || inNamespace && apischema.ClusterScoped(group, base) {
					continue // it matches nothing
				}
				for _, name := range names {
					grants = append(grants, grant{verb: verb, resource: qualified(resource, group), name: name})
				}
			}
		}
	}
	return grants
}

func qualified(resource, group string) string {
	if group == "" {
		return resource
	}
	return resource + "." + group
}

// rights are the rules that subjects have, by subject and namespace.
type rights map[grant][]rbacv1.PolicyRule

// scope returns where and for whom a grant is.
func (g grant) scope() grant { return grant{subject: g.subject, namespace: g.namespace} }

// rule returns a grant as a rule.
func (g grant) rule() rbacv1.PolicyRule {
	if strings.HasPrefix(g.resource, "/") {
		return rbacv1.PolicyRule{Verbs: []string{g.verb}, NonResourceURLs: []string{g.resource}}
	}
	resource, group, _ := strings.Cut(g.resource, ".")
	rule := rbacv1.PolicyRule{Verbs: []string{g.verb}, APIGroups: []string{group}, Resources: []string{resource}}
	if g.name != "" {
		rule.ResourceNames = []string{g.name}
	}
	return rule
}

func rightsOf(grants map[grant]*Object) rights {
	all := rights{}
	for g := range grants {
		if !strings.HasPrefix(g.resource, allOf) {
			all[g.scope()] = append(all[g.scope()], g.rule())
		}
	}
	return all
}

// builtin are roles that every cluster has; each allows what those before it do.
var builtin = []string{"view", "edit", "admin", "cluster-admin"}

// covered reports whether a grant is no more than what was allowed before, as upstream compares rules.
func covered(g grant, before map[grant]*Object, had rights) bool {
	has := func(role, namespace string) bool {
		_, ok := before[grant{g.subject, namespace, "*", allOf + "ClusterRole " + role + " allows", ""}]
		return ok
	}
	everywhere := grant{subject: g.subject}
	from := len(builtin) - 1 // of those only cluster-admin allows whatever is asked
	if role, ok := strings.CutPrefix(g.resource, allOf); ok {
		for _, namespace := range []string{g.namespace, ""} {
			if _, ok := before[grant{g.subject, namespace, "*", g.resource, ""}]; ok {
				return true
			}
		}
		name := strings.TrimSuffix(strings.TrimPrefix(role, "ClusterRole "), " allows")
		if i := slices.Index(builtin, name); i >= 0 {
			from = i
		}
	} else if ok, _ := validation.Covers(
		slices.Concat(had[g.scope()], had[everywhere]), []rbacv1.PolicyRule{g.rule()},
	); ok {
		return true
	}
	return slices.ContainsFunc(
		builtin[from:], func(role string) bool { return has(role, g.namespace) || has(role, "") },
	)
}

// dangerousVerbs let a subject become another one.
var dangerousVerbs = []string{"*", "escalate", "bind", "impersonate"}

// dangerousResources hold secrets, or let a subject run as another one.
var dangerousResources = []string{
	"secrets", "pods/exec", "pods/attach", "nodes/proxy", "serviceaccounts/token", "pods/ephemeralcontainers",
	"certificatesigningrequests/approval.certificates.k8s.io",
}

func dangerous(g grant) bool {
	switch {
	case strings.HasPrefix(g.resource, allOf):
		return strings.HasSuffix(g.resource, "ClusterRole cluster-admin allows") ||
			strings.HasSuffix(g.resource, "ClusterRole admin allows")
	case slices.Contains(dangerousVerbs, g.verb), strings.HasPrefix(g.resource, "*"):
		return true
	}
	return slices.Contains(dangerousResources, g.resource) && g.name == "" && g.verb != "delete"
}

// inWords says grants in words, the dangerous ones first, with the verbs on a resource in one line.
func inWords(grants []grant) []string {
	type line struct{ resource, name, namespace string }
	verbs := map[line][]string{}
	danger := map[line]bool{}
	for _, g := range grants {
		l := line{g.resource, g.name, g.namespace}
		verbs[l] = append(verbs[l], g.verb)
		danger[l] = danger[l] || dangerous(g)
	}
	order := slices.SortedFunc(maps.Keys(verbs), func(a, b line) int {
		if danger[a] != danger[b] {
			if danger[a] {
				return -1
			}
			return 1
		}
		return cmp.Or(
			cmp.Compare(a.resource, b.resource), cmp.Compare(a.namespace, b.namespace), cmp.Compare(a.name, b.name),
		)
	})
	texts := make([]string, len(order))
	for i, l := range order {
		where := "in the whole cluster"
		if l.namespace != "" {
			where = "in namespace " + l.namespace
		}
		if strings.HasPrefix(l.resource, allOf) {
			texts[i] = fmt.Sprintf("do %s %s", l.resource, where)
			continue
		}
		slices.Sort(verbs[l])
		what := strings.Join(slices.Compact(verbs[l]), ", ")
		if what == "*" {
			what = "do everything with"
		}
		resource := l.resource
		if strings.HasPrefix(resource, "*") {
			resource = "all resources" + strings.TrimSuffix(strings.TrimPrefix(resource, "*"), ".*")
		}
		if l.name != "" {
			resource += " " + l.name
		}
		texts[i] = fmt.Sprintf("%s %s %s", what, resource, where)
	}
	return texts
}
