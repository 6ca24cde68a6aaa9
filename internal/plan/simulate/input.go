package simulate

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/internal/memstore"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/manifest"
)

// Input is what a plan starts from. The zero value changes nothing on an empty cluster of two nodes.
type Input struct {
	Change []*manifest.Document // what is applied, in any order
	From   []*manifest.Document // what runs already: applied first, until it has settled
	// Definitions are CustomResourceDefinitions that nothing of this brings; the name of the file is shown.
	Definitions []*manifest.Document

	Nodes    []*corev1.Node // nil: cluster.DefaultNodes
	Scenario *plan.Scenario // nil: nothing but the change
	Seed     int64          // draws names and ties; 0: 1
	Until    time.Duration  // how long to look ahead at most; 0: DefaultUntil
	Prune    bool           // delete what From has and Change has not
	Reasons  bool           // record the scheduler's filters and scores
	Asked    []string       // kinds of questions that are asked of the outcome, so that no risk advises to

	// what nothing defines is missing; otherwise Secrets, ConfigMaps, ServiceAccounts and classes are assumed
	Strict bool
	// objects that exist although nothing defines them: Kind/name or Kind/namespace/name, globs allowed
	External []string

	// SchedulerConfig is a KubeSchedulerConfiguration; nil: the default.
	SchedulerConfig []byte

	NodeGroups []plan.NodeGroup // that grow and shrink, besides Nodes; and those of From by their names
	// FixedGroups keeps the groups of From that state how far they scale from doing so by themselves.
	FixedGroups bool
	Expander    string // how to choose between groups: one of plan.Expanders; empty: the first

	// Fit asks how many more replicas of a workload fit at the end; nil: nothing.
	Fit *plan.FitQuestion

	// After is a disruption that happens when the change has settled: the plan is about what becomes of it then.
	After *plan.Disruption

	ServerSide     bool // apply as kubectl apply --server-side does
	ForceConflicts bool // with ServerSide: take over fields that others manage

	Rest func() // is called again and again at moments at which nothing runs; or nil

	trace  func(memstore.Write)             // receives every write to the store; or nil
	adjust func(*unstructured.Unstructured) // changes objects before they are applied; or nil
}

// object returns a document as it is applied.
func (in *Input) object(d *manifest.Document) *unstructured.Unstructured {
	u := objectOf(d)
	if in.adjust != nil {
		in.adjust(u)
	}
	return u
}

// DefaultUntil is how far a plan looks ahead while something is still moving.
const DefaultUntil = time.Hour
