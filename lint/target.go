package lint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	apiversion "k8s.io/apimachinery/pkg/version"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// target is one Kubernetes version that the manifests are judged for. For the linked version the
// linked API server decides everything. For another one its OpenAPI documents decide kinds, fields,
// types and what is required; the linked validation says what they cannot.
type target struct {
	version string
	linked  bool
	store   func() *schema.Store
	custom  sync.Map // of schema.GVK to the *schema.Kind of a definition
}

// newTarget opens the schemas of a version, but those of the linked one when something is asked of them:
// most runs ask nothing.
func newTarget(version, linked string) (*target, error) {
	version, linked = schema.Minor(version), schema.Minor(linked)
	if version == linked && version == schema.Latest {
		return &target{version: version, linked: true, store: sync.OnceValue(latest)}, nil
	}
	store, err := schema.Open(version)
	if err != nil {
		return nil, err
	}
	return &target{version: version, linked: version == linked, store: func() *schema.Store { return store }}, nil
}

// latest opens the schemas of the version that is always known.
func latest() *schema.Store {
	s, err := schema.Open(schema.Latest)
	if err != nil {
		panic(err) // what is embedded cannot be read: a defect of the build
	}
	return s
}

// kindOf returns what is known of the kind of a document; nil if nothing is.
func (t *target) kindOf(d *manifest.Document) *schema.Kind {
	gvk := gvkOf(d)
	if kind := t.store().Lookup(gvk); kind != nil {
		return kind
	}
	if kind, ok := t.custom.Load(gvk); ok {
		return kind.(*schema.Kind)
	}
	return nil
}

// schemaPath returns the path at which the schema has the field that a cause speaks of: without keys of maps.
func (t *target) schemaPath(d *manifest.Document, c verdict.Cause) string {
	path := c.SchemaPath()
	kind := t.kindOf(d)
	if kind == nil {
		return path
	}
	if _, err := kind.Field(path); err == nil {
		return path
	}
	at, inMap, key := "", false, false
	for _, part := range strings.Split(path, ".") {
		next := strings.TrimPrefix(at+"."+part, ".")
		f, err := kind.Field(next)
		if key = err != nil && inMap; key {
			inMap = false
			continue
		}
		at, inMap = next, err == nil && strings.HasPrefix(f.Type, "map[")
	}
	if key { // a value of the map itself
		return path
	}
	return at
}

// learn makes the schema known by which a custom resource was judged.
func (t *target) learn(gvk schema.GVK, v verdict.Verdict) {
	if v.Definition == nil || v.Accepted() {
		return
	}
	if _, known := t.custom.Load(gvk); known {
		return
	}
	definition, err := v.Definition()
	if err != nil {
		return
	}
	if store, err := t.store().With(definition); err == nil {
		if kind := store.Lookup(gvk); kind != nil {
			t.custom.Store(gvk, kind)
		}
	}
}

// knows reports whether the target serves a kind.
func (t *target) knows(gvk schema.GVK) bool { return t.store().Lookup(gvk) != nil }

// judge returns the findings about an object on the target. v is the linked API server's answer.
func (t *target) judge(r *run, d *manifest.Document, v verdict.Verdict) []diag.Diagnostic {
	var out []diag.Diagnostic
	if t.linked && v.NotServed != "" {
		return []diag.Diagnostic{t.notServed(d, v.NotServed)}
	}
	if t.linked || v.Custom || isDefinition(d) && !unknown(v) {
		for _, c := range v.Causes {
			switch c.Class {
			case verdict.Duplicate: // package manifest has said so, with both places
			case verdict.UnknownKind:
				out = append(out, t.unknownKind(r, d))
			default:
				out = append(out, t.enrich(d, diagnose(d, c), c))
			}
		}
		out = append(out, r.warnings(d, v.Warnings)...)
		if kind := t.store().Lookup(gvkOf(d)); kind != nil && !t.linked {
			out = append(out, r.deprecation(d, kind, t.version)...)
		}
		return out
	}
	kind := t.store().Lookup(gvkOf(d))
	if kind == nil {
		return []diag.Diagnostic{t.unknownKind(r, d)}
	}
	problems, err := kind.Validate(d.Value())
	if err != nil {
		problems = []schema.Problem{{Kind: schema.Other, Message: err.Error()}}
	}
	said := map[string]bool{}
	for _, p := range problems {
		if p.Kind == schema.Missing && v.Object != nil &&
			!slices.ContainsFunc(v.Causes, func(c verdict.Cause) bool { return c.Path == p.Path }) {
			continue // the schema alone asks for it: the linked validation knows better
		}
		if c := causeOf(p); d.Object.Kind == "Secret" && c.Class == verdict.WrongType {
			p.Message = withoutValue(p.Message)
		}
		c := inServersWords(causeOf(p), v.Causes)
		said[p.Path] = true
		out = append(out, t.enrich(d, diagnose(d, c), c))
	}
	for _, c := range v.Causes {
		if c.Class == verdict.Invalid && !said[c.Path] && !unknown(v) {
			out = append(out, diagnose(d, c))
		}
	}
	return append(out, r.deprecation(d, kind, t.version)...)
}

// causeOf returns a problem of a schema as the cause that the server would report.
func causeOf(p schema.Problem) verdict.Cause {
	c := verdict.Cause{Path: p.Path, Message: p.Message, Class: verdict.Invalid, Reason: "FieldValueInvalid"}
	switch p.Kind {
	case schema.UnknownField:
		c.Class, c.Reason = verdict.UnknownField, "BadRequest"
	case schema.WrongType:
		c.Class, c.Reason = verdict.WrongType, "BadRequest"
	case schema.Missing:
		c.Reason = "FieldValueRequired"
	case schema.NotInEnum:
		c.Reason = "FieldValueNotSupported"
	}
	return c
}

// withoutValue returns the message on a value of a wrong type without the value.
func withoutValue(message string) string {
	if at := strings.LastIndex(message, " is "); at >= 0 {
		return redact.Mask + message[at:]
	}
	return message
}

// inServersWords returns the linked server's cause where it says the same: it lists the supported
// values in another order than the schema.
func inServersWords(c verdict.Cause, server []verdict.Cause) verdict.Cause {
	words := func(text string) []string {
		return slices.Sorted(strings.FieldsFuncSeq(text, func(r rune) bool { return r == ' ' || r == ',' }))
	}
	for _, s := range server {
		if s.Path == c.Path && s.Reason == c.Reason && slices.Equal(words(s.Message), words(c.Message)) {
			return s
		}
	}
	return c
}

// enrich adds to a finding what the schema knows: the right spelling, the version that has the field.
func (t *target) enrich(d *manifest.Document, f diag.Diagnostic, c verdict.Cause) diag.Diagnostic {
	switch c.Class {
	case verdict.UnknownField:
		t.enrichField(d, &f, c)
	case verdict.WrongType:
		enrichType(d, &f, c)
		if !enrichBase64(d, &f, c) {
			t.enrichShape(d, &f, c)
		}
	case verdict.Invalid:
		t.enrichInvalid(d, &f, c)
	}
	return f
}

func (t *target) enrichField(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) {
	if yamlWords[strings.ToLower(c.Path[strings.LastIndexByte(c.Path, '.')+1:])] { // a boolean was meant to be a value
		return
	}
	if w, ok := t.rewriteOf(d, d.Value(), c); ok {
		w.enrich(d, f)
		return
	}
	if enrichOutdent(d, f, c) {
		return
	}
	if c.Wanted != "" {
		moveHelp(d, f, c.Path, c.Wanted)
		return
	}
	if f.Help = t.foreignField(d, c); f.Help != "" {
		return
	}
	if name := t.otherName(d, c); name != "" {
		suggestField(d, f, c.Path, name)
		return
	}
	if c.Siblings != nil {
		wrong := c.Path[strings.LastIndexByte(c.Path, '.')+1:]
		if best := nearest(wrong, c.Siblings); best != "" {
			suggestField(d, f, c.Path, best)
			return
		}
	}
	kind := t.kindOf(d)
	if kind == nil {
		return
	}
	if f.Help = t.versionsWith(gvkOf(d), c.SchemaPath()); f.Help != "" {
		return
	}
	if t.enrichVersion(d, f, c) {
		return
	}
	if t.enrichSelector(d, f, c) {
		return
	}
	name, place := kind.SuggestField(t.schemaPath(d, c))
	suggestField(d, f, c.Path, name)
	if places := t.alternatives(d, c); name == "" && place == "" && len(places) > 1 {
		f.Help = fmt.Sprintf("%s has it: move it there", listedNames(places, "or"))
	}
	if name != "" || place == "" {
		return
	}
	f.Help = fmt.Sprintf("the field %s exists: move it there", place)
	if to := inElements(d, place, c.Path); to != "" {
		moveHelp(d, f, c.Path, to)
	}
}

// enrichVersion says in which other API version of its kind the target has a field.
func (t *target) enrichVersion(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) bool {
	gvk := gvkOf(d)
	for _, k := range t.store().ServedAs(gvk.Kind) {
		if k.Group != gvk.Group || k.Version == gvk.Version || !schema.IsStable(k.Version) {
			continue
		}
		if _, err := k.Field(t.schemaPath(d, c)); err != nil {
			continue
		}
		version := k.GroupVersion().String()
		f.Help = fmt.Sprintf("%s has it: write apiVersion: %s", version, version)
		if p := d.Find("apiVersion"); p.Exact && t.fits(d, version) {
			f.Fixes = append(f.Fixes, replaceFix(p.Value, requote(d, p.Value, version), "write "+version))
		}
		return true
	}
	return false
}

// suggestField names the field that was meant. Another case is certain to be meant, unless the
// right key exists already.
func suggestField(d *manifest.Document, f *diag.Diagnostic, path, name string) {
	if name == "" {
		return
	}
	f.Help = fmt.Sprintf("did you mean %s?", name)
	key := d.Find(path)
	if !key.Exact || !key.Key.IsValid() {
		return
	}
	dot := strings.LastIndexByte(path, '.')
	if parent := d.Find(path[:max(0, dot)]); parent.Exact && parent.Node.Get(name) != nil {
		f.Help = fmt.Sprintf("did you mean %s? It stands beside: remove one of the two", name)
		return
	}
	safe := strings.EqualFold(path[dot+1:], name)
	f.Fixes = append(f.Fixes, diag.Fix{
		Message: "write " + name,
		Safe:    safe,
		Edits:   []source.Edit{{Range: key.Key, NewText: requote(d, key.Key, name)}},
	})
}

// elsewhere tells in which versions a field exists that the target does not have.
func (t *target) versionsWith(gvk schema.GVK, path string) string {
	var with []string
	for _, version := range schema.Versions() {
		store, err := schema.Open(version)
		if err != nil {
			return ""
		}
		if k := store.Lookup(gvk); k != nil {
			if _, err := k.Field(path); err == nil {
				with = append(with, version)
			}
		}
	}
	switch {
	case len(with) == 0:
		return ""
	case slices.Index(schema.Versions(), with[0]) > slices.Index(schema.Versions(), t.version):
		return fmt.Sprintf("the field exists since Kubernetes %s", with[0])
	}
	return fmt.Sprintf("the field was last known to Kubernetes %s", with[len(with)-1])
}

// requote writes a key the way the one in its place is written.
func requote(d *manifest.Document, at source.Range, name string) string {
	if text := d.File.Data[at.Start.Offset:at.End.Offset]; len(text) > 0 && (text[0] == '"' || text[0] == '\'') {
		return string(text[0]) + name + string(text[0])
	}
	return name
}

// enrichType tells what a value of the wrong type most likely was meant to be.
func enrichType(d *manifest.Document, f *diag.Diagnostic, c verdict.Cause) {
	place := d.Find(c.Path)
	if !place.Exact || place.Node == nil {
		return
	}
	if key, _, ok := strings.Cut(place.Node.Text, " - "); ok && place.Node.Kind == manifest.Scalar &&
		place.Node.Style == manifest.Plain &&
		place.Value.End.Line > place.Value.Start.Line &&
		!strings.ContainsAny(key, " :") {
		start := place.Value.Start.Offset
		at := d.File.Range(start, start+len(key))
		f.Range = at
		f.Help = fmt.Sprintf("%s has no colon, so the list below it is read as text: write %s:", key, key)
		f.Fixes = []diag.Fix{
			{Message: "add the colon", Safe: true, Edits: []source.Edit{{Range: at, NewText: key + ":"}}},
		}
		return
	}
	if len(f.Fixes) > 0 {
		f.Help = f.Fixes[0].Message
	}
}

// unknownKind says that the target does not serve a kind, and what it does serve.
func (t *target) unknownKind(r *run, d *manifest.Document) diag.Diagnostic {
	gvk := gvkOf(d)
	f := newDiagnostic(ruleKindUnknown, d)
	f.Reason, f.Path = "NotFound", "kind"
	f.Message = fmt.Sprintf("no matches for kind %q in version %q", gvk.Kind, d.Object.APIVersion)
	f.Range = valueRange(d.Find("kind"))
	for _, path := range []string{"apiVersion", "kind"} {
		if at, name, meant, ok := hiddenIn(d, path, ""); ok {
			f.Path, f.Range = path, at
			f.Help = fmt.Sprintf("%s is a part of the value: write %s", name, meant)
			f.Fixes = []diag.Fix{
				{Message: "write " + meant, Safe: true, Edits: []source.Edit{{Range: at, NewText: meant}}},
			}
			return f
		}
	}
	if of := subresources[gvk]; of != "" {
		f.Help = fmt.Sprintf("it is what %s is sent, and no object of its own", of)
		return f
	}
	if t.customKind(r, d, &f) {
		return f
	}
	if strings.HasSuffix(gvk.Kind, "List") && knownItem(t, gvk) {
		f.Help = "a list has its objects under items, each with a dash"
		return f
	}
	suggestion, found := t.store().SuggestKind(gvk)
	if found && suggestion.Group != gvk.Group && foreign(gvk) {
		found = false
	}
	kind, known := schema.History(gvk)
	switch {
	case known && newer(kind.Since, t.version):
		f.Help = fmt.Sprintf("%s %s is served since Kubernetes %s", d.Object.APIVersion, gvk.Kind, kind.Since)
	case known && kind.Removed != "" && !newer(kind.Removed, t.version):
		f.Help = fmt.Sprintf("%s %s was removed in Kubernetes %s", d.Object.APIVersion, gvk.Kind, kind.Removed)
	case !known && slices.Contains(goneBefore[d.Object.APIVersion], gvk.Kind):
		f.Help = fmt.Sprintf("%s %s was removed in Kubernetes 1.16", d.Object.APIVersion, gvk.Kind)
	}
	if !found {
		if f.Help == "" {
			f.Help = "if a CustomResourceDefinition defines it, add the definition to the set or name it with --crds"
		}
		return f
	}
	use := suggestion.GroupVersion().String()
	if known && kind.Replacement != "" {
		if r, k, _ := strings.Cut(kind.Replacement, " "); k == gvk.Kind &&
			t.store().Lookup(schema.GVK{Group: groupOf(r), Version: versionOf(r), Kind: k}) != nil {
			use = r
		}
	}
	t.suggestKind(d, &f, suggestion.Kind, use)
	return f
}

// foreign reports whether a kind is of a group that is somebody else's: no kind of Kubernetes was meant by it.
func foreign(gvk schema.GVK) bool {
	return strings.Contains(gvk.Group, ".") &&
		(!strings.HasSuffix(gvk.Group, ".k8s.io") || !schema.IsBuiltinGroup(gvk.Group))
}

// notServed says that an API server with the settings of the run does not serve a kind, and which setting would change
// that.
func (t *target) notServed(d *manifest.Document, setting string) diag.Diagnostic {
	f := newDiagnostic(ruleKindUnknown, d)
	f.Reason, f.Path = "NotFound", "kind"
	f.Message = fmt.Sprintf("no matches for kind %q in version %q", d.Object.Kind, d.Object.APIVersion)
	f.Range = valueRange(d.Find("apiVersion"))
	f.Help = fmt.Sprintf("an API server serves it with %s only: pass lint the same flags if yours has them", setting)
	for _, k := range t.store().ServedAs(d.Object.Kind) {
		if k.GVK.Group == groupOf(d.Object.APIVersion) && schema.IsStable(k.GVK.Version) {
			t.suggestKind(d, &f, k.GVK.Kind, k.GVK.GroupVersion().String())
			break
		}
	}
	return f
}

// knownItem reports whether a list of such a kind is of objects that the target knows, or of any.
func knownItem(t *target, list schema.GVK) bool {
	item := list
	item.Kind = strings.TrimSuffix(list.Kind, "List")
	return item.Kind == "" && list.Group == "" && list.Version == "v1" || t.store().Lookup(item) != nil
}

// goneBefore are kinds by their API versions that Kubernetes 1.16 stopped to serve, before the releases that are known.
var goneBefore = map[string][]string{
	"extensions/v1beta1": {"DaemonSet", "Deployment", "NetworkPolicy", "PodSecurityPolicy", "ReplicaSet"},
	"apps/v1beta1":       {"ControllerRevision", "Deployment", "StatefulSet"},
	"apps/v1beta2":       {"ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"},
}

// subresources are kinds that exist as the body of a request alone, with the place that it is sent to.
var subresources = map[schema.GVK]string{
	{Group: "policy", Version: "v1", Kind: "Eviction"}:                    "pods/NAME/eviction",
	{Group: "autoscaling", Version: "v1", Kind: "Scale"}:                  "WORKLOADS/NAME/scale",
	{Group: "authentication.k8s.io", Version: "v1", Kind: "TokenRequest"}: "serviceaccounts/NAME/token",
}

// customKind tells of an unknown kind what the definitions of the run have to do with it; false
// when they have nothing to do with it.
func (t *target) customKind(r *run, d *manifest.Document, f *diag.Diagnostic) bool {
	gvk := gvkOf(d)
	for _, definition := range r.rejections() {
		if definition.Group == gvk.Group && definition.Kind == gvk.Kind {
			f.Help = fmt.Sprintf("its definition %s is refused: fix that one first", definition.Name)
			return true
		}
	}
	var versions, kinds []string
	for _, k := range r.Validator.Custom() {
		switch {
		case k.GVK.Group != gvk.Group:
		case k.GVK.Kind == gvk.Kind:
			versions = append(versions, k.GVK.Version)
		case k.GVK.Version == gvk.Version:
			kinds = append(kinds, k.GVK.Kind)
		}
	}
	if len(versions) > 0 {
		f.Range = valueRange(d.Find("apiVersion"))
		f.Help = fmt.Sprintf("its definition serves %s of %s", strings.Join(versions, ", "), gvk.Group)
		return true
	}
	if best := nearest(gvk.Kind, kinds); best != "" {
		t.suggestKind(d, f, best, d.Object.APIVersion)
		return true
	}
	if group, kind := r.Validator.Meant(gvk.Group, gvk.Kind); kind != "" {
		t.suggestKind(d, f, kind, group+"/"+gvk.Version)
		return true
	}
	return false
}

// suggestKind adds the kind or API version that was meant.
func (t *target) suggestKind(d *manifest.Document, f *diag.Diagnostic, kind, apiVersion string) {
	use := kind
	switch {
	case kind == d.Object.Kind:
		use = "apiVersion " + apiVersion
	case apiVersion != d.Object.APIVersion:
		use = kind + " of " + apiVersion
	}
	if f.Help == "" {
		f.Help = "did you mean " + use + "?"
	} else {
		f.Help += "; use " + use
	}
	var edits []source.Edit
	replace := func(path, value string) {
		if p := d.Find(path); p.Exact {
			edits = append(edits, source.Edit{Range: p.Value, NewText: requote(d, p.Value, value)})
		}
	}
	if kind != d.Object.Kind {
		replace("kind", kind)
	}
	if apiVersion != d.Object.APIVersion {
		replace("apiVersion", apiVersion)
		if kind == d.Object.Kind {
			f.Range = valueRange(d.Find("apiVersion"))
		}
	}
	if len(edits) > 0 && kind == d.Object.Kind && !t.fits(d, apiVersion) {
		f.Help += ", which has other fields: seatrial convert --output-version " + apiVersion + " writes them"
		return
	}
	if len(edits) > 0 {
		safe := strings.EqualFold(kind, d.Object.Kind) &&
			(apiVersion == d.Object.APIVersion || sameShape(d, t, apiVersion))
		f.Fixes = append(
			f.Fixes,
			diag.Fix{Message: fmt.Sprintf("write %s, %s", apiVersion, kind), Safe: safe, Edits: edits},
		)
	}
}

// fits reports whether another API version of an object's kind has all of its fields, and asks for no others.
func (t *target) fits(d *manifest.Document, apiVersion string) bool {
	k := t.store().Lookup(schema.GVK{Group: groupOf(apiVersion), Version: versionOf(apiVersion), Kind: d.Object.Kind})
	if k == nil {
		return true // a custom resource, of which its definition knows
	}
	problems, err := k.Validate(d.Value())
	return err == nil && !slices.ContainsFunc(problems, func(p schema.Problem) bool {
		return p.Kind == schema.UnknownField || p.Kind == schema.Missing
	})
}

// sameShape reports whether an object fits another API version of its kind as it stands, so that
// changing the version needs nothing else.
func sameShape(d *manifest.Document, t *target, apiVersion string) bool {
	old, known := schema.History(gvkOf(d))
	if !known || !replaces(apiVersion, d, old) || meansElse(d) {
		return false
	}
	k := t.store().Lookup(schema.GVK{Group: groupOf(apiVersion), Version: versionOf(apiVersion), Kind: d.Object.Kind})
	if k == nil {
		return false
	}
	problems, err := k.Validate(d.Value())
	return err == nil && len(problems) == 0
}

// replaces reports whether an API version is the one to use instead. Where nobody says which it is, as of kinds
// that were gone before that was kept, it is the stable version of the same group.
func replaces(apiVersion string, d *manifest.Document, old *schema.Kind) bool {
	if old.Replacement != "" {
		return old.Replacement == apiVersion+" "+d.Object.Kind
	}
	return schema.IsStable(versionOf(apiVersion)) && groupOf(apiVersion) == groupOf(d.Object.APIVersion)
}

// meansElse reports whether an object says something else in a newer version of its kind: an empty selector
// of a PodDisruptionBudget chose no pods in policy/v1beta1, and chooses all of them in policy/v1.
func meansElse(d *manifest.Document) bool {
	if d.Object.Kind != "PodDisruptionBudget" || d.Object.APIVersion != "policy/v1beta1" {
		return false
	}
	selector, given, _ := unstructured.NestedMap(d.Value(), "spec", "selector")
	labels, _ := selector["matchLabels"].(map[string]any)
	expressions, _ := selector["matchExpressions"].([]any)
	return given && len(labels) == 0 && len(expressions) == 0
}

func groupOf(apiVersion string) string {
	g, _, ok := strings.Cut(apiVersion, "/")
	if !ok {
		return ""
	}
	return g
}

func versionOf(apiVersion string) string { return apiVersion[strings.IndexByte(apiVersion, '/')+1:] }

// newer reports whether version a comes after version b.
func newer(a, b string) bool {
	versions := schema.Versions()
	ia, ib := slices.Index(versions, a), slices.Index(versions, b)
	if ia < 0 { // a release to come
		return true
	}
	return ia > ib
}

// fractionalBytes matches the warning about bytes with the unit of CPUs.
var fractionalBytes = regexp.MustCompile(`^fractional byte value "(\d+)m" is invalid`)

// warnings returns what the server would warn of.
func (r *run) warnings(d *manifest.Document, warnings []verdict.Warning) (out []diag.Diagnostic) {
	for _, w := range warnings {
		rule := ruleServerWarning
		switch {
		case w.Deprecation:
			rule = ruleDeprecated
		case w.Scope:
			rule = ruleScope
		case w.Gate != "":
			rule = ruleFieldGated
		}
		if !isVerdictRule(rule.Name) && !r.judged(rule.Name) {
			continue
		}
		f := newDiagnostic(rule, d)
		f.Severity = diag.Warning
		if !isVerdictRule(rule.Name) {
			f.Severity = r.Rules.severityOf(rule, &Finding{})
		}
		f.Path, f.Message = w.Path, strings.TrimPrefix(w.Text, w.Path+": ")
		f.Range = valueRange(d.Find(w.Path))
		if w.Gate != "" {
			f.Range = keyRange(d.Find(w.Path))
			f.Help = "remove it, or turn the gate on in the cluster and here: --feature-gates " + w.Gate + "=true"
		}
		if m := fractionalBytes.FindStringSubmatch(f.Message); m != nil {
			meantInstead(d, &f, w.Path, m[1]+"Mi", false)
			f.Help = fmt.Sprintf("m is a thousandth: did you mean %sMi?", m[1])
		}
		out = append(out, f)
	}
	return out
}

// deprecation warns of an API version that a target still serves.
func (r *run) deprecation(d *manifest.Document, k *schema.Kind, version string) []diag.Diagnostic {
	announced := k.Deprecated != "" && !newer(k.Deprecated, version)
	if !announced && k.Removed == "" || !r.judged(ruleDeprecated.Name) {
		return nil
	}
	f := newDiagnostic(ruleDeprecated, d)
	f.Severity = r.Rules.severityOf(ruleDeprecated, &Finding{})
	f.Path = "apiVersion"
	kind := d.Object.APIVersion + " " + d.Object.Kind
	switch {
	case !announced:
		f.Message = fmt.Sprintf("%s is removed in Kubernetes %s", kind, k.Removed)
	case k.Removed == "":
		f.Message = fmt.Sprintf("%s is deprecated since Kubernetes %s", kind, k.Deprecated)
	default:
		f.Message = fmt.Sprintf("%s is deprecated since Kubernetes %s and removed in %s", kind, k.Deprecated, k.Removed)
	}
	use := k.Replacement
	if stable := stableVersion(k.GVK, version); use == "" && stable != "" {
		use = stable + " " + d.Object.Kind
	}
	if since := notYet(use, version); since != "" {
		f.Help = fmt.Sprintf("use %s, which Kubernetes serves since %s", use, since)
		// nothing can be done for this version
		f.Severity = r.Rules.severityOf(ruleDeprecated, &Finding{Severity: diag.Info})
	} else if use != "" {
		f.Help = "use " + use
	} else if later, since := successor(k.GVK, version); later != "" {
		f.Help = fmt.Sprintf("use %s %s, which Kubernetes serves since %s", later, d.Object.Kind, since)
	}
	f.Range = valueRange(d.Find("apiVersion"))
	return []diag.Diagnostic{f}
}

// notYet returns since which release a replacement, a group and version with a kind, is served; empty if a version
// serves it.
func notYet(use, version string) string {
	apiVersion, kind, _ := strings.Cut(use, " ")
	group, v, grouped := strings.Cut(apiVersion, "/")
	if !grouped {
		group, v = "", apiVersion
	}
	gvk := schema.GVK{Group: group, Version: v, Kind: kind}
	store, err := schema.Open(version)
	if err != nil || kind == "" || store.Lookup(gvk) != nil {
		return ""
	}
	if latest, ok := schema.History(gvk); ok && newer(latest.Since, version) {
		return latest.Since
	}
	return ""
}

// stableVersion returns the stable API version of a kind that a version of Kubernetes serves in the same group; empty
// if there is none.
func stableVersion(gvk schema.GVK, version string) string {
	store, err := schema.Open(version)
	if err != nil {
		return ""
	}
	for _, k := range store.ServedAs(gvk.Kind) {
		if k.GVK.Group == gvk.Group && schema.IsStable(k.GVK.Version) {
			return k.GVK.GroupVersion().String()
		}
	}
	return ""
}

// successor returns the API version of a kind in its group that the newest release serves, and since which it is
// served; empty if none does after a release.
func successor(gvk schema.GVK, version string) (later, since string) {
	for _, v := range slices.Backward(schema.Versions()) {
		if v == version {
			return "", ""
		}
		store, err := schema.Open(v)
		if err != nil {
			return "", ""
		}
		var best *schema.Kind
		for _, k := range store.ServedAs(gvk.Kind) {
			if k.Group == gvk.Group && k.Version != gvk.Version &&
				(best == nil || apiversion.CompareKubeAwareVersionStrings(k.Version, best.Version) > 0) {
				best = k
			}
		}
		if best != nil {
			return best.GroupVersion().String(), best.Since
		}
	}
	return "", ""
}
