package lint

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"strings"
)

// Param is a setting of a rule that a configuration may change.
type Param struct {
	Name string // kebab-case
	Doc  string // one line, no full stop
	// Default is the value without a configuration, and decides the type: int, string, bool, []string or
	// map[string]string; of a rule that a configuration defines it is any JSON value.
	Default any
	// Valid reports what is wrong with a value beyond its type; nil: nothing can be.
	Valid func(value any) error
}

// Params are the settings of a rule by name, as the types of their defaults ask for.
type Params map[string]any

// Int returns a setting that is a number.
func (p Params) Int(name string) int { v, _ := p[name].(int); return v }

// Text returns a setting that is a string.
func (p Params) Text(name string) string { v, _ := p[name].(string); return v }

// Bool returns a setting that is true or false.
func (p Params) Bool(name string) bool { v, _ := p[name].(bool); return v }

// List returns a setting that is a list of strings.
func (p Params) List(name string) []string { v, _ := p[name].([]string); return v }

// Map returns a setting that is a mapping of strings.
func (p Params) Map(name string) map[string]string { v, _ := p[name].(map[string]string); return v }

// ParamSettings are values of parameters by rule and name, as a configuration gives them.
type ParamSettings map[string]map[string]any

// ParamError says what is wrong with a setting of a configuration.
type ParamError struct {
	Rule, Param string // as given; Param is empty if the rule is what is wrong
	Err         error
}

// Error returns what is wrong, without the place.
func (e *ParamError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *ParamError) Unwrap() error { return e.Err }

// defaultParams returns the settings of a rule without a configuration.
func (r *Rule) defaultParams() Params {
	values := make(Params, len(r.Params))
	for _, p := range r.Params {
		values[p.Name] = p.Default
	}
	return values
}

// withParams returns settings with others in their place.
func (r *Rule) withParams(base Params, settings map[string]any) (Params, error) {
	if base == nil { // the rule was not there when the selection was made
		base = r.defaultParams()
	}
	values := maps.Clone(base)
	for _, name := range sortedKeys(settings) {
		i := slices.IndexFunc(r.Params, func(p Param) bool { return p.Name == name })
		if i < 0 {
			return nil, &ParamError{r.Name, name, r.unknownParam(name)}
		}
		v, err := r.Params[i].read(settings[name])
		if err != nil {
			return nil, &ParamError{r.Name, name, fmt.Errorf("parameter %s of rule %s: %w", name, r.Name, err)}
		}
		values[name] = v
	}
	return values, nil
}

func (r *Rule) unknownParam(name string) error {
	if len(r.Params) == 0 {
		return fmt.Errorf("rule %s has no parameters", r.Name)
	}
	known := make([]string, len(r.Params))
	for i, p := range r.Params {
		known[i] = p.Name
	}
	if best := nearest(name, known); best != "" {
		return fmt.Errorf("rule %s has no parameter %q: did you mean %s?", r.Name, name, best)
	}
	return fmt.Errorf("rule %s has no parameter %q: known are %s", r.Name, name, strings.Join(known, ", "))
}

// read returns a value of a configuration as the type of the parameter.
func (p *Param) read(value any) (any, error) {
	v, ok := convert(value, p.Default)
	if !ok {
		return nil, fmt.Errorf("want %s, not %s", typeName(p.Default), typeName(value))
	}
	if p.Valid != nil {
		if err := p.Valid(v); err != nil {
			return nil, err
		}
	}
	return v, nil
}

// convert returns a JSON value as the type of another one.
func convert(value, like any) (any, bool) {
	switch like.(type) {
	case int:
		n, ok := value.(float64)
		if i, isInt := value.(int64); isInt {
			n, ok = float64(i), true
		}
		return int(n), ok && n == math.Trunc(n)
	case []string:
		list, ok := value.([]any)
		texts := make([]string, len(list))
		for i := range list {
			text, isText := list[i].(string)
			texts[i], ok = text, ok && isText
		}
		return texts, ok
	case map[string]string:
		m, ok := value.(map[string]any)
		texts := make(map[string]string, len(m))
		for name, v := range m {
			text, isText := v.(string)
			texts[name], ok = text, ok && isText
		}
		return texts, ok
	}
	return value, like == nil || typeName(value) == typeName(like)
}

// typeName names the type of a value as users of YAML do.
func typeName(value any) string {
	switch value.(type) {
	case nil:
		return "nothing"
	case string:
		return "a string"
	case bool:
		return "true or false"
	case int:
		return "an integer"
	case float64, int64:
		return "a number"
	case []string:
		return "a list of strings"
	case map[string]string:
		return "a mapping of strings"
	}
	if reflect.TypeOf(value).Kind() == reflect.Slice {
		return "a list"
	}
	return "a mapping"
}

// paramOverride are settings for some objects.
type paramOverride struct {
	*Override
	params map[string]Params // by rule
}

// Configure sets the parameters of rules: those of a configuration, and for some objects those of overrides, which win.
func (s *Selection) Configure(all []*Rule, settings ParamSettings, overrides Overrides) error {
	for _, name := range sortedKeys(settings) {
		rule, err := ruleWithParams(all, name)
		if err != nil {
			return err
		}
		if s.params[name], err = rule.withParams(s.params[rule.Name], settings[name]); err != nil {
			return err
		}
	}
	for i := range overrides {
		o := &overrides[i]
		if len(o.Params) == 0 {
			continue
		}
		of := paramOverride{o, map[string]Params{}}
		for _, name := range sortedKeys(o.Params) {
			rule, err := ruleWithParams(all, name)
			if err != nil {
				return err
			}
			if of.params[name], err = rule.withParams(s.params[rule.Name], o.Params[name]); err != nil {
				return err
			}
		}
		s.overrides = append(s.overrides, of)
	}
	return nil
}

func ruleWithParams(all []*Rule, name string) (*Rule, error) {
	for _, r := range all {
		if r.Name == name {
			return r, nil
		}
	}
	return nil, &ParamError{Rule: name, Err: unknownRule(all, name)}
}

// paramsFor returns the settings of a rule for an object of a file.
func (s *Selection) paramsFor(r *Rule, file string, o objectFacts) Params {
	if len(r.Params) == 0 {
		return nil
	}
	for _, of := range s.overrides {
		if params, ok := of.params[r.Name]; ok && !of.expired && of.coversObject(file, o) {
			return params
		}
	}
	return s.params[r.Name]
}

// key identifies the settings of a rule for the cache.
func (s *Selection) key(r *Rule) string {
	parts := []string{fmt.Sprintf("%v", s.params[r.Name])}
	for _, of := range s.overrides {
		if params, ok := of.params[r.Name]; ok {
			parts = append(parts, fmt.Sprintf("%v %q", params, of.selector()))
		}
	}
	return strings.Join(parts, "\n")
}
