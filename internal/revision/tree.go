package revision

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Tree is the files of one revision.
type Tree struct {
	Commit string // full hash

	repository *Repository
	files      map[string]File
}

// File is one file of a revision.
type File struct {
	Name string // from the top of the repository, with slashes; any bytes
	Hash string // of the content
	Size int64  // bytes
	Link bool   // the content is where a symbolic link leads
}

// Tree reads the names of the files of a revision. Submodules are left out: their files are in another repository.
func (r *Repository) Tree(ctx context.Context, ref string) (*Tree, error) {
	commit, err := r.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	return r.list(ctx, commit, true)
}

// Folder reads the names of the files of a revision that are directly in a folder, which is named from the top of the
// repository.
func (r *Repository) Folder(ctx context.Context, ref, folder string) (*Tree, error) {
	commit, err := r.Resolve(ctx, ref)
	if err != nil {
		return nil, err
	}
	if folder = path.Clean(folder); folder == "." {
		return r.list(ctx, commit, false)
	}
	return r.list(ctx, commit, false, folder+"/")
}

// list reads which files ls-tree lists of a commit, all or those below a path, also in folders below if recursive.
func (r *Repository) list(ctx context.Context, commit string, recursive bool, below ...string) (*Tree, error) {
	args := []string{"ls-tree", "-l", "-z", "--full-tree"}
	if recursive {
		args = append(args, "-r")
	}
	args = slices.Concat(args, []string{"--", commit}, below)
	out, err := run(ctx, r.Top, args...)
	if err != nil {
		return nil, fmt.Errorf("listing the files of %.7s: %w", commit, err)
	}
	t := &Tree{Commit: commit, repository: r, files: map[string]File{}}
	for entry := range strings.SplitSeq(strings.TrimSuffix(string(out), "\x00"), "\x00") {
		if f, ok := fileOf(entry); ok {
			t.files[f.Name] = f
		}
	}
	return t, nil
}

// fileOf reads a line of ls-tree: mode, type, hash and size, a tab, and the name.
func fileOf(entry string) (File, bool) {
	head, name, _ := strings.Cut(entry, "\t")
	fields := strings.Fields(head)
	if len(fields) != 4 || fields[1] != "blob" || !writable(name) {
		return File{}, false
	}
	size, err := strconv.ParseInt(fields[3], 10, 64)
	return File{Name: name, Hash: fields[2], Size: size, Link: fields[0] == "120000"}, err == nil
}

// writable reports whether git would write a file of that name: neither outside of the working tree nor into .git.
func writable(name string) bool {
	inGit := func(element string) bool { return strings.EqualFold(element, ".git") }
	return filepath.IsLocal(filepath.FromSlash(name)) && !slices.ContainsFunc(strings.Split(name, "/"), inGit)
}

// Files lists the files by name.
func (t *Tree) Files() []File {
	files := make([]File, 0, len(t.files))
	for _, f := range t.files {
		files = append(files, f)
	}
	slices.SortFunc(files, func(a, b File) int { return strings.Compare(a.Name, b.Name) })
	return files
}

// Lookup returns a file by its name from the top of the repository.
func (t *Tree) Lookup(name string) (File, bool) {
	f, ok := t.files[path.Clean(name)]
	return f, ok
}

// Read returns the content of a file. The error is fs.ErrNotExist if the revision does not have it.
func (t *Tree) Read(ctx context.Context, name string) (data []byte, err error) {
	f, ok := t.Lookup(name)
	if !ok {
		return nil, fmt.Errorf("%s at %.7s: %w", name, t.Commit, fs.ErrNotExist)
	}
	err = t.each(ctx, []File{f}, func(_ File, content []byte) error {
		data = content
		return nil
	})
	return data, err
}

// MaxFile is how large a file may be that is read, in bytes.
const MaxFile = 32 << 20

// Write writes the files that keep accepts, all if it is nil, below a folder that exists. Links that lead out of the
// repository and files larger than MaxFile are left out.
func (t *Tree) Write(ctx context.Context, folder string, keep func(File) bool) error {
	root, err := os.OpenRoot(folder) // nothing is written outside of it
	if err != nil {
		return err
	}
	defer root.Close()
	files := slices.DeleteFunc(t.Files(), func(f File) bool {
		return f.Size > MaxFile || keep != nil && !keep(f)
	})
	return t.each(ctx, files, func(f File, content []byte) error {
		name := filepath.FromSlash(f.Name)
		if err := root.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		if !f.Link {
			return root.WriteFile(name, content, 0o600)
		}
		to := filepath.FromSlash(string(content))
		if filepath.IsAbs(to) || !filepath.IsLocal(filepath.Join(filepath.Dir(name), to)) {
			return nil
		}
		if root.Symlink(to, name) == nil {
			return nil
		}
		return root.WriteFile(name, content, 0o600) // as git does where links need a privilege
	})
}

// each calls use with the content of each file, in order.
func (t *Tree) each(ctx context.Context, files []File, use func(File, []byte) error) (err error) {
	if len(files) == 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := command(ctx, t.repository.Top, "cat-file", "--batch")
	var stdin, stderr bytes.Buffer
	for _, f := range files {
		stdin.WriteString(f.Hash + "\n")
	}
	cmd.Stdin, cmd.Stderr = &stdin, &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return explained(ctx, err, "")
	}
	defer func() {
		if err != nil {
			cancel() // it would wait for its output to be read
		}
		if end := cmd.Wait(); err == nil {
			err = explained(ctx, end, stderr.String())
		}
	}()
	in := bufio.NewReaderSize(out, 1<<16)
	for _, f := range files {
		content, err := nextContent(in)
		if err != nil {
			return fmt.Errorf("reading %s at %.7s: %w", f.Name, t.Commit, err)
		}
		if err := use(f, content); err != nil {
			return fmt.Errorf("%s at %.7s: %w", f.Name, t.Commit, err)
		}
	}
	return nil
}

var errMissing = errors.New(
	"the clone does not have its content (a partial clone?); fetch it with `git fetch --refetch`",
)

// nextContent reads the answer of cat-file about one object: its hash, type and size, a newline, the content, a
// newline.
func nextContent(in *bufio.Reader) ([]byte, error) {
	head, err := in.ReadString('\n')
	if err != nil {
		return nil, err
	}
	fields := strings.Fields(head)
	if len(fields) != 3 {
		return nil, errMissing
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size > MaxFile {
		return nil, fmt.Errorf("larger than %d bytes", MaxFile)
	}
	content := make([]byte, size+1)
	if _, err := io.ReadFull(in, content); err != nil {
		return nil, err
	}
	return content[:size], nil
}
