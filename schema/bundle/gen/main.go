// Command gen writes kubernetes.bundle from the OpenAPI and discovery documents that the
// k8s.io/kubernetes modules of all supported versions carry in their api folder, and declared.json
// from the sources of the linked version's types.
//
//	go run ./schema/bundle/gen -dir schema/bundle
package main

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/seatrial/seatrial/schema/bundle"
)

// releases are the sources, one for each minor version; the last is the linked one.
var releases = []string{
	"v1.20.15", "v1.21.14", "v1.22.17", "v1.23.17", "v1.24.17", "v1.25.16", "v1.26.15", "v1.27.16", "v1.28.15",
	"v1.29.6", "v1.30.14", "v1.31.14", "v1.32.13", "v1.33.13", "v1.34.4", "v1.35.4", "v1.36.3", "v1.37.2",
}

// shortNamesOfOld are the short names of resources that went before discovery documents were kept:
// from the ShortNames method of their registries.
var shortNamesOfOld = map[string][]string{"podsecuritypolicies": {"psp"}}

func main() {
	dir := flag.String("dir", "schema/bundle", "folder to write to")
	only := flag.String("only", "", "the one file to write")
	flag.Parse()
	log.SetFlags(0)
	for name, make := range map[string]func() ([]byte, error){
		"kubernetes.bundle": generate, "declared.json": generateDeclared,
	} {
		if *only != "" && *only != name {
			continue
		}
		data, err := make()
		if err == nil {
			err = os.WriteFile(filepath.Join(*dir, name), data, 0o644)
		}
		if err != nil {
			log.Fatal(err)
		}
		log.Printf("%s: %d bytes", name, len(data))
	}
}

// release is what one version's documents say.
type release struct {
	types map[string]json.RawMessage
	kinds map[schema.GroupVersionKind]*bundle.Kind
}

func generate() ([]byte, error) {
	g := generator{types: map[string][]body{}, kinds: map[schema.GroupVersionKind]*bundle.Kind{}}
	for i, version := range releases {
		log.Printf("reading %s", version)
		r, err := read(version)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", version, err)
		}
		g.add(i, r)
	}
	g.lifecycle()
	return g.write()
}

type body struct {
	text []byte
	in   uint32
}

type generator struct {
	types map[string][]body
	kinds map[schema.GroupVersionKind]*bundle.Kind
}

func (g *generator) add(i int, r *release) {
	for name, text := range r.types {
		bodies := g.types[name]
		at := slices.IndexFunc(bodies, func(b body) bool { return bytes.Equal(b.text, text) })
		if at < 0 {
			at = len(bodies)
			bodies = append(bodies, body{text: text})
		}
		bodies[at].in |= 1 << i
		g.types[name] = bodies
	}
	for gvk, k := range r.kinds {
		if old := g.kinds[gvk]; old != nil {
			k.In = old.In
		}
		k.In |= 1 << i
		g.kinds[gvk] = k
	}
}

// lifecycle notes what the API's own types say of their deprecation and removal.
func (g *generator) lifecycle() {
	names := map[string]*bundle.Kind{} // discovery facts by resource, for versions without discovery documents
	for _, k := range g.kinds {
		if len(k.ShortNames) > 0 {
			names[k.Resource] = k
		}
	}
	for gvk, k := range g.kinds {
		if known := names[k.Resource]; known != nil && len(k.ShortNames) == 0 {
			k.ShortNames = known.ShortNames
			k.Categories = known.Categories
		}
		if k.Singular == "" {
			k.Singular = strings.ToLower(k.Kind)
		}
		obj, err := scheme.Scheme.New(gvk)
		if err != nil {
			continue
		}
		if d, ok := obj.(interface{ APILifecycleDeprecated() (int, int) }); ok {
			major, minor := d.APILifecycleDeprecated()
			k.Deprecated = fmt.Sprintf("%d.%d", major, minor)
		}
		if d, ok := obj.(interface{ APILifecycleRemoved() (int, int) }); ok {
			major, minor := d.APILifecycleRemoved()
			k.Removed = fmt.Sprintf("%d.%d", major, minor)
		}
		if d, ok := obj.(interface {
			APILifecycleReplacement() schema.GroupVersionKind
		}); ok {
			r := d.APILifecycleReplacement()
			k.Replaced = r.GroupVersion().String() + " " + r.Kind
		}
	}
}

// write lays the definitions of each API package out together, all forms of a type side by side.
func (g *generator) write() ([]byte, error) {
	index := bundle.Index{Types: map[string]bundle.Type{}}
	for _, r := range releases {
		index.Releases = append(index.Releases, r)
		index.Versions = append(index.Versions, strings.TrimPrefix(r[:strings.LastIndexByte(r, '.')], "v"))
	}
	var segments [][]byte
	segmentOf := map[string]int{}
	for _, name := range slices.Sorted(maps.Keys(g.types)) {
		pkg := name[:strings.LastIndexByte(name, '.')]
		n, ok := segmentOf[pkg]
		if !ok {
			n = len(segments)
			segmentOf[pkg] = n
			segments = append(segments, nil)
		}
		t := bundle.Type{Segment: n}
		for _, b := range g.types[name] {
			t.Bodies = append(t.Bodies, bundle.Body{Offset: len(segments[n]), Length: len(b.text), In: b.in})
			segments[n] = append(segments[n], b.text...)
		}
		index.Types[name] = t
	}
	for _, k := range g.kinds {
		index.Kinds = append(index.Kinds, *k)
	}
	slices.SortFunc(index.Kinds, func(a, b bundle.Kind) int {
		return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Version, b.Version), cmp.Compare(a.Kind, b.Kind))
	})
	return bundle.Write(index, segments)
}

// read takes one version's documents from its module.
func read(version string) (*release, error) {
	files, err := moduleFiles("k8s.io/kubernetes@"+version, "api/", generatedDefinitions)
	if err != nil {
		return nil, err
	}
	r := &release{types: map[string]json.RawMessage{}, kinds: map[schema.GroupVersionKind]*bundle.Kind{}}
	var swagger document
	if err := json.Unmarshal(files["api/openapi-spec/swagger.json"], &swagger); err != nil {
		return nil, fmt.Errorf("swagger.json: %w", err)
	}
	for name, def := range swagger.Definitions {
		if r.types[name], err = toV3(def); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if !strings.HasPrefix(name, "api/openapi-spec/v3/") || !strings.HasSuffix(name, "_openapi.json") {
			continue
		}
		var doc document
		if err := json.Unmarshal(files[name], &doc); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		for name, def := range doc.Components.Schemas {
			if r.types[name], err = canonical(def); err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	if err := r.addEnumerations(files[generatedDefinitions]); err != nil {
		return nil, err
	}
	r.readKinds(&swagger)
	if err := r.readLegacyDiscovery(files["api/discovery/api__v1.json"]); err != nil {
		return nil, err
	}
	return r, r.readDiscovery(files["api/discovery/aggregated_v2.json"])
}

// document is what is read of an OpenAPI document of either version.
type document struct {
	Definitions map[string]json.RawMessage
	Components  struct {
		Schemas map[string]json.RawMessage
	}
	Paths map[string]map[string]json.RawMessage
}

type operation struct {
	Action string                   `json:"x-kubernetes-action"`
	GVK    *schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
}

// readKinds finds the kinds that the paths of a server serve, with their verbs.
func (r *release) readKinds(swagger *document) {
	typeOf := map[schema.GroupVersionKind]string{}
	for name, def := range swagger.Definitions {
		var d struct {
			GVKs []schema.GroupVersionKind `json:"x-kubernetes-group-version-kind"`
		}
		if json.Unmarshal(def, &d) == nil && len(d.GVKs) == 1 {
			typeOf[d.GVKs[0]] = name
		}
	}
	for _, path := range slices.Sorted(maps.Keys(swagger.Paths)) {
		parts := strings.Split(strings.Trim(path, "/"), "/")
		resource, namespaced, ok := resourceOf(parts)
		if !ok {
			continue
		}
		for _, raw := range swagger.Paths[path] {
			var op operation
			if json.Unmarshal(raw, &op) != nil || op.GVK == nil || typeOf[*op.GVK] == "" {
				continue
			}
			k := r.kinds[*op.GVK]
			if k == nil {
				k = &bundle.Kind{
					Group: op.GVK.Group, Version: op.GVK.Version, Kind: op.GVK.Kind, Resource: resource,
					Type: typeOf[*op.GVK], ShortNames: shortNamesOfOld[resource],
				}
				r.kinds[*op.GVK] = k
			}
			k.Namespaced = k.Namespaced || namespaced
			if verb := verbs[op.Action]; verb != "" && !slices.Contains(k.Verbs, verb) {
				k.Verbs = append(k.Verbs, verb)
				slices.Sort(k.Verbs)
			}
		}
	}
	for _, k := range r.kinds {
		if slices.Contains(k.Verbs, "list") && !slices.Contains(k.Verbs, "watch") && k.Kind != "ComponentStatus" {
			k.Verbs = append(k.Verbs, "watch")
			slices.Sort(k.Verbs)
		}
	}
}

// verbs maps the actions of operations to those of discovery.
var verbs = map[string]string{
	"get": "get", "list": "list", "post": "create", "put": "update", "patch": "patch", "delete": "delete",
	"deletecollection": "deletecollection",
}

// resourceOf reads /apis/apps/v1/namespaces/{namespace}/deployments/{name}; subresources and watches are not kinds.
func resourceOf(parts []string) (resource string, namespaced, ok bool) {
	switch {
	case len(parts) > 2 && parts[0] == "api":
		parts = parts[2:]
	case len(parts) > 3 && parts[0] == "apis":
		parts = parts[3:]
	default:
		return "", false, false
	}
	if parts[0] == "watch" {
		return "", false, false
	}
	if len(parts) > 2 && parts[0] == "namespaces" && parts[1] == "{namespace}" {
		parts, namespaced = parts[2:], true
	}
	if len(parts) > 2 || len(parts) == 2 && !strings.HasPrefix(parts[1], "{") {
		return "", false, false
	}
	return parts[0], namespaced, true
}

// readDiscovery adds what only discovery tells: short names, singular names, categories, verbs.
func (r *release) readDiscovery(data []byte) error {
	if data == nil {
		return nil
	}
	var doc struct {
		Items []struct {
			Metadata struct{ Name string }
			Versions []struct {
				Version   string
				Resources []struct {
					Resource, SingularResource    string
					ShortNames, Categories, Verbs []string
					ResponseKind                  struct{ Kind string }
				}
			}
		}
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("discovery: %w", err)
	}
	for _, g := range doc.Items {
		for _, v := range g.Versions {
			for _, d := range v.Resources {
				if k := r.kinds[schema.GroupVersionKind{Group: g.Metadata.Name, Version: v.Version,
					Kind: d.ResponseKind.Kind}]; k != nil && k.Resource == d.Resource {
					k.Singular, k.ShortNames, k.Categories, k.Verbs =
						d.SingularResource, d.ShortNames, d.Categories, d.Verbs
				}
			}
		}
	}
	return nil
}

// readLegacyDiscovery does the same for the core group, which the aggregated document leaves out.
func (r *release) readLegacyDiscovery(data []byte) error {
	if data == nil {
		return nil
	}
	var doc struct {
		Resources []struct {
			Name, SingularName, Kind      string
			ShortNames, Categories, Verbs []string
		}
	}
	if err := json.Unmarshal(data, &doc); err != nil {
		return fmt.Errorf("discovery: %w", err)
	}
	for _, d := range doc.Resources {
		if k := r.kinds[schema.GroupVersionKind{Version: "v1", Kind: d.Kind}]; k != nil && k.Resource == d.Name {
			k.Singular, k.ShortNames, k.Categories, k.Verbs = d.SingularName, d.ShortNames, d.Categories, d.Verbs
		}
	}
	return nil
}

// canonical writes JSON with sorted keys and no white space, so that equal definitions are equal bytes.
func canonical(raw []byte) (json.RawMessage, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(v)
	return bytes.TrimSpace(b.Bytes()), err
}

// toV3 writes a definition of OpenAPI v2 as the API server writes it in v3.
func toV3(raw []byte) (json.RawMessage, error) {
	var v any
	if err := json.Unmarshal(raw, &v); err != nil {
		return nil, err
	}
	b, err := json.Marshal(convert(v))
	if err != nil {
		return nil, err
	}
	return canonical(b)
}

func convert(v any) any {
	switch v := v.(type) {
	case []any:
		for i := range v {
			v[i] = convert(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = convert(v[k])
		}
		if ref, ok := v["$ref"].(string); ok {
			ref = strings.Replace(ref, "#/definitions/", "#/components/schemas/", 1)
			v["$ref"] = ref
			if len(v) > 1 {
				delete(v, "$ref")
				v["allOf"] = []any{map[string]any{"$ref": ref}}
			}
		}
		if description, _ := v["description"].(string); v["type"] == "string" &&
			(v["format"] == "int-or-string" || strings.HasPrefix(description, "Quantity is a fixed-point representation")) {
			number := "number"
			if v["format"] == "int-or-string" {
				number = "integer"
			}
			delete(v, "type")
			v["oneOf"] = []any{map[string]any{"type": number}, map[string]any{"type": "string"}}
		}
	}
	return v
}

// moduleFiles reads the files of a module whose names begin in one of several ways, straight from its zip.
func moduleFiles(module string, prefixes ...string) (map[string][]byte, error) {
	out, err := exec.Command("go", "mod", "download", "-json", module).Output()
	if err != nil {
		return nil, fmt.Errorf("downloading: %w", err)
	}
	var m struct{ Zip string }
	if err := json.Unmarshal(out, &m); err != nil {
		return nil, err
	}
	z, err := zip.OpenReader(m.Zip)
	if err != nil {
		return nil, err
	}
	defer z.Close()
	files := map[string][]byte{}
	for _, f := range z.File {
		name, ok := strings.CutPrefix(f.Name, module+"/")
		if !ok || !slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) }) {
			continue
		}
		r, err := f.Open()
		if err != nil {
			return nil, err
		}
		files[name], err = io.ReadAll(r)
		r.Close()
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}
