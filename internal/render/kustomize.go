package render

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/redact"
	"github.com/seatrial/seatrial/source"
)

// kustomization is what discovery and places need to know of a kustomization file.
type kustomization struct {
	file      string
	component bool
	folders   []string          // kustomizations that it uses
	files     []string          // other files that it uses
	remote    []string          // what lies elsewhere, and was not fetched
	fetched   map[string]string // file or folder of what was fetched, by the reference
	why       map[string]string // what is wrong with what was fetched, by the reference
	missing   []string          // files that do not exist
	charts    int               // helmChartInflationGenerator, which only the helm program renders
	helm      []types.HelmChart
	chartHome string // that their charts are in; empty: charts
	namespace string
	written   types.Kustomization
}

// kustomization reads the kustomization file of a folder, or returns nil if there is none: a file of that
// name may also be an object of Flux.
func (read Reader) kustomization(dir, name string) *kustomization {
	file := filepath.Join(dir, name)
	data, err := read(file)
	if err != nil {
		return nil
	}
	k := kustomizationOf(dir, file, data)
	if k != nil {
		read.useFetched(k)
	}
	return k
}

// kustomizationIn reads the kustomization of a folder, or returns nil if it has none.
func (read Reader) kustomizationIn(dir string) *kustomization {
	for _, name := range kustomizationNames {
		if k := read.kustomization(dir, name); k != nil {
			return k
		}
	}
	return nil
}

// kustomizationOf reads the text of a kustomization file; nil if it is none.
func kustomizationOf(dir, file string, data []byte) *kustomization {
	var k types.Kustomization
	if err := yaml.Unmarshal(data, &k); err == nil {
		if k.APIVersion != "" && !strings.HasPrefix(k.APIVersion, "kustomize.config.k8s.io/") {
			return nil
		}
	}
	found := &kustomization{
		file: file, component: k.Kind == types.ComponentKind, charts: len(k.HelmChartInflationGenerator),
		helm: k.HelmCharts, namespace: k.Namespace, written: k,
	}
	if k.HelmGlobals != nil {
		found.chartHome = k.HelmGlobals.ChartHome
	}
	//lint:ignore SA1019 people still use these fields
	found.use(dir, slices.Concat(k.Resources, k.Bases, k.Components, k.Generators, k.Transformers, k.Validators))
	var files []string
	files = append(files, k.Crds...)
	files = append(files, k.Configurations...)
	//lint:ignore SA1019 people still use these fields
	for _, p := range k.PatchesStrategicMerge {
		files = append(files, string(p))
	}
	//lint:ignore SA1019 people still use these fields
	for _, p := range slices.Concat(k.Patches, k.PatchesJson6902) {
		files = append(files, p.Path)
	}
	for _, r := range k.Replacements {
		files = append(files, r.Path)
	}
	for _, g := range k.ConfigMapGenerator {
		files = append(files, generatorFiles(g.KvPairSources)...)
	}
	for _, g := range k.SecretGenerator {
		files = append(files, generatorFiles(g.KvPairSources)...)
	}
	for _, c := range k.HelmCharts {
		files = append(append(files, c.ValuesFile), c.AdditionalValuesFiles...)
	}
	files = append(files, k.OpenAPI["path"])
	for _, f := range files {
		switch {
		case f == "" || strings.Contains(f, "\n"): // a patch may be written in place of a file's name
		case strings.Contains(f, "://"):
			found.remote = append(found.remote, f)
		default:
			found.files = append(found.files, rel(dir, f))
			if _, err := os.Stat(rel(dir, f)); os.IsNotExist(err) {
				found.missing = append(found.missing, f)
			}
		}
	}
	return found
}

func generatorFiles(s types.KvPairSources) (files []string) {
	for _, f := range s.FileSources {
		if _, name, ok := strings.Cut(f, "="); ok {
			f = name
		}
		files = append(files, f)
	}
	return append(append(files, s.EnvSources...), s.EnvSource)
}

// use sorts resources into folders, files and what is not on this machine.
func (k *kustomization) use(dir string, resources []string) {
	for _, r := range resources {
		path := rel(dir, r)
		info, err := os.Stat(path)
		switch {
		case err == nil && info.IsDir():
			k.folders = append(k.folders, path)
		case err == nil:
			k.files = append(k.files, path)
		case isRemote(r):
			k.remote = append(k.remote, r)
		case !strings.Contains(r, "\n"):
			k.missing = append(k.missing, r)
		}
	}
}

// isRemote reports whether kustomize would fetch a resource.
func isRemote(r string) bool {
	if strings.Contains(r, "\n") {
		return false
	}
	host, _, hasPath := strings.Cut(r, "/")
	return strings.Contains(r, "://") || strings.HasPrefix(r, "git@") || strings.Contains(r, "?ref=") ||
		hasPath && strings.Contains(host, ".") && strings.Trim(host, ".") != ""
}

// renderKustomization builds a kustomization with kustomize's own library. Nothing is fetched.
func (r *Rendering) renderKustomization(options Options) {
	charts := &inflated{rendering: r, options: options, files: map[string]*Rendering{}, remote: map[string]string{}}
	namespace := ""
	if o := r.Source.overlay; o != nil {
		namespace, _ = o.fields["namespace"].(string)
	}
	r.checkReferences(r.Source.Path, namespace, charts, map[string]bool{})
	read := r.Source.reader()
	target := ""
	if k := read.kustomizationIn(r.Source.Path); k != nil {
		target = k.file
	}
	var disk filesys.FileSystem = edited{filesys.MakeFsOnDisk(), read}
	restrictions := types.LoadRestrictionsRootOnly
	if o := r.Source.overlay; o != nil {
		target = o.file
		var err error
		if disk, err = o.on(disk); err != nil {
			r.failed("kustomization", oneLine(err.Error()), "", r.Source.start())
			return
		}
	}
	if r.Source.Kind == FluxKustomization || r.Source.unrestricted {
		restrictions = types.LoadRestrictionsNone
	}
	fs := withCharts{reachable{disk, read, charts}, charts}
	text, err := build(fs, r.Source.Path, restrictions)
	if err != nil {
		if slices.ContainsFunc(r.Findings, mayBreakBuild) {
			return // they are the cause, or hide it
		}
		r.explainBuildError(err)
		return
	}
	if v := r.Source.variables; v != nil {
		text = []byte(v.substitute(string(text)))
	}
	r.Text = text
	r.checkEffects()
	// A second build says where each object comes from. It is made for the first finding.
	r.places = laterOrigins{sync.OnceValue(func() *origins {
		annotated, err := build(annotating{fs, target}, r.Source.Path, restrictions)
		if err != nil {
			return nil
		}
		return originsOf(r.Source, annotated, charts)
	})}
}

// mayBreakBuild reports whether a finding may be the cause of an error of the build: all but the advice about the
// fields of a kustomization.
func mayBreakBuild(d diag.Diagnostic) bool { return d.Severity == diag.Error || d.Document == 0 }

// build runs kustomize on a folder.
func build(fs filesys.FileSystem, dir string, restrictions types.LoadRestrictions) (text []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("kustomize crashed: %v", p)
		}
	}()
	quiet()
	defer muteStderr()()
	options := krusty.MakeDefaultOptions()
	options.LoadRestrictions = restrictions
	options.Reorder = krusty.ReorderOptionUnspecified // the program's default: sorted, unless sortOptions say otherwise
	resources, err := krusty.MakeKustomizer(options).Run(fs, dir)
	if err != nil {
		return nil, err
	}
	return resources.AsYaml()
}

// checkReferences reports what a kustomization, and those that it uses, name and cannot be read here.
// Namespace is that of the kustomization above, which charts without one of their own get.
func (r *Rendering) checkReferences(dir, namespace string, charts *inflated, seen map[string]bool) {
	if seen[dir] {
		return
	}
	seen[dir] = true
	k := r.Source.reader().kustomizationIn(dir)
	if k == nil {
		return
	}
	if !strings.Contains(filepath.ToSlash(dir)+"/", vendorFolder+"/") { // what others wrote is theirs to change
		r.checkFile(k.file)
	}
	for _, f := range k.missing {
		name, at := rel(dir, f), r.Source.reader().placeOf(k.file, f)
		if r.Source.generated[name] {
			r.notRendered("kustomization", name+" does not exist, and git ignores it: a program makes it",
				"run that program before lint, as before kustomize build", at)
			continue
		}
		r.failed("kustomization", name+" does not exist", "", at)
	}
	for _, f := range k.remote {
		message := redact.Address(f) + " is not on this machine: nothing is fetched"
		if why := k.why[f]; why != "" {
			message = redact.Address(f + ": " + why)
		}
		r.notRendered("kustomization", message, "run seatrial vendor, or copy it into the repository",
			r.Source.reader().placeOf(k.file, f))
	}
	namespace = cmp.Or(k.namespace, namespace)
	for i := range k.helm {
		k.helm[i].Namespace = cmp.Or(k.helm[i].Namespace, namespace)
	}
	charts.chartsOf(k) // by the names that users know; kustomize asks by others
	if k.charts > 0 {
		r.notRendered("kustomization", "helmChartInflationGenerator is not rendered", "use helmCharts",
			r.Source.reader().placeOf(k.file, "helmChartInflationGenerator"))
	}
	for _, folder := range k.folders {
		r.checkReferences(folder, namespace, charts, seen)
	}
}

// placeOf returns where a text stands first in a file, or its beginning.
func (read Reader) placeOf(name, text string) source.Range {
	data, err := read(name)
	if i := strings.Index(string(data), text); err == nil && i >= 0 {
		return source.NewFile(name, data).Range(i, i+len(text))
	}
	return firstLine(name)
}

// placeOfError returns the entry of the kustomization that an error of kustomize names.
func (r *Rendering) placeOfError(err error) source.Range {
	data, readErr := r.Source.reader()(r.Source.File)
	if readErr != nil {
		return r.Source.start()
	}
	f := source.NewFile(r.Source.File, data)
	for line := 1; line <= f.Lines(); line++ {
		entry := strings.Trim(strings.TrimPrefix(strings.TrimSpace(f.Line(line)), "- "), `"'`)
		if _, value, ok := strings.Cut(entry, ": "); ok {
			entry = value
		}
		if len(entry) > 2 && strings.Contains(err.Error(), "'"+entry+"'") {
			return lineRange(f, line, entry)
		}
	}
	return r.Source.start()
}

// oneLine joins the lines of a message.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

// edited is the file system on disk, whose files are read by read.
type edited struct {
	filesys.FileSystem
	read Reader
}

// ReadFile reads a file.
func (fs edited) ReadFile(name string) ([]byte, error) { return fs.read(name) }

// reachable is a file system whose kustomizations do not name what cannot be read here, which is reported: the rest
// is built all the same.
type reachable struct {
	filesys.FileSystem
	read   Reader
	charts *inflated
}

// ReadFile leaves resources out of a kustomization that do not exist on this machine.
func (fs reachable) ReadFile(name string) ([]byte, error) {
	data, err := fs.FileSystem.ReadFile(name)
	if err != nil || !slices.Contains(kustomizationNames, filepath.Base(name)) {
		return data, err
	}
	k := fs.read.kustomization(filepath.Dir(name), filepath.Base(name))
	if k == nil || len(k.missing)+len(k.remote)+len(k.fetched)+len(k.helm)+k.charts == 0 {
		return data, nil
	}
	var fields map[string]any
	if err := yaml.Unmarshal(data, &fields); err != nil {
		return data, nil
	}
	for _, list := range []string{"resources", "bases", "components"} {
		items, _ := fields[list].([]any)
		if items = slices.DeleteFunc(items, func(item any) bool {
			name, _ := item.(string)
			return slices.Contains(k.missing, name)
		}); items != nil {
			fields[list] = items
		}
	}
	k.local(fields)
	for _, fetched := range k.fetched {
		fs.charts.remote[resolved(remoteFile(k, fetched))] = fetched
	}
	addTo(fields, "resources", fs.charts.chartsOf(k))
	delete(fields, "helmCharts")
	delete(fields, "helmChartInflationGenerator")
	return yaml.Marshal(fields)
}

// annotating is a file system in which one kustomization asks for annotations of origin.
type annotating struct {
	filesys.FileSystem
	file string
}

// ReadFile adds buildMetadata to the kustomization.
func (a annotating) ReadFile(name string) ([]byte, error) {
	data, err := a.FileSystem.ReadFile(name)
	if err != nil || resolved(name) != resolved(a.file) {
		return data, err
	}
	var k map[string]any
	if err := yaml.Unmarshal(data, &k); err != nil {
		return data, nil
	}
	k["buildMetadata"] = []string{types.OriginAnnotations}
	return yaml.Marshal(k)
}

var muted struct {
	sync.Mutex
	builds int
	stderr *os.File
}

// muteStderr keeps kustomize, which writes warnings about deprecated fields to the standard error of the process,
// from writing them, until the function that it returns is called. They are findings here.
func muteStderr() (unmute func()) {
	muted.Lock()
	defer muted.Unlock()
	if muted.builds == 0 {
		null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
		if err != nil {
			return func() {}
		}
		muted.stderr, os.Stderr = os.Stderr, null
	}
	muted.builds++
	return func() {
		muted.Lock()
		defer muted.Unlock()
		if muted.builds--; muted.builds == 0 {
			_ = os.Stderr.Close() // nothing was written to it
			os.Stderr = muted.stderr
		}
	}
}
