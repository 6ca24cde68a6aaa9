package apiserver

import (
	"errors"
	"sync"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/kube-openapi/pkg/builder3"
	"sigs.k8s.io/structured-merge-diff/v6/typed"
)

// Tracking says which objects have managed fields. Managed fields take a third of the time, and matter only to clients
// that read them or apply on the server's side. An object that is created without them has none after updates either,
// until a server-side apply.
type Tracking int

// The zero value is what a real API server does.
const (
	TrackAll     Tracking = iota
	TrackUsers            // all but those that controllers and kubelets create
	TrackApplied          // those that were applied on the server's side
)

// typeConverter returns the types of a group for managed fields, which are built on first use.
func (s *Server) typeConverter(types []string) managedfields.TypeConverter {
	build := sync.OnceValues(func() (managedfields.TypeConverter, error) {
		schemas, err := builder3.BuildOpenAPIDefinitionsForResources(s.generic.OpenAPIV3Config, types...)
		if err != nil {
			return nil, err
		}
		return managedfields.NewTypeConverter(schemas, false)
	})
	if s.options.Tracking == TrackAll {
		return lazyConverter(build)
	}
	return untracking{lazyConverter(build), s.options.Tracking}
}

// lazyConverter is a type converter that is built on first use.
type lazyConverter func() (managedfields.TypeConverter, error)

func (f lazyConverter) ObjectToTyped(obj runtime.Object, opts ...typed.ValidationOptions) (*typed.TypedValue, error) {
	c, err := f()
	if err != nil {
		return nil, err
	}
	return c.ObjectToTyped(obj, opts...)
}

func (f lazyConverter) TypedToObject(value *typed.TypedValue) (runtime.Object, error) {
	c, err := f()
	if err != nil {
		return nil, err
	}
	return c.TypedToObject(value)
}

// untracking is a type converter that fails for objects that are to have no managed fields.
type untracking struct {
	managedfields.TypeConverter
	tracking Tracking
}

var errUntracked = errors.New("managed fields are not kept for this object")

func (u untracking) ObjectToTyped(obj runtime.Object, opts ...typed.ValidationOptions) (*typed.TypedValue, error) {
	if _, is := obj.(*corev1.Binding); is {
		return nil, errUntracked // it is never stored
	}
	if o, is := created(obj); is && (u.tracking == TrackApplied || byController(o, obj)) {
		return nil, errUntracked
	}
	return u.TypeConverter.ObjectToTyped(obj, opts...)
}

// created reports whether an object is being created, and returns its metadata. An object that is applied is
// unstructured, and begins empty.
func created(obj runtime.Object) (metav1.Object, bool) {
	if _, applied := obj.(runtime.Unstructured); applied {
		return nil, false
	}
	o, err := meta.Accessor(obj)
	if err != nil || o.GetUID() != "" || o.GetName() == "" && o.GetGenerateName() == "" {
		return nil, false
	}
	return o, true
}

// byController reports whether controllers or kubelets create the object.
func byController(o metav1.Object, obj runtime.Object) bool {
	switch obj.(type) {
	case *corev1.Event, *eventsv1.Event, *coordinationv1.Lease:
		return true
	}
	return metav1.GetControllerOfNoCopy(o) != nil
}
