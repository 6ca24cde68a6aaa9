package plan

import "strings"

// ExpectationPattern is what an expectation may look like, as one pattern.
func ExpectationPattern() string {
	sentences := make([]string, len(predicates))
	for i, p := range predicates {
		sentences[i] = strings.Trim(p.pattern.String(), "^$")
	}
	subject := strings.TrimSuffix(strings.TrimPrefix(subject.String(), "^"), "(.*)$")
	return "^(" + subject + ")?(" + strings.Join(sentences, "|") + ")$"
}
