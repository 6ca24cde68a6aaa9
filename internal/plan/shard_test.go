package plan_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/seatrial/seatrial/internal/plan"
)

func TestShards(t *testing.T) {
	for _, x := range []struct {
		text, index string
		want        plan.Shard
		wrong       bool
	}{
		{text: "1/1", want: plan.Shard{Index: 0, Count: 1}},
		{text: "3/4", want: plan.Shard{Index: 2, Count: 4}},
		{text: "4", index: "0", want: plan.Shard{Index: 0, Count: 4}},
		{text: "4", index: "3", want: plan.Shard{Index: 3, Count: 4}},
		{text: "4", index: "4", wrong: true},
		{text: "4", wrong: true},
		{text: "0/4", wrong: true},
		{text: "5/4", wrong: true},
		{text: "1/0", wrong: true},
		{text: "a/b", wrong: true},
		{text: "", wrong: true},
	} {
		got, err := plan.ParseShard(x.text, x.index)
		if got != x.want || (err != nil) != x.wrong {
			t.Errorf("%q: got %v, %v", x.text, got, err)
		}
	}
	for question := range 10 {
		var has []int
		for i := range 4 {
			if (plan.Shard{Index: i, Count: 4}).Has(question) {
				has = append(has, i)
			}
		}
		if !slices.Equal(has, []int{question % 4}) || !(plan.Shard{}).Has(question) {
			t.Errorf("question %d is answered by %v", question, has)
		}
	}
}

// TestTimesSurviveJSON reads a plan from its JSON, with its times.
func TestTimesSurviveJSON(t *testing.T) {
	at, zero := plan.Time(31*time.Second+49*time.Millisecond+600*time.Microsecond), plan.Time(0)
	p := &plan.Plan{
		VirtualSeconds: at, StalledAt: &zero, Timeline: []plan.Step{{At: at}, {At: at + 1}},
		Workloads: []plan.Workload{{SettledAt: &at, Curve: []plan.Point{{At: at}}}},
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var back plan.Plan
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	if reflect.DeepEqual(p, &back) {
		t.Error("JSON has exact times")
	}
	if err := back.SetTimes(p.Times()); err != nil || !reflect.DeepEqual(p, &back) {
		t.Errorf("got %+v, want %+v: %v", back, p, err)
	}
	if back.SetTimes(p.Times()[1:]) == nil {
		t.Error("the times of another plan are taken")
	}
}
