// Package fresh evens out what differs between a dry run and the creation of an object: what only a
// real storage refuses, and what the server draws at random.
//
// Its use: [Refusals] before the create, [Drawn] around it.
package fresh

import (
	"bytes"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/storage"

	"github.com/seatrial/seatrial/validation/verdict"
)

// Refusals returns what the storage of a real server refuses and a dry run passes over: an object that
// says which version of it is stored already.
func Refusals(obj runtime.Object) []verdict.Cause {
	version, err := storage.APIObjectVersioner{}.ObjectResourceVersion(obj)
	if err != nil || version == 0 {
		return nil
	}
	return []verdict.Cause{
		{Class: verdict.Invalid, Reason: string(metav1.StatusReasonInternalError), Path: "metadata.resourceVersion",
			Message: storage.ErrResourceVersionSetOnCreate.Error()},
	}
}

// Drawn returns what the server draws at random for an object one fixed value in messages: the same
// document gets the same answer.
type Drawn struct {
	doc    []byte
	prefix string // of the name, where the server completes it
}

// Draw looks at an object, and the JSON that it was read from, before it is created.
func Draw(obj runtime.Object, doc []byte) Drawn {
	d := Drawn{doc: doc}
	if m, err := meta.Accessor(obj); err == nil && m.GetName() == "" {
		d.prefix = m.GetGenerateName()
	}
	return d
}

// The server completes a name by some characters of a set, and cuts what stands before them to 58.
const (
	completion = `[bcdfghjklmnpqrstvwxz2456789]{5}`
	maxPrefix  = 58
)

var uid = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)

// Fixed returns a message about the object, once it was created, its fixed values.
func (d Drawn) Fixed(message string) string {
	if d.prefix != "" {
		prefix := d.prefix[:min(len(d.prefix), maxPrefix)]
		message = regexp.MustCompile(regexp.QuoteMeta(prefix)+completion).
			ReplaceAllLiteralString(message, prefix+"xxxxx")
	}
	if !strings.Contains(message, "controller-uid") { // it stands in the labels of a Job
		return message
	}
	return uid.ReplaceAllStringFunc(message, func(id string) string {
		if bytes.Contains(d.doc, []byte(id)) {
			return id
		}
		return "00000000-0000-4000-8000-000000000000"
	})
}
