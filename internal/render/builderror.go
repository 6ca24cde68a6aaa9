package render

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// buildError is an error of kustomize, as a person would say it.
type buildError struct {
	rendering *Rendering
	text      string // the innermost error, on one line
	dir       string // of the kustomization that it occurred in
	entry     string // of that kustomization; may be empty

	message, help string
	at            source.Range // the beginning of the kustomization, unless a place was found
}

// steps are what kustomize puts before an error: where it was when it occurred.
var steps = []struct {
	pattern *regexp.Regexp
	dir     bool // what it names is a folder, and not an entry
}{
	{regexp.MustCompile(`^(?:kustomize|accumulating (?:resources|components)|accumulateDirectory): `), false},
	{regexp.MustCompile(`^recursed (?:accumulation of|merging from) path '([^']*)': `), true},
	{regexp.MustCompile(`^couldn't make target for path '([^']*)': `), true},
	{regexp.MustCompile(`^(?:accumulating|merging) resources from '([^']*)': `), false},
}

// bothWays matches an error for a resource that is neither a file nor a folder: why it is no file, and why no folder.
var bothWays = regexp.MustCompile(`^accumulation err='(.*?)': ` +
	`((?:must build at directory|recursed (?:accumulation of|merging from) path|couldn't make target for path|` +
	`expected kind|new root).*)$`)

// isFolder is why what is a folder is no file.
const isFolder = "must resolve to a file"

// explainBuildError adds a finding for an error of kustomize that keeps a source from being built.
func (r *Rendering) explainBuildError(err error) {
	b := &buildError{rendering: r, text: oneLine(err.Error()), dir: r.Source.Path, at: r.Source.start()}
	b.unwrap()
	if l := b.layer(); l != nil {
		b.at = firstLine(l.file.Name)
	}
	if b.entry != "" {
		b.atItem("resources", func(n *manifest.Node) bool { return n.Text == b.entry })
	}
	if b.malformed(err.Error()) {
		return
	}
	for _, known := range buildErrors {
		if m := known.pattern.FindStringSubmatch(b.text); m != nil {
			known.explain(b, m)
			break
		}
	}
	if b.message == "" {
		b.message = plainIDs(b.here(b.text))
		if at := r.placeOfError(err); b.at == r.Source.start() {
			b.at = at
		}
	}
	r.failed("kustomization", b.message, b.help, b.at)
}

// unwrap takes off what kustomize puts before an error, and follows it into other kustomizations.
func (b *buildError) unwrap() {
	for again := true; again; {
		again = false
		if m := bothWays.FindStringSubmatch(b.text); m != nil {
			if again = true; strings.Contains(m[1], isFolder) {
				b.text = m[2]
			} else {
				b.text = m[1]
			}
		}
		for _, s := range steps {
			m := s.pattern.FindStringSubmatch(b.text)
			if m == nil {
				continue
			}
			again, b.text = true, b.text[len(m[0]):]
			switch {
			case s.dir:
				b.dir, b.entry = b.here(m[1]), ""
			case len(m) > 1:
				b.entry = m[1]
			}
		}
		b.text = strings.Trim(b.text, `"`)
	}
}

// here returns a text with the names of files as the user knows them.
func (b *buildError) here(text string) string {
	if wd, err := os.Getwd(); err == nil {
		text = strings.ReplaceAll(text, wd+string(filepath.Separator), "")
	}
	if abs, err := filepath.Abs(b.rendering.Source.Path); err == nil {
		text = strings.ReplaceAll(text, abs, b.rendering.Source.Path)
	}
	return text
}

// isSameFile reports whether two names lead to one file.
func isSameFile(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	return errA == nil && errB == nil && absA == absB
}

// layer returns the kustomization that the error occurred in; nil if it cannot be read.
func (b *buildError) layer() *layer {
	all := b.rendering.Source.layers()
	if i := slices.IndexFunc(all, func(l layer) bool { return isSameFile(l.dir, b.dir) }); i >= 0 {
		return &all[i]
	}
	if len(all) > 0 {
		return &all[0]
	}
	return nil
}

// atItem puts the error at the item of a list of the kustomization that is meant.
func (b *buildError) atItem(list string, meant func(*manifest.Node) bool) (item *manifest.Node) {
	l := b.layer()
	if l == nil {
		return nil
	}
	for _, n := range itemsOf(l.root, list) {
		if n = n.Target(); meant(n) {
			b.at = n.Range()
			return n
		}
	}
	return nil
}

// atText puts the error where a text stands first in the kustomization, or in a file of its patches.
func (b *buildError) atText(text string) {
	l := b.layer()
	if l == nil || text == "" {
		return
	}
	read := b.rendering.Source.reader()
	names := []string{l.file.Name}
	for _, p := range itemsOf(l.root, "patches") {
		if file := textOf(p, "path"); file != "" {
			names = append(names, rel(l.dir, file))
		}
	}
	for _, name := range names {
		if at := read.placeOf(name, text); at != firstLine(name) {
			b.at = at
			return
		}
	}
}

// atField puts the error at the value of a field of the kustomization.
func (b *buildError) atField(name string) {
	if l := b.layer(); l != nil && l.root.Get(name) != nil {
		b.at = l.root.Get(name).Value.Range()
	}
}

// atGenerator puts the error at the name of the last generator of an object.
func (b *buildError) atGenerator(kind, name string) {
	b.atItem(strings.ToLower(kind[:1])+kind[1:]+"Generator", func(n *manifest.Node) bool {
		if textOf(n, "name") == name {
			b.at = n.Get("name").Value.Range()
		}
		return false
	})
}

// malformedFile matches the name of a file in an error about its syntax.
var malformedFile = regexp.MustCompile(`in File: (\S+)`)

// malformed reports a file that is no YAML as it is reported elsewhere, with its place.
func (b *buildError) malformed(text string) bool {
	m := malformedFile.FindStringSubmatch(text)
	if m == nil {
		return false
	}
	name := rel(b.dir, m[1])
	data, err := b.rendering.Source.reader()(name)
	if err != nil {
		return false
	}
	_, found := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	found = slices.DeleteFunc(found, func(d diag.Diagnostic) bool { return d.Severity != diag.Error })
	b.rendering.Findings = append(b.rendering.Findings, found...)
	return len(found) > 0
}

// resourceID matches how kustomize writes the identity of an object: Deployment.v1.apps/web.[noNs].
var resourceID = regexp.MustCompile(`\b([A-Z]\w*)\.(?:[\w-]+|\[noVer\])\.(?:[\w.-]+|\[noGrp\])/([\w.-]*?)\.(\[noNs\]|[\w-]+)`)

// plainIDs writes identities of objects as the other findings do.
func plainIDs(text string) string {
	return resourceID.ReplaceAllStringFunc(text, func(id string) string {
		m := resourceID.FindStringSubmatch(id)
		if m[3] == "[noNs]" {
			return m[1] + " " + m[2]
		}
		return m[1] + " " + m[3] + "/" + m[2]
	})
}

// buildErrors are the errors of kustomize that people meet. No message shows the text of a patch or of a generator,
// which may hold a secret.
var buildErrors = []struct {
	pattern *regexp.Regexp
	explain func(b *buildError, m []string)
}{
	{regexp.MustCompile(`may not add resource with an already registered id: (\S+)`), func(b *buildError, m []string) {
		b.message = plainIDs(m[1]) + " already exists"
		b.help = "another resource of the kustomization has the same kind, namespace and name: remove one, or make it a patch"
		if b.entry != "" {
			b.message = b.entry + ": " + b.message
		}
	}},
	{regexp.MustCompile(`missing Resource metadata|missing metadata.name in object \{\{(\S+) (\S+)\}`),
		func(b *buildError, m []string) {
			b.message = b.entry + " holds no object: it has neither metadata nor a kind"
			b.help = "remove it; a patch goes below patches, a file of values below the generator that uses it"
			if m[2] != "" {
				b.message, b.help = fmt.Sprintf("%s: %s without metadata.name", b.entry, m[2]), "name the object"
			}
		}},
	{regexp.MustCompile(`^security; file '([^']*)' is not in or below`), func(b *buildError, m []string) {
		b.message = b.here(m[1]) + " is outside of the folder of the kustomization"
		b.help = "move it below the folder, or put a kustomization beside it and name its folder; " +
			"kustomize build --load-restrictor LoadRestrictionsNone reads it as well"
	}},
	{regexp.MustCompile(`^unable to find one of .*in directory '([^']*)'`), func(b *buildError, m []string) {
		folder := b.here(m[1])
		b.dir = b.rendering.Source.Path
		b.message = folder + " has no kustomization.yaml"
		b.help = "name the files in it, or add one that lists them: kustomize create --autodetect"
		for _, l := range b.rendering.Source.layers() {
			for _, n := range itemsOf(l.root, "resources") {
				if isSameFile(rel(l.dir, n.Text), m[1]) {
					b.at = n.Range()
				}
			}
		}
	}},
	{regexp.MustCompile(`^expected kind (!= )?'Component' for path '([^']*)'`), func(b *buildError, m []string) {
		name := b.here(m[2])
		list := "components"
		b.message, b.help = name+" is a kustomization, and no component", "name it below resources"
		if m[1] != "" {
			list, b.message, b.help = "resources", name+" is a component", "name it below components"
		}
		b.atItem(list, func(n *manifest.Node) bool { return isSameFile(rel(b.dir, n.Text), m[2]) })
	}},
	{regexp.MustCompile(`^no resource matches strategic merge patch "([^"]*)"`), func(b *buildError, m []string) {
		id := resourceID.FindStringSubmatch(m[1])
		if id == nil {
			return
		}
		b.message = "the patch matches no resource: " + plainIDs(m[1]) + " does not exist"
		b.help = "write the kind and name of a resource as its own file has them, or remove the patch"
		names := b.names(id[1])
		if best := schema.DidYouMean(id[2], names); best != "" {
			b.help = fmt.Sprintf("did you mean %s %s?", id[1], best)
		} else if len(names) == 1 {
			b.help = fmt.Sprintf("the only %s is %s", id[1], names[0])
		}
		b.atText("name: " + id[2])
	}},
	{regexp.MustCompile(`doc is missing (?:path|key): (\S+?):?(?: |$)|(?:error in|op) (\w+) for path: '([^']*)'`),
		func(b *buildError, m []string) {
			path := m[1] + m[3]
			b.message = "the JSON patch does not apply: " + path + " does not exist"
			b.help = "add creates a field in a mapping that exists; replace and remove need a field that exists"
			b.atText(path)
		}},
	{regexp.MustCompile(`^Unexpected kind: (\S*)`), func(b *buildError, m []string) {
		b.message = fmt.Sprintf("%q is no operation of a JSON patch", m[1])
		b.help = "write add, remove, replace, move, copy or test"
		if best := schema.DidYouMean(m[1], []string{"add", "remove", "replace", "move", "copy", "test"}); best != "" {
			b.help = "did you mean " + best + "?"
		}
		b.atText("op: " + m[1])
	}},
	{regexp.MustCompile(`unable to parse SM or JSON patch from \[(path|patch): "?([^\]\\"]*)`),
		func(b *buildError, m []string) {
			b.message = "the patch is neither an object with apiVersion, kind and metadata.name, nor a list of operations"
			b.help = "write what it lacks; a patch with a target needs the names as well"
			b.atItem("patches", func(n *manifest.Node) bool {
				return strings.HasPrefix(strings.TrimSpace(textOf(n, m[1])), strings.TrimSpace(m[2]))
			})
		}},
	{regexp.MustCompile(`invalid literal source (.*), expected key=value`), func(b *buildError, m []string) {
		b.message, b.help = "a literal of the generator is not KEY=VALUE", "write it as KEY=VALUE"
		for _, list := range []string{"configMapGenerator", "secretGenerator"} {
			b.atItem(list, func(n *manifest.Node) bool {
				literals := itemsOf(n, "literals")
				i := slices.IndexFunc(literals, func(n *manifest.Node) bool { return n.Text == m[1] })
				if i >= 0 {
					b.at = literals[i].Range()
				}
				return false
			})
		}
	}},
	{regexp.MustCompile(`Kind:"(\w+)".*Name:"([^"]*)".*(exists; can not use|does not exist; cannot merge)`),
		func(b *buildError, m []string) {
			b.message = fmt.Sprintf("%s %s is already generated", m[1], m[2])
			b.help = "add behavior: merge or replace, or use another name"
			if strings.HasPrefix(m[3], "does") {
				b.message = fmt.Sprintf("%s %s, which the generator is to change, does not exist", m[1], m[2])
				b.help = "remove behavior, or name one that a base generates"
			}
			b.atGenerator(m[1], m[2])
		}},
	{regexp.MustCompile(`^namespace transformation produces ID conflict: \[(.*)`), func(b *buildError, m []string) {
		b.message = "in one namespace two of the resources are the same object"
		var o struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
		}
		if json.NewDecoder(strings.NewReader(m[1])).Decode(&o) == nil {
			b.message = fmt.Sprintf("in namespace %s two of the resources are %s %s", o.Metadata.Namespace, o.Kind,
				o.Metadata.Name)
		}
		b.help = "rename one of them, or build those of each namespace by a kustomization of their own"
		b.atField("namespace")
	}},
	{regexp.MustCompile(`^resource with name (\S+) does not match a config`), func(b *buildError, m []string) {
		b.message = fmt.Sprintf("replicas: no resource with replicas is called %s", m[1])
		b.help = "write the name of a Deployment, StatefulSet, ReplicaSet or ReplicationController as its own file has it"
		b.atItem("replicas", func(n *manifest.Node) bool { return textOf(n, "name") == m[1] })
	}},
	{regexp.MustCompile(`^nothing selected by (\S+):(\S+)`), func(b *buildError, m []string) {
		id, _, _ := strings.Cut(m[1], "/")
		kind, _, _ := strings.Cut(id, ".")
		_, rest, _ := strings.Cut(m[1], "/")
		name := strings.TrimSuffix(rest, ".[noNs]")
		b.message = strings.TrimSpace(fmt.Sprintf("the source of the replacement matches no resource: %s %s does not exist",
			strings.Trim(kind, "[]"), name))
		b.help = "write the kind and name of a resource"
		b.atText("name: " + name)
	}},
	{regexp.MustCompile("^fieldPath `([^`]*)` is missing for replacement source (\\S+)"),
		func(b *buildError, m []string) {
			b.message = fmt.Sprintf("%s has no %s, the source of the replacement", plainIDs(m[2]), m[1])
			b.help = "name a field that it has"
			b.atText(m[1])
		}},
	{regexp.MustCompile(`^unable to find field (\S+) in replacement target`), func(b *buildError, m []string) {
		field := strings.Trim(m[1], `"`)
		b.message = fmt.Sprintf("the target of the replacement has no %s", field)
		b.help = "name a field that it has, or let options: {create: true} make it"
		b.atText(field)
	}},
	{regexp.MustCompile(`cannot unmarshal (\w+) into Go struct field (\w+)\.(\S+) of type (\S+)`),
		func(b *buildError, m []string) {
			names := strings.Split(m[3], ".")
			name := names[len(names)-1]
			b.message = fmt.Sprintf("%s takes %s, not %s", m[3], goTypeInWords(m[4]), goTypeInWords(m[1]))
			b.atText(name + ":")
		}},
}

// goTypeInWords returns what a type of Go, or a kind of JSON, is called in YAML.
func goTypeInWords(t string) string {
	if item, ok := strings.CutPrefix(t, "[]"); ok {
		if item == "string" {
			return "a list of strings"
		}
		return "a list"
	}
	switch {
	case strings.HasPrefix(t, "map"), t == "object":
		return "a mapping"
	case t == "array":
		return "a list"
	case t == "string":
		return "a string"
	case t == "bool":
		return "a boolean"
	case t == "number", strings.HasPrefix(t, "int"), strings.HasPrefix(t, "float"):
		return "a number"
	}
	return "a mapping"
}

// names returns the names of the objects of a kind that the source is made of.
func (b *buildError) names(kind string) (names []string) {
	made := b.rendering.Source.reader().contentsOf(b.rendering.Source.Path, map[string]contents{})
	for _, o := range made.objects {
		if o.kind == kind {
			names = append(names, o.names...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
