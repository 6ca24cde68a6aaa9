package app

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/monochromegane/go-gitignore"
)

// ignored knows which files of a repository git ignores.
type ignored struct {
	rules map[string]gitignore.IgnoreMatcher // of the .gitignore of a folder; nil: it has none
	dirs  map[string]bool                    // folders that are ignored, or not
	tops  map[string]bool                    // folders that hold .git, or not
}

// newIgnored reads rules when they are asked for. What the user names is not ignored, nor what lies below it by other
// rules than those below.
func newIgnored(named []string) *ignored {
	i := &ignored{map[string]gitignore.IgnoreMatcher{}, map[string]bool{}, map[string]bool{}}
	for _, path := range named {
		if abs, err := filepath.Abs(path); err == nil {
			i.dirs[abs] = false
		}
		if base, pattern := doublestar.SplitPattern(filepath.ToSlash(path)); pattern != "" {
			if abs, err := filepath.Abs(filepath.FromSlash(base)); err == nil && strings.ContainsAny(pattern, "*?[{") {
				i.dirs[abs] = false
			}
		}
	}
	return i
}

// match reports whether the .gitignore files of the repository that a file or folder is in exclude it. Outside of a
// repository nothing is excluded.
func (i *ignored) match(name string) bool {
	abs, err := filepath.Abs(name)
	return err == nil && i.matchAbs(abs, false)
}

// matchAbs reports whether an absolute name is excluded. What does not exist is a folder if it is a parent.
func (i *ignored) matchAbs(abs string, isParent bool) bool {
	if known, ok := i.dirs[abs]; ok {
		return known
	}
	parent := filepath.Dir(abs)
	if parent == abs || i.top(abs) {
		return false // what lies above is another repository, or none
	}
	if i.matchAbs(parent, true) {
		i.dirs[abs] = true
		return true
	}
	info, err := os.Lstat(abs)
	dir := err == nil && info.IsDir() || err != nil && isParent
	matched := i.matchesRules(abs, dir)
	if dir {
		i.dirs[abs] = matched
	}
	return matched
}

// matchesRules reports whether a rule of a folder above matches a name.
func (i *ignored) matchesRules(abs string, dir bool) bool {
	matched := false
	for folder := filepath.Dir(abs); ; folder = filepath.Dir(folder) {
		if rules := i.of(folder); rules != nil && rules.Match(abs, dir) {
			matched = true
		}
		if i.top(folder) {
			return matched
		}
		if filepath.Dir(folder) == folder {
			return false // no repository
		}
	}
}

// top reports whether a folder is the top of a repository.
func (i *ignored) top(dir string) bool {
	top, ok := i.tops[dir]
	if !ok {
		_, err := os.Stat(filepath.Join(dir, ".git"))
		top = err == nil
		i.tops[dir] = top
	}
	return top
}

// of returns the rules of a folder.
func (i *ignored) of(dir string) gitignore.IgnoreMatcher {
	rules, ok := i.rules[dir]
	if !ok {
		if read, err := gitignore.NewGitIgnore(filepath.Join(dir, ".gitignore")); err == nil {
			rules = read
		}
		i.rules[dir] = rules
	}
	return rules
}
