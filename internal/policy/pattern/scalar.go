package pattern

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
)

// Scalar reports whether a value fits a pattern that is no object and no list.
func Scalar(pattern, value any) bool {
	switch p := pattern.(type) {
	case nil:
		return zero(value)
	case bool:
		return value == p
	case int64:
		return number(value, float64(p))
	case float64:
		return number(value, p)
	case string:
		return value == p || alternatives(p, value)
	}
	return false
}

// zero reports whether a value is missing, or what a missing one means.
func zero(value any) bool {
	switch v := value.(type) {
	case nil:
		return true
	case bool:
		return !v
	case string:
		return v == ""
	case int64:
		return v == 0
	case float64:
		return v == 0
	}
	return false
}

// number reports whether a value is a number, or the text of one.
func number(value any, want float64) bool {
	switch v := value.(type) {
	case int64:
		return float64(v) == want
	case float64:
		return v == want
	case string:
		n, err := strconv.ParseFloat(v, 64)
		return err == nil && n == want
	}
	return false
}

// alternatives reports whether a value fits one of several patterns with | between them, each of which may be several
// with &.
func alternatives(pattern string, value any) bool {
	for choice := range strings.SplitSeq(pattern, "|") {
		all := true
		for part := range strings.SplitSeq(choice, "&") {
			all = all && simple(strings.TrimSpace(part), value)
		}
		if all {
			return true
		}
	}
	return false
}

// between matches two bounds, both of which are in the range, or, with !, in what is outside.
var between = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?[^-!]*?) *(!?)- *([0-9]+(?:\.[0-9]+)?[^-]*)$`)

// simple holds a value against a pattern with at most one operator.
func simple(pattern string, value any) bool {
	if m := between.FindStringSubmatch(pattern); m != nil {
		if m[2] == "!" {
			return compare("<", m[1], value) || compare(">", m[3], value)
		}
		return compare(">=", m[1], value) && compare("<=", m[3], value)
	}
	for _, operator := range []string{">=", "<=", ">", "<", "!"} {
		if rest, ok := strings.CutPrefix(pattern, operator); ok {
			return compare(operator, strings.TrimSpace(rest), value)
		}
	}
	return compare("", pattern, value)
}

// Compare compares a value with what stands behind an operator: "", !, <, <=, > or >=.
func Compare(operator, want string, value any) bool { return compare(operator, want, value) }

// compare compares a value with what stands behind an operator: as durations, as quantities, and, if that is asked for
// by no operator or by !, as texts with wildcards.
func compare(operator, want string, value any) bool {
	if order, ok := orderOf(want, value); ok {
		switch {
		case operator == "" &&
			order == 0, operator == "!" && order != 0, operator == ">" && order > 0, operator == "<" && order < 0,
			operator == ">=" && order >= 0, operator == "<=" && order <= 0:
			return true
		}
		if operator != "" { // what is not equal as a quantity may be as a text: 1e3 and 1000
			return false
		}
	}
	given, ok := textOf(value)
	if !ok || operator != "" && operator != "!" {
		return false
	}
	return Wildcard(want, given) != (operator == "!")
}

// orderOf compares a value with a text if both are durations, or both are quantities. A missing value is nought.
func orderOf(want string, value any) (order int, ok bool) {
	given, ok := textOf(value)
	if value == nil {
		given, ok = "0", true
	}
	if !ok {
		return 0, false
	}
	wanted, err := time.ParseDuration(want)
	had, err2 := time.ParseDuration(given)
	if err == nil && err2 == nil {
		return int(min(max(had-wanted, -1), 1)), true
	}
	a, err := resource.ParseQuantity(given)
	b, err2 := resource.ParseQuantity(want)
	if err != nil || err2 != nil {
		return 0, false
	}
	return a.Cmp(b), true
}

func textOf(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case bool:
		return strconv.FormatBool(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return strconv.FormatInt(int64(v), 10), true
		}
		return strconv.FormatFloat(v, 'f', -1, 64), true
	}
	return "", false
}

// Wildcard reports whether a text fits one in which * stands for any characters, and ? for one.
func Wildcard(pattern, text string) bool {
	p, t := []rune(pattern), []rune(text)
	star, from := -1, 0 // the last * that was met, and where in the text what follows it was tried
	i := 0
	for j := 0; j < len(t); {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
		case i < len(p) && (p[i] == '?' || p[i] == t[j]):
			i++
			j++
		case star >= 0:
			from++
			i, j = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(string(p[i:]), "*") == ""
}
