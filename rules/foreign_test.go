package rules_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

const (
	untagged      = "spec:\n  containers:\n  - name: web\n    image: nginx\n"
	withAnnotated = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a # the name\n  annotations:\n    team: shop\n"
)

// foreignForms are the forms in which other tools take suppressions, of the check for images without a tag.
var foreignForms = map[string]struct {
	text  string
	after string // a part of the text with the fix; empty: there is none
}{
	"kube-linter": {
		withAnnotated + "    ignore-check.kube-linter.io/latest-tag: rebuilt every night # known\n" + untagged,
		"    seatrial/ignore.image-tag-latest: \"rebuilt every night\" # known\n",
	},
	"kube-linter, quoted": {
		withAnnotated + "    \"ignore-check.kube-linter.io/latest-tag\": \"\"\n" + untagged,
		"    seatrial/ignore.image-tag-latest: \"silenced for kube-linter\"\n",
	},
	"kube-linter, in brackets": {
		"apiVersion: v1\nkind: Pod\nmetadata: {name: a, annotations: {ignore-check.kube-linter.io/latest-tag: why, b: c}}\n" + untagged,
		"annotations: {seatrial/ignore.image-tag-latest: why, b: c}}\n",
	},
	"kube-linter, JSON": {
		`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "annotations": {"ignore-check.kube-linter.io/latest-tag": "why"}},` +
			` "spec": {"containers": [{"name": "web", "image": "nginx"}]}}`,
		`{"seatrial/ignore.image-tag-latest": "why"}`,
	},
	"kube-linter, all": {withAnnotated + "    kube-linter.io/ignore-all: legacy\n" + untagged, ""},
	"kube-score": {
		withAnnotated + "    kube-score/ignore: container-image-tag, no-rule-here\n" + untagged,
		"    seatrial/ignore.image-tag-latest: \"silenced for kube-score\"\n    kube-score/ignore: no-rule-here\n",
	},
	"polaris": {
		withAnnotated + "    polaris.fairwinds.com/tagNotSpecified-exempt: \"true\"\n" + untagged,
		"    seatrial/ignore.image-tag-latest: \"silenced for polaris\"\n",
	},
	"polaris, all": {withAnnotated + "    polaris.fairwinds.com/exempt: \"true\"\n" + untagged, ""},
	"checkov, annotation": {
		withAnnotated + "    checkov.io/skip1: CKV_K8S_14=rebuilt\n" + untagged,
		"    seatrial/ignore.image-tag-latest: rebuilt\n",
	},
	"checkov, comment": {
		"# checkov:skip=CKV_K8S_14: rebuilt\n" + withAnnotated + untagged,
		"    team: shop\n    seatrial/ignore.image-tag-latest: rebuilt\nspec:",
	},
	"checkov, comment without a reason": {
		"apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n" + untagged + "    #checkov:skip=CKV_K8S_14\n",
		"  name: a\n  annotations:\n    seatrial/ignore.image-tag-latest: \"silenced for checkov\"\nspec:",
	},
	"trivy": {
		withAnnotated + strings.Replace(untagged, "nginx", "nginx # trivy:ignore:AVD-KSV-0013", 1),
		"    seatrial/ignore.image-tag-latest: \"silenced for trivy\"\nspec:",
	},
	"trivy, its older and newer names": {
		withAnnotated + strings.Replace(untagged, "nginx", "nginx # trivy:ignore:KSV999 tfsec:ignore:KSV013", 1),
		"    image: nginx\n",
	},
}

func foreign(t *testing.T, text, expr string, honor []string) []diag.Diagnostic {
	t.Helper()
	judge, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(lint.OwnRules, rules.All())
	selection, err := lint.Select(all, "none,suppression-invalid,suppression-stale,image-tag-latest"+expr, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := lint.Run(context.Background(), lint.Options{
		Files: []string{"a.yaml"}, Read: func(string) ([]byte, error) { return []byte(text), nil },
		Validator: judge, Linked: schema.Latest, Rules: selection, All: all, Honor: honor,
	})
	if err != nil {
		t.Fatal(err)
	}
	return res.Diagnostics
}

// TestForeignSuppressions: each form is honoured if its tool is named, and not else; what is written in its place
// silences the same without honour, and nothing else of the text is touched.
func TestForeignSuppressions(t *testing.T) {
	for name, c := range foreignForms {
		t.Run(name, func(t *testing.T) {
			tool, _, _ := strings.Cut(name, ",")
			others := slices.DeleteFunc(lint.HonoredTools(), func(o string) bool { return o == tool })
			if found := foreign(t, c.text, "", others); len(found) != 1 || found[0].Rule != "image-tag-latest" {
				t.Fatalf("without honour: %+v", found)
			}
			if found := foreign(t, c.text, "", []string{tool}); len(found) != 0 {
				t.Fatalf("honoured: %+v", found)
			}
			found := foreign(t, c.text, ",suppression-foreign", []string{tool})
			if len(found) != 1 || found[0].Rule != "suppression-foreign" {
				t.Fatalf("reported: %+v", found)
			}
			fixed, made, err := lint.FixFile("a.yaml", []byte(c.text), found)
			if c.after == "" {
				if made != 0 {
					t.Errorf("made\n%s", fixed)
				}
				return
			}
			if err != nil || made != 1 || !strings.Contains(string(fixed), c.after) {
				t.Fatalf("%d, %v, made\n%s\nwant a part\n%s", made, err, fixed, c.after)
			}
			if after := foreign(t, string(fixed), "", nil); len(after) != 0 {
				t.Errorf("found afterwards: %+v\n%s", after, fixed)
			}
			if strings.Contains(c.text, "# the name") && !strings.Contains(string(fixed), "  name: a # the name\n") {
				t.Errorf("a comment is gone:\n%s", fixed)
			}
		})
	}
}

// TestForeignSuppressionsOfOneRule: two tools that silence one rule become one annotation, and one that silences
// nothing goes.
func TestForeignSuppressionsOfOneRule(t *testing.T) {
	text := withAnnotated + "    ignore-check.kube-linter.io/latest-tag: rebuilt\n" +
		"    polaris.fairwinds.com/tagNotSpecified-exempt: \"true\"\n" + untagged
	for range 3 {
		found := foreign(t, text, ",suppression-foreign", lint.HonoredTools())
		fixed, _, err := lint.FixFile("a.yaml", []byte(text), found)
		if err != nil {
			t.Fatal(err)
		}
		text = string(fixed)
	}
	if want := withAnnotated + "    seatrial/ignore.image-tag-latest: rebuilt\n" + untagged; text != want {
		t.Errorf("made\n%s\nwant\n%s", text, want)
	}
}
