package app

import (
	"cmp"
	"context"
	"crypto/sha256"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/diag"
	conversion "github.com/seatrial/seatrial/internal/convert"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

// judged is what is known of the objects of a text.
type judged struct {
	sum     [sha256.Size]byte
	objects []*lint.Resource
}

// Objects returns the set of the API objects in the files of the folder, also of those that a kustomization uses; what
// charts render to is not part of it. Files that have not changed since the last set are not judged again.
func (f *Folder) Objects(ctx context.Context) (*lint.Set, error) {
	f.asked.Lock()
	defer f.asked.Unlock()
	if f.set != nil {
		return f.set, nil
	}
	names := slices.Clone(f.Inputs)
	for _, name := range manifestsIn(f.name, nil) {
		if !slices.Contains(names, name) && !f.inChart(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	var all []*lint.Resource
	for _, name := range names {
		data, err := f.Read(name)
		if err != nil {
			continue // lint reports it
		}
		objects, err := f.of.objectsOf(ctx, f, name, data)
		if err != nil {
			return nil, err
		}
		all = append(all, objects...)
	}
	f.set = lint.NewSet(all, nil)
	return f.set, nil
}

// inChart reports whether a file is part of a chart.
func (f *Folder) inChart(name string) bool {
	for _, s := range f.Sources {
		if _, in := below(s.Path, name); in && s.Kind == render.Chart {
			return true
		}
	}
	return false
}

// objectsOf judges the objects of a text, or returns what is known of the same text.
func (f *Folders) objectsOf(ctx context.Context, folder *Folder, name string, data []byte) ([]*lint.Resource, error) {
	sum := sha256.Sum256(data)
	f.mu.Lock()
	known, ok := f.objects[name]
	f.mu.Unlock()
	if ok && known.sum == sum {
		return known.objects, nil
	}
	v, err := folder.judge()
	if err != nil {
		return nil, err
	}
	docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	known = judged{sum: sum}
	for _, d := range docs {
		if d.Object.Kind != "" {
			known.objects = append(known.objects, resourceOf(ctx, v, d))
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.objects == nil {
		f.objects = map[string]judged{}
	}
	f.objects[name] = known
	return known.objects, nil
}

// Object returns what is known of a document that is being written.
func (f *Folder) Object(ctx context.Context, d *manifest.Document) (*lint.Resource, error) {
	f.asked.Lock()
	defer f.asked.Unlock()
	v, err := f.judge()
	if err != nil {
		return nil, err
	}
	return resourceOf(ctx, v, d), nil
}

// Stored returns a document as the server would store it, with defaults; nil if it cannot be decoded.
func (f *Folder) Stored(ctx context.Context, d *manifest.Document) (map[string]any, error) {
	f.asked.Lock()
	defer f.asked.Unlock()
	v, err := f.judge()
	if err != nil {
		return nil, err
	}
	return lint.Stored(d, create(ctx, v, d.Object, d.JSON)), nil
}

// Convert returns a document as text in another API version, which the server would accept.
func (f *Folder) Convert(ctx context.Context, d *manifest.Document, apiVersion string) (string, error) {
	return conversion.To(ctx, d, apiVersion)
}

// Variants returns in how many ways the sources that a file is a part of are rendered.
func (f *Folder) Variants(name string) (n int) {
	for _, s := range f.Sources {
		if _, in := below(s.Path, name); in && s.Kind == render.Chart || slices.Contains(s.Inputs, name) {
			n += len(s.Variants)
		}
	}
	return n
}

// judge returns the validator of the folder.
func (f *Folder) judge() (v *validation.Validator, err error) {
	if f.judges == nil {
		f.judges, err = f.validator()
	}
	return f.judges, err
}

func resourceOf(ctx context.Context, v *validation.Validator, d *manifest.Document) *lint.Resource {
	return lint.ResourceOf(d, create(ctx, v, d.Object, d.JSON))
}

// create judges an object as lint does, in the default namespace if it names none.
func create(ctx context.Context, v *validation.Validator, o diag.Object, doc []byte) verdict.Verdict {
	return v.Create(ctx, gvkOf(o.APIVersion, o.Kind), doc, cmp.Or(o.Namespace, metav1.NamespaceDefault))
}
