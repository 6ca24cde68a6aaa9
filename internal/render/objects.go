package render

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// object is an object of Flux or Argo CD that says what is applied, or what such objects refer to.
type object struct{ *manifest.Document }

// is reports whether the object is of a kind, in whatever version.
func (o *object) is(group, kind string) bool {
	return o.Object.Kind == kind && strings.HasPrefix(o.Object.APIVersion, group+"/")
}

// decode reads the object into a struct.
func (o *object) decode(into any) error { return yaml.Unmarshal(o.JSON, into) }

// String returns the name of the set that the object applies.
func (o *object) String() string {
	name := o.Object.Name
	if o.Object.Namespace != "" {
		name = o.Object.Namespace + "/" + name
	}
	return fmt.Sprintf("%s %s (%s)", o.Object.Kind, name, o.File.Name)
}

// deployers are the groups whose objects are read.
var deployers = []string{fluxKustomizationGroup, fluxHelmGroup, fluxSourceGroup, argoGroup}

// readObjects reads the objects of Flux and Argo CD among the files of the tree.
func (d *discovery) readObjects(t *Tree) {
	slices.Sort(d.files)
	d.files = slices.Compact(d.files)
	for _, name := range d.files {
		data, err := d.read(name)
		contains := func(group string) bool { return bytes.Contains(data, []byte(group+"/")) }
		if err != nil || !slices.ContainsFunc(deployers, contains) || t.inChart(name) {
			continue
		}
		docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		for _, doc := range docs {
			group, _, _ := strings.Cut(doc.Object.APIVersion, "/")
			if slices.Contains(deployers, group) && doc.Object.Name != "" {
				d.objects = append(d.objects, &object{doc})
			}
		}
	}
}

// named reports whether the tree has an object of a kind and name.
func (d *discovery) named(group, kind, name string) bool {
	return slices.ContainsFunc(d.objects, func(o *object) bool { return o.is(group, kind) && o.Object.Name == name })
}

// configMaps returns the data of the ConfigMaps of the tree by name. One that exists twice with different data, as
// those of environments do, is left out.
func (d *discovery) configMaps() map[string]map[string]string {
	if d.maps != nil {
		return d.maps
	}
	d.maps = map[string]map[string]string{}
	ambiguous := map[string]bool{}
	for _, name := range d.files {
		data, err := d.read(name)
		if err != nil || !bytes.Contains(data, []byte("kind: ConfigMap")) {
			continue
		}
		docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		for _, doc := range docs {
			var c struct{ Data map[string]string }
			if doc.Object.Kind == "ConfigMap" && yaml.Unmarshal(doc.JSON, &c) == nil {
				known, twice := d.maps[doc.Object.Name]
				ambiguous[doc.Object.Name] = ambiguous[doc.Object.Name] || twice && !maps.Equal(known, c.Data)
				d.maps[doc.Object.Name] = c.Data
			}
		}
	}
	maps.DeleteFunc(d.maps, func(name string, _ map[string]string) bool { return ambiguous[name] })
	return d.maps
}

// repositoryPath returns where a path of this repository lies: below the folder that holds .git, or, where there is
// none, below the outermost folder above the object that has it.
func (d *discovery) repositoryPath(o *object, path string) (name string, ok bool) {
	path = filepath.FromSlash(strings.TrimPrefix(path, "/"))
	if !filepath.IsLocal(path) {
		return "", false
	}
	for _, top := range d.tops(o.File.Name) {
		name = filepath.Join(top, path)
		if _, err := os.Stat(name); err == nil {
			return name, true
		}
	}
	return "", false
}

// tops returns the folders that may be the top of the repository that a file is in, outermost first.
func (d *discovery) tops(file string) (tops []string) {
	for dir := filepath.Dir(file); ; dir = filepath.Dir(dir) {
		tops = append(tops, dir)
		if exists(filepath.Join(dir, ".git")) {
			return []string{dir}
		}
		if parent := filepath.Dir(dir); parent == dir {
			break
		}
	}
	if !filepath.IsAbs(file) {
		wd, err := os.Getwd()
		for up := ".."; err == nil && filepath.Dir(wd) != wd; up = filepath.Join(up, "..") {
			if wd = filepath.Dir(wd); exists(filepath.Join(wd, ".git")) {
				return []string{up}
			}
		}
	}
	slices.Reverse(tops)
	return tops
}

// Reader reads a file.
type Reader func(name string) ([]byte, error)

// ReadFile reads a file from disk. Whatever is none is refused: reading a named pipe would wait for a writer.
func ReadFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", name)
	}
	return os.ReadFile(name)
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// isThisRepository reports whether a GitRepository is the repository that it is in; known is false if the tree does
// not say its address, or the repository has none.
func (d *discovery) isThisRepository(r reference) (known, mine bool) {
	for _, o := range d.objects {
		var git struct{ Spec struct{ URL string } }
		if o.is(fluxSourceGroup, "GitRepository") && o.Object.Name == r.Name && o.decode(&git) == nil {
			remote := d.remote(o.File.Name)
			return remote != "" && git.Spec.URL != "", sameRepository(git.Spec.URL, remote)
		}
	}
	return false, false
}

// remote returns the address that the repository of a file was cloned from, or an empty text.
func (d *discovery) remote(file string) string {
	config, err := d.read(filepath.Join(d.tops(file)[0], ".git", "config"))
	if err != nil {
		return ""
	}
	section := ""
	for l := range strings.Lines(string(config)) {
		l = strings.TrimSpace(l)
		key, value, ok := strings.Cut(l, "=")
		switch {
		case strings.HasPrefix(l, "["):
			section = l
		case ok && section == `[remote "origin"]` && strings.TrimSpace(key) == "url":
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// sameRepository compares addresses, however they are written: git@host:owner/name.git, https://host/owner/name.
func sameRepository(a, b string) bool {
	a, b = plainAddress(a), plainAddress(b)
	return a != "" && a == b
}

func plainAddress(url string) string {
	if _, rest, ok := strings.Cut(url, "://"); ok {
		url = rest
	} else {
		url = strings.Replace(url, ":", "/", 1)
	}
	if user, rest, ok := strings.Cut(url, "@"); ok && !strings.Contains(user, "/") {
		url = rest
	}
	return strings.ToLower(strings.TrimSuffix(strings.Trim(url, "/"), ".git"))
}

// holdsObjects reports whether a file holds objects of the API, and not a kustomization.
func (read Reader) holdsObjects(name string) bool {
	data, err := read(name)
	if err != nil || slices.Contains(kustomizationNames, filepath.Base(name)) {
		return false
	}
	docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	return slices.ContainsFunc(docs, func(d *manifest.Document) bool {
		return d.Object.APIVersion != "" && d.Object.Kind != ""
	})
}

// isYAML reports whether a file may hold manifests by its name.
func isYAML(name string) bool {
	ext := strings.ToLower(filepath.Ext(name))
	return ext == ".yaml" || ext == ".yml"
}

// add adds a source that an object asks for. What it applies is not judged without it as well.
func (t *Tree) add(s *Source) {
	t.applied[s.Path] = true
	t.Sources = append(t.Sources, s)
}

// elsewhere keeps an object whose source cannot be rendered here. What it applies is in a namespace, or in any if that
// is empty.
func (t *Tree) elsewhere(kind Kind, o *object, namespace, why string) {
	t.Elsewhere = append(t.Elsewhere, &Source{
		Kind: kind, Name: o.String(), File: o.File.Name, Why: why, options: Options{Namespace: namespace},
	})
}

// MayCreate returns patterns of the objects that a source may bring whose contents are not known, as the configuration
// names external objects: those of its namespace, and those that are in none.
func (s *Source) MayCreate() []string {
	if s.options.Namespace == "" || strings.ContainsAny(s.options.Namespace, "${*") {
		return []string{"*/*"}
	}
	return []string{"*/" + s.options.Namespace + "/*", "*//*"}
}

// found reports what is wrong with an object of Flux or Argo CD.
func (t *Tree) found(o *object, severity diag.Severity, path, message, help string) {
	t.Findings = append(t.Findings, diag.Diagnostic{
		Rule: "source", Severity: severity, Message: message, Help: help, Path: path, Object: o.Object,
		Document: o.Number, Range: o.Find(path).Value,
	})
}

// inputsOf returns the files of the kustomization in a folder.
func (d *discovery) inputsOf(dir string) []string {
	if k := d.folder(dir).kustomization; k != nil {
		return k.files
	}
	return nil
}
