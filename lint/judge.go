package lint

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	apischema "github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation/verdict"
)

// judgeFiles judges each document by itself, on all cores.
func (r *run) judgeFiles(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	batches := make(chan batch, 2*r.Jobs)
	g.Go(func() error {
		defer close(batches)
		for i, name := range r.Files {
			if err := r.open(ctx, i, name, batches); err != nil {
				return err
			}
		}
		return nil
	})
	for range r.Jobs {
		g.Go(func() error {
			for b := range batches {
				part, err := r.judgeChunks(ctx, b.chunks)
				if err != nil {
					return err
				}
				b.file.parts[b.index] = part
				if b.file.pending.Add(-1) == 0 {
					r.close(b.file)
				}
			}
			return nil
		})
	}
	return g.Wait()
}

// judgeChunks judges the documents of chunks.
func (r *run) judgeChunks(ctx context.Context, chunks []*manifest.Chunk) (*fileResult, error) {
	out := &fileResult{Resources: make([]*Resource, 0, len(chunks)), room: make([]Resource, len(chunks))}
	for _, c := range chunks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		docs, syntax := c.Parse(r.Limits)
		out.found(syntax...)
		if len(docs) == 0 && len(syntax) > 0 {
			out.Documents++
		}
		if len(docs) > 0 {
			out.found(r.unusedAnchors(docs[0])...)
		}
		number := 0
		for _, d := range docs {
			if d.Number != number {
				number = d.Number
				out.Documents++
			}
			if err := r.judgeDocument(ctx, d, out); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// judgeDocument judges an object by itself.
func (r *run) judgeDocument(ctx context.Context, d *manifest.Document, out *fileResult) error {
	if d.Object.APIVersion == "" || d.Object.Kind == "" {
		return nil // package manifest has said so
	}
	out.Suppressions = append(out.Suppressions, annotationSuppressions(d)...)
	out.Suppressions = append(out.Suppressions, r.honored(d)...)
	var v verdict.Verdict
	if isDefinition(d) {
		v = r.Validator.AddCRD(ctx, d.JSON)
		out.Defines = true
		if !v.Accepted() {
			out.Rejected = append(out.Rejected, rejectedBy(d))
		}
	} else {
		v = r.Validator.Create(ctx, gvkOf(d), d.JSON, namespaceOf(d))
	}
	custom := unknown(v) && !r.knownToTarget(d) && !isDefinition(d) || v.Custom && !r.given[gvkOf(d)]
	if custom || asksNamespace(d) { // the answer depends on other files, so that it is not kept with this one
		out.Deferred = append(out.Deferred, docRef{d.Number, d.Item})
		return nil
	}
	return r.report(ctx, d, v, out)
}

// fillUndecoded gathers as much as can be seen of an object that cannot be decoded, lest other objects miss it.
func (r *run) fillUndecoded(res *Resource, d *manifest.Document, namespace string) {
	res.fill(d, nil, PodTemplateOf(&unstructured.Unstructured{Object: d.Value()}), namespace)
	if r.keeps(d.Object.Kind) {
		res.Written = d.JSON
	}
}

// asksNamespace reports whether the verdict on an object depends on its namespace: whether devices may be administered.
func asksNamespace(d *manifest.Document) bool {
	return strings.HasPrefix(d.Object.APIVersion, "resource.k8s.io/") &&
		bytes.Contains(d.JSON, []byte(`"adminAccess":`))
}

// unknown reports whether the linked Kubernetes has no such kind.
func unknown(v verdict.Verdict) bool {
	return len(v.Causes) > 0 && v.Causes[0].Class == verdict.UnknownKind
}

func (r *run) knownToTarget(d *manifest.Document) bool {
	return slices.ContainsFunc(r.targets, func(t *target) bool { return !t.linked && t.knows(gvkOf(d)) })
}

// report turns the answers about an object into findings, and keeps its facts.
func (r *run) report(ctx context.Context, d *manifest.Document, v verdict.Verdict, out *fileResult) error {
	before := len(out.Findings)
	if f, ok := r.unreadableBlanks(d, v); ok { // nothing else can be said before they are gone
		out.found(f)
		r.fillUndecoded(out.resource(), d, namespaceOf(d))
		return nil
	}
	hidden := r.lookalikes(d)
	changed := r.judgeUpdate(ctx, d, v)
	for _, t := range r.targets {
		t.learn(gvkOf(d), v)
	}
	w := r.repair(ctx, d, v)
	v = w.Verdict
	for _, f := range w.attach(d, r.diagnoseAll(d, v)) {
		hidden = slices.DeleteFunc(hidden, func(h diag.Diagnostic) bool { return h.Range == f.Range })
		out.found(judgedBy(v, f))
	}
	out.found(hidden...)
	out.found(changed...)
	advice := len(out.Findings)
	v = r.asServedNow(ctx, d, v)
	namespace := ""
	if !clusterScoped(v) {
		namespace = namespaceOf(d)
	}
	res := out.resource()
	if v.Object == nil {
		r.fillUndecoded(res, d, namespace)
		return nil
	}
	pods := PodTemplateOf(v.Object)
	res.fill(d, v.Object, pods, namespace)
	res.Before = beforeOf(r.Base.Find(d))
	if v.NotServed != "" && !slices.ContainsFunc(r.targets, func(t *target) bool { return !t.linked }) {
		return nil
	}
	pass := &Pass{Document: d, Object: v.Object, Pods: pods}
	if r.keeps(d.Object.Kind) {
		res.keep(d, pass.Stored())
	}
	if err := r.runChecks(pass, res, &w, out); err != nil {
		return err
	}
	warned := slices.ContainsFunc(
		out.Findings[before:advice], func(f *finding) bool { return f.Rule == ruleServerWarning.Name },
	)
	if warned {
		out.Findings = append(out.Findings[:before], dropCovered(out.Findings[before:advice], out.Findings[advice:])...)
	}
	return nil
}

// runChecks adds what the rules find in an object by itself.
func (r *run) runChecks(pass *Pass, res *Resource, w *repaired, out *fileResult) error {
	rules := r.rulesFor(pass.Document.Object.Kind).checks
	pass.findings = out.scratch[:0]
	for next := 0; next < len(rules); next++ {
		crash, err := guarded(func() error { return r.runChecksFrom(&next, rules, pass, res) })
		if crash != nil {
			r.problem(fmt.Errorf("rule %s crashed on %s: %v", rules[next].Name, pass.Document.Object, crash))
		} else if err != nil {
			return fmt.Errorf("rule %s on %s: %w", rules[next].Name, pass.Document.Object, err)
		}
	}
	out.scratch = pass.findings
	if len(pass.findings) == 0 {
		return nil
	}
	found := make([]diag.Diagnostic, len(pass.findings))
	adviser := r.adviserOf(pass.Document)
	for i := range pass.findings {
		w.locate(&pass.findings[i].Finding)
		adviser.advise(&found[i], pass.findings[i].rule, &pass.findings[i].Finding)
	}
	out.found(found...)
	return nil
}

// runChecksFrom runs the rules from next on. If one crashes, next is its index, and it has found nothing.
func (r *run) runChecksFrom(next *int, rules []*Rule, pass *Pass, res *Resource) error {
	facts := objectFacts{res.Object, res.Labels}
	before := len(pass.findings)
	complete := false
	defer func() {
		if !complete {
			pass.findings = pass.findings[:before]
		}
	}()
	for ; *next < len(rules); *next++ {
		before = len(pass.findings)
		pass.Rule = rules[*next]
		pass.Params = r.Rules.paramsFor(pass.Rule, pass.Document.File.Name, facts)
		if err := pass.Rule.Check(pass); err != nil {
			return err
		}
	}
	complete = true
	return nil
}

// adviseUnjudged adds what the rules find in an object that is accepted without a schema. They see it as it is written:
// no defaults are known.
func (r *run) adviseUnjudged(d *manifest.Document, out *fileResult) error {
	res := out.resource()
	r.fillUndecoded(res, d, namespaceOf(d))
	object := &unstructured.Unstructured{Object: d.Value()}
	return r.runChecks(&Pass{Document: d, Object: object, Pods: PodTemplateOf(object)}, res, &repaired{}, out)
}

// asServedNow returns the verdict on an object with what the linked server makes of it, where only a target serves the
// version in which it is written: as the version that took its place has it, if that has all of its fields.
func (r *run) asServedNow(ctx context.Context, d *manifest.Document, v verdict.Verdict) verdict.Verdict {
	if v.Object != nil || !unknown(v) || !r.knownToTarget(d) {
		return v
	}
	kind, ok := apischema.History(gvkOf(d))
	if !ok {
		return v
	}
	version, name, _ := strings.Cut(kind.Replacement, " ")
	if d.Object.Kind == "HorizontalPodAutoscaler" { // v1, which came first, cannot say what the betas of v2 can
		version, name = "autoscaling/v2", d.Object.Kind
	}
	if name != d.Object.Kind {
		return v
	}
	value := modernized(d.Value(), version, name)
	doc, err := json.Marshal(value)
	if err != nil {
		return v
	}
	now := r.Validator.Create(ctx, schema.FromAPIVersionAndKind(version, name), doc, namespaceOf(d))
	if slices.ContainsFunc(now.Causes, func(c verdict.Cause) bool { return c.Class == verdict.UnknownField }) {
		return v
	}
	v.Object, v.ClusterScoped = now.Object, now.ClusterScoped
	return v
}

// judgedBy says in a finding which release's definition it is owed to. What a newer release than any that is known may
// accept is a warning: a field or a value that resembles none of those that are known.
func judgedBy(v verdict.Verdict, f diag.Diagnostic) diag.Diagnostic {
	if v.Release == "" {
		return f
	}
	added := f.Rule == ruleFieldUnknown.Name || f.Reason == string(metav1.CauseTypeFieldValueNotSupported)
	note := "judged by the definition of " + v.Release + "; crds: in " + ConfigName + " chooses another"
	holder := v.Release
	switch {
	case v.Local:
		holder = "the definition in " + v.Release
		note = "judged by " + holder
	case strings.HasSuffix(v.Release, ".json"):
		note = "judged by the schema " + v.Release
	}
	if v.Guessed && added && f.Severity == diag.Error && !strings.Contains(f.Help, "did you mean") {
		f.Severity = diag.Warning
		note = holder + " does not have it; a newer release may"
	}
	f.Help = strings.TrimPrefix(f.Help+"; "+note, "; ")
	return f
}

// guarded calls f and returns what it panics with: a crash of one rule on one object costs no more than its findings.
func guarded(f func() error) (crash any, err error) {
	defer func() { crash = recover() }()
	return nil, f()
}

// diagnoseAll judges an object against every target. A finding that holds for some of several
// targets names them.
func (r *run) diagnoseAll(d *manifest.Document, v verdict.Verdict) []diag.Diagnostic {
	if len(r.targets) == 1 {
		return r.targets[0].judge(r, d, v)
	}
	var all []diag.Diagnostic
	known := map[identity]int{}
	for _, t := range r.targets {
		for _, f := range t.judge(r, d, v) {
			i, found := known[identityOf(&f)]
			if !found {
				i = len(all)
				known[identityOf(&f)] = i
				all = append(all, f)
			}
			all[i].Versions = append(all[i].Versions, t.version)
		}
	}
	return all
}

// adviser returns the findings of rules about a document their places.
type adviser struct {
	run      *run
	document *manifest.Document
	blank    *diag.Diagnostic // what all findings about the document have in common, once one is made

	container, name string // path and name of the container that the finding before was about
}

func (r *run) adviserOf(d *manifest.Document) *adviser { return &adviser{run: r, document: d} }

// advise makes a finding of a rule a diagnostic with its place.
func (a *adviser) advise(out *diag.Diagnostic, rule *Rule, f *Finding) {
	d := a.document
	if a.blank == nil {
		blank := newDiagnostic(&Rule{}, d)
		a.blank = &blank
	}
	*out = *a.blank
	out.Rule, out.URL = rule.Name, rule.URL
	out.Severity = a.run.Rules.severityOf(rule, f)
	out.Path, out.Message, out.Help, out.Versions = f.Path, f.Message, f.Help, f.Versions
	out.Container = a.containerOf(f.Path)
	place := d.Find(f.Path)
	out.Range = valueRange(place)
	if f.OnKey {
		out.Range = keyRange(place)
	}
	for _, rel := range f.Related {
		related := diag.Related{Message: rel.Message}
		if rel.Of == nil {
			related.Range = valueRange(d.Find(rel.Path))
		}
		out.Related = append(out.Related, related)
	}
	for i := range f.Fixes {
		fix := &f.Fixes[i]
		if edits := editsOf(d, fix); edits != nil {
			out.Fixes = append(out.Fixes, diag.Fix{Message: fix.Message, Safe: fix.Safe, Edits: edits})
		}
	}
}

// containerOf returns the name of the container that a path leads into.
func (a *adviser) containerOf(path string) string {
	container := containerIn(path)
	if container == "" {
		return ""
	}
	if container != a.container {
		a.container, a.name = container, containerOf(a.document, path)
	}
	return a.name
}

// clusterScoped reports whether the accepted object lives in no namespace. Objects that could not be
// decoded count as namespaced, as a client would send them.
func clusterScoped(v verdict.Verdict) bool { return v.ClusterScoped }

// Validator answers as the API server of the linked Kubernetes does. Package validation has the real one.
type Validator interface {
	// Create returns the answer to a dry-run create with strict field validation.
	Create(ctx context.Context, gvk schema.GroupVersionKind, doc []byte, namespace string) verdict.Verdict
	// Update returns the answer to the update that applying doc makes of an object created from old; judged is false if
	// there is none, since the server would not have accepted old, or cannot read doc.
	Update(
		ctx context.Context, gvk schema.GroupVersionKind, old, doc []byte, namespace string,
	) (answer verdict.Verdict, judged bool)
	// AddCRD judges a CustomResourceDefinition and makes its kinds known.
	AddCRD(ctx context.Context, doc []byte) verdict.Verdict
	// AddCRDLater makes kinds known by a definition, which is written as text. When one of them is judged, or a kind of
	// their group that nothing defines, add passes the definition to AddCRD with the context that it receives, and
	// reports whether nothing is wrong with the text. It is not called if that is known.
	AddCRDLater(kinds []verdict.Kind, text []byte, add func(context.Context) bool)
	// Custom lists the kinds so made known.
	Custom() []verdict.Kind
	// AddNamespace makes a namespace of the set known to kinds whose validation looks at its labels.
	AddNamespace(name string, labels map[string]string)
	// UseCatalogue makes kinds known that nothing read defines, as far as a catalogue holds them, but for some.
	UseCatalogue(except func(group, kind string) bool)
	// Meant returns the group and kind of the catalogue that are most likely meant by ones that nothing defines, or
	// empty texts.
	Meant(group, kind string) (meantGroup, meantKind string)
}

// classRules maps the server's steps to the rules that report them.
var classRules = map[verdict.Class]*Rule{
	verdict.UnknownKind:  ruleKindUnknown,
	verdict.UnknownField: ruleFieldUnknown,
	verdict.Duplicate:    ruleDuplicateKey,
	verdict.WrongType:    ruleFieldType,
	verdict.Scope:        ruleScope,
	verdict.Invalid:      ruleAPIServer,
	verdict.Forbidden:    ruleAPIServer,
}

// gvkOf returns the group, version and kind that a document claims.
func gvkOf(d *manifest.Document) schema.GroupVersionKind {
	return schema.FromAPIVersionAndKind(d.Object.APIVersion, d.Object.Kind)
}

// namespaceOf returns the namespace that a client sends the object to.
func namespaceOf(d *manifest.Document) string {
	if d.Object.Namespace != "" {
		return d.Object.Namespace
	}
	return "default"
}

// newDiagnostic makes a finding about a document.
func newDiagnostic(r *Rule, d *manifest.Document) diag.Diagnostic {
	return diag.Diagnostic{
		Rule: r.Name, Severity: r.Severity, Object: d.Object, Labels: d.Labels(), Document: d.Number, Item: d.Item,
		URL: r.URL, RenderedFrom: d.RenderedFrom(),
	}
}
