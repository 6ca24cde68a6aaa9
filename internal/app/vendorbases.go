package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/chartrepo"
	"github.com/seatrial/seatrial/internal/render"
)

// fetchBases fetches the bases that are asked for, and those that these ask for, and adds them to the lock. It returns
// the references of all.
func (v *Vendoring) fetchBases(
	ctx context.Context, dir string, old, lock *render.Lock, wanted []string,
) (bases []string, failed int, err error) {
	bases = slices.Clone(wanted)
	slices.Sort(bases)
	for i := 0; i < len(bases); i++ {
		entry, done, err := v.settleBase(ctx, dir, old.FindBase(bases[i]), bases[i])
		if ctx.Err() != nil {
			return nil, 0, ctx.Err()
		}
		v.Report(chartrepo.Redacted(bases[i]), done, err)
		if err != nil {
			failed++
			if entry = old.FindBase(bases[i]); entry == nil {
				continue
			}
		}
		lock.Bases = append(lock.Bases, *entry)
		for _, more := range furtherBases(dir, entry) {
			if !slices.Contains(bases, more) {
				bases = append(bases, more)
			}
		}
	}
	return bases, failed, nil
}

// furtherBases returns the references of a base that was fetched to what is elsewhere.
func furtherBases(dir string, b *render.LockedBase) []string {
	top := filepath.Join(dir, filepath.FromSlash(b.Folder()))
	below := strings.TrimPrefix(path.Clean(b.Path), b.Folder())
	if info, err := os.Stat(top); err != nil || !info.IsDir() {
		return nil
	}
	_, remote, err := render.BaseFiles(top, below)
	if err != nil {
		return nil // rendering says what is wrong
	}
	return remote
}

// settleBase returns the entry of a base, whose files are there, and what was done for it.
func (v *Vendoring) settleBase(
	ctx context.Context, dir string, known *render.LockedBase, base string,
) (entry *render.LockedBase, done string, err error) {
	commit := ""
	if known != nil && !v.Update {
		files, err := render.ReadBase(filepath.Join(dir, filepath.FromSlash(known.Folder())))
		switch {
		case known.Folder() == "":
		case err == nil && render.BaseDigest(files) == known.Digest:
			return known, strings.TrimSpace("kept " + short(known.Resolved)), nil
		case v.Check && err == nil:
			return nil, "", fmt.Errorf("%s is not what the lock says", known.Folder())
		}
		commit = known.Resolved
	}
	if v.Check {
		return nil, "", errors.New("it was not fetched")
	}
	fetched, err := v.Client.FetchBase(ctx, base, commit)
	if err != nil {
		return nil, "", err
	}
	digest := render.BaseDigest(fetched.Files)
	if known != nil && !v.Update && digest != known.Digest {
		return nil, "", errors.New("it has other content than when it was locked: --update takes it")
	}
	entry = &render.LockedBase{
		Base: base, Resolved: fetched.Resolved, Path: pathOfBase(base, fetched, digest), Digest: digest,
	}
	return entry, strings.TrimSpace("fetched " + short(fetched.Resolved)), writeBase(
		filepath.Join(dir, filepath.FromSlash(entry.Folder())), fetched.Files,
	)
}

// short returns the beginning of a commit.
func short(commit string) string { return commit[:min(len(commit), 12)] }

// pathOfBase names the file or the folder of a base. A part of the digest keeps those of one name apart. Kustomize
// would take a name with a dot for one of a repository.
func pathOfBase(base string, fetched *chartrepo.Base, digest string) string {
	address, _, _ := strings.Cut(base, "?")
	name, ext := path.Base(strings.TrimRight(address, "/")), ""
	_, isFile := fetched.Files[""]
	if isFile {
		ext = path.Ext(name)
	} else if remote, err := render.ParseRemoteBase(base); err == nil {
		name = path.Base(remote.Repository)
	}
	name = strings.TrimSuffix(strings.TrimSuffix(name, ext), ".git")
	name = strings.Trim(strings.ReplaceAll(notInFiles.ReplaceAllString(name, "-"), ".", "-"), "-")
	_, sum, _ := strings.Cut(digest, ":")
	return path.Join("bases", name+"-"+sum[:12]+ext, fetched.Path)
}

// writeBase writes the files of a base in place of those that are there.
func writeBase(name string, files map[string][]byte) error {
	if err := os.RemoveAll(name); err != nil {
		return err
	}
	for below, data := range files {
		file := filepath.Join(name, filepath.FromSlash(below))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			return err
		}
		if err := atomicfile.Write(file, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
