package lint

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// judgeUpdate judges the change from the base to an object, and returns what the server refuses of it. What it refuses
// of the new object as such is in created, and is not told twice.
func (r *run) judgeUpdate(ctx context.Context, d *manifest.Document, created verdict.Verdict) []diag.Diagnostic {
	old := r.Base.Find(d)
	if old == nil || string(old.JSON) == string(d.JSON) {
		return nil
	}
	v, judged := r.Validator.Update(ctx, gvkOf(d), old.JSON, d.JSON, namespaceOf(d))
	if !judged {
		return nil
	}
	u := &update{run: r, old: old, now: d}
	for _, c := range v.Causes {
		if !slices.ContainsFunc(created.Causes, c.Same) {
			u.report(ctx, c)
		}
	}
	return u.found
}

// replaced reports whether a finding is about the change from an object of the base that became another object of the
// set: one of the same name in a file whose path is more similar, as of another environment.
func replaced(set *Set, f *finding) bool {
	if f.Rule != ruleUpdate.Name || len(f.Related) == 0 {
		return false
	}
	was := f.Related[0].Range.File
	group := schema.FromAPIVersionAndKind(f.Object.APIVersion, f.Object.Kind).Group
	return slices.ContainsFunc(set.All, func(r *Resource) bool {
		o := r.Object
		return r.File != f.Range.File && o.Name == f.Object.Name && o.Kind == f.Object.Kind &&
			r.GroupKind().Group == group &&
			cmp.Or(o.Namespace, "default") == cmp.Or(f.Object.Namespace, "default") &&
			alike(was, r.File) > alike(was, f.Range.File)
	})
}

// update is a change of an object that the server refuses.
type update struct {
	run      *run
	old, now *manifest.Document
	changes  []change
	found    []diag.Diagnostic
}

// report adds the finding of a cause, at the field that differs.
func (u *update) report(ctx context.Context, c verdict.Cause) {
	if u.changes == nil {
		u.changes = changesOf(u.old.Value(), u.now.Value())
	}
	out := newDiagnostic(ruleUpdate, u.now)
	out.Reason, out.Path = c.Reason, c.Path
	out.Server = strings.TrimPrefix(c.Path+": "+c.Message, ": ")
	out.Range = valueRange(u.now.Find(sourcePath(u.now, c.Path)))
	reason := ShortRefusal(c.Message)
	out.Message = reason
	culprits := u.culprits(ctx, c)
	if len(culprits) > 0 {
		u.point(&out, culprits, reason)
	}
	out.Help = UpdateHelp(u.now.Object, out.Path, c.Path)
	if !slices.ContainsFunc(u.found, func(o diag.Diagnostic) bool { return o.Path == out.Path }) {
		u.found = append(u.found, out)
	}
}

// maxRelated is how many changed fields a finding shows beside the first.
const maxRelated = 3

// point puts a finding at the first of the fields that the server refuses to change, and relates the others.
func (u *update) point(out *diag.Diagnostic, culprits []change, reason string) {
	first := culprits[0]
	out.Path = first.New
	out.Range = u.place(first)
	out.Container = containerOf(u.now, out.Path)
	out.Message = "cannot " + u.words(first) + ": " + reason
	was := "before"
	if first.Added {
		was = "not set before"
	}
	out.Related = append(out.Related, diag.Related{Range: valueRange(u.old.Find(first.Old)), Message: was})
	for _, c := range culprits[1:min(len(culprits), 1+maxRelated)] {
		out.Related = append(out.Related, diag.Related{Range: u.place(c), Message: "nor " + u.words(c)})
	}
}

// place returns where a changed field stands in the new manifest, or, if it is gone, what held it.
func (u *update) place(c change) source.Range { return valueRange(u.now.Find(c.New)) }

// words says what changes, without the values of Secrets.
func (u *update) words(c change) string {
	hidden := u.now.Object.Kind == "Secret" && (within(c.New, "data") || within(c.New, "stringData"))
	switch {
	case c.Added && (hidden || structured(c.After)):
		return "be added"
	case c.Added:
		return "be set to " + shown(c.After)
	case c.Removed && c.item != "":
		return "lose " + c.item
	case c.Removed && (hidden || structured(c.Before)):
		return "be removed"
	case c.Removed:
		return "be removed, it was " + shown(c.Before)
	case hidden:
		return "change"
	}
	return fmt.Sprintf("change from %s to %s", shown(c.Before), shown(c.After))
}

// structured reports whether a value is a mapping or a list.
func structured(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

// maxShown is how long a value may be, in characters, that a message shows.
const maxShown = 60

// shown returns a value for messages.
func shown(v any) string {
	text, ok := v.(string)
	if !ok {
		data, err := json.Marshal(v)
		if err != nil {
			return "another value"
		}
		text = string(data)
	}
	if text == "" {
		return `""`
	}
	text, _, cut := strings.Cut(text, "\n")
	if runes := []rune(text); len(runes) > maxShown {
		text, cut = string(runes[:maxShown]), true
	}
	if cut {
		text += "…"
	}
	return text
}

// maxTried is how many changes are judged each by itself, to find those that the server refuses.
const maxTried = 60

// culprits returns the changes that a cause speaks of: those below its path, or, if there are several, those which the
// server refuses at the same path when they are made alone.
func (u *update) culprits(ctx context.Context, c verdict.Cause) []change {
	below := u.below(sourcePath(u.now, c.Path))
	if len(below) <= 1 {
		return below
	}
	var refused []change
	for _, candidate := range below[:min(len(below), maxTried)] {
		doc, err := json.Marshal(candidate.on(u.old.Value()))
		if err != nil {
			continue
		}
		v, judged := u.run.Validator.Update(ctx, gvkOf(u.now), u.old.JSON, doc, namespaceOf(u.now))
		if judged &&
			slices.ContainsFunc(v.Causes,
				func(o verdict.Cause) bool { return o.Path == c.Path && o.Reason == c.Reason }) {
			refused = append(refused, candidate)
		}
	}
	if len(refused) == 0 {
		return below
	}
	return refused
}

// below returns the changes at or below a path, or, where there are none, below what holds it.
func (u *update) below(path string) []change {
	for p := range prefixes(path) {
		var found []change
		for _, c := range u.changes {
			if within(c.New, p) || within(c.Old, p) || within(p, c.New) {
				found = append(found, c)
			}
		}
		if len(found) > 0 {
			return found
		}
	}
	return u.changes
}

// within reports whether a path is another one, or below it.
func within(path, other string) bool {
	rest, ok := strings.CutPrefix(path, other)
	return ok && other != "" && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

var reasonPrefix = regexp.MustCompile(`^(?:Forbidden|Invalid value|Required value|Unsupported value)(: )?`)

// ShortRefusal returns what the server says about a change, without the value, which may be a whole object, and without
// later lines, which show a difference.
func ShortRefusal(message string) string {
	message, _, _ = strings.Cut(message, "\n")
	m := reasonPrefix.FindString(message)
	if m == "" {
		return message
	}
	rest := message[len(m):]
	decoder := json.NewDecoder(strings.NewReader(rest))
	var value json.RawMessage
	if decoder.Decode(&value) == nil {
		if after, ok := strings.CutPrefix(rest[decoder.InputOffset():], ": "); ok {
			rest = after
		}
	}
	return strings.TrimSuffix(rest, ".")
}
