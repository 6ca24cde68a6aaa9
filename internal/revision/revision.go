// Package revision reads the files of a git revision, without touching the working tree.
//
// The central type is [Tree]. Objects come from the git program's ls-tree and cat-file, so that file names may hold any
// bytes:
//
//	r, err := revision.Find(ctx, ".")
//	tree, err := r.Tree(ctx, "main")
//	data, err := tree.Read(ctx, "deploy/web.yaml")
//	err = tree.Write(ctx, folder, nil) // all files
package revision

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Repository is a git repository with a working tree.
type Repository struct {
	Top string // absolute path of the top folder of the working tree
}

// Find returns the repository that a folder is in.
func Find(ctx context.Context, folder string) (*Repository, error) {
	out, err := run(ctx, folder, "rev-parse", "--show-toplevel")
	if err != nil {
		return nil, fmt.Errorf("finding the git repository of %s: %w", folder, err)
	}
	return &Repository{Top: filepath.FromSlash(strings.TrimSuffix(string(out), "\n"))}, nil
}

// Resolve returns the commit that a revision names.
func (r *Repository) Resolve(ctx context.Context, ref string) (commit string, err error) {
	if ref == "" || strings.HasPrefix(ref, "-") {
		return "", fmt.Errorf("invalid git revision %q: want a branch, tag or commit", ref)
	}
	out, err := run(ctx, r.Top, "rev-parse", "--verify", "--quiet", ref+"^{commit}")
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return "", err
	}
	return "", fmt.Errorf("no git revision %q in %s: %s", ref, r.Top, r.wayOut(ctx, ref))
}

// wayOut says how a revision that is missing can be had.
func (r *Repository) wayOut(ctx context.Context, ref string) string {
	if out, err := run(ctx, r.Top, "rev-parse", "--is-shallow-repository"); err == nil &&
		strings.TrimSpace(string(out)) == "true" {
		return "the clone is shallow; fetch it with `git fetch --unshallow` (GitHub: actions/checkout with fetch-depth: 0)"
	}
	if _, err := run(ctx, r.Top, "rev-parse", "--verify", "--quiet", "origin/"+ref+"^{commit}"); err == nil {
		return fmt.Sprintf("did you mean origin/%s?", ref)
	}
	return "`git branch --all` and `git tag` list what there is; `git fetch` brings what is new"
}

// MergeBase returns the commit at which two revisions parted.
func (r *Repository) MergeBase(ctx context.Context, a, b string) (commit string, err error) {
	from, err := r.Resolve(ctx, a)
	if err != nil {
		return "", err
	}
	to, err := r.Resolve(ctx, b)
	if err != nil {
		return "", err
	}
	out, err := run(ctx, r.Top, "merge-base", from, to)
	if err != nil {
		return "", fmt.Errorf(
			"no common commit of %s and %s: the clone may be shallow; fetch it with `git fetch --unshallow`", a, b,
		)
	}
	return strings.TrimSpace(string(out)), nil
}

// DefaultBranch returns the branch that pull requests go to: that of origin, or else main or master.
func (r *Repository) DefaultBranch(ctx context.Context) (ref string, err error) {
	out, err := run(ctx, r.Top, "symbolic-ref", "--quiet", "--short", "refs/remotes/origin/HEAD")
	if err == nil {
		return strings.TrimSpace(string(out)), nil
	}
	for _, ref := range []string{"origin/main", "origin/master", "main", "master"} {
		if _, err := run(ctx, r.Top, "rev-parse", "--verify", "--quiet", ref+"^{commit}"); err == nil {
			return ref, nil
		}
	}
	return "", fmt.Errorf("%s has no branch origin/HEAD, main or master: name the revision to compare with", r.Top)
}

// environment of git: no fetching, no questions, no writing, messages in English.
var environment = []string{"GIT_NO_LAZY_FETCH=1", "GIT_TERMINAL_PROMPT=0", "GIT_OPTIONAL_LOCKS=0", "LC_ALL=C"}

// ofHooks are variables that git sets for hooks: with them it would take each folder for the top of the working tree.
var ofHooks = []string{"GIT_DIR=", "GIT_WORK_TREE=", "GIT_INDEX_FILE=", "GIT_PREFIX="}

func command(ctx context.Context, folder string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "git", args...)
	cmd.Dir = folder
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return slices.ContainsFunc(ofHooks, hasPrefix(v)) })
	cmd.Env = append(cmd.Env, environment...)
	return cmd
}

func hasPrefix(s string) func(prefix string) bool {
	return func(prefix string) bool { return strings.HasPrefix(s, prefix) }
}

// run returns what a git command prints. An error has what it says on standard error.
func run(ctx context.Context, folder string, args ...string) ([]byte, error) {
	cmd := command(ctx, folder, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	return out, explained(ctx, err, stderr.String())
}

// explained returns an error of git in its own words.
func explained(ctx context.Context, err error, stderr string) error {
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.Is(err, exec.ErrNotFound):
		return errors.New("the program git is not installed")
	}
	line, _, _ := strings.Cut(strings.TrimSpace(stderr), "\n")
	if line = strings.TrimPrefix(line, "fatal: "); line == "" {
		return err
	}
	return fmt.Errorf("%s (%w)", line, err)
}
