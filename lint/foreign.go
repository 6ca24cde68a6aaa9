package lint

import (
	"cmp"
	"context"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// foreignSuppression is what somebody wrote for another tool: an annotation or a comment, which may silence several
// rules.
type foreignSuppression struct {
	tool    string
	at      source.Range
	of      docRef
	comment bool
	rules   []*suppression // what is to be written in its place
	names   []string       // all rules that it silences
	aliases aliases
	waits   bool // another one silences a rule of the same object as well, and comes first
}

// foreignSuppressions reports the suppressions of other tools that are honoured. The fix writes seatrial's own for the
// rules that find something, or were not asked.
func (r *run) foreignSuppressions(ctx context.Context, all *fileResult) ([]*finding, error) {
	if r.NoSuppressions || !r.judged(ruleForeign.Name) {
		return nil, nil
	}
	documents := map[docKey]bool{}
	for _, res := range all.Resources {
		documents[docKey{res.File, docRef{res.Document, res.Item}}] = true
	}
	var list []*foreignSuppression
	claimed := map[governed]bool{}
	for _, s := range all.Suppressions {
		if !s.Foreign || !documents[docKey{s.Range.File, docRef{s.Number, s.Item}}] {
			continue
		}
		if n := len(list); n == 0 || list[n-1].at != s.Range || list[n-1].of != (docRef{s.Number, s.Item}) {
			list = append(list, &foreignSuppression{
				tool: s.Tool, at: s.Range, of: docRef{s.Number, s.Item}, comment: s.Comment, aliases: r.aliases,
			})
		}
		f := list[len(list)-1]
		f.names = append(f.names, s.Rule)
		known := slices.ContainsFunc(f.rules, func(o *suppression) bool { return o.Rule == s.Rule })
		if known || !s.used && r.judged(s.Rule) {
			continue
		}
		f.waits = f.waits || claimed[s.governs()]
		claimed[s.governs()] = true
		f.rules = append(f.rules, s)
	}
	found := make([]*finding, len(list))
	var at places
	for i, f := range list {
		at.add(&Resource{File: f.at.File, Document: f.of.Number, Item: f.of.Item}, func(a *adviser) {
			found[i] = f.finding(r, a.document)
		})
	}
	return found, at.visit(ctx, r)
}

func (s *foreignSuppression) finding(r *run, d *manifest.Document) *finding {
	f := newDiagnostic(ruleForeign, d)
	f.Severity, f.Range = r.Rules.severityOf(ruleForeign, &Finding{}), s.at
	slices.Sort(s.names)
	s.names = slices.Compact(s.names)
	f.Message = fmt.Sprintf("suppression of %s silences %s", s.tool, strings.Join(s.names, ", "))
	if slices.Contains(s.names, anyRule) {
		f.Message = fmt.Sprintf("suppression of %s silences all rules for the object", s.tool)
		f.Help = "write an annotation " + ignoreAnnotation + "RULE for each rule that is meant"
		return &f
	}
	f.Help = "write seatrial's own in its place"
	if len(s.rules) == 0 {
		f.Message = fmt.Sprintf("suppression of %s for %s silences nothing", s.tool, strings.Join(s.names, ", "))
		f.Help = "remove it"
	}
	if s.waits {
		return &f
	}
	edits := s.annotationEdits(d)
	if s.comment {
		edits = s.commentEdits(d)
	}
	if len(edits) > 0 {
		f.Fixes = []diag.Fix{{Message: f.Help, Safe: true, Edits: edits}}
	}
	return &f
}

// entries returns the annotations that take the place of the suppression, without those that the object has.
func (s *foreignSuppression) entries(d *manifest.Document) (all []string) {
	has := map[string]bool{}
	for _, own := range annotationSuppressions(d) {
		has[own.Rule] = true
	}
	for _, of := range s.rules {
		if !has[of.Rule] {
			reason := cmp.Or(strings.TrimSpace(of.Reason), "silenced for "+s.tool)
			all = append(all, annotationText(d, ignoreAnnotation+of.Rule, reason))
		}
	}
	return all
}

// annotationText returns an entry of a mapping.
func annotationText(d *manifest.Document, name, value string) string {
	if d.IsJSON() {
		name = strconv.Quote(name)
	}
	return name + ": " + inStyle(d, "", strconv.Quote(value))
}

// annotationEdits replaces an annotation.
func (s *foreignSuppression) annotationEdits(d *manifest.Document) []source.Edit {
	const path = "metadata.annotations"
	annotations := d.Find(path)
	if !annotations.Exact || annotations.Node == nil || annotations.Alias.IsValid() {
		return nil
	}
	fields := annotations.Node.Fields
	i := slices.IndexFunc(fields, func(f manifest.Field) bool { return f.Key() == s.at })
	if i < 0 {
		return nil
	}
	value := fields[i].Value
	if value.Target() != value || value.Kind != manifest.Scalar || value.Style == manifest.Block ||
		value.Range().End.Line != s.at.Start.Line {
		return nil
	}
	entries := s.entries(d)
	if rest := s.notHere(fields[i].Name, value.Text); len(rest) > 0 {
		entries = append(entries, annotationText(d, fields[i].Name, strings.Join(rest, ",")))
	}
	if len(entries) == 0 {
		return s.removal(d, annotations)
	}
	between := ", "
	if inBlock(d, annotations) {
		between = "\n" + strings.Repeat(" ", s.at.Start.Column-1)
	}
	at := d.File.Range(s.at.Start.Offset, value.Range().End.Offset)
	return []source.Edit{{Range: at, NewText: strings.Join(entries, between)}}
}

// removal removes an annotation that stands on a line of its own, unless it is the only one.
func (s *foreignSuppression) removal(d *manifest.Document, annotations manifest.Place) []source.Edit {
	line := s.at.Start.Line
	if before := d.File.Line(line)[:s.at.Start.Column-1]; !inBlock(d, annotations) ||
		len(annotations.Node.Fields) < 2 || strings.TrimSpace(before) != "" {
		return nil
	}
	return []source.Edit{{Range: d.File.Range(d.File.LineStart(line), lineEnd(d.File, line))}}
}

// notHere returns the checks of a list for kube-score that are no rules here: they stay.
func (s *foreignSuppression) notHere(key, value string) (rest []string) {
	if key != kubeScoreIgnore {
		return nil
	}
	for check := range strings.SplitSeq(value, ",") {
		if check = strings.TrimSpace(check); check != "" && len(s.aliases["kube-score "+check]) == 0 {
			rest = append(rest, check)
		}
	}
	return rest
}

// commentEdits removes a comment, which holds for the whole document, and adds annotations.
func (s *foreignSuppression) commentEdits(d *manifest.Document) []source.Edit {
	removed, ok := commentRemoval(d.File, s.at.Start.Line)
	entries := s.entries(d)
	if !ok || len(entries) == 0 {
		return removed
	}
	name, first, _ := strings.Cut(entries[0], ": ")
	added := editsOf(d, &PathFix{Path: "metadata.annotations[" + name + "]", NewText: first, Add: true})
	if len(added) != 1 {
		return nil
	}
	add := &added[0]
	if body := strings.TrimRight(add.NewText, "\n"); strings.Contains(add.NewText, "\n") { // lines of their own
		last := body[strings.LastIndexByte(body, '\n')+1:]
		indent := "\n" + last[:len(last)-len(strings.TrimLeft(last, " "))]
		all := body + indent + strings.Join(entries[1:], indent)
		if len(entries) == 1 {
			all = body
		}
		add.NewText = all + add.NewText[len(body):]
	} else {
		add.NewText = strings.Replace(add.NewText, entries[0], strings.Join(entries, ", "), 1)
	}
	if add.Range.Start.Offset == removed[0].Range.Start.Offset {
		removed[0].NewText = add.NewText
		return removed
	}
	return append(added, removed...)
}

var foreignComment = regexp.MustCompile(`#[ \t]*(?:checkov:skip=|(?:trivy|tfsec):ignore:)`)

// commentRemoval removes the comment of a line, and the line if it has nothing else.
func commentRemoval(f *source.File, line int) ([]source.Edit, bool) {
	text := f.Line(line)
	at := foreignComment.FindStringIndex(text)
	if at == nil {
		return nil, false
	}
	start := f.LineStart(line)
	before := strings.TrimRight(text[:at[0]], " \t")
	if before == "" {
		return []source.Edit{{Range: f.Range(start, lineEnd(f, line))}}, true
	}
	return []source.Edit{{Range: f.Range(start+len(before), start+len(strings.TrimRight(text, "\r")))}}, true
}
