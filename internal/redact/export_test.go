package redact

import "strings"

// TextOneByOne is Text without an index: it tries all values, the longest first.
func TextOneByOne(r *Redactor, s string) string {
	if s == "" {
		return s
	}
	values, _ := indexed(r.values)
	for _, v := range values {
		switch {
		case s == v:
			return Mask
		case !strings.Contains(s, v):
		case len(v) >= minLength:
			s = strings.ReplaceAll(s, v, Mask)
		default:
			for _, quote := range []string{`"`, "`", `\"`} {
				s = strings.ReplaceAll(s, quote+v+quote, quote+Mask+quote)
			}
		}
	}
	return s
}
