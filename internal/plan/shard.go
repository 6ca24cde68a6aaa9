package plan

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// JobIndexEnv is the variable that has the index of a pod of an Indexed Job, from 0.
const JobIndexEnv = "JOB_COMPLETION_INDEX"

// Shard is one of several parts into which the questions about a plan are divided. The zero value is the whole.
type Shard struct {
	Index int // from 0
	Count int // 0: there are no parts
}

// ParseShard parses I/N, with I from 1, or N: the index is that of the pod of an Indexed Job then, which index has.
func ParseShard(text, index string) (Shard, error) {
	first, second, both := strings.Cut(text, "/")
	count, err := strconv.Atoi(second)
	if !both {
		count, err = strconv.Atoi(first)
	}
	if err != nil || count < 1 {
		return Shard{}, fmt.Errorf("invalid shard %q: want I/N with I from 1 to N, or N", text)
	}
	if !both {
		i, err := strconv.Atoi(index)
		if err != nil || i < 0 || i >= count {
			return Shard{}, fmt.Errorf(
				"shard %q: %s=%q has no index from 0 to %d: write I/N", text, JobIndexEnv, index, count-1,
			)
		}
		return Shard{i, count}, nil
	}
	i, err := strconv.Atoi(first)
	if err != nil || i < 1 || i > count {
		return Shard{}, fmt.Errorf("invalid shard %q: want I/N with I from 1 to N", text)
	}
	return Shard{i - 1, count}, nil
}

// String returns the shard as ParseShard reads it.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index+1, s.Count) }

// Has reports whether a question belongs to the shard, by its number from 0.
func (s Shard) Has(question int) bool { return s.Count == 0 || question%s.Count == s.Index }

// First reports whether the shard is the first one, or the whole.
func (s Shard) First() bool { return s.Index == 0 }

// Times returns all times of a plan that JSON has, in the order of its fields. JSON rounds them to milliseconds:
// SetTimes makes them exact again.
func (p *Plan) Times() (all []time.Duration) {
	eachTime(reflect.ValueOf(p), func(t *Time) { all = append(all, time.Duration(*t)) })
	return all
}

// SetTimes sets the times of a plan that was read from JSON to those that Times has returned. The error says that the
// plan is another one.
func (p *Plan) SetTimes(all []time.Duration) error {
	n := 0
	eachTime(reflect.ValueOf(p), func(t *Time) {
		if n < len(all) {
			*t = Time(all[n])
		}
		n++
	})
	if n != len(all) {
		return fmt.Errorf("%d times for a plan that has %d", len(all), n)
	}
	return nil
}

// eachTime calls f for each time in v.
func eachTime(v reflect.Value, f func(*Time)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachTime(v.Elem(), f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachTime(v.Index(i), f)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() && field.Tag.Get("json") != "-" {
				eachTime(v.Field(i), f)
			}
		}
	case reflect.Int64:
		if t, ok := v.Addr().Interface().(*Time); ok {
			f(t)
		}
	}
}
