package manifest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// TestLongLinesAndLargeMappings ends at once when the work grows with the size of the text, and not within the time of
// a test run when it grows with the square.
func TestLongLinesAndLargeMappings(t *testing.T) {
	const many = 60_000
	var flow, block strings.Builder
	for i := range many {
		fmt.Fprintf(&flow, "k%d: \u00fc%d, ", i, i)
		fmt.Fprintf(&block, "  k%d: v # seatrial:ignore none\n", i)
	}
	limits := manifest.Limits{MaxBytes: 64 << 20, MaxDepth: 100}
	head := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for name, text := range map[string]string{
		"flow": head + "data: {" + strings.TrimSuffix(flow.String(), ", ") + "}\n",
		"JSON": `{"apiVersion": "v1", "kind": "ConfigMap", "data": {"` +
			strings.TrimSuffix(
				strings.ReplaceAll(strings.ReplaceAll(flow.String(), ": ", `": "`), ", ", `", "`), `, "`,
			) + "}}",
		"block": head + "data:\n" + block.String(),
	} {
		docs, findings := manifest.Read(source.NewFile("a.yaml", []byte(text)), limits)
		if len(docs) != 1 || len(findings) > 0 {
			t.Fatalf("%s: %d documents, %v", name, len(docs), findings)
		}
		for i := range many {
			key := fmt.Sprintf("k%d", i)
			p := docs[0].Find("data." + key)
			if !p.Exact || !strings.Contains(text[p.Key.Start.Offset:p.Key.End.Offset], key) {
				t.Fatalf("%s: %s is found at %v", name, key, p.Key)
			}
			if i%1000 != 0 {
				continue
			}
			line := text[strings.LastIndexByte(text[:p.Key.Start.Offset], '\n')+1 : p.Key.Start.Offset]
			if p.Key.Start.Column != len([]rune(line))+1 {
				t.Fatalf("%s: %s is found in column %d, want %d", name, key, p.Key.Start.Column, len([]rune(line))+1)
			}
		}
	}
}

func TestManyObjectsThatAreNeverClosed(t *testing.T) {
	text := strings.Repeat("{\n---\n", 100_000)
	if n := len(manifest.Split(source.NewFile("a.yaml", []byte(text)))); n != 100_000 {
		t.Errorf("%d documents", n)
	}
}

// TestDirectivesAndSeparators holds the reader against kubectl's, which splits a file at lines that begin with --- and
// takes the first of them for a part of the document.
func TestDirectivesAndSeparators(t *testing.T) {
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n"
	for text, accepted := range map[string]bool{
		"%YAML 1.1\n---\n" + pod:               false,
		"%YAML 1.2\n---\n" + pod:               false,
		"# c\n%YAML 1.1\n---\n" + pod:          false,
		"%TAG ! tag:example.org,2026:\n" + pod: false,
		pod + "---\n%YAML 1.1\n---\n" + pod:    false,
		pod + "%YAML 1.1\n" + pod:              false, // nothing of the second one is read
		pod + "...\n%YAML 1.1\n---\n" + pod:    true,
		"---#x\n" + pod:                        false,
		"---\n---#x\n" + pod:                   true,
		"# c\n---#x\n" + pod:                   true,
		pod + "---#x\n" + pod:                  true,
		pod + "---\n---#x\n" + pod:             false,
		"--- # x\n" + pod:                      true,
		"--\n" + pod:                           false,
		pod + "\u2014\n" + pod:                 false,
	} {
		_, findings := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
		if (len(findings) == 0) != accepted {
			t.Errorf("%q: %v", text, findings)
		}
		for _, f := range findings {
			for _, fix := range f.Fixes {
				fixed, err := source.Apply([]byte(text), fix.Edits)
				if err != nil {
					t.Fatal(err)
				}
				if _, left := manifest.Read(source.NewFile("a.yaml", fixed), manifest.DefaultLimits); len(left) > 0 {
					t.Errorf("%q: still %v after %s", text, left, fix.Message)
				}
			}
		}
	}
}
