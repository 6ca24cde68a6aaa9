package app

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/revision"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// heads keeps what the manifests of folders, and their sources, are at the HEAD of their repositories.
type heads struct {
	mu      sync.Mutex
	folders map[string]head
	trees   map[string]checkout // the files of HEAD, by the top of the repository
	sources map[string]headSources
}

// headSources is what the sources of a folder are at a commit.
type headSources struct {
	commit, paths string
	base          *Base
}

// head is the manifests of a folder at a commit.
type head struct {
	commit string
	base   *lint.Base
}

// headPrefix begins the names of files at HEAD.
const headPrefix = "HEAD:"

// base returns the manifests of a folder at HEAD; nil if it is in no repository, or git is not there. They are read
// again when HEAD is another commit.
func (h *heads) base(ctx context.Context, folder string) *lint.Base {
	if !filepath.IsAbs(folder) {
		return nil
	}
	repository, err := revision.Find(ctx, folder)
	if err != nil {
		return nil
	}
	commit, err := repository.Resolve(ctx, "HEAD")
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if known, ok := h.folders[folder]; ok && known.commit == commit {
		return known.base
	}
	base := readHead(ctx, repository, commit, folder)
	if ctx.Err() != nil {
		return nil // it is not known
	}
	if h.folders == nil {
		h.folders = map[string]head{}
	}
	h.folders[folder] = head{commit, base}
	return base
}

// sourcesOf returns what the sources of a workspace are at HEAD; nil if it has none, is in no repository, or if git is
// not there. The files of HEAD are written to a temporary folder, which holds them until HEAD is another commit.
func (h *heads) sourcesOf(ctx context.Context, w *Workspace, folder string) *Base {
	if len(w.Sources) == 0 || !filepath.IsAbs(folder) {
		return nil
	}
	repository, err := revision.Find(ctx, existingFolder(folder))
	if err != nil {
		return nil
	}
	commit, err := repository.Resolve(ctx, "HEAD")
	if err != nil {
		return nil
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	paths := strings.Join(w.paths, "\x00")
	if known, ok := h.sources[folder]; ok && known.commit == commit && known.paths == paths {
		return known.base
	}
	tree := h.trees[repository.Top]
	if tree.commit != commit {
		_ = os.RemoveAll(tree.folder) // temporary
		if tree, err = checkOut(ctx, repository, commit, maybeInput); err != nil {
			delete(h.trees, repository.Top)
			return nil
		}
		if h.trees == nil {
			h.trees, h.sources = map[string]checkout{}, map[string]headSources{}
		}
		h.trees[repository.Top] = tree
	}
	base := w.baseIn(tree.folder, strings.TrimSuffix(headPrefix, ":"), repository.Top)
	h.sources[folder] = headSources{commit, paths, base}
	return base
}

// close removes what was written.
func (h *heads) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, tree := range h.trees {
		_ = os.RemoveAll(tree.folder) // temporary
	}
	h.trees, h.sources = nil, nil
}

// readHead reads the manifests of a folder, without those below it; nil if they cannot be read.
func readHead(ctx context.Context, repository *revision.Repository, commit, folder string) *lint.Base {
	at, ok := below(withoutLinks(repository.Top), withoutLinks(folder))
	if !ok {
		return nil
	}
	tree, err := repository.Folder(ctx, commit, filepath.ToSlash(at))
	if err != nil {
		return nil
	}
	var docs []*manifest.Document
	for _, f := range tree.Files() {
		if f.Link || !slices.Contains(extensions, strings.ToLower(filepath.Ext(f.Name))) {
			continue
		}
		data, err := tree.Read(ctx, f.Name)
		if err != nil {
			continue
		}
		found, _ := manifest.Read(source.NewFile(headPrefix+f.Name, data), manifest.DefaultLimits)
		docs = append(docs, found...)
	}
	return lint.NewBase(docs)
}

// dropHeadPlaces takes related places out of findings that are in files at HEAD, which an editor cannot open.
func dropHeadPlaces(findings []diag.Diagnostic) {
	for i := range findings {
		findings[i].Related = slices.DeleteFunc(findings[i].Related, func(r diag.Related) bool {
			return strings.HasPrefix(r.Range.File, headPrefix)
		})
	}
}
