package app

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// foldersBelow returns the folders that a name leads through below the path that names it, or its parents; ok is false
// where no path is a folder above it.
func foldersBelow(name string, paths []string) (folders []string, root string, ok bool) {
	for _, path := range paths {
		rel, err := filepath.Rel(path, name)
		if err != nil || !filepath.IsLocal(rel) || rel == "." {
			continue
		}
		between := strings.Split(filepath.ToSlash(rel), "/")
		if !ok || len(between)-1 < len(folders) {
			folders, root, ok = between[:len(between)-1], path, true
		}
	}
	return folders, root, ok
}

// othersFolder returns the folder that a file is not searched for in, such as vendor or testdata, or one that is called
// invalid; empty: none.
func othersFolder(name string, paths []string) string {
	if slices.Contains(paths, name) {
		return ""
	}
	folders, root, _ := foldersBelow(name, paths)
	for i, folder := range folders {
		if slices.Contains(render.SkippedFolders, folder) || strings.HasPrefix(folder, "invalid") {
			return filepath.Join(root, filepath.Join(folders[:i+1]...))
		}
	}
	return ""
}

// templateMessage is what the reader says of a file with actions of a template where YAML does not allow them.
const templateMessage = "file is a template, not a manifest"

// dropTemplates takes out the findings about templates that no chart owns, such as those of Ansible, and returns how
// many there are. One that was named is reported.
func (j *LintJob) dropTemplates(res *lint.Result) (templates int) {
	w := j.workspace
	found := map[string]bool{}
	for i := range res.Diagnostics {
		d := &res.Diagnostics[i]
		if d.Message == templateMessage && !w.isNamed(d.Range.File) {
			found[d.Range.File] = true
		}
	}
	res.Diagnostics = slices.DeleteFunc(res.Diagnostics, func(d diag.Diagnostic) bool { return found[d.Range.File] })
	res.Count()
	return len(found)
}

// isNamed reports whether a file was named to be judged, and not found in a folder or handed over with others by a
// hook.
func (w *Workspace) isNamed(name string) bool {
	return w.IsStdin(name) || !w.AnyFiles && slices.Contains(w.paths, name)
}

// demoteAlternatives makes warnings of duplicates in files of which probably one is applied at a time: those of a
// folder that was not named, but found below one, and several versions of the same objects, which are one warning. A
// folder that was named is applied as it is.
func (w *Workspace) demoteAlternatives(res *lint.Result) {
	shared := map[[2]string]int{} // objects that two files define
	for i := range res.Diagnostics {
		if pair, ok := duplicatePair(&res.Diagnostics[i]); ok {
			shared[pair]++
		}
	}
	reported := map[[2]string]bool{}
	kept := res.Diagnostics[:0]
	for _, d := range res.Diagnostics {
		pair, ok := duplicatePair(&d)
		switch {
		case !ok:
		case reported[pair]:
			continue
		case shared[pair] > 1: // the files are versions of each other
			reported[pair] = true
			d.Severity = diag.Warning
			d.Message = fmt.Sprintf("%d objects are defined in %s as well, %s among them", shared[pair], pair[0], d.Object)
			d.Help = "apply one of the files: what is applied last replaces the others"
		case w.areAlternatives(pair):
			d.Severity = diag.Warning
			d.Help = "apply one of the files, or rename the object: the last one that is applied replaces the others"
		}
		kept = append(kept, d)
	}
	clear(res.Diagnostics[len(kept):])
	res.Diagnostics = kept
	res.Count()
}

// areAlternatives reports whether of two files that define an object probably one is applied at a time.
func (w *Workspace) areAlternatives(pair [2]string) bool {
	folders, _, _ := foldersBelow(pair[1], w.paths)
	return len(folders) > 0 || stemOf(pair[0]) == stemOf(pair[1]) || w.isBundle(pair[0]) && w.isBundle(pair[1])
}

// stemOf returns the name of a file without its extension: the same object may be there as YAML and as JSON.
func stemOf(name string) string { return strings.TrimSuffix(name, filepath.Ext(name)) }

// demoteAmbiguous makes warnings of what definitions say of custom resources whose kind several files define: which of
// them is installed is not known.
func demoteAmbiguous(res *lint.Result) {
	ambiguous := map[string][]string{} // plurals by group
	for i := range res.Diagnostics {
		d := &res.Diagnostics[i]
		if _, ok := duplicatePair(d); ok && d.Object.Kind == definitionKind {
			plural, group, _ := strings.Cut(d.Object.Name, ".")
			ambiguous[group] = append(ambiguous[group], plural)
		}
	}
	for i := range res.Diagnostics {
		d := &res.Diagnostics[i]
		group, _, _ := strings.Cut(d.Object.APIVersion, "/")
		kind := strings.ToLower(d.Object.Kind)
		mine := func(plural string) bool { return strings.HasPrefix(plural, kind[:max(0, len(kind)-1)]) }
		if d.Rule != "field-unknown" && d.Rule != "api-server" && d.Rule != "kind-unknown" ||
			!slices.ContainsFunc(ambiguous[group], mine) {
			continue
		}
		if d.Severity = diag.Warning; d.Help != "" {
			d.Help += "; "
		}
		d.Help += "several files define the kind, and the last of them judges"
	}
}

// demoteCompleted makes warnings of errors about required fields that patches in the tree set for all objects of the
// kind: those that it is not applied to are probably not applied either, or not yet. Files that were named are judged
// as they stand.
func (w *Workspace) demoteCompleted(res *lint.Result) {
	demote(res, func(d *diag.Diagnostic) (help string) {
		if d.Reason != required || w.setForOthers == nil || w.isNamed(d.Range.File) {
			return ""
		}
		group, _, _ := strings.Cut(d.Object.APIVersion, "/")
		file := w.setForOthers(group, d.Object.Kind, d.Path)
		if file == "" {
			return ""
		}
		return "a patch in " + file + " sets it for other objects of this kind: apply it to this one, too, or " + d.Help
	})
}

// required is the reason of errors about fields that are missing.
const required = string(metav1.CauseTypeFieldValueRequired)

// demote makes warnings of the errors for which adjusted returns another help.
func demote(res *lint.Result, adjusted func(*diag.Diagnostic) (help string)) {
	for i := range res.Diagnostics {
		d := &res.Diagnostics[i]
		if d.Severity != diag.Error {
			continue
		}
		if help := adjusted(d); help != "" {
			d.Severity, d.Help = diag.Warning, help
		}
	}
	res.Count()
}

// bundled is how many documents a file has, at least, that holds all of an application.
const bundled = 3

// isBundle reports whether a file probably holds all that an application is made of, to be applied by itself.
func (w *Workspace) isBundle(name string) bool {
	f, err := w.Source(name)
	return err == nil && len(manifest.Split(f)) >= bundled
}

// duplicatePair returns the files of a duplicate, the first one first; ok is false for one within a file.
func duplicatePair(d *diag.Diagnostic) (pair [2]string, ok bool) {
	if d.Rule != "object-duplicate" || d.Severity != diag.Error || len(d.Related) == 0 {
		return pair, false
	}
	pair = [2]string{d.Related[0].Range.File, d.Range.File}
	return pair, pair[0] != pair[1] && pair[0] != source.Stdin && pair[1] != source.Stdin
}
