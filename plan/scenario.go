package plan

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Scenario says what the world does meanwhile: what containers do, what happens when, and what
// is expected of the plan. docs/scenario.schema.json describes it.
type Scenario struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`

	Images     []ImageScript     `json:"images,omitempty"`     // the first that matches an image counts
	Containers []ContainerScript `json:"containers,omitempty"` // all that match a container count, later ones win
	Load       []Load            `json:"load,omitempty"`
	Actions    []Action          `json:"actions,omitempty"`
	Expect     []string          `json:"expect,omitempty"` // see ParseExpectation

	file string // for messages
}

// ImageScript is what a registry has.
type ImageScript struct {
	Match   string           `json:"match"`             // glob over the image as the pod names it: nginx:*
	Pull    *metav1.Duration `json:"pull,omitempty"`    // how long it takes where it is not present
	Size    string           `json:"size,omitempty"`    // a quantity: 180Mi
	Missing bool             `json:"missing,omitempty"` // the registry does not have it
	Error   string           `json:"error,omitempty"`   // what the registry answers instead
	Present bool             `json:"present,omitempty"` // on all nodes from the beginning
}

// Selector chooses containers. What is not said matches all.
type Selector struct {
	Namespace string            `json:"namespace,omitempty"`
	Workload  string            `json:"workload,omitempty"`  // Kind/name
	Labels    map[string]string `json:"labels,omitempty"`    // of the pod
	Pod       string            `json:"pod,omitempty"`       // glob over its name
	Container string            `json:"container,omitempty"` // name
	Image     string            `json:"image,omitempty"`     // glob
}

// ContainerScript is what containers do.
type ContainerScript struct {
	Match      Selector         `json:"match"`
	ReadyAfter *metav1.Duration `json:"readyAfter,omitempty"` // from its start until its probes succeed
	RunFor     *metav1.Duration `json:"runFor,omitempty"`     // until it exits by itself
	ExitCode   *int32           `json:"exitCode,omitempty"`   // with which it does
	ExitReason string           `json:"exitReason,omitempty"` // such as OOMKilled
	Crashes    int              `json:"crashes,omitempty"`    // only its first runs exit; 0: all
	StopFor    *metav1.Duration `json:"stopFor,omitempty"`    // from the signal to its end
	FailProbes []string         `json:"failProbes,omitempty"` // startup, readiness, liveness
	CPU        string           `json:"cpu,omitempty"`        // that each uses, for autoscalers: 200m
	Memory     string           `json:"memory,omitempty"`
}

// Load is what the pods of a workload have to do together, over time.
type Load struct {
	Workload  string      `json:"workload"`            // Kind/name
	Namespace string      `json:"namespace,omitempty"` // default: default
	Resource  string      `json:"resource"`            // cpu or memory
	Points    []LoadPoint `json:"points"`              // in order of time; straight lines in between
}

// LoadPoint is a load at a moment.
type LoadPoint struct {
	At    metav1.Duration   `json:"at"`
	Total resource.Quantity `json:"total"` // shared by the pods that are ready
}

// Action is something that happens at a moment after the change. Exactly one is set.
type Action struct {
	At metav1.Duration `json:"at"`

	Apply       string       `json:"apply,omitempty"`  // file, from the folder of the scenario
	Delete      string       `json:"delete,omitempty"` // Kind/name
	Scale       *ScaleAction `json:"scale,omitempty"`
	Patch       *PatchAction `json:"patch,omitempty"`
	DeletePod   string       `json:"deletePod,omitempty"` // name, glob or label selector (app=web): the first that matches
	FailNode    string       `json:"failNode,omitempty"`
	RecoverNode string       `json:"recoverNode,omitempty"`
	FailZone    string       `json:"failZone,omitempty"`
	Drain       string       `json:"drain,omitempty"` // node
	Cordon      string       `json:"cordon,omitempty"`
	Uncordon    string       `json:"uncordon,omitempty"`
	Undo        string       `json:"undo,omitempty"` // Deployment/name: back to the revision before

	Namespace string `json:"namespace,omitempty"` // of what is named; default: default
}

// ScaleAction sets a number of replicas.
type ScaleAction struct {
	Workload string `json:"workload"` // Kind/name
	Replicas int    `json:"replicas"`
}

// PatchAction merges a patch into an object.
type PatchAction struct {
	Object string         `json:"object"` // Kind/name
	Merge  map[string]any `json:"merge"`  // a JSON merge patch
}
