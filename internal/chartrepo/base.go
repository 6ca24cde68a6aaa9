package chartrepo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/seatrial/seatrial/internal/render"
)

// Base is a remote base of a kustomization that was fetched, with what it uses of its repository.
type Base struct {
	Resolved string            // commit; empty for a file
	Path     string            // of the folder in the repository
	Files    map[string][]byte // by name below the top of the repository; of a file, which has none, under no name
}

// FetchBase fetches what a kustomization names: a file over HTTP, or a folder of a git repository, by the git of this
// machine. Commit names the version of a repository in place of the reference's; empty: the reference's.
func (c *Client) FetchBase(ctx context.Context, reference, commit string) (*Base, error) {
	remote, err := render.ParseRemoteBase(reference)
	if err != nil {
		return nil, err
	}
	if remote.IsFile {
		data, err := c.get(ctx, remote.Repository, remote.Repository, maxChart)
		if err != nil {
			return nil, withoutPassword(err)
		}
		return &Base{Files: map[string][]byte{"": data}}, nil
	}
	if commit != "" {
		remote.Ref = commit
	}
	dir, err := os.MkdirTemp("", "seatrial-base-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if commit, err = checkout(ctx, dir, remote); err != nil {
		return nil, err
	}
	files, _, err := render.BaseFiles(dir, remote.Path)
	return &Base{Resolved: commit, Path: remote.Path, Files: files}, err
}

// checkout fetches one commit of a repository into a folder, and returns it.
func checkout(ctx context.Context, dir string, remote render.RemoteBase) (commit string, err error) {
	ref := remote.Ref
	if ref == "" {
		ref = "HEAD"
	}
	for _, args := range [][]string{
		{"init", "--quiet"},
		{"fetch", "--quiet", "--depth=1", "--no-tags", "--", remote.Repository, ref},
		{"-c", "advice.detachedHead=false", "checkout", "--quiet", "FETCH_HEAD"},
	} {
		if _, err := git(ctx, dir, args...); err != nil {
			return "", errors.New(Redacted(err.Error()))
		}
	}
	commit, err = git(ctx, dir, "rev-parse", "HEAD")
	return strings.TrimSpace(commit), err
}

// userInfo matches the user, with or without a password, of an address of a web server, and a user with a password of
// any other. A token of a git server stands in the place of the user.
var userInfo = regexp.MustCompile(`(https?://)[^/@\s]+@|(://)[^/@\s:]*:[^/@\s]+@`)

// Redacted returns a text without the credentials of the addresses in it.
func Redacted(text string) string { return userInfo.ReplaceAllString(text, "$1$2") }

// git runs git in a folder, without hooks, questions, and the transports that run commands.
func git(ctx context.Context, dir string, args ...string) (out string, err error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, "git", append([]string{"-c", "core.hooksPath=" + os.DevNull}, args...)...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GIT_TERMINAL_PROMPT=0", "GIT_ALLOW_PROTOCOL=https:http:ssh:git:file",
		"GIT_DIR="+filepath.Join(dir, ".git"), "GIT_WORK_TREE="+dir)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	data, err := cmd.Output()
	switch {
	case errors.Is(err, exec.ErrNotFound):
		return "", errors.New("git is not on this machine: it fetches the bases that are in repositories")
	case err != nil && stderr.Len() > 0:
		lines := strings.Split(strings.TrimSpace(stderr.String()), "\n")
		return "", fmt.Errorf("git %s: %s", verb(args), strings.TrimPrefix(lines[len(lines)-1], "fatal: "))
	case err != nil:
		return "", fmt.Errorf("git %s: %w", verb(args), err)
	}
	return string(data), nil
}

// verb returns the first argument of git that is no option.
func verb(args []string) string {
	if args[0] == "-c" {
		return args[2]
	}
	return args[0]
}
