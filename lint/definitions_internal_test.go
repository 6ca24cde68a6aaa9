package lint

import (
	"fmt"
	"strings"
	"testing"
)

const blockDefinition = `# a comment
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata:
  name: things.example.com
spec:
  group: example.com
  # a comment
  names:
    categories:
    - all
    kind: Thing
    plural: things
  scope: Namespaced
  versions:
  - additionalPrinterColumns:
    - name: kind
      type: string
    name: v1
    schema:
      openAPIV3Schema:
        description: |-
          group: of lines
          # that are text
        type: object
    served: true
    storage: true
  # a comment
  - name: v2
    served: true
    storage: false
  - name: v3
    served: false
    storage: false
`

func TestHeadOfDefinition(t *testing.T) {
	const kinds = "example.com/v1, Kind=Thing things true; example.com/v2, Kind=Thing things true; "
	for _, test := range []struct{ name, old, new, want string }{
		{"as it is", "", "", kinds},
		{"a list further right", "    - all", "      - all", kinds},
		{"a cluster's", "Namespaced", "Cluster", strings.ReplaceAll(kinds, "true", "false")},
		{"another kind", "kind: CustomResourceDefinition", "kind: ConfigMap", ""},
		{"of an older API version", "k8s.io/v1", "k8s.io/v1beta1", ""},
		{"a group in quotes", "group: example.com", `group: "example.com"`, ""},
		{"a group with a comment", "group: example.com", "group: example.com # ours", ""},
		{"a group that is given twice", "  scope:", "  group: example.com\n  scope:", ""},
		{"a kind that is given twice", "    plural:", "    kind: Thing\n    plural:", ""},
		{"names in brackets", "  names:\n", "  names: {kind: Thing}\n  old:\n", ""},
		{"no names", "  names:", "  title:", ""},
		{"served is text", "served: true", `served: "true"`, ""},
		{"not said whether it is served", "    served: true\n", "", ""},
		{"a text whose lines stand too far left", "description: |-\n", "description: \"\n  scope: x\"\n", ""},
		{"a merge", "  scope:", "  <<: *x\n  scope:", ""},
	} {
		got := ""
		for _, k := range headOf([]byte(strings.Replace(blockDefinition, test.old, test.new, 1))) {
			got += fmt.Sprintf("%v %s %v; ", k.GVK, k.Resource, k.Namespaced)
		}
		if got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}
