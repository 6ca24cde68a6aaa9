package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/app"
)

// snippets are documents whose findings depend on each other.
var snippets = []string{
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {pod-security.kubernetes.io/enforce: restricted}}\n",
	"apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n",
	"apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: shop\n  labels: {app: web}\nspec:\n  containers:\n  - {name: c, image: 'web:1', ports: [{name: http, containerPort: 80}]}\n",
	"apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\n  namespace: shop\n  labels: {app: web}\n  annotations: {seatrial/ignore.liveness-probe-missing: it is short}\nspec:\n  containers:\n  - {name: c, image: 'web:latest', envFrom: [{configMapRef: {name: settings}}]}\n",
	"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {app: web}\n  ports: [{port: 80, targetPort: http}]\n",
	"apiVersion: v1\nkind: Service\nmetadata: {name: web, namespace: shop}\nspec:\n  selector: {app: wep}\n  ports: [{port: 80}, {port: 81}]\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings, namespace: shop}\ndata: {a: b}\n",
	"apiVersion: v1\nkind: Pod\nmetadata: {name: x, namespace: shop}\nspec:\n  containers:\n  - {name: c, imag: 'web:1'}\n",
	"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: odd\ndata: {a: b}\n",
	"# seatrial:ignore service-selects-no-pods it comes later\n",
	thingDefinition("size"),
	thingDefinition("weight"),
	"apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a, namespace: shop}\nspec: {size: x}\n",
	"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d, namespace: shop}\nspec:\n  replicas: 1\n  selector: {matchLabels: {app: d}}\n  template:\n    metadata: {labels: {app: e}}\n    spec: {containers: [{name: c, image: 'web:1'}]}\n",
}

func thingDefinition(field string) string {
	return strings.ReplaceAll(`apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: things.example.com}
spec:
  group: example.com
  scope: Namespaced
  names: {plural: things, kind: Thing}
  versions:
  - name: v1
    served: true
    storage: true
    schema: {openAPIV3Schema: {type: object, properties: {spec: {type: object, properties: {FIELD: {type: string}}}}}}
`, "FIELD", field)
}

// TestEditsGiveWhatAFreshRunGives edits the files of a folder at random: what is kept from run to run must not show.
func TestEditsGiveWhatAFreshRunGives(t *testing.T) {
	folder := t.TempDir()
	random := rand.New(rand.NewPCG(3, 4))
	names := make([]string, 5)
	overlay := map[string][]byte{}
	for i := range names {
		names[i] = filepath.Join(folder, fmt.Sprintf("%c.yaml", 'a'+i))
		overlay[names[i]] = []byte(snippets[i])
		write(t, folder, filepath.Base(names[i]), snippets[i])
	}
	kept := newFolders()
	distinct := map[string]bool{}
	for edit := range 120 {
		name := names[random.IntN(len(names))]
		text := ""
		for range random.IntN(4) {
			text += snippets[random.IntN(len(snippets))] + "---\n"
		}
		overlay[name] = []byte(text)
		if random.IntN(4) == 0 { // it is saved
			write(t, folder, filepath.Base(name), text)
			delete(overlay, name)
		}
		if random.IntN(3) == 0 { // the next edit comes before the run has ended
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			_, _ = findings(ctx, t, kept, folder, overlay)
			continue
		}
		got, err := findings(t.Context(), t, kept, folder, overlay)
		want, wantErr := findings(t.Context(), t, newFolders(), folder, overlay)
		if got != want || fmt.Sprint(err) != fmt.Sprint(wantErr) {
			t.Fatalf("edit %d of %s: got %v\n%s\nwant %v\n%s", edit, name, err, got, wantErr, want)
		}
		distinct[want] = true
	}
	if len(distinct) < 40 {
		t.Errorf("only %d different answers", len(distinct))
	}
}

func findings(
	ctx context.Context, t *testing.T, folders *app.Folders, folder string, overlay map[string][]byte,
) (string, error) {
	t.Helper()
	texts := map[string][]byte{}
	for name, text := range overlay {
		texts[name] = text
	}
	f, err := folders.Open(folder, texts, "")
	if err != nil {
		t.Fatal(err)
	}
	all, err := f.Lint(ctx)
	for i := range all { // as callers may, who own what they receive
		for j := range all[i].Related {
			defer func(r *diag.Related) { r.Message = "changed" }(&all[i].Related[j])
		}
	}
	data, encodeErr := json.MarshalIndent(all, "", " ")
	if encodeErr != nil {
		t.Fatal(encodeErr)
	}
	return string(data), err
}

func newFolders() *app.Folders { return &app.Folders{Build: app.Build{Kubernetes: "1.37"}} }
