package plan

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/seatrial/seatrial/lint"
)

// ReadSaved reads a plan that was written as JSON. Its findings stay in the file.
func ReadSaved(name string) (*Plan, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, lint.Unreadable(name, err)
	}
	p := &Plan{}
	if err := json.Unmarshal(data, p); err != nil {
		return nil, fmt.Errorf("%s: not a plan in JSON (seatrial plan -o json writes one): %w", name, err)
	}
	if p.APIVersion != APIVersion || p.Kind != Kind {
		return nil, fmt.Errorf(
			"%s: apiVersion %q, kind %q: want %s, %s, as seatrial plan -o json writes", name, p.APIVersion, p.Kind,
			APIVersion, Kind,
		)
	}
	return p, nil
}

// EvidenceOf returns what expectations ask of a plan beside its curves and pods.
func EvidenceOf(p *Plan) Evidence {
	e := Evidence{End: max(p.End, p.VirtualSeconds)}
	for _, c := range p.Constraints {
		if c.Object.Kind == "PodDisruptionBudget" {
			e.Budgets = append(e.Budgets, Budget{Object: c.Object, Violated: c.Violated, Why: c.Violation})
		}
	}
	return e
}
