package lint

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation/verdict"
)

// enrichRequired says what to write where a value is missing.
func (t *target) enrichRequired(d *manifest.Document, f *diag.Diagnostic, path string, c verdict.Cause) {
	add := func(text string) {
		fix := PathFix{Path: path, NewText: text, Add: true}
		if edits := editsOf(d, &fix); edits != nil {
			f.Fixes = append(f.Fixes, diag.Fix{Message: fmt.Sprintf("add %s: %s", lastName(path), text), Edits: edits})
		}
	}
	if element, ok := tornElement(d, path); ok {
		element.enrich(d, f)
		return
	}
	switch {
	case strings.HasSuffix(path, ".pathType"):
		f.Help = "say how the path matches: pathType: Prefix, Exact or ImplementationSpecific"
		add("Prefix")
	case strings.HasSuffix(path, ".restartPolicy"):
		f.Help = "the pods of a Job end: write restartPolicy: OnFailure or restartPolicy: Never"
		add("OnFailure")
	case strings.HasSuffix(path, ".target.type") && d.Object.Kind == "HorizontalPodAutoscaler":
		target, _ := valueOf(d, strings.TrimSuffix(path, ".type")).(map[string]any)
		for _, t := range metricTargets {
			if target[t.value] != nil {
				f.Help = fmt.Sprintf("with %s it is type: %s", t.value, t.typ)
				add(t.typ)
				return
			}
		}
	case path == "spec.resources.requests[storage]":
		f.Help = "say how much: resources: {requests: {storage: 10Gi}}"
		requests, _ := valueOf(d, "spec.resources.requests").(map[string]any)
		if wrong := nearest("storage", sortedKeys(requests)); wrong != "" {
			suggestField(d, f, "spec.resources.requests."+wrong, "storage")
			f.Range = keyRange(d.Find("spec.resources.requests." + wrong))
		}
	case path == "spec.selector":
		labels, _ := valueOf(d, "spec.template.metadata.labels").(map[string]any)
		if len(labels) > 0 {
			f.Help = fmt.Sprintf("select the pods by their labels: selector: {matchLabels: %s}", flowText(labels))
			add(flowText(map[string]any{"matchLabels": labels}))
		} else {
			f.Help = "select the pods by the labels of their template: selector: {matchLabels: {app: ...}}"
		}
	case strings.HasSuffix(path, ".name") && strings.HasPrefix(path, "spec.ports[") && d.Object.Kind == "Service":
		f.Help = "each of several ports has a name"
		if fix, ok := portNames(d); ok {
			f.Help += ": " + strings.TrimPrefix(fix.Message, "name the ports: ")
			f.Fixes = append(f.Fixes, fix)
		}
	case strings.HasSuffix(path, ".name") && strings.Contains(path, "ontainers[") && !strings.Contains(c.Message, ":"):
		f.Help = "every element of the list has a name"
	case strings.HasSuffix(path, ".apiGroups"):
		f.Help = `say of which API groups the resources are: apiGroups: [""] has pods, services and secrets, apiGroups: [apps] deployments`
		if group, found := t.groupOfResources(d, sibling(path, "resources")); found {
			f.Help = fmt.Sprintf("the resources are of apiGroups: [%s]", scalarText(group))
			if group == "" {
				f.Help = `the resources are of the core group: apiGroups: [""]`
			}
			add("[" + scalarText(group) + "]")
		}
	case strings.HasPrefix(path, "data[") && d.Object.Kind == "Secret":
		f.Help = fmt.Sprintf(
			"a Secret of type %s has %s; text of any form is of type Opaque", secretType(d),
			listedNames(secretKeys[secretType(d)], "and"),
		)
	case path == "spec.scaleTargetRef.kind" && !d.Find("spec.scaleTargetRef.apiVersion").Exact:
		f.Help = "write apiVersion: apps/v1 and kind: Deployment beside the name"
	case strings.Contains(c.Message, noTarget):
		target := strings.TrimSuffix(path, ".averageUtilization")
		f.Help = "write averageUtilization: 80 for percents of the request, or averageValue: 500m for an amount"
		if n, isNumber := valueOf(d, target+".value").(int64); isNumber {
			f.Help = fmt.Sprintf("a resource has no value of its own: did you mean averageUtilization: %d?", n)
			if p := d.Find(target + ".value"); p.Exact && p.Key.IsValid() {
				f.Fixes = append(
					f.Fixes, replaceFix(p.Key, requote(d, p.Key, "averageUtilization"), "write averageUtilization"),
				)
			}
		}
	case strings.Contains(c.Message, "must specify a metric target type"):
		f.Help = "say what the number is: type: Utilization for averageUtilization, AverageValue for averageValue, or Value for value"
	case strings.Contains(c.Message, "must set either a target value") ||
		strings.Contains(c.Message, "a positive target averageValue"):
		f.Help = "write averageValue: with the amount for each pod: averageValue: \"100\""
	case strings.Contains(c.Message, "given metric source"):
		f.Help = fmt.Sprintf(
			"write %s: {name: cpu, target: {type: Utilization, averageUtilization: 80}}", lastName(path),
		)
		if name := lastName(path); name != "resource" && name != "containerResource" {
			f.Help = fmt.Sprintf(
				"write %s: {metric: {name: ...}, target: {type: AverageValue, averageValue: ...}}", name,
			)
		}
	case path == "metadata.name":
		f.Help = "write metadata: {name: ...}, or generateName: for a name that the server draws"
	default:
		f.Help = t.example(d, path)
	}
}

// example says how a field that is missing is written.
func (t *target) example(d *manifest.Document, path string) string {
	kind := t.kindOf(d)
	if kind == nil || strings.HasSuffix(path, "]") {
		return ""
	}
	f, err := kind.Field(t.schemaPath(d, verdict.Cause{Path: path}))
	if err != nil { // the server names it as its internal form does
		return fmt.Sprintf("add %s: with a value", lastName(path))
	}
	verb := "add"
	if d.Find(path).Exact {
		verb = "write"
	}
	item, isList := strings.CutPrefix(f.Type, "[]")
	switch {
	case f.Type == "[]Container":
		return verb + " the containers: containers: [{name: ..., image: ...}]"
	case isList:
		return fmt.Sprintf("%s %s: %s", verb, f.Name, listExample(slot{d, path, f}, item))
	case len(f.Enum) > 0 && len(f.Enum) <= maxNamed:
		return fmt.Sprintf("%s %s: %s", verb, f.Name, strings.Join(enumValues(f), " or "))
	case f.Name == "image":
		return verb + " image: with the name and the tag of an image: registry.example.com/web:1.2"
	case f.Type == "string":
		return fmt.Sprintf("%s %s: with a text", verb, f.Name)
	case f.Type == "integer" || f.Type == "number":
		return fmt.Sprintf("%s %s: with a number", verb, f.Name)
	case f.Type == "boolean":
		return fmt.Sprintf("%s %s: true or false", verb, f.Name)
	case strings.HasPrefix(f.Type, "map["):
		return fmt.Sprintf("%s %s: with keys and their values", verb, f.Name)
	}
	if names := fieldNames(f); names != "" {
		return fmt.Sprintf("%s %s: with its fields: %s", verb, f.Name, names)
	}
	return ""
}

// groupOfResources returns the API group of all resources of a list, if they have one in common.
func (t *target) groupOfResources(d *manifest.Document, path string) (group string, found bool) {
	list, _ := valueOf(d, path).([]any)
	for _, it := range list {
		name, _ := it.(string)
		name, _, _ = strings.Cut(name, "/")
		i := slices.IndexFunc(
			t.store().Kinds(), func(k *schema.Kind) bool { return k.Resource == name && schema.IsStable(k.Version) },
		)
		if i < 0 {
			return "", false
		}
		next := t.store().Kinds()[i].Group
		if found && next != group {
			return "", false
		}
		group, found = next, true
	}
	return group, found
}

// secretKeys are the keys that Secrets of a type have.
var secretKeys = map[string][]string{
	"kubernetes.io/tls": {"tls.crt", "tls.key"}, "kubernetes.io/dockerconfigjson": {".dockerconfigjson"},
	"kubernetes.io/dockercfg": {".dockercfg"}, "kubernetes.io/ssh-auth": {"ssh-privatekey"},
	"kubernetes.io/basic-auth": {"username", "password"},
}

func secretType(d *manifest.Document) string {
	typ, _ := d.Value()["type"].(string)
	return typ
}

// portNames names the ports of a Service that have no name.
func portNames(d *manifest.Document) (diag.Fix, bool) {
	ports, _ := valueOf(d, "spec.ports").([]any)
	fix := diag.Fix{}
	var said []string
	used := map[string]bool{}
	for _, name := range namesOf(d, "spec.ports") {
		used[name] = true
	}
	for i, it := range ports {
		port, _ := it.(map[string]any)
		if port["name"] != nil {
			continue
		}
		name := map[string]string{
			"80": "http", "443": "https", "53": "dns", "9090": "metrics", "5432": "postgres",
		}[fmt.Sprint(port["port"])]
		if name == "" || used[name] {
			name = fmt.Sprintf("port-%v", port["port"])
		}
		if used[name] {
			return diag.Fix{}, false
		}
		used[name] = true
		add := PathFix{Path: fmt.Sprintf("spec.ports[%d].name", i), NewText: name, Add: true}
		edits := editsOf(d, &add)
		if edits == nil {
			return diag.Fix{}, false
		}
		fix.Edits = append(fix.Edits, edits...)
		said = append(said, "name: "+name)
	}
	slices.SortStableFunc(
		fix.Edits, func(a, b source.Edit) int { return cmp.Compare(a.Range.Start.Offset, b.Range.Start.Offset) },
	)
	fix.Message = "name the ports: " + strings.Join(said, ", ")
	return fix, len(said) > 0
}

// followsCause reports whether one of several causes says the same as another one does with a way out.
func followsCause(d *manifest.Document, causes []verdict.Cause, i int) bool {
	c := causes[i]
	before := func(says func(o verdict.Cause) bool) bool {
		return slices.ContainsFunc(
			causes[:i], func(o verdict.Cause) bool { return o.Class == verdict.Invalid && says(o) },
		)
	}
	another := func(says func(o verdict.Cause) bool) bool {
		return slices.ContainsFunc(
			causes, func(o verdict.Cause) bool { return o.Class == verdict.Invalid && !o.Same(c) && says(o) },
		)
	}
	required := strings.HasPrefix(c.Message, "Required value")
	switch {
	case required && isOneOfSeveral(d, c):
		return before(func(o verdict.Cause) bool {
			return strings.HasPrefix(o.Message, "Required value") && isOneOfSeveral(d, o)
		})
	case c.Path == "spec.scaleTargetRef.apiVersion" && !d.Find(c.Path).Exact:
		return another(func(o verdict.Cause) bool { return o.Path == "spec.scaleTargetRef.kind" })
	case strings.Contains(c.Message, "rules cannot apply to both regular resources and non-resource URLs"):
		return another(func(o verdict.Cause) bool {
			return o.Path == c.Path && strings.Contains(o.Message, "namespaced rules cannot")
		})
	case strings.Contains(c.Message, "`selector` does not match template `labels`"): // of a Job, which goes without
		return another(
			func(o verdict.Cause) bool { return strings.Contains(o.Message, "`selector` not auto-generated") },
		)
	case isOfTorn(d, causes[:i], c):
		return true
	case strings.HasPrefix(c.Message, "Not found") && mountingPod(c.Path) != "":
		volume := volumeNamed(d, c.Path, fmt.Sprint(valueOf(d, c.Path)))
		return volume != "" && another(func(o verdict.Cause) bool { return isBelow(o.Path, volume) })
	}
	return false
}

// isOneOfSeveral reports whether a cause is about one of several values that one finding names: keys of a Secret, or
// names of the ports of a Service.
func isOneOfSeveral(d *manifest.Document, c verdict.Cause) bool {
	return d.Object.Kind == "Secret" && strings.HasPrefix(c.Path, "data[") ||
		d.Object.Kind == "Service" && strings.HasPrefix(c.Path, "spec.ports[") && strings.HasSuffix(c.Path, ".name")
}

// whenPattern matches what a message says of a field that may not stand beside another value.
var whenPattern = regexp.MustCompile("(?:when|unless|if) (?:strategy )?`(\\w+)` is ")

// forbiddenWays lists what to do about fields that validation forbids. The first pattern that matches counts.
var forbiddenWays = []struct {
	message *regexp.Regexp
	help    string
}{
	{
		regexp.MustCompile(`may not be specified when strategy .type. is 'Recreate'`),
		"remove rollingUpdate, or write type: RollingUpdate",
	},
	{regexp.MustCompile(`may not be used when .type. is 'ClusterIP'`), "write type: NodePort, or remove it"},
	{regexp.MustCompile(`may not be specified when .operator. is`), "remove values, or write operator: In or NotIn"},
	{regexp.MustCompile(`may not specify more than 1`), "keep one of the two"},
	{
		regexp.MustCompile(`may not specify both ipBlock and another peer`),
		"write two peers, each with a dash of its own: one with ipBlock, one with the selectors",
	},
	{
		regexp.MustCompile(`at least one Object or External metric to support scaling to zero`),
		"write minReplicas: 1, or scale by a metric of type Object or External",
	},
}

// enrichForbidden says how to go on where validation forbids a field.
func enrichForbidden(d *manifest.Document, f *diag.Diagnostic, path string, c verdict.Cause) {
	for _, ways := range forbiddenWays {
		if ways.message.MatchString(c.Message) {
			f.Help = ways.help
			break
		}
	}
	if strings.Contains(c.Message, "scaling to zero") {
		help := f.Help
		advice{meant: "1", bare: true}.suggest(d, f, "spec.minReplicas", "0")
		f.Help = help
		return
	}
	if f.Help != "" || !d.Find(path).Exact || path == "" || strings.HasSuffix(path, "]") {
		return
	}
	f.Help = "remove " + lastName(path)
	if m := whenPattern.FindStringSubmatch(c.Message); m != nil {
		f.Help += ", or write another " + m[1]
	}
}
