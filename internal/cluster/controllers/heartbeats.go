package controllers

import (
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationinformers "k8s.io/client-go/informers/coordination/v1"
	coordinationlisters "k8s.io/client-go/listers/coordination/v1"
)

// inMemoryHeartbeats are the leases of nodes as if every heartbeat were written.
type inMemoryHeartbeats struct {
	coordinationinformers.TypedLeaseInformer
	last func(node string) time.Time // heartbeat; zero: only written ones
}

func (r inMemoryHeartbeats) Lister() coordinationlisters.LeaseLister {
	return heartbeatLister{r.TypedLeaseInformer.Lister(), r.last}
}

type heartbeatLister struct {
	coordinationlisters.LeaseLister
	last func(node string) time.Time
}

func (l heartbeatLister) Leases(namespace string) coordinationlisters.LeaseNamespaceLister {
	return heartbeatLeases{l.LeaseLister.Leases(namespace), l.last}
}

type heartbeatLeases struct {
	coordinationlisters.LeaseNamespaceLister
	last func(node string) time.Time
}

func (l heartbeatLeases) Get(name string) (*coordinationv1.Lease, error) {
	lease, err := l.LeaseNamespaceLister.Get(name)
	if err != nil {
		return nil, err
	}
	last := metav1.NewMicroTime(l.last(name))
	if lease.Spec.RenewTime != nil && !lease.Spec.RenewTime.Before(&last) {
		return lease, nil
	}
	lease = lease.DeepCopy()
	lease.Spec.RenewTime = &last
	return lease, nil
}
