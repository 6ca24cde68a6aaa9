package convert

import (
	"bytes"
	"encoding/json"
	"io"

	"go.yaml.in/yaml/v3"

	"github.com/seatrial/seatrial/manifest"
)

// Form is a way to write a document. The zero value is invalid.
type Form struct {
	Name  string
	write func(io.Writer, map[string]any, *manifest.Node) error
}

// Forms are the forms, as -o names them.
var Forms = []Form{{"yaml", writeYAML}, {"json", writeJSON}}

// Write writes a document in the order of like, the text that it was read from, or of the alphabet
// where like is nil.
func (f Form) Write(w io.Writer, value map[string]any, like *manifest.Node) error {
	return f.write(w, value, like)
}

func writeYAML(w io.Writer, value map[string]any, like *manifest.Node) error {
	node, err := yamlNode(value, like, true)
	if err != nil {
		return err
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

func writeJSON(w io.Writer, value map[string]any, like *manifest.Node) error {
	var compact, out bytes.Buffer
	if err := appendJSON(&compact, value, like, true); err != nil {
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
