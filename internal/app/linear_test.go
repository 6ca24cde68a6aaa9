package app_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/app"
)

// shipDefinition has a pattern and rules over the elements of a list.
const shipDefinition = `apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: ships.example.com}
spec:
  group: example.com
  names: {kind: Ship, plural: ships, singular: ship, listKind: ShipList}
  scope: Namespaced
  versions:
  - name: v1
    served: true
    storage: true
    schema:
      openAPIV3Schema:
        type: object
        properties:
          spec:
            type: object
            properties:
              crew:
                type: array
                maxItems: 10000
                items:
                  type: string
                  maxLength: 20
                  pattern: ^([a-z]+[0-9]*)*$
                  x-kubernetes-validations:
                  - {rule: "self.matches('^([a-z]+[0-9]*)+$') && size(self) < 20"}
---
`

// TestWorkGrowsWithTheSize counts what lint allocates for files of one size and of twice that size. Allocations are the
// same in every run, and stand for the work: what looks at everything for each part makes four times as many.
func TestWorkGrowsWithTheSize(t *testing.T) {
	repeat := func(n int, format string) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	const pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: a%[1]d, annotations: {seatrial/ignore.run-as-root-allowed: meant}}\nspec: {containers: [{name: c, image: c:1}]}\n---\n"
	const head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
	for name, c := range map[string]struct {
		n    int
		text func(n int) string
	}{
		"documents": {200, func(n int) string { return repeat(n, pod) }},
		"suppressions": {
			400,
			func(n int) string { return head + "data:\n" + repeat(n, "  k%d: v # seatrial:ignore probes meant\n") },
		},
		"unknown": {400, func(n int) string { return head + repeat(n, "unknown%d: 1\n") }},
		"flow": {
			2000, func(n int) string { return head + "data: {" + repeat(n, "k%[1]d: v%[1]d, ") + "z: z}\n" },
		},
		"quantities":    {20, func(n int) string { return pods(strings.Repeat("0", n*50) + "1Gi") }},
		"rules":         {400, func(n int) string { return ship(repeat(n, "  - crew%d\n")) }},
		"broken values": {100, func(n int) string { return ship(repeat(n, "  - CREW%d\n")) }},
	} {
		t.Run(name, func(t *testing.T) {
			once, twice := allocations(t, c.text(c.n)), allocations(t, c.text(2*c.n))
			if twice > 2.5*once {
				t.Errorf("%.0f allocations, and %.0f for twice the size", once, twice)
			}
		})
	}
}

func pods(memory string) string {
	return "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: c, image: c:1, resources: {limits: {memory: " + memory + "}}}]}\n"
}

func ship(crew string) string {
	return shipDefinition + "apiVersion: example.com/v1\nkind: Ship\nmetadata: {name: a}\nspec:\n  crew:\n" + crew
}

// allocations returns how many allocations it takes to lint a text.
func allocations(t *testing.T, text string) float64 {
	t.Helper()
	run := func() {
		w, err := app.Open(
			app.NewFiles(strings.NewReader(text)), app.Settings{Paths: []string{"-"}, Versions: []string{"1.37"}},
		)
		if err != nil {
			t.Fatal(err)
		}
		job, err := w.Lint(app.LintSettings{Rules: "all"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := job.Run(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return testing.AllocsPerRun(1, run)
}
