package manifest

import (
	"iter"

	"github.com/seatrial/seatrial/source"
)

// NodeKind is the kind of a Node. The zero value is invalid.
type NodeKind uint8

// The kinds of nodes.
const (
	Scalar NodeKind = iota + 1
	Map
	List
)

// Node is a value with its place.
type Node struct {
	Text   string // value of a scalar, unquoted
	Kind   NodeKind
	Style  Style // how a scalar is written
	Null   bool  // a null, written or empty
	Tagged bool  // a scalar whose type is written before it: !!int 5
	Shared bool  // a scalar with an anchor: other fields may take its value
	Fields []Field
	Items  []*Node

	start, end int // bytes of the file
	src        *source.File
	alias      *Node // where the value is written, for an alias
	merges     []*Node
	names      map[string]int // index of the last field of each name, of a mapping with many
}

// Style tells how a scalar is written. The zero value is plain.
type Style uint8

// The styles of scalars.
const (
	Plain Style = iota
	SingleQuoted
	DoubleQuoted
	Block
)

// Field is an entry of a mapping.
type Field struct {
	Name     string
	Value    *Node
	key      *Node // nil in JSON, where keys are texts
	keyStart int
	keyEnd   int
}

// Key returns the place of the entry's name.
func (f *Field) Key() source.Range { return f.Value.src.Range(f.keyStart, f.keyEnd) }

// Range returns the place of the node.
func (n *Node) Range() source.Range { return n.src.Range(n.start, n.end) }

// Target returns the node itself, or for an alias the node whose value it takes.
func (n *Node) Target() *Node {
	for n.alias != nil {
		n = n.alias
	}
	return n
}

// all returns a node and those below it, from above, each with its key; nil: it has none.
func (n *Node) all() iter.Seq2[*Node, *Node] {
	return func(yield func(key, n *Node) bool) {
		var visit func(key, n *Node) bool
		visit = func(key, n *Node) bool {
			if !yield(key, n) {
				return false
			}
			for _, f := range n.Fields {
				if !visit(f.key, f.Value) {
					return false
				}
			}
			for _, it := range n.Items {
				if !visit(nil, it) {
					return false
				}
			}
			return true
		}
		visit(nil, n)
	}
}

// Get finds a field by name, also through merge keys; nil where there is none.
// The last of several fields of one name counts, as it does for clients.
func (n *Node) Get(name string) *Field {
	n = n.Target()
	if i := n.field(name); i >= 0 {
		return &n.Fields[i]
	}
	for _, m := range n.merges {
		if f := m.Get(name); f != nil {
			return f
		}
	}
	return nil
}

// manyFields is how many fields a mapping has at least that gets an index.
const manyFields = 32

// field returns the index of the last field of a name, or -1.
func (n *Node) field(name string) int {
	if len(n.Fields) < manyFields {
		for i := len(n.Fields) - 1; i >= 0; i-- {
			if n.Fields[i].Name == name {
				return i
			}
		}
		return -1
	}
	if i, ok := n.names[name]; ok {
		return i
	}
	return -1
}

// file tells the nodes which file they are of.
func (n *Node) file(f *source.File) {
	if n.src != nil {
		return
	}
	n.src = f
	if len(n.Fields) >= manyFields {
		n.names = make(map[string]int, len(n.Fields))
		for i := range n.Fields {
			n.names[n.Fields[i].Name] = i
		}
	}
	for i := range n.Fields {
		n.Fields[i].Value.file(f)
	}
	for _, it := range n.Items {
		it.file(f)
	}
	for _, m := range n.merges {
		m.file(f)
	}
	if n.alias != nil {
		n.alias.file(f)
	}
}
