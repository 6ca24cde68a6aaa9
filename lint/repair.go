package lint

import (
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation/verdict"
)

// maxRepairs is how often an object is judged again, at most, with what was most likely meant in the place of what is wrong.
const maxRepairs = 3

// A repair puts into an object, in memory, what was most likely meant: what validation finds without it is a cause of its
// own, and what it finds no more was a consequence.
type repair struct {
	path  string // of the wrong field, in the object that is repaired
	to    string // the path that the field should have; empty: it stays
	value any    // the right value, if the field stays
}

// repaired is the verdict on an object with its repairs. Paths are those of the document.
type repaired struct {
	verdict.Verdict
	consequences []verdict.Cause // of the verdict on the object as it is written
	made         []repair
}

// repair judges an object again with what was most likely meant. It returns the verdict as it is if nothing can be repaired.
func (r *run) repair(ctx context.Context, d *manifest.Document, v verdict.Verdict) repaired {
	whole := repaired{Verdict: v}
	if len(r.targets) != 1 || !r.targets[0].linked || v.NotServed != "" || !slices.ContainsFunc(v.Causes, repairable) {
		return whole
	}
	if wrong := countRepairable(v.Causes); wrong > maxWrong {
		return whole
	}
	value := runtime.DeepCopyJSON(d.Value())
	roots := slices.DeleteFunc(slices.Clone(v.Causes), func(c verdict.Cause) bool { return !repairable(c) })
	current, repaired := v, false
	for range maxRepairs {
		made := r.targets[0].repairAll(d, value, current.Causes, &whole)
		if !made {
			break
		}
		doc, err := json.Marshal(value)
		if err != nil {
			return whole
		}
		current, repaired = r.Validator.Create(ctx, gvkOf(d), doc, namespaceOf(d)), true
		for _, c := range current.Causes {
			c = r.targets[0].inDocument(d, &whole, c)
			if repairable(c) && !slices.ContainsFunc(roots, func(o verdict.Cause) bool { return o.Path == c.Path }) {
				roots = append(roots, c)
			}
		}
	}
	if !repaired || current.Object == nil {
		return whole
	}
	return whole.settle(v, current, roots)
}

// inDocument gives a cause of a repaired object its path in the document. Where that is another one, the cause keeps what was
// most likely meant by the field, and names the field as it is written.
func (t *target) inDocument(d *manifest.Document, w *repaired, c verdict.Cause) verdict.Cause {
	path := w.original(c.Path)
	if path == c.Path {
		return c
	}
	if c.Class == verdict.UnknownField {
		name := t.nameMeant(d, c)
		c.Siblings = []string{}
		if name != "" {
			c.Siblings = append(c.Siblings, name)
		}
		c.Message = strings.Replace(c.Message, strconv.Quote(c.Path), strconv.Quote(path), 1)
	}
	c.Path = path
	return c
}

// settle takes the causes that are left, and tells the consequences from them.
func (w repaired) settle(before, after verdict.Verdict, roots []verdict.Cause) repaired {
	left := roots
	for _, c := range after.Causes {
		if c.Path = w.original(c.Path); !repairable(c) {
			left = append(left, c)
		}
	}
	for _, c := range before.Causes {
		if !repairable(c) && !slices.ContainsFunc(left, c.Same) {
			w.consequences = append(w.consequences, c)
		}
	}
	w.Verdict = after
	w.Causes = left
	w.Custom = before.Custom
	return w
}

// original returns the path of a field in the document that a repair may have renamed.
func (w *repaired) original(path string) string {
	for _, m := range slices.Backward(w.made) {
		if m.to == "" {
			continue
		}
		if rest, below := strings.CutPrefix(path, m.to); below && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			path = m.path + rest
		}
	}
	return path
}

// attach gives the consequences to the first finding that explains them.
func (w *repaired) attach(d *manifest.Document, found []diag.Diagnostic) []diag.Diagnostic {
	if len(w.consequences) == 0 {
		return found
	}
	for i := range found {
		if found[i].Rule == ruleFieldUnknown.Name || found[i].Rule == ruleFieldType.Name {
			for _, c := range w.consequences {
				found[i].Consequences = append(found[i].Consequences, diagnose(d, c))
			}
			break
		}
	}
	return found
}

// locate gives a rule's finding about the repaired object its places in the document.
func (w *repaired) locate(f *Finding) {
	if len(w.made) == 0 {
		return
	}
	f.Path = w.original(f.Path)
	for i := range f.Related {
		if f.Related[i].Of == nil {
			f.Related[i].Path = w.original(f.Related[i].Path)
		}
	}
	for i := range f.Fixes {
		f.Fixes[i].Path = w.original(f.Fixes[i].Path)
	}
}

// sibling returns the path of a field beside another one.
func sibling(path, name string) string {
	i := strings.LastIndexByte(path, '.')
	return path[:i+1] + name
}

// repairable reports whether a cause speaks of a field that is not what its author meant.
func repairable(c verdict.Cause) bool {
	return c.Class == verdict.UnknownField || c.Class == verdict.WrongType
}

// maxWrong is how many fields of an object may be wrong, at most, for it to be repaired: each is held against all others.
const maxWrong = 100

func countRepairable(causes []verdict.Cause) (n int) {
	for _, c := range causes {
		if repairable(c) {
			n++
		}
	}
	return n
}

// repairAll makes the repairs of the causes, each once, and reports whether there were any.
func (t *target) repairAll(d *manifest.Document, value map[string]any, causes []verdict.Cause, w *repaired) (made bool) {
	for _, c := range causes {
		if !repairable(c) || slices.ContainsFunc(w.made, func(o repair) bool { return o.path == c.Path }) {
			continue
		}
		holder, key, ok := locate(value, c.Path)
		if !ok {
			continue
		}
		if fix, ok := t.repairOf(d, c, holder, key); ok && fix.apply(value, holder, key) {
			w.made = append(w.made, fix)
			made = true
		}
	}
	return made
}

// repairOf returns the repair of a cause.
func (t *target) repairOf(d *manifest.Document, c verdict.Cause, holder any, key any) (repair, bool) {
	if c.Class == verdict.WrongType {
		v := valueAt(holder, key)
		if meant, _, ok := t.meant(d, c.Path, v); ok {
			return repair{path: c.Path, value: meant}, true
		}
		return repair{}, false
	}
	if name := t.nameMeant(d, c); name != "" {
		return repair{path: c.Path, to: sibling(c.Path, name)}, true
	}
	if to := t.placeMeant(d, c); to != "" {
		return repair{path: c.Path, to: to}, true
	}
	return repair{}, false
}

// apply makes the repair, unless something stands already where the field should be.
func (f repair) apply(root map[string]any, holder, key any) bool {
	switch h := holder.(type) {
	case map[string]any:
		name := key.(string)
		if f.to == "" {
			h[name] = f.value
			return true
		}
		if !putAt(root, f.to, h[name]) {
			return false
		}
		delete(h, name)
		return true
	case []any:
		if f.to == "" {
			h[key.(int)] = f.value
			return true
		}
	}
	return false
}

func valueAt(holder, key any) any {
	switch h := holder.(type) {
	case map[string]any:
		return h[key.(string)]
	case []any:
		return h[key.(int)]
	}
	return nil
}

// locate returns the map or list that holds the value at a path, and its key or index there.
func locate(v any, path string) (holder, key any, ok bool) {
	for path != "" {
		var rest string
		if key, rest, ok = firstStep(v, path); !ok {
			return nil, nil, false
		}
		holder, path = v, rest
		v = valueAt(holder, key)
	}
	return holder, key, holder != nil
}

// firstStep takes the first step of a path down from a value. Of several keys that begin the path the longest counts, since
// keys may hold dots.
func firstStep(v any, path string) (key any, rest string, ok bool) {
	switch v := v.(type) {
	case []any:
		end := strings.IndexByte(path, ']')
		if path[0] != '[' || end < 0 {
			return nil, "", false
		}
		i, err := strconv.Atoi(path[1:end])
		return i, path[end+1:], err == nil && i >= 0 && i < len(v)
	case map[string]any:
		if path[0] == '[' {
			for end := 1; end < len(path); end++ {
				if _, has := v[path[1:end]]; has && path[end] == ']' {
					return path[1:end], path[end+1:], true
				}
			}
			return nil, "", false
		}
		path = strings.TrimPrefix(path, ".")
		for p := range prefixes(path) {
			if _, has := v[p]; has {
				return p, path[len(p):], true
			}
		}
	}
	return nil, "", false
}

// nameMeant returns the field that was most likely meant by one that the type does not have; empty if none is near.
func (t *target) nameMeant(d *manifest.Document, c verdict.Cause) string {
	wrong := c.Path[strings.LastIndexByte(c.Path, '.')+1:]
	if yamlWords[strings.ToLower(wrong)] { // a boolean was meant to be a value
		return ""
	}
	if c.Siblings != nil {
		return nearest(wrong, c.Siblings)
	}
	kind := t.store().Lookup(gvkOf(d))
	if kind == nil || t.versionsWith(gvkOf(d), c.Path) != "" {
		return ""
	}
	name, _ := kind.SuggestField(c.Path)
	return name
}
