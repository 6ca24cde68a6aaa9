package rules

import (
	"strings"

	"github.com/seatrial/seatrial/lint"
)

// setting offers to set a field, which may be missing.
func setting(path, text string) []lint.PathFix {
	return []lint.PathFix{{Path: path, NewText: text, Add: true, Message: "set " + fieldOf(path) + ": " + text}}
}

// removing offers to remove a field.
func removing(path string) []lint.PathFix {
	return []lint.PathFix{{Path: path, Remove: true, Message: "remove " + fieldOf(path)}}
}

// sure makes fixes ones that change no meaning, which lint --fix makes without asking.
func sure(fixes []lint.PathFix) []lint.PathFix {
	for i := range fixes {
		fixes[i].Safe = true
	}
	return fixes
}

// fieldOf returns the last name of a path.
func fieldOf(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }
