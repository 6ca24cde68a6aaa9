package validation

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/server/resourceconfig"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	cliflag "k8s.io/component-base/cli/flag"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/features"

	apischema "github.com/seatrial/seatrial/schema"
)

// gatesOf are the feature gates, off by default, without which a server does not serve a resource.
var gatesOf = map[schema.GroupResource]string{
	{Group: "scheduling.k8s.io", Resource: "workloads"}:          string(features.GenericWorkload),
	{Group: "scheduling.k8s.io", Resource: "podgroups"}:          string(features.GenericWorkload),
	{Group: "scheduling.k8s.io", Resource: "compositepodgroups"}: string(features.CompositePodGroup),
	{Group: "lifecycle.k8s.io", Resource: "evictions"}:           string(features.EvictionRequestAPI),
	{Group: "lifecycle.k8s.io", Resource: "evictionrequests"}:    string(features.EvictionRequestAPI),
}

// servedByDefault returns what an API server serves without flags: all stable versions, and no others. The package that
// decides it upstream links the whole control plane; a test compares.
func servedByDefault() *serverstorage.ResourceConfig {
	config := serverstorage.NewResourceConfig()
	for _, v := range legacyscheme.Scheme.PrioritizedVersionsAllGroups() {
		if apischema.IsStable(v.Version) {
			config.EnableVersions(v)
		} else {
			config.DisableVersions(v)
		}
	}
	return config
}

// Serve says with which settings the API server runs: the values of its flags --runtime-config and --feature-gates,
// each a list of name=true or name=false. It is called before the first object is judged.
func (v *Validator) Serve(runtimeConfig, featureGates []string) error {
	overrides, err := settings("runtime-config", runtimeConfig)
	if err != nil {
		return err
	}
	if err := checkVersions(overrides); err != nil {
		return err
	}
	config := cliflag.ConfigurationMap{}
	for name, on := range overrides {
		config[name] = strconv.FormatBool(on)
	}
	v.storages.served, err = resourceconfig.MergeAPIResourceConfigs(
		servedByDefault(), config, legacyscheme.Scheme)
	if err != nil {
		return fmt.Errorf("runtime-config: %w", err)
	}
	if v.storages.gates, err = settings("feature-gates", featureGates); err != nil {
		return err
	}
	return checkGates(v.storages.gates)
}

// delegated are the groups of the servers that the API server hands requests on to.
var delegated = []string{"apiextensions.k8s.io", "apiregistration.k8s.io"}

// checkVersions returns an error if --runtime-config names an API version that no server has.
func checkVersions(overrides map[string]bool) error {
	var known []string
	for _, gv := range legacyscheme.Scheme.PrioritizedVersionsAllGroups() {
		known = append(known, gv.String())
	}
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		parts := strings.Split(name, "/")
		version := strings.TrimPrefix(strings.Join(parts[:min(2, len(parts))], "/"), "api/v1")
		switch {
		case version == "", slices.Contains(known, version), slices.Contains(delegated, parts[0]), parts[0] == "v1",
			slices.Contains([]string{"api/all", "api/ga", "api/beta", "api/alpha", "api/legacy"}, name):
			continue
		}
		return fmt.Errorf("runtime-config: there is no API version %q%s", version, didYouMean(version, known))
	}
	return nil
}

// checkGates returns an error if --feature-gates names a gate that no server has.
func checkGates(gates map[string]bool) error {
	var known []string
	for name := range utilfeature.DefaultMutableFeatureGate.GetAll() {
		known = append(known, string(name))
	}
	slices.Sort(known)
	for _, name := range slices.Sorted(maps.Keys(gates)) {
		if !slices.Contains(known, name) {
			return fmt.Errorf("feature-gates: there is no feature gate %q%s", name, didYouMean(name, known))
		}
	}
	return nil
}

func didYouMean(word string, known []string) string {
	if best := apischema.DidYouMean(word, known); best != "" {
		return fmt.Sprintf(": did you mean %s?", best)
	}
	return ""
}

// settings reads a list of name=true and name=false; a name alone is true.
func settings(flag string, list []string) (map[string]bool, error) {
	out := map[string]bool{}
	for _, s := range list {
		name, value, given := strings.Cut(strings.TrimSpace(s), "=")
		if name == "" || given && value != "true" && value != "false" {
			return nil, fmt.Errorf("%s: %q is not name=true or name=false", flag, s)
		}
		out[name] = value != "false"
	}
	return out, nil
}

// setting returns the setting without which a server does not serve a resource; empty if it serves it.
func (s *storages) setting(r schema.GroupVersionResource) string {
	gate := gatesOf[r.GroupResource()]
	if gate != "" && s.gates[gate] {
		gate = ""
	}
	var needed []string
	if !s.served.ResourceEnabled(r) {
		needed = append(needed, fmt.Sprintf("--runtime-config=%s=true", r.GroupVersion()))
	}
	if gate != "" {
		needed = append(needed, fmt.Sprintf("--feature-gates=%s=true", gate))
	}
	return strings.Join(needed, " and ")
}
