package app

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// runningCluster is what a snapshot holds.
type runningCluster struct {
	docs  []*manifest.Document
	nodes []*corev1.Node
	pods  []*corev1.Pod // that have not ended
}

// readRunning reads a snapshot of a cluster.
func readRunning(name string) (*runningCluster, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, lint.Unreadable(name, err)
	}
	docs, findings := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	if len(findings) > 0 {
		return nil, fmt.Errorf("%s: %s", findings[0].Range, findings[0].Message)
	}
	s := &runningCluster{docs: docs}
	for _, d := range docs {
		switch {
		case d.Object.APIVersion != "v1":
		case d.Object.Kind == "Node":
			node := &corev1.Node{}
			if err := json.Unmarshal(d.JSON, node); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, d.Object, err)
			}
			s.nodes = append(s.nodes, node)
		case d.Object.Kind == "Pod":
			pod := &corev1.Pod{}
			if err := json.Unmarshal(d.JSON, pod); err != nil {
				return nil, fmt.Errorf("%s: %s: %w", name, d.Object, err)
			}
			if pod.Status.Phase != corev1.PodSucceeded && pod.Status.Phase != corev1.PodFailed {
				s.pods = append(s.pods, pod)
			}
		}
	}
	if len(s.nodes) == 0 {
		return nil, fmt.Errorf("%s holds no nodes: seatrial plan --save FILE --context NAME writes a snapshot", name)
	}
	return s, nil
}

// beside returns the pods that none of some workloads has made.
func (s *runningCluster) beside(workloads []*review.Object) (pods []*corev1.Pod) {
	if s == nil {
		return nil
	}
	type selected struct {
		namespace string
		labels.Selector
	}
	var own []selected
	for _, o := range workloads {
		template := lint.PodTemplateOf(o.Typed)
		if template == nil || template.Selector == nil {
			continue
		}
		if selector, err := metav1.LabelSelectorAsSelector(template.Selector); err == nil {
			own = append(own, selected{o.Resource.Object.Namespace, selector})
		}
	}
	for _, pod := range s.pods {
		if !slices.ContainsFunc(own, func(w selected) bool {
			return w.namespace == pod.Namespace && w.Matches(labels.Set(pod.Labels))
		}) {
			pods = append(pods, pod)
		}
	}
	return pods
}

// with returns the documents of the snapshot, and those of others that it does not have.
func (s *runningCluster) with(others []*manifest.Document) []*manifest.Document {
	if s == nil {
		return others
	}
	key := func(d *manifest.Document) string {
		o := d.Object
		return o.Kind + "/" + cmp.Or(o.Namespace, metav1.NamespaceDefault) + "/" + o.Name
	}
	known := map[string]bool{}
	for _, d := range s.docs {
		known[key(d)] = true
	}
	all := slices.Clone(s.docs)
	for _, d := range others {
		if !known[key(d)] {
			all = append(all, d)
		}
	}
	return all
}
