package syntax

import (
	"fmt"
	"regexp"
	"strings"
)

// directive finds a YAML directive. Clients split a file at --- before they read it, so that no document is left for
// it.
func (s *explainer) directive() *Problem {
	if !strings.Contains(s.message, "<document start>") && !strings.Contains(s.message, "incompatible YAML document") {
		return nil
	}
	for i, line := range s.lines {
		if !strings.HasPrefix(line, "%") {
			continue
		}
		p := s.whole(i+1, fmt.Sprintf("clients refuse the directive %s", strings.TrimSpace(line)),
			"they split the file at --- first, and read YAML 1.1 without being told: remove the line")
		if strings.HasPrefix(line, "%YAML") {
			end := len(s.Data)
			if i+1 < len(s.starts) {
				end = s.starts[i+1]
			}
			p.Fixes = []Fix{{Message: "remove the directive", Certain: true, Edits: []Edit{{s.starts[i], end, ""}}}}
		}
		return p
	}
	return nil
}

// almostSeparator matches a line that was meant to be ---: with a dash too few, of other characters, or as a word
// processor writes it.
var almostSeparator = regexp.MustCompile(`^(?:--|[–—]-?|-[–—]|={3,}|_{3,}|\*{3,}|~{3,})\s*$`)

// dashes finds a line that was meant to separate two documents.
func (s *explainer) dashes() *Problem {
	for i, line := range s.lines {
		if almostSeparator.MatchString(line) {
			text := strings.TrimSpace(line)
			return s.at(i+1, 0, len(text), fmt.Sprintf("%s is not a document separator", text), "write ---").
				fix("---", "write the separator as ---")
		}
	}
	return nil
}
