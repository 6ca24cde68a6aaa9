// Package termsvg draws what a program prints in a terminal as an SVG picture, for the documentation.
//
//	picture := termsvg.Draw("$ seatrial lint web.yaml", output)
package termsvg

import (
	"bytes"
	"fmt"
	"html"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	charWidth  = 7.8 // pixels, of the font size below
	lineHeight = 18
	margin     = 16
	titleBar   = 28
)

// colors of a dark terminal, by ANSI number.
var colors = map[int]string{
	31: "#ff7b72", 32: "#7ee787", 33: "#e3b341", 34: "#79c0ff", 35: "#d2a8ff", 36: "#56d4dd", 90: "#8b949e",
}

var escape = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// style is how a piece of text looks.
type style struct {
	color int // ANSI number; 0: the default
	bold  bool
}

// apply changes a style by the numbers of an escape sequence.
func (s *style) apply(codes string) {
	for code := range strings.SplitSeq(codes, ";") {
		n, err := strconv.Atoi(code)
		switch {
		case err != nil || n == 0:
			*s = style{}
		case n == 1:
			s.bold = true
		case n == 22:
			s.bold = false
		case n == 39:
			s.color = 0
		case colors[n] != "":
			s.color = n
		}
	}
}

// Draw returns a picture of a command and its output, colours by ANSI escape sequences.
func Draw(command, output string) []byte {
	lines := append([]string{command}, strings.Split(strings.TrimRight(output, "\n"), "\n")...)
	widest := 0
	for _, l := range lines {
		widest = max(widest, utf8.RuneCountInString(escape.ReplaceAllString(l, "")))
	}
	width, height := 2*margin+int(float64(widest)*charWidth), titleBar+2*margin+len(lines)*lineHeight
	var b bytes.Buffer
	fmt.Fprintf(&b,
		`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%[1]d" height="%[2]d" role="img" aria-label="%s">`+"\n",
		width, height, html.EscapeString(command))
	fmt.Fprintf(&b, `<rect width="%d" height="%d" rx="8" fill="#0d1117"/>`+"\n", width, height)
	for i, c := range []string{"#ff5f57", "#febc2e", "#28c840"} {
		fmt.Fprintf(&b, `<circle cx="%d" cy="15" r="5" fill="%s"/>`+"\n", margin+4+i*18, c)
	}
	b.WriteString(
		`<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="13" fill="#e6edf3" xml:space="preserve">` + "\n",
	)
	for i, l := range lines {
		if l != "" {
			fmt.Fprintf(&b, `<text x="%d" y="%d">%s</text>`+"\n", margin, titleBar+margin+i*lineHeight+4, spans(l))
		}
	}
	b.WriteString("</g>\n</svg>\n")
	return b.Bytes()
}

// spans returns a line as text elements, one for each style.
func spans(line string) string {
	var b strings.Builder
	var s style
	write := func(text string) {
		if text == "" {
			return
		}
		text = html.EscapeString(text)
		if s == (style{}) {
			b.WriteString(text)
			return
		}
		b.WriteString("<tspan")
		if c := colors[s.color]; c != "" {
			fmt.Fprintf(&b, ` fill="%s"`, c)
		}
		if s.bold {
			b.WriteString(` font-weight="bold"`)
		}
		b.WriteString(">" + text + "</tspan>")
	}
	end := 0
	for _, m := range escape.FindAllStringSubmatchIndex(line, -1) {
		write(line[end:m[0]])
		s.apply(line[m[2]:m[3]])
		end = m[1]
	}
	write(line[end:])
	return b.String()
}
