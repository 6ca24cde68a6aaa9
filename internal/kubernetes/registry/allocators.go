package registry

import (
	"net"

	utilnet "k8s.io/apimachinery/pkg/util/net"
	api "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/registry/core/service/ipallocator"
	"k8s.io/kubernetes/pkg/registry/core/service/portallocator"
)

// The ranges from which Services get addresses and ports, as by default.
var (
	serviceRange   = &net.IPNet{IP: net.IPv4(10, 96, 0, 0).To4(), Mask: net.CIDRMask(16, 32)}
	serviceRangeV6 = &net.IPNet{IP: net.ParseIP("fd00:10:96::"), Mask: net.CIDRMask(112, 128)}
	nodePorts      = utilnet.PortRange{Base: 30000, Size: 2768}
)

// Allocators assign the addresses and ports of Services. Upstream keeps the allocations in etcd; these are in memory.
type Allocators struct {
	IPv4, IPv6 ipallocator.Interface // a nil allocator: the cluster has no addresses of that family
	Ports      portallocator.Interface
}

// NewAllocators returns the allocators of an IPv4 cluster.
func NewAllocators() (*Allocators, error) {
	addresses, err := ipallocator.NewInMemory(serviceRange)
	if err != nil {
		return nil, err
	}
	ports, err := portallocator.NewInMemory(nodePorts)
	if err != nil {
		return nil, err
	}
	return &Allocators{IPv4: addresses, Ports: ports}, nil
}

// NewPermissiveAllocators returns allocators of both families that accept every address: its range is a setting
// of the cluster that a manifest is for.
func NewPermissiveAllocators() (*Allocators, error) {
	a, err := NewAllocators()
	if err != nil {
		return nil, err
	}
	v6, err := ipallocator.NewInMemory(serviceRangeV6)
	if err != nil {
		return nil, err
	}
	a.IPv4, a.IPv6 = permissive{a.IPv4}, permissive{v6}
	return a, nil
}

func (a *Allocators) families() map[api.IPFamily]ipallocator.Interface {
	families := map[api.IPFamily]ipallocator.Interface{api.IPv4Protocol: a.IPv4}
	if a.IPv6 != nil {
		families[api.IPv6Protocol] = a.IPv6
	}
	return families
}

// permissive is an allocator that accepts every address.
type permissive struct{ ipallocator.Interface }

func (permissive) Allocate(net.IP) error { return nil }

func (p permissive) DryRun() ipallocator.Interface { return permissive{p.Interface.DryRun()} }
