package rules

import (
	"embed"
	"strings"
)

//go:embed examples
var examples embed.FS

// Example returns a manifest that a rule finds, and the same one fixed; both empty for rules
// without an example.
func Example(name string) (bad, good string) {
	data, err := examples.ReadFile("examples/" + name + ".yaml")
	if err != nil {
		return "", ""
	}
	bad, good, _ = strings.Cut(string(data), "# good\n")
	return bad, good
}
