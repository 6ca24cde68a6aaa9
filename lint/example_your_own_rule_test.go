package lint_test

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

// A rule of your own is a value: what it is called, how severe its findings are, and a function that looks at one
// object, as the API server would store it, and reports findings by field path.
func Example_yourOwnRule() {
	registry := &lint.Rule{
		Name: "image-from-our-registry", Title: "image from another registry", Severity: diag.Error, Category: "images",
		Doc: "Nodes reach no other registry.",
		Check: func(p *lint.Pass) error {
			p.Containers(func(c *corev1.Container, path string, _ bool) {
				if len(c.Image) < 8 || c.Image[:8] != "reg.our/" {
					p.Report(lint.Finding{Path: path + ".image",
						Message: fmt.Sprintf("image %q is not from reg.our", c.Image),
						Help:    "push it to reg.our"})
				}
			})
			return nil
		},
	}
	all := append(slices.Clone(lint.OwnRules), registry)
	selection, err := lint.Select(all, "default", nil)
	if err != nil {
		panic(err)
	}
	validator, err := validation.New()
	if err != nil {
		panic(err)
	}
	res, err := lint.Run(context.Background(), lint.Options{
		Files: []string{"shop.yaml"},
		Read: func(string) ([]byte, error) {
			return []byte(
				"apiVersion: v1\nkind: Pod\nmetadata:\n  name: shop\nspec:\n  containers:\n  - name: shop\n    image: nginx:1.29\n    prot: 1\n",
			), nil
		},
		Validator: validator, Linked: schema.Latest, Rules: selection, All: all,
	})
	if err != nil {
		panic(err)
	}
	for _, d := range res.Diagnostics {
		fmt.Printf("%s: %s: %s (%s)\n", d.Range, d.Severity, d.Text(), d.Rule)
	}
	// Output:
	// shop.yaml:8:12: error: spec.containers[0].image: image "nginx:1.29" is not from reg.our (image-from-our-registry)
	// shop.yaml:9:5: error: unknown field "spec.containers[0].prot" (field-unknown)
}
