package render

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// RemoteBase is where a reference of a kustomization that is not a path of this machine leads.
type RemoteBase struct {
	Repository string // address of a git repository, or of a file
	Path       string // of the folder in the repository
	Ref        string // branch, tag or commit; empty: the default branch
	IsFile     bool
}

// ParseRemoteBase reads a reference as kustomize does: github.com/org/repo//path?ref=v1, git@host:org/repo.git//path,
// https://host/file.yaml.
func ParseRemoteBase(reference string) (b RemoteBase, err error) {
	address, query, _ := strings.Cut(strings.TrimPrefix(reference, "git::"), "?")
	options, err := url.ParseQuery(query)
	if err != nil {
		return b, fmt.Errorf("%q is not a query", query)
	}
	b.Ref = cmp.Or(options.Get("ref"), options.Get("version"))
	scheme, rest := "https://", address
	if s, r, ok := strings.Cut(address, "://"); ok {
		scheme, rest = s+"://", r
	} else if user, _, ok := strings.Cut(address, "@"); ok && !strings.Contains(user, "/") {
		scheme = "" // git@host:org/repo
	}
	web := scheme == "https://" || scheme == "http://"
	if web && b.Ref == "" && !strings.Contains(rest, "//") && isYAML(rest) {
		return RemoteBase{Repository: reference, IsFile: true}, nil
	}
	repository, below, ok := strings.Cut(rest, "//")
	if !ok {
		repository, below = splitRepository(scheme, rest)
	}
	if b.Path = path.Clean("/" + below)[1:]; repository == "" {
		return b, fmt.Errorf("it names no repository")
	}
	if strings.HasPrefix(b.Ref, "-") {
		return b, fmt.Errorf("%q is no branch, tag or commit", b.Ref)
	}
	b.Repository = scheme + strings.TrimSuffix(repository, "/")
	return b, nil
}

// splitRepository splits an address without a double slash into the repository and the path in it.
func splitRepository(scheme, address string) (repository, below string) {
	if before, after, ok := strings.Cut(address, ".git/"); ok {
		return before + ".git", after
	}
	if scheme == "file://" {
		return address, ""
	}
	parts := strings.SplitN(address, "/", 4)
	if scheme == "" { // git@host:org/repo
		parts = strings.SplitN(address, "/", 3)
		return strings.Join(parts[:min(2, len(parts))], "/"), strings.Join(parts[min(2, len(parts)):], "/")
	}
	return strings.Join(parts[:min(3, len(parts))], "/"), strings.Join(parts[min(3, len(parts)):], "/")
}

// LockedBase is a remote base, or a file, of kustomizations that was fetched.
type LockedBase struct {
	Base     string `json:"base"`               // as kustomizations name it
	Resolved string `json:"resolved,omitempty"` // commit
	Path     string `json:"path"`               // of the file, or the kustomization's folder, beside the lock file
	Digest   string `json:"digest"`             // of the file, or of all files of the base: sha256:...
}

// Folder returns the file or the folder that holds the base, beside the lock file; empty if it is not where such files
// are.
func (b *LockedBase) Folder() string {
	parts := strings.SplitN(path.Clean(b.Path), "/", 3)
	if len(parts) < 2 || parts[0] != "bases" {
		return ""
	}
	return path.Join(parts[0], parts[1])
}

// FindBase returns the entry of a base; nil if it was not fetched.
func (l *Lock) FindBase(base string) *LockedBase {
	for i := range l.Bases {
		if l.Bases[i].Base == base {
			return &l.Bases[i]
		}
	}
	return nil
}

// BaseDigest returns the digest of the files of a base, by their names, as a lock file writes it.
func BaseDigest(files map[string][]byte) string {
	h := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		fmt.Fprintf(h, "%x  %s\n", sha256.Sum256(files[name]), name)
	}
	return "sha256:" + hex.EncodeToString(h.Sum(nil))
}

// maxBaseBytes limits what is read of a base.
const maxBaseBytes = 64 << 20

// ReadBase reads what was fetched of a base: a file, or the files below a folder. The name of a file is empty.
func ReadBase(name string) (files map[string][]byte, err error) {
	files = map[string][]byte{}
	total := int64(0)
	err = filepath.WalkDir(name, func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		if total += info.Size(); total > maxBaseBytes {
			return fmt.Errorf("the base has more than %d MB", maxBaseBytes>>20)
		}
		below := strings.TrimPrefix(strings.TrimPrefix(file, name), string(filepath.Separator))
		files[filepath.ToSlash(below)], err = ReadFile(file)
		return err
	})
	return files, err
}

// fetchedBase returns where a base that was fetched lies; why says what is wrong with it. Both are empty if it was not.
func (read Reader) fetchedBase(near, base string) (name, why string) {
	d := &discovery{read: read}
	for _, top := range d.tops(near) {
		lockFile := filepath.Join(top, filepath.FromSlash(LockFile))
		data, err := read(lockFile)
		if err != nil {
			continue
		}
		lock, err := ReadLock(data)
		if err != nil {
			return "", err.Error()
		}
		entry := lock.FindBase(base)
		if entry == nil {
			continue
		}
		folder := entry.Folder()
		if folder == "" {
			return "", LockFile + " names a file outside of its folder"
		}
		files, err := ReadBase(filepath.Join(filepath.Dir(lockFile), filepath.FromSlash(folder)))
		if err != nil {
			return "", "it is in " + LockFile + ", and its files are not there: run seatrial vendor"
		}
		if BaseDigest(files) != entry.Digest {
			return "", "its files are not those of " + LockFile + ": run seatrial vendor"
		}
		return filepath.Join(filepath.Dir(lockFile), filepath.FromSlash(path.Clean(entry.Path))), ""
	}
	return "", ""
}

// useFetched leads references of a kustomization to what was fetched of them.
func (read Reader) useFetched(k *kustomization) {
	var remote []string
	for _, r := range k.remote {
		name, why := read.fetchedBase(k.file, r)
		if name == "" {
			remote = append(remote, r)
			if why != "" {
				k.setWhy(r, why)
			}
			continue
		}
		if k.fetched == nil {
			k.fetched = map[string]string{}
		}
		k.fetched[r] = name
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			k.folders = append(k.folders, name)
		} else {
			k.files = append(k.files, name)
		}
	}
	k.remote = remote
}

func (k *kustomization) setWhy(reference, why string) {
	if k.why == nil {
		k.why = map[string]string{}
	}
	k.why[reference] = why
}

// references returns what a kustomization names that is not a path of this machine, fetched or not.
func (k *kustomization) references() []string {
	return append(slices.Sorted(maps.Keys(k.fetched)), k.remote...)
}

// remoteFile returns the name under which a kustomization reads a file that was fetched: kustomize reads files in its
// folder alone.
func remoteFile(k *kustomization, name string) string {
	sum := sha256.Sum256([]byte(name))
	return filepath.Join(filepath.Dir(k.file), fmt.Sprintf(".seatrial-remote-%x%s", sum[:6], filepath.Ext(name)))
}

// local returns a value of a kustomization with the names of what was fetched in place of its references; ok is false
// for a reference that was not fetched, or an entry whose path it is.
func (k *kustomization) local(value any) (local any, ok bool) {
	switch v := value.(type) {
	case string:
		key, reference, isPair := strings.Cut(v, "=")
		if !isPair || strings.Contains(key, ":") {
			key, reference, isPair = "", v, false
		}
		if slices.Contains(k.remote, reference) {
			return nil, false
		}
		name, fetched := k.fetched[reference]
		if !fetched {
			return v, true
		}
		if info, err := os.Stat(name); err == nil && !info.IsDir() {
			name = remoteFile(k, name)
		}
		if below, err := filepath.Rel(resolved(filepath.Dir(k.file)), resolved(name)); err == nil {
			name = filepath.ToSlash(below)
		}
		if isPair {
			name = key + "=" + name
		}
		return name, true
	case []any:
		kept := []any{}
		for _, item := range v {
			if item, ok := k.local(item); ok {
				kept = append(kept, item)
			}
		}
		return kept, true
	case map[string]any:
		for name, field := range v {
			field, ok := k.local(field)
			switch {
			case ok:
				v[name] = field
			case name == "path":
				return nil, false
			default:
				delete(v, name)
			}
		}
		return v, true
	}
	return value, true
}

// BaseFiles returns the files that the kustomization of a folder is made of, below the top of its repository, and the
// references that it has to what is elsewhere.
func BaseFiles(top, dir string) (files map[string][]byte, remote []string, err error) {
	c := closure{top: resolved(top), files: map[string][]byte{}}
	if err := c.folder(filepath.Join(c.top, filepath.FromSlash(dir))); err != nil {
		return nil, nil, err
	}
	return c.files, c.remote, nil
}

// closure collects what a kustomization uses.
type closure struct {
	top    string
	files  map[string][]byte
	remote []string
	total  int
}

func (c *closure) folder(dir string) error {
	for _, name := range kustomizationNames {
		data, err := ReadFile(filepath.Join(dir, name))
		if err != nil {
			continue
		}
		k := kustomizationOf(dir, filepath.Join(dir, name), data)
		if k == nil {
			continue
		}
		if below, err := filepath.Rel(c.top, k.file); err == nil && c.files[filepath.ToSlash(below)] != nil {
			return nil
		}
		for _, f := range append([]string{k.file}, k.files...) {
			if err := c.file(f); err != nil {
				return err
			}
		}
		for _, r := range k.remote {
			if !slices.Contains(c.remote, r) {
				c.remote = append(c.remote, r)
			}
		}
		for _, f := range k.folders {
			if err := c.folder(f); err != nil {
				return err
			}
		}
		return nil
	}
	return fmt.Errorf("%s has no kustomization", path.Base(filepath.ToSlash(dir)))
}

// file adds a file of the repository; one that does not exist is reported when the base is rendered.
func (c *closure) file(name string) error {
	real, err := filepath.EvalSymlinks(name)
	if err != nil {
		return nil
	}
	below, err := filepath.Rel(c.top, name)
	if err != nil || !filepath.IsLocal(below) {
		return fmt.Errorf("%s is outside of the repository", name)
	}
	if inside, err := filepath.Rel(c.top, real); err != nil || !filepath.IsLocal(inside) {
		return fmt.Errorf("%s leads out of the repository", filepath.ToSlash(below))
	}
	data, err := ReadFile(real)
	if err != nil {
		return nil // a folder, or a pipe
	}
	if c.total += len(data); c.total > maxBaseBytes {
		return fmt.Errorf("the base has more than %d MB", maxBaseBytes>>20)
	}
	c.files[filepath.ToSlash(below)] = data
	return nil
}
