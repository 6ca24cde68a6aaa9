package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/chartrepo"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/internal/sanitize"
)

func newVendorCommand(s Streams) *cobra.Command {
	v := &app.Vendoring{Client: chartrepo.New()}
	cmd := &cobra.Command{
		Use:   "vendor [PATH]...",
		Short: "Fetch the charts and bases from elsewhere that a repository uses",
		Long: `Vendor fetches the charts that HelmReleases of Flux, Applications of Argo CD and dependencies of charts
name by an address: of a repository (https://) or a registry (oci://), and the bases of
kustomizations that are in other git repositories, or files on web servers. They are kept beside
` + render.LockFile + `, with their versions and digests, so that lint, render, plan and review
render them without a network. Commit both, or run vendor in the job.

What was fetched before stays as it is; --update looks for newer versions. Credentials are those
of helm, docker and git on the machine; bases in repositories are fetched by its git. Only this
command uses the network to render sources.

Exit codes: 0 everything is there; 1 something is not; 2 wrong usage; 3 could not run;
130 interrupted.`,
		Example: `  # fetch what is missing
  seatrial vendor

  # in a job: fail if a chart or a base was not fetched
  seatrial vendor --check`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if v.Check && v.Update {
				return usageError("--check fetches nothing, and --update does")
			}
			if v.Paths = args; len(args) == 0 {
				v.Paths = []string{"."}
			}
			end := underWay(s, "fetching")
			defer func() { end() }()
			v.Report = func(what, done string, err error) {
				end()
				defer func() { end = underWay(s, "fetching") }()
				if err != nil {
					fmt.Fprintln(s.Err, sanitize.Line(fmt.Sprintf("seatrial: %s: %v", what, err)))
					return
				}
				fmt.Fprintln(s.Out, sanitize.Line(fmt.Sprintf("%s: %s", what, done)))
			}
			total, failed, err := v.Run(cmd.Context())
			end()
			switch {
			case err != nil:
				return &exitError{exitFailed, err}
			case total == 0:
				fmt.Fprintln(s.Err, "note: nothing asks for a chart or a base from elsewhere")
			case failed > 0 && v.Bases > 0:
				return &exitError{exitFindings, fmt.Errorf("%d of %d charts and bases are not there", failed, total)}
			case failed > 0:
				return &exitError{exitFindings, fmt.Errorf("%d of %d charts are not there", failed, total)}
			}
			return nil
		},
	}
	f := cmd.Flags()
	f.BoolVar(
		&v.Update, "update", false, "fetch again what was fetched before, in newer versions where a range allows them",
	)
	f.BoolVar(&v.Check, "check", false, "fetch nothing; fail if a chart or a base is missing")
	return cmd
}
