package manifest

import (
	"encoding/json"
	"strings"
)

// parseJSONTree returns the nodes of the JSON value that starts at an offset of data; nil when it is not valid.
func parseJSONTree(data []byte, at int) *Node {
	p := jsonTree{data: data, at: at}
	n := p.value(0)
	if p.failed {
		return nil
	}
	return n
}

type jsonTree struct {
	data   []byte
	at     int
	failed bool
}

func (p *jsonTree) peek() byte {
	p.at = skipSpace(p.data, p.at)
	if p.at >= len(p.data) {
		p.failed = true
		return 0
	}
	return p.data[p.at]
}

// maxTreeDepth keeps the recursion of the trees bounded; Limits refuse such documents before.
const maxTreeDepth = 10000

func (p *jsonTree) value(depth int) *Node {
	if depth > maxTreeDepth {
		p.failed = true
	}
	c := p.peek()
	n := &Node{Kind: Scalar, start: p.at}
	switch {
	case p.failed:
	case c == '{':
		n.Kind = Map
		p.list('}', func() { p.field(n, depth) })
	case c == '[':
		n.Kind = List
		p.list(']', func() { n.Items = append(n.Items, p.value(depth+1)) })
	case c == '"':
		n.Style = DoubleQuoted
		n.Text = p.str()
	default:
		for p.at < len(p.data) && strings.IndexByte(",]} \t\r\n", p.data[p.at]) < 0 {
			p.at++
		}
		n.Text = string(p.data[n.start:p.at])
		n.Null = n.Text == "null"
		p.failed = p.failed || p.at == n.start
	}
	n.end = p.at
	return n
}

func (p *jsonTree) list(closing byte, element func()) {
	p.at++
	for p.peek() != closing && !p.failed {
		element()
		switch p.peek() {
		case ',':
			p.at++
		case closing:
		default:
			p.failed = true
		}
	}
	p.at++
}

func (p *jsonTree) field(n *Node, depth int) {
	f := Field{}
	if p.peek() != '"' {
		p.failed = true
		return
	}
	f.keyStart = p.at
	f.Name = p.str()
	f.keyEnd = p.at
	if p.peek() != ':' {
		p.failed = true
		return
	}
	p.at++
	f.Value = p.value(depth + 1)
	n.Fields = append(n.Fields, f)
}

func (p *jsonTree) str() string {
	s := jsonScanner{data: p.data, at: p.at}
	s.skipString()
	raw := p.data[p.at:s.at]
	p.at = s.at
	return unquoteJSON(raw)
}

func unquoteJSON(raw []byte) (s string) {
	if json.Unmarshal(raw, &s) != nil {
		return string(raw)
	}
	return s
}
