// Package site serves the pages of the playground, which make playground writes to a folder.
//
// There is no central type: [Find] looks for the folder, [Handler] serves it.
package site

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"

	"github.com/seatrial/seatrial/internal/loopback"
)

// policy lets the page load what lies beside it, and run WebAssembly. The page says so itself, for other servers.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"

// linter is the glob of the linter, whose name changes with its content.
const linter = "seatrial-*.wasm.gz"

// Find returns the first of some folders that holds the pages.
func Find(folders ...string) (string, error) {
	for _, folder := range folders {
		if found, err := filepath.Glob(filepath.Join(folder, linter)); err == nil && len(found) > 0 {
			return folder, nil
		}
	}
	return "", fmt.Errorf(
		"no playground in %s: make playground builds it in a checkout; --dir names the folder", folders[0],
	)
}

// Handler serves the pages in a folder to browsers on this machine. Browsers may keep the linter.
func Handler(folder string) http.Handler {
	files := http.FileServerFS(os.DirFS(folder))
	return loopback.Handler(policy, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ok, err := filepath.Match("/"+linter, r.URL.Path); ok && err == nil {
			w.Header().Set("Cache-Control", "max-age=31536000, immutable")
			w.Header().Set("Content-Type", "application/gzip")
		}
		files.ServeHTTP(w, r)
	}))
}
