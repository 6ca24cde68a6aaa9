package lint

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
)

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
		if f == nil {
			continue
		}
		r.rejected = append(r.rejected, f.Rejected...)
		for _, res := range f.Resources {
			if res.Object.Kind == "Namespace" && res.Object.APIVersion == "v1" {
				r.Validator.AddNamespace(res.Object.Name, res.Labels)
			}
		}
	}
	r.defined = r.definedKinds()
	r.Validator.UseCatalogue(func(group, kind string) bool {
		return slices.ContainsFunc(
			r.rejections(), func(c rejectedCRD) bool { return c.Group == group && c.Kind == kind },
		)
	})
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

// redefine makes the definitions of files known whose judgement came from the cache. If a kind is defined twice, all
// are added again in the order of the files, so that the last one holds whichever was judged first.
func (r *run) redefine(ctx context.Context) error {
	twice := r.definesTwice()
	for i, f := range r.results {
		if f == nil || !f.Defines || !twice && !r.Cache.served(i) {
			continue
		}
		file, err := r.Options.Source(r.Files[i])
		if err != nil {
			return &InputError{Path: r.Files[i], Err: err}
		}
		docs, _ := manifest.Read(file, r.Limits)
		for _, d := range docs {
			if isDefinition(d) {
				r.Validator.AddCRD(ctx, d.JSON)
			}
		}
	}
	return nil
}

// definesTwice reports whether the set has two definitions of one name.
func (r *run) definesTwice() bool {
	seen := map[string]bool{}
	for _, f := range r.results {
		if f == nil || !f.Defines {
			continue
		}
		for _, res := range f.Resources {
			if res.Object.Kind != "CustomResourceDefinition" {
				continue
			}
			if seen[res.Object.Name] {
				return true
			}
			seen[res.Object.Name] = true
		}
	}
	return false
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
		v := r.Validator.Create(ctx, gvkOf(d), d.JSON, namespaceOf(d))
		if unknown(v) && r.mayBeMissing(d) {
			out.Skipped = addCounts(out.Skipped, map[string]int{gvkOf(d).GroupKind().String(): 1})
			if err := r.adviseUnjudged(d, out); err != nil {
				return nil, err
			}
			continue
		}
		if err := r.report(ctx, d, v, out); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// mayBeMissing reports whether a kind is accepted without a schema: the user says so, or it is somebody else's and
// nothing that was read defines the kind in another version, or one that is spelt like it.
func (r *run) mayBeMissing(d *manifest.Document) bool {
	gvk := gvkOf(d)
	if gvk.Group == "" || schema.IsBuiltinGroup(gvk.Group) {
		return false // all schemas of Kubernetes' own groups are known: the kind is gone, or was never there
	}
	if !r.StrictKinds && r.foreign(gvk) {
		return true
	}
	return External(r.IgnoreMissing).Matches(gvk.Kind, "", "") ||
		External(r.IgnoreMissing).Matches(gvk.Group, "", gvk.Kind)
}

// foreign reports whether a kind is neither Kubernetes' own, or meant to be, nor one that was read or is in the
// catalogue, or meant to be.
func (r *run) foreign(gvk schema.GVK) bool {
	if !strings.Contains(gvk.Group, ".") || schema.LikeBuiltinGroup(gvk.Group) ||
		nearest(gvk.Kind, r.defined[gvk.Group]) != "" {
		return false
	}
	_, meant := r.Validator.Meant(gvk.Group, gvk.Kind)
	return meant == ""
}

// definedKinds returns the kinds of the definitions that were read, accepted or not, by group.
func (r *run) definedKinds() map[string][]string {
	kinds := map[string][]string{}
	for _, k := range r.Validator.Custom() {
		kinds[k.GVK.Group] = append(kinds[k.GVK.Group], k.GVK.Kind)
	}
	for _, c := range r.rejections() {
		kinds[c.Group] = append(kinds[c.Group], c.Kind)
	}
	return kinds
}
