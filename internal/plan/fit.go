package plan

import "github.com/seatrial/seatrial/diag"

// FitQuestion asks how many more replicas of a workload the nodes hold.
type FitQuestion struct {
	Workload  string   `json:"workload"`            // Kind/name
	Namespace string   `json:"namespace,omitempty"` // default: default
	By        []string `json:"by,omitempty"`        // resources that count alone; none: all
	SpareNode bool     `json:"spareNode,omitempty"` // also when any one node is lost
}

// Fit is how many more replicas of a workload the nodes hold, by the filters and scores of the scheduler.
type Fit struct {
	Object   diag.Object `json:"object"`
	Replicas int         `json:"replicas"`          // at the end of the plan
	More     int         `json:"more"`              // that fit besides
	By       []string    `json:"by,omitempty"`      // resources that counted alone
	AtLeast  bool        `json:"atLeast,omitempty"` // the search was ended: more may fit
	Nodes    []FitNode   `json:"nodes"`             // by name
	Limits   []FitLimit  `json:"limits"`            // what keeps the next replica from the nodes, the most nodes first

	SpareNode *FitSpare `json:"spareNode,omitempty"` // if one node is lost
}

// FitNode is how many more replicas a node holds.
type FitNode struct {
	Name string `json:"name"`
	More int    `json:"more"`
}

// FitLimit is what keeps a replica from some nodes.
type FitLimit struct {
	Plugin string   `json:"plugin"`
	Reason string   `json:"reason"` // the plugin's own words
	Nodes  []string `json:"nodes"`  // by name
}

// FitSpare is how many more replicas fit so that the pods of any one node find room on the others.
type FitSpare struct {
	More int    `json:"more"`
	Node string `json:"node"` // whose loss allows the fewest
	// pods of that node that find no room elsewhere even now
	Unplaced []diag.Object `json:"unplaced,omitempty"`
}

// Pack is the fewest nodes of a size with which a plan completes, and how it ended with one fewer.
type Pack struct {
	Size   string       `json:"size"`   // of the nodes: 4cpu16Gi
	Nodes  int          `json:"nodes"`  // the fewest; 0: no number was enough
	Tried  []PackTry    `json:"tried"`  // by number of nodes
	Shares []PackShares `json:"shares"` // how much of the nodes is requested at the end
}

// PackTry is how the plan ended with a number of nodes.
type PackTry struct {
	Nodes     int    `json:"nodes"`
	Completes bool   `json:"completes"`
	Reason    string `json:"reason,omitempty"` // why it does not
}

// PackShares is how much of a resource of all nodes is requested.
type PackShares struct {
	Resource string `json:"resource"` // cpu, memory, pods
	Percent  int    `json:"percent"`
}
