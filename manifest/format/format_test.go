package format_test

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/manifest/format"
)

func TestStyle(t *testing.T) {
	for name, c := range map[string]struct{ in, want string }{
		"indentation": {
			"a:\n    b:\n        c: 1\n    d: 2\n",
			"a:\n  b:\n    c: 1\n  d: 2\n",
		},
		"lists stand below their key": {
			"a:\n    -   b: 1\n        c: 2\n    -   d\nz: 1\n",
			"a:\n- b: 1\n  c: 2\n- d\nz: 1\n",
		},
		"lists of lists": {
			"-   -   a\n    - b\n-\n    - c\n    -   d:\n         - e\n",
			"- - a\n  - b\n-\n  - c\n  - d:\n    - e\n",
		},
		"spaces and empty lines": {
			"\n\na:   1  \n\n\n\nb:\t2   # two\n\n",
			"a: 1\n\nb: 2 # two\n",
		},
		"comments stand beside what they are about": {
			"# top\na:\n    # of b\n    b: 1\n    # c: 2\n\n    # last\n# of d\nd:\n  # below d\n    # of e\n    - e\n    # f\n",
			"# top\na:\n  # of b\n  b: 1\n  # c: 2\n\n  # last\n# of d\nd:\n  # below d\n# of e\n- e\n# f\n",
		},
		"comments beside dashes and keys": {
			"a:    # of a\n  -    # of the element\n      b: 1\n",
			"a: # of a\n- # of the element\n  b: 1\n",
		},
		"block scalars move as a whole": {
			"a:\n    b: |-   # text\n         one\n           two \n\n         # three\n    # c\n    c: >+\n        folded\n\n\nd: 1\n",
			"a:\n  b: |- # text\n    one\n      two \n\n    # three\n  # c\n  c: >+\n    folded\n\n\nd: 1\n",
		},
		"block scalars with an indentation indicator": {
			"a:\n    b: |2\n         one\n    c: |1\n     two\n",
			"a:\n  b: |2\n       one\n  c: |1\n   two\n",
		},
		"texts of several lines": {
			"a:\n    b: one\n      two\n\n      three\n    c: \"one\n      two\\\n      three\"   # end\n    d: 'it''s\n      # two'\n",
			"a:\n  b: one\n    two\n\n    three\n  c: \"one\n    two\\\n    three\" # end\n  d: 'it''s\n    # two'\n",
		},
		"flow collections": {
			"a:\n    b: {c: [1, 2], \"d\": '}'}   # end\n    e: [\n        it's, # one\n        'two]'   \n    ]\n",
			"a:\n  b: {c: [1, 2], \"d\": '}'} # end\n  e: [\n      it's, # one\n      'two]'\n  ]\n",
		},
		"anchors, tags, aliases": {
			"a:   &x   !!str  1\nb: &y\n    c: 1\nd:\n    -   &z   e: 1\n    -   *y\n    - !!map\n      f: 1\n",
			"a: &x !!str 1\nb: &y\n  c: 1\nd:\n- &z   e: 1\n- *y\n- !!map\n  f: 1\n",
		},
		"quoted keys and colons": {
			"\"a: b\" :   1\n'c':    http://x:80\nd:\n    - \"e: f\"\n    - g:h\n    - 'i': 1\n",
			"\"a: b\": 1\n'c': http://x:80\nd:\n- \"e: f\"\n- g:h\n- 'i': 1\n",
		},
		"documents": {
			"a: 1\n---   # two\n\n\nb:\n    c: 1\n\n...\n---\n- d\n",
			"a: 1\n--- # two\n\nb:\n  c: 1\n\n...\n---\n- d\n",
		},
		"a value below its key":        {"a:\n      long text\nb:\n     \"c\"\n", "a:\n  long text\nb:\n  \"c\"\n"},
		"line ends of other systems":   {"a:\r\n    b: 1\r\n", "a:\r\n  b: 1\r\n"},
		"the last line":                {"a:\n    b: 1", "a:\n  b: 1\n"},
		"the end of a block scalar":    {"a:\n    b: |\n        text", "a:\n  b: |\n    text"},
		"spaces behind a block scalar": {"a: |\n  b\n  ", "a: |\n  b\n"},
		"a byte order mark":            {"\ufeffa:\n    b: 1\n", "\ufeffa:\n  b: 1\n"},
		"JSON stays as it is":          {"{\"a\":   1}\n", "{\"a\":   1}\n"},
		"a file without a value":       {"", ""},
		"a comment that closes a file": {"a: |\n  b\n\n\n# end", "a: |\n  b\n\n# end\n"},
	} {
		got, err := format.Source([]byte(c.in))
		if err != nil || string(got) != c.want {
			t.Errorf("%s: %v\n%s\nwant\n%s", name, err, got, c.want)
			continue
		}
		if again, err := format.Source(got); err != nil || !bytes.Equal(again, got) {
			t.Errorf("%s: printed again it differs: %v\n%s", name, err, again)
		}
	}
}

func TestWhatCannotBeReadIsNotPrinted(t *testing.T) {
	for name, text := range map[string]string{
		"no YAML":                "a: [1\n",
		"a template":             "a:\n    {{- if .Values.x }}\n    b: 1\n    {{- end }}\n",
		"explicit keys":          "? a\n: b\n",
		"directives":             "%YAML 1.2\n---\na: 1\n",
		"text beside the marker": "--- {a: 1}\n",
	} {
		if got, err := format.Source([]byte(text)); err == nil {
			t.Errorf("%s: printed %q", name, got)
		}
	}
}

var (
	note  = regexp.MustCompile(`(?m)(^|[ \t])#.*$`)
	block = regexp.MustCompile(`(?m)[|>][-+0-9]*[ \t]*(#.*)?$`)
	start = regexp.MustCompile(`(?m)^ +`)
)

// TestRepository prints all manifests of the repository: their values and comments stay, what is printed stays as it is
// when it is printed again, and it does not depend on the indentation before.
func TestRepository(t *testing.T) {
	printed, doubled := 0, 0
	err := filepath.WalkDir("../..", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{"node_modules", ".git", "bin", "dist"}, entry.Name()) {
			return filepath.SkipDir
		}
		if ext := filepath.Ext(name); entry.IsDir() || ext != ".yaml" && ext != ".yml" && ext != ".txtar" {
			return nil
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		for _, text := range texts(name, string(data)) {
			pretty, err := format.Source([]byte(text))
			if err != nil {
				continue
			}
			printed++
			same(t, name, text, string(pretty))
			if block.MatchString(text) || strings.Contains(text, "\"\n") {
				continue
			}
			wide := start.ReplaceAllStringFunc(text, func(s string) string { return s + s })
			again, err := format.Source([]byte(wide))
			if err == nil {
				doubled++
			}
			if err == nil && !bytes.Equal(again, pretty) && !strings.Contains(text, "\n  - -") {
				t.Errorf("%s: with twice the indentation it is printed as\n%s\nnot as\n%s", name, again, pretty)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d texts, %d also with twice the indentation", printed, doubled)
	if printed < 500 || doubled < 300 {
		t.Errorf(
			"%d texts were printed, %d of them with twice the indentation: too few to prove anything", printed, doubled,
		)
	}
}

// texts returns the YAML of a file: a script's own files are texts of their own.
func texts(name, text string) (all []string) {
	if filepath.Ext(name) != ".txtar" {
		return []string{text}
	}
	for _, part := range strings.Split("\n"+text, "\n-- ")[1:] {
		file, text, _ := strings.Cut(part, "\n")
		if strings.HasSuffix(file, ".yaml --") {
			all = append(all, text)
		}
	}
	return all
}

// same reports what a printed text has lost.
func same(t *testing.T, name, before, after string) {
	t.Helper()
	if again, err := format.Source([]byte(after)); err != nil || string(again) != after {
		t.Errorf("%s: printed again it differs: %v\n%s\nnot\n%s", name, err, again, after)
	}
	if a, b := decoded(t, before), decoded(t, after); !slices.Equal(a, b) {
		t.Errorf("%s: the value has changed from\n%s\nto\n%s", name, a, b)
	}
	notes := func(text string) (all []string) {
		for _, n := range note.FindAllString(text, -1) {
			all = append(all, strings.TrimSpace(n))
		}
		return all
	}
	if a, b := notes(before), notes(after); !slices.Equal(a, b) {
		t.Errorf("%s: the comments have changed from\n%q\nto\n%q", name, a, b)
	}
}

func decoded(t *testing.T, text string) (all []string) {
	t.Helper()
	for _, document := range strings.Split("\n"+text, "\n---") {
		js, err := yaml.YAMLToJSON([]byte("#" + document))
		if err != nil {
			t.Errorf("%v\n%s", err, document)
		}
		all = append(all, string(js))
	}
	return all
}
