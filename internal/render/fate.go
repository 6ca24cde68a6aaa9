package render

import (
	"fmt"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/manifest"
)

// Fate says whether what applies the source deletes an object that the source does not have any more, or all of them
// when the source itself goes, and which setting says so.
func (s *Source) Fate(d *manifest.Document, whole bool) (pruned bool, why string) {
	metadata := metadataOf(d)
	switch s.Kind {
	case FluxKustomization:
		return s.fluxFate(metadata, whole)
	case HelmRelease:
		return helmFate(metadata, "helm upgrade deletes what is not in the chart any more")
	case Application:
		return s.argoFate(metadata, whole)
	case Chart:
		if whole {
			return false, "the release stays until helm uninstall"
		}
		return helmFate(metadata, "helm upgrade deletes what is not in the chart any more")
	}
	return false, "kubectl apply deletes nothing"
}

// metadata is what is read of an object that goes.
type metadata struct{ labels, annotations map[string]any }

func metadataOf(d *manifest.Document) (m metadata) {
	all, _ := d.Value()["metadata"].(map[string]any)
	m.labels, _ = all["labels"].(map[string]any)
	m.annotations, _ = all["annotations"].(map[string]any)
	return m
}

// helmFate is that of an object of a release.
func helmFate(m metadata, why string) (bool, string) {
	if m.annotations["helm.sh/resource-policy"] == "keep" {
		return false, "helm.sh/resource-policy is keep"
	}
	if m.annotations["helm.sh/hook"] != nil {
		return false, "helm does not manage what a hook made"
	}
	return true, why
}

// fluxFate is that of an object of a Kustomization of Flux.
func (s *Source) fluxFate(m metadata, whole bool) (bool, string) {
	var k struct {
		Spec struct {
			Prune          bool
			DeletionPolicy string
		}
	}
	_ = (&object{s.object}).decode(&k) // it has been decoded before
	const disabled = "kustomize.toolkit.fluxcd.io/prune"
	switch {
	case m.labels[disabled] == "disabled" || m.annotations[disabled] == "disabled":
		return false, disabled + " is disabled"
	case whole && k.Spec.DeletionPolicy != "" && k.Spec.DeletionPolicy != "MirrorPrune":
		return k.Spec.DeletionPolicy != "Orphan", "spec.deletionPolicy of the Kustomization is " + k.Spec.DeletionPolicy
	}
	return k.Spec.Prune, fmt.Sprintf("spec.prune of the Kustomization is %v", k.Spec.Prune)
}

// argoFate is that of an object of an Application, or of one that an ApplicationSet makes.
func (s *Source) argoFate(m metadata, whole bool) (bool, string) {
	type application struct {
		Metadata struct{ Finalizers []string }
		Spec     struct {
			SyncPolicy struct{ Automated *struct{ Prune bool } }
		}
	}
	var a application
	if s.object.Object.Kind == "ApplicationSet" {
		var set struct {
			Spec struct {
				Template   application
				SyncPolicy struct{ PreserveResourcesOnDeletion bool }
			}
		}
		_ = (&object{s.object}).decode(&set)
		if a = set.Spec.Template; whole {
			keep := set.Spec.SyncPolicy.PreserveResourcesOnDeletion
			return !keep, fmt.Sprintf("syncPolicy.preserveResourcesOnDeletion of the ApplicationSet is %v", keep)
		}
	} else {
		_ = (&object{s.object}).decode(&a)
	}
	options, _ := m.annotations["argocd.argoproj.io/sync-options"].(string)
	switch {
	case whole:
		if slices.ContainsFunc(a.Metadata.Finalizers, func(f string) bool {
			return strings.HasPrefix(f, "resources-finalizer.argocd.argoproj.io")
		}) {
			return true, "the Application has the finalizer resources-finalizer.argocd.argoproj.io"
		}
		return false, "the Application has no finalizer resources-finalizer.argocd.argoproj.io"
	case strings.Contains(strings.ReplaceAll(options, " ", ""), "Prune=false"):
		return false, "argocd.argoproj.io/sync-options has Prune=false"
	case a.Spec.SyncPolicy.Automated == nil:
		return false, "the Application is not synchronized automatically"
	}
	prune := a.Spec.SyncPolicy.Automated.Prune
	return prune, fmt.Sprintf("syncPolicy.automated.prune of the Application is %v", prune)
}

// Recreates reports whether what applies the source deletes an object and creates it again: a hook each time, or any
// object whose update the server refuses, with the setting that says so.
func (s *Source) Recreates(d *manifest.Document) (hook bool, why string) {
	m := metadataOf(d)
	options, _ := m.annotations["argocd.argoproj.io/sync-options"].(string)
	const force = "kustomize.toolkit.fluxcd.io/force"
	switch s.Kind {
	case Chart, HelmRelease:
		// spec.upgrade.force replaces objects by an update, which the server refuses as well
		return m.annotations["helm.sh/hook"] != nil, ""
	case Application:
		hook = m.annotations["argocd.argoproj.io/hook"] != nil || m.annotations["helm.sh/hook"] != nil
		if options = strings.ReplaceAll(options, " ", ""); strings.Contains(options, "Force=true") {
			why = "argocd.argoproj.io/sync-options has Force=true"
		}
		return hook, why
	case FluxKustomization:
		var k struct{ Spec struct{ Force bool } }
		if _ = (&object{s.object}).decode(&k); k.Spec.Force {
			return false, "spec.force of the Kustomization"
		}
		if value, _ := m.annotations[force].(string); strings.EqualFold(value, "enabled") {
			return false, force
		}
	}
	return false, ""
}
