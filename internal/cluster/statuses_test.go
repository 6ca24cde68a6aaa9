package cluster_test

import (
	"context"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/apiserver"
)

// Statuses are written without requests, unless a policy may object to them.
func TestPoliciesValidateStatuses(t *testing.T) {
	for name, c := range map[string]struct {
		forbidden bool
		want      corev1.PodPhase
	}{
		"no policy": {false, corev1.PodRunning},
		"policy":    {true, corev1.PodPending},
	} {
		t.Run(name, func(t *testing.T) {
			simulate(t, cluster.Config{APIServer: apiserver.Options{Tracking: apiserver.TrackApplied}},
				func(_ *cluster.Cluster, client *kubernetes.Clientset) {
					ctx := context.Background()
					if c.forbidden {
						forbidRunning(t, ctx, client)
						time.Sleep(time.Minute) // until the policy is in force
					}
					pod := &corev1.Pod{
						ObjectMeta: metav1.ObjectMeta{Name: "web"},
						Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "web", Image: "nginx"}}},
					}
					if _, err := client.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}); err != nil {
						t.Error(err)
					}
					time.Sleep(time.Minute)
					got, err := client.CoreV1().Pods("default").Get(ctx, "web", metav1.GetOptions{})
					if err != nil || got.Status.Phase != c.want || got.Spec.NodeName == "" {
						t.Errorf("got %s on %q, %v, want %s", got.Status.Phase, got.Spec.NodeName, err, c.want)
					}
				})
		})
	}
}

func forbidRunning(t *testing.T, ctx context.Context, client *kubernetes.Clientset) {
	fail := admissionv1.Fail
	policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "still"},
		Spec: admissionv1.ValidatingAdmissionPolicySpec{
			FailurePolicy: &fail,
			MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{
				RuleWithOperations: admissionv1.RuleWithOperations{
					Operations: []admissionv1.OperationType{admissionv1.Update},
					Rule: admissionv1.Rule{
						APIGroups: []string{""}, APIVersions: []string{"v1"}, Resources: []string{"pods/status"},
					},
				}}}},
			Validations: []admissionv1.Validation{{Expression: "object.status.phase != 'Running'"}},
		}}
	binding := &admissionv1.ValidatingAdmissionPolicyBinding{ObjectMeta: metav1.ObjectMeta{Name: "still"},
		Spec: admissionv1.ValidatingAdmissionPolicyBindingSpec{
			PolicyName: "still", ValidationActions: []admissionv1.ValidationAction{admissionv1.Deny},
		}}
	admission := client.AdmissionregistrationV1()
	if _, err := admission.ValidatingAdmissionPolicies().Create(ctx, policy, metav1.CreateOptions{}); err != nil {
		t.Error(err)
	}
	if _, err := admission.ValidatingAdmissionPolicyBindings().Create(
		ctx, binding, metav1.CreateOptions{},
	); err != nil {
		t.Error(err)
	}
}
