package controllers

import (
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	appslisters "k8s.io/client-go/listers/apps/v1"
	"k8s.io/client-go/tools/cache"
)

// TestReplicaSetHearsOfWhatItReads updates a pod of a ReplicaSet, and looks whether its controller is notified.
func TestReplicaSetHearsOfWhatItReads(t *testing.T) {
	for name, c := range map[string]struct {
		set   func(*appsv1.ReplicaSet)
		pod   func(*v1.Pod)
		heard bool
	}{
		"address":  {pod: func(p *v1.Pod) { p.Status.PodIP = "10.0.0.1" }},
		"node":     {pod: func(p *v1.Pod) { p.Spec.NodeName = "node-1" }},
		"phase":    {pod: func(p *v1.Pod) { p.Status.Phase = v1.PodFailed }, heard: true},
		"deletion": {pod: func(p *v1.Pod) { p.DeletionTimestamp = &metav1.Time{} }, heard: true},
		"label":    {pod: func(p *v1.Pod) { p.Labels = map[string]string{"app": "other"} }, heard: true},
		"owner":    {pod: func(p *v1.Pod) { p.OwnerReferences = nil }, heard: true},
		"ready": {pod: func(p *v1.Pod) {
			p.Status.Conditions = []v1.PodCondition{{Type: v1.PodReady, Status: v1.ConditionTrue}}
		}, heard: true},
		"address, pods are missing": {
			set: func(rs *appsv1.ReplicaSet) { rs.Status.Replicas = 1 },
			pod: func(p *v1.Pod) { p.Status.PodIP = "10.0.0.1" }, heard: true,
		},
		"address, pods could not be created": {
			set: func(rs *appsv1.ReplicaSet) {
				rs.Status.Conditions = []appsv1.ReplicaSetCondition{{Type: appsv1.ReplicaSetReplicaFailure}}
			},
			pod: func(p *v1.Pod) { p.Status.PodIP = "10.0.0.1" }, heard: true,
		},
		"address, pods have to be ready for a while": {
			set: func(rs *appsv1.ReplicaSet) { rs.Spec.MinReadySeconds = 5 },
			pod: func(p *v1.Pod) { p.Status.PodIP = "10.0.0.1" }, heard: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			replicas, yes := int32(2), true
			rs := &appsv1.ReplicaSet{
				ObjectMeta: metav1.ObjectMeta{Namespace: "one", Name: "web", UID: "web"},
				Spec:       appsv1.ReplicaSetSpec{Replicas: &replicas},
				Status:     appsv1.ReplicaSetStatus{Replicas: replicas},
			}
			if c.set != nil {
				c.set(rs)
			}
			index := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{
				cache.NamespaceIndex: cache.MetaNamespaceIndexFunc,
			})
			if err := index.Add(rs); err != nil {
				t.Fatal(err)
			}
			before := &v1.Pod{ObjectMeta: metav1.ObjectMeta{
				Namespace: "one", Name: "web-1", Labels: map[string]string{"app": "web"},
				OwnerReferences: []metav1.OwnerReference{
					{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "web", UID: "web", Controller: &yes},
				},
			}}
			now := before.DeepCopy()
			c.pod(now)
			heard := false
			relevantUpdates{cache.ResourceEventHandlerFuncs{
				UpdateFunc: func(any, any) { heard = true },
			}, appslisters.NewReplicaSetLister(index)}.OnUpdate(before, now)
			if heard != c.heard {
				t.Errorf("notified: %t, want %t", heard, c.heard)
			}
		})
	}
}
