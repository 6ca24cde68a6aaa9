// Package explain describes resources and fields of any Kubernetes version.
//
// The central type is [Subject]: what a user asks about, found by [Find]. Each form of the answer is a function
// of its own: [Subject.Plaintext] as kubectl prints it, [Subject.Tree] as data, [Subject.Markdown],
// [Subject.Example], [History], [Diff], [Search].
//
//	store, err := schema.Open("1.25")
//	subject, err := explain.Find(store, "deploy.spec", "")
//	err = subject.Plaintext(os.Stdout, explain.Depth{})
package explain

import (
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	openapi_v2 "github.com/google/gnostic-models/openapiv2"
	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/openapi"
	"k8s.io/kube-openapi/pkg/util/proto"
	explainv1 "k8s.io/kubectl/pkg/explain"
	explainv2 "k8s.io/kubectl/pkg/explain/v2"

	"github.com/seatrial/seatrial/schema"
)

// Subject is a resource, or a field of one.
type Subject struct {
	Kind  *schema.Kind
	Path  []string      // field names below the kind; empty: the kind itself
	Field *schema.Field // the field; nil for the kind itself
	store *schema.Store
}

// Depth says how far below the subject fields are shown.
type Depth struct {
	Recursive bool
	Max       int // levels; 0: all
}

// Find resolves what users type: a resource by any of its names, then a field by its path, with
// or without indices and JSONPath dots: deploy, deployments.apps.spec, Pod.spec.containers[0].image.
// apiVersion chooses among API versions; empty means the preferred one.
func Find(store *schema.Store, text, apiVersion string) (*Subject, error) {
	parts := split(text)
	if len(parts) == 0 {
		return nil, errors.New("name a resource: seatrial explain deployment.spec")
	}
	kinds, rest, err := resource(store, parts)
	if err != nil {
		return nil, err
	}
	kind := kinds[0]
	if apiVersion != "" {
		if kind, err = served(kinds, apiVersion); err != nil {
			return nil, fmt.Errorf("in Kubernetes %s %w", store.Version, err)
		}
	}
	s := &Subject{Kind: kind, Path: rest, store: store}
	if len(rest) == 0 {
		return s, nil
	}
	if s.Field, err = kind.Field(strings.Join(rest, ".")); err != nil {
		if version.MatchString(rest[0]) {
			_, err := store.Find(strings.Join(parts, "."))
			return nil, err
		}
		var missing *schema.FieldError
		if errors.As(err, &missing) && missing.Suggest == "" {
			if _, place := kind.SuggestField(strings.Join(rest, ".")); place != "" {
				return nil, fmt.Errorf("%s: %w: the field exists at %s", kind.Kind, err, place)
			}
		}
		return nil, fmt.Errorf("%s: %w", kind.Kind, err)
	}
	return s, nil
}

// version is what stands after the name of a resource if it is no field.
var version = regexp.MustCompile(`^v[0-9]+((alpha|beta)[0-9]+)?$`)

// Address writes a place the way that users type it: deployment.spec.replicas. A kind that shares its name
// with a preferred one carries version and group.
func Address(store *schema.Store, k *schema.Kind, path string) string {
	name := k.Singular
	if name == "" {
		name = strings.ToLower(k.Kind)
	}
	if kinds, err := store.Find(name); err != nil || kinds[0].GVK != k.GVK {
		name = strings.TrimSuffix(k.Resource+"."+k.Version+"."+k.Group, ".")
	}
	return strings.TrimSuffix(name+"."+path, ".")
}

// Address writes the subject the way that users type it.
func (s *Subject) Address() string { return Address(s.store, s.Kind, strings.Join(s.Path, ".")) }

// split takes a path apart: {.spec.containers[0]['name']} has the parts spec, containers, name.
func split(text string) (parts []string) {
	text = strings.NewReplacer("{", "", "}", "", "['", ".", "']", "", `["`, ".", `"]`, "").Replace(text)
	return schema.Split(text)
}

// resource takes the name of a resource, with version and group where they follow, from the parts of a path.
func resource(store *schema.Store, parts []string) (kinds []*schema.Kind, rest []string, err error) {
	for n := len(parts); n > 1; n-- {
		if kinds, err := store.Find(strings.Join(parts[:n], ".")); err == nil {
			return kinds, parts[n:], nil
		}
	}
	kinds, err = store.Find(parts[0])
	return kinds, parts[1:], err
}

func served(kinds []*schema.Kind, apiVersion string) (*schema.Kind, error) {
	var known []string
	for _, k := range kinds {
		if k.GroupVersion().String() == apiVersion {
			return k, nil
		}
		known = append(known, k.GroupVersion().String())
	}
	return nil, fmt.Errorf("%s is not served as %s, but as %s", kinds[0].Kind, apiVersion, strings.Join(known, ", "))
}

// Plaintext writes what kubectl explain prints.
func (s *Subject) Plaintext(w io.Writer, d Depth) error {
	return explainv2.PrintModelDescription(s.Path, w, documents{s.Kind}, s.gvr(), d.Recursive, d.Max, "plaintext")
}

// PlaintextV2 writes what kubectl explain printed before it read OpenAPI v3.
func (s *Subject) PlaintextV2(w io.Writer, d Depth) error {
	data, err := s.Kind.OpenAPIV2()
	if err != nil {
		return err
	}
	doc, err := openapi_v2.ParseDocument(data)
	if err != nil {
		return fmt.Errorf("reading the schema of %s: %w", s.Kind.Kind, err)
	}
	models, err := proto.NewOpenAPIData(doc)
	if err != nil {
		return fmt.Errorf("reading the schema of %s: %w", s.Kind.Kind, err)
	}
	return explainv1.PrintModelDescription(
		s.Path, w, models.LookupModel(s.Kind.Type().Name), s.Kind.GVK, d.Recursive, d.Max,
	)
}

func (s *Subject) gvr() k8sschema.GroupVersionResource {
	return s.Kind.GroupVersion().WithResource(s.Kind.Resource)
}

// documents is the OpenAPI client that kubectl's printer asks, with the documents of one kind.
type documents struct{ kind *schema.Kind }

func (d documents) Paths() (map[string]openapi.GroupVersion, error) {
	path := "apis/" + d.kind.GroupVersion().String()
	if d.kind.Group == "" {
		path = "api/" + d.kind.Version
	}
	return map[string]openapi.GroupVersion{path: document(d)}, nil
}

type document struct{ kind *schema.Kind }

func (d document) Schema(string) ([]byte, error) { return d.kind.OpenAPI() }

func (d document) ServerRelativeURL() string { return "" }

// FieldNames lists the fields of the subject.
func (s *Subject) FieldNames() (names []string) {
	fields := s.Kind.Fields()
	if s.Field != nil {
		fields = s.Field.Fields()
	}
	for _, f := range fields {
		names = append(names, f.Name)
	}
	return names
}
