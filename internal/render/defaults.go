package render

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"
)

// defaulting is a patch that completes all objects of a kind, whatever their names are.
type defaulting struct {
	target types.Selector
	patch  any // a part of an object, or a list of JSON patch operations
	file   string
}

// addDefaults keeps the patches of a list that set fields of all objects of a kind. Dir is the folder that their
// files are named from.
func (d *discovery) addDefaults(t *Tree, file, dir string, patches []types.Patch) {
	for _, p := range patches {
		if p.Target == nil || p.Target.Kind == "" || isOneName(p.Target.Name) {
			continue
		}
		text := []byte(p.Patch)
		if p.Path != "" {
			var err error
			if text, err = d.read(rel(dir, p.Path)); err != nil {
				continue
			}
		}
		var patch any
		if yaml.Unmarshal(text, &patch) == nil {
			t.defaults = append(t.defaults, defaulting{*p.Target, patch, file})
		}
	}
}

// isOneName reports whether the name of a target, a regular expression, is that of one object.
func isOneName(name string) bool { return name != "" && !strings.ContainsAny(name, `.*+?[(|\`) }

// SetForOthers returns the file of the patch by which the tree sets a field of all objects of a kind, those that it
// is applied to: who writes one that nothing uses leaves the field out on purpose. It is empty if there is none.
func (t *Tree) SetForOthers(group, kind, path string) (file string) {
	fields := strings.Split(path, ".")
	i := slices.IndexFunc(t.defaults, func(p defaulting) bool {
		return p.target.Kind == kind && cmp.Or(p.target.Group, group) == group && sets(p.patch, fields)
	})
	if i < 0 {
		return ""
	}
	return t.defaults[i].file
}

// sets reports whether a patch sets a field.
func sets(patch any, fields []string) bool {
	operations, ok := patch.([]any)
	if !ok {
		return holds(patch, fields)
	}
	return slices.ContainsFunc(operations, func(o any) bool {
		operation, _ := o.(map[string]any)
		if operation["op"] != "add" && operation["op"] != "replace" {
			return false
		}
		at := strings.Split(strings.TrimPrefix(fmt.Sprint(operation["path"]), "/"), "/")
		return len(at) <= len(fields) && slices.Equal(at, fields[:len(at)]) &&
			holds(operation["value"], fields[len(at):])
	})
}

// holds reports whether a value has a field.
func holds(value any, fields []string) bool {
	for _, name := range fields {
		object, _ := value.(map[string]any)
		value = object[name]
	}
	return value != nil
}
