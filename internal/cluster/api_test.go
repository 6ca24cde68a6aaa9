package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/cluster/apiserver"
)

// door is how the tests of the API server come in.
type door struct {
	*kubernetes.Clientset
	dynamic dynamic.Interface
	config  *rest.Config
}

// accept asks for a path in a media type.
func (d *door) accept(path, mediaType string) (string, error) {
	body, err := d.CoreV1().RESTClient().Get().AbsPath(path).SetHeader("Accept", mediaType).DoRaw(context.Background())
	return string(body), err
}

// surface is what the API server offers, each item with a look at it from outside.
var surface = []struct {
	name string
	look func(context.Context, *door) error
}{
	{"discovery", func(_ context.Context, d *door) error {
		_, all, err := d.Discovery().ServerGroupsAndResources()
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, list := range all {
			for _, r := range list.APIResources {
				known[list.GroupVersion+" "+r.Name] = true
			}
		}
		for _, want := range []string{"v1 pods/eviction", "v1 pods/ephemeralcontainers", "v1 pods/resize", "apps/v1 deployments/scale", "batch/v1 cronjobs", "apiextensions.k8s.io/v1 customresourcedefinitions",
			"admissionregistration.k8s.io/v1 validatingadmissionpolicies", "resource.k8s.io/v1 resourceclaims",
			"metrics.k8s.io/v1beta1 pods", "flowcontrol.apiserver.k8s.io/v1 flowschemas"} {
			if !known[want] {
				return fmt.Errorf("%s is not there", want)
			}
		}
		return nil
	}},
	{"aggregated discovery", func(_ context.Context, d *door) error {
		body, err := d.accept("/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList")
		return wantText(
			body, err, `"kind":"APIGroupDiscoveryList"`, `"resource":"deployments"`, `"shortNames":["deploy"]`,
		)
	}},
	{"what there is under the root", func(_ context.Context, d *door) error {
		body, err := d.accept("/", "application/json")
		if err := wantText(
			body, err, `"/api/v1"`, `"/apis/apps/v1"`, `"/apis/metrics.k8s.io"`, `"/openapi/v3"`,
		); err != nil {
			return err
		}
		var root metav1.RootPaths
		if err := json.Unmarshal([]byte(body), &root); err != nil {
			return err
		}
		for _, path := range root.Paths {
			if _, err := d.accept(path, "application/json"); err != nil {
				return fmt.Errorf("%s is shown, and answers: %w", path, err)
			}
		}
		return nil
	}},
	{"endpoints of the API server", func(ctx context.Context, d *door) error {
		e, err := d.CoreV1().Endpoints("default").Get(ctx, "kubernetes", metav1.GetOptions{})
		if err != nil {
			return err
		}
		slice, err := d.DiscoveryV1().EndpointSlices("default").Get(ctx, "kubernetes", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if ip := e.Subsets[0].Addresses[0].IP; ip != apiserver.Advertised.String() ||
			slice.Endpoints[0].Addresses[0] != ip {
			return fmt.Errorf("endpoints %v, slice %v", e.Subsets, slice.Endpoints)
		}
		return nil
	}},
	{"OpenAPI v2", func(_ context.Context, d *door) error {
		doc, err := d.Discovery().OpenAPISchema()
		if err != nil {
			return err
		}
		for _, def := range doc.GetDefinitions().GetAdditionalProperties() {
			if def.Name == "io.k8s.api.apps.v1.Deployment" {
				return nil
			}
		}
		return errors.New("no Deployment in it")
	}},
	{"OpenAPI v3", func(_ context.Context, d *door) error {
		paths, err := d.Discovery().OpenAPIV3().Paths()
		if err != nil {
			return err
		}
		gv, ok := paths["apis/apps/v1"]
		if !ok {
			return fmt.Errorf("no apis/apps/v1 among %d", len(paths))
		}
		body, err := gv.Schema("application/json")
		return wantText(string(body), err, "io.k8s.api.apps.v1.DeploymentSpec")
	}},
	{"tables", func(_ context.Context, d *door) error {
		body, err := d.accept("/api/v1/nodes", "application/json;as=Table;v=v1;g=meta.k8s.io")
		return wantText(body, err, `"kind":"Table"`, `"name":"Roles"`, `"demo-worker"`)
	}},
	{"watch", func(ctx context.Context, d *door) error {
		maps := d.CoreV1().ConfigMaps("default")
		list, err := maps.List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		w, err := maps.Watch(
			ctx, metav1.ListOptions{ResourceVersion: list.ResourceVersion, FieldSelector: "metadata.name=watched"},
		)
		if err != nil {
			return err
		}
		defer w.Stop()
		if _, err := maps.Create(ctx, configMap("watched"), metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := maps.Delete(ctx, "watched", metav1.DeleteOptions{}); err != nil {
			return err
		}
		for _, want := range []string{"ADDED", "DELETED"} {
			if e := <-w.ResultChan(); string(e.Type) != want {
				return fmt.Errorf("got %s, want %s", e.Type, want)
			}
		}
		return nil
	}},
	{"server-side apply", func(ctx context.Context, d *door) error {
		maps := d.CoreV1().ConfigMaps("default")
		apply := func(manager, value string, force bool) error {
			patch := fmt.Sprintf(
				`{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"shared"},"data":{"key":%q}}`, value,
			)
			_, err := maps.Patch(
				ctx, "shared", types.ApplyPatchType, []byte(patch),
				metav1.PatchOptions{FieldManager: manager, Force: &force},
			)
			return err
		}
		if err := apply("one", "a", false); err != nil {
			return err
		}
		if err := apply("two", "b", false); !apierrors.IsConflict(err) ||
			!strings.Contains(err.Error(), `conflict with "one": .data.key`) {
			return fmt.Errorf("want a conflict, got %v", err)
		}
		return apply("two", "b", true)
	}},
	{"dry run", func(ctx context.Context, d *door) error {
		maps := d.CoreV1().ConfigMaps("default")
		if _, err := maps.Create(
			ctx, configMap("never"), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}},
		); err != nil {
			return err
		}
		_, err := maps.Get(ctx, "never", metav1.GetOptions{})
		return wantError(err, apierrors.IsNotFound, "not found")
	}},
	{"field validation", func(ctx context.Context, d *door) error {
		_, err := d.dynamic.Resource(schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}).Namespace(
			"default",
		).Create(ctx,
			&unstructured.Unstructured{
				Object: map[string]any{
					"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "odd"},
					"dta": map[string]any{},
				},
			},
			metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
		return wantError(err, apierrors.IsBadRequest, `unknown field "dta"`)
	}},
	{"pagination", func(ctx context.Context, d *door) error {
		maps := d.CoreV1().ConfigMaps("kube-public")
		for i := range 5 {
			if _, err := maps.Create(ctx, configMap(fmt.Sprint("page-", i)), metav1.CreateOptions{}); err != nil {
				return err
			}
		}
		var names []string
		for token := ""; ; {
			list, err := maps.List(ctx, metav1.ListOptions{Limit: 2, Continue: token})
			if err != nil {
				return err
			}
			if len(list.Items) > 2 {
				return fmt.Errorf("%d on a page", len(list.Items))
			}
			for _, c := range list.Items {
				if strings.HasPrefix(c.Name, "page-") {
					names = append(names, c.Name)
				}
			}
			if token = list.Continue; token == "" {
				break
			}
		}
		return wantText(strings.Join(names, " "), nil, "page-0 page-1 page-2 page-3 page-4")
	}},
	{"scale", func(ctx context.Context, d *door) error {
		deployments := d.AppsV1().Deployments("default")
		if _, err := deployments.Create(ctx, nginx(1), metav1.CreateOptions{}); err != nil {
			return err
		}
		if _, err := deployments.UpdateScale(
			ctx, "nginx-deploy",
			&autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "nginx-deploy", Namespace: "default"},
				Spec: autoscalingv1.ScaleSpec{Replicas: 2}},
			metav1.UpdateOptions{},
		); err != nil {
			return err
		}
		time.Sleep(20 * time.Second)
		s, err := deployments.GetScale(ctx, "nginx-deploy", metav1.GetOptions{})
		if err == nil && s.Status.Replicas != 2 {
			err = fmt.Errorf("%d replicas", s.Status.Replicas)
		}
		return err
	}},
	{"eviction respects budgets", func(ctx context.Context, d *door) error {
		all := intstr.FromString("100%")
		pdb := &policyv1.PodDisruptionBudget{
			ObjectMeta: metav1.ObjectMeta{Name: "web"},
			Spec: policyv1.PodDisruptionBudgetSpec{
				MinAvailable: &all, Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app": "nginx"}},
			},
		}
		if _, err := d.PolicyV1().PodDisruptionBudgets("default").Create(ctx, pdb, metav1.CreateOptions{}); err != nil {
			return err
		}
		time.Sleep(5 * time.Second)
		pods, err := d.CoreV1().Pods("default").List(ctx, metav1.ListOptions{LabelSelector: "app=nginx"})
		if err != nil || len(pods.Items) == 0 {
			return fmt.Errorf("%d pods, %v", len(pods.Items), err)
		}
		evict := func() error {
			return d.CoreV1().Pods("default").EvictV1(
				ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: pods.Items[0].Name}},
			)
		}
		if err := wantError(evict(), apierrors.IsTooManyRequests, "disruption budget"); err != nil {
			return err
		}
		if err := d.PolicyV1().PodDisruptionBudgets("default").Delete(ctx, "web", metav1.DeleteOptions{}); err != nil {
			return err
		}
		time.Sleep(time.Second)
		return evict()
	}},
	{"binding by hand", func(ctx context.Context, d *door) error {
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "bound"},
			Spec: corev1.PodSpec{
				SchedulerName: "me", Containers: []corev1.Container{{Name: "c", Image: "nginx"}},
			},
		}
		pods := d.CoreV1().Pods("default")
		if _, err := pods.Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return err
		}
		if err := pods.Bind(
			ctx,
			&corev1.Binding{ObjectMeta: metav1.ObjectMeta{Name: "bound"},
				Target: corev1.ObjectReference{Kind: "Node", Name: "demo-worker"}},
			metav1.CreateOptions{},
		); err != nil {
			return err
		}
		time.Sleep(15 * time.Second)
		got, err := pods.Get(ctx, "bound", metav1.GetOptions{})
		if err == nil && got.Status.Phase != corev1.PodRunning {
			err = fmt.Errorf("it is %s", got.Status.Phase)
		}
		return err
	}},
	{"status and log of a pod", func(ctx context.Context, d *door) error {
		pods := d.CoreV1().Pods("default")
		got, err := pods.Get(ctx, "bound", metav1.GetOptions{})
		if err != nil {
			return err
		}
		got.Spec.Containers[0].Image = "other" // a write to the status leaves the spec alone
		got.Status.Conditions = append(
			got.Status.Conditions, corev1.PodCondition{Type: "example.com/checked", Status: corev1.ConditionTrue},
		)
		after, err := pods.UpdateStatus(ctx, got, metav1.UpdateOptions{})
		if err != nil || after.Spec.Containers[0].Image != "nginx" {
			return fmt.Errorf("%+v, %v", after.Spec.Containers, err)
		}
		_, err = pods.GetLogs("bound", &corev1.PodLogOptions{}).Stream(ctx)
		return wantError(err, apierrors.IsBadRequest, "are simulated")
	}},
	{"admission plugins", func(ctx context.Context, d *door) error {
		got, err := d.CoreV1().Pods("default").Get(ctx, "bound", metav1.GetOptions{})
		if err != nil {
			return err
		}
		text, err := json.Marshal(got.Spec)
		return wantText(
			string(text), err, "kube-api-access-", "node.kubernetes.io/unreachable", `"serviceAccountName":"default"`,
			`"priority":0`,
		)
	}},
	{"Pod Security", func(ctx context.Context, d *door) error {
		namespace := &corev1.Namespace{
			ObjectMeta: metav1.ObjectMeta{
				Name: "strict", Labels: map[string]string{"pod-security.kubernetes.io/enforce": "restricted"},
			},
		}
		if _, err := d.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return err
		}
		time.Sleep(time.Second)
		pod := &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "root"},
			Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "nginx"}}},
		}
		_, err := d.CoreV1().Pods("strict").Create(ctx, pod, metav1.CreateOptions{})
		return wantError(err, apierrors.IsForbidden, `violates PodSecurity "restricted:latest"`)
	}},
	{"admission policies", admissionPolicies},
	{"RBAC and impersonation", func(ctx context.Context, d *door) error {
		config := rest.CopyConfig(d.config)
		config.Impersonate = rest.ImpersonationConfig{UserName: "bob"}
		bob, err := kubernetes.NewForConfig(config)
		if err != nil {
			return err
		}
		list := func() error {
			_, err := bob.CoreV1().Pods("default").List(ctx, metav1.ListOptions{})
			return err
		}
		if err := wantError(list(), apierrors.IsForbidden, `User "bob" cannot list resource "pods"`); err != nil {
			return err
		}
		role := &rbacv1.Role{
			ObjectMeta: metav1.ObjectMeta{Name: "look"},
			Rules: []rbacv1.PolicyRule{
				{APIGroups: []string{""}, Resources: []string{"pods"}, Verbs: []string{"list"}},
			},
		}
		if _, err := d.RbacV1().Roles("default").Create(ctx, role, metav1.CreateOptions{}); err != nil {
			return err
		}
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "bob"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "look"},
			Subjects:   []rbacv1.Subject{{Kind: rbacv1.UserKind, Name: "bob", APIGroup: rbacv1.GroupName}},
		}
		if _, err := d.RbacV1().RoleBindings("default").Create(ctx, binding, metav1.CreateOptions{}); err != nil {
			return err
		}
		time.Sleep(time.Second)
		return list()
	}},
	{"bootstrap roles", func(ctx context.Context, d *door) error {
		for _, name := range []string{
			"cluster-admin", "admin", "edit", "view", "system:node", "system:controller:deployment-controller",
		} {
			if _, err := d.RbacV1().ClusterRoles().Get(ctx, name, metav1.GetOptions{}); err != nil {
				return err
			}
		}
		return nil
	}},
	{"custom resources", customResources},
	{"service addresses", func(ctx context.Context, d *door) error {
		s, err := d.CoreV1().Services("default").Create(
			ctx,
			&corev1.Service{
				ObjectMeta: metav1.ObjectMeta{Name: "web"},
				Spec: corev1.ServiceSpec{
					Type: corev1.ServiceTypeNodePort, Ports: []corev1.ServicePort{{Port: 80}},
				},
			},
			metav1.CreateOptions{},
		)
		if err == nil && (s.Spec.ClusterIP == "" || s.Spec.Ports[0].NodePort < 30000) {
			err = fmt.Errorf("%+v", s.Spec)
		}
		return err
	}},
}

func TestAPISurface(t *testing.T) {
	simulate(t, cluster.Config{}, func(e *cluster.Cluster, client *kubernetes.Clientset) {
		d := &door{Clientset: client, config: e.RESTConfig()}
		var err error
		if d.dynamic, err = dynamic.NewForConfig(d.config); err != nil {
			t.Error(err)
			return
		}
		for _, item := range surface {
			if err := item.look(context.Background(), d); err != nil {
				t.Errorf("%s: %v", item.name, err)
			}
		}
	})
}

func configMap(name string) *corev1.ConfigMap {
	return &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: name}}
}

func wantText(text string, err error, parts ...string) error {
	for _, p := range parts {
		if err == nil && !strings.Contains(text, p) {
			err = fmt.Errorf("no %s in %.300s", p, text)
		}
	}
	return err
}

func wantError(err error, is func(error) bool, text string) error {
	if err == nil || !is(err) || !strings.Contains(err.Error(), text) {
		return fmt.Errorf("want an error with %q, got %v", text, err)
	}
	return nil
}

// create makes objects that are written in YAML.
func (d *door) create(ctx context.Context, text string) error {
	resources := map[string]string{
		"CustomResourceDefinition": "customresourcedefinitions", "CronTab": "crontabs", "ConfigMap": "configmaps",
		"ValidatingAdmissionPolicy":        "validatingadmissionpolicies",
		"ValidatingAdmissionPolicyBinding": "validatingadmissionpolicybindings",
		"MutatingAdmissionPolicy":          "mutatingadmissionpolicies",
		"MutatingAdmissionPolicyBinding":   "mutatingadmissionpolicybindings",
	}
	for _, o := range parse(text) {
		gvr := o.GroupVersionKind().GroupVersion().WithResource(resources[o.GetKind()])
		var client dynamic.ResourceInterface = d.dynamic.Resource(gvr)
		if o.GetNamespace() != "" {
			client = d.dynamic.Resource(gvr).Namespace(o.GetNamespace())
		}
		if _, err := client.Create(
			ctx, o, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict},
		); err != nil {
			return err
		}
	}
	return nil
}

const policies = `apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: no-secrets}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  validations: [{expression: "!object.metadata.name.startsWith('secret')", message: use a Secret}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: no-secrets}
spec: {policyName: no-secrets, validationActions: [Deny]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata: {name: mark}
spec:
  matchConstraints:
    resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [configmaps]}]
  reinvocationPolicy: Never
  mutations:
  - patchType: ApplyConfiguration
    applyConfiguration: {expression: 'Object{metadata: Object.metadata{labels: {"marked": "yes"}}}'}
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata: {name: mark}
spec: {policyName: mark}`

func admissionPolicies(ctx context.Context, d *door) error {
	if err := d.create(ctx, policies); err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	maps := d.CoreV1().ConfigMaps("default")
	_, err := maps.Create(ctx, configMap("secret-plans"), metav1.CreateOptions{})
	if err := wantError(err, apierrors.IsInvalid, "use a Secret"); err != nil {
		return err
	}
	c, err := maps.Create(ctx, configMap("plain"), metav1.CreateOptions{})
	if err == nil && c.Labels["marked"] != "yes" {
		err = fmt.Errorf("labels %v", c.Labels)
	}
	return err
}

const definition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: crontabs.stable.example.com}
spec:
  group: stable.example.com
  scope: Namespaced
  names: {plural: crontabs, singular: crontab, kind: CronTab, shortNames: [ct]}
  versions:
  - name: v2
    served: true
    storage: true
    subresources: {status: {}, scale: {specReplicasPath: .spec.replicas, statusReplicasPath: .status.replicas}}
    additionalPrinterColumns: [{name: Replicas, type: integer, jsonPath: .spec.replicas}]
    schema: &schema
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties: {replicas: {type: integer, default: 2}}
            x-kubernetes-validations: [{rule: self.replicas < 10, message: too many}]
          status:
            type: object
            properties: {replicas: {type: integer}}
  - name: v1
    served: true
    storage: false
    schema: *schema`

func customResources(ctx context.Context, d *door) error {
	if err := d.create(ctx, definition); err != nil {
		return err
	}
	time.Sleep(5 * time.Second)
	tab := func(name, spec string) string {
		return "apiVersion: stable.example.com/v1\nkind: CronTab\nmetadata: {name: " + name +
			", namespace: default}\nspec: " + spec
	}
	if err := d.create(ctx, tab("mine", "{}")); err != nil {
		return err
	}
	if err := wantError(d.create(ctx, tab("large", "{replicas: 10}")), apierrors.IsInvalid, "too many"); err != nil {
		return err
	}
	if err := wantError(
		d.create(ctx, tab("odd", "{replica: 1}")), apierrors.IsBadRequest, `unknown field "spec.replica"`,
	); err != nil {
		return err
	}
	body, err := d.accept("/apis/stable.example.com/v2/namespaces/default/crontabs/mine", "application/json")
	if err := wantText(body, err, `"apiVersion":"stable.example.com/v2"`, `"replicas":2`); err != nil {
		return err
	}
	body, err = d.accept("/apis/stable.example.com/v2/namespaces/default/crontabs/mine/scale", "application/json")
	if err := wantText(body, err, `"kind":"Scale"`, `"replicas":2`); err != nil {
		return err
	}
	body, err = d.accept(
		"/apis/stable.example.com/v2/namespaces/default/crontabs", "application/json;as=Table;v=v1;g=meta.k8s.io",
	)
	if err := wantText(body, err, `"name":"Replicas"`); err != nil {
		return err
	}
	body, err = d.accept("/openapi/v3/apis/stable.example.com/v2", "application/json")
	return wantText(body, err, "com.example.stable.v2.CronTab")
}
