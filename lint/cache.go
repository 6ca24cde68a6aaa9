package lint

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/manifest"
)

// Cache keeps the results of earlier runs in a folder, one pack for each combination of inputs
// and settings, or those of the latest run in memory. An entry is found by what decides it: the program, the settings,
// the file's name and content. A pack that cannot be read is as good as none. A nil Cache keeps nothing. A run has the
// cache for itself.
type Cache struct {
	dir     string // empty: in memory
	program string

	mu   sync.Mutex
	path string // of this run's pack
	base []byte // hash of all that decides a result but the files
	old  map[cacheKey]*fileResult
	new  map[cacheKey]*fileResult
	hits map[int]bool // files whose result came from the pack
	keys []cacheKey   // of each file, as read in this run

	numbers map[string]int                             // of the files, by name; in memory
	docs    map[cacheKey]map[docRef]*manifest.Document // documents whose places were asked for; in memory
}

type cacheKey [sha256.Size]byte

// packHead is the first value of a pack: the result of the whole run, for when nothing has changed.
type packHead struct {
	Key         cacheKey
	Summary     Summary
	Diagnostics []diag.Diagnostic
}

// packEntry is what the rest of a pack is made of.
type packEntry struct {
	Key    cacheKey
	Result *fileResult
}

const (
	maxPacks    = 64        // packs kept in the folder
	maxPackSize = 128 << 20 // bytes; a larger pack is not written
)

// NewCache keeps results under dir. Program identifies the build: other builds' results are not used.
func NewCache(dir, program string) *Cache { return &Cache{dir: dir, program: program} }

// NewMemoryCache keeps the results of the latest run in memory, for a process that lints again and again.
func NewMemoryCache() *Cache { return &Cache{} }

// run returns the result of an earlier run on the very same inputs, or nil.
func (c *Cache) run(r *run) *Result {
	if c == nil {
		return nil
	}
	before := c.base
	c.begin(r)
	if c.dir == "" {
		if !bytes.Equal(before, c.base) {
			c.old = nil
		}
		return nil
	}
	f, err := os.Open(c.path)
	if err != nil {
		return nil
	}
	defer f.Close()
	dec := gob.NewDecoder(bufio.NewReaderSize(f, 1<<16))
	var head packHead
	if dec.Decode(&head) != nil {
		return nil
	}
	key, err := c.keyOfRun(r)
	if err == nil && key == head.Key {
		return &Result{Versions: r.Versions, Summary: head.Summary, Diagnostics: head.Diagnostics}
	}
	for {
		var e packEntry
		if dec.Decode(&e) != nil {
			return nil
		}
		c.old[e.Key] = e.Result
	}
}

// begin computes what decides the results of a run besides its files.
func (c *Cache) begin(r *run) {
	h := sha256.New()
	put(
		h,
		c.program,
		strings.Join(r.Versions, ","),
		strings.Join(r.External, "\n"),
		strings.Join(r.IgnoreMissing, "\n"), strings.Join(r.Settings, "\n"),
		fmt.Sprint(r.Limits),
		fmt.Sprint(r.DryRun != nil, r.StrictKinds, r.NoSuppressions, r.Honor),
	)
	if r.Base != nil {
		h.Write(r.Base.key[:])
	}
	for _, rule := range r.Rules.Rules {
		put(h, rule.Name, rule.Version, rule.Severity.String(), rule.URL, strings.Join(rule.Kinds, ","))
		put(h, r.Rules.severity[rule.Name].String()) // as configured, which wins over a finding's own
		put(h, r.Rules.key(rule))
	}
	for _, name := range slices.Concat(r.CRDs, r.PolicyFiles) {
		data, _ := r.Read(name) // a file that cannot be read fails the run later on
		put(h, name)
		fmt.Fprintf(h, "%d:", len(data))
		h.Write(data)
	}
	c.base = h.Sum(nil)
	for _, name := range r.Files {
		put(h, name)
	}
	c.path = filepath.Join(c.dir, hex.EncodeToString(h.Sum(nil)[:16])+".pack")
	if c.dir == "" && len(c.old) > 0 {
		maps.Copy(c.old, c.new) // of a run that was cancelled
	} else if c.dir == "" {
		c.old = c.new
	} else {
		c.old = map[cacheKey]*fileResult{}
	}
	c.new, c.hits = map[cacheKey]*fileResult{}, map[int]bool{}
	c.keys = make([]cacheKey, len(r.Files))
	if c.dir == "" {
		c.numbers = make(map[string]int, len(r.Files))
		for i, name := range r.Files {
			c.numbers[name] = i
		}
	}
}

// located returns the documents of a file of the run whose places were asked for before. They may be added to by keep;
// a nil keep keeps nothing.
func (c *Cache) located(name string) (docs map[docRef]*manifest.Document, keep func(map[docRef]*manifest.Document)) {
	if c == nil || c.dir != "" {
		return nil, nil
	}
	number, ok := c.numbers[name]
	if !ok {
		return nil, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := c.keys[number]
	return c.docs[key], func(more map[docRef]*manifest.Document) {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.docs == nil {
			c.docs = map[cacheKey]map[docRef]*manifest.Document{}
		}
		all := maps.Clone(c.docs[key]) // others may be reading it
		if all == nil {
			all = map[docRef]*manifest.Document{}
		}
		maps.Copy(all, more)
		c.docs[key] = all
	}
}

// put adds strings to a hash so that no two lists of strings give the same bytes.
func put(h hash.Hash, parts ...string) {
	for _, p := range parts {
		fmt.Fprintf(h, "%d:", len(p))
		io.WriteString(h, p)
	}
}

// keyOfRun reads all files to tell whether any has changed.
func (c *Cache) keyOfRun(r *run) (cacheKey, error) {
	keys := make([]cacheKey, len(r.Files))
	var g errgroup.Group
	g.SetLimit(r.Jobs)
	for from := 0; from < len(keys); from += 64 {
		g.Go(func() error {
			for i := from; i < min(from+64, len(keys)); i++ {
				data, err := r.Read(r.Files[i])
				if err != nil {
					return err
				}
				keys[i] = c.key(r.Files[i], data)
			}
			return nil
		})
	}
	err := g.Wait()
	return combine(keys), err
}

func combine(keys []cacheKey) cacheKey {
	h := sha256.New()
	for i := range keys {
		h.Write(keys[i][:])
	}
	return cacheKey(h.Sum(nil))
}

func (c *Cache) key(name string, data []byte) cacheKey {
	h := sha256.New()
	h.Write(c.base)
	put(h, name)
	h.Write(data)
	return cacheKey(h.Sum(nil))
}

// file returns the key of a file and, if it is known, its result.
func (c *Cache) file(r *run, number int, data []byte) (cacheKey, *fileResult) {
	if c == nil {
		return cacheKey{}, nil
	}
	key := c.key(r.Files[number], data)
	result := c.old[key]
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[number] = key
	if result != nil {
		c.new[key] = result
		c.hits[number] = true
		result = c.own(result)
	}
	return key, result
}

// served reports whether the result of a file came from the cache.
func (c *Cache) served(number int) bool { return c != nil && c.hits[number] }

// put keeps the result of a file.
func (c *Cache) put(key cacheKey, result *fileResult) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.new[key] = c.own(result)
}

// own returns a result that the cache and a run do not share, as far as runs change results.
func (c *Cache) own(f *fileResult) *fileResult {
	if c.dir != "" {
		return f // it is written before it changes
	}
	out := *f
	out.room = nil
	out.Findings = slices.Clone(f.Findings)
	for i := range out.Findings {
		own := cloneDiagnostic(f.Findings[i])
		out.Findings[i] = &own
	}
	room := make([]Resource, len(f.Resources))
	out.Resources = make([]*Resource, len(f.Resources))
	for i, r := range f.Resources {
		room[i] = *r
		room[i].Violations = nil // they depend on the set
		out.Resources[i] = &room[i]
	}
	out.Suppressions = make([]*suppression, len(f.Suppressions))
	for i, s := range f.Suppressions {
		own := *s
		own.used = false
		out.Suppressions[i] = &own
	}
	return &out
}

// cloneDiagnostic returns a copy of a finding with lists of its own.
func cloneDiagnostic(d *diag.Diagnostic) diag.Diagnostic {
	out := *d
	out.Related, out.Fixes = slices.Clone(d.Related), slices.Clone(d.Fixes)
	for i := range out.Fixes {
		out.Fixes[i].Edits = slices.Clone(out.Fixes[i].Edits)
	}
	out.Versions, out.Variants = slices.Clone(d.Versions), slices.Clone(d.Variants)
	out.Consequences = slices.Clone(d.Consequences)
	for i := range out.Consequences {
		out.Consequences[i] = cloneDiagnostic(&d.Consequences[i])
	}
	return out
}

// save writes the pack of a run. Failing to is not an error: the next run is slower.
func (c *Cache) save(r *run, res *Result) {
	if c != nil && c.dir == "" {
		c.old, c.new = c.new, nil
		maps.DeleteFunc(c.docs, func(key cacheKey, _ map[docRef]*manifest.Document) bool { return c.old[key] == nil })
	}
	if c == nil || c.dir == "" || len(res.Problems) > 0 {
		return
	}
	var b bytes.Buffer
	enc := gob.NewEncoder(&b)
	if enc.Encode(packHead{Key: combine(c.keys), Summary: res.Summary, Diagnostics: res.Diagnostics}) != nil {
		return
	}
	for _, k := range c.sorted() {
		if enc.Encode(packEntry{k, c.new[k]}) != nil || b.Len() > maxPackSize {
			return
		}
	}
	if os.MkdirAll(c.dir, 0o700) == nil && atomicfile.WriteUnsynced(c.path, b.Bytes(), 0o600) == nil {
		c.prune()
	}
}

// prune removes the packs that were written longest ago.
func (c *Cache) prune() {
	packs, _ := filepath.Glob(filepath.Join(c.dir, "*.pack"))
	if len(packs) <= maxPacks {
		return
	}
	age := make(map[string]time.Time, len(packs))
	for _, p := range packs {
		if info, err := os.Stat(p); err == nil {
			age[p] = info.ModTime()
		}
	}
	slices.SortFunc(packs, func(a, b string) int { return age[b].Compare(age[a]) })
	for _, p := range packs[maxPacks:] {
		os.Remove(p)
	}
}

// sorted lists the keys of this run's entries, so that equal runs write equal packs.
func (c *Cache) sorted() []cacheKey {
	return slices.SortedFunc(maps.Keys(c.new), func(a, b cacheKey) int { return bytes.Compare(a[:], b[:]) })
}
