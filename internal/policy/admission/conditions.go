package admission

import (
	"encoding/json"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/jmespath-community/go-jmespath"
	"github.com/jmespath-community/go-jmespath/pkg/functions"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apiserver/pkg/admission"

	"github.com/seatrial/seatrial/internal/policy/pattern"
)

// conditions are those of a rule of Kyverno: any of some, and all of others.
type conditions struct{ any, all []condition }

// condition compares what a key and a value say, both of which may have variables.
type condition struct {
	key, value        any
	operator, message string
}

// readConditions reads conditions; nil if there are none, or not in a form that is understood.
func readConditions(value any) *conditions {
	switch v := value.(type) {
	case []any: // all of them
		all, ok := readList(v)
		if !ok || len(all) == 0 {
			return nil
		}
		return &conditions{all: all}
	case map[string]any:
		anyOf, ok := readList(list(v, "any"))
		all, ok2 := readList(list(v, "all"))
		if !ok || !ok2 || len(anyOf)+len(all) == 0 {
			return nil
		}
		return &conditions{any: anyOf, all: all}
	}
	return nil
}

func readList(values []any) (all []condition, ok bool) {
	for _, v := range values {
		c, _ := v.(map[string]any)
		operator := text(c, "operator")
		if _, known := comparisons[operator]; !known {
			return nil, false
		}
		all = append(all, condition{c["key"], c["value"], operator, text(c, "message")})
	}
	return all, true
}

// hold reports whether the conditions hold, and which is the first that does. Where nothing may be missing, a variable
// that leads to nothing is an error, and else an empty text.
func (c *conditions) hold(req request, mayMiss bool) (holds bool, first *condition, err error) {
	for i := range c.any {
		does, err := c.any[i].holds(req, mayMiss)
		if err != nil {
			return false, &c.any[i], err
		}
		if does && first == nil {
			first = &c.any[i]
		}
	}
	if first == nil && len(c.any) > 0 {
		return false, nil, nil
	}
	for i := range c.all {
		does, err := c.all[i].holds(req, mayMiss)
		if err != nil || !does {
			return false, &c.all[i], err
		}
		if first == nil {
			first = &c.all[i]
		}
	}
	return true, first, nil
}

func (c *condition) holds(req request, mayMiss bool) (bool, error) {
	key, err := req.substitute(c.key, mayMiss)
	if err != nil {
		return false, err
	}
	value, err := req.substitute(c.value, mayMiss)
	if err != nil {
		return false, err
	}
	return comparisons[c.operator](key, value), nil
}

// comparisons are the operators: they compare a key with a value.
var comparisons = map[string]func(key, value any) bool{
	"Equals": equals, "Equal": equals, "NotEquals": not(equals), "NotEqual": not(equals),
	"AnyIn": anyIn, "AllIn": allIn, "In": allIn, "AnyNotIn": not(allIn), "AllNotIn": not(anyIn), "NotIn": not(anyIn),
	"GreaterThan": ordered(">"), "GreaterThanOrEquals": ordered(">="), "LessThan": ordered("<"),
	"LessThanOrEquals": ordered("<="),
}

func not(f func(key, value any) bool) func(key, value any) bool {
	return func(key, value any) bool { return !f(key, value) }
}

func ordered(operator string) func(key, value any) bool {
	return func(key, value any) bool { return pattern.Compare(operator, fmt.Sprint(value), key) }
}

func equals(key, value any) bool {
	if want, ok := value.(string); ok {
		return pattern.Compare("", want, key)
	}
	if _, ok := key.(string); ok {
		return pattern.Scalar(value, key)
	}
	return reflect.DeepEqual(key, value)
}

// elements returns what is looked for: each element of a list, or the one value.
func elements(value any) []any {
	if list, ok := value.([]any); ok {
		return list
	}
	return []any{value}
}

func in(value any) func(any) bool {
	if text, ok := value.(string); ok { // a list as text, or a range
		var list []any
		if json.Unmarshal([]byte(text), &list) == nil {
			value = list
		} else {
			return func(key any) bool { return pattern.Scalar(text, key) }
		}
	}
	return func(key any) bool {
		return slices.ContainsFunc(elements(value), func(v any) bool { return equals(key, v) })
	}
}

func anyIn(key, value any) bool { return slices.ContainsFunc(elements(key), in(value)) }

func allIn(key, value any) bool { return !slices.ContainsFunc(elements(key), negated(in(value))) }

func negated(f func(any) bool) func(any) bool { return func(v any) bool { return !f(v) } }

// objectField matches a field of the object in an expression, up to the first list.
var objectField = regexp.MustCompile(`\brequest\.object\.([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)`)

// field returns the field that the key of a condition names; empty if it names none, or several that have none above
// them.
func (c *condition) field() string {
	key, _ := c.key.(string)
	var found []string
	for _, m := range objectField.FindAllStringSubmatch(key, -1) {
		found = append(found, m[1])
	}
	return common(leaves(found))
}

// request is what variables of a policy may look at.
type request map[string]any

func newRequest(o *unstructured.Unstructured, a admission.Attributes) request {
	var object any
	if doc, err := o.MarshalJSON(); err == nil {
		_ = json.Unmarshal(doc, &object) // with numbers as JMESPath has them
	}
	groups := make([]any, 0, 3)
	for _, g := range a.GetUserInfo().GetGroups() {
		groups = append(groups, g)
	}
	return request{"request": map[string]any{
		"object": object, "operation": "CREATE", "name": o.GetName(), "namespace": a.GetNamespace(),
		"kind": map[string]any{
			"group": a.GetKind().Group, "version": a.GetKind().Version, "kind": a.GetKind().Kind,
		},
		"userInfo": map[string]any{"username": a.GetUserInfo().GetName(), "groups": groups},
	}}
}

var (
	variable     = regexp.MustCompile(`\{\{(.*?)\}\}`)
	functionCall = regexp.MustCompile(`([A-Za-z_]\w*)\(`)
	quoted       = regexp.MustCompile("'[^']*'|`[^`]*`|\"[^\"]*\"")
	// foreignName matches variables that stand for more than the request.
	foreignName = regexp.MustCompile(
		`\b(element|elementIndex|images|target|serviceAccountName|serviceAccountNamespace|globalContext)\b|\boldObject\b`)
)

// evaluable reports whether all variables in a value can be evaluated: their functions are those of JMESPath, and they
// look at the request alone.
func evaluable(value any) bool {
	switch v := value.(type) {
	case string:
		if strings.Contains(v, "$(") || strings.Contains(v, `\{{`) {
			return false
		}
		for _, m := range variable.FindAllStringSubmatch(v, -1) {
			if _, err := jmespath.Compile(strings.TrimSpace(m[1])); err != nil {
				return false
			}
			bare := quoted.ReplaceAllString(m[1], "''")
			if foreignName.MatchString(bare) || !strings.Contains(bare, "request.") || !knownFunctions(bare) {
				return false
			}
		}
	case []any:
		return !slices.ContainsFunc(v, negated(evaluable))
	case map[string]any:
		for key, below := range v {
			if strings.Contains(key, "{{") || !evaluable(below) {
				return false
			}
		}
	}
	return true
}

func knownFunctions(expression string) bool {
	for _, m := range functionCall.FindAllStringSubmatch(expression, -1) {
		if !slices.ContainsFunc(
			functions.GetDefaultFunctions(), func(f functions.FunctionEntry) bool { return f.Name == m[1] },
		) {
			return false
		}
	}
	return true
}

// substitute replaces the variables in a value by what they lead to.
func (r request) substitute(value any, mayMiss bool) (any, error) {
	switch v := value.(type) {
	case string:
		return r.substituteText(v, mayMiss)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			var err error
			if out[i], err = r.substitute(v[i], mayMiss); err != nil {
				return nil, err
			}
		}
		return out, nil
	case map[string]any:
		out := make(map[string]any, len(v))
		for key, below := range v {
			var err error
			if out[key], err = r.substitute(below, mayMiss); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return value, nil
}

func (r request) substituteText(text string, mayMiss bool) (any, error) {
	found := variable.FindAllStringSubmatchIndex(text, -1)
	if len(found) == 0 {
		return text, nil
	}
	var b strings.Builder
	end := 0
	for _, m := range found {
		expression := strings.TrimSpace(text[m[2]:m[3]])
		value, err := jmespath.Search(expression, map[string]any(r))
		if err != nil {
			return nil, fmt.Errorf("{{ %s }}: %w", expression, err)
		}
		if value == nil && !mayMiss {
			return nil, fmt.Errorf("the variable {{ %s }} leads to nothing", expression)
		}
		if value == nil {
			value = ""
		}
		if m[0] == 0 && m[1] == len(text) {
			return value, nil
		}
		b.WriteString(text[end:m[0]])
		b.WriteString(shown(value))
		end = m[1]
	}
	return b.String() + text[end:], nil
}

// shown returns a value as part of a text.
func shown(value any) string {
	if s, ok := value.(string); ok {
		return s
	}
	doc, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(doc)
}
