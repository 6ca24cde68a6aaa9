package kubelet

import (
	"context"
	"slices"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/record"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
	"k8s.io/kubernetes/pkg/kubelet/eviction"
	"k8s.io/kubernetes/pkg/kubelet/lifecycle"
	"k8s.io/kubernetes/pkg/kubelet/preemption"
	schedulerframework "k8s.io/kubernetes/pkg/scheduler/framework"
)

// admit checks whether the node of a pod has room for it beside its other pods. A critical pod is admitted at the cost
// of others. The caller holds the lock.
func (k *Kubelet) admit(pod *v1.Pod) (reason, message string) {
	return admission(
		k.node(pod.Spec.NodeName), pod, k.activeOn(pod.Spec.NodeName, pod), k.preempt,
		k.recorder(sourceOf(pod.Spec.NodeName)),
	)
}

// admission runs the kubelet's own admission.
func admission(
	node *v1.Node, pod *v1.Pod, others []*v1.Pod, preempt eviction.KillPodFunc, recorder record.EventRecorder,
) (reason, message string) {
	if node == nil {
		return lifecycle.InvalidNodeInfo, "Kubelet cannot get node info."
	}
	critical := preemption.NewCriticalPodAdmissionHandler(func() []*v1.Pod { return others }, preempt, recorder)
	noPlugins := func(*schedulerframework.NodeInfo, *lifecycle.PodAdmitAttributes) error { return nil }
	handler := lifecycle.NewPredicateAdmitHandler(
		func(context.Context, bool) (*v1.Node, error) { return node.DeepCopy(), nil }, critical, noPlugins,
	)
	asked := pod.DeepCopy()
	asked.Spec.OS = nil // simulated nodes run whatever the pod is for
	result := handler.Admit(
		context.Background(),
		&lifecycle.PodAdmitAttributes{Pod: asked, OtherPods: others, Operation: lifecycle.AddOperation},
	)
	if result.Admit {
		return "", ""
	}
	return result.Reason, result.Message
}

// activeOn returns the other pods that use resources of a node.
func (k *Kubelet) activeOn(node string, but *v1.Pod) (active []*v1.Pod) {
	bound, err := k.shared.Core().V1().Pods().Informer().GetIndexer().ByIndex(byNode, node)
	if err != nil {
		return nil
	}
	for _, obj := range bound {
		p, ok := obj.(*v1.Pod)
		if !ok {
			continue
		}
		state := k.memory.Pods[p.UID]
		if p.UID == but.UID || state == nil || state.Started.IsZero() || state.Ended || state.Failed != "" {
			continue
		}
		active = append(active, p)
	}
	slices.SortFunc(active, func(a, b *v1.Pod) int { return strings.Compare(string(a.UID), string(b.UID)) })
	return active
}

// preempt ends a pod to make room for a critical one, as upstream's admission decides.
func (k *Kubelet) preempt(pod *v1.Pod, _ bool, grace *int64, update func(*v1.PodStatus)) error {
	state := k.memory.Pods[pod.UID]
	if state == nil {
		return nil
	}
	status := pod.Status.DeepCopy()
	update(status)
	state.Failed, state.Message = status.Reason, status.Message
	if _, c := podutil.GetPodCondition(status, v1.DisruptionTarget); c != nil {
		state.Disrupted = c.Message
	}
	state.NoGracePeriod = grace != nil && *grace == 0
	if w := k.pods[pod.UID]; w != nil {
		w.wake()
	}
	return nil
}
