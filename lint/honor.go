package lint

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// anyRule is the rule of a suppression that silences all that can be silenced.
const anyRule = "*"

// HonoredTools lists the tools whose suppressions can hold as well.
func HonoredTools() []string {
	return []string{"kube-linter", "kube-score", "polaris", "checkov", "trivy"}
}

// aliases are the rules by the names that other tools have for them: kube-linter latest-tag.
type aliases map[string][]string

// Equivalents returns the names of rules by the tool and the name that it has for the same check: kube-linter
// latest-tag.
func Equivalents(rules []*Rule) map[string][]string {
	all := map[string][]string{}
	for _, r := range rules {
		tool := ""
		add := func(tool, check string) {
			if key := tool + " " + check; !slices.Contains(all[key], r.Name) {
				all[key] = append(all[key], r.Name)
			}
		}
		for word := range strings.FieldsSeq(r.Equivalents) {
			word = strings.Trim(word, ",")
			switch {
			case slices.Contains(peers, word):
				tool = word
			case tool == "monokle" && strings.HasPrefix(word, "KSV"): // they are trivy's
				add("trivy", strings.ToUpper(word))
			case word != "and" && word != "to":
				add(tool, word)
			}
		}
	}
	return all
}

// aliasesOf returns the names that some tools have for rules that can be silenced.
func aliasesOf(rules []*Rule, tools []string) aliases {
	all := aliases{}
	for alias, names := range Equivalents(rules) {
		if tool, _, _ := strings.Cut(alias, " "); !slices.Contains(tools, tool) {
			continue
		}
		if names := slices.DeleteFunc(names, func(name string) bool { return !Suppressible(name) }); len(names) > 0 {
			all[alias] = names
		}
	}
	return all
}

// peers are the tools that rules name.
var peers = append(
	HonoredTools(), "popeye", "datree", "monokle", "pluto", "kubeconform", "kubectl-validate", "kubescape",
)

// suppressions returns what a suppression of another tool silences.
func (a aliases) suppressions(tool, check, reason string, s suppression) (all []*suppression) {
	for _, rule := range a[tool+" "+check] {
		of := s
		of.Rule, of.Reason, of.Foreign, of.Tool = rule, reason, true, tool
		all = append(all, &of)
	}
	return all
}

const (
	kubeLinterCheck = "ignore-check.kube-linter.io/"
	kubeLinterAll   = "kube-linter.io/ignore-all"
	kubeScoreIgnore = "kube-score/ignore"
	polarisPrefix   = "polaris.fairwinds.com/"
	checkovPrefix   = "checkov.io/skip"
)

// honored finds the annotations of an object by which other tools silence their checks.
func (r *run) honored(d *manifest.Document) (all []*suppression) {
	if len(r.Honor) == 0 || !bytes.Contains(d.JSON, []byte(`"annotations"`)) {
		return nil
	}
	annotations, _, _ := unstructured.NestedStringMap(d.Value(), "metadata", "annotations")
	for _, key := range sortedKeys(annotations) {
		value := annotations[key]
		s := suppression{Number: d.Number, Item: d.Item, Range: d.Find("metadata.annotations[" + key + "]").Key}
		any := func(tool string) {
			if slices.Contains(r.Honor, tool) {
				s.Rule, s.Reason, s.Foreign, s.Tool = anyRule, value, true, tool
				all = append(all, &s)
			}
		}
		switch {
		case key == kubeLinterAll:
			any("kube-linter")
		case strings.HasPrefix(key, kubeLinterCheck):
			all = append(all, r.aliases.suppressions("kube-linter", key[len(kubeLinterCheck):], value, s)...)
		case key == kubeScoreIgnore:
			for _, check := range strings.Split(value, ",") {
				all = append(all, r.aliases.suppressions("kube-score", strings.TrimSpace(check), "", s)...)
			}
		case key == polarisPrefix+"exempt" && value == "true":
			any("polaris")
		case strings.HasPrefix(key, polarisPrefix) && strings.HasSuffix(key, "-exempt") && value == "true":
			check := strings.TrimSuffix(key[len(polarisPrefix):], "-exempt")
			all = append(all, r.aliases.suppressions("polaris", check, "", s)...)
		case strings.HasPrefix(key, checkovPrefix):
			check, reason, _ := strings.Cut(value, "=")
			all = append(all, r.aliases.suppressions("checkov", strings.TrimSpace(check), reason, s)...)
		}
	}
	return all
}

var (
	checkovComment = regexp.MustCompile(`#[ \t]*checkov:skip=(CKV2?_K8S_[0-9]+)(?::[ \t]*(.*))?`)
	trivyComment   = regexp.MustCompile(`(?:^|[# \t])(?:trivy|tfsec):ignore:(?:AVD-)?KSV-?([0-9]+)`)
)

// honoredComments finds the comments of a file by which other tools silence their checks. They hold for the document in
// which they stand.
func (r *run) honoredComments(f *source.File) (all []*suppression) {
	if !slices.Contains(r.Honor, "checkov") && !slices.Contains(r.Honor, "trivy") ||
		!bytes.Contains(f.Data, []byte("#")) {
		return nil
	}
	for _, c := range manifest.Split(f) {
		at := c.Range()
		for n := at.Start.Line; n <= min(at.End.Line, f.Lines()); n++ {
			line := f.Line(n)
			s := suppression{
				Number: c.Number(), Range: f.Range(f.LineStart(n), f.LineStart(n)+len(line)), Comment: true,
			}
			if m := checkovComment.FindStringSubmatch(line); m != nil {
				all = append(all, r.aliases.suppressions("checkov", m[1], m[2], s)...)
			}
			_, comment, _ := strings.Cut(line, "#")
			for _, m := range trivyComment.FindAllStringSubmatch(comment, -1) {
				number := strings.TrimLeft(m[1], "0")
				all = append(
					all,
					r.aliases.suppressions(
						"trivy", "KSV"+strings.Repeat("0", max(0, 3-len(number)))+number, "", s,
					)...,
				)
			}
		}
	}
	return all
}
