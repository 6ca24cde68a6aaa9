package app

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/chartrepo"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
)

// Vendoring fetches the charts and the bases of kustomizations from elsewhere that the sources below paths ask for.
type Vendoring struct {
	Paths  []string
	Update bool // fetch also what was fetched before, in case a range of versions allows a newer one
	Check  bool // fetch nothing; report what is missing
	Client *chartrepo.Client
	// Report is called for each chart and base: with what was done, or what is wrong.
	Report func(what, done string, err error)
	Bases  int // of those that are asked for, that are bases
}

// Run fetches what is asked for, and writes the lock file below the top of the repository. If the paths are the whole
// of it, files that nothing asks for any more are removed. Failed is how many charts and bases are missing in the end.
func (v *Vendoring) Run(ctx context.Context) (total, failed int, err error) {
	for _, path := range v.Paths {
		if _, err := os.Stat(path); err != nil {
			return 0, 0, lint.Unreadable(path, err)
		}
	}
	root := topOf(v.Paths)
	name := filepath.Join(root, filepath.FromSlash(render.LockFile))
	old := &render.Lock{}
	before, err := os.ReadFile(name)
	if err == nil {
		if old, err = render.ReadLock(before); err != nil {
			return 0, 0, err
		}
	} else if !errors.Is(err, fs.ErrNotExist) {
		return 0, 0, err
	}
	git := newIgnored(v.Paths)
	config, err := Configuration("", "")
	if err != nil {
		return 0, 0, err
	}
	tree := render.Discover(v.Paths, git.match, Clusters(config)...)
	wanted := tree.Wanted
	slices.SortFunc(wanted, func(a, b render.ChartRef) int { return strings.Compare(a.String(), b.String()) })
	lock := &render.Lock{Charts: []render.Locked{}}
	for _, c := range wanted {
		entry, done, err := v.settle(ctx, filepath.Dir(name), old.Find(c), c)
		if ctx.Err() != nil {
			return 0, 0, ctx.Err()
		}
		if err != nil {
			failed++
			if entry = old.Find(c); entry == nil {
				v.Report(c.String(), "", err)
				continue
			}
		}
		v.Report(c.String(), done, err)
		lock.Charts = append(lock.Charts, *entry)
	}
	bases, unfetched, err := v.fetchBases(ctx, filepath.Dir(name), old, lock, tree.Bases)
	if err != nil {
		return 0, 0, err
	}
	v.Bases = len(bases)
	total, failed = len(wanted)+len(bases), failed+unfetched
	if !v.whole(root) { // what is outside of the paths may ask for the others
		for _, o := range old.Charts {
			if !slices.Contains(wanted, o.ChartRef) {
				lock.Charts = append(lock.Charts, o)
			}
		}
		slices.SortFunc(lock.Charts, func(a, b render.Locked) int { return strings.Compare(a.String(), b.String()) })
		for _, o := range old.Bases {
			if !slices.Contains(bases, o.Base) {
				lock.Bases = append(lock.Bases, o)
			}
		}
	}
	slices.SortFunc(lock.Bases, func(a, b render.LockedBase) int { return strings.Compare(a.Base, b.Base) })
	if v.Check || len(lock.Charts)+len(lock.Bases) == 0 && before == nil {
		return total, failed, nil
	}
	return total, failed, v.write(name, before, old, lock)
}

// whole reports whether one of the paths is the top of the repository.
func (v *Vendoring) whole(root string) bool {
	top, err := os.Stat(root)
	return err == nil && slices.ContainsFunc(v.Paths, func(path string) bool {
		info, err := os.Stat(path)
		return err == nil && os.SameFile(info, top)
	})
}

// settle returns the entry of a chart, whose file is there, and what was done for it.
func (v *Vendoring) settle(
	ctx context.Context, dir string, known *render.Locked, c render.ChartRef,
) (entry *render.Locked, done string, err error) {
	if known != nil && !v.Update {
		data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(known.File)))
		switch {
		case err == nil && render.ChartDigest(data) == known.Digest:
			return known, "kept " + known.Resolved, nil
		case v.Check && err == nil:
			return nil, "", fmt.Errorf("%s is not the file of the lock", known.File)
		}
	}
	if v.Check {
		return nil, "", errors.New("it was not fetched")
	}
	if known != nil && !v.Update { // the same version again
		c.Version = known.Resolved
	}
	fetched, err := v.Client.Fetch(ctx, c)
	if err != nil {
		return nil, "", err
	}
	digest := render.ChartDigest(fetched.Data)
	if known != nil {
		c = known.ChartRef
		if !v.Update && digest != known.Digest {
			return nil, "", fmt.Errorf(
				"version %s has other content than when it was locked: --update takes it", known.Resolved,
			)
		}
	}
	entry = &render.Locked{
		ChartRef: c, Resolved: fetched.Version, Digest: digest, File: fileOfChart(c, fetched.Version, digest),
	}
	file := filepath.Join(dir, entry.File)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return nil, "", err
	}
	return entry, "fetched " + fetched.Version, atomicfile.Write(file, fetched.Data, 0o644)
}

// notInFiles are characters that names of files do without.
var notInFiles = regexp.MustCompile(`[^A-Za-z0-9.+-]+`)

// fileOfChart names the file of a chart. A part of the digest keeps charts of one name apart.
func fileOfChart(c render.ChartRef, version, digest string) string {
	_, sum, _ := strings.Cut(digest, ":")
	name := strings.Trim(notInFiles.ReplaceAllString(c.Chart+"-"+version, "-"), ".-")
	return "charts/" + name + "-" + sum[:12] + ".tgz"
}

// write writes the lock file, if it has changed, and removes the files of charts that it has no more.
func (v *Vendoring) write(name string, before []byte, old, lock *render.Lock) error {
	text, err := yaml.Marshal(lock)
	if err != nil {
		return err
	}
	data := append([]byte("# Written by seatrial vendor. Do not edit.\n"), text...)
	if !bytes.Equal(data, before) {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := atomicfile.Write(name, data, 0o644); err != nil {
			return err
		}
	}
	for i := range old.Bases {
		folder := old.Bases[i].Folder()
		used := slices.ContainsFunc(lock.Bases, func(l render.LockedBase) bool { return l.Folder() == folder })
		if !used && folder != "" {
			if err := os.RemoveAll(filepath.Join(filepath.Dir(name), filepath.FromSlash(folder))); err != nil {
				return err
			}
		}
	}
	for _, o := range old.Charts {
		file := filepath.FromSlash(o.File)
		used := slices.ContainsFunc(lock.Charts, func(l render.Locked) bool { return l.File == o.File })
		if !used && filepath.IsLocal(file) && filepath.Ext(file) == ".tgz" {
			if err := os.Remove(filepath.Join(filepath.Dir(name), file)); err != nil &&
				!errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}

// topOf returns the top of the repository that paths are in: the folder that holds .git, or that of the first path.
func topOf(paths []string) string {
	start := startFolder(paths)
	return cmp.Or(repositoryOf(start), start)
}

// repositoryOf returns the folder of the repository that a folder is in, which holds .git; empty if it is in none.
func repositoryOf(folder string) string {
	for dir := folder; ; {
		if _, err := os.Stat(filepath.Join(dir, ".git")); err == nil {
			return dir
		}
		abs, err := filepath.Abs(dir)
		if err != nil || filepath.Dir(abs) == abs {
			return ""
		}
		dir = filepath.Dir(abs)
	}
}
