package lint

import (
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation/verdict"
)

// An invalid is a value that validation refuses.
type invalid struct {
	*manifest.Document
	path   string
	value  string   // as text
	groups []string // what the pattern of its advice captured of the server's message
}

// An advice is a way out for a value that validation refuses.
type advice struct {
	help    string
	meant   string    // the value that was most likely meant; empty: several may be
	bare    bool      // the meant value is no string
	certain bool      // nothing else can have been meant
	instead string    // the value that is refused
	remove  bool      // the field is removed
	beside  []PathFix // fields that come beside the value
}

// advices lists what to do about the server's messages. The first pattern that matches counts.
var advices = []struct {
	message *regexp.Regexp
	advise  func(v invalid) advice
}{
	{regexp.MustCompile(`must contain at least one letter`), adviseNumericPort},
	{regexp.MustCompile("value must be empty when `operator` is 'Exists'"), func(invalid) advice {
		return advice{help: "remove value: Exists matches any; or write operator: Equal"}
	}},
	{regexp.MustCompile("may not be 0 when `maxSurge` is 0"), func(invalid) advice {
		return advice{help: "no pod could be replaced: write maxUnavailable: 1, or a maxSurge of 1 or more"}
	}},
	{regexp.MustCompile("`selector` not auto-generated"), func(invalid) advice {
		return advice{
			help:   "remove selector: a Job gets one of its own; manualSelector: true keeps it, with template labels that are the same",
			remove: true,
		}
	}},
	{regexp.MustCompile(`must be unique`), func(v invalid) advice {
		if strings.HasSuffix(v.path, ".mountPath") {
			return advice{
				help: "mount one of the two at another path; a projected volume joins several sources at one path",
			}
		}
		return advice{}
	}},
	{
		regexp.MustCompile(`must be a relative path`),
		func(v invalid) advice { return advice{meant: strings.TrimLeft(v.value, "/")} },
	},
	{regexp.MustCompile(`must contain only alpha-numeric characters \(a-z, 0-9\), and hyphens`), advisePortName},
	{regexp.MustCompile(`must be no more than (\d+) (?:characters|bytes)`), adviseLength},
	{
		regexp.MustCompile(
			`expected exactly 5 fields|unrecognized descriptor|failed to parse int from \S+|above maximum|below minimum|end of range`,
		),
		adviseSchedule,
	},
	{regexp.MustCompile(`unknown time zone`), adviseZone},
	{regexp.MustCompile(`must be a valid CIDR`), adviseCIDR},
	{regexp.MustCompile(`must not have bits set beyond the prefix length`), func(v invalid) advice {
		p, err := netip.ParsePrefix(v.value)
		if err != nil {
			return advice{}
		}
		return advice{
			meant: p.Masked().String(),
			help: fmt.Sprintf(
				"did you mean the range %s, or the address %s/%d?", p.Masked(), p.Addr(), p.Addr().BitLen(),
			),
		}
	}},
	{regexp.MustCompile(`must be a valid IP address`), adviseAddress},
	{
		regexp.MustCompile(
			`a valid label must be|a valid label key must|name part must consist of|a valid config key must consist of`,
		),
		adviseLabel,
	},
	{regexp.MustCompile(`a valid environment variable name`), adviseVariable},
	{regexp.MustCompile(`a valid percent string`), advisePercent},
	{regexp.MustCompile(`must be an absolute path`), func(v invalid) advice { return advice{meant: "/" + v.value} }},
	{regexp.MustCompile(`must be less than or equal to (\S+) limit of (\S+)`), func(v invalid) advice {
		return advice{help: fmt.Sprintf("lower the request to %s, or raise the limit to %s", v.groups[2], v.value)}
	}},
	{regexp.MustCompile(`field label not supported: (\S+)`), adviseFieldPath},
	{regexp.MustCompile(`must be either (.+)$`), func(v invalid) advice {
		return adviseOneOf(v, regexp.MustCompile(`,? or |, `).Split(v.groups[1], -1))
	}},
	{regexp.MustCompile(`apiVersion must specify API group`), func(v invalid) advice {
		kind, _ := valueOf(v.Document, sibling(v.path, "kind")).(string)
		if !slices.Contains([]string{"Deployment", "StatefulSet", "ReplicaSet"}, kind) {
			return advice{help: "write the apiVersion of the kind: apps/v1 for a Deployment"}
		}
		return advice{help: "write apiVersion: apps/v1, which has the kind " + kind}
	}},
	{regexp.MustCompile(`0777 \(octal\)`), adviseMode},
	{regexp.MustCompile(`must not have leading or trailing whitespace`), func(v invalid) advice {
		return advice{help: "remove the blanks around it", meant: strings.TrimSpace(v.value), certain: true}
	}},
	{regexp.MustCompile(`must be between 1 and 65535`), func(v invalid) advice {
		if v.value == "0" && !v.Find(v.path).Exact {
			return advice{help: fmt.Sprintf("add %s: with the number or name of a port", lastName(v.path))}
		}
		return advice{help: "ports are numbers from 1 to 65535: 80, 8080"}
	}},
	{regexp.MustCompile(`cannot apply to non-resource URLs`), func(invalid) advice {
		return advice{help: "a Role grants no URLs: move nonResourceURLs to a rule of its own in a ClusterRole"}
	}},
	{regexp.MustCompile(`rules cannot apply to both`), func(invalid) advice {
		return advice{help: "write two rules: one with resources, one with nonResourceURLs"}
	}},
	{regexp.MustCompile(`must not contain dots`), adviseDots},
	{regexp.MustCompile("must be greater than or equal to `minReplicas`"), func(v invalid) advice {
		return advice{
			help: fmt.Sprintf(
				"raise maxReplicas to %v at least, or lower minReplicas to %s", valueOf(v.Document, "spec.minReplicas"),
				v.value,
			),
		}
	}},
	{regexp.MustCompile(`(?:must|should) be (greater|less) than or equal to (-?\d+)`), func(v invalid) advice {
		return advice{
			help: fmt.Sprintf(
				"write %s or %s", v.groups[2], map[string]string{"greater": "more", "less": "less"}[v.groups[1]],
			),
		}
	}},
	{regexp.MustCompile(`must be greater than (?:zero|0)`), func(v invalid) advice {
		if above := strings.TrimPrefix(v.value, "-"); above != v.value {
			return advice{meant: above}
		}
		return advice{help: "write more than 0"}
	}},
	{regexp.MustCompile(`not a valid selector operator`), func(v invalid) advice {
		if meant := enumOf(v.value, selectorOperators); meant != "" {
			return advice{meant: meant, certain: strings.EqualFold(meant, v.value)}
		}
		return advice{help: "write In, NotIn, Exists or DoesNotExist"}
	}},
	{regexp.MustCompile("must be a strict subset of `cidr`"), func(v invalid) advice {
		return advice{help: fmt.Sprintf("except takes smaller ranges out of cidr: write a part of %v, or remove it",
			valueOf(v.Document, sibling(v.path, "cidr")))}
	}},
	{regexp.MustCompile(`must be between (\d+) and (\d+)`), adviseBetween},
	{regexp.MustCompile(`must be in the range (\d+)-(\d+)`), adviseBetween},
	{regexp.MustCompile(`must be positive and less than (\d+)`), func(v invalid) advice {
		return advice{help: "write a number above 0 and below " + v.groups[1]}
	}},
	{regexp.MustCompile("must specify one of: (.*)$"), func(v invalid) advice {
		return advice{help: "write one of " + strings.ReplaceAll(v.groups[1], "`", "")}
	}},
	{regexp.MustCompile(`must be spec.names.plural`), func(v invalid) advice {
		plural, _ := valueOf(v.Document, "spec.names.plural").(string)
		group, _ := valueOf(v.Document, "spec.group").(string)
		if plural == "" || group == "" {
			return advice{}
		}
		return advice{meant: plural + "." + group}
	}},
	{regexp.MustCompile("`selector` does not match template `labels`"), func(v invalid) advice {
		selector, _ := valueOf(v.Document, "spec.selector").(map[string]any)
		if labels, isMap := selector["matchLabels"].(map[string]any); isMap {
			selector = labels
		}
		if len(selector) == 0 {
			return advice{help: "write the same labels in spec.selector.matchLabels and spec.template.metadata.labels"}
		}
		return advice{
			help: "give the pods the labels that the selector wants: template: {metadata: {labels: " +
				flowText(selector) + "}}",
		}
	}},
	{regexp.MustCompile(`should match '(.*)'$`), advisePattern},
	{regexp.MustCompile("may not be specified when `value` is not empty"), func(invalid) advice {
		return advice{help: "a variable has a value or a source: remove value or valueFrom"}
	}},
}

// adviseDots is for a name with dots where a label is wanted: that of a Service with its namespace and domain, or of an
// object.
func adviseDots(v invalid) advice {
	if host, _, _ := strings.Cut(v.value, "."); strings.HasSuffix(v.path, "serviceName") && host != "" {
		return advice{meant: host}
	}
	return advice{meant: strings.ReplaceAll(v.value, ".", "-")}
}

func adviseBetween(v invalid) advice {
	return advice{help: fmt.Sprintf("write a number from %s to %s", v.groups[1], v.groups[2])}
}

var selectorOperators = []string{"In", "NotIn", "Exists", "DoesNotExist"}

// adviseZone finds a time zone by its name in another case, by the city alone, or with one character mistaken.
func adviseZone(v invalid) advice {
	parts := strings.Split(v.value, "/")
	for i, part := range parts {
		words := strings.FieldsFunc(strings.ToLower(part), func(r rune) bool { return r == '_' || r == ' ' })
		for j, word := range words {
			words[j] = strings.ToUpper(word[:1]) + word[1:]
		}
		parts[i] = strings.Join(words, "_")
	}
	for _, name := range []string{strings.Join(parts, "/"), strings.ToUpper(v.value)} {
		if _, err := time.LoadLocation(name); err == nil && name != v.value && name != "" && name != "LOCAL" {
			return advice{meant: name, certain: strings.EqualFold(name, v.value)}
		}
	}
	if near := zonesLike(v.value); len(near) == 1 {
		return advice{meant: near[0]}
	} else if len(near) > 1 {
		return advice{help: "did you mean " + strings.Join(near, " or ") + "?"}
	}
	return advice{help: "write a name of the IANA time zone database: Etc/UTC, Europe/Berlin, America/New_York"}
}

// regions are the first parts of the names of time zones.
var regions = []string{
	"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific", "Etc",
}

// maxZone is longer than the name of any time zone.
const maxZone = 40

// zonesLike returns the time zones of the linked database, which cannot be listed, whose names differ in one character
// from a name, or add the region that it lacks; three at most.
func zonesLike(name string) (near []string) {
	if len(name) < 3 || len(name) > maxZone {
		return nil
	}
	try := func(candidate string) {
		if _, err := time.LoadLocation(candidate); err == nil && len(near) < 3 && !slices.Contains(near, candidate) {
			near = append(near, candidate)
		}
	}
	if !strings.Contains(name, "/") {
		for _, region := range regions {
			try(region + "/" + strings.ToUpper(name[:1]) + strings.ToLower(name[1:]))
		}
	}
	for _, candidate := range edited(name) {
		try(candidate)
	}
	return near
}

// edited returns a text with one character left out, exchanged with the one before it, replaced or added. The first
// character stays.
func edited(text string) (all []string) {
	const characters = "abcdefghijklmnopqrstuvwxyz_/"
	for i := 1; i <= len(text); i++ {
		before, rest := text[:i], text[i:]
		if rest != "" {
			all = append(all, before+rest[1:])
		}
		if i > 1 && rest != "" {
			all = append(all, text[:i-1]+rest[:1]+text[i-1:i]+rest[1:])
		}
		for _, c := range characters {
			all = append(all, before+string(c)+rest)
			if rest != "" {
				all = append(all, before+string(c)+rest[1:])
			}
		}
	}
	return all
}

// advisePattern is for a text that has another form than a definition asks for.
func advisePattern(v invalid) advice {
	pattern, err := regexp.Compile(v.groups[1])
	if err != nil {
		return advice{}
	}
	quantity, _ := quantityMeant(v.value)
	for _, meant := range []string{
		strings.TrimSpace(v.value), strings.ToLower(v.value), strings.ToUpper(v.value), quantity,
		strings.TrimPrefix(v.value, "v"), "v" + v.value,
		strings.ReplaceAll(v.value, " ", ""), strings.ReplaceAll(v.value, "_", "-"),
		strings.ReplaceAll(strings.ToLower(v.value), "_", "-"),
	} {
		if meant != "" && meant != v.value && pattern.MatchString(meant) {
			return advice{meant: meant}
		}
	}
	return advice{}
}

var (
	invalidValue  = regexp.MustCompile(`^Invalid value: ("(?:[^"\\]|\\.)*"|-?\d+|null|\[[^\]]*\]|\{[^{}]*\}): (.*)`)
	notFoundValue = regexp.MustCompile(`^Not found: ("(?:[^"\\]|\\.)*")`)
)

// enrichValue says which value would be right in the place of one that validation refuses.
func enrichValue(d *manifest.Document, f *diag.Diagnostic, path, message string) {
	if strings.Contains(message, "strconv.") {
		if word := notNumber.FindStringSubmatch(message); word != nil {
			f.Server = message
			f.Message = strings.SplitN(message, ": failed", 2)[0] + ": " + word[1] + " is neither a number nor a name"
		}
	}
	if len(f.Fixes) > 0 { // the label that differs is offered
		return
	}
	way := adviceOn(d, path, message)
	if way.meant != "" {
		way.suggest(d, f, path, way.instead)
	}
	if way.help != "" {
		f.Help = way.help
	}
	if !way.remove {
		return
	}
	if edits := editsOf(d, &PathFix{Path: path, Remove: true}); edits != nil {
		f.Fixes = append(f.Fixes, diag.Fix{Message: "remove " + lastName(path), Edits: edits})
	}
}

// adviceOn returns the way out of a message about a value; none if there is none.
func adviceOn(d *manifest.Document, path, message string) advice {
	m := invalidValue.FindStringSubmatch(message)
	if m == nil {
		value, said := dumpIn(message)
		if said == "" {
			return advice{}
		}
		m = []string{message, value, said}
	}
	value, err := strconv.Unquote(m[1])
	if err != nil {
		value = m[1]
	}
	for _, a := range advices {
		if groups := a.message.FindStringSubmatch(m[2]); groups != nil {
			way := a.advise(invalid{d, path, value, groups})
			way.instead = value
			return way
		}
	}
	return advice{}
}

// suggest offers the value that was meant, at the value or key that the finding points at.
func (a advice) suggest(d *manifest.Document, f *diag.Diagnostic, path, value string) {
	p := d.Find(path)
	if p.Exact && p.Node != nil && p.Node.Kind == manifest.Scalar && p.Node.Text == value {
		meantInstead(d, f, path, a.meant, a.certain)
		if n := len(f.Fixes); n > 0 && a.bare {
			f.Fixes[n-1].Edits[0].NewText = a.meant
		}
		a.addBeside(d, f)
		return
	}
	f.Help = fmt.Sprintf("did you mean %s?", a.meant)
	text := string(textOf(d, f.Range))
	if text == value || text == `"`+value+`"` || text == "'"+value+"'" { // a key, or a value of a mapping
		f.Fixes = append(f.Fixes, replaceFix(f.Range, requoteValue(d, f.Range, a.meant), "write "+a.meant))
	}
}

// addBeside adds to the fix what comes beside the value; without a place for it there is no fix.
func (a advice) addBeside(d *manifest.Document, f *diag.Diagnostic) {
	n := len(f.Fixes)
	if n == 0 {
		return
	}
	for _, add := range a.beside {
		edits := editsOf(d, &add)
		if edits == nil || overlaps(f.Fixes[n-1].Edits, edits) {
			f.Fixes = f.Fixes[:n-1]
			return
		}
		f.Fixes[n-1].Edits = append(f.Fixes[n-1].Edits, edits...)
	}
}

func adviseNumericPort(v invalid) advice {
	if first, last, isRange := portRange(v.value); isRange && strings.HasPrefix(v.path, "spec.") &&
		v.Object.Kind == "NetworkPolicy" {
		return advice{meant: first, bare: true,
			help:   fmt.Sprintf("a range of ports is port: %s with endPort: %s", first, last),
			beside: []PathFix{{Path: sibling(v.path, "endPort"), NewText: last, Add: true}}}
	}
	switch _, err := strconv.Atoi(v.value); {
	case err != nil:
		return advisePortName(v)
	case strings.HasSuffix(v.path, ".name"):
		return advice{
			help: "the name of a port needs a letter: did you mean port-" + v.value + "?", meant: "port-" + v.value,
		}
	}
	number := strings.TrimLeft(v.value, "0") // a leading 0 would make the number octal
	return advice{
		help: "a string is the name of a port: write the number without quotes", meant: number, bare: true,
		certain: number == v.value,
	}
}

// portRange returns the ends of a range of ports.
func portRange(text string) (first, last string, isRange bool) {
	first, last, isRange = strings.Cut(strings.ReplaceAll(text, " ", ""), "-")
	low, err := strconv.Atoi(first)
	high, err2 := strconv.Atoi(last)
	return first, last, isRange && err == nil && err2 == nil && low < high
}

// notNumber matches what the server says of a word in a schedule.
var notNumber = regexp.MustCompile(`failed to parse int from ([A-Za-z]+)`)

var (
	weekDays = []string{"MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"}
	months   = []string{"JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"}
)

const maxPortName = 15

func advisePortName(v invalid) advice {
	if number := portProtocol.FindStringSubmatch(v.value); number != nil {
		return advice{meant: number[1], bare: true}
	}
	right := strings.Trim(notInLabel.ReplaceAllString(strings.ToLower(v.value), "-"), "-")
	if right == "" || right == v.value || len(right) > maxPortName {
		return advice{
			help: fmt.Sprintf(
				"the name of a port has at most %d lower-case letters, digits and hyphens: http-admin", maxPortName,
			),
		}
	}
	return advice{meant: right}
}

var notInLabel = regexp.MustCompile(`[^a-z0-9-]+`)

func adviseLength(v invalid) advice {
	return advice{help: fmt.Sprintf("it has %d characters: shorten it", len([]rune(v.value)))}
}

var descriptors = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"}

func adviseSchedule(v invalid) advice {
	if strings.HasPrefix(v.value, "@") {
		if a := adviseOneOf(v, descriptors); a.meant != "" {
			return a
		}
		return advice{help: "use one of " + strings.Join(descriptors, ", ")}
	}
	const example = `"30 3 * * 1" is every Monday at 3:30`
	if n := len(strings.Fields(v.value)); n != 5 {
		return advice{help: fmt.Sprintf("a schedule has 5 fields (minute, hour, day of the month, month, day of the week), and this one has %d: %s",
			n, example)}
	}
	if day := notNumber.FindStringSubmatch(v.groups[0]); day != nil {
		for _, right := range slices.Concat(weekDays, months) {
			if len(day[1]) >= 2 && strings.HasPrefix(right, strings.ToUpper(day[1])) ||
				len(day[1]) > 3 && strings.HasPrefix(strings.ToUpper(day[1]), right) {
				return advice{meant: strings.Replace(v.value, day[1], right, 1)}
			}
		}
	}
	return advice{
		help: "minutes are 0-59, hours 0-23, days 1-31, months 1-12 or JAN-DEC, days of the week 0-6 or SUN-SAT: " +
			example,
	}
}

func adviseCIDR(v invalid) advice {
	address, mask, _ := strings.Cut(v.value, "/")
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return advice{help: "write an address and the length of its prefix: 10.9.8.0/24"}
	}
	if n, err := strconv.Atoi(mask); err == nil && n > ip.BitLen() {
		return advice{help: fmt.Sprintf("a prefix of this address has at most %d bits: %s/24", ip.BitLen(), address)}
	}
	bits := ip.BitLen()
	if m, err := netip.ParseAddr(mask); err == nil && m.Is4() {
		bits = 0
		for _, b := range m.As4() {
			for ; b&0x80 != 0; b <<= 1 {
				bits++
			}
		}
	}
	meant := fmt.Sprintf("%s/%d", address, bits)
	if mask == "" && strings.HasSuffix(address, ".0") {
		return advice{help: fmt.Sprintf("append the length of the prefix: %s/24, or another one", address)}
	}
	if mask == "" {
		return advice{
			help: fmt.Sprintf("append the length of the prefix: %s is this address alone", meant), meant: meant,
		}
	}
	return advice{meant: meant}
}

func adviseAddress(v invalid) advice {
	if strings.HasSuffix(v.path, "clusterIP") || strings.Contains(v.path, "clusterIPs[") {
		if strings.EqualFold(v.value, "none") {
			return advice{meant: "None", certain: true}
		}
		return advice{
			help: "write an address, None for a headless Service, or leave the field out: Kubernetes chooses one",
		}
	}
	if p, err := netip.ParsePrefix(v.value); err == nil {
		return advice{meant: p.Addr().String()}
	}
	return advice{help: "write an address, not a name or a range: 10.9.8.7"}
}

var notInLabelValue = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

func adviseLabel(v invalid) advice {
	if strings.Contains(v.value, "://") {
		return advice{
			help: "a label has letters, digits, '-', '_' and '.' alone: an address belongs into an annotation",
		}
	}
	if prefix, name, isKey := strings.Cut(v.value, "/"); isKey && prefix != "" && name != "" {
		if right := strings.Trim(notInLabelValue.ReplaceAllString(name, "-"), "-._"); right != "" && right != name {
			return advice{meant: strings.ToLower(prefix) + "/" + right}
		}
	}
	between := "-"
	// as environment variables are written
	if strings.ToUpper(v.value) == v.value && strings.Contains(strings.ToLower(v.path), "data[") {
		between = "_"
	}
	if right := strings.Trim(
		notInLabelValue.ReplaceAllString(v.value, between), "-._",
	); right != "" && right != v.value {
		return advice{meant: right}
	}
	return advice{}
}

func adviseVariable(v invalid) advice {
	if name, value, both := strings.Cut(v.value, "="); both && name != "" {
		return advice{help: fmt.Sprintf("write name and value apart: name: %s, value: %s", name, scalarText(value))}
	}
	return advice{help: "write letters, digits and underscores: LOG_LEVEL"}
}

func advisePercent(v invalid) advice {
	if _, err := strconv.Atoi(v.value); err == nil {
		return advice{help: fmt.Sprintf("write %s without quotes for a number of pods, or %s%%", v.value, v.value)}
	}
	if m := percent.FindStringSubmatch(v.value); m != nil {
		return advice{meant: m[1] + "%"}
	}
	return advice{help: "write a number of pods, or a share of them: 25%"}
}

// percent matches a share that is written with blanks, or in words.
var percent = regexp.MustCompile(`^\s*(\d+)\s*(?:%|percent)\s*$`)

// fieldPaths are the fields of a pod that a variable or file can show.
var fieldPaths = []string{
	"metadata.name", "metadata.namespace", "metadata.uid", "metadata.labels", "metadata.annotations", "spec.nodeName",
	"spec.serviceAccountName",
	"status.hostIP", "status.hostIPs", "status.podIP", "status.podIPs",
}

func adviseFieldPath(v invalid) advice {
	if a := adviseOneOf(v, fieldPaths); a.meant != "" {
		return a
	}
	return advice{help: "a variable can show " + strings.Join(fieldPaths, ", ")}
}

// adviseOneOf finds which of several values was meant.
func adviseOneOf(v invalid, values []string) advice {
	best := nearest(v.value, values)
	return advice{meant: best, certain: best != "" && strings.EqualFold(best, v.value)}
}

// adviseMode is for a file mode that was meant to be octal.
func adviseMode(v invalid) advice {
	if n, err := strconv.ParseUint(v.value, 8, 32); err == nil && n <= 0o777 {
		return advice{
			help:  fmt.Sprintf("the number is decimal: write 0%s for the mode %s", v.value, v.value),
			meant: "0" + v.value, bare: true,
		}
	}
	return advice{help: "a mode has three octal digits after a 0: 0644"}
}

// enrichNotFound names what a reference inside an object may lead to.
func enrichNotFound(d *manifest.Document, f *diag.Diagnostic, path, message string) {
	m := notFoundValue.FindStringSubmatch(message)
	spec, names := mountingPod(path), mountable(d, path)
	if m == nil || spec == "" {
		return
	}
	wrong, _ := strconv.Unquote(m[1])
	best := nearest(wrong, names)
	if best == wrong { // what is wrong is the volume
		return
	}
	if best != "" {
		meantInstead(d, f, path, best, false)
		return
	}
	f.Help = fmt.Sprintf("add a volume of this name to %s.volumes", spec)
	if len(names) > 0 {
		f.Help += ", or mount one of " + strings.Join(names, ", ")
	}
}

// mountingPod returns the path of the spec of the pod in whose container a path leads to a mount of a volume; empty if
// it leads elsewhere.
func mountingPod(path string) string {
	at := strings.Index(path, "ontainers[")
	if at < 0 || !strings.Contains(path, ".volume") {
		return ""
	}
	return path[:strings.LastIndexByte(path[:at], '.')]
}

// volumeNamed returns the path of the volume that a mount at a path names; empty if no volume has the name.
func volumeNamed(d *manifest.Document, path, name string) string {
	list := mountingPod(path) + ".volumes"
	if i := slices.Index(namesOf(d, list), name); i >= 0 {
		return fmt.Sprintf("%s[%d]", list, i)
	}
	return ""
}

// mountable returns the names of the volumes that the container at a path can mount.
func mountable(d *manifest.Document, path string) (names []string) {
	spec := mountingPod(path)
	if spec == "" {
		return nil
	}
	for _, list := range []string{spec + ".volumes", "spec.volumeClaimTemplates"} {
		names = append(names, namesOf(d, list)...)
	}
	return names
}

// namesOf returns the names of the elements of a list.
func namesOf(d *manifest.Document, path string) (names []string) {
	elements, _ := valueOf(d, path).([]any)
	for _, it := range elements {
		element, _ := it.(map[string]any)
		name, isText := element["name"].(string)
		if meta, isMap := element["metadata"].(map[string]any); isMap {
			name, isText = meta["name"].(string)
		}
		if isText {
			names = append(names, name)
		}
	}
	return names
}

// valueOf returns the value at a path of a document; nil if there is none.
func valueOf(d *manifest.Document, path string) any { return valueIn(d.Value(), path) }

// relateDuplicate shows the element that has the same value.
func relateDuplicate(d *manifest.Document, f *diag.Diagnostic, path string) {
	open := strings.LastIndexByte(path, '[')
	end := strings.LastIndexByte(path, ']')
	if open < 0 || end < open {
		return
	}
	index, err := strconv.Atoi(path[open+1 : end])
	if err != nil {
		return
	}
	for i := range index {
		first := path[:open+1] + strconv.Itoa(i) + path[end:]
		if fmt.Sprint(valueOf(d, first)) == fmt.Sprint(valueOf(d, path)) {
			f.Related = append(f.Related, diag.Related{Range: valueRange(d.Find(first)), Message: "first given here"})
			return
		}
	}
}

// timeLayouts are ways to write a time that Kubernetes does not read.
var timeLayouts = []string{
	"2006-01-02", "2006-01-02 15:04:05", "2006-01-02T15:04:05", "2006-01-02 15:04", "2006-01-02T15:04", time.RFC1123,
	time.RFC1123Z,
}

// enrichTime says how a time or a duration is written. It reports whether the value should be one.
func enrichTime(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause, typ, text string) bool {
	server := c.Message
	switch {
	case strings.Contains(server, "parsing time"):
		f.Server, f.Message = server, strconv.Quote(text)+" is not a time"
		layout := time.RFC3339
		if typ == "MicroTime" || strings.Contains(server, ".000000") {
			layout = metav1.RFC3339Micro
		}
		f.Help = "write a time as in " + strings.Replace(layout, "Z07:00", "Z", 1)
		i := slices.IndexFunc(
			timeLayouts, func(layout string) bool { _, err := time.Parse(layout, text); return err == nil },
		)
		if i >= 0 {
			at, _ := time.Parse(timeLayouts[i], text)
			meantInstead(d, f, c.Path, at.UTC().Format(layout), false)
		}
	case strings.Contains(server, "time: "):
		f.Server, f.Message = server, strconv.Quote(text)+" is not a duration"
		f.Help = "a duration has numbers with units: 30s, 5m, 1h30m"
		if _, err := strconv.ParseFloat(text, 64); err == nil {
			meantInstead(d, f, c.Path, text+"s", false)
		}
	default:
		return false
	}
	return true
}
