package controllers

import (
	"reflect"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coreinformers "k8s.io/client-go/informers/core/v1"
	appslisters "k8s.io/client-go/listers/apps/v1"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"

	sharedinformers "github.com/seatrial/seatrial/internal/cluster/informers"
)

// replicaSetPods are the pods as the ReplicaSet controller is notified of them. It looks at all pods of a ReplicaSet
// whenever one changes; a change of which a ReplicaSet that has all its pods reads nothing is not passed on.
type replicaSetPods struct {
	coreinformers.PodInformer
	replicaSets appslisters.ReplicaSetLister
}

func (p replicaSetPods) Informer() cache.SharedIndexInformer {
	same := func(x cache.Indexer) cache.Indexer { return x }
	return sharedinformers.View{SharedIndexInformer: p.PodInformer.Informer(), Index: same, Wrap: p.wrap}
}

func (p replicaSetPods) Lister() corelisters.PodLister { return p.PodInformer.Lister() }

func (p replicaSetPods) wrap(
	_ cache.SharedIndexInformer, handler cache.ResourceEventHandler,
) cache.ResourceEventHandler {
	return relevantUpdates{handler, p.replicaSets}
}

// relevantUpdates is a handler that is not called for irrelevant updates.
type relevantUpdates struct {
	cache.ResourceEventHandler
	replicaSets appslisters.ReplicaSetLister
}

func (h relevantUpdates) OnUpdate(before, now any) {
	if a, b := before.(*v1.Pod), now.(*v1.Pod); !sameForReplicaSet(a, b) || !h.hasItsPods(b) {
		h.ResourceEventHandler.OnUpdate(before, now)
	}
}

// hasItsPods reports whether the ReplicaSet of a pod has as many as it wants, all of them available when they are
// ready, and no failure that it tries again when anything changes.
func (h relevantUpdates) hasItsPods(pod *v1.Pod) bool {
	owner := metav1.GetControllerOfNoCopy(pod)
	if owner == nil || owner.Kind != "ReplicaSet" {
		return false
	}
	rs, err := h.replicaSets.ReplicaSets(pod.Namespace).Get(owner.Name)
	return err == nil && rs.UID == owner.UID && rs.DeletionTimestamp == nil && rs.Spec.MinReadySeconds == 0 &&
		rs.Spec.Replicas != nil && *rs.Spec.Replicas == rs.Status.Replicas &&
		rs.Generation == rs.Status.ObservedGeneration && len(rs.Status.Conditions) == 0
}

// sameForReplicaSet reports whether two versions of a pod are the same to its ReplicaSet: for its status, and for the
// pods that it has.
func sameForReplicaSet(a, b *v1.Pod) bool {
	return a.Status.Phase == b.Status.Phase && (a.DeletionTimestamp == nil) == (b.DeletionTimestamp == nil) &&
		podutil.IsPodReady(a) == podutil.IsPodReady(b) &&
		reflect.DeepEqual(a.Labels, b.Labels) && reflect.DeepEqual(a.OwnerReferences, b.OwnerReferences)
}
