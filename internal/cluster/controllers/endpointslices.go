package controllers

import (
	"cmp"
	"context"
	"slices"

	discovery "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	typed "k8s.io/client-go/kubernetes/typed/discovery/v1"
)

// sortingEndpoints is a client that sorts the endpoints of a slice by address. The controller collects them in a map.
type sortingEndpoints struct{ kubernetes.Interface }

func (c sortingEndpoints) DiscoveryV1() typed.DiscoveryV1Interface {
	return sortingDiscovery{c.Interface.DiscoveryV1()}
}

type sortingDiscovery struct{ typed.DiscoveryV1Interface }

func (c sortingDiscovery) EndpointSlices(namespace string) typed.EndpointSliceInterface {
	return sortingSlices{c.DiscoveryV1Interface.EndpointSlices(namespace)}
}

type sortingSlices struct{ typed.EndpointSliceInterface }

func (c sortingSlices) Create(
	ctx context.Context, s *discovery.EndpointSlice, o metav1.CreateOptions,
) (*discovery.EndpointSlice, error) {
	return c.EndpointSliceInterface.Create(ctx, sortedEndpoints(s), o)
}

func (c sortingSlices) Update(
	ctx context.Context, s *discovery.EndpointSlice, o metav1.UpdateOptions,
) (*discovery.EndpointSlice, error) {
	return c.EndpointSliceInterface.Update(ctx, sortedEndpoints(s), o)
}

// sortedEndpoints returns a slice with its endpoints sorted by address.
func sortedEndpoints(s *discovery.EndpointSlice) *discovery.EndpointSlice {
	sorted := *s
	sorted.Endpoints = slices.Clone(s.Endpoints)
	slices.SortStableFunc(sorted.Endpoints, func(a, b discovery.Endpoint) int {
		return cmp.Or(slices.Compare(a.Addresses, b.Addresses), cmp.Compare(nameOfTarget(a), nameOfTarget(b)))
	})
	return &sorted
}

func nameOfTarget(e discovery.Endpoint) string {
	if e.TargetRef == nil {
		return ""
	}
	return e.TargetRef.Name
}
