package catalogue

import (
	"encoding/json"
	"strings"
	"testing"
)

// TestInline resolves the references of a schema to its own parts, and leaves those that lead in a circle.
func TestInline(t *testing.T) {
	const schema = `{
	  "$ref": "#/definitions/Top",
	  "definitions": {
	    "Top": {"type": "object", "properties": {
	      "port": {"$ref": "#/definitions/a~1b", "description": "of the server"},
	      "tree": {"$ref": "#/definitions/Tree"},
	      "far": {"$ref": "https://example.com/x.json"},
	      "lost": {"$ref": "#/definitions/None"}}},
	    "a/b": {"type": "integer", "description": "a port"},
	    "Tree": {"type": "object", "properties": {"child": {"$ref": "#/definitions/Tree"}}}
	  }
	}`
	var in map[string]any
	if err := json.Unmarshal([]byte(schema), &in); err != nil {
		t.Fatal(err)
	}
	out, err := inline(in)
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.Marshal(out["properties"])
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"far":{"$ref":"https://example.com/x.json"},` +
		`"lost":{"$ref":"#/definitions/None"},` +
		`"port":{"description":"of the server","type":"integer"},` +
		`"tree":{"properties":{"child":{"$ref":"#/definitions/Tree"}},"type":"object"}}`
	if string(got) != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// TestInlineBounds refuses a small schema whose references double on each level.
func TestInlineBounds(t *testing.T) {
	definitions := map[string]any{"L0": map[string]any{"type": "string"}}
	for i := range 40 {
		below := map[string]any{"$ref": "#/definitions/L" + string(rune('0'+i))}
		definitions["L"+string(rune('0'+i+1))] = map[string]any{"properties": map[string]any{"a": below, "b": below}}
	}
	_, err := inline(map[string]any{"$ref": "#/definitions/L" + string(rune('0'+40)), "definitions": definitions})
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
}
