package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/seatrial/seatrial/internal/revision"
	"github.com/seatrial/seatrial/source"
)

// checkout is the files of a git revision in a temporary folder, which whoever asked for it removes.
type checkout struct {
	folder string // without links
	commit string
}

// checkOut writes the files of a revision that keep accepts, all if it is nil, into a temporary folder. The working
// tree stays as it is.
func checkOut(
	ctx context.Context, repository *revision.Repository, ref string, keep func(revision.File) bool,
) (c checkout, err error) {
	tree, err := repository.Tree(ctx, ref)
	if err != nil {
		return c, &UsageError{err}
	}
	folder, err := os.MkdirTemp("", "seatrial-")
	if err != nil {
		return c, err
	}
	c = checkout{withoutLinks(folder), tree.Commit}
	if err = tree.Write(ctx, c.folder, keep); err != nil {
		err = fmt.Errorf("reading the files of %s: %w", ref, err)
	} else {
		err = c.markTop(repository.Top)
	}
	if err != nil {
		_ = os.RemoveAll(folder) // temporary
	}
	return c, err
}

// markTop makes the folder the top of a repository for those who look for it, with the address of its origin.
func (c checkout) markTop(top string) error {
	git := filepath.Join(c.folder, ".git")
	if err := os.Mkdir(git, 0o700); err != nil {
		return err
	}
	data, err := os.ReadFile(filepath.Join(top, ".git", "config"))
	if err != nil {
		return nil // a worktree keeps it elsewhere
	}
	m := originURL.FindSubmatch(data)
	if m == nil {
		return nil
	}
	text := fmt.Sprintf("[remote \"origin\"]\n\turl = %s\n", m[1])
	return os.WriteFile(filepath.Join(git, "config"), []byte(text), 0o600)
}

var originURL = regexp.MustCompile(`(?s)\[remote "origin"\][^\[]*?\n\s*url\s*=\s*([^\n]*)`)

// startFolder returns the folder from which the repository of some paths is looked for: that of the first one.
func startFolder(paths []string) string {
	for _, p := range paths {
		if p == source.Stdin {
			continue
		}
		if isGlob(p) {
			base, _ := doublestar.SplitPattern(filepath.ToSlash(p))
			p = filepath.FromSlash(base)
		}
		return existingFolder(p)
	}
	return "."
}

// isGlob reports whether a path may be a pattern.
func isGlob(path string) bool { return strings.ContainsAny(path, "*?[{") }

// existingFolder returns the nearest folder of a path that exists.
func existingFolder(path string) string {
	for {
		if info, err := os.Stat(path); err == nil && info.IsDir() {
			return path
		}
		parent := filepath.Dir(path)
		if parent == path {
			return "."
		}
		path = parent
	}
}

// withoutLinks returns a path without symbolic links, as far as it exists.
func withoutLinks(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	dir, name := filepath.Split(path)
	if dir = filepath.Clean(dir); dir == path || name == "" {
		return path
	}
	return filepath.Join(withoutLinks(dir), name)
}

// below returns the path of a file from a folder; ok is false if it is not in the folder.
func below(folder, file string) (path string, ok bool) {
	path, err := filepath.Rel(folder, file)
	return path, err == nil && filepath.IsLocal(path)
}
