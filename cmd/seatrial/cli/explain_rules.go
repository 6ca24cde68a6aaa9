package cli

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/rules"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// rulesOf names the lint rules that look at a field: those whose bad and good examples differ there.
// A field of a pod is the same one in every kind that makes pods.
func rulesOf(k *schema.Kind, path string) []string {
	if i := strings.LastIndex("."+path, ".template.spec."); i >= 0 {
		return fieldRules()["Pod spec."+path[i+len("template.spec."):]]
	}
	return fieldRules()[k.GVK.Kind+" "+path]
}

// fieldRules maps "Kind path" to the names of rules.
var fieldRules = sync.OnceValue(func() map[string][]string {
	found := map[string][]string{}
	for _, r := range rules.All() {
		badText, goodText := rules.Example(r.Name)
		bad, good := leaves(badText), leaves(goodText)
		for place := range bad {
			if !good[place] && good[kindOf(place)] {
				found[field(place)] = append(found[field(place)], r.Name)
			}
		}
		for place := range good {
			if !bad[place] && bad[kindOf(place)] {
				found[field(place)] = append(found[field(place)], r.Name)
			}
		}
	}
	for place, names := range found {
		slices.Sort(names)
		found[place] = slices.Compact(names)
	}
	return found
})

// leaves lists the values of a manifest as "Kind path = value", without indices, and its kinds.
func leaves(text string) map[string]bool {
	found := map[string]bool{}
	docs, _ := manifest.Read(source.NewFile("example.yaml", []byte(text)), manifest.DefaultLimits)
	for _, d := range docs {
		found[d.Object.Kind] = true
		var walk func(path string, v any)
		walk = func(path string, v any) {
			switch v := v.(type) {
			case map[string]any:
				for key, value := range v {
					walk(strings.TrimPrefix(path+"."+key, "."), value)
				}
			case []any:
				for _, value := range v {
					walk(path, value)
				}
			default:
				found[fmt.Sprintf("%s %s = %v", d.Object.Kind, path, v)] = true
			}
		}
		walk("", d.Value())
	}
	return found
}

// kindOf returns the kind of a leaf. What differs because the kind does is no field that a rule looks at.
func kindOf(leaf string) string {
	kind, _, _ := strings.Cut(leaf, " ")
	return kind
}

// field returns the place of a leaf as rulesOf asks for it.
func field(leaf string) string {
	place, _, _ := strings.Cut(leaf, " = ")
	kind, path, _ := strings.Cut(place, " ")
	if i := strings.LastIndex(path, "template.spec."); i >= 0 {
		return "Pod spec." + path[i+len("template.spec."):]
	}
	return kind + " " + path
}
