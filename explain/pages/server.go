package pages

import (
	"bytes"
	"errors"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"

	"github.com/seatrial/seatrial/internal/loopback"
)

// policy lets pages load what lies beside them, and nothing else. Pages say so themselves, for those who
// open them as files.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'"

// mediaTypes are the media types of the site's files.
var mediaTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
}

// Handler serves the site to browsers on this machine.
func (s *Site) Handler() http.Handler {
	h := &handler{site: s, made: map[string]func() ([]byte, error){}, start: time.Now()}
	return loopback.Handler(policy, http.HandlerFunc(h.serve))
}

// handler makes each page once.
type handler struct {
	site  *Site
	start time.Time
	mu    sync.Mutex
	made  map[string]func() ([]byte, error)
}

func (h *handler) serve(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(path.Clean(r.URL.Path), "/")
	if name == "" {
		name = "index.html"
	}
	data, err := h.file(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		http.Error(w, "no such page", http.StatusNotFound)
		return
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", mediaTypes[path.Ext(name)])
	http.ServeContent(w, r, name, h.start, bytes.NewReader(data))
}

// file returns a file of the site. Only names that the site has are kept.
func (h *handler) file(name string) ([]byte, error) {
	if !h.site.has(name) {
		return nil, fs.ErrNotExist
	}
	h.mu.Lock()
	once := h.made[name]
	if once == nil {
		once = sync.OnceValues(func() ([]byte, error) { return h.site.Render(name) })
		h.made[name] = once
	}
	h.mu.Unlock()
	return once()
}

func (s *Site) has(name string) bool {
	switch {
	case name == "index.html", name == "nav.js", s.byFile[name] != nil:
		return true
	case name == rulesFile:
		return s.hasRules()
	case isSearchScript(name):
		scripts, err := s.search()
		return err != nil || scripts[name] != nil // Render returns the error
	case strings.HasPrefix(name, "parts/"):
		part := strings.TrimSuffix(path.Base(name), ".js")
		return name == partFile(part) && s.part(part) != nil
	case strings.HasPrefix(name, "types/"):
		t := s.types()[name]
		return t != nil && s.byType[t.name] == nil
	}
	_, err := fs.Stat(assets, path.Join("assets", name))
	return err == nil && mediaTypes[path.Ext(name)] != ""
}
