package cli

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/lsp"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

func newLSPCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "lsp",
		Short: "Serve an editor: findings, fixes, documentation and completion while you write",
		Long: `Lsp speaks the Language Server Protocol on its standard streams; an editor starts it.

The manifests of a file's folder are judged as one set, with the configuration that is found upwards
from it (` + lint.ConfigName + `). Files without API objects are left alone.
docs/integrations.md shows how to set editors up.`,
		Example: `  seatrial lsp                               # started by an editor
  nvim --cmd 'lua vim.lsp.start({cmd = {"seatrial", "lsp"}})' web.yaml`,
		Args: exactArgs(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			server := &lsp.Server{
				Lint: func(ctx context.Context, name string, overlay map[string][]byte) ([]diag.Diagnostic, error) {
					return lintFolder(ctx, s, name, overlay)
				},
				Store: func(name string, overlay map[string][]byte) (*schema.Store, error) {
					return folderStore(s, name, overlay)
				},
				Version: buildVersion(),
			}
			if err := server.Serve(cmd.Context(), s.In, s.Out); err != nil {
				return &exitError{exitFailed, err}
			}
			return nil
		},
	}
}

// folderOptions are those of lint on the manifests of the folder that holds a file, with the file
// itself, which need not be saved.
func folderOptions(s Streams, name string, overlay map[string][]byte) (*lintOptions, error) {
	o := &lintOptions{Streams: s, overlay: overlay, output: "json", color: "never", noCache: true, paths: []string{name}}
	if !filepath.IsAbs(name) {
		return o, nil
	}
	folder := filepath.Dir(name)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return o, nil // a file of a folder that does not exist yet
	}
	var files []string
	for _, e := range entries {
		file := filepath.Join(folder, e.Name())
		if !e.IsDir() && file != name && slices.Contains([]string{".yaml", ".yml", ".json"}, strings.ToLower(filepath.Ext(file))) {
			files = append(files, file)
		}
	}
	o.paths = append(o.paths, files...)
	o.config, err = lint.FindConfig(folder)
	return o, err
}

// lintFolder judges the manifests of a folder.
func lintFolder(ctx context.Context, s Streams, name string, overlay map[string][]byte) ([]diag.Diagnostic, error) {
	o, err := folderOptions(s, name, overlay)
	if err != nil {
		return nil, err
	}
	p, err := o.complete()
	if err != nil {
		return nil, err
	}
	p.lint.Files = o.paths // the file that is open may not exist
	res, err := lint.Run(ctx, p.lint)
	if err != nil {
		return nil, err
	}
	return res.Diagnostics, nil
}

// folderStore knows the kinds of the newest version that the folder's manifests are for, and those
// that the folder or its configuration defines.
func folderStore(s Streams, name string, overlay map[string][]byte) (*schema.Store, error) {
	o, err := folderOptions(s, name, overlay)
	if err != nil {
		return nil, err
	}
	p, err := o.complete()
	if err != nil {
		return nil, err
	}
	version := schema.Latest
	if len(p.lint.Versions) > 0 {
		version = p.lint.Versions[len(p.lint.Versions)-1]
	}
	store, err := schema.Open(version)
	if err != nil {
		return nil, err
	}
	var definitions [][]byte
	for _, file := range slices.Concat(p.lint.CRDs, o.paths) {
		data, err := o.read(file)
		if err != nil {
			continue
		}
		docs, _ := manifest.Read(source.NewFile(file, data), manifest.DefaultLimits)
		for _, d := range docs {
			if d.Object.Kind == "CustomResourceDefinition" {
				definitions = append(definitions, d.JSON)
			}
		}
	}
	if with, err := store.With(definitions...); err == nil {
		return with, nil
	}
	return store, nil // a broken definition is lint's business
}
