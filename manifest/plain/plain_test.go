package plain

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"sigs.k8s.io/yaml"
)

// checkPlain checks that plain text means what clients take it for, and reports whether it is plain.
func checkPlain(t *testing.T, name string, text []byte) bool {
	t.Helper()
	got := JSON(text, nil)
	if got == nil {
		return false
	}
	want, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		t.Errorf("%s: read as %s, refused by clients: %v\n%s", name, got, err, text)
	} else if !bytes.Equal(got, want) {
		t.Errorf("%s: read as\n%s, by clients as\n%s\n%s", name, got, want, text)
	}
	return true
}

func TestPlainTextMeansWhatClientsTakeItFor(t *testing.T) {
	for name, text := range map[string]string{
		"scalars": "a: b\nc: 12\nd: -e\nf: 0\ng: true\nh: null\ni:\nj: 100m\nk: 10.0.0.0/8\nl: a:b\nk1: " +
			"10.0.0.1\nk2: 0.0.0.0\nk3: 10%\nk4: 67cc84df8d\nk5: ../x\nm: a b  c\n",
		"keys out of order":   "b: 1\na: 2\nab: 3\n",
		"nesting":             "a:\n  b:\n    c: d\n  e: f\ng:\n- h: i\n  j:\n  - k\n  - l\n- m\n",
		"lists in lists":      "a:\n- - b\n  - c\n-  - d\n",
		"comments":            "# one\na: b # two\n  # three\nc: # four\n  d: e\n# five\n",
		"quotes":              "a: \"b # c\"\nd: 'e: f'\n\"g\": 'h\\i'\n",
		"flow":                "a: {b: c, d: [e,1, \"f g\"], h: {}, i: []}\nj: [] # k\n",
		"literal":             "a: |\n  b <&>\n    c\n\n  d \"e\" \\\nf: |-\n  g\n\n# h\n",
		"literal in a list":   "a:\n  - |\n    b\n  - c\n",
		"command line":        "args:\n- --port=80\n- -c\n- $(A)\n- ./x\n",
		"spaces at line ends": "a: b  \nc:  \n  d: e   \n",
		"other scripts":       "a: ü # 版本\nb: 日本 語\nc: \"é\"\nd: |\n  😀\n",
		"no newline at end":   "a: b",
	} {
		if !checkPlain(t, name, []byte(text)) {
			t.Errorf("%s: not plain", name)
		}
	}
}

func TestTextThatMayMeanSomethingElseIsNotPlain(t *testing.T) {
	for _, text := range []string{
		"a: yes", "a: N", "a: Off", "yes: a", "y: a", "NULL: a", "1: a", "a: ~", "a: 0777", "a: 0x10", "a: 1_000",
		"a: 1e3", "a: 1E", "a: 12e5", "a: 1_a", "a: 0a", "a: .inf", "a: ...", "a: 1.2", "a: [b,]", "a: [,b]", "a: 1.5",
		"a: .5", "a: +1", "a: -1", "a: -_1", "a: 2001-01-01",
		"a: 1234567890123456789", "a: &b c", "a: *b", "a: !!str 1", "<<: {a: b}", "a: b: c", "a: b:", "a: 'b''c'",
		`a: "b\n"`, "a: 'b' c", "a: >\n  b\n", "a: |+\n  b\n", "a: |2\n  b\n", "a: |\n\n  b\n",
		"a: |\n  b", "a: b\n  c\n", "a: b\n c: d\n", "a:\n   b: c\n  d: e\n", "a: [b,\n  c]\n", "a: [b: c]\n",
		"a: {b:c}\n", "a: {b: c,}\n", "a: b\na: c\n", "\ta: b", "a: \tb", "a: b\r\n", "a: b\u2028", "a: b\u0085",
		"a: \xff", "\ufeffa: b", "ü: a", "? a\n: b", "- a", "a", "",
		"a: {}: b", "a: - b", "-\n", "a:\n-\n", "a: @b", "%YAML 1.1", "a: b\n...\n", " a: b", "a: \"b", "a: |b\n",
		"a: [b", "a: {b: ", "\"a", "a : b", "a: {b: c} d",
	} {
		if js := JSON([]byte(text), nil); js != nil {
			t.Errorf("%q is read as %s", text, js)
		}
	}
}

// FuzzJSON looks for text that is taken for plain and means something else.
func FuzzJSON(f *testing.F) {
	for _, pattern := range []string{"../../testdata/chapter/*", "../../examples/*"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			if data, err := os.ReadFile(name); err == nil && len(data) < 1000 {
				f.Add(data)
			}
		}
	}
	for _, seed := range []string{
		"a: |\n  b\n\n   c\nd: e # f\n", "a:\n- b: [c, {d: \"e\"}]\n  f: 'g'\n", "a: 10m\nb: -c\n\"d\": null\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) { checkPlain(t, "text", text) })
}

func BenchmarkJSON(b *testing.B) {
	data, err := os.ReadFile("../../testdata/chapter/nginx-deployment.yaml")
	if err != nil {
		b.Fatal(err)
	}
	for name, read := range map[string]func() bool{
		"plain": func() bool { return JSON(data, nil) != nil },
		"sigs":  func() bool { _, err := yaml.YAMLToJSONStrict(data); return err == nil },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if !read() {
					b.Fatal("not read")
				}
			}
		})
	}
}
