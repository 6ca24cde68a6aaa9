package simulate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/jonboulle/clockwork"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/kubectl/pkg/cmd/apply"
	"k8s.io/kubectl/pkg/util"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
)

const (
	// applyPace is how long a client takes from one object to the next.
	applyPace = 10 * time.Millisecond
	// applyPatience is how long it waits until what an object stands for can be used: the service
	// account of a namespace, the kind of a definition.
	applyPatience = 30 * time.Second
	fieldManager  = apply.FieldManagerClientSideApply
	// serverSideManager is who kubectl apply --server-side says it is.
	serverSideManager = "kubectl"
)

// applier does to a cluster what kubectl apply does.
type applier struct {
	config *rest.Config
	client kubernetes.Interface
	mapper *restmapper.DeferredDiscoveryRESTMapper

	serverSide bool // merge in the API server
	force      bool // with serverSide: take over fields that others manage
}

func newApplier(config *rest.Config) (*applier, error) {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	return &applier{
		config: config, client: client,
		mapper: restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery())),
	}, nil
}

// objectOf decodes a document. Its namespace is filled in later, when its kind is known.
func objectOf(d *manifest.Document) *unstructured.Unstructured {
	return (&unstructured.Unstructured{Object: d.Value()}).DeepCopy()
}

// inOrder returns documents in an order in which each finds what it needs.
func inOrder(docs []*manifest.Document) []*manifest.Document {
	objects := make([]*unstructured.Unstructured, len(docs))
	for i, d := range docs {
		objects[i] = objectOf(d)
	}
	sorted := make([]*manifest.Document, 0, len(docs))
	for _, i := range cluster.Order(objects) {
		sorted = append(sorted, docs[i])
	}
	return sorted
}

// target is an object as the API server names it.
type target struct {
	mapping         *meta.RESTMapping
	helper          *resource.Helper
	namespace, name string
}

func (t *target) object() diag.Object {
	version, kind := t.mapping.GroupVersionKind.ToAPIVersionAndKind()
	return diag.Object{APIVersion: version, Kind: kind, Namespace: t.namespace, Name: t.name}
}

func (a *applier) target(o *unstructured.Unstructured) (*target, error) {
	gvk := o.GroupVersionKind()
	mapping, err := a.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, err
	}
	config := rest.CopyConfig(a.config)
	config.APIPath = "/apis"
	if gvk.Group == "" {
		config.APIPath = "/api"
	}
	gv := gvk.GroupVersion()
	config.GroupVersion = &gv
	config.ContentConfig.NegotiatedSerializer = resource.UnstructuredPlusDefaultContentConfig().NegotiatedSerializer
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, err
	}
	t := &target{mapping: mapping, namespace: o.GetNamespace(), name: o.GetName()}
	t.helper = resource.NewHelper(client, mapping).WithFieldManager(fieldManager).WithFieldValidation(
		metav1.FieldValidationStrict,
	)
	switch {
	case mapping.Scope.Name() != meta.RESTScopeNameNamespace:
		t.namespace = ""
	case t.namespace == "":
		t.namespace = metav1.NamespaceDefault
	}
	return t, nil
}

// apply creates an object, or changes it to what it says now. The error is the server's.
func (a *applier) apply(o *unstructured.Unstructured) (plan.Change, error) {
	c := plan.Change{
		Action: plan.Create,
		Object: diag.Object{
			APIVersion: o.GetAPIVersion(), Kind: o.GetKind(), Namespace: o.GetNamespace(), Name: o.GetName(),
		},
	}
	t, err := a.target(o)
	if err != nil {
		return c, err
	}
	o.SetNamespace(t.namespace)
	c.Object = t.object()
	if o.GetName() == "" && o.GetGenerateName() != "" {
		return a.create(t, o)
	}
	if a.serverSide {
		return a.merge(t, o)
	}
	written := o.DeepCopy()
	modified, err := util.GetModifiedConfiguration(o, true, unstructured.UnstructuredJSONScheme)
	if err != nil {
		return c, err
	}
	current, err := t.helper.Get(t.namespace, t.name)
	if apierrors.IsNotFound(err) {
		if err := util.CreateApplyAnnotation(o, unstructured.UnstructuredJSONScheme); err != nil {
			return c, err
		}
		return a.create(t, o)
	}
	if err != nil {
		return c, err
	}
	patcher := &apply.Patcher{Mapping: t.mapping, Helper: t.helper, Overwrite: true, BackOff: clockwork.NewRealClock()}
	c.Action = plan.Update
	_, patched, err := patcher.Patch(current, modified, "", t.namespace, t.name, io.Discard)
	if err != nil {
		return c, unwrapped(err)
	}
	return updated(c, current, patched, written)
}

// merge lets the API server merge an object into what is there.
func (a *applier) merge(t *target, o *unstructured.Unstructured) (plan.Change, error) {
	c := plan.Change{Action: plan.Create, Object: t.object()}
	written := o.DeepCopy()
	data, err := runtime.Encode(unstructured.UnstructuredJSONScheme, o)
	if err != nil {
		return c, err
	}
	current, err := t.helper.Get(t.namespace, t.name)
	if err != nil && !apierrors.IsNotFound(err) {
		return c, err
	}
	there := err == nil
	now, err := t.helper.WithFieldManager(serverSideManager).Patch(
		t.namespace, t.name, types.ApplyPatchType, data, &metav1.PatchOptions{Force: &a.force},
	)
	if err != nil {
		return c, err
	}
	if !there {
		return c, a.follow(now)
	}
	return updated(c, current, now, written)
}

// updated completes c with what a change made of an object that was there.
func updated(
	c plan.Change, before, after runtime.Object, written *unstructured.Unstructured,
) (_ plan.Change, err error) {
	c.Action = plan.Update
	if c.Fields, err = difference(before, after, written); err == nil && len(c.Fields) == 0 {
		c.Action = plan.None
	}
	return c, err
}

func (a *applier) create(t *target, o *unstructured.Unstructured) (plan.Change, error) {
	created, err := t.helper.Create(t.namespace, true, o)
	c := plan.Change{Action: plan.Create, Object: t.object()}
	if err != nil {
		return c, err
	}
	if c.Object.Name, err = meta.NewAccessor().Name(created); err != nil {
		return c, err
	}
	return c, a.follow(created)
}

// unwrapped returns the server's own error, without what kubectl says around it.
func unwrapped(err error) error {
	var status *apierrors.StatusError
	if errors.As(err, &status) {
		return status
	}
	return err
}

// follow waits until what comes with an object is there, as a user would before the next one.
func (a *applier) follow(created runtime.Object) error {
	o, err := meta.Accessor(created)
	if err != nil {
		return err
	}
	switch created.GetObjectKind().GroupVersionKind().GroupKind().String() {
	case "Namespace":
		return a.await(func() bool {
			_, err := a.client.CoreV1().ServiceAccounts(o.GetName()).Get(
				context.Background(), "default", metav1.GetOptions{},
			)
			return err == nil
		})
	case "CustomResourceDefinition.apiextensions.k8s.io":
		return a.await(func() bool { return a.established(created) })
	case "ResourceQuota":
		time.Sleep(100 * time.Millisecond) // until it counts what is there, and admission has heard of it
	}
	return nil
}

func (a *applier) established(created runtime.Object) bool {
	u, ok := created.(*unstructured.Unstructured)
	if !ok {
		return true
	}
	t, err := a.target(u)
	if err != nil {
		return false
	}
	now, err := t.helper.Get("", u.GetName())
	if err != nil {
		return false
	}
	conditions, _, _ := unstructured.NestedSlice(now.(*unstructured.Unstructured).Object, "status", "conditions")
	served := slices.ContainsFunc(conditions, func(c any) bool {
		m, _ := c.(map[string]any)
		return m["type"] == "Established" && m["status"] == "True"
	})
	if served {
		a.mapper.Reset()
	}
	return served
}

func (a *applier) await(done func() bool) error {
	for deadline := time.Now().Add(applyPatience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if done() {
			return nil
		}
	}
	return nil // the next object shows what is missing
}

// ensureNamespaces makes the namespaces that documents take for granted, and names them.
func (a *applier) ensureNamespaces(docs []*manifest.Document) (made []string, err error) {
	wanted, defined := map[string]bool{}, map[string]bool{}
	for _, d := range docs {
		if d.Object.Kind == "Namespace" {
			defined[d.Object.Name] = true
		}
		if d.Object.Namespace != "" {
			wanted[d.Object.Namespace] = true
		}
	}
	for name := range wanted {
		if !defined[name] {
			made = append(made, name)
		}
	}
	slices.Sort(made)
	made = slices.DeleteFunc(made, func(name string) bool {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
		created, e := a.client.CoreV1().Namespaces().Create(context.Background(), namespace, metav1.CreateOptions{})
		if e == nil {
			created.GetObjectKind().SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Namespace"))
			e = a.follow(created)
		} else if apierrors.IsAlreadyExists(e) {
			return true
		}
		err = errors.Join(err, e)
		return false
	})
	return made, err
}

// place returns the beginning of a document.
func place(c *plan.Change, d *manifest.Document) {
	r := d.Range()
	c.File, c.Line = r.File, r.Start.Line
}

// refused puts the server's answer into a change.
func refused(c plan.Change, err error) plan.Change {
	err = unwrapped(err)
	var status apierrors.APIStatus
	if c.Action == plan.Update && errors.As(err, &status) && status.Status().Reason == metav1.StatusReasonInvalid &&
		status.Status().Details != nil && len(status.Status().Details.Causes) > 0 {
		c.Denied = refusedUpdate(status.Status().Details)
		return c
	}
	c.Denied = withoutStructs(echoed.ReplaceAllString(fmt.Sprint(err), ""))
	return c
}

// refusedUpdate says what the server has against an update, in short: what differs is shown field by field.
func refusedUpdate(details *metav1.StatusDetails) string {
	var causes []string
	for _, c := range details.Causes {
		text := lint.ShortRefusal(c.Message)
		if path := strings.TrimPrefix(c.Field, "<nil>"); path != "" && path != "patch" {
			text = path + ": " + text
		}
		if !slices.Contains(causes, text) {
			causes = append(causes, text)
		}
	}
	text := strings.Join(causes, ", ")
	if len(causes) > 1 {
		text = "[" + text + "]"
	}
	if details.Name == "" { // the answer is about a patch, not the object
		return text
	}
	kind := schema.GroupKind{Group: details.Group, Kind: details.Kind}
	return fmt.Sprintf("%s %q is invalid: %s", kind, details.Name, text)
}

// withoutStructs shortens the values of a message that are whole objects: what differs is shown field by field.
func withoutStructs(message string) string {
	const before = "Invalid value: {"
	var out strings.Builder
	for {
		at := strings.Index(message, before)
		if at < 0 {
			out.WriteString(message)
			return out.String()
		}
		out.WriteString(message[:at])
		rest := message[at+len(before)-1:]
		var object json.RawMessage
		decoder := json.NewDecoder(strings.NewReader(rest))
		if decoder.Decode(&object) != nil {
			out.WriteString(message[at:])
			return out.String()
		}
		message = strings.TrimPrefix(rest[decoder.InputOffset():], ": ")
	}
}

// explainRefusal adds to a change that was refused the fields in which the manifest differs from what runs.
func (s *simulation) explainRefusal(c *plan.Change, d *manifest.Document) {
	for _, old := range s.From {
		if old.Object.Kind != d.Object.Kind || old.Object.Name != d.Object.Name ||
			cmp.Or(old.Object.Namespace, metav1.NamespaceDefault) !=
				cmp.Or(d.Object.Namespace, metav1.NamespaceDefault) {
			continue
		}
		fields, err := difference(objectOf(old), objectOf(d), nil)
		if err != nil {
			return
		}
		c.Action = plan.Update
		for _, f := range fields {
			if f.After != "" || !lived(old) { // a snapshot has what the server filled in
				f.Defaulted = false
				c.Fields = append(c.Fields, f)
			}
		}
	}
}

// echoed is how the server repeats a whole object in its answer to a patch that cannot be made, values of Secrets
// included.
var echoed = regexp.MustCompile(`"" is invalid: patch: Invalid value: "(?:[^"\\]|\\.)*": `)

// tryAgain asks the API server, in a dry run, to update an object with what it has, and returns its refusal, empty for
// none.
func (a *applier) tryAgain(object diag.Object) string {
	o := &unstructured.Unstructured{}
	o.SetAPIVersion(object.APIVersion)
	o.SetKind(object.Kind)
	o.SetNamespace(object.Namespace)
	o.SetName(object.Name)
	t, err := a.target(o)
	if err != nil {
		return ""
	}
	current, err := t.helper.Get(t.namespace, t.name)
	if err != nil {
		return ""
	}
	if _, err = t.helper.DryRun(true).Replace(t.namespace, t.name, true, current); err != nil {
		return unwrapped(err).Error()
	}
	return ""
}
