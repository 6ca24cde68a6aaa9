package validation

import (
	"maps"
	"regexp"
	"slices"
	"testing"

	apischema "github.com/seatrial/seatrial/schema"
)

// keptWithoutGate are fields whose documentation names a feature gate that is off, and that the server stores, or
// refuses, all the same: the gate decides what the value means, or which values there may be.
var keptWithoutGate = []string{
	"dataSourceRef", "disableResizePreemption", "distinctAttribute", "expression", "matchAttribute", "namespace",
	"nodeAffinity", "operator", "resourceClaimTemplateName", "type",
}

var aboutGates = regexp.MustCompile(`(?i)feature[ -]?gate|alpha|gated`)

// TestGatedFieldsAreKnown: a field whose documentation names a feature gate that is off is one that the server may
// drop, or is known to be kept.
func TestGatedFieldsAreKnown(t *testing.T) {
	store, err := apischema.Open(apischema.Latest)
	if err != nil {
		t.Fatal(err)
	}
	found, seen := map[string]bool{}, map[string]bool{}
	var walk func([]*apischema.Field)
	walk = func(fields []*apischema.Field) {
		for _, f := range fields {
			key := f.Holder() + "." + f.Name
			if seen[key] {
				continue
			}
			seen[key] = true
			if aboutGates.MatchString(f.Doc) && slices.ContainsFunc(gateName.FindAllString(f.Doc, -1), gatedOff) {
				found[f.Name] = true
			}
			walk(f.Fields())
		}
	}
	for _, k := range store.Kinds() {
		walk(k.Fields())
	}
	names := slices.Concat(slices.Collect(maps.Values(gatedFields))...)
	names = append(names, volumeFields...)
	for name := range found {
		dropped := slices.Contains(names, name)
		if dropped == slices.Contains(keptWithoutGate, name) {
			t.Errorf("%s: dropped is %v, and known to be kept is %v", name, dropped, !dropped)
		}
	}
	for _, name := range names {
		if !found[name] {
			t.Errorf("the documentation of no field %s names a feature gate that is off", name)
		}
	}
	if len(found) == 0 {
		t.Error("no field names a feature gate")
	}
}

// TestTurnedOn: a gate is on if it is named, or all of its stage.
func TestTurnedOn(t *testing.T) {
	const gate = "EmptyDirVolumeMode"
	for _, c := range []struct {
		gates map[string]bool
		want  bool
	}{
		{nil, false},
		{map[string]bool{gate: true}, true},
		{map[string]bool{"AllAlpha": true}, true},
		{map[string]bool{"AllAlpha": true, gate: false}, false},
		{map[string]bool{"AllBeta": true}, false},
	} {
		if got := turnedOn(c.gates, gate); got != c.want {
			t.Errorf("with %v it is %v, want %v", c.gates, got, c.want)
		}
	}
}
