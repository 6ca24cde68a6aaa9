package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

// reviewSide is one side of a review: the files below a folder.
type reviewSide struct {
	revision   review.Revision
	root       string // absolute, without links
	paths      []string
	configRoot string // of the side whose configuration holds for both
	workspace  *Workspace
	job        *LintJob
	units      []*unit
	byKey      map[string]*unit

	judge    sync.Once
	judging  *validation.Validator
	judgeErr error

	definitions []*manifest.Document // of custom resources, of the units that differ
	objects     []string             // of the units that differ, as external ones
}

// unit is what a side applies as one: a variant of a source, or the manifests that belong to none.
type unit struct {
	side   *reviewSide
	key    string // the same on both sides
	name   string
	kind   string
	digest string
	source *render.Source // nil: manifests

	environment *lint.Environment // of the configuration; nil: none
	variant     render.Variant
	files       []string

	rendered  bool
	rendering *render.Rendering
	docs      []*manifest.Document
	varying   []*manifest.Document // of another rendering, if templates may draw values
}

// manifestsKind is the kind of a unit of manifests that belong to no source.
const manifestsKind = "manifests"

// configFolder returns the folder from which the configuration is looked for.
func (s *reviewSide) configFolder() string {
	if len(s.paths) > 0 {
		return existingFolder(s.paths[0])
	}
	return s.root
}

// discover finds the units of the side.
func (s *reviewSide) discover(settings Settings, lint LintSettings) (err error) {
	settings.Rebase = s.rebased
	if s.workspace, err = Open(NewFiles(bytes.NewReader(nil)), settings); err != nil {
		return err
	}
	if s.job, err = s.workspace.Lint(lint); err != nil {
		return err
	}
	for _, e := range s.workspace.Config.Environments {
		if e.KubernetesVersion != "" {
			if _, err := minors([]string{e.KubernetesVersion}); err != nil {
				return usage("environments: %s: %w", e.Name, err)
			}
		}
	}
	s.byKey = map[string]*unit{}
	for _, src := range s.workspace.Sources {
		for _, v := range src.For(settings.Charts) {
			name := s.below(cmp.Or(src.Name, src.Path))
			if v.Name != "" {
				name += " (" + v.Name + ")"
			}
			s.add(&unit{
				name: name, key: string(src.Kind) + "\x00" + name, kind: string(src.Kind), source: src, variant: v,
				digest: src.Digest(v, s.root),
			})
		}
	}
	s.addManifests()
	return nil
}

func (s *reviewSide) add(u *unit) {
	u.side, u.environment = s, s.environmentOf(u)
	for n := 2; s.byKey[u.key] != nil; n++ { // an ApplicationSet may make several of one name
		u.key = fmt.Sprintf("%s\x00%d", u.key, n)
	}
	s.byKey[u.key] = u
	s.units = append(s.units, u)
}

func (s *reviewSide) find(key string) *unit { return s.byKey[key] }

func (s *reviewSide) empty() bool { return len(s.units) == 0 }

// below returns a name without the root of the side.
func (s *reviewSide) below(name string) string {
	if name == s.root {
		return "."
	}
	return filepath.ToSlash(strings.ReplaceAll(name, s.root+string(filepath.Separator), ""))
}

// prefixes returns what to replace in texts so that they name files as the repository does.
func (s *reviewSide) prefixes(other *reviewSide) (pairs []string) {
	for _, side := range []*reviewSide{s, other} {
		pairs = append(pairs, side.root+string(filepath.Separator), "")
	}
	return append(pairs, s.root, ".", other.root, ".")
}

// addManifests adds the manifests that belong to no source: as one unit, or as one for each folder if objects of the
// same name occur in several, as those of environments do.
func (s *reviewSide) addManifests() {
	byFolder := map[string][]string{}
	seen := map[string]string{} // folders of objects
	clash := false
	s.workspace.Inputs = slices.DeleteFunc(s.workspace.Inputs, s.isSnapshot)
	for _, name := range s.workspace.Inputs {
		folder := filepath.Dir(name)
		byFolder[folder] = append(byFolder[folder], name)
		data, err := s.workspace.Read(name)
		if err != nil {
			continue
		}
		docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		for _, d := range docs {
			o := d.Object
			key := o.Kind + "/" + o.Namespace + "/" + o.Name
			if other, ok := seen[key]; ok && other != folder && o.Name != "" {
				clash = true
			}
			seen[key] = folder
		}
	}
	switch {
	case len(s.workspace.Inputs) == 0:
	case clash:
		for _, folder := range slices.Sorted(maps.Keys(byFolder)) {
			s.add(s.manifests("manifests in "+s.below(folder), byFolder[folder]))
		}
	default:
		s.add(s.manifests("manifests", s.workspace.Inputs))
	}
}

// isSnapshot reports whether a file is the snapshot of an environment, which nobody applies.
func (s *reviewSide) isSnapshot(name string) bool {
	return slices.ContainsFunc(s.workspace.Config.Environments, func(e lint.Environment) bool {
		return e.Snapshot != "" && filepath.Clean(s.rebased(e.Snapshot)) == filepath.Clean(name)
	})
}

// manifests returns a unit of files.
func (s *reviewSide) manifests(name string, files []string) *unit {
	hash := sha256.New()
	for _, f := range files {
		data, err := s.workspace.Read(f)
		fmt.Fprintf(hash, "%s\x00%v%d\x00", s.below(f), err == nil, len(data))
		_, _ = hash.Write(data) // a hash takes everything
	}
	return &unit{
		name: name, key: manifestsKind + "\x00" + name, kind: manifestsKind, files: files,
		digest: hex.EncodeToString(hash.Sum(nil)),
	}
}

// render renders both sides of a pair. Charts that may draw values are rendered twice: the second rendering of the old
// side comes after the first of the new, so that a clock that ticks between them ticks between those two as well.
func (p *unitPair) render(charts render.Options) error {
	for _, u := range []*unit{p.old, p.new} {
		if u != nil {
			if err := u.render(charts); err != nil {
				return err
			}
		}
	}
	for _, u := range []*unit{p.old, p.new} {
		if u != nil && u.mayVary() {
			again := u.source.Render(u.variant, u.charts(charts))
			u.varying, _ = manifest.Read(source.NewFile(again.Name, again.Text), manifest.DefaultLimits)
		}
	}
	return nil
}

func (u *unit) charts(o render.Options) render.Options {
	o.KubernetesVersion = u.lintJob().version()
	return o
}

// lintJob returns the run of lint that judges the unit: for the version of its environment, if that has one.
func (u *unit) lintJob() *LintJob {
	if u.environment == nil || u.environment.KubernetesVersion == "" {
		return u.side.job
	}
	job := *u.side.job
	job.Options.Versions = []string{u.environment.KubernetesVersion}
	return &job
}

func (u *unit) render(charts render.Options) error {
	if u.rendered {
		return nil
	}
	u.rendered = true
	if u.source != nil {
		u.rendering = u.source.Render(u.variant, u.charts(charts))
		u.docs, _ = manifest.Read(source.NewFile(u.rendering.Name, u.rendering.Text), manifest.DefaultLimits)
		return nil
	}
	for _, name := range u.files {
		m, err := u.side.workspace.Manifest(name)
		if err != nil {
			continue // lint reports it
		}
		u.docs = append(u.docs, m.Documents...)
	}
	return nil
}

// draws are functions of templates whose result differs from one rendering to the next.
var draws = regexp.MustCompile(
	`\b(rand[A-Z]\w*|randBytes|now|ago|uuidv4|gen(CA|PrivateKey|SelfSigned|Signed)\w*|shuffle|htpasswd|bcrypt|encryptAES)\b`,
)

// mayVary reports whether another rendering of a chart may differ.
func (u *unit) mayVary() bool {
	if u.source == nil || len(u.rendering.Text) == 0 {
		return false
	}
	found := false
	// what cannot be read is not rendered
	_ = filepath.WalkDir(u.source.Path, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || found {
			return nil
		}
		if strings.HasSuffix(name, ".tgz") {
			found = true // may hold templates
			return filepath.SkipAll
		}
		if !strings.Contains(filepath.ToSlash(name), "/templates/") {
			return nil
		}
		if data, err := u.side.workspace.Read(name); err == nil && draws.Match(data) {
			found = true
			return filepath.SkipAll
		}
		return nil
	})
	return found
}

// collect gathers what the units of a side that differ define and bring, for each other.
func (s *reviewSide) collect(pairs []*unitPair, isNew bool) {
	for _, p := range pairs {
		u := p.old
		if isNew {
			u = p.new
		}
		if u == nil {
			continue
		}
		for _, d := range u.docs {
			if d.Object.Kind == definitionKind {
				s.definitions = append(s.definitions, d)
			}
			if o := d.Object; o.Kind != "" && o.Name != "" {
				s.objects = append(s.objects, o.Kind+"/"+o.Name)
			}
		}
	}
}

// validator returns a validator that knows the definitions of the side, which have been collected.
func (s *reviewSide) validator(ctx context.Context) (*validation.Validator, error) {
	s.judge.Do(func() { s.judging, s.judgeErr = s.newValidator(ctx) })
	return s.judging, s.judgeErr
}

func (s *reviewSide) newValidator(ctx context.Context) (*validation.Validator, error) {
	v, err := s.workspace.validator()
	if err != nil {
		return nil, err
	}
	for _, definition := range s.workspace.Definitions(s.workspace.CRDs) {
		v.AddCRD(ctx, definition)
	}
	for _, d := range s.definitions {
		v.AddCRD(ctx, d.JSON)
	}
	v.UseCatalogue(nil)
	return v, nil
}

// read judges and lints the unit. Old is the unit before the change, of which this one is an update; or nil.
func (u *unit) read(ctx context.Context, old *unit, external []string) (*review.Side, error) {
	v, err := u.side.validator(ctx)
	if err != nil {
		return nil, err
	}
	out := &review.Side{Objects: objectsOfUnit(ctx, v, u, u.docs)}
	if u.varying != nil {
		out.Varying = review.Varying(out.Objects, objectsOfUnit(ctx, v, u, u.varying))
	}
	external = slices.Concat(u.side.job.Options.External, u.side.objects, external)
	res, err := u.lint(ctx, old, external)
	if err != nil {
		return nil, err
	}
	out.Recreated = map[review.Identity]string{}
	res.Diagnostics = slices.DeleteFunc(res.Diagnostics, func(d diag.Diagnostic) bool {
		return d.Rule == lint.UpdateRefused && u.recreates(out, &d)
	})
	for i := range res.Diagnostics {
		d := &res.Diagnostics[i]
		if old != nil && len(old.docs) > 0 && strings.HasPrefix(d.Message, render.LacksValues) {
			d.Severity = diag.Error // they sufficed before
		}
		if d.Severity == diag.Error && slices.Contains(sourceRules, d.Rule) {
			out.Problem = d.Message
		}
	}
	out.Findings = res.Diagnostics
	if old != nil {
		out.Unread = u.unread(out, old)
	}
	return out, nil
}

// unread returns what reports whether an object of the old unit may be among what could not be read of this one: of
// sources anything, of manifests what is in the same file.
func (u *unit) unread(s *review.Side, old *unit) func(*review.Object) bool {
	if u.rendering != nil {
		return func(*review.Object) bool { return s.Problem != "" }
	}
	broken := map[string]bool{}
	for _, name := range u.files {
		m, err := u.side.workspace.Manifest(name)
		if err != nil || slices.ContainsFunc(m.Findings, isError) ||
			slices.ContainsFunc(m.Documents, func(d *manifest.Document) bool { return !isObject(d) }) {
			broken[u.side.below(name)] = true
		}
	}
	return func(o *review.Object) bool { return broken[old.side.below(o.Place.File)] }
}

func isError(d diag.Diagnostic) bool { return d.Severity == diag.Error }

// isObject reports whether a document names what it is.
func isObject(d *manifest.Document) bool {
	return d.Object.APIVersion != "" && d.Object.Kind != "" && (d.Object.Name != "" || d.GenerateName != "")
}

// sourceRules are those of findings that keep a source from being rendered.
var sourceRules = []string{"chart", "kustomization", "source", "template"}

func objectsOfUnit(
	ctx context.Context, v *validation.Validator, u *unit, docs []*manifest.Document,
) (all []*review.Object) {
	for _, d := range docs {
		if !isObject(d) {
			continue
		}
		answer := create(ctx, v, d.Object, d.JSON)
		place := d.Find("").Key
		if u.rendering != nil {
			place = u.rendering.Origin(d)
		}
		o := review.NewObject(d, answer, place)
		if u.rendering != nil {
			o.Locate = func(fields []review.FieldPlace) []source.Range { return u.locate(d, fields) }
		}
		all = append(all, o)
	}
	return all
}

// locate returns where the source of the unit has fields of a document of its rendering.
func (u *unit) locate(d *manifest.Document, fields []review.FieldPlace) (places []source.Range) {
	var found []diag.Diagnostic
	for _, f := range fields {
		found = append(found, diag.Diagnostic{Document: d.Number, Object: d.Object, Path: f.Path, Range: f.Range})
	}
	for _, f := range u.rendering.Locate(found) {
		places = append(places, f.Range)
	}
	return places
}

// recreates reports whether an object whose update the server refuses is deleted and created again by what applies it,
// and notes why. Hooks are run anew each time, and are not noted.
func (u *unit) recreates(s *review.Side, d *diag.Diagnostic) bool {
	o := s.ObjectOf(d)
	if o == nil {
		return false
	}
	hook, why := false, ""
	if u.source != nil {
		hook, why = u.source.Recreates(o.Document)
	}
	if why != "" {
		s.Recreated[o.Identity()] = fmt.Sprintf("%s (%s)", d.Text(), why)
	}
	return hook || why != ""
}

// lint lints the unit, as an update of the old one.
func (u *unit) lint(ctx context.Context, old *unit, external []string) (*lint.Result, error) {
	var res *lint.Result
	var err error
	var base *lint.Base
	if old != nil {
		base = lint.NewBase(old.docs)
	}
	if u.rendering != nil {
		res, err = u.lintJob().runRendering(ctx, u.rendering, base, external)
	} else {
		o := u.lintJob().Options
		o.Files, o.External, o.Base = u.files, external, base
		res, err = u.lintJob().runLoose(ctx, o)
	}
	if errors.Is(err, lint.ErrNoDocuments) {
		return &lint.Result{}, nil
	}
	if err != nil {
		return nil, err
	}
	if u.rendering == nil {
		res.Diagnostics = slices.DeleteFunc(res.Diagnostics, elsewhere)
	}
	if old != nil && old.rendering != nil {
		locateRelated(res.Diagnostics, old.rendering.Name, old.rendering, old.docs)
	}
	if kept, _ := u.side.workspace.Config.Overrides.Apply(res.Diagnostics); len(u.side.workspace.Config.Overrides) > 0 {
		res.Diagnostics = kept
	}
	return res, nil
}

// update finds what the change makes of each object that both sides have: as the server stores it, in the new version
// of the API if the two are written in different ones.
func (u *unit) update(ctx context.Context, old, now *review.Side) error {
	v, err := u.side.validator(ctx)
	if err != nil {
		return err
	}
	after := map[review.Identity]*review.Object{}
	for _, o := range now.Objects {
		after[o.Identity()] = o
	}
	for _, o := range old.Objects {
		to := after[o.Identity()]
		if to == nil || string(to.Document.JSON) == string(o.Document.JSON) {
			continue
		}
		was, now := o.Document.Object, to.Document.Object
		if was.APIVersion != now.APIVersion {
			convert(ctx, v, o, now)
		}
		answer, judged := v.Update(
			ctx, gvkOf(now.APIVersion, now.Kind), o.Document.JSON, to.Document.JSON,
			cmp.Or(now.Namespace, metav1.NamespaceDefault),
		)
		if judged && answer.Object != nil {
			to.UpdatedTo(answer.Object)
		}
	}
	return nil
}

// convert has an object compared as it is stored in the version of another. What cannot be converted is compared as it
// is written.
func convert(ctx context.Context, v *validation.Validator, o *review.Object, to diag.Object) {
	was := o.Document.Object
	value, causes, err := validation.Convert(
		gvkOf(was.APIVersion, was.Kind), o.Document.JSON, gvkOf(to.APIVersion, to.Kind).GroupVersion(),
	)
	if err != nil || len(causes) > 0 {
		return
	}
	data, err := json.Marshal(value)
	if err != nil {
		return
	}
	if answer := create(ctx, v, to, data); answer.Object != nil {
		o.CompareAs(answer.Object)
	}
}

// fate says what becomes of an object that the unit does not apply any more.
func (u *unit) fate(o *review.Object, whole bool) review.Fate {
	if u.source == nil {
		return review.Fate{Outcome: review.Left, Why: "kubectl apply deletes nothing"}
	}
	if strings.Contains(filepath.ToSlash(o.Place.File), "/crds/") && u.source.Kind != render.Kustomization &&
		u.source.Kind != render.FluxKustomization {
		return review.Fate{Outcome: review.Left, Why: "helm deletes no definitions of a chart's crds folder"}
	}
	pruned, why := u.source.Fate(o.Document, whole)
	if pruned {
		return review.Fate{Outcome: review.Pruned, Why: why}
	}
	return review.Fate{Outcome: review.Left, Why: why}
}

// alike is how much of their objects two units must have in common to be the same under another name.
const alike = 0.5

// joinMoved joins units that only one side has and that apply the same objects: their folder was renamed.
func (r *reviewer) joinMoved() {
	for _, from := range r.pairs {
		if from.new != nil || from.old == nil {
			continue
		}
		best, most := (*unitPair)(nil), alike
		for _, to := range r.pairs {
			if to.old == nil && to.new != nil && to.new.kind == from.old.kind {
				if share := inCommon(from.old.docs, to.new.docs); share >= most {
					best, most = to, share
				}
			}
		}
		if best != nil {
			best.old, best.moved, from.old = from.old, true, nil
		}
	}
	r.pairs = slices.DeleteFunc(r.pairs, func(p *unitPair) bool { return p.old == nil && p.new == nil })
}

// inCommon returns the share of objects that two units have in common.
func inCommon(a, b []*manifest.Document) float64 {
	key := func(d *manifest.Document) string {
		o := d.Object
		return strings.Join([]string{o.Kind, o.Namespace, o.Name}, "/")
	}
	names := map[string]bool{}
	for _, d := range a {
		names[key(d)] = true
	}
	common := 0
	for _, d := range b {
		if names[key(d)] {
			common++
		}
	}
	if common == 0 {
		return 0
	}
	return float64(common) / float64(max(len(a), len(b)))
}

// readOthers returns the objects of the units that are the same on both sides. Their fields are not judged.
func (r *reviewer) readOthers() (all []*review.Object) {
	for _, u := range r.same {
		if u.render(r.Charts) != nil {
			continue
		}
		for _, d := range u.docs {
			if d.Object.Kind != "" {
				all = append(all, review.NewObject(d, verdict.Verdict{}, source.Range{File: u.name}))
			}
		}
	}
	return all
}

// isAboutReferences reports whether what other units bring may answer a finding.
func isAboutReferences(d diag.Diagnostic) bool {
	return slices.ContainsFunc(
		Rules(), func(r *lint.Rule) bool { return r.Name == d.Rule && r.Category == "references" },
	)
}
