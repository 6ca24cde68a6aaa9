// Package bundle holds the API descriptions of many Kubernetes versions in a small file that is
// opened a piece at a time.
//
// The central type is [Bundle]. Definitions (the OpenAPI schemas of the API's types) that several
// versions share are stored once; those of one API package are compressed together, so that a
// run pays only for the packages that it asks about.
package bundle

import (
	_ "embed" // the bundle itself
	"encoding/json"
	"fmt"
	"sync"

	"github.com/klauspost/compress/zstd"

	"github.com/seatrial/seatrial/internal/frames"
)

//go:generate go run ./gen

//go:embed kubernetes.bundle
var data []byte

//go:embed declared.json
var declared []byte

// Declared is what the declarative validation of the linked Kubernetes asks of a field beyond what its
// OpenAPI document says: read from the tags in the sources of the API's types.
type Declared struct {
	Rule  string `json:"rule"`            // the tag: immutable, maxItems, format; or oneOf, atMostOneOf
	Value string `json:"value,omitempty"` // of the tag: 32, k8s-short-name; of oneOf the fields, parted by commas
	// the part of the field that it is about: each value, or a field below; "" for the field
	On   string `json:"on,omitempty"`
	When string `json:"when,omitempty"` // the condition on which it holds, in words
	Text string `json:"text"`           // the rule in words
}

// Rules gives what declarative validation asks, by definition name and field name.
var Rules = sync.OnceValues(func() (map[string]map[string][]Declared, error) {
	var all map[string]map[string][]Declared
	if err := json.Unmarshal(declared, &all); err != nil {
		return nil, fmt.Errorf("rules of declarative validation: %w", err)
	}
	return all, nil
})

// Index is what a bundle says of itself.
type Index struct {
	Versions []string        `json:"versions"` // minor versions, oldest first: 1.20
	Releases []string        `json:"releases"` // the release that each was taken from: v1.20.15
	Kinds    []Kind          `json:"kinds"`
	Types    map[string]Type `json:"types"`    // by definition name
	Segments []Segment       `json:"segments"` // where compressed definitions lie
}

// Kind is a kind that some version serves.
type Kind struct {
	Group      string   `json:"g,omitempty"`
	Version    string   `json:"v"`
	Kind       string   `json:"k"`
	Resource   string   `json:"r"`
	Singular   string   `json:"s,omitempty"`
	ShortNames []string `json:"n,omitempty"`
	Categories []string `json:"c,omitempty"`
	Verbs      []string `json:"a,omitempty"`
	Namespaced bool     `json:"ns,omitempty"`
	Type       string   `json:"t"`            // definition name
	In         uint32   `json:"in"`           // bit i: the version of index i has it
	Deprecated string   `json:"d,omitempty"`  // release that deprecated it
	Removed    string   `json:"x,omitempty"`  // release that no longer serves it, also one to come
	Replaced   string   `json:"by,omitempty"` // "group/version Kind" to use instead
}

// Type is a definition: the bodies that it had over the versions.
type Type struct {
	Segment int    `json:"s"`
	Bodies  []Body `json:"b"`
}

// Body is one form of a definition.
type Body struct {
	Offset int    `json:"o"` // bytes in the uncompressed segment
	Length int    `json:"l"`
	In     uint32 `json:"in"` // bit i: the version of index i has this form
}

// Segment is the place of a compressed piece after the index.
type Segment struct {
	Offset int `json:"o"`
	Length int `json:"l"`
}

// Bundle answers from the embedded data. It may be used from many goroutines.
type Bundle struct {
	Index
	rest     []byte
	segments []func() ([]byte, error)
}

// Open reads the index of the embedded bundle, once.
var Open = sync.OnceValues(func() (*Bundle, error) { return Decode(data) })

// Decode reads the index of a bundle.
func Decode(data []byte) (*Bundle, error) {
	b := &Bundle{}
	rest, err := frames.ReadIndex(data, &b.Index)
	if err != nil {
		return nil, fmt.Errorf("bundle: %w", err)
	}
	b.rest = rest
	for _, s := range b.Segments {
		b.segments = append(b.segments, sync.OnceValues(func() ([]byte, error) {
			return frames.Decompress(b.rest[s.Offset : s.Offset+s.Length])
		}))
	}
	return b, nil
}

// Definition gives the JSON of a definition in the version of an index; nil when it has none.
func (b *Bundle) Definition(name string, version int) ([]byte, error) {
	t, ok := b.Types[name]
	if !ok {
		return nil, nil
	}
	for _, body := range t.Bodies {
		if body.In&(1<<version) == 0 {
			continue
		}
		segment, err := b.segments[t.Segment]()
		if err != nil {
			return nil, fmt.Errorf("definitions of %s: %w", name, err)
		}
		return segment[body.Offset : body.Offset+body.Length], nil
	}
	return nil, nil
}

// Write makes a bundle. Bodies of the index refer to segments, which are compressed here.
func Write(index Index, segments [][]byte) ([]byte, error) {
	w, err := frames.NewWriter(zstd.WithWindowSize(8 << 20))
	if err != nil {
		return nil, err
	}
	index.Segments = nil
	for _, s := range segments {
		offset, length := w.Add(s)
		index.Segments = append(index.Segments, Segment{Offset: offset, Length: length})
	}
	return w.Bytes(index)
}
