package manifest

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// header is what a document says of its identity. Only strings count.
type header struct {
	apiVersion, kind, name, namespace, generateName string
	hasItems                                        bool
}

// scanHeader finds the identity in valid JSON without decoding the rest.
func scanHeader(js []byte) (h header) {
	s, named := jsonScanner{data: js}, false
	s.object(func(key string) {
		switch key {
		case "apiVersion":
			s.text(&h.apiVersion)
		case "kind":
			s.text(&h.kind)
		case "items":
			h.hasItems = s.peek() == '['
			s.skip()
		case "metadata":
			s.object(func(key string) {
				switch key {
				case "name":
					s.text(&h.name)
				case "namespace":
					s.text(&h.namespace)
				case "generateName":
					s.text(&h.generateName)
				default:
					s.skip()
				}
			})
			named = true
		default:
			if named && h.apiVersion != "" && h.kind != "" && !strings.HasSuffix(h.kind, "List") {
				s.at = len(s.data) // the rest says nothing of the identity
				return
			}
			s.skip()
		}
	})
	return h
}

// Has reports whether the object gives a value, null included, to a field: Has("spec", "replicas").
func (d *Document) Has(path ...string) (found bool) {
	s := jsonScanner{data: d.JSON}
	var look func(rest []string)
	look = func(rest []string) {
		s.object(func(key string) {
			switch {
			case key != rest[0]:
				s.skip()
			case len(rest) == 1:
				found = true
				s.skip()
			default:
				look(rest[1:])
			}
		})
	}
	look(path)
	return found
}

// scanLabels finds the labels of an object in valid JSON without decoding the rest; nil if there are none, or one is
// not a text.
func scanLabels(js []byte) (labels map[string]string) {
	s := jsonScanner{data: js}
	s.object(func(key string) {
		if key != "metadata" {
			s.skip()
			return
		}
		labels = nil // of a key given twice the last one counts
		s.object(func(key string) {
			if key != "labels" {
				s.skip()
				return
			}
			labels = map[string]string{}
			s.object(func(key string) {
				if s.peek() != '"' {
					labels = nil
				}
				var value string
				s.text(&value)
				if labels != nil {
					labels[key] = value
				}
			})
		})
	})
	return labels
}

// jsonScanner steps over JSON that is known to be valid.
type jsonScanner struct {
	data []byte
	at   int
}

func (s *jsonScanner) peek() byte {
	s.at = skipSpace(s.data, s.at)
	if s.at >= len(s.data) {
		return 0
	}
	return s.data[s.at]
}

// object calls f with each key of an object; f must step over the value. Other values are skipped.
func (s *jsonScanner) object(f func(key string)) {
	if s.peek() != '{' {
		s.skip()
		return
	}
	s.at++
	for s.peek() == '"' {
		key := s.str()
		if s.peek() != ':' {
			return
		}
		s.at++
		f(key)
		if s.peek() != ',' {
			break
		}
		s.at++
	}
	if s.peek() == '}' {
		s.at++
	}
}

// text stores a string value; others are skipped.
func (s *jsonScanner) text(out *string) {
	if s.peek() == '"' {
		*out = s.str()
		return
	}
	s.skip()
}

func (s *jsonScanner) str() string {
	start := s.at
	s.skipString()
	raw := s.data[start:s.at]
	if len(raw) < 2 {
		return ""
	}
	inner := raw[1 : len(raw)-1]
	for _, c := range inner {
		if c == '\\' || c >= utf8.RuneSelf {
			return unquoteJSON(raw)
		}
	}
	return string(inner)
}

func (s *jsonScanner) skipString() {
	for s.at++; s.at < len(s.data) && s.data[s.at] != '"'; s.at++ {
		if s.data[s.at] == '\\' {
			s.at++
		}
	}
	s.at = min(s.at+1, len(s.data))
}

// skip steps over one value.
func (s *jsonScanner) skip() {
	switch s.peek() {
	case '{', '[':
		if end, ok := jsonEnd(s.data, s.at); ok {
			s.at = end
			return
		}
		s.at = len(s.data)
	case '"':
		s.skipString()
	default:
		for s.at < len(s.data) && s.data[s.at] != ',' && s.data[s.at] != '}' && s.data[s.at] != ']' {
			s.at++
		}
	}
}

// quoteYAMLKey writes a key the way messages show it.
func quoteYAMLKey(k string) string { return strconv.Quote(k) }
