// Package access answers who may do what by the roles and bindings of a set, with the API server's own RBAC authorizer.
//
// The central type is [Policy]:
//
//	p := access.New(objects)
//	for _, g := range p.WhoCan(ctx, access.Request{Verb: "get", Resource: "secrets"}) {
//		fmt.Println(g.Subject, g.Namespace, g.Reason)
//	}
package access

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/authentication/serviceaccount"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	"k8s.io/kubernetes/pkg/registry/rbac/validation"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
)

// Policy is the roles and bindings of a set, with the roles that every cluster has.
type Policy struct {
	roles  []*rbacv1.Role
	local  []*rbacv1.RoleBinding
	global []*rbacv1.ClusterRoleBinding

	rules validation.AuthorizationRuleResolver
	rbac  *rbac.RBACAuthorizer
}

// Request is what is asked for.
type Request struct {
	Verb, Group, Resource, Subresource, Name string
	Namespace                                string // empty: in every namespace
	ClusterScoped                            bool   // the resource lives in no namespace
	Path                                     string // such as /metrics, in place of a resource
}

// Grant is that a subject may do something.
type Grant struct {
	Subject   rbacv1.Subject
	Namespace string // in which it may; empty: in every one
	Binding   string // that grants it: RoleBinding shop/robots
	Role      string // that it binds: ClusterRole view
}

// New returns the policy of the roles and bindings among some objects. Objects that cannot be read are errors.
func New(objects []*unstructured.Unstructured) (*Policy, error) {
	p := &Policy{}
	var clusterRoles []*rbacv1.ClusterRole
	for _, o := range objects {
		gvk := o.GroupVersionKind()
		if gvk.Group != rbacv1.GroupName {
			continue
		}
		var err error
		switch gvk.Kind {
		case "Role":
			p.roles, err = appendAs(p.roles, o)
		case "RoleBinding":
			p.local, err = appendAs(p.local, o)
		case "ClusterRole":
			clusterRoles, err = appendAs(clusterRoles, o)
		case "ClusterRoleBinding":
			p.global, err = appendAs(p.global, o)
		}
		if err != nil {
			return nil, fmt.Errorf("reading %s %s: %w", gvk.Kind, o.GetName(), err)
		}
	}
	for _, r := range p.roles {
		r.Namespace = cmp.Or(r.Namespace, metav1.NamespaceDefault)
	}
	for _, b := range p.local {
		b.Namespace = cmp.Or(b.Namespace, metav1.NamespaceDefault)
	}
	for _, builtin := range bootstrappolicy.ClusterRoles() {
		if !slices.ContainsFunc(clusterRoles, func(r *rbacv1.ClusterRole) bool { return r.Name == builtin.Name }) {
			clusterRoles = append(clusterRoles, &builtin)
		}
	}
	aggregate(clusterRoles)
	resolver, static := validation.NewTestRuleResolver(p.roles, p.local, clusterRoles, p.global)
	p.rules, p.rbac = resolver, rbac.New(static, static, static, static)
	return p, nil
}

// appendAs adds an object to a list as the type of the list.
func appendAs[T any](list []*T, o *unstructured.Unstructured) ([]*T, error) {
	typed := new(T)
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, typed); err != nil {
		return nil, err
	}
	return append(list, typed), nil
}

// aggregate fills in the rules of roles that take them from others, as the controller does. Roles that are aggregated
// may aggregate others.
func aggregate(roles []*rbacv1.ClusterRole) {
	for range 3 { // edit, admin and one of the set's own
		for _, r := range roles {
			if r.AggregationRule == nil {
				continue
			}
			r.Rules = nil
			for _, s := range r.AggregationRule.ClusterRoleSelectors {
				selector, err := metav1.LabelSelectorAsSelector(&s)
				if err != nil {
					continue
				}
				for _, o := range roles {
					if o != r && selector.Matches(labels.Set(o.Labels)) {
						r.Rules = append(r.Rules, o.Rules...)
					}
				}
			}
		}
	}
}

// WhoCan returns the subjects of the bindings that may do something, by kind and name.
func (p *Policy) WhoCan(ctx context.Context, r Request) []Grant {
	var grants []Grant
	for _, s := range p.Subjects() {
		for _, namespace := range p.namespaces(r) {
			if g, ok := p.ask(ctx, s, r, namespace); ok {
				grants = append(grants, g)
				if namespace == "" {
					break // and so in every namespace
				}
			}
		}
	}
	return grants
}

// namespaces lists where a request is asked: everywhere at once, then in each namespace that a binding is in.
func (p *Policy) namespaces(r Request) []string {
	switch {
	case r.ClusterScoped || r.Path != "":
		return []string{""}
	case r.Namespace != "":
		return []string{r.Namespace}
	}
	all := []string{""}
	for _, b := range p.local {
		all = append(all, b.Namespace)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// ask asks the authorizer of one subject in one namespace.
func (p *Policy) ask(ctx context.Context, s rbacv1.Subject, r Request, namespace string) (Grant, bool) {
	decision, reason, _ := p.rbac.Authorize(ctx, authorizer.AttributesRecord{
		User: userOf(s), Verb: r.Verb, APIGroup: r.Group, APIVersion: "*", Resource: r.Resource,
		Subresource: r.Subresource,
		Name:        r.Name, Namespace: namespace, Path: r.Path, ResourceRequest: r.Path == "",
	})
	if decision != authorizer.DecisionAllow {
		return Grant{}, false
	}
	g := Grant{Subject: s, Namespace: namespace}
	g.Binding, g.Role = through(reason)
	return g, true
}

// through returns the binding and the role that the authorizer names: RBAC: allowed by RoleBinding "a/shop" of Role "b"
// to User "c".
func through(reason string) (binding, role string) {
	words := strings.Fields(strings.TrimPrefix(reason, "RBAC: allowed by "))
	if len(words) < 5 {
		return reason, ""
	}
	name := strings.Trim(words[1], `"`)
	if binding, namespace, ok := strings.Cut(name, "/"); ok {
		name = namespace + "/" + binding
	}
	return words[0] + " " + name, words[3] + " " + strings.Trim(words[4], `"`)
}

// Subjects lists the subjects of all bindings, each once.
func (p *Policy) Subjects() []rbacv1.Subject {
	var all []rbacv1.Subject
	for _, b := range p.local {
		for _, s := range b.Subjects {
			if s.Kind == rbacv1.ServiceAccountKind {
				s.Namespace = cmp.Or(s.Namespace, b.Namespace)
			}
			all = append(all, s)
		}
	}
	for _, b := range p.global {
		all = append(all, b.Subjects...)
	}
	slices.SortFunc(all, func(a, b rbacv1.Subject) int { return cmp.Compare(SubjectName(a), SubjectName(b)) })
	return slices.CompactFunc(all, func(a, b rbacv1.Subject) bool { return SubjectName(a) == SubjectName(b) })
}

// SubjectName names a subject: User ann, Group ops, ServiceAccount shop/robot.
func SubjectName(s rbacv1.Subject) string {
	if s.Kind == rbacv1.ServiceAccountKind {
		return s.Kind + " " + s.Namespace + "/" + s.Name
	}
	return s.Kind + " " + s.Name
}

// ParseSubject reads a subject: ServiceAccount/shop/robot, Group/ops, User/ann, system:serviceaccount:shop:robot, ann.
func ParseSubject(text string) (rbacv1.Subject, error) {
	if namespace, name, err := serviceaccount.SplitUsername(text); err == nil {
		return rbacv1.Subject{Kind: rbacv1.ServiceAccountKind, Namespace: namespace, Name: name}, nil
	}
	kind, rest, found := strings.Cut(text, "/")
	switch {
	case !found && text != "":
		return rbacv1.Subject{Kind: rbacv1.UserKind, APIGroup: rbacv1.GroupName, Name: text}, nil
	case (kind == rbacv1.UserKind || kind == rbacv1.GroupKind) && rest != "":
		return rbacv1.Subject{Kind: kind, APIGroup: rbacv1.GroupName, Name: rest}, nil
	case kind == rbacv1.ServiceAccountKind:
		if namespace, name, ok := strings.Cut(rest, "/"); ok && namespace != "" && name != "" {
			return rbacv1.Subject{Kind: kind, Namespace: namespace, Name: name}, nil
		}
	}
	return rbacv1.Subject{}, fmt.Errorf(
		"invalid subject %q: want ServiceAccount/NAMESPACE/NAME, Group/NAME or User/NAME", text,
	)
}

// userOf returns who a subject is for the authorizer. Who has been authenticated is in the groups of all that have.
func userOf(s rbacv1.Subject) user.Info {
	switch s.Kind {
	case rbacv1.ServiceAccountKind:
		info := serviceaccount.UserInfo(s.Namespace, s.Name, "")
		return &user.DefaultInfo{Name: info.GetName(), Groups: append(info.GetGroups(), user.AllAuthenticated)}
	case rbacv1.GroupKind:
		return &user.DefaultInfo{Groups: []string{s.Name}}
	}
	if s.Name == user.Anonymous {
		return &user.DefaultInfo{Name: s.Name, Groups: []string{user.AllUnauthenticated}}
	}
	return &user.DefaultInfo{Name: s.Name, Groups: []string{user.AllAuthenticated}}
}

// Right is what a subject may do in a namespace, or in all.
type Right struct {
	Namespace string // empty: every one
	rbacv1.PolicyRule
	Binding, Role string
}

// WhatCan returns the rights of a subject: those that hold everywhere, then those of each namespace.
func (p *Policy) WhatCan(ctx context.Context, s rbacv1.Subject) (rights []Right) {
	for _, namespace := range p.namespaces(Request{}) {
		p.rules.VisitRulesFor(ctx, userOf(s), namespace,
			func(source fmt.Stringer, rule *rbacv1.PolicyRule, err error) bool {
				if rule == nil {
					return true
				}
				binding, role := through(source.String())
				if namespace == "" || strings.HasPrefix(binding, "RoleBinding ") {
					rights = append(rights, Right{namespace, *rule, binding, role})
				}
				return true
			})
	}
	return rights
}
