package app

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// findInputs finds the sources below paths, and the manifests that belong to none. Files that hold no API objects
// are counted.
func (w *Workspace) findInputs(paths, exclude []string) {
	onDisk := slices.DeleteFunc(
		slices.Clone(paths), func(name string) bool { return name != source.Stdin && w.IsStdin(name) },
	)
	found := lint.FindInputs(onDisk, exclude)
	files, problems := found.Files, found.Problems
	if len(onDisk) < len(paths) {
		files = append(files, w.stdinName)
	}
	w.Problems = problems
	git := newIgnored(paths)
	skip := func(name string) bool { return lint.Excluded(exclude, name) || git.match(name) }
	files = slices.DeleteFunc(files, func(name string) bool {
		return name != source.Stdin && git.match(name)
	})
	w.Hidden = slices.DeleteFunc(found.Hidden, git.match)
	files = slices.DeleteFunc(files, func(name string) bool {
		folder := othersFolder(name, paths)
		if folder != "" && !slices.Contains(w.Unsearched, folder) {
			w.Unsearched = append(w.Unsearched, folder)
		}
		return folder != ""
	})
	tree := render.DiscoverIn(w.readSource, slices.Concat(paths, files), skip, Clusters(w.Config)...)
	AddVariants(w.Config, tree.Sources, w.rebase)
	w.owns, w.Sources, w.Elsewhere, w.Findings = tree.Owns, tree.Sources, len(tree.Elsewhere), tree.Findings
	w.setForOthers = tree.SetForOthers
	for _, s := range tree.Elsewhere {
		w.External = append(w.External, s.MayCreate()...) // others may refer to it
	}
	slices.Sort(w.External)
	w.External = slices.Compact(w.External)
	for _, name := range files {
		if name != source.Stdin {
			data, err := w.Read(name)
			if bytes.Contains(data, []byte("yaml-language-server")) {
				w.schemaLines = append(w.schemaLines, name)
			}
			if tree.Owns(name) {
				continue
			}
			if k := classify(data); err == nil && w.foreign(k, slices.Contains(paths, name)) {
				if k == toolFile && isComponents(name, data) {
					w.Components = append(w.Components, name)
					continue
				}
				w.Foreign++
				if bytes.Contains(data, []byte("kustomize.config.k8s.io/")) {
					w.Findings = append(w.Findings, render.CheckKustomization(source.NewFile(name, data))...)
				}
				continue
			}
			if !slices.Contains(paths, name) && tree.Unused(name) {
				w.Unused++
				continue
			}
		}
		w.Inputs = append(w.Inputs, name)
	}
}

// foreign reports whether a file of a kind is passed over. One that was named is judged, unless it is a tool's, or
// the names come from a program that knows no better.
func (w *Workspace) foreign(k fileKind, named bool) bool {
	return k == toolFile || k == otherFile && (!named || w.AnyFiles)
}

// runSources lints each variant of each source as a set of its own, and the manifests that belong to none as one.
func (j *LintJob) runSources(ctx context.Context) (*lint.Result, error) {
	if len(j.workspace.Sources)+len(j.workspace.Findings)+len(j.workspace.Components) == 0 {
		if j.base != nil {
			j.Options.Base, _ = j.base.match(j.Options.Files, nil)
		}
		res, err := j.runLoose(ctx, j.Options)
		if err == nil && j.base != nil {
			j.base.locate(res.Diagnostics)
		}
		if err == nil {
			demoteAmbiguous(res)
			res.Diagnostics = slices.DeleteFunc(res.Diagnostics, elsewhere)
			j.workspace.demoteAlternatives(res)
		}
		return res, err
	}
	renderings := j.render(ctx)
	objects, definitions := contentsOf(renderings)
	external := slices.Concat(j.Options.External, objects)
	definitions.addFiles(j.workspace.Files, j.Options.Files)
	j.useDefinitions(ctx, definitions)
	bases := make([]*lint.Base, len(renderings))
	if j.base != nil {
		j.Options.Base, bases = j.base.match(j.Options.Files, renderings)
	}
	results := make([]*lint.Result, len(renderings)+1)
	g, each := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, r := range renderings {
		g.Go(func() (err error) {
			results[i], err = j.runRendering(each, r, bases[i], external)
			return err
		})
	}
	g.Go(func() error {
		o := j.Options
		o.External = external
		o.Settings = slices.Concat(o.Settings, definitions.settings())
		res, err := j.runLoose(each, o)
		if errors.Is(err, lint.ErrNoDocuments) {
			res, err = &lint.Result{Problems: problemsOf(res)}, nil
		}
		if err == nil && j.base != nil {
			j.base.locate(res.Diagnostics)
		}
		if err == nil {
			demoteAmbiguous(res)
			res.Diagnostics = slices.DeleteFunc(res.Diagnostics, elsewhere)
			j.workspace.demoteAlternatives(res)
		}
		results[len(renderings)] = res
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	beside := func(res *lint.Result) {
		renderings = append(renderings, &render.Rendering{Source: &render.Source{}})
		results = slices.Insert(results, len(renderings)-1, res)
	}
	if len(j.workspace.Findings) > 0 {
		beside(&lint.Result{Diagnostics: j.workspace.Findings})
	}
	if len(j.workspace.Components) > 0 {
		res, err := j.runComponents(ctx)
		if err != nil {
			return nil, err
		}
		beside(res)
	}
	return merge(renderings, results, firstNonEmpty(j.Options.Versions, []string{schema.Minor(j.Options.Linked)}))
}

// render renders all variants of all sources.
func (j *LintJob) render(ctx context.Context) []*render.Rendering {
	o := j.workspace.Charts
	o.KubernetesVersion = j.version()
	if len(j.workspace.Sources) > 0 {
		o.Served = servedBy(o.KubernetesVersion)
	}
	return renderAll(ctx, j.workspace.Sources, o)
}

// renderAll renders all variants of sources, in parallel.
func renderAll(ctx context.Context, sources []*render.Source, o render.Options) (renderings []*render.Rendering) {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, s := range sources {
		for _, v := range s.For(o) {
			r := &render.Rendering{Source: s, Variant: v, Name: s.Path}
			renderings = append(renderings, r)
			g.Go(func() error {
				if ctx.Err() == nil {
					*r = *s.Render(v, o)
				}
				return nil
			})
		}
	}
	_ = g.Wait() // nothing fails
	return renderings
}

// servedBy returns the API versions and kinds of a Kubernetes version, as charts ask for them.
func servedBy(version string) (served []string) {
	s, err := schema.Open(version)
	if err != nil {
		return nil
	}
	seen := map[string]bool{}
	for _, k := range s.Kinds() {
		group := k.GVK.GroupVersion().String()
		if !seen[group] {
			seen[group] = true
			served = append(served, group)
		}
		served = append(served, group+"/"+k.GVK.Kind)
	}
	return served
}

// version returns the Kubernetes version that charts see: the last target.
func (j *LintJob) version() string {
	if n := len(j.Options.Versions); n > 0 {
		return j.Options.Versions[n-1]
	}
	return schema.Minor(j.Options.Linked)
}

// contentsOf lists the objects of renderings as external ones, and their definitions: what one source refers to or
// uses, another may bring.
func contentsOf(renderings []*render.Rendering) (objects []string, definitions *treeDefinitions) {
	seen := map[string]bool{}
	definitions = newTreeDefinitions()
	names, defined := make([][]string, len(renderings)), make([][]treeDefinition, len(renderings))
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i, r := range renderings {
		g.Go(func() error {
			docs, _ := manifest.Read(source.NewFile(r.Name, r.Text), manifest.DefaultLimits)
			for _, d := range docs {
				if o := d.Object; o.Kind != "" && o.Name != "" {
					names[i] = append(names[i], o.Kind+"/"+o.Name)
				}
			}
			defined[i] = readDefinitions(definitionsAmong(docs), r.Source.Path)
			return nil
		})
	}
	_ = g.Wait() // nothing fails
	for i := range renderings {
		for _, name := range names[i] {
			seen[name] = true
		}
		definitions.add(defined[i])
	}
	return slices.Sorted(maps.Keys(seen)), definitions
}

// runRendering lints a rendering, as a change of base. Findings are about the source.
func (j *LintJob) runRendering(
	ctx context.Context, r *render.Rendering, base *lint.Base, external []string,
) (*lint.Result, error) {
	o := j.Options
	o.Files, o.Cache, o.Progress, o.External, o.Base = []string{r.Name}, nil, nil, external, base
	read := o.Read
	o.Read = func(name string) ([]byte, error) {
		if name == r.Name {
			return r.Text, nil
		}
		return read(name)
	}
	res := &lint.Result{}
	if len(r.Text) > 0 {
		var err error
		if res, err = j.runSet(ctx, o); errors.Is(err, lint.ErrNoDocuments) {
			res = &lint.Result{}
		} else if err != nil {
			return nil, err
		}
		rendered := source.NewFile(r.Name, r.Text)
		dropPlaceholders(res, rendered)
		j.workspace.demoteTokens(res, false)
		j.workspace.demoteUnset(res, r)
		// The source does not hold the values of rendered Secrets where a report would look for them.
		secrets := redact.New()
		secrets.AddFile(rendered)
		j.secrets.addFile(rendered)
		res.Diagnostics = secrets.Diagnostics(res.Diagnostics)
		res.Diagnostics = slices.DeleteFunc(r.Locate(res.Diagnostics), j.addedNamespace)
		if j.base != nil {
			j.base.locate(res.Diagnostics)
			j.base.addSecrets(secrets)
		}
		if r.Source.Kind == render.Kustomization {
			j.workspace.demoteCompleted(res)
		}
		j.dropSecretPlaces(res.Diagnostics, secrets)
	}
	res.Diagnostics = append(res.Diagnostics, r.Findings...)
	return res, nil
}

// addedNamespace reports whether a finding is about a namespace that a renderer added to an object that lives in none,
// which the server ignores and nobody wrote.
func (j *LintJob) addedNamespace(d diag.Diagnostic) bool {
	if d.Rule != "namespace-scope" || d.Severity != diag.Warning {
		return false
	}
	if render.IsKustomization(d.Range.File) {
		return true // its namespace is that of all resources, whichever have one
	}
	line := j.workspace.lineOf(&d)
	return line != "" && !strings.Contains(line, "namespace")
}

// dropSecretPlaces takes places out of findings that would show the value of a rendered Secret, such as that in a
// values file: the finding then stands where the template passes the value on.
func (j *LintJob) dropSecretPlaces(findings []diag.Diagnostic, secrets *redact.Redactor) {
	for i := range findings {
		d := &findings[i]
		d.Related = slices.DeleteFunc(d.Related, func(related diag.Related) bool {
			return j.showsSecret(related.Range, secrets)
		})
		if len(d.Related) > 0 && j.showsSecret(d.Range, secrets) {
			d.Range, d.Related, d.Fixes = d.Related[0].Range, d.Related[1:], nil
		}
	}
}

// showsSecret reports whether the lines of a place hold the value of a Secret.
func (j *LintJob) showsSecret(r source.Range, secrets *redact.Redactor) bool {
	f, err := j.workspace.Source(r.File)
	if err != nil {
		return false // nothing of it can be shown
	}
	for line := max(1, r.Start.Line); line <= min(r.End.Line, f.Lines()); line++ {
		if secrets.Holds(f.Line(line)) {
			return true
		}
	}
	return false
}

// problemsOf returns the inputs of a run that could not be read, if it got that far.
func problemsOf(res *lint.Result) []error {
	if res == nil {
		return nil
	}
	return res.Problems
}

// merge joins the results of sets. What several variants of a source have in common is one finding.
func merge(renderings []*render.Rendering, results []*lint.Result, versions []string) (*lint.Result, error) {
	all := &lint.Result{}
	type key struct {
		rule, path, message string
		at                  source.Range
	}
	known := map[key]int{}
	found := false
	for i, res := range results {
		if res == nil {
			continue
		}
		found = true
		all.Versions = firstNonEmpty(res.Versions, all.Versions)
		all.Problems = append(all.Problems, res.Problems...)
		addSummary(&all.Summary, res.Summary)
		variant := ""
		if i < len(renderings) && len(renderings[i].Source.Variants) > 1 {
			variant = variantName(renderings[i])
		}
		for _, d := range res.Diagnostics {
			k := key{d.Rule, d.Path, d.Message, d.Range}
			if at, ok := known[k]; ok && i < len(renderings) {
				if variant != "" && !slices.Contains(all.Diagnostics[at].Variants, variant) {
					all.Diagnostics[at].Variants = append(all.Diagnostics[at].Variants, variant)
				}
				continue
			}
			if variant != "" {
				d.Variants = []string{variant}
			}
			known[k] = len(all.Diagnostics)
			all.Diagnostics = append(all.Diagnostics, d)
		}
	}
	if !found {
		return nil, lint.ErrNoDocuments
	}
	if len(all.Versions) == 0 {
		all.Versions = versions
	}
	all.Count()
	diag.Sort(all.Diagnostics)
	return all, nil
}

func variantName(r *render.Rendering) string {
	if r.Variant.Name == "" {
		return "default values"
	}
	return r.Variant.Name
}

// elsewhere reports whether a finding is of an object that has the same name as one in another folder, as those of
// environments and examples have.
func elsewhere(d diag.Diagnostic) bool {
	return d.Rule == "object-duplicate" && slices.ContainsFunc(d.Related, func(r diag.Related) bool {
		return filepath.Dir(r.Range.File) != filepath.Dir(d.Range.File)
	})
}

func addSummary(to *lint.Summary, from lint.Summary) {
	to.Files += from.Files
	to.Documents += from.Documents
	to.Suppressed += from.Suppressed
	to.Skipped += from.Skipped
	for kind, n := range from.SkippedKinds {
		if to.SkippedKinds == nil {
			to.SkippedKinds = map[string]int{}
		}
		to.SkippedKinds[kind] += n
	}
}
