package lint

import (
	"fmt"
	"math"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
)

// A meaning is what was most likely meant by a value of the wrong type.
type meaning struct {
	value any    // of the right type; nil: nobody can say
	words string // what to write
	// draft says that parts of the value are known to the author alone: the rest of the object can be judged by it, but
	// it cannot be written.
	draft bool
}

// known reports whether there is a value.
func (m meaning) known() bool { return m.value != nil }

// A slot is a place in an object where a value of another type is wanted.
type slot struct {
	d     *manifest.Document
	path  string
	field *schema.Field
}

// name returns the name of the field.
func (s slot) name() string { return lastName(s.path) }

// mapping returns a meaning that is an object, and says so.
func mapping(value map[string]any) meaning {
	return meaning{value: value, words: "write it as " + flowText(value)}
}

// draft returns a meaning that is an object with parts that only the author knows, written as "..." in what it says.
func draft(value map[string]any) meaning {
	said := map[string]any{}
	filled := map[string]any{}
	for name, v := range value {
		said[name], filled[name] = v, v
		if blank, ok := v.(open); ok {
			said[name], filled[name] = literal("..."), blank.filled
		}
	}
	return meaning{value: filled, words: "write it as " + flowText(said), draft: true}
}

// open is a part of a draft that only the author knows, with something that stands in for it.
type open struct{ filled any }

// literal is text of a message that is not quoted.
type literal string

var numberWords = []string{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"}

var (
	numberWithUnit = regexp.MustCompile(`^(\d+(?:\.\d+)?)\s*(%|[A-Za-z]+)$`)
	thousands      = regexp.MustCompile(`^\d{1,3}(?:[,_']\d{3})+$`)
	portPair       = regexp.MustCompile(`^(\d{1,5}):(\d{1,5})$`)
	portProtocol   = regexp.MustCompile(`^(?i)(\d{1,5})/(tcp|udp|sctp)$`)
)

// integerMeant is for what stands where a whole number is wanted.
func integerMeant(name string, v any) meaning {
	switch v := v.(type) {
	case float64:
		if strings.HasSuffix(name, "averageUtilization") && v > 0 && v < 1 {
			n := int64(math.Round(v * 100))
			return meaning{value: n, words: fmt.Sprintf("did you mean %d? The field counts percents", n)}
		}
		low := int64(v)
		return meaning{words: fmt.Sprintf("write a whole number: %d or %d", low, low+1)}
	case string:
		return textForInteger(name, strings.TrimSpace(v))
	case []any:
		if len(v) == 1 {
			if n, isNumber := v[0].(int64); isNumber {
				return meaning{value: n, words: "remove the brackets: the field takes one number"}
			}
		}
	}
	return meaning{words: "write a whole number"}
}

func textForInteger(name, text string) meaning {
	mode := strings.HasSuffix(strings.ToLower(name), "mode")
	if n, err := strconv.ParseInt(text, 8, 64); err == nil && mode {
		return meaning{
			value: n, draft: true,
			words: fmt.Sprintf(
				"write the mode without quotes, and with a 0 before it: 0%s", strings.TrimLeft(text, "0"),
			),
		}
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if !decimal.MatchString(text) {
			return meaning{value: n, words: fmt.Sprintf("did you mean %d? A number does not begin with 0", n)}
		}
		return meaning{value: n, words: "remove the quotes: the field is a number"}
	}
	if n := slices.Index(numberWords, strings.ToLower(text)); n >= 0 {
		return meaning{value: int64(n), words: fmt.Sprintf("did you mean %d?", n)}
	}
	if plainText := strings.NewReplacer(",", "", "_", "", "'", "").Replace(
		text,
	); plainText != text && thousands.MatchString(text) {
		if n, err := strconv.ParseInt(plainText, 10, 64); err == nil {
			return meaning{value: n, words: fmt.Sprintf("did you mean %d?", n)}
		}
	}
	if f, err := strconv.ParseFloat(text, 64); err == nil && f == float64(int64(f)) {
		return meaning{value: int64(f), words: fmt.Sprintf("did you mean %d?", int64(f))}
	}
	if strings.HasSuffix(name, "ort") { // port, containerPort, nodePort
		return textForPort(name, text)
	}
	if m := numberWithUnit.FindStringSubmatch(text); m != nil {
		return numberOf(name, text, m[1], m[2])
	}
	if name == "runAsUser" || name == "runAsGroup" || name == "fsGroup" {
		if text == "root" {
			return meaning{value: int64(0), words: "did you mean 0? It is the number of root"}
		}
		return meaning{words: "write the number of the user or group, not its name: 1000"}
	}
	return meaning{words: "write a whole number, without quotes or a unit"}
}

// numberOf is for a number with a unit where the number alone is wanted.
func numberOf(name, text, number, unit string) meaning {
	n, err := strconv.ParseInt(number, 10, 64)
	if unit == "%" && err == nil {
		return meaning{value: n, words: fmt.Sprintf("did you mean %d? The field takes the number without %%", n)}
	}
	if strings.Contains(name, "Seconds") {
		short := strings.ToLower(strings.ReplaceAll(text, " ", ""))
		for _, long := range [][2]string{{"seconds", "s"}, {"second", "s"}, {"secs", "s"}, {"sec", "s"},
			{"minutes", "m"},
			{"minute", "m"}, {"mins", "m"}, {"min", "m"}, {"hours", "h"}, {"hour", "h"}} {
			if cut, ok := strings.CutSuffix(short, long[0]); ok {
				short = cut + long[1]
				break
			}
		}
		if span, parseErr := time.ParseDuration(short); parseErr == nil && span >= time.Second &&
			span%time.Second == 0 {
			seconds := int64(span / time.Second)
			return meaning{value: seconds, words: fmt.Sprintf("did you mean %d? The field counts seconds", seconds)}
		}
	}
	return meaning{words: "write a whole number, without quotes or a unit"}
}

// textForPort is for a text where the number of a port is wanted.
func textForPort(name, text string) meaning {
	if m := portPair.FindStringSubmatch(text); m != nil {
		outer, _ := strconv.ParseInt(m[1], 10, 64)
		inner, _ := strconv.ParseInt(m[2], 10, 64)
		if name == "containerPort" {
			return meaning{
				value: inner,
				words: fmt.Sprintf("did you mean %d? A container has no port of its own on the outside", inner),
			}
		}
		return meaning{value: outer, draft: true,
			words: fmt.Sprintf("write the two apart: port: %d, targetPort: %d", outer, inner)}
	}
	if m := portProtocol.FindStringSubmatch(text); m != nil {
		n, _ := strconv.ParseInt(m[1], 10, 64)
		return meaning{
			value: n, draft: true,
			words: fmt.Sprintf("write the two apart: %s: %d, protocol: %s", name, n, strings.ToUpper(m[2])),
		}
	}
	switch name {
	case "port":
		return meaning{value: int64(80), draft: true,
			words: "write the number of the port: 80; targetPort takes the name of a container's port"}
	case "nodePort":
		return meaning{words: "write a number from 30000 to 32767, or leave the field out: Kubernetes chooses one"}
	}
	return meaning{value: int64(80), draft: true, words: "write the number of the port: 8080; its name goes to name"}
}

// booleanMeant is for what stands where true or false is wanted.
func booleanMeant(v any) meaning {
	word := strings.ToLower(strings.TrimSpace(fmt.Sprint(v)))
	switch {
	case slices.Contains([]string{"true", "yes", "on", "y", "1", "enabled", "enable"}, word):
		return meaning{value: true, words: "write true: the field is a boolean"}
	case slices.Contains([]string{"false", "no", "off", "n", "0", "disabled", "disable"}, word):
		return meaning{value: false, words: "write false: the field is a boolean"}
	}
	return meaning{words: "write true or false"}
}

// textMeant is for what stands where one text is wanted.
func textMeant(s slot, v any) meaning {
	switch v := v.(type) {
	case int64, float64, bool:
		return meaning{value: fmt.Sprint(v), words: "quote the value: the field is a string"}
	case []any:
		if len(v) == 1 {
			if text, isText := v[0].(string); isText {
				return meaning{value: text, words: "remove the brackets or the dash: the field takes one text"}
			}
		}
		return meaning{words: "write one text"}
	case map[string]any:
		if len(v) == 1 && strings.HasSuffix(s.path, "]") {
			if text := asSentence(v); text != "" {
				return meaning{value: text, words: "write one text: " + scalarText(text)}
			}
		}
		if len(v) == 1 {
			for _, name := range []string{"name", "value"} {
				if text, isText := v[name].(string); isText {
					return meaning{value: text, words: "write the text alone: " + scalarText(text)}
				}
			}
		}
		return meaning{words: "write one text; one of several lines stands indented below KEY: |"}
	}
	return meaning{words: "write one text"}
}

// asSentence returns an option or a sentence with a colon that was read as a key and its value; empty if it is neither.
func asSentence(m map[string]any) string {
	for key, value := range m {
		switch value.(type) {
		case string, int64, float64, bool:
			if strings.HasPrefix(key, "-") {
				return fmt.Sprintf("%s=%v", key, value)
			}
			if key != "name" && key != "value" {
				return fmt.Sprintf("%s: %v", key, value)
			}
		}
	}
	return ""
}

// pairsOf reads key=value,key=value, or key: value.
func pairsOf(text string) map[string]any {
	if set, err := labels.ConvertSelectorToLabelsMap(text); err == nil && len(set) > 0 {
		pairs := map[string]any{}
		for key, value := range set {
			pairs[key] = value
		}
		return pairs
	}
	if key, value, ok := strings.Cut(text, ":"); ok && key != "" && !strings.ContainsAny(key, " /") {
		return map[string]any{key: strings.TrimSpace(value)}
	}
	return nil
}

// mapMeant is for what stands where a mapping of keys to values is wanted.
func mapMeant(s slot, item string, v any) meaning {
	if item == "Quantity" {
		return resourcesMeant(s, v)
	}
	if item != "string" {
		return meaning{words: "write keys with their values"}
	}
	example := "write keys with their values: {app: web}"
	switch v := v.(type) {
	case string:
		if s.path == "data" || s.path == "stringData" || s.path == "binaryData" {
			return meaning{words: fmt.Sprintf("give the text a key: %s: {KEY: ...}", s.path)}
		}
		if pairs := pairsOf(v); pairs != nil {
			return mapping(pairs)
		}
	case []any:
		if pairs := pairsInList(v); pairs != nil {
			return meaning{value: pairs, words: "write it without dashes: " + flowText(pairs)}
		}
	}
	return meaning{words: example}
}

// pairsInList merges the elements of a list into one mapping: app=web, {app: web}, or {name: app, value: web}.
func pairsInList(list []any) map[string]any {
	pairs := map[string]any{}
	for _, it := range list {
		var one map[string]any
		switch it := it.(type) {
		case string:
			one = pairsOf(it)
		case map[string]any:
			one = it
			for _, key := range []string{"name", "key"} {
				if name, isText := it[key].(string); isText && len(it) == 2 && it["value"] != nil {
					one = map[string]any{name: it["value"]}
				}
			}
		}
		if len(one) == 0 {
			return nil
		}
		for key, value := range one {
			text, isText := value.(string)
			if _, twice := pairs[key]; twice || !isText {
				return nil
			}
			pairs[key] = text
		}
	}
	return pairs
}

var bytesUnit = regexp.MustCompile(`[KMGTPE]i?$`)

// resourcesMeant is for one quantity where quantities by resource are wanted.
func resourcesMeant(s slot, v any) meaning {
	text := fmt.Sprint(v)
	meant, ok := text, isQuantity(text)
	if !ok {
		meant, ok = quantityMeant(text)
	}
	switch v.(type) {
	case string, int64, float64:
	default:
		ok = false
	}
	if !ok {
		return meaning{words: "write resources with their amounts: {cpu: 500m, memory: 128Mi}"}
	}
	resource := "cpu"
	switch {
	case s.d.Object.Kind == "PersistentVolumeClaim" || strings.Contains(s.path, "volumeClaimTemplate"),
		s.path == "spec.capacity":
		resource = "storage"
	case bytesUnit.MatchString(meant):
		resource = "memory"
	}
	return mapping(map[string]any{resource: meant})
}

// textObjects says what is meant by a text where an object of a type is wanted.
var textObjects = map[string]func(s slot, text string) meaning{
	"HTTPGetAction": func(_ slot, text string) meaning {
		if n, err := strconv.ParseInt(strings.TrimPrefix(text, ":"), 10, 64); err == nil {
			return mapping(map[string]any{"path": "/", "port": n})
		}
		return draft(map[string]any{"path": text, "port": open{int64(80)}})
	},
	"TCPSocketAction": func(_ slot, text string) meaning { return mapping(map[string]any{"port": portOf(text)}) },
	"ExecAction":      func(_ slot, text string) meaning { return mapping(map[string]any{"command": words(text)}) },
	"LifecycleHandler": func(_ slot, text string) meaning {
		return mapping(map[string]any{"exec": map[string]any{"command": words(text)}})
	},
	"Probe":                             probeMeant,
	"SecretVolumeSource":                wrapIn("secretName"),
	"PersistentVolumeClaimVolumeSource": wrapIn("claimName"),
	"EmptyDirVolumeSource": func(_ slot, text string) meaning {
		if strings.EqualFold(text, "memory") {
			return mapping(map[string]any{"medium": "Memory"})
		}
		return mapping(map[string]any{})
	},
	"NFSVolumeSource": func(_ slot, text string) meaning {
		if server, at, ok := strings.Cut(text, ":"); ok && strings.HasPrefix(at, "/") {
			return mapping(map[string]any{"server": server, "path": at})
		}
		return draft(map[string]any{"server": open{"a"}, "path": open{"/"}})
	},
	"EnvVar": func(_ slot, text string) meaning {
		if name, value, both := strings.Cut(text, "="); both && name != "" {
			return mapping(map[string]any{"name": name, "value": value})
		}
		if name, value, both := strings.Cut(text, ": "); both && name != "" {
			return mapping(map[string]any{"name": name, "value": value})
		}
		return draft(map[string]any{"name": text, "value": open{"a"}})
	},
	"EnvFromSource": func(_ slot, text string) meaning {
		return meaning{draft: true, value: map[string]any{"configMapRef": map[string]any{"name": text}},
			words: fmt.Sprintf("write {configMapRef: {name: %[1]s}} or {secretRef: {name: %[1]s}}", scalarText(text))}
	},
	"VolumeMount": mountMeant,
	"Volume": func(_ slot, text string) meaning {
		return draft(map[string]any{"name": text, "emptyDir": open{map[string]any{}}})
	},
	"Container": func(_ slot, text string) meaning {
		if strings.ContainsAny(text, "/:") {
			name := path.Base(strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == '@' })[0])
			return mapping(map[string]any{"name": name, "image": text})
		}
		return draft(map[string]any{"name": text, "image": open{"a"}})
	},
	"ContainerPort": func(_ slot, text string) meaning { return portMeant("containerPort", text) },
	"ServicePort":   func(_ slot, text string) meaning { return portMeant("port", text) },
	"RoleRef": func(s slot, text string) meaning {
		kind := map[string]any{"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": text}
		if s.d.Object.Kind == "ClusterRoleBinding" {
			return mapping(kind)
		}
		m := mapping(kind)
		m.draft = true
		m.words = fmt.Sprintf(
			"write it as {apiGroup: rbac.authorization.k8s.io, kind: Role, name: %s}, or with kind: ClusterRole",
			scalarText(text),
		)
		return m
	},
	"Subject": func(_ slot, text string) meaning {
		return draft(map[string]any{"kind": "ServiceAccount", "name": text, "namespace": open{"default"}})
	},
	"SecretKeySelector":    keyMeant,
	"ConfigMapKeySelector": keyMeant,
	"Toleration": func(_ slot, text string) meaning {
		key, value, both := strings.Cut(text, "=")
		if both {
			return mapping(map[string]any{"key": key, "operator": "Equal", "value": value})
		}
		return mapping(map[string]any{"key": text, "operator": "Exists"})
	},
	"LabelSelector": func(_ slot, text string) meaning {
		if pairs := pairsOf(text); pairs != nil {
			return mapping(map[string]any{"matchLabels": pairs})
		}
		return meaning{words: "write the labels of what it selects: {matchLabels: {app: web}}"}
	},
	"ResourceRequirements": func(s slot, text string) meaning {
		m := resourcesMeant(s, text)
		if !m.known() {
			return meaning{words: "write {requests: {cpu: 500m, memory: 128Mi}}, and limits alike"}
		}
		m = mapping(map[string]any{"requests": m.value})
		m.words += ", and limits alike"
		m.draft = true
		return m
	},
	"VolumeResourceRequirements": func(s slot, text string) meaning {
		m := resourcesMeant(s, text)
		if m.known() {
			return mapping(map[string]any{"requests": m.value})
		}
		return meaning{words: "write {requests: {storage: 10Gi}}"}
	},
	"ObjectMeta": func(_ slot, text string) meaning {
		if notInName.MatchString(text) {
			return meaning{words: "write {name: ...}"}
		}
		return mapping(map[string]any{"name": text})
	},
	"CustomResourceDefinitionVersion": func(_ slot, text string) meaning {
		m := draft(map[string]any{"name": text, "served": true, "storage": true,
			"schema": open{map[string]any{"openAPIV3Schema": map[string]any{"type": "object"}}}})
		m.words = fmt.Sprintf(
			"write it as {name: %s, served: true, storage: true, schema: {openAPIV3Schema: ...}}", scalarText(text),
		)
		return m
	},
	"HTTPIngressPath": func(_ slot, text string) meaning {
		return meaning{
			words: fmt.Sprintf(
				"write {path: %s, pathType: Prefix, backend: {service: {name: ..., port: {number: 80}}}}",
				scalarText(text),
			),
		}
	},
	"IngressRule": func(_ slot, text string) meaning {
		return mapping(map[string]any{"host": text})
	},
	"IngressBackend": func(_ slot, text string) meaning {
		service := map[string]any{"name": text, "port": map[string]any{"number": int64(80)}}
		return meaning{value: map[string]any{"service": service}, draft: true,
			words: fmt.Sprintf("write it as {service: {name: %s, port: {number: ...}}}", scalarText(text))}
	},
	"IngressServiceBackend": func(_ slot, text string) meaning {
		return draft(map[string]any{"name": text, "port": open{map[string]any{"number": int64(80)}}})
	},
	"IngressTLS": func(_ slot, text string) meaning { return mapping(map[string]any{"secretName": text}) },
	"ServiceBackendPort": func(_ slot, text string) meaning {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return mapping(map[string]any{"number": n})
		}
		return mapping(map[string]any{"name": text})
	},
	"CrossVersionObjectReference": func(_ slot, text string) meaning {
		return draft(map[string]any{"apiVersion": "apps/v1", "kind": "Deployment", "name": text})
	},
	"SecurityContext":    func(slot, string) meaning { return meaning{words: "write a mapping: {runAsNonRoot: true}"} },
	"PodSecurityContext": func(slot, string) meaning { return meaning{words: "write a mapping: {runAsNonRoot: true}"} },
	"Capabilities": func(_ slot, text string) meaning {
		return meaning{words: fmt.Sprintf("write {add: [%[1]s]} or {drop: [%[1]s]}", scalarText(text))}
	},
	"IPBlock": wrapIn("cidr"),
	"PolicyRule": func(slot, string) meaning {
		return meaning{words: `write {apiGroups: [""], resources: [pods], verbs: [get, list]}`}
	},
	"MetricTarget": func(_ slot, text string) meaning {
		if n, err := strconv.ParseInt(strings.TrimSuffix(text, "%"), 10, 64); err == nil {
			return mapping(map[string]any{"type": "Utilization", "averageUtilization": n})
		}
		if q, ok := quantityMeant(text); ok {
			return mapping(map[string]any{"type": "AverageValue", "averageValue": q})
		}
		return meaning{words: "write {type: Utilization, averageUtilization: 80}"}
	},
}

// numberObjects are the fields of types to which a number belongs that stands where an object is wanted.
var numberObjects = map[string]string{
	"TCPSocketAction": "port", "GRPCAction": "port", "ContainerPort": "containerPort", "ServicePort": "port",
	"NetworkPolicyPort":  "port",
	"ServiceBackendPort": "number",
}

// wrapIn returns a meaning of a text that is the value of one field.
func wrapIn(field string) func(slot, string) meaning {
	return func(_ slot, text string) meaning { return mapping(map[string]any{field: text}) }
}

// portOf returns a port as a number if it is one.
func portOf(text string) any {
	if n, err := strconv.ParseInt(strings.TrimPrefix(text, ":"), 10, 64); err == nil {
		return n
	}
	return text
}

func portMeant(field, text string) meaning {
	if m := portPair.FindStringSubmatch(text); m != nil {
		if field == "containerPort" {
			return mapping(map[string]any{field: portOf(m[2])})
		}
		return mapping(map[string]any{field: portOf(m[1]), "targetPort": portOf(m[2])})
	}
	if m := portProtocol.FindStringSubmatch(text); m != nil {
		return mapping(map[string]any{field: portOf(m[1]), "protocol": strings.ToUpper(m[2])})
	}
	if n, isNumber := portOf(text).(int64); isNumber {
		return mapping(map[string]any{field: n})
	}
	return draft(map[string]any{"name": text, field: open{int64(80)}})
}

func probeMeant(_ slot, text string) meaning {
	if n, isNumber := portOf(text).(int64); isNumber {
		return mapping(map[string]any{"tcpSocket": map[string]any{"port": n}})
	}
	if strings.HasPrefix(text, "/") {
		return meaning{value: map[string]any{"httpGet": map[string]any{"path": text, "port": int64(80)}}, draft: true,
			words: fmt.Sprintf("write it as {httpGet: {path: %s, port: ...}}", scalarText(text))}
	}
	return mapping(map[string]any{"exec": map[string]any{"command": words(text)}})
}

// mountMeant is for the path of a mount, or volume:path.
func mountMeant(s slot, text string) meaning {
	volume, at, both := strings.Cut(text, ":")
	if both && strings.HasPrefix(at, "/") && !strings.HasPrefix(volume, "/") {
		return mapping(map[string]any{"name": volume, "mountPath": at})
	}
	if !strings.HasPrefix(text, "/") {
		return draft(map[string]any{"name": text, "mountPath": open{"/a"}})
	}
	at = text
	spec, _, _ := strings.Cut(s.path, "ontainers[")
	spec = spec[:max(0, strings.LastIndexByte(spec, '.'))]
	if names := namesOf(s.d, spec+".volumes"); len(names) == 1 {
		return mapping(map[string]any{"name": names[0], "mountPath": at})
	}
	return meaning{
		words: fmt.Sprintf(
			"write it as {name: VOLUME, mountPath: %s}, with a volume of this name in %s.volumes", scalarText(at), spec,
		),
	}
}

// keyMeant is for the name of a ConfigMap or Secret where one of its keys is wanted.
func keyMeant(_ slot, text string) meaning {
	for _, between := range []string{"/", ":"} {
		if name, key, both := strings.Cut(text, between); both {
			return mapping(map[string]any{"name": name, "key": key})
		}
	}
	return draft(map[string]any{"name": text, "key": open{"a"}})
}

// objectMeant is for what stands where an object is wanted: of a text or number the one thing that matters in it.
func objectMeant(s slot, typ string, v any) meaning {
	switch v := v.(type) {
	case string:
		if meant, ok := textObjects[typ]; ok {
			return meant(s, v)
		}
		if m := requiredText(s.field, v); m.words != "" && !strings.HasSuffix(typ, "Spec") {
			return m
		}
	case int64:
		if field := numberObjects[typ]; field != "" {
			return mapping(map[string]any{field: v})
		}
		if meant, ok := textObjects[typ]; ok {
			return meant(s, fmt.Sprint(v))
		}
		if m := requiredNumber(s.field, v); m.known() {
			return m
		}
	case bool:
		if typ == "SecurityContext" || typ == "PodSecurityContext" || typ == "EmptyDirVolumeSource" {
			return textObjects[typ](s, fmt.Sprint(v))
		}
	case []any:
		if m := elementAlone(s, typ, v); m.words != "" {
			return m
		}
	}
	return meaning{words: fieldsOf(s.field)}
}

// elementAlone is for a list where one object is wanted.
func elementAlone(s slot, typ string, list []any) meaning {
	if len(list) == 1 {
		if one, ok := list[0].(map[string]any); ok {
			return meaning{value: one, words: "remove the dash: the field is no list"}
		}
	}
	if typ == "ExecAction" {
		return mapping(map[string]any{"command": list})
	}
	if typ == "LabelSelector" {
		if pairs := pairsInList(list); pairs != nil {
			return mapping(map[string]any{"matchLabels": pairs})
		}
	}
	return meaning{}
}

// requiredNumber is for a number where an object is wanted that has one field for it.
func requiredNumber(f *schema.Field, n int64) meaning {
	if f == nil {
		return meaning{}
	}
	var name string
	for _, child := range f.Fields() {
		switch {
		case child.Type == "integer" && name == "" && child.Required:
			name = child.Name
		case child.Required:
			return meaning{}
		}
	}
	if name == "" {
		return meaning{}
	}
	return mapping(map[string]any{name: n})
}

// requiredText is for a text where an object is wanted that has one field for it: the required one, its type, or its
// name.
func requiredText(f *schema.Field, text string) meaning {
	if f == nil {
		return meaning{}
	}
	if name, value, both := strings.Cut(text, "="); both && name != "" && hasTexts(f.Fields(), "name", "value") {
		return mapping(map[string]any{"name": name, "value": value})
	}
	fields, required := map[string]*schema.Field{}, []*schema.Field{}
	for _, child := range f.Fields() {
		fields[child.Name] = child
		if child.Required {
			required = append(required, child)
		}
	}
	if len(required) == 1 && required[0].Type == "string" {
		return mapping(map[string]any{required[0].Name: enumMeant(required[0], text)})
	}
	if typ := fields["type"]; typ != nil && typ.Type == "string" && len(required) == 0 {
		if word := enumMeant(typ, text); word != text || slices.Contains(typ.Enum, any(text)) {
			return mapping(map[string]any{"type": word})
		}
	}
	if name := fields["name"]; name != nil && name.Type == "string" {
		value := map[string]any{"name": text}
		for _, child := range required {
			if child.Name == "name" {
				continue
			}
			if child.Type != "string" {
				return meaning{}
			}
			value[child.Name] = open{"a"}
		}
		if len(value) == 1 {
			return mapping(value)
		}
		return draft(value)
	}
	return meaning{}
}

// enumMeant returns the value of an enumeration that was meant by a text, or the text.
func enumMeant(f *schema.Field, text string) string {
	if best := nearest(text, enumValues(f)); best != "" {
		return best
	}
	return text
}

// enumValues returns the values of an enumeration as texts.
func enumValues(f *schema.Field) []string {
	values := make([]string, len(f.Enum))
	for i, v := range f.Enum {
		values[i] = fmt.Sprint(v)
	}
	return values
}

// maxNamed is how many fields a message names, at most.
const maxNamed = 6

// fieldsOf says which fields an object has.
func fieldsOf(f *schema.Field) string {
	if f == nil {
		return ""
	}
	if names := fieldNames(f); names != "" {
		return "write a mapping of its fields: " + names
	}
	return "write a mapping, such as {}"
}

// fieldNames names the first fields of an object, those that are required before others; empty if it has none.
func fieldNames(f *schema.Field) string {
	var required, rest []string
	for _, child := range f.Fields() {
		if child.Required {
			required = append(required, child.Name)
		} else {
			rest = append(rest, child.Name)
		}
	}
	names := slices.Concat(required, rest)
	if len(names) > maxNamed {
		names = append(names[:maxNamed], "...")
	}
	return strings.Join(names, ", ")
}
