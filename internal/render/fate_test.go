package render

import (
	"fmt"
	"testing"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

func TestFate(t *testing.T) {
	const (
		flux = "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\nmetadata: {name: a}\nspec: "
		argo = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: a%s}\nspec: "
		set  = "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nmetadata: {name: a}\nspec: "
	)
	app := fmt.Sprintf(argo, "")
	for name, c := range map[string]struct {
		kind          Kind
		object        string // that asks for the source
		metadata      string // of what goes
		pruned, whole bool   // whole: when the source goes
	}{
		"kubectl":       {kind: Kustomization},
		"helm":          {kind: Chart, pruned: true},
		"helm keep":     {kind: Chart, metadata: "annotations: {helm.sh/resource-policy: keep}"},
		"helm hook":     {kind: Chart, metadata: "annotations: {helm.sh/hook: pre-install}"},
		"release":       {kind: HelmRelease, pruned: true, whole: true},
		"flux prune":    {kind: FluxKustomization, object: flux + "{prune: true}", pruned: true, whole: true},
		"flux no prune": {kind: FluxKustomization, object: flux + "{prune: false}"},
		"flux orphan": {
			kind: FluxKustomization, object: flux + "{prune: true, deletionPolicy: Orphan}", pruned: true,
		},
		"flux disabled": {
			kind: FluxKustomization, object: flux + "{prune: true}",
			metadata: "labels: {kustomize.toolkit.fluxcd.io/prune: disabled}",
		},
		"argo by hand":  {kind: Application, object: app + "{}"},
		"argo no prune": {kind: Application, object: app + "{syncPolicy: {automated: {}}}"},
		"argo prune": {
			kind: Application, object: app + "{syncPolicy: {automated: {prune: true}}}", pruned: true,
		},
		"argo finalizer": {
			kind:   Application,
			object: fmt.Sprintf(argo, ", finalizers: [resources-finalizer.argocd.argoproj.io]") + "{}", whole: true,
		},
		"argo Prune=false": {
			kind: Application, object: app + "{syncPolicy: {automated: {prune: true}}}",
			metadata: "annotations: {argocd.argoproj.io/sync-options: \"Validate=false, Prune=false\"}",
		},
		"applicationset": {
			kind: Application, object: set + "{template: {spec: {syncPolicy: {automated: {prune: true}}}}}",
			pruned: true, whole: true,
		},
		"applicationset kept": {
			kind: Application, object: set + "{syncPolicy: {preserveResourcesOnDeletion: true}, template: {}}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := &Source{Kind: c.kind}
			if c.object != "" {
				s.object = document(t, c.object)
			}
			gone := document(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: gone, "+c.metadata+"}\n")
			for whole, want := range map[bool]bool{false: c.pruned, true: c.whole} {
				if pruned, why := s.Fate(gone, whole); pruned != want || why == "" {
					t.Errorf("whole %v: pruned %v, want %v (%s)", whole, pruned, want, why)
				}
			}
		})
	}
}

func document(t *testing.T, text string) *manifest.Document {
	t.Helper()
	docs, findings := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
	if len(docs) != 1 || len(findings) > 0 {
		t.Fatalf("%q: %v", text, findings)
	}
	return docs[0]
}
