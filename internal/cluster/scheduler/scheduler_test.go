package scheduler

import (
	"slices"
	"testing"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	internalcache "k8s.io/kubernetes/pkg/scheduler/backend/cache"
	"k8s.io/kubernetes/pkg/scheduler/framework/plugins"
	"k8s.io/kubernetes/pkg/scheduler/framework/runtime"
	"k8s.io/kubernetes/pkg/scheduler/metrics"
)

// TestDisabledPluginsStayDisabled disables plugins that others take the place of.
func TestDisabledPluginsStayDisabled(t *testing.T) {
	metrics.Register()
	c, err := ReadConfig([]byte(`
apiVersion: kubescheduler.config.k8s.io/v1
kind: KubeSchedulerConfiguration
profiles:
- plugins:
    postFilter: {disabled: [{name: DefaultPreemption}]}
    score: {disabled: [{name: PodTopologySpread}]}
`))
	if err != nil {
		t.Fatal(err)
	}
	_, replacements := deterministic(c.Profiles)
	registry := plugins.NewInTreeRegistry()
	if err := registry.Merge(replacements); err != nil {
		t.Fatal(err)
	}
	client := fake.NewClientset()
	f, err := runtime.NewFramework(
		t.Context(), registry, &c.Profiles[0], runtime.WithClientSet(client),
		runtime.WithInformerFactory(informers.NewSharedInformerFactory(client, 0)),
		runtime.WithSnapshotSharedLister(internalcache.NewEmptySnapshot()),
	)
	if err != nil {
		t.Fatal(err)
	}
	enabled := f.ListPlugins()
	for point, want := range map[string]struct {
		set    config.PluginSet
		plugin string
		there  bool
	}{
		"postFilter": {enabled.PostFilter, "DefaultPreemption", false},
		"score":      {enabled.Score, "PodTopologySpread", false},
		"filter":     {enabled.Filter, "PodTopologySpread", true},
	} {
		there := slices.ContainsFunc(want.set.Enabled, func(p config.Plugin) bool {
			return upstreamName(p.Name) == want.plugin
		})
		if there != want.there {
			t.Errorf("%s has %s: %t, want %t: %v", point, want.plugin, there, want.there, want.set.Enabled)
		}
	}
}
