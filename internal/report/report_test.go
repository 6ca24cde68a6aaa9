package report_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/report"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/source"
)

const (
	web = "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\nspec:\n  selector:\n    matchLabels:\n      app: web\n  template:\n    metadata:\n      labels:\n        app: wep # 日本 \U0001F600\n" +
		"    spec:\n      containers:\n      - name: web\n        image: nginx\n        command: [\"sh\", \"-c\", \"" +
		"echo a long line; " + "\"]\n\tx: 1\n"
	service = "kind: Service\nspec:\n  selector:\n    app: web\n"
)

var files = map[string]*source.File{
	"web.yaml":             source.NewFile("web.yaml", []byte(web)),
	"dir/a service,1.yaml": source.NewFile("dir/a service,1.yaml", []byte(service)),
	"long.yaml": source.NewFile(
		"long.yaml", []byte("a: "+strings.Repeat("word ", 60)+"here "+strings.Repeat("and on ", 30)+"\n"),
	),
}

// at returns the range of the first occurrence of a text in a file.
func at(name, text string) source.Range {
	f := files[name]
	i := bytes.Index(f.Data, []byte(text))
	if i < 0 {
		panic(text)
	}
	return f.Range(i, i+len(text))
}

// sample is a report with everything that a report can have.
func sample(versions ...string) *report.Lint {
	deployment := diag.Object{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	ds := []diag.Diagnostic{
		{Rule: "service-selects-no-pods", Severity: diag.Warning,
			Message:  "selector of Service shop/web matches no pods of the set",
			Help:     "Deployment shop/web labels its pods app=wep",
			Object:   diag.Object{APIVersion: "v1", Kind: "Service", Name: "web"},
			Document: 1, Path: "spec.selector", Range: at("dir/a service,1.yaml", "selector:"), Related: []diag.Related{
				{Range: at("web.yaml", "app: wep"), Message: "the nearest candidate"},
			}},
		{
			Rule: "api-server", Severity: diag.Error, Reason: "FieldValueInvalid",
			Message: "Invalid value: \"x\": compilation failed: ERROR: <input>:1:2:\n | x\n | .^", Document: 1,
			Path: "spec.rule", Range: at("long.yaml", "here"),
		},
		{Rule: "api-server", Severity: diag.Error, Reason: "FieldValueInvalid",
			Message: "Invalid value: {\"app\":\"wep\"}: `selector` does not match template `labels`",
			Object:  deployment, Document: 1,
			Path: "spec.template.metadata.labels", Range: at("web.yaml", "wep"), Related: []diag.Related{
				{Range: at("web.yaml", "app: web"), Message: "the selector wants app=web"},
			},
			Fixes: []diag.Fix{
				{
					Message: "label the pods app: web",
					Edits:   []source.Edit{{Range: at("web.yaml", "wep"), NewText: "web"}},
				},
			}},
		{
			Rule: "image-tag-latest", Severity: diag.Info,
			Message: "image \"nginx\" has no tag, which means latest; 100%, a:b", Help: "name a version",
			Object: deployment, Document: 1, Path: "spec.template.spec.containers[0].image",
			Range: at("web.yaml", "nginx"), URL: "https://example.com/images",
		},
		{Rule: "yaml-tab", Severity: diag.Error, Message: "tab in indentation\x1b[31m", Document: 1,
			Range: at("web.yaml", "\tx"),
			Fixes: []diag.Fix{
				{Message: "two spaces", Safe: true, Edits: []source.Edit{{Range: at("web.yaml", "\t"), NewText: "  "}}},
			}},
	}
	if len(versions) > 1 {
		ds[2].Versions = versions[1:]
	}
	diag.Sort(ds)
	res := &lint.Result{Versions: versions, Diagnostics: ds}
	res.Summary.Files, res.Summary.Documents, res.Summary.Errors,
		res.Summary.Warnings, res.Summary.Infos, res.Summary.Suppressed, res.Summary.Skipped = 3, 4, 3, 1, 1, 2, 1
	return &report.Lint{Result: res, Program: "v1.2.3", Rules: []*lint.Rule{
		{
			Name: "api-server", Title: "the API server refuses the object", Doc: "It does.", Severity: diag.Error,
			Category: "verdict",
		},
		{
			Name: "image-tag-latest", Title: "image without a tag", Doc: "Name one.", Severity: diag.Warning,
			Category: "images", URL: "https://example.com/images",
		},
	}, Source: func(name string) (*source.File, error) {
		if f, ok := files[name]; ok {
			return f, nil
		}
		return nil, errors.New("no such file")
	}}
}

func write(t *testing.T, format string, r *report.Lint, o report.Options) string {
	t.Helper()
	f, err := report.Lookup(format)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := f.Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestFormats(t *testing.T) {
	for _, c := range []struct {
		golden, format string
		report         *report.Lint
		options        report.Options
	}{
		{"text.txt", "text", sample("1.37"), report.Options{Width: 100}},
		{"text-color.txt", "text", sample("1.37"), report.Options{Width: 100, Color: true}},
		{"text-narrow.txt", "text", sample("1.37"), report.Options{Width: 50}},
		{"text-matrix.txt", "text", sample("1.25", "1.31", "1.37"), report.Options{}},
		{"compact.txt", "compact", sample("1.25", "1.31", "1.37"), report.Options{}},
		{"json.json", "json", sample("1.25", "1.31", "1.37"), report.Options{}},
		{"sarif.json", "sarif", sample("1.37"), report.Options{}},
		{"junit.xml", "junit", sample("1.37"), report.Options{}},
		{"github.txt", "github", sample("1.37"), report.Options{}},
		{"gitlab.json", "gitlab", sample("1.37"), report.Options{}},
		{"checkstyle.xml", "checkstyle", sample("1.37"), report.Options{}},
	} {
		t.Run(c.golden, func(t *testing.T) {
			got := write(t, c.format, c.report, c.options)
			name := filepath.Join("testdata", c.golden)
			if os.Getenv("UPDATE") != "" {
				if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil || got != string(want) {
				t.Errorf("%v\ngot\n%s\nwant\n%s", err, got, want)
			}
		})
	}
}

func TestEveryFormatWritesTheEmptyReport(t *testing.T) {
	for _, f := range report.Formats {
		empty := &report.Lint{
			Result: &lint.Result{Versions: []string{"1.37"}},
			Source: func(string) (*source.File, error) { return nil, errors.New("none") },
		}
		var b bytes.Buffer
		if err := f.Write(&b, empty, report.Options{}); err != nil {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

func TestEveryFormatPassesErrorsOfTheWriterOn(t *testing.T) {
	for _, f := range report.Formats {
		if err := f.Write(full{}, sample("1.37"), report.Options{}); !errors.Is(err, errFull) {
			t.Errorf("%s: %v", f.Name, err)
		}
	}
}

var errFull = errors.New("disk full")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }

// validate holds a document against a JSON Schema.
func validate(t *testing.T, schemaFile, doc string) {
	t.Helper()
	c := jsonschema.NewCompiler()
	schema, err := c.Compile(schemaFile)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(doc))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema.Validate(v); err != nil {
		t.Error(err)
	}
}

func TestSARIFFollowsTheOfficialSchema(t *testing.T) {
	validate(t, "testdata/sarif-schema-2.1.0.json", write(t, "sarif", sample("1.25", "1.37"), report.Options{}))
}

func TestJSONFollowsItsSchema(t *testing.T) {
	validate(t, "../../docs/lint-report.schema.json", write(t, "json", sample("1.25", "1.37"), report.Options{}))
	validate(t, "../../docs/lint-report.schema.json", write(t, "json", sample("1.37"), report.Options{}))
}

func TestXMLCanBeReadBack(t *testing.T) {
	for _, format := range []string{"junit", "checkstyle"} {
		d := xml.NewDecoder(strings.NewReader(write(t, format, sample("1.37"), report.Options{})))
		for {
			_, err := d.Token()
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Errorf("%s: %v", format, err)
				break
			}
		}
	}
}

func TestGitLabFingerprintsAreUniqueAndDoNotDependOnTheLine(t *testing.T) {
	prints := func(r *report.Lint) (all []string) {
		var issues []struct{ Fingerprint string }
		if err := json.Unmarshal([]byte(write(t, "gitlab", r, report.Options{})), &issues); err != nil {
			t.Fatal(err)
		}
		for _, i := range issues {
			all = append(all, i.Fingerprint)
		}
		return all
	}
	r := sample("1.37")
	r.Diagnostics = append(r.Diagnostics, r.Diagnostics...)
	before := prints(r)
	if sorted := slices.Compact(slices.Sorted(slices.Values(before))); len(sorted) != len(before) {
		t.Errorf("%d fingerprints for %d findings", len(sorted), len(before))
	}
	for i := range r.Diagnostics {
		r.Diagnostics[i].Range.Start.Line += 7
	}
	if !slices.Equal(before, prints(r)) {
		t.Error("fingerprints change with the line")
	}
}

func TestNothingInAReportCommandsTheTerminal(t *testing.T) {
	for _, format := range []string{"text", "compact", "github", "junit", "checkstyle"} {
		if strings.Contains(write(t, format, sample("1.37"), report.Options{}), "\x1b") {
			t.Errorf("%s passes an escape sequence of the manifest on", format)
		}
	}
}

func TestLookupSuggestsAFormat(t *testing.T) {
	if _, err := report.Lookup("sarfi"); err == nil || !strings.Contains(err.Error(), "did you mean sarif?") {
		t.Errorf("got %v", err)
	}
}

func TestProgressAppearsLateAndClearsItself(t *testing.T) {
	now := time.Unix(0, 0)
	var b bytes.Buffer
	p := report.NewProgress(&b, func() time.Time { return now })
	p.Update(1, 100)
	if b.Len() > 0 {
		t.Errorf("shown at once: %q", b.String())
	}
	now = now.Add(time.Second)
	p.Update(50, 100)
	p.Update(51, 100) // too soon
	p.Done()
	if got := b.String(); got != "\r\x1b[Kjudging 50 of 100 files\r\x1b[K" {
		t.Errorf("got %q", got)
	}
}
