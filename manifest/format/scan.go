package format

import "strings"

// cutKey cuts a text around the colon behind a key. The key includes what is written before it: anchors and tags.
func cutKey(text string) (key, value string, ok bool) {
	_, plain := cutProperties(text)
	at := len(text) - len(plain)
	switch {
	case plain == "" || strings.ContainsRune("#|>{[", rune(plain[0])):
		return "", "", false
	case plain[0] == '"' || plain[0] == '\'':
		var s scanner
		end, done := s.scan(plain)
		if !done {
			return "", "", false
		}
		at += end
		at += len(text[at:]) - len(strings.TrimLeft(text[at:], " \t"))
		if !endsKey(text, at) {
			return "", "", false
		}
		return strings.TrimRight(text[:at], " \t"), text[at+1:], true
	}
	end := len(text)
	if i := commentAt(text); i >= 0 {
		end = i
	}
	for i := at; i < end; i++ {
		if endsKey(text, i) {
			return strings.TrimRight(text[:i], " \t"), text[i+1:], true
		}
	}
	return "", "", false
}

// endsKey reports whether the byte of a text is the colon behind a key.
func endsKey(text string, at int) bool {
	return at < len(text) && text[at] == ':' && (at+1 == len(text) || text[at+1] == ' ' || text[at+1] == '\t')
}

// cutProperties cuts the anchor and the tag from a value, with one space behind each.
func cutProperties(text string) (properties, rest string) {
	for text != "" && (text[0] == '&' || text[0] == '!') {
		word, after := text, ""
		if i := strings.IndexAny(text, " \t"); i >= 0 {
			word, after = text[:i], strings.TrimLeft(text[i:], " \t")
		}
		properties, text = joined(properties, word), after
	}
	return properties, text
}

// commentAt returns the byte at which a comment begins behind a plain scalar; -1: none does.
func commentAt(text string) int {
	for i := 1; i < len(text); i++ {
		if text[i] == '#' && (text[i-1] == ' ' || text[i-1] == '\t') {
			return i
		}
	}
	return -1
}

// scanner finds the end of a text in quotes, or of a flow collection, line by line.
type scanner struct {
	depth int  // of braces and brackets
	quote byte // that is open; 0: none
}

// scan reads a line on. It returns the byte behind the value, if that ends in the line, or the length of the line.
func (s *scanner) scan(line string) (end int, done bool) {
	for i := 0; i < len(line); i++ {
		c := line[i]
		switch {
		case s.quote == '"' && c == '\\':
			i++
		case s.quote == '\'' && c == '\'' && i+1 < len(line) && line[i+1] == '\'':
			i++
		case s.quote != 0 && c == s.quote:
			s.quote = 0
			if s.depth == 0 {
				return i + 1, true
			}
		case s.quote != 0:
		case (c == '"' || c == '\'') && opens(line, i):
			s.quote = c
		case c == '{' || c == '[':
			s.depth++
		case c == '}' || c == ']':
			if s.depth--; s.depth == 0 {
				return i + 1, true
			}
		case c == '#' && i > 0 && (line[i-1] == ' ' || line[i-1] == '\t'), c == '#' && i == 0:
			return len(line), false
		}
	}
	return len(line), false
}

// opens reports whether a quote begins a text: within a plain scalar it is a character like others.
func opens(line string, at int) bool {
	before := strings.TrimRight(line[:at], " \t")
	return before == "" || strings.ContainsRune("{[,:", rune(before[len(before)-1])) || len(before) < at
}

func joined(before, text string) string {
	switch {
	case before == "":
		return text
	case text == "":
		return before
	}
	return before + " " + text
}

func spaces(n int) string { return strings.Repeat(" ", n) }

// moved returns a line by so many columns to the right, or to the left as far as it has spaces.
func moved(line string, by int) string {
	text := strings.TrimLeft(line, " ")
	if text == "" || by == 0 {
		return line
	}
	return spaces(max(0, len(line)-len(text)+by)) + text
}
