package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/convert"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
)

// convertOptions are the flags of seatrial convert.
type convertOptions struct {
	Streams
	paths    []string
	output   string
	versions []string
	version  string
	exclude  []string
}

func newConvertCommand(s Streams) *cobra.Command {
	o := &convertOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "convert [PATH|-]...",
		Short: "Convert between YAML and JSON, and between API versions",
		Long: `Convert prints manifests in another form: YAML as JSON, JSON as YAML, and objects in another API
version, as the API server converts them. Where the defaults of the two versions differ, the old
defaults are written out, so that the object keeps its meaning. An object with an unknown field,
which would be lost, is not converted.

Keys keep their order, and YAML its comments; the items of a List become documents. What the API
server refuses of a converted object is an error: the object is printed all the same, to be
completed. PATH is as for lint. Values of Secrets are part of the output.

Exit codes: 0 converted; 1 a document cannot be converted; 2 wrong usage; 3 could not run.`,
		Example: `  seatrial convert deployment.yaml
  seatrial convert --output-version apps/v1 old.yaml
  seatrial convert --kubernetes-version 1.37 manifests/ -o yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			o.paths, o.In = args, interruptible{cmd.Context(), o.In}
			return o.run()
		},
	}
	f := cmd.Flags()
	f.StringVarP(
		&o.output, "output", "o", "",
		"output form: "+strings.Join(formNames(), "|")+
			" (default: the other one; the same when the API version changes)",
	)
	f.StringSliceVar(
		&o.versions, "output-version", nil, "API `version` to convert to: apps/v1; several, for several kinds",
	)
	f.StringVar(
		&o.version, "kubernetes-version", "",
		"convert objects that this Kubernetes does not serve to an API version that it serves",
	)
	f.StringSliceVar(&o.exclude, "exclude", nil, "globs of files and folders to skip")
	cmd.MarkFlagsMutuallyExclusive("output-version", "kubernetes-version")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output", completeWords(formNames())))
	return cmd
}

func formNames() (names []string) {
	for _, f := range convert.Forms {
		names = append(names, f.Name)
	}
	return names
}

func (o *convertOptions) run() error {
	if o.output != "" && !slices.Contains(formNames(), o.output) {
		return usageError("invalid --output %q: want %s", o.output, strings.Join(formNames(), " or "))
	}
	target, err := o.target()
	if err != nil {
		return err
	}
	if len(o.paths) == 0 {
		return usageError("nothing to convert: name a file, a folder, or - for standard input")
	}
	docs, err := o.documents()
	if err != nil {
		return err
	}
	var out bytes.Buffer
	refused, err := o.convert(&out, target, docs)
	if err != nil {
		return err
	}
	if _, err = out.WriteTo(o.Out); err == nil && len(refused) > 0 {
		err = &exitError{exitFindings, errors.Join(refused...)}
	}
	return err
}

// target reads which API versions are asked for.
func (o *convertOptions) target() (t convert.Target, err error) {
	for _, v := range o.versions {
		gv, err := k8sschema.ParseGroupVersion(v)
		if err != nil || gv.Version == "" {
			return t, usageError("invalid --output-version %q: want GROUP/VERSION, such as apps/v1", v)
		}
		t.Versions = append(t.Versions, gv)
	}
	if o.version != "" {
		if t.Store, err = schema.Open(o.version); err != nil {
			return t, usageError("%v", err)
		}
	}
	return t, nil
}

// documents reads the inputs. A file that cannot be read as a whole is not converted in part.
func (o *convertOptions) documents() (docs []*manifest.Document, err error) {
	files, problems := app.NewFiles(o.In).Manifests(o.paths, o.exclude)
	for _, m := range files {
		for _, f := range m.Findings {
			problems = append(
				problems, fmt.Errorf("%s:%d:%d: %s", m.Name, f.Range.Start.Line, f.Range.Start.Column, f.Message),
			)
		}
		docs = append(docs, m.Documents...)
	}
	switch {
	case len(problems) > 0:
		return nil, &exitError{exitFailed, errors.Join(problems...)}
	case len(docs) == 0:
		return nil, &exitError{exitFailed, app.NoDocuments(o.paths)}
	}
	return docs, nil
}

// convert writes all documents, or returns an error for those that cannot be converted. Refused is what the API server
// refuses of those that are.
func (o *convertOptions) convert(
	w io.Writer, target convert.Target, docs []*manifest.Document,
) (refused []error, err error) {
	form := o.form(docs[0])
	var failed []error
	changed := false
	for _, d := range docs {
		value, moved, err := target.Convert(d)
		if err != nil {
			failed = append(failed, err)
			continue
		}
		changed = changed || moved || slices.ContainsFunc(
			target.Versions, func(v k8sschema.GroupVersion) bool { return v.String() == d.Object.APIVersion },
		)
		if err := form.Write(w, value, d); err != nil {
			return nil, &exitError{exitFailed, fmt.Errorf("writing %s: %w", d.Object, err)}
		}
		if !moved {
			o.noteUnserved(target, d)
			continue
		}
		for _, r := range convert.Judge(context.Background(), d, value) {
			refused = append(refused, r)
		}
	}
	switch {
	case len(failed) > 0:
		return nil, &exitError{exitFindings, errors.Join(failed...)}
	case len(target.Versions) > 0 && !changed:
		return nil, &exitError{
			exitFindings, fmt.Errorf("no document can be converted to %s", strings.Join(o.versions, ", ")),
		}
	}
	return refused, nil
}

// noteUnserved says that a document is left in an API version that Kubernetes serves no more.
func (o *convertOptions) noteUnserved(target convert.Target, d *manifest.Document) {
	gvk := k8sschema.FromAPIVersionAndKind(d.Object.APIVersion, d.Object.Kind)
	kind, known := schema.History(gvk)
	if target.Store != nil || len(target.Versions) > 0 || !known || kind.Removed == "" {
		return
	}
	fmt.Fprintf(o.Err,
		"note: %s: %s %s was removed in Kubernetes %s: --kubernetes-version %s converts it to what is served\n",
		d.File.Name, d.Object.APIVersion, d.Object.Kind, kind.Removed, schema.Latest)
}

// form is the one that is asked for, or the other one than the first document has, or the same if
// it is the API version that changes.
func (o *convertOptions) form(first *manifest.Document) convert.Form {
	want := "yaml"
	if keeps := len(o.versions) > 0 || o.version != ""; first.IsJSON() == keeps {
		want = "json"
	}
	if o.output != "" {
		want = o.output
	}
	return convert.Forms[slices.IndexFunc(convert.Forms, func(f convert.Form) bool { return f.Name == want })]
}
