package lint

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
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
	"kustomization.yaml",
	"kustomization.yml",
	"Chart.yaml",
	"values.yaml",
	"values.schema.json",
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
	seen := map[string]bool{}
	add := func(name string) {
		if key := identityOfFile(name); !seen[key] && !Excluded(exclude, name) {
			seen[key] = true
			files = append(files, name)
		}
	}
	for _, arg := range args {
		found, unread := expand(arg, exclude)
		problems = append(problems, unread...)
		for _, name := range found {
			add(name)
		}
	}
	return files, problems
}

// identityOfFile is the same for all names of a file that lead there without links.
func identityOfFile(name string) string {
	if abs, err := filepath.Abs(name); err == nil && name != source.Stdin {
		return abs
	}
	return name
}

func expand(arg string, exclude []string) (files []string, problems []error) {
	if arg == source.Stdin {
		return []string{source.Stdin}, nil
	}
	info, err := os.Stat(arg)
	switch {
	case err == nil && info.IsDir():
		return searchFolder(arg, exclude)
	case err == nil:
		return []string{arg}, nil
	case !strings.ContainsAny(arg, "*?[{"):
		return nil, []error{Unreadable(arg, err)}
	}
	found, err := doublestar.FilepathGlob(arg, doublestar.WithFilesOnly())
	if err == nil && len(found) == 0 {
		err = errors.New("the glob matches no file")
	}
	if err != nil {
		return nil, []error{&InputError{Path: arg, Err: err}}
	}
	slices.Sort(found)
	return found, nil
}

// Unreadable tells of a path what the system says of it, without the path and the call again.
func Unreadable(name string, err error) *InputError {
	if e := errors.Unwrap(err); e != nil {
		err = e
	}
	return &InputError{Path: name, Err: err}
}

// searchFolder finds the manifests below a folder, by name. Hidden folders and files are passed over, and
// so is what is neither a file nor a link to one: reading a pipe would wait for whoever writes to it.
func searchFolder(root string, exclude []string) (files []string, problems []error) {
	_ = filepath.WalkDir(
		root,
		func(name string, d fs.DirEntry, err error) error { // gives no errors: they are collected
			if err != nil {
				if !Excluded(exclude, name) {
					problems = append(problems, Unreadable(name, err))
				}
				return nil
			}
			hidden := name != root && strings.HasPrefix(d.Name(), ".")
			if d.IsDir() {
				if hidden || Excluded(exclude, name) {
					return filepath.SkipDir
				}
				return nil
			}
			if !hidden && slices.Contains(extensions, strings.ToLower(filepath.Ext(name))) &&
				!slices.Contains(notManifests, d.Name()) &&
				isFile(name, d) {
				files = append(files, name)
			}
			return nil
		},
	)
	return files, problems
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
