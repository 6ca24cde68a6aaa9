package render

import (
	"maps"
	"slices"

	"github.com/Masterminds/sprig/v3"
)

// helmFunctions are what helm's engine adds to the functions of sprig.
var helmFunctions = []string{
	"fromJson", "fromJsonArray", "fromToml", "fromYaml", "fromYamlArray", "include", "lookup", "required", "toJson",
	"toToml", "toYaml", "toYamlPretty", "tpl",
}

// goFunctions are those of Go's templates.
var goFunctions = []string{
	"and", "block", "call", "define", "else", "end", "eq", "ge", "gt", "html", "if", "index", "js", "le", "len", "lt",
	"ne", "not", "or", "print", "printf", "println", "range", "slice", "template", "urlquery", "with",
}

// TemplateFunctions lists the functions and keywords that templates of charts may use, by name.
func TemplateFunctions() []string {
	functions := sprig.TxtFuncMap()
	delete(functions, "env") // helm has neither: a chart does not read the environment
	delete(functions, "expandenv")
	names := slices.Concat(slices.Collect(maps.Keys(functions)), helmFunctions, goFunctions)
	slices.Sort(names)
	return slices.Compact(names)
}
