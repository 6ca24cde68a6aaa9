// Package catalogue holds the CustomResourceDefinitions of operators that many people use, several releases of
// each, in a small file that is opened a kind at a time.
//
// The central type is [Catalogue]. Its index says which kinds there are; a definition is decompressed when it is
// asked for:
//
//	c, err := catalogue.Open()
//	for _, d := range c.Definitions("cert-manager.io", "Certificate") {
//		data, err := d.JSON()
//	}
package catalogue

import (
	"cmp"
	_ "embed" // the catalogue itself
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/seatrial/seatrial/internal/frames"
	"github.com/seatrial/seatrial/schema"
)

//go:generate go run ./gen

//go:embed definitions.bundle
var data []byte

// Index is what a catalogue says of itself.
type Index struct {
	// Dictionary is the place of the text that all forms are compressed against, behind the index: its offset and
	// length.
	Dictionary [2]int `json:"dictionary"`

	Projects []Project `json:"projects"` // by name
	Kinds    []Kind    `json:"kinds"`    // by group and kind
}

// Project is an operator.
type Project struct {
	Name     string   `json:"name"`
	Module   string   `json:"module"`  // Go module that the definitions were read from
	License  string   `json:"license"` // SPDX identifier; empty where no definition is held
	Releases []string `json:"releases"`

	// Terse is true of a project with many large kinds: the words of its definitions are cut short, and what a status
	// holds is left out.
	Terse bool `json:"terse,omitempty"`
}

// Kind is a kind that a project defines. One without forms is known by its names and scope only: its definition cannot
// be passed on, or no module has it.
type Kind struct {
	Group      string   `json:"g"`
	Kind       string   `json:"k"`
	Plural     string   `json:"p"`
	Singular   string   `json:"s,omitempty"`
	ShortNames []string `json:"n,omitempty"`
	Namespaced bool     `json:"ns,omitempty"`
	Project    string   `json:"of"`
	Forms      []Form   `json:"f"`
	Offset     int      `json:"o"` // of the compressed forms, behind the index
	Length     int      `json:"l"` // compressed bytes
}

// Form is one form of a definition, which several releases may share.
type Form struct {
	Releases []string `json:"r"` // newest first
	Versions []string `json:"v"` // API versions that it serves
	Length   int      `json:"l"` // bytes of its JSON
}

// Catalogue answers from an index. It may be used from many goroutines.
type Catalogue struct {
	Index
	rest   []byte
	unpack func() (func(piece []byte) ([]byte, error), error)
	byKind map[[2]string]int
	chosen map[string]string // project: release, or Off
}

// Off is the release that switches a project off, and Everything the name of all projects.
const (
	Off        = "off"
	Everything = "*"
)

// Definition is a definition as some releases of a project have it.
type Definition struct {
	Kind *Kind
	Form
	catalogue *Catalogue
	number    int
}

// Open reads the index of the embedded catalogue, once.
var Open = sync.OnceValues(func() (*Catalogue, error) { return Decode(data) })

// Decode reads the index of a catalogue.
func Decode(data []byte) (*Catalogue, error) {
	c := &Catalogue{byKind: map[[2]string]int{}}
	rest, err := frames.ReadIndex(data, &c.Index)
	if err != nil {
		return nil, fmt.Errorf("catalogue: %w", err)
	}
	c.rest = rest
	c.unpack = sync.OnceValues(func() (func(piece []byte) ([]byte, error), error) {
		dictionary, err := frames.Decompress(c.piece(c.Dictionary[0], c.Dictionary[1]))
		if err != nil {
			return nil, fmt.Errorf("catalogue: %w", err)
		}
		return frames.NewDecompressor(dictionary)
	})
	for i := range c.Kinds {
		c.byKind[[2]string{c.Kinds[i].Group, c.Kinds[i].Kind}] = i
	}
	return c, nil
}

// piece returns compressed data behind the index.
func (c *Catalogue) piece(offset, length int) []byte { return c.rest[offset : offset+length] }

// Choose returns the catalogue with one release of some projects: cert-manager: 1.18. Off removes a project, and
// Everything names all that are not named otherwise.
func (c *Catalogue) Choose(releases map[string]string) (*Catalogue, error) {
	chosen := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(releases)) {
		wanted := releases[name]
		if name == Everything && wanted == Off {
			chosen[name] = Off
			continue
		}
		i := slices.IndexFunc(c.Projects, func(p Project) bool { return p.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("the catalogue has no %q: seatrial crds lists what it has", name)
		}
		if wanted == Off {
			chosen[name] = Off
			continue
		}
		if len(c.Projects[i].Releases) == 0 {
			return nil, fmt.Errorf("the catalogue knows the kinds of %s by name only: no release can be chosen", name)
		}
		release := c.Projects[i].release(wanted)
		if release == "" {
			return nil, fmt.Errorf("the catalogue has no release %s of %s: want one of %s, or off", wanted, name,
				strings.Join(c.Projects[i].Releases, ", "))
		}
		chosen[name] = release
	}
	out := *c
	out.chosen = chosen
	return &out, nil
}

// release returns the newest release that a text names: 1.18, v1.18 or v1.18.2.
func (p *Project) release(text string) string {
	text = "v" + strings.TrimPrefix(text, "v")
	for _, r := range p.Releases {
		if r == text || strings.HasPrefix(r, text+".") {
			return r
		}
	}
	return ""
}

// Release returns the release of a project that was chosen, or an empty text: all that are held.
func (c *Catalogue) Release(project string) string {
	return cmp.Or(c.chosen[project], c.chosen[Everything])
}

// Lookup returns a kind, or nil if the catalogue has none, or it is switched off.
func (c *Catalogue) Lookup(group, kind string) *Kind {
	i, ok := c.byKind[[2]string{group, kind}]
	if !ok || c.Release(c.Kinds[i].Project) == Off {
		return nil
	}
	return &c.Kinds[i]
}

// Definitions returns the forms of a kind's definition, newest first.
func (c *Catalogue) Definitions(group, kind string) (all []*Definition) {
	k := c.Lookup(group, kind)
	if k == nil {
		return nil
	}
	release := c.Release(k.Project)
	for i, f := range k.Forms {
		if release == "" || slices.Contains(f.Releases, release) {
			all = append(all, &Definition{Kind: k, Form: f, catalogue: c, number: i})
		}
	}
	return all
}

// Newest returns the definition of a kind that is used where one must be chosen, or nil.
func (c *Catalogue) Newest(group, kind string) *Definition {
	if all := c.Definitions(group, kind); len(all) > 0 {
		return all[0]
	}
	return nil
}

// Find returns the kinds that a user may mean by a resource or a field of one: certificate, certificates, cert,
// certificates.cert-manager.io, certificate.spec.issuerRef. Where the group is named, others are left out.
func (c *Catalogue) Find(text string) (found []*Kind) {
	return c.find(text, func(k *Kind) bool { return c.Newest(k.Group, k.Kind) != nil })
}

// FindNamed returns the kinds without definitions that a user may mean, as [Catalogue.Find] does those with.
func (c *Catalogue) FindNamed(text string) []*Kind {
	return c.find(text, func(k *Kind) bool { return len(k.Forms) == 0 })
}

func (c *Catalogue) find(text string, wanted func(*Kind) bool) (found []*Kind) {
	name, rest, _ := strings.Cut(strings.ToLower(text), ".")
	for i := range c.Kinds {
		if k := &c.Kinds[i]; c.Release(k.Project) != Off && k.named(name) && wanted(k) {
			found = append(found, k)
		}
	}
	ofGroup := func(k *Kind) bool { return strings.Contains("."+rest+".", "."+k.Group+".") }
	if slices.ContainsFunc(found, ofGroup) {
		found = slices.DeleteFunc(found, func(k *Kind) bool { return !ofGroup(k) })
	}
	return found
}

// Meant returns the group and kind that a user most likely meant by ones that the catalogue does not have: the kind is
// spelt almost as one of the group's, or the group almost as one that has the kind. Both are empty where nothing is.
func (c *Catalogue) Meant(group, kind string) (meantGroup, meantKind string) {
	var kinds, groups []string
	for i := range c.Kinds {
		switch k := &c.Kinds[i]; {
		case c.Release(k.Project) == Off:
		case k.Group == group:
			kinds = append(kinds, k.Kind)
		case k.Kind == kind:
			groups = append(groups, k.Group)
		}
	}
	if slices.Contains(kinds, kind) {
		return "", ""
	}
	if meant := schema.Slip(kind, kinds); meant != "" {
		return group, meant
	}
	if meant := schema.Slip(group, groups); len(kinds) == 0 && meant != "" {
		return meant, kind
	}
	return "", ""
}

// named reports whether a text is a name of the kind's resource.
func (k *Kind) named(text string) bool {
	return slices.Contains([]string{k.Plural, k.Singular, strings.ToLower(k.Kind)}, text) ||
		slices.Contains(k.ShortNames, text)
}

// String returns the project and its newest release that has the definition: cert-manager v1.18.2.
func (d *Definition) String() string { return d.Kind.Project + " " + d.Releases[0] }

// JSON returns the definition.
func (d *Definition) JSON() ([]byte, error) {
	unpack, err := d.catalogue.unpack()
	if err != nil {
		return nil, err
	}
	all, err := unpack(d.catalogue.piece(d.Kind.Offset, d.Kind.Length))
	if err != nil {
		return nil, fmt.Errorf("definition of %s: %w", d.Kind.Kind, err)
	}
	for _, f := range d.Kind.Forms[:d.number] {
		all = all[f.Length:]
	}
	return all[:d.Length], nil
}

// Write makes a catalogue of an index and the forms of each of its kinds.
func Write(index Index, forms [][]byte) ([]byte, error) {
	w, err := newWriter()
	if err != nil {
		return nil, err
	}
	dictionary, err := chooseDictionary(index, forms)
	if err != nil {
		return nil, err
	}
	if index.Dictionary[0], index.Dictionary[1], err = w.UseDictionary(dictionary); err != nil {
		return nil, err
	}
	for i := range index.Kinds {
		if len(forms[i]) > 0 {
			index.Kinds[i].Offset, index.Kinds[i].Length = w.Add(forms[i])
		}
	}
	return w.Bytes(index)
}

func newWriter() (*frames.Writer, error) {
	return frames.NewWriter(zstd.WithWindowSize(16<<20), zstd.WithEncoderCRC(false))
}

const (
	dictionarySize = 2 << 20 // in bytes: what has to be decompressed before the first form is
	// worthwhile is the part of a form that the dictionary must not have already, for the form to become a part of it.
	worthwhile = 1.0 / 16
)

// chooseDictionary joins the newest forms of the largest kinds, without those that resemble what is there: many
// operators embed the schema of a pod template, each in the same words.
func chooseDictionary(index Index, forms [][]byte) (dictionary []byte, err error) {
	var newest [][]byte
	for i, k := range index.Kinds {
		if len(k.Forms) > 0 {
			newest = append(newest, forms[i][:k.Forms[0].Length])
		}
	}
	slices.SortStableFunc(newest, func(a, b []byte) int { return len(b) - len(a) })
	for _, form := range newest {
		if len(dictionary)+len(form) > dictionarySize {
			continue
		}
		w, err := newWriter()
		if err != nil {
			return nil, err
		}
		if _, _, err := w.UseDictionary(dictionary); err != nil {
			return nil, err
		}
		if _, length := w.Add(form); float64(length) > worthwhile*float64(len(form)) {
			dictionary = slices.Concat(form, dictionary)
		}
		if len(dictionary) > dictionarySize*9/10 {
			break
		}
	}
	return dictionary, nil
}
