package explain_test

import (
	"context"
	"encoding/json"
	"maps"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

// TestExamplesAreAccepted writes an example for every field, and judges each as the API server does. Of some kinds the
// number is named of those that are refused: of ephemeral containers, which a Pod cannot be made with, and of fields
// that need more of their surroundings than an example has.
func TestExamplesAreAccepted(t *testing.T) {
	want := map[string]int{
		"ComponentStatus":    9, // is read only
		"ClusterTrustBundle": 1, "CustomResourceDefinition": 30, "Event": 5, "FlowSchema": 5,
		"HorizontalPodAutoscaler": 1, "Job": 2,
		"LocalSubjectAccessReview": 3, "MutatingAdmissionPolicy": 2, "MutatingWebhookConfiguration": 1,
		"PersistentVolume": 2, "Pod": 17,
		"PodCertificateRequest": 1, "PriorityLevelConfiguration": 7, "ResourceClaim": 2, "ResourceSlice": 25,
		"SelfSubjectAccessReview": 1, "SelfSubjectReview": 1, "SubjectAccessReview": 1, "VolumeAttachment": 1,
	}
	judge, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	store, refused := open(t, schema.Latest), map[string]int{}
	explain.Each(store, func(k *schema.Kind, f *schema.Field) {
		path := ""
		if f != nil {
			path = "." + f.Path
		}
		if len(path) > 7 && path[:7] == ".status" || len(path) > 25 && path[:25] == ".spec.ephemeralContainers" {
			return
		}
		subject, err := explain.Find(store, k.Resource+path, k.GroupVersion().String())
		if err != nil {
			t.Fatal(err)
		}
		example, err := subject.Example()
		if err != nil {
			t.Fatal(err)
		}
		var value map[string]any
		if err := yaml.Unmarshal([]byte(example), &value); err != nil {
			t.Fatalf("%s%s: %v\n%s", k.Kind, path, err, example)
		}
		doc, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		answer := judge.Create(context.Background(), k.GVK, doc, "default")
		if !answer.Accepted() && answer.NotServed == "" {
			refused[k.Kind]++
			t.Logf("%s%s: %s: %s", k.Kind, path, answer.Causes[0].Path, answer.Causes[0].Message)
		}
	})
	if !maps.Equal(refused, want) {
		t.Errorf("refused: %v, want %v", refused, want)
	}
}
