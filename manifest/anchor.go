package manifest

import (
	"bytes"
	"regexp"

	yaml "go.yaml.in/yaml/v3"

	"github.com/seatrial/seatrial/source"
)

// Anchor names a value of a YAML document, for aliases to take it.
type Anchor struct {
	Name  string
	Range source.Range // of the name with its &
}

// mayHoldAnchor finds what may be an anchor in YAML, and may be a part of a text as well.
var mayHoldAnchor = regexp.MustCompile(`(?:^|[\s\[{,])&[^\s&,\[\]{}]`)

// UnusedAnchors lists the anchors of the YAML document in which d stands that no alias names, in their order.
func (d *Document) UnusedAnchors() (unused []Anchor) {
	text := d.chunk.text()
	if d.chunk.json || bytes.IndexByte(text, '&') < 0 || !mayHoldAnchor.Match(text) {
		return nil
	}
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil {
		return nil
	}
	t := yamlTree{data: d.File.Data[:d.chunk.end], base: d.chunk.start, lines: lineStarts(text)}
	var anchored []*yaml.Node
	used := map[*yaml.Node]bool{}
	collectAnchors(&doc, &anchored, used)
	for _, n := range anchored {
		if used[n] {
			continue
		}
		at := t.offset(n.Line, n.Column)
		name := "&" + n.Anchor
		if i := bytes.Index(t.data[at:], []byte(name)); i >= 0 {
			unused = append(unused, Anchor{n.Anchor, d.File.Range(at+i, at+i+len(name))})
		}
	}
	return unused
}

// collectAnchors adds the nodes with anchors, and those that aliases name.
func collectAnchors(n *yaml.Node, anchored *[]*yaml.Node, used map[*yaml.Node]bool) {
	if n.Anchor != "" {
		*anchored = append(*anchored, n)
	}
	if n.Kind == yaml.AliasNode {
		used[n.Alias] = true
		return
	}
	for _, child := range n.Content {
		collectAnchors(child, anchored, used)
	}
}
