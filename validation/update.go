package validation

import (
	"context"
	"encoding/json"
	"errors"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	core "k8s.io/kubernetes/pkg/apis/core"

	"github.com/seatrial/seatrial/validation/handler"
	"github.com/seatrial/seatrial/validation/nondeterminism"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Update judges what `kubectl apply` of doc does to an object that was created from old, the JSON of an object of the
// same group, kind, namespace and name: the update that the server makes of it. What servers and their controllers add
// to every such object is assumed: a claim is bound, a definition established. Judged is false if there is no update to
// judge, since the server would not have accepted old, or cannot read doc, which Create tells.
func (v *Validator) Update(
	ctx context.Context, gvk schema.GroupVersionKind, old, doc []byte, namespace string,
) (answer verdict.Verdict, judged bool) {
	old, err := handler.WithoutSystemFields(old)
	if err != nil {
		return answer, false
	}
	if doc, err = handler.WithoutSystemFields(doc); err != nil {
		return answer, false
	}
	var was metav1.TypeMeta
	if err := json.Unmarshal(old, &was); err != nil {
		return answer, false
	}
	k, err := v.storages.lookup(gvk)
	if err != nil {
		return answer, false
	}
	if k == nil {
		answer, judged = v.updateCustom(ctx, gvk, old, doc, namespace)
		sortCauses(answer.Causes)
		return answer, judged
	}
	before, err := v.storages.lookup(was.GroupVersionKind())
	if err != nil || before == nil || before.creater == nil || k.updater == nil {
		return answer, false
	}
	stored := before.create(ctx, old, namespace).stored
	if stored == nil {
		return answer, false
	}
	answer, judged = k.update(ctx, stored, old, doc, namespace)
	sortCauses(answer.Causes)
	return answer, judged
}

// updateCustom judges the update of a custom resource.
func (v *Validator) updateCustom(
	ctx context.Context, gvk schema.GroupVersionKind, old, doc []byte, namespace string,
) (answer verdict.Verdict, judged bool) {
	v.promises.keep(ctx, gvk.GroupKind())
	if v.custom.Defines(gvk.GroupKind()) {
		return v.custom.Update(ctx, gvk, old, doc, namespace)
	}
	if !v.usesCatalogue(gvk) {
		return answer, false
	}
	return v.catalogue.update(ctx, gvk, old, doc, namespace)
}

// update judges the update of a stored object, which was created from old.
func (k *kind) update(
	ctx context.Context, stored runtime.Object, old, doc []byte, namespace string,
) (out verdict.Verdict, judged bool) {
	defer func() { judged = judged || !out.Accepted() }()
	defer out.Recover()
	out.ClusterScoped, out.NotServed = !k.namespaced, k.setting
	if !k.namespaced {
		namespace = metav1.NamespaceNone
	}
	m, err := meta.Accessor(stored)
	if err != nil || m.GetName() == "" {
		return out, false
	}
	m.SetResourceVersion("1")
	settle(stored)
	recorder := &handler.Recorder{}
	ctx = withStored(k.requestContext(ctx, "update", namespace, recorder), stored)
	internal, err := k.applied(stored, old, doc)
	if err != nil {
		return out, false
	}
	readmit(internal, stored)
	generated := nondeterminism.Of(internal, doc)
	updated, _, err := k.updater.Update(
		ctx, m.GetName(), rest.DefaultUpdatedObjectInfo(internal), nil, nil, false,
		&metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}},
	)
	for _, c := range causesOf(err, false) {
		c.Message = generated.Normalize(c.Message)
		out.Causes = appendCause(out.Causes, decoding{}, c)
	}
	for _, w := range recorder.Warnings {
		w.Text = generated.Normalize(w.Text)
		out.Warnings = append(out.Warnings, w)
	}
	if err == nil {
		out.Object, err = k.scheme.ConvertToVersion(updated, k.gvk.GroupVersion())
	}
	return out, err == nil
}

var errUnreadable = errors.New("the object cannot be decoded")

// applied returns what apply makes of a stored object, in the internal version.
func (k *kind) applied(stored runtime.Object, old, doc []byte) (runtime.Object, error) {
	versioned, err := k.scheme.ConvertToVersion(stored, k.gvk.GroupVersion())
	if err != nil {
		return nil, err
	}
	current, err := json.Marshal(versioned)
	if err != nil {
		return nil, err
	}
	var example runtime.Object // kubectl does not know the types of the extension server
	if k.scheme == legacyscheme.Scheme {
		if example, err = k.scheme.New(k.gvk); err != nil {
			return nil, err
		}
	}
	merged, err := handler.Apply(old, doc, current, example)
	if err != nil {
		return nil, err
	}
	obj, found := k.decode(merged)
	if obj == nil || found.removed != nil {
		return nil, errUnreadable
	}
	k.scheme.Default(obj)
	return k.scheme.UnsafeConvertToVersion(
		obj, schema.GroupVersion{Group: k.gvk.Group, Version: runtime.APIVersionInternal},
	)
}

// readmit does what the server's default admission does to an updated object before it is validated.
func readmit(obj, stored runtime.Object) {
	pod, ok := obj.(*core.Pod)
	was, wasPod := stored.(*core.Pod)
	if !ok || !wasPod {
		return
	}
	if pod.Spec.Priority == nil {
		pod.Spec.Priority = was.Spec.Priority
	}
	if pod.Spec.PreemptionPolicy == nil {
		pod.Spec.PreemptionPolicy = was.Spec.PreemptionPolicy
	}
}

// settle does to an object what a cluster does soon after it is created, as far as the validation of updates asks for
// it.
func settle(stored runtime.Object) {
	switch o := stored.(type) {
	case *core.PersistentVolumeClaim:
		o.Status.Phase, o.Status.Capacity = core.ClaimBound, o.Spec.Resources.Requests.DeepCopy()
		if o.Spec.VolumeName == "" {
			o.Spec.VolumeName = "pvc-" + string(o.UID)
		}
	case *core.Pod:
		if priority, known := classPriority[o.Spec.PriorityClassName]; known {
			preempt := core.PreemptLowerPriority
			o.Spec.Priority, o.Spec.PreemptionPolicy = &priority, &preempt
		}
	case *apiextensions.CustomResourceDefinition:
		o.Status.AcceptedNames = o.Spec.Names
		apiextensions.SetCRDCondition(o, apiextensions.CustomResourceDefinitionCondition{
			Type: apiextensions.Established, Status: apiextensions.ConditionTrue,
		})
	}
}
