package validation

import (
	"testing"

	"k8s.io/kubernetes/pkg/controlplane"
)

func TestServedByDefaultIsWhatTheControlPlaneServes(t *testing.T) {
	ours, theirs := servedByDefault(), controlplane.DefaultAPIResourceConfigSource()
	if len(theirs.ResourceConfigs) > 0 {
		t.Errorf("upstream decides for single resources: %v", theirs.ResourceConfigs)
	}
	for v, served := range theirs.GroupVersionConfigs {
		if ours.GroupVersionConfigs[v] != served {
			t.Errorf("%s: served %v, want %v", v, ours.GroupVersionConfigs[v], served)
		}
	}
	s, err := newStorages()
	if err != nil {
		t.Fatal(err)
	}
	for name := range s.groups {
		for v, served := range ours.GroupVersionConfigs {
			if v.Group == name && served != theirs.GroupVersionConfigs[v] {
				t.Errorf("%s: served %v, want %v", v, served, theirs.GroupVersionConfigs[v])
			}
		}
	}
}
