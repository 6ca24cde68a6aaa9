package lint

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// A run goes over the files three times, and only once over most of them: every document is
// judged by itself; then the objects of custom kinds, once all definitions are known; then the
// rules that look at the whole set, which need no more than the facts kept of each object.
// What must be shown of a file later on is read again, so that memory does not grow with the set.
type run struct {
	Options
	targets []*target
	results []*fileResult // one for each of Options.Files
	done    atomic.Int64

	mu       sync.Mutex
	problems []error

	refused []refused // definitions, once all are known
}

// finding is a diagnostic with the list item that it is about.
type finding struct {
	diag.Diagnostic
	Item string
}

// fileResult is what the first pass keeps of a file.
type fileResult struct {
	Documents    int
	Findings     []finding
	Resources    []*Resource
	Suppressions []*suppression
	Deferred     []docRef // documents of kinds that may be custom, not judged yet
	Skipped      int      // documents that stay unjudged, because their kind may be missing
	Defines      bool     // holds CustomResourceDefinitions
	Refused      []refused

	room []Resource // for the next of the Resources
}

// resource adds a resource. Those of a file lie together: they stay, among much that does not.
func (f *fileResult) resource() *Resource {
	if len(f.room) == 0 {
		f.room = make([]Resource, 4)
	}
	r := &f.room[0]
	f.room = f.room[1:]
	f.Resources = append(f.Resources, r)
	return r
}

// add appends what a later part of the same file gave.
func (f *fileResult) add(o *fileResult) {
	f.Documents += o.Documents
	f.Findings = append(f.Findings, o.Findings...)
	f.Resources = append(f.Resources, o.Resources...)
	f.Suppressions = append(f.Suppressions, o.Suppressions...)
	f.Deferred = append(f.Deferred, o.Deferred...)
	f.Skipped += o.Skipped
	f.Defines = f.Defines || o.Defines
	f.Refused = append(f.Refused, o.Refused...)
}

// refused is a definition that the server does not accept, and the kind that it would have defined.
type refused struct{ Name, Group, Kind string }

func newRun(o Options) (*run, error) {
	r := &run{Options: o, results: make([]*fileResult, len(o.Files))}
	for _, v := range o.Versions {
		t, err := newTarget(v, o.Linked)
		if err != nil {
			return nil, err
		}
		r.targets = append(r.targets, t)
	}
	return r, nil
}

func (r *run) run(ctx context.Context) (*Result, error) {
	if res := r.Cache.run(r); res != nil {
		return res, nil
	}
	definitions, err := r.define(ctx)
	if err != nil {
		return nil, err
	}
	if err := r.judgeFiles(ctx); err != nil {
		return nil, err
	}
	if err := r.judgeDeferred(ctx); err != nil {
		return nil, err
	}
	res := &Result{Versions: r.Versions, Problems: r.problems}
	all := definitions
	for _, f := range r.results {
		if f == nil {
			continue
		}
		res.Summary.Files++
		res.Summary.Documents += f.Documents
		res.Summary.Skipped += f.Skipped
		all.add(&fileResult{Findings: f.Findings, Suppressions: f.Suppressions, Resources: f.Resources})
	}
	set := NewSet(all.Resources, r.External)
	all.Findings = slices.DeleteFunc(all.Findings, func(f finding) bool { return r.moot(set, &f) })
	if err := r.enforce(ctx, set); err != nil {
		return nil, err
	}
	late, err := r.judgeSet(ctx, set)
	if err != nil {
		return nil, err
	}
	all.Findings = append(all.Findings, late...)
	late, err = r.judgeByCreating(ctx, set, all.Findings)
	if err != nil {
		return nil, err
	}
	all.Findings = withoutEchoes(append(all.Findings, late...))
	res.Diagnostics, res.Summary.Suppressed = r.suppress(all)
	res.finish()
	if res.Summary.Documents == 0 && len(res.Diagnostics) == 0 {
		return res, ErrNoDocuments
	}
	r.Cache.save(r, res)
	return res, nil
}

// docKey names a document, or an item of a List, of a run.
type docKey struct {
	file string
	docRef
}

func (f *finding) key() docKey { return docKey{f.Range.File, docRef{f.Document, f.Item}} }

// withoutEchoes leaves out advice about values that the server refuses anyway: what stands there
// instead, a default or nothing, is not what the user wrote.
func withoutEchoes(all []finding) []finding {
	refused := map[docKey][]string{}
	for i := range all {
		if f := &all[i]; f.Path != "" && isVerdictRule(f.Rule) {
			refused[f.key()] = append(refused[f.key()], f.Path)
		}
	}
	if len(refused) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(f finding) bool {
		return !isVerdictRule(f.Rule) && slices.ContainsFunc(refused[f.key()], func(path string) bool {
			rest, below := strings.CutPrefix(f.Path, path)
			return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
		})
	})
}

// moot tells whether a finding about an object holds no more in the light of the set.
func (r *run) moot(set *Set, f *finding) bool {
	i, found := slices.BinarySearchFunc(r.Rules.Rules, f.Rule, func(rule *Rule, name string) int { return cmp.Compare(rule.Name, name) })
	if !found || r.Rules.Rules[i].Moot == nil {
		return false
	}
	return r.Rules.Rules[i].Moot(set, cmp.Or(f.Object.Namespace, "default"))
}

// define makes the kinds of Options.CRDs known.
func (r *run) define(ctx context.Context) (*fileResult, error) {
	out := &fileResult{}
	for _, name := range r.CRDs {
		f, err := r.Options.Source(name)
		if err != nil {
			return nil, &InputError{Path: name, Err: err}
		}
		docs, syntax := manifest.Read(f, r.Limits)
		for _, d := range syntax {
			out.Findings = append(out.Findings, finding{Diagnostic: d})
		}
		for _, d := range docs {
			if !isDefinition(d) {
				continue
			}
			v := r.Judge.AddCRD(ctx, d.JSON)
			for _, c := range v.Causes {
				out.Findings = append(out.Findings, finding{diagnose(d, c), d.Item})
			}
			if !v.Accepted() {
				r.refused = append(r.refused, refusedBy(d))
			}
		}
	}
	return out, nil
}

// refusedBy tells which kind a refused definition would have defined.
func refusedBy(d *manifest.Document) refused {
	group, _, _ := unstructured.NestedString(d.Value(), "spec", "group")
	kind, _, _ := unstructured.NestedString(d.Value(), "spec", "names", "kind")
	return refused{d.Object.Name, group, kind}
}

func isDefinition(d *manifest.Document) bool {
	gvk := gvkOf(d)
	return gvk.Group == "apiextensions.k8s.io" && gvk.Kind == "CustomResourceDefinition"
}

// batch is a part of a file: small files are one batch, large ones are spread over the workers.
type batch struct {
	file   *openFile
	index  int
	chunks []*manifest.Chunk
}

// openFile collects the batches of a file until all are judged.
type openFile struct {
	number  int // index in Options.Files
	source  *source.File
	key     cacheKey
	pending atomic.Int32
	parts   []*fileResult
}

// batchBytes is how much text a batch holds at least, unless the file ends: enough to
// outweigh the hand-over, little enough to keep all workers busy on one file.
const batchBytes = 64 << 10

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

// open reads a file and hands it out in batches, unless the cache knows the answer.
func (r *run) open(ctx context.Context, number int, name string, batches chan<- batch) error {
	data, err := r.Read(name)
	if err != nil {
		r.problem(&InputError{Path: name, Err: err})
		return nil
	}
	file := &openFile{number: number, source: source.NewFile(name, data)}
	if file.key, r.results[number] = r.Cache.file(r, number, data); r.results[number] != nil {
		r.progress()
		return nil
	}
	parts := split(manifest.Split(file.source))
	if len(parts) == 0 {
		r.results[number] = &fileResult{}
		r.progress()
		return nil
	}
	file.parts = make([]*fileResult, len(parts))
	file.pending.Store(int32(len(parts)))
	for i, chunks := range parts {
		select {
		case batches <- batch{file, i, chunks}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// split deals chunks out into batches of at least batchBytes.
func split(chunks []*manifest.Chunk) (parts [][]*manifest.Chunk) {
	size, from := 0, 0
	for i, c := range chunks {
		if size += c.Len(); size >= batchBytes || i == len(chunks)-1 {
			parts = append(parts, chunks[from:i+1])
			size, from = 0, i+1
		}
	}
	return parts
}

// close puts a file's parts together.
func (r *run) close(f *openFile) {
	whole := f.parts[0]
	for _, p := range f.parts[1:] {
		whole.add(p)
	}
	whole.Suppressions = append(whole.Suppressions, commentSuppressions(f.source)...)
	r.results[f.number] = whole
	r.Cache.put(f.key, whole)
	r.progress()
}

func (r *run) progress() {
	n := r.done.Add(1)
	if r.Progress != nil {
		r.Progress(int(n), len(r.Files))
	}
}

func (r *run) problem(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, err)
}

func (r *run) judgeChunks(ctx context.Context, chunks []*manifest.Chunk) (*fileResult, error) {
	out := &fileResult{Resources: make([]*Resource, 0, len(chunks)), room: make([]Resource, len(chunks))}
	for _, c := range chunks {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		docs, syntax := c.Parse(r.Limits)
		for _, d := range syntax {
			out.Findings = append(out.Findings, finding{Diagnostic: d})
		}
		if len(docs) == 0 && len(syntax) > 0 {
			out.Documents++
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
	var v verdict.Verdict
	if isDefinition(d) {
		v = r.Judge.AddCRD(ctx, d.JSON)
		out.Defines = true
		if !v.Accepted() {
			out.Refused = append(out.Refused, refusedBy(d))
		}
	} else {
		v = r.Judge.Create(ctx, gvkOf(d), d.JSON, namespaceOf(d))
	}
	if unknown(v) && !r.knownToTarget(d) && !isDefinition(d) {
		out.Deferred = append(out.Deferred, docRef{d.Number, d.Item})
		return nil
	}
	return r.report(d, v, out)
}

// unknown tells whether the linked Kubernetes has no such kind.
func unknown(v verdict.Verdict) bool {
	return len(v.Causes) > 0 && v.Causes[0].Class == verdict.UnknownKind
}

func (r *run) knownToTarget(d *manifest.Document) bool {
	return slices.ContainsFunc(r.targets, func(t *target) bool { return !t.linked && t.knows(gvkOf(d)) })
}

// report turns the answers about an object into findings, and keeps its facts.
func (r *run) report(d *manifest.Document, v verdict.Verdict, out *fileResult) error {
	before := len(out.Findings)
	for _, f := range r.diagnoseAll(d, v) {
		out.Findings = append(out.Findings, finding{f, d.Item})
	}
	advice := len(out.Findings)
	pods := PodTemplateOf(v.Object)
	if v.Object == nil { // not decodable: as much as can be seen, lest other objects miss it
		pods = PodTemplateOf(&unstructured.Unstructured{Object: d.Value()})
	}
	namespace := ""
	if !clusterScoped(v) {
		namespace = namespaceOf(d)
	}
	out.resource().fill(d, v.Object, pods, namespace)
	if v.Object == nil {
		return nil
	}
	pass := &Pass{Document: d, Object: v.Object, Pods: pods}
	for _, rule := range r.Rules.Rules {
		if rule.Check == nil || !rule.applies(d.Object.Kind) {
			continue
		}
		pass.Rule, pass.findings = rule, pass.findings[:0]
		if err := rule.Check(pass); err != nil {
			return fmt.Errorf("rule %s on %s: %w", rule.Name, d.Object, err)
		}
		for i := range pass.findings {
			out.Findings = append(out.Findings, finding{r.advise(rule, d, &pass.findings[i]), d.Item})
		}
	}
	out.Findings = append(out.Findings[:before], unsaid(out.Findings[before:advice], out.Findings[advice:])...)
	return nil
}

// unsaid leaves out the server's warnings of which a rule says more, and gives all others.
func unsaid(verdicts, advice []finding) []finding {
	all := slices.Clone(verdicts)
	all = slices.DeleteFunc(all, func(w finding) bool {
		return w.Rule == ruleServerWarning.Name && w.Path != "" && slices.ContainsFunc(advice, func(a finding) bool { return (a.Path == w.Path || strings.HasPrefix(a.Path, w.Path+".")) })
	})
	return append(all, advice...)
}

// diagnoseAll judges an object against every target. A finding that holds for some of several
// targets names them.
func (r *run) diagnoseAll(d *manifest.Document, v verdict.Verdict) []diag.Diagnostic {
	if len(r.targets) == 1 {
		return r.targets[0].judge(r, d, v)
	}
	var all []diag.Diagnostic
	for _, t := range r.targets {
		for _, f := range t.judge(r, d, v) {
			i := slices.IndexFunc(all, func(o diag.Diagnostic) bool { return sameFinding(o, f) })
			if i < 0 {
				i = len(all)
				all = append(all, f)
			}
			all[i].Versions = append(all[i].Versions, t.version)
		}
	}
	return all
}

// advise gives a rule's finding its place.
func (r *run) advise(rule *Rule, d *manifest.Document, f *Finding) diag.Diagnostic {
	out := newDiagnostic(rule, d)
	out.Severity = r.Rules.severityOf(rule, f)
	out.Path, out.Message, out.Detail = f.Path, f.Message, f.Detail
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
	for _, fix := range f.Fixes {
		if p := d.Find(fix.Path); p.Exact && p.Value.IsValid() {
			out.Fixes = append(out.Fixes, diag.Fix{Message: fix.Message, Safe: fix.Safe, Edits: []source.Edit{{Range: p.Value, NewText: fix.NewText}}})
		}
	}
	return out
}

// judgeDeferred judges the objects of kinds that the linked Kubernetes does not know, now
// that the definitions of the whole set are known.
func (r *run) judgeDeferred(ctx context.Context) error {
	if !slices.ContainsFunc(r.results, func(f *fileResult) bool { return f != nil && len(f.Deferred) > 0 }) {
		return nil
	}
	if err := r.redefine(ctx); err != nil {
		return err
	}
	for _, f := range r.results {
		if f != nil {
			r.refused = append(r.refused, f.Refused...)
		}
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Jobs)
	for i, f := range r.results {
		if f == nil || len(f.Deferred) == 0 {
			continue
		}
		g.Go(func() error {
			late, err := r.judgeLate(ctx, r.Files[i], f.Deferred)
			if err != nil {
				return err
			}
			merged := *f // f may belong to the cache
			merged.Deferred = nil
			merged.add(late)
			r.results[i] = &merged
			return nil
		})
	}
	return g.Wait()
}

// redefine makes the definitions of files known whose judgement came from the cache.
func (r *run) redefine(ctx context.Context) error {
	for i, f := range r.results {
		if f == nil || !f.Defines || !r.Cache.served(i) {
			continue
		}
		file, err := r.Options.Source(r.Files[i])
		if err != nil {
			return &InputError{Path: r.Files[i], Err: err}
		}
		docs, _ := manifest.Read(file, r.Limits)
		for _, d := range docs {
			if isDefinition(d) {
				r.Judge.AddCRD(ctx, d.JSON)
			}
		}
	}
	return nil
}

// judgeLate judges the deferred documents of a file.
func (r *run) judgeLate(ctx context.Context, name string, deferred []docRef) (*fileResult, error) {
	docs, err := r.documents(name, deferred, false)
	if err != nil {
		return nil, err
	}
	out := &fileResult{}
	for _, ref := range deferred {
		d := docs[ref]
		if d == nil {
			return nil, fmt.Errorf("%s changed while it was being judged", name)
		}
		v := r.Judge.Create(ctx, gvkOf(d), d.JSON, namespaceOf(d))
		if unknown(v) && r.mayBeMissing(d) {
			out.Skipped++
			out.resource().fill(d, nil, PodTemplateOf(&unstructured.Unstructured{Object: d.Value()}), namespaceOf(d))
			continue
		}
		if err := r.report(d, v, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// mayBeMissing tells whether the user accepts a kind without a schema.
func (r *run) mayBeMissing(d *manifest.Document) bool {
	gvk := gvkOf(d)
	return External(r.IgnoreMissing).Matches(gvk.Kind, "", "") || External(r.IgnoreMissing).Matches(gvk.Group, "", gvk.Kind)
}

// clusterScoped tells whether the accepted object lives in no namespace. Objects that could not be
// decoded count as namespaced, as a client would send them.
func clusterScoped(v verdict.Verdict) bool { return v.ClusterScoped }

// judgeSet runs what looks at the set as a whole.
func (r *run) judgeSet(ctx context.Context, set *Set) ([]finding, error) {
	const share = 512 // objects that a worker takes at a time
	resources := set.All
	parts := make([][]lateFinding, (len(resources)+share-1)/share)
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(r.Jobs)
	for i := range parts {
		g.Go(func() (err error) {
			if group.Err() == nil {
				parts[i], err = r.judgeAmong(set, resources[i*share:min(len(resources), (i+1)*share)])
			}
			return cmp.Or(err, group.Err())
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return r.show(ctx, slices.Concat(parts...))
}

// judgeAmong judges some of the objects of a set.
func (r *run) judgeAmong(set *Set, resources []*Resource) (late []lateFinding, err error) {
	pass := &SetPass{Set: set}
	for _, res := range resources {
		gk := res.GroupKind()
		if first := set.Get(gk.Group, gk.Kind, res.Object.Namespace, res.Object.Name); first != nil && first != res {
			late = append(late, lateFinding{of: res, rule: ruleDuplicate, reason: "AlreadyExists", Finding: duplicate(first)})
		}
		for _, rule := range r.Rules.Rules {
			if rule.CheckSet == nil || !rule.applies(res.Object.Kind) {
				continue
			}
			pass.Rule, pass.Resource, pass.findings = rule, res, pass.findings[:0]
			if err := rule.CheckSet(pass); err != nil {
				return nil, fmt.Errorf("rule %s on %s: %w", rule.Name, res.Object, err)
			}
			for _, f := range pass.findings {
				late = append(late, lateFinding{of: res, rule: rule, Finding: f})
			}
		}
	}
	return late, nil
}

// lateFinding is a finding about an object whose document is not at hand any more.
type lateFinding struct {
	of     *Resource
	rule   *Rule
	reason string // of the server, for verdicts
	Finding
}

// duplicate says that an object is defined a second time.
func duplicate(first *Resource) Finding {
	return Finding{Path: "metadata.name", Message: fmt.Sprintf("%s is defined twice", first.Object),
		Detail:  "create refuses the second one, apply lets it replace the first: rename or remove one",
		Related: []RelatedPath{{Of: first, Path: "metadata.name", Message: "first defined here"}}}
}

// show gives findings of the set their places. Each file is read again at most twice, however many
// findings speak of it: once for the findings, once for the places that they relate to.
func (r *run) show(ctx context.Context, late []lateFinding) ([]finding, error) {
	shown := make([]finding, len(late))
	related := make([][]source.Range, len(late))
	var all places
	for i := range late {
		f := &late[i]
		all.add(f.of, func(d *manifest.Document) {
			shown[i] = finding{r.advise(f.rule, d, &f.Finding), d.Item}
			shown[i].Reason = f.reason
		})
		related[i] = make([]source.Range, len(f.Related))
		for j, rel := range f.Related {
			if rel.Of != nil {
				all.add(rel.Of, func(d *manifest.Document) { related[i][j] = valueRange(d.Find(rel.Path)) })
			}
		}
	}
	if err := all.visit(ctx, r); err != nil {
		return nil, err
	}
	for i := range late {
		for j, rel := range late[i].Related {
			if rel.Of != nil {
				shown[i].Related[j].Range = related[i][j]
			}
		}
	}
	return shown, nil
}

// places collects what is to be done with documents, by file.
type places map[string][]place

type place struct {
	of *Resource
	do func(*manifest.Document)
}

func (p *places) add(of *Resource, do func(*manifest.Document)) {
	if *p == nil {
		*p = places{}
	}
	(*p)[of.File] = append((*p)[of.File], place{of, do})
}

// visit reads each file once and does what is to be done with its documents.
func (p places) visit(ctx context.Context, r *run) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(r.Jobs)
	for name, list := range p {
		g.Go(func() error {
			wanted := make([]docRef, len(list))
			for i, pl := range list {
				wanted[i] = docRef{pl.of.Document, pl.of.Item}
			}
			docs, err := r.documents(name, wanted, true)
			if err != nil || ctx.Err() != nil {
				return cmp.Or(err, ctx.Err())
			}
			for i, pl := range list {
				d := docs[wanted[i]]
				if d == nil {
					return fmt.Errorf("%s changed while it was being judged", name)
				}
				pl.do(d)
			}
			return nil
		})
	}
	return g.Wait()
}

// docRef names a document, or an item of a List, in a file.
type docRef struct {
	Number int
	Item   string
}

// documents reads some documents of a file again; places tells whether theirs will be asked for.
func (r *run) documents(name string, wanted []docRef, places bool) (map[docRef]*manifest.Document, error) {
	file, err := r.Options.Source(name)
	if err != nil {
		return nil, &InputError{Path: name, Err: err}
	}
	out := make(map[docRef]*manifest.Document, len(wanted))
	for _, c := range manifest.Split(file) {
		if !slices.ContainsFunc(wanted, func(w docRef) bool { return w.Number == c.Number() }) {
			continue
		}
		if places {
			c.Locate()
		}
		docs, _ := c.Parse(r.Limits)
		for _, d := range docs {
			out[docRef{d.Number, d.Item}] = d
		}
	}
	return out, nil
}

// suppress takes out the findings that users have silenced, and reports suppressions that are
// wrong or stale.
func (r *run) suppress(all *fileResult) (kept []diag.Diagnostic, suppressed int) {
	byFile := map[string][]*suppression{}
	for _, s := range all.Suppressions {
		byFile[s.Range.File] = append(byFile[s.Range.File], s)
	}
	known := func(name string) bool {
		return slices.ContainsFunc(r.All, func(o *Rule) bool { return o.Name == name })
	}
	bad := map[*suppression]bool{}
	for _, s := range all.Suppressions {
		if d := s.problem(known, r.suggestRule); d != nil {
			bad[s] = true
			kept = append(kept, *d)
		}
	}
	for _, f := range all.Findings {
		silenced := false
		for _, s := range byFile[f.Range.File] {
			if !bad[s] && s.governs(&f.Diagnostic, f.Item) {
				s.used, silenced = true, true
			}
		}
		if silenced {
			suppressed++
			continue
		}
		kept = append(kept, f.Diagnostic)
	}
	for _, s := range all.Suppressions {
		if !bad[s] && !s.used && r.judged(s.Rule) {
			kept = append(kept, s.stale())
		}
	}
	return kept, suppressed
}

// judged tells whether a rule ran, so that a suppression of it can be called stale.
func (r *run) judged(rule string) bool {
	return slices.ContainsFunc(r.Rules.Rules, func(o *Rule) bool { return o.Name == rule })
}

func (r *run) suggestRule(name string) string {
	names := make([]string, len(r.All))
	for i, o := range r.All {
		names[i] = o.Name
	}
	return nearest(name, names)
}
