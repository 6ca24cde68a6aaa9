// Package diag says what is wrong with a user's manifest, and where.
//
// The central type is [Diagnostic]. What stopped the program itself is an error, never a Diagnostic.
package diag

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/source"
)

// Severity ranks a finding. The zero value is invalid.
type Severity int

// The severities, gravest first.
const (
	Error Severity = iota + 1
	Warning
	Info
)

var severityNames = [...]string{Error: "error", Warning: "warning", Info: "info"}

// String returns the name that reports and configuration use.
func (s Severity) String() string {
	if s < Error || s > Info {
		return fmt.Sprintf("severity(%d)", int(s))
	}
	return severityNames[s]
}

// ParseSeverity reads a severity by its name.
func ParseSeverity(name string) (Severity, error) {
	for s := Error; s <= Info; s++ {
		if severityNames[s] == name {
			return s, nil
		}
	}
	return 0, fmt.Errorf("unknown severity %q: want error, warning or info", name)
}

// MarshalText writes the severity by its name.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a severity by its name.
func (s *Severity) UnmarshalText(b []byte) error {
	v, err := ParseSeverity(string(b))
	if err == nil {
		*s = v
	}
	return err
}

// Object names the API object that a finding is about. All fields may be empty.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// String returns kind and name, with the namespace where there is one: Deployment shop/web.
func (o Object) String() string {
	name := o.Name
	if o.Namespace != "" {
		name = o.Namespace + "/" + name
	}
	switch {
	case o.Kind == "":
		return name
	case name == "":
		return o.Kind
	}
	return o.Kind + " " + name
}

// Related is another place that explains a finding.
type Related struct {
	Range   source.Range
	Message string
}

// Fix is a change that fixes a finding.
type Fix struct {
	Message string
	Edits   []source.Edit
	// Safe says that the change is certain: it may be made without asking (lint --fix).
	Safe bool
}

// Diagnostic is one finding.
type Diagnostic struct {
	Rule     string   // name in the rule registry: api-server, image-tag-latest
	Severity Severity // Error, Warning or Info
	Reason   string   // the server's cause for verdicts: FieldValueInvalid; else empty
	Message  string   // one line, without a full stop; Kubernetes' own words where they come from it
	Help     string   // what to do; may be empty
	Object   Object
	Labels   map[string]string // of the object, as written; overrides look at them
	Document int               // number of the document in its file, from 1; 0 when the finding is about the file
	Item     string            // path of the item of a List that it is about; empty for other documents
	Path     string            // field path as the server writes it: spec.containers[0].image; may be empty
	// Container is the name of the container that Path leads into; else empty.
	Container string
	Range     source.Range
	Related   []Related
	Fixes     []Fix
	URL       string // documentation of the rule or of the fact; may be empty
	// Server is what the server says, where Message says it in other words; else empty.
	Server string
	// Consequences are findings that go when this one is fixed. They are not reported by themselves.
	Consequences []Diagnostic
	// Versions are the Kubernetes versions for which the finding holds, when it was looked for in several.
	Versions []string
	// Variants are the renderings in which the finding occurs, when it comes from a source that has several.
	Variants []string
	// RenderedFrom is the template that the document was rendered from, as a comment of its renderer says; else empty.
	RenderedFrom string
}

// Text returns the message, with the path where the message does not name it.
func (d *Diagnostic) Text() string {
	if d.Path == "" || strings.HasPrefix(d.Message, d.Path) || d.Rule == "kind-unknown" ||
		strings.Contains(d.Message, `"`) && strings.Contains(d.Message, strconv.Quote(d.Path)) {
		return d.Message
	}
	return d.Path + ": " + d.Message
}

// Sort puts findings into the order of reports: file, place, severity, rule, path, message.
func Sort(ds []Diagnostic) {
	order := make([]int, len(ds)) // findings are large: each is moved once
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(Compare(&ds[a], &ds[b]), cmp.Compare(a, b)) })
	for i := range order {
		if order[i] == i {
			continue
		}
		first, to := ds[i], i
		for from := order[to]; from != i; from = order[to] {
			ds[to], order[to] = ds[from], to
			to = from
		}
		ds[to], order[to] = first, to
	}
}

// Compare compares findings by their order in reports.
func Compare(a, b *Diagnostic) int {
	if c := cmp.Compare(a.Range.File, b.Range.File); c != 0 {
		return c
	}
	if c := cmp.Or(cmp.Compare(a.Range.Start.Line, b.Range.Start.Line),
		cmp.Compare(a.Range.Start.Column, b.Range.Start.Column),
		cmp.Compare(a.Document, b.Document), cmp.Compare(a.Severity, b.Severity)); c != 0 {
		return c
	}
	return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Message, b.Message))
}
