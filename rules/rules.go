// Package rules is the advice of a good reviewer: best practice, and objects that do not fit together.
//
// [All] is the table. Each rule is a documented value in a file of its own, or together with its kin.
package rules

import "github.com/seatrial/seatrial/lint"

// All lists the rules by name.
func All() []*lint.Rule { return nil }
