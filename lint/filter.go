package lint

import (
	"cmp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
)

// docKey names a document, or an item of a List, of a run.
type docKey struct {
	file string
	docRef
}

func (f *finding) key() docKey { return docKey{f.Range.File, docRef{f.Document, f.Item}} }

// dropDerived leaves out advice about values that the server refuses anyway: what stands there
// instead, a default or nothing, is not what the user wrote.
func dropDerived(all []finding) []finding {
	refused := map[docKey][]string{}
	for i := range all {
		if f := &all[i]; f.Path != "" && isVerdictRule(f.Rule) {
			refused[f.key()] = append(refused[f.key()], f.Path)
		}
	}
	if len(refused) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(f finding) bool {
		return !isVerdictRule(f.Rule) && slices.ContainsFunc(refused[f.key()], func(path string) bool {
			rest, below := strings.CutPrefix(f.Path, path)
			return below && (rest == "" || rest[0] == '.' || rest[0] == '[')
		})
	})
}

// voided reports whether a finding about an object holds no more in the light of the set.
func (r *run) voided(set *Set, f *finding) bool {
	i, found := slices.BinarySearchFunc(
		r.Rules.Rules,
		f.Rule,
		func(rule *Rule, name string) int { return cmp.Compare(rule.Name, name) },
	)
	if !found || r.Rules.Rules[i].VoidedBy == nil {
		return false
	}
	return r.Rules.Rules[i].VoidedBy(set, cmp.Or(f.Object.Namespace, "default"))
}

// dropCovered leaves out the server's warnings of which a rule says more, and gives all others.
func dropCovered(verdicts, advice []finding) []finding {
	all := slices.Clone(verdicts)
	all = slices.DeleteFunc(all, func(w finding) bool {
		return w.Rule == ruleServerWarning.Name && w.Path != "" &&
			slices.ContainsFunc(
				advice,
				func(a finding) bool { return (a.Path == w.Path || strings.HasPrefix(a.Path, w.Path+".")) },
			)
	})
	return append(all, advice...)
}

// suppress takes out the findings that users have silenced, and reports suppressions that are
// wrong or stale.
func (r *run) suppress(all *fileResult) (kept []diag.Diagnostic, suppressed int) {
	byFile := map[string][]*suppression{}
	for _, s := range all.Suppressions {
		byFile[s.Range.File] = append(byFile[s.Range.File], s)
	}
	known := func(name string) bool {
		return slices.ContainsFunc(r.All, func(o *Rule) bool { return o.Name == name })
	}
	bad := map[*suppression]bool{}
	for _, s := range all.Suppressions {
		if d := s.problem(known, r.suggestRule); d != nil {
			bad[s] = true
			kept = append(kept, *d)
		}
	}
	for _, f := range all.Findings {
		silenced := false
		for _, s := range byFile[f.Range.File] {
			if !bad[s] && s.governs(&f.Diagnostic, f.Item) {
				s.used, silenced = true, true
			}
		}
		if silenced {
			suppressed++
			continue
		}
		kept = append(kept, f.Diagnostic)
	}
	for _, s := range all.Suppressions {
		if !bad[s] && !s.used && r.judged(s.Rule) {
			kept = append(kept, s.stale())
		}
	}
	return kept, suppressed
}

// judged reports whether a rule ran, so that a suppression of it can be called stale.
func (r *run) judged(rule string) bool {
	return slices.ContainsFunc(r.Rules.Rules, func(o *Rule) bool { return o.Name == rule })
}

func (r *run) suggestRule(name string) string {
	names := make([]string, len(r.All))
	for i, o := range r.All {
		names[i] = o.Name
	}
	return nearest(name, names)
}
