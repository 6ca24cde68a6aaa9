// Package nondeterminism evens out what differs between a dry run and the creation of an object, and between two runs:
// what only a real storage refuses, and what the server makes up.
//
// Its use: [StorageRefusals] before the create, [Generated] around it, [Normalize] on every message.
package nondeterminism

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

// StorageRefusals returns what the storage of a real server refuses and a dry run passes over: an object that says
// which version of it is stored already.
func StorageRefusals(obj runtime.Object) []verdict.Cause {
	version, err := storage.APIObjectVersioner{}.ObjectResourceVersion(obj)
	if err != nil || version == 0 {
		return nil
	}
	return []verdict.Cause{{
		Class:   verdict.Invalid,
		Reason:  string(metav1.StatusReasonInternalError),
		Path:    "metadata.resourceVersion",
		Message: storage.ErrResourceVersionSetOnCreate.Error(),
	}}
}

// Generated gives what the server generates for an object one fixed value in messages: the same document gets the same
// answer.
type Generated struct {
	doc    []byte
	prefix string // of the name, where the server completes it
}

// Of looks at an object, and the JSON that it was read from, before it is created.
func Of(obj runtime.Object, doc []byte) Generated {
	g := Generated{doc: doc}
	if m, err := meta.Accessor(obj); err == nil && m.GetName() == "" {
		g.prefix = m.GetGenerateName()
	}
	return g
}

// The server completes a name by some characters of a set, and cuts what stands before them to 58.
const (
	completion = `[bcdfghjklmnpqrstvwxz2456789]{5}`
	maxPrefix  = 58
)

// Name returns the name that an object gets by a prefix. The server completes it at random.
func Name(prefix string) string { return prefix[:min(len(prefix), maxPrefix)] + "xxxxx" }

var (
	uid      = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}`)
	selfType = regexp.MustCompile(`\bselfType[0-9]+`)
	address  = regexp.MustCompile(`\b0xc[0-9a-f]{6,}`)
)

// Normalize gives a message about the object, once it was created, its fixed values.
func (g Generated) Normalize(message string) string {
	if g.prefix != "" && (len(g.prefix) <= maxPrefix || !strings.Contains(message, g.prefix)) {
		name := Name(g.prefix)
		pattern := regexp.MustCompile(regexp.QuoteMeta(strings.TrimSuffix(name, "xxxxx")) + completion)
		message = pattern.ReplaceAllLiteralString(message, name)
	}
	if strings.Contains(message, "selfType") { // CEL's name of the type of self: the time of the compilation
		message = g.replace(selfType, message, "selfType")
	}
	if strings.Contains(message, "0xc") { // an address in the memory of the process
		message = g.replace(address, message, "0xc000000000")
	}
	if !strings.Contains(message, "controller-uid") { // it stands in the labels of a Job
		return message
	}
	return g.replace(uid, message, "00000000-0000-4000-8000-000000000000")
}

// replace writes with in the place of what matches a pattern and does not stand in the document.
func (g Generated) replace(pattern *regexp.Regexp, message, with string) string {
	return pattern.ReplaceAllStringFunc(message, func(found string) string {
		if bytes.Contains(g.doc, []byte(found)) {
			return found
		}
		return with
	})
}
