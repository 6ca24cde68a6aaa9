package pages

import (
	"fmt"
	"math/bits"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/schema"
)

// field is a field of a list over the versions of the site.
type field struct {
	Name      string
	In        mask
	Since     string // "" when the oldest known version has it
	SinceMask mask   // the version of Since, where the site has it
	Removed   string
	Forms     []*form // what is known of it, the newest first
	Type      string  // of the fields below; "" for an object without a name
	TypeFile  string  // its page
	Below     *list   // nil when there are none, or the field is recursive
	Recursive bool
}

// form is the description of a field in some versions.
type form struct {
	*description
	In   mask
	Show bool // in the newest version, or in the last that has the field: what is seen without a script
	New  mask // the version in which the field took this form, other than in its words
}

// description is what the pages show of a field: shared by all places of its type.
type description struct {
	Type       string
	TypeFile   string // page of the type; "" when it has none
	Required   bool
	Deprecated bool
	Doc        []paragraph
	Facts      []explain.Fact
	essence    string // all but the words
	whole      string // all
	words      string
}

// memo keeps descriptions, by version and holder: pod templates are part of many kinds.
type memo struct {
	mu     sync.Mutex
	fields map[memoKey]*description
	equal  map[string]*description
}

type memoKey struct {
	in           mask
	holder, name string
}

// describe returns the description of a field; equal ones are the same.
func (s *Site) describe(in mask, f *schema.Field) *description {
	key := memoKey{in, f.Holder(), f.Name}
	s.memo.mu.Lock()
	t := s.memo.fields[key]
	s.memo.mu.Unlock()
	if t != nil && key.holder != "" {
		return t
	}
	n := explain.NewNode(f)
	var stated []string // by the documentation, which is shown
	n.Constraints = slices.DeleteFunc(n.Constraints, func(c explain.Constraint) bool {
		if c.Source == "documentation" {
			stated = append(stated, c.Text)
		}
		return c.Source == "documentation"
	})
	if key.holder == "" && slices.Contains([]string{"apiVersion", "kind", "metadata"}, f.Name) {
		n.Description = firstSentence(n.Description) // the same long words in more than a thousand pages
	}
	t = &description{
		Type: n.Type, TypeFile: s.typeFile(f.TypeName()), Required: n.Required, Deprecated: n.Deprecated,
		Facts: n.Values(), words: n.Description,
	}
	t.essence = fmt.Sprint(t.Type, t.Required, t.Deprecated, n.Enum, n.Default, n.Format, n.Pattern)
	t.whole = fmt.Sprint(t.essence, t.TypeFile, t.Facts, "\n", n.Description)
	s.memo.mu.Lock()
	defer s.memo.mu.Unlock()
	if s.memo.fields == nil {
		s.memo.fields, s.memo.equal = map[memoKey]*description{}, map[string]*description{}
	}
	if same := s.memo.equal[t.whole]; same != nil {
		t = same
	} else {
		t.Doc = paragraphs(n.Description, stated...)
		s.memo.equal[t.whole] = t
	}
	s.memo.fields[key] = t
	return t
}

// field puts the descriptions of a field in several versions side by side; versions[i] is the one of masks[i], or nil.
func (s *Site) field(masks []mask, versions []*schema.Field) *field {
	out := &field{}
	var newest *schema.Field
	for i, f := range versions {
		if f == nil {
			continue
		}
		newest, out.In = f, out.In|masks[i]
		t := s.describe(masks[i], f)
		if at := slices.IndexFunc(out.Forms, func(x *form) bool { return x.description == t }); at >= 0 {
			out.Forms[at].In |= masks[i]
			continue
		}
		x := &form{description: t, In: masks[i]}
		if n := len(out.Forms); n > 0 && out.Forms[n-1].essence != t.essence {
			x.New = masks[i]
		}
		out.Forms = append(out.Forms, x)
	}
	last := bits.Len32(uint32(out.In)) - 1
	for _, x := range out.Forms {
		x.Show = x.In&(1<<last) != 0
	}
	slices.Reverse(out.Forms)
	out.Name = newest.Name
	name := newest.TypeName()
	out.Type, out.TypeFile = name[strings.LastIndexByte(name, '.')+1:], s.typeFile(name)
	s.lifetime(out, newest)
	return out
}

// lifetime notes when a field came and went.
func (s *Site) lifetime(out *field, f *schema.Field) {
	span := f.Span()
	out.Removed = span.Removed
	if span.Since == "" || span.Since == schema.Versions()[0] {
		return
	}
	out.Since = span.Since
	if i := slices.Index(s.versions, span.Since); i >= 0 {
		out.SinceMask = 1 << i
	}
}

// anchors writes what may not stand in a fragment: names of custom resources' fields are anybody's text.
var anchors = strings.NewReplacer("%", "%25", " ", "%20", `"`, "%22", "<", "%3C", ">", "%3E", "`", "%60")

// paragraph is a part of a description.
type paragraph []span

// span is a piece of a description: a link, something to type, or words.
type span struct {
	Text string
	URL  string // https://...; "" for no link
	Code bool
	Rule bool // says which values are allowed
}

var special = regexp.MustCompile("https?://[^\\s<>\"'`]*[^\\s<>\"'`.,;:!?)\\]]|`[^`\n]+`")

// paragraphs takes a description apart, with the sentences marked that state a rule.
func paragraphs(doc string, rules ...string) (out []paragraph) {
	for _, text := range strings.Split(strings.TrimSpace(doc), "\n\n") {
		if text = strings.TrimSpace(text); text == "" {
			continue
		}
		var p paragraph
		at := 0
		for _, m := range special.FindAllStringIndex(text, -1) {
			p = append(p, words(text[at:m[0]], rules)...)
			p = append(p, pieceOf(text[m[0]:m[1]]))
			at = m[1]
		}
		out = append(out, append(p, words(text[at:], rules)...))
	}
	return out
}

// words parts a text at the first of the sentences that it holds.
func words(text string, rules []string) []span {
	for _, r := range rules {
		if before, after, ok := strings.Cut(text, r); ok {
			return slices.Concat(words(before, rules), []span{{Text: r, Rule: true}}, words(after, rules))
		}
	}
	if text == "" {
		return nil
	}
	return []span{{Text: text}}
}

func pieceOf(text string) span {
	if strings.HasPrefix(text, "`") {
		return span{Text: strings.Trim(text, "`"), Code: true}
	}
	return span{Text: text, URL: text}
}

// firstSentence returns what a list shows of a description.
func firstSentence(doc string) string {
	doc = strings.Join(strings.Fields(doc), " ")
	if i := strings.Index(doc, ". "); i >= 0 {
		return doc[:i+1]
	}
	return doc
}
