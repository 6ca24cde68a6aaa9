package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// sourceVerbs are the verbs of kubectl that take files of manifests, and here charts and kustomizations as well.
var sourceVerbs = []string{"create", "apply", "delete", "diff", "replace"}

// renderedSources are files of what sources render to. The zero value has none.
type renderedSources struct {
	dir   string
	names []string // file, source
}

// renderSources renders the charts and kustomizations that a flag --filename names, and returns the arguments with
// files of what they render to in their place.
func renderSources(verb string, args []string) (r renderedSources, rest []string, err error) {
	if !slices.Contains(sourceVerbs, verb) || !slices.ContainsFunc(args, isFilenameFlag) {
		return r, args, nil
	}
	options := render.Options{Child: renderer, Namespace: flagValue(args, "--namespace", "-n")}
	options.Values, args = takeFlags(args, "--helm-values")
	options.Set, args = takeFlags(args, "--set")
	options.ReleaseName, args = takeFlag(args, "--release-name")
	for i := 0; i < len(args); i++ {
		rest = append(rest, args[i])
		flag, value, joined := strings.Cut(args[i], "=")
		if !isFilenameFlag(flag) {
			continue
		}
		if !joined {
			if i++; i == len(args) {
				break
			}
			rest, value = append(rest, args[i]), args[i]
		}
		sources := sourcesOf(value)
		if len(sources) == 0 {
			continue
		}
		file, err := r.add(value, sources, options)
		if err != nil {
			r.remove()
			return renderedSources{}, nil, &exitError{exitFailed, err}
		}
		if rest[len(rest)-1] = file; joined {
			rest[len(rest)-1] = flag + "=" + file
		}
	}
	return r, rest, nil
}

func isFilenameFlag(arg string) bool {
	flag, _, _ := strings.Cut(arg, "=")
	return flag == "-f" || flag == "--filename"
}

// flagValue returns the value of a flag, which stays among the arguments.
func flagValue(args []string, names ...string) string {
	for _, name := range names {
		if value, _ := takeFlag(args, name); value != "" {
			return value
		}
	}
	return ""
}

// takeFlags takes a flag that may be repeated out of arguments.
func takeFlags(args []string, name string) (values, rest []string) {
	for i := 0; i < len(args); i++ {
		switch value, joined := strings.CutPrefix(args[i], name+"="); {
		case args[i] == name && i+1 < len(args):
			i++
			values = append(values, args[i])
		case joined:
			values = append(values, value)
		default:
			rest = append(rest, args[i])
		}
	}
	return values, rest
}

// sourcesOf returns what a path is rendered by: a chart or a kustomization, or the sources that objects of Flux and
// Argo CD in a folder apply; none for plain manifests.
func sourcesOf(path string) (sources []*render.Source) {
	if source := render.At(path); source != nil {
		return []*render.Source{source}
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		return nil
	}
	applied := []render.Kind{render.FluxKustomization, render.HelmRelease, render.Application}
	for _, s := range render.Discover([]string{path}, nil).Sources {
		if slices.Contains(applied, s.Kind) {
			sources = append(sources, s)
		}
	}
	return sources
}

// add renders sources into a file.
func (r *renderedSources) add(name string, sources []*render.Source, o render.Options) (file string, err error) {
	var texts [][]byte
	for _, s := range sources {
		rendering := s.Render(s.For(o)[0], o)
		for _, d := range rendering.Findings {
			if d.Severity == diag.Error || len(rendering.Text) == 0 {
				return "", fmt.Errorf("rendering %s: %s: %s", name, d.Range, d.Message)
			}
		}
		texts = append(texts, rendering.Text)
	}
	text := bytes.Join(texts, []byte("\n---\n"))
	if len(sources) > 1 || sources[0].Name != "" {
		text = inOrder(name, text)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return "", fmt.Errorf("%s renders to no objects", name)
	}
	if r.dir == "" {
		if r.dir, err = os.MkdirTemp("", "seatrial-"); err != nil {
			return "", err
		}
	}
	file = filepath.Join(r.dir, fmt.Sprintf("%d.yaml", len(r.names)/2))
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return "", errors.Join(err, os.RemoveAll(r.dir))
	}
	r.names = append(r.names, file, name)
	return file, nil
}

// inOrder returns the objects of a text with those first that others need, namespaces and definitions, and without
// those that tell Flux and Argo CD what to apply.
func inOrder(name string, text []byte) []byte {
	docs, _ := manifest.Read(source.NewFile(name, text), manifest.DefaultLimits)
	docs = slices.DeleteFunc(docs, func(d *manifest.Document) bool {
		group, _, _ := strings.Cut(d.Object.APIVersion, "/")
		return strings.HasSuffix(group, ".toolkit.fluxcd.io") ||
			group == "argoproj.io" && strings.HasPrefix(d.Object.Kind, "App")
	})
	needed := func(d *manifest.Document) int {
		if d.Object.Kind == "Namespace" || d.Object.Kind == "CustomResourceDefinition" {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(docs, func(a, b *manifest.Document) int { return needed(a) - needed(b) })
	var out bytes.Buffer
	for _, d := range docs {
		out.WriteString("---\n")
		out.Write(d.JSON)
		out.WriteString("\n")
	}
	return out.Bytes()
}

// remove removes the files.
func (r *renderedSources) remove() {
	if r.dir != "" {
		_ = os.RemoveAll(r.dir) // a temporary folder
	}
}

// naming returns a writer that calls the files by the names of the sources.
func (r *renderedSources) naming(w io.Writer) io.Writer {
	if len(r.names) == 0 {
		return w
	}
	return renamer{w, strings.NewReplacer(r.names...)}
}

type renamer struct {
	io.Writer
	names *strings.Replacer
}

func (r renamer) Write(b []byte) (int, error) {
	_, err := r.names.WriteString(r.Writer, string(b))
	return len(b), err
}
