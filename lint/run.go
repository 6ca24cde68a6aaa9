package lint

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/diag"
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
	assumed  []string // namespaces that the dry run took to exist

	given    map[schema.GroupVersionKind]bool // kinds of Options.CRDs
	crds     []*givenCRD                      // definitions of Options.CRDs
	rejected []rejectedCRD                    // definitions of the set, once all are known
	defined  map[string][]string              // custom kinds whose definitions were read, by group
	aliases  aliases                          // of rules, in the tools of Options.Honor

	policyObjects []*Resource // of Options.PolicyFiles
	byKind        sync.Map    // the *kindRules of kinds
}

// finding is a diagnostic. They are large, and are therefore passed on by their addresses.
type finding = diag.Diagnostic

// fileResult is what the first pass keeps of a file.
type fileResult struct {
	Documents    int
	Findings     []*finding
	Resources    []*Resource
	Suppressions []*suppression
	Deferred     []docRef // documents of kinds that may be custom, not judged yet
	// Skipped counts the documents that stay unjudged, because their kind may be missing, by kind.
	Skipped  map[string]int
	Defines  bool // holds CustomResourceDefinitions
	Rejected []rejectedCRD

	room    []Resource    // for the next of the Resources
	scratch []ruleFinding // for what the rules find in one document
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

// found adds findings. They share the memory of the slice.
func (f *fileResult) found(all ...diag.Diagnostic) { f.Findings = addresses(f.Findings, all) }

// addresses adds the addresses of findings to others.
func addresses(to []*finding, all []diag.Diagnostic) []*finding {
	to = slices.Grow(to, len(all))
	for i := range all {
		to = append(to, &all[i])
	}
	return to
}

// add appends what a later part of the same file gave.
func (f *fileResult) add(o *fileResult) {
	f.Documents += o.Documents
	f.Findings = append(f.Findings, o.Findings...)
	f.Resources = append(f.Resources, o.Resources...)
	f.Suppressions = append(f.Suppressions, o.Suppressions...)
	f.Deferred = append(f.Deferred, o.Deferred...)
	f.Skipped = addCounts(f.Skipped, o.Skipped)
	f.Defines = f.Defines || o.Defines
	f.Rejected = append(f.Rejected, o.Rejected...)
}

// addCounts adds counts to others, which may be nil.
func addCounts(to, from map[string]int) map[string]int {
	if to == nil && len(from) > 0 {
		to = map[string]int{}
	}
	for kind, n := range from {
		to[kind] += n
	}
	return to
}

func newRun(o Options) (*run, error) {
	r := &run{Options: o, results: make([]*fileResult, len(o.Files))}
	if len(o.Honor) > 0 {
		r.aliases = aliasesOf(o.All, o.Honor)
	}
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
	if err := r.define(ctx); err != nil {
		return nil, err
	}
	all := &fileResult{}
	if err := r.definePolicies(ctx, all); err != nil {
		return nil, err
	}
	if err := r.judgeFiles(ctx); err != nil {
		return nil, err
	}
	if err := r.judgeDeferred(ctx); err != nil {
		return nil, err
	}
	res := &Result{Versions: r.Versions}
	all.add(r.foundInCRDs())
	for _, f := range r.results {
		if f == nil {
			continue
		}
		res.Summary.Files++
		res.Summary.Documents += f.Documents
		res.Summary.SkippedKinds = addCounts(res.Summary.SkippedKinds, f.Skipped)
		for _, n := range f.Skipped {
			res.Summary.Skipped += n
		}
		all.add(&fileResult{Findings: f.Findings, Suppressions: f.Suppressions, Resources: f.Resources})
		if r.Cache == nil {
			f.Findings = nil // they are in all
		}
	}
	set := NewSet(all.Resources, r.External)
	void := func(f *finding) bool { return r.voided(set, f) || replaced(set, f) }
	all.Findings = slices.DeleteFunc(all.Findings, void)
	if err := r.enforce(ctx, set); err != nil {
		return nil, err
	}
	late, err := r.judgeSet(ctx, set)
	if err != nil {
		return nil, err
	}
	all.Findings = append(all.Findings, late...)
	late, err = r.judgePolicies(ctx, set)
	if err != nil {
		return nil, err
	}
	all.Findings = append(all.Findings, late...)
	late, err = r.judgeByCreating(ctx, set, all.Findings)
	if err != nil {
		return nil, err
	}
	all.Findings = dropDerived(append(all.Findings, late...))
	kept, suppressed := r.suppress(all)
	foreign, err := r.foreignSuppressions(ctx, all)
	if err != nil {
		return nil, err
	}
	kept = append(kept, foreign...)
	res.Diagnostics, res.Summary.Suppressed = ordered(kept), suppressed
	res.Problems, res.Assumed = r.problems, r.assumed
	res.Count()
	if res.Summary.Documents == 0 && len(res.Diagnostics) == 0 {
		return res, ErrNoDocuments
	}
	r.Cache.save(r, res)
	return res, nil
}
