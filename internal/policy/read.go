package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	yaml "go.yaml.in/yaml/v3"

	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// written is a definition with the place where it stands.
type written struct {
	def  definition
	file *source.File
	node *yaml.Node
}

// Error is what is wrong with a rule, and where.
type Error struct {
	File         string
	Line, Column int // from 1
	Err          error
}

// Error returns the place and what is wrong.
func (e *Error) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Column, e.Err)
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// readRules reads the rules of one file, and of those that it names.
func readRules(name string, data []byte, read func(string) ([]byte, error)) ([]*written, error) {
	var root yaml.Node
	if err := yaml.Unmarshal(data, &root); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	file := source.NewFile(name, data)
	list := child(&root, Key)
	if list == nil {
		return nil, nil
	}
	if list.Kind != yaml.SequenceNode {
		return nil, &Error{name, list.Line, list.Column, fmt.Errorf("%s must be a list of rules and of files", Key)}
	}
	var all []*written
	for _, item := range list.Content {
		if item.Kind == yaml.ScalarNode {
			found, err := readNamed(file, item, read)
			if err != nil {
				return nil, err
			}
			all = append(all, found...)
			continue
		}
		w := &written{file: file, node: item}
		if err := w.decode(); err != nil {
			return nil, err
		}
		all = append(all, w)
	}
	return all, nil
}

// readNamed reads the files that a glob names, relative to the file in which it stands.
func readNamed(file *source.File, item *yaml.Node, read func(string) ([]byte, error)) (all []*written, err error) {
	fail := func(err error) ([]*written, error) { return nil, &Error{file.Name, item.Line, item.Column, err} }
	pattern := item.Value
	if !filepath.IsAbs(pattern) {
		pattern = filepath.Join(filepath.Dir(file.Name), pattern)
	}
	names := []string{pattern}
	if strings.ContainsAny(item.Value, "*?[") {
		if names, err = filepath.Glob(pattern); err != nil || len(names) == 0 {
			return fail(fmt.Errorf("no file matches %q", item.Value))
		}
	}
	for _, name := range names {
		data, err := read(name)
		if err != nil {
			return fail(fmt.Errorf("reading rules: %w", err))
		}
		found, err := readRules(name, data, func(string) ([]byte, error) {
			return nil, errors.New("a file that holds rules names no others")
		})
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return fail(fmt.Errorf("%s holds no %s", item.Value, Key))
		}
		all = append(all, found...)
	}
	return all, nil
}

func (w *written) decode() error {
	if w.node.Kind != yaml.MappingNode {
		return w.fail("", errors.New("a rule must be a mapping"))
	}
	var value any
	if err := w.node.Decode(&value); err != nil {
		return w.fail("", err)
	}
	data, err := json.Marshal(value)
	if err != nil {
		return w.fail("", err)
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&w.def); err != nil {
		return w.explain(err)
	}
	w.def.Params, _ = integers(w.def.Params).(map[string]any)
	return w.check()
}

// explain turns the decoder's message into one with a place and a way out.
func (w *written) explain(err error) error {
	if _, rest, ok := strings.Cut(err.Error(), `unknown field "`); ok {
		key, _, _ := strings.Cut(rest, `"`)
		message := fmt.Sprintf("unknown key %q", key)
		known := keysOf(reflect.TypeFor[definition]())
		if best := schema.DidYouMean(key, known); best != "" {
			message += ": did you mean " + best + "?"
		}
		return w.failAt(keyNode(w.node, key), errors.New(message))
	}
	var wrong *json.UnmarshalTypeError
	if errors.As(err, &wrong) {
		return w.fail(wrong.Field, fmt.Errorf("%s cannot be a %s", wrong.Field, wrong.Value))
	}
	return w.fail("", err)
}

// keysOf lists the keys of a mapping that is read into a type, with those below.
func keysOf(t reflect.Type) (keys []string) {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if t.Kind() != reflect.Struct {
		return nil
	}
	for i := range t.NumField() {
		if name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ","); name != "" {
			keys = append(keys, name)
			keys = append(keys, keysOf(t.Field(i).Type)...)
		}
	}
	return keys
}

// fail returns an error at a field of the definition: match.kinds[0]. The empty path is the rule itself.
func (w *written) fail(path string, err error) error { return w.failAt(w.at(path), err) }

func (w *written) failAt(n *yaml.Node, err error) error {
	return &Error{w.file.Name, n.Line, n.Column, err}
}

// at returns the node at a path, or the nearest one above it.
func (w *written) at(path string) *yaml.Node {
	node := w.node
	for _, step := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		next := child(node, step)
		if next == nil {
			return node
		}
		node = next
	}
	return node
}

// failInside returns an error at a line and column of a text of the definition: lines from 1, columns from 0.
func (w *written) failInside(path string, line, column int, err error) error {
	n := w.at(path)
	e := &Error{w.file.Name, n.Line, n.Column, err}
	switch {
	case n.Style&yaml.LiteralStyle != 0:
		first := n.Line + 1
		for first < w.file.Lines() && strings.TrimSpace(w.file.Line(first)) == "" {
			first++
		}
		text := w.file.Line(first)
		e.Line = n.Line + line
		e.Column = len(text) - len(strings.TrimLeft(text, " ")) + column + 1
	case n.Style&yaml.FoldedStyle != 0 || strings.Contains(n.Value, "\n"):
	case n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle) != 0:
		e.Column += column + 1
	default:
		e.Column += column
	}
	return e
}

// child returns the value of a key of a mapping, or an element of a list; nil if there is none.
func child(n *yaml.Node, name string) *yaml.Node {
	switch n.Kind {
	case yaml.DocumentNode:
		return child(n.Content[0], name)
	case yaml.AliasNode:
		return child(n.Alias, name)
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == name {
				return n.Content[i+1]
			}
		}
	case yaml.SequenceNode:
		if i, err := strconv.Atoi(name); err == nil && i < len(n.Content) {
			return n.Content[i]
		}
	}
	return nil
}

// keyNode finds a key anywhere below a node; the node itself if there is none.
func keyNode(n *yaml.Node, key string) *yaml.Node {
	if n.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if n.Content[i].Value == key {
				return n.Content[i]
			}
		}
	}
	i := slices.IndexFunc(n.Content, func(c *yaml.Node) bool { return keyNode(c, key) != c })
	if i < 0 {
		return n
	}
	return keyNode(n.Content[i], key)
}

// integers returns a decoded JSON value whose whole numbers are integers, as they are in objects.
func integers(value any) any {
	switch v := value.(type) {
	case float64:
		if i := int64(v); float64(i) == v {
			return i
		}
	case map[string]any:
		for key := range v {
			v[key] = integers(v[key])
		}
	case []any:
		for i := range v {
			v[i] = integers(v[i])
		}
	}
	return value
}
