package controllers

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	applisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/klog/v2"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
	"k8s.io/kubernetes/pkg/controller"
	"k8s.io/kubernetes/pkg/controller/daemon"
	"k8s.io/kubernetes/pkg/controller/daemon/util"
)

// deterministicClient is a client for the DaemonSet controller. When that controller replaces some of several
// equivalent pods, it takes the first ones of a map, in an order left to chance. Through this client it takes the first
// by UID.
type deterministicClient struct {
	kubernetes.Interface
	chooser *podChooser
}

func (c deterministicClient) CoreV1() corev1.CoreV1Interface {
	return deterministicCore{c.Interface.CoreV1(), c.chooser}
}

type deterministicCore struct {
	corev1.CoreV1Interface
	chooser *podChooser
}

func (c deterministicCore) Pods(namespace string) corev1.PodInterface {
	return deterministicPods{c.CoreV1Interface.Pods(namespace), namespace, c.chooser}
}

func (c deterministicCore) Events(namespace string) corev1.EventInterface {
	return deterministicEvents{c.CoreV1Interface.Events(namespace), c.chooser}
}

type deterministicPods struct {
	corev1.PodInterface
	namespace string
	chooser   *podChooser
}

// Delete deletes the first of the pods that are equivalent to the named one.
func (p deterministicPods) Delete(ctx context.Context, name string, options metav1.DeleteOptions) error {
	chosen := p.chooser.toDelete(p.namespace, name)
	err := p.PodInterface.Delete(ctx, chosen, options)
	if err == nil {
		p.chooser.deleted(p.namespace, name, chosen)
	}
	return err
}

// Create creates a pod for the first of the nodes that are equivalent to its own.
func (p deterministicPods) Create(ctx context.Context, pod *v1.Pod, options metav1.CreateOptions) (*v1.Pod, error) {
	if node, err := util.GetTargetNodeName(pod); err == nil {
		if chosen := p.chooser.toSurge(p.namespace, pod, node); chosen != node {
			pod = pod.DeepCopy()
			pod.Spec.Affinity = util.ReplaceDaemonSetPodNodeNameNodeAffinity(pod.Spec.Affinity, chosen)
		}
	}
	return p.PodInterface.Create(ctx, pod, options)
}

// deterministicEvents replaces the events about deletions, which name the pod that the controller meant, by new events:
// recorders count and combine events with equal messages.
type deterministicEvents struct {
	corev1.EventInterface
	chooser *podChooser
}

func (e deterministicEvents) CreateWithEventNamespace(event *v1.Event) (*v1.Event, error) {
	if e.chooser.replace(event) {
		return event, nil
	}
	//lint:ignore SA1019 recorders call no other
	return e.EventInterface.CreateWithEventNamespace(event)
}

func (e deterministicEvents) PatchWithEventNamespace(event *v1.Event, patch []byte) (*v1.Event, error) {
	if e.chooser.replace(event) {
		return event, nil
	}
	//lint:ignore SA1019 recorders call no other
	return e.EventInterface.PatchWithEventNamespace(event, patch)
}

// podChooser chooses among the outdated pods of DaemonSets.
type podChooser struct {
	sets      applisters.DaemonSetLister
	revisions applisters.ControllerRevisionLister
	pods      corelisters.PodLister
	nodes     corelisters.NodeLister

	events record.EventRecorder

	mu      sync.Mutex
	taken   map[types.UID]bool              // outdated pods that were chosen
	instead map[types.NamespacedName]string // names of deleted pods, by those of the pods that the controller meant
}

func newPodChooser(
	ctx context.Context, client kubernetes.Interface, shared informers.SharedInformerFactory,
) *podChooser {
	broadcaster := record.NewBroadcaster(record.WithContext(ctx))
	broadcaster.StartRecordingToSink(&corev1.EventSinkImpl{Interface: client.CoreV1().Events("")})
	return &podChooser{
		events:    broadcaster.NewRecorder(scheme.Scheme, v1.EventSource{Component: "daemonset-controller"}),
		sets:      shared.Apps().V1().DaemonSets().Lister(),
		revisions: shared.Apps().V1().ControllerRevisions().Lister(),
		pods:      shared.Core().V1().Pods().Lister(),
		nodes:     shared.Core().V1().Nodes().Lister(),
		taken:     map[types.UID]bool{},
		instead:   map[types.NamespacedName]string{},
	}
}

// toDelete returns the name of the pod to delete when the controller deletes one.
func (c *podChooser) toDelete(namespace, name string) string {
	pod, err := c.pods.Pods(namespace).Get(name)
	if err != nil {
		return name
	}
	set := c.owner(pod)
	if set == nil {
		return name
	}
	surge := util.AllowsSurge(set)
	alike := c.replaceable(set, func(run, stay bool) bool { return stay && (!surge || !run) })
	if chosen := c.take(alike, func(p *v1.Pod) bool { return p.Name == name }); chosen != nil {
		return chosen.Name
	}
	return name
}

// toSurge returns the node to create a pod for when the controller creates one beside an outdated one.
func (c *podChooser) toSurge(namespace string, pod *v1.Pod, node string) string {
	pod = pod.DeepCopy()
	pod.Namespace = namespace
	set := c.owner(pod)
	if set == nil || !util.AllowsSurge(set) {
		return node
	}
	alike := c.replaceable(set, func(run, _ bool) bool { return run })
	if chosen := c.take(alike, func(p *v1.Pod) bool { return targetOf(p) == node }); chosen != nil {
		return targetOf(chosen)
	}
	return node
}

// take takes the first of equivalent pods, nil if the one that the controller meant is not among them.
func (c *podChooser) take(alike []*v1.Pod, asked func(*v1.Pod) bool) *v1.Pod {
	if !slices.ContainsFunc(alike, asked) {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.IndexFunc(alike, func(p *v1.Pod) bool { return !c.taken[p.UID] })
	if i < 0 { // those that were taken were not replaced
		for _, p := range alike {
			delete(c.taken, p.UID)
		}
		i = 0
	}
	c.taken[alike[i].UID] = true
	return alike[i]
}

// replaceable returns the pods among which a rolling update is free to choose: outdated, available, alone on a node
// that is wanted: by whether the DaemonSet would place a pod there, and whether an existing one may stay.
func (c *podChooser) replaceable(set *appsv1.DaemonSet, wanted func(run, stay bool) bool) (alike []*v1.Pod) {
	if set.Spec.UpdateStrategy.Type != appsv1.RollingUpdateDaemonSetStrategyType {
		return nil
	}
	all, err := c.pods.Pods(set.Namespace).List(labels.Everything())
	if err != nil {
		return nil
	}
	all = slices.DeleteFunc(all, func(p *v1.Pod) bool {
		return p.DeletionTimestamp != nil || !metav1.IsControlledBy(p, set)
	})
	beside, current := map[string]int{}, map[string]bool{}
	for _, p := range all {
		beside[targetOf(p)]++
		hash := p.Labels[appsv1.ControllerRevisionHashLabelKey]
		if _, ok := current[hash]; !ok {
			current[hash] = c.current(set, hash)
		}
	}
	now := metav1.NewTime(time.Now())
	for _, p := range all {
		updated := current[p.Labels[appsv1.ControllerRevisionHashLabelKey]]
		if beside[targetOf(p)] > 1 || updated || !podutil.IsPodAvailable(p, set.Spec.MinReadySeconds, now) {
			continue
		}
		node, err := c.nodes.Get(targetOf(p))
		if err == nil && wanted(daemon.NodeShouldRunDaemonPod(klog.Background(), node, set)) {
			alike = append(alike, p)
		}
	}
	return alike
}

// current reports whether a hash is that of the present template.
func (c *podChooser) current(set *appsv1.DaemonSet, hash string) bool {
	labelled := labels.Set{appsv1.ControllerRevisionHashLabelKey: hash}
	revisions, err := c.revisions.ControllerRevisions(set.Namespace).List(labelled.AsSelector())
	return err == nil && slices.ContainsFunc(revisions, func(r *appsv1.ControllerRevision) bool {
		same, err := daemon.Match(set, r)
		return err == nil && same && metav1.IsControlledBy(r, set)
	})
}

func (c *podChooser) owner(pod *v1.Pod) *appsv1.DaemonSet {
	ref := metav1.GetControllerOf(pod)
	if ref == nil || ref.Kind != "DaemonSet" {
		return nil
	}
	set, err := c.sets.DaemonSets(pod.Namespace).Get(ref.Name)
	if err != nil || set.UID != ref.UID {
		return nil
	}
	return set
}

// targetOf returns the node that a pod of a DaemonSet is for.
func targetOf(pod *v1.Pod) string {
	node, _ := util.GetTargetNodeName(pod) // each has one
	return node
}

// deletion begins the message of the event about a deleted pod.
const deletion = "Deleted pod: "

func (c *podChooser) deleted(namespace, asked, chosen string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.instead[types.NamespacedName{Namespace: namespace, Name: asked}] = chosen
}

// replace records an event about a deletion with the name of the deleted pod, and reports whether event is about one.
func (c *podChooser) replace(event *v1.Event) bool {
	_, asked, ok := strings.Cut(event.Message, deletion) // combined events have a prefix
	if !ok || event.Reason != controller.SuccessfulDeletePodReason {
		return false
	}
	c.mu.Lock()
	chosen := c.instead[types.NamespacedName{Namespace: event.InvolvedObject.Namespace, Name: asked}]
	c.mu.Unlock()
	c.events.Event(&event.InvolvedObject, event.Type, event.Reason, deletion+chosen)
	return true
}
