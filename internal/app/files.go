package app

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Files reads files: from memory, where an editor or a fix has changed them, from standard input, or from disk.
// It is safe for concurrent use.
type Files struct {
	stdin     io.Reader
	stdinName string // that standard input has; empty: none

	memory *memory // of files on disk; nil: none

	mu      sync.Mutex
	overlay map[string][]byte
	utf16   map[string]bool // files that were read as UTF-16
}

// NewFiles returns the files on disk, with stdin as the one that is named "-".
func NewFiles(stdin io.Reader) *Files { return &Files{stdin: stdin, overlay: map[string][]byte{}} }

// WithOverlay returns the files on disk, where those that overlay names have its texts.
func WithOverlay(overlay map[string][]byte) *Files {
	return &Files{stdin: strings.NewReader(""), overlay: overlay}
}

// Put replaces the text of a file in memory.
func (f *Files) Put(name string, data []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.overlay[name] = data
}

// Read returns the text of a file. Standard input is read once.
func (f *Files) Read(name string) ([]byte, error) {
	if data, err, ok := f.inMemory(name); ok {
		return data, err
	}
	data, err := f.memory.read(name)
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return f.decode(name, data), err
}

// nameStdin reads standard input, if it is among paths, as the text of a file, and returns the paths with its name.
func (f *Files) nameStdin(paths []string, name string) ([]string, error) {
	i := slices.Index(paths, source.Stdin)
	switch {
	case name == "":
		return paths, nil
	case i < 0:
		return nil, usage("--stdin-filename names standard input: add - to the paths")
	}
	data, err := f.Read(source.Stdin)
	if err != nil {
		return nil, &lint.InputError{Path: source.Stdin, Err: err}
	}
	f.Put(name, data)
	f.stdinName = name
	paths = slices.Clone(paths)
	paths[i] = name
	return paths, nil
}

// IsStdin reports whether a file is standard input, perhaps under the name of a file.
func (f *Files) IsStdin(name string) bool {
	return name == source.Stdin || name != "" && name == f.stdinName
}

// readSource reads a file of a source: from memory, where it is edited, or from disk.
func (f *Files) readSource(name string) ([]byte, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if data, ok := f.overlay[name]; ok {
		return data, nil
	}
	for edited, data := range f.overlay { // renderers name files in their own way
		if filepath.Base(edited) == filepath.Base(name) && sameFile(edited, name) {
			return data, nil
		}
	}
	if f.memory.has(name) {
		return f.memory.read(name)
	}
	return render.ReadFile(name)
}

// sameFile reports whether two paths lead to the same place, where a file need not exist.
func sameFile(a, b string) bool {
	a, errA := filepath.Abs(a)
	b, errB := filepath.Abs(b)
	return errA == nil && errB == nil && withoutLinks(a) == withoutLinks(b)
}

// decode returns a text as UTF-8.
func (f *Files) decode(name string, data []byte) []byte {
	text, is := source.Decode(data)
	if is {
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.utf16 == nil {
			f.utf16 = map[string]bool{}
		}
		f.utf16[name] = true
	}
	return text
}

// UTF16 lists the files that were read as UTF-16.
func (f *Files) UTF16() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Sorted(maps.Keys(f.utf16))
}

func (f *Files) inMemory(name string) (data []byte, err error, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if data, ok := f.overlay[name]; ok {
		return data, nil, true
	}
	if name != source.Stdin {
		return nil, nil, false
	}
	data, err = io.ReadAll(f.stdin)
	if err == nil {
		data, _ = source.Decode(data)
		f.overlay[name] = data
	}
	return data, err, true
}

// Source returns a file for reports.
func (f *Files) Source(name string) (*source.File, error) {
	data, err := f.Read(name)
	if err != nil {
		return nil, err
	}
	return source.NewFile(name, data), nil
}

// Manifest is a file with its documents, and what is wrong with its syntax.
type Manifest struct {
	*source.File
	Documents []*manifest.Document
	Findings  []diag.Diagnostic
}

// Manifest reads a file as a manifest. The error is a [lint.InputError].
func (f *Files) Manifest(name string) (*Manifest, error) {
	file, err := f.Source(name)
	if err != nil {
		return nil, &lint.InputError{Path: name, Err: err}
	}
	docs, findings := manifest.Read(file, manifest.DefaultLimits)
	return &Manifest{file, docs, findings}, nil
}

// Manifests reads the manifests that paths name. Problems are files that cannot be read; the rest is returned.
func (f *Files) Manifests(paths, exclude []string) (all []*Manifest, problems []error) {
	names, problems := lint.Inputs(paths, exclude)
	for _, name := range names {
		m, err := f.Manifest(name)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		all = append(all, m)
	}
	return all, problems
}

// Definitions returns the CustomResourceDefinitions among some files, as JSON. Files that cannot be read are left out,
// since folders hold templates, too.
func (f *Files) Definitions(names []string) (definitions [][]byte) {
	for _, name := range names {
		if data, err := f.Read(name); err == nil && bytes.Contains(data, []byte(definitionKind)) {
			definitions = append(definitions, definitionsOf(name, data)...)
		}
	}
	return definitions
}

// RenderedDefinitions returns the CustomResourceDefinitions, as JSON, that charts render to whose templates are among
// files.
func (f *Files) RenderedDefinitions(names []string) (definitions [][]byte) {
	var templates []string
	for _, name := range names {
		data, err := f.Read(name)
		if err == nil && bytes.Contains(data, []byte(definitionKind)) && bytes.Contains(data, []byte("{{")) {
			templates = append(templates, name)
		}
	}
	if len(templates) == 0 {
		return nil
	}
	for _, s := range render.DiscoverIn(f.readSource, templates, nil).Sources {
		if s.Kind == render.Chart {
			r := s.Render(s.Variants[0], render.Options{})
			definitions = append(definitions, definitionsOf(r.Name, r.Text)...)
		}
	}
	return definitions
}

// definitionsOf returns the CustomResourceDefinitions of a text, as JSON.
func definitionsOf(name string, data []byte) [][]byte {
	docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	return definitionsAmong(docs)
}

// definitionsAmong returns the CustomResourceDefinitions among documents, as JSON.
func definitionsAmong(docs []*manifest.Document) (definitions [][]byte) {
	for _, d := range docs {
		if d.Object.Kind == definitionKind {
			definitions = append(definitions, d.JSON)
		}
	}
	return definitions
}

const definitionKind = "CustomResourceDefinition"

// NoDocuments returns the error for inputs without documents.
func NoDocuments(paths []string) error {
	where := strings.Join(paths, ", ")
	if where == source.Stdin {
		where = "standard input"
	}
	return fmt.Errorf("no documents found in %s", where)
}

// Redactor returns a redactor that knows the values of the Secrets in the files that findings are about.
func (f *Files) Redactor(findings []diag.Diagnostic) *redact.Redactor {
	r := redact.New()
	seen := map[string]bool{}
	add := func(name string) {
		if seen[name] {
			return
		}
		seen[name] = true
		if file, err := f.Source(name); err == nil { // what cannot be read is shown nowhere
			r.AddFile(file)
		}
	}
	for i := range findings {
		add(findings[i].Range.File)
		for _, related := range findings[i].Related {
			add(related.Range.File)
		}
	}
	return r
}

// Redacted returns a file for reports, without the values of Secrets.
func (f *Files) Redacted(name string) (*source.File, error) {
	file, err := f.Source(name)
	if err != nil {
		return nil, err
	}
	return redact.File(file), nil
}
