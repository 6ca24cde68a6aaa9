// Package review compares what a repository applies before and after a change: which objects differ in which
// environment, what the API server refuses, which findings are new, and what follows from the change.
//
// The central function is [Compare], which returns a [Report] of [Environment]s as both sides have them:
//
//	report := review.Compare(review.Input{Environments: environments})
//	for _, c := range report.Consequences {
//		fmt.Println(c.Kind, c.Object, c.Message)
//	}
//
// The package reads no files and runs nothing: package internal/app renders, lints and simulates.
package review

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// Input is what is compared.
type Input struct {
	Base, Head   Revision
	Environments []*Environment
	// Others returns the objects of the environments that are not compared; nil: there are none.
	Others    func() []*Object
	Unchanged int      // environments whose inputs are the same on both sides, and that are not compared
	Notes     []string // what the reader should know of the comparison as a whole
}

// Revision names a side.
type Revision struct {
	Name   string `json:"name"`             // as people name it: main, working tree, folder old
	Commit string `json:"commit,omitempty"` // of git
}

// Environment is a part of the repository that is applied as one, as both sides have it.
type Environment struct {
	Name     string
	Was      string // its name on the old side, if it was moved
	Kind     string // what renders it: chart, kustomization, manifests
	Old, New *Side  // nil: that side does not have it
	// Fate returns what becomes of an object that is applied no more.
	Fate func(*Object) Fate
	// Rest returns the objects that the environment has on both sides and that are not compared; nil: there are none.
	Rest func() []*Object
	// Nodes are those of the environment; nil: they are not known.
	Nodes []*corev1.Node
	// Running are pods on the nodes that are not of the environment.
	Running []*corev1.Pod
	// Elsewhere reports whether another environment brings an object that this one refers to; nil: none does.
	Elsewhere func(lint.Ref) bool
}

// Side is what an environment applies.
type Side struct {
	Objects  []*Object
	Findings []diag.Diagnostic
	// Varying are the fields that another rendering of the same source has with other values, by object.
	Varying map[Identity][]string
	// Recreated are objects that are deleted and created again, since the server refuses their update, with the reason.
	Recreated map[Identity]string
	Problem   string // why the side cannot be rendered, or not as a whole
	// Unread reports whether an object of the other side may be among what cannot be read of this one; nil: all was
	// read.
	Unread func(*Object) bool

	byDocument map[documentKey]*Object // of Objects, made when it is first asked for
}

// Object is an object that a side applies.
type Object struct {
	Document *manifest.Document
	Typed    runtime.Object // as the API server would store it, defaults filled in; nil: it cannot be decoded
	Resource *lint.Resource // what others need to know of it
	Place    source.Range   // in the source
	// Locate returns where the source has what is at some places of the document; nil: there.
	Locate func([]FieldPlace) []source.Range

	stored  map[string]any
	updated map[string]any // as the update of the old side's object is stored; nil: not known
	alias   string         // in place of a name that differs in each rendering
}

// FieldPlace is a field, and where the document has it.
type FieldPlace struct {
	Path string
	source.Range
}

// Identity tells objects apart. The version of the API is no part of it.
type Identity struct{ Group, Kind, Namespace, Name string }

// Identity returns the identity of the object.
func (o *Object) Identity() Identity {
	gk := o.Resource.GroupKind()
	return Identity{gk.Group, gk.Kind, o.Resource.Object.Namespace, o.Name()}
}

// Name returns the name of the object, or what it is made of: with * for what each rendering or the server makes anew.
func (o *Object) Name() string {
	if o.alias != "" {
		return o.alias
	}
	if name := o.Document.Object.Name; name != "" || o.Document.GenerateName == "" {
		return name
	}
	return o.Document.GenerateName + "*"
}

// Fate is what becomes of an object that is applied no more.
type Fate struct {
	Outcome string // Pruned or Left
	Why     string // which setting says so
}

// The outcomes of a deletion.
const (
	Pruned = "pruned" // the tool deletes the object
	Left   = "left"   // the object stays in the cluster
)

// Actions of a Change.
const (
	Create = "create"
	Update = "update"
	Delete = "delete"
	Rename = "rename"
)

// Risk says how much attention a change needs.
type Risk int

// The risks, lowest first.
const (
	None Risk = iota
	Low
	Medium
	High
)

var riskNames = [...]string{"none", "low", "medium", "high"}

// String returns the name that reports use.
func (r Risk) String() string { return riskNames[r] }

// MarshalText writes the risk by its name.
func (r Risk) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// Report is what a review found.
type Report struct {
	Base, Head   Revision
	Environments []EnvironmentReport // that differ, gravest risk first
	Unchanged    int                 // environments that do not
	Changes      []Change
	Refused      []Finding // what the API server rejects, and accepted before or did not have
	New, Fixed   []Finding
	Before       int // findings on both sides
	Known        []Finding
	Consequences []Consequence
	Totals       []Total
	NodeRooms    []NodeRoom // of environments whose sums differ and whose nodes are known
	Rollouts     []Rollout
	Notes        []string
}

// EnvironmentReport is a summary of one environment.
type EnvironmentReport struct {
	Name    string   `json:"name"`
	Was     string   `json:"was,omitempty"`
	Kind    string   `json:"kind"`
	Action  string   `json:"action"` // create, update, delete
	Risk    Risk     `json:"risk"`
	Reasons []string `json:"reasons"` // of the risk, gravest first
	Created int      `json:"created"`
	Updated int      `json:"updated"`
	Deleted int      `json:"deleted"`
	Renamed int      `json:"renamed"`
	// Varying are fields that each rendering has with another value: they are no changes.
	Varying []VaryingField `json:"varying"`
	Problem string         `json:"problem,omitempty"`
	Breaks  bool           `json:"-"` // it cannot be rendered any more
}

// VaryingField is a field whose value is made anew by each rendering.
type VaryingField struct {
	Object diag.Object `json:"object"`
	Path   string      `json:"path"` // empty: the name of the object
}

// String names the field and its object.
func (v VaryingField) String() string {
	if v.Path == "" {
		return "the name of " + v.Object.String()
	}
	return v.Path + " of " + v.Object.String()
}

// Change is what becomes of one object, in some environments.
type Change struct {
	Action       string      `json:"action"`
	Object       diag.Object `json:"object"` // without a namespace where the environments have different ones
	Was          diag.Object `json:"was"`    // its name before, if it is renamed
	Environments []string    `json:"environments"`
	Fields       []Field     `json:"fields"`
	Fate         string      `json:"fate,omitempty"`
	Why          string      `json:"why,omitempty"` // of the fate
	File         string      `json:"file,omitempty"`
	Line         int         `json:"line,omitempty"`
}

// Finding is a finding of lint in some environments.
type Finding struct {
	diag.Diagnostic
	Environments []string
	Update       bool // the server refuses the update of an object that is there
}

// Consequence is what follows from the changes for an object.
type Consequence struct {
	Kind         string      `json:"kind"`
	Risk         Risk        `json:"risk"`
	Object       diag.Object `json:"object"`
	Message      string      `json:"message"`
	Details      []string    `json:"details"`
	Environments []string    `json:"environments"`
	File         string      `json:"file,omitempty"`
	Line         int         `json:"line,omitempty"`
}

// Total is what the pods of a namespace of an environment request, in sum.
type Total struct {
	Environment string            `json:"environment"`
	Namespace   string            `json:"namespace"`
	Before      map[string]string `json:"before"` // by resource: requests.cpu
	After       map[string]string `json:"after"`
	Quota       []Room            `json:"quota,omitempty"` // what ResourceQuotas allow, after the change
}

// Room is how much of a resource is left after a change.
type Room struct {
	Resource string `json:"resource"` // requests.cpu of a quota, cpu of nodes
	Of       string `json:"of"`       // in sum
	Left     string `json:"left"`     // negative if there is too little
}

// NodeRoom is what the pods of an environment leave of its nodes, in sum.
type NodeRoom struct {
	Environment string `json:"environment"`
	Nodes       int    `json:"nodes"`
	Room        []Room `json:"room"`
}

// Rollout is how the change of an environment goes in a simulated cluster.
type Rollout struct {
	Environment string    `json:"environment"`
	Simulated   bool      `json:"simulated"`
	Why         string    `json:"why,omitempty"` // it was not simulated, or does not complete
	Completes   bool      `json:"completes"`
	Seconds     float64   `json:"seconds"`
	Nodes       string    `json:"nodes,omitempty"`
	Workloads   []Rolling `json:"workloads"`
	Problems    []string  `json:"problems"`
	Remedies    []string  `json:"remedies"`
	// Timeline is what happens to pods, in order of time; of long rollouts the beginning.
	Timeline []plan.Step `json:"timeline,omitempty"`
}

// Rolling is how one workload fares.
type Rolling struct {
	Object       diag.Object  `json:"object"`
	Strategy     string       `json:"strategy,omitempty"`
	Desired      int          `json:"desired"`
	MinAvailable int          `json:"minAvailable"`
	MaxPods      int          `json:"maxPods"`
	Settled      float64      `json:"settledAt"` // seconds; negative: never
	Curve        []plan.Point `json:"curve,omitempty"`
}

// Risk returns the highest risk of an environment.
func (r *Report) Risk() (highest Risk) {
	for _, e := range r.Environments {
		highest = max(highest, e.Risk)
	}
	return highest
}
