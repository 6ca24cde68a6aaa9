package syntax

import (
	"fmt"
	"regexp"
	"strings"
	"unicode/utf8"
)

func (s *explainer) limits() *Problem {
	switch {
	case strings.Contains(s.message, "excessive aliasing"):
		return s.at(1, 0, indentOf(s.text(1)), "aliases expand the document beyond all bounds", "write the values out")
	case strings.Contains(s.message, "exceeded max depth"):
		return s.whole(s.line, "nested too deeply", "no kind needs such depth: flatten the document")
	}
	return nil
}

// character finds the control character that YAML does not allow.
func (s *explainer) character() *Problem {
	if !strings.Contains(s.message, "control characters are not allowed") {
		return nil
	}
	for n, line := range s.lines {
		for i, r := range line {
			if r < ' ' && r != '\t' && r != '\r' || r >= 0x7f && r < 0xa0 && r != 0x85 {
				return s.at(
					n+1,
					i,
					i+utf8.RuneLen(r),
					fmt.Sprintf("control character %U is not allowed", r),
					`write it as an escape in double quotes, or remove it`,
				)
			}
		}
	}
	return nil
}

var noNumber = regexp.MustCompile(`^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$`)

// number finds the value that is no number, or no end of them.
func (s *explainer) number() *Problem {
	if !strings.Contains(s.message, "unsupported value") {
		return nil
	}
	s.message = "" // of another language
	return s.scalar(
		func(n *Value) bool { return n.Plain && noNumber.MatchString(n.Text) },
		"%s is no value of JSON, which clients send",
		"quote it if it is a text",
	)
}

// tag finds the value that is not what the tag before it says.
func (s *explainer) tag() *Problem {
	if !strings.Contains(s.message, "cannot decode !!") {
		return nil
	}
	return s.scalar(
		func(n *Value) bool { return n.Tagged && strings.Contains(s.message, "`"+n.Text+"`") },
		"%s is not what the tag before it says",
		"remove the tag, or fix the value",
	)
}

// scalar makes a finding on the first scalar that is what is looked for; nil where there is none.
func (s *explainer) scalar(is func(*Value) bool, message, detail string) *Problem {
	for _, n := range s.Values() {
		if n.Scalar && !n.Key && is(&n) {
			return &Problem{Start: n.Start, End: n.End, Message: fmt.Sprintf(message, n.Text), Help: detail}
		}
	}
	return nil
}

// mapKey finds a key that is a collection, or null.
func (s *explainer) mapKey() *Problem {
	if !strings.Contains(s.message, "map key") {
		return nil
	}
	for _, key := range s.Values() {
		if key.Key && (!key.Scalar || key.Null) {
			return &Problem{
				Start:   key.Start,
				End:     key.End,
				Message: "a key must be a text",
				Help:    "JSON, which clients send, has no other keys",
			}
		}
	}
	return nil
}

var mergeEntry = regexp.MustCompile(`(?:^|[\s{,])<<:\s*(\S.*)?$`)

// mergeKey finds the first merge key whose value is certainly no mapping.
func (s *explainer) mergeKey() *Problem {
	if !strings.Contains(s.message, "map merge requires") {
		return nil
	}
	for i, line := range s.lines {
		m := mergeEntry.FindStringSubmatchIndex(line)
		if m == nil || m[2] >= 0 && strings.ContainsAny(line[m[2]:m[2]+1], "*[{") {
			continue
		}
		col := strings.Index(line[m[0]:], "<<") + m[0]
		return s.at(
			i+1,
			col,
			col+2,
			"merge key << without a mapping to merge",
			"write <<: *name, where &name stands before a mapping above",
		)
	}
	return nil
}

func (s *explainer) anchor() *Problem {
	m := unknownAlias.FindStringSubmatch(s.message)
	if m == nil {
		return nil
	}
	for i, line := range s.lines {
		if col := strings.Index(line, "*"+m[1]); col >= 0 {
			return s.at(
				i+1,
				col,
				col+1+len(m[1]),
				fmt.Sprintf("alias *%s refers to no anchor", m[1]),
				fmt.Sprintf(
					"write &%s before the value that it stands for, above this line and in the same document",
					m[1],
				),
			)
		}
	}
	return nil
}
