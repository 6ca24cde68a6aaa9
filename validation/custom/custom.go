// Package custom judges custom resources as the API server's extension server does.
//
// The central type is [Registry]: the CustomResourceDefinitions of a run. A definition's versions
// are compiled (structural schema, validator, CEL rules) when the first of their objects comes.
//
//	d, err := custom.NewDefinition(crd)
//	r := custom.NewRegistry()
//	r.Add(d)
//	answer, known := r.Create(ctx, gvk, json, "default")
package custom

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"k8s.io/apiserver/pkg/warning"

	"github.com/seatrial/seatrial/validation/handler"

	"k8s.io/apiextensions-apiserver/pkg/apihelpers"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	structuralschema "k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apiextensions-apiserver/pkg/crdserverscheme"
	"k8s.io/apiextensions-apiserver/pkg/registry/customresource"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	kjson "sigs.k8s.io/json"

	"github.com/seatrial/seatrial/validation/nondeterminism"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Registry holds definitions. It may be used from many goroutines.
type Registry struct {
	mu    sync.RWMutex
	kinds map[schema.GroupVersionKind]*kind
}

// kind is one served version of a definition.
type kind struct {
	gvk        schema.GroupVersionKind
	resource   string
	namespaced bool
	deprecated string // the warning of a deprecated version, or ""
	converts   bool   // by a webhook: what an object of another version becomes is not known
	compiled   func() (*compiled, error)
	definition func() ([]byte, error) // as JSON
}

// compiled is what judging an object takes.
type compiled struct {
	structural *structuralschema.Structural
	strategy   interface {
		rest.RESTCreateStrategy
		rest.RESTUpdateStrategy
	}
	preserve bool // spec.preserveUnknownFields
}

// NewRegistry returns a registry without definitions.
func NewRegistry() *Registry { return &Registry{kinds: map[schema.GroupVersionKind]*kind{}} }

// Definition is an accepted CustomResourceDefinition. Several registries may share one: what is compiled of it is
// compiled once.
type Definition struct {
	crd   *apiextensionsv1.CustomResourceDefinition
	kinds []*kind
}

// NewDefinition returns an accepted, defaulted CustomResourceDefinition as the kinds of its served versions.
func NewDefinition(obj runtime.Object) (*Definition, error) {
	crd, ok := obj.(*apiextensionsv1.CustomResourceDefinition)
	if !ok {
		return nil, fmt.Errorf("define a custom resource by a %T", obj)
	}
	d := &Definition{crd: crd}
	for i := range crd.Spec.Versions {
		v := &crd.Spec.Versions[i]
		if !v.Served {
			continue
		}
		k := &kind{
			gvk:        schema.GroupVersionKind{Group: crd.Spec.Group, Version: v.Name, Kind: crd.Spec.Names.Kind},
			resource:   crd.Spec.Names.Plural,
			namespaced: crd.Spec.Scope == apiextensionsv1.NamespaceScoped,
			converts:   crd.Spec.Conversion != nil && crd.Spec.Conversion.Strategy == apiextensionsv1.WebhookConverter,
		}
		if v.Deprecated {
			k.deprecated = deprecationWarning(crd, v)
		}
		k.definition = func() ([]byte, error) {
			named := crd.DeepCopy()
			named.APIVersion, named.Kind = apiextensionsv1.SchemeGroupVersion.String(), "CustomResourceDefinition"
			return json.Marshal(named)
		}
		k.compiled = sync.OnceValues(func() (*compiled, error) { return compile(crd, v, k) })
		d.kinds = append(d.kinds, k)
	}
	return d, nil
}

// Marshal returns the definition as [UnmarshalDefinition] reads it.
func (d *Definition) Marshal() ([]byte, error) { return d.crd.Marshal() }

// UnmarshalDefinition reads what Marshal wrote.
func UnmarshalDefinition(data []byte) (*Definition, error) {
	crd := &apiextensionsv1.CustomResourceDefinition{}
	if err := crd.Unmarshal(data); err != nil {
		return nil, err
	}
	return NewDefinition(crd)
}

// Kind returns the kind that the definition is of; false if it serves no version.
func (d *Definition) Kind() (schema.GroupKind, bool) {
	if len(d.kinds) == 0 {
		return schema.GroupKind{}, false
	}
	return d.kinds[0].gvk.GroupKind(), true
}

// Add makes the kinds of a definition known. A second definition of a kind replaces the first.
func (r *Registry) Add(d *Definition) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range d.kinds {
		r.kinds[k.gvk] = k
	}
}

// Defines reports whether a definition of a kind is known, in whatever version.
func (r *Registry) Defines(kind schema.GroupKind) bool {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for gvk := range r.kinds {
		if gvk.GroupKind() == kind {
			return true
		}
	}
	return false
}

// Kinds lists the kinds that can be judged, in order.
func (r *Registry) Kinds() []verdict.Kind {
	r.mu.RLock()
	defer r.mu.RUnlock()
	kinds := make([]verdict.Kind, 0, len(r.kinds))
	for _, k := range r.kinds {
		kinds = append(kinds, verdict.Kind{GVK: k.gvk, Resource: k.resource, Namespaced: k.namespaced})
	}
	slices.SortFunc(kinds, func(a, b verdict.Kind) int { return strings.Compare(a.GVK.String(), b.GVK.String()) })
	return kinds
}

// Create judges the JSON of one object; false when no definition knows its kind.
func (r *Registry) Create(
	ctx context.Context,
	gvk schema.GroupVersionKind,
	doc []byte,
	namespace string,
) (verdict.Verdict, bool) {
	r.mu.RLock()
	k := r.kinds[gvk]
	r.mu.RUnlock()
	if k == nil {
		return verdict.Verdict{}, false
	}
	c, err := k.compiled()
	if err != nil {
		return verdict.Verdict{
			Custom: true,
			Causes: []verdict.Cause{
				{Class: verdict.Invalid, Reason: string(metav1.StatusReasonInternalError), Message: err.Error()},
			},
		}, true
	}
	return k.judge(ctx, c, doc, namespace), true
}

func (k *kind) judge(ctx context.Context, c *compiled, doc []byte, namespace string) (out verdict.Verdict) {
	defer out.Recover()
	out.Custom, out.ClusterScoped, out.Definition = true, !k.namespaced, k.definition
	if k.deprecated != "" {
		out.Warnings = append(out.Warnings, verdict.Warning{Path: "apiVersion", Text: k.deprecated, Deprecation: true})
	}
	u, causes := k.decode(c, doc)
	out.Causes = causes
	if u == nil {
		return out
	}
	if !k.namespaced {
		namespace = metav1.NamespaceNone
		if ns := u.GetNamespace(); ns != "" {
			out.Warnings = append(out.Warnings, verdict.Warning{Path: "metadata.namespace", Scope: true,
				Text: fmt.Sprintf("%s is cluster-scoped: the server ignores the namespace %q", k.gvk.Kind, ns)})
		}
	}
	defaulting.Default(u.Object, c.structural)
	if err := rest.EnsureObjectNamespaceMatchesRequestNamespace(namespace, u); err != nil {
		out.Causes = append(out.Causes, verdict.Cause{
			Class:   verdict.Scope,
			Reason:  string(metav1.StatusReasonBadRequest),
			Path:    "metadata.namespace",
			Message: err.Error(),
		})
	}
	out.Object = u
	recorder := &handler.Recorder{}
	ctx = k.requestContext(ctx, "create", namespace, recorder)
	handler.Prepare(ctx, u)
	rest.FillObjectMetaSystemFields(u)
	generated := nondeterminism.Of(u, doc)
	if u.GetGenerateName() != "" && u.GetName() == "" { // the server's handler completes the name before it validates
		u.SetName(nondeterminism.Name(u.GetGenerateName()))
	}
	out.Causes = append(out.Causes, nondeterminism.StorageRefusals(u)...)
	for _, cause := range causesOf(rest.BeforeCreate(c.strategy, ctx, u)) {
		cause.Message = generated.Normalize(cause.Message)
		out.Causes = append(out.Causes, cause)
	}
	out.Warnings = append(out.Warnings, recorder.Warnings...)
	return out
}

func (k *kind) requestContext(ctx context.Context, verb, namespace string, r *handler.Recorder) context.Context {
	ctx = request.WithNamespace(ctx, namespace)
	ctx = request.WithRequestInfo(
		ctx,
		&request.RequestInfo{IsResourceRequest: true, Verb: verb, APIGroup: k.gvk.Group, APIVersion: k.gvk.Version,
			Resource: k.resource, Namespace: namespace},
	)
	return warning.WithWarningRecorder(ctx, r)
}

// decode reads an object, prunes what the schema does not know, and coerces its metadata.
func (k *kind) decode(c *compiled, doc []byte) (*unstructured.Unstructured, []verdict.Cause) {
	var content map[string]any
	strict, err := kjson.UnmarshalStrict(doc, &content)
	if err != nil {
		return nil, []verdict.Cause{badRequest(verdict.WrongType, "", err.Error())}
	}
	var causes []verdict.Cause
	for _, e := range strict {
		causes = append(causes, strictCause(e.Error()))
	}
	unknown := func(paths []string) {
		for _, p := range paths {
			cause := badRequest(verdict.UnknownField, p, fmt.Sprintf("unknown field %q", p))
			cause.Siblings = siblings(c.structural, p)
			causes = append(causes, cause)
		}
	}
	meta, found, paths, err := objectmeta.GetObjectMetaWithOptions(
		content,
		objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true},
	)
	if err != nil {
		return nil, append(causes, badRequest(verdict.WrongType, "metadata", err.Error()))
	}
	unknown(paths)
	if !c.preserve {
		unknown(
			pruning.PruneWithOptions(
				content,
				c.structural,
				true,
				structuralschema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true},
			),
		)
		defaulting.PruneNonNullableNullsWithoutDefaults(content, c.structural)
	}
	coerceErr, paths := objectmeta.CoerceWithOptions(
		nil,
		content,
		c.structural,
		false,
		objectmeta.CoerceOptions{ReturnUnknownFieldPaths: true},
	)
	if coerceErr != nil {
		return nil, append(causes, badRequest(verdict.WrongType, coerceErr.Field, coerceErr.ErrorBody()))
	}
	unknown(paths)
	u := &unstructured.Unstructured{Object: content}
	u.SetGroupVersionKind(k.gvk)
	if found {
		if err := objectmeta.SetObjectMeta(content, meta); err != nil {
			return nil, append(causes, badRequest(verdict.WrongType, "metadata", err.Error()))
		}
	}
	return u, causes
}

// siblings lists the fields beside the last one of a path: spec.rules[0].host.
func siblings(s *structuralschema.Structural, path string) []string {
	steps := strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' })
	for _, step := range steps[:max(0, len(steps)-1)] {
		switch {
		case s == nil:
			return nil
		case strings.HasSuffix(step, "]"):
			s = s.Items
		default:
			next, ok := s.Properties[step]
			if !ok {
				return nil
			}
			s = &next
		}
	}
	if s == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(s.Properties))
}

func badRequest(class verdict.Class, path, message string) verdict.Cause {
	return verdict.Cause{Class: class, Reason: string(metav1.StatusReasonBadRequest), Path: path, Message: message}
}

// strictCause reads `duplicate field "spec.a"`.
func strictCause(text string) verdict.Cause {
	c := badRequest(verdict.UnknownField, "", text)
	if strings.HasPrefix(text, "duplicate field") {
		c.Class = verdict.Duplicate
	}
	if _, quoted, ok := strings.Cut(text, "field "); ok {
		c.Path, _ = strconv.Unquote(quoted)
	}
	return c
}

func causesOf(err error) (causes []verdict.Cause) {
	var status apierrors.APIStatus
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &status) || status.Status().Details == nil || len(status.Status().Details.Causes) == 0:
		return []verdict.Cause{badRequest(verdict.Invalid, "", err.Error())}
	}
	for _, c := range status.Status().Details.Causes {
		cause := verdict.Cause{
			Class:   verdict.Invalid,
			Reason:  string(c.Type),
			Path:    strings.TrimPrefix(c.Field, "<nil>"),
			Message: c.Message,
		}
		if !slices.ContainsFunc(causes, cause.Same) {
			causes = append(causes, cause)
		}
	}
	return causes
}

// compile prepares one version of a definition, with the parts that the extension server uses.
func compile(
	crd *apiextensionsv1.CustomResourceDefinition,
	v *apiextensionsv1.CustomResourceDefinitionVersion,
	k *kind,
) (*compiled, error) {
	c := &compiled{preserve: crd.Spec.PreserveUnknownFields}
	val, err := apihelpers.GetSchemaForVersion(crd, v.Name)
	if err != nil {
		return nil, err
	}
	internal := &apiextensions.CustomResourceValidation{}
	if val != nil {
		if err := apiextensionsv1.Convert_v1_CustomResourceValidation_To_apiextensions_CustomResourceValidation(
			val, internal, nil,
		); err != nil {
			return nil, err
		}
		s, err := structuralschema.NewStructural(internal.OpenAPIV3Schema)
		if err != nil && !c.preserve {
			return nil, err
		}
		if !c.preserve {
			s = s.DeepCopy()
			if err := defaulting.PruneDefaults(s); err != nil {
				return nil, err
			}
		}
		c.structural = s
	}
	validator, _, err := validation.NewSchemaValidator(internal.OpenAPIV3Schema)
	if err != nil {
		return nil, err
	}
	var status *apiextensions.CustomResourceSubresourceStatus
	var scale *apiextensions.CustomResourceSubresourceScale
	var statusValidator validation.SchemaValidator
	if sub := v.Subresources; sub != nil && sub.Status != nil {
		status = &apiextensions.CustomResourceSubresourceStatus{}
		if internal.OpenAPIV3Schema != nil {
			if s, ok := internal.OpenAPIV3Schema.Properties["status"]; ok {
				if statusValidator, _, err = validation.NewSchemaValidator(&s); err != nil {
					return nil, err
				}
			}
		}
	}
	if sub := v.Subresources; sub != nil && sub.Scale != nil {
		scale = &apiextensions.CustomResourceSubresourceScale{}
		if err := apiextensionsv1.Convert_v1_CustomResourceSubresourceScale_To_apiextensions_CustomResourceSubresourceScale(
			sub.Scale, scale, nil,
		); err != nil {
			return nil, err
		}
	}
	c.strategy = customresource.NewStrategy(
		crdserverscheme.NewUnstructuredObjectTyper(),
		k.namespaced,
		k.gvk,
		validator,
		statusValidator,
		c.structural,
		status,
		scale,
		v.SelectableFields,
	)
	return c, nil
}

// deprecationWarning is what the server answers to requests for a deprecated version.
func deprecationWarning(
	crd *apiextensionsv1.CustomResourceDefinition,
	v *apiextensionsv1.CustomResourceDefinitionVersion,
) string {
	if v.DeprecationWarning != nil {
		return *v.DeprecationWarning
	}
	text := fmt.Sprintf("%s/%s %s is deprecated", crd.Spec.Group, v.Name, crd.Spec.Names.Kind)
	newest := ""
	for _, o := range crd.Spec.Versions {
		if o.Served && !o.Deprecated && version.CompareKubeAwareVersionStrings(v.Name, o.Name) < 0 &&
			(newest == "" || version.CompareKubeAwareVersionStrings(newest, o.Name) < 0) {
			newest = o.Name
		}
	}
	if newest == "" {
		return text
	}
	return fmt.Sprintf("%s; use %s/%s %s", text, crd.Spec.Group, newest, crd.Spec.Names.Kind)
}
