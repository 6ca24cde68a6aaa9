package cluster_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/cluster"
)

func TestNodesAreReadFromWhatUsersSay(t *testing.T) {
	file := filepath.Join(t.TempDir(), "nodes.yaml")
	text := "---\napiVersion: v1\nkind: Node\nmetadata: {name: big}\nstatus: {capacity: {cpu: \"64\", memory: 256Gi, pods: \"110\"}}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: small}\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for said, want := range map[string]string{
		"demo":         "demo-control-plane demo-worker",
		"2x500mcpu1Gi": "node-1 node-2",
		"3-zone":       "node-1 node-2 node-3",
		file:           "big small",
	} {
		nodes, err := cluster.ParseNodes(said)
		if err != nil {
			t.Errorf("%s: %v", said, err)
			continue
		}
		var names []string
		for _, n := range nodes {
			names = append(names, n.Name)
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: nodes %s, want %s", said, got, want)
		}
	}
}

func TestNodesThatNoServerWouldTakeAreRefusedWithTheirPlace(t *testing.T) {
	for said, want := range map[string]string{
		"":                              "neither a number and size",
		"many":                          "neither a number and size",
		t.TempDir():                     "neither a number and size",
		"0x4cpu8Gi":                     "0 nodes: want 1 to 5000",
		"99999x4cpu8Gi":                 "99999 nodes: want 1 to 5000",
		"-1x4cpu8Gi":                    `"-1x4cpu8Gi" is no number and size of nodes`,
		"1x4cpu8":                       "memory with a unit",
		"1x4cpu8gi":                     "memory with a unit",
		"1x0cpu8Gi":                     "1x0cpu8Gi: a node without cpu or memory takes no pod",
		"1x4cpu8Gi,":                    `attribute "" has no value`,
		"1x4cpu8Gi,name=a,name=b":       "name is given twice: a and b",
		"1x4cpu8Gi,label=a=b,label=a=c": "label a is given twice: b and c",
		"1x4cpu8Gi,name=Foo_bar":        `1x4cpu8Gi,name=Foo_bar: metadata.name: Invalid value: "Foo_bar-1"`,
		"1x4cpu8Gi,label=a b=c":         `1x4cpu8Gi,label=a b=c: metadata.labels: Invalid value: "a b"`,
		"1x4cpu8Gi,taint=:NoSchedule":   "taints[0].key: Invalid value",
		"1x4cpu8Gi,pods=-3":             `pods: Invalid value: "-3"`,
	} {
		if _, err := cluster.ParseNodes(said); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", said, err, want)
		}
	}
	if _, err := cluster.ParseNodes("1x4cpu8Gi", "1x4cpu8Gi,name=node"); err == nil ||
		!strings.Contains(err.Error(), "named node-1, by 1x4cpu8Gi and by 1x4cpu8Gi,name=node") {
		t.Errorf("the same name twice: error %v", err)
	}
	for text, want := range map[string]string{
		"# nothing\n---\n": "nodes.yaml holds no nodes",
		"apiVersion: v1\nkind: Node\nmetadata: {name: A_b}\n":                                                     `nodes.yaml:3:18: metadata.name: Invalid value: "A_b"`,
		"apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus: {capacty: {cpu: 4}}\n":                          `nodes.yaml:4:19: unknown field "status.capacty"`,
		"apiVersion: apps/v1\nkind: Node\nmetadata: {name: a}\n":                                                  `nodes.yaml:2:7: want a Node of v1, got kind "Node" of apiVersion "apps/v1"`,
		"kind: Node\nmetadata: {name: a}\n":                                                                       "nodes.yaml:1:1: document has no apiVersion",
		"apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Pod, metadata: {name: a}}\n":                `nodes.yaml:4:26: want a Node of v1, got kind "Pod"`,
		"apiVersion: v1\nkind: Node\nmetadata: {name: a}\n---\napiVersion: v1\nkind: Node\nmetadata: {name: a}\n": "nodes.yaml:3:18 and by",
	} {
		file := filepath.Join(t.TempDir(), "nodes.yaml")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := cluster.ParseNodes(file); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}
