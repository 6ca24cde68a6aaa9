package lint

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

const (
	ignoreComment    = "seatrial:ignore"
	ignoreAnnotation = "seatrial/ignore."
)

// suppression is a user's word that a finding is known and meant.
type suppression struct {
	Rule   string
	Reason string
	Line   int          // the line that it governs; 0: the whole object
	Number int          // document of the object
	Item   string       // list item of the object
	Range  source.Range // where it was written
	// Foreign says that it was written for another tool: whether it is right, and of use, is not asked.
	Foreign bool
	Tool    string // for which it was written; empty: it is seatrial's own
	Comment bool   // it is a comment, and no annotation; of Foreign ones

	used bool
}

// governed is what a suppression silences: a rule on a line, or a rule about an object.
type governed struct {
	rule, file string
	line       int // 0: the object
	docRef
}

// governs returns what the suppression silences.
func (s *suppression) governs() governed {
	if s.Line > 0 {
		return governed{rule: s.Rule, file: s.Range.File, line: s.Line}
	}
	return governed{rule: s.Rule, file: s.Range.File, docRef: docRef{s.Number, s.Item}}
}

// governedBy returns what suppressions of the finding govern.
func governedBy(f *finding) []governed {
	object := docRef{f.Document, f.Item}
	by := []governed{
		{rule: f.Rule, file: f.Range.File, line: f.Range.Start.Line},
		{rule: f.Rule, file: f.Range.File, docRef: object},
	}
	if Suppressible(f.Rule) {
		by = append(by, governed{rule: anyRule, file: f.Range.File, docRef: object})
	}
	return by
}

var commentPattern = regexp.MustCompile(
	`(?:^|[ \t])#[ \t]*` + ignoreComment + `(?:[ \t]+(\S+))?(?:[ \t]+(.*?))?[ \t\r]*$`,
)

// commentSuppressions finds the `# seatrial:ignore RULE reason` comments of a file.
func commentSuppressions(f *source.File) (out []*suppression) {
	if !bytes.Contains(f.Data, []byte(ignoreComment)) {
		return nil
	}
	chunks := manifest.Split(f)
	content := f.Lines() + 1 // the next line with content
	for n := f.Lines(); n > 0; n-- {
		line, below := f.Line(n), content
		if t := strings.TrimSpace(line); t != "" && t[0] != '#' {
			content = n
		}
		m := commentPattern.FindStringSubmatchIndex(line)
		if m == nil {
			continue
		}
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return line[m[2*i]:m[2*i+1]]
		}
		start := f.LineStart(n) + m[0] + strings.IndexByte(line[m[0]:], '#')
		if i := sort.Search(
			len(chunks), func(i int) bool { return chunks[i].End() > start },
		); i < len(chunks) && chunks[i].IsText(start) {
			continue // of a manifest within the manifest
		}
		s := &suppression{
			Rule:   group(1),
			Reason: group(2),
			Line:   n,
			Range:  f.Range(start, f.LineStart(n)+len(strings.TrimRight(line, " \t\r"))),
		}
		if strings.TrimSpace(line[:m[0]]) == "" { // a comment of its own governs the next line with content
			s.Line = n
			if below <= f.Lines() {
				s.Line = below
			}
		}
		out = append(out, s)
	}
	slices.Reverse(out)
	return out
}

// annotationSuppressions finds the `seatrial/ignore.RULE: reason` annotations of an object.
func annotationSuppressions(d *manifest.Document) (out []*suppression) {
	if !bytes.Contains(d.JSON, []byte(ignoreAnnotation)) {
		return nil
	}
	metadata, _ := d.Value()["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	for key, value := range annotations {
		rule, ok := strings.CutPrefix(key, ignoreAnnotation)
		if !ok {
			continue
		}
		reason, _ := value.(string)
		out = append(out, &suppression{Rule: rule, Reason: strings.TrimSpace(reason), Number: d.Number, Item: d.Item,
			Range: d.Find("metadata.annotations[" + key + "]").Key})
	}
	slices.SortFunc(out, func(a, b *suppression) int { return a.Range.Compare(b.Range) })
	return out
}

// problem says what is wrong with a suppression itself; nil when nothing is.
func (s *suppression) problem(known func(string) bool, suggest func(string) string) *diag.Diagnostic {
	bad := func(message, detail string) *diag.Diagnostic {
		return &diag.Diagnostic{
			Rule:     ruleSuppressionInvalid.Name,
			Severity: ruleSuppressionInvalid.Severity,
			Message:  message,
			Help:     detail,
			Document: s.Number,
			Range:    s.Range,
		}
	}
	if s.Foreign {
		return nil
	}
	const form = "write `# " + ignoreComment + " RULE reason`"
	switch {
	case s.Rule == "":
		return bad("suppression names no rule", form)
	case isVerdictRule(s.Rule):
		return bad(
			fmt.Sprintf("%s is the API server's verdict and cannot be suppressed", s.Rule),
			"fix the manifest: a cluster would reject it",
		)
	case !known(s.Rule):
		detail := "`seatrial rules` lists the rules"
		if best := suggest(s.Rule); best != "" {
			detail = "did you mean " + best + "?"
		}
		return bad(fmt.Sprintf("suppression of unknown rule %q", s.Rule), detail)
	case s.Reason == "":
		return bad(fmt.Sprintf("suppression of %s gives no reason", s.Rule), form+": the next reader wants to know why")
	}
	return nil
}

// stale says that a suppression silences nothing.
func (s *suppression) stale() *diag.Diagnostic {
	return &diag.Diagnostic{
		Rule:     ruleSuppressionStale.Name,
		Severity: ruleSuppressionStale.Severity,
		Document: s.Number,
		Range:    s.Range,
		Message:  fmt.Sprintf("suppression of %s silences nothing", s.Rule),
		Help:     "remove it",
	}
}
