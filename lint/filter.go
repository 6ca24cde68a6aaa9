package lint

import (
	"cmp"
	"iter"
	"slices"
	"strings"
)

// docKey names a document, or an item of a List, of a run.
type docKey struct {
	file string
	docRef
}

// documentOf returns the document that a finding is about.
func documentOf(f *finding) docKey { return docKey{f.Range.File, docRef{f.Document, f.Item}} }

// pathKey names a field of a document.
type pathKey struct {
	docKey
	path string
}

// prefixes returns a path and the paths of all that holds it: a.b[0], a.b, a.
func prefixes(path string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for i := len(path); i > 0; i-- {
			if (i == len(path) || path[i] == '.' || path[i] == '[') && !yield(path[:i]) {
				return
			}
		}
	}
}

// dropDerived leaves out advice about values that the server refuses anyway: what stands there
// instead, a default or nothing, is not what the user wrote.
func dropDerived(all []*finding) []*finding {
	refused := map[pathKey]bool{}
	for _, f := range all {
		if f.Path != "" && rejects(f.Rule) {
			refused[pathKey{documentOf(f), f.Path}] = true
		}
	}
	if len(refused) == 0 {
		return all
	}
	return slices.DeleteFunc(all, func(f *finding) bool {
		if isVerdictRule(f.Rule) {
			return false
		}
		for p := range prefixes(f.Path) {
			if refused[pathKey{documentOf(f), p}] {
				return true
			}
		}
		return false
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

// dropCovered leaves out the server's warnings that a rule's finding covers in more detail.
func dropCovered(verdicts, advice []*finding) []*finding {
	covered := map[string]bool{}
	for _, a := range advice {
		for p := range prefixes(a.Path) {
			covered[p] = true
		}
	}
	all := slices.DeleteFunc(slices.Clone(verdicts), func(w *finding) bool {
		path, _, _ := strings.Cut(w.Message, " ") // a warning that has no path may begin with one
		return w.Rule == ruleServerWarning.Name && covered[cmp.Or(w.Path, path)]
	})
	return append(all, advice...)
}

// suppress takes out the findings that users have silenced, and reports suppressions that are
// wrong or stale.
func (r *run) suppress(all *fileResult) (kept []*finding, suppressed int) {
	if r.NoSuppressions {
		return all.Findings, 0
	}
	names := make(map[string]bool, len(r.All))
	for _, o := range r.All {
		names[o.Name] = true
	}
	known := func(name string) bool { return names[name] }
	var problems []*finding
	bad := map[*suppression]bool{}
	governing := map[governed][]*suppression{}
	for _, s := range all.Suppressions {
		if d := s.problem(known, r.suggestRule); d != nil {
			bad[s] = true
			problems = append(problems, d)
			continue
		}
		governing[s.governs()] = append(governing[s.governs()], s)
	}
	found := len(all.Findings)
	kept = all.Findings
	if len(governing) > 0 {
		kept = slices.DeleteFunc(kept, func(f *finding) (silenced bool) {
			for _, at := range governedBy(f) {
				for _, s := range governing[at] {
					s.used, silenced = true, true
				}
			}
			return silenced
		})
	}
	suppressed = found - len(kept)
	for _, s := range all.Suppressions {
		if !bad[s] && !s.Foreign && !s.used && r.judged(s.Rule) {
			problems = append(problems, s.stale())
		}
	}
	return append(kept, problems...), suppressed
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
