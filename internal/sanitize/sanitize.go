// Package sanitize makes texts that come from manifests and clusters safe for the medium in which they are shown: a
// name must not move the cursor, begin a tag, or end an annotation.
//
// There is one function for each medium: [Line] and [Lines] for terminals, [Page] for what a page shows as text,
// [Markdown], [GitHubData] and [GitHubProperty] for workflow commands, and [JSON].
package sanitize

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// replacement stands for a character that is not shown.
const replacement = '\uFFFD'

// commands reports whether a terminal or a browser would obey a character instead of showing it: the control
// characters, and those that turn the direction of what follows.
func commands(r rune) bool {
	return r < ' ' || r >= 0x7f && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
}

// isPlain reports whether a text has printable characters of ASCII alone, as most have.
func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// Line returns s as one line for a terminal.
func Line(s string) string {
	if isPlain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n':
			return ' '
		case commands(r):
			return replacement
		}
		return r
	}, s)
}

// Lines returns s for a terminal, with its lines and tabs.
func Lines(s string) string {
	if isPlain(s) {
		return s
	}
	return strings.Map(func(r rune) rune {
		if r != '\t' && r != '\n' && commands(r) {
			return replacement
		}
		return r
	}, s)
}

// Page returns s for a page that shows it as text. Escaping is left to what writes the page.
func Page(s string) string { return Lines(s) }

// markdown are the characters by which Markdown and the HTML in it begin.
var markdown = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", "&lt;", ">",
	"&gt;", "&", "&amp;",
	"#", `\#`, "|", `\|`, "!", `\!`, "~", `\~`, "@", "&#64;")

// Markdown returns s as text of one line in Markdown.
func Markdown(s string) string { return markdown.Replace(Line(s)) }

// Workflow commands of GitHub end with their line; properties end with a comma or a colon.
var (
	githubData     = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A")
	githubProperty = strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C")
)

// GitHubData returns s as the message of a workflow command.
func GitHubData(s string) string { return githubData.Replace(Lines(s)) }

// GitHubProperty returns s as a property of a workflow command.
func GitHubProperty(s string) string { return githubProperty.Replace(Lines(s)) }

// JSON returns a document in JSON in which the characters that a terminal would obey are escaped. Its value stays.
func JSON(document []byte) []byte {
	if !bytes.ContainsFunc(document, escaped) {
		return document
	}
	var out bytes.Buffer
	for len(document) > 0 {
		r, size := utf8.DecodeRune(document)
		if escaped(r) {
			fmt.Fprintf(&out, `\u%04x`, r)
		} else {
			out.Write(document[:size])
		}
		document = document[size:]
	}
	return out.Bytes()
}

// escaped reports whether JSON escapes a character although encoding/json does not.
func escaped(r rune) bool { return r >= 0x7f && commands(r) }

// Writer passes on what is written to it as [Lines] shows it. Each Write must hold whole characters.
func Writer(w io.Writer) io.Writer { return writer{w} }

type writer struct{ w io.Writer }

func (w writer) Write(p []byte) (int, error) {
	if _, err := io.WriteString(w.w, Lines(string(p))); err != nil {
		return 0, err
	}
	return len(p), nil
}
