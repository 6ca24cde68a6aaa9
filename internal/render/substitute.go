package render

import (
	"regexp"
	"strings"
)

// variables are those of a Kustomization of Flux. Those that are open come from objects that are not in the tree.
type variables struct {
	values map[string]string
	open   bool
}

// dontSubstitute is the key of a label or annotation whose value disabled keeps an object as it is.
const dontSubstitute = "kustomize.toolkit.fluxcd.io/substitute: disabled"

// substitute fills in the variables of the objects of a rendering. A variable that is not known becomes its default,
// or nothing; where others may come from objects that are not here, it stays.
func (v *variables) substitute(text string) string {
	docs := strings.Split(text, "\n---\n")
	for i, doc := range docs {
		if !strings.Contains(doc, dontSubstitute) {
			docs[i] = v.expand(doc)
		}
	}
	return strings.Join(docs, "\n---\n")
}

// expression is the content of ${NAME}, ${NAME:=default} and the like. A default may hold variables itself.
var expression = regexp.MustCompile(`(?s)^([A-Za-z_][A-Za-z0-9_]*)(?:(:?[=-])(.*))?$`)

// expand fills in the variables of a text. $${NAME} stands for ${NAME}; what is not an expression that is known
// stays.
func (v *variables) expand(text string) string {
	var out strings.Builder
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			out.WriteString(text)
			return out.String()
		}
		length := closingBrace(text[at:])
		if length == 0 {
			out.WriteString(text)
			return out.String()
		}
		whole := text[at : at+length]
		m := expression.FindStringSubmatch(whole[len("${") : length-1])
		switch {
		case strings.HasSuffix(text[:at], "$"): // an escape
			out.WriteString(text[:at-1] + whole)
		case m == nil:
			out.WriteString(text[:at] + whole)
		default:
			out.WriteString(text[:at] + v.value(whole, m[1], m[2], m[3]))
		}
		text = text[at+length:]
	}
}

// value returns the value of a variable, by the operator and the default that an expression has for it.
func (v *variables) value(whole, name, operator, fallback string) string {
	value, ok := v.values[name]
	switch {
	case ok && (value != "" || !strings.HasPrefix(operator, ":")):
		return value
	case operator != "":
		return v.expand(fallback)
	case v.open && !ok:
		return whole
	}
	return value
}

// closingBrace returns the length of the expression that a text begins with, up to the brace that ends it; 0 if there
// is none on its line.
func closingBrace(text string) int {
	depth := 0
	for i := 0; i < len(text) && text[i] != '\n'; i++ {
		switch {
		case strings.HasPrefix(text[i:], "${"):
			depth++
		case text[i] == '}':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
	return 0
}
