package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"
	"golang.org/x/term"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/schema"
)

// explainOptions are the flags of seatrial explain.
type explainOptions struct {
	Streams
	version     string
	apiVersion  string
	output      string
	recursive   bool
	maxDepth    int
	constraints bool
	search      string
	where       string
	limit       int
	history     bool
	diff        string
	example     string
	interactive bool
	serve       bool
	port        int
	outputDir   string
	crds        []string
	context     string
	color       string
	noPager     bool

	versions    []string // several for pages alone
	definitions [][]byte // of custom resources
	store       *schema.Store
	paint       bool
	depth       explain.Depth
}

// explainFormats are the values of -o.
var explainFormats = []string{"plaintext", "plaintext-openapiv2", "json", "yaml", "markdown", "html"}

// data are the formats of what kubectl does not print.
var data = []string{"plaintext", "json", "yaml", "markdown"}

// explainForm is one kind of output of explain.
type explainForm struct {
	flag    string // that asks for it; "" for the page of a resource or field, and for the list
	formats []string
	write   func(o *explainOptions, w io.Writer, text string) error
}

var explainForms = []explainForm{
	{"search", data, func(o *explainOptions, w io.Writer, _ string) error {
		return o.hits(w, explain.Search(o.store, strings.Fields(o.search), o.limit), o.search)
	}},
	{"where", data, func(o *explainOptions, w io.Writer, _ string) error {
		return o.hits(w, explain.Where(o.store, o.where), o.where)
	}},
	{"diff", data, (*explainOptions).compare},
	{"history", data, (*explainOptions).tellHistory},
	{"example", []string{"plaintext", "yaml", "json"}, (*explainOptions).writeExample},
	{"", explainFormats[:5], (*explainOptions).page},
}

func newExplainCommand(s Streams) *cobra.Command {
	o := &explainOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "explain [RESOURCE[.FIELD]...]",
		Short: "Explain a resource or field of any Kubernetes version",
		Long: `Explain describes resources and fields of Kubernetes ` + schema.Oldest + ` to ` + schema.Latest +
			`, without a cluster.

RESOURCE is a plural, singular or short name, or a kind, in upper or lower case, with version and
group where they matter (deployments.v1.apps). The path of a field follows, also through lists and
maps (pods.spec.containers[0].image). Without RESOURCE the resources are listed. Definitions of
custom resources are read from --crds, from the cluster of --context, and from the files of the
current folder.`,
		Example: `  # as kubectl prints it, for the newest version or another one
  seatrial explain deployment.spec
  seatrial explain --kubernetes-version 1.25 cronjob

  # when was it added, what has changed, where is it
  seatrial explain --history pod.spec.containers
  seatrial explain --diff 1.25..1.37 deployment
  seatrial explain --search 'graceful termination'

  # a manifest to start from
  seatrial explain --example ingress

  # in a full screen, as a folder of pages, and in a browser
  seatrial explain -i deployment
  seatrial explain -o html --output-dir reference --kubernetes-version all
  seatrial explain --serve`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completePath(o.version, prefix)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return o.run(cmd, cmp.Or(append(args, "")...))
		},
	}
	f := cmd.Flags()
	f.StringVar(
		&o.version, "kubernetes-version", schema.Latest,
		"Kubernetes version; for pages also several, separated by commas, or all",
	)
	f.StringVar(&o.apiVersion, "api-version", "", "API version of the resource: apps/v1 (default: the preferred one)")
	f.StringVarP(&o.output, "output", "o", explainFormats[0], "format: "+strings.Join(explainFormats, "|"))
	f.BoolVarP(&o.recursive, "recursive", "R", false, "show the fields of fields, too")
	f.IntVar(&o.maxDepth, "max-depth", 0, "levels of fields that --recursive shows (0: all)")
	f.BoolVar(
		&o.constraints, "constraints", false,
		"add what kubectl does not print: constraints, history, lint rules",
	)
	f.StringVar(&o.search, "search", "", "words to look for in all kinds, fields and descriptions")
	f.StringVar(&o.where, "where", "", "name of a field: list the kinds that have one, and where")
	f.IntVar(&o.limit, "limit", 20, "number of places that --search shows at most")
	f.BoolVar(
		&o.history, "history", false,
		"show in which releases the resource and its fields were added, changed and removed",
	)
	f.StringVar(&o.diff, "diff", "", "versions to compare, A..B: all resources, or the resource or field named")
	f.StringVar(&o.example, "example", "", "write a manifest: minimal (valid as it stands) or full (every field)")
	f.Lookup("example").NoOptDefVal = "minimal"
	f.BoolVarP(&o.interactive, "interactive", "i", false, "browse in a full screen")
	f.BoolVar(&o.serve, "serve", false, "show the reference as pages in a browser on this machine, until interrupted")
	f.IntVar(&o.port, "port", 0, "port of --serve (0: any that is free)")
	f.StringVar(&o.outputDir, "output-dir", "", "folder to write the pages of -o html to")
	f.StringSliceVar(&o.crds, "crds", nil, "files, folders or globs of CustomResourceDefinitions to explain as well")
	f.StringVar(
		&o.context, "context", "",
		"context of the kubeconfig: explain the CustomResourceDefinitions of that cluster as well",
	)
	f.StringVar(&o.color, "color", "auto", "colour: "+strings.Join(colorModes, "|"))
	f.BoolVar(&o.noPager, "no-pager", false, "never page, even when the text is longer than the terminal")
	cmd.MarkFlagsMutuallyExclusive(
		"search", "where", "diff", "history", "example", "interactive", "serve", "output-dir",
	)
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output", completeWords(explainFormats)))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("example", completeWords([]string{"minimal", "full"})))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("color", completeWords(colorModes)))
	return cmd
}

func (o *explainOptions) run(cmd *cobra.Command, text string) error {
	ctx := cmd.Context()
	if err := o.complete(ctx, cmd.Flags().Changed("kubernetes-version")); err != nil {
		return err
	}
	switch {
	case o.serve:
		return o.serveSite(ctx, text)
	case o.output == "html":
		return o.writeSite(text)
	case o.interactive:
		return o.browse(ctx, text)
	}
	at := slices.IndexFunc(
		explainForms, func(f explainForm) bool { return f.flag == "" || cmd.Flags().Changed(f.flag) },
	)
	form := explainForms[at]
	if !slices.Contains(form.formats, o.output) {
		return usageError("--%s has no --output %s: want %s", form.flag, o.output, strings.Join(form.formats, ", "))
	}
	var b bytes.Buffer
	if err := form.write(o, &b, text); err != nil {
		return explainError(err)
	}
	return o.show(ctx, b.Bytes())
}

// explainError separates what the user mistyped from what failed.
func explainError(err error) error {
	var code *exitError
	if errors.As(err, &code) {
		return err
	}
	return &exitError{exitUsage, err}
}

func (o *explainOptions) complete(ctx context.Context, versionGiven bool) (err error) {
	switch pages := o.serve || o.output == "html"; {
	case !slices.Contains(explainFormats, o.output):
		return usageError("invalid --output %q: want %s", o.output, strings.Join(explainFormats, ", "))
	case !slices.Contains([]string{"", "minimal", "full"}, o.example):
		return usageError("invalid --example %q: want minimal or full", o.example)
	case o.maxDepth < 0:
		return usageError("invalid --max-depth %d: want 0 for all levels, or more", o.maxDepth)
	case o.outputDir != "" && o.output != "html":
		return usageError("--output-dir is the folder of -o html")
	case o.output == "html" && o.outputDir == "":
		return usageError("-o html writes a folder of pages: name it with --output-dir")
	case o.port != 0 && !o.serve:
		return usageError("--port is the port of --serve")
	case pages && (o.version == "all" || o.serve && !versionGiven):
		o.versions = schema.Versions()
	case pages:
		o.versions = strings.Split(o.version, ",")
	default:
		o.versions = []string{o.version}
	}
	for i, v := range o.versions {
		if o.versions[i], err = app.MinorVersion(v); err != nil {
			return usageError("%v", err)
		}
	}
	if o.paint, err = useColor(o.color, o.Streams, o.Out); err != nil {
		return err
	}
	if o.definitions, err = definitionsIn(o.crds); err != nil {
		return err
	}
	if o.context != "" {
		more, err := clusterDefinitions(ctx, o.context)
		if err != nil {
			return err
		}
		o.definitions = append(o.definitions, more...)
	}
	o.depth = explain.Depth{Recursive: o.recursive, Max: o.maxDepth}
	o.store, err = o.open(o.versions[len(o.versions)-1])
	return err
}

// open returns the store of a version, with the kinds of the definitions that are known.
func (o *explainOptions) open(version string) (*schema.Store, error) {
	store, err := schema.Open(version)
	if err != nil || len(o.definitions) == 0 {
		return store, err
	}
	if store, err = store.With(o.definitions...); err != nil {
		return nil, &exitError{exitFailed, err}
	}
	return store, nil
}

// find resolves what the user typed. A resource that is not known may be defined by the files of the
// current folder, or by the catalogue.
func (o *explainOptions) find(text string) (*explain.Subject, error) {
	subject, err := explain.Find(o.store, text, o.apiVersion)
	var unknown *schema.ResourceError
	if !errors.As(err, &unknown) {
		return subject, err
	}
	for _, definitions := range []func() ([][]byte, error){
		folderDefinitions,
		func() ([][]byte, error) { return catalogueDefinitions(text) },
	} {
		more, moreErr := definitions()
		if moreErr != nil || len(more) == 0 {
			continue
		}
		o.definitions = append(o.definitions, more...)
		store, moreErr := o.open(o.store.Version)
		if moreErr != nil {
			return nil, err
		}
		o.store = store
		if subject, err = explain.Find(store, text, o.apiVersion); !errors.As(err, &unknown) {
			return subject, err
		}
	}
	switch {
	case unknown.Known != "":
	case unknown.Suggest != "" && strings.Contains(text, "."):
		err = &schema.ResourceError{Name: text, Version: unknown.Version, Known: fmt.Sprintf(
			"did you mean %s? What a CustomResourceDefinition makes is known with --crds or --context",
			unknown.Suggest)}
	case unknown.Suggest == "":
		err = &schema.ResourceError{Name: text, Version: unknown.Version,
			Known: "no definition here or in the catalogue makes one: " +
				"name its CustomResourceDefinition with --crds, or a cluster that has it with --context"}
	}
	return subject, err
}

// page writes the page of a resource or field, or the list of resources.
func (o *explainOptions) page(w io.Writer, text string) error {
	if text == "" {
		return o.list(w)
	}
	subject, err := o.find(text)
	if err != nil {
		return err
	}
	switch o.output {
	case "json", "yaml":
		depth := o.depth
		depth.Recursive = depth.Recursive || o.maxDepth != 1
		return o.encode(w, subject.Tree(depth, rulesOf))
	case "markdown":
		return explain.WriteMarkdown(w, subject.Tree(o.depth, rulesOf))
	}
	var b bytes.Buffer
	if o.output == "plaintext-openapiv2" {
		err = subject.PlaintextV2(&b, o.depth)
	} else {
		err = subject.Plaintext(&b, o.depth)
	}
	if err == nil && o.constraints {
		err = explain.WriteConstraints(&b, subject.Tree(explain.Depth{}, rulesOf))
	}
	if err != nil {
		return err
	}
	_, err = io.WriteString(w, o.painted(subject, b.String()))
	return err
}

func (o *explainOptions) tellHistory(w io.Writer, text string) error {
	subject, err := o.find(text)
	if err != nil {
		return err
	}
	kind, events, err := explain.History(subject.Kind.GVK, strings.Join(subject.Path, "."))
	switch {
	case err != nil:
		return err
	case o.structured():
		return o.encode(w, explain.NewHistory(kind, events))
	}
	return explain.WriteHistory(w, kind, events, o.output == "markdown")
}

func (o *explainOptions) writeExample(w io.Writer, text string) error {
	subject, err := o.find(text)
	if err != nil {
		return err
	}
	manifest := subject.Full()
	if o.example == "minimal" {
		if manifest, err = subject.Example(); err != nil {
			return err
		}
	}
	if o.output == "json" {
		var v any
		if err := yaml.Unmarshal([]byte(manifest), &v); err != nil {
			return err
		}
		return o.encode(w, v)
	}
	_, err = io.WriteString(w, manifest)
	return err
}

func (o *explainOptions) structured() bool { return o.output == "json" || o.output == "yaml" }

func (o *explainOptions) encode(w io.Writer, v any) error {
	if o.output == "yaml" {
		data, err := yaml.Marshal(v)
		if err != nil {
			return err
		}
		_, err = w.Write(data)
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// list writes the resources by group, as kubectl api-resources does.
func (o *explainOptions) list(w io.Writer) error {
	var kinds []*schema.Kind
	for _, k := range o.store.Kinds() {
		if o.apiVersion == "" || k.GroupVersion().String() == o.apiVersion {
			kinds = append(kinds, k)
		}
	}
	switch {
	case len(kinds) == 0:
		return usageError("Kubernetes %s serves no API version %s", o.store.Version, o.apiVersion)
	case o.structured():
		return o.encode(w, explain.NewResourceList(o.store, kinds))
	case o.output == "markdown":
		return writeResources(
			w, kinds,
			"| name | short names | API version | namespaced | kind | verbs |\n|---|---|---|---|---|---|\n",
			"| %s | %s | %s | %v | %s | %s |\n",
		)
	}
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	if err := writeResources(
		t, kinds, "NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND\tVERBS\n", "%s\t%s\t%s\t%v\t%s\t%s\n",
	); err != nil {
		return err
	}
	return t.Flush()
}

func writeResources(w io.Writer, kinds []*schema.Kind, head, row string) error {
	if _, err := io.WriteString(w, head); err != nil {
		return err
	}
	for _, k := range kinds {
		if _, err := fmt.Fprintf(
			w, row, k.Resource, strings.Join(k.ShortNames, ","), k.GroupVersion(), k.Namespaced, k.GVK.Kind,
			strings.Join(k.Verbs, ","),
		); err != nil {
			return err
		}
	}
	return nil
}

// compare writes what is different between two versions.
func (o *explainOptions) compare(w io.Writer, resource string) error {
	a, b, ok := strings.Cut(o.diff, "..")
	if !ok {
		return usageError("invalid --diff %q: want two versions, such as 1.25..1.37", o.diff)
	}
	from, err := schema.Open(a)
	if err != nil {
		return usageError("%v", err)
	}
	to, err := schema.Open(b)
	if err != nil {
		return usageError("%v", err)
	}
	changes, err := explain.Diff(from, to, resource)
	if err != nil {
		return err
	}
	if o.structured() {
		return o.encode(w, changes)
	}
	return explain.WriteDiff(w, changes, o.output == "markdown")
}

// show prints a text, through the pager when it is longer than the terminal.
func (o *explainOptions) show(ctx context.Context, text []byte) error {
	f, ok := o.Out.(*os.File)
	if !ok || o.noPager || !term.IsTerminal(int(f.Fd())) {
		_, err := o.Out.Write(text)
		return err
	}
	_, height, err := term.GetSize(int(f.Fd()))
	pager := cmp.Or(o.Getenv("PAGER"), "less -FRX")
	if err != nil || bytes.Count(text, []byte("\n")) < height || pager == "cat" {
		_, err := o.Out.Write(text)
		return err
	}
	words := strings.Fields(pager)
	cmd := exec.CommandContext(ctx, words[0], words[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = bytes.NewReader(text), f, o.Err
	if err := cmd.Run(); err != nil { // no such pager: the text matters more
		_, err = o.Out.Write(text)
		return err
	}
	return nil
}

// completePath offers resources, and fields below what is typed already.
func completePath(version, prefix string) ([]string, cobra.ShellCompDirective) {
	store, err := schema.Open(version)
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var words []string
	at := strings.LastIndexByte(prefix, '.')
	if at < 0 {
		for _, k := range store.Kinds() {
			words = append(words, k.Resource)
		}
		return slices.Compact(
			slices.Sorted(slices.Values(words)),
		), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
	subject, err := explain.Find(store, prefix[:at], "")
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for _, name := range subject.FieldNames() {
		words = append(words, prefix[:at+1]+name)
	}
	return words, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
}
