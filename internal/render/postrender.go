package render

import (
	"path/filepath"

	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// postRenderer changes what a chart of a HelmRelease renders to.
type postRenderer struct {
	Kustomize *struct {
		Patches []types.Patch
		Images  []types.Image
	}
}

// postRender applies the post-renderers of a HelmRelease to the rendering, in their order.
func (r *Rendering) postRender() {
	for _, p := range r.Source.postRenderers {
		if p.Kustomize == nil || len(r.Text) == 0 {
			continue
		}
		fields := map[string]any{"resources": []string{"rendered.yaml"}}
		addTo(fields, "patches", p.Kustomize.Patches)
		addTo(fields, "images", p.Kustomize.Images)
		kustomization, err := yaml.Marshal(fields)
		if err != nil {
			continue
		}
		fs := filesys.MakeFsInMemory()
		for name, data := range map[string][]byte{"kustomization.yaml": kustomization, "rendered.yaml": r.Text} {
			if err = fs.WriteFile(filepath.Join("/r", name), data); err != nil {
				break
			}
		}
		text := r.Text
		if err == nil {
			text, err = build(fs, "/r", types.LoadRestrictionsRootOnly)
		}
		if err != nil {
			r.failed("source", "a post-renderer fails: "+plainIDs(oneLine(err.Error())), "", r.postRendererPlace())
			return
		}
		before, _ := manifest.Read(source.NewFile(r.Name, r.Text), manifest.DefaultLimits)
		r.places = &postPlaces{rendering: r, inner: r.places, before: before}
		r.Text = text
	}
}

// postRendererPlace returns where the HelmRelease has its post-renderers.
func (r *Rendering) postRendererPlace() source.Range {
	return r.Source.object.Find("spec.postRenderers").Key
}

// postPlaces finds places in what post-renderers have changed: a field that has the value of before is where it was,
// any other comes from the HelmRelease.
type postPlaces struct {
	rendering *Rendering
	inner     placer
	before    []*manifest.Document
}

func (p *postPlaces) place(doc *manifest.Document, path string, at source.Range) (source.Range, bool) {
	for _, d := range p.before {
		if d.Object != doc.Object {
			continue
		}
		was, is := d.Find(path), doc.Find(path)
		if was.Exact && is.Exact && was.Node != nil && is.Node != nil && was.Node.Text == is.Node.Text {
			r := was.Value
			if at == is.Key {
				r = was.Key
			}
			return p.inner.place(d, path, r)
		}
		if !is.Exact { // what is not there was not there before either
			return p.inner.place(d, path, was.Key)
		}
		break
	}
	return p.rendering.postRendererPlace(), true
}
