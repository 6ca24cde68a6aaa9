package memstore

import (
	"strings"
	"testing"
	"unsafe"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Pods of one owner share the strings by which controllers and the scheduler select them.
func TestObjectsShareTheStringsThatTheyAreSelectedBy(t *testing.T) {
	var i interner
	pod := func() *v1.Pod {
		p := &v1.Pod{ObjectMeta: metav1.ObjectMeta{
			Name: strings.Clone("web-1"), Namespace: strings.Clone("shop"),
			Labels: map[string]string{strings.Clone("app"): strings.Clone("web")},
			OwnerReferences: []metav1.OwnerReference{{
				APIVersion: strings.Clone("apps/v1"), Kind: strings.Clone("ReplicaSet"), UID: "6d1f",
			}},
		}}
		i.object(p)
		return p
	}
	strings := func(p *v1.Pod) (all []string) {
		for k, v := range p.Labels {
			all = append(all, k, v)
		}
		o := p.OwnerReferences[0]
		return append(all, p.Namespace, o.APIVersion, o.Kind, string(o.UID))
	}
	a, b := strings(pod()), strings(pod())
	want := []string{"app", "web", "shop", "apps/v1", "ReplicaSet", "6d1f"}
	for n, w := range want {
		if a[n] != w || b[n] != w {
			t.Errorf("%q and %q, want %q", a[n], b[n], w)
		}
		if unsafe.StringData(a[n]) != unsafe.StringData(b[n]) {
			t.Errorf("two copies of %q", w)
		}
	}
}

// The number of strings that are kept does not grow with the number of objects.
func TestStringsBeyondTheBoundAreLeftAlone(t *testing.T) {
	i := interner{known: map[string]string{}}
	for n := range mostInterned {
		i.string(strings.Repeat("x", n%256) + string(rune('0'+n%10)) + string(rune(n+256)))
	}
	before := len(i.known)
	if got := i.string("one too many"); got != "one too many" || before < mostInterned || len(i.known) != before {
		t.Errorf("%q, %d strings, then %d", got, before, len(i.known))
	}
}
