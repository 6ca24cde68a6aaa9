package kubelet

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"net"
	"slices"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	kubeletevents "k8s.io/kubernetes/pkg/kubelet/events"
)

// How often a node renews its lease, and how long the lease is valid.
const (
	heartbeat   = 10 * time.Second
	leaseLength = 40 // seconds
)

// AnnotationStopped on a node stops its kubelet: it sends no heartbeat and syncs no pod.
const AnnotationStopped = "seatrial/stopped"

// stopped reports whether the kubelet of a node is stopped.
func stopped(n *v1.Node) bool { return n.Annotations[AnnotationStopped] == "true" }

// adopt starts the heartbeats of a node.
func (k *Kubelet) adopt(ctx context.Context, node *v1.Node) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.beating[node.Name] {
		return
	}
	k.beating[node.Name] = true
	name := node.Name
	k.workers.Add(1)
	go func() {
		defer k.workers.Done()
		for wait := heartbeat / 10_000; ; wait = k.beat(ctx, name) {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
		}
	}()
}

// revive wakes the pods of a node whose kubelet runs again.
func (k *Kubelet) revive(node *v1.Node) {
	k.mu.Lock()
	defer k.mu.Unlock()
	was := k.asleep[node.Name]
	k.asleep[node.Name] = stopped(node)
	if !was || stopped(node) {
		return
	}
	k.wakeAll(func(*podState) bool { return true })
}

// beat renews the lease of a node if that is due, sets its Ready condition if that is unknown, and returns the time
// until the next beat.
func (k *Kubelet) beat(ctx context.Context, name string) time.Duration {
	node := k.node(name)
	if node == nil || stopped(node) {
		return heartbeat
	}
	leases := k.shared.Coordination().V1().Leases()
	if !leases.Informer().HasSynced() {
		return heartbeat / 100
	}
	lease, err := leases.Lister().Leases(v1.NamespaceNodeLease).Get(name)
	if err == nil && isReady(node) && k.keepBeat(name) {
		return heartbeat
	}
	if err == nil && lease.Spec.RenewTime != nil && isReady(node) {
		if age := time.Since(lease.Spec.RenewTime.Time); age < heartbeat {
			return heartbeat - age
		}
	}
	k.renew(ctx, node, lease)
	if isReady(node) {
		return heartbeat
	}
	update := node.DeepCopy()
	Ready(update, k.version)
	if _, err := k.client.CoreV1().Nodes().UpdateStatus(ctx, update, metav1.UpdateOptions{}); err != nil {
		return heartbeat // the next beat tries again
	}
	k.recorder(sourceOf(name)).Event(
		&v1.ObjectReference{Kind: "Node", Name: name, UID: types.UID(name)}, v1.EventTypeNormal,
		kubeletevents.NodeReady,
		fmt.Sprintf("Node %s status is now: NodeReady", name),
	)
	return heartbeat
}

// keepBeat remembers a heartbeat, and reports whether that suffices.
func (k *Kubelet) keepBeat(name string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.beats == nil {
		return false
	}
	k.beats[name] = time.Now()
	return true
}

// LastBeat returns the last heartbeat of a node that was not written; zero if there was none.
func (k *Kubelet) LastBeat(node string) time.Time {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.beats[node]
}

// renew writes the lease of a node; the next beat repeats what fails.
func (k *Kubelet) renew(ctx context.Context, node *v1.Node, lease *coordinationv1.Lease) {
	leases := k.client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	now, length := metav1.NowMicro(), int32(leaseLength)
	if lease == nil {
		_, _ = leases.Create(ctx, &coordinationv1.Lease{
			ObjectMeta: metav1.ObjectMeta{Name: node.Name, OwnerReferences: []metav1.OwnerReference{{
				APIVersion: "v1", Kind: "Node", Name: node.Name, UID: node.UID,
			}}},
			Spec: coordinationv1.LeaseSpec{HolderIdentity: &node.Name, LeaseDurationSeconds: &length, RenewTime: &now},
		}, metav1.CreateOptions{})
		return
	}
	lease = lease.DeepCopy()
	lease.Spec.RenewTime = &now
	_, _ = leases.Update(ctx, lease, metav1.UpdateOptions{})
}

func isReady(n *v1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c v1.NodeCondition) bool {
		return c.Type == v1.NodeReady && c.Status == v1.ConditionTrue
	})
}

// offers are the capacity of a node that does not state its own.
var offers = v1.ResourceList{
	v1.ResourceCPU:              resource.MustParse("4"),
	v1.ResourceMemory:           resource.MustParse("8Gi"),
	v1.ResourceEphemeralStorage: resource.MustParse("100Gi"),
	v1.ResourcePods:             resource.MustParse("110"),
}

// Ready sets what a healthy kubelet reports of its node: labels and capacity where they are missing, conditions, and
// its version.
func Ready(node *v1.Node, version string) {
	label(node)
	s := &node.Status
	if s.Capacity == nil {
		s.Capacity = v1.ResourceList{}
		maps.Copy(s.Capacity, s.Allocatable)
	}
	for name, q := range offers {
		if _, said := s.Capacity[name]; !said {
			s.Capacity[name] = q
		}
	}
	if s.Allocatable == nil {
		s.Allocatable = v1.ResourceList{}
	}
	for name, q := range s.Capacity {
		if _, said := s.Allocatable[name]; !said {
			s.Allocatable[name] = q
		}
	}
	if len(s.Addresses) == 0 {
		s.Addresses = []v1.NodeAddress{
			{Type: v1.NodeInternalIP, Address: fmt.Sprintf("172.18.1.%d", drawn(node.Name))},
			{Type: v1.NodeHostName, Address: node.Name},
		}
	}
	if s.NodeInfo.KubeletVersion == "" {
		s.NodeInfo = v1.NodeSystemInfo{
			KubeletVersion: version, OperatingSystem: "linux", Architecture: "amd64",
			ContainerRuntimeVersion: "containerd://2.1.0", OSImage: "simulated", KernelVersion: "6.12.0",
		}
	}
	now := metav1.Now()
	for _, c := range []v1.NodeCondition{
		{
			Type: v1.NodeMemoryPressure, Status: v1.ConditionFalse, Reason: "KubeletHasSufficientMemory",
			Message: "kubelet has sufficient memory available",
		},
		{
			Type: v1.NodeDiskPressure, Status: v1.ConditionFalse, Reason: "KubeletHasNoDiskPressure",
			Message: "kubelet has no disk pressure",
		},
		{
			Type: v1.NodePIDPressure, Status: v1.ConditionFalse, Reason: "KubeletHasSufficientPID",
			Message: "kubelet has sufficient PID available",
		},
		{
			Type: v1.NodeReady, Status: v1.ConditionTrue, Reason: "KubeletReady",
			Message: "kubelet is posting ready status",
		},
	} {
		c.LastHeartbeatTime, c.LastTransitionTime = now, now
		i := slices.IndexFunc(s.Conditions, func(o v1.NodeCondition) bool { return o.Type == c.Type })
		if i < 0 {
			s.Conditions = append(s.Conditions, c)
			continue
		}
		if s.Conditions[i].Status == c.Status {
			c.LastTransitionTime = s.Conditions[i].LastTransitionTime
		}
		s.Conditions[i] = c
	}
}

// label sets the labels with which a kubelet registers: the scheduler spreads pods by them.
func label(node *v1.Node) {
	labels := map[string]string{v1.LabelHostname: node.Name, v1.LabelOSStable: "linux", v1.LabelArchStable: "amd64"}
	maps.Copy(labels, node.Labels)
	node.Labels = labels
}

// podPrefix returns how the addresses of a node's pods begin: as its pod range, or by its name.
func podPrefix(n *v1.Node) string {
	if _, cidr, err := net.ParseCIDR(n.Spec.PodCIDR); err == nil {
		if ip := cidr.IP.To4(); ip != nil {
			return fmt.Sprintf("%d.%d.%d", ip[0], ip[1], ip[2])
		}
	}
	return fmt.Sprintf("10.244.%d", drawn(n.Name))
}

// drawn returns a number below 250 that depends on a name alone.
func drawn(name string) int {
	h := fnv.New32a()
	h.Write([]byte(name))
	return int(h.Sum32() % 250)
}

// hostIP returns the internal address of a node.
func hostIP(n *v1.Node) string {
	if n == nil {
		return ""
	}
	for _, a := range n.Status.Addresses {
		if a.Type == v1.NodeInternalIP {
			return a.Address
		}
	}
	return ""
}
