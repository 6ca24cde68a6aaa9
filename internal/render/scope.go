package render

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// scope is what the dot and the variables of a template are, as names below its root: Values.image.tag, with [*] for
// the items that a range is about. A name that is not known is empty.
type scope struct {
	dot       string
	variables map[string]string
}

// root is the name of what a template is rendered with.
const root = "$"

// references returns the names, without Values, of the values that a line of a template names, in the action that
// begins at a byte, or in all.
func references(template string, number, action int) (names []string) {
	scopes := []scope{{dot: root, variables: map[string]string{}}}
	for line, at := 1, 0; at < len(template) && line <= number; {
		begin := strings.Index(template[at:], "{{")
		if begin < 0 {
			break
		}
		line += strings.Count(template[at:at+begin], "\n")
		begin += at
		at = actionEnd(template, begin)
		written := template[begin:at]
		if line > number {
			break
		}
		text := strings.Trim(strings.Trim(written, "{}"), "- \t\n\r")
		last := line + strings.Count(written, "\n")
		if last >= number && (action == anyAction || action == begin) {
			names = append(names, scopes[len(scopes)-1].namesIn(text)...)
		}
		scopes = enter(scopes, text)
		line = last
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// assignment matches the variables that an action sets: $x :=, $i, $x :=.
var assignment = regexp.MustCompile(`^(?:(\$\w+)\s*,\s*)?(\$\w+)\s*:?=\s*(.*)$`)

// enter changes the scopes, innermost last, as an action does.
func enter(scopes []scope, action string) []scope {
	word, rest, _ := strings.Cut(action, " ")
	inner := scopes[len(scopes)-1]
	switch word {
	case "define", "block":
		return append(scopes, scope{dot: root, variables: map[string]string{}})
	case "if":
		return append(scopes, inner)
	case "with", "range":
		next := scope{variables: maps.Clone(inner.variables)}
		variable := ""
		if m := assignment.FindStringSubmatch(rest); m != nil {
			variable, rest = m[2], m[3]
		}
		if next.dot = inner.resolve(rest); next.dot != "" && word == "range" {
			next.dot += "[*]"
		}
		if variable != "" {
			next.variables[variable] = next.dot
		}
		return append(scopes, next)
	case "else":
		if n := len(scopes); n > 1 && !strings.HasPrefix(rest, "if") {
			scopes[n-1].dot = scopes[n-2].dot
		}
	case "end":
		if len(scopes) > 1 {
			return scopes[:len(scopes)-1]
		}
	default:
		if m := assignment.FindStringSubmatch(action); m != nil {
			inner.variables[m[2]] = inner.resolve(m[3])
		}
	}
	return scopes
}

// operand matches what may name a value: .a.b, $.a.b, $x.a, $x, and the dot.
var operand = regexp.MustCompile(`\$?\w*(?:\.[A-Za-z_]\w*)+|\$\w+|\.`)

// whole matches an operand alone.
var whole = regexp.MustCompile(`^\(?(` + operand.String() + `)\)?$`)

// resolve returns the name of a value; empty if the expression is more than one.
func (s scope) resolve(expression string) string {
	m := whole.FindStringSubmatch(strings.TrimSpace(expression))
	if m == nil {
		return ""
	}
	name, rest, _ := strings.Cut(m[1], ".")
	base := s.dot
	switch {
	case name == "$":
		base = root
	case name != "":
		base = s.variables[name]
	}
	if base == "" || rest == "" {
		return base
	}
	return base + "." + rest
}

// namesIn returns the names of the values that an action names.
func (s scope) namesIn(action string) (names []string) {
	for _, at := range operand.FindAllStringIndex(quotedText.ReplaceAllStringFunc(action, blanked), -1) {
		if name, ok := strings.CutPrefix(s.resolve(action[at[0]:at[1]]), root+".Values."); ok {
			names = append(names, name)
		}
	}
	return names
}

// quotedText matches the texts of an action.
var quotedText = regexp.MustCompile("\"(?:[^\"\\\\]|\\\\.)*\"|`[^`]*`")

func blanked(s string) string { return strings.Repeat(" ", len(s)) }
