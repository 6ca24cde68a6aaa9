package kubelet

import (
	"context"
	"hash/fnv"
	"net"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// How often a node renews its lease, and for how long the lease holds.
const (
	heartbeat   = 10 * time.Second
	leaseLength = 40 // seconds
)

// AnnotationStopped on a node stops its kubelet: no heartbeat, no pod is acted on.
const AnnotationStopped = "seatrial/stopped"

// adopt begins the heartbeats of a node. Its status is what its creator wrote.
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
		wait.UntilWithContext(ctx, func(ctx context.Context) { k.beat(ctx, name) }, heartbeat)
	}()
}

// beat renews the lease of a node.
func (k *Kubelet) beat(ctx context.Context, name string) {
	node := k.node(name)
	if node == nil || node.Annotations[AnnotationStopped] == "true" {
		return
	}
	leases := k.client.CoordinationV1().Leases(v1.NamespaceNodeLease)
	now, length := metav1.NowMicro(), int32(leaseLength)
	lease, err := leases.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		_, _ = leases.Create(ctx, &coordinationv1.Lease{ // the next beat tries again
			ObjectMeta: metav1.ObjectMeta{Name: name, OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Node", Name: name, UID: node.UID}}},
			Spec:       coordinationv1.LeaseSpec{HolderIdentity: &name, LeaseDurationSeconds: &length, RenewTime: &now},
		}, metav1.CreateOptions{})
		return
	}
	lease.Spec.RenewTime = &now
	_, _ = leases.Update(ctx, lease, metav1.UpdateOptions{})
}

// nodeIndex is the third number of a node's pod addresses: that of its pod range, or drawn from
// its name.
func nodeIndex(n *v1.Node) int {
	if _, cidr, err := net.ParseCIDR(n.Spec.PodCIDR); err == nil {
		if ip := cidr.IP.To4(); ip != nil {
			return int(ip[2])
		}
	}
	h := fnv.New32a()
	h.Write([]byte(n.Name))
	return int(h.Sum32() % 250)
}

// hostIP is the internal address of a node.
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
