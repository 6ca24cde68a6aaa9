package lint

import (
	"bytes"
	"context"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation/verdict"
)

// givenCRD is a definition of Options.CRDs. Nothing is known of one that no object has needed yet. The lock of the run
// protects it.
type givenCRD struct {
	findings []finding
	rejected *rejectedCRD
}

// define makes the kinds of Options.CRDs known. A definition whose head can be read without the rest is judged when the
// first object of its kind is.
func (r *run) define(ctx context.Context) error {
	for _, name := range r.CRDs {
		f, err := r.Options.Source(name)
		if err != nil {
			return &InputError{Path: name, Err: err}
		}
		for _, c := range manifest.Split(f) {
			given := &givenCRD{}
			r.crds = append(r.crds, given)
			text := f.Data[c.End()-c.Len() : c.End()]
			if kinds := headOf(text); len(kinds) > 0 && len(text) <= r.Limits.MaxBytes {
				r.Validator.AddCRDLater(
					kinds, text, func(ctx context.Context) bool { return r.judgeGiven(ctx, c, given) },
				)
			} else {
				r.judgeGiven(ctx, c, given)
			}
		}
	}
	r.given = map[schema.GroupVersionKind]bool{}
	for _, k := range r.Validator.Custom() {
		r.given[k.GVK] = true
	}
	return nil
}

// judgeGiven judges the definitions of a chunk of Options.CRDs, and reports whether nothing is wrong with them.
func (r *run) judgeGiven(ctx context.Context, c *manifest.Chunk, given *givenCRD) bool {
	docs, syntax := c.Parse(r.Limits)
	findings := slices.Clone(syntax)
	for _, d := range docs {
		if !isDefinition(d) {
			continue
		}
		v := r.Validator.AddCRD(ctx, d.JSON)
		for _, c := range v.Causes {
			findings = append(findings, diagnose(d, c))
		}
		if !v.Accepted() {
			rejected := rejectedBy(d)
			r.mu.Lock()
			given.rejected = &rejected
			r.mu.Unlock()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	given.findings = findings
	return len(findings) == 0
}

// rejectedCRD is a definition that the server does not accept, and the kind that it would have defined.
type rejectedCRD struct{ Name, Group, Kind string }

// rejectedBy returns which kind a refused definition would have defined.
func rejectedBy(d *manifest.Document) rejectedCRD {
	group, _, _ := unstructured.NestedString(d.Value(), "spec", "group")
	kind, _, _ := unstructured.NestedString(d.Value(), "spec", "names", "kind")
	return rejectedCRD{d.Object.Name, group, kind}
}

// rejections lists the definitions that are known to be refused.
func (r *run) rejections() (all []rejectedCRD) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, given := range r.crds {
		if given.rejected != nil {
			all = append(all, *given.rejected)
		}
	}
	return append(all, r.rejected...)
}

// foundInCRDs returns the findings about definitions of Options.CRDs.
func (r *run) foundInCRDs() *fileResult {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := &fileResult{}
	for _, given := range r.crds {
		out.found(given.findings...)
	}
	return out
}

func isDefinition(d *manifest.Document) bool {
	gvk := gvkOf(d)
	return gvk.Group == "apiextensions.k8s.io" && gvk.Kind == "CustomResourceDefinition"
}

// crdHead is what the first two levels of a definition say.
type crdHead struct {
	top, spec, names map[string]string
	versions         []map[string]string
}

// headOf reads which kinds a definition defines; none if the text is no definition, or is not written as most are. The
// rest of it may be wrong.
func headOf(text []byte) []verdict.Kind {
	h, ok := readHead(text)
	scope := h.spec["scope"]
	if !ok || h.top["apiVersion"] != "apiextensions.k8s.io/v1" || h.top["kind"] != "CustomResourceDefinition" ||
		scope != "Namespaced" && scope != "Cluster" || h.spec["group"] == "" || h.names["kind"] == "" ||
		h.names["plural"] == "" {
		return nil
	}
	var kinds []verdict.Kind
	for _, v := range h.versions {
		switch {
		case v["name"] == "" || v["served"] != "true" && v["served"] != "false":
			return nil
		case v["served"] == "false":
			continue
		}
		kinds = append(kinds, verdict.Kind{
			GVK:      schema.GroupVersionKind{Group: h.spec["group"], Version: v["name"], Kind: h.names["kind"]},
			Resource: h.names["plural"], Namespaced: scope == "Namespaced",
		})
	}
	return kinds
}

// headReader reads the lines of a definition whose indentation makes them a part of the head. ok turns false at
// whatever could mean something else than it seems to.
type headReader struct {
	crdHead
	columns [3]int // of the keys of spec, names, versions; -1: not known yet
	path    [2]string
	ok      bool
}

func readHead(text []byte) (crdHead, bool) {
	r := headReader{columns: [3]int{-1, -1, -1}, ok: true}
	r.top, r.spec, r.names = map[string]string{}, map[string]string{}, map[string]string{}
	for len(text) > 0 && r.ok {
		line := text
		if end := bytes.IndexByte(text, '\n'); end >= 0 {
			line, text = text[:end], text[end+1:]
		} else {
			text = nil
		}
		r.line(line)
	}
	return r.crdHead, r.ok
}

// line takes the next line.
func (r *headReader) line(line []byte) {
	column := 0
	for column < len(line) && line[column] == ' ' {
		column++
	}
	if column == len(line) || line[column] == '#' && r.path[0] != "spec" {
		return
	}
	rest := line[column:]
	switch {
	case column == 0:
		r.path = [2]string{r.set(r.top, rest)}
	case r.path[0] == "spec":
		r.inSpec(column, rest)
	}
}

// inSpec takes a line below spec.
func (r *headReader) inSpec(column int, rest []byte) {
	if r.columns[0] < 0 {
		r.columns[0] = column
	}
	dash := bytes.HasPrefix(rest, []byte("- "))
	switch {
	// A comment, unless it is within a text, which stands further right.
	case rest[0] == '#' && column <= r.columns[0]+2:
	case column < r.columns[0]:
		r.ok = false
	case column == r.columns[0] && !dash:
		r.path[1] = r.set(r.spec, rest)
	case r.path[1] == "names":
		r.below(&r.columns[1], column, rest, r.names)
	case r.path[1] == "versions":
		r.inVersions(column, rest, dash)
	}
}

// inVersions takes a line below spec.versions.
func (r *headReader) inVersions(column int, rest []byte, dash bool) {
	if r.columns[2] < 0 {
		if !dash {
			r.ok = false
			return
		}
		r.columns[2] = column + 2
	}
	switch {
	case column == r.columns[2]-2 && dash:
		r.versions = append(r.versions, map[string]string{})
		r.below(&r.columns[2], column+2, rest[2:], r.versions[len(r.versions)-1])
	case column < r.columns[2]:
		r.ok = false
	case len(r.versions) > 0:
		r.below(&r.columns[2], column, rest, r.versions[len(r.versions)-1])
	}
}

// below takes a line of a mapping: an entry, if it stands in the column of its keys.
func (r *headReader) below(keys *int, column int, rest []byte, entries map[string]string) {
	if *keys < 0 {
		*keys = column
	}
	switch {
	case column < *keys:
		r.ok = false
	case column == *keys && !bytes.HasPrefix(rest, []byte("- ")):
		r.set(entries, rest)
	}
}

// set adds an entry that a line begins, and returns its key. Of its value no more is taken than a word.
func (r *headReader) set(entries map[string]string, rest []byte) string {
	key, value, found := strings.Cut(string(rest), ":")
	_, twice := entries[key]
	if !found || twice || !isWord(key) || value != "" && value[0] != ' ' {
		r.ok = false
		return ""
	}
	value = strings.TrimSpace(value)
	if !isWord(value) {
		value = ""
	}
	entries[key] = value
	return key
}

// isWord reports whether a text is one that YAML takes as it is: the name of a group, kind or version.
func isWord(text string) bool {
	return !slices.ContainsFunc([]byte(text), func(c byte) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '-' && c != '/'
	})
}
