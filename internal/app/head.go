package app

import (
	"context"
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

// heads keeps what the manifests of folders are at the HEAD of their repositories.
type heads struct {
	mu      sync.Mutex
	folders map[string]head
}

// head is the manifests of a folder at a commit.
type head struct {
	commit string
	base   *lint.Base
}

// headPrefix begins the names of files at HEAD.
const headPrefix = "HEAD:"

// base returns the manifests of a folder at HEAD; nil if it is in no repository, or git is not there. They are read again
// when HEAD is another commit.
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
