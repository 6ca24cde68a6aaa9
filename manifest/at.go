package manifest

import (
	"sort"
	"strconv"
	"strings"
)

// At returns the field names that lead to the innermost entry of a map at a byte of the file, without the
// indices of lists, and whether the byte lies in that entry's key.
func (d *Document) At(offset int) (path []string, inKey bool) {
	return at(d.Root(), offset, nil)
}

func at(n *Node, offset int, path []string) ([]string, bool) {
	for i := range n.Fields {
		f := &n.Fields[i]
		switch {
		case f.keyStart <= offset && offset <= f.keyEnd:
			return append(path, f.Name), true
		case f.Value.start <= offset && offset <= f.Value.end:
			return at(f.Value, offset, append(path, f.Name))
		}
	}
	for _, item := range n.Items {
		if item.start <= offset && offset <= item.end {
			return at(item, offset, path)
		}
	}
	return path, false
}

// PathAt returns the path, in the notation of [Document.Find], of the innermost entry of a map or element of a list at
// a byte of the file.
func (d *Document) PathAt(offset int) string { return pathAt(d.Root(), offset, "") }

func pathAt(n *Node, offset int, path string) string {
	for i := range n.Fields {
		f := &n.Fields[i]
		below := path + "." + f.Name
		if strings.ContainsAny(f.Name, ".[]/") {
			below = path + "[" + f.Name + "]"
		}
		switch below = strings.TrimPrefix(below, "."); {
		case f.keyStart <= offset && offset <= f.keyEnd:
			return below
		case f.Value.start <= offset && offset <= f.Value.end:
			return pathAt(f.Value, offset, below)
		}
	}
	for i, item := range n.Items {
		if item.start <= offset && offset <= item.end {
			return pathAt(item, offset, path+"["+strconv.Itoa(i)+"]")
		}
	}
	return path
}

// KeysAt lists the keys of the map that has a key at a byte of the file.
func (d *Document) KeysAt(offset int) (keys []string) {
	for _, f := range mapAt(d.Root(), offset) {
		keys = append(keys, f.Name)
	}
	return keys
}

func mapAt(n *Node, offset int) []Field {
	for i := range n.Fields {
		f := &n.Fields[i]
		switch {
		case f.keyStart <= offset && offset <= f.keyEnd:
			return n.Fields
		case f.Value.start <= offset && offset <= f.Value.end:
			return mapAt(f.Value, offset)
		}
	}
	for _, item := range n.Items {
		if item.start <= offset && offset <= item.end {
			return mapAt(item, offset)
		}
	}
	return nil
}

// IsText reports whether a byte of the file lies in a quoted text or a block of text: what looks like a comment
// there is none.
func (c *Chunk) IsText(offset int) bool {
	return c.start <= offset && offset < c.end && inText(c.tree(), offset)
}

func inText(n *Node, offset int) bool {
	if n.alias != nil || offset < n.start || offset >= n.end {
		return false
	}
	if n.Kind == Scalar {
		return n.Style != Plain
	}
	// Fields and items stand in the order of the text.
	i := sort.Search(len(n.Fields), func(i int) bool { return n.Fields[i].Value.end > offset })
	if i < len(n.Fields) && inText(n.Fields[i].Value, offset) {
		return true
	}
	i = sort.Search(len(n.Items), func(i int) bool { return n.Items[i].end > offset })
	return i < len(n.Items) && inText(n.Items[i], offset)
}

// Holds reports whether a byte of the file lies in the document.
func (d *Document) Holds(offset int) bool { return d.chunk.start <= offset && offset <= d.chunk.end }
