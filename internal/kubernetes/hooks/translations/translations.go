// Package translations keeps kubectl's packages from loading their translations, which they do before main begins:
// every start of the program would take a quarter longer.
//
// It is imported for its initialization alone, which comes before that of kubectl's commands: Go initialises
// packages that are ready in the order of their import paths. Risk: a kubectl that translates while a package
// is initialised whose path sorts before this one.
package translations

import "k8s.io/kubectl/pkg/util/i18n"

// skipped is how often translations were asked for.
var skipped int

func init() {
	if err := i18n.SetLoadTranslationsFunc(func() error { skipped++; return nil }); err != nil {
		panic("kubectl loads its translations before package translations is initialised: " + err.Error())
	}
}
