package syntax

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Lookalike returns the name of a character that is taken for another one, and the text that was most likely meant by
// it.
func Lookalike(r rune) (name, meant string, ok bool) {
	switch r {
	case '\u00a0', '\u2007', '\u202f':
		return fmt.Sprintf("no-break space (U+%04X)", r), " ", true
	case '\u3000':
		return "ideographic space (U+3000)", " ", true
	case '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff':
		return fmt.Sprintf("zero-width character (U+%04X)", r), "", true
	case '\u200e', '\u200f', '\u202a', '\u202b', '\u202c', '\u202d', '\u202e', '\u2066', '\u2067', '\u2068', '\u2069':
		return fmt.Sprintf("character that changes the direction of text (U+%04X)", r), "", true
	case '\u00ad':
		return "soft hyphen (U+00AD)", "", true
	case '\u201c', '\u201d', '\u201e', '\u201f':
		return fmt.Sprintf("curly quote %c (U+%04X)", r, r), `"`, true
	case '\u2018', '\u2019', '\u201a', '\u201b':
		return fmt.Sprintf("curly quote %c (U+%04X)", r, r), "'", true
	}
	return "", "", false
}

// Punctuation returns the name of a character that is taken for the colon or the dash of YAML, and that one.
func Punctuation(r rune) (name, meant string, ok bool) {
	switch r {
	case '\uff1a', '\ufe55':
		return fmt.Sprintf("full-width colon (U+%04X)", r), ":", true
	case '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u2212':
		return fmt.Sprintf("dash %c (U+%04X)", r, r), "-", true
	}
	return "", "", false
}

// Blank reports whether a character shows as a blank or as nothing, and is none of those that YAML takes for one.
func Blank(r rune) bool {
	_, meant, ok := Lookalike(r)
	return ok && strings.TrimSpace(meant) == ""
}

// lookalikes reports characters in the indentation of lines, and after dashes and colons, that show as blanks or as
// nothing, in a text that cannot be read: one problem for all, if the text can be read without them.
func (t Text) lookalikes() []Problem {
	var p Problem
	var name string
	fix := Fix{Message: "write spaces", Certain: true}
	structure := true // only blanks, dashes and colons stand before
	key := lineKey{}
	for at := 0; at < len(t.Data); {
		r, n := utf8.DecodeRune(t.Data[at:])
		if called, meant, ok := Lookalike(r); ok && structure && Blank(r) {
			if len(fix.Edits) == 0 {
				p.Start, p.End, name = at, at+n, called
			}
			fix.Edits = append(fix.Edits, Edit{at, at + n, meant})
		}
		if called, meant, ok := Punctuation(r); ok &&
			(meant == "-" && structure && at+n < len(t.Data) && t.Data[at+n] == ' ' || meant == ":" && key.isWord()) {
			if len(fix.Edits) == 0 {
				p.Start, p.End, name = at, at+n, called
				fix.Message = "write " + meant
			}
			fix.Edits = append(fix.Edits, Edit{at, at + n, meant + SpaceAfter(t.Data, at+n)})
		}
		key.take(r)
		structure = r == '\n' || r == ':' || structure && (r == ' ' || r == '-' || Blank(r))
		at += n
	}
	if len(fix.Edits) == 0 {
		return nil
	}
	p.Message, p.Help = LookalikeMessage(name, len(fix.Edits)), "YAML reads it as text: replace it"
	if fix.Message != "write spaces" {
		p.Message = fmt.Sprintf("%s in the place of %s", name, strings.TrimPrefix(fix.Message, "write "))
	}
	p.Fixes = []Fix{fix}
	if !t.readableWithout([]Problem{p}) {
		return nil
	}
	return []Problem{p}
}

// lineKey is what stands on a line behind its indentation and dashes.
type lineKey struct {
	letters int
	other   bool // characters that a key does not have
}

func (k *lineKey) take(r rune) {
	switch {
	case r == '\n':
		*k = lineKey{}
	case strings.ContainsRune(" -", r) && k.letters == 0:
	case strings.ContainsRune(" :#\"'", r):
		k.other = true
	default:
		k.letters++
	}
}

// isWord reports whether it is one word.
func (k *lineKey) isWord() bool { return k.letters > 0 && !k.other }

// SpaceAfter returns the space that is missing between a colon or dash and what stands at a byte.
func SpaceAfter(data []byte, at int) string {
	if at < len(data) && strings.IndexByte(" \r\n", data[at]) < 0 {
		return " "
	}
	return ""
}

// LookalikeMessage says what stands in a text, and how often.
func LookalikeMessage(name string, times int) string {
	if times == 1 {
		return name + " in the place of a space or of nothing"
	}
	return fmt.Sprintf("%s, in %d places where a space or nothing should be", name, times)
}
