// Package english keeps kubectl's packages from loading their translations, which they do before
// main begins: it would make every start of the program a quarter longer.
//
// It is imported for its initialization alone. That comes before those of kubectl's commands,
// since Go initializes packages that are ready in the order of their import paths.
package english

import "k8s.io/kubectl/pkg/util/i18n"

func init() {
	i18n.SetLoadTranslationsFunc(func() error { return nil })
}
