package cli

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// nodeSizes are what --nodes may begin with.
var nodeSizes = []string{"1x2cpu4Gi", "3x2cpu8Gi", "3x4cpu16Gi", "5x8cpu32Gi"}

// listFlags are the flags that take several words, separated by commas. The words that stand already are not offered.
var listFlags = map[string]func() []string{
	"kubernetes-version": schema.Versions,
	"rules":              ruleWords,
	"external":           objectWords,
}

// ruleWords returns what --rules takes: words, presets, and the rules, which a - in front leaves out.
func ruleWords() []string {
	words := append([]string{"none", "default", "all"}, presets()...)
	for _, r := range app.Rules() {
		words = append(words, r.Name, "-"+r.Name)
	}
	return words
}

// objectWords returns the objects that the manifests of the current folder refer to, as --external takes them.
func objectWords() (words []string) {
	files, _ := lint.Inputs([]string{"."}, nil)
	for _, name := range files[:min(len(files), 200)] {
		data, err := os.ReadFile(name)
		if err != nil || len(data) > 1<<20 {
			continue
		}
		docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		for _, d := range docs {
			for _, kind := range []string{"ConfigMap", "Secret", "ServiceAccount"} {
				words = append(words, referencesTo(kind, d)...)
			}
		}
	}
	slices.Sort(words)
	return slices.Compact(words)
}

// referencesTo returns the objects of a kind that the fields of a document name.
func referencesTo(kind string, d *manifest.Document) (words []string) {
	fields := map[string][]string{
		"ConfigMap": {"configMapRef", "configMapKeyRef", "configMap"}, "Secret": {"secretRef", "secretKeyRef"},
	}[kind]
	var visit func(n *manifest.Node)
	visit = func(n *manifest.Node) {
		for i := range n.Fields {
			f := &n.Fields[i]
			name := f.Value.Get("name")
			switch {
			case slices.Contains(fields, f.Name) && name != nil && name.Value.Text != "":
				words = append(words, kind+"/"+name.Value.Text)
			case f.Name == "secretName" && kind == "Secret", f.Name == "serviceAccountName" && kind == "ServiceAccount":
				words = append(words, kind+"/"+f.Value.Text)
			}
			visit(f.Value)
		}
		for _, item := range n.Items {
			visit(item)
		}
	}
	visit(d.Root())
	return words
}

// completeFlags adds completion to flags of a command that has none, and makes that of lists work after commas.
func completeFlags(cmd *cobra.Command) {
	register := func(name string, f cobra.CompletionFunc) {
		flag := cmd.Flags().Lookup(name)
		if _, has := cmd.GetFlagCompletionFunc(name); !has && flag != nil && flag.Value.Type() != "bool" {
			cobra.CheckErr(cmd.RegisterFlagCompletionFunc(name, f))
		}
	}
	for name, words := range listFlags {
		register(name, completeList(words))
	}
	register("nodes", completeWords(nodeSizes))
	register("context", completeContexts)
	register("scenario", completeYAML)
	register("set", completeValues)
	register("diff", completeRange)
	for _, c := range cmd.Commands() {
		completeFlags(c)
	}
}

// completeList offers words after the last comma.
func completeList(words func() []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, prefix string) (offers []string, _ cobra.ShellCompDirective) {
		at := strings.LastIndexByte(prefix, ',') + 1
		taken := strings.Split(prefix[:at], ",")
		for _, w := range words() {
			if strings.HasPrefix(w, prefix[at:]) && !slices.Contains(taken, w) {
				offers = append(offers, prefix[:at]+w)
			}
		}
		return offers, cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	}
}

// completeRange offers versions on both sides of A..B.
func completeRange(_ *cobra.Command, _ []string, prefix string) (offers []string, _ cobra.ShellCompDirective) {
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	from, _, second := strings.Cut(prefix, "..")
	for _, v := range schema.Versions() {
		if second {
			v = from + ".." + v
		} else {
			v += ".."
		}
		if strings.HasPrefix(v, prefix) {
			offers = append(offers, v)
		}
	}
	return offers, directive
}

// completeContexts offers the contexts of the kubeconfig.
func completeContexts(*cobra.Command, []string, string) (names []string, _ cobra.ShellCompDirective) {
	config, err := clientcmd.NewDefaultClientConfigLoadingRules().Load()
	if err != nil {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for name := range config.Contexts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names, cobra.ShellCompDirectiveNoFileComp
}

// completeYAML offers files of YAML, and folders.
func completeYAML(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
	return []string{"yaml", "yml"}, cobra.ShellCompDirectiveFilterFileExt
}

// completeValues offers the values of the chart that is named, or of the one in the current folder.
func completeValues(_ *cobra.Command, args []string, prefix string) (offers []string, _ cobra.ShellCompDirective) {
	directive := cobra.ShellCompDirectiveNoFileComp | cobra.ShellCompDirectiveNoSpace
	for _, dir := range append(slices.Clone(args), ".") {
		data, err := os.ReadFile(filepath.Join(dir, "values.yaml"))
		if err != nil {
			continue
		}
		docs, _ := manifest.Read(source.NewFile("values.yaml", data), manifest.DefaultLimits)
		for _, d := range docs {
			offers = append(offers, valuePaths(d.Root(), "", prefix)...)
		}
		break
	}
	return offers, directive
}

// valuePaths returns the paths below a node that begin with a prefix, as --set takes them.
func valuePaths(n *manifest.Node, above, prefix string) (paths []string) {
	for i := range n.Fields {
		f := &n.Fields[i]
		path := above + f.Name
		if f.Value.Kind == manifest.Map && len(f.Value.Fields) > 0 {
			paths = append(paths, valuePaths(f.Value, path+".", prefix)...)
		} else if strings.HasPrefix(path+"=", prefix) {
			paths = append(paths, path+"=")
		}
	}
	return paths
}
