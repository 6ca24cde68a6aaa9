package policy

import (
	"maps"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/internal/redact"
)

const kindSecret = "Secret"

// seesSecrets reports whether expressions may look at the values of Secrets.
func (e *evaluation) seesSecrets(s *subject) bool {
	return s.of.Kind == kindSecret || slices.ContainsFunc(e.all(), func(x *expression) bool {
		return x.allOf || slices.Contains(x.kinds, kindSecret)
	})
}

// shown returns the variables for expressions whose result is shown: the values of Secrets are hidden, since what an
// expression makes of them cannot be found in its result.
func (e *evaluation) shown(vars *variables) *variables {
	if !e.seesSecrets(vars.of) {
		return vars
	}
	return &variables{of: vars.of, hidden: true}
}

// masked returns Secrets without their values.
func masked(secrets []any) []any {
	all := make([]any, len(secrets))
	for i, s := range secrets {
		o, _ := s.(map[string]any)
		all[i] = mask(o)
	}
	return all
}

// mask returns a Secret without its values: those of its fields, and those in the annotation of kubectl.
func mask(o map[string]any) map[string]any {
	o = maps.Clone(o)
	for _, field := range []string{"data", "stringData", "binaryData"} {
		values, ok := o[field].(map[string]any)
		if !ok {
			continue
		}
		hidden := make(map[string]any, len(values))
		for key := range values {
			hidden[key] = redact.Mask
		}
		o[field] = hidden
	}
	if metadata, ok := o["metadata"].(map[string]any); ok {
		if annotations, ok := metadata["annotations"].(map[string]any); ok {
			hidden := maps.Clone(annotations)
			for key := range hidden {
				if strings.HasSuffix(key, "last-applied-configuration") {
					hidden[key] = redact.Mask
				}
			}
			metadata = maps.Clone(metadata)
			metadata["annotations"] = hidden
			o["metadata"] = metadata
		}
	}
	return o
}
