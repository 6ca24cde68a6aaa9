// Package kubelet simulates the kubelets of all nodes: it takes pods through the states that users see, with the
// reasons, events and conditions of the kubelet, but runs no process.
//
// The central type is [Kubelet]. What a container does, such as how long its image takes to pull or with which code it
// exits, is its [Behavior]; [DefaultBehavior] reads it from the pod:
//
//	k, err := kubelet.New(kubelet.Config{Client: client, Informers: informers})
//	k.Run(ctx)
//
// All times come from the clock of the process, so that the simulation can live in virtual time.
package kubelet

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"sync"
	"time"

	certificatesv1 "k8s.io/api/certificates/v1"
	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	corev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	certificateslisters "k8s.io/client-go/listers/certificates/v1"
	listers "k8s.io/client-go/listers/core/v1"
	discoverylisters "k8s.io/client-go/listers/discovery/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
)

// Config configures the kubelets.
type Config struct {
	Client         kubernetes.Interface
	Informers      informers.SharedInformerFactory
	Behavior       func(*v1.Pod, *v1.Container) Behavior // nil: DefaultBehavior
	State          []byte                                // from Snapshot before a restart, or nil
	Version        string                                // of Kubernetes, reported by nodes
	InMemoryLeases bool                                  // heartbeats are not written to leases: see LastBeat
	// commands that are run in containers find tokens that are valid
	IssueTokens bool
}

// Kubelet acts as the kubelets of all nodes.
type Kubelet struct {
	client   kubernetes.Interface
	shared   informers.SharedInformerFactory
	known    known
	behavior func(*v1.Pod, *v1.Container) Behavior
	version  string
	events   record.EventBroadcaster
	workers  sync.WaitGroup

	mu      sync.Mutex
	memory  memory
	pods    map[types.UID]*worker
	beating map[string]bool      // nodes
	beats   map[string]time.Time // the last ones, by node; nil: they are written
	asleep  map[string]bool      // nodes whose kubelet is stopped
	tokens  map[tokenKey]issued  // nil: none are issued

	recording sync.Mutex
	recorders map[v1.EventSource]record.EventRecorder
}

// known are the listers of the informers.
type known struct {
	pods       listers.PodLister
	nodes      listers.NodeLister
	configMaps listers.ConfigMapLister
	secrets    listers.SecretLister
	claims     listers.PersistentVolumeClaimLister
	volumes    listers.PersistentVolumeLister
	bundles    certificateslisters.ClusterTrustBundleLister
	services   listers.ServiceLister
	namespaces listers.NamespaceLister
	slices     discoverylisters.EndpointSliceLister
}

// memory is the state that outlives a restart. Its keys are in the files of trials.
type memory struct {
	Pods   map[types.UID]*podState
	Images map[string][]string // by node
	IPs    map[string]int      // the last one, by node
	Slot   int                 // of the last pod that began
}

// New returns kubelets that do not run yet.
func New(c Config) (*Kubelet, error) {
	core := c.Informers.Core().V1()
	k := &Kubelet{
		client: c.Client,
		shared: c.Informers,
		known: known{
			core.Pods().Lister(), core.Nodes().Lister(), core.ConfigMaps().Lister(), core.Secrets().Lister(),
			core.PersistentVolumeClaims().Lister(), core.PersistentVolumes().Lister(),
			c.Informers.Certificates().V1().ClusterTrustBundles().Lister(),
			core.Services().Lister(), core.Namespaces().Lister(),
			c.Informers.Discovery().V1().EndpointSlices().Lister(),
		},
		behavior:  c.Behavior,
		version:   c.Version,
		memory:    memory{Pods: map[types.UID]*podState{}, Images: map[string][]string{}, IPs: map[string]int{}},
		pods:      map[types.UID]*worker{},
		beating:   map[string]bool{},
		asleep:    map[string]bool{},
		recorders: map[v1.EventSource]record.EventRecorder{},
	}
	if c.IssueTokens {
		k.tokens = map[tokenKey]issued{}
	}
	if c.InMemoryLeases {
		k.beats = map[string]time.Time{}
	}
	if k.behavior == nil {
		k.behavior = DefaultBehavior
	}
	if c.State != nil {
		if err := json.Unmarshal(c.State, &k.memory); err != nil {
			return nil, fmt.Errorf("reading the state of the kubelets: %w", err)
		}
	}
	return k, nil
}

// Snapshot returns the state for Config.State after a restart.
func (k *Kubelet) Snapshot() ([]byte, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return json.Marshal(k.memory)
}

// Run runs the kubelets until the context ends.
func (k *Kubelet) Run(ctx context.Context) {
	k.events = record.NewBroadcaster(record.WithContext(ctx))
	events := newSink(&corev1.EventSinkImpl{Interface: k.client.CoreV1().Events("")}, &k.workers)
	k.events.StartRecordingToSink(events)
	defer k.events.Shutdown()
	core := k.shared.Core().V1()
	k.shared.Coordination().V1().Leases().Informer() // beat reads them
	handle(core.Nodes().Informer(), func(n *v1.Node) {
		k.adopt(ctx, n)
		k.revive(n)
	})
	if err := core.Pods().Informer().AddIndexers(cache.Indexers{byNode: nodeOf}); err != nil {
		utilruntime.HandleErrorWithContext(ctx, err, "The pods of a node cannot be found") // never: the name is ours
	}
	handle(core.Pods().Informer(), func(p *v1.Pod) { k.see(ctx, p) })
	k.shared.Start(ctx.Done())
	<-ctx.Done()
	events.close()
	k.workers.Wait()
}

// byNode is an index of the pods that are bound and have not ended.
const byNode = "seatrial/node"

func nodeOf(obj any) ([]string, error) {
	pod, ok := obj.(*v1.Pod)
	if !ok || pod.Spec.NodeName == "" || podutil.IsPodTerminal(pod) {
		return nil, nil
	}
	return []string{pod.Spec.NodeName}, nil
}

// handle calls f for every change of an object, also for a deletion.
func handle[T any](informer cache.SharedIndexInformer, f func(T)) {
	call := func(obj any) {
		if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
			obj = gone.Obj
		}
		if t, ok := obj.(T); ok {
			f(t)
		}
	}
	// It fails only for an informer that has stopped.
	_, _ = informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    call,
		UpdateFunc: func(_, obj any) { call(obj) },
		DeleteFunc: call,
	})
}

// worker syncs one pod.
type worker struct {
	namespace, name string
	changed         chan struct{}
	latest          *v1.Pod // as the API server last answered, which the informer may not know yet
}

func (w *worker) wake() {
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// see starts or wakes the worker of a pod that is bound to a node.
func (k *Kubelet) see(ctx context.Context, pod *v1.Pod) {
	if pod.Spec.NodeName == "" {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if w := k.pods[pod.UID]; w != nil {
		w.wake()
		return
	}
	if known := k.pod(pod.Namespace, pod.Name); known == nil || known.UID != pod.UID {
		return // a late notification: it is gone
	}
	k.remember(pod.UID)
	w := &worker{namespace: pod.Namespace, name: pod.Name, changed: make(chan struct{}, 1)}
	k.pods[pod.UID] = w
	k.workers.Add(1)
	go func() {
		defer k.workers.Done()
		defer k.forget(pod.UID)
		k.work(ctx, w, pod.UID)
	}()
}

// remember creates the state of a new pod.
func (k *Kubelet) remember(uid types.UID) {
	if k.memory.Pods[uid] == nil {
		k.memory.Pods[uid] = &podState{Slot: k.nextSlot(), Containers: map[string]*containerState{}}
	}
}

func (k *Kubelet) forget(uid types.UID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.pods, uid)
}

// wakeAll wakes the pods whose state satisfies so, in order. The caller holds the lock.
func (k *Kubelet) wakeAll(so func(*podState) bool) {
	var found []types.UID
	for uid := range k.pods {
		if s := k.memory.Pods[uid]; s != nil && so(s) {
			found = append(found, uid)
		}
	}
	slices.Sort(found)
	for _, uid := range found {
		k.pods[uid].wake()
	}
}

// detached wakes the pods that wait for a disk: one may be free now. The caller holds the lock.
func (k *Kubelet) detached() { k.wakeAll(func(s *podState) bool { return s.Detaching }) }

// work syncs one pod until it is gone.
func (k *Kubelet) work(ctx context.Context, w *worker, uid types.UID) {
	for {
		pod := k.latest(w)
		if pod == nil || pod.UID != uid {
			k.mu.Lock()
			delete(k.memory.Pods, uid)
			k.detached()
			k.mu.Unlock()
			return
		}
		due, err := k.sync(ctx, w, pod)
		switch {
		case apierrors.IsConflict(err):
			continue // the latest version is there now
		case err != nil:
			due = time.Now().Add(time.Second) // the API server did not agree: try again
		}
		if !w.idle(ctx, due) {
			return
		}
	}
}

// latest returns the latest known version of a pod, nil if it is gone. The informer may lag behind what the kubelet has
// written.
func (k *Kubelet) latest(w *worker) *v1.Pod {
	pod := k.pod(w.namespace, w.name)
	if pod == nil {
		return nil
	}
	if w.latest != nil && w.latest.UID == pod.UID {
		order, err := resourceversion.CompareResourceVersion(w.latest.ResourceVersion, pod.ResourceVersion)
		if err == nil && order > 0 {
			return w.latest
		}
	}
	w.latest = nil
	return pod
}

// idle waits for a change or until due; the zero time never comes.
func (w *worker) idle(ctx context.Context, due time.Time) bool {
	var timer <-chan time.Time
	if !due.IsZero() {
		t := time.NewTimer(time.Until(due))
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-ctx.Done():
		return false
	case <-w.changed:
	case <-timer:
	}
	return true
}

// nodeLook is the interval at which the kubelet checks for the node of a pod that has not begun.
const nodeLook = time.Second

// sync does what is due for a pod, and returns when to sync again.
func (k *Kubelet) sync(ctx context.Context, w *worker, pod *v1.Pod) (time.Time, error) {
	n := k.node(pod.Spec.NodeName)
	if n != nil && stopped(n) {
		return time.Time{}, nil // what others say of its pods stands
	}
	k.mu.Lock()
	state := k.memory.Pods[pod.UID]
	if n == nil && state.Started.IsZero() {
		k.mu.Unlock()
		return time.Now().Add(nodeLook), nil // it has no kubelet
	}
	m := &machine{now: time.Now(), pod: pod, state: state, env: k}
	ended := state.Ended
	due := m.step()
	if state.Ended && !ended {
		k.detached()
	}
	status := m.status()
	gone := state.Gone
	k.mu.Unlock()
	if len(m.events) > 0 {
		time.Sleep(apart(pod.UID))
	}
	for _, e := range m.events {
		time.Sleep(time.Microsecond) // events of one object are named by their time
		k.recorder(e.sourceOn(pod.Spec.NodeName)).Event(e.reference(pod), e.kind, e.reason, e.message)
	}
	if err := k.report(ctx, w, pod, status); err != nil {
		return time.Time{}, err
	}
	if !gone {
		return due, nil
	}
	zero := int64(0)
	err := k.client.CoreV1().Pods(pod.Namespace).Delete(
		ctx, pod.Name,
		metav1.DeleteOptions{GracePeriodSeconds: &zero, Preconditions: metav1.NewUIDPreconditions(string(pod.UID))},
	)
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		err = nil
	}
	return time.Time{}, err
}

// apart returns a delay that orders the events of pods that act at the same moment: all of them pass through one queue.
func apart(uid types.UID) time.Duration {
	h := fnv.New32a()
	h.Write([]byte(uid))
	return time.Duration(h.Sum32()%100_000) * time.Nanosecond
}

// report writes the status of a pod if it has changed. After a conflict w has a later version of the pod, for which the
// status has to be computed again.
func (k *Kubelet) report(ctx context.Context, w *worker, pod *v1.Pod, status v1.PodStatus) error {
	if same, err := storedAlike(&pod.Status, &status); same || err != nil {
		return err
	}
	update := *pod
	update.Status = status
	written, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, &update, metav1.UpdateOptions{})
	switch {
	case err == nil:
		w.latest = written
		return nil
	case apierrors.IsNotFound(err):
		return nil
	case !apierrors.IsConflict(err):
		return err
	}
	latest, got := k.client.CoreV1().Pods(pod.Namespace).Get(ctx, pod.Name, metav1.GetOptions{})
	switch {
	case apierrors.IsNotFound(got):
		return nil
	case got != nil:
		return got
	case latest.UID != pod.UID: // the informer will notify
		return nil
	}
	w.latest = latest
	return err
}

// storedAlike reports whether two statuses are stored as the same bytes.
func storedAlike(a, b *v1.PodStatus) (bool, error) {
	was, err := a.Marshal()
	if err != nil {
		return false, err
	}
	is, err := b.Marshal()
	return bytes.Equal(was, is), err
}

// foreign returns the conditions with those that others have set.
func foreign(latest, ours []v1.PodCondition) []v1.PodCondition {
	merged := slices.Clone(ours)
	for _, c := range latest {
		if !slices.ContainsFunc(ours, func(o v1.PodCondition) bool { return o.Type == c.Type }) {
			merged = append(merged, c)
		}
	}
	return merged
}

// recorder returns the event recorder of a component.
func (k *Kubelet) recorder(source v1.EventSource) record.EventRecorder {
	k.recording.Lock()
	defer k.recording.Unlock()
	if k.recorders[source] == nil {
		k.recorders[source] = k.events.NewRecorder(scheme.Scheme, source)
	}
	return k.recorders[source]
}

// The methods of environment, which are called with the lock held.

func (k *Kubelet) pod(namespace, name string) *v1.Pod {
	p, err := k.known.pods.Pods(namespace).Get(name)
	if err != nil {
		return nil
	}
	return p
}

func (k *Kubelet) configMap(namespace, name string) *v1.ConfigMap {
	c, err := k.known.configMaps.ConfigMaps(namespace).Get(name)
	if err != nil {
		return nil
	}
	return c
}

func (k *Kubelet) secret(namespace, name string) *v1.Secret {
	s, err := k.known.secrets.Secrets(namespace).Get(name)
	if err != nil {
		return nil
	}
	return s
}

func (k *Kubelet) trustBundle(name string) *certificatesv1.ClusterTrustBundle {
	b, err := k.known.bundles.Get(name)
	if err != nil {
		return nil
	}
	return b
}

func (k *Kubelet) trustBundlesOf(signer string, matching labels.Selector) []*certificatesv1.ClusterTrustBundle {
	bundles, err := k.known.bundles.List(matching)
	if err != nil {
		return nil // never: it reads a cache
	}
	return slices.DeleteFunc(bundles, func(b *certificatesv1.ClusterTrustBundle) bool {
		return b.Spec.SignerName != signer
	})
}

func (k *Kubelet) claim(namespace, name string) *v1.PersistentVolumeClaim {
	c, err := k.known.claims.PersistentVolumeClaims(namespace).Get(name)
	if err != nil {
		return nil
	}
	return c
}

func (k *Kubelet) volume(name string) *v1.PersistentVolume {
	v, err := k.known.volumes.Get(name)
	if err != nil {
		return nil
	}
	return v
}

// holders returns the pods on other nodes that have the volume of a claim mounted.
func (k *Kubelet) holders(pod *v1.Pod, claim string) (names []string) {
	pods, err := k.known.pods.Pods(pod.Namespace).List(labels.Everything())
	if err != nil {
		return nil
	}
	for _, p := range pods {
		state := k.memory.Pods[p.UID]
		if state == nil || !state.Mounted || state.Ended || p.Spec.NodeName == pod.Spec.NodeName {
			continue
		}
		if slices.ContainsFunc(p.Spec.Volumes, func(v v1.Volume) bool { return claimOf(p, &v) == claim }) {
			names = append(names, p.Name)
		}
	}
	slices.Sort(names)
	return names
}

func (k *Kubelet) node(name string) *v1.Node {
	n, err := k.known.nodes.Get(name)
	if err != nil {
		return nil
	}
	return n
}

func (k *Kubelet) behaviorOf(pod *v1.Pod, c *v1.Container) Behavior { return k.behavior(pod, c) }

func (k *Kubelet) hasImage(node, image string) bool {
	return slices.Contains(k.memory.Images[node], image)
}

func (k *Kubelet) keepImage(node, image string) {
	if !k.hasImage(node, image) {
		k.memory.Images[node] = append(k.memory.Images[node], image)
	}
}

// nextIP returns the next address of a node, and starts again when its range is used up.
func (k *Kubelet) nextIP(node string) string {
	prefix := "10.244.0"
	if n := k.node(node); n != nil {
		prefix = podPrefix(n)
	}
	k.memory.IPs[node] = k.memory.IPs[node]%253 + 1
	return fmt.Sprintf("%s.%d", prefix, k.memory.IPs[node]+1)
}

func (k *Kubelet) nextSlot() int {
	k.memory.Slot++
	return (k.memory.Slot - 1) % slots
}
