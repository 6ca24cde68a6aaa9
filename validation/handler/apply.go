package handler

import (
	"encoding/json"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
)

// Apply returns what `kubectl apply` makes of an object: a three-way merge. What the manifest that was applied before
// says and the new one does not is removed from the current object; what neither says stays as the server set it.
// Example is an empty object of the versioned type, whose tags say how lists are merged; nil for kinds without a type,
// whose lists are replaced. Lists in lists, which no type has, make the patch crash: an error.
func Apply(before, now, current []byte, example runtime.Object) (merged []byte, err error) {
	defer func() {
		if crash := recover(); crash != nil {
			merged, err = nil, fmt.Errorf("merging: %v", crash)
		}
	}()
	if example == nil {
		patch, err := jsonmergepatch.CreateThreeWayJSONMergePatch(before, now, current)
		if err != nil {
			return nil, err
		}
		return jsonpatch.MergePatch(current, patch)
	}
	schema, err := strategicpatch.NewPatchMetaFromStruct(example)
	if err != nil {
		return nil, err
	}
	patch, err := strategicpatch.CreateThreeWayMergePatch(before, now, current, schema, true)
	if err != nil {
		return nil, err
	}
	return strategicpatch.StrategicMergePatch(current, patch, example)
}

// systemFields are the fields of metadata that the server writes. Exported manifests have those of another object.
var systemFields = []string{
	"creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "managedFields",
	"resourceVersion", "selfLink", "uid",
}

// WithoutSystemFields returns a manifest without the fields of metadata that the server writes.
func WithoutSystemFields(doc []byte) ([]byte, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(doc, &fields); err != nil {
		return nil, err
	}
	var metadata map[string]json.RawMessage
	if err := json.Unmarshal(fields["metadata"], &metadata); err != nil {
		return nil, err
	}
	for _, name := range systemFields {
		delete(metadata, name)
	}
	var err error
	if fields["metadata"], err = json.Marshal(metadata); err != nil {
		return nil, err
	}
	return json.Marshal(fields)
}
