package pages

import (
	"cmp"
	"maps"
	"slices"
)

// Rule describes a lint rule. Rules live above this package.
type Rule struct {
	Name, Title, Severity string
	Category              string
	Optional              bool   // not part of the default preset
	Doc                   string // paragraphs
	URL                   string // where to read on; may be empty
	Bad, Good             string // manifests
}

const rulesFile = "rules.html"

func (s *Site) hasRules() bool { return len(s.ruleDocs) > 0 }

// rulesData is what the page of the rules shows.
type rulesData struct {
	frame
	Categories []ruleCategory
}

type ruleCategory struct {
	Name  string
	Rules []ruleData
}

type ruleData struct {
	Rule
	Text      []paragraph
	Bad, Good []exampleLine
}

func (s *Site) renderRules() ([]byte, error) {
	data := rulesData{frame: s.frame("Lint rules", "", "")}
	for _, name := range slices.Sorted(maps.Keys(s.ruleDocs)) {
		c := ruleCategory{Name: name}
		for _, r := range s.ruleDocs[name] {
			c.Rules = append(c.Rules, ruleData{r, paragraphs(r.Doc), exampleLines(r.Bad), exampleLines(r.Good)})
		}
		slices.SortFunc(c.Rules, func(a, b ruleData) int { return cmp.Compare(a.Name, b.Name) })
		data.Categories = append(data.Categories, c)
	}
	return s.execute("rules", data)
}
