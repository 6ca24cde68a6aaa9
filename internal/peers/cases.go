package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/lint"
)

// object is what identifies an object of a manifest.
type object struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name      string `json:"name"`
		Namespace string `json:"namespace"`
	} `json:"metadata"`
}

var documentEnd = regexp.MustCompile(`(?m)^---.*$`)

// objectsOf returns the objects of a manifest, as Kind/name.
func objectsOf(text string) (names []string) {
	for _, part := range documentEnd.Split(text, -1) {
		var o object
		if yaml.Unmarshal([]byte(part), &o) == nil && o.Kind != "" {
			names = append(names, o.Kind+"/"+o.Metadata.Name)
		}
	}
	return names
}

var (
	batsTest  = regexp.MustCompile(`(?s)@test "([^"]+)" \{(.*?)\n\}`)
	batsFile  = regexp.MustCompile(`tmp="([^"]+)"`)
	batsKind  = regexp.MustCompile(`\$\{message\d+\}" (?:==|=~) "([A-Za-z]+):`)
	passes    = regexp.MustCompile(`^[A-Za-z]+/(dont-fire|good-|valid-|should-pass|sorted-)`)
	fires     = regexp.MustCompile(`^[A-Za-z]+/(fire|bad-|should-fire|invalid-|unsorted-)`)
	batsWhole = regexp.MustCompile(`^(flag|template-check)`)
)

// kubeLinterCases reads the end-to-end tests: the file of each, and the kinds of the objects that are reported. Objects
// that are called dont-fire are good.
func kubeLinterCases(root fs.FS) (cases []testCase, err error) {
	script, err := fs.ReadFile(root, "e2etests/bats-tests.sh")
	if err != nil {
		return nil, err
	}
	for _, m := range batsTest.FindAllStringSubmatch(string(script), -1) {
		file := batsFile.FindStringSubmatch(m[2])
		if file == nil || batsWhole.MatchString(m[1]) {
			continue
		}
		data, err := fs.ReadFile(root, file[1])
		if err != nil {
			return nil, err
		}
		reported := map[string]int{}
		for _, kind := range batsKind.FindAllStringSubmatch(m[2], -1) {
			reported[kind[1]]++
		}
		cases = append(cases, kubeLinterCasesOf(m[1], string(data), reported)...)
	}
	return cases, nil
}

func kubeLinterCasesOf(check, text string, reported map[string]int) (cases []testCase) {
	bad := map[string][]string{} // by kind
	for _, o := range objectsOf(text) {
		kind, _, _ := strings.Cut(o, "/")
		switch {
		case passes.MatchString(o):
			cases = append(cases, testCase{check: check, name: o, text: text, objects: []string{o}})
		case reported[kind] > 0 || len(reported) == 0 && fires.MatchString(o):
			if !slices.Contains(bad[kind], o) {
				bad[kind] = append(bad[kind], o)
			}
		}
	}
	for _, kind := range sorted(bad) {
		if len(bad[kind]) == reported[kind] && !strings.HasSuffix(kind, "Binding") {
			for _, o := range bad[kind] {
				cases = append(cases, testCase{check: check, name: o, text: text, objects: []string{o}, need: 1})
			}
			continue
		}
		need := len(bad[kind])
		if n := reported[kind]; n > 0 {
			need = min(need, n)
		}
		c := testCase{check: check, name: kind, text: text, objects: bad[kind], need: need}
		if strings.HasSuffix(kind, "Binding") { // what the role grants may be found at the role
			c.objects, c.need = nil, 1
		}
		cases = append(cases, c)
	}
	return cases
}

var (
	scoreTest   = regexp.MustCompile(`testExpectedScore\(t, "([^"]+)", "([^"]+)", (?:scorecard\.Grade)?(\w+)\)`)
	scoreConfig = regexp.MustCompile(
		`(?s)testExpectedScoreWithConfig\(t, \[\]ks\.NamedReader\{testFile\("([^"]+)"\)\}(.*?)"([^"]+)",\s*(?:scorecard\.Grade)?(\w+),?\s*\)`)
	scoreOption   = regexp.MustCompile(`Ignore|Min[A-Z]\w+:|Skip|Namespace`) // what changes the meaning of a check
	scoreVersions = regexp.MustCompile(`"cronjob-"\+v\+"`)
	scoreTarget   = regexp.MustCompile(`Major: 1, Minor: (\d+)`)
)

// scoreDefault is the version that the unit tests are for, and that is the oldest which is known here in its place.
const scoreDefault, oldestVersion = 18, "1.20"

// kubeScoreCases reads the unit tests: a file, a check, and the grade that is expected.
func kubeScoreCases(root fs.FS) (cases []testCase, err error) {
	tests, err := fs.Glob(root, "score/*_test.go")
	if err != nil {
		return nil, err
	}
	for _, name := range tests {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		text := scoreVersions.ReplaceAllString(string(data), `"cronjob-batchv1`)
		found := scoreTest.FindAllStringSubmatch(text, -1)
		for _, m := range scoreConfig.FindAllStringSubmatch(text, -1) {
			if scoreOption.MatchString(m[2]) {
				continue
			}
			found = append(found, []string{m[2], m[1], m[3], m[4]})
		}
		for _, m := range found {
			manifest, err := fs.ReadFile(root, "score/testdata/"+m[1])
			if err != nil {
				return nil, err
			}
			c := testCase{
				check: strings.ReplaceAll(strings.ToLower(m[2]), " ", "-"), name: m[1], text: string(manifest),
			}
			if c.check == "stable-version" {
				c.version = scoreVersion(m[0])
			}
			switch m[3] {
			case "Critical", "Warning":
				c.need = 1
			case "AllOK":
			default:
				continue // almost good, or skipped
			}
			same := func(o testCase) bool {
				return o.check == c.check && o.name == c.name && o.need == c.need && o.version == c.version
			}
			if !slices.ContainsFunc(cases, same) {
				cases = append(cases, c)
			}
		}
	}
	return cases, nil
}

// scoreVersion returns the version that a unit test is for; older if it is before those that are known here.
func scoreVersion(test string) string {
	minor := scoreDefault
	if m := scoreTarget.FindStringSubmatch(test); m != nil {
		minor, _ = strconv.Atoi(m[1])
	}
	switch {
	case minor < scoreDefault:
		return older
	case minor == scoreDefault:
		return oldestVersion
	}
	return fmt.Sprintf("1.%d", minor)
}

// polarisCases reads one folder for each check, with files that are called failure and success.
func polarisCases(root fs.FS) (cases []testCase, err error) {
	files, err := fs.Glob(root, "test/checks/*/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		file := path.Base(name)
		c := testCase{check: path.Base(path.Dir(name)), name: file, text: string(data)}
		switch {
		case strings.HasPrefix(file, "failure"):
			c.need = 1
		case !strings.HasPrefix(file, "success"):
			continue
		}
		cases = append(cases, c)
	}
	return cases, nil
}

var trivyID = regexp.MustCompile(`(?m)^#\s+id: KSV-?0*(\d+)`)

// trivyCases reads the examples and the inputs of the unit tests of each check.
func trivyCases(root fs.FS) (cases []testCase, err error) {
	files, err := fs.Glob(root, "checks/kubernetes/*.rego")
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		base, isCheck := strings.CutSuffix(name, ".rego")
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		m := trivyID.FindStringSubmatch(string(data))
		if !isCheck || strings.HasSuffix(base, "_test") || m == nil {
			continue
		}
		id := "KSV" + strings.Repeat("0", max(0, 3-len(m[1]))) + m[1]
		examples, err := trivyExamples(root, id, base)
		if err != nil {
			return nil, err
		}
		tests, err := trivyTests(root, id, base)
		if err != nil {
			return nil, err
		}
		cases = append(append(cases, examples...), tests...)
	}
	return cases, nil
}

func trivyExamples(root fs.FS, id, base string) (cases []testCase, err error) {
	data, err := fs.ReadFile(root, base+".yaml")
	if err != nil {
		return nil, nil //nolint:nilerr // not each check has examples
	}
	var examples struct{ Kubernetes struct{ Good, Bad []string } }
	if err := yaml.Unmarshal(data, &examples); err != nil {
		return nil, fmt.Errorf("%s: %w", base, err)
	}
	for i, text := range examples.Kubernetes.Good {
		cases = append(cases, testCase{check: id, name: fmt.Sprintf("%s good %d", path.Base(base), i+1), text: text})
	}
	for i, text := range examples.Kubernetes.Bad {
		cases = append(
			cases, testCase{check: id, name: fmt.Sprintf("%s bad %d", path.Base(base), i+1), text: text, need: 1},
		)
	}
	return cases, nil
}

var (
	regoTest  = regexp.MustCompile(`(?m)^(test_\w+) if \{`)
	regoInput = regexp.MustCompile(`(?s)deny with input as (\{.*?\n\t\})\n`)
	regoCount = regexp.MustCompile(`count\(r\) (==|>|>=) (\d+)`)
)

// trivyTests reads the inputs of unit tests that stand in the test as one literal.
func trivyTests(root fs.FS, id, base string) (cases []testCase, err error) {
	data, err := fs.ReadFile(root, base+"_test.rego")
	if err != nil {
		return nil, nil //nolint:nilerr // not each check has tests
	}
	text := string(data)
	starts := regoTest.FindAllStringSubmatchIndex(text, -1)
	for i, at := range starts {
		end := len(text)
		if i+1 < len(starts) {
			end = starts[i+1][0]
		}
		body := text[at[0]:end]
		input, count := regoInput.FindStringSubmatch(body), regoCount.FindStringSubmatch(body)
		if input == nil || count == nil {
			continue
		}
		manifest, err := yaml.YAMLToJSON([]byte(strings.ReplaceAll(input[1], "\t", "  ")))
		if err != nil {
			continue // an expression
		}
		c := testCase{check: id, name: path.Base(base) + " " + text[at[2]:at[3]], text: string(manifest)}
		if count[1] != "==" || count[2] != "0" {
			c.need = 1
		}
		cases = append(cases, c)
	}
	return cases, nil
}

// kubescapeCases reads the tests of each rule: objects, and the alerts that are expected.
func kubescapeCases(root fs.FS) (cases []testCase, err error) {
	expectations, err := fs.Glob(root, "rules/*/test/*/expected.json")
	if err != nil {
		return nil, err
	}
	for _, name := range expectations {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		var alerts []any
		if err := json.Unmarshal(data, &alerts); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		dir := path.Dir(name)
		text, err := joined(root, dir+"/input")
		if err != nil {
			return nil, err
		}
		if text == "" {
			continue
		}
		params, err := kubescapeParams(root, dir)
		if err != nil {
			return nil, err
		}
		cases = append(cases, testCase{
			check: strings.Split(name, "/")[1], name: path.Base(dir), text: text, need: min(1, len(alerts)),
			params: params,
		})
	}
	return cases, nil
}

// kubescapeParams returns what a test sets as parameters of rules: bounds of resources, repositories without digests.
func kubescapeParams(root fs.FS, dir string) (lint.ParamSettings, error) {
	data, err := fs.ReadFile(root, dir+"/data.json")
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	var settings struct{ PostureControlInputs map[string][]string }
	if err := json.Unmarshal(data, &settings); err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	bounds := map[string]any{}
	if repositories := settings.PostureControlInputs["imageDigestExemptRepositories"]; len(repositories) > 0 {
		list := make([]any, len(repositories))
		for i := range repositories {
			list[i] = repositories[i]
		}
		return lint.ParamSettings{"image-not-digest-pinned": {"except": list}}, nil
	}
	for name, values := range settings.PostureControlInputs {
		resource, rest, _ := strings.Cut(name, "_")
		what, end, ok := strings.Cut(rest, "_")
		if ok && len(values) == 1 && (resource == "cpu" || resource == "memory") {
			param := end + "-" + what + "s"
			if bounds[param] == nil {
				bounds[param] = map[string]any{}
			}
			bounds[param].(map[string]any)[resource] = values[0]
		}
	}
	if len(bounds) == 0 {
		return nil, nil
	}
	return lint.ParamSettings{"resource-out-of-range": bounds}, nil
}

// joined returns the manifests of a folder as one.
func joined(root fs.FS, dir string) (string, error) {
	var parts []string
	err := fs.WalkDir(root, dir, func(name string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			return err
		}
		data, err := fs.ReadFile(root, name)
		parts = append(parts, string(data))
		return err
	})
	return strings.Join(parts, "\n---\n"), err
}

var (
	checkovImport  = regexp.MustCompile(`checks\.resource\.k8s\.(\w+) import`)
	checkovFolder  = regexp.MustCompile(`example_\w+(?:/\w+)*`)
	checkovID      = regexp.MustCompile(`id = "(CKV_K8S_\d+)"`)
	checkovList    = regexp.MustCompile(`(?s)(\w*(?:pass|fail)\w*) = [\[{](.*?)[\]}]`)
	checkovObject  = regexp.MustCompile(`"(\w+)\.([^."]+)\.([^"]+)"`)
	checkovGraphID = regexp.MustCompile(`id: "?(CKV2_K8S_\d+)`)
)

// checkovCases reads the unit tests: a check, a folder, and files whose names or objects say what is expected.
func checkovCases(root fs.FS) (cases []testCase, err error) {
	tests, err := fs.Glob(root, "tests/kubernetes/checks/test_*.py")
	if err != nil {
		return nil, err
	}
	for _, name := range tests {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		test := string(data)
		class, folder := checkovImport.FindStringSubmatch(test), checkovFolder.FindString(test)
		if class == nil || folder == "" || strings.Contains(name, "Suppressed") {
			continue
		}
		code, err := fs.ReadFile(root, "checkov/kubernetes/checks/resource/k8s/"+class[1]+".py")
		if err != nil {
			return nil, err
		}
		id := checkovID.FindSubmatch(code)
		if id == nil {
			continue
		}
		more, err := checkovCasesOf(
			root, string(id[1]), "tests/kubernetes/checks/"+folder, scopeOf(class[1]), expectedObjects(test),
		)
		if err != nil {
			return nil, err
		}
		cases = append(cases, more...)
	}
	graph, err := checkovGraphCases(root)
	return append(cases, graph...), err
}

// expectedObjects returns whether a test expects objects to pass, by Kind/name.
func expectedObjects(test string) map[string]bool {
	expected := map[string]bool{}
	for _, list := range checkovList.FindAllStringSubmatch(test, -1) {
		for _, o := range checkovObject.FindAllStringSubmatch(list[2], -1) {
			expected[o[1]+"/"+o[3]] = strings.Contains(list[1], "pass")
		}
	}
	return expected
}

// scopeOf returns POD or CONTAINER, if a check looks at the settings of these alone: the names of some files say what
// is expected of both.
func scopeOf(class string) string {
	scope, ok := strings.CutSuffix(class, "SecurityContext")
	if !ok {
		return ""
	}
	return strings.ToUpper(scope)
}

func checkovCasesOf(root fs.FS, id, dir, scope string, expected map[string]bool) (cases []testCase, err error) {
	err = fs.WalkDir(root, dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".yaml", ".yml", ".json"}, path.Ext(name)) {
			return err
		}
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		short := strings.TrimPrefix(name, "tests/kubernetes/checks/")
		listed := false
		for _, o := range objectsOf(string(data)) {
			passes, ok := expected[o]
			if !ok {
				continue
			}
			listed = true
			c := testCase{check: id, name: short + " " + o, text: string(data), objects: []string{o}, need: 1}
			if passes {
				c.need = 0
			}
			cases = append(cases, c)
		}
		upper := strings.ToUpper(path.Base(name))
		if i := strings.Index(upper, scope+"PASSED"); scope != "" && i >= 0 {
			upper = upper[i:][:len(scope)+len("PASSED")]
		}
		c := testCase{check: id, name: short, text: string(data), need: 1}
		switch {
		case listed:
		case strings.Contains(upper, "FAIL"):
			cases = append(cases, c)
		case strings.Contains(upper, "PASS"):
			c.need = 0
			cases = append(cases, c)
		}
		return nil
	})
	return cases, err
}

// checkovGraphCases reads the tests of checks over several objects.
func checkovGraphCases(root fs.FS) (cases []testCase, err error) {
	checks, err := fs.Glob(root, "checkov/kubernetes/checks/graph_checks/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range checks {
		data, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		id := checkovGraphID.FindSubmatch(data)
		base := "tests/kubernetes/graph/checks/resources/" + strings.TrimSuffix(path.Base(name), ".yaml")
		if id == nil {
			continue
		}
		more, err := checkovGraphCasesOf(root, string(id[1]), base)
		if err != nil {
			return nil, err
		}
		cases = append(cases, more...)
	}
	return cases, nil
}

// checkovGraphCasesOf reads the folders of a check that hold manifests: each is a case, bad if it is called Failing.
func checkovGraphCasesOf(root fs.FS, id, base string) (cases []testCase, err error) {
	err = fs.WalkDir(root, base, func(dir string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		name := strings.TrimPrefix(dir, "tests/kubernetes/graph/checks/resources/")
		files, err := fs.Glob(root, dir+"/*.y*ml")
		if err != nil || len(files) == 0 || !strings.Contains(name, "ing") || dir == base {
			return err
		}
		text, err := joined(root, dir)
		c := testCase{check: id, name: name, text: text}
		if strings.Contains(c.name, "/Fail") {
			c.need = 1
		}
		cases = append(cases, c)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return cases, err
}

func sorted[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
