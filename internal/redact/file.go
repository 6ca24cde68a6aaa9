package redact

import (
	"bytes"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// File returns a file in which the characters of a Secret's values are masked one by one, so that places stay valid.
// Where a text that speaks of a Secret cannot be read, all values of it are hidden. Credentials in addresses are masked
// in all files.
func File(f *source.File) *source.File { return withoutCredentials(withoutSecrets(f)) }

// withoutCredentials masks what stands before the host of an address: https://USER:PASSWORD@host.
func withoutCredentials(f *source.File) *source.File {
	if !bytes.Contains(f.Data, []byte("://")) {
		return f
	}
	places := credentials.FindAllSubmatchIndex(f.Data, -1)
	if len(places) == 0 {
		return f
	}
	m := &masker{data: slices.Clone(f.Data)}
	for _, at := range places {
		for i := 2; i < len(at); i += 2 {
			if at[i] >= 0 {
				m.hide(at[i], at[i+1])
			}
		}
	}
	return source.NewFile(f.Name, m.data)
}

// Address returns a text without the credentials of the addresses in it.
func Address(text string) string {
	return credentials.ReplaceAllStringFunc(text, func(match string) string {
		at := credentials.FindStringSubmatchIndex(match)
		for i := 2; i < len(at); i += 2 {
			if at[i] >= 0 {
				return match[:at[i]] + Mask + match[at[i+1]:]
			}
		}
		return match
	})
}

// credentials finds what stands before the host of an address: all of it on the web, where a token may be the name of
// a user, and the password elsewhere.
var credentials = regexp.MustCompile(
	`(?i)\bhttps?://([^/@\s"'<>]+)@|\b[a-z][-+.a-z0-9]*://[^/:@\s"'<>]*:([^/@\s"'<>]+)@`,
)

// withoutSecrets masks the values of Secrets.
func withoutSecrets(f *source.File) *source.File {
	if !mayHoldSecret(f.Data) {
		return f
	}
	m := &masker{data: slices.Clone(f.Data)}
	for _, chunk := range chunksWithSecrets(f) {
		docs, findings := chunk.Parse(manifest.DefaultLimits)
		for _, d := range docs {
			if isSecret(d) {
				m.object(d.Root(), d.Object.Kind)
			}
		}
		r := chunk.Range()
		from, to := r.Start.Offset, r.End.Offset
		if len(findings) > 0 && looksLikeSecret.Match(f.Data[from:to]) {
			m.lines(from, to)
		}
		if !bytes.Contains(f.Data[from:to], []byte(generator)) {
			continue
		}
		if root := chunk.Root(); root.Kind == manifest.Map { // a kustomization need not name its kind
			m.generators(root)
		} else if len(findings) > 0 {
			m.lines(from, to)
		}
	}
	return source.NewFile(f.Name, m.data)
}

// chunksWithSecrets returns the chunks of a file that may hold a Secret.
func chunksWithSecrets(f *source.File) []*manifest.Chunk {
	return slices.DeleteFunc(manifest.Split(f), func(c *manifest.Chunk) bool {
		return !mayHoldSecret(f.Data[c.End()-c.Len() : c.End()])
	})
}

// mayHoldSecret reports whether a text may hold an object whose values are hidden: the word stands where a value may
// begin, which it does not in the middle of a sentence or of another word, as in the descriptions of a definition.
func mayHoldSecret(text []byte) bool {
	if bytes.Contains(text, []byte(encryptionKind)) || bytes.Contains(text, []byte(generator)) {
		return true
	}
	for rest := text; ; {
		i := bytes.Index(rest, []byte("Secret"))
		if i < 0 {
			return false
		}
		before := text[:len(text)-len(rest)+i]
		if mayBeginValue(before) {
			return true
		}
		rest = rest[i+len("Secret"):]
	}
}

// mayBeginValue reports whether a scalar of YAML or JSON may begin behind a text.
func mayBeginValue(before []byte) bool {
	open := bytes.TrimRight(before, `"'\`)
	trimmed := bytes.TrimRight(open, " \t")
	if len(trimmed) == 0 || !isWordEnd(trimmed[len(trimmed)-1]) {
		return true
	}
	word := trimmed[bytes.LastIndexAny(trimmed, " \t\r\n,[{:")+1:]
	return len(trimmed) < len(open) && len(word) > 0 && (word[0] == '&' || word[0] == '!') // an anchor or a tag
}

// isWordEnd reports whether a byte is one with which a word ends, or a part of a sentence, but no sign of YAML or JSON
// before a value.
func isWordEnd(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '.' || c == ')' || c == '('
}

// looksLikeSecret finds the kind of a Secret in YAML and JSON.
var looksLikeSecret = regexp.MustCompile(`kind["']?\s*:\s*["']?(Secret|` + encryptionKind + `)\b`)

// masker writes over a copy of a file.
type masker struct{ data []byte }

// object hides the values of a Secret, or the keys of an encryption.
func (m *masker) object(root *manifest.Node, kind string) {
	if kind == encryptionKind {
		m.keys(root)
		return
	}
	for _, name := range fields {
		named(root, name, m.value)
	}
	named(root, "metadata", func(metadata *manifest.Node) {
		named(metadata, "annotations", func(annotations *manifest.Node) { named(annotations, lastApplied, m.value) })
	})
}

// generator is the field of a kustomization that makes Secrets.
const generator = "secretGenerator"

// generators hides the values of the literals that a kustomization makes Secrets of, and literals without a key.
func (m *masker) generators(root *manifest.Node) {
	named(root, generator, func(all *manifest.Node) {
		for _, g := range all.Target().Items {
			named(g, "literals", func(literals *manifest.Node) {
				for _, literal := range literals.Target().Items {
					r := literal.Target().Range()
					from, to := r.Start.Offset, r.End.Offset
					m.hide(from+1+bytes.IndexByte(m.data[from:to], '='), to)
				}
			})
		}
	})
}

// keys hides the values of all fields that hold keys.
func (m *masker) keys(n *manifest.Node) {
	n = n.Target()
	for _, f := range n.Fields {
		if f.Name == encryptionKey {
			m.value(f.Value)
		} else {
			m.keys(f.Value)
		}
	}
	for _, item := range n.Items {
		m.keys(item)
	}
}

// named calls f for each value of a key, which may be written twice or come from a merge.
func named(n *manifest.Node, name string, f func(*manifest.Node)) {
	n = n.Target()
	for i := range n.Fields {
		if n.Fields[i].Name == name {
			f(n.Fields[i].Value)
		}
	}
	if field := n.Get(name); field != nil {
		f(field.Value)
	}
}

// value hides a node, but the keys of a map.
func (m *masker) value(n *manifest.Node) {
	n = n.Target()
	switch n.Kind {
	case manifest.Map:
		for _, f := range n.Fields {
			m.value(f.Value)
		}
	case manifest.List:
		for _, item := range n.Items {
			m.value(item)
		}
	default:
		r := n.Range()
		m.hide(r.Start.Offset, r.End.Offset)
	}
}

// heads are the keys whose values say which object it is.
var heads = []string{"apiVersion", "kind", "metadata", "name", "namespace", "type"}

// lines hides what stands after the keys of lines, and lines without a key.
func (m *masker) lines(from, to int) {
	for start := from; start < to; {
		end := to
		if i := bytes.IndexByte(m.data[start:to], '\n'); i >= 0 {
			end = start + i
		}
		line := string(m.data[start:end])
		key, _, isEntry := strings.Cut(line, ":")
		switch {
		case strings.HasPrefix(line, "---"):
		case isEntry && slices.Contains(heads, strings.Trim(key, " \t-\"'")) && !strings.ContainsAny(line, "{["):
		case isEntry && !strings.ContainsAny(key, "{["):
			m.hide(start+len(key)+1, end)
		default:
			m.hide(start, end)
		}
		start = end + 1
	}
}

// masks are the characters that stand for one of 1 to 4 bytes, so that what follows stays in its place.
var masks = [utf8.UTFMax + 1]string{1: "*", 2: "·", 3: "•", 4: "🞶"}

// hide masks each character of a range that is neither white space nor a control character.
func (m *masker) hide(from, to int) {
	for i := from; i < to; {
		r, size := utf8.DecodeRune(m.data[i:to])
		if r > ' ' {
			copy(m.data[i:i+size], masks[size])
		}
		i += size
	}
}

// AddFile makes the values of the Secrets of a file known, and what stands in their place where it cannot be read.
func (r *Redactor) AddFile(f *source.File) {
	masked := withoutSecrets(f)
	if masked == f {
		return
	}
	for _, chunk := range chunksWithSecrets(f) {
		docs, _ := chunk.Parse(manifest.DefaultLimits)
		r.Add(docs...)
		at := chunk.Range()
		for n := at.Start.Line; n <= min(at.End.Line, f.Lines()); n++ {
			text := strings.Trim(difference(f.Line(n), masked.Line(n)), ` "'`)
			_, literal, _ := strings.Cut(text, "=") // of a generator that cannot be read
			for _, value := range []string{text, literal} {
				if len(value) >= minLength {
					r.values = append(r.values, value)
				}
			}
		}
	}
	r.index = nil
}

// difference returns the part of a that is not as in b, which is as long.
func difference(a, b string) string {
	from, to := 0, min(len(a), len(b))
	for from < to && a[from] == b[from] {
		from++
	}
	for to > from && a[to-1] == b[to-1] {
		to--
	}
	return a[from:to]
}
