package lint

import (
	"cmp"
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
	path  string   // of the wrong field, in the object that is repaired
	to    string   // the path that the field should have; empty: it stays
	value any      // the right value, if the field stays
	also  []string // paths of other wrong fields that the value puts right
	found string   // where the right value has what the wrong one had at path; empty: nowhere else
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
	whole.setAside(v.Causes)
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
		roots = slices.DeleteFunc(roots, func(c verdict.Cause) bool { return whole.covered(c.Path) })
		for _, c := range current.Causes {
			c = whole.inDocument(c)
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

// inDocument returns a cause of a repaired object with its path in the document. Where that is another one, the cause names
// the field as it is written, and keeps the path that it has in the schema.
func (w *repaired) inDocument(c verdict.Cause) verdict.Cause {
	path := w.original(c.Path)
	if path == c.Path {
		return c
	}
	c.Meant = c.Path
	c.Message = strings.Replace(c.Message, strconv.Quote(c.Path), strconv.Quote(path), 1)
	c.Path = path
	return c
}

// Parts of messages of causes that say nothing beside others.
const (
	unchecked = "some validation rules were not checked because the object was invalid"
	crashed   = ": runtime error: " // of the server's reader of a value, such as a schedule
)

// setAside keeps causes that say nothing beside others as their consequences.
func (w *repaired) setAside(causes []verdict.Cause) {
	says := slices.DeleteFunc(slices.Clone(causes), func(c verdict.Cause) bool {
		return strings.Contains(c.Message, unchecked) || strings.Contains(c.Message, crashed)
	})
	derived := func(c verdict.Cause) bool {
		if strings.Contains(c.Message, crashed) {
			return slices.ContainsFunc(says, func(o verdict.Cause) bool { return o.Path == c.Path })
		}
		return strings.Contains(c.Message, unchecked) && len(causes) > 1
	}
	for _, c := range causes {
		if derived(c) {
			w.consequences = append(w.consequences, c)
		}
	}
	w.Causes = slices.DeleteFunc(slices.Clone(causes), derived)
}

// followsFrom reports whether a cause speaks of a value that could not be read, or of the list that has it as an element.
func followsFrom(roots []verdict.Cause, c verdict.Cause) bool {
	return c.Path != "" && slices.ContainsFunc(roots, func(r verdict.Cause) bool {
		return r.Class == verdict.WrongType && (c.Path == r.Path || strings.HasPrefix(r.Path, c.Path+"[") && strings.Count(r.Path, ".") == strings.Count(c.Path, "."))
	})
}

// covered reports whether the repair of another field has put a field right as well.
func (w *repaired) covered(path string) bool {
	return slices.ContainsFunc(w.made, func(m repair) bool { return slices.Contains(m.also, path) })
}

// settle separates the causes that are left from their consequences.
func (w repaired) settle(before, after verdict.Verdict, roots []verdict.Cause) repaired {
	left := roots
	for _, c := range after.Causes {
		switch c = w.inDocument(c); {
		case repairable(c):
		case followsFrom(roots, c):
			w.consequences = append(w.consequences, c)
		default:
			left = append(left, c)
		}
	}
	for _, c := range before.Causes {
		if !repairable(c) && !slices.ContainsFunc(left, c.Same) && !strings.Contains(c.Message, unchecked) {
			w.consequences = append(w.consequences, c)
		}
	}
	w.Verdict = after
	w.Causes = left
	w.setAside(left)
	w.Custom, w.Release, w.Guessed = before.Custom, before.Release, before.Guessed
	return w
}

// original returns the path of a field in the document that a repair may have renamed.
func (w *repaired) original(path string) string {
	for _, m := range slices.Backward(w.made) {
		moved := cmp.Or(m.to, m.found)
		if moved == "" {
			continue
		}
		if rest, below := strings.CutPrefix(path, moved); below && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			path = m.path + rest
		}
	}
	return path
}

// attach keeps the consequences with the first finding that explains them.
func (w *repaired) attach(d *manifest.Document, found []diag.Diagnostic) []diag.Diagnostic {
	if len(w.consequences) == 0 {
		return found
	}
	at := slices.IndexFunc(found, func(f diag.Diagnostic) bool {
		return f.Rule == ruleFieldUnknown.Name || f.Rule == ruleFieldType.Name
	})
	if at < 0 {
		at = slices.IndexFunc(found, func(f diag.Diagnostic) bool { return isVerdictRule(f.Rule) })
	}
	if at < 0 {
		return found
	}
	for _, c := range w.consequences {
		found[at].Consequences = append(found[at].Consequences, diagnose(d, c))
	}
	return found
}

// locate sets the places in the document of a rule's finding about the repaired object.
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
		if w.covered(c.Path) {
			continue
		}
		if fix, ok := t.repairOf(d, value, c); ok && fix.apply(value) {
			w.made = append(w.made, fix)
			made = true
		}
	}
	return made
}

// repairOf returns the repair of a cause, in the object as it is repaired so far.
func (t *target) repairOf(d *manifest.Document, object map[string]any, c verdict.Cause) (repair, bool) {
	holder, key, ok := locate(object, c.Path)
	if !ok {
		return repair{}, false
	}
	if fix, ok := t.selectorMeant(d, object, c); ok {
		return fix, true
	}
	if c.Class == verdict.WrongType {
		v := valueAt(holder, key)
		meant, _, ok := t.meant(d, c.Path, v)
		fix := repair{path: c.Path, value: meant}
		if list, isList := meant.([]any); isList && len(list) == 1 && stands(v) == "a mapping" && stands(list[0]) == "a mapping" {
			fix.found = c.Path + "[0]"
		}
		return fix, ok
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
func (f repair) apply(root map[string]any) bool {
	holder, key, ok := locate(root, f.path)
	if !ok {
		return false
	}
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
	path := c.SchemaPath()
	wrong := path[strings.LastIndexByte(path, '.')+1:]
	if yamlWords[strings.ToLower(wrong)] { // a boolean was meant to be a value
		return ""
	}
	if c.Siblings != nil {
		return nearest(wrong, c.Siblings)
	}
	kind := t.store().Lookup(gvkOf(d))
	if kind == nil || t.versionsWith(gvkOf(d), path) != "" {
		return ""
	}
	name, _ := kind.SuggestField(path)
	return name
}
