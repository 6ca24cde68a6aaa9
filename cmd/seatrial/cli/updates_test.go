package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/jonboulle/clockwork"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/resource"
	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/kubectl/pkg/cmd/apply"
	"k8s.io/kubectl/pkg/util"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/manifest"
	apischema "github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// updatesOfKind is how many updates are made of the object of a kind; the variable MUTANTS names another number.
const updatesOfKind = 12

// updateDifferences are the updates on which the static verdict and the engine disagree, by kind and what is done, with
// the reason.
var updateDifferences = map[string]string{
	"v1 PersistentVolumeClaim: with spec.storageClassName": "the class was that which is the default there",
}

// classDecides matches the refusal of a claim's growth, of which its class decides.
var classDecides = regexp.MustCompile(`the storageclass that provisions the pvc must support resize`)

// TestUpdateVerdictOnMutants makes an object of each kind with fields of its schema, changes, removes and adds fields,
// and breaks some at random, by a fixed seed. It holds the verdict on each update against kubectl's patch in a whole
// API server.
func TestUpdateVerdictOnMutants(t *testing.T) {
	klog.SetLogger(logr.Discard())
	store, err := apischema.Open(apischema.Latest)
	if err != nil {
		t.Fatal(err)
	}
	each := updatesOfKind
	if text := os.Getenv("MUTANTS"); text != "" {
		if each, err = strconv.Atoi(text); err != nil {
			t.Fatal(err)
		}
	}
	kinds, compared, refused := 0, 0, 0
	err = withComparison(t, func(c *comparison) error {
		for i, k := range store.Kinds() {
			if !slices.Contains(k.Verbs, "create") || !slices.Contains(k.Verbs, "patch") ||
				slices.Contains(unmutated, k.Kind) {
				continue
			}
			if _, err := c.mapper.RESTMapping(gvkOfKind(k).GroupKind(), k.Version); err != nil {
				continue // not served by default
			}
			m := &updateMaker{
				c: c, kind: k, namespace: fmt.Sprintf("kind-%d", i), random: rand.New(rand.NewPCG(uint64(i), 3)),
			}
			old, err := m.object(store, each)
			if err != nil {
				return err
			}
			live, err := c.applied(context.Background(), m.namespace, old)
			if err != nil {
				t.Logf("%s %s: the engine does not create it: %v", k.GroupVersion(), k.Kind, err)
				continue
			}
			kinds++
			for _, u := range m.updates(old, each) {
				problem, answer := c.compareUpdate(m.namespace, live, old, u.object)
				key := fmt.Sprintf("%s %s: %s", k.GroupVersion(), k.Kind, u.what)
				if problem != "" && updateDifferences[key] == "" {
					t.Errorf("%s: %s", key, problem)
				}
				compared++
				if !answer.Accepted() {
					refused++
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d updates of %d kinds compared, %d refused as updates", compared, kinds, refused)
	if compared < 150 || refused < compared/10 {
		t.Errorf("%d updates, %d refused: too few to say anything", compared, refused)
	}
}

// TestUpdateVerdictIsThatOfTheEngine holds the cases of package validation against the engine: those with definitions
// and custom resources, and changes of settings that every kind has.
func TestUpdateVerdictIsThatOfTheEngine(t *testing.T) {
	klog.SetLogger(logr.Discard())
	files, err := filepath.Glob("../../../validation/testdata/updates/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no cases", err)
	}
	compared := 0
	err = withComparison(t, func(c *comparison) error {
		for i, name := range files {
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
			if len(docs)%2 == 1 { // the first one is the definition of the others' kind
				c.judge.AddCRD(t.Context(), docs[0].JSON)
				if _, err := c.applied(t.Context(), "default", docs[0].Value()); err != nil {
					return err
				}
				docs = docs[1:]
			}
			for j := 0; j < len(docs); j += 2 {
				namespace := fmt.Sprintf("case-%d-%d", i, j)
				live, err := c.applied(t.Context(), namespace, docs[j].Value())
				if err != nil {
					t.Logf("%s: the engine does not create document %d: %v", name, docs[j].Number, err)
					continue
				}
				problem, _ := c.compareUpdate(namespace, live, docs[j].Value(), docs[j+1].Value())
				if problem != "" {
					t.Errorf("%s: document %d: %s", name, docs[j+1].Number, problem)
				}
				compared++
				if err := c.remove(docs[j].Value(), namespace); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d updates compared", compared)
	if compared < 25 {
		t.Errorf("%d updates: too few to say anything", compared)
	}
}

// remove deletes an object, so that the next case can have its name.
func (c *comparison) remove(object map[string]any, namespace string) error {
	u := &unstructured.Unstructured{Object: object}
	helper, namespace, err := c.helper(u, namespace)
	if err != nil {
		return err
	}
	if _, err := helper.Delete(namespace, u.GetName()); err != nil {
		return err
	}
	c.pause(u)
	return nil
}

// pause waits in virtual time until the API server has taken note of a definition.
func (c *comparison) pause(u *unstructured.Unstructured) {
	if u.GetKind() == "CustomResourceDefinition" {
		time.Sleep(5 * time.Second)
		c.mapper.Reset()
	}
}

// updateMaker makes an object of a kind, and what it may become.
type updateMaker struct {
	c         *comparison
	kind      *apischema.Kind
	namespace string
	random    *rand.Rand
	spare     []*apischema.Field // that the object does not have
}

// madeUpdate is an object as it is to become.
type madeUpdate struct {
	what   string
	object map[string]any
}

// object returns the minimal example of the kind, with further fields as far as they are valid.
func (m *updateMaker) object(store *apischema.Store, each int) (map[string]any, error) {
	subject, err := explain.Find(store, m.kind.Resource, m.kind.GroupVersion().String())
	if err != nil {
		return nil, err
	}
	text, err := subject.Example()
	if err != nil {
		return nil, err
	}
	docs, _ := manifest.Read(source.NewFile("example.yaml", []byte(text)), manifest.DefaultLimits)
	if len(docs) != 1 {
		return nil, fmt.Errorf("example of %s: %d documents", m.kind.Kind, len(docs))
	}
	object := runtime.DeepCopyJSON(docs[0].Value())
	leaves := leavesOf(m.kind.Fields(), nil)
	m.random.Shuffle(len(leaves), func(i, j int) { leaves[i], leaves[j] = leaves[j], leaves[i] })
	leaves = leaves[:min(len(leaves), 4*each)]
	m.spare = leaves[len(leaves)/2:]
	for _, f := range leaves[:len(leaves)/2] {
		if with := m.with(object, f); with != nil {
			object = with
		}
	}
	return object, nil
}

// leavesOf lists the fields that hold no others.
func leavesOf(fields []*apischema.Field, above []string) (leaves []*apischema.Field) {
	for _, f := range fields {
		name := f.Element().Name
		switch below := f.Fields(); {
		case f.Path == "status" || f.Path == "metadata" || f.Path == "apiVersion" || f.Path == "kind":
		case f.Name == "priorityClassName" || f.Name == "runtimeClassName" || f.Name == "serviceAccountName":
			// they name objects that have to exist
		case slices.Contains(above, name) && name != "":
		case len(below) == 0:
			leaves = append(leaves, f)
		default:
			leaves = append(leaves, leavesOf(below, append(slices.Clip(above), name))...)
		}
	}
	return leaves
}

// values returns what may stand in a field.
func values(f *apischema.Field) (all []any) {
	switch {
	case len(f.Enum) > 0:
		return f.Enum
	case f.Type == "boolean":
		return []any{true, false}
	case f.Type == "integer" || f.Type == "number":
		return []any{int64(1), int64(2), int64(100), int64(1000), int64(0)}
	case f.Type == "[]string":
		return []any{[]any{"a"}, []any{"ReadWriteOnce"}, []any{"get"}, []any{}}
	case strings.HasPrefix(f.Type, "[]"):
		return []any{[]any{}}
	case strings.HasPrefix(f.Type, "map["):
		return []any{map[string]any{"app": "a"}, map[string]any{"cpu": "1"}, map[string]any{"storage": "1Gi"}}
	}
	for _, text := range []string{
		"a", "b", "1Gi", "100m", "10.0.0.7", "2030-01-01T00:00:00Z", "a.example.com", "a.example.com/b", "/a",
		"10.0.0.0/24", "Always",
		"https://a.example.com", "50%", "TCP", "1s", "",
	} {
		all = append(all, text)
	}
	return all
}

// with returns the object with another field, if the server accepts it; or nil.
func (m *updateMaker) with(object map[string]any, f *apischema.Field) map[string]any {
	for _, v := range values(f) {
		changed := runtime.DeepCopyJSON(object)
		if put(changed, strings.Split(f.Path, "."), v) && m.accepted(changed) {
			return changed
		}
	}
	return nil
}

func (m *updateMaker) accepted(object map[string]any) bool {
	data, err := json.Marshal(object)
	if err != nil {
		return false
	}
	answer := m.c.judge.Create(context.Background(), gvkOfKind(m.kind), data, m.namespace)
	return answer.Accepted()
}

// put sets a field; of lists the first item counts. It reports whether the field was not there.
func put(at map[string]any, path []string, v any) bool {
	next, has := at[path[0]]
	if len(path) == 1 {
		at[path[0]] = v
		return !has
	}
	switch next := next.(type) {
	case nil:
		below := map[string]any{}
		at[path[0]] = below
		return put(below, path[1:], v)
	case map[string]any:
		return put(next, path[1:], v)
	case []any:
		if len(next) > 0 {
			if item, ok := next[0].(map[string]any); ok {
				return put(item, path[1:], v)
			}
		}
	}
	return false
}

// updates returns what an object may become: with a field added, changed or removed, or with something broken.
func (m *updateMaker) updates(old map[string]any, each int) (all []madeUpdate) {
	for _, f := range m.spare {
		if with := m.with(old, f); with != nil {
			all = append(all, madeUpdate{"with " + f.Path, with})
		}
	}
	for i := range placesOf(old) {
		changed := runtime.DeepCopyJSON(old)
		p := placesOf(changed)[i]
		p.drop()
		all = append(all, madeUpdate{"without " + p.path, changed})
		if other := m.other(old, i); other != nil {
			all = append(all, madeUpdate{"changed " + p.path, other})
		}
	}
	m.random.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	all = all[:min(len(all), each)]
	for range (each + 3) / 4 {
		changed := runtime.DeepCopyJSON(old)
		all = append(all, madeUpdate{mutate(m.random, changed), changed})
	}
	return all
}

// other returns the object with another value at a place, one that the server accepts in a new object if there is one.
func (m *updateMaker) other(old map[string]any, at int) (changed map[string]any) {
	var options []any
	switch v := placesOf(old)[at].get.(type) {
	case string:
		options = []any{
			v + "x", "a", "b", "2Gi", "200m", "10.0.0.9", "2031-01-01T00:00:00Z", "/b", "Never", "OnFailure", "UDP",
			"60%",
		}
	case bool:
		options = []any{!v}
	case int64:
		options = []any{v + 1, v - 1, 2 * v}
	default:
		return nil
	}
	for _, o := range options {
		changed = runtime.DeepCopyJSON(old)
		placesOf(changed)[at].set(o)
		if m.accepted(changed) {
			return changed
		}
	}
	return changed
}

// applied creates an object in the engine as kubectl apply does, and brings it to the state in which a cluster keeps
// it.
func (c *comparison) applied(ctx context.Context, namespace string, object map[string]any) (runtime.Object, error) {
	if err := c.populate(ctx, namespace); err != nil {
		return nil, err
	}
	u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(object)}
	helper, namespace, err := c.helper(u, namespace)
	if err != nil {
		return nil, err
	}
	if err := util.CreateApplyAnnotation(u, unstructured.UnstructuredJSONScheme); err != nil {
		return nil, err
	}
	live, err := helper.Create(namespace, true, u)
	switch {
	case err != nil:
		return nil, err
	case u.GetKind() == "CustomResourceDefinition":
		c.pause(u)
		return helper.Get(namespace, u.GetName())
	case u.GetKind() != "PersistentVolumeClaim":
		return live, nil
	}
	claims := c.client.CoreV1().PersistentVolumeClaims(namespace)
	claim, err := claims.Get(ctx, u.GetName(), metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if claim.Spec.VolumeName == "" {
		claim.Spec.VolumeName = "pvc-" + string(claim.UID)
		if claim, err = claims.Update(ctx, claim, metav1.UpdateOptions{}); err != nil {
			return nil, err
		}
	}
	claim.Status.Phase, claim.Status.Capacity = corev1.ClaimBound, claim.Spec.Resources.Requests
	if _, err := claims.UpdateStatus(ctx, claim, metav1.UpdateOptions{}); err != nil {
		return nil, err
	}
	return helper.Get(namespace, u.GetName())
}

// helper returns kubectl's way to send requests about an object, and the namespace that it lives in.
func (c *comparison) helper(u *unstructured.Unstructured, namespace string) (*resource.Helper, string, error) {
	gvk := u.GroupVersionKind()
	mapping, err := c.mapper.RESTMapping(gvk.GroupKind(), gvk.Version)
	if err != nil {
		return nil, "", err
	}
	config := rest.CopyConfig(c.config)
	config.APIPath = "/apis"
	if gvk.Group == "" {
		config.APIPath = "/api"
	}
	gv := gvk.GroupVersion()
	config.GroupVersion = &gv
	config.NegotiatedSerializer = resource.UnstructuredPlusDefaultContentConfig().NegotiatedSerializer
	client, err := rest.RESTClientFor(config)
	if err != nil {
		return nil, "", err
	}
	if mapping.Scope.Name() != meta.RESTScopeNameNamespace {
		namespace = ""
	}
	return resource.NewHelper(client, mapping).WithFieldValidation(metav1.FieldValidationStrict), namespace, nil
}

// compareUpdate returns the difference between the verdicts on applying an object to a live one; empty if they agree.
func (c *comparison) compareUpdate(
	namespace string, live runtime.Object, old, now map[string]any,
) (problem string, answer verdict.Verdict) {
	ctx := context.Background()
	u := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(now)}
	before := unstructured.Unstructured{Object: old}
	doc, err := json.Marshal(now)
	oldDoc, oldErr := json.Marshal(old)
	if err != nil || oldErr != nil {
		return errors.Join(err, oldErr).Error(), answer
	}
	name, _, _ := unstructured.NestedString(now, "metadata", "name")
	space, _, _ := unstructured.NestedString(now, "metadata", "namespace")
	if name != before.GetName() || space != before.GetNamespace() {
		return "", answer // another object
	}
	gvk := schema.FromAPIVersionAndKind(before.GetAPIVersion(), before.GetKind())
	created := c.judge.Create(ctx, gvk, doc, namespace)
	unreadable := slices.ContainsFunc(created.Causes, func(c verdict.Cause) bool { return c.Class < verdict.Invalid })
	answer, judged := c.judge.Update(ctx, gvk, oldDoc, doc, namespace)
	err = c.patch(u, namespace, live)
	switch {
	case unreadable: // which the verdict on a new object says
		return "", answer
	case !judged && err != nil && !errors.As(err, new(apierrors.APIStatus)): // kubectl can make no patch of it
		return "", answer
	case !judged:
		return fmt.Sprintf("not judged, the engine says %v", err), answer
	case err != nil && answer.Accepted() && (absent.MatchString(err.Error()) || classDecides.MatchString(err.Error())):
		return "", answer
	case answer.Accepted() != (err == nil):
		return fmt.Sprintf("lint says %+v, the engine says %v", answer.Causes, err), answer
	}
	return differentPaths(err, answer), answer
}

// patch asks the engine for what kubectl apply sends, as a dry run. Some objects make kubectl crash.
func (c *comparison) patch(u *unstructured.Unstructured, namespace string, live runtime.Object) (err error) {
	defer func() {
		if crash := recover(); crash != nil {
			err = fmt.Errorf("kubectl crashes: %v", crash)
		}
	}()
	helper, namespace, err := c.helper(u, namespace)
	if err != nil {
		return err
	}
	modified, err := util.GetModifiedConfiguration(u, true, unstructured.UnstructuredJSONScheme)
	if err != nil {
		return err
	}
	mapping, err := c.mapper.RESTMapping(u.GroupVersionKind().GroupKind(), u.GroupVersionKind().Version)
	if err != nil {
		return err
	}
	patcher := &apply.Patcher{
		Mapping: mapping, Helper: helper.DryRun(true), Overwrite: true, BackOff: clockwork.NewRealClock(),
	}
	_, _, err = patcher.Patch(live, modified, "", namespace, u.GetName(), io.Discard)
	return err
}

// differentPaths returns in which fields a refusal of the engine and a verdict differ; empty if in none.
func differentPaths(err error, answer verdict.Verdict) string {
	var status apierrors.APIStatus
	if !errors.As(err, &status) || status.Status().Reason != metav1.StatusReasonInvalid ||
		status.Status().Details == nil {
		return ""
	}
	var engine, static []string
	for _, cause := range status.Status().Details.Causes {
		engine = append(engine, strings.TrimPrefix(cause.Field, "<nil>"))
	}
	for _, cause := range answer.Causes {
		static = append(static, cause.Path)
	}
	slices.Sort(engine)
	slices.Sort(static)
	if engine, static = slices.Compact(engine), slices.Compact(static); !slices.Equal(engine, static) {
		return fmt.Sprintf("lint refuses %v, the engine %v", static, engine)
	}
	return ""
}
