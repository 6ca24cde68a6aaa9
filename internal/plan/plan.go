// Package plan says what a change to a cluster would do: which pod goes where and why, how the
// rollout proceeds, how availability moves, and what would get stuck; and what a [Scenario] adds to the
// change and expects of it. Package simulate makes plans.
//
// The central type is [Plan]:
//
//	s, err := plan.ReadScenario("night.yaml")
//	answers := s.Judge(p, evidence)
package plan

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/seatrial/seatrial/diag"
)

// APIVersion and Kind stand at the head of a report in JSON.
const (
	APIVersion = "seatrial/v1"
	Kind       = "PlanReport"
)

// Plan is what a change would do. In JSON it is the document that docs/plan-report.schema.json
// describes.
type Plan struct {
	APIVersion        string `json:"apiVersion"`
	Kind              string `json:"kind"`
	KubernetesVersion string `json:"kubernetesVersion"` // of the simulated control plane: v1.37.2

	Converged      bool   `json:"converged"`           // the cluster came to what the change asks for
	Reason         string `json:"reason"`              // why it did not, in one line; empty if it did
	WayOut         string `json:"wayOut,omitempty"`    // what to do about the reason, where it is known
	StalledAt      *Time  `json:"stalledAt,omitempty"` // when what keeps it from converging began
	VirtualSeconds Time   `json:"virtualSeconds"`      // until nothing moved any more, or the plan gave up
	End            Time   `json:"end"`                 // of what was simulated, also after nothing moved any more
	Seed           int64  `json:"seed"`

	Changes  []Change `json:"changes"`  // in the order in which they were made
	Timeline []Step   `json:"timeline"` // in order of time
	// of the scheduler; the first that rejects a node is the last to look at it
	Filters       []string        `json:"filters"`
	Placements    []Placement     `json:"placements"`    // in the order in which they were decided
	Unschedulable []Unschedulable `json:"unschedulable"` // pods that found no node, with the last answer each got
	Workloads     []Workload      `json:"workloads"`     // by kind, namespace and name
	Pods          []Pod           `json:"pods"`          // all that lived during the plan, by time of creation
	Nodes         []Node          `json:"nodes"`         // by name
	Problems      []Problem       `json:"problems"`      // what went wrong, by time of its first occurrence
	// quotas, limit ranges and budgets in the namespaces of the workloads
	Constraints  []Constraint  `json:"gates"`
	Expectations []Expectation `json:"expectations"` // in the order of the scenario
	Assumptions  []string      `json:"assumptions"`  // what no code of Kubernetes decided, one line each

	// changes with which a plan that stalls completes, the nearest first
	Remedies   []Remedy   `json:"remedies,omitempty"`
	Outcomes   []Outcome  `json:"sweeps,omitempty"`     // what becomes of the change when a node or a zone goes
	Seeds      *Seeds     `json:"seeds,omitempty"`      // what other seeds lead to
	Fit        *Fit       `json:"fit,omitempty"`        // how many more replicas of a workload the nodes hold
	NodeGroups []GroupUse `json:"nodeGroups,omitempty"` // in the order of the input
	Cost       *Cost      `json:"cost,omitempty"`       // of their nodes, for an hour; null: no group has a price
	Pack       *Pack      `json:"pack,omitempty"`       // the fewest nodes of a size with which the plan completes

	Refusals []string          `json:"-"` // what kubectl drain refuses without a flag, in a plan of a drained node
	Turns    []Turn            `json:"-"` // of a plan in which nodes are drained in turn
	Findings []diag.Diagnostic `json:"-"` // risks; package report writes them as in a lint report
}

// Time is a moment or a span of virtual time; moments count from the change, and are negative
// before it. In JSON it is a number of seconds.
type Time time.Duration

// Seconds returns the time in seconds.
func (t Time) Seconds() float64 { return time.Duration(t).Seconds() }

// String returns the time in seconds with one digit after the point: 14.1.
func (t Time) String() string { return fmt.Sprintf("%.1f", t.Seconds()) }

// MarshalJSON writes seconds, to the millisecond.
func (t Time) MarshalJSON() ([]byte, error) {
	return json.Marshal(math.Round(t.Seconds()*1000) / 1000)
}

// UnmarshalJSON reads seconds.
func (t *Time) UnmarshalJSON(data []byte) error {
	var seconds float64
	if err := json.Unmarshal(data, &seconds); err != nil {
		return err
	}
	*t = Time(math.Round(seconds*1000)) * Time(time.Millisecond)
	return nil
}

// Actions of a Change.
const (
	Create = "create"
	Update = "update"
	Delete = "delete"
	None   = "none"
)

// Change is what became of one object, by its manifest or by what followed from it.
type Change struct {
	Action string      `json:"action"` // create, update, delete, none
	Object diag.Object `json:"object"`
	By     string      `json:"by,omitempty"`     // what made it, if not the manifests: "controller", "scenario"
	Fields []Field     `json:"fields"`           // of an update, as the server stores them, after defaulting
	Denied string      `json:"denied,omitempty"` // the server's answer, if it refused the object
	File   string      `json:"file,omitempty"`   // manifest that the object is from
	Line   int         `json:"line,omitempty"`   // of its beginning, from 1

	At Time `json:"-"` // of an action of the scenario
}

// Field is a field that changes. Items of lists are named by their merge keys, as in
// spec.template.spec.containers[nginx].image.
type Field struct {
	Path      string `json:"path"`
	Before    string `json:"before"`              // empty: not set
	After     string `json:"after"`               // empty: not set any more
	Defaulted bool   `json:"defaulted,omitempty"` // by the server: the manifest does not say it
}

// Sources of a Step.
const (
	FromState    = "state"    // a change of a pod, a node or a workload, as `get --watch` shows it
	FromEvent    = "event"    // an event that the cluster recorded
	FromScenario = "scenario" // an action of the scenario
)

// Step is one thing that happened.
type Step struct {
	At       Time        `json:"at"`
	Source   string      `json:"source"` // state, event, scenario
	Object   diag.Object `json:"object"`
	Event    string      `json:"event"`              // status or reason: Pending, Scheduled, Ready, Killing, ...
	Warning  bool        `json:"warning,omitempty"`  // an event of type Warning, or a state that is a failure
	Node     string      `json:"node,omitempty"`     // that the object is on
	Workload string      `json:"workload,omitempty"` // that the object belongs to: Deployment default/web
	Message  string      `json:"message"`
	Count    int         `json:"count,omitempty"` // of an event that came several times, if more than one
}

// Placement is a decision of the scheduler.
type Placement struct {
	At       Time        `json:"at"`
	Object   diag.Object `json:"object"`
	Workload diag.Object `json:"workload"` // that the pod belongs to; empty for a pod of its own
	Node     string      `json:"node"`
	Feasible int         `json:"feasible"`           // nodes that passed all filters; 1: scoring was skipped
	Rejected []NodeFit   `json:"rejected,omitempty"` // nodes that did not, by name
	Scores   []NodeScore `json:"scores,omitempty"`   // of the feasible nodes, best first
}

// NodeFit says why a node did not take a pod: the first filter that rejected it.
type NodeFit struct {
	Name   string `json:"name"`
	Plugin string `json:"plugin"`
	Reason string `json:"reason"` // the plugin's own words
}

// NodeScore is how good a node was for a pod.
type NodeScore struct {
	Name    string        `json:"name"`
	Total   int64         `json:"total"`
	Plugins []PluginScore `json:"plugins"` // by name, zero scores left out
}

// PluginScore is a plugin's share in a score, with its weight.
type PluginScore struct {
	Name  string `json:"name"`
	Score int64  `json:"score"`
}

// Unschedulable is a pod for which the scheduler found no node.
type Unschedulable struct {
	At       Time        `json:"at"` // when it was first refused
	Object   diag.Object `json:"object"`
	Workload diag.Object `json:"workload"`
	Message  string      `json:"message"`         // the scheduler's last answer, verbatim
	Until    *Time       `json:"until,omitempty"` // when it got a node after all, or was deleted
	Nodes    []NodeFit   `json:"nodes"`           // by name
}

// Workload is how an object that makes pods fared.
type Workload struct {
	Object diag.Object `json:"object"`
	// such as: RollingUpdate 25%/25% of 2 -> maxSurge 1, maxUnavailable 0
	Strategy     string `json:"strategy"`
	Changed      bool   `json:"changed"`      // its pods were replaced or their number changed
	Desired      int    `json:"desired"`      // at the end
	MinReady     int    `json:"minReady"`     // least pods that were ready at a time
	MinAvailable int    `json:"minAvailable"` // least pods that were available at a time
	// most pods that existed at a time, those that were stopping included
	MaxPods   int     `json:"maxPods"`
	SettledAt *Time   `json:"settledAt"` // when it came to what it asks for; null: it did not
	Status    string  `json:"status"`    // at the end, in the words of `rollout status` where it has any
	Curve     []Point `json:"curve"`     // in order of time; the first is the state before the change
}

// Point is a state of a workload, which holds until the next one.
type Point struct {
	At        Time `json:"at"`
	Desired   int  `json:"desired"`
	Old       int  `json:"old"`       // pods of another template than the latest, that are not stopping
	New       int  `json:"new"`       // pods of the latest template, that are not stopping
	Ready     int  `json:"ready"`     // of both
	Available int  `json:"available"` // ready for minReadySeconds
	Stopping  int  `json:"stopping"`  // pods that are told to end and are still there
}

// Pod is the life of a pod. What is null did not happen.
type Pod struct {
	Object    diag.Object `json:"object"`
	Workload  diag.Object `json:"workload"`
	New       bool        `json:"new"`                // of the latest template of its workload
	Node      string      `json:"node"`               // empty: none
	Created   Time        `json:"created"`            // negative: it was there before the change
	Scheduled *Time       `json:"scheduled"`          // when it got its node
	Ready     *Time       `json:"ready"`              // when it first was ready
	Stopping  *Time       `json:"stopping"`           // when it was told to end
	Gone      *Time       `json:"gone"`               // when it was deleted
	CPU       string      `json:"cpu"`                // requested
	Memory    string      `json:"memory"`             // requested
	Priority  int32       `json:"priority,omitempty"` // if it is not 0
	States    []PodState  `json:"states"`             // in order of time, the state before the change first
}

// PodState is a line of `get pods --watch`, which holds until the next one.
type PodState struct {
	At       Time   `json:"at"`
	Ready    string `json:"ready"`  // 1/2
	Status   string `json:"status"` // Running, ContainerCreating, CrashLoopBackOff, Terminating, ...
	Restarts int    `json:"restarts"`
}

// Node is what the pods of a node ask for, before the change, at the end, and at most.
type Node struct {
	Name       string `json:"name"`
	Zone       string `json:"zone,omitempty"`
	Ready      bool   `json:"ready"` // at the end
	Pods       int    `json:"pods"`  // at the end
	PodsBefore int    `json:"podsBefore"`
	PodsPeak   int    `json:"podsPeak"`
	PodsMax    int    `json:"podsMax"` // that the node takes
	CPU        Usage  `json:"cpu"`
	Memory     Usage  `json:"memory"`
	Taints     string `json:"taints,omitempty"` // as describe shows them, comma separated
}

// Usage is the sum of the requests on a node, as quantities.
type Usage struct {
	Allocatable string `json:"allocatable"`
	Before      string `json:"before"`
	After       string `json:"after"`
	Peak        string `json:"peak"`
}

// Kinds of a Problem.
const (
	Unplaced  = "unschedulable"  // no node takes a pod
	Refused   = "create-failed"  // the API server refuses a pod: quota, Pod Security, a missing service account
	Mount     = "mount"          // a volume cannot be mounted
	Config    = "config"         // a ConfigMap, a Secret or a key is missing
	Image     = "image"          // an image cannot be pulled
	Crash     = "crash"          // a container ends again and again
	Probe     = "probe"          // a probe fails
	Blocked   = "blocked"        // a budget forbids an eviction
	Deadline  = "deadline"       // a rollout or a job took too long
	Preempted = "preempted"      // a pod had to make room for one of higher priority
	NodeLost  = "node-not-ready" // a node stopped reporting
	Denied    = "denied"         // the API server refused a manifest or an action
	Backoff   = "job-failed"     // a job has failed
	Deleting  = "deleting"       // a deleted object waits for a finalizer
	Waiting   = "waiting"        // something lacks, although no event says why
	Other     = "other"          // any other warning
)

// Problem is something that went wrong, told once for all pods of a workload that it befell.
type Problem struct {
	Kind     string      `json:"kind"` // one of those above
	At       Time        `json:"at"`   // first
	Last     Time        `json:"last"` // time that it was reported
	Count    int         `json:"count"`
	Object   diag.Object `json:"object"`         // first that it befell
	Workload diag.Object `json:"workload"`       // may be empty
	Message  string      `json:"message"`        // the cluster's own words
	Open     bool        `json:"open"`           // it still stood at the end
	Help     string      `json:"help,omitempty"` // what to do about it

	// name of the known trap that it is; docs/plan-traps.md has the catalogue
	Trap     string   `json:"trap,omitempty"`
	Cause    string   `json:"cause,omitempty"`    // why it goes wrong, where a trap says it
	Evidence []string `json:"evidence,omitempty"` // what of the simulation shows the cause
	Report   string   `json:"report,omitempty"`   // URL of a public report of the trap
}

// Says reports whether a reason is about the problem: it has its cause, or its message.
func (q *Problem) Says(reason string) bool {
	return q.Open && (q.Cause != "" && strings.Contains(reason, q.Cause) ||
		strings.Contains(reason, strings.TrimSuffix(q.Message, ".")))
}

// Constraint is an object that may stop pods, as it was at the end: a quota, a limit range, a budget.
type Constraint struct {
	Object  diag.Object `json:"object"`
	Summary string      `json:"summary"` // pods 2/2, requests.cpu 200m/1
	Hit     bool        `json:"hit"`     // it stopped something
	// when a PodDisruptionBudget first had fewer healthy pods than it wants, after it had enough; nil: never
	Violated  *Time  `json:"violated,omitempty"`
	Violation string `json:"violation,omitempty"` // how many it had then
}

// Expectation is the answer to one of the scenario's expectations.
type Expectation struct {
	Expect  string `json:"expect"` // as written
	Passed  bool   `json:"passed"`
	At      Time   `json:"at"`      // when it was decided
	Message string `json:"message"` // why
}

// Remedy is a change with which a plan that stalls completes: it has been simulated.
type Remedy struct {
	Change       string      `json:"change"`       // in words: maxSurge 0, maxUnavailable 1
	Object       diag.Object `json:"object"`       // that it is made to; empty: the nodes
	CompletesAt  Time        `json:"completesAt"`  // of the plan with it
	Desired      int         `json:"desired"`      // replicas of the workload that stalled
	MinAvailable int         `json:"minAvailable"` // least of them that are available at a time
}

// Summary counts the changes of manifests.
func (p *Plan) Summary() (create, update, remove int) {
	for _, c := range p.Changes {
		if c.By != "" || c.Denied != "" {
			continue
		}
		switch c.Action {
		case Create:
			create++
		case Update:
			update++
		case Delete:
			remove++
		}
	}
	return create, update, remove
}

// Failed returns the expectations that did not pass.
func (p *Plan) Failed() (failed []Expectation) {
	for _, e := range p.Expectations {
		if !e.Passed {
			failed = append(failed, e)
		}
	}
	return failed
}

// FailedOutcomes returns the outcomes of disruptions that did not pass.
func (p *Plan) FailedOutcomes() (failed []Outcome) {
	for _, o := range p.Outcomes {
		if !o.Passed() {
			failed = append(failed, o)
		}
	}
	return failed
}

// Passed reports whether everything comes to what is asked for, in each disruption and with each seed that was tried,
// and all expectations are met.
func (p *Plan) Passed() bool {
	return p.Converged && len(p.Failed()) == 0 && len(p.FailedOutcomes()) == 0 &&
		(p.Seeds == nil || p.Seeds.Passed == p.Seeds.Runs)
}

// EachText replaces the texts of a plan that may quote what objects hold: messages and the values of fields. Names
// stay as they are.
func (p *Plan) EachText(f func(string) string) {
	p.Reason, p.WayOut = f(p.Reason), f(p.WayOut)
	for i := range p.Changes {
		c := &p.Changes[i]
		c.Denied = f(c.Denied)
		for j := range c.Fields {
			c.Fields[j].Before, c.Fields[j].After = f(c.Fields[j].Before), f(c.Fields[j].After)
		}
	}
	for i := range p.Timeline {
		p.Timeline[i].Message = f(p.Timeline[i].Message)
	}
	for i := range p.Unschedulable {
		p.Unschedulable[i].Message = f(p.Unschedulable[i].Message)
	}
	for i := range p.Problems {
		q := &p.Problems[i]
		q.Message, q.Help, q.Cause = f(q.Message), f(q.Help), f(q.Cause)
		for j := range q.Evidence {
			q.Evidence[j] = f(q.Evidence[j])
		}
	}
	for i := range p.Workloads {
		p.Workloads[i].Status = f(p.Workloads[i].Status)
	}
	eachMessage(p.Expectations, f)
	for i := range p.Outcomes {
		p.Outcomes[i].Reason, p.Outcomes[i].WayOut = f(p.Outcomes[i].Reason), f(p.Outcomes[i].WayOut)
		eachMessage(p.Outcomes[i].Failed, f)
	}
	if p.Seeds != nil {
		for i := range p.Seeds.Results {
			p.Seeds.Results[i].Message = f(p.Seeds.Results[i].Message)
		}
	}
	for i := range p.Assumptions {
		p.Assumptions[i] = f(p.Assumptions[i])
	}
}

func eachMessage(all []Expectation, f func(string) string) {
	for i := range all {
		all[i].Message = f(all[i].Message)
	}
}
