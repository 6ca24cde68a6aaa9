// Command seatrial takes a Kubernetes manifest through what a cluster would do with it.
package main

import (
	"os"

	"github.com/seatrial/seatrial/cmd/seatrial/cli"
)

func main() { os.Exit(cli.Main()) }
