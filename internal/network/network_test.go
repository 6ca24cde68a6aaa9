package network_test

import (
	"cmp"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/internal/network"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
	"github.com/seatrial/seatrial/validation"
)

// cast are the pods that the cases are about: a, b and c in each of namespaces x, y and z, which listen on TCP 80 and
// 81, UDP 80 and SCTP 80. Namespace z has no labels but its name; "far" is not defined.
const cast = `
apiVersion: v1
kind: Namespace
metadata: {name: x, labels: {ns: x}}
---
apiVersion: v1
kind: Namespace
metadata: {name: "y", labels: {ns: "y"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: z}
`

func podIn(namespace, name string) string {
	return fmt.Sprintf(`---
apiVersion: v1
kind: Pod
metadata: {name: %q, namespace: %q, labels: {pod: %q}}
spec: {containers: [{name: a, image: a, ports: [{name: serve-80-tcp, containerPort: 80}, {name: serve-81-tcp, containerPort: 81}, {name: serve-80-udp, containerPort: 80, protocol: UDP}, {name: serve-80-sctp, containerPort: 80, protocol: SCTP}]}]}
`, name, namespace, name)
}

// setOf reads a set.
func setOf(t *testing.T, text string) *lint.Set {
	t.Helper()
	v, err := validation.New()
	if err != nil {
		t.Fatal(err)
	}
	docs, findings := manifest.Read(source.NewFile("a.yaml", []byte(text)), manifest.DefaultLimits)
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	var all []*lint.Resource
	for _, d := range docs {
		verdict := v.Create(
			t.Context(), schema.FromAPIVersionAndKind(d.Object.APIVersion, d.Object.Kind), d.JSON,
			cmp.Or(d.Object.Namespace, "x"),
		)
		if !verdict.Accepted() {
			t.Fatal(verdict.Causes)
		}
		all = append(all, lint.ResourceOf(d, verdict))
	}
	return lint.NewSet(all, nil)
}

// end reads x/a, an address, "internet" or "dns".
func end(t *testing.T, set *lint.Set, text string) network.End {
	t.Helper()
	if namespace, name, ok := strings.Cut(text, "/"); ok {
		if r := set.Get("", "Pod", namespace, name); r != nil {
			return network.Pods(r)
		}
		t.Fatalf("no pod %s", text)
	}
	switch text {
	case "internet":
		return network.End{Outside: true}
	case "dns":
		return network.DNS()
	}
	return network.End{Outside: true, Address: netip.MustParseAddr(text)}
}

// TestPolicies holds the semantics against the cases of Kubernetes' own conformance tests, and their near misses: a
// line is FROM TO PORT/PROTOCOL and the verdict.
func TestPolicies(t *testing.T) {
	verdicts := map[string]network.Verdict{
		"blocked": network.Blocked, "depends": network.Depends, "allowed": network.Allowed,
	}
	for name, c := range map[string]struct{ policies, want string }{
		"no policy": {"", `
			y/a x/a 80/TCP allowed
			x/a internet 80/TCP allowed
			internet x/a 80/TCP allowed`},
		"deny all ingress": {`x: {podSelector: {}}`, `
			x/b x/a 80/TCP blocked
			y/b x/a 80/TCP blocked
			internet x/a 80/TCP blocked
			x/a y/a 80/TCP allowed
			x/a y/a 80/UDP allowed`},
		"deny all": {`x: {podSelector: {}, policyTypes: [Ingress, Egress]}`, `
			x/b x/a 80/TCP blocked
			x/a y/a 80/TCP blocked
			x/a dns 53/UDP blocked
			x/a internet 443/TCP blocked
			y/a z/a 80/TCP allowed`},
		"allow all by an empty rule": {`x: {podSelector: {}, ingress: [{}]}`, `
			y/b x/a 80/TCP allowed
			internet x/a 81/TCP allowed`},
		"pod selector means pods of the policy's namespace": {`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}`, `
			x/b x/a 80/TCP allowed
			x/c x/a 80/TCP blocked
			y/b x/a 80/TCP blocked
			x/c x/b 80/TCP allowed`},
		"namespace selector": {`x: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}}]}]}`, `
			y/a x/a 80/TCP allowed
			z/a x/a 80/TCP blocked
			x/b x/a 80/TCP blocked
			far/a x/a 80/TCP depends`},
		"namespace by its name": {`x: {podSelector: {}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: z}}}]}]}`, `
			z/a x/a 80/TCP allowed
			y/a x/a 80/TCP blocked
			far/a x/a 80/TCP blocked`},
		"all namespaces": {`x: {podSelector: {}, ingress: [{from: [{namespaceSelector: {}}]}]}`, `
			far/a x/a 80/TCP allowed
			internet x/a 80/TCP blocked`},
		"both selectors in one peer": {`x: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {pod: b}}, namespaceSelector: {matchLabels: {ns: "y"}}}]}]}`, `
			y/b x/a 80/TCP allowed
			y/c x/a 80/TCP blocked
			x/b x/a 80/TCP blocked`},
		"selectors in two peers": {`x: {podSelector: {}, ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}, {namespaceSelector: {matchLabels: {ns: "y"}}}]}]}`, `
			y/b x/a 80/TCP allowed
			y/c x/a 80/TCP allowed
			x/b x/a 80/TCP allowed
			x/c x/a 80/TCP blocked`},
		"match expressions": {`x: {podSelector: {matchExpressions: [{key: pod, operator: In, values: [a]}]}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}}]}]}`, `
			y/a x/a 80/TCP allowed
			z/a x/a 80/TCP allowed
			x/b x/a 80/TCP blocked`},
		"a port": {`x: {podSelector: {}, ingress: [{ports: [{port: 81}]}]}`, `
			y/a x/a 81/TCP allowed
			y/a x/a 80/TCP blocked
			y/a x/a 81/UDP blocked`},
		"a named port": {`x: {podSelector: {}, ingress: [{ports: [{port: serve-81-tcp}]}]}`, `
			y/a x/a 81/TCP allowed
			y/a x/a 80/TCP blocked`},
		"a named port that nobody has": {`x: {podSelector: {}, ingress: [{ports: [{port: web}]}]}`, `
			y/a x/a 80/TCP blocked`},
		"a named port of an egress rule is the receiver's": {`x: {podSelector: {}, policyTypes: [Egress], egress: [{ports: [{port: serve-80-udp, protocol: UDP}]}]}`, `
			x/a y/a 80/UDP allowed
			x/a y/a 80/TCP blocked`},
		"a range of ports": {`x: {podSelector: {}, ingress: [{ports: [{port: 79, endPort: 80}]}]}`, `
			y/a x/a 80/TCP allowed
			y/a x/a 81/TCP blocked`},
		"a protocol alone": {`x: {podSelector: {}, ingress: [{ports: [{protocol: UDP}]}]}`, `
			y/a x/a 80/UDP allowed
			y/a x/a 80/TCP blocked
			y/a x/a 80/SCTP blocked`},
		"SCTP": {`x: {podSelector: {}, ingress: [{ports: [{protocol: SCTP, port: 80}]}]}`, `
			y/a x/a 80/SCTP allowed
			y/a x/a 80/TCP blocked`},
		"two policies add": {`x: {podSelector: {}, ingress: [{ports: [{port: 80}]}]}
x: {podSelector: {}, ingress: [{ports: [{port: 81}]}]}`, `
			y/a x/a 80/TCP allowed
			y/a x/a 81/TCP allowed
			y/a x/a 82/TCP blocked`},
		"a policy that allows overrules one that denies": {`x: {podSelector: {}}
x: {podSelector: {matchLabels: {pod: a}}, ingress: [{}]}`, `
			y/a x/a 80/TCP allowed
			y/a x/b 80/TCP blocked`},
		"both ends have to allow": {`x: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {ns: "y"}}}]}]}
y: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: z}}}]}]}`, `
			x/a y/b 80/TCP allowed
			x/a y/a 80/TCP blocked
			z/a y/a 80/TCP allowed`},
		"egress alone does not isolate for ingress": {`x: {podSelector: {}, policyTypes: [Egress]}`, `
			y/a x/a 80/TCP allowed
			x/a y/a 80/TCP blocked`},
		"egress rules without policyTypes isolate both ways": {`x: {podSelector: {}, egress: [{to: [{podSelector: {}}]}]}`, `
			x/a y/a 80/TCP blocked
			y/a x/a 80/TCP blocked
			x/a x/b 80/TCP blocked`},
		"an address": {`x: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 192.0.2.0/24, except: [192.0.2.128/25]}}]}]}`, `
			x/a 192.0.2.7 80/TCP allowed
			x/a 192.0.2.200 80/TCP blocked
			x/a 198.51.100.1 80/TCP blocked
			x/a internet 80/TCP depends
			x/a y/a 80/TCP blocked`},
		"every address": {`x: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0}}]}]}`,
			`
			x/a internet 443/TCP allowed
			x/a y/a 80/TCP allowed
			x/a dns 53/UDP allowed`},
		"every address outside": {`x: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 0.0.0.0/0, except: [10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16]}}]}]}`, `
			x/a internet 443/TCP allowed
			x/a 10.1.2.3 443/TCP blocked
			x/a y/a 80/TCP depends`},
		"addresses of pods are not known": {`x: {podSelector: {}, ingress: [{from: [{ipBlock: {cidr: 10.0.0.0/8}}]}]}`,
			`
			y/a x/a 80/TCP depends
			internet x/a 80/TCP blocked`},
		"DNS": {`x: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: kube-system}}, podSelector: {matchLabels: {k8s-app: kube-dns}}}], ports: [{port: 53, protocol: UDP}]}]}`, `
			x/a dns 53/UDP allowed
			x/a dns 53/TCP blocked`},
	} {
		t.Run(name, func(t *testing.T) {
			text := cast
			for _, ns := range []string{"x", "y", "z", "far"} {
				for _, pod := range []string{"a", "b", "c"} {
					text += podIn(ns, pod)
				}
			}
			for i, line := range strings.Split(c.policies, "\n") {
				if ns, spec, ok := strings.Cut(line, ": "); ok {
					text += fmt.Sprintf(
						"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p%d, namespace: %q}\nspec: %s\n",
						i, ns, spec,
					)
				}
			}
			set := setOf(t, text)
			for _, line := range strings.Split(strings.TrimSpace(c.want), "\n") {
				f := strings.Fields(line)
				number, protocol, _ := strings.Cut(f[2], "/")
				port, err := strconv.Atoi(number)
				if err != nil || verdicts[f[3]] == 0 {
					t.Fatalf("cannot read %q", line)
				}
				a := network.Of(set).Ask(
					end(t, set, f[0]), end(t, set, f[1]), network.Port{Number: int32(port), Protocol: protocol},
				)
				if got := a.Verdict(); got != verdicts[f[3]] {
					t.Errorf("%s: verdict %d, want %s", strings.Join(f[:3], " "), got, f[3])
				}
			}
		})
	}
}

// TestServices finds the Service that a name means.
func TestServices(t *testing.T) {
	set := setOf(t, `
apiVersion: v1
kind: Service
metadata: {name: api, namespace: x}
spec: {selector: {pod: a}, ports: [{name: http, port: 8080, targetPort: serve-80-tcp}, {name: more, port: 81}]}
`+podIn("x", "a"))
	s := network.Of(set)
	for name, found := range map[string]bool{
		"api": true, "api.x": true, "api.x.svc": true, "api.x.svc.cluster.local": true, "a.api": true,
		"a.api.x.svc": true,
		"api.y":       false, "api.example.com": false, "other": false,
	} {
		if got := s.Service("x", name); (got != nil) != found {
			t.Errorf("%s: found %v, want %v", name, got != nil, found)
		}
	}
	all := s.Backends(s.Service("x", "api"), 0)
	if len(all) != 2 || all[0].Port != (network.Port{Number: 80, Protocol: "TCP"}) || all[1].Port.Number != 81 {
		t.Errorf("backends are %v", all)
	}
	if got := s.Backends(s.Service("x", "api"), 8080); len(got) != 1 || got[0].Port.Number != 80 {
		t.Errorf("backends of 8080 are %v", got)
	}
}
