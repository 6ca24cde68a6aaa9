// Command bump moves seatrial to another Kubernetes, and says beforehand what that takes.
//
//	go run ./internal/bump v1.37.3          # rewrite every place that names the version
//	go run ./internal/bump symbols v1.38.0  # list the symbols in use that the release changes
//
// docs/kubernetes-bump.md describes the whole procedure.
package main

import (
	"fmt"
	"log"
	"os"
	"regexp"
)

const usage = `usage: go run ./internal/bump VERSION
       go run ./internal/bump symbols VERSION`

func main() {
	log.SetFlags(0)
	var err error
	switch args := os.Args[1:]; {
	case len(args) == 1 && args[0] != "symbols":
		err = move(".", args[0])
	case len(args) == 2 && args[0] == "symbols":
		err = writeSymbols(os.Stdout, args[1])
	default:
		log.Fatal(usage)
	}
	if err != nil {
		log.Fatal("bump: ", err)
	}
}

// release is a version of Kubernetes.
type release struct {
	minor string // 37
	rest  string // 2, 0-beta.0
}

var releasePattern = regexp.MustCompile(`^v1\.(\d+)\.(\d+(?:-(?:alpha|beta|rc)\.\d+)?)$`)

func parseRelease(s string) (release, error) {
	m := releasePattern.FindStringSubmatch(s)
	if m == nil {
		return release{}, fmt.Errorf("version %q: want a release such as v1.37.3", s)
	}
	return release{m[1], m[2]}, nil
}

// String returns the version as Kubernetes writes it: v1.37.2.
func (v release) String() string { return "v1." + v.minor + "." + v.rest }

// staging returns the version of the modules that are published with the release: v0.37.2.
func (v release) staging() string { return "v0." + v.minor + "." + v.rest }
