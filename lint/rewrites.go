package lint

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// A rewrite puts fields that a mapping cannot have into those that it has: what an older API version called otherwise,
// or what stands a level too high.
type rewrite struct {
	path     string         // of the mapping; empty: the object itself
	consumed []string       // its fields that go, in their order in the document
	added    map[string]any // its fields that come
	words    string         // what to write
	draft    bool           // parts of what comes are known to the author alone
}

// A rewriter finds the rewrite of a mapping. It sees the mapping, the group of its object, the object's kind, and the
// mapping's type and path.
type rewriter func(m map[string]any, at mappingAt) (added map[string]any, consumed []string, words string)

// field returns the path of a field of the mapping.
func (w rewrite) field(name string) string { return strings.TrimPrefix(w.path+"."+name, ".") }

// mappingAt says where a mapping stands.
type mappingAt struct {
	group, version, kind, typ, path string
	fields                          []*schema.Field // that the mapping can have
}

// has returns the field of a name that the mapping can have; nil if it cannot.
func (at mappingAt) has(name string) *schema.Field {
	i := slices.IndexFunc(at.fields, func(f *schema.Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return at.fields[i]
}

// unknown returns the fields of the mapping that it cannot have.
func (at mappingAt) unknown(m map[string]any) []string {
	return slices.DeleteFunc(sortedKeys(m), func(name string) bool { return at.has(name) != nil })
}

// takesPair reports whether the mapping has a name and a value.
func (at mappingAt) takesPair() bool { return hasTexts(at.fields, "name", "value") }

// hasTexts reports whether fields of the names are among others, and are texts.
func hasTexts(fields []*schema.Field, names ...string) bool {
	found := 0
	for _, f := range fields {
		if f.Type == "string" && slices.Contains(names, f.Name) {
			found++
		}
	}
	return found == len(names)
}

// rewriters are asked in order.
var rewriters = []rewriter{
	inColumn, jobInCronJob, ingressBackend, ingressDefault, oldMetric, metricSource, oldUtilization, oldDefinition,
	podFields,
	probeFields, requestURL, resourceFields, claimStorage, containerPort, servicePort, groupOfVersion, pairElement,
	unweighted,
	childFields, strayData, wrapper, singular, requiredName,
}

// reshapers are asked first: they put what has the wrong type into a field of another name.
var reshapers = []rewriter{variableSource, backendPort}

// rewriteOf returns the rewrite of the mapping that has an unknown field, or one of the wrong type that goes with
// others.
func (t *target) rewriteOf(d *manifest.Document, object map[string]any, c verdict.Cause) (rewrite, bool) {
	if !repairable(c) || strings.HasSuffix(c.Path, "]") {
		return rewrite{}, false
	}
	path, name := splitPath(c.Path)
	m := mappingIn(object, path)
	kind := t.kindOf(d)
	if m == nil || kind == nil || len(m) > maxWrong { // each rewriter looks at all fields
		return rewrite{}, false
	}
	gvk := gvkOf(d)
	at := mappingAt{group: gvk.Group, version: gvk.Version, kind: gvk.Kind, path: path}
	schemaPath, _ := splitPath(c.SchemaPath())
	if schemaPath == "" {
		at.typ, at.fields = gvk.Kind, kind.Fields()
	} else if f, err := kind.Field(schemaPath); err == nil {
		at.typ, at.fields = strings.TrimPrefix(f.Type, "[]"), f.Fields()
	}
	for i, find := range slices.Concat(reshapers, rewriters) {
		added, consumed, words := find(m, at)
		if !slices.Contains(consumed, name) ||
			i >= len(reshapers) &&
				!slices.ContainsFunc(consumed, func(name string) bool { return at.has(name) == nil }) {
			continue
		}
		for name := range added {
			if _, has := m[name]; has && !slices.Contains(consumed, name) {
				return rewrite{}, false
			}
		}
		w := rewrite{path: path, consumed: consumed, added: added, words: words}
		w.draft = strings.Contains(words, "...")
		return w, true
	}
	return rewrite{}, false
}

// mappingIn returns the mapping at a path of an object, which for the empty path is the object itself; nil if no
// mapping stands there.
func mappingIn(object map[string]any, path string) map[string]any {
	if path == "" {
		return object
	}
	m, _ := valueIn(object, path).(map[string]any)
	return m
}

// splitPath separates the last name of a path from what holds it; the path of the object itself is empty.
func splitPath(path string) (holder, name string) {
	dot := strings.LastIndexByte(path, '.')
	return path[:max(0, dot)], path[dot+1:]
}

// repair returns the rewrite as the repair of one of its fields.
func (w rewrite) repair(m map[string]any, of string) repair {
	value := maps.Clone(m)
	var also []string
	for _, name := range w.consumed {
		delete(value, name)
		if path := w.field(name); path != of {
			also = append(also, path)
		}
	}
	maps.Copy(value, w.added)
	return repair{path: w.path, value: value, also: also, added: sortedKeys(w.added), instead: of, draft: w.draft}
}

// enrich says in a finding what to write, and offers it.
func (w rewrite) enrich(d *manifest.Document, f *diag.Diagnostic) {
	f.Help = w.words
	if fix, ok := w.fix(d); ok {
		f.Fixes = append(f.Fixes, fix)
	}
}

// fix makes the rewrite in the text: the new fields take the place of the first one that goes.
func (w rewrite) fix(d *manifest.Document) (diag.Fix, bool) {
	if w.draft {
		return diag.Fix{}, false
	}
	parent := d.Find(w.path)
	if !parent.Exact || parent.Alias.IsValid() || parent.Node == nil || parent.Node.Kind != manifest.Map ||
		!parent.Value.IsValid() {
		return diag.Fix{}, false
	}
	var fields []*manifest.Field
	for i := range parent.Node.Fields {
		if f := &parent.Node.Fields[i]; slices.Contains(w.consumed, f.Name) {
			fields = append(fields, f)
		}
	}
	fix := diag.Fix{Message: strings.TrimSuffix(strings.TrimPrefix(flowText(w.added), "{"), "}")}
	if len(fix.Message) > maxFlow {
		fix.Message = "write " + strings.Join(sortedKeys(w.added), ", ")
	}
	if len(fields) == 0 {
		return diag.Fix{}, false
	}
	whole := mappingIn(d.Value(), w.path)
	if name, renamed := w.renames(whole); renamed {
		p := d.Find(w.field(w.consumed[0]))
		if !p.Exact || p.Alias.IsValid() || !p.Key.IsValid() {
			return diag.Fix{}, false
		}
		return replaceFix(p.Key, requote(d, p.Key, name), "write "+name), true
	}
	if !inBlock(d, parent) {
		if parent.Value.Start.Line != parent.Value.End.Line {
			return diag.Fix{}, false
		}
		text := flowText(w.repair(whole, "").value)
		fix.Edits = []source.Edit{{Range: parent.Value, NewText: text}}
		return fix, true
	}
	under := w.nested(whole)
	for i, f := range fields {
		p := d.Find(w.field(f.Name))
		lifted := w.lifts(whole[f.Name], p)
		hasComment := under == nil && !lifted && p.Value.IsValid() && strings.Contains(string(textOf(d, p.Value)), "#")
		if !p.Exact || p.Alias.IsValid() || !p.Key.IsValid() || hasComment {
			return diag.Fix{}, false
		}
		last := max(p.Key.End.Line, lastLine(p.Value))
		if i == 0 {
			edit, message := w.first(d, p, fields, under, lifted)
			fix.Edits = append(fix.Edits, edit)
			fix.Message = cmp.Or(message, fix.Message)
			continue
		}
		if !opensLine(d, p.Key) {
			return diag.Fix{}, false
		}
		fix.Edits = append(
			fix.Edits, source.Edit{Range: d.File.Range(d.File.LineStart(p.Key.Start.Line), lineEnd(d.File, last))},
		)
	}
	return fix, true
}

// renames returns the other name of the one field that changes, if it keeps its value.
func (w rewrite) renames(m map[string]any) (name string, renamed bool) {
	if len(w.consumed) != 1 || len(w.added) != 1 {
		return "", false
	}
	name = sortedKeys(w.added)[0]
	return name, reflect.DeepEqual(w.added[name], m[w.consumed[0]])
}

// lifts reports whether the fields that come are those below the field that goes, on lines of their own.
func (w rewrite) lifts(value any, p manifest.Place) bool {
	inner, isMap := value.(map[string]any)
	return isMap && p.Node != nil && len(p.Node.Fields) > 0 && p.Node.Fields[0].Key().Start.Line > p.Key.End.Line &&
		reflect.DeepEqual(inner, w.added)
}

// first returns the edit that writes what comes in the place of the first field that goes, and what it does if that is
// not what comes.
func (w rewrite) first(
	d *manifest.Document, p manifest.Place, fields []*manifest.Field, under []string, lifted bool,
) (source.Edit, string) {
	end, last, indent := p.Value.End, max(p.Key.End.Line, lastLine(p.Value)), p.Key.Start.Column-1
	if !p.Value.IsValid() {
		end = p.Key.End
	}
	lines := d.File.Range(p.Key.Start.Offset, d.File.LineStart(last)+len(strings.TrimRight(d.File.Line(last), " \t\r")))
	switch {
	case lifted:
		return source.Edit{Range: lines, NewText: liftedText(d, p, indent)}, "move what it holds one level up"
	case under != nil:
		return source.Edit{Range: lines, NewText: w.nestedText(d, fields, under, indent)}, w.words
	}
	cut := d.File.Range(p.Key.Start.Offset, end.Offset)
	return source.Edit{Range: cut, NewText: w.text(indent, strings.HasSuffix(string(textOf(d, cut)), "\n"))}, ""
}

// maxFlow is the width up to which what is added stands on one line.
const maxFlow = 72

// text writes the fields that come, each at a column; whole lines end with a line break if what they replace did.
func (w rewrite) text(indent int, ends bool) string {
	var lines []string
	for _, name := range sortedKeys(w.added) {
		if line := name + ": " + flowText(w.added[name]); len(line) <= maxFlow {
			lines = append(lines, line)
			continue
		}
		block, err := yaml.Marshal(map[string]any{name: w.added[name]})
		if err != nil {
			return ""
		}
		lines = append(lines, strings.Split(strings.TrimSuffix(string(block), "\n"), "\n")...)
	}
	text := strings.Join(lines, "\n"+strings.Repeat(" ", indent))
	if ends {
		text += "\n"
	}
	return text
}

// ingressBackend is for a backend of the Ingress of extensions/v1beta1 and networking.k8s.io/v1beta1.
func ingressBackend(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	if at.group != "networking.k8s.io" || at.kind != "Ingress" || at.version != "v1" {
		return nil, nil, ""
	}
	added, consumed := backendOf(m)
	if added == nil || at.typ != "IngressBackend" {
		return nil, nil, ""
	}
	words := "it is written service: " + flowText(added["service"])
	if added["service"].(map[string]any)["port"] == nil {
		words = strings.TrimSuffix(words, "}") + ", port: ...}"
	}
	return added, consumed, fmt.Sprintf("in %s/%s %s", at.group, at.version, words)
}

// backendOf returns a backend as networking.k8s.io/v1 has it, of what an older version has or what stands a level too
// high.
func backendOf(m map[string]any) (added map[string]any, consumed []string) {
	service := map[string]any{}
	take := func(names ...string) any {
		for _, name := range names {
			if v, has := m[name]; has {
				consumed = append(consumed, name)
				return v
			}
		}
		return nil
	}
	if inner, isMap := m["service"].(map[string]any); isMap {
		maps.Copy(service, inner)
		consumed = append(consumed, "service")
	} else if name, isText := m["service"].(string); isText {
		service["name"] = name
		consumed = append(consumed, "service")
	}
	had := len(consumed)
	if name := take("serviceName", "name"); name != nil {
		service["name"] = name
	}
	if port := take("servicePort", "port"); port != nil {
		service["port"] = port
		switch port := port.(type) {
		case string, int64:
			service["port"] = textObjects["ServiceBackendPort"](slot{}, fmt.Sprint(port)).value
		}
	}
	if len(consumed) == had {
		return nil, nil
	}
	return map[string]any{"service": service}, consumed
}

// ingressDefault is for the default backend of an old Ingress.
func ingressDefault(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	backend, isMap := m["backend"].(map[string]any)
	if at.group != "networking.k8s.io" || at.kind != "Ingress" || at.version != "v1" || at.path != "spec" || !isMap {
		return nil, nil, ""
	}
	if added, _ := backendOf(backend); added != nil {
		backend = added
	}
	return map[string]any{"defaultBackend": backend}, []string{"backend"},
		fmt.Sprintf("in %s/%s it is written defaultBackend: %s", at.group, at.version, flowText(backend))
}

// metricTargets are the targets of metrics of autoscaling/v2beta1, with what autoscaling/v2 has for each.
var metricTargets = []struct{ old, typ, value string }{
	{"targetAverageUtilization", "Utilization", "averageUtilization"},
	{"targetAverageValue", "AverageValue", "averageValue"},
	{"averageValue", "AverageValue", "averageValue"},
	{"targetValue", "Value", "value"},
}

// oldMetric is for a metric of autoscaling/v2beta1.
func oldMetric(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	if at.group != "autoscaling" || at.version != "v2" || !strings.HasPrefix(at.path, "spec.metrics[") {
		return nil, nil, ""
	}
	added, consumed := map[string]any{}, []string{}
	target, metric := map[string]any{}, map[string]any{}
	if object, isObject := m["target"].(map[string]any); isObject && object["kind"] != nil {
		added["describedObject"] = object
		consumed = append(consumed, "target")
	}
	for _, t := range metricTargets {
		if v, has := m[t.old]; has {
			target["type"], target[t.value] = t.typ, v
			consumed = append(consumed, t.old)
		}
	}
	for old, name := range map[string]string{
		"metricName": "name", "metricSelector": "selector", "selector": "selector",
	} {
		if v, has := m[old]; has {
			metric[name] = v
			consumed = append(consumed, old)
		}
	}
	if len(target) > 0 {
		added["target"] = target
	}
	if len(metric) > 0 {
		added["metric"] = metric
	}
	slices.Sort(consumed)
	return added, consumed, "in autoscaling/v2 it is written " + strings.TrimSuffix(
		strings.TrimPrefix(flowText(added), "{"), "}",
	)
}

// oldUtilization is for the target of autoscaling/v1.
func oldUtilization(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	percent, has := m["targetCPUUtilizationPercentage"]
	metrics, _ := m["metrics"].([]any)
	if at.group != "autoscaling" || at.version != "v2" || at.path != "spec" || !has {
		return nil, nil, ""
	}
	target := map[string]any{"type": "Utilization", "averageUtilization": percent}
	metric := map[string]any{"type": "Resource", "resource": map[string]any{"name": "cpu", "target": target}}
	words := "in autoscaling/v2 it is a metric: metrics: " + flowText([]any{metric})
	consumed := []string{"targetCPUUtilizationPercentage"}
	if len(metrics) > 0 {
		consumed = append(consumed, "metrics")
	}
	return map[string]any{"metrics": append(slices.Clone(metrics), metric)}, consumed, words
}

// oldDefinition is for a CustomResourceDefinition of apiextensions.k8s.io/v1beta1.
func oldDefinition(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	if at.group != "apiextensions.k8s.io" || at.version != "v1" || at.path != "spec" {
		return nil, nil, ""
	}
	var consumed []string
	for _, name := range []string{"version", "validation", "subresources", "additionalPrinterColumns"} {
		if _, has := m[name]; has {
			consumed = append(consumed, name)
		}
	}
	versions, _ := m["versions"].([]any)
	if name, has := m["version"]; has && len(versions) == 0 {
		versions = []any{map[string]any{"name": name, "served": true, "storage": true}}
	}
	if len(consumed) == 0 || len(versions) == 0 {
		return nil, nil, ""
	}
	versions = slices.Clone(versions)
	if _, has := m["versions"]; has {
		consumed = append(consumed, "versions")
	}
	for i, v := range versions {
		version, isMap := v.(map[string]any)
		if !isMap {
			return nil, nil, ""
		}
		version = maps.Clone(version)
		if version["schema"] == nil {
			version["schema"] = map[string]any{"openAPIV3Schema": map[string]any{
				"type": "object", "x-kubernetes-preserve-unknown-fields": true}}
			if schema, has := m["validation"]; has {
				version["schema"] = schema
			}
		}
		if of, has := m["subresources"]; has && version["subresources"] == nil {
			version["subresources"] = of
		}
		if columns, isList := m["additionalPrinterColumns"].([]any); isList &&
			version["additionalPrinterColumns"] == nil {
			version["additionalPrinterColumns"] = columnsOf(columns)
		}
		versions[i] = version
	}
	return map[string]any{"versions": versions}, consumed,
		"in apiextensions.k8s.io/v1 each of versions has its own name, schema, subresources and additionalPrinterColumns"
}

// columnsOf returns printer columns of v1beta1 as v1 has them.
func columnsOf(old []any) []any {
	columns := slices.Clone(old)
	for i, c := range columns {
		column, isMap := c.(map[string]any)
		if path, has := column["JSONPath"]; isMap && has {
			column = maps.Clone(column)
			delete(column, "JSONPath")
			column["jsonPath"] = path
			columns[i] = column
		}
	}
	return columns
}

// probeFields is for the fields of an action that stand in the probe itself.
func probeFields(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	if at.typ != "Probe" && at.typ != "LifecycleHandler" {
		return nil, nil, ""
	}
	action, names := "httpGet", []string{"path", "port", "host", "scheme", "httpHeaders"}
	switch {
	case m["command"] != nil:
		action, names = "exec", []string{"command"}
	case m["path"] == nil && m["scheme"] == nil && m["httpHeaders"] == nil:
		action, names = "tcpSocket", []string{"port", "host"}
	}
	inside, consumed := map[string]any{}, []string{}
	for _, name := range names {
		if v, has := m[name]; has {
			inside[name] = v
			consumed = append(consumed, name)
		}
	}
	if len(inside) == 0 {
		return nil, nil, ""
	}
	return map[string]any{action: inside}, consumed, fmt.Sprintf("write it as %s: %s", action, flowText(inside))
}

// resourceFields is for amounts that stand beside requests and limits.
func resourceFields(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	names, into := []string{"cpu", "memory", "ephemeral-storage"}, "requests"
	switch {
	case at.typ == "VolumeResourceRequirements":
		names = []string{"storage"}
	case at.typ == "ResourceRequirements", at.has("requests") != nil && at.has("limits") != nil:
	case at.has("limits") != nil && (at.has("limits").Type == "map[string]string" || len(at.fields) == 1):
		into = "limits"
	default:
		return nil, nil, ""
	}
	if m[into] != nil {
		return nil, nil, ""
	}
	requests, consumed := map[string]any{}, []string{}
	for _, name := range names {
		if v, has := m[name]; has {
			requests[name] = v
			consumed = append(consumed, name)
		}
	}
	if len(requests) == 0 {
		return nil, nil, ""
	}
	return map[string]any{into: requests}, consumed, fmt.Sprintf("write it as %s: %s", into, flowText(requests))
}

// claimStorage is for the size of a claim that stands in its spec.
func claimStorage(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	if at.typ != "PersistentVolumeClaimSpec" {
		return nil, nil, ""
	}
	for _, name := range []string{"storage", "size", "requests", "capacity"} {
		size, has := m[name]
		if amounts, isMap := size.(map[string]any); isMap && amounts["storage"] != nil {
			size = amounts["storage"]
		} else if isMap {
			continue
		}
		if !has {
			continue
		}
		resources := map[string]any{"requests": map[string]any{"storage": size}}
		return map[string]any{"resources": resources}, []string{name}, "write it as resources: " + flowText(resources)
	}
	return nil, nil, ""
}

// pairElement is for an element that is a name with its value, of a list whose elements have a name and a value.
func pairElement(m map[string]any, at mappingAt) (map[string]any, []string, string) {
	if len(m) != 1 || !at.takesPair() || !strings.HasSuffix(at.path, "]") {
		return nil, nil, ""
	}
	name := sortedKeys(m)[0]
	switch m[name].(type) {
	case string, int64, float64, bool:
	default:
		return nil, nil, ""
	}
	added := map[string]any{"name": name, "value": fmt.Sprint(m[name])}
	return added, []string{name}, fmt.Sprintf("write the name and the value apart: - name: %s, value: %s",
		scalarText(name), scalarText(fmt.Sprint(m[name])))
}

// otherNames are names by which people call fields of a type, or which another type has for the same.
var otherNames = map[string]map[string]string{
	"SecretVolumeSource":                {"name": "secretName"},
	"PersistentVolumeClaimVolumeSource": {"name": "claimName"},
	"ConfigMapVolumeSource":             {"configMapName": "name"},
	"SecretKeySelector":                 {"secretName": "name"},
	"ConfigMapKeySelector":              {"configMapName": "name"},
	"SecretEnvSource":                   {"secretName": "name"},
	"ConfigMapEnvSource":                {"configMapName": "name"},
	"VolumeMount":                       {"path": "mountPath"},
	"Container":                         {"cmd": "command", "environment": "env"},
	"ContainerPort":                     {"port": "containerPort"},
	"ServicePort":                       {"containerPort": "targetPort"},
	"Probe": {
		"http": "httpGet", "tcp": "tcpSocket", "intervalSeconds": "periodSeconds", "interval": "periodSeconds",
		"timeout": "timeoutSeconds",
	},
	"PersistentVolumeClaimSpec": {"storageClass": "storageClassName"},
	"PersistentVolumeSpec":      {"storageClass": "storageClassName"},
	"IngressSpec":               {"ingressClass": "ingressClassName"},
	"IngressTLS":                {"secret": "secretName"},
	"HorizontalPodAutoscalerSpec": {
		"targetRef": "scaleTargetRef", "target": "scaleTargetRef", "scaleTarget": "scaleTargetRef",
	},
	"LifecycleHandler": {"http": "httpGet", "tcp": "tcpSocket", "command": "exec"},
	"StatefulSetSpec":  {"service": "serviceName", "strategy": "updateStrategy"},
	"DaemonSetSpec":    {"strategy": "updateStrategy"},
	"DeploymentSpec":   {"updateStrategy": "strategy"},
	"CronJobSpec": {
		"successfulJobsHistory": "successfulJobsHistoryLimit", "failedJobsHistory": "failedJobsHistoryLimit",
		"timezone": "timeZone",
	},
	"NetworkPolicyEgressRule":  {"from": "to"},
	"NetworkPolicyIngressRule": {"to": "from"},
}

// foreignFields are fields that a type does not have and others do, with what to do about them.
var foreignFields = map[string]map[string]string{
	"JobSpec": {
		"schedule":          "a CronJob has a schedule: write kind: CronJob, with this spec below jobTemplate:",
		"concurrencyPolicy": "a CronJob has it: write kind: CronJob, with this spec below jobTemplate:",
		"replicas":          "a Job counts its pods by completions, and those that run at once by parallelism",
	},
	"DaemonSetSpec": {"replicas": "a DaemonSet runs one pod on each node: remove replicas, or write kind: Deployment"},
	"DeploymentSpec": {
		"serviceName":          "a StatefulSet has it: write kind: StatefulSet, or remove it",
		"volumeClaimTemplates": "a StatefulSet has them: write kind: StatefulSet, or name a PersistentVolumeClaim in volumes:",
		"podManagementPolicy":  "a StatefulSet has it: write kind: StatefulSet, or remove it",
	},
	"RollingUpdateDeployment": {
		"partition": "a StatefulSet has it: remove it; a Deployment stops half way by `kubectl rollout pause`",
	},
	"ContainerPort": {
		"targetPort": "a Service has it: a container has containerPort alone",
		"nodePort":   "a Service has it: remove it",
	},
	"PodSpec": {"replicas": podAlone, "template": podAlone, "selector": podAlone},
}

const podAlone = "a Pod is one: write apiVersion: apps/v1 and kind: Deployment for several of a template"

// typeOf returns the name of the type that an unknown field stands in, and the field's name.
func (t *target) typeOf(d *manifest.Document, c verdict.Cause) (typ, name string) {
	path, kind := t.schemaPath(d, c), t.kindOf(d)
	dot := strings.LastIndexByte(path, '.')
	if kind == nil || dot < 0 {
		return "", ""
	}
	f, err := kind.Field(path[:dot])
	if err != nil {
		return "", ""
	}
	return strings.TrimPrefix(f.Type, "[]"), path[dot+1:]
}

// foreignField says which kind has a field that an object's kind does not have; empty if it is not known.
func (t *target) foreignField(d *manifest.Document, c verdict.Cause) string {
	typ, name := t.typeOf(d, c)
	if strings.HasSuffix(typ, "Spec") && c.Path != "spec."+name { // that of a template
		return ""
	}
	return foreignFields[typ][name]
}

// otherName returns the field that is called otherwise by the name of an unknown one; empty if it is not known.
func (t *target) otherName(d *manifest.Document, c verdict.Cause) string {
	typ, name := t.typeOf(d, c)
	return otherNames[typ][name]
}
