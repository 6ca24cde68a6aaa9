package lint

import (
	"cmp"
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"github.com/seatrial/seatrial/source"
)

// show returns findings of the set their places. Each file is read again at most twice, however many
// findings speak of it: once for the findings, once for the places that they relate to.
func (r *run) show(ctx context.Context, late []lateFinding) ([]*finding, error) {
	shown := make([]finding, len(late))
	related := make([][]source.Range, len(late))
	var all places
	for i := range late {
		f := &late[i]
		all.add(f.of, func(a *adviser) {
			a.advise(&shown[i], f.rule, &f.Finding)
			shown[i].Reason = f.reason
		})
		related[i] = make([]source.Range, len(f.Related))
		for j, rel := range f.Related {
			if rel.Of != nil {
				all.add(rel.Of, func(a *adviser) { related[i][j] = valueRange(a.document.Find(rel.Path)) })
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
	return addresses(nil, shown), nil
}

// places collects what is to be done with documents, by file.
type places map[string][]place

type place struct {
	of *Resource
	do func(*adviser)
}

func (p *places) add(of *Resource, do func(*adviser)) {
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
			var a *adviser
			for i, pl := range list {
				d := docs[wanted[i]]
				if d == nil {
					return fmt.Errorf("%s changed while it was being judged", name)
				}
				if a == nil || a.document != d {
					a = r.adviserOf(d)
				}
				pl.do(a)
			}
			return nil
		})
	}
	return g.Wait()
}
