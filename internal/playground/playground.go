// Package playground judges, explains and converts what is written in a page of a browser, in that page.
//
// The central type is [Playground]: its Open serves a language server that knows no files, only the texts that are
// open.
//
//	p := playground.New()
//	server := &lsp.Server{Open: p.Open}
package playground

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/convert"
	"github.com/seatrial/seatrial/internal/kubernetes"
	"github.com/seatrial/seatrial/internal/lsp"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

// Playground judges texts in memory. It is safe for concurrent use.
type Playground struct {
	selection *lint.Selection
	all       []*lint.Rule
	cache     *lint.Cache
	made      *validation.Definitions
	running   sync.Mutex // one run at a time may use the cache
}

// New returns a playground with all rules of the default selection.
func New() (*Playground, error) {
	all := slices.Concat(lint.OwnRules, rules.All())
	selection, err := lint.Select(all, "", nil)
	if err != nil {
		return nil, err
	}
	return &Playground{
		selection: selection, all: all, cache: lint.NewMemoryCache(), made: &validation.Definitions{},
	}, nil
}

// Open takes a snapshot of a text, for a language server.
func (p *Playground) Open(name string, overlay map[string][]byte, settings lsp.Settings) (lsp.Snapshot, error) {
	version := settings.KubernetesVersion
	if !slices.Contains(schema.Versions(), version) {
		version = schema.Latest
	}
	v, err := validation.New()
	if err != nil {
		return nil, err
	}
	v.KeepDefinitions(p.made)
	return &text{playground: p, name: name, data: overlay[name], version: version, validator: v}, nil
}

// text is a text at a moment. It implements lsp.Snapshot.
type text struct {
	playground *Playground
	name       string
	data       []byte
	version    string
	validator  *validation.Validator
	asked      sync.Mutex // one question about objects at a time
	set        *lint.Set
}

// Lint lints the text as one set.
func (t *text) Lint(ctx context.Context) ([]diag.Diagnostic, error) {
	v, err := validation.New()
	if err != nil {
		return nil, err
	}
	v.KeepDefinitions(t.playground.made)
	t.playground.running.Lock()
	defer t.playground.running.Unlock()
	res, err := lint.Run(ctx, lint.Options{
		Files: []string{t.name}, Read: func(string) ([]byte, error) { return t.data, nil }, Validator: v,
		Linked: schema.Minor(kubernetes.Version()), Versions: []string{t.version}, Rules: t.playground.selection,
		All: t.playground.all, Cache: t.playground.cache, Jobs: 1,
	})
	if errors.Is(err, lint.ErrNoDocuments) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return res.Diagnostics, nil
}

// Store returns the kinds of the version, with those that the text defines.
func (t *text) Store() (*schema.Store, error) {
	store, err := schema.Open(t.version)
	if err != nil || !bytes.Contains(t.data, []byte("CustomResourceDefinition")) {
		return store, err
	}
	var definitions [][]byte
	for _, d := range t.documents() {
		if d.Object.Kind == "CustomResourceDefinition" {
			definitions = append(definitions, d.JSON)
		}
	}
	if with, err := store.With(definitions...); err == nil {
		store = with // lint reports a definition that is wrong
	}
	return store, nil
}

func (t *text) documents() []*manifest.Document {
	docs, _ := manifest.Read(source.NewFile(t.name, t.data), manifest.DefaultLimits)
	return docs
}

// Objects returns the objects of the text.
func (t *text) Objects(ctx context.Context) (*lint.Set, error) {
	t.asked.Lock()
	defer t.asked.Unlock()
	if t.set != nil {
		return t.set, nil
	}
	var all []*lint.Resource
	for _, d := range t.documents() {
		if d.Object.Kind != "" {
			all = append(all, t.resource(ctx, d))
		}
	}
	t.set = lint.NewSet(all, nil)
	return t.set, nil
}

// Object returns what is known of a document that is being written.
func (t *text) Object(ctx context.Context, d *manifest.Document) (*lint.Resource, error) {
	t.asked.Lock()
	defer t.asked.Unlock()
	return t.resource(ctx, d), nil
}

// Stored returns a document as the server would store it, with defaults; nil if it cannot be decoded.
func (t *text) Stored(ctx context.Context, d *manifest.Document) (map[string]any, error) {
	t.asked.Lock()
	defer t.asked.Unlock()
	return lint.Stored(d, t.create(ctx, d)), nil
}

// Convert returns a document as text in another API version.
func (t *text) Convert(ctx context.Context, d *manifest.Document, apiVersion string) (string, error) {
	return convert.To(ctx, d, apiVersion)
}

// Variants returns 0: a page knows no charts.
func (t *text) Variants(string) int { return 0 }

// Renderings returns none.
func (t *text) Renderings(context.Context, string) ([]lsp.Rendering, error) { return nil, nil }

func (t *text) resource(ctx context.Context, d *manifest.Document) *lint.Resource {
	return lint.ResourceOf(d, t.create(ctx, d))
}

func (t *text) create(ctx context.Context, d *manifest.Document) verdict.Verdict {
	o := d.Object
	gvk := k8sschema.FromAPIVersionAndKind(o.APIVersion, o.Kind)
	return t.validator.Create(ctx, gvk, d.JSON, cmp.Or(o.Namespace, metav1.NamespaceDefault))
}

// Rendered returns true: what is written in the page is judged, also if it names no API version.
func (t *text) Rendered(string) bool { return true }

// Convert writes the documents of a text in another form, yaml or json, and in the API versions that a Kubernetes
// version serves. What cannot be converted, or is refused after it, is an error beside the documents that are
// converted.
func Convert(text, form, version string) (string, error) {
	i := slices.IndexFunc(convert.Forms, func(f convert.Form) bool { return f.Name == form })
	if i < 0 {
		return "", fmt.Errorf("unknown form %q: want yaml or json", form)
	}
	store, err := schema.Open(version)
	if err != nil {
		return "", err
	}
	docs, findings := manifest.Read(source.NewFile("manifest", []byte(text)), manifest.DefaultLimits)
	var problems []error
	for _, f := range findings {
		problems = append(problems, fmt.Errorf("line %d: %s", f.Range.Start.Line, f.Message))
	}
	if len(problems) > 0 {
		return "", errors.Join(problems...)
	}
	var out bytes.Buffer
	for _, d := range docs {
		value, moved, err := convert.Target{Store: store}.Convert(d)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		if err := convert.Forms[i].Write(&out, value, d); err != nil {
			return "", fmt.Errorf("writing %s: %w", d.Object, err)
		}
		if moved {
			for _, refused := range convert.Judge(context.Background(), d, value) {
				problems = append(problems, refused)
			}
		}
	}
	return out.String(), errors.Join(problems...)
}
