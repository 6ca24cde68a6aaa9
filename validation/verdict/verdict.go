// Package verdict is the language in which the API server's answer about one object is told.
//
// The central type is [Verdict]. Package validation fills it in; package lint turns it into
// findings with places. It stands apart so that only validation has to link Kubernetes.
package verdict

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Class says which step of the server refused the object. The zero value is invalid.
type Class int

// The classes, in the order in which the server comes to them.
const (
	UnknownKind  Class = iota + 1 // no such kind: "no matches for kind ..."
	UnknownField                  // strict decoding: a field that the type has not
	Duplicate                     // strict decoding: a key given twice
	WrongType                     // decoding: a value of the wrong type
	Scope                         // namespace rules of the request: a namespace that the kind may not have
	Invalid                       // validation, declarative or by hand: the server's causes
	Forbidden                     // admission
)

// Cause is one thing that is wrong with the object.
type Cause struct {
	Class Class
	// the server's cause type: FieldValueInvalid, FieldValueRequired ...; for other classes the status reason:
	// BadRequest, NotFound, Forbidden
	Reason  string
	Path    string // field path in the server's notation; empty for the object itself
	Message string // the server's words, without the path
	// Siblings are the fields that there are instead of an unknown one, where a CustomResourceDefinition or the type
	// of a component's configuration says it.
	Siblings []string
	// Wanted is the path at which validation misses the field that stands elsewhere; empty if it misses none.
	Wanted string
	// Meant is the path that the field would have if the object were written in the right shape; empty if it is Path.
	Meant string
}

// SchemaPath returns the path at which a schema has the field.
func (c *Cause) SchemaPath() string { return cmp.Or(c.Meant, c.Path) }

// Same reports whether two causes say the same.
func (c *Cause) Same(o Cause) bool {
	return c.Class == o.Class && c.Reason == o.Reason && c.Path == o.Path && c.Message == o.Message
}

// Warning is what the server would put into a Warning header.
type Warning struct {
	Path string // field path where the text begins with one, or the check knows it; else empty
	Text string // the server's words, whole
	// What the warning is about, where it is not the server's validation:
	Deprecation bool // the API version is deprecated
	Scope       bool // the namespace of a cluster-scoped object is ignored
	// Gate is the feature gate without which the server drops the field; empty for other warnings.
	Gate string
}

// Verdict is the server's answer about one object.
type Verdict struct {
	Causes   []Cause
	Warnings []Warning
	// Object is the decoded, defaulted object in the version in which it was written: a typed
	// k8s.io/api object for built-in kinds, *unstructured.Unstructured for custom resources.
	// It is nil when decoding failed. It must not be changed.
	Object runtime.Object
	// Custom says that a CustomResourceDefinition decided, not a built-in type.
	Custom bool
	// Definition returns the CustomResourceDefinition that decided, as JSON; nil for built-in kinds.
	Definition func() ([]byte, error)
	// Release is that of the definition if it comes from a catalogue: cert-manager v1.18.2.
	Release string
	// Local says that Release is the path of what holds the definition, beside the set.
	Local bool
	// Guessed says that the release was not chosen by the user, who may run a newer one than the catalogue holds.
	Guessed bool
	// NotServed is the setting without which an API server does not serve the kind; empty if it serves it. The rest of
	// the verdict is that of a server that does.
	NotServed string
	// ClusterScoped says that the kind lives in no namespace.
	ClusterScoped bool
}

// Accepted reports whether the server would take the object.
func (v *Verdict) Accepted() bool { return len(v.Causes) == 0 }

// Recover makes a cause of a panic of upstream's code, which an API server would answer with an internal error. It is
// deferred by a function that calls such code and returns the verdict. Where values were taken out to go on, a server
// would not have come that far: then they are the only causes.
func (v *Verdict) Recover() {
	crash := recover()
	if crash == nil {
		return
	}
	v.Object, v.Warnings = nil, nil
	if slices.ContainsFunc(v.Causes, func(c Cause) bool { return c.Class == WrongType }) {
		return
	}
	v.Causes = append(v.Causes, Cause{
		Class:   Invalid,
		Reason:  string(metav1.StatusReasonInternalError),
		Message: fmt.Sprintf("Kubernetes' own validation crashed on this object: %v; an API server answers 500", crash),
	})
}

// Kind is one kind that can be judged.
type Kind struct {
	GVK        schema.GroupVersionKind
	Resource   string // plural
	Namespaced bool
	Virtual    bool // answered at once and never stored: TokenReview, SubjectAccessReview
}
