package lint

import (
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

var quantityText = regexp.MustCompile(`^([-+]?[0-9]+(?:\.[0-9]+)?)\s*([A-Za-z]*)$`)

// quantityUnits are the units that are written where Kubernetes has others.
var quantityUnits = map[string]string{
	"b": "", "k": "Ki", "kb": "Ki", "ki": "Ki", "kib": "Ki", "mb": "Mi", "mi": "Mi", "mib": "Mi", "gb": "Gi", "gi": "Gi", "gib": "Gi", "g": "Gi",
	"tb": "Ti", "ti": "Ti", "tib": "Ti", "t": "Ti", "pi": "Pi", "pb": "Pi", "pib": "Pi", "cpu": "", "cpus": "", "core": "", "cores": "",
	"mcpu": "m", "millicores": "m", "millicpu": "m",
}

// quantityMeant returns the quantity that was most likely meant.
func quantityMeant(text string) (string, bool) {
	m := quantityText.FindStringSubmatch(text)
	if m == nil {
		return "", false
	}
	unit, known := quantityUnits[strings.ToLower(m[2])]
	return m[1] + unit, known
}

// enrichQuantity says what is wrong with a quantity, and which one was most likely meant.
func enrichQuantity(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause, v any) {
	text, isText := v.(string)
	if !isText || !strings.Contains(c.Message, "quantit") || strings.Contains(c.Message, "beyond all bounds") {
		return
	}
	f.Server = f.Message
	f.Message = fmt.Sprintf("%s is no quantity", strconv.Quote(text))
	f.Help = "a quantity is a number and a unit: 500m, 128Mi, 2Gi"
	if m := quantityText.FindStringSubmatch(text); m != nil && m[2] != "" {
		f.Message += ": there is no unit " + m[2]
	}
	if meant, known := quantityMeant(text); known {
		meantInstead(d, f, c.Path, meant, false)
	}
}

// meantInstead suggests another value.
func meantInstead(d *manifest.Document, f *diag.Diagnostic, path, value string, certain bool) {
	f.Help = fmt.Sprintf("did you mean %s?", value)
	p := d.Find(path)
	if !p.Exact || p.Node == nil || p.Node.Kind != manifest.Scalar || !p.Value.IsValid() || p.Value.Start.Line != p.Value.End.Line ||
		p.Value.Start == p.Value.End {
		return
	}
	fix := replaceFix(p.Value, requoteValue(d, p.Value, value), "write "+value)
	fix.Safe = certain && !p.Node.Shared && !p.Alias.IsValid()
	f.Fixes = append(f.Fixes, fix)
}

// replaceFix puts another text into a place.
func replaceFix(at source.Range, text, message string) diag.Fix {
	return diag.Fix{Message: message, Edits: []source.Edit{{Range: at, NewText: text}}}
}

// requoteValue writes a value the way the one in its place is written.
func requoteValue(d *manifest.Document, at source.Range, value string) string {
	if text := requote(d, at, value); text != value {
		return text
	}
	return scalarText(value)
}

var (
	unsupported = regexp.MustCompile(`^Unsupported value: ("(?:[^"\\]|\\.)*"): supported values: (.*)$`)
	oneOfNames  = regexp.MustCompile(`^Invalid value: ("(?:[^"\\]|\\.)*"): must be one of ([a-z, ]+)$`)
	namePattern = regexp.MustCompile(`^Invalid value: ("(?:[^"\\]|\\.)*"): a (?:lowercase RFC 1123|DNS-1035|valid DNS)`)
	quotedWord  = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

// enrichInvalid says what was most likely meant by a value that validation refuses.
func enrichInvalid(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) {
	path := sourcePath(d, c.Path)
	switch {
	case strings.HasPrefix(c.Message, "Required value"):
		enrichRequired(d, f, path, c)
		return
	case strings.HasPrefix(c.Message, "Duplicate value"):
		relateDuplicate(d, f, path)
		return
	case strings.HasPrefix(c.Message, "Not found"):
		enrichNotFound(d, f, path, c.Message)
		return
	}
	if m := unsupported.FindStringSubmatch(c.Message); m != nil {
		var values []string
		for _, q := range quotedWord.FindAllStringSubmatch(m[2], -1) {
			values = append(values, q[1])
		}
		enrichEnum(d, f, path, m[1], values)
	} else if m := oneOfNames.FindStringSubmatch(c.Message); m != nil {
		enrichEnum(d, f, path, m[1], strings.Split(m[2], ", "))
	} else if m := namePattern.FindStringSubmatch(c.Message); m != nil {
		enrichName(d, f, path, m[1], strings.Contains(c.Message, "subdomain"))
	} else if m := bodyType.FindStringSubmatch(c.Message); m != nil {
		enrichBodyType(d, f, path, m[1])
	} else {
		enrichValue(d, f, path, c.Message)
	}
}

// bodyType matches what the server says of a value of the wrong type in a custom resource.
var bodyType = regexp.MustCompile(`in body must be of type (\w+): "`)

// enrichBodyType says of a value of the wrong type in a custom resource what stands there and what to write.
func enrichBodyType(d *manifest.Document, f *diag.Diagnostic, path, typ string) {
	v := valueOf(d, path)
	want := map[string]string{"array": "a list", "object": "a mapping"}[typ]
	if want == "" {
		want = takes(typ)
	}
	f.Server = f.Message
	f.Message = fmt.Sprintf("%s takes %s, not %s", lastName(path), want, stands(v))
	meant, words, ok := scalarMeant(typ, v)
	if _, isList := v.([]any); typ == "array" && !isList && v != nil {
		meant, words, ok = []any{v}, "write it as a list", true
	}
	if !ok {
		return
	}
	f.Help = words
	if fix, ok := shapeFix(d, d.Find(path), v, asText(d.Find(path), v, meant), words); ok {
		fix.Safe = typ != "array" && !d.Find(path).Node.Shared
		f.Fixes = append(f.Fixes, fix)
	}
}

// enrichEnum finds the value of an enumeration that was meant: in another case, misspelt, or by its initials.
func enrichEnum(d *manifest.Document, f *diag.Diagnostic, path, quoted string, values []string) {
	wrong, err := strconv.Unquote(quoted)
	if err != nil || wrong == "" {
		return
	}
	best := nearest(wrong, values)
	if best == "" {
		if i := slices.IndexFunc(values, func(v string) bool { return initials(v) == wrong }); i >= 0 {
			best = values[i]
		}
	}
	if best == "" {
		return
	}
	if p := d.Find(path); p.Exact && p.Node != nil && p.Node.Kind == manifest.List { // the list as a whole is refused
		for i, it := range p.Node.Items {
			if it.Text == wrong {
				path = fmt.Sprintf("%s[%d]", path, i)
			}
		}
	}
	meantInstead(d, f, path, best, strings.EqualFold(best, wrong))
}

// initials returns the capital letters of a word: RWO of ReadWriteOnce.
func initials(word string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r
		}
		return -1
	}, word)
}

var notInName = regexp.MustCompile(`[^a-z0-9.-]+`)

// enrichName shows a name that the server takes.
func enrichName(d *manifest.Document, f *diag.Diagnostic, path, quoted string, dots bool) {
	wrong, err := strconv.Unquote(quoted)
	generated := d.Object.Name == "" && d.GenerateName != "" // the server completes the name
	if err != nil || f.Help != "" || strings.Contains(wrong, "{{") || generated && strings.HasPrefix(path, "metadata.") {
		return
	}
	if _, rest, isURL := strings.Cut(wrong, "://"); isURL {
		wrong, _, _ = strings.Cut(rest, "/")
	}
	right := notInName.ReplaceAllString(strings.ToLower(wrong), "-")
	if !dots {
		right = strings.ReplaceAll(right, ".", "-")
	}
	if right = strings.Trim(right, "-."); right == "" || len(right) > 63 {
		return
	}
	meantInstead(d, f, path, right, false)
}

// enrichBase64 says how a Secret takes plain text.
func enrichBase64(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) bool {
	if d.Object.Kind != "Secret" || !strings.HasPrefix(c.Path, "data") || !strings.Contains(c.Message, "base64") {
		return false
	}
	text, isText := valueOf(d, c.Path).(string)
	if !isText {
		return false
	}
	f.Server = f.Message
	f.Message = fmt.Sprintf("the value of %s is not base64", lastName(c.Path))
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	meantInstead(d, f, c.Path, encoded, false)
	f.Help = "data holds base64: plain text goes into stringData"
	if len(f.Fixes) > 0 {
		f.Fixes[len(f.Fixes)-1].Message = "encode the value"
	}
	data, _ := d.Value()["data"].(map[string]any)
	if p := d.Find("data"); p.Exact && p.Key.IsValid() && len(data) == 1 && !d.Has("stringData") {
		f.Fixes = append(f.Fixes, diag.Fix{Message: "rename data to stringData",
			Edits: []source.Edit{{Range: p.Key, NewText: requote(d, p.Key, "stringData")}}})
	}
	return true
}
