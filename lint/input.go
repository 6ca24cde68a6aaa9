package lint

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/seatrial/seatrial/source"
)

// extensions of the files that a folder is searched for.
var extensions = []string{".yaml", ".yml", ".json"}

// notManifests are files for clients that folders of manifests often hold. They are passed over
// when a folder is searched, and read when named.
var notManifests = []string{
	"Chart.yaml",
	"values.yaml",
	"values.schema.json",
}

// kustomizations are the names by which kustomize finds its file. Such a file is passed over, unless it holds something
// else.
var kustomizations = []string{"kustomization.yaml", "kustomization.yml", "Kustomization"}

// topKind matches the kind of an object that does not stand below another.
var topKind = regexp.MustCompile(`(?m)^kind:[ \t]*["']?(\w+)`)

// holdsObject reports whether a file that has the name of a kustomization holds an object of another kind.
func holdsObject(name string) bool {
	data, err := os.ReadFile(name)
	if err != nil {
		return true // reported when it is read
	}
	for _, m := range topKind.FindAllSubmatch(data, -1) {
		if kind := string(m[1]); kind != "Kustomization" && kind != "Component" {
			return true
		}
	}
	return false
}

// InputError is an input that cannot be read.
type InputError struct {
	Path string
	Err  error
}

func (e *InputError) Error() string {
	return fmt.Sprintf("cannot read %s: %v", cmp.Or(e.Path, `""`), e.Err)
}

// Unwrap returns the cause.
func (e *InputError) Unwrap() error { return e.Err }

// Inputs lists the files that arguments name: files as they are, folders searched for YAML and JSON,
// globs expanded (** for any depth), "-" for standard input. The order is that of the arguments, then
// by name; a file named twice is listed once. Problems are collected, so that the rest is still read.
func Inputs(args, exclude []string) (files []string, problems []error) {
	found := FindInputs(args, exclude)
	return found.Files, found.Problems
}

// Found is what arguments lead to.
type Found struct {
	Files    []string
	Problems []error
	// Hidden are the files and folders with YAML or JSON that were passed over since their names begin with a dot.
	Hidden []string
}

// FindInputs lists files as [Inputs] does, and what was passed over.
func FindInputs(args, exclude []string) *Found {
	found, seen := &Found{}, map[string]bool{}
	s := search{exclude: exclude, found: &Found{}}
	for _, arg := range args {
		for _, name := range s.expand(arg) {
			if key := identityOfFile(name); !seen[key] && !Excluded(exclude, name) {
				seen[key] = true
				found.Files = append(found.Files, name)
			}
		}
	}
	found.Problems, found.Hidden = s.found.Problems, s.found.Hidden
	return found
}

// identityOfFile is the same for all names of a file that lead there without links.
func identityOfFile(name string) string {
	if abs, err := filepath.Abs(name); err == nil && name != source.Stdin {
		return abs
	}
	return name
}

// search collects what cannot be read and what is passed over while files are looked for.
type search struct {
	exclude []string
	found   *Found
}

func (s *search) problem(err error) { s.found.Problems = append(s.found.Problems, err) }

func (s *search) expand(arg string) (files []string) {
	if arg == source.Stdin {
		return []string{source.Stdin}
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return s.folder(arg)
	case err == nil:
		return []string{arg}
	case !strings.ContainsAny(arg, "*?[{"):
		s.problem(Unreadable(arg, err))
		return nil
	}
	found, err := doublestar.FilepathGlob(arg, doublestar.WithFilesOnly())
	if err == nil && len(found) == 0 {
		err = errors.New("the glob matches no file")
	}
	if err != nil {
		s.problem(&InputError{Path: arg, Err: err})
		return nil
	}
	slices.Sort(found)
	return found
}

// Unreadable tells of a path what the system says of it, without the path and the call again.
func Unreadable(name string, err error) *InputError {
	if e := errors.Unwrap(err); e != nil {
		err = e
	}
	return &InputError{Path: name, Err: err}
}

// folder finds the manifests below a folder, by name. Hidden folders and files are passed over, and
// so is what is neither a file nor a link to one: reading a pipe would wait for whoever writes to it.
func (s *search) folder(root string) (files []string) {
	// gives no errors: they are collected
	_ = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			if !Excluded(s.exclude, name) {
				s.problem(Unreadable(name, err))
			}
			return nil
		}
		hidden := name != root && strings.HasPrefix(d.Name(), ".")
		switch {
		case hidden:
			if holdsYAML(name, d) && !Excluded(s.exclude, name) {
				s.found.Hidden = append(s.found.Hidden, name)
			}
			if d.IsDir() {
				return filepath.SkipDir
			}
		case d.IsDir():
			if Excluded(s.exclude, name) {
				return filepath.SkipDir
			}
		case slices.Contains(kustomizations, d.Name()):
			if isFile(name, d) && holdsObject(name) {
				files = append(files, name)
			}
		case isYAML(name) && !slices.Contains(notManifests, d.Name()) && isFile(name, d):
			files = append(files, name)
		}
		return nil
	})
	return files
}

func isYAML(name string) bool {
	return slices.Contains(extensions, strings.ToLower(filepath.Ext(name)))
}

// ownNames are the hidden files and folders that version control, this program and other tools keep for themselves.
var ownNames = []string{".git", ".hg", ".svn", ".seatrial", ".venv", ".tox", ".cache", ".terraform", ".idea", ".vscode"}

// maxSearched is how many entries of a hidden folder are looked at, at most.
const maxSearched = 1000

// holdsYAML reports whether a hidden file has the form of a manifest, or a hidden folder holds a file with such a name.
func holdsYAML(name string, d fs.DirEntry) bool {
	if !d.IsDir() {
		if !isYAML(name) || !isFile(name, d) {
			return false
		}
		data, err := os.ReadFile(name)
		return err == nil && topKind.Match(data)
	}
	if slices.Contains(ownNames, d.Name()) {
		return false
	}
	found, looked := false, 0
	_ = filepath.WalkDir(name, func(name string, d fs.DirEntry, err error) error {
		if looked++; err != nil || looked > maxSearched {
			return filepath.SkipAll
		}
		if !d.IsDir() && isYAML(name) {
			found = true
			return filepath.SkipAll
		}
		return nil
	})
	return found
}

// isFile reports whether an entry of a folder is a file, or a link that does not lead to something else.
func isFile(name string, d fs.DirEntry) bool {
	if d.Type()&fs.ModeSymlink == 0 {
		return d.Type().IsRegular()
	}
	info, err := os.Stat(name)
	return err != nil || info.Mode().IsRegular() // a link that leads nowhere is told when it is read
}

// Excluded reports whether a name, or one of its parents, matches a glob.
func Excluded(globs []string, name string) bool {
	name = filepath.ToSlash(filepath.Clean(name))
	for _, g := range globs {
		g = strings.TrimSuffix(strings.TrimPrefix(filepath.ToSlash(g), "./"), "/")
		at := name
		if filepath.IsAbs(g) {
			if abs, err := filepath.Abs(name); err == nil {
				at = filepath.ToSlash(abs)
			}
		}
		for ; at != "." && at != "/" && at != ""; at = parent(at) {
			if ok, _ := doublestar.Match(g, at); ok {
				return true
			}
			if ok, _ := doublestar.Match("**/"+g, at); ok {
				return true
			}
		}
	}
	return false
}

func parent(name string) string {
	i := strings.LastIndexByte(name, '/')
	if i < 0 {
		return ""
	}
	return name[:i]
}
