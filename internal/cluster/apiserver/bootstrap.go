package apiserver

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-helpers/auth/rbac/reconciliation"
	schedulingapiv1 "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	rbacrest "k8s.io/kubernetes/pkg/registry/rbac/rest"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"
)

// BootstrapHooks are the post-start hooks of kube-apiserver that Bootstrap replaces. Upstream's wait a second before
// they begin, and write one object after another.
var BootstrapHooks = []string{rbacrest.PostStartHookName, "scheduling/bootstrap-system-priority-classes"}

// bootstrapWriters is the number of objects that are written at a time: they share syncs to disk.
const bootstrapWriters = 32

// Bootstrap creates the roles and priority classes that every cluster has, and repairs those that are incomplete.
func Bootstrap(ctx context.Context, client kubernetes.Interface) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(bootstrapWriters)
	rbac := client.RbacV1()
	role := func(owner reconciliation.RuleOwner, modifier reconciliation.RuleOwnerModifier) {
		group.Go(func() error {
			o := reconciliation.ReconcileRoleOptions{Role: owner, Client: modifier, Confirm: true}
			_, err := o.Run()
			return named("role", owner.GetName(), err)
		})
	}
	binding := func(b reconciliation.RoleBinding, modifier reconciliation.RoleBindingModifier) {
		group.Go(func() error {
			o := reconciliation.ReconcileRoleBindingOptions{RoleBinding: b, Client: modifier, Confirm: true}
			_, err := o.Run()
			return named("role binding", b.GetName(), err)
		})
	}
	for _, r := range clusterRoles() {
		owner := reconciliation.ClusterRoleRuleOwner{ClusterRole: &r}
		role(owner, reconciliation.ClusterRoleModifier{Client: rbac.ClusterRoles()})
	}
	for _, b := range clusterRoleBindings() {
		adapter := reconciliation.ClusterRoleBindingAdapter{ClusterRoleBinding: &b}
		binding(adapter, reconciliation.ClusterRoleBindingClientAdapter{Client: rbac.ClusterRoleBindings()})
	}
	namespaces := client.CoreV1().Namespaces()
	for _, roles := range bootstrappolicy.NamespaceRoles() {
		for _, r := range roles {
			owner := reconciliation.RoleRuleOwner{Role: &r}
			role(owner, reconciliation.RoleModifier{Client: rbac, NamespaceClient: namespaces})
		}
	}
	for _, bindings := range bootstrappolicy.NamespaceRoleBindings() {
		for _, b := range bindings {
			adapter := reconciliation.RoleBindingAdapter{RoleBinding: &b}
			binding(adapter, reconciliation.RoleBindingClientAdapter{Client: rbac, NamespaceClient: namespaces})
		}
	}
	for _, class := range schedulingapiv1.SystemPriorityClasses() {
		group.Go(func() error { return seedPriorityClass(ctx, client, class.Name, class.Value, class.Description) })
	}
	return group.Wait()
}

func named(what, name string, err error) error {
	if err == nil || apierrors.IsAlreadyExists(err) {
		return nil
	}
	return fmt.Errorf("%s %s: %w", what, name, err)
}

// clusterRoles returns the roles of users and of controllers.
func clusterRoles() []rbacv1.ClusterRole {
	return append(bootstrappolicy.ClusterRoles(), bootstrappolicy.ControllerRoles()...)
}

func clusterRoleBindings() []rbacv1.ClusterRoleBinding {
	return append(bootstrappolicy.ClusterRoleBindings(), bootstrappolicy.ControllerRoleBindings()...)
}

// seedPolicies creates the roles of a new cluster, one after another.
func (s *Server) seedPolicies(ctx context.Context) error {
	roles := s.Client.RbacV1()
	for _, r := range clusterRoles() {
		if _, err := roles.ClusterRoles().Create(ctx, &r, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("cluster role %s: %w", r.Name, err)
		}
	}
	for _, b := range clusterRoleBindings() {
		if _, err := roles.ClusterRoleBindings().Create(ctx, &b, metav1.CreateOptions{}); err != nil {
			return fmt.Errorf("cluster role binding %s: %w", b.Name, err)
		}
	}
	return nil
}
