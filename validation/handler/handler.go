// Package handler is what the API server's create handler does around the storage of a kind.
//
// Its use: [Prepare] an object before the storage sees it; a [Recorder] in the context keeps the warnings.
package handler

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/handlers"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/warning"

	"github.com/seatrial/seatrial/validation/verdict"
)

// Prepare takes out of an object what the server writes itself: managed fields, the time of creation, the UID. It
// merges owners that are named twice, with a warning.
func Prepare(ctx context.Context, obj runtime.Object) {
	m, err := meta.Accessor(obj)
	if err != nil {
		return
	}
	m.SetManagedFields(nil)
	rest.WipeObjectMetaSystemFields(m)
	var kept []metav1.OwnerReference
	var duplicates []string
	for _, ref := range m.GetOwnerReferences() {
		if slices.ContainsFunc(kept, func(o metav1.OwnerReference) bool { return reflect.DeepEqual(o, ref) }) {
			duplicates = append(duplicates, string(ref.UID))
			continue
		}
		kept = append(kept, ref)
	}
	if len(duplicates) == 0 {
		return
	}
	m.SetOwnerReferences(kept)
	warning.AddWarning(
		ctx, "", fmt.Sprintf(handlers.DuplicateOwnerReferencesWarningFormat, strings.Join(duplicates, ", ")),
	)
}

// Recorder keeps the Warning headers of one request.
type Recorder struct{ Warnings []verdict.Warning }

// leadingPath matches a text that begins with a field path: "spec.a[0]: ..." or ".metadata.a contains ...".
var leadingPath = regexp.MustCompile(`^(?:([^\s:]*[.\[][^\s:]*|spec|metadata): |\.([A-Za-z.]+) )`)

// AddWarning implements warning.Recorder.
func (r *Recorder) AddWarning(_, text string) {
	w := verdict.Warning{Text: text}
	if m := leadingPath.FindStringSubmatch(text); m != nil {
		w.Path = m[1] + m[2]
	}
	if !slices.Contains(r.Warnings, w) {
		r.Warnings = append(r.Warnings, w)
	}
}
