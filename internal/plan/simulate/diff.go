package simulate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/redact"
)

// bookkeeping is what the server and its clients keep for themselves in every object.
var bookkeeping = []string{
	"metadata.creationTimestamp", "metadata.generation", "metadata.managedFields", "metadata.resourceVersion",
	"metadata.uid", "metadata.selfLink",
	"metadata.annotations.kubectl.kubernetes.io/last-applied-configuration",
	"metadata.annotations.deployment.kubernetes.io/revision",
	"metadata.annotations.deprecated.daemonset.template.generation",
	"status",
}

// difference lists the fields in which two versions of an object differ, as the server stores
// them. What the manifest, which may be nil, does not say was filled in by the server.
func difference(before, after, written runtime.Object) ([]plan.Field, error) {
	b, err := content(before)
	if err != nil {
		return nil, err
	}
	a, err := content(after)
	if err != nil {
		return nil, err
	}
	w, err := content(written)
	if err != nil {
		return nil, err
	}
	d := differ{schema: schemaOf(after)}
	d.compare("", b, a, w, d.schema)
	slices.SortStableFunc(d.fields, func(x, y plan.Field) int { return cmp.Compare(x.Path, y.Path) })
	if after.GetObjectKind().GroupVersionKind().GroupKind() == (schema.GroupKind{Kind: "Secret"}) {
		hideData(d.fields)
	}
	return d.fields, nil
}

// hideData takes the values of a Secret out of its fields.
func hideData(fields []plan.Field) {
	for i := range fields {
		f := &fields[i]
		if !strings.HasPrefix(f.Path, "data") && !strings.HasPrefix(f.Path, "stringData") {
			continue
		}
		f.Defaulted = false // what stringData says is stored as data
		for _, value := range []*string{&f.Before, &f.After} {
			if *value != "" {
				*value = redact.Mask
			}
		}
	}
}

func content(o runtime.Object) (map[string]any, error) {
	switch o := o.(type) {
	case nil:
		return nil, nil
	case *unstructured.Unstructured:
		return o.Object, nil
	}
	return runtime.DefaultUnstructuredConverter.ToUnstructured(o)
}

// schemaOf knows by which keys the items of lists are matched; nil for custom resources.
func schemaOf(o runtime.Object) strategicpatch.LookupPatchMeta {
	typed, err := scheme.Scheme.New(o.GetObjectKind().GroupVersionKind())
	if err != nil {
		return nil
	}
	meta, err := strategicpatch.NewPatchMetaFromStruct(typed)
	if err != nil {
		return nil
	}
	return meta
}

type differ struct {
	schema strategicpatch.LookupPatchMeta
	fields []plan.Field
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// compare walks two maps; written is what the manifest says at the same place.
func (d *differ) compare(path string, before, after, written map[string]any, schema strategicpatch.LookupPatchMeta) {
	keys := maps.Clone(before)
	if keys == nil {
		keys = map[string]any{}
	}
	maps.Copy(keys, after)
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		at := join(path, key)
		if slices.Contains(bookkeeping, at) {
			continue
		}
		b, inBefore := before[key]
		a, inAfter := after[key]
		w, inWritten := written[key]
		d.value(at, key, side{b, inBefore}, side{a, inAfter}, side{w, inWritten}, schema)
	}
}

// side is a value that may be missing.
type side struct {
	value any
	set   bool
}

func (s side) text() string {
	if !s.set || s.value == nil {
		return ""
	}
	switch v := s.value.(type) {
	case string:
		return v
	case map[string]any, []any:
		data, err := json.Marshal(v)
		if err == nil {
			return string(data)
		}
	}
	return fmt.Sprint(s.value)
}

func (d *differ) value(path, key string, before, after, written side, schema strategicpatch.LookupPatchMeta) {
	bm, bIsMap := before.value.(map[string]any)
	am, aIsMap := after.value.(map[string]any)
	bl, bIsList := before.value.([]any)
	al, aIsList := after.value.([]any)
	switch {
	case (bIsMap || !before.set) && (aIsMap || !after.set) && (len(am) > 0 || len(bm) > 0):
		wm, _ := written.value.(map[string]any)
		d.compare(path, bm, am, wm, below(schema, key))
	case (bIsList || !before.set) && (aIsList || !after.set) && (bIsList || aIsList):
		wl, _ := written.value.([]any)
		d.list(path, key, bl, al, wl, schema)
	case before.text() != after.text() || before.set != after.set:
		d.fields = append(
			d.fields, plan.Field{Path: path, Before: before.text(), After: after.text(), Defaulted: !written.set},
		)
	}
}

// list matches items by their merge key, by value, or as a whole.
func (d *differ) list(path, key string, before, after, written []any, schema strategicpatch.LookupPatchMeta) {
	mergeKey, items := mergeKeyOf(schema, key, before, after)
	if mergeKey == "" {
		b, a := side{before, before != nil}, side{after, after != nil}
		if b.text() != a.text() {
			d.fields = append(
				d.fields, plan.Field{Path: path, Before: b.text(), After: a.text(), Defaulted: written == nil},
			)
		}
		return
	}
	b, a, w := keyed(before, mergeKey), keyed(after, mergeKey), keyed(written, mergeKey)
	names := maps.Clone(b)
	maps.Copy(names, a)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		at := fmt.Sprintf("%s[%s]", path, name)
		switch {
		case b[name] == nil:
			d.fields = append(
				d.fields, plan.Field{Path: at, After: side{a[name], true}.text(), Defaulted: w[name] == nil},
			)
		case a[name] == nil:
			d.fields = append(d.fields, plan.Field{Path: at, Before: side{b[name], true}.text(), Defaulted: false})
		default:
			d.compare(at, b[name], a[name], w[name], items)
		}
	}
}

// keyed returns the items of a list by the value of their key.
func keyed(list []any, key string) map[string]map[string]any {
	items := map[string]map[string]any{}
	for _, i := range list {
		if m, ok := i.(map[string]any); ok {
			items[fmt.Sprint(keyOf(m, key))] = m
		}
	}
	return items
}

// keyOf returns what an item is told apart by: a field, or a field of its metadata, as of templates of claims.
func keyOf(item map[string]any, key string) any {
	if v := item[key]; v != nil {
		return v
	}
	metadata, _ := item["metadata"].(map[string]any)
	return metadata[key]
}

// mergeKeyOf returns the key by which the items of a list are told apart, empty if there is none.
func mergeKeyOf(
	schema strategicpatch.LookupPatchMeta, key string, lists ...[]any,
) (string, strategicpatch.LookupPatchMeta) {
	var mergeKey string
	var items strategicpatch.LookupPatchMeta
	if schema != nil {
		if s, meta, err := schema.LookupPatchMetadataForSlice(key); err == nil {
			mergeKey, items = meta.GetPatchMergeKey(), s
		}
	}
	if mergeKey == "" {
		mergeKey = "name" // what most lists of custom resources are told apart by, if all items have it
	}
	for _, list := range lists {
		seen := map[string]bool{}
		for _, i := range list {
			m, ok := i.(map[string]any)
			value := fmt.Sprint(keyOf(m, mergeKey))
			if !ok || keyOf(m, mergeKey) == nil || seen[value] {
				return "", nil
			}
			seen[value] = true
		}
	}
	return mergeKey, items
}

func below(schema strategicpatch.LookupPatchMeta, key string) strategicpatch.LookupPatchMeta {
	if schema == nil {
		return nil
	}
	s, _, err := schema.LookupPatchMetadataForStruct(key)
	if err != nil {
		return nil
	}
	return s
}
