package syntax_test

import (
	"errors"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/manifest/syntax"
)

// explain returns the first problem of a text that the YAML library refuses.
func explain(t *testing.T, text string) syntax.Problem {
	t.Helper()
	_, err := yaml.YAMLToJSON([]byte(text))
	if err == nil {
		t.Fatalf("%q can be read", text)
	}
	none := func() []syntax.Value { return nil }
	return syntax.Explain(syntax.Text{Data: []byte(text), FirstLine: 1, JSON: text[0] == '{', Values: none}, err)[0]
}

func TestProblemsStandWhereTheMistakeIs(t *testing.T) {
	for name, c := range map[string]struct{ text, message, at string }{
		"unclosed quote":   {"a: \"b\nc: d\n", `quote " is never closed`, `"`},
		"unclosed bracket": {"a: [b\nc: d\n", "bracket [ is never closed", "["},
		"missing colon":    {"a:\n  b\n    c: d\n", `key "b" has no colon`, "b"},
		"missing space":    {"a: b\nc:d\ne: f\n", `no space after the colon of "c"`, "c:"},
		"tab":              {"a:\n\tb: c\n", "tab in indentation", "\t"},
		"at sign":          {"a: @b\n", "a value cannot begin with @", "@b"},
		"astray": {
			"a:\n    b: c\n  d: e\n", "indented by 2 columns, which lines up with no line above", "d: e",
		},
		"one column astray": {
			"a:\n   b: c\n d: e\n", "indented by 1 column, which lines up with no line above", "d: e",
		},
		"left of its lines": {
			"a:\n- b: c\n  d: e\nf:\n    g: h\n  i: j\n", "indented by 2 columns less than the lines around it", "f:",
		},
		"block of no text": {
			"a: |\nb: c\n  d: e\n", "text of a block is not indented deeper than the key above it", "b: c",
		},
		"no dash": {
			"a:\n  - b: c\n    d: e\n  b: f\n    d: g\n", "an element of the list has no dash", "b: f",
		},
		"two styles":         {"a: >|\n  b\nc: d\n", "a block of text has one style", ">|"},
		"list on key's line": {"a: - b\n   - c\n", "a list cannot begin on the line of its key", "-"},
		"two keys": {
			"a:\n- name: shop image: reg/shop:1\n  b: c\n", `two keys on one line: "name" and "image"`,
			"image: reg/shop:1",
		},
		"two keys, one with a colon": {"a:\n- image: reg/shop:1 imagePullPolicy: Always\n  b: c\n",
			`two keys on one line: "image" and "imagePullPolicy"`, "imagePullPolicy: Always"},
		"a newer YAML":               {"%YAML 1.2\n", "clients refuse the directive %YAML 1.2", "%YAML 1.2"},
		"en dash of an element":      {"a:\n\u2013 b: c\n  d: e\n", "dash \u2013 (U+2013) in the place of -", "\u2013"},
		"full-width colon":           {"a\uff1a b\nc: d\n", "full-width colon (U+FF1A) in the place of :", "\uff1a"},
		"quote of a value far above": {"a: \"b\nc: d\ne: f\ng: h\ni: \"j\"\n", `quote " is never closed`, `"`},
		"quote of a key":             {"a:\n  \"b: c\n  d: \"e\"\n", `quote " is never closed`, `"`},
		"text on two lines": {"a: \"b\n  c\"\nd: e\nf: 'g\nh: i\nj: 'k'\n",
			"quote ' is never closed", "'"},
		"apostrophe":         {"a: 'it's on'\nb: c\n", "the apostrophe inside of single quotes ends them", "'it's on'"},
		"path of Windows":    {`a: "C:\data"` + "\n", `\d is not an escape of double quotes`, `\d`},
		"dash without space": {"a:\n-b: c\n  d: e\n", "no space after the dash of an element", "-b"},
		"equals sign":        {"a: b\nLOG=debug\nc: d\n", `= in the place of the colon of "LOG"`, "LOG=debug"},
		"space before a tag": {
			"a: b\nimage: example.com/c: 1.2\n", "space inside of an image, before its tag", "example.com/c: 1.2",
		},
		"code of a page":   {"```yaml\na: b\n```\n", "``` begins code in Markdown, and means nothing in YAML", "```"},
		"a line of equals": {"a: b\n=====\nc: d\n", "===== is not a document separator", "====="},
		"wrong bracket":    {"a: {b: c]\n", "bracket { is closed by ]", "]"},
		"unknown anchor":   {"a: *b\n", "alias *b refers to no anchor", "*b"},
		"merge conflict": {
			"a: b\n<<<<<<< HEAD\nc: d\n=======\nc: e\n>>>>>>> other\n", "merge conflict that is not resolved",
			"<<<<<<< HEAD",
		},
		"end of a conflict": {"c: e\n>>>>>>> other\nf: g\n", "merge conflict that is not resolved", ">>>>>>> other"},
		"JSON without a comma": {"{\"a\": 1 \"b\": 2}", "not valid JSON: invalid character '\"' after object " +
			"key:value pair", "\""},
	} {
		p := explain(t, c.text)
		if at := c.text[p.Start:p.End]; p.Message != c.message || at != c.at {
			t.Errorf("%s: %q at %q, want %q at %q", name, p.Message, at, c.message, c.at)
		}
	}
}

func TestFixesMakeTheTextReadable(t *testing.T) {
	for _, text := range []string{"a:\n  b\n    c: d\n", "a: b\nc:d\ne: f\n", "a:\n\tb: c\n", "a: @b\n",
		"a:\n\u2013 b: c\n  d: e\n", "a\uff1ab\nc: d\n", "a\uff1a\n  b: c\n", "```yaml\na: b\n```\n",
		`a: "C:\data"` + "\n",
		"a: 'it's on'\nb: c\n", "a:\n-b: c\n  d: e\n"} {
		p := explain(t, text)
		if len(p.Fixes) == 0 || !p.Fixes[0].Certain {
			t.Errorf("%q has no certain fix", text)
			continue
		}
		fixed, at := "", 0
		for _, e := range p.Fixes[0].Edits {
			fixed += text[at:e.Start] + e.NewText
			at = e.End
		}
		if _, err := yaml.YAMLToJSON([]byte(fixed + text[at:])); err != nil {
			t.Errorf("%q is fixed to %q: %v", text, fixed+text[at:], err)
		}
	}
}

// TestLinesAreMovedWithWhatTheyHold moves lines that are indented too deep, or not deep enough.
func TestLinesAreMovedWithWhatTheyHold(t *testing.T) {
	for text, want := range map[string]string{
		"a:\n   b: c\n  d: e\n":                            "a:\n   b: c\n   d: e\n",
		"a:\n- b: c\n  d: e\nf:\n    g: h\n  i: j\n":       "a:\n- b: c\n  d: e\n  f:\n      g: h\n  i: j\n",
		"a: |\nb: c\n  d: e\n":                             "a: |\n  b: c\n    d: e\n",
		"a: |\nlisten 80;\nserver {\n}\n":                  "a: |\n  listen 80;\n  server {\n  }\n",
		"a: b\n    c:\n      # why\n      - d\ne: f\n":     "a: b\nc:\n  # why\n  - d\ne: f\n",
		"a: [b, c # two\nd: e\n":                           "a: [b, c] # two\nd: e\n",
		"a: |\n  b\n c\nd: e\n":                            "a: |\n  b\n  c\nd: e\n",
		"a:\n  - b: c\n    d: e\n  b: f\n    d: g\n":       "a:\n  - b: c\n    d: e\n  - b: f\n    d: g\n",
		"a: >|\n  b\nc: d\n":                               "a: |\n  b\nc: d\n",
		"a:\n  - b: c\n     d: e\n\n     f: g\n  - h: i\n": "a:\n  - b: c\n    d: e\n\n    f: g\n  - h: i\n",
	} {
		p := explain(t, text)
		if len(p.Fixes) != 1 || p.Fixes[0].Certain {
			t.Errorf("%q: %+v", text, p)
			continue
		}
		fixed, at := "", 0
		for _, e := range p.Fixes[0].Edits {
			fixed += text[at:e.Start] + e.NewText
			at = e.End
		}
		if fixed += text[at:]; fixed != want {
			t.Errorf("%q becomes %q, want %q", text, fixed, want)
		}
	}
}

func TestAnyErrorIsExplained(t *testing.T) {
	for _, text := range []string{"a", "", "\n\n", "a: b\n"} {
		for _, message := range []string{"yaml: line 1: odd", "yaml: line 99: mapping values are not allowed in " +
			"this context", "odd"} {
			got := syntax.Explain(syntax.Text{Data: []byte(text), FirstLine: 1}, errors.New(message))
			if len(got) != 1 || got[0].End < got[0].Start || got[0].End > len(text) {
				t.Errorf("%q, %s: %+v", text, message, got)
			}
		}
	}
}

// TestTwoKeysAreNeverGlued: what looks like a key may be one, and no fix that is certain makes a text of it.
func TestTwoKeysAreNeverGlued(t *testing.T) {
	for text, split := range map[string]string{
		"a:\n- name: shop image: reg/shop:1\n  b: c\n": "a:\n- name: shop\n  image: reg/shop:1\n  b: c\n",
		"a: b c: d\n":                    "a: b\nc: d\n",
		"  a: 1 memory: 2Gi\n":           "  a: 1\n  memory: 2Gi\n",
		"a: the shop image: b\n":         "",
		"a: one two containerPort: 80\n": "",
	} {
		p := explain(t, text)
		if len(p.Fixes) == 0 || p.Fixes[0].Certain {
			t.Errorf("%q: %+v", text, p)
			continue
		}
		e := p.Fixes[0].Edits[0]
		if fixed := text[:e.Start] + e.NewText + text[e.End:]; split != "" && fixed != split {
			t.Errorf("%q becomes %q, want %q", text, fixed, split)
		}
	}
	if p := explain(t, "a: please remember this: close it\n"); len(p.Fixes) == 0 || !p.Fixes[0].Certain {
		t.Errorf("a sentence: %+v", p)
	}
}
