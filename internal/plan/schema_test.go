package plan_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// compile reads a schema of docs.
func compile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.NewCompiler().Compile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// document reads a schema of docs as data.
func document(t *testing.T, name string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../../docs", name))
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]any
	if err := json.Unmarshal(data, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestSchemasKnowEveryField compares the keys of the schemas with those of the types, both ways.
func TestSchemasKnowEveryField(t *testing.T) {
	extra := map[string]string{"PlanReport": "findings"} // added by package report
	for name, root := range map[string]reflect.Type{
		"plan-report.schema.json": reflect.TypeFor[plan.Plan](),
		"scenario.schema.json":    reflect.TypeFor[plan.Scenario](),
	} {
		all := document(t, name)
		definitions := all["$defs"].(map[string]any)
		for _, typ := range structs(root) {
			schema, ok := all, true
			if typ != root {
				key := strings.ToLower(typ.Name()[:1]) + typ.Name()[1:]
				if schema, ok = definitions[key].(map[string]any); !ok {
					t.Errorf("%s has no definition %s", name, key)
					continue
				}
			}
			want := keys(typ)
			if title, _ := schema["title"].(string); extra[title] != "" {
				want = append(want, extra[title])
			}
			got := slices.Sorted(maps.Keys(schema["properties"].(map[string]any)))
			if slices.Sort(want); !slices.Equal(want, got) {
				t.Errorf("%s: %s has %q, want %q", name, typ.Name(), got, want)
			}
		}
	}
}

// structs returns a type of this module and those that it holds.
func structs(root reflect.Type) []reflect.Type {
	found := []reflect.Type{root}
	for i := 0; i < len(found); i++ {
		for j := range found[i].NumField() {
			f := found[i].Field(j)
			next := f.Type
			for next.Kind() == reflect.Pointer || next.Kind() == reflect.Slice {
				next = next.Elem()
			}
			if key := keyOf(f); key != "" && next.Kind() == reflect.Struct && next.PkgPath() == root.PkgPath() &&
				!slices.Contains(found, next) {
				found = append(found, next)
			}
		}
	}
	return found
}

func keys(t reflect.Type) (all []string) {
	for i := range t.NumField() {
		if key := keyOf(t.Field(i)); key != "" {
			all = append(all, key)
		}
	}
	return all
}

func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return strings.TrimPrefix(key, "-")
}

// TestSchemasAgree holds what two schemas, or a schema and the code, both say.
func TestSchemasAgree(t *testing.T) {
	of := document(t, "plan-report.schema.json")["$defs"].(map[string]any)
	lint := document(t, "lint-report.schema.json")["$defs"].(map[string]any)
	for _, name := range []string{"diagnostic", "place"} {
		if !reflect.DeepEqual(of[name], lint[name]) {
			t.Errorf("%s is not as in lint-report.schema.json", name)
		}
	}
	if got, want := len(keys(reflect.TypeFor[diag.Object]())), len(
		of["object"].(map[string]any)["properties"].(map[string]any),
	); got != want {
		t.Errorf("object has %d keys, want %d", want, got)
	}
	scenario := document(t, "scenario.schema.json")
	expect := scenario["properties"].(map[string]any)["expect"].(map[string]any)["items"].(map[string]any)
	if want := plan.ExpectationPattern(); expect["pattern"] != want {
		quoted, _ := json.Marshal(want)
		t.Errorf("the pattern of expect is not that of the code: want %s", quoted)
	}
}

// scenarios that the reader and the schema refuse, and words of the reader's message.
var refusedScenarios = []struct{ name, text, words string }{
	{"unknown key", "imagse: []", `4:1: unknown field "imagse": did you mean images?`},
	{
		"unknown key of an image", "images: [{match: nginx, pul: 3s}]",
		`unknown field "images[0].pul": did you mean pull?`,
	},
	{"unknown key of a selector", "containers: [{match: {workloads: Deployment/web}}]", `did you mean workload?`},
	{"unknown key of an action", "actions: [{at: 1s, drian: node-1}]", `did you mean drain?`},
	{
		"unknown key of a patch", "actions: [{patch: {object: Deployment/web, merge: {a: 1}, type: json}}]",
		`unknown field`,
	},
	{
		"unknown key of a point", "load: [{workload: Deployment/web, resource: cpu, points: [{at: 0s, totl: 1}]}]",
		`did you mean total?`,
	},
	{"unknown key of metadata", "metadata: {nam: x}", `did you mean name?`},
	{"image without a match", "images: [{pull: 3s}]", "match is missing"},
	{"negative duration", "images: [{match: nginx, pull: -3s}]", "must not be negative"},
	{"not a duration", "containers: [{readyAfter: soon}]", "soon"},
	{"not a quantity", "containers: [{cpu: lots}]", "invalid quantity"},
	{"not a reference", "containers: [{match: {workload: web}}]", "want Kind/name"},
	{"unknown probe", "containers: [{failProbes: [life]}]", "want one of startup"},
	{"negative number of crashes", "containers: [{crashes: -1}]", "must not be negative"},
	{
		"unknown resource", "load: [{workload: Deployment/web, resource: disk, points: [{total: \"1\"}]}]",
		"want cpu or memory",
	},
	{
		"number for a quantity", "load: [{workload: Deployment/web, resource: cpu, points: [{total: 1}]}]",
		"4:1: load.points.total: want a string, got a number: write it in quotes",
	},
	{"no points", "load: [{workload: Deployment/web, resource: cpu, points: []}]", "points are missing"},
	{
		"point without a total", "load: [{workload: Deployment/web, resource: cpu, points: [{at: 1s}]}]",
		"total is missing",
	},
	{"no action", "actions: [{at: 1s}]", "nothing to do"},
	{"two actions", "actions: [{drain: node-1, cordon: node-2}]", "does one thing"},
	{"negative replicas", "actions: [{scale: {workload: Deployment/web, replicas: -1}}]", "must not be negative"},
	{"patch of nothing", "actions: [{patch: {object: Deployment/web}}]", "merge is missing"},
	{"expectation in other words", "expect: [it works]", "is not understood"},
}

func TestScenarioReaderAndSchemaAgree(t *testing.T) {
	const head = "apiVersion: seatrial/v1\nkind: Scenario\n# as users write it\n"
	schema := compile(t, "scenario.schema.json")
	valid := func(text []byte) error {
		var value any
		if err := yaml.Unmarshal(text, &value); err != nil {
			t.Fatal(err)
		}
		return schema.Validate(value)
	}
	for _, c := range refusedScenarios {
		t.Run(c.name, func(t *testing.T) {
			text := head + c.text + "\n"
			name := filepath.Join(t.TempDir(), "scenario.yaml")
			if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := plan.ReadScenario(name); err == nil || !strings.Contains(err.Error(), c.words) {
				t.Errorf("the reader says %v, want %s", err, c.words)
			}
			if valid([]byte(text)) == nil {
				t.Error("the schema accepts it")
			}
		})
	}
	accepted, err := filepath.Glob("simulate/testdata/*/scenario.yaml")
	if err != nil || len(accepted) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, name := range append(accepted, "testdata/every-key.yaml") {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.ReadScenario(name); err != nil {
			t.Errorf("the reader refuses it: %v", err)
		}
		if err := valid(text); err != nil {
			t.Errorf("the schema refuses %s: %v", name, err)
		}
	}
}
