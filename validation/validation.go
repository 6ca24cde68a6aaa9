// Package validation is the API server's verdict on one object, as a library.
//
// The central type is [Validator]. It holds the API server's own REST storages on an empty
// storage and asks them for a dry-run create: decoding, defaulting, conversion, validation and
// warnings are the server's own code, and the kinds are those that the storages name.
//
//	v, err := validation.New()
//	answer := v.Create(ctx, gvk, json, "default")
//	for _, c := range answer.Causes {
//		fmt.Println(c.Path, c.Message)
//	}
package validation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/endpoints/deprecation"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"
	"k8s.io/kubernetes/pkg/capabilities"

	"github.com/seatrial/seatrial/validation/custom"
	"github.com/seatrial/seatrial/validation/handler"
	"github.com/seatrial/seatrial/validation/nondeterminism"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Version is the minor version of the linked Kubernetes.
const (
	versionMajor = 1
	versionMinor = 37
)

// Validator answers as the API server does. It may be used from many goroutines.
type Validator struct {
	storages    *storages
	custom      *custom.Registry
	promises    promises
	definitions *Definitions // nil: none are kept for other validators

	catalogue *Catalogue
	except    func(group, kind string) bool // kinds of the catalogue that are not used; nil: all
}

// privileged containers are allowed on every real cluster; whether they are wise is the
// business of Pod Security and of lint's rules.
var allowPrivileged = sync.OnceFunc(func() { capabilities.Setup(true, 0) })

// New prepares the storages; those of a group are built when the first of its kinds is judged.
func New() (*Validator, error) {
	allowPrivileged()
	s, err := newStorages()
	if err != nil {
		return nil, fmt.Errorf("preparing the API server's storages: %w", err)
	}
	return &Validator{storages: s, custom: custom.NewRegistry()}, nil
}

// Renew returns a validator with the settings of v that knows no namespaces and definitions of a set, and a catalogue
// or definitions of others only as v does. It judges with the storages of v, which must not be used any more.
func (v *Validator) Renew() *Validator {
	v.storages.namespaces.forget()
	return &Validator{
		storages: v.storages, custom: custom.NewRegistry(), definitions: v.definitions, catalogue: v.catalogue,
	}
}

// Kinds lists the built-in kinds that can be judged, in order.
func (v *Validator) Kinds() ([]verdict.Kind, error) {
	all, err := v.storages.all()
	if err != nil {
		return nil, err
	}
	kinds := make([]verdict.Kind, 0, len(all))
	for _, k := range all {
		if k.creater != nil {
			kinds = append(
				kinds,
				verdict.Kind{GVK: k.gvk, Resource: k.resource, Namespaced: k.namespaced, Virtual: k.virtual},
			)
		}
	}
	slices.SortFunc(kinds, func(a, b verdict.Kind) int {
		return cmp.Or(
			cmp.Compare(a.GVK.Group, b.GVK.Group),
			cmp.Compare(a.GVK.Version, b.GVK.Version),
			cmp.Compare(a.GVK.Kind, b.GVK.Kind),
		)
	})
	return kinds, nil
}

// AddNamespace makes a namespace of the set known to the kinds whose validation looks at its labels.
func (v *Validator) AddNamespace(name string, labels map[string]string) {
	v.storages.namespaces.add(name, labels)
}

// Create judges the JSON of one object as it would be sent to a namespace. The namespace counts
// only for namespaced kinds. A crash of upstream's code on the object is a cause like any other.
func (v *Validator) Create(
	ctx context.Context,
	gvk schema.GroupVersionKind,
	doc []byte,
	namespace string,
) (answer verdict.Verdict) {
	defer answer.Recover()
	k, err := v.storages.lookup(gvk)
	switch {
	case err != nil:
		return failed(err)
	case k == nil:
		v.promises.keep(ctx, gvk.GroupKind())
		answer, ok := v.custom.Create(ctx, gvk, doc, namespace)
		if !ok {
			answer, ok = v.createByCatalogue(ctx, gvk, doc, namespace)
		}
		if ok {
			sortCauses(answer.Causes)
			return answer
		}
		v.promises.keepGroup(ctx, gvk.Group) // the kind may be one of theirs, misspelt
		return verdict.Verdict{
			Causes: []verdict.Cause{
				{Class: verdict.UnknownKind, Reason: string(metav1.StatusReasonNotFound), Path: "kind",
					Message: fmt.Sprintf("no matches for kind %q in version %q", gvk.Kind, gvk.GroupVersion())},
			},
		}
	case k.creater == nil:
		return verdict.Verdict{
			Causes: []verdict.Cause{
				{Class: verdict.Forbidden, Reason: string(metav1.StatusReasonMethodNotAllowed), Path: "kind",
					Message: "the server does not allow this method on the requested resource"},
			},
		}
	}
	now := k.create(ctx, doc, namespace)
	answer = now.Verdict
	answer.Warnings = append(answer.Warnings, v.typeCheck(&answer)...)
	if now.stored != nil {
		answer.Warnings = append(answer.Warnings, k.dropped(doc, now.stored, v.storages.gates)...)
	}
	sortCauses(answer.Causes)
	return answer
}

// sortCauses sorts causes: the server walks through maps, in an order that changes.
func sortCauses(causes []verdict.Cause) {
	slices.SortFunc(causes, func(a, b verdict.Cause) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
	})
}

// failed tells that the server itself would have failed.
func failed(err error) verdict.Verdict {
	return verdict.Verdict{
		Causes: []verdict.Cause{
			{Class: verdict.Invalid, Reason: string(metav1.StatusReasonInternalError), Message: err.Error()},
		},
	}
}

// created is the verdict on creating an object.
type created struct {
	verdict.Verdict
	stored runtime.Object // in the internal version; nil if it is not accepted
}

// create answers about one object of a built-in kind.
func (k *kind) create(ctx context.Context, doc []byte, namespace string) (out created) {
	defer out.Recover()
	out.ClusterScoped, out.NotServed = !k.namespaced, k.setting
	obj, causes := k.decode(doc)
	out.Causes = causes.found
	if obj == nil {
		return out
	}
	if deprecation.IsDeprecated(obj, versionMajor, versionMinor) {
		out.Warnings = append(
			out.Warnings,
			verdict.Warning{Path: "apiVersion", Text: deprecation.WarningMessage(obj), Deprecation: true},
		)
	}
	k.scheme.Default(obj)
	out.Object = obj
	internal, err := k.scheme.UnsafeConvertToVersion(
		obj,
		schema.GroupVersion{Group: k.gvk.Group, Version: runtime.APIVersionInternal},
	)
	if err != nil {
		out.Causes = append(out.Causes, verdict.Cause{
			Class:   verdict.WrongType,
			Reason:  string(metav1.StatusReasonBadRequest),
			Message: err.Error(),
		})
		return out
	}
	if !k.namespaced {
		namespace = metav1.NamespaceNone
	}
	recorder := &handler.Recorder{}
	ctx = k.requestContext(ctx, "create", namespace, recorder)
	handler.Prepare(ctx, internal)
	if m, err := meta.Accessor(internal); err == nil {
		if m.GetNamespace() != "" && !k.namespaced {
			out.Warnings = append(out.Warnings, verdict.Warning{Path: "metadata.namespace", Scope: true,
				Text: fmt.Sprintf(
					"%s is cluster-scoped: the server ignores the namespace %q",
					k.gvk.Kind,
					m.GetNamespace(),
				)})
		}
		if err := rest.EnsureObjectNamespaceMatchesRequestNamespace(namespace, m); err != nil {
			out.Causes = append(out.Causes, verdict.Cause{
				Class:   verdict.Scope,
				Reason:  string(metav1.StatusReasonBadRequest),
				Path:    "metadata.namespace",
				Message: err.Error(),
			})
		}
	}
	for _, c := range mutate(internal) {
		out.Causes = appendCause(out.Causes, causes, c)
	}
	virtual := k.virtual || k.gvk.Kind == "Binding"
	if !virtual {
		out.Causes = append(out.Causes, nondeterminism.StorageRefusals(internal)...)
	}
	generated := nondeterminism.Of(internal, doc)
	stored, err := k.creater.Create(ctx, internal, nil, &metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	for _, c := range causesOf(err, virtual) {
		c.Message = generated.Normalize(c.Message)
		out.Causes = appendCause(out.Causes, causes, c)
	}
	for _, c := range admit(ctx, k, internal) { // which a server comes to if the object is valid
		told := func(o verdict.Cause) bool { return o.Path == c.Path || strings.HasPrefix(c.Path, o.Path+"[") }
		if !slices.ContainsFunc(out.Causes, told) {
			out.Causes = appendCause(out.Causes, causes, c)
		}
	}
	for _, w := range recorder.Warnings {
		w.Text = generated.Normalize(w.Text)
		out.Warnings = append(out.Warnings, w)
	}
	if out.Accepted() {
		out.stored = stored
	}
	return out
}

// appendCause adds what validation found, unless it is known already or an earlier step is the true reason.
func appendCause(have []verdict.Cause, d decoding, c verdict.Cause) []verdict.Cause {
	if d.explains(c) || slices.ContainsFunc(have, c.Same) {
		return have
	}
	return append(have, c)
}

// ofOne reports whether a cause speaks of one text, and not of a collection as a whole.
func ofOne(c verdict.Cause) bool {
	return c.Reason == string(metav1.CauseTypeFieldValueInvalid) && strings.HasPrefix(c.Message, `Invalid value: "`)
}

func (k *kind) requestContext(ctx context.Context, verb, namespace string, r *handler.Recorder) context.Context {
	ctx = warning.WithWarningRecorder(ctx, r)
	ctx = request.WithNamespace(ctx, namespace)
	ctx = request.WithUser(ctx, admin)
	return request.WithRequestInfo(
		ctx,
		&request.RequestInfo{IsResourceRequest: true, Verb: verb, APIGroup: k.gvk.Group, APIVersion: k.gvk.Version,
			Resource: k.resource, Namespace: namespace},
	)
}

// admin is who creates: someone whom no rule of authorization stops.
var admin = &user.DefaultInfo{Name: "admin", Groups: []string{user.SystemPrivilegedGroup, user.AllAuthenticated}}

// causesOf takes an error of a storage apart. A storage of virtual kinds looks for other
// objects, which an empty storage does not have: that is no verdict.
func causesOf(err error, virtual bool) []verdict.Cause {
	if err == nil || virtual && apierrors.IsNotFound(err) {
		return nil
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return failed(err).Causes
	}
	s := status.Status()
	class := verdict.Invalid
	if s.Reason == metav1.StatusReasonForbidden {
		class = verdict.Forbidden
	}
	if s.Details == nil || len(s.Details.Causes) == 0 {
		return []verdict.Cause{{Class: class, Reason: string(s.Reason), Message: s.Message}}
	}
	causes := make([]verdict.Cause, 0, len(s.Details.Causes))
	for _, c := range s.Details.Causes {
		path := c.Field
		if path == "<nil>" {
			path = ""
		}
		causes = append(causes, verdict.Cause{Class: class, Reason: string(c.Type), Path: path, Message: c.Message})
	}
	return causes
}
