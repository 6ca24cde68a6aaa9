package lint

import (
	"cmp"
	"maps"
	"slices"

	"github.com/seatrial/seatrial/schema"
)

// nearest returns the word that a user most likely meant, or "".
func nearest(word string, candidates []string) string { return schema.DidYouMean(word, candidates) }

// sortedKeys lists the keys of a map in order.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
