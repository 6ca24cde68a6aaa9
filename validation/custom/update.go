package custom

import (
	"context"
	"encoding/json"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/registry/rest"

	"github.com/seatrial/seatrial/validation/handler"
	"github.com/seatrial/seatrial/validation/nondeterminism"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Update judges what applying the JSON of an object does to the one that was created from old: transition rules see
// both, and what old has wrong already is let pass as the server does. Old need not be valid, since its definition may
// have changed. Judged is false if the kind is unknown, one of them cannot be read, or only a webhook could convert
// old.
func (r *Registry) Update(
	ctx context.Context, gvk schema.GroupVersionKind, old, doc []byte, namespace string,
) (answer verdict.Verdict, judged bool) {
	r.mu.RLock()
	k := r.kinds[gvk]
	r.mu.RUnlock()
	var was metav1.TypeMeta
	if k == nil || json.Unmarshal(old, &was) != nil || k.converts && was.GroupVersionKind() != gvk {
		return answer, false
	}
	c, err := k.compiled()
	if err != nil {
		return answer, false
	}
	return k.update(ctx, c, old, doc, namespace)
}

func (k *kind) update(
	ctx context.Context, c *compiled, old, doc []byte, namespace string,
) (out verdict.Verdict, judged bool) {
	defer func() { judged = judged || !out.Accepted() }()
	defer out.Recover()
	out.Custom, out.ClusterScoped = true, !k.namespaced
	if !k.namespaced {
		namespace = metav1.NamespaceNone
	}
	recorder := &handler.Recorder{}
	ctx = k.requestContext(ctx, "update", namespace, recorder)
	stored := k.stored(ctx, c, old, namespace)
	if stored == nil {
		return out, false
	}
	updated := k.applied(c, stored, old, doc)
	if updated == nil {
		return out, false
	}
	out.Object = updated
	generated := nondeterminism.Of(updated, doc)
	for _, cause := range causesOf(rest.BeforeUpdate(c.strategy, ctx, updated, stored)) {
		cause.Message = generated.Normalize(cause.Message)
		out.Causes = append(out.Causes, cause)
	}
	out.Warnings = recorder.Warnings
	return out, true
}

// stored returns an object as it is after it was created; nil if it cannot be read.
func (k *kind) stored(ctx context.Context, c *compiled, old []byte, namespace string) *unstructured.Unstructured {
	u, _ := k.decode(c, old)
	if u == nil || u.GetName() == "" {
		return nil
	}
	defaulting.Default(u.Object, c.structural)
	handler.Prepare(ctx, u)
	rest.FillObjectMetaSystemFields(u)
	u.SetNamespace(namespace)
	u.SetResourceVersion("1")
	c.strategy.PrepareForCreate(ctx, u)
	return u
}

// applied returns what apply makes of a stored object; nil if it cannot be read.
func (k *kind) applied(c *compiled, stored *unstructured.Unstructured, old, doc []byte) *unstructured.Unstructured {
	current, err := stored.MarshalJSON()
	if err != nil {
		return nil
	}
	merged, err := handler.Apply(old, doc, current, nil)
	if err != nil {
		return nil
	}
	u, _ := k.decode(c, merged)
	if u != nil {
		defaulting.Default(u.Object, c.structural)
	}
	return u
}
