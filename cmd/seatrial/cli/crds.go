package cli

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/internal/catalogue"
)

// crdsOptions are the flags of seatrial crds.
type crdsOptions struct {
	Streams
	release   string
	outputDir string
	context   string
	catalogue *catalogue.Catalogue
}

func newCRDsCommand(s Streams) *cobra.Command {
	o := &crdsOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "crds [PROJECT|KIND]",
		Short: "List, show and export the known definitions of custom resources",
		Long: `Crds lists the operators whose CustomResourceDefinitions seatrial brings along. Of a project it lists the
kinds, of a kind it prints the definition. lint judges custom resources by them where neither the manifests nor
--crds define a kind: by the newest release first, and an error is reported only if no release that is held
accepts the object.

With --context, the definitions are those of a cluster, as lint --context judges by them.

The configuration chooses the release that you run, or switches a project off:

  crds:
    cert-manager: "1.18"
    istio: off`,
		Example: `  seatrial crds
  seatrial crds cert-manager
  seatrial crds certificate --release 1.18
  seatrial crds gateway-api --output-dir crds/`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.context != "" {
				return o.runCluster(cmd.Context(), strings.Join(args, ""))
			}
			return o.run(strings.Join(args, ""))
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return projectNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.release, "release", "", "release of the project (default: the configured one, or the newest)")
	f.StringVar(
		&o.context, "context", "", "context of the kubeconfig: the definitions of its cluster, which is only read",
	)
	f.StringVar(&o.outputDir, "output-dir", "", "folder to write the definitions to, one file for each kind")
	return cmd
}

func projectNames() (names []string) {
	c, err := catalogue.Open()
	if err != nil {
		return nil
	}
	for _, p := range c.Projects {
		names = append(names, p.Name)
	}
	return names
}

func (o *crdsOptions) run(name string) error {
	kinds, err := o.choose(name)
	if err != nil {
		return err
	}
	switch {
	case o.outputDir != "" && !slices.ContainsFunc(kinds, hasDefinition):
		return usageError("the catalogue knows the kinds of %s by name only: there is nothing to write", name)
	case o.outputDir != "":
		return o.export(kinds)
	case name == "":
		return o.listProjects()
	case o.project(name) != nil:
		return o.listKinds(kinds)
	}
	for _, k := range kinds {
		if err := o.show(o.Out, k); err != nil {
			return err
		}
	}
	return nil
}

// choose opens the catalogue, and returns the kinds that a name stands for: all, those of a project, or those that
// have it as the name of their resource.
func (o *crdsOptions) choose(name string) (kinds []*catalogue.Kind, err error) {
	config, err := app.Configuration("", "")
	if err != nil {
		return nil, usageError("%v", err)
	}
	if o.catalogue, err = catalogue.Open(); err != nil {
		return nil, &exitError{exitFailed, err}
	}
	project := o.project(name)
	if project == nil && name != "" {
		if kinds = o.catalogue.Find(name); len(kinds) == 0 {
			return nil, o.unknown(name)
		}
		project = o.project(kinds[0].Project)
	}
	releases := config.CRDs.Releases
	if o.release != "" {
		if project == nil {
			return nil, usageError("--release is of a project: name it")
		}
		releases = map[string]string{project.Name: o.release}
	}
	if o.catalogue, err = o.catalogue.Choose(releases); err != nil {
		return nil, usageError("%v", err)
	}
	if len(kinds) > 0 {
		return kinds, nil
	}
	for i := range o.catalogue.Kinds {
		if k := &o.catalogue.Kinds[i]; project == nil || k.Project == project.Name {
			kinds = append(kinds, k)
		}
	}
	return kinds, nil
}

// unknown returns the error for a name without definitions.
func (o *crdsOptions) unknown(name string) error {
	if named := o.catalogue.FindNamed(name); len(named) > 0 {
		k := named[0]
		return usageError("the catalogue knows %s.%s of %s by name only: its definition comes with --crds or --context",
			k.Plural, k.Group, k.Project)
	}
	return usageError("no project and no kind %q in the catalogue: seatrial crds lists the projects", name)
}

// project returns the project of a name, or nil.
func (o *crdsOptions) project(name string) *catalogue.Project {
	for i := range o.catalogue.Projects {
		if p := &o.catalogue.Projects[i]; p.Name == name {
			return p
		}
	}
	return nil
}

func (o *crdsOptions) listProjects() error {
	kinds := map[string]int{}
	for _, k := range o.catalogue.Kinds {
		kinds[k.Project]++
	}
	w := tabwriter.NewWriter(o.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "PROJECT\tKINDS\tRELEASES\tLICENSE")
	for _, p := range o.catalogue.Projects {
		releases := strings.Join(p.Releases, " ")
		if chosen := o.catalogue.Release(p.Name); chosen != "" {
			releases = chosen + " (configured)"
		} else if releases == "" {
			releases = knownByName
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", p.Name, kinds[p.Name], releases, p.License)
	}
	return w.Flush()
}

// knownByName stands for the release of kinds without a definition.
const knownByName = "known by name"

func hasDefinition(k *catalogue.Kind) bool { return len(k.Forms) > 0 }

func (o *crdsOptions) listKinds(kinds []*catalogue.Kind) error {
	w := tabwriter.NewWriter(o.Out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tRESOURCE\tVERSIONS\tRELEASE")
	for _, k := range kinds {
		if d := o.catalogue.Newest(k.Group, k.Kind); d != nil {
			fmt.Fprintf(
				w, "%s\t%s.%s\t%s\t%s\n", k.Kind, k.Plural, k.Group, strings.Join(d.Versions, " "), d.Releases[0],
			)
		} else if !hasDefinition(k) {
			fmt.Fprintf(w, "%s\t%s.%s\t%s\t%s\n", k.Kind, k.Plural, k.Group, "", knownByName)
		}
	}
	return w.Flush()
}

// show writes the definition of a kind as YAML.
func (o *crdsOptions) show(w io.Writer, k *catalogue.Kind) error {
	d := o.catalogue.Newest(k.Group, k.Kind)
	if d == nil {
		return nil // the release that was chosen does not have it
	}
	data, err := d.JSON()
	if err == nil {
		data, err = yaml.JSONToYAML(data)
	}
	if err != nil {
		return &exitError{exitFailed, err}
	}
	_, err = fmt.Fprintf(w, "---\n# %s, %s\n%s", d, o.project(k.Project).License, data)
	return err
}

// runCluster lists the definitions of a cluster, shows those of a name, or writes them to files.
func (o *crdsOptions) runCluster(ctx context.Context, name string) error {
	if o.release != "" {
		return usageError("--release is of a project of the catalogue: --context reads what a cluster has")
	}
	crds, err := clusterCRDs(ctx, o.Err, o.context, app.CacheDir(o.Getenv))
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(crds.Definitions))
	if name != "" {
		names = slices.DeleteFunc(names, func(d string) bool {
			plural, group, _ := strings.Cut(d, ".")
			return d != name && plural != name && strings.TrimSuffix(plural, "s") != strings.ToLower(name) &&
				group != name
		})
		if len(names) == 0 {
			return usageError("context %s has no definition %q", o.context, name)
		}
	}
	if o.outputDir != "" {
		if err := os.MkdirAll(o.outputDir, 0o755); err != nil {
			return &exitError{exitFailed, err}
		}
	}
	for _, d := range names {
		switch text := crds.Definitions[d]; {
		case o.outputDir != "":
			err = atomicfile.Write(filepath.Join(o.outputDir, d+".yaml"), text, 0o644)
		case name != "":
			_, err = fmt.Fprintf(o.Out, "---\n%s", text)
		default:
			_, err = fmt.Fprintln(o.Out, d)
		}
		if err != nil {
			return &exitError{exitFailed, err}
		}
	}
	if o.outputDir != "" {
		fmt.Fprintf(o.Err, "wrote %d definitions to %s\n", len(names), o.outputDir)
	}
	return nil
}

// export writes the definitions of kinds to files.
func (o *crdsOptions) export(kinds []*catalogue.Kind) error {
	if err := os.MkdirAll(o.outputDir, 0o755); err != nil {
		return &exitError{exitFailed, err}
	}
	written := 0
	for _, k := range kinds {
		var text strings.Builder
		if err := o.show(&text, k); err != nil {
			return err
		}
		if text.Len() == 0 {
			continue
		}
		name := filepath.Join(o.outputDir, k.Plural+"."+k.Group+".yaml")
		if err := atomicfile.Write(name, []byte(text.String()), 0o644); err != nil {
			return &exitError{exitFailed, err}
		}
		written++
	}
	_, err := fmt.Fprintf(o.Err, "wrote %d definitions to %s\n", written, o.outputDir)
	return err
}
