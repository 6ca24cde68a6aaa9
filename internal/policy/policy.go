// Package policy makes rules of lint out of what a project writes in CEL, the language in which Kubernetes itself
// writes rules.
//
// The central type is [Rule], which [Load] reads from configuration files:
//
//	own, err := policy.Load([]string{".seatrial.yaml"}, os.ReadFile, policy.Options{Targets: []string{"1.37"}})
//	for _, r := range own {
//		all = append(all, r.Rule)
//	}
package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
)

// Key is the key of a configuration under which rules stand, and of files that hold nothing else.
const Key = "customRules"

// Rule is a rule that a configuration defines.
type Rule struct {
	*lint.Rule
	Place string // file, line and column of its definition
	Tests []Test
}

// Options say for what rules are compiled.
type Options struct {
	Targets []string // minor versions of Kubernetes; empty: the linked one
}

// definition is a rule as it is written.
type definition struct {
	Name     string        `json:"name"`
	Title    string        `json:"title"`
	Doc      string        `json:"doc"`
	URL      string        `json:"url"`
	Severity diag.Severity `json:"severity"`
	Optional bool          `json:"optional"`
	Match    match         `json:"match"`
	// Each is a path with [*] for all elements; the expression is asked of each value there, as self.
	Each string `json:"each"`
	// Expression is true of what is right.
	Expression        string         `json:"expression"`
	Message           string         `json:"message"`
	MessageExpression string         `json:"messageExpression"`
	Help              string         `json:"help"`
	Path              string         `json:"path"`
	FieldPath         string         `json:"fieldPath"`
	Params            map[string]any `json:"params"`
	Fix               *fix           `json:"fix"`
	Tests             []Test         `json:"tests"`
}

// match says which objects a rule is about. What it does not name may be any.
type match struct {
	Kinds      []string          `json:"kinds"`
	Groups     []string          `json:"groups"`
	Versions   []string          `json:"versions"`
	Namespaces []string          `json:"namespaces"`
	Names      []string          `json:"names"`
	Labels     map[string]string `json:"labels"`
	Paths      []string          `json:"paths"`
}

// fix says what would be right.
type fix struct {
	Value      any         `json:"value"`
	Expression string      `json:"expression"`
	Patch      []operation `json:"patch"`
	Message    string      `json:"message"`
	Safe       bool        `json:"safe"`
}

// operation is one of a JSON patch.
type operation struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value any    `json:"value"`
}

// Test is a case that a rule is held against.
type Test struct {
	Name    string         `json:"name"`
	Valid   any            `json:"valid"`   // manifests that the rule lets pass: text, or an object
	Invalid any            `json:"invalid"` // manifests that the rule finds something in
	Params  map[string]any `json:"params"`
	Message string         `json:"message"` // what a finding has to say, in part
	Path    string         `json:"path"`    // where a finding has to be
}

// Load reads the rules of configuration files: those under Key, and those of files that are named there. An error names
// its place.
func Load(files []string, read func(name string) ([]byte, error), o Options) ([]*Rule, error) {
	var sources []*written
	for _, name := range files {
		data, err := read(name)
		if err != nil {
			return nil, fmt.Errorf("reading rules: %w", err)
		}
		found, err := readRules(name, data, read)
		if err != nil {
			return nil, err
		}
		sources = append(sources, found...)
	}
	if len(sources) == 0 {
		return nil, nil
	}
	if len(o.Targets) == 0 {
		o.Targets = []string{schema.Latest}
	}
	c, err := newCompiler(o)
	if err != nil {
		return nil, err
	}
	var all []*Rule
	for _, w := range sources {
		if i := slices.IndexFunc(all, func(r *Rule) bool { return r.Name == w.def.Name }); i >= 0 {
			return nil, w.fail("name", fmt.Errorf("rule %s is defined twice, before at %s", w.def.Name, all[i].Place))
		}
		r, err := c.rule(w)
		if err != nil {
			return nil, err
		}
		all = append(all, r)
	}
	return all, nil
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]*(-[a-z0-9]+)*$`)

// check finds what is wrong with a definition before anything of it is compiled.
func (w *written) check() error {
	d := &w.def
	switch {
	case d.Name == "":
		return w.fail("", fmt.Errorf("rule without a name"))
	case !namePattern.MatchString(d.Name):
		return w.fail("name", fmt.Errorf("invalid name %q: want lower case with dashes, such as team-label", d.Name))
	case d.Expression == "":
		return w.fail("", fmt.Errorf("rule %s has no expression", d.Name))
	case d.Message == "" && d.MessageExpression == "":
		return w.fail("", fmt.Errorf("rule %s has no message", d.Name))
	case d.Path != "" && d.FieldPath != "":
		return w.fail("fieldPath", fmt.Errorf("rule %s has both path and fieldPath", d.Name))
	}
	globs := map[string][]string{
		"match.kinds": d.Match.Kinds, "match.groups": d.Match.Groups, "match.versions": d.Match.Versions,
		"match.namespaces": d.Match.Namespaces, "match.names": d.Match.Names, "match.paths": d.Match.Paths,
	}
	for field, list := range globs {
		for i, glob := range list {
			if !doublestar.ValidatePattern(glob) {
				return w.fail(fmt.Sprintf("%s[%d]", field, i), fmt.Errorf("invalid glob %q", glob))
			}
		}
	}
	return w.checkFix()
}

func (w *written) checkFix() error {
	f := w.def.Fix
	if f == nil {
		return nil
	}
	given := 0
	for _, is := range []bool{f.Value != nil, f.Expression != "", len(f.Patch) > 0} {
		if is {
			given++
		}
	}
	if given != 1 {
		return w.fail("fix", fmt.Errorf("a fix is one of value, expression and patch"))
	}
	if len(f.Patch) == 0 && w.def.Path == "" && w.def.FieldPath == "" && w.def.Each == "" {
		return w.fail("fix", fmt.Errorf("a value needs a path or fieldPath, which it is for"))
	}
	for i, op := range f.Patch {
		if !slices.Contains([]string{"add", "replace", "remove"}, op.Op) {
			return w.fail(
				fmt.Sprintf("fix.patch[%d].op", i),
				fmt.Errorf("unknown operation %q: known are add, replace and remove", op.Op),
			)
		}
	}
	return nil
}

// version identifies what a rule does.
func (w *written) version(o Options) string {
	data, err := json.Marshal(w.def)
	if err != nil {
		data = fmt.Append(nil, w.def)
	}
	sum := sha256.Sum256(fmt.Append(data, o.Targets))
	return hex.EncodeToString(sum[:])
}

// matchesAny reports whether one of some globs matches a name, or there are none.
func matchesAny(globs []string, name string) bool {
	return len(globs) == 0 || slices.ContainsFunc(globs, func(glob string) bool { return matches(glob, name) })
}

func matches(glob, name string) bool {
	ok, err := filepath.Match(glob, name)
	return ok && err == nil
}

// ValidName reports whether a rule may have a name.
func ValidName(name string) bool { return namePattern.MatchString(name) }
