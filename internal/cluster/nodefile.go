package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
	"github.com/seatrial/seatrial/validation/verdict"
)

// nodeLimits limit a file of nodes: thousands, as a cluster returns them.
var nodeLimits = manifest.Limits{MaxBytes: 256 << 20, MaxDepth: manifest.DefaultLimits.MaxDepth}

// readNodes reads the Node objects of a file, and the items of Lists.
func readNodes(name string) ([]described, error) {
	var data []byte
	var err error
	if name == source.Stdin {
		data, err = io.ReadAll(os.Stdin)
	} else {
		data, err = os.ReadFile(name)
	}
	switch {
	case err != nil && counted.MatchString(name):
		return nil, fmt.Errorf(
			"%q is no number and size of nodes: want 3x4cpu16Gi, or 10x500mcpu512Mi, memory with a unit such as Mi, Gi or G",
			name,
		)
	case err != nil:
		return nil, fmt.Errorf(
			"nodes %q are neither a number and size such as 3x4cpu16Gi, nor demo, kind or 3-zone, nor a file that can be read: %w",
			name, err,
		)
	}
	docs, findings := manifest.Read(source.NewFile(name, data), nodeLimits)
	if len(findings) > 0 {
		return nil, fmt.Errorf("%s: %s", findings[0].Range, findings[0].Text())
	}
	var nodes []described
	for _, d := range docs {
		node, err := readNode(d)
		if err != nil {
			return nil, err
		}
		nodes = append(nodes, described{node, d.Find("metadata.name").Value.String()})
	}
	if len(nodes) == 0 {
		return nil, fmt.Errorf("%s holds no nodes", source.Display(name))
	}
	return nodes, nil
}

// readNode reads a node as a user writes it, or as a cluster returns it.
func readNode(d *manifest.Document) (*corev1.Node, error) {
	if kind := (metav1.TypeMeta{APIVersion: d.Object.APIVersion, Kind: d.Object.Kind}); kind != nodeKind {
		return nil, fmt.Errorf(
			"%s: want a Node of v1, got kind %q of apiVersion %q", d.Find("kind").Value, kind.Kind, kind.APIVersion,
		)
	}
	js, taken := d.JSON, false
	if _, taken, _ = unstructured.NestedString(d.Value(), "metadata", "uid"); taken {
		value := runtime.DeepCopyJSON(d.Value())
		unstructured.RemoveNestedField(value, "metadata", "resourceVersion") // nobody may create an object with one
		var err error
		if js, err = json.Marshal(value); err != nil {
			return nil, fmt.Errorf("%s: %w", d.Range(), err)
		}
	}
	answer, err := judge(js)
	if err != nil {
		return nil, err
	}
	if !answer.Accepted() {
		c := answer.Causes[0]
		return nil, fmt.Errorf("%s: %s", d.Find(c.Path).Value, causeText(c))
	}
	node := answer.Object.(*corev1.Node).DeepCopy()
	if taken {
		return FreshNode(node), nil
	}
	node.UID, node.CreationTimestamp = "", metav1.Time{} // which the verdict made up
	return node, nil
}

var nodeKind = metav1.TypeMeta{APIVersion: "v1", Kind: "Node"}

// FreshNode returns a new node like one of a cluster: its capacity, labels and taints.
func FreshNode(n *corev1.Node) *corev1.Node {
	taints := slices.DeleteFunc(slices.Clone(n.Spec.Taints), func(t corev1.Taint) bool {
		return strings.HasPrefix(t.Key, "node.kubernetes.io/") // the controllers set them
	})
	return &corev1.Node{
		TypeMeta:   n.TypeMeta,
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels, Annotations: n.Annotations},
		Spec: corev1.NodeSpec{
			PodCIDR: n.Spec.PodCIDR, PodCIDRs: n.Spec.PodCIDRs, ProviderID: n.Spec.ProviderID,
			Unschedulable: n.Spec.Unschedulable, Taints: taints,
		},
		Status: corev1.NodeStatus{
			Capacity: n.Status.Capacity, Allocatable: n.Status.Allocatable, Addresses: n.Status.Addresses,
			NodeInfo: n.Status.NodeInfo,
		},
	}
}

// judgeNode returns why an API server would reject a node.
func judgeNode(n *corev1.Node) error {
	n = n.DeepCopy()
	n.TypeMeta = nodeKind
	js, err := json.Marshal(n)
	if err != nil {
		return err
	}
	answer, err := judge(js)
	if err != nil || answer.Accepted() {
		return err
	}
	return errors.New(causeText(answer.Causes[0]))
}

func causeText(c verdict.Cause) string {
	if c.Path == "" || c.Class == verdict.UnknownField {
		return c.Message
	}
	return c.Path + ": " + c.Message
}

// judge returns the verdict of an API server on a node.
func judge(node []byte) (verdict.Verdict, error) {
	v, err := validator()
	if err != nil {
		return verdict.Verdict{}, err
	}
	return v.Create(context.Background(), corev1.SchemeGroupVersion.WithKind(nodeKind.Kind), node, ""), nil
}

var validator = sync.OnceValues(validation.New)
