// Package pages writes the API reference as HTML: a page a kind, a page a type, a search index. The pages
// need no network and no server; script and style come from files beside them.
//
// The central type is [Site], the reference of one or several Kubernetes versions.
//
//	site, err := pages.New(pages.Options{Versions: []string{"1.37"}})
//	n, err := site.Write("reference") // or http.Serve(listener, site.Handler())
package pages

import (
	"bytes"
	"cmp"
	"embed"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
	k8sversion "k8s.io/apimachinery/pkg/version"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/schema"
)

//go:embed assets
var assets embed.FS

//go:embed templates
var templates embed.FS

// Options say what a site is about.
type Options struct {
	Versions []string                                    // of Kubernetes, in any order
	Open     func(version string) (*schema.Store, error) // nil means schema.Open
	Rules    explain.RulesOf                             // nil means that no lint rules are named
	RuleDocs []Rule                                      // descriptions of the rules that are named
	Projects []Project                                   // custom resources that every version may have
}

// Project is an operator with the kinds that it defines.
type Project struct {
	Name  string
	Kinds []*schema.Kind
}

// Site is an API reference. It may be used from many goroutines.
type Site struct {
	versions     []string        // oldest first
	stores       []*schema.Store // one a version
	rules        explain.RulesOf
	ruleDocs     map[string][]Rule // by category
	kinds        []*kind           // as the left side shows them
	byFile       map[string]*kind
	byType       map[string]*kind // by the name of the kind's definition
	nav          []section
	template     *template.Template
	types        func() map[string]*typePage // by file
	lists        func() *lists               // of the kinds of Kubernetes
	projectLists func() *lists
	search       func() (map[string][]byte, error) // the scripts of the search, by file
	memo         memo
}

// New prepares a site; pages are made when they are asked for.
func New(o Options) (*Site, error) {
	if o.Open == nil {
		o.Open = schema.Open
	}
	if o.Rules == nil {
		o.Rules = func(*schema.Kind, string) []string { return nil }
	}
	s := &Site{rules: o.Rules, ruleDocs: map[string][]Rule{}, byFile: map[string]*kind{}, byType: map[string]*kind{}}
	for _, r := range o.RuleDocs {
		s.ruleDocs[r.Category] = append(s.ruleDocs[r.Category], r)
	}
	all := schema.Versions()
	s.versions = slices.SortedFunc(
		slices.Values(o.Versions), func(a, b string) int { return slices.Index(all, a) - slices.Index(all, b) },
	)
	s.versions = slices.Compact(s.versions)
	if len(s.versions) == 0 {
		return nil, errors.New("pages of no version")
	}
	for _, v := range s.versions {
		store, err := o.Open(v)
		if err != nil {
			return nil, err
		}
		s.stores = append(s.stores, store)
	}
	s.findKinds()
	s.addProjects(o.Projects)
	s.sortKinds()
	s.nav = s.sections()
	s.types = sync.OnceValue(s.findTypes)
	s.lists = sync.OnceValue(s.findLists)
	s.projectLists = sync.OnceValue(s.findProjectLists)
	s.search = sync.OnceValues(s.searchScripts)
	var err error
	if s.template, err = template.New("").ParseFS(templates, "templates/*.html"); err != nil {
		return nil, fmt.Errorf("reading the templates: %w", err)
	}
	return s, nil
}

// kind is a kind over the versions of the site.
type kind struct {
	*schema.Kind // of the newest version that serves it
	store        *schema.Store
	file         string
	in           mask
	of           []*schema.Kind // by version; nil where it is not served
	masks        []mask         // of those versions
	project      string         // that defines it, where it is the same in all versions
	preferred    bool           // of the API versions of this name the newest version's first choice
}

// mask has bit i for the version of index i.
type mask uint32

func (s *Site) all() mask { return 1<<len(s.versions) - 1 }

// masks returns the mask of each version.
func (s *Site) masks() []mask {
	out := make([]mask, len(s.versions))
	for i := range out {
		out[i] = 1 << i
	}
	return out
}

// newest reports whether the newest version is among those of a mask.
func (s *Site) newest(m mask) bool { return m&(1<<(len(s.versions)-1)) != 0 }

func (s *Site) findKinds() {
	found := map[schema.GVK]*kind{}
	for i, store := range s.stores {
		for _, k := range store.Kinds() {
			if k.Type() == nil {
				continue
			}
			e := found[k.GVK]
			if e == nil {
				e = &kind{of: make([]*schema.Kind, len(s.stores)), masks: s.masks()}
				found[k.GVK] = e
			}
			e.Kind, e.store, e.in = k, store, e.in|1<<i
			e.of[i] = k
		}
	}
	for _, e := range found {
		choices, err := e.store.Find(e.Resource)
		e.preferred = s.newest(e.in) && err == nil && bestOfGroup(choices, e.Group).GVK == e.GVK
		s.add(e)
	}
}

// addProjects adds kinds that are the same in all versions, but for those that are known already.
func (s *Site) addProjects(projects []Project) {
	for _, p := range projects {
		best := map[string]string{} // by group and kind
		for _, k := range p.Kinds {
			if now := best[k.GroupKind().String()]; now == "" ||
				k8sversion.CompareKubeAwareVersionStrings(k.Version, now) > 0 {
				best[k.GroupKind().String()] = k.Version
			}
		}
		for _, k := range p.Kinds {
			if s.byFile[kindFile(k)] == nil {
				s.add(&kind{
					Kind: k, in: s.all(), of: []*schema.Kind{k}, masks: []mask{s.all()}, project: p.Name,
					preferred: best[k.GroupKind().String()] == k.Version,
				})
			}
		}
	}
}

func (s *Site) add(k *kind) {
	k.file = kindFile(k.Kind)
	s.kinds = append(s.kinds, k)
	s.byFile[k.file] = k
	if k.project == "" { // schemas of others are read when they are asked for, and no type refers to them
		s.byType[k.Type().Name] = k
	}
}

func (s *Site) sortKinds() {
	slices.SortFunc(s.kinds, func(a, b *kind) int {
		return cmp.Or(
			cmp.Compare(a.GVK.Kind, b.GVK.Kind), cmp.Compare(a.Group, b.Group), cmp.Compare(a.Version, b.Version),
		)
	})
}

// bestOfGroup returns the preferred kind of a group: two groups may have kinds of one name.
func bestOfGroup(kinds []*schema.Kind, group string) *schema.Kind {
	for _, k := range kinds {
		if k.Group == group {
			return k
		}
	}
	return kinds[0]
}

// fileName makes a file name of names that may be anybody's text.
func fileName(parts ...string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(strings.Join(parts, "-")) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '-', r == '.':
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, "_%x", r)
		}
	}
	return b.String() + ".html"
}

// Files lists the files of the site, sorted.
func (s *Site) Files() ([]string, error) {
	files := append([]string{"index.html", "nav.js"}, slices.Collect(maps.Keys(s.byFile))...)
	for name, t := range s.types() {
		if s.byType[t.name] == nil {
			files = append(files, name)
		}
	}
	for _, l := range []*lists{s.lists(), s.projectLists()} {
		for part := range l.parts {
			files = append(files, partFile(part))
		}
	}
	if s.hasRules() {
		files = append(files, rulesFile)
	}
	scripts, err := s.search()
	if err != nil {
		return nil, err
	}
	files = slices.AppendSeq(files, maps.Keys(scripts))
	entries, err := fs.ReadDir(assets, "assets")
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		files = append(files, e.Name())
	}
	slices.Sort(files)
	return files, nil
}

// Render makes a file of the site; the error is fs.ErrNotExist for a file that the site does not have.
func (s *Site) Render(name string) ([]byte, error) {
	switch {
	case name == "index.html":
		return s.renderIndex()
	case name == "nav.js":
		return s.navigation()
	case isSearchScript(name):
		return s.searchScript(name)
	case s.byFile[name] != nil:
		return s.renderKind(s.byFile[name])
	case name == rulesFile && s.hasRules():
		return s.renderRules()
	case strings.HasPrefix(name, "parts/"):
		return s.renderPart(name)
	case strings.HasPrefix(name, "types/"):
		if t := s.types()[name]; t != nil && s.byType[t.name] == nil {
			return s.renderType(t)
		}
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return assets.ReadFile(path.Join("assets", name))
}

// marker is the file that distinguishes a folder of pages from any other.
const marker = "reference.txt"

// Write writes the site into a folder that does not exist, is empty, or holds earlier pages, and returns the number of
// files.
func (s *Site) Write(dir string) (files int, err error) {
	if err := clearPages(dir); err != nil {
		return 0, err
	}
	for _, below := range []string{"types", "parts"} {
		if err := os.MkdirAll(filepath.Join(dir, below), 0o755); err != nil {
			return 0, err
		}
	}
	names, err := s.Files()
	if err != nil {
		return 0, err
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, name := range names {
		g.Go(func() error {
			data, err := s.Render(name)
			if err != nil {
				return err
			}
			return os.WriteFile(filepath.Join(dir, filepath.FromSlash(name)), data, 0o644)
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return len(names), os.WriteFile(filepath.Join(dir, marker), []byte(strings.Join(names, "\n")+"\n"), 0o644)
}

// clearPages removes earlier pages from a folder, and leaves other folders alone.
func clearPages(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil
	}
	if err != nil {
		return err
	}
	list, err := os.ReadFile(filepath.Join(dir, marker))
	if err != nil {
		return fmt.Errorf("%s holds other files: name a new folder, or one with earlier pages", dir)
	}
	for name := range strings.Lines(string(list)) {
		if name = filepath.FromSlash(strings.TrimSpace(name)); !filepath.IsLocal(name) {
			continue
		}
		if err := os.Remove(filepath.Join(dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// frame is what all pages share.
type frame struct {
	Title   string
	Root    string // from the page to the folder: "" or "../"
	Current string // file of the kind that is shown
	Newest  string // version
	Nav     []section
	Home    bool // the page lists all kinds itself; others leave that to nav.js
	All     mask
	Policy  string
	Rules   string // page of the lint rules; "" when there is none
}

func (s *Site) frame(title, root, current string) frame {
	f := frame{
		Title: title, Root: root, Current: current, Newest: s.versions[len(s.versions)-1], Nav: s.nav,
		Home: current == "index.html", All: s.all(), Policy: policy,
	}
	if s.hasRules() {
		f.Rules = rulesFile
	}
	return f
}

func (s *Site) execute(name string, data any) ([]byte, error) {
	var b bytes.Buffer
	if err := s.template.ExecuteTemplate(&b, name, data); err != nil {
		return nil, fmt.Errorf("page %s: %w", name, err)
	}
	return b.Bytes(), nil
}

func kindFile(k *schema.Kind) string { return fileName(k.Kind, k.Version, cmp.Or(k.Group, "core")) }

// Link returns the page of a kind, and the place of a field on it.
func Link(k *schema.Kind, path []string) string {
	file := kindFile(k)
	if len(path) == 0 {
		return file
	}
	return file + "#" + anchors.Replace(strings.Join(path, "."))
}
