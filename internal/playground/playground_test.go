package playground_test

import (
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/lsp"
	"github.com/seatrial/seatrial/internal/playground"
)

func TestATextIsJudgedForItsVersion(t *testing.T) {
	p, err := playground.New()
	if err != nil {
		t.Fatal(err)
	}
	text := "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {selector: {matchLabels: {app: web}}}\n"
	for version, want := range map[string]string{"1.24": "", "1.25": "kind-unknown", "": "kind-unknown"} {
		s, err := p.Open("a.yaml", map[string][]byte{"a.yaml": []byte(text)}, lsp.Settings{KubernetesVersion: version})
		if err != nil {
			t.Fatal(err)
		}
		found, err := s.Lint(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, f := range found {
			if f.Rule == "kind-unknown" {
				got = f.Rule
			}
		}
		if got != want {
			t.Errorf("for %q: found %q, want %q: %v", version, got, want, found)
		}
	}
}

func TestAnEmptyTextHasNoFindings(t *testing.T) {
	p, err := playground.New()
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Open("a.yaml", map[string][]byte{"a.yaml": []byte("# nothing yet\n")}, lsp.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if found, err := s.Lint(t.Context()); err != nil || len(found) > 0 {
		t.Errorf("found %v, %v", found, err)
	}
}

func TestConvertWritesWhatAVersionServes(t *testing.T) {
	old := "apiVersion: policy/v1beta1\nkind: PodDisruptionBudget\n# why\nmetadata: {name: web}\nspec: {selector: {matchLabels: {app: web}}}\n"
	out, err := playground.Convert(old, "yaml", "1.37")
	if err != nil || !strings.Contains(out, "apiVersion: policy/v1\n") || !strings.Contains(out, "# why") {
		t.Errorf("converted to %s, %v", out, err)
	}
	if out, err := playground.Convert(old, "json", "1.37"); err != nil || !strings.Contains(out, `"policy/v1"`) {
		t.Errorf("converted to %s, %v", out, err)
	}
	if _, err := playground.Convert("a: [\n", "yaml", "1.37"); err == nil || !strings.Contains(err.Error(), "line ") {
		t.Errorf("broken YAML: %v", err)
	}
}

func TestADocumentWithoutAPIVersionIsRefused(t *testing.T) {
	p, err := playground.New()
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Open("a.yaml", map[string][]byte{"a.yaml": []byte("kind: Shared\n")}, lsp.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Rendered("a.yaml") {
		t.Error("it is left out, as other programs' files are in a folder")
	}
	found, err := s.Lint(t.Context())
	if err != nil || len(found) == 0 || found[0].Rule != "yaml-syntax" {
		t.Errorf("found %v, %v", found, err)
	}
}
