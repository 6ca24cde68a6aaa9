package syntax

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// missingColon finds the last line, down to where the reader gave up, that is a bare word above deeper lines or a list.
func (s *explainer) missingColon() *Problem {
	keys := 0
	for n := min(s.line+1, len(s.lines)); n > 0 && keys < 3; n-- {
		t := s.text(n)
		if keyAndValue.MatchString(t) || keyOnly.MatchString(t) {
			keys++
		}
		m := keyNoColon.FindStringSubmatchIndex(t)
		next := s.after(n)
		if m == nil || next == 0 || !s.beneath(n, next) {
			continue
		}
		key := t[m[2]:m[3]]
		r := s.at(n, m[2], m[3], fmt.Sprintf("key %s has no colon", strconv.Quote(key)), "write "+key+":")
		return r.fix(key+":", "add the colon")
	}
	return nil
}

// beneath reports whether a line belongs to the word that stands alone on a line above.
func (s *explainer) beneath(line, next int) bool {
	column := contentColumn(s.text(line))
	if indent := indentOf(s.text(next)); indent != column {
		return indent > column
	}
	return strings.HasPrefix(s.text(next)[column:], "- ")
}

func (s *explainer) noSpace() *Problem {
	for _, n := range []int{s.line, s.before(s.line), s.line + 1, s.line - 1} {
		m := keyNoSpace.FindStringSubmatchIndex(s.text(n))
		if m == nil || strings.Contains(s.text(n), ": ") {
			continue
		}
		key := s.text(n)[m[2]:m[3]]
		r := s.at(
			n,
			m[2],
			m[3]+1,
			fmt.Sprintf("no space after the colon of %s", strconv.Quote(key)),
			"write "+key+": followed by the value",
		)
		return r.fix(key+": ", "add the space")
	}
	for _, n := range []int{s.line, s.before(s.line)} { // a line without any colon among keys
		t := s.text(n)
		trimmed := strings.TrimSpace(t)
		if strings.Contains(s.message, "could not find expected ':'") && trimmed != "" &&
			!strings.Contains(trimmed, ":") &&
			!strings.HasPrefix(trimmed, "- ") &&
			!strings.HasPrefix(trimmed, "#") {
			return s.whole(
				n,
				fmt.Sprintf("no colon in %s", strconv.Quote(trimmed)),
				"an entry of a mapping is written key: value",
			)
		}
	}
	return nil
}

var (
	bareDash = regexp.MustCompile(`^(\s*-)([A-Za-z][\w-]*:(?:\s.*)?)$`)
	assigned = regexp.MustCompile(`^(\s*)([A-Za-z_][\w.-]*)=(.*?)\s*$`)
)

// dashWithoutSpace finds an element of a list whose dash is followed by its first key at once.
func (s *explainer) dashWithoutSpace() *Problem {
	for _, n := range []int{s.before(s.line), s.line, s.line + 1} {
		m := bareDash.FindStringSubmatchIndex(s.text(n))
		if m == nil {
			continue
		}
		r := s.at(
			n, m[3]-1, m[3]+1, "no space after the dash of an element",
			"write - "+strings.TrimSpace(s.text(n)[m[4]:m[5]]),
		)
		at := s.starts[n-1] + m[3]
		edit := []Edit{{at, at, " "}}
		r.Fixes = []Fix{{Message: "add the space", Certain: s.readableAfter(edit), Edits: edit}}
		return r
	}
	return nil
}

// assignment finds an entry of a mapping that is written with = in the place of a colon.
func (s *explainer) assignment() *Problem {
	if !strings.Contains(s.message, "mapping values are not allowed") &&
		!strings.Contains(s.message, "could not find expected ':'") {
		return nil
	}
	for _, n := range []int{s.before(s.line), s.line, s.line + 1} {
		t := s.text(n)
		m := assigned.FindStringSubmatchIndex(t)
		if m == nil || strings.Contains(t, ": ") {
			continue
		}
		key, value := t[m[4]:m[5]], t[m[6]:m[7]]
		if !plainWord.MatchString(value) && !strings.ContainsAny(value, `"\'`) {
			value = `"` + value + `"`
		}
		entry := strings.TrimSpace(key + ": " + value)
		r := s.at(n, m[4], m[7], "= in the place of the colon of "+strconv.Quote(key), "write "+entry)
		edit := []Edit{{r.Start, r.End, entry}}
		if s.readableAfter(edit) {
			r.Fixes = []Fix{{Message: "write " + entry, Edits: edit}}
		}
		return r
	}
	return nil
}

// plainWord matches texts that mean themselves without quotes.
var plainWord = regexp.MustCompile(`^[A-Za-z/][\w./-]*$`)

// imageTag matches an image whose tag is behind a blank.
var imageTag = regexp.MustCompile(`^([\w./-]+): +([\w.-]+)$`)

func (s *explainer) twoColons() *Problem {
	if !strings.Contains(s.message, "mapping values are not allowed") {
		return nil
	}
	for _, n := range []int{s.line, s.before(s.line), s.line + 1} {
		t := s.text(n)
		m := keyAndValue.FindStringSubmatchIndex(t)
		if m == nil {
			continue
		}
		value := t[m[4]:m[5]]
		if i := strings.Index(value+" ", ": "); i > 0 && !strings.ContainsAny(value[:1], `"'{[|>`) {
			value = strings.TrimRight(value, " \t")
			end := m[4] + len(value)
			if two := twoKeys.FindStringSubmatchIndex(value); two != nil && fits(value[:two[3]], value[two[4]:two[5]]) {
				return s.split(n, m[4]+two[3], m[4]+two[4], end, t[m[2]:m[3]], value[two[4]:two[5]])
			}
			if tag := imageTag.FindStringSubmatch(value); tag != nil &&
				(t[m[2]:m[3]] == "image" || strings.Contains(tag[1], "/")) {
				image := tag[1] + ":" + tag[2]
				r := s.at(n, m[4], end, "space inside of an image, before its tag", "write "+t[m[2]:m[3]]+": "+image)
				r.Fixes = []Fix{{Message: "remove the space", Edits: []Edit{{r.Start, r.End, image}}}}
				return r
			}
			r := s.at(
				n,
				m[4],
				end,
				fmt.Sprintf("value of %s holds a colon followed by a space", strconv.Quote(t[m[2]:m[3]])),
				"put the value into quotes; or, if it is a mapping, on a line of its own",
			)
			// a text, not a key
			if words := strings.Fields(value[:i]); len(words) > 1 && !strings.ContainsAny(value, `"\#`) {
				r.Fixes = []Fix{{
					Message: "quote the value",
					Edits:   []Edit{{r.Start, r.End, `"` + value + `"`}},
					Certain: !fieldWord.MatchString(words[len(words)-1]),
				}}
			}
			return r
		}
	}
	return nil
}

// twoKeys matches a value of one word that is followed by what looks like another key.
var twoKeys = regexp.MustCompile(`^(\S*[^\s:])\s+([A-Za-z][\w-]*):(?:\s|$)`)

// fits reports whether a word and what looks like a key after it are rather two entries than one text: a text with a
// colon of its own is followed by the name of a field.
func fits(word, key string) bool { return !strings.Contains(word, ":") || fieldWord.MatchString(key) }

// fieldWord matches words that are names of fields rather than the end of a sentence.
var fieldWord = regexp.MustCompile(`^(?:[a-z]+[A-Z]\w*|image|name|namespace|kind|labels|spec|metadata|data|type|port|ports|` +
	`protocol|env|envFrom|args|command|value|key|path|host|http|service|number|cpu|memory|limits|requests|resources|` +
	`replicas|selector|template|containers|volumes|items|rules|verbs|subjects|app)$`)

// split is two keys on one line: the first one's value ends in one column, the second one begins in another.
func (s *explainer) split(line, end, next, last int, first, second string) *Problem {
	p := s.at(line, next, last, fmt.Sprintf("two keys on one line: %q and %q", first, second),
		fmt.Sprintf("put %s: on a line of its own", second))
	start := s.starts[line-1]
	p.Fixes = []Fix{{
		Message: fmt.Sprintf("begin a line with %s:", second),
		Edits:   []Edit{{start + end, start + next, "\n" + strings.Repeat(" ", contentColumn(s.text(line)))}},
	}}
	return p
}

func (s *explainer) dashAfterKey() *Problem {
	if !strings.Contains(s.message, "block sequence entries are not allowed") {
		return nil
	}
	for _, n := range []int{s.line, s.before(s.line)} {
		t := s.text(n)
		if m := keyAndValue.FindStringSubmatchIndex(t); m != nil && strings.HasPrefix(t[m[4]:], "- ") {
			return s.at(n, m[4], m[4]+1, "a list cannot begin on the line of its key", "put the - on the next line")
		}
	}
	return nil
}
