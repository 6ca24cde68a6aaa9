package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"github.com/fatih/color"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/clientcmd"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/explain"
	"github.com/seatrial/seatrial/internal/manifest"
	"github.com/seatrial/seatrial/internal/source"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
)

// explainOptions are the flags of seatrial explain.
type explainOptions struct {
	Streams
	version    string
	apiVersion string
	output     string
	recursive  bool
	maxDepth   int
	search     string
	where      string
	limit      int
	history    bool
	diff       string
	example    string
	crds       []string
	context    string
	color      string
	noPager    bool

	store *schema.Store
	paint bool
}

// explainFormats are the values of -o.
var explainFormats = []string{"plaintext", "plaintext-openapiv2", "json", "yaml", "markdown"}

func newExplainCommand(s Streams) *cobra.Command {
	o := &explainOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "explain [RESOURCE[.FIELD]...]",
		Short: "Tell what a resource or field of any Kubernetes version means",
		Long: `Explain tells what resources and fields mean, for Kubernetes ` + schema.Versions()[0] + ` to ` + schema.Latest + `, without a cluster.

RESOURCE is a plural, singular or short name or a kind in any case, with version and group
where it matters (deployments.v1.apps). Fields follow by their path, also through lists and
maps (pods.spec.containers[0].image). Without RESOURCE the resources are listed.`,
		Example: `  # as kubectl prints it, for the newest version or another one
  seatrial explain deployment.spec
  seatrial explain --kubernetes-version 1.25 cronjob

  # when did it come, what will change, where is it
  seatrial explain --history pod.spec.containers
  seatrial explain --diff 1.25..1.37 deployment
  seatrial explain --search 'graceful termination'

  # a manifest to start from
  seatrial explain --example ingress`,
		Args: cobra.MaximumNArgs(1),
		ValidArgsFunction: func(_ *cobra.Command, args []string, prefix string) ([]string, cobra.ShellCompDirective) {
			if len(args) > 0 {
				return nil, cobra.ShellCompDirectiveNoFileComp
			}
			return completePath(o.version, prefix)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			text := ""
			if len(args) > 0 {
				text = args[0]
			}
			return o.run(cmd.Context(), text)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.version, "kubernetes-version", schema.Latest, "Kubernetes version")
	f.StringVar(&o.apiVersion, "api-version", "", "API version of the resource: apps/v1 (default: the preferred one)")
	f.StringVarP(&o.output, "output", "o", explainFormats[0], "format: "+strings.Join(explainFormats, "|"))
	f.BoolVarP(&o.recursive, "recursive", "R", false, "tell the fields below fields too")
	f.IntVar(&o.maxDepth, "max-depth", 0, "levels of fields told with --recursive (0: all)")
	f.StringVar(&o.search, "search", "", "words to look for in all kinds, fields and descriptions")
	f.StringVar(&o.where, "where", "", "name of a field: list the kinds that have one, and where")
	f.IntVar(&o.limit, "limit", 20, "most places that --search shows")
	f.BoolVar(&o.history, "history", false, "tell in which release the resource and its fields came, changed and went")
	f.StringVar(&o.diff, "diff", "", "versions to compare, A..B: all resources, or the one named")
	f.StringVar(&o.example, "example", "", "write a manifest: minimal (valid as it stands) or full (every field)")
	f.Lookup("example").NoOptDefVal = "minimal"
	f.StringSliceVar(&o.crds, "crds", nil, "files, folders or globs of CustomResourceDefinitions to explain as well")
	f.StringVar(&o.context, "context", "", "context of the kubeconfig: explain the CustomResourceDefinitions of that cluster as well")
	f.StringVar(&o.color, "color", "auto", "colour: "+strings.Join(colorModes, "|"))
	f.BoolVar(&o.noPager, "no-pager", false, "never page, even when the text is longer than the terminal")
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("output", completeWords(explainFormats)))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("example", completeWords([]string{"minimal", "full"})))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("color", completeWords(colorModes)))
	cobra.CheckErr(cmd.RegisterFlagCompletionFunc("kubernetes-version", completeVersions))
	return cmd
}

func (o *explainOptions) run(ctx context.Context, text string) error {
	if err := o.complete(ctx); err != nil {
		return err
	}
	var b bytes.Buffer
	if err := o.write(&b, text); err != nil {
		return explainError(err)
	}
	return o.show(ctx, b.Bytes())
}

// explainError tells what the user mistyped from what failed.
func explainError(err error) error {
	var code *exitError
	if errors.As(err, &code) {
		return err
	}
	return &exitError{exitUsage, err}
}

func (o *explainOptions) complete(ctx context.Context) (err error) {
	if o.store, err = schema.Open(o.version); err != nil {
		return usageError("%v", err)
	}
	if !slices.Contains(explainFormats, o.output) {
		return usageError("invalid --output %q: want %s", o.output, strings.Join(explainFormats, ", "))
	}
	if !slices.Contains([]string{"", "minimal", "full"}, o.example) {
		return usageError("invalid --example %q: want minimal or full", o.example)
	}
	if o.paint, err = useColor(o.color, o.Streams, o.Out); err != nil {
		return err
	}
	definitions, err := o.definitions()
	if err == nil && o.context != "" {
		var more [][]byte
		more, err = clusterDefinitions(ctx, o.context)
		definitions = append(definitions, more...)
	}
	if err != nil || len(definitions) == 0 {
		return err
	}
	if o.store, err = o.store.With(definitions...); err != nil {
		return &exitError{exitFailed, err}
	}
	return nil
}

// clusterDefinitions reads the definitions of a cluster.
func clusterDefinitions(ctx context.Context, name string) (definitions [][]byte, err error) {
	config, err := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(clientcmd.NewDefaultClientConfigLoadingRules(), &clientcmd.ConfigOverrides{CurrentContext: name}).ClientConfig()
	if err != nil {
		return nil, &exitError{exitFailed, fmt.Errorf("context %s: %w", name, err)}
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, &exitError{exitFailed, fmt.Errorf("context %s: %w", name, err)}
	}
	list, err := client.Resource(k8sschema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, &exitError{exitFailed, fmt.Errorf("reading the CustomResourceDefinitions of %s: %w", name, err)}
	}
	for i := range list.Items {
		data, err := list.Items[i].MarshalJSON()
		if err != nil {
			return nil, err
		}
		definitions = append(definitions, data)
	}
	return definitions, nil
}

// definitions reads the definitions under --crds.
func (o *explainOptions) definitions() ([][]byte, error) {
	files, problems := lint.Inputs(o.crds, nil)
	if len(problems) > 0 {
		return nil, &exitError{exitFailed, errors.Join(problems...)}
	}
	var definitions [][]byte
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			return nil, &exitError{exitFailed, fmt.Errorf("cannot read %s: %w", name, err)}
		}
		docs, findings := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		for _, f := range findings {
			return nil, &exitError{exitFailed, fmt.Errorf("%s:%d:%d: %s", name, f.Range.Start.Line, f.Range.Start.Column, f.Message)}
		}
		for _, d := range docs {
			definitions = append(definitions, d.JSON)
		}
	}
	return definitions, nil
}

// write does what the flags ask for.
func (o *explainOptions) write(w io.Writer, text string) error {
	switch {
	case o.search != "":
		return o.hits(w, explain.Search(o.store, strings.Fields(o.search), o.limit), o.search)
	case o.where != "":
		return o.hits(w, explain.Where(o.store, o.where), o.where)
	case o.diff != "":
		return o.compare(w, text)
	case text == "":
		return o.list(w)
	}
	subject, err := explain.Find(o.store, text, o.apiVersion)
	if err != nil {
		return err
	}
	depth := explain.Depth{Recursive: o.recursive, Max: o.maxDepth}
	switch {
	case o.history:
		kind, events, err := explain.History(subject.Kind.GVK, strings.Join(subject.Path, "."))
		if err != nil {
			return err
		}
		if o.structured() {
			return o.encode(w, map[string]any{"apiVersion": "seatrial/v1", "kind": "History", "resource": kind.GroupVersion().String() + " " + kind.GVK.Kind, "events": append([]explain.Event{}, events...)})
		}
		return explain.WriteHistory(w, kind, events)
	case o.example == "full":
		_, err := io.WriteString(w, subject.Full())
		return err
	case o.example != "":
		text, err := subject.Example()
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, text)
		return err
	case o.structured():
		depth.Recursive = depth.Recursive || o.maxDepth != 1
		return o.encode(w, subject.Tree(depth, rulesOf))
	case o.output == "markdown":
		return explain.WriteMarkdown(w, subject.Tree(depth, rulesOf))
	case o.output == "plaintext-openapiv2":
		return subject.PlaintextV2(w, depth)
	}
	var b bytes.Buffer
	if err := subject.Plaintext(&b, depth); err != nil {
		return err
	}
	_, err = io.WriteString(w, o.painted(b.String()))
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

// rulesOf names the lint rules that look at a field: those whose bad and good examples differ there.
// A field of a pod is the same one in every kind that makes pods.
func rulesOf(k *schema.Kind, path string) []string {
	if i := strings.LastIndex("."+path, ".template.spec."); i >= 0 {
		return fieldRules()["Pod spec."+path[i+len("template.spec."):]]
	}
	return fieldRules()[k.GVK.Kind+" "+path]
}

// fieldRules maps "Kind path" to the names of rules.
var fieldRules = sync.OnceValue(func() map[string][]string {
	found := map[string][]string{}
	for _, r := range rules.All() {
		bad, good := rules.Example(r.Name)
		for place := range leaves(good) {
			if !leaves(bad)[place] {
				found[field(place)] = append(found[field(place)], r.Name)
			}
		}
		for place := range leaves(bad) {
			if !leaves(good)[place] {
				found[field(place)] = append(found[field(place)], r.Name)
			}
		}
	}
	for place, names := range found {
		slices.Sort(names)
		found[place] = slices.Compact(names)
	}
	return found
})

// leaves lists the values of a manifest as "Kind path = value", without indices.
func leaves(text string) map[string]bool {
	found := map[string]bool{}
	docs, _ := manifest.Read(source.NewFile("example.yaml", []byte(text)), manifest.DefaultLimits)
	for _, d := range docs {
		var walk func(path string, v any)
		walk = func(path string, v any) {
			switch v := v.(type) {
			case map[string]any:
				for key, value := range v {
					walk(strings.TrimPrefix(path+"."+key, "."), value)
				}
			case []any:
				for _, value := range v {
					walk(path, value)
				}
			default:
				found[fmt.Sprintf("%s %s = %v", d.Object.Kind, path, v)] = true
			}
		}
		walk("", d.Value())
	}
	return found
}

// field gives the place of a leaf as rulesOf asks for it.
func field(leaf string) string {
	place, _, _ := strings.Cut(leaf, " = ")
	kind, path, _ := strings.Cut(place, " ")
	if i := strings.LastIndex(path, "template.spec."); i >= 0 {
		return "Pod spec." + path[i+len("template.spec."):]
	}
	return kind + " " + path
}

// list writes the resources, as kubectl api-resources does.
func (o *explainOptions) list(w io.Writer) error {
	kinds := o.store.Kinds()
	if o.structured() {
		var all []*explain.Document
		for _, k := range kinds {
			if subject, err := explain.Find(o.store, k.Resource, k.GroupVersion().String()); err == nil {
				d := subject.Tree(explain.Depth{}, nil)
				d.Field.Fields = nil
				all = append(all, d)
			}
		}
		return o.encode(w, all)
	}
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	fmt.Fprintln(t, "NAME\tSHORTNAMES\tAPIVERSION\tNAMESPACED\tKIND\tVERBS")
	for _, k := range kinds {
		fmt.Fprintf(t, "%s\t%s\t%s\t%v\t%s\t%s\n", k.Resource, strings.Join(k.ShortNames, ","), k.GroupVersion(), k.Namespaced, k.GVK.Kind, strings.Join(k.Verbs, ","))
	}
	return t.Flush()
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

// hits writes places, with the words that led to them marked.
func (o *explainOptions) hits(w io.Writer, hits []explain.Hit, words string) error {
	if o.structured() {
		return o.encode(w, append([]explain.Hit{}, hits...))
	}
	if len(hits) == 0 {
		return &exitError{exitFindings, fmt.Errorf("nothing in Kubernetes %s matches %q", o.store.Version, words)}
	}
	mark := o.marker(words)
	bold := o.attribute(color.Bold)
	for _, h := range hits {
		place := h.Kind
		if h.Path != "" {
			place += "." + h.Path
		}
		fmt.Fprintf(w, "%s <%s> (%s)\n", bold(mark(place)), h.Type, h.APIVersion)
		if line := snippet(h.Description, strings.Fields(words), 100); line != "" {
			if _, err := fmt.Fprintf(w, "    %s\n", mark(line)); err != nil {
				return err
			}
		}
	}
	return nil
}

// snippet gives the part of a description around the first of the words.
func snippet(text string, words []string, width int) string {
	text = strings.Join(strings.Fields(text), " ")
	at := -1
	for _, w := range words {
		if i := strings.Index(strings.ToLower(text), strings.ToLower(w)); i >= 0 && (at < 0 || i < at) {
			at = i
		}
	}
	runes := []rune(text)
	if len(runes) <= width {
		return text
	}
	start := 0
	if at > 0 {
		start = max(0, min(len([]rune(text[:at]))-width/3, len(runes)-width))
	}
	out := string(runes[start:min(len(runes), start+width)])
	if start > 0 {
		out = "…" + out
	}
	if start+width < len(runes) {
		out += "…"
	}
	return out
}

// marker gives a function that marks words in a text.
func (o *explainOptions) marker(words string) func(string) string {
	var patterns []string
	for _, w := range strings.Fields(words) {
		patterns = append(patterns, regexp.QuoteMeta(w))
	}
	if !o.paint || len(patterns) == 0 {
		return func(s string) string { return s }
	}
	word := regexp.MustCompile("(?i)" + strings.Join(patterns, "|"))
	found := o.attribute(color.FgYellow, color.Bold)
	return func(s string) string { return word.ReplaceAllStringFunc(s, found) }
}

func (o *explainOptions) attribute(attributes ...color.Attribute) func(string) string {
	if !o.paint {
		return func(s string) string { return s }
	}
	c := color.New(attributes...)
	c.EnableColor()
	return func(s string) string { return c.Sprint(s) }
}

var (
	heading  = regexp.MustCompile(`(?m)^[A-Z][A-Z ]+:`)
	fieldRow = regexp.MustCompile(`(?m)^( *)([\w$-]+)(\t<[^>\n]*>)( -required-)?`)
	oldField = regexp.MustCompile(`(?i)\bdeprecated\b`)
)

// painted colours what kubectl prints: headings, fields, what is required, what is deprecated.
func (o *explainOptions) painted(text string) string {
	if !o.paint {
		return text
	}
	bold, cyan, red, yellow := o.attribute(color.Bold), o.attribute(color.FgCyan), o.attribute(color.FgRed), o.attribute(color.FgYellow)
	text = heading.ReplaceAllStringFunc(text, bold)
	text = oldField.ReplaceAllStringFunc(text, yellow)
	return fieldRow.ReplaceAllStringFunc(text, func(row string) string {
		m := fieldRow.FindStringSubmatch(row)
		if m[4] != "" {
			m[4] = red(m[4])
		}
		return m[1] + bold(m[2]) + cyan(m[3]) + m[4]
	})
}

// show prints a text, through the pager when it is longer than the terminal.
func (o *explainOptions) show(ctx context.Context, text []byte) error {
	f, ok := o.Out.(*os.File)
	if !ok || o.noPager || !term.IsTerminal(int(f.Fd())) {
		_, err := o.Out.Write(text)
		return err
	}
	_, height, err := term.GetSize(int(f.Fd()))
	pager := first(o.Getenv("PAGER"), "less -FRX")
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
		return slices.Compact(slices.Sorted(slices.Values(words))), cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
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
