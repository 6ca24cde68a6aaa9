package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/internal/catalogue"
)

// served are the groups of OpenShift whose objects servers of its own keep, without definitions.
var served = map[string]string{ // package of the types: group
	"apps":          "apps.openshift.io",
	"authorization": "authorization.openshift.io",
	"build":         "build.openshift.io",
	"image":         "image.openshift.io",
	"oauth":         "oauth.openshift.io",
	"project":       "project.openshift.io",
	"template":      "template.openshift.io",
	"user":          "user.openshift.io",
}

// clusterScoped are the kinds of these groups whose objects are in no namespace.
var clusterScoped = []string{
	"BrokerTemplateInstance", "ClusterRole", "ClusterRoleBinding", "Group", "Identity", "Image", "ImageSignature",
	"OAuthAccessToken", "OAuthAuthorizeToken", "OAuthClient", "OAuthClientAuthorization", "Project", "ProjectRequest",
	"User", "UserIdentityMapping", "UserOAuthAccessToken",
}

// typePrefix begins what the OpenAPI document calls its types, as in
// com.github.openshift.api.apps.v1.DeploymentConfig.
const typePrefix = "com.github.openshift.api."

// openShiftDefinitions makes definitions of the types in OpenShift's OpenAPI document that have servers of their own.
// These servers read Go types: a field may be null, and what the document calls required may be left out.
func openShiftDefinitions(dir string, as reading) (all []*definition, err error) {
	data, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(openShiftTypes)))
	if err != nil {
		return nil, err
	}
	var document struct {
		Definitions map[string]map[string]any `json:"definitions"`
	}
	if err := json.Unmarshal(data, &document); err != nil {
		return nil, err
	}
	for _, d := range document.Definitions {
		eachObject(d, asGoReads)
	}
	for name, d := range document.Definitions {
		switch {
		case strings.HasSuffix(name, ".api.resource.Quantity"), strings.HasSuffix(name, ".util.intstr.IntOrString"):
			clear(d)
			d["x-kubernetes-int-or-string"] = true
		case strings.HasSuffix(name, ".runtime.RawExtension"):
			clear(d)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(document.Definitions)) {
		group, version, kind, ok := storedKind(name, document.Definitions[name])
		if !ok {
			continue
		}
		schema, err := json.Marshal(map[string]any{
			"$ref": "#/definitions/" + name, "definitions": document.Definitions,
		})
		if err != nil {
			return nil, err
		}
		d, err := fromJSONSchema(group, version, kind, schema, as, slices.Contains(clusterScoped, kind))
		if err != nil {
			return nil, err
		}
		all = append(all, d)
	}
	return all, nil
}

// storedKind returns the kind of a type whose objects are kept: it has metadata, and it is neither a list nor a
// question such as SubjectAccessReview.
func storedKind(name string, schema map[string]any) (group, version, kind string, ok bool) {
	path, isOpenShift := strings.CutPrefix(name, typePrefix)
	parts := strings.Split(path, ".")
	if !isOpenShift || len(parts) != 3 {
		return "", "", "", false
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, field := range []string{"apiVersion", "kind", "metadata"} {
		if properties[field] == nil {
			return "", "", "", false
		}
	}
	group = served[parts[0]]
	isQuestion := strings.HasSuffix(parts[2], "Review") || strings.HasSuffix(parts[2], "Options")
	return group, parts[1], parts[2], group != "" && properties["items"] == nil && !isQuestion
}

// asGoReads changes a schema of a Go type into what the type's decoder takes: no other fields, null for any field,
// and no field that must be present.
func asGoReads(schema map[string]any) {
	delete(schema, "x-kubernetes-list-map-keys") // which would have to be required
	delete(schema, "x-kubernetes-list-type")
	if items, ok := schema["items"].(map[string]any); ok {
		delete(items, "default")
	}
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		return
	}
	schema["additionalProperties"] = false
	delete(schema, "required")
	for _, p := range properties {
		if p, ok := p.(map[string]any); ok {
			p["nullable"] = true
			delete(p, "default")
		}
	}
}

// fromJSONSchema makes a definition of a JSON schema.
func fromJSONSchema(group, version, kind string, schema []byte, as reading, cluster bool) (*definition, error) {
	data, err := catalogue.FromJSONSchema(group, version, kind, schema)
	if err != nil {
		return nil, err
	}
	if cluster {
		data = bytes.Replace(data, []byte(`"scope":"Namespaced"`), []byte(`"scope":"Cluster"`), 1)
	}
	d, err := parse(string(data), as)
	if d == nil && err == nil {
		err = errors.New("no definition")
	}
	return d, err
}
