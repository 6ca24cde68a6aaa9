package manifest_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/internal/modcache"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// TestTreesAgreeWithValues checks on the manifests of Kubernetes and of two linters that the
// places are those of the values that clients send.
func TestTreesAgreeWithValues(t *testing.T) {
	documents := 0
	for module, folders := range map[string][]string{
		"k8s.io/kubernetes": {
			"cluster", "test/e2e/testing-manifests", "test/fixtures", "test/conformance/testdata", "test/kubemark",
		},
		"sigs.k8s.io/kubectl-validate@v0.0.4": {"testcases"},
		"github.com/yannh/kubeconform@v0.8.0": {"fixtures"},
	} {
		dir, err := modcache.Dir(module)
		if err != nil {
			t.Fatal(err)
		}
		for _, folder := range folders {
			err := filepath.WalkDir(filepath.Join(dir, folder), func(name string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, filepath.Ext(name)) {
					return err
				}
				data, err := os.ReadFile(name)
				if err != nil {
					return err
				}
				documents += checkPlaces(t, strings.TrimPrefix(name, dir), data)
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Logf("%d documents", documents)
	if documents < 400 {
		t.Errorf("only %d documents", documents)
	}
}

// TestTreesAgreeWithRandomValues does the same for values that nobody would write.
func TestTreesAgreeWithRandomValues(t *testing.T) {
	for seed := range uint64(300) {
		r := rand.New(rand.NewPCG(seed, 1))
		value := map[string]any{"apiVersion": "v1", "kind": "Random"}
		for range r.IntN(5) {
			value[randomText(r)] = randomValue(r, 4)
		}
		asYAML, err := yaml.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		asJSON, err := json.MarshalIndent(value, "", strings.Repeat(" ", r.IntN(4)))
		if err != nil {
			t.Fatal(err)
		}
		for form, text := range map[string][]byte{
			"YAML": asYAML, "JSON": asJSON, "CRLF": []byte(strings.ReplaceAll(string(asYAML), "\n", "\r\n")),
		} {
			if checkPlaces(t, fmt.Sprintf("%s of seed %d", form, seed), text) != 1 {
				t.Errorf("%s of seed %d is not one document:\n%s", form, seed, text)
			}
		}
	}
}

func randomValue(r *rand.Rand, depth int) any {
	switch k := r.IntN(9); {
	case k == 0:
		return nil
	case k == 1:
		return r.IntN(2) == 0
	case k == 2:
		return r.IntN(1000) - 500
	case k < 5 && depth > 0:
		m := map[string]any{}
		for range r.IntN(4) {
			m[randomText(r)] = randomValue(r, depth-1)
		}
		return m
	case k < 7 && depth > 0:
		list := []any{}
		for range r.IntN(4) {
			list = append(list, randomValue(r, depth-1))
		}
		return list
	}
	return randomText(r)
}

func randomText(r *rand.Rand) string {
	words := []string{
		"a",
		"yes",
		"12",
		"0x1",
		"über",
		"日本",
		":",
		"#",
		" #",
		"- ",
		"'",
		`"`,
		"\\",
		"\n",
		"  ",
		"{",
		"}",
		"[",
		",",
		"&x",
		"*x",
		"%",
		"---",
		"null",
		"~",
		"é\u0301",
		"😀",
	}
	var b strings.Builder
	for range 1 + r.IntN(4) {
		b.WriteString(words[r.IntN(len(words))])
	}
	return b.String()
}

// checkPlaces reads a file and checks each document's places; it gives the number of documents.
func checkPlaces(t *testing.T, name string, data []byte) int {
	t.Helper()
	docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	for _, d := range docs {
		nests(t, name, d.Root())
		leaves(t, name, d, d.Root(), d.Value())
	}
	return len(docs)
}

// nests checks that the places of children lie within that of their parent, in order.
func nests(t *testing.T, name string, n *manifest.Node) {
	outer := n.Range()
	last := outer.Start.Offset
	child := func(c *manifest.Node) {
		r := c.Range()
		if r.Start.Offset < last || r.End.Offset > outer.End.Offset || r.End.Offset < r.Start.Offset {
			t.Errorf("%s: %v lies outside of %v", name, r, outer)
		}
		last = r.Start.Offset
		if c.Target() == c {
			nests(t, name, c)
		}
	}
	for _, f := range n.Fields {
		child(f.Value)
	}
	for _, it := range n.Items {
		child(it)
	}
}

// leaves checks that the node of each value has its text, and that the text at its place
// means the same when it is read alone.
func leaves(t *testing.T, name string, d *manifest.Document, n *manifest.Node, v any) {
	n = n.Target()
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			f := n.Get(key)
			if f == nil {
				if !typedListItem(d, n, key) && !looksTyped(key) {
					t.Errorf("%s: no place for key %q at %v", name, key, n.Range())
				}
				continue
			}
			leaves(t, name, d, f.Value, value)
		}
	case []any:
		if len(n.Items) != len(v) {
			t.Errorf("%s: %d places for %d items at %v", name, len(n.Items), len(v), n.Range())
			return
		}
		for i := range v {
			leaves(t, name, d, n.Items[i], v[i])
		}
	case string:
		if n.Kind != manifest.Scalar || n.Text != v && n.Style != manifest.Plain {
			t.Errorf("%s: text %q has the place of %q at %v", name, v, n.Text, n.Range())
		}
		if n.Style == manifest.Block {
			return // its indentation is its parent's
		}
		r := n.Range()
		alone := "k: " + strings.ReplaceAll(string(d.File.Data[r.Start.Offset:r.End.Offset]), "\n", "\n ")
		var m map[string]any
		if err := yaml.Unmarshal([]byte(alone), &m); err != nil || m["k"] != v {
			t.Errorf("%s: %q at %v reads %v alone, %v", name, v, r, m["k"], err)
		}
	}
}

// typedListItem reports whether a key is one that an item of a typed list has from its list.
func typedListItem(d *manifest.Document, n *manifest.Node, key string) bool {
	return d.Item != "" && n == d.Root().Target() && (key == "apiVersion" || key == "kind")
}

// looksTyped reports whether a key is written as a number, a boolean or null, whose text differs from its value's.
func looksTyped(key string) bool {
	return slices.Contains([]string{"true", "false", "null"}, key) || strings.Trim(key, "-0123456789.eE+") == ""
}

// FuzzRead looks for input that panics, hangs, or has places outside of the file.
func FuzzRead(f *testing.F) {
	for _, seed := range []string{
		"a: b", "apiVersion: v1\nkind: Pod\nmetadata:\n  name: x\n---\n{}", `{"a": [1, "b"]}{"c": null}`, "a: &a [*a]",
		"? a\n: b", "\ta: b", "a: |\n  x\n y", "%YAML 1.1\n---\na", "- - a", "\xff\xfe", "a: {b", "<<: *x",
		"k: >-\n\n\n x", "a:\n- b\n  c",
	} {
		f.Add([]byte(seed))
	}
	for _, pattern := range []string{"../testdata/chapter/*", "../examples/*"} {
		files, _ := filepath.Glob(pattern)
		for _, name := range files {
			if data, err := os.ReadFile(name); err == nil {
				f.Add(data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		file := source.NewFile("f.yaml", data)
		docs, findings := manifest.Read(file, manifest.DefaultLimits)
		for _, d := range docs {
			if r := d.Root().Range(); r.Start.Offset < 0 || r.End.Offset > len(data) {
				t.Errorf("document at %v of %d bytes", r, len(data))
			}
			d.Find("spec.containers[0].image")
			d.Value()
		}
		for _, d := range findings {
			if d.Range.Start.Offset < 0 || d.Range.End.Offset > len(data) || d.Range.Start.Line < 1 ||
				d.Range.End.Offset < d.Range.Start.Offset {
				t.Errorf("finding at %v of %d bytes: %s", d.Range, len(data), d.Message)
			}
			for _, fix := range d.Fixes {
				if _, err := source.Apply(data, fix.Edits); err != nil {
					t.Errorf("fix of %q: %v", d.Message, err)
				}
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	data, err := os.ReadFile("../examples/shop.yaml")
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		manifest.Read(source.NewFile("shop.yaml", data), manifest.DefaultLimits)
	}
}
