package plan

import (
	"regexp"
	"strings"
)

// CompileGlob returns the expression that a glob stands for: * is any text, ? is one character.
func CompileGlob(glob string) *regexp.Regexp {
	pattern := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(glob))
	return regexp.MustCompile("^" + pattern + "$")
}
