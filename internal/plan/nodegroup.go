package plan

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Expanders choose between node groups that would all take pending pods.
const (
	ExpandPrice      = "price"       // the lowest price for each pod; groups without a price come last
	ExpandLeastWaste = "least-waste" // the least CPU and memory that stays free
	ExpandRandom     = "random"      // drawn from the seed
)

// Expanders are the names of all expanders, the default first.
var Expanders = []string{ExpandPrice, ExpandLeastWaste, ExpandRandom}

// NodeGroup is a group of alike nodes that grows and shrinks with the pods that need it.
type NodeGroup struct {
	Name string `json:"name"`
	Min  int    `json:"min"` // -1, of a group without Size: the nodes that there are
	Max  int    `json:"max"` // -1, of a group without Size: what the cluster states
	// of a node: 4cpu16Gi; empty: as the nodes of a group that a cluster has
	Size  string        `json:"size"`
	Rest  []string      `json:"rest,omitempty"`  // other attributes of nodes, as --nodes has them: zone=a, taint=...
	Price float64       `json:"price,omitempty"` // of a node for an hour, in the user's currency
	Boot  time.Duration `json:"boot"`            // from the request for a node until it is ready
	Idle  time.Duration `json:"idle"`            // how long a node has to be unneeded before it goes
}

const (
	defaultBoot = time.Minute
	defaultIdle = 10 * time.Minute
)

// MaxGroupNodes is how many nodes a group has at most.
const MaxGroupNodes = 1000

var nodeSize = regexp.MustCompile(`^[0-9.]+m?cpu[0-9.]+[KMGTP]i?$`)

// StatedNodeGroup returns the node group of a name that a cluster has.
func StatedNodeGroup(name string) NodeGroup {
	return NodeGroup{Name: name, Min: -1, Max: -1, Boot: defaultBoot, Idle: defaultIdle}
}

// ParseNodeGroup reads a node group, such as name=web,min=1,max=20,4cpu16Gi,zone=a,zone=b,price=0.19. Without a size it
// is one that a cluster has, whose nodes it begins with.
func ParseNodeGroup(text string) (NodeGroup, error) {
	g := StatedNodeGroup("")
	fail := func(format string, args ...any) (NodeGroup, error) {
		return NodeGroup{}, fmt.Errorf("node group %q: %s", text, fmt.Sprintf(format, args...))
	}
	for _, part := range strings.Split(text, ",") {
		key, value, has := strings.Cut(part, "=")
		var err error
		switch {
		case !has && nodeSize.MatchString(part) && g.Size == "":
			g.Size = part
		case !has:
			return fail("unknown part %q: want a size such as 4cpu16Gi, or an attribute with its value", part)
		case key == "name":
			g.Name = value
		case key == "min":
			g.Min, err = readCount(value)
		case key == "max":
			g.Max, err = readCount(value)
		case key == "price":
			g.Price, err = strconv.ParseFloat(value, 64)
		case key == "boot":
			g.Boot, err = time.ParseDuration(value)
		case key == "idle":
			g.Idle, err = time.ParseDuration(value)
		default:
			g.Rest = append(g.Rest, part)
		}
		if err != nil {
			return fail("%s: %v", part, err)
		}
	}
	switch {
	case g.Name == "":
		return fail("the name is missing: name=web")
	case g.Size == "" && len(g.Rest) > 0:
		return fail(
			"%s needs a size, such as 4cpu16Gi: nodes of a group that the cluster has are like those that exist",
			g.Rest[0],
		)
	case g.Size == "" && g.Max < 0:
	case g.Max < 1 || g.Max < g.Min || g.Max > MaxGroupNodes:
		return fail("want min of at least 0, and max of at least 1 and min, at most %d", MaxGroupNodes)
	case g.Price < 0 || g.Boot < 0 || g.Idle < 0:
		return fail("price, boot and idle must not be negative")
	}
	if g.Size != "" {
		g.Min = max(g.Min, 0)
	}
	return g, nil
}

// readCount reads a number of nodes.
func readCount(text string) (int, error) {
	n, err := strconv.ParseUint(text, 10, 31)
	return int(n), err
}

// Nodes returns a number of nodes of the group as --nodes names them.
func (g *NodeGroup) Nodes(count int) string {
	return strings.Join(slices.Concat([]string{fmt.Sprintf("%dx%s", count, g.Size), "name=" + g.Name}, g.Rest), ",")
}

// GroupUse is how many nodes a group had, and how full they were.
type GroupUse struct {
	Name          string  `json:"name"`
	Size          string  `json:"size"` // of a node
	Min           int     `json:"min"`
	Max           int     `json:"max"`
	Before        int     `json:"before"` // nodes, those that boot included
	Peak          int     `json:"peak"`
	After         int     `json:"after"`
	CPUPercent    int     `json:"cpuPercent"`    // of their CPU that pods ask for at the end
	MemoryPercent int     `json:"memoryPercent"` // of their memory
	Price         float64 `json:"price,omitempty"`
}

// Cost is what all nodes of groups cost for an hour.
type Cost struct {
	Before float64 `json:"before"`
	Peak   float64 `json:"peak"`
	After  float64 `json:"after"`
}
