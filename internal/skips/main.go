// Command skips fails if a test was skipped that is not on the list of those that may be.
//
//	go tool gotestsum --jsonfile test.json ./...
//	go run ./internal/skips test.json TestA TestB/case
//
// A test that is skipped on a machine where nobody notices does not test anything.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: go run ./internal/skips FILE [ALLOWED...]")
	}
	f, err := os.Open(os.Args[1])
	if err != nil {
		log.Fatal("skips: ", err)
	}
	defer f.Close()
	if err := check(f, os.Args[2:]); err != nil {
		log.Fatal(err)
	}
}

// event is what go test -json reports: the fields that matter here.
type event struct {
	Action, Package, Test, Output string
}

// check reads the events of a test run, and reports an error that names the skipped tests that are not allowed.
func check(r io.Reader, allowed []string) error {
	outputs := map[string]string{}
	var errs []error
	dec := json.NewDecoder(bufio.NewReader(r))
	for {
		var e event
		if err := dec.Decode(&e); err == io.EOF {
			break
		} else if err != nil {
			return fmt.Errorf("reading test events: %w", err)
		}
		name := e.Package + " " + e.Test
		switch {
		case e.Test == "":
		case e.Action == "output" && !strings.HasPrefix(strings.TrimSpace(e.Output), "---") &&
			!strings.HasPrefix(e.Output, "==="):
			outputs[name] += e.Output
		case e.Action == "skip":
			if !slices.Contains(allowed, e.Test) {
				errs = append(errs, fmt.Errorf("skipped: %s: %s", name, strings.TrimSpace(outputs[name])))
			}
		}
	}
	if len(errs) > 0 {
		errs = append(errs, errors.New("install what these tests need, or add them to ALLOWED_SKIPS in the Makefile"))
	}
	return errors.Join(errs...)
}
