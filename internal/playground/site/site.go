// Package site serves the pages of the playground, which make playground writes to a folder.
//
// There is no central type: [Find] looks for the folder, [Handler] serves it.
package site

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/seatrial/seatrial/internal/loopback"
)

// policy lets the page load what lies beside it, and run WebAssembly. The page says so itself, for other servers.
const policy = "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; " +
	"connect-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'"

// linter is the glob of the linter, whose name changes with its content. It exists compressed only.
const linter = "seatrial-*.wasm"

// encodings are the compressed forms of the linter, the smallest first.
var encodings = []struct{ name, ending string }{{"br", ".br"}, {"gzip", ".gz"}}

// Find returns the first of some folders that holds the pages.
func Find(folders ...string) (string, error) {
	for _, folder := range folders {
		if found, err := filepath.Glob(filepath.Join(folder, linter+".gz")); err == nil && len(found) > 0 {
			return folder, nil
		}
	}
	return "", fmt.Errorf(
		"no playground in %s: make playground builds it in a checkout; --dir names the folder", folders[0],
	)
}

// Handler serves the pages in a folder to browsers on this machine. Browsers may keep the linter, and what they compile
// it to: they ask for it without an ending, and get the smallest form that they take.
func Handler(folder string) http.Handler {
	files := http.FileServerFS(os.DirFS(folder))
	return loopback.Handler(policy, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ok, err := filepath.Match("/"+linter, r.URL.Path); ok && err == nil {
			serveLinter(w, r, folder)
			return
		}
		files.ServeHTTP(w, r)
	}))
}

func serveLinter(w http.ResponseWriter, r *http.Request, folder string) {
	for _, e := range encodings {
		name := filepath.Join(folder, filepath.Base(r.URL.Path)+e.ending)
		if _, err := os.Stat(name); err != nil || !accepts(r, e.name) {
			continue
		}
		w.Header().Set("Cache-Control", "max-age=31536000, immutable")
		w.Header().Set("Content-Type", "application/wasm")
		w.Header().Set("Content-Encoding", e.name)
		w.Header().Set("Vary", "Accept-Encoding")
		http.ServeFile(w, r, name)
		return
	}
	http.Error(w, "no form of this file that the browser takes", http.StatusNotFound)
}

// accepts reports whether a browser takes an encoding.
func accepts(r *http.Request, encoding string) bool {
	for _, accepted := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		if name, _, _ := strings.Cut(accepted, ";"); strings.TrimSpace(name) == encoding {
			return true
		}
	}
	return false
}
