package lint

import (
	"context"
	"sync/atomic"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// batch is a part of a file: small files are one batch, large ones are spread over the workers.
type batch struct {
	file   *openFile
	index  int
	chunks []*manifest.Chunk
}

// openFile collects the batches of a file until all are judged.
type openFile struct {
	number  int // index in Options.Files
	source  *source.File
	key     cacheKey
	pending atomic.Int32
	parts   []*fileResult
}

// batchBytes is how much text a batch holds at least, unless the file ends: enough to
// outweigh the hand-over, little enough to keep all workers busy on one file.
const batchBytes = 64 << 10

// open reads a file and hands it out in batches, unless the cache knows the answer.
func (r *run) open(ctx context.Context, number int, name string, batches chan<- batch) error {
	data, err := r.Read(name)
	if err != nil {
		r.problem(&InputError{Path: name, Err: err})
		return nil
	}
	file := &openFile{number: number, source: source.NewFile(name, data)}
	if file.key, r.results[number] = r.Cache.file(r, number, data); r.results[number] != nil {
		r.progress()
		return nil
	}
	parts := split(manifest.Split(file.source))
	if len(parts) == 0 {
		r.results[number] = &fileResult{}
		r.progress()
		return nil
	}
	file.parts = make([]*fileResult, len(parts))
	file.pending.Store(int32(len(parts)))
	for i, chunks := range parts {
		select {
		case batches <- batch{file, i, chunks}:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// split deals chunks out into batches of at least batchBytes.
func split(chunks []*manifest.Chunk) (parts [][]*manifest.Chunk) {
	size, from := 0, 0
	for i, c := range chunks {
		if size += c.Len(); size >= batchBytes || i == len(chunks)-1 {
			parts = append(parts, chunks[from:i+1])
			size, from = 0, i+1
		}
	}
	return parts
}

// close puts a file's parts together.
func (r *run) close(f *openFile) {
	whole := f.parts[0]
	for _, p := range f.parts[1:] {
		whole.add(p)
	}
	whole.Suppressions = append(whole.Suppressions, commentSuppressions(f.source)...)
	whole.Suppressions = append(whole.Suppressions, r.honoredComments(f.source)...)
	r.results[f.number] = whole
	r.Cache.put(f.key, whole)
	r.progress()
}

func (r *run) progress() {
	n := r.done.Add(1)
	if r.Progress != nil {
		r.Progress(int(n), len(r.Files))
	}
}

func (r *run) problem(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.problems = append(r.problems, err)
}

// docRef names a document, or an item of a List, in a file.
type docRef struct {
	Number int
	Item   string
}

// documents reads some documents of a file again; places tells whether theirs will be asked for.
func (r *run) documents(name string, wanted []docRef, places bool) (map[docRef]*manifest.Document, error) {
	known, keep := r.Cache.located(name)
	out := make(map[docRef]*manifest.Document, len(wanted))
	numbers := make(map[int]bool, len(wanted))
	for _, w := range wanted {
		if known[w] != nil {
			out[w] = known[w]
		} else {
			numbers[w.Number] = true
		}
	}
	if len(numbers) == 0 {
		return out, nil
	}
	file, err := r.Options.Source(name)
	if err != nil {
		return nil, &InputError{Path: name, Err: err}
	}
	for _, c := range manifest.Split(file) {
		if !numbers[c.Number()] {
			continue
		}
		if places {
			c.Locate()
		}
		docs, _ := c.Parse(r.Limits)
		for _, d := range docs {
			out[docRef{d.Number, d.Item}] = d
		}
	}
	if keep != nil && places {
		keep(out)
	}
	return out, nil
}

// inOrder reads the documents of a file again.
func (r *run) inOrder(name string) ([]*manifest.Document, error) {
	file, err := r.Options.Source(name)
	if err != nil {
		return nil, &InputError{Path: name, Err: err}
	}
	docs, _ := manifest.Read(file, r.Limits)
	return docs, nil
}
