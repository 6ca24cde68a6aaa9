package pages

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/bits"
	"path"
	"strings"
)

// place is a field where a page shows it.
type place struct {
	*field
	Root     string // from the page to the folder
	All      mask
	Path     string // from the root of the kind, of the type, or of the part
	InPart   bool
	Rules    []string
	RulePage string // "" when there is none
	Part     string // that holds the fields below
	Count    int    // fields below, in the newest version that has any
	Counts   string // the same for each version, where they differ
	News     mask   // versions with which a field of the part came or changed
	Below    []*place
}

// placeOf says what a list of fields is shown for.
type placeOf struct {
	kind   *kind  // whose lint rules are shown; nil for none
	root   string // from the page to the folder
	prefix string // path of the field above
	part   bool   // in a part: places are relative to it
	flat   bool   // without the fields below
}

// places lays out a list of fields.
func (s *Site) places(l *list, of placeOf) []*place {
	out := make([]*place, len(l.Fields))
	for i, f := range l.Fields {
		p := &place{field: f, Root: of.root, All: s.all(), Path: join(of.prefix, f.Name), InPart: of.part}
		out[i] = p
		if of.kind != nil {
			p.Rules = s.rules(of.kind.Kind, p.Path)
			if s.hasRules() {
				p.RulePage = rulesFile
			}
		}
		if of.flat || f.Below == nil {
			continue
		}
		p.Count, p.Counts = s.count(f.Below)
		if p.Part = f.partAt(p.Path, of); p.Part != "" {
			p.News = f.Below.news()
			continue
		}
		of := of
		of.prefix = p.Path
		p.Below = s.places(f.Below, of)
	}
	return out
}

// partAt returns the part that holds the fields below a field, or "". The fields of a spec are what the page of a kind
// of Kubernetes is read for: they stand in it.
func (f *field) partAt(path string, of placeOf) string {
	if path == "spec" && of.kind != nil && of.kind.project == "" && f.Below.size <= maxSpec {
		return ""
	}
	return f.Below.Part
}

// count returns how many fields a list has in the newest version that has any, and in each version where that differs.
func (s *Site) count(l *list) (newest int, each string) {
	counts := make([]int, len(s.versions))
	for _, f := range l.Fields {
		for in := f.In; in != 0; in &= in - 1 {
			counts[bits.TrailingZeros32(uint32(in))]++
		}
	}
	for _, n := range counts {
		if n > 0 {
			newest = n
		}
		if n != counts[0] {
			each = " "
		}
	}
	if each != "" {
		each = strings.Trim(strings.ReplaceAll(fmt.Sprint(counts), " ", ","), "[]")
	}
	return newest, each
}

// rulesOfParts returns the lint rules of those fields of a kind that stand in parts, as a JSON object by path.
func (s *Site) rulesOfParts(k *kind, l *list) (string, error) {
	found := map[string][]string{}
	var walk func(l *list, prefix string, inPart bool)
	walk = func(l *list, prefix string, inPart bool) {
		for _, f := range l.Fields {
			path := join(prefix, f.Name)
			if names := s.rules(k.Kind, path); inPart && len(names) > 0 {
				found[path] = names
			}
			if f.Below != nil {
				walk(f.Below, path, inPart || f.partAt(path, placeOf{kind: k}) != "")
			}
		}
	}
	walk(l, "", false)
	if len(found) == 0 {
		return "", nil
	}
	data, err := json.Marshal(found)
	return string(data), err
}

// renderPart writes the fields of a part.
func (s *Site) renderPart(name string) ([]byte, error) {
	part := strings.TrimSuffix(path.Base(name), ".js")
	l := s.part(part)
	if l == nil || name != partFile(part) {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	text, err := s.execute("list", s.places(l, placeOf{part: true}))
	if err != nil {
		return nil, err
	}
	return packed(name, text)
}

func partFile(part string) string { return "parts/" + part + ".js" }
