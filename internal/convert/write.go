package convert

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/seatrial/seatrial/manifest"
)

// Form is a way to write a document. The zero value is invalid.
type Form struct {
	Name  string
	write func(io.Writer, map[string]any, *manifest.Document) error
}

// Forms are the forms, as -o names them.
var Forms = []Form{{"yaml", writeYAML}, {"json", writeJSON}}

// Write writes a value in the order of like, the document that it was made of. YAML keeps the comments of YAML.
func (f Form) Write(w io.Writer, value map[string]any, like *manifest.Document) error {
	return f.write(w, value, like)
}

func writeYAML(w io.Writer, value map[string]any, like *manifest.Document) error {
	node, err := yamlNode(value, like.Root(), true)
	if err != nil {
		return err
	}
	if !like.IsJSON() {
		keepComments(node, written(like))
	}
	if _, err := io.WriteString(w, "---\n"); err != nil {
		return err
	}
	enc := yaml.NewEncoder(w)
	enc.SetIndent(2)
	enc.CompactSeqIndent()
	if err := enc.Encode(node); err != nil {
		return err
	}
	return enc.Close()
}

func yamlNode(value any, like *manifest.Node, root bool) (*yaml.Node, error) {
	switch v := value.(type) {
	case map[string]any:
		node := &yaml.Node{Kind: yaml.MappingNode}
		for _, key := range keysOf(v, like, root) {
			name, err := yamlScalar(key)
			if err != nil {
				return nil, err
			}
			child, err := yamlNode(v[key], child(like, key), false)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, name, child)
		}
		return node, nil
	case []any:
		node := &yaml.Node{Kind: yaml.SequenceNode}
		for i := range v {
			child, err := yamlNode(v[i], item(like, i), false)
			if err != nil {
				return nil, err
			}
			node.Content = append(node.Content, child)
		}
		return node, nil
	}
	return yamlScalar(value)
}

// yamlScalar quotes what YAML 1.1 would take for something else.
func yamlScalar(value any) (*yaml.Node, error) {
	node := &yaml.Node{}
	return node, node.Encode(value)
}

func writeJSON(w io.Writer, value map[string]any, like *manifest.Document) error {
	var compact, out bytes.Buffer
	if err := appendJSON(&compact, value, like.Root(), true); err != nil {
		return err
	}
	if err := json.Indent(&out, compact.Bytes(), "", "  "); err != nil {
		return err
	}
	out.WriteByte('\n')
	_, err := out.WriteTo(w)
	return err
}

func appendJSON(b *bytes.Buffer, value any, like *manifest.Node, root bool) error {
	switch v := value.(type) {
	case map[string]any:
		b.WriteByte('{')
		for i, key := range keysOf(v, like, root) {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := encodeJSON(b, key); err != nil {
				return err
			}
			b.WriteByte(':')
			if err := appendJSON(b, v[key], child(like, key), false); err != nil {
				return err
			}
		}
		b.WriteByte('}')
		return nil
	case []any:
		b.WriteByte('[')
		for i := range v {
			if i > 0 {
				b.WriteByte(',')
			}
			if err := appendJSON(b, v[i], item(like, i), false); err != nil {
				return err
			}
		}
		b.WriteByte(']')
		return nil
	}
	return encodeJSON(b, value)
}

// encodeJSON writes a scalar, with < and > as they are.
func encodeJSON(b *bytes.Buffer, value any) error {
	enc := json.NewEncoder(b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return err
	}
	b.Truncate(b.Len() - 1) // the end of the line
	return nil
}

// written returns a document as it was written, with its comments; nil if it cannot be read.
func written(d *manifest.Document) *yaml.Node {
	at := d.Root().Range()
	start := d.File.LineStart(at.Start.Line)
	for line := at.Start.Line - 1; line > 0 && strings.HasPrefix(strings.TrimSpace(d.File.Line(line)), "#"); line-- {
		start = d.File.LineStart(line) // comments above the first key
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(d.File.Data[start:endOf(d)], &doc); err != nil || len(doc.Content) == 0 {
		return nil
	}
	if root := doc.Content[0]; d.Item == "" {
		if len(root.Content) > 0 && root.Content[0].HeadComment == "" {
			root.Content[0].HeadComment = doc.HeadComment
		}
		if n := len(root.Content); n > 1 && root.Content[n-2].FootComment == "" {
			root.Content[n-2].FootComment = doc.FootComment
		}
		return root
	}
	return nil
}

// endOf returns where a document ends, with the comment on its last line and those below it.
func endOf(d *manifest.Document) int {
	end := d.Root().Range().End
	line := end.Line
	if end.Column == 1 && line > 1 {
		line--
	}
	for line < d.File.Lines() {
		if next := strings.TrimSpace(d.File.Line(line + 1)); next != "" && !strings.HasPrefix(next, "#") {
			break
		}
		line++
	}
	if line >= d.File.Lines() {
		return len(d.File.Data)
	}
	return d.File.LineStart(line + 1)
}

// keepComments copies the comments of keys and elements that are still there.
func keepComments(to, from *yaml.Node) {
	if from == nil || to.Kind != from.Kind {
		return
	}
	comment := func(to, from *yaml.Node) {
		to.HeadComment, to.LineComment, to.FootComment = from.HeadComment, from.LineComment, from.FootComment
	}
	// What was written in brackets is written on lines of its own: a comment behind it moves above it.
	above := func(to, from, at *yaml.Node) {
		if from.Style&yaml.FlowStyle != 0 && to.Kind != yaml.ScalarNode && len(to.Content) > 0 &&
			from.LineComment != "" {
			at.HeadComment = strings.TrimPrefix(at.HeadComment+"\n"+from.LineComment, "\n")
			to.LineComment = ""
		}
	}
	switch to.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(to.Content); i += 2 {
			for j := 0; j+1 < len(from.Content); j += 2 {
				if to.Content[i].Value == from.Content[j].Value {
					comment(to.Content[i], from.Content[j])
					comment(to.Content[i+1], from.Content[j+1])
					above(to.Content[i+1], from.Content[j+1], to.Content[i])
					keepComments(to.Content[i+1], from.Content[j+1])
				}
			}
		}
	case yaml.SequenceNode:
		for i := range min(len(to.Content), len(from.Content)) {
			comment(to.Content[i], from.Content[i])
			above(to.Content[i], from.Content[i], to.Content[i])
			keepComments(to.Content[i], from.Content[i])
		}
	}
}
