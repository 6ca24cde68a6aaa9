package lint

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Rule is one documented check. A rule looks at one object (Check), at an object among
// all others (CheckSet), or both; it never reads a file and never decodes YAML.
type Rule struct {
	Name        string        // kebab-case, stable: scripts and suppressions name it
	Title       string        // one line, no full stop
	Doc         string        // why it matters and what to do; Markdown
	Severity    diag.Severity // unless the configuration says otherwise
	Category    string        // the preset that holds it: see Categories
	Optional    bool          // not part of the default preset
	URL         string        // where to read on; may be empty
	Kinds       []string      // kinds it looks at; empty: all that carry what it needs
	Version     string        // what Check does, if the program does not decide it: results are kept by it
	Equivalents string        // the same check elsewhere: "kube-linter latest-tag, polaris tagNotSpecified"
	Params      []Param       // what a configuration may set; empty: nothing
	// Keeps are the kinds whose contents CheckSet looks at, beyond the facts of a Resource; "*" is any.
	Keeps []string

	Check    func(*Pass) error
	CheckSet func(*SetPass) error
	// VoidedBy tells what of the set makes the findings of Check void for the objects of a namespace:
	// defaults that the server would fill in there.
	VoidedBy func(set *Set, namespace string) bool
}

// Categories groups the rules; each is also the name of a preset.
var Categories = []struct{ Name, Doc string }{
	{"verdict", "what the API server refuses; cannot be switched off"},
	{"lifecycle", "API versions and fields that come and go"},
	{"references", "objects that name each other"},
	{"images", "what is pulled"},
	{"resources", "requests and limits"},
	{"probes", "how Kubernetes learns that a container works"},
	{"security", "what a container may do"},
	{"availability", "what happens when a node goes"},
	{"config", "environment, ports and other settings"},
	{"custom", "admission policies, and rules that the configuration defines"},
}

// Finding is what a rule has to say about one place.
type Finding struct {
	Path     string // field path of the culprit; a missing field is shown at its parent
	OnKey    bool   // show the key and not the value
	Message  string // one line, lower case, no full stop, naming the field and the value
	Help     string // what to do
	Related  []RelatedPath
	Fixes    []PathFix
	Severity diag.Severity // 0: the rule's own
	Versions []string      // targets for which the finding holds; empty: all
}

// RelatedPath is another place that explains a finding: in the same object, or in Of.
type RelatedPath struct {
	Of      *Resource // nil: the object under judgement
	Path    string
	Message string
}

// PathFix replaces the value at a path of the object under judgement by NewText (YAML source, on one line).
type PathFix struct {
	Path    string
	NewText string
	Message string
	Safe    bool      // certain: lint --fix may make it
	Add     bool      // the field may be missing, and is added then
	Remove  bool      // the field is removed
	Key     string    // the field gets another name, and keeps its value; empty: it keeps its name
	And     []PathFix // what is changed at the same time; only paths and texts count
}

// Pass returns a rule one object.
type Pass struct {
	Rule     *Rule
	Document *manifest.Document // identity; places are the caller's business
	// as the server would store it, defaults filled in, in the version written; not to be changed
	Object runtime.Object
	Pods   *PodTemplate // what the object says of its pods; nil for kinds without pods
	Params Params       // settings of the rule

	findings   []ruleFinding
	stored     map[string]any
	containers []passContainer
}

// ruleFinding is a finding of a rule.
type ruleFinding struct {
	rule *Rule
	Finding
}

// passContainer is a container of the pods of a pass.
type passContainer struct {
	container *corev1.Container
	path      string
	init      bool
}

// Report adds a finding.
func (p *Pass) Report(f Finding) { p.findings = append(p.findings, ruleFinding{p.Rule, f}) }

// Stored returns the object as the server would store it, as decoded JSON. It must not be changed.
func (p *Pass) Stored() map[string]any {
	if p.stored == nil {
		p.stored = storedValue(p.Object, p.Document.Object)
	}
	return p.stored
}

// Stored returns a document as the server would store it, as decoded JSON; nil if the verdict on it holds no object. It
// must not be changed.
func Stored(d *manifest.Document, v verdict.Verdict) map[string]any {
	if v.Object == nil {
		return nil
	}
	return storedValue(v.Object, d.Object)
}

// storedValue returns an object as decoded JSON.
func storedValue(obj runtime.Object, identity diag.Object) map[string]any {
	if o, ok := obj.(*unstructured.Unstructured); ok {
		return o.Object
	}
	value, err := runtime.DefaultUnstructuredConverter.ToUnstructured(obj)
	if err != nil {
		return map[string]any{}
	}
	value["apiVersion"], value["kind"] = identity.APIVersion, identity.Kind
	if metadata, ok := value["metadata"].(map[string]any); ok && metadata["creationTimestamp"] == nil {
		delete(metadata, "creationTimestamp")
	}
	return value
}

// Containers calls f for each container of the object's pods, init containers first and
// ephemeral ones not at all, with the path of the container: spec.template.spec.containers[0].
func (p *Pass) Containers(f func(c *corev1.Container, path string, init bool)) {
	if p.Pods == nil {
		return
	}
	if p.containers == nil { // all rules ask for them
		p.containers = containersOf(p.Pods)
	}
	for _, c := range p.containers {
		f(c.container, c.path, c.init)
	}
}

func containersOf(p *PodTemplate) []passContainer {
	spec := p.Spec
	all := make([]passContainer, 0, len(spec.InitContainers)+len(spec.Containers))
	for i := range spec.InitContainers {
		path := p.SpecPath + ".initContainers[" + strconv.Itoa(i) + "]"
		all = append(all, passContainer{titled(spec.InitContainers, i), path, true})
	}
	for i := range spec.Containers {
		path := p.SpecPath + ".containers[" + strconv.Itoa(i) + "]"
		all = append(all, passContainer{titled(spec.Containers, i), path, false})
	}
	return all
}

// titled returns a container of a list; one without a name has its place as its name, for messages.
func titled(list []corev1.Container, i int) *corev1.Container {
	if list[i].Name != "" {
		return &list[i]
	}
	c := list[i]
	c.Name = fmt.Sprintf("#%d", i+1)
	return &c
}

// SetPass returns a rule one object's facts among those of all others.
type SetPass struct {
	Rule     *Rule
	Resource *Resource
	Set      *Set
	Params   Params // settings of the rule

	findings        []Finding
	decoded         *Resource // whose contents follow
	written, stored map[string]any
}

// Written returns the object under judgement as written; empty if its contents were not kept. It must not be changed.
func (p *SetPass) Written() map[string]any {
	p.decode()
	if p.written == nil {
		p.written = p.Resource.WrittenValue()
	}
	return p.written
}

// Stored returns the object under judgement as the server would store it; empty if its contents were not kept. It must
// not be changed.
func (p *SetPass) Stored() map[string]any {
	p.decode()
	if p.stored == nil {
		p.stored = p.Resource.StoredValue()
	}
	return p.stored
}

// decode forgets the contents of an object when another one is judged.
func (p *SetPass) decode() {
	if p.decoded != p.Resource {
		p.decoded, p.written, p.stored = p.Resource, nil, nil
	}
}

// Report adds a finding about the object under judgement.
func (p *SetPass) Report(f Finding) { p.findings = append(p.findings, f) }

// kindRules are the rules that look at a kind.
type kindRules struct {
	checks, setChecks []*Rule // with a Check, with a CheckSet
}

// rulesFor returns the rules that look at a kind.
func (r *run) rulesFor(kind string) *kindRules {
	if known, ok := r.byKind.Load(kind); ok {
		return known.(*kindRules)
	}
	of := &kindRules{}
	for _, rule := range r.Rules.Rules {
		if rule.Check != nil && rule.applies(kind) {
			of.checks = append(of.checks, rule)
		}
		if rule.CheckSet != nil && rule.applies(kind) {
			of.setChecks = append(of.setChecks, rule)
		}
	}
	r.byKind.Store(kind, of)
	return of
}

// applies reports whether the rule looks at a kind.
func (r *Rule) applies(kind string) bool { return len(r.Kinds) == 0 || slices.Contains(r.Kinds, kind) }

// Selection is the outcome of --rules and the configuration: which rules run, how grave each is.
type Selection struct {
	Rules    []*Rule // advice rules that run, by name
	severity map[string]diag.Severity

	params    map[string]Params // by rule, of those that have any
	overrides []paramOverride
}

// Select reads a rule expression: presets and names, separated by commas, each added, or taken away
// with a leading minus; an expression that begins with a minus starts from the default preset.
func Select(all []*Rule, expr string, severities map[string]diag.Severity) (*Selection, error) {
	chosen := map[string]bool{}
	add := func(on bool, match func(*Rule) bool) (n int) {
		for _, r := range all {
			if match(r) {
				chosen[r.Name] = on
				n++
			}
		}
		return n
	}
	inDefault := func(r *Rule) bool { return !r.Optional }
	terms := strings.FieldsFunc(expr, func(c rune) bool { return c == ',' || c == ' ' })
	if len(terms) == 0 || strings.HasPrefix(terms[0], "-") {
		add(true, inDefault)
	}
	for _, term := range terms {
		name, minus := strings.CutPrefix(term, "-")
		n := 1
		switch {
		case name == "none":
			clear(chosen)
		case name == "all":
			add(!minus, func(*Rule) bool { return true })
		case name == "default":
			add(!minus, inDefault)
		case isVerdictRule(name):
			if minus {
				return nil, fmt.Errorf("rule %s is the API server's verdict and cannot be switched off", name)
			}
		default:
			n = add(!minus, func(r *Rule) bool { return r.Name == name || r.Category == name })
		}
		if n == 0 {
			return nil, unknownRule(all, name)
		}
	}
	s := &Selection{severity: severities, params: map[string]Params{}}
	for _, r := range all {
		if len(r.Params) > 0 {
			s.params[r.Name] = r.defaultParams()
		}
		if chosen[r.Name] {
			s.Rules = append(s.Rules, r)
		}
	}
	for name := range severities {
		if isVerdictRule(name) {
			return nil, fmt.Errorf("severity of %s: it is the API server's verdict and always an error", name)
		}
		if !slices.ContainsFunc(all, func(r *Rule) bool { return r.Name == name }) {
			return nil, unknownRule(all, name)
		}
	}
	slices.SortFunc(s.Rules, func(a, b *Rule) int { return cmp.Compare(a.Name, b.Name) })
	return s, nil
}

// severityOf returns the severity of a finding: the configuration's, the finding's own, or the rule's.
func (s *Selection) severityOf(r *Rule, f *Finding) diag.Severity {
	return cmp.Or(s.severity[r.Name], f.Severity, r.Severity)
}

func unknownRule(all []*Rule, name string) error {
	known := []string{"none", "default", "all"}
	for _, c := range Categories[1:] {
		known = append(known, c.Name)
	}
	for _, r := range all {
		known = append(known, r.Name)
	}
	if best := nearest(name, known); best != "" {
		return fmt.Errorf("unknown rule or preset %q: did you mean %s?", name, best)
	}
	return fmt.Errorf("unknown rule or preset %q: `seatrial rules` lists them", name)
}
