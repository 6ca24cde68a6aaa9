package pattern_test

import (
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/internal/policy/pattern"
)

// TestScalars holds values against patterns of one value: what is left of the bar fits, what is right of it does not.
func TestScalars(t *testing.T) {
	for want, values := range map[string]string{
		`"nginx"`:              `"nginx" | "nginx2", null, 1`,
		`"*"`:                  `"", "a", 1, true | null`,
		`"?*"`:                 `"a", "ab", 0 | "", null`,
		`"a?c*"`:               `"abc", "abcd" | "ac", "bbc"`,
		`"!*:latest"`:          `"web:1", "web" | "web:latest", null`,
		`"!"`:                  `"a" | ""`,
		`true`:                 `true | false, "true", null`,
		`"true"`:               `"true", true | false`,
		`null`:                 `null, "", 0, false | "a", 1, true, {a: 1}`,
		`2`:                    `2, "2", 2.0 | 3, "a", null`,
		`1.5`:                  `1.5, "1.5" | 1, null`,
		`">1"`:                 `2, "2", 1.5 | 1, "1", "a", null`,
		`">=1"`:                `1, 2 | 0, null`,
		`"<5"`:                 `4, null | 5, "a"`,
		`"<= 5"`:               `5 | 6`,
		`">1 & <5"`:            `2, 4 | 1, 5`,
		`"<1 | >5"`:            `0, 6 | 1, 5`,
		`"a|b&*c"`:             `"a" | "b", "c", "bc"`,
		`"10-20"`:              `10, 15, 20, "12" | 9, 21, "a"`,
		`"10!-20"`:             `9, 21 | 10, 15, 20`,
		`"1Gi-2Gi"`:            `"1Gi", "1500Mi", "2Gi" | "1G", "3Gi"`,
		`"<=512Mi"`:            `"512Mi", "0.5Gi", 1000 | "1Gi"`,
		`"1Gi"`:                `"1Gi", "1024Mi" | "1G"`,
		`"!1Gi"`:               `"1G" | "1Gi", "1024Mi"`,
		`"<1h"`:                `"30m", "59m59s" | "1h", "90m"`,
		`">=100m"`:             `"0.1", 1, "100m" | "50m"`,
		`"IfNotPresent|Never"`: `"IfNotPresent", "Never" | "Always", "IfNotPresent|Nevr"`,
		`"a-b"`:                `"a-b" | "a", "b"`,
	} {
		fit, not, _ := strings.Cut(values, " | ")
		for text, expected := range map[string]bool{fit: true, not: false} {
			var p any
			var all []any
			decode(t, want, &p)
			decode(t, "["+text+"]", &all)
			for _, v := range all {
				if got := pattern.Scalar(p, v); got != expected {
					t.Errorf("%s against %v (%T): %v, want %v", want, v, v, got, expected)
				}
			}
		}
	}
}

// TestObjects holds objects against patterns: whether they fit, and at which field they do not.
func TestObjects(t *testing.T) {
	for name, c := range map[string]struct {
		pattern, value string
		want           pattern.Outcome
		path           string
	}{
		"all fields fit":        {`{a: 1, b: {c: x}}`, `{a: 1, b: {c: x, d: y}, e: z}`, pattern.Fits, ""},
		"a field differs":       {`{a: 1, b: {c: x}}`, `{a: 1, b: {c: y}}`, pattern.Differs, "b.c"},
		"a field is missing":    {`{a: {b: "?*"}}`, `{a: {}}`, pattern.Differs, "a.b"},
		"an object is missing":  {`{a: {b: "?*"}}`, `{}`, pattern.Differs, "a"},
		"null: must be missing": {`{a: null}`, `{b: 1}`, pattern.Fits, ""},
		"null: is given":        {`{a: null}`, `{a: 1}`, pattern.Differs, "a"},
		"another shape":         {`{a: [1]}`, `{a: {b: 1}}`, pattern.Differs, "a"},
		"each element": {
			`{l: [{name: "?*"}]}`, `{l: [{name: a}, {name: ""}]}`, pattern.Differs, "l[1].name",
		},
		"no elements":               {`{l: [{name: "?*"}]}`, `{l: []}`, pattern.Fits, ""},
		"a scalar for each element": {`{l: ["a*"]}`, `{l: [ab, b]}`, pattern.Differs, "l[1]"},
		"a scalar for a list":       {`{l: "a*"}`, `{l: [ab, ac]}`, pattern.Fits, ""},
		"negation: missing":         {`{X(a): null}`, `{b: 1}`, pattern.Fits, ""},
		"negation: given":           {`{s: {X(a): null}}`, `{s: {a: 1}}`, pattern.Differs, "s.a"},
		"equality: missing":         {`{=(a): {b: 1}}`, `{}`, pattern.Fits, ""},
		"equality: fits":            {`{=(a): {=(b): false}}`, `{a: {b: false}}`, pattern.Fits, ""},
		"equality: differs":         {`{=(a): {=(b): false}}`, `{a: {b: true}}`, pattern.Differs, "a.b"},
		"condition: holds":          {`{(a): x, b: y}`, `{a: x, b: z}`, pattern.Differs, "b"},
		"condition: does not hold":  {`{(a): x, b: y}`, `{a: w, b: z}`, pattern.Skipped, "a"},
		"condition: missing":        {`{(a): x, b: y}`, `{b: z}`, pattern.Skipped, "a"},
		"condition below, other above": {
			`{s: {a: {(c): 1}, b: 2}}`, `{s: {a: {c: 2}, b: 3}}`, pattern.Skipped, "s.a.c",
		},
		"condition in one element": {
			`{l: [{(name): "a*", v: 1}]}`, `{l: [{name: b, v: 2}, {name: ab, v: 3}]}`, pattern.Differs, "l[1].v",
		},
		"condition in another element": {
			`{l: [{(name): "a*", v: 1}]}`, `{l: [{name: b, v: 2}, {name: ab, v: 1}]}`, pattern.Fits, "",
		},
		"condition in no element": {
			`{l: [{(name): "a*", v: 1}]}`, `{l: [{name: b, v: 2}]}`, pattern.Skipped, "l[0].name",
		},
		"global: holds for one": {
			`{l: [{<(i): "reg/*"}], p: x}`, `{l: [{i: a}, {i: reg/a}]}`, pattern.Differs, "p",
		},
		"global: holds for none":     {`{l: [{<(i): "reg/*"}], p: x}`, `{l: [{i: a}]}`, pattern.Skipped, "l[0].i"},
		"global: missing":            {`{<(a): 1, b: 2}`, `{b: 3}`, pattern.Differs, "b"},
		"existence: one fits":        {`{^(l): [{name: a}]}`, `{l: [{name: b}, {name: a}]}`, pattern.Fits, ""},
		"existence: none fits":       {`{^(l): [{name: a}]}`, `{l: [{name: b}]}`, pattern.Differs, "l"},
		"existence: each of several": {`{^(l): [{name: a}, {name: b}]}`, `{l: [{name: b}]}`, pattern.Differs, "l"},
		"existence: missing":         {`{^(l): [{name: a}]}`, `{}`, pattern.Fits, ""},
		"a name that is no anchor":   {`{f(x): 1}`, `{f(x): 1}`, pattern.Fits, ""},
		"a wildcard in a label": {
			`{metadata: {labels: {"app*": "?*"}}}`, `{metadata: {labels: {app.io/name: a}}}`, pattern.Fits, "",
		},
		"a wildcard that no label fits": {
			`{metadata: {labels: {"app*": "?*"}}}`, `{metadata: {labels: {b: a}}}`, pattern.Differs,
			"metadata.labels.app*",
		},
		"a label with a slash": {
			`{metadata: {labels: {a.io/b: "?*"}}}`, `{metadata: {labels: {}}}`, pattern.Differs,
			"metadata.labels[a.io/b]",
		},
		"lists of lists": {`{l: [[1]]}`, `{l: [[2]]}`, pattern.Differs, "l[0][0]"},
	} {
		t.Run(name, func(t *testing.T) {
			var p, v any
			decode(t, c.pattern, &p)
			decode(t, c.value, &v)
			got := pattern.Match(p, v)
			if got.Outcome != c.want || got.Path != c.path || (got.Why != "") != (c.want == pattern.Differs) {
				t.Errorf("%+v, want %v at %q", got, c.want, c.path)
			}
		})
	}
}

// TestWildcards holds texts against * and ?.
func TestWildcards(t *testing.T) {
	for p, texts := range map[string]string{
		"*": "a,,abc|", "a*b*c": "abc,aXbYc,abbc|ab,abcd", "?": "a,ä|ab,", "**a": "a,ba|b", "a*": "a,ab|ba",
		"*?*": "a,ab|,",
	} {
		fit, not, _ := strings.Cut(texts, "|")
		for list, want := range map[string]bool{fit: true, not: false} {
			for _, text := range strings.Split(list, ",") {
				if list != "" && pattern.Wildcard(p, text) != want {
					t.Errorf("%q and %q: want %v", p, text, want)
				}
			}
		}
	}
}

func decode(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}
