package redact_test

import (
	"encoding/base64"
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

const planted = "hunter2-planted"

var encoded = base64.StdEncoding.EncodeToString([]byte(planted))

// forms are the ways in which manifests write the values of Secrets.
var forms = map[string]string{
	"data": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata:\n  password: " + encoded + "\n",
	"stringData": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  password: " + planted +
		"\n",
	"flow style": "{apiVersion: v1, kind: Secret, metadata: {name: s}, stringData: {password: \"" +
		planted + "\"}}\n",
	"JSON": `{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": {"password": "` + encoded +
		`"}}`,
	"indented": "  apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n  stringData:\n    password: " +
		planted + "\n",
	"item of a List": "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Secret\n  metadata: {name: s}\n  stringData:\n    password: " + planted + "\n",
	"block scalar":   "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  file: |\n    first line\n    " + planted + "\n",
	"no map":         "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: " + planted + "\n",
	"a list": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  password: [" +
		planted + "]\n",
	"an anchor": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  a: &a " + planted +
		"\n  b: *a\n",
	"a key that comes twice": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: " + planted +
		"}\nstringData: {a: b}\n",
	"the last-applied annotation": "apiVersion: v1\nkind: Secret\nmetadata:\n  name: s\n  annotations:\n    kubectl.kubernetes.io/last-applied-configuration: |\n" +
		`      {"apiVersion":"v1","kind":"Secret","stringData":{"password":"` + planted + `"}}` + "\n",
	"keys of an encryption": "apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n- resources: [secrets]\n  providers:\n" +
		"  - aescbc: {keys: [{name: a, secret: " + encoded + "}]}\n",
	"broken YAML": "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData:\n  password: \"" + planted +
		"\n  other: x: y\n",
	"broken JSON": `{"apiVersion": "v1", "kind": "Secret", "stringData": {"password": "` + planted + `"`,
}

func leaks(text string) bool {
	return strings.Contains(text, planted) || strings.Contains(text, encoded)
}

func TestFileHidesValuesAndKeepsPlaces(t *testing.T) {
	for name, text := range forms {
		t.Run(name, func(t *testing.T) {
			if !leaks(text) {
				t.Fatal("nothing is planted")
			}
			got := string(redact.File(source.NewFile("s.yaml", []byte(text))).Data)
			if leaks(got) {
				t.Errorf("the value is shown:\n%s", got)
			}
			if len(got) != len(text) || strings.Count(got, "\n") != strings.Count(text, "\n") ||
				!strings.Contains(got, "Secret") && name != "broken JSON" && name != "keys of an encryption" {
				t.Errorf("places have moved:\n%s", got)
			}
		})
	}
}

// TestFileHidesLiterals: a kustomization names neither its kind nor that of what it generates.
func TestFileHidesLiterals(t *testing.T) {
	for text, shown := range map[string]string{
		"secretGenerator:\n- name: s\n  literals:\n  - user=" + planted + "\n":               "  - user=***",
		"secretGenerator: [{name: s, literals: [\"user=" + planted + "\"]}]\nkind: a\n":      "kind: a",
		"secretGenerator: [{name: s, literals: [" + planted + "]}]\nnamespace: a\n":          "namespace: a",
		"secretGenerator:\n- name: s\n  literals:\n  - user=" + planted + "\n bad: x\n":      "literals:",
		`{"secretGenerator": [{"name": "s", "literals": ["user=` + planted + `"]}], "a": 1}`: `"a": 1`,
	} {
		got := string(redact.File(source.NewFile("kustomization.yaml", []byte(text))).Data)
		if leaks(got) || len(got) != len(text) || !strings.Contains(got, shown) {
			t.Errorf("got\n%s\nof\n%s", got, text)
		}
		r := redact.New()
		r.AddFile(source.NewFile("kustomization.yaml", []byte(text)))
		if got := r.Text("the value is " + planted); leaks(got) {
			t.Errorf("a message shows the value of\n%s", text)
		}
	}
	other := "configMapGenerator:\n- name: c\n  literals: [user=name]\nsecretGenerator: []\n"
	if got := string(redact.File(source.NewFile("kustomization.yaml", []byte(other))).Data); got != other {
		t.Errorf("got\n%s", got)
	}
}

func TestFileKeepsOtherObjects(t *testing.T) {
	text := "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Secret}\ndata: {a: b}\n---\n" + forms["data"]
	got := string(redact.File(source.NewFile("s.yaml", []byte(text))).Data)
	if !strings.HasPrefix(got, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: Secret}\ndata: {a: b}\n") {
		t.Errorf("got:\n%s", got)
	}
}

// TestCredentialsInAddressesAreHidden: what stands before the host of an address is masked in files and texts, and
// everything else is kept.
func TestCredentialsInAddressesAreHidden(t *testing.T) {
	for text, want := range map[string][2]string{
		"- https://me:pass@example.com/a.git": {"- https://*******@example.com/a.git", "- https://***@example.com/a.git"},
		"- git::https://token@example.com/a":  {"- git::https://*****@example.com/a", "- git::https://***@example.com/a"},
		"a: postgres://me:pass@db/shop":       {"a: postgres://me:****@db/shop", "a: postgres://me:***@db/shop"},
		"- ssh://git@example.com/a.git":       {},
		"- git@example.com:a/b.git":           {},
		"- https://example.com/a@v1":          {},
		"a: {b: https://example.com, c: d@e}": {},
	} {
		if want == ([2]string{}) {
			want = [2]string{text, text}
		}
		if got := string(redact.File(source.NewFile("a.yaml", []byte(text))).Data); got != want[0] {
			t.Errorf("file: got %q, want %q", got, want[0])
		}
		if got := redact.Address(text); got != want[1] {
			t.Errorf("text: got %q, want %q", got, want[1])
		}
	}
}

func read(t *testing.T, text string) []*manifest.Document {
	t.Helper()
	docs, _ := manifest.Read(source.NewFile("s.yaml", []byte(text)), manifest.DefaultLimits)
	return docs
}

func TestTextHidesValues(t *testing.T) {
	for name, text := range forms {
		docs := read(t, text)
		if len(docs) == 0 || strings.Contains(name, "twice") {
			continue // nothing was decoded
		}
		r := redact.New(docs...)
		for _, message := range []string{
			"Invalid value: \"" + planted + "\": too long", "password=" + planted, planted,
			`{\"password\":\"` + planted + `\"}`,
		} {
			if name == "the last-applied annotation" || name == "block scalar" || !strings.Contains(name, "data") {
				if got := r.Text(message); leaks(got) {
					t.Errorf("%s: %q", name, got)
				}
			}
		}
	}
	r := redact.New(read(t, forms["data"])...)
	if got := r.Text("decoded " + planted + ", encoded " + encoded); leaks(got) {
		t.Errorf("%q", got)
	}
}

func TestShortValuesAreHiddenWhereTheyAreQuoted(t *testing.T) {
	r := redact.New(read(t, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {pin: \"0815\"}\n")...)
	if got := r.Text(`pod web-0815 has "0815"`); got != `pod web-0815 has "***"` {
		t.Errorf("got %q", got)
	}
	if got := r.Text("0815"); got != redact.Mask {
		t.Errorf("got %q", got)
	}
}

func TestDiagnosticsLoseValuesAndFixesWithValues(t *testing.T) {
	r := redact.New(read(t, forms["stringData"])...)
	all := []diag.Diagnostic{{
		Message: "bad " + planted, Help: "not " + planted, Related: []diag.Related{{Message: "see " + planted}},
		Fixes: []diag.Fix{
			{Message: "quote it", Edits: []source.Edit{{NewText: `"` + planted + `"`}}}, {Message: "remove it"},
		},
	}}
	got := r.Diagnostics(all)[0]
	if leaks(got.Message + got.Help + got.Related[0].Message) {
		t.Errorf("%+v", got)
	}
	if len(got.Fixes) != 1 || got.Fixes[0].Message != "remove it" {
		t.Errorf("fixes: %+v", got.Fixes)
	}
	if !leaks(all[0].Message) || len(all[0].Fixes) != 2 {
		t.Error("the caller's findings have changed")
	}
}

// TestNamesOfFieldsAreKept has values that are ordinary words.
func TestNamesOfFieldsAreKept(t *testing.T) {
	r := redact.New(
		read(
			t,
			"apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: secret, b: 'true', c: tls secretRef x}\n",
		)...,
	)
	fix := []diag.Fix{{Message: "quote the value", Edits: []source.Edit{{NewText: `"true"`}}}}
	for _, c := range []struct{ path, message, want string }{
		{"spec.secretRef", "secretRef takes a mapping", "secretRef takes a mapping"},
		{"spec.secretRef", "unknown field \"spec.secretRef\"", "unknown field \"spec.secretRef\""},
		{"spec.secretRef", "secretRef is not the secret", "secretRef is not the ***"},
		{"spec.secretRef", "the mysecret, of tls secretRef x", "the my***, of ***"},
		{"spec.secret", "value secret of secret", "value *** of ***"},
	} {
		d := r.Diagnostics([]diag.Diagnostic{{Path: c.path, Message: c.message, Fixes: fix}})[0]
		if d.Message != c.want {
			t.Errorf("%s: got %q, want %q", c.path, d.Message, c.want)
		}
		if len(d.Fixes) == 1 && len(d.Fixes[0].Edits) != 1 {
			t.Errorf("%s: the edit of another object is gone", c.path)
		}
	}
	inSecret := diag.Diagnostic{
		Path: "stringData.b", Message: "a boolean", Object: diag.Object{Kind: "Secret"}, Fixes: fix,
	}
	if d := r.Diagnostics([]diag.Diagnostic{inSecret})[0]; len(d.Fixes) != 1 || d.Fixes[0].Edits != nil {
		t.Errorf("fixes of a Secret: %+v", d.Fixes)
	}
}

// TestTextIsAsIfAllValuesWereTried holds the index of values against trying them one after another.
func TestTextIsAsIfAllValuesWereTried(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func(length int) string {
		text := make([]byte, length)
		for i := range text {
			text[i] = "ab*\"x"[random.IntN(5)]
		}
		return string(text)
	}
	changed := 0
	for range 2000 {
		var manifests []string
		for range random.IntN(8) {
			value, _ := json.Marshal(word(1 + random.IntN(12)))
			manifests = append(
				manifests, "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: {a: "+string(value)+"}\n",
			)
		}
		r := redact.New(read(t, strings.Join(manifests, "---\n"))...)
		s := word(random.IntN(60))
		got, want := r.Text(s), redact.TextOneByOne(r, s)
		if got != want {
			t.Fatalf("%q with the values of %q: got %q, want %q", s, manifests, got, want)
		}
		if got != s {
			changed++
		}
	}
	if changed < 100 {
		t.Errorf("only %d texts have changed", changed)
	}
}
