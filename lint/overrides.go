package lint

import (
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
)

// Override changes what becomes of findings about files, objects or containers that nobody may edit. What it does not
// name may be any.
type Override struct {
	// Reason says why; the next reader wants to know.
	Reason string `json:"reason"`
	// Rules are names and presets, as --rules takes them.
	Rules []string `json:"rules,omitempty"`
	// Paths are globs of files and folders.
	Paths []string `json:"paths,omitempty"`
	// Objects are globs of Kind/name or Kind/namespace/name.
	Objects []string `json:"objects,omitempty"`
	// Kinds, Namespaces and Names are globs.
	Kinds      []string `json:"kinds,omitempty"`
	Namespaces []string `json:"namespaces,omitempty"`
	Names      []string `json:"names,omitempty"`
	// Labels are globs of values by key; an object has to have all of them.
	Labels map[string]string `json:"labels,omitempty"`
	// Containers are globs of names of containers.
	Containers []string `json:"containers,omitempty"`
	// Severity is what the findings become; without it they are silenced.
	Severity diag.Severity `json:"severity,omitempty"`
	// Params are settings of rules, by rule and name.
	Params ParamSettings `json:"params,omitempty"`
	// Until is the last day on which the override holds: 2027-03-31.
	Until string `json:"until,omitempty"`

	names   map[string]bool
	expired bool
}

// complete checks the override, and looks its rules up.
func (o *Override) complete(all []*Rule, today time.Time) error {
	switch {
	case strings.TrimSpace(o.Reason) == "":
		return fmt.Errorf("override without a reason: say why it is there")
	case len(o.Rules)+len(o.Params) == 0:
		return fmt.Errorf("override without rules: name some")
	case len(o.Paths)+len(o.Containers)+len(o.Labels)+len(o.objectGlobs()) == 0:
		return fmt.Errorf(
			"override of everything: name paths:, objects: or containers:, or kinds:, namespaces:, names: or labels:; or leave the rules out in rules: of the file",
		)
	case len(o.Containers) > 0 && len(o.Params) > 0:
		return fmt.Errorf("override of containers with parameters: they hold for whole objects")
	}
	for _, glob := range slices.Concat(o.objectGlobs(), o.Containers, slices.Collect(maps.Values(o.Labels))) {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("override with the invalid glob %q", glob)
		}
	}
	for _, name := range o.Objects {
		if n := strings.Count(name, "/"); n < 1 || n > 2 {
			return fmt.Errorf("override with the invalid object %q: want Kind/name or Kind/namespace/name", name)
		}
	}
	if o.Until != "" {
		last, err := time.Parse(time.DateOnly, o.Until)
		if err != nil {
			return fmt.Errorf("override with the invalid date %q: want the last day, such as 2027-03-31", o.Until)
		}
		o.expired = !today.Before(last.AddDate(0, 0, 1))
	}
	o.names = map[string]bool{}
	if len(o.Rules) == 0 {
		return nil
	}
	selection, err := Select(all, strings.Join(o.Rules, ","), nil)
	if err != nil {
		return fmt.Errorf("override: %w", err)
	}
	for _, rule := range selection.Rules {
		o.names[rule.Name] = true
	}
	return nil
}

// objectGlobs lists the globs that say which objects are meant.
func (o *Override) objectGlobs() []string {
	return slices.Concat(o.Objects, o.Kinds, o.Namespaces, o.Names)
}

// selector identifies what the override is about.
func (o *Override) selector() string {
	return fmt.Sprint(o.Paths, o.Objects, o.Kinds, o.Namespaces, o.Names, o.Labels, o.expired)
}

// Overrides are what a configuration says about findings.
type Overrides []Override

// OverrideError says what is wrong with one of several overrides.
type OverrideError struct {
	Index int // of the override, from 0
	Err   error
}

// Error returns what is wrong, without the place.
func (e *OverrideError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *OverrideError) Unwrap() error { return e.Err }

// Complete checks overrides against all rules that exist. Those whose last day is before today change nothing.
func (all Overrides) Complete(rules []*Rule, today time.Time) error {
	for i := range all {
		if err := all[i].complete(rules, today); err != nil {
			return &OverrideError{i, err}
		}
	}
	return nil
}

// Apply returns the findings that are left, with their severities, and how many are silenced. Verdicts stay as they
// are.
func (all Overrides) Apply(findings []diag.Diagnostic) (kept []diag.Diagnostic, silenced int) {
	if len(all) == 0 {
		return findings, 0
	}
	for _, d := range findings {
		i := slices.IndexFunc(all, func(o Override) bool { return !o.expired && o.covers(&d) })
		if i < 0 {
			kept = append(kept, all.noteExpired(d))
			continue
		}
		if all[i].Severity == 0 {
			silenced++
			continue
		}
		d.Severity = all[i].Severity
		kept = append(kept, d)
	}
	return kept, silenced
}

// Unused returns the overrides that hold and are about none of some findings. Those that only set parameters are left
// out.
func (all Overrides) Unused(findings []diag.Diagnostic) (unused Overrides) {
	used := make([]bool, len(all))
	for i := range findings {
		d := &findings[i]
		if at := slices.IndexFunc(all, func(o Override) bool { return !o.expired && o.covers(d) }); at >= 0 {
			used[at] = true
		}
	}
	for i := range all {
		if o := &all[i]; !used[i] && !o.expired && len(o.Rules) > 0 && len(o.Params) == 0 {
			unused = append(unused, *o)
		}
	}
	return unused
}

// noteExpired says of a finding that an override silenced it until its last day.
func (all Overrides) noteExpired(d diag.Diagnostic) diag.Diagnostic {
	for i := range all {
		if o := &all[i]; o.expired && o.covers(&d) {
			note := fmt.Sprintf("an override held until %s: %s", o.Until, o.Reason)
			d.Help = strings.TrimPrefix(d.Help+"; "+note, "; ")
			break
		}
	}
	return d
}

func (o *Override) covers(d *diag.Diagnostic) bool {
	if !o.names[d.Rule] || !Suppressible(d.Rule) {
		return false
	}
	if !o.coversObject(d.Range.File, objectFacts{d.Object, d.Labels}) {
		return false
	}
	return len(o.Containers) == 0 ||
		d.Container != "" && slices.ContainsFunc(
			o.Containers, func(glob string) bool { return matches(glob, d.Container) },
		)
}

// objectFacts are what of an object decides whether an override is about it.
type objectFacts struct {
	diag.Object
	labels map[string]string
}

// coversObject reports whether the override is about an object of a file.
func (o *Override) coversObject(file string, of objectFacts) bool {
	if len(o.Paths) > 0 && !Excluded(o.Paths, file) {
		return false
	}
	if len(o.Objects) > 0 && !External(o.Objects).Matches(of.Kind, of.Namespace, of.Name) {
		return false
	}
	for key, glob := range o.Labels {
		if value, ok := of.labels[key]; !ok || !matches(glob, value) {
			return false
		}
	}
	return matchesAny(o.Kinds, of.Kind) && matchesAny(o.Namespaces, of.Namespace) && matchesAny(o.Names, of.Name)
}

// matchesAny reports whether one of some globs matches a name, or there are none.
func matchesAny(globs []string, name string) bool {
	return len(globs) == 0 || slices.ContainsFunc(globs, func(glob string) bool { return matches(glob, name) })
}

func matches(glob, name string) bool {
	ok, err := path.Match(glob, name)
	return ok && err == nil
}

// containerIn returns the path of the container that a path leads into; empty: into none.
func containerIn(path string) string {
	start := strings.LastIndex(path, "ontainers[")
	if start < 0 {
		return ""
	}
	end := strings.IndexByte(path[start:], ']')
	if end < 0 {
		return ""
	}
	return path[:start+end+1]
}

// containerOf returns the name of the container that a path leads into.
func containerOf(d *manifest.Document, at string) string {
	container := containerIn(at)
	if container == "" {
		return ""
	}
	path := container + ".name"
	if p := d.Find(path); p.Exact && p.Node.Kind == manifest.Scalar && plainName.MatchString(p.Node.Text) &&
		!yamlWords[p.Node.Text] {
		return p.Node.Text // and the object need not be decoded
	}
	name, _ := valueOf(d, path).(string)
	return name
}

// plainName matches names that YAML reads as text, however they are written, if they are none of yamlWords.
var plainName = regexp.MustCompile(`^[a-z][-a-z0-9]*$`)
