package lint

import (
	"fmt"
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation/verdict"
)

// podFields is for the fields of a pod that stand in the workload or in its template: a level or more too high.
func podFields(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	under, spec := at.podSpec()
	if under == nil {
		return nil, nil, ""
	}
	if _, has := m[under[0]]; has {
		return nil, nil, ""
	}
	pod := mappingAt{fields: spec.Fields()}
	inside, consumed := map[string]any{}, []string{}
	var template map[string]any
	for _, name := range at.unknown(m) {
		value, isMap := m[name].(map[string]any)
		switch {
		case pod.has(name) != nil:
			inside[name] = m[name]
		case name == "spec" && isMap && len(under) > 1 && hasOneOf(value, pod):
			maps.Copy(inside, value)
		case name == "metadata" && isMap && len(under) > 1:
			template = value
		default:
			continue
		}
		consumed = append(consumed, name)
	}
	if len(inside) == 0 || inside["containers"] == nil && len(inside) < 2 {
		return nil, nil, ""
	}
	selector, _ := m["selector"].(map[string]any)
	if labels, isMap := selector["matchLabels"].(map[string]any); isMap && template == nil && len(under) == 2 {
		template = map[string]any{"labels": labels}
	}
	var added any = inside
	for i, name := range slices.Backward(under) {
		level := map[string]any{name: added}
		if i == len(under)-1 && len(under) > 1 && template != nil {
			level["metadata"] = template
		}
		added = level
	}
	to := strings.TrimPrefix(at.path+"."+strings.Join(under, "."), ".")
	words := fmt.Sprintf("move %s to %s", listedNames(consumed, "and"), to)
	if len(consumed) == 1 {
		words = fmt.Sprintf("move it to %s.%s", to, consumed[0])
	}
	if slices.Contains(consumed, "spec") {
		words = fmt.Sprintf(
			"put it below %s", strings.TrimPrefix(at.path+"."+strings.Join(under[:len(under)-1], "."), "."),
		)
	}
	return added.(map[string]any), consumed, words
}

// podSpec returns the names that lead from a mapping down to the spec of its pods, and that field; none if there is
// none.
func (at mappingAt) podSpec() (under []string, spec *schema.Field) {
	for _, names := range [][]string{
		{"template", "spec"}, {"jobTemplate", "spec", "template", "spec"}, {"spec", "template", "spec"}, {"spec"},
	} {
		level := at
		var f *schema.Field
		for _, name := range names {
			if f = level.has(name); f == nil {
				break
			}
			level = mappingAt{fields: f.Fields()}
		}
		if f != nil && f.Type == "PodSpec" {
			return names, f
		}
	}
	return nil, nil
}

// hasOneOf reports whether a mapping has a field that another one can have.
func hasOneOf(m map[string]any, at mappingAt) bool {
	return slices.ContainsFunc(sortedKeys(m), func(name string) bool { return at.has(name) != nil })
}

// listedNames joins names for a sentence, the last one by a word.
func listedNames(names []string, word string) string {
	if n := len(names); n > 1 {
		return strings.Join(names[:n-1], ", ") + " " + word + " " + names[n-1]
	}
	return strings.Join(names, "")
}

// wrapper is for a mapping that the kind does not have, around fields that it has: the spec of a ConfigMap or Role.
func wrapper(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	for _, name := range at.unknown(m) {
		inner, isMap := m[name].(map[string]any)
		if !isMap || len(inner) == 0 || nearest(name, namesOfFields(at.fields)) != "" || at.below(name) {
			continue
		}
		if slices.ContainsFunc(
			sortedKeys(inner), func(key string) bool { return at.has(key) == nil || m[key] != nil },
		) {
			continue
		}
		what := "this object"
		if at.path == "" {
			what = "a " + at.kind
		}
		return inner, []string{name}, fmt.Sprintf(
			"%s has no %s: move %s one level up", what, name, listedNames(sortedKeys(inner), "and"),
		)
	}
	return nil, nil, ""
}

// below reports whether a field of the mapping can hold one of a name.
func (at mappingAt) below(name string) bool {
	return slices.ContainsFunc(at.fields, func(f *schema.Field) bool {
		return !strings.HasPrefix(f.Type, "[]") && f.Name != "metadata" &&
			mappingAt{fields: f.Fields()}.has(name) != nil
	})
}

func namesOfFields(fields []*schema.Field) []string {
	names := make([]string, len(fields))
	for i, f := range fields {
		names[i] = f.Name
	}
	return names
}

// strayData is for the entries of a ConfigMap or Secret that stand at its top.
func strayData(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	into := map[string]string{"ConfigMap": "data", "Secret": "stringData"}[at.kind]
	if into == "" || at.path != "" || at.group != "" || m[into] != nil {
		return nil, nil, ""
	}
	values, consumed := map[string]any{}, []string{}
	for _, name := range at.unknown(m) {
		switch m[name].(type) {
		case string, int64, float64, bool:
			values[name] = fmt.Sprint(m[name])
			consumed = append(consumed, name)
		}
	}
	if at.kind == "Secret" &&
		!slices.ContainsFunc(consumed, func(name string) bool { return !isBase64(fmt.Sprint(values[name])) }) {
		if into = "data"; m[into] != nil {
			return nil, nil, ""
		}
	}
	if len(values) == 0 ||
		slices.ContainsFunc(consumed, func(name string) bool { return nearest(name, namesOfFields(at.fields)) != "" }) {
		return nil, nil, ""
	}
	return map[string]any{into: values}, consumed, fmt.Sprintf("move %s below %s:", listedNames(consumed, "and"), into)
}

// metricSource is for the fields of a metric's source that stand in the metric itself.
func metricSource(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	typ, _ := m["type"].(string)
	if at.group != "autoscaling" || at.version != "v2" || !strings.HasPrefix(at.path, "spec.metrics[") || typ == "" {
		return nil, nil, ""
	}
	into := strings.ToLower(typ[:1]) + typ[1:]
	f := at.has(into)
	if f == nil || m[into] != nil {
		return nil, nil, ""
	}
	source := mappingAt{fields: f.Fields()}
	inside, consumed := map[string]any{}, []string{}
	for _, name := range at.unknown(m) {
		if source.has(name) != nil {
			inside[name] = m[name]
			consumed = append(consumed, name)
		}
	}
	if len(inside) == 0 {
		return nil, nil, ""
	}
	return map[string]any{into: inside}, consumed, fmt.Sprintf("move %s below %s:", listedNames(consumed, "and"), into)
}

// inColumn is for the fields of an object that begin in the column of its name, which has no value.
func inColumn(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	into, inside, names := at.holder(
		m, func(name string) bool { _, written := m[name]; return written && m[name] == nil },
	)
	if into == "" {
		return nil, nil, ""
	}
	words := fmt.Sprintf("indent %s deeper than %s:", listedNames(names, "and"), into)
	return map[string]any{into: inside}, append(names, into), words
}

// childFields is for several fields of an object that is not written, a level too high.
func childFields(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	into, inside, names := at.holder(m, func(name string) bool {
		_, written := m[name]
		return !written && !strings.HasPrefix(at.has(name).Type, "map[") // which would hold any text
	})
	if into == "" || at.path == "" || len(names) < 2 && (into != "metadata" || at.typ != "PersistentVolumeClaim") {
		return nil, nil, ""
	}
	return map[string]any{into: inside}, names, fmt.Sprintf("move %s below %s:", listedNames(names, "and"), into)
}

// holder returns the only one of some fields that can hold all that the mapping cannot have, and what it would hold.
func (at mappingAt) holder(
	m map[string]any, among func(name string) bool,
) (into string, inside map[string]any, names []string) {
	names, known := at.unknown(m), namesOfFields(at.fields)
	if len(names) == 0 || slices.ContainsFunc(names, func(name string) bool { return nearest(name, known) != "" }) {
		return "", nil, nil
	}
	for _, f := range at.fields {
		switch {
		case !among(f.Name) || !holdsAll(f, m, names):
		case into != "":
			return "", nil, nil
		default:
			into = f.Name
		}
	}
	inside = map[string]any{}
	for _, name := range names {
		inside[name] = m[name]
	}
	return into, inside, names
}

// holdsAll reports whether a field can hold values of a mapping, by their names.
func holdsAll(f *schema.Field, m map[string]any, names []string) bool {
	if f.Type == "map[string]string" {
		return !slices.ContainsFunc(names, func(name string) bool { _, isText := m[name].(string); return !isText })
	}
	of := mappingAt{fields: f.Fields()}
	return !strings.HasPrefix(f.Type, "[]") &&
		!slices.ContainsFunc(names, func(name string) bool { return of.has(name) == nil })
}

// besideMap returns the path at which a mapping was meant to stand that is a value of a map, if the object which has
// the map has such a field: limits among requests.
func (t *target) besideMap(object map[string]any, kind *schema.Kind, c verdict.Cause) string {
	holder, name := splitPath(c.Path)
	schemaHolder, _ := splitPath(c.SchemaPath())
	if kind == nil || !isWrongType(c) || holder == "" || strings.ContainsAny(name, "[]") {
		return ""
	}
	parent, _ := splitPath(holder)
	m, above := mappingIn(object, c.Path), mappingIn(object, parent)
	if _, written := above[name]; written || above == nil || m == nil {
		return ""
	}
	isMap := func(f *schema.Field) bool { return strings.HasPrefix(f.Type, "map[string]") }
	if f, err := kind.Field(schemaHolder); err != nil || !isMap(f) {
		return ""
	}
	if f, err := kind.Field(sibling(schemaHolder, name)); err != nil || !isMap(f) && !holdsAll(f, m, sortedKeys(m)) {
		return ""
	}
	return sibling(holder, name)
}

// unweighted is for a required term that is written as a preferred one.
func unweighted(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	term, isMap := m["podAffinityTerm"].(map[string]any)
	if at.typ != "PodAffinityTerm" || !isMap || m["weight"] == nil || len(m) != 2 {
		return nil, nil, ""
	}
	return term, []string{"weight", "podAffinityTerm"},
		fmt.Sprintf(
			"what is required has no weight: remove weight, and move %s one level up",
			listedNames(sortedKeys(term), "and"),
		)
}

// jobInCronJob is for the Job of a CronJob under the name of the pods' template.
func jobInCronJob(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	template, _ := m["template"].(map[string]any)
	spec, _ := template["spec"].(map[string]any)
	if at.typ != "CronJobSpec" || spec["template"] == nil || m["jobTemplate"] != nil {
		return nil, nil, ""
	}
	return map[string]any{"jobTemplate": template}, []string{"template"}, "did you mean jobTemplate? It holds a Job, with the template of its pods"
}

// variableSource is for the source of a variable that is written as its value.
func variableSource(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	source, isMap := m["value"].(map[string]any)
	f := at.has("valueFrom")
	if f == nil || !isMap || m["valueFrom"] != nil || !hasOneOf(source, mappingAt{fields: f.Fields()}) {
		return nil, nil, ""
	}
	return map[string]any{"valueFrom": source}, []string{"value"}, "did you mean valueFrom? It takes the value from another object"
}

// backendPort is for the name of a port that is written as its number.
func backendPort(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	name, isText := m["number"].(string)
	if at.typ != "ServiceBackendPort" || !isText || m["name"] != nil || strings.Trim(name, "0123456789") == "" {
		return nil, nil, ""
	}
	return map[string]any{"name": name}, []string{"number"}, "did you mean name? It takes the name of a port of the Service"
}

// requestURL is for the address of a request that is written as one text.
func requestURL(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	if at.typ != "HTTPGetAction" {
		return nil, nil, ""
	}
	for _, name := range []string{"url", "uri", "URL"} {
		text, isText := m[name].(string)
		to, err := url.Parse(text)
		if !isText || err != nil {
			continue
		}
		added, consumed := map[string]any{}, []string{name}
		if m["path"] == nil && to.Path != "" {
			added["path"] = to.Path
		}
		port := map[string]int64{"http": 80, "https": 443}[to.Scheme]
		if n, err := strconv.ParseInt(to.Port(), 10, 64); err == nil {
			port = n
		}
		if m["port"] == nil && port != 0 {
			added["port"] = port
		}
		if to.Scheme == "https" && m["scheme"] == nil {
			added["scheme"] = "HTTPS"
		}
		return added, consumed, "write it as " + strings.TrimSuffix(strings.TrimPrefix(flowText(added), "{"), "}")
	}
	return nil, nil, ""
}

// containerPort is for one port of a container.
func containerPort(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	if at.typ != "Container" || m["ports"] != nil {
		return nil, nil, ""
	}
	for _, name := range []string{"port", "containerPort"} {
		if n, isNumber := m[name].(int64); isNumber {
			ports := []any{map[string]any{"containerPort": n}}
			return map[string]any{"ports": ports}, []string{name}, "write it as ports: " + flowText(ports)
		}
	}
	return nil, nil, ""
}

// servicePort is for the port of a Service that is named as one of a container.
func servicePort(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	port, has := m["containerPort"]
	if at.typ != "ServicePort" || !has || m["port"] != nil {
		return nil, nil, ""
	}
	return map[string]any{"port": port}, []string{"containerPort"},
		fmt.Sprintf(
			"a Service listens on port: write port: %v; targetPort is that of the container, if it is another", port,
		)
}

// groupOfVersion is for an API version where the API group alone is wanted.
func groupOfVersion(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	version, isText := m["apiVersion"].(string)
	if at.has("apiGroup") == nil || at.has("apiVersion") != nil || !isText || m["apiGroup"] != nil {
		return nil, nil, ""
	}
	group := groupOf(version)
	if strings.Contains(version, ".") && group == "" { // the group alone stands there already
		group = version
	}
	return map[string]any{"apiGroup": group}, []string{
		"apiVersion",
	}, "write the group alone: apiGroup: " + scalarText(group)
}

// singular is for one element, under a name that is near to that of a list.
func singular(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	for _, name := range at.unknown(m) {
		best := nearest(name, namesOfFields(at.fields))
		f := at.has(best)
		if f == nil || m[best] != nil || best == "args" || best == "command" {
			continue
		}
		var list []any
		switch v := m[name].(type) {
		case string:
			if f.Type == "[]string" && !strings.EqualFold(name, best) {
				list = []any{v}
			}
		case map[string]any:
			if strings.HasPrefix(f.Type, "[]") && hasOneOf(v, mappingAt{fields: f.Fields()}) {
				list = []any{v}
			}
		}
		if list != nil {
			words := fmt.Sprintf("did you mean %s: %s?", best, flowText(list))
			if len(words) > maxFlow {
				words = fmt.Sprintf("did you mean %s? It is a list: begin each element with a dash", best)
			}
			return map[string]any{best: list}, []string{name}, words
		}
	}
	return nil, nil, ""
}

// requiredName is for a field that is missing and the one that was most likely written for it: secretName for name.
func requiredName(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	var missing []string
	for _, f := range at.fields {
		if f.Required && f.Type == "string" && m[f.Name] == nil {
			missing = append(missing, f.Name)
		}
	}
	unknown := at.unknown(m)
	if len(missing) != 1 || len(unknown) != 1 || nearest(unknown[0], namesOfFields(at.fields)) != "" {
		return nil, nil, ""
	}
	value, isText := m[unknown[0]].(string)
	wrong, right := strings.ToLower(unknown[0]), strings.ToLower(missing[0])
	if !isText ||
		!strings.HasSuffix(wrong, right) && !strings.HasPrefix(wrong, right) && !strings.HasSuffix(right, wrong) {
		return nil, nil, ""
	}
	return map[string]any{missing[0]: value}, unknown, fmt.Sprintf("did you mean %s?", missing[0])
}

// nested returns the names below which a rewrite puts fields as they are; none if it changes them.
func (w rewrite) nested(m map[string]any) []string {
	kept := map[string]any{}
	for _, name := range w.consumed {
		if _, comes := w.added[name]; !comes || m[name] != nil {
			kept[name] = m[name]
		}
	}
	var under []string
	for level := w.added; ; {
		if len(under) > 0 && reflect.DeepEqual(level, kept) {
			return under
		}
		next, found := "", false
		for _, name := range sortedKeys(level) {
			if _, isMap := level[name].(map[string]any); isMap && (name != "metadata" || len(level) == 1) {
				next, found = name, !found
			}
		}
		if !found {
			return nil
		}
		under = append(under, next)
		level = level[next].(map[string]any)
	}
}

// nestedText writes what comes with the fields that it holds as they are written, each level two columns deeper.
func (w rewrite) nestedText(d *manifest.Document, fields []*manifest.Field, under []string, indent int) string {
	var lines []string
	level := w.added
	for _, name := range under {
		for _, beside := range sortedKeys(level) {
			if beside != name {
				lines = append(lines, fmt.Sprintf("%*s%s: %s", indent, "", beside, flowText(level[beside])))
			}
		}
		lines = append(lines, fmt.Sprintf("%*s%s:", indent, "", name))
		level, _ = level[name].(map[string]any)
		indent += 2
	}
	for _, f := range fields {
		if f.Name == under[0] { // it stood without what it holds
			continue
		}
		lines = append(lines, shifted(d, d.Find(w.field(f.Name)), indent)...)
	}
	return strings.TrimLeft(strings.Join(lines, "\n"), " ")
}

// liftedText writes what stands below a field in the place of the field, with its comments.
func liftedText(d *manifest.Document, p manifest.Place, indent int) string {
	deeper := p.Node.Fields[0].Key().Start.Column - 1
	var lines []string
	for n := p.Key.Start.Line + 1; n <= lastLine(p.Value); n++ {
		lines = append(lines, shiftLine(strings.TrimRight(d.File.Line(n), " \t\r"), indent-deeper))
	}
	return strings.TrimLeft(strings.Join(lines, "\n"), " ")
}

// shifted returns the lines of a field with its key in another column, counted from 0.
func shifted(d *manifest.Document, p manifest.Place, column int) (lines []string) {
	from := p.Key.Start.Column - 1
	for n := p.Key.Start.Line; n <= max(p.Key.End.Line, lastLine(p.Value)); n++ {
		line := strings.TrimRight(d.File.Line(n), " \t\r")
		if n == p.Key.Start.Line { // a dash may stand before it
			line = strings.Repeat(" ", from) + line[p.Key.Start.Offset-d.File.LineStart(n):]
		}
		lines = append(lines, shiftLine(line, column-from))
	}
	return lines
}
