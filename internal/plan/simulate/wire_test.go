package simulate_test

import (
	"encoding/json"
	"path/filepath"
	"testing"
	"time"

	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/internal/plan/simulate"
)

// TestInputsSurviveJSON writes an input with everything in it, reads it, and writes it again.
func TestInputsSurviveJSON(t *testing.T) {
	in := input(t, filepath.Join("testdata", "from-cluster"))
	if in.Scenario == nil {
		in.Scenario = &plan.Scenario{}
	}
	in.Scenario.Expect = []string{"converges within 5m"}
	in.Scenario.Actions = append(in.Scenario.Actions, plan.Action{Apply: "list.yaml", Documents: documents(t, `apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
- {apiVersion: v1, kind: ConfigMap, metadata: {name: b}}
`)[1:]})
	in.Seed, in.Until, in.Prune, in.ServerSide, in.ForceConflicts, in.Asked = 7, time.Minute, true, true, true, []string{plan.DrainNode}
	first, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var back simulate.Input
	if err := json.Unmarshal(first, &back); err != nil {
		t.Fatal(err)
	}
	second, err := json.Marshal(back)
	if err != nil {
		t.Fatal(err)
	}
	if string(first) != string(second) {
		t.Errorf("got:\n%s\nwant:\n%s", second, first)
	}
	if len(back.Change) == 0 || len(back.From) != len(in.From) || back.From[0].Range() != in.From[0].Range() {
		t.Errorf(
			"%d documents of the change, %d that run already, want %d", len(back.Change), len(back.From),
			len(in.From),
		)
	}
	action := back.Scenario.Actions[len(back.Scenario.Actions)-1]
	if len(action.Documents) != 1 || action.Documents[0].Object.Name != "b" {
		t.Errorf("the action applies %v", action.Documents)
	}
}

func TestInputsInJSONNameDocumentsThatExist(t *testing.T) {
	var in simulate.Input
	if err := json.Unmarshal([]byte(`{"files":[],"change":[{"file":0,"number":1}]}`), &in); err == nil {
		t.Error("a document of no file is accepted")
	}
}
