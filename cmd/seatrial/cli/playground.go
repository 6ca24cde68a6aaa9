package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/seatrial/seatrial/internal/loopback"
	"github.com/seatrial/seatrial/internal/playground/site"
)

// playgroundOptions are the flags of seatrial playground.
type playgroundOptions struct {
	Streams
	dir  string
	port int
}

func newPlaygroundCommand(s Streams) *cobra.Command {
	o := &playgroundOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "playground",
		Short: "Serve the manifest editor for a browser on this machine",
		Long: `Playground serves an editor for manifests to browsers on this machine: lint, explain and convert run in the
page, as WebAssembly, and nothing that is written there leaves it. Any server of files can serve the same folder.

The pages are not part of the program. They are taken from --dir, from the folder seatrial-playground beside the
program, or from bin/playground, where make playground writes them.`,
		Example: `  make playground && seatrial playground
  seatrial playground --dir seatrial-playground --port 8080`,
		Args: exactArgs(0, ""),
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd.Context()) },
	}
	cmd.Flags().StringVar(&o.dir, "dir", "", "`folder` of the pages")
	cmd.Flags().IntVar(&o.port, "port", 0, "port to serve on (0: any that is free)")
	return cmd
}

func (o *playgroundOptions) run(ctx context.Context) error {
	folders := []string{o.dir}
	if o.dir == "" {
		folders = []string{filepath.Join("bin", "playground")}
		if program, err := os.Executable(); err == nil {
			folders = append(folders, filepath.Join(filepath.Dir(program), "seatrial-playground"))
		}
	}
	folder, err := site.Find(folders...)
	if err != nil {
		return &exitError{exitFailed, err}
	}
	err = loopback.Serve(ctx, o.port, site.Handler(folder), func(address string) {
		fmt.Fprintf(o.Out, "http://%s/\n", address)
		fmt.Fprintln(o.Err, "serving to this machine only; ctrl-C ends")
	})
	if err != nil {
		return &exitError{exitFailed, err}
	}
	return nil
}
