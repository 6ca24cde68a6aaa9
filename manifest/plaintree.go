package manifest

import (
	"slices"
	"sync"

	"github.com/seatrial/seatrial/manifest/plain"
)

// plainTree returns the nodes of a chunk if it is plain, and its JSON; else nil.
func plainTree(c *Chunk) (root *Node, js []byte) {
	b := treeBuilders.Get().(*treeBuilder)
	defer treeBuilders.Put(b)
	b.text, b.base = string(c.text()), c.start
	defer b.reset()
	if js = plain.JSON(c.text(), b); js == nil {
		return nil, nil
	}
	return b.last, js
}

var treeBuilders = sync.Pool{New: func() any { return new(treeBuilder) }}

// treeBuilder makes nodes of what package plain reads. It implements [plain.Tree].
type treeBuilder struct {
	text string // of which nodes keep parts
	base int    // of the text in its file
	last *Node  // the value that ended last
	room []Node // for the next nodes

	open   []openNode
	fields []Field // of the mappings that are open
	items  []*Node // of the lists that are open
}

// openNode is a collection that is not closed yet, and where its fields or items begin.
type openNode struct {
	node *Node
	from int
}

// reset lets go of what was built; the slices are used again.
func (b *treeBuilder) reset() {
	clear(b.open[:cap(b.open)])
	clear(b.fields[:cap(b.fields)])
	clear(b.items[:cap(b.items)])
	*b = treeBuilder{open: b.open[:0], fields: b.fields[:0], items: b.items[:0]}
}

// add makes a node. Nodes are made many at a time: there is one for each value of the text.
func (b *treeBuilder) add(n Node) *Node {
	if len(b.room) == 0 {
		b.room = make([]Node, 1+min(len(b.text)/64, 63))
	}
	at := &b.room[0]
	b.room = b.room[1:]
	*at = n
	return at
}

func (b *treeBuilder) current() *Node { return b.open[len(b.open)-1].node }

// OpenMap begins a mapping.
func (b *treeBuilder) OpenMap(start int) {
	b.open = append(b.open, openNode{b.add(Node{Kind: Map, start: b.base + start, end: b.base + start}), len(b.fields)})
}

// OpenList begins a list.
func (b *treeBuilder) OpenList(start int) {
	b.open = append(b.open, openNode{b.add(Node{Kind: List, start: b.base + start, end: b.base + start}), len(b.items)})
}

// Field adds the last value to the open mapping.
func (b *treeBuilder) Field(start, end int) {
	name := b.text[start:end]
	if name[0] == '"' || name[0] == '\'' {
		name = name[1 : len(name)-1]
	}
	b.fields = append(b.fields, Field{Name: name, Value: b.last, keyStart: b.base + start, keyEnd: b.base + end})
	n := b.current()
	n.end = max(n.end, b.base+end, b.last.end)
}

// Item adds the last value to the open list.
func (b *treeBuilder) Item(start int) {
	b.items = append(b.items, b.last)
	n := b.current()
	n.end = max(n.end, b.base+start, b.last.end)
}

// Close ends the open collection.
func (b *treeBuilder) Close(end int) {
	o := b.open[len(b.open)-1]
	b.open = b.open[:len(b.open)-1]
	if o.node.Kind == List {
		o.node.Items = slices.Clone(b.items[o.from:])
		b.items = b.items[:o.from]
	} else {
		o.node.Fields = slices.Clone(b.fields[o.from:])
		b.fields = b.fields[:o.from]
	}
	if end > 0 {
		o.node.end = b.base + end
	}
	b.last = o.node
}

// Scalar makes a value.
func (b *treeBuilder) Scalar(start, end int, quote byte) {
	n := Node{Kind: Scalar, Text: b.text[start:end], start: b.base + start, end: b.base + end}
	switch quote {
	case 0:
		n.Null = n.Text == "" || n.Text == "null"
	case '"':
		n.Style, n.Text = DoubleQuoted, n.Text[1:len(n.Text)-1]
	default:
		n.Style, n.Text = SingleQuoted, n.Text[1:len(n.Text)-1]
	}
	b.last = b.add(n)
}

// Literal makes a value of a block of text.
func (b *treeBuilder) Literal(start, end int, js []byte) {
	b.last = b.add(Node{Kind: Scalar, Style: Block, Text: unquoteJSON(js), start: b.base + start, end: b.base + end})
}

// Null makes a null that is not written down.
func (b *treeBuilder) Null(at int) {
	b.last = b.add(Node{Kind: Scalar, Null: true, start: b.base + at, end: b.base + at})
}
