// Package envtest runs controller-runtime's envtest against a cluster that runs already: a custom resource, a manager
// with a reconciler, and a webhook that the API server calls on this machine.
package envtest

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/go-logr/logr"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	extensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/metrics/server"
	"sigs.k8s.io/controller-runtime/pkg/webhook"
	"sigs.k8s.io/controller-runtime/pkg/webhook/admission"
)

var boat = schema.GroupVersionKind{Group: "harbour.example.com", Version: "v1", Kind: "Boat"}

// TestEnvtest wants KUBECONFIG to name the cluster. envtest deletes what it has installed; the namespace is this test's
// own.
func TestEnvtest(t *testing.T) {
	ctrl.SetLogger(logr.Discard())
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		t.Fatal(err)
	}
	existing := true
	environment := &envtest.Environment{
		UseExistingCluster: &existing,
		Config:             config,
		CRDs:               []*extensionsv1.CustomResourceDefinition{boats()},
		WebhookInstallOptions: envtest.WebhookInstallOptions{
			ValidatingWebhooks: []*admissionv1.ValidatingWebhookConfiguration{refuses()},
		},
	}
	if _, err := environment.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := environment.Stop(); err != nil {
			t.Error(err)
		}
	})
	runManager(t, environment)

	c, err := client.New(config, client.Options{})
	if err != nil {
		t.Fatal(err)
	}
	harbour := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{GenerateName: "harbour-"}}
	create(t, c, harbour)
	t.Cleanup(func() {
		if err := c.Delete(context.Background(), harbour); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the webhook refuses a boat that leaks", func(ctx context.Context) error {
		err := c.Create(ctx, newBoat(harbour.Name, "sieve", -1), client.DryRunAll)
		if apierrors.IsForbidden(err) {
			return nil
		}
		return fmt.Errorf("creating it: %v", err)
	})

	b := newBoat(harbour.Name, "anna", 3)
	create(t, c, b)
	crew := func(ctx context.Context) (*corev1.ConfigMap, error) {
		var m corev1.ConfigMap
		return &m, c.Get(ctx, client.ObjectKeyFromObject(b), &m)
	}
	wantSeats := func(want string) {
		eventually(t, want+" seats in the ConfigMap and the status of the boat", func(ctx context.Context) error {
			m, err := crew(ctx)
			if err != nil {
				return err
			}
			if err := c.Get(ctx, client.ObjectKeyFromObject(b), b); err != nil {
				return err
			}
			if ready, _, _ := unstructured.NestedString(
				b.Object, "status", "seats",
			); m.Data["seats"] != want || ready != want {
				return fmt.Errorf("ConfigMap says %q, status %q", m.Data["seats"], ready)
			}
			return nil
		})
	}
	wantSeats("3")
	patch := client.RawPatch("application/merge-patch+json", []byte(`{"spec":{"seats":5}}`))
	if err := c.Patch(t.Context(), b, patch); err != nil {
		t.Fatal(err)
	}
	wantSeats("5")
	if err := c.Delete(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the garbage collector takes the ConfigMap along", func(ctx context.Context) error {
		_, err := crew(ctx)
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there: %v", err)
	})
}

// runManager runs the reconciler and the webhook until the test ends.
func runManager(t *testing.T, environment *envtest.Environment) {
	o := environment.WebhookInstallOptions
	manager, err := ctrl.NewManager(environment.Config, ctrl.Options{
		Metrics: server.Options{BindAddress: "0"},
		WebhookServer: webhook.NewServer(
			webhook.Options{Host: o.LocalServingHost, Port: o.LocalServingPort, CertDir: o.LocalServingCertDir},
		),
	})
	if err != nil {
		t.Fatal(err)
	}
	watched := &unstructured.Unstructured{}
	watched.SetGroupVersionKind(boat)
	if err := ctrl.NewControllerManagedBy(manager).For(watched).Owns(&corev1.ConfigMap{}).Complete(
		reconciler{manager.GetClient()},
	); err != nil {
		t.Fatal(err)
	}
	manager.GetWebhookServer().Register("/validate", &admission.Webhook{Handler: admission.HandlerFunc(noLeaks)})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- manager.Start(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// reconciler keeps a ConfigMap beside each boat, and tells in its status.
type reconciler struct{ client.Client }

func (r reconciler) Reconcile(ctx context.Context, q ctrl.Request) (ctrl.Result, error) {
	b := &unstructured.Unstructured{}
	b.SetGroupVersionKind(boat)
	if err := r.Get(ctx, q.NamespacedName, b); err != nil || b.GetDeletionTimestamp() != nil {
		return ctrl.Result{}, client.IgnoreNotFound(err)
	}
	seats, _, err := unstructured.NestedInt64(b.Object, "spec", "seats")
	if err != nil {
		return ctrl.Result{}, err
	}
	text := fmt.Sprint(seats)
	m := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: q.Namespace, Name: q.Name}}
	if _, err := controllerutil.CreateOrUpdate(ctx, r, m, func() error {
		m.Data = map[string]string{"seats": text}
		return controllerutil.SetControllerReference(b, m, r.Scheme())
	}); err != nil {
		return ctrl.Result{}, err
	}
	if err := unstructured.SetNestedField(b.Object, text, "status", "seats"); err != nil {
		return ctrl.Result{}, err
	}
	return ctrl.Result{}, r.Status().Update(ctx, b)
}

// noLeaks refuses boats with less than no seats.
func noLeaks(_ context.Context, q admission.Request) admission.Response {
	var b unstructured.Unstructured
	if err := b.UnmarshalJSON(q.Object.Raw); err != nil {
		return admission.Errored(400, err)
	}
	if seats, _, _ := unstructured.NestedInt64(b.Object, "spec", "seats"); seats < 0 {
		return admission.Denied("it leaks")
	}
	return admission.Allowed("")
}

func newBoat(namespace, name string, seats int64) *unstructured.Unstructured {
	b := &unstructured.Unstructured{Object: map[string]any{"spec": map[string]any{"seats": seats}}}
	b.SetGroupVersionKind(boat)
	b.SetNamespace(namespace)
	b.SetName(name)
	return b
}

func boats() *extensionsv1.CustomResourceDefinition {
	object := func(properties map[string]extensionsv1.JSONSchemaProps) extensionsv1.JSONSchemaProps {
		return extensionsv1.JSONSchemaProps{Type: "object", Properties: properties}
	}
	seats := func(kind string) extensionsv1.JSONSchemaProps {
		return object(map[string]extensionsv1.JSONSchemaProps{"seats": {Type: kind}})
	}
	whole := object(map[string]extensionsv1.JSONSchemaProps{"spec": seats("integer"), "status": seats("string")})
	return &extensionsv1.CustomResourceDefinition{
		ObjectMeta: metav1.ObjectMeta{Name: "boats." + boat.Group},
		Spec: extensionsv1.CustomResourceDefinitionSpec{
			Group: boat.Group,
			Names: extensionsv1.CustomResourceDefinitionNames{
				Plural: "boats", Singular: "boat", Kind: boat.Kind, ListKind: "BoatList",
			},
			Scope: extensionsv1.NamespaceScoped,
			Versions: []extensionsv1.CustomResourceDefinitionVersion{{
				Name: boat.Version, Served: true, Storage: true,
				Schema: &extensionsv1.CustomResourceValidation{OpenAPIV3Schema: &whole},
				Subresources: &extensionsv1.CustomResourceSubresources{
					Status: &extensionsv1.CustomResourceSubresourceStatus{},
				},
			}},
		},
	}
}

// refuses is the webhook; envtest puts its address in.
func refuses() *admissionv1.ValidatingWebhookConfiguration {
	path, none := "/validate", admissionv1.SideEffectClassNone
	return &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: "boats." + boat.Group},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name:                    "boats." + boat.Group,
			AdmissionReviewVersions: []string{"v1"},
			SideEffects:             &none,
			ClientConfig: admissionv1.WebhookClientConfig{
				Service: &admissionv1.ServiceReference{Namespace: "default", Name: "boats", Path: &path},
			},
			Rules: []admissionv1.RuleWithOperations{{
				Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
				Rule: admissionv1.Rule{
					APIGroups: []string{boat.Group}, APIVersions: []string{boat.Version}, Resources: []string{"boats"},
				},
			}},
		}},
	}
}

func create(t *testing.T, c client.Client, object client.Object) {
	t.Helper()
	if err := c.Create(t.Context(), object); err != nil {
		t.Fatal(err)
	}
}

// eventually tries until what is said of it has come about.
func eventually(t *testing.T, what string, try func(context.Context) error) {
	t.Helper()
	var last error
	if err := wait.PollUntilContextTimeout(t.Context(), 100*time.Millisecond, time.Minute,
		true, func(ctx context.Context) (bool, error) {
			last = try(ctx)
			return last == nil, nil
		}); err != nil {
		t.Fatalf("%s: %v: %v", what, err, last)
	}
}
