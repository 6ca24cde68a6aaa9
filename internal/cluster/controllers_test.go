package cluster_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/kubelet"
)

// acts shows each controller at its work: what is made, how long it takes, and what is to be seen then.
var acts = []struct {
	name  string
	make  func(context.Context, *kubernetes.Clientset) error
	after time.Duration
	seen  func(context.Context, *kubernetes.Clientset) error
}{
	{"replication controller", func(ctx context.Context, c *kubernetes.Clientset) error {
		t := template("rc", corev1.PodSpec{})
		rc := &corev1.ReplicationController{
			ObjectMeta: metav1.ObjectMeta{Name: "rc"},
			Spec:       corev1.ReplicationControllerSpec{Replicas: number(2), Template: &t},
		}
		return made(c.CoreV1().ReplicationControllers("default").Create(ctx, rc, metav1.CreateOptions{}))
	}, 30 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		got, err := c.CoreV1().ReplicationControllers("default").Get(ctx, "rc", metav1.GetOptions{})
		return is(err, got.Status.ReadyReplicas, 2)
	}},
	{"daemon set", func(ctx context.Context, c *kubernetes.Clientset) error {
		ds := &appsv1.DaemonSet{ObjectMeta: metav1.ObjectMeta{Name: "agent"},
			Spec: appsv1.DaemonSetSpec{Selector: selector("agent"), Template: template("agent", corev1.PodSpec{
				Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}}})}}
		return made(c.AppsV1().DaemonSets("default").Create(ctx, ds, metav1.CreateOptions{}))
	}, 30 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		got, err := c.AppsV1().DaemonSets("default").Get(ctx, "agent", metav1.GetOptions{})
		return is(err, got.Status.NumberReady, 2)
	}},
	{"job, and its time to live", func(ctx context.Context, c *kubernetes.Clientset) error {
		job := &batchv1.Job{
			ObjectMeta: metav1.ObjectMeta{Name: "work"},
			Spec: batchv1.JobSpec{
				Completions: number(3), Parallelism: number(2), TTLSecondsAfterFinished: number(60),
				Template: template("", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever}),
			},
		}
		return made(c.BatchV1().Jobs("default").Create(ctx, job, metav1.CreateOptions{}))
	}, time.Minute, func(ctx context.Context, c *kubernetes.Clientset) error {
		got, err := c.BatchV1().Jobs("default").Get(ctx, "work", metav1.GetOptions{})
		if err := is(err, got.Status.Succeeded, 3); err != nil {
			return err
		}
		time.Sleep(2 * time.Minute)
		_, err = c.BatchV1().Jobs("default").Get(ctx, "work", metav1.GetOptions{})
		return wantError(err, apierrors.IsNotFound, "not found")
	}},
	{"job with a failure policy", func(ctx context.Context, c *kubernetes.Clientset) error {
		t := template(
			"",
			corev1.PodSpec{
				RestartPolicy: corev1.RestartPolicyNever,
				Containers: []corev1.Container{
					{Name: "c", Image: "busybox", Command: []string{"sh", "-c", "exit 42"}},
				},
			},
		)
		job := &batchv1.Job{ObjectMeta: metav1.ObjectMeta{Name: "doomed"},
			Spec: batchv1.JobSpec{BackoffLimit: number(6), Template: t,
				PodFailurePolicy: &batchv1.PodFailurePolicy{Rules: []batchv1.PodFailurePolicyRule{{
					Action: batchv1.PodFailurePolicyActionFailJob,
					OnExitCodes: &batchv1.PodFailurePolicyOnExitCodesRequirement{
						Operator: batchv1.PodFailurePolicyOnExitCodesOpIn, Values: []int32{42},
					}}}}}}
		return made(c.BatchV1().Jobs("default").Create(ctx, job, metav1.CreateOptions{}))
	}, time.Minute, func(ctx context.Context, c *kubernetes.Clientset) error {
		got, err := c.BatchV1().Jobs("default").Get(ctx, "doomed", metav1.GetOptions{})
		if err := is(err, got.Status.Failed, 1); err != nil {
			return err
		}
		for _, condition := range got.Status.Conditions {
			if condition.Type == batchv1.JobFailed && condition.Reason == "PodFailurePolicy" {
				return nil
			}
		}
		return fmt.Errorf("conditions %+v", got.Status.Conditions)
	}},
	{"job past its deadline", func(ctx context.Context, c *kubernetes.Clientset) error {
		limit := int64(30)
		job := &batchv1.Job{
			ObjectMeta: metav1.ObjectMeta{Name: "slow"},
			Spec: batchv1.JobSpec{
				ActiveDeadlineSeconds: &limit,
				Template: template(
					"",
					corev1.PodSpec{
						RestartPolicy: corev1.RestartPolicyNever,
						Containers: []corev1.Container{
							{Name: "c", Image: "busybox", Command: []string{"sleep", "600"}},
						},
					},
				),
			},
		}
		return made(c.BatchV1().Jobs("default").Create(ctx, job, metav1.CreateOptions{}))
	}, time.Minute, func(ctx context.Context, c *kubernetes.Clientset) error {
		got, err := c.BatchV1().Jobs("default").Get(ctx, "slow", metav1.GetOptions{})
		if err != nil || len(got.Status.Conditions) == 0 ||
			got.Status.Conditions[len(got.Status.Conditions)-1].Reason != "DeadlineExceeded" {
			return fmt.Errorf("%+v, %v", got.Status.Conditions, err)
		}
		return nil
	}},
	{"cron job", func(ctx context.Context, c *kubernetes.Clientset) error {
		cron := &batchv1.CronJob{
			ObjectMeta: metav1.ObjectMeta{Name: "often"},
			Spec: batchv1.CronJobSpec{
				Schedule: "*/2 * * * *",
				JobTemplate: batchv1.JobTemplateSpec{
					Spec: batchv1.JobSpec{
						Template: template("", corev1.PodSpec{RestartPolicy: corev1.RestartPolicyNever}),
					},
				},
			},
		}
		return made(c.BatchV1().CronJobs("default").Create(ctx, cron, metav1.CreateOptions{}))
	}, 5 * time.Minute, func(ctx context.Context, c *kubernetes.Clientset) error {
		got, err := c.BatchV1().CronJobs("default").Get(ctx, "often", metav1.GetOptions{})
		if err != nil || got.Status.LastSuccessfulTime == nil {
			return fmt.Errorf("%+v, %v", got.Status, err)
		}
		return c.BatchV1().CronJobs("default").Delete(ctx, "often", metav1.DeleteOptions{})
	}},
	{"endpoints and slices", func(ctx context.Context, c *kubernetes.Clientset) error {
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "rc"},
			Spec: corev1.ServiceSpec{
				Selector: map[string]string{"app": "rc"}, Ports: []corev1.ServicePort{{Port: 80}},
			},
		}
		return made(c.CoreV1().Services("default").Create(ctx, service, metav1.CreateOptions{}))
	}, 5 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		slices, err := c.DiscoveryV1().EndpointSlices("default").List(
			ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=rc"},
		)
		if err != nil || len(slices.Items) != 1 {
			return fmt.Errorf("%d slices, %v", len(slices.Items), err)
		}
		return is(nil, len(slices.Items[0].Endpoints), 2)
	}},
	{"pod leaves its endpoints before it ends", func(ctx context.Context, c *kubernetes.Clientset) error {
		pods, err := c.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=rc"})
		if err != nil {
			return err
		}
		stop := []byte(`{"metadata":{"annotations":{"seatrial/stop-for":"20s"}}}`)
		if _, err := c.CoreV1().Pods("default").Patch(
			ctx, pods.Items[0].Name, types.MergePatchType, stop, metav1.PatchOptions{},
		); err != nil {
			return err
		}
		return c.CoreV1().Pods("default").Delete(ctx, pods.Items[0].Name, metav1.DeleteOptions{})
	}, 5 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		slices, err := c.DiscoveryV1().EndpointSlices("default").List(
			ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=rc"},
		)
		if err != nil {
			return err
		}
		for _, e := range slices.Items[0].Endpoints {
			if *e.Conditions.Terminating && *e.Conditions.Serving && !*e.Conditions.Ready {
				return nil
			}
		}
		return fmt.Errorf("endpoints %+v", slices.Items[0].Endpoints)
	}},
	{"service account and root certificate", func(ctx context.Context, c *kubernetes.Clientset) error {
		return made(
			c.CoreV1().Namespaces().Create(
				ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "shop"}}, metav1.CreateOptions{},
			),
		)
	}, 5 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		if _, err := c.CoreV1().ServiceAccounts("shop").Get(ctx, "default", metav1.GetOptions{}); err != nil {
			return err
		}
		_, err := c.CoreV1().ConfigMaps("shop").Get(ctx, "kube-root-ca.crt", metav1.GetOptions{})
		return err
	}},
	{"resource quota", func(ctx context.Context, c *kubernetes.Clientset) error {
		quota := &corev1.ResourceQuota{
			ObjectMeta: metav1.ObjectMeta{Name: "few"},
			Spec: corev1.ResourceQuotaSpec{
				Hard: corev1.ResourceList{corev1.ResourceConfigMaps: resource.MustParse("2")},
			},
		}
		if err := made(c.CoreV1().ResourceQuotas("shop").Create(ctx, quota, metav1.CreateOptions{})); err != nil {
			return err
		}
		time.Sleep(5 * time.Second)
		return made(c.CoreV1().ConfigMaps("shop").Create(ctx, configMap("second"), metav1.CreateOptions{}))
	}, 5 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		_, err := c.CoreV1().ConfigMaps("shop").Create(ctx, configMap("third"), metav1.CreateOptions{})
		return wantError(
			err, apierrors.IsForbidden,
			"exceeded quota: few, requested: configmaps=1, used: configmaps=2, limited: configmaps=2",
		)
	}},
	{"aggregated roles", func(ctx context.Context, c *kubernetes.Clientset) error {
		role := &rbacv1.ClusterRole{
			ObjectMeta: metav1.ObjectMeta{
				Name: "crontabs", Labels: map[string]string{"rbac.authorization.k8s.io/aggregate-to-view": "true"},
			},
			Rules: []rbacv1.PolicyRule{
				{APIGroups: []string{"example.com"}, Resources: []string{"crontabs"}, Verbs: []string{"get"}},
			},
		}
		return made(c.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{}))
	}, 5 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		view, err := c.RbacV1().ClusterRoles().Get(ctx, "view", metav1.GetOptions{})
		if err != nil {
			return err
		}
		return wantText(fmt.Sprint(view.Rules), nil, "crontabs", "configmaps")
	}},
	{"volume that lives with its pod", func(ctx context.Context, c *kubernetes.Clientset) error {
		claim := &corev1.PersistentVolumeClaimTemplate{
			Spec: corev1.PersistentVolumeClaimSpec{
				AccessModes: []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
				Resources: corev1.VolumeResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceStorage: resource.MustParse("1Gi")},
				},
			},
		}
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "scratch"},
			Spec: corev1.PodSpec{
				Containers: []corev1.Container{{Name: "c", Image: "nginx"}},
				Volumes: []corev1.Volume{
					{
						Name: "data",
						VolumeSource: corev1.VolumeSource{
							Ephemeral: &corev1.EphemeralVolumeSource{VolumeClaimTemplate: claim},
						},
					},
				},
			},
		}
		return made(c.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}))
	}, 30 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		claim, err := c.CoreV1().PersistentVolumeClaims("default").Get(ctx, "scratch-data", metav1.GetOptions{})
		if err := is(err, claim.Status.Phase, corev1.ClaimBound); err != nil {
			return err
		}
		pod, err := c.CoreV1().Pods("default").Get(ctx, "scratch", metav1.GetOptions{})
		return is(err, pod.Status.Phase, corev1.PodRunning)
	}},
	{"endpoints made by hand", func(ctx context.Context, c *kubernetes.Clientset) error {
		service := &corev1.Service{
			ObjectMeta: metav1.ObjectMeta{Name: "outside"},
			Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Port: 80}}},
		}
		if err := made(c.CoreV1().Services("default").Create(ctx, service, metav1.CreateOptions{})); err != nil {
			return err
		}
		//lint:ignore SA1019 what users still write
		endpoints := &corev1.Endpoints{
			ObjectMeta: metav1.ObjectMeta{Name: "outside"},
			//lint:ignore SA1019 what users still write
			Subsets: []corev1.EndpointSubset{
				{Addresses: []corev1.EndpointAddress{{IP: "192.0.2.1"}}, Ports: []corev1.EndpointPort{{Port: 80}}},
			},
		}
		return made(c.CoreV1().Endpoints("default").Create(ctx, endpoints, metav1.CreateOptions{}))
	}, 5 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		slices, err := c.DiscoveryV1().EndpointSlices("default").List(
			ctx, metav1.ListOptions{LabelSelector: "kubernetes.io/service-name=outside"},
		)
		return is(err, len(slices.Items), 1)
	}},
	{"type check of an admission policy", func(ctx context.Context, c *kubernetes.Clientset) error {
		policy := &admissionv1.ValidatingAdmissionPolicy{ObjectMeta: metav1.ObjectMeta{Name: "typo"},
			Spec: admissionv1.ValidatingAdmissionPolicySpec{
				MatchConstraints: &admissionv1.MatchResources{ResourceRules: []admissionv1.NamedRuleWithOperations{{
					RuleWithOperations: admissionv1.RuleWithOperations{
						Operations: []admissionv1.OperationType{admissionv1.Create},
						Rule: admissionv1.Rule{
							APIGroups: []string{"apps"}, APIVersions: []string{"v1"}, Resources: []string{"deployments"},
						}}}}},
				Validations: []admissionv1.Validation{{Expression: "object.spec.replica > 1"}}}}
		return made(
			c.AdmissionregistrationV1().ValidatingAdmissionPolicies().Create(ctx, policy, metav1.CreateOptions{}),
		)
	}, 5 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		policy, err := c.AdmissionregistrationV1().ValidatingAdmissionPolicies().Get(ctx, "typo", metav1.GetOptions{})
		if err != nil || policy.Status.TypeChecking == nil {
			return fmt.Errorf("%+v, %v", policy.Status, err)
		}
		return wantText(fmt.Sprint(policy.Status.TypeChecking), nil, "undefined field 'replica'")
	}},
	{"resource claim of a pod", func(ctx context.Context, c *kubernetes.Clientset) error {
		t := &resourcev1.ResourceClaimTemplate{
			ObjectMeta: metav1.ObjectMeta{Name: "gpu"},
			Spec: resourcev1.ResourceClaimTemplateSpec{
				Spec: resourcev1.ResourceClaimSpec{
					Devices: resourcev1.DeviceClaim{
						Requests: []resourcev1.DeviceRequest{
							{Name: "one", Exactly: &resourcev1.ExactDeviceRequest{DeviceClassName: "gpu"}},
						},
					},
				},
			},
		}
		if err := made(
			c.ResourceV1().ResourceClaimTemplates("default").Create(ctx, t, metav1.CreateOptions{}),
		); err != nil {
			return err
		}
		name := "gpu"
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "learns"},
			Spec: corev1.PodSpec{
				ResourceClaims: []corev1.PodResourceClaim{{Name: "gpu", ResourceClaimTemplateName: &name}},
				Containers: []corev1.Container{
					{
						Name: "c", Image: "nginx",
						Resources: corev1.ResourceRequirements{Claims: []corev1.ResourceClaim{{Name: "gpu"}}},
					},
				},
			},
		}
		return made(c.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{}))
	}, 5 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		claims, err := c.ResourceV1().ResourceClaims("default").List(ctx, metav1.ListOptions{})
		if err := is(err, len(claims.Items), 1); err != nil {
			return err
		}
		return c.CoreV1().Pods("default").Delete(ctx, "learns", metav1.DeleteOptions{})
	}},
	{"garbage collector", func(ctx context.Context, c *kubernetes.Clientset) error {
		owner, err := c.CoreV1().ConfigMaps("default").Create(ctx, configMap("owner"), metav1.CreateOptions{})
		if err != nil {
			return err
		}
		owned := configMap("owned")
		owned.OwnerReferences = []metav1.OwnerReference{
			{APIVersion: "v1", Kind: "ConfigMap", Name: "owner", UID: owner.UID},
		}
		if err := made(c.CoreV1().ConfigMaps("default").Create(ctx, owned, metav1.CreateOptions{})); err != nil {
			return err
		}
		time.Sleep(time.Second)
		return c.CoreV1().ConfigMaps("default").Delete(ctx, "owner", metav1.DeleteOptions{})
	}, time.Minute, func(ctx context.Context, c *kubernetes.Clientset) error {
		_, err := c.CoreV1().ConfigMaps("default").Get(ctx, "owned", metav1.GetOptions{})
		return wantError(err, apierrors.IsNotFound, "not found")
	}},
	{"autoscaler", func(ctx context.Context, c *kubernetes.Clientset) error {
		t := template(
			"busy",
			corev1.PodSpec{
				Containers: []corev1.Container{
					{
						Name: "c", Image: "nginx",
						Resources: corev1.ResourceRequirements{
							Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")},
						},
					},
				},
			},
		)
		t.Annotations = map[string]string{"seatrial/use-cpu": "150m"}
		d := &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: "busy"},
			Spec:       appsv1.DeploymentSpec{Selector: selector("busy"), Template: t},
		}
		if err := made(c.AppsV1().Deployments("default").Create(ctx, d, metav1.CreateOptions{})); err != nil {
			return err
		}
		hpa := &autoscalingv2.HorizontalPodAutoscaler{ObjectMeta: metav1.ObjectMeta{Name: "busy"},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{
					APIVersion: "apps/v1", Kind: "Deployment", Name: "busy",
				}, MaxReplicas: 3,
				Metrics: []autoscalingv2.MetricSpec{
					{
						Type: autoscalingv2.ResourceMetricSourceType,
						Resource: &autoscalingv2.ResourceMetricSource{
							Name: corev1.ResourceCPU,
							Target: autoscalingv2.MetricTarget{
								Type: autoscalingv2.UtilizationMetricType, AverageUtilization: number(50),
							},
						},
					},
				}}}
		return made(c.AutoscalingV2().HorizontalPodAutoscalers("default").Create(ctx, hpa, metav1.CreateOptions{}))
	}, 2 * time.Minute, func(ctx context.Context, c *kubernetes.Clientset) error {
		got, err := c.AppsV1().Deployments("default").Get(ctx, "busy", metav1.GetOptions{})
		return is(err, got.Status.ReadyReplicas, 3)
	}},
	{"taint eviction", func(ctx context.Context, c *kubernetes.Clientset) error {
		patch := []byte(`{"spec":{"taints":[{"key":"broken","effect":"NoExecute"}]}}`)
		return made(c.CoreV1().Nodes().Patch(ctx, "demo-worker", types.MergePatchType, patch, metav1.PatchOptions{}))
	}, 2 * time.Minute, func(ctx context.Context, c *kubernetes.Clientset) error {
		pods, err := c.CoreV1().Pods("default").List(
			ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=demo-worker,status.phase=Running"},
		)
		if err := is(err, len(pods.Items), 1); err != nil { // the daemon tolerates everything
			return err
		}
		return made(
			c.CoreV1().Nodes().Patch(
				ctx, "demo-worker", types.MergePatchType, []byte(`{"spec":{"taints":null}}`), metav1.PatchOptions{},
			),
		)
	}},
	{"node that comes back is ready again", func(ctx context.Context, c *kubernetes.Clientset) error {
		if err := made(
			c.CoreV1().Nodes().Patch(ctx, "demo-worker", types.MergePatchType,
				[]byte(`{"metadata":{"annotations":{"`+kubelet.AnnotationStopped+`":"true"}}}`), metav1.PatchOptions{}),
		); err != nil {
			return err
		}
		time.Sleep(2 * time.Minute)
		node, err := c.CoreV1().Nodes().Get(ctx, "demo-worker", metav1.GetOptions{})
		if err := is(err, readiness(node), corev1.ConditionUnknown); err != nil {
			return err
		}
		return made(
			c.CoreV1().Nodes().Patch(
				ctx, "demo-worker", types.MergePatchType,
				[]byte(`{"metadata":{"annotations":{"`+kubelet.AnnotationStopped+`":null}}}`), metav1.PatchOptions{},
			),
		)
	}, time.Minute, func(ctx context.Context, c *kubernetes.Clientset) error {
		node, err := c.CoreV1().Nodes().Get(ctx, "demo-worker", metav1.GetOptions{})
		return is(err, readiness(node), corev1.ConditionTrue)
	}},
	{"node that is added", func(ctx context.Context, c *kubernetes.Clientset) error {
		return made(
			c.CoreV1().Nodes().Create(
				ctx, &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "extra"}}, metav1.CreateOptions{},
			),
		)
	}, 30 * time.Second, func(ctx context.Context, c *kubernetes.Clientset) error {
		node, err := c.CoreV1().Nodes().Get(ctx, "extra", metav1.GetOptions{})
		if err := is(err, readiness(node), corev1.ConditionTrue); err != nil {
			return err
		}
		return is(nil, node.Status.Allocatable.Pods().String(), "110")
	}},
	{"pod of a node that is gone", func(ctx context.Context, c *kubernetes.Clientset) error {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "stranded"},
			Spec:       corev1.PodSpec{NodeName: "extra", Containers: []corev1.Container{{Name: "c", Image: "nginx"}}},
		}
		if err := made(c.CoreV1().Pods("default").Create(ctx, pod, metav1.CreateOptions{})); err != nil {
			return err
		}
		time.Sleep(10 * time.Second)
		return c.CoreV1().Nodes().Delete(ctx, "extra", metav1.DeleteOptions{})
	}, 3 * time.Minute, func(ctx context.Context, c *kubernetes.Clientset) error {
		_, err := c.CoreV1().Pods("default").Get(ctx, "stranded", metav1.GetOptions{})
		return wantError(err, apierrors.IsNotFound, "not found")
	}},
}

func TestControllersAct(t *testing.T) {
	simulate(t, cluster.Config{}, func(_ *cluster.Cluster, client *kubernetes.Clientset) {
		ctx := context.Background()
		for _, act := range acts {
			if err := act.make(ctx, client); err != nil {
				t.Errorf("%s: %v", act.name, err)
				continue
			}
			time.Sleep(act.after)
			if err := act.seen(ctx, client); err != nil {
				t.Errorf("%s: after %v: %v", act.name, act.after, err)
			}
		}
	})
}

func made[T any](_ T, err error) error { return err }

func number(n int32) *int32 { return &n }

func is[T comparable](err error, got, want T) error {
	if err == nil && got != want {
		err = fmt.Errorf("got %v, want %v", got, want)
	}
	return err
}

func selector(app string) *metav1.LabelSelector {
	return &metav1.LabelSelector{MatchLabels: map[string]string{"app": app}}
}

// template makes pods with a label; without containers they run nginx.
func template(app string, spec corev1.PodSpec) corev1.PodTemplateSpec {
	t := corev1.PodTemplateSpec{Spec: spec}
	if app != "" {
		t.Labels = map[string]string{"app": app}
	}
	if len(t.Spec.Containers) == 0 {
		t.Spec.Containers = []corev1.Container{{Name: "c", Image: "nginx"}}
	}
	return t
}

func readiness(n *corev1.Node) corev1.ConditionStatus {
	for _, c := range n.Status.Conditions {
		if c.Type == corev1.NodeReady {
			return c.Status
		}
	}
	return ""
}
