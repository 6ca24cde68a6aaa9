package lint

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

var quantityText = regexp.MustCompile(`^([-+]?[0-9]+(?:[.,][0-9]+)?)\s*([A-Za-z]*)$`)

// quantityUnits are the units that are written where Kubernetes has others.
var quantityUnits = map[string]string{
	"b": "", "k": "Ki", "kb": "Ki", "ki": "Ki", "kib": "Ki", "mb": "Mi", "mi": "Mi", "mib": "Mi", "gb": "Gi",
	"gi": "Gi", "gib": "Gi", "g": "Gi",
	"tb": "Ti", "ti": "Ti", "tib": "Ti", "t": "Ti", "pi": "Pi", "pb": "Pi", "pib": "Pi", "cpu": "", "cpus": "",
	"core": "", "cores": "",
	"mcpu": "m", "millicores": "m", "millicpu": "m", "mm": "m", "vcpu": "", "vcpus": "", "bytes": "", "byte": "",
	"":    "",
	"meg": "Mi", "megs": "Mi", "megabytes": "Mi", "gig": "Gi", "gigs": "Gi", "gigabytes": "Gi", "kilobytes": "Ki",
	"terabytes": "Ti",
}

// quantityMeant returns the quantity that was most likely meant.
func quantityMeant(text string) (string, bool) {
	m := quantityText.FindStringSubmatch(strings.Join(strings.Fields(text), ""))
	if m == nil {
		return "", false
	}
	unit, known := quantityUnits[strings.ToLower(m[2])]
	if !known && isQuantity("1"+m[2]) {
		unit, known = m[2], true
	}
	return strings.Replace(m[1], ",", ".", 1) + unit, known
}

// isQuantity reports whether a text is a quantity.
func isQuantity(text string) bool {
	_, err := resource.ParseQuantity(text)
	return err == nil
}

// enrichQuantity says what is wrong with a quantity, and which one was most likely meant.
func enrichQuantity(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause, v any) {
	text, isText := v.(string)
	if !isText {
		f.Server = f.Message
		f.Message = fmt.Sprintf("%s takes a quantity, not %s", lastName(c.Path), stands(v))
		f.Help = "a quantity is a number and a unit: 500m, 128Mi, 2Gi"
		return
	}
	if !strings.Contains(c.Message, "quantit") || strings.Contains(c.Message, "beyond all bounds") {
		return
	}
	f.Server = f.Message
	f.Message = fmt.Sprintf("%s is no quantity", strconv.Quote(text))
	f.Help = "a quantity is a number and a unit: 500m, 128Mi, 2Gi"
	if m := quantityText.FindStringSubmatch(text); m != nil && m[2] != "" && !isQuantity("1"+m[2]) {
		f.Message += ": there is no unit " + m[2]
	}
	if percent, isPercent := strings.CutSuffix(text, "%"); isPercent && strings.HasSuffix(c.Path, ".averageValue") {
		enrichPercent(d, f, c.Path, strings.TrimSpace(percent))
		return
	}
	if meant, known := quantityMeant(text); known {
		meantInstead(d, f, c.Path, meant, false)
	}
}

// enrichPercent is for the percents of a metric's target where an amount is wanted.
func enrichPercent(d *manifest.Document, f *diag.Diagnostic, path, percent string) {
	f.Help = "averageValue is an amount, such as 500m; percents of the request are averageUtilization: " + percent
	p := d.Find(path)
	if _, err := strconv.Atoi(percent); err != nil || !p.Exact || !p.Key.IsValid() ||
		p.Value.Start.Line != p.Key.End.Line {
		return
	}
	text := fmt.Sprintf("averageUtilization: %s", percent)
	f.Fixes = append(f.Fixes, replaceFix(d.File.Range(p.Key.Start.Offset, p.Value.End.Offset), text, "write "+text))
}

// meantInstead suggests another value.
func meantInstead(d *manifest.Document, f *diag.Diagnostic, path, value string, certain bool) {
	f.Help = fmt.Sprintf("did you mean %s?", value)
	p := d.Find(path)
	if !p.Exact || p.Node == nil || p.Node.Kind != manifest.Scalar || !p.Value.IsValid() ||
		p.Value.Start.Line != p.Value.End.Line ||
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
	oneOfQuoted = regexp.MustCompile(
		`^Invalid value: ("(?:[^"\\]|\\.)*"): must be ('[A-Za-z]+'(?:(?:,| or|, or) '[A-Za-z]+')+)$`,
	)
	namePattern = regexp.MustCompile(`^Invalid value: ("(?:[^"\\]|\\.)*"): a (?:lowercase RFC 1123|DNS-1035|valid DNS)`)
	quotedWord  = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"`)
)

// enrichInvalid says what was most likely meant by a value that validation refuses.
func (t *target) enrichInvalid(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) {
	path := sourcePath(d, c.Path)
	if mayHoldLookalikes(d.JSON) && enrichHidden(d, f, path) {
		return
	}
	switch {
	case strings.HasPrefix(c.Message, "Required value"):
		t.enrichRequired(d, f, path, c)
		return
	case strings.HasPrefix(c.Message, "Duplicate value"):
		relateDuplicate(d, f, path)
		f.Help = "write another value, or remove one of the two"
		if d.Object.Kind == "Service" && strings.HasPrefix(path, "spec.ports[") {
			enrichSamePort(d, f, path)
		}
		return
	case strings.HasPrefix(c.Message, "Forbidden"):
		enrichForbidden(d, f, path, c)
		return
	case strings.HasPrefix(c.Message, "Not found"):
		enrichNotFound(d, f, path, c.Message)
		return
	}
	if emptyValue.MatchString(c.Message) && pathInMessage(c.Message) == "" && !isWritten(d, path) {
		if _, values := enumIn(c.Message); values != nil {
			f.Help = fmt.Sprintf("add %s: %s", lastName(path), strings.Join(values, " or "))
		} else {
			f.Help = t.example(d, path)
		}
		if f.Help != "" {
			return
		}
	}
	if typ, values := enumOfType(c.Message); typ != "" && d.Find(path+".type").Exact {
		f.Server = c.Message
		f.Message = fmt.Sprintf("Unsupported value: %q: supported values: %s", typ, quotedList(values))
		f.Range = valueRange(d.Find(path + ".type"))
		enrichEnum(d, f, path+".type", strconv.Quote(typ), values)
	} else if quoted, values := enumIn(c.Message); quoted != "" {
		enrichEnum(d, f, path, quoted, values)
	} else if name, meant := resourceMeant(c); name != "" {
		enrichResource(d, f, path, name, meant)
	} else if m := namePattern.FindStringSubmatch(c.Message); m != nil {
		enrichName(d, f, path, m[1], strings.Contains(c.Message, "subdomain"))
	} else if m := bodyType.FindStringSubmatch(c.Message); m != nil {
		t.enrichBodyType(d, f, path, m[1])
	} else if m := bodyFormat.FindStringSubmatch(c.Message); m != nil {
		enrichFormat(f, m[1], m[2])
	} else {
		enrichValue(d, f, path, c.Message)
	}
}

// enrichSamePort names the port that a Service has twice, in the place of a dump of it.
func enrichSamePort(d *manifest.Document, f *diag.Diagnostic, path string) {
	port, _ := valueOf(d, path).(map[string]any)
	if port["port"] == nil {
		return
	}
	f.Server = f.Message
	f.Message = fmt.Sprintf(
		"Duplicate value: port %v with protocol %v", port["port"], cmp.Or[any](port["protocol"], "TCP"),
	)
	f.Help = "each port of a Service has a number of its own: write another one, or remove one of the two"
	if p := d.Find(path + ".port"); p.Exact {
		f.Range = valueRange(p)
	}
	ports, _ := valueOf(d, "spec.ports").([]any)
	for i, it := range ports {
		first := fmt.Sprintf("spec.ports[%d]", i)
		if other, _ := it.(map[string]any); first != path && fmt.Sprint(other["port"]) == fmt.Sprint(port["port"]) &&
			len(f.Related) == 0 {
			f.Related = append(
				f.Related, diag.Related{Range: valueRange(d.Find(first + ".port")), Message: "first given here"},
			)
		}
	}
}

// emptyValue matches what the server says of a value that is missing or empty.
var emptyValue = regexp.MustCompile(`^(?:Invalid|Unsupported) value: (?:""|null|0|\{\}): `)

// isWritten reports whether a value is written at a path that is more than nothing.
func isWritten(d *manifest.Document, path string) bool {
	p := d.Find(path)
	v := valueOf(d, path)
	return p.Exact && v != nil && v != ""
}

// typeDump matches what the server says of an object whose type it does not know.
var typeDump = regexp.MustCompile(
	`^(?:Unsupported|Invalid) value: \{"Type":("(?:[^"\\]|\\.)*"),.*\}: (?:supported values: |must be )(.*)$`)

// enumOfType returns the type that a message refuses of an object, and the types that there are; empty if it refuses
// none.
func enumOfType(message string) (typ string, values []string) {
	m := typeDump.FindStringSubmatch(message)
	if m == nil {
		return "", nil
	}
	typ, err := strconv.Unquote(m[1])
	if err != nil {
		return "", nil
	}
	return typ, quotedIn(strings.ReplaceAll(m[2], "'", `"`))
}

// quotedIn returns the words of a text that are in double quotes.
func quotedIn(text string) (words []string) {
	for _, q := range quotedWord.FindAllStringSubmatch(text, -1) {
		words = append(words, q[1])
	}
	return words
}

func quotedList(values []string) string {
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = strconv.Quote(v)
	}
	return strings.Join(quoted, ", ")
}

// enumIn returns the value, in quotes, that a message refuses, and the values of the enumeration.
func enumIn(message string) (quoted string, values []string) {
	if m := unsupported.FindStringSubmatch(message); m != nil {
		return m[1], quotedIn(m[2])
	}
	if m := oneOfNames.FindStringSubmatch(message); m != nil {
		return m[1], strings.Split(m[2], ", ")
	}
	if m := oneOfQuoted.FindStringSubmatch(message); m != nil {
		return m[1], quotedIn(strings.ReplaceAll(m[2], "'", `"`))
	}
	return "", nil
}

// What the server says of the name of a resource that it does not know.
const (
	notAResource = "must be a standard resource for containers"
	notQualified = "must be a standard resource type or fully qualified"
)

// containerResources are the resources that a container can ask for, and words that are used for them.
var (
	containerResources = []string{"cpu", "memory", "ephemeral-storage"}
	resourceWords      = map[string]string{
		"mem": "memory", "ram": "memory", "cpus": "cpu", "vcpu": "cpu", "storage": "ephemeral-storage",
		"disk": "ephemeral-storage",
	}
)

// resourceMeant returns the name of a resource that the server does not know, and the one that was most likely meant.
func resourceMeant(c verdict.Cause) (name, meant string) {
	open := strings.LastIndexByte(c.Path, '[')
	if open < 0 || !strings.HasSuffix(c.Message, notAResource) && !strings.HasSuffix(c.Message, notQualified) {
		return "", ""
	}
	name = strings.TrimSuffix(c.Path[open+1:], "]")
	if word, known := resourceWords[strings.ToLower(name)]; known {
		return name, word
	}
	return name, nearest(name, containerResources)
}

// enrichResource says of the name of a resource which one was meant.
func enrichResource(d *manifest.Document, f *diag.Diagnostic, path, name, meant string) {
	if meant == "" {
		f.Help = "a container asks for cpu, memory, ephemeral-storage, hugepages-SIZE, or for what a device plugin offers: nvidia.com/gpu"
		return
	}
	suggestField(d, f, holderPath(path)+"."+name, meant)
}

// invalidMeant returns the repair of a value that validation refuses, if it is known what was meant.
func invalidMeant(d *manifest.Document, object map[string]any, c verdict.Cause) (repair, bool) {
	if _, _, meant, ok := hiddenIn(d, sourcePath(d, c.Path), c.Message); ok &&
		d.Find(sourcePath(d, c.Path)).Node.Kind == manifest.Scalar {
		return repair{path: sourcePath(d, c.Path), value: strings.Trim(meant, `"'`)}, true
	}
	if name, meant := resourceMeant(c); meant != "" && name != meant {
		return repair{path: c.Path, to: holderPath(c.Path) + "." + meant}, true
	}
	path := sourcePath(d, c.Path)
	holder, key, ok := locate(object, path)
	if !ok {
		return repair{}, false
	}
	text, isText := valueAt(holder, key).(string)
	if !isText {
		return repair{}, false
	}
	if _, values := enumIn(c.Message); values != nil {
		best := enumOf(text, values)
		return repair{path: path, value: best}, best != ""
	}
	if strings.HasPrefix(c.Message, "Not found") {
		best := nearest(text, mountable(d, path))
		return repair{path: path, value: best}, best != "" && best != text
	}
	way := adviceOn(d, path, c.Message)
	if way.meant == "" {
		return repair{}, false
	}
	fix := repair{path: path, value: way.meant}
	if n, err := strconv.ParseInt(way.meant, 0, 64); err == nil && way.bare {
		fix.value = n
	}
	return fix, true
}

// bodyType matches what the server says of a value of the wrong type in a custom resource.
var bodyType = regexp.MustCompile(`in body must be of type (array|boolean|integer|null|number|object|string): "`)

// bodyFormat matches what the server says of a text that does not have the format of its schema.
var bodyFormat = regexp.MustCompile(`in body must be of type ([\w-]+): ("(?:[^"\\]|\\.)*")$`)

// formats are those of texts in schemas, as people call them.
var formats = map[string]string{
	"ipv4": "an IPv4 address", "ipv6": "an IPv6 address", "cidr": "a range of addresses, such as 10.0.0.0/8",
	"uri": "a URI, such as https://example.com/x", "hostname": "the name of a host", "email": "an e-mail address",
	"mac": "a MAC address", "uuid": "a UUID", "byte": "Base64", "date": "a date, such as 2026-01-31",
	"date-time": "a time, such as 2026-01-31T12:00:00Z", "datetime": "a time, such as 2026-01-31T12:00:00Z",
	"duration": "a duration, such as 1h30m",
}

// enrichFormat says of a text what its format should be.
func enrichFormat(f *diag.Diagnostic, format, text string) {
	want, known := formats[format]
	if !known {
		want = "of the format " + format
	}
	f.Server = f.Message
	f.Message = fmt.Sprintf("%s is not %s", text, want)
}

// enrichBodyType says of a value of the wrong type in a custom resource what stands there and what to write.
func (t *target) enrichBodyType(d *manifest.Document, f *diag.Diagnostic, path, typ string) {
	v := valueOf(d, path)
	want := map[string]string{"array": "a list", "object": "a mapping"}[typ]
	if want == "" {
		want = takes(typ)
	}
	f.Server = f.Message
	f.Message = fmt.Sprintf("%s takes %s, not %s", lastName(path), want, stands(v))
	m := t.meant(d, path, v)
	f.Help = m.words
	if !m.known() || m.draft {
		return
	}
	if fix, ok := shapeFix(d, d.Find(path), v, asText(d.Find(path), v, m.value), m.words); ok {
		fix.Safe = typ != "array" && typ != "object" && isScalarKept(v, m.value) && !d.Find(path).Node.Shared
		f.Fixes = append(f.Fixes, fix)
	}
}

// isScalarKept reports whether a value and the one that was meant are the same text, of which only the type differs.
func isScalarKept(v, meant any) bool {
	return strings.EqualFold(strings.TrimSpace(fmt.Sprint(v)), strings.TrimSpace(fmt.Sprint(meant)))
}

// enrichEnum finds the value of an enumeration that was meant: in another case, misspelt, or by its initials.
func enrichEnum(d *manifest.Document, f *diag.Diagnostic, path, quoted string, values []string) {
	wrong, err := strconv.Unquote(quoted)
	if err != nil || wrong == "" {
		return
	}
	best := enumOf(wrong, values)
	if best == "" || best == wrong {
		f.Help = noneMeant(path, wrong, values)
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

// enumOf returns the value of an enumeration that was meant by a word; empty if none is near.
func enumOf(wrong string, values []string) string {
	if best := nearest(wrong, values); best != "" {
		return best
	}
	if i := slices.IndexFunc(values, func(v string) bool {
		return len(wrong) > 3 && strings.HasPrefix(strings.ToLower(v), strings.ToLower(wrong))
	}); i >= 0 {
		return values[i]
	}
	if word := enumWords[strings.ToLower(wrong)]; slices.Contains(values, word) {
		return word
	}
	if i := slices.IndexFunc(values, func(v string) bool { return initials(v) == wrong }); i >= 0 {
		return values[i]
	}
	return ""
}

// enumWords are words that are used for values of enumerations.
var enumWords = map[string]string{
	"never": "Forbid", "skip": "Forbid", "parallel": "Allow", "http": "TCP", "https": "TCP", "grpc": "TCP",
	"tls": "TCP", "ssl": "TCP",
	"=": "In", "==": "In", "equals": "In", "!=": "NotIn", "percent": "Utilization", "percentage": "Utilization",
	"keep":    "Retain",
	"rolling": "RollingUpdate", "latest": "Always", "missing": "IfNotPresent", "secret": "Opaque",
	"rwx": "ReadWriteMany",
}

// noneMeant says what to do about a value of an enumeration of which nobody can say what was meant.
func noneMeant(path, wrong string, values []string) string {
	switch parts := strings.FieldsFunc(wrong,
		func(r rune) bool { return r == '/' || r == ',' || r == '+' || r == ' ' || r == '|' }); {
	case len(values) == 1 && lastName(path) == "restartPolicy":
		return "such pods are always restarted: write Always, or remove the field; work that ends is a Job"
	case len(values) == 1 && values[0] == "":
		return "remove the field"
	case len(values) == 1:
		return fmt.Sprintf("write %s, the only value that is allowed here, or remove the field", values[0])
	case len(parts) > 1 && !slices.ContainsFunc(parts, func(p string) bool { return !slices.Contains(values, p) }):
		return "write one entry for each: " + listedNames(parts, "and")
	case wrong == "Ingress" && lastName(path) == "type":
		return "an Ingress is an object of its own, before a Service of type ClusterIP"
	}
	return "" // the message lists the values
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
	if err != nil || f.Help != "" || strings.Contains(wrong, "{{") || generated && path == "metadata.name" {
		return
	}
	end := ""
	if path == "metadata.generateName" {
		wrong, _ = valueOf(d, path).(string)
		end = strings.Repeat("-", len(wrong)-len(strings.TrimRight(wrong, "-")))
	}
	if _, rest, isURL := strings.Cut(wrong, "://"); isURL {
		wrong, _, _ = strings.Cut(rest, "/")
	}
	if host, port, found := strings.Cut(wrong, ":"); found && strings.Trim(port, "0123456789") == "" {
		wrong = host
	}
	// which letters are meant nobody can say
	if strings.ContainsFunc(wrong, func(r rune) bool { return r > unicode.MaxASCII }) {
		f.Help = "write a name of lower-case letters, digits and hyphens: web-1"
		return
	}
	right := notInName.ReplaceAllString(strings.ToLower(wrong), "-")
	if !dots {
		right = strings.ReplaceAll(right, ".", "-")
	}
	if right = strings.Trim(right, "-."); right == "" || len(right) > 63 {
		return
	}
	meantInstead(d, f, path, right+end, false)
}

// enrichBase64 says how a Secret takes plain text.
func enrichBase64(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) bool {
	if d.Object.Kind != "Secret" || !strings.HasPrefix(c.Path, "data") {
		return false
	}
	switch valueOf(d, c.Path).(type) {
	case int64, float64, bool:
		enrichBareData(d, f, c.Path)
		return true
	}
	if !strings.Contains(c.Message, "base64") {
		return false
	}
	text, isText := valueOf(d, c.Path).(string)
	if !isText {
		return false
	}
	f.Server = f.Message
	f.Message = fmt.Sprintf("the value of %s is not base64", lastName(c.Path))
	if right := repairedBase64(text); right != "" {
		meantInstead(d, f, c.Path, right, false)
		f.Help = "data holds base64 of the standard alphabet on one line, with = at its end"
		if len(f.Fixes) > 0 {
			f.Fixes[len(f.Fixes)-1].Message = "write the value as standard base64"
		}
		return true
	}
	encoded := base64.StdEncoding.EncodeToString([]byte(text))
	meantInstead(d, f, c.Path, encoded, false)
	f.Help = "data holds base64: move the text to stringData, or encode it with base64"
	if len(f.Fixes) > 0 {
		f.Fixes[len(f.Fixes)-1].Message = "encode the value"
	}
	if fix, ok := asStringData(d, c.Path); ok {
		f.Fixes = append([]diag.Fix{fix}, f.Fixes...)
	}
	return true
}

// enrichBareData is for a number or boolean in the data of a Secret.
func enrichBareData(d *manifest.Document, f *diag.Diagnostic, path string) {
	name := lastName(path)
	f.Server = f.Message
	f.Message = fmt.Sprintf("%s takes base64, not %s", name, stands(valueOf(d, path)))
	f.Help = fmt.Sprintf("data takes base64, and stringData the text itself: write stringData: {%s: \"...\"}", name)
	f.Fixes = nil
	p := d.Find(path)
	fix, ok := asStringData(d, path)
	if !ok || !p.Exact || p.Node.Shared || p.Node.Tagged || p.Value.Start.Line != p.Value.End.Line {
		return
	}
	fix.Message += ", and quote the value"
	fix.Edits = append(fix.Edits, source.Edit{Range: p.Value, NewText: strconv.Quote(string(textOf(d, p.Value)))})
	f.Fixes = []diag.Fix{fix}
}

// minBase64 is how long a text is at least that is taken for base64 with a slip, and not for plain text.
const minBase64 = 16

// isBase64 reports whether a text is base64 as a Secret takes it.
func isBase64(text string) bool {
	_, err := base64.StdEncoding.DecodeString(text)
	return err == nil
}

// repairedBase64 returns base64 that is broken over lines, of the alphabet for addresses or without its padding as it
// should be; empty if the text is rather plain text.
func repairedBase64(text string) string {
	joined := strings.Join(strings.Fields(text), "")
	if len(joined) < minBase64 { // nothing but its padding can be missing
		if whole := padded(joined); whole != joined && isPlainBase64(whole) {
			return whole
		}
		return ""
	}
	bare := strings.TrimRight(strings.NewReplacer("-", "+", "_", "/").Replace(joined), "=")
	if _, err := base64.RawStdEncoding.DecodeString(bare); err != nil {
		return ""
	}
	return padded(bare)
}

// padded returns base64 with the padding that its length asks for.
func padded(bare string) string { return bare + strings.Repeat("=", (4-len(bare)%4)%4) }

// isPlainBase64 reports whether base64 stands for a line of text, as the values of most Secrets do.
func isPlainBase64(text string) bool {
	decoded, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(decoded) > 3 &&
		!strings.ContainsFunc(strings.TrimRight(string(decoded), "\n"), func(r rune) bool {
			return r < ' ' || r > '~'
		})
}

// asStringData moves a key of a Secret from data to stringData, or all of them if none is base64.
func asStringData(d *manifest.Document, path string) (diag.Fix, bool) {
	data, _ := d.Value()["data"].(map[string]any)
	p := d.Find("data")
	plain := true
	for _, v := range data {
		if text, isText := v.(string); isText && isBase64(text) {
			plain = false
		}
	}
	if plain && p.Exact && p.Key.IsValid() && !d.Has("stringData") {
		return diag.Fix{Message: "rename data to stringData",
			Edits: []source.Edit{{Range: p.Key, NewText: requote(d, p.Key, "stringData")}}}, true
	}
	last := p.Node
	at := d.Find(path)
	if !p.Exact || last == nil || len(last.Fields) == 0 || d.Has("stringData") || !inBlock(d, p) ||
		!opensLine(d, at.Key) || !opensLine(d, p.Key) {
		return diag.Fix{}, false
	}
	if end := last.Fields[len(last.Fields)-1]; end.Key() != at.Key {
		return diag.Fix{}, false
	}
	start := d.File.LineStart(at.Key.Start.Line)
	text := strings.Repeat(" ", p.Key.Start.Column-1) + "stringData:\n"
	return diag.Fix{Message: "begin stringData: above " + lastName(path),
		Edits: []source.Edit{{Range: d.File.Range(start, start), NewText: text}}}, true
}
