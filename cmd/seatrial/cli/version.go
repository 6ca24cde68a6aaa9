package cli

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/internal/kubernetes"
	"github.com/seatrial/seatrial/schema"
)

// version is set by release builds: -X github.com/seatrial/seatrial/cmd/seatrial/cli.version=v1.0.0
var version = ""

// buildVersion gives the program's own version: a release's, the module's, or the commit's.
func buildVersion() string {
	if version != "" {
		return version
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "devel"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && len(s.Value) >= 12 {
			return "devel-" + s.Value[:12]
		}
	}
	return "devel"
}

// kubernetesVersion returns the version of the linked Kubernetes.
func kubernetesVersion() string { return kubernetes.Version() }

func newVersionCommand(s Streams) *cobra.Command {
	output := ""
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of seatrial and of the Kubernetes linked into it",
		Example: `  seatrial version
  seatrial version -o json`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			v := struct {
				Seatrial   string   `json:"seatrial"`
				Kubernetes string   `json:"kubernetes"`
				Targets    []string `json:"targets"`
				Go         string   `json:"go"`
				Platform   string   `json:"platform"`
			}{
				buildVersion(), kubernetesVersion(), schema.Versions(), runtime.Version(),
				runtime.GOOS + "/" + runtime.GOARCH,
			}
			switch output {
			case "":
				fmt.Fprintf(
					s.Out, "seatrial %s\nKubernetes %s (linked), targets %s to %s\n", v.Seatrial, v.Kubernetes,
					v.Targets[0], v.Targets[len(v.Targets)-1],
				)
			case "json":
				data, err := json.MarshalIndent(v, "", "  ")
				if err != nil {
					return err
				}
				fmt.Fprintf(s.Out, "%s\n", data)
			default:
				return usageError("invalid --output %q: want json", output)
			}
			return nil
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "", "json, or plain text when not given")
	return cmd
}
