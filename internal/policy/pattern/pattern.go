// Package pattern holds values against patterns as policies of Kyverno have them: objects in which texts may have
// wildcards and operators, and names of fields may be anchors.
//
// The central function is [Match]:
//
//	pattern.Match(map[string]any{"spec": map[string]any{"replicas": ">1"}}, object)
package pattern

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Result says how a value fits a pattern.
type Result struct {
	Outcome
	Path string // of the field that does not fit: spec.containers[0].image
	Why  string // what is wrong with it, for a reader; empty unless it does not fit
}

// Outcome is the answer to whether a value fits a pattern.
type Outcome int

// The answers.
const (
	Fits Outcome = iota + 1
	// Skipped: a condition of the pattern does not hold, so that the rest of it says nothing.
	Skipped
	Differs
)

var fits = Result{Outcome: Fits}

// Match holds a decoded JSON value against a pattern.
func Match(pattern, value any) Result { return match(pattern, value, "") }

func match(pattern, value any, path string) Result {
	switch pattern := pattern.(type) {
	case map[string]any:
		object, ok := value.(map[string]any)
		if !ok {
			return differs(path, value, "an object")
		}
		return matchObject(pattern, object, path)
	case []any:
		elements, ok := value.([]any)
		if !ok {
			return differs(path, value, "a list")
		}
		return matchList(pattern, elements, path)
	}
	if elements, ok := value.([]any); ok { // each has to fit
		for i, e := range elements {
			if !Scalar(pattern, e) {
				return differs(element(path, i), e, show(pattern))
			}
		}
		return fits
	}
	if !Scalar(pattern, value) {
		return differs(path, value, show(pattern))
	}
	return fits
}

func differs(path string, value any, want string) Result {
	why := "is " + show(value)
	if value == nil {
		why = "is missing"
	}
	return Result{Differs, path, fmt.Sprintf("%s, want %s", why, want)}
}

// show returns a value as a reader may see it: texts and numbers whole, of others what they are.
func show(value any) string {
	switch v := value.(type) {
	case nil:
		return "nothing"
	case string:
		return strconv.Quote(v)
	case map[string]any:
		return "an object"
	case []any:
		return "a list"
	}
	return fmt.Sprint(value)
}

func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// field returns the path of a field, in brackets if its name has dots or slashes.
func field(path, name string) string {
	switch {
	case strings.ContainsAny(name, "./"):
		return path + "[" + name + "]"
	case path == "":
		return name
	}
	return path + "." + name
}

// matchObject looks at anchors first, then at fields below which there are conditions: when these do not hold, nothing
// is said of other fields.
func matchObject(pattern, object map[string]any, path string) Result {
	if path == "metadata" || strings.HasSuffix(path, ".metadata") {
		pattern = expand(pattern, object)
	}
	names := slices.Sorted(maps.Keys(pattern))
	rank := func(name string) int {
		switch kind, _ := anchor(name); {
		case kind != "":
			return 0
		case conditional(pattern[name]):
			return 1
		}
		return 2
	}
	slices.SortStableFunc(names, func(a, b string) int { return rank(a) - rank(b) })
	for _, name := range names {
		if r := matchField(name, pattern[name], object, path); r.Outcome != Fits {
			return r
		}
	}
	return fits
}

// matchField holds an object against one field of a pattern.
func matchField(name string, pattern any, object map[string]any, path string) Result {
	kind, bare := anchor(name)
	value, given := object[bare]
	at := field(path, bare)
	switch kind {
	case "": // the field has to be there, unless the pattern fits what is not
		if pattern == "*" {
			if value == nil {
				return differs(at, nil, "any value")
			}
			return fits
		}
		return match(pattern, value, at)
	case "X": // negation
		if given {
			return Result{Differs, at, "is not allowed"}
		}
	case "=": // equality
		if given {
			return match(pattern, value, at)
		}
	case "^": // existence
		if given {
			return exists(pattern, value, at)
		}
	case "(", "<": // condition; one of the whole rule holds where the field is missing
		if !given && kind == "<" {
			return fits
		}
		if !given || match(pattern, value, at).Outcome != Fits {
			return Result{Outcome: Skipped, Path: at}
		}
	}
	return fits
}

// exists reports whether for each element of a pattern any element of a list fits.
func exists(pattern, value any, path string) Result {
	wanted, ok := pattern.([]any)
	elements, isList := value.([]any)
	if !ok || !isList {
		return differs(path, value, "a list")
	}
	for _, want := range wanted {
		if !slices.ContainsFunc(elements, func(e any) bool { return match(want, e, path).Outcome == Fits }) {
			return Result{Differs, path, "has no element that fits"}
		}
	}
	return fits
}

// matchList holds every element against the one object of a pattern, or against its one scalar. Elements for which a
// condition does not hold are passed over; if it holds for none, the pattern says nothing.
func matchList(pattern, elements []any, path string) Result {
	if len(pattern) == 0 {
		return Result{Differs, path, "cannot fit a pattern without elements"}
	}
	if _, nested := pattern[0].([]any); nested {
		return matchInTurn(pattern, elements, path)
	}
	applied, skipped := 0, Result{}
	for i, e := range elements {
		switch r := match(pattern[0], e, element(path, i)); r.Outcome {
		case Differs:
			return r
		case Skipped:
			skipped = r
		case Fits:
			applied++
		}
	}
	if applied == 0 && skipped.Outcome == Skipped {
		return skipped
	}
	return fits
}

// matchInTurn holds the elements of a list of lists against those of a pattern, one after another.
func matchInTurn(pattern, elements []any, path string) Result {
	if len(elements) < len(pattern) {
		return Result{Differs, path, fmt.Sprintf("has %d elements, want %d", len(elements), len(pattern))}
	}
	for i, p := range pattern {
		if r := match(p, elements[i], element(path, i)); r.Outcome != Fits {
			return r
		}
	}
	return fits
}

// anchor splits the name of a field into its anchor and the bare name. The anchor is empty if there is none, and ( for
// a condition.
func anchor(name string) (kind, bare string) {
	open := strings.IndexByte(name, '(')
	if open < 0 || !strings.HasSuffix(name, ")") {
		return "", name
	}
	switch kind = name[:open]; kind {
	case "":
		return "(", name[1 : len(name)-1]
	case "=", "^", "X", "<":
		return kind, name[open+1 : len(name)-1]
	}
	return "", name
}

// conditional reports whether there are conditions anywhere in a pattern.
func conditional(pattern any) bool {
	switch p := pattern.(type) {
	case map[string]any:
		for name, below := range p {
			if kind, _ := anchor(name); kind == "(" || kind == "<" || conditional(below) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(p, conditional)
	}
	return false
}

// expand replaces wildcards in the names of labels and annotations of a pattern by the first name that fits.
func expand(pattern, object map[string]any) map[string]any {
	out := maps.Clone(pattern)
	for name, value := range pattern {
		_, bare := anchor(name)
		wanted, ok := value.(map[string]any)
		given, _ := object[bare].(map[string]any)
		if bare != "labels" && bare != "annotations" || !ok {
			continue
		}
		expanded := map[string]any{}
		for key, v := range wanted {
			kind, bareKey := anchor(key)
			for _, have := range slices.Sorted(maps.Keys(given)) {
				if strings.ContainsAny(bareKey, "*?") && Wildcard(bareKey, have) {
					bareKey = have
					break
				}
			}
			switch kind {
			case "":
				expanded[bareKey] = v
			case "(":
				expanded["("+bareKey+")"] = v
			default:
				expanded[kind+"("+bareKey+")"] = v
			}
		}
		out[name] = expanded
	}
	return out
}
