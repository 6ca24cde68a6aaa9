package network

import (
	"fmt"
	"net/netip"
	"slices"

	networkingv1 "k8s.io/api/networking/v1"
)

// private are the ranges that pods and nodes have their addresses from.
var private = []netip.Prefix{
	netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("100.64.0.0/10"), netip.MustParsePrefix("fc00::/7"),
}

// matchBlock reports whether a block of addresses holds an end. The address of a pod is not known before it runs.
func matchBlock(block *networkingv1.IPBlock, end End) Verdict {
	cidr, err := netip.ParsePrefix(block.CIDR)
	if err != nil {
		return Blocked
	}
	var except []netip.Prefix
	for _, e := range block.Except {
		if p, err := netip.ParsePrefix(e); err == nil {
			except = append(except, p)
		}
	}
	if end.Address.IsValid() {
		excepted := slices.ContainsFunc(except, func(p netip.Prefix) bool { return p.Contains(end.Address) })
		return verdict(cidr.Contains(end.Address) && !excepted)
	}
	if end.Outside {
		return matchInternet(cidr, except)
	}
	isPrivate := func(p netip.Prefix) bool { return slices.ContainsFunc(private, p.Overlaps) }
	switch {
	case !isPrivate(cidr):
		return Blocked
	case cidr.Bits() == 0 && !slices.ContainsFunc(except, isPrivate):
		return Allowed
	}
	return Depends
}

// matchInternet reports whether a block holds the addresses outside of private networks.
func matchInternet(cidr netip.Prefix, except []netip.Prefix) Verdict {
	inside := func(p netip.Prefix) bool {
		return slices.ContainsFunc(
			private, func(o netip.Prefix) bool { return o.Bits() <= p.Bits() && o.Contains(p.Addr()) },
		)
	}
	switch {
	case inside(cidr):
		return Blocked
	case cidr.Bits() == 0 && !slices.ContainsFunc(except, func(p netip.Prefix) bool { return !inside(p) }):
		return Allowed
	case slices.ContainsFunc(except,
		func(p netip.Prefix) bool { return p.Bits() <= cidr.Bits() && p.Contains(cidr.Addr()) }):
		return Blocked
	}
	return Depends
}

func has[T comparable](list []T, v T) bool { return slices.Contains(list, v) }

func element(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }
