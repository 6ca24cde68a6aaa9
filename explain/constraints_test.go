package explain_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/explain"
)

// TestConstraints compares what is shown of fields with what Kubernetes' sources and documentation say.
func TestConstraints(t *testing.T) {
	for _, c := range []struct{ version, field, want string }{
		{"1.37", "resourceclaim.spec", "immutable"},
		{"1.37", "resourceclaim.spec.devices.requests", "at most 32 items"},
		{"1.37", "hpa.spec.minReplicas", "without feature gate HPAScaleToZero: at least 1"},
		{"1.37", "csr.status.conditions", "at most one of item with type Approved, item with type Denied"},
		{
			"1.37", "pod.spec.containers.ports.containerPort",
			"documented: This must be a valid port number, 0 < x < 65536.",
		},
		{"1.25", "service.spec.ports.targetPort", "documented: Number must be in the range 1 to 65535."},
		{
			"1.37", "pod.spec.containers.volumeMounts.subPathExpr",
			"documented: SubPathExpr and SubPath are mutually exclusive.",
		},
		{
			"1.37", "pod.spec.securityContext.seccompProfile.localhostProfile",
			"may be set when type is LocalhostProfile",
		},
		{"1.37", "pod.spec.securityContext.seccompProfile.type", "decides which of these may be set: localhostProfile"},
	} {
		got := facts(t, c.version, c.field)
		if !slices.Contains(got, c.want) {
			t.Errorf("%s %s: no %q in %q", c.version, c.field, c.want, got)
		}
	}
}

// TestNothingIsInvented: what only looks like a restriction is none, and the linked version's rules are
// not shown of others.
func TestNothingIsInvented(t *testing.T) {
	for _, c := range []struct{ version, field, not string }{
		{"1.37", "secret.immutable", "documented"},                          // says what the field does
		{"1.37", "secret.type", "immutable"},                                // an alpha tag, which no server enforces
		{"1.33", "resourceclaim.spec.devices.requests", "at most 32 items"}, // a tag of the linked version
		{"1.37", "pod.spec.containers.ports.containerPort", "default: 0"},   // the zero value of a required field
		// the rule's examples differ in their kinds
		{"1.37", "secret.kind", "config-map-sensitive"},
	} {
		for _, fact := range facts(t, c.version, c.field) {
			if strings.Contains(fact, c.not) {
				t.Errorf("%s %s: got %q", c.version, c.field, fact)
			}
		}
	}
}

func facts(t *testing.T, version, field string) (out []string) {
	for _, f := range find(t, version, field).Tree(explain.Depth{}, nil).Field.Facts() {
		out = append(out, f.String())
	}
	return out
}

func TestWriteConstraints(t *testing.T) {
	var b bytes.Buffer
	if err := explain.WriteConstraints(&b, find(t, "1.37", "hpa.spec").Tree(explain.Depth{}, nil)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"CONSTRAINTS:\n  spec\n", "  maxReplicas\n    required\n", "    at least 1\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}
