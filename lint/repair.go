package lint

import (
	"cmp"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation/verdict"
)

// maxRepairs is how often an object is judged again, at most, with what was most likely meant in the place of what is
// wrong.
const maxRepairs = 3

// A repair puts into an object, in memory, what was most likely meant: what validation finds without it is a cause of
// its own, and what it finds no more was a consequence.
type repair struct {
	path  string   // of the wrong field, in the object that is repaired
	to    string   // the path that the field should have; empty: it stays
	value any      // the right value, if the field stays
	also  []string // paths of other wrong fields that the value puts right
	found string   // where the right value has what the wrong one had at path; empty: nowhere else
	// added are fields that come into the mapping at path, for the one that is written at instead and others.
	added   []string
	instead string
	draft   bool // parts of the value are made up
}

// repaired is the verdict on an object with its repairs. Paths are those of the document.
type repaired struct {
	verdict.Verdict
	consequences []verdict.Cause // of the verdict on the object as it is written
	made         []repair
	unsure       []verdict.Cause // what is still wrong with a value that was repaired
}

// repair judges an object again with what was most likely meant. It returns the verdict as it is if nothing can be
// repaired.
func (r *run) repair(ctx context.Context, d *manifest.Document, v verdict.Verdict) repaired {
	if len(r.targets) == 1 {
		v.Causes = r.targets[0].placed(d, v.Causes)
	}
	whole := repaired{Verdict: v}
	whole.setAside(d, v.Causes)
	if len(r.targets) != 1 || !r.targets[0].linked || v.NotServed != "" || unknown(v) || v.Accepted() {
		return whole
	}
	t := r.targets[0]
	if wrong := countRepairable(v.Causes); wrong > maxWrong {
		return whole
	}
	value := runtime.DeepCopyJSON(d.Value())
	roots := t.rootsOf(d, value, whole.Causes)
	if len(roots) == 0 {
		return whole
	}
	current, repaired := v, false
	for range maxRepairs {
		made := t.repairAll(d, value, current.Causes, &whole)
		if !made {
			break
		}
		doc, err := json.Marshal(value)
		if err != nil {
			return whole
		}
		current, repaired = r.Validator.Create(ctx, gvkOf(d), doc, namespaceIn(d, value)), true
		roots = slices.DeleteFunc(roots, func(c verdict.Cause) bool { return whole.covered(c.Path) })
		for _, c := range current.Causes {
			c = whole.inDocument(c)
			if repairable(c) && !slices.ContainsFunc(roots, func(o verdict.Cause) bool { return o.Path == c.Path }) {
				roots = append(roots, c)
			}
		}
	}
	if repaired && current.Object != nil {
		whole = whole.settle(d, v, current, roots)
	}
	whole.setAsideFollowers(d, roots)
	return whole
}

// rootsOf returns the causes that can be repaired. Of many causes those that validation finds are passed over, since
// each is held against all others.
func (t *target) rootsOf(d *manifest.Document, object map[string]any, causes []verdict.Cause) (roots []verdict.Cause) {
	for _, c := range causes {
		if repairable(c) || len(causes) <= maxWrong && t.hasMeant(d, object, c) {
			roots = append(roots, c)
		}
	}
	return roots
}

// namespaceIn returns the namespace that a client sends an object to as it is repaired.
func namespaceIn(d *manifest.Document, value map[string]any) string {
	if meta, isMap := value["metadata"].(map[string]any); isMap {
		if name, isText := meta["namespace"].(string); isText && name != "" {
			return name
		}
	}
	return namespaceOf(d)
}

// setAsideFollowers keeps as consequences the causes that speak of what was not read because a value has the wrong
// type.
func (w *repaired) setAsideFollowers(d *manifest.Document, roots []verdict.Cause) {
	roots = slices.DeleteFunc(slices.Clone(roots), func(c verdict.Cause) bool {
		return slices.ContainsFunc(w.made, func(m repair) bool { return m.path == c.Path && !m.draft })
	})
	var left []verdict.Cause
	for _, c := range w.Causes {
		if !repairable(c) && slices.ContainsFunc(roots, func(r verdict.Cause) bool { return w.isFollower(d, r, c) }) {
			w.consequences = append(w.consequences, c)
		} else {
			left = append(left, c)
		}
	}
	w.Causes = left
}

// isFollower reports whether a cause speaks of a value that is missing, or the default of one, because another one
// could not be read.
func (w *repaired) isFollower(d *manifest.Document, root, c verdict.Cause) bool {
	if !isWrongType(root) || root.Path == "" || refusesKey(root, c) {
		return false
	}
	path := sourcePath(d, c.Path)
	switch {
	case dotted(path) == dotted(root.Path) || isBelow(path, root.Path):
		return true
	case strings.Contains(c.Message, noTarget):
		return holderPath(path) == holderPath(root.Path)
	case strings.Contains(c.Message, root.Path+".") ||
		strings.Contains(root.Path, ".") && strings.Contains(c.Message, root.Path):
		return true
	case root.Path == "metadata.namespace" && path == "":
		return strings.Contains(c.Message, "does not match the namespace")
	case strings.Contains(c.Message, "`selector` does not match"):
		return isBelow(root.Path, "spec.selector") || root.Path == "spec.selector"
	case isBelow(root.Path, path): // what holds the value, or the list of what holds it
		return strings.Count(root.Path[len(path):], ".") <= 1 && strings.Contains(c.Message, "must ")
	}
	beside := isBelow(path, holderPath(root.Path))
	return beside && !d.Find(path).Exact && c.Reason != string(metav1.CauseTypeFieldValueRequired)
}

// noTarget is what the server says of a metric without a target that it could read.
const noTarget = "must set either a target raw value or a target utilization"

// dotted writes the keys of a path without brackets.
func dotted(path string) string { return strings.NewReplacer("[", ".", "]", "").Replace(path) }

// isBelow reports whether a path leads to something below another one.
func isBelow(path, above string) bool {
	rest, below := strings.CutPrefix(path, above)
	return below && above != "" && rest != "" && (rest[0] == '.' || rest[0] == '[')
}

// holderPath returns the path of the mapping or list that holds the value at a path.
func holderPath(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

// inDocument returns a cause of a repaired object with its path in the document. Where that is another one, the cause
// names the field as it is written, and keeps the path that it has in the schema.
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
	// of a definition's reader of numbers
	checkedType = `Invalid value: "": Checked value must be of type `
)

// setAside keeps causes that say nothing beside others as their consequences.
func (w *repaired) setAside(d *manifest.Document, causes []verdict.Cause) {
	w.Causes = nil
	for i, c := range causes {
		if len(causes) > maxWrong && strings.Contains(c.Message, unchecked) ||
			len(causes) > 1 && len(causes) <= maxWrong && saysNothing(d, causes, i) {
			w.consequences = append(w.consequences, c)
		} else {
			w.Causes = append(w.Causes, c)
		}
	}
}

// saysNothing reports whether one of several causes says nothing beside the others.
func saysNothing(d *manifest.Document, causes []verdict.Cause, i int) bool {
	c := causes[i]
	another := func(says func(o verdict.Cause) bool) bool {
		for j, o := range causes {
			if j != i && says(o) {
				return true
			}
		}
		return false
	}
	switch {
	case c.Class == verdict.UnknownField: // below what should be a list
		return another(func(o verdict.Cause) bool { return isWrongType(o) && isBelow(c.Path, o.Path) })
	case strings.HasPrefix(c.Message, checkedType):
		return another(
			func(o verdict.Cause) bool { return isWrongType(o) && strings.HasSuffix(c.Message, " in "+o.Path) },
		)
	case strings.Contains(c.Message, unchecked):
		return another(func(o verdict.Cause) bool { return !strings.Contains(o.Message, unchecked) })
	case strings.Contains(c.Message, crashed):
		return another(func(o verdict.Cause) bool { return o.Path == c.Path && !strings.Contains(o.Message, crashed) })
	case c.Class != verdict.Invalid:
		return false
	case pathInMessage(c.Message) != "": // no alternative of a schema holds, and another cause says why
		return another(func(o verdict.Cause) bool {
			place := pathInMessage(c.Message)
			return o.Path == place || isBelow(cmp.Or(o.Path, pathInMessage(o.Message)), place)
		})
	case followsCause(d, causes, i):
		return true
	case c.Path == "metadata.name" && d.Object.Name == "" && d.GenerateName != "":
		return another(func(o verdict.Cause) bool { return o.Path == "metadata.generateName" })
	case isDefinition(d) && c.Path == "status.storedVersions":
		return !d.Find(c.Path).Exact
	}
	for j, o := range causes {
		if j != i && o.Class == verdict.Invalid && (o.Path == c.Path && saysLess(c, o, i > j) || isDefaultOf(d, c, o)) {
			return true
		}
	}
	return false
}

// saysLess reports whether of two causes about one value the first says less than the second.
func saysLess(c, o verdict.Cause, later bool) bool {
	switch {
	case unsupported.MatchString(c.Message) && unsupported.MatchString(o.Message):
		return len(c.Message) > len(o.Message) || len(c.Message) == len(o.Message) && later
	case strings.HasPrefix(o.Message, "Required value"):
		return strings.HasPrefix(c.Message, `Invalid value: "":`) ||
			strings.HasPrefix(c.Message, "Invalid value: null:") ||
			strings.HasPrefix(c.Message, "Invalid value: 0:") || strings.HasPrefix(c.Message, `Unsupported value: "":`)
	case strings.HasSuffix(o.Message, "name part must be non-empty") &&
		strings.Contains(c.Message, "name part must consist of"):
		return true
	case strings.HasSuffix(c.Message, notAResource) && strings.Contains(o.Message, "name part must consist of"):
		return true
	case strings.HasSuffix(o.Message, notAResource):
		return strings.HasSuffix(c.Message, notQualified) || c.Message == o.Message && later
	}
	return false
}

// isDefaultOf reports whether a cause speaks of a value that is not written, but taken over from another one, of which
// another cause says the same: a request that is missing is that of the limit.
func isDefaultOf(d *manifest.Document, c, o verdict.Cause) bool {
	before, resource, found := strings.Cut(c.Path, ".requests[")
	if !found {
		before, resource, found = strings.Cut(c.Path, ".request[") // as it is misspelt
	}
	return found && o.Path == before+".limits["+resource && !d.Find(c.Path).Exact && d.Find(o.Path).Exact
}

// isOfMade reports whether a cause speaks of a value that a repair has put in the place of a wrong one.
func (w *repaired) isOfMade(roots []verdict.Cause, c verdict.Cause) bool {
	return slices.ContainsFunc(roots, func(r verdict.Cause) bool {
		if c.Same(r) {
			return false
		}
		if r.Path == c.Path {
			return true
		}
		return isWrongType(r) && isBelow(c.Path, r.Path) && slices.ContainsFunc(w.made, func(m repair) bool {
			return m.path == r.Path && m.to == "" && m.found == ""
		})
	})
}

// followsFrom reports whether a cause speaks of a value that could not be read, or of the list that has it as an
// element.
func followsFrom(roots []verdict.Cause, c verdict.Cause) bool {
	return c.Path != "" && slices.ContainsFunc(roots, func(r verdict.Cause) bool {
		return isWrongType(r) && !refusesKey(r, c) &&
			(c.Path == r.Path || strings.HasPrefix(r.Path, c.Path+"[") && strings.Count(
				r.Path, ".",
			) == strings.Count(c.Path, "."))
	})
}

// refusesKey reports whether a cause speaks of the key of a value, whatever the value is.
func refusesKey(value, c verdict.Cause) bool {
	return lastName(c.Path) == lastName(holderPath(value.Path)) &&
		strings.Contains(c.Message, strconv.Quote(lastName(value.Path)))
}

// covered reports whether the repair of another field has put a field right as well.
func (w *repaired) covered(path string) bool {
	return slices.ContainsFunc(w.made, func(m repair) bool { return slices.Contains(m.also, path) })
}

// settle separates the causes that are left from their consequences.
func (w repaired) settle(d *manifest.Document, before, after verdict.Verdict, roots []verdict.Cause) repaired {
	left := roots
	// If values were replaced and nothing else was changed, what is new is said of them, by whatever path.
	replaced := before.Object != nil && !slices.ContainsFunc(w.made, func(m repair) bool {
		return m.to != "" || m.found != "" || len(m.added) > 0 || len(m.also) > 0
	})
	for _, c := range after.Causes {
		c = w.inDocument(c)
		if repairable(c) {
			continue
		}
		ofKey := slices.ContainsFunc(roots, func(r verdict.Cause) bool { return refusesKey(r, c) })
		made := !ofKey && (w.isOfMade(roots, c) || replaced && !slices.ContainsFunc(before.Causes, c.Same))
		if made {
			w.unsure = append(w.unsure, c)
		}
		switch {
		case slices.ContainsFunc(left, c.Same):
		case made, followsFrom(roots, c):
			w.consequences = append(w.consequences, c)
		default:
			left = append(left, c)
		}
	}
	for _, c := range before.Causes {
		if !repairable(c) && !slices.ContainsFunc(left, c.Same) && !slices.ContainsFunc(w.consequences, c.Same) &&
			!strings.Contains(c.Message, unchecked) {
			w.consequences = append(w.consequences, c)
		}
	}
	w.Verdict = after
	w.setAside(d, left)
	w.Custom, w.Definition = before.Custom, before.Definition
	w.Release, w.Local, w.Guessed = before.Release, before.Local, before.Guessed
	return w
}

// original returns the path of a field in the document that a repair may have renamed.
func (w *repaired) original(path string) string {
	for _, m := range slices.Backward(w.made) {
		for _, name := range m.added {
			if field := strings.TrimPrefix(m.path+"."+name, "."); path == field || isBelow(path, field) {
				path = m.instead
			}
		}
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
	for i := range found {
		w.doubt(&found[i])
	}
	found = joined(copied(d, found))
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

// copied returns the findings without those about fields that are not written, and to which the server's defaulting
// copies the value of another one that is refused: a targetPort that is the port, a request that is the limit. They
// become consequences of that one.
func copied(d *manifest.Document, found []diag.Diagnostic) []diag.Diagnostic {
	if len(found) < 2 || len(found) > maxWrong {
		return found
	}
	var out []diag.Diagnostic
	follows := make([]int, len(found)) // the finding whose value it is; -1: its own
	for i := range found {
		f := &found[i]
		follows[i] = -1
		if f.Path != "" && strings.Contains(f.Message, "Invalid value: ") && !d.Find(f.Path).Exact {
			follows[i] = slices.IndexFunc(found, func(o diag.Diagnostic) bool {
				return o.Message == f.Message && o.Rule == f.Rule && o.Path != f.Path && d.Find(o.Path).Exact
			})
		}
		if strings.Contains(f.Message, "`selector` does not match template `labels`") {
			follows[i] = slices.IndexFunc(found, func(o diag.Diagnostic) bool {
				return o.Path == "spec.selector" && o.Reason == "FieldValueRequired"
			})
		}
	}
	for i := range found {
		if at := follows[i]; at >= 0 {
			found[at].Consequences = append(found[at].Consequences, found[i])
		}
	}
	for i := range found {
		if follows[i] < 0 {
			out = append(out, found[i])
		}
	}
	return out
}

// joined returns the findings without those about fields that another one's way out puts right as well, which become
// its consequences.
func joined(found []diag.Diagnostic) []diag.Diagnostic {
	if len(found) > maxWrong { // each is held against all others
		return found
	}
	var out []diag.Diagnostic
	for _, f := range found {
		i := slices.IndexFunc(out, func(o diag.Diagnostic) bool { return sameWayOut(o, f) })
		if i < 0 {
			out = append(out, f)
			continue
		}
		if f.Range.Start.Offset < out[i].Range.Start.Offset { // the first one in the text is shown
			f.Consequences, out[i].Consequences = out[i].Consequences, nil
			f, out[i] = out[i], f
		}
		out[i].Consequences = append(out[i].Consequences, f)
	}
	return out
}

// sameWayOut reports whether two findings are about fields of one mapping that it cannot have, with one way out for
// both.
func sameWayOut(a, b diag.Diagnostic) bool {
	return a.Rule == ruleFieldUnknown.Name && b.Rule == a.Rule && holderPath(a.Path) == holderPath(b.Path) &&
		a.Help != "" && a.Help == b.Help &&
		len(a.Fixes) == len(b.Fixes) && (len(a.Fixes) == 0 || slices.Equal(a.Fixes[0].Edits, b.Fixes[0].Edits))
}

// doubt takes away the fixes of a value that the server refuses as well.
func (w *repaired) doubt(f *diag.Diagnostic) {
	i := slices.IndexFunc(w.unsure, func(c verdict.Cause) bool {
		return (c.Path == f.Path || isBelow(c.Path, f.Path)) && c.Message != f.Message && c.Message != f.Server
	})
	if i < 0 || len(f.Fixes) == 0 {
		return
	}
	if strings.HasSuffix(f.Help, "?") {
		f.Help += " But even so: " + w.unsure[i].Message
	} else {
		f.Help += "; but even so: " + w.unsure[i].Message
	}
	f.Fixes = nil
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
	return c.Class == verdict.UnknownField || isWrongType(c)
}

// isWrongType reports whether a cause speaks of a value of another type than the field takes, of a built-in kind or of
// a custom resource.
func isWrongType(c verdict.Cause) bool {
	return c.Class == verdict.WrongType || c.Class == verdict.Invalid && bodyType.MatchString(c.Message)
}

// hasMeant reports whether it is known what was meant by a value that validation refuses.
func (t *target) hasMeant(d *manifest.Document, object map[string]any, c verdict.Cause) bool {
	if c.Class != verdict.Invalid {
		return false
	}
	_, ok := t.repairOf(d, object, c)
	return ok
}

// maxWrong is how many fields of an object may be wrong, at most, for it to be repaired: each is held against all
// others.
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
func (t *target) repairAll(
	d *manifest.Document, value map[string]any, causes []verdict.Cause, w *repaired,
) (made bool) {
	for _, c := range inOrder(d, t.rootsOf(d, value, causes)) {
		if slices.ContainsFunc(w.made, func(o repair) bool { return o.path == c.Path }) {
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

// inOrder returns causes in the order in which what they speak of stands in the document.
func inOrder(d *manifest.Document, causes []verdict.Cause) []verdict.Cause {
	sorted := slices.Clone(causes)
	slices.SortStableFunc(sorted, func(a, b verdict.Cause) int {
		return cmp.Compare(d.Find(a.Path).Key.Start.Offset, d.Find(b.Path).Key.Start.Offset)
	})
	return sorted
}

// repairOf returns the repair of a cause, in the object as it is repaired so far.
func (t *target) repairOf(d *manifest.Document, object map[string]any, c verdict.Cause) (repair, bool) {
	holder, key, ok := locate(object, c.Path)
	if !ok {
		return repair{}, false
	}
	if fix, ok := outdented(object, c); ok {
		return fix, true
	}
	if fix, ok := t.selectorMeant(d, object, c); ok {
		return fix, true
	}
	if w, ok := t.rewriteOf(d, object, c); ok {
		return w.repair(mappingIn(object, w.path), c.Path), true
	}
	if to := t.besideMap(object, t.kindOf(d), c); to != "" {
		return repair{path: c.Path, to: to}, true
	}
	if isWrongType(c) {
		v := valueAt(holder, key)
		m := t.meant(d, t.schemaPath(d, c), v)
		meant := m.value
		fix := repair{path: c.Path, value: meant, draft: m.draft}
		if list, isList := meant.([]any); isList && len(list) == 1 && stands(v) == "a mapping" &&
			stands(list[0]) == "a mapping" {
			fix.found = c.Path + "[0]"
		}
		return fix, meant != nil
	}
	if c.Class == verdict.Invalid {
		return invalidMeant(d, object, c)
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
	if value, isMap := f.value.(map[string]any); isMap && f.path == "" {
		clear(root)
		maps.Copy(root, value)
		return true
	}
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

// valueIn returns the value at a path of an object; nil if no value stands there.
func valueIn(object map[string]any, path string) any {
	holder, key, ok := locate(object, path)
	if !ok {
		return nil
	}
	return valueAt(holder, key)
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

// firstStep takes the first step of a path down from a value. Of several keys that begin the path the longest counts,
// since keys may hold dots.
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
	if c.Wanted != "" || t.foreignField(d, c) != "" {
		return ""
	}
	path := t.schemaPath(d, c)
	wrong := path[strings.LastIndexByte(path, '.')+1:]
	if yamlWords[strings.ToLower(wrong)] { // a boolean was meant to be a value
		return ""
	}
	if best := cmp.Or(t.otherName(d, c), nearest(wrong, c.Siblings)); best != "" {
		return best
	}
	kind := t.kindOf(d)
	if kind == nil || t.versionsWith(gvkOf(d), path) != "" {
		return ""
	}
	name, _ := kind.SuggestField(path)
	return name
}
