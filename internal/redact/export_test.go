package redact

// TextOneByOne is Text without an index: it tries all values, the longest first.
func TextOneByOne(r *Redactor, s string) string {
	if s == "" {
		return s
	}
	values, _ := indexed(r.values)
	for _, v := range values {
		s = without(s, v)
	}
	return s
}
