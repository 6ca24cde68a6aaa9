package validation

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
)

// A quantity with an exponent of many digits, or with many digits itself, keeps upstream's decimals busy for minutes.
// Such a quantity is refused before it is read. No quantity that means something comes near the bounds.
const (
	maxExponentDigits = 3
	maxQuantityDigits = 200
)

var (
	errImmense   = errors.New("a quantity is beyond all bounds")
	quantityType = reflect.TypeFor[resource.Quantity]()
	exponent     = regexp.MustCompile(`[eE][-+]?0*[1-9][0-9]{3,}`)
)

// mayBeImmense reports whether JSON holds what could be an immense number.
func mayBeImmense(doc []byte) bool {
	digits, inExponent := 0, false
	for _, c := range doc {
		switch {
		case c >= '0' && c <= '9':
			digits++
			if digits > maxQuantityDigits || inExponent && digits > maxExponentDigits {
				return true
			}
			continue
		case (c == 'e' || c == 'E') && !inExponent:
			inExponent = true
		case (c == '+' || c == '-') && inExponent && digits == 0:
		default:
			inExponent = false
		}
		digits = 0
	}
	return false
}

// holdsImmense reports whether an object of the kind has an immense number where it has a quantity.
func (k *kind) holdsImmense(doc []byte) bool {
	empty, err := k.scheme.New(k.gvk)
	if err != nil {
		return false
	}
	var value map[string]any
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber() // a number of that size is no float
	return d.Decode(&value) == nil && anyQuantity(value, reflect.TypeOf(empty).Elem(), immense)
}

// immense reports whether a value is a quantity that is not to be read.
func immense(v any) bool {
	var text string
	switch v := v.(type) {
	case string:
		text = v
	case json.Number:
		text = v.String()
	}
	return len(text) > maxQuantityDigits || exponent.MatchString(text)
}

// shorten writes a value for a message.
func shorten(v any) string {
	text := fmt.Sprint(v)
	if len(text) > 40 {
		text = text[:40] + "..."
	}
	return strings.ToValidUTF8(fmt.Sprintf("%q", text), "?")
}

// anyQuantity reports whether any quantity of a decoded JSON value, as its Go type has them, is of some sort.
func anyQuantity(v any, t reflect.Type, is func(any) bool) bool {
	switch {
	case v == nil:
		return false
	case t == quantityType:
		return is(v)
	case t.Kind() == reflect.Pointer:
		return anyQuantity(v, t.Elem(), is)
	}
	switch v := v.(type) {
	case map[string]any:
		switch t.Kind() {
		case reflect.Map:
			for _, child := range v {
				if anyQuantity(child, t.Elem(), is) {
					return true
				}
			}
		case reflect.Struct:
			for _, f := range reflect.VisibleFields(t) {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				if name != "" && anyQuantity(v[name], f.Type, is) {
					return true
				}
			}
		}
	case []any:
		for _, child := range v {
			if t.Kind() == reflect.Slice && anyQuantity(child, t.Elem(), is) {
				return true
			}
		}
	}
	return false
}
