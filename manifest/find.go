package manifest

import (
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/source"
)

// Place is where a field path leads.
type Place struct {
	Key   source.Range // of the field's name; for a list's element its first key, or the element itself
	Value source.Range
	Node  *Node
	Exact bool         // false: the path does not exist; the place is its nearest ancestor's
	Alias source.Range // where an alias stands whose value was written elsewhere; else invalid
}

// Find resolves a path in the API server's notation:
// spec.containers[0].ports[1].containerPort, metadata.labels[app.kubernetes.io/name].
// A path that does not exist leads to its nearest ancestor; the empty path to the document,
// whose key is the entry that names the kind.
func (d *Document) Find(path string) Place { return find(d.Root(), path) }

// Find resolves a path below a node, as [Document.Find] does below the document.
func (n *Node) Find(path string) Place { return find(n, path) }

func find(root *Node, path string) Place {
	p := Place{Node: root, Exact: true}
	var last child // the step that led to p.Node; none has a value yet
	for rest := strings.TrimPrefix(path, "<nil>"); rest != ""; {
		next, left, ok := step(p.Node, rest)
		if !ok {
			p.Exact = false
			break
		}
		rest, last, p.Node = left, next, next.value
		if p.Node.alias != nil {
			p.Alias = p.Node.Range()
			p.Node = p.Node.Target()
		}
	}
	p.Value = p.Node.Range()
	if last.value == nil {
		p.Key = documentKey(root)
	} else {
		p.Key = last.key(p.Node)
	}
	return p
}

// documentKey returns the entry that names the kind, or the first one.
func documentKey(root *Node) source.Range {
	if f := root.Get("kind"); f != nil {
		return root.src.Range(f.keyStart, f.Value.end)
	}
	if len(root.Fields) > 0 {
		return root.src.Range(root.Fields[0].keyStart, root.Fields[0].keyEnd)
	}
	return firstLineOf(root)
}

func firstLineOf(n *Node) source.Range {
	r := n.Range()
	if r.End.Line > r.Start.Line {
		line := n.src.Line(r.Start.Line)
		r.End = n.src.Pos(n.src.LineStart(r.Start.Line) + len(strings.TrimRight(line, " \t")))
	}
	return r
}

// child is one step down the tree.
type child struct {
	field *Field // nil for an element of a list
	value *Node
}

func (c child) key(n *Node) source.Range {
	if c.field != nil {
		return n.src.Range(c.field.keyStart, c.field.keyEnd)
	}
	if len(n.Fields) > 0 {
		return n.src.Range(n.Fields[0].keyStart, n.Fields[0].keyEnd)
	}
	return firstLineOf(n)
}

// step takes the first element of a path down from a node.
func step(n *Node, path string) (c child, rest string, ok bool) {
	n = n.Target()
	switch {
	case path[0] == '[' && n.Kind == List:
		end := strings.IndexByte(path, ']')
		if end < 0 {
			return c, path, false
		}
		i, err := strconv.Atoi(path[1:end])
		if err != nil || i < 0 || i >= len(n.Items) {
			return c, path, false
		}
		return child{value: n.Items[i]}, path[end+1:], true
	case path[0] == '[':
		return bracketed(n, path)
	}
	return named(n, strings.TrimPrefix(path, "."))
}

// bracketed finds a map's entry whose key stands in brackets; keys may hold brackets themselves.
func bracketed(n *Node, path string) (c child, rest string, ok bool) {
	for end := 1; end < len(path); end++ {
		if path[end] != ']' {
			continue
		}
		if f := n.Get(path[1:end]); f != nil {
			return child{f, f.Value}, path[end+1:], true
		}
		if unquoted, err := strconv.Unquote(path[1:end]); err == nil {
			if f := n.Get(unquoted); f != nil {
				return child{f, f.Value}, path[end+1:], true
			}
		}
	}
	return c, path, false
}

// named finds a map's entry whose key begins a path; the longest key wins, since keys may hold dots.
func named(n *Node, path string) (c child, rest string, ok bool) {
	if len(n.merges) > 0 || len(n.Fields) >= manyFields {
		return namedByGet(n, path)
	}
	found := -1
	for i := range n.Fields { // the last one of a name counts
		name := n.Fields[i].Name
		if len(name) == 0 || found >= 0 && len(name) < len(n.Fields[found].Name) || !strings.HasPrefix(path, name) {
			continue
		}
		if rest := path[len(name):]; rest == "" || rest[0] == '.' || rest[0] == '[' {
			found = i
		}
	}
	if found < 0 {
		return c, path, false
	}
	f := &n.Fields[found]
	return child{f, f.Value}, path[len(f.Name):], true
}

// namedByGet is named for maps with many fields, or with fields of others.
func namedByGet(n *Node, path string) (c child, rest string, ok bool) {
	for end := len(path); end > 0; end-- {
		if end < len(path) && path[end] != '.' && path[end] != '[' {
			continue
		}
		if f := n.Get(path[:end]); f != nil {
			return child{f, f.Value}, path[end:], true
		}
	}
	return c, path, false
}
