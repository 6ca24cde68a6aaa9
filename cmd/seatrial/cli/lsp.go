package cli

import (
	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/lsp"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/lint"
)

func newLSPCommand(s Streams) *cobra.Command {
	return &cobra.Command{
		Use:   "lsp",
		Short: "Serve an editor: findings, fixes, documentation and completion while you type",
		Long: `Lsp speaks the Language Server Protocol on its standard streams; an editor starts it.

The manifests of a folder are linted as one set, with the nearest configuration file in the folder
or above it (` + lint.ConfigName + `). Files without API objects are ignored.
docs/editors.md shows how to set up editors.`,
		Example: `  seatrial lsp                               # started by an editor
  nvim --cmd 'lua vim.lsp.start({cmd = {"seatrial", "lsp"}})' web.yaml`,
		Args: exactArgs(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error {
			folders := &app.Folders{Build: thisBuild(), Child: renderer}
			defer folders.Close()
			server := &lsp.Server{
				Open: func(folder string, overlay map[string][]byte, set lsp.Settings) (lsp.Snapshot, error) {
					snapshot, err := folders.Open(folder, overlay, set.KubernetesVersion)
					if err != nil {
						return nil, err
					}
					return snapshot, nil
				},
				Version: buildVersion(), Functions: render.TemplateFunctions(),
			}
			if err := server.Serve(cmd.Context(), s.In, s.Out); err != nil {
				return &exitError{exitFindings, err} // which the protocol asks for when the end was not in order
			}
			return nil
		},
	}
}
