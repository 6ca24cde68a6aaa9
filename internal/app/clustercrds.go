package app

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/internal/atomicfile"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// ClusterCRDs are the CustomResourceDefinitions of a cluster, as YAML by their names.
type ClusterCRDs struct {
	Context     string
	Definitions map[string][]byte
	Kept        time.Time // when they were read, if the cluster was not reached this time; zero: now
}

// clusterTimeout bounds each request to a cluster.
const clusterTimeout = 15 * time.Second

// ReadClusterCRDs reads the definitions of a cluster, and keeps them in a folder, from where they are taken while the
// cluster cannot be reached: failed then says why. An empty folder keeps nothing.
func ReadClusterCRDs(
	ctx context.Context, name string, config *rest.Config, folder string,
) (crds *ClusterCRDs, failed, err error) {
	sum := sha256.Sum256([]byte(name + "\n" + config.Host))
	file := filepath.Join(folder, "clusters", fmt.Sprintf("%x.yaml", sum[:12]))
	definitions, err := listCRDs(ctx, config)
	if err == nil {
		if folder != "" {
			err = keepCRDs(file, definitions)
		}
		return &ClusterCRDs{Context: name, Definitions: definitions}, nil, err
	}
	err = fmt.Errorf("reading the definitions of context %s: %w", name, err)
	info, statErr := os.Stat(file)
	data, readErr := os.ReadFile(file)
	if folder == "" || ctx.Err() != nil || statErr != nil || readErr != nil {
		return nil, nil, err
	}
	crds = &ClusterCRDs{Context: name, Definitions: map[string][]byte{}, Kept: info.ModTime()}
	docs, _ := manifest.Read(source.NewFile(file, data), manifest.DefaultLimits)
	for _, d := range docs {
		if text, err := yaml.JSONToYAML(d.JSON); err == nil {
			crds.Definitions[d.Object.Name] = text
		}
	}
	return crds, err, nil
}

// listCRDs lists the definitions of a cluster, without what the server adds to them.
func listCRDs(ctx context.Context, config *rest.Config) (map[string][]byte, error) {
	config = rest.CopyConfig(config)
	config.Timeout = clusterTimeout
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	resource := client.Resource(k8sschema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	})
	all := map[string][]byte{}
	for next := ""; ; {
		page, err := resource.List(ctx, metav1.ListOptions{Limit: 100, Continue: next})
		if err != nil {
			return nil, err
		}
		for i := range page.Items {
			if all[page.Items[i].GetName()], err = yaml.Marshal(asWritten(&page.Items[i])); err != nil {
				return nil, err
			}
		}
		if next = page.GetContinue(); next == "" {
			return all, nil
		}
	}
}

// approval is the annotation that definitions in the groups of Kubernetes need.
const approval = "api-approved.kubernetes.io"

// asWritten returns a definition as somebody would write it.
func asWritten(d *unstructured.Unstructured) map[string]any {
	metadata := map[string]any{"name": d.GetName()}
	if value, ok := d.GetAnnotations()[approval]; ok {
		metadata["annotations"] = map[string]any{approval: value}
	}
	return map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": definitionKind, "metadata": metadata, "spec": d.Object["spec"],
	}
}

// keepCRDs writes definitions to a file.
func keepCRDs(file string, definitions map[string][]byte) error {
	var text bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(definitions)) {
		text.WriteString("---\n")
		text.Write(definitions[name])
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return atomicfile.Write(file, text.Bytes(), 0o600)
}

// UseClusterCRDs makes the kinds of a cluster known, but for those that --crds defines.
func (w *Workspace) UseClusterCRDs(c *ClusterCRDs) {
	given := map[string]bool{}
	for _, data := range w.Definitions(w.CRDs) {
		var d struct{ Metadata struct{ Name string } }
		if json.Unmarshal(data, &d) == nil {
			given[d.Metadata.Name] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Definitions)) {
		if !given[name] {
			file := strings.Join([]string{"context", c.Context, name}, " ")
			w.Put(file, c.Definitions[name])
			w.CRDs = append(w.CRDs, file)
		}
	}
}
