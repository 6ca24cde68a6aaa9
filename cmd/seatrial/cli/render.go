package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/internal/sanitize"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// renderOptions are the flags of seatrial render.
type renderOptions struct {
	Streams
	paths     []string
	list      bool
	outputDir string
	output    string
	render.Options
	showSecrets bool
	isolated    bool
}

func newRenderCommand(s Streams) *cobra.Command {
	o := &renderOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "render [PATH]...",
		Short: "Print the objects that charts and kustomizations render to",
		Long: `Render prints the objects that would be applied: each chart with its default values and each of its
ci/*-values.yaml, each kustomization that no other one uses. Helm's and kustomize's own libraries render them,
without their programs and without a network.

PATH is a folder or a file of one; without PATH the current folder is searched. What cannot be rendered is
reported, and the exit code is 1.`,
		Example: `  seatrial render overlays/prod
  seatrial render charts/web --helm-values prod.yaml
  seatrial render --list .`,
		RunE: func(_ *cobra.Command, args []string) error {
			if o.isolated {
				return render.Isolated(o.In, o.Out)
			}
			o.paths = args
			return o.run()
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.list, "list", false, "list the sources and their variants")
	f.StringVar(&o.outputDir, "output-dir", "", "folder to write to, one file for each object")
	f.StringVarP(&o.output, "output", "o", "yaml", "format: yaml|json")
	f.BoolVar(&o.isolated, isolatedFlag, false, "render the chart that standard input describes in JSON")
	cobra.CheckErr(f.MarkHidden(isolatedFlag))
	chartFlags(f, &o.Options)
	f.StringVar(
		&o.KubernetesVersion, "kubernetes-version", "", "Kubernetes version that charts see (default: the linked one)",
	)
	f.BoolVar(&o.showSecrets, "show-secrets", false, "print the values of Secrets, which are masked otherwise")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output", completeWords([]string{"yaml", "json"})))
	return cmd
}

// isolatedFlag makes another process of this program render a chart.
const isolatedFlag = "isolated"

// renderer is the command line of this program that renders such charts.
var renderer = []string{"render", "--" + isolatedFlag}

// chartFlags binds the flags that say with which values charts are rendered.
func chartFlags(f *pflag.FlagSet, o *render.Options) {
	o.Child = renderer
	f.StringSliceVar(
		&o.Values, "helm-values", nil, "values files for charts, later ones win; in place of the charts' variants",
	)
	f.StringArrayVar(&o.Set, "set", nil, "values for charts as helm takes them: key=value,key2=value2; may be repeated")
	f.StringVar(&o.ReleaseName, "release-name", "", "release name for charts (default: the name of the chart)")
	f.StringVar(&o.Namespace, "namespace", "", "release namespace for charts (default \"default\")")
}

func (o *renderOptions) run() error {
	if o.output != "yaml" && o.output != "json" {
		return usageError("invalid --output %q: want yaml or json", o.output)
	}
	if len(o.paths) == 0 {
		o.paths = []string{"."}
	}
	for _, p := range o.paths {
		if _, err := os.Stat(p); err != nil {
			return &exitError{exitFailed, err}
		}
	}
	config, err := app.Configuration("", "")
	if err != nil {
		return usageError("%v", err)
	}
	tree := render.Discover(o.paths, nil, app.Clusters(config)...)
	app.AddVariants(config, tree.Sources, nil)
	if o.list {
		for _, s := range tree.Elsewhere {
			fmt.Fprintf(o.Out, "%s\t%s\tnot rendered: %s\n", s.Kind, s.Name, s.Why)
		}
	}
	if len(tree.Sources) == 0 {
		return &exitError{exitFailed, fmt.Errorf("no chart or kustomization found in %s", strings.Join(o.paths, ", "))}
	}
	failed := false
	for _, s := range tree.Sources {
		for _, v := range s.For(o.Options) {
			end := underWay(o.Streams, "rendering "+sanitize.Line(s.Name))
			r := s.Render(v, o.Options)
			end()
			for _, d := range r.Findings {
				failed = true
				fmt.Fprintln(o.Err, sanitize.Line(fmt.Sprintf("%s: %s: %s", d.Range, d.Severity, d.Message)))
			}
			if err := o.write(r); err != nil {
				return &exitError{exitFailed, err}
			}
		}
	}
	if failed {
		return &exitError{code: exitFindings}
	}
	return nil
}

// write writes a rendering in the form that was asked for.
func (o *renderOptions) write(r *render.Rendering) error {
	if o.list {
		_, err := fmt.Fprintf(o.Out, "%s\t%s\n", r.Source.Kind, r.Name)
		return err
	}
	file := source.NewFile(r.Name, r.Text)
	if !o.showSecrets {
		file = redact.File(file)
	}
	if o.output == "yaml" && o.outputDir == "" {
		_, err := o.Out.Write(r.WithOrigins(file))
		return err
	}
	docs, _ := manifest.Read(file, manifest.DefaultLimits)
	for _, d := range docs {
		if err := o.writeObject(r, d); err != nil {
			return err
		}
	}
	return nil
}

// writeObject writes an object as JSON, or to a file of its own, below a comment that says where it comes from.
func (o *renderOptions) writeObject(r *render.Rendering, d *manifest.Document) error {
	if o.output == "json" && o.outputDir == "" {
		_, err := fmt.Fprintf(o.Out, "%s\n", d.JSON)
		return err
	}
	at := d.Range()
	text := strings.TrimLeft(strings.TrimPrefix(string(d.File.Data[at.Start.Offset:at.End.Offset]), "---"), "\n")
	text = fmt.Sprintf("---\n# Source: %s\n%s\n", r.Origin(d), strings.TrimRight(text, "\n"))
	name := filepath.Join(
		o.outputDir, fileName(r.Name),
		fileName(strings.ToLower(d.Object.Kind), d.Object.Namespace, d.Object.Name)+".yaml",
	)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	return atomicfile.Write(name, []byte(text), 0o644)
}

// unsafeInFileNames is what names of objects, which nobody has judged, may not bring into the name of a file.
var unsafeInFileNames = regexp.MustCompile(`[^\w.()-]+|^\.+`)

// fileName joins names to one name of a file in a folder.
func fileName(names ...string) string {
	names = slices.DeleteFunc(names, func(s string) bool { return s == "" })
	return unsafeInFileNames.ReplaceAllString(strings.Join(names, "-"), "-")
}
