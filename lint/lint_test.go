package lint_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/validation/verdict"
)

// fake is a Validator without Kubernetes. It accepts every object of the core group and of the groups in served, but
// what has a field "refused", of which it says that it is refused, and what has a field "odd", of which it warns.
type fake struct {
	mu     sync.Mutex
	served map[schema.GroupKind]bool // made known by definitions
	calls  int
	judged func(name string) // called for each object; may be nil
}

func (f *fake) Create(_ context.Context, gvk schema.GroupVersionKind, doc []byte, _ string) (v verdict.Verdict) {
	f.mu.Lock()
	f.calls++
	known := f.served[gvk.GroupKind()]
	f.mu.Unlock()
	o := &unstructured.Unstructured{}
	if err := json.Unmarshal(doc, &o.Object); err != nil {
		return verdict.Verdict{Causes: []verdict.Cause{{Class: verdict.WrongType, Message: err.Error()}}}
	}
	if f.judged != nil {
		f.judged(o.GetName())
	}
	if gvk.Group != "" && gvk.Group != "apps" && gvk.Group != "apiextensions.k8s.io" && !known {
		return verdict.Verdict{
			Causes: []verdict.Cause{{Class: verdict.UnknownKind, Path: "kind", Message: "no matches"}},
		}
	}
	v.Object, v.Custom, v.ClusterScoped = o, known, gvk.Kind == "Namespace"
	if o.Object["refused"] != nil {
		v.Causes = append(v.Causes, verdict.Cause{
			Class:   verdict.Invalid,
			Reason:  "FieldValueInvalid",
			Path:    "refused",
			Message: "Invalid value",
		})
	}
	if o.Object["odd"] != nil {
		v.Warnings = append(v.Warnings, verdict.Warning{Path: "odd", Text: "odd: is odd"})
	}
	return v
}

func (f *fake) AddCRD(ctx context.Context, doc []byte) verdict.Verdict {
	o := &unstructured.Unstructured{}
	if err := json.Unmarshal(doc, &o.Object); err != nil {
		panic(err)
	}
	v := f.Create(ctx, o.GroupVersionKind(), doc, "")
	if v.Accepted() {
		group, _, _ := unstructured.NestedString(o.Object, "spec", "group")
		kind, _, _ := unstructured.NestedString(o.Object, "spec", "names", "kind")
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.served == nil {
			f.served = map[schema.GroupKind]bool{}
		}
		f.served[schema.GroupKind{Group: group, Kind: kind}] = true
	}
	return v
}

func (f *fake) Update(
	_ context.Context, _ schema.GroupVersionKind, old, doc []byte, _ string,
) (v verdict.Verdict, judged bool) {
	return v, false
}

func (f *fake) AddCRDLater(_ []verdict.Kind, _ []byte, add func(context.Context) bool) {
	add(context.Background())
}

func (f *fake) Custom() []verdict.Kind { return nil }

func (f *fake) AddNamespace(string, map[string]string) {}

func (f *fake) UseCatalogue(func(group, kind string) bool) {}

func (f *fake) Meant(string, string) (group, kind string) { return "", "" }

// loud is advice about every object whose name begins with loud.
var loud = &lint.Rule{
	Name:     "loud",
	Title:    "loud",
	Severity: diag.Info,
	Category: "config",
	Check: func(p *lint.Pass) error {
		if strings.HasPrefix(p.Document.Object.Name, "loud") {
			p.Report(lint.Finding{Path: "metadata.name", Message: "name is loud"})
		}
		return nil
	},
}

// lonely is advice about every object that is the only one of its kind.
var lonely = &lint.Rule{
	Name:     "lonely",
	Title:    "lonely",
	Severity: diag.Warning,
	Category: "config",
	CheckSet: func(p *lint.SetPass) error {
		gk := p.Resource.GroupKind()
		if len(p.Set.OfKind(gk.Group, gk.Kind)) == 1 {
			p.Report(lint.Finding{Path: "kind", Message: "no other object of this kind"})
		}
		return nil
	},
}

// options lints files, given as name and text in turn, with both rules.
func options(t *testing.T, v lint.Validator, files ...string) lint.Options {
	t.Helper()
	o := lint.Options{Validator: v, Linked: "1.37", All: append([]*lint.Rule{loud, lonely}, lint.OwnRules...)}
	texts := map[string]string{}
	for i := 0; i < len(files); i += 2 {
		o.Files = append(o.Files, files[i])
		texts[files[i]] = files[i+1]
	}
	o.Read = func(name string) ([]byte, error) {
		text, ok := texts[name]
		if !ok {
			return nil, errors.New("no such file")
		}
		return []byte(text), nil
	}
	var err error
	if o.Rules, err = lint.Select(o.All, "default", nil); err != nil {
		t.Fatal(err)
	}
	return o
}

func run(t *testing.T, o lint.Options) *lint.Result {
	t.Helper()
	res, err := lint.Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return res
}

// lines writes findings as "file:line rule".
func lines(res *lint.Result) (all []string) {
	for _, d := range res.Diagnostics {
		all = append(all, fmt.Sprintf("%s:%d %s", d.Range.File, d.Range.Start.Line, d.Rule))
	}
	return all
}

func expect(t *testing.T, res *lint.Result, want ...string) {
	t.Helper()
	if got := lines(res); !slices.Equal(got, want) {
		t.Errorf("found\n\t%s\nwant\n\t%s", strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
	}
}

func object(kind, name string, more ...string) string {
	return fmt.Sprintf("apiVersion: v1\nkind: %s\nmetadata:\n  name: %s\n%s---\n", kind, name, strings.Join(more, ""))
}

func TestFindingsAreInTheOrderOfTheFiles(t *testing.T) {
	var many strings.Builder
	for i := range 3000 { // several batches
		many.WriteString(object("Pod", fmt.Sprintf("loud-%d", i)))
	}
	for _, jobs := range []int{1, 4} {
		o := options(
			t,
			&fake{},
			"b.yaml",
			object("Pod", "loud", "refused: 1\n")+object("Pod", "b2"),
			"a.yaml",
			many.String(),
		)
		o.Jobs = jobs
		res := run(t, o)
		if len(res.Diagnostics) != 3002 || res.Summary.Documents != 3002 || res.Summary.Files != 2 {
			t.Fatalf("%d findings, %+v", len(res.Diagnostics), res.Summary)
		}
		for i, d := range res.Diagnostics[:3000] {
			if d.Range.File != "a.yaml" || d.Range.Start.Line != 4+5*i || d.Document != i+1 {
				t.Fatalf("finding %d is at %s in document %d", i, d.Range, d.Document)
			}
		}
		if got := lines(res)[3000:]; !slices.Equal(got, []string{"b.yaml:4 loud", "b.yaml:5 api-server"}) {
			t.Errorf("found %v", got)
		}
	}
}

func TestSuppressions(t *testing.T) {
	for name, c := range map[string]struct {
		text       string
		want       []string
		suppressed int
	}{
		"comment on the line": {object("Pod", "loud # seatrial:ignore loud meant") + object("Pod", "b"), nil, 1},
		"comment above the line": {"apiVersion: v1\nkind: Pod\nmetadata:\n  # seatrial:ignore loud meant\n  name: " +
			"loud\n---\n" + object("Pod", "b"), nil, 1},
		"annotation": {
			object("Pod", "loud", "  annotations:\n    seatrial/ignore.loud: meant\n") + object("Pod", "b"), nil, 1,
		},
		"of another object": {
			object("Pod", "b", "  annotations:\n    seatrial/ignore.loud: meant\n") + object("Pod", "loud"),
			[]string{"a.yaml:6 suppression-stale", "a.yaml:11 loud"}, 0,
		},
		"stale": {
			object("Pod", "a # seatrial:ignore loud meant") + object("Pod", "b"),
			[]string{"a.yaml:4 suppression-stale"}, 0,
		},
		"without a reason": {
			object("Pod", "loud # seatrial:ignore loud") + object("Pod", "b"),
			[]string{"a.yaml:4 loud", "a.yaml:4 suppression-invalid"}, 0,
		},
		"of an unknown rule": {
			object("Pod", "a # seatrial:ignore lout meant") + object("Pod", "b"),
			[]string{"a.yaml:4 suppression-invalid"}, 0,
		},
		"of a verdict": {
			object("Pod", "a", "refused: 1 # seatrial:ignore api-server meant\n") + object("Pod", "b"),
			[]string{"a.yaml:5 api-server", "a.yaml:5 suppression-invalid"}, 0,
		},
		"of the set": {
			"apiVersion: v1\nkind: Pod # seatrial:ignore lonely meant\nmetadata:\n  name: a\n", nil, 1,
		},
		"in a text": {object("Pod", "a", "data: |\n  # seatrial:ignore lout\n") + object("Pod", "b"), nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			res := run(t, options(t, &fake{}, "a.yaml", c.text))
			expect(t, res, c.want...)
			if res.Summary.Suppressed != c.suppressed {
				t.Errorf("%d suppressed, want %d", res.Summary.Suppressed, c.suppressed)
			}
		})
	}
}

func TestAnObjectDefinedTwiceIsFoundOnce(t *testing.T) {
	res := run(t, options(t, &fake{}, "a.yaml", object("Pod", "a"), "b.yaml", object("Pod", "a")+object("Pod", "b")))
	expect(t, res, "b.yaml:4 object-duplicate")
	if r := res.Diagnostics[0].Related; len(r) != 1 || r[0].Range.File != "a.yaml" || r[0].Range.Start.Line != 4 {
		t.Errorf("related: %+v", r)
	}
}

func definition(more string) string {
	return "apiVersion: apiextensions.k8s.io/v1\nkind: CustomResourceDefinition\nmetadata:\n  name: " +
		"boards.example.org\n" + more +
		"spec:\n  group: example.org\n  names:\n    kind: Board\n"
}

const board = "apiVersion: example.org/v1\nkind: Board\nmetadata:\n  name: loud\n"

func TestDefinitionsOfTheSetAreKnownWhereverTheyStand(t *testing.T) {
	res := run(
		t,
		options(t, &fake{}, "a.yaml", board+"---\n"+strings.Replace(board, "loud", "b", 1), "z.yaml", definition("")),
	)
	expect(t, res, "a.yaml:4 loud", "z.yaml:2 lonely")
}

func TestKindsOfRefusedDefinitionsNameTheDefinition(t *testing.T) {
	res := run(t, options(t, &fake{}, "a.yaml", board, "z.yaml", definition("refused: 1\n")))
	if d := res.Diagnostics[0]; d.Rule != "kind-unknown" || !strings.Contains(d.Help, "boards.example.org") {
		t.Errorf("found %+v", d)
	}
}

func TestDefinitionsThatExistAlreadyAreNotPartOfTheSet(t *testing.T) {
	o := options(t, &fake{}, "a.yaml", board, "z.yaml", definition(""))
	o.Files, o.CRDs = o.Files[:1], o.Files[1:]
	res := run(t, o)
	expect(t, res, "a.yaml:2 lonely", "a.yaml:4 loud")
	if res.Summary.Documents != 1 {
		t.Errorf("%d documents", res.Summary.Documents)
	}
}

func TestKindsThatMayBeMissingAreCounted(t *testing.T) {
	for _, glob := range []string{"Board", "example.org/*", "*"} {
		o := options(t, &fake{}, "a.yaml", board)
		o.IgnoreMissing = []string{glob}
		if res := run(t, o); res.Summary.Skipped != 1 || res.Summary.Errors != 0 {
			t.Errorf("%s: %+v", glob, res.Summary)
		}
	}
}

func TestLimitsHoldAtTheLimitAndNotBehindIt(t *testing.T) {
	text := strings.TrimSuffix(object("Pod", "a"), "---\n") + "# longer than its JSON is\n# as clients send it\n"
	deep := func(levels int) string {
		return "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\ndata: " + strings.Repeat(
			"[",
			levels,
		) + strings.Repeat(
			"]",
			levels,
		) + "\n"
	}
	for name, c := range map[string]struct {
		limits manifest.Limits
		text   string
		errors int
	}{
		"as many bytes":  {manifest.Limits{MaxBytes: len(text), MaxDepth: 200}, text, 0},
		"one byte more":  {manifest.Limits{MaxBytes: len(text) - 1, MaxDepth: 200}, text, 1},
		"as many levels": {manifest.Limits{MaxBytes: 1 << 20, MaxDepth: 100}, deep(100), 0},
		"one level more": {manifest.Limits{MaxBytes: 1 << 20, MaxDepth: 100}, deep(101), 1},
	} {
		o := options(t, &fake{}, "a.yaml", c.text)
		o.Limits = c.limits
		if res := run(t, o); res.Summary.Errors != c.errors {
			t.Errorf("%s: found %v", name, lines(res))
		}
	}
}

func TestTheCacheAnswersForWhatHasNotChanged(t *testing.T) {
	dir := t.TempDir()
	files := []string{
		"a.yaml",
		object("Pod", "loud"),
		"b.yaml",
		object("Pod", "b", "refused: 1\n"),
		"c.yaml",
		board,
		"d.yaml",
		definition(""),
	}
	judge := func(files []string, severity map[string]diag.Severity) (*lint.Result, int) {
		v := &fake{}
		o := options(t, v, files...)
		o.Cache = lint.NewCache(dir, "program")
		o.Rules, _ = lint.Select(o.All, "default", severity)
		return run(t, o), v.calls
	}
	first, calls := judge(files, nil)
	if calls == 0 {
		t.Fatal("nothing was judged")
	}
	second, calls := judge(files, nil)
	if calls != 0 || !slices.Equal(lines(first), lines(second)) || !reflect.DeepEqual(first.Summary, second.Summary) {
		t.Errorf("%d objects judged again: %v, want %v", calls, lines(second), lines(first))
	}
	changed := slices.Clone(files)
	changed[1] = object("Pod", "quiet")
	third, calls := judge(changed, nil)
	if calls != 3 { // the Pod, the definition, which has to be known, and the object that it defines
		t.Errorf("%d objects judged after one of four files has changed", calls)
	}
	if slices.Contains(lines(third), "a.yaml:4 loud") {
		t.Errorf("found %v", lines(third))
	}
	fourth, _ := judge(files, map[string]diag.Severity{"loud": diag.Error})
	if fourth.Summary.Errors != first.Summary.Errors+2 { // two objects are loud
		t.Errorf("another severity: %+v", fourth.Summary)
	}
}

func TestACancelledRunEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	v := &fake{judged: func(string) { cancel() }}
	var text strings.Builder
	for i := range 1000 {
		text.WriteString(object("Pod", fmt.Sprintf("p%d", i)))
	}
	o := options(t, v, "a.yaml", text.String())
	o.Jobs = 1
	if _, err := lint.Run(ctx, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if v.calls > 1 {
		t.Errorf("%d objects judged after the run was cancelled", v.calls-1)
	}
}

func TestFindingsNameTheTargetsThatTheyHoldFor(t *testing.T) {
	o := options(
		t,
		&fake{},
		"a.yaml",
		"apiVersion: batch/v1beta1\nkind: CronJob\nmetadata:\n  name: a\nspec:\n  schedule: '* * * * *'\n",
	)
	o.Versions = []string{"1.24", "1.30"}
	res := run(t, o)
	var got []string
	for _, d := range res.Diagnostics {
		got = append(got, d.Rule+" "+strings.Join(d.Versions, ","))
	}
	if !slices.Contains(got, "kind-unknown 1.30") || !slices.Contains(got, "api-version-deprecated 1.24") {
		t.Errorf("found %v", got)
	}
}

func TestWhatCannotBeReadDoesNotHideTheRest(t *testing.T) {
	o := options(t, &fake{}, "a.yaml", object("Pod", "loud")+"a: [\n---\n"+object("Pod", "loud2"))
	o.Files = append([]string{"missing.yaml"}, o.Files...)
	res := run(t, o)
	expect(t, res, "a.yaml:4 loud", "a.yaml:6 yaml-syntax", "a.yaml:11 loud")
	var input *lint.InputError
	if len(res.Problems) != 1 || !errors.As(res.Problems[0], &input) || input.Path != "missing.yaml" {
		t.Errorf("problems: %v", res.Problems)
	}
}

func TestAdviceOnRefusedValuesIsDropped(t *testing.T) {
	picky := &lint.Rule{
		Name:     "picky",
		Title:    "picky",
		Severity: diag.Warning,
		Category: "config",
		Check: func(p *lint.Pass) error {
			p.Report(lint.Finding{Path: "refused.deeper", Message: "too deep"})
			p.Report(lint.Finding{Path: "refusedToo", Message: "too"})
			p.Report(lint.Finding{Path: "odd", Message: "more than the server says"})
			return nil
		},
	}
	o := options(t, &fake{}, "a.yaml", object("Pod", "a", "refused:\n  deeper: 1\nrefusedToo: 1\nodd: 1\n"))
	var err error
	if o.Rules, err = lint.Select([]*lint.Rule{picky}, "all", nil); err != nil {
		t.Fatal(err)
	}
	expect(t, run(t, o), "a.yaml:6 api-server", "a.yaml:7 picky", "a.yaml:8 picky")
}

func TestNoDocumentsIsAnError(t *testing.T) {
	if _, err := lint.Run(t.Context(), options(t, &fake{}, "a.yaml", "# nothing\n")); !errors.Is(
		err,
		lint.ErrNoDocuments,
	) {
		t.Errorf("error %v", err)
	}
}

func TestDefaultsOfTheSetVoidAdvice(t *testing.T) {
	mild := &lint.Rule{Name: "mild", Title: "mild", Severity: diag.Info, Category: "config",
		Check:    func(p *lint.Pass) error { p.Report(lint.Finding{Path: "kind", Message: "mild"}); return nil },
		VoidedBy: func(set *lint.Set, namespace string) bool { return set.Get("", "Namespace", "", namespace) != nil }}
	o := options(
		t,
		&fake{},
		"a.yaml",
		object("Pod", "a", "  namespace: x\n")+object("Pod", "b", "  namespace: y\n")+object("Namespace", "x"),
	)
	var err error
	if o.Rules, err = lint.Select([]*lint.Rule{mild}, "all", nil); err != nil {
		t.Fatal(err)
	}
	expect(t, run(t, o), "a.yaml:8 mild", "a.yaml:14 mild")
}

// TestManySuppressions ends at once when the work grows with the size of the set, and not within the time of a test run
// when it grows with the square.
func TestManySuppressions(t *testing.T) {
	const many = 10_000
	var text strings.Builder
	for i := range many {
		text.WriteString(object("Pod", fmt.Sprintf("loud-%d", i), "  annotations:\n    seatrial/ignore.loud: meant\n"))
		fmt.Fprintf(&text, "# seatrial:ignore loud meant\n")
	}
	res := run(t, options(t, &fake{}, "a.yaml", text.String()))
	if res.Summary.Suppressed != many || res.Summary.Warnings != many { // each comment is stale
		t.Errorf("%+v", res.Summary)
	}
}

func TestACrashOfARuleCostsItsFindingsOnOneObject(t *testing.T) {
	check := func(name string) error {
		if name == "bad" {
			panic("index out of range")
		}
		return nil
	}
	brittle := &lint.Rule{Name: "brittle", Title: "brittle", Severity: diag.Info, Category: "config",
		Check: func(p *lint.Pass) error { return check(p.Document.Object.Name) }}
	frail := &lint.Rule{Name: "frail", Title: "frail", Severity: diag.Info, Category: "config",
		CheckSet: func(p *lint.SetPass) error { return check(p.Resource.Object.Name) }}
	o := options(t, &fake{}, "a.yaml", object("Pod", "bad")+object("Pod", "loud"))
	var err error
	if o.Rules, err = lint.Select([]*lint.Rule{brittle, frail, loud}, "all", nil); err != nil {
		t.Fatal(err)
	}
	res := run(t, o)
	expect(t, res, "a.yaml:9 loud")
	if fmt.Sprint(res.Problems) != "[rule brittle crashed on Pod bad: index out of range rule frail crashed on Pod default/bad: index out of range]" {
		t.Errorf("problems: %v", res.Problems)
	}
}

func TestCustomResourcesWithImmenseQuantitiesAreNotCalculated(t *testing.T) {
	rollout := "apiVersion: v1\nkind: Rollout\nmetadata: {name: a}\nspec: {template: {spec: {containers: [{name: c, resources: {limits: {cpu: 1e999999999a}}}]}}}\n"
	run(t, options(t, &fake{}, "a.yaml", strings.Replace(rollout, "1e999999999a", `"1e999999999"`, 1)))
}

// TestKeptResultsAreOfTheSameRule changes what decides the findings of a rule, and expects none from before.
func TestKeptResultsAreOfTheSameRule(t *testing.T) {
	folder := t.TempDir()
	says := func(message, version string, severity diag.Severity) *lint.Rule {
		rule := *loud
		rule.Version = version
		rule.Check = func(p *lint.Pass) error {
			p.Report(lint.Finding{Path: "metadata.name", Message: message, Severity: severity})
			return nil
		}
		return &rule
	}
	run := func(rule *lint.Rule, severities map[string]diag.Severity) diag.Diagnostic {
		t.Helper()
		o := options(t, &fake{}, "a.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: loud}\n")
		o.All = append([]*lint.Rule{rule}, lint.OwnRules...)
		var err error
		if o.Rules, err = lint.Select(o.All, "", severities); err != nil {
			t.Fatal(err)
		}
		o.Cache = lint.NewCache(folder, "program")
		res, err := lint.Run(t.Context(), o)
		if err != nil || len(res.Diagnostics) != 1 {
			t.Fatalf("%v, %v", res, err)
		}
		return res.Diagnostics[0]
	}
	if d := run(says("first", "1", diag.Warning), nil); d.Message != "first" || d.Severity != diag.Warning {
		t.Fatalf("%+v", d)
	}
	if d := run(says("unseen", "1", diag.Warning), nil); d.Message != "first" {
		t.Errorf("the result is not kept: %+v", d)
	}
	if d := run(says("second", "2", diag.Warning), nil); d.Message != "second" {
		t.Errorf("a rule of another version: %+v", d)
	}
	same := map[string]diag.Severity{"loud": loud.Severity} // that of the rule, and not that of the finding
	if d := run(says("third", "2", diag.Warning), same); d.Severity != loud.Severity {
		t.Errorf("another severity: %+v", d)
	}
}

// shy accepts an object with adminAccess only in the namespaces that it was told of.
type shy struct {
	fake
	told map[string]string
}

func (s *shy) AddNamespace(name string, labels map[string]string) { s.told[name] = labels["l"] }

func (s *shy) Create(ctx context.Context, gvk schema.GroupVersionKind, doc []byte, namespace string) verdict.Verdict {
	if gvk.Group == "resource.k8s.io" && s.told[namespace] != "yes" {
		return verdict.Verdict{Causes: []verdict.Cause{{Class: verdict.Invalid, Path: "spec", Message: "no"}}}
	}
	gvk.Group = ""
	return s.fake.Create(ctx, gvk, doc, namespace)
}

func TestObjectsThatAskForTheirNamespaceAreJudgedWhenItIsKnown(t *testing.T) {
	claim := "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: a, namespace: ops}\nspec: {devices: {requests: [{exactly: {adminAccess: true}}]}}\n"
	namespace := "apiVersion: v1\nkind: Namespace\nmetadata: {name: ops, labels: {l: 'yes'}}\n"
	o := options(t, &shy{told: map[string]string{}}, "a.yaml", claim, "b.yaml", namespace)
	o.Jobs = 1
	expect(t, run(t, o), "a.yaml:2 lonely", "b.yaml:2 lonely")
}

func TestKindsOfKubernetesItselfAreNeverMissing(t *testing.T) {
	for apiVersion, errors := range map[string]int{"policy/v1beta1": 1, "extensions/v1beta1": 1, "example.org/v1": 0} {
		o := options(t, &fake{}, "a.yaml", "apiVersion: "+apiVersion+"\nkind: PodSecurityPolicy\nmetadata: {name: a}\n")
		o.IgnoreMissing = []string{"*"}
		if res := run(t, o); res.Summary.Errors != errors || res.Summary.Skipped != 1-errors {
			t.Errorf("%s: %+v", apiVersion, res.Summary)
		}
	}
}
