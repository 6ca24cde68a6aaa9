package validation

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/json"
	utilfeature "k8s.io/apiserver/pkg/util/feature"
	"k8s.io/component-base/featuregate"

	apischema "github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation/verdict"
)

// gatedFields are the names, by kind, of the fields that the linked API server drops while the feature gate that their
// documentation names is off, as it is by default. Those of volumes and mounts are in volumeFields.
var gatedFields = map[string][]string{
	"CompositePodGroup": {"parentCompositePodGroupName", "preemptionPolicy"},
	"CronJob":           {"scheduling"},
	"Job":               {"scheduling"},
	"Lease":             {"strategy"},
	"Node":              {"podPreemptionPolicy"},
	"PodGroup": {
		"parentCompositePodGroupName", "preemptionPolicy", "resourceClaims", "schedulingConstraints",
	},
	"ResourceClaim":         {"derivedAttributes"},
	"ResourceClaimTemplate": {"derivedAttributes"},
	"ResourceSlice":         {"ints", "strings", "versions"},
	"Workload": {
		"compositePodGroupTemplates", "preemptionPolicy", "resourceClaims", "schedulingConstraints",
	},
}

// volumeFields are those of pods.
var volumeFields = []string{"bindMountOptions", "defaultUser", "mode", "user"}

// namesGated reports whether the JSON of an object has a key that may be that of a dropped field.
func namesGated(kind string, doc []byte) bool {
	has := func(name string) bool { return bytes.Contains(doc, []byte(`"`+name+`":`)) }
	return slices.ContainsFunc(gatedFields[kind], has) || has("volumes") && slices.ContainsFunc(volumeFields, has)
}

// dropped returns warnings of the fields of an accepted object that are not stored, because their feature gate is off.
// Gates are those of which the user says whether they are on.
func (k *kind) dropped(doc []byte, internal runtime.Object, gates map[string]bool) (out []verdict.Warning) {
	if !namesGated(k.gvk.Kind, doc) {
		return nil
	}
	// what was decoded may share memory with what is stored: only the text still has the field
	var written map[string]any
	store, err := apischema.Open(apischema.Latest)
	if err != nil || json.Unmarshal(doc, &written) != nil {
		return nil
	}
	versioned, err := k.scheme.ConvertToVersion(internal, k.gvk.GroupVersion())
	if err != nil {
		return nil
	}
	stored, err := runtime.DefaultUnstructuredConverter.ToUnstructured(versioned)
	api := store.Lookup(k.gvk)
	if err != nil || api == nil {
		return nil
	}
	for _, path := range notIn(stored, written, "") {
		if gate := gateOf(api, path); gate != "" && !turnedOn(gates, gate) {
			out = append(out, verdict.Warning{
				Path: path, Gate: gate,
				Text: fmt.Sprintf(
					"%s: the API server drops the field, because the feature gate %s is off by default", path, gate,
				),
			})
		}
	}
	return out
}

// notIn returns the paths of the values of an object, below at, that another one does not have.
func notIn(other, object map[string]any, at string) (paths []string) {
	for _, key := range slices.Sorted(maps.Keys(object)) {
		path := strings.TrimPrefix(at+"."+key, ".")
		value, has := other[key]
		if !has {
			if !empty(object[key]) {
				paths = append(paths, path)
			}
			continue
		}
		paths = append(paths, notInValue(value, object[key], path)...)
	}
	return paths
}

func notInValue(other, value any, at string) (paths []string) {
	switch value := value.(type) {
	case map[string]any:
		if other, ok := other.(map[string]any); ok {
			return notIn(other, value, at)
		}
	case []any:
		others, ok := other.([]any)
		if !ok || len(others) != len(value) {
			return nil
		}
		for i := range value {
			paths = append(paths, notInValue(others[i], value[i], fmt.Sprintf("%s[%d]", at, i))...)
		}
	}
	return paths
}

// empty reports whether a value is one that need not be stored.
func empty(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case map[string]any:
		return len(v) == 0
	case []any:
		return len(v) == 0
	}
	return value == "" || value == false || value == int64(0)
}

var (
	index    = regexp.MustCompile(`\[[^]]*\]`)
	gateName = regexp.MustCompile(`\b[A-Z][A-Za-z0-9]+\b`)
)

// gateOf returns the feature gate, off by default, that the documentation of a field names.
func gateOf(api *apischema.Kind, path string) string {
	f, err := api.Field(index.ReplaceAllString(path, ""))
	if err != nil {
		return ""
	}
	for _, word := range gateName.FindAllString(f.Doc, -1) {
		if gatedOff(word) {
			return word
		}
	}
	return ""
}

// turnedOn reports whether a user turns a feature gate on, alone or with all others of its stage.
func turnedOn(gates map[string]bool, gate string) bool {
	stages := map[any]string{featuregate.Alpha: "AllAlpha", featuregate.Beta: "AllBeta"}
	all := stages[utilfeature.DefaultMutableFeatureGate.GetAll()[featuregate.Feature(gate)].PreRelease]
	on, said := gates[gate]
	return on || !said && gates[all]
}

// gatedOff reports whether a word is the name of a feature gate that is off by default.
func gatedOff(word string) bool {
	gate := featuregate.Feature(word)
	spec, known := utilfeature.DefaultMutableFeatureGate.GetAll()[gate]
	return known && !spec.Default
}
