package manifest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest/syntax"
	"github.com/seatrial/seatrial/source"
)

// Names of the rules that this package reports; package lint documents them.
const (
	ruleSyntax       = "yaml-syntax"
	ruleTab          = "yaml-tab"
	ruleDuplicateKey = "yaml-duplicate-key"
)

// report builds a finding about a chunk.
type report struct {
	c *Chunk
	d diag.Diagnostic
}

func (c *Chunk) finding(rule string, start, end int, message, detail string) *report {
	return &report{
		c,
		diag.Diagnostic{
			Rule:         rule,
			Severity:     diag.Error,
			Message:      message,
			Help:         detail,
			Document:     c.number,
			Range:        c.file.Range(start, end),
			RenderedFrom: c.renderedFrom(),
		},
	}
}

// fix adds a certain change of some bytes.
func (r *report) fix(start, end int, newText, message string) *report {
	r.d.Fixes = append(r.d.Fixes, diag.Fix{
		Message: message,
		Safe:    true,
		Edits:   []source.Edit{{Range: r.c.file.Range(start, end), NewText: newText}},
	})
	return r
}

func (r *report) relate(start, end int, message string) *report {
	r.d.Related = append(r.d.Related, diag.Related{Range: r.c.file.Range(start, end), Message: message})
	return r
}

func (r *report) done() *diag.Diagnostic { return &r.d }

// duplicates finds keys that a mapping has twice.
func (c *Chunk) duplicates() (out []diag.Diagnostic) {
	var visit func(n *Node)
	visit = func(n *Node) {
		first := make(map[string]Field, len(n.Fields))
		for _, f := range n.Fields {
			if have, ok := first[f.Name]; ok {
				out = append(
					out,
					*c.finding(ruleDuplicateKey, f.keyStart, f.keyEnd,
						fmt.Sprintf("key %s is given twice in one mapping", quoteYAMLKey(f.Name)),
						"clients keep the last value and lose the first one silently: remove one of them").relate(have.keyStart, have.keyEnd, "first given here").done(),
				)
			} else {
				first[f.Name] = f
			}
			visit(f.Value)
		}
		for _, it := range n.Items {
			visit(it)
		}
	}
	visit(c.tree())
	return out
}

// joined reports objects that follow one another without a separator: they are read as one.
func (c *Chunk) joined() *diag.Diagnostic {
	root := c.tree()
	if root.Kind != Map || c.text()[root.start-c.start] == '{' {
		return nil
	}
	var starts []int
	seen := map[string]bool{}
	for _, f := range root.Fields {
		if f.Name != "apiVersion" && f.Name != "kind" {
			continue
		}
		if seen[f.Name] {
			starts = append(starts, f.keyStart)
			clear(seen)
		}
		seen[f.Name] = true
	}
	if len(starts) == 0 || !seen["apiVersion"] || !seen["kind"] { // what is given twice is one key, not an object
		return nil
	}
	first := c.file.Range(starts[0], starts[0])
	r := c.finding(ruleSyntax, starts[0], lineEnd(c.file.Data, starts[0]),
		"another object begins here, without --- above it",
		"objects of one file are separated by a line with ---; without it they are read as one")
	fix := diag.Fix{Message: "separate the objects"}
	for _, at := range starts {
		if c.file.Range(at, at).Start.Column != first.Start.Column {
			return nil
		}
		fix.Edits = append(fix.Edits, source.Edit{Range: c.file.Range(at, at), NewText: "---\n"})
	}
	if first.Start.Column == 1 {
		r.d.Fixes = append(r.d.Fixes, fix)
	}
	return r.done()
}

// identity reports what a document lacks to be an API object at all.
func (d *Document) identity() (out []diag.Diagnostic) {
	if d.Object.APIVersion != "" && d.Object.Kind != "" {
		return nil
	}
	root := d.Value()
	if root["apiVersion"] == nil && root["kind"] == nil {
		if f := d.nothing(); f != nil {
			return []diag.Diagnostic{*f}
		}
	}
	for _, key := range []string{"apiVersion", "kind"} {
		switch v := root[key]; {
		case v == nil:
			out = append(out, *d.missing(key))
		case key == "kind" && d.Object.Kind == "" || key == "apiVersion" && d.Object.APIVersion == "":
			n := d.Root().Get(key).Value
			out = append(
				out,
				*d.chunk.finding(
					ruleSyntax, n.start, n.end, fmt.Sprintf("%s must be a text that is not empty", key), "",
				).done(),
			)
		}
	}
	return out
}

// nothing reports a document that was never meant to be an API object: it has no apiVersion, no
// kind, and no key that could be one of them.
func (d *Document) nothing() *diag.Diagnostic {
	for _, f := range d.Root().Fields {
		if strings.EqualFold(f.Name, "apiVersion") || strings.EqualFold(f.Name, "kind") {
			return nil
		}
	}
	if d.Item != "" {
		return d.without("item has neither apiVersion nor kind", "every item of a List is an object")
	}
	if part := partOf(d.Value()); part != "" {
		return d.without("document has neither apiVersion nor kind", part)
	}
	return d.without(
		"document has neither apiVersion nor kind",
		"not a Kubernetes manifest? leave the file out with --exclude, or exclude: in .seatrial.yaml",
	)
}

// A part is a part of a manifest that books and pages show by itself.
type part struct {
	keys  []string // that tell which one it is
	what  string
	place string // where it belongs
}

const ofContainer, ofPod = "part of a Pod template (a container)", "part of a Pod template (the spec of its pods)"

// parts are asked in order: the first one of which all keys are given counts.
var parts = []part{
	{
		[]string{"spec.containers"}, "part of a Pod template",
		"write apiVersion: v1, kind: Pod and metadata: above it, or put it below template: of a workload",
	},
	{
		[]string{"metadata", "spec.template"}, "a Deployment or another workload",
		"write apiVersion: apps/v1 and kind: Deployment above it",
	},
	{[]string{"metadata", "spec"}, "an object without its first two lines", "write apiVersion: and kind: above it"},
	{
		[]string{"containers"}, ofPod,
		"for a Pod write apiVersion: v1, kind: Pod, metadata: {name: ...} and spec: above it, and indent it below spec:",
	},
	{
		[]string{"name", "image"}, ofContainer,
		"for a Pod write apiVersion: v1, kind: Pod, metadata: {name: ...}, spec: and containers: above it, and a dash before it",
	},
	{
		[]string{"ports", "selector"}, "the spec of a Service",
		"write apiVersion: v1, kind: Service, metadata: {name: ...} and spec: above it, and indent it",
	},
	{
		[]string{"selector", "template"}, "the spec of a Deployment or another workload",
		"write apiVersion: apps/v1, kind: Deployment, metadata: {name: ...} and spec: above it, and indent it",
	},
	{
		[]string{"jobTemplate"}, "the spec of a CronJob",
		"write apiVersion: batch/v1, kind: CronJob, metadata: {name: ...} and spec: above it, and indent it",
	},
	{[]string{"template"}, "the spec of a workload", "it stands below spec:"},
	{[]string{"livenessProbe"}, ofContainer, "it is a field of an element of containers:"},
	{[]string{"readinessProbe"}, ofContainer, "it is a field of an element of containers:"},
	{[]string{"startupProbe"}, ofContainer, "it is a field of an element of containers:"},
	{[]string{"volumeMounts"}, ofContainer, "it is a field of an element of containers:"},
	{[]string{"resources"}, ofContainer, "it is a field of an element of containers:"},
	{[]string{"envFrom"}, ofContainer, "it is a field of an element of containers:"},
	{
		[]string{"securityContext"}, "part of a Pod template (a container, or the spec of its pods)",
		"it stands beside image: or containers:",
	},
	{[]string{"tolerations"}, ofPod, "it stands beside containers:"},
	{[]string{"affinity"}, ofPod, "it stands beside containers:"},
	{[]string{"nodeSelector"}, ofPod, "it stands beside containers:"},
	{[]string{"topologySpreadConstraints"}, ofPod, "it stands beside containers:"},
	{
		[]string{"roleRef"}, "a binding without its first two lines",
		"write apiVersion: rbac.authorization.k8s.io/v1 and kind: above it",
	},
	{[]string{"matchLabels"}, "a label selector", "it stands below selector:"},
	{[]string{"spec"}, "an object without its first lines", "write apiVersion:, kind: and metadata: above it"},
	{[]string{"metadata"}, "an object without its first two lines", "write apiVersion: and kind: above it"},
}

// partOf says which part of a manifest a mapping is; empty if it is none.
func partOf(value map[string]any) string {
	has := func(key string) bool {
		above, below, deeper := strings.Cut(key, ".")
		if inner, isMap := value[above].(map[string]any); deeper {
			return isMap && inner[below] != nil
		}
		_, found := value[above]
		return found
	}
	for _, p := range parts {
		if !slices.ContainsFunc(p.keys, func(key string) bool { return !has(key) }) {
			return fmt.Sprintf("this looks like %s: %s", p.what, p.place)
		}
	}
	return ""
}

// missing reports a key without which the document names no kind.
func (d *Document) missing(key string) *diag.Diagnostic {
	root := d.Root()
	for _, f := range root.Fields {
		if f.Name != key && strings.EqualFold(f.Name, key) {
			r := d.chunk.finding(
				ruleSyntax,
				f.keyStart,
				f.keyEnd,
				fmt.Sprintf("unknown key %s: did you mean %s?", quoteYAMLKey(f.Name), key),
				"keys are case-sensitive",
			)
			newText := key
			if d.File.Data[f.keyStart] == '"' {
				newText = strconv.Quote(key)
			}
			return r.fix(f.keyStart, f.keyEnd, newText, "write "+key).done()
		}
	}
	return d.without(
		fmt.Sprintf("document has no %s", key),
		"every document names its apiVersion and kind: apiVersion: apps/v1, kind: Deployment",
	)
}

// without reports at its first key what a document lacks.
func (d *Document) without(message, detail string) *diag.Diagnostic {
	root := d.Root()
	at := firstLineOf(root)
	if len(root.Fields) > 0 {
		at = d.File.Range(root.Fields[0].keyStart, root.Fields[0].keyEnd)
	}
	f := d.chunk.finding(ruleSyntax, at.Start.Offset, at.End.Offset, message, detail).done()
	f.Object = d.Object
	return f
}

var wordThenDash = regexp.MustCompile(`^([A-Za-z][\w./-]*) - `)

// notAMapping reports a document that is a list or a scalar.
func (c *Chunk) notAMapping(js []byte) []diag.Diagnostic {
	if string(js) == "null" {
		return nil
	}
	root := c.tree()
	start, end := root.start, lineEnd(c.file.Data, root.start)
	end = start + len(bytes.TrimRight(c.file.Data[start:min(end, root.end)], " \t\r"))
	const detail = "a document is a mapping that begins with apiVersion and kind"
	text := string(c.text())
	if templated(text) {
		return c.unrendered()
	}
	var s string
	switch {
	case js[0] == '[':
		help := detail + "; several objects are separated by ---"
		var elements []map[string]any
		if json.Unmarshal(js, &elements) == nil && len(elements) > 0 {
			if part := partOf(elements[0]); part != "" {
				help = part
			}
		}
		return []diag.Diagnostic{*c.finding(ruleSyntax, start, end, "document is a list, not a mapping", help).done()}
	case json.Unmarshal(js, &s) == nil && wordThenDash.MatchString(s):
		key := wordThenDash.FindStringSubmatch(s)[1]
		return []diag.Diagnostic{
			*c.finding(ruleSyntax, start, start+len(key), fmt.Sprintf("key %s has no colon, so the list below it is "+
				"read as text", quoteYAMLKey(key)),
				"write "+key+":").fix(start, start+len(key), key+":", "add the colon").done(),
		}
	case s != "" && strings.Contains(s, ":"):
		return []diag.Diagnostic{
			*c.finding(
				ruleSyntax, start, end, "document is a text, not a mapping: a colon needs a space after it", detail,
			).done(),
		}
	}
	return []diag.Diagnostic{
		*c.finding(ruleSyntax, start, end, "document is a single value, not a mapping", detail).done(),
	}
}

// marker matches what a template engine puts a value in for: an action, or a word between at signs, as configure
// scripts have it.
var marker = regexp.MustCompile(`\{\{|[:-] @[A-Z][A-Z0-9_]*@`)

// templated reports whether text holds the markers of a template engine.
func templated(text string) bool {
	return strings.Contains(text, "{{") || strings.Contains(text, " @") && marker.MatchString(text)
}

// firstTemplate finds the first document that holds markers and cannot be read as they stand; 0 if there is none.
func firstTemplate(chunks []*Chunk) int {
	for _, c := range chunks {
		if !templated(string(c.text())) {
			continue
		}
		if js, err := yaml.YAMLToJSON(c.text()); err != nil || js[0] != '{' {
			return c.number
		}
	}
	return 0
}

// unrendered reports a file that only a template engine can turn into a manifest, once.
func (c *Chunk) unrendered() []diag.Diagnostic {
	if c.number != c.template() {
		return nil
	}
	at, help := bytes.Index(c.text(), []byte("{{")), "render it first: helm template CHART | seatrial lint -"
	if at < 0 {
		at, help = marker.FindIndex(c.text())[0]+len(": "), "put the values in first"
	}
	at += c.start
	end := lineEnd(c.file.Data, at)
	if i := bytes.Index(c.file.Data[at:end], []byte("}}")); i >= 0 {
		end = at + i + 2
	}
	return []diag.Diagnostic{*c.finding(ruleSyntax, at, end, "file is a template, not a manifest", help).done()}
}

// diagnose explains why a chunk cannot be read. Of several that need a template engine, the first one explains.
func (c *Chunk) diagnose(err error) (out []diag.Diagnostic) {
	if templated(string(c.text())) {
		return c.unrendered()
	}
	text := syntax.Text{Data: c.text(), FirstLine: c.file.Pos(c.start).Line, JSON: c.json, Values: c.values}
	for _, p := range syntax.Explain(text, err) {
		out = append(out, c.explained(p))
	}
	return out
}

// explained returns a problem of the chunk's text its place in the file.
func (c *Chunk) explained(p syntax.Problem) diag.Diagnostic {
	r := c.finding(ruleSyntax, c.start+p.Start, c.start+p.End, p.Message, p.Help)
	if p.Tab {
		r.d.Rule = ruleTab
	}
	if rel := p.Related; rel != nil {
		r.relate(c.start+rel.Start, c.start+rel.End, rel.Message)
	}
	for _, f := range p.Fixes {
		fix := diag.Fix{Message: f.Message, Safe: f.Certain}
		for _, e := range f.Edits {
			fix.Edits = append(
				fix.Edits, source.Edit{Range: c.file.Range(c.start+e.Start, c.start+e.End), NewText: e.NewText},
			)
		}
		r.d.Fixes = append(r.d.Fixes, fix)
	}
	return *r.done()
}

// values lists what the chunk holds, for explanations.
func (c *Chunk) values() (all []syntax.Value) {
	value := func(n *Node) syntax.Value {
		return syntax.Value{
			Text:   n.Text,
			Start:  n.start - c.start,
			End:    n.end - c.start,
			Scalar: n.Kind == Scalar,
			Null:   n.Null,
			Plain:  n.Style == Plain,
			Tagged: n.Tagged,
		}
	}
	for key, n := range c.tree().all() {
		if key != nil {
			k := value(key)
			k.Key = true
			all = append(all, k)
		}
		all = append(all, value(n))
	}
	return all
}
