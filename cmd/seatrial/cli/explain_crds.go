package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	k8sschema "k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// clusterDefinitions reads the definitions of a cluster.
func clusterDefinitions(ctx context.Context, name string) (definitions [][]byte, err error) {
	config, err := contextConfig(name)
	if err != nil {
		return nil, err
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

// definitionsIn reads the definitions of files, folders and globs.
func definitionsIn(paths []string) (definitions [][]byte, err error) {
	files, problems := lint.Inputs(paths, nil)
	if len(problems) > 0 {
		return nil, &exitError{exitFailed, errors.Join(problems...)}
	}
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

// folderDefinitions reads the definitions that the configuration names and those in the current folder.
// Files that cannot be read as manifests, such as templates, are passed over.
func folderDefinitions() (definitions [][]byte, err error) {
	config, err := (&lintOptions{}).configuration()
	if err != nil {
		return nil, err
	}
	files, _ := lint.Inputs(append(config.CRDs, "."), config.Exclude)
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil || !bytes.Contains(data, []byte("CustomResourceDefinition")) {
			continue
		}
		docs, _ := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		for _, d := range docs {
			if d.Object.Kind == "CustomResourceDefinition" {
				definitions = append(definitions, d.JSON)
			}
		}
	}
	return definitions, nil
}
