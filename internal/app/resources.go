package app

import (
	"context"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation"
)

// Resources returns the objects of manifests as a set, and the document of each.
func Resources(ctx context.Context, manifests []*Manifest) (*lint.Set, map[*lint.Resource]*manifest.Document, error) {
	v, err := validation.New()
	if err != nil {
		return nil, nil, err
	}
	var all []*lint.Resource
	documents := map[*lint.Resource]*manifest.Document{}
	for _, m := range manifests {
		for _, d := range m.Documents {
			if d.Object.Kind == "" || d.Object.APIVersion == "" {
				continue
			}
			r := resourceOf(ctx, v, d)
			all = append(all, r)
			documents[r] = d
		}
	}
	return lint.NewSet(all, nil), documents, nil
}
