package lint

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
)

// Override changes what becomes of findings about files, objects or containers that nobody may edit. What it does not name
// may be any.
type Override struct {
	// Reason says why; the next reader wants to know.
	Reason string `json:"reason"`
	// Rules are names and presets, as --rules takes them.
	Rules []string `json:"rules"`
	// Paths are globs of files and folders.
	Paths []string `json:"paths,omitempty"`
	// Objects are globs of Kind/name or Kind/namespace/name.
	Objects []string `json:"objects,omitempty"`
	// Containers are globs of names of containers.
	Containers []string `json:"containers,omitempty"`
	// Severity is what the findings become; without it they are silenced.
	Severity diag.Severity `json:"severity,omitempty"`

	names map[string]bool
}

// complete checks the override, and looks its rules up.
func (o *Override) complete(all []*Rule) error {
	switch {
	case strings.TrimSpace(o.Reason) == "":
		return fmt.Errorf("override without a reason: say why it is there")
	case len(o.Rules) == 0:
		return fmt.Errorf("override without rules: name some")
	case len(o.Paths)+len(o.Objects)+len(o.Containers) == 0:
		return fmt.Errorf("override of everything: name paths:, objects: or containers:, or leave the rules out in rules: of the file")
	}
	for _, glob := range slices.Concat(o.Objects, o.Containers) {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("override with the invalid glob %q", glob)
		}
	}
	for _, name := range o.Objects {
		if n := strings.Count(name, "/"); n < 1 || n > 2 {
			return fmt.Errorf("override with the invalid object %q: want Kind/name or Kind/namespace/name", name)
		}
	}
	selection, err := Select(all, strings.Join(o.Rules, ","), nil)
	if err != nil {
		return fmt.Errorf("override: %w", err)
	}
	o.names = map[string]bool{}
	for _, rule := range selection.Rules {
		o.names[rule.Name] = true
	}
	return nil
}

// Overrides are what a configuration says about findings.
type Overrides []Override

// Complete checks overrides against all rules that exist.
func (all Overrides) Complete(rules []*Rule) error {
	for i := range all {
		if err := all[i].complete(rules); err != nil {
			return err
		}
	}
	return nil
}

// Apply returns the findings that are left, with their severities, and how many are silenced. Verdicts stay as they are.
func (all Overrides) Apply(findings []diag.Diagnostic) (kept []diag.Diagnostic, silenced int) {
	if len(all) == 0 {
		return findings, 0
	}
	for _, d := range findings {
		i := slices.IndexFunc(all, func(o Override) bool { return o.covers(&d) })
		switch {
		case i < 0:
			kept = append(kept, d)
		case all[i].Severity == 0:
			silenced++
		default:
			d.Severity = all[i].Severity
			kept = append(kept, d)
		}
	}
	return kept, silenced
}

func (o *Override) covers(d *diag.Diagnostic) bool {
	if !o.names[d.Rule] || !Suppressible(d.Rule) {
		return false
	}
	if len(o.Paths) > 0 && !Excluded(o.Paths, d.Range.File) {
		return false
	}
	if len(o.Objects) > 0 && !External(o.Objects).Matches(d.Object.Kind, d.Object.Namespace, d.Object.Name) {
		return false
	}
	return len(o.Containers) == 0 ||
		d.Container != "" && slices.ContainsFunc(o.Containers, func(glob string) bool { return matches(glob, d.Container) })
}

func matches(glob, name string) bool {
	ok, err := path.Match(glob, name)
	return ok && err == nil
}

// containerOf returns the name of the container that a path leads into.
func containerOf(d *manifest.Document, at string) string {
	const list = "ontainers["
	start := strings.LastIndex(at, list)
	if start < 0 {
		return ""
	}
	end := strings.IndexByte(at[start:], ']')
	if end < 0 {
		return ""
	}
	name, _ := valueOf(d, at[:start+end+1]+".name").(string)
	return name
}
