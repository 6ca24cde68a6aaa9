package network_test

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/network"
)

// TestReachability holds whole tables against policies, in the manner of Kubernetes' conformance tests: of nine pods in
// three namespaces each may reach each other one, but for what the lines of a case say, of which the last that is about
// two pods counts: FROM TO allowed|blocked, where * is any name. What a pod sends to itself is not asked.
func TestReachability(t *testing.T) {
	const (
		fromY    = `from: [{namespaceSelector: {matchLabels: {ns: "y"}}}]`
		toY      = `to: [{namespaceSelector: {matchLabels: {ns: "y"}}}]`
		denyAll  = "*/* x/* blocked\nx/* */* blocked"
		denyIn   = "*/* x/* blocked"
		denyInA  = "*/* x/a blocked"
		denyOutA = "x/a */* blocked"
	)
	for _, c := range []struct{ name, policies, port, want string }{
		{"ingress denied for a namespace", `x: {podSelector: {}, policyTypes: [Ingress]}`, "80/TCP", denyIn},
		{
			"both directions denied for a namespace", `x: {podSelector: {}, policyTypes: [Ingress, Egress]}`, "80/TCP",
			denyAll,
		},
		{
			"from a pod of the server's namespace",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}`,
			"80/TCP", denyInA + "\nx/b x/a allowed",
		},
		{"denied for all, allowed for one target", `x: {podSelector: {}, policyTypes: [Ingress]}
x: {podSelector: {matchLabels: {pod: a}}, ingress: [{}]}`, "80/TCP", denyIn + "\n*/* x/a allowed"},
		{
			"from pods of all namespaces",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {}}]}]}`, "80/TCP", "",
		},
		{
			"from another namespace", `x: {podSelector: {matchLabels: {pod: a}}, ingress: [{` + fromY + `}]}`, "80/TCP",
			denyInA + "\ny/* x/a allowed",
		},
		{
			"expressions about pods",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchExpressions: [{key: pod, operator: In, values: [b]}]}}]}]}`,
			"80/TCP", denyInA + "\nx/b x/a allowed",
		},
		{
			"expressions about namespaces",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: ns, operator: In, values: ["y"]}]}}]}]}`,
			"80/TCP", denyInA + "\ny/* x/a allowed",
		},
		{
			"a label that exists, and one that does not",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: ns, operator: Exists}, {key: other, operator: DoesNotExist}]}}]}]}`,
			"80/TCP", denyInA + "\nx/* x/a allowed\ny/* x/a allowed",
		},
		{
			"pods or namespaces",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}}, {podSelector: {matchExpressions: [{key: pod, operator: NotIn, values: [b, c]}]}}]}]}`,
			"80/TCP", "x/b x/a blocked\nx/c x/a blocked",
		},
		{
			"pods and namespaces",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}, podSelector: {matchExpressions: [{key: pod, operator: NotIn, values: [b, c]}]}}]}]}`,
			"80/TCP", denyInA + "\ny/a x/a allowed\nz/a x/a allowed",
		},
		{
			"several values of both",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: ns, operator: NotIn, values: [x]}]}, podSelector: {matchExpressions: [{key: pod, operator: In, values: [b, c]}]}}]}]}`,
			"80/TCP", denyInA + "\ny/b x/a allowed\ny/c x/a allowed\nz/b x/a allowed\nz/c x/a allowed",
		},
		{
			"any of several pods",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}, {podSelector: {matchLabels: {pod: c}}}]}]}`,
			"80/TCP", denyInA + "\nx/b x/a allowed\nx/c x/a allowed",
		},
		{
			"one pod of another namespace",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: "y"}}, podSelector: {matchLabels: {pod: a}}}]}]}`,
			"80/TCP", denyInA + "\ny/a x/a allowed",
		},
		{
			"one port from one namespace",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{` + fromY + `, ports: [{port: 81}]}]}`, "81/TCP",
			denyInA + "\ny/* x/a allowed",
		},
		{
			"another port than the one",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{` + fromY + `, ports: [{port: 81}]}]}`, "80/TCP",
			denyInA,
		},
		{"stacked policies", `x: {podSelector: {matchLabels: {pod: a}}, ingress: [{` + fromY + `, ports: [{port: 81}]}]}
x: {podSelector: {matchLabels: {pod: a}}, ingress: [{` + fromY + `, ports: [{port: 80}]}]}`, "80/TCP", denyInA + "\ny/* x/a allowed"},
		{"all allowed", `x: {podSelector: {}, ingress: [{}]}`, "81/TCP", ""},
		{
			"a named port", `x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: serve-81-tcp}]}]}`,
			"80/TCP", denyInA,
		},
		{
			"a named port, asked for",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: serve-81-tcp}]}]}`, "81/TCP", "",
		},
		{
			"a named port from a namespace",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{` + fromY + `, ports: [{port: serve-80-tcp}]}]}`,
			"80/TCP", denyInA + "\ny/* x/a allowed",
		},
		{
			"a named port of what is sent to",
			`x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{ports: [{port: serve-80-tcp}]}]}`,
			"80/TCP", "",
		},
		{
			"another port of what is sent to",
			`x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{ports: [{port: serve-80-tcp}]}]}`,
			"81/TCP", denyOutA,
		},
		{
			"a port of another protocol is not every port",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 80, protocol: UDP}]}]}`, "81/UDP",
			denyInA,
		},
		{
			"other namespaces denied", `x: {podSelector: {}, ingress: [{from: [{podSelector: {}}]}]}`, "80/TCP",
			denyIn + "\nx/* x/* allowed",
		},
		{
			"egress of a pod denied", `x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress]}`, "80/TCP",
			denyOutA,
		},
		{"egress of a namespace denied", `y: {podSelector: {}, policyTypes: [Egress]}`, "80/TCP", "y/* */* blocked"},
		{
			"ingress and egress in one policy",
			`x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress, Egress], ingress: [{` + fromY +
				`}], egress: [{` + toY + `}]}`,
			"80/TCP", denyInA + "\n" + denyOutA + "\ny/* x/a allowed\nx/a y/* allowed",
		},
		{"the client's side denies what the server's allows",
			`x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {pod: b}}}]}]}
y: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {ns: x}}, podSelector: {matchLabels: {pod: a}}}]}]}`, "80/TCP", denyOutA + "\nx/a x/b allowed\n*/* y/a blocked"},
		{
			"egress to a pod of another namespace",
			`x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{namespaceSelector: {matchLabels: {ns: "y"}}, podSelector: {matchLabels: {pod: a}}}]}]}`,
			"80/TCP", denyOutA + "\nx/a y/a allowed",
		},
		{
			"every port of a protocol",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{protocol: TCP}]}]}`, "81/TCP", "",
		},
		{
			"every port of another protocol",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{protocol: TCP}]}]}`, "80/UDP", denyInA,
		},
		{"a policy that allows all beside one that does not",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}
x: {podSelector: {}, ingress: [{}]}`, "80/TCP", ""},
		{"egress: all allowed beside one",
			`x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {pod: b}}}]}]}
x: {podSelector: {}, policyTypes: [Egress], egress: [{}]}`, "80/TCP", ""},
		{"ingress and egress of one pod are independent",
			`x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Ingress], ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}]}
x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], egress: [{to: [{podSelector: {matchLabels: {pod: c}}}]}]}`, "80/TCP", denyInA + "\n" + denyOutA + "\nx/b x/a allowed\nx/a x/c allowed"},
		{
			"SCTP is not TCP",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 81, protocol: SCTP}]}]}`, "81/TCP",
			denyInA,
		},
		{
			"SCTP isolates",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 80, protocol: SCTP}]}]}`, "80/UDP",
			denyInA,
		},
		{
			"UDP alone", `x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 81, protocol: UDP}]}]}`,
			"81/TCP", denyInA,
		},
		{
			"a namespace by the label of its name",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: "y"}}}]}]}`,
			"80/TCP", denyInA + "\ny/* x/a allowed",
		},
		{
			"all namespaces but one by its name",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [{namespaceSelector: {matchExpressions: [{key: kubernetes.io/metadata.name, operator: NotIn, values: [x]}]}}]}]}`,
			"80/TCP", "x/* x/a blocked",
		},
		{
			"empty lists of peers and ports mean all",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{from: [], ports: []}]}`, "81/SCTP", "",
		},
		{"no rules with an empty list", `x: {podSelector: {matchLabels: {pod: a}}, ingress: []}`, "80/TCP", denyInA},
		{
			"rules of a direction that is not named say nothing",
			`x: {podSelector: {matchLabels: {pod: a}}, policyTypes: [Egress], ingress: [{from: [{podSelector: {matchLabels: {pod: b}}}]}], egress: [{}]}`,
			"80/TCP", "",
		},
		{"a selector that no pod has", `x: {podSelector: {matchLabels: {pod: d}}}`, "80/TCP", ""},
		{
			"a policy of a namespace does not reach into others", `y: {podSelector: {matchLabels: {pod: a}}}`, "80/TCP",
			"*/* y/a blocked",
		},
		{
			"ports of several rules do not mix with peers of others",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{` + fromY +
				`, ports: [{port: 80}]}, {from: [{podSelector: {}}], ports: [{port: 81}]}]}`,
			"81/TCP", denyInA + "\nx/* x/a allowed",
		},
		{
			"the end of a range",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 70, endPort: 81}]}]}`, "81/TCP", "",
		},
		{
			"behind the end of a range",
			`x: {podSelector: {matchLabels: {pod: a}}, ingress: [{ports: [{port: 70, endPort: 80}]}]}`, "81/TCP",
			denyInA,
		},
	} {
		t.Run(c.name, func(t *testing.T) { reach(t, c.policies, c.port, c.want) })
	}
}

func reach(t *testing.T, policies, port, want string) {
	text := cast
	var pods []string
	for _, ns := range []string{"x", "y", "z"} {
		for _, pod := range []string{"a", "b", "c"} {
			text += podIn(ns, pod)
			pods = append(pods, ns+"/"+pod)
		}
	}
	for i, line := range strings.Split(policies, "\n") {
		ns, spec, _ := strings.Cut(line, ": ")
		text += fmt.Sprintf(
			"---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: p%d, namespace: %q}\nspec: %s\n",
			i, ns, spec,
		)
	}
	set := setOf(t, text)
	number, protocol, _ := strings.Cut(port, "/")
	n, err := strconv.Atoi(number)
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range pods {
		for _, to := range pods {
			if from == to {
				continue
			}
			a := network.Of(set).Ask(
				end(t, set, from), end(t, set, to), network.Port{Number: int32(n), Protocol: protocol},
			)
			if got, expected := a.Verdict(), expectedOf(t, want, from, to); got != expected {
				t.Errorf("%s to %s: verdict %d, want %d", from, to, got, expected)
			}
		}
	}
}

// expectedOf returns what the last line says that is about two pods; allowed if none is.
func expectedOf(t *testing.T, lines, from, to string) network.Verdict {
	t.Helper()
	expected := network.Allowed
	for line := range strings.Lines(lines) {
		f := strings.Fields(line)
		known := map[string]network.Verdict{"allowed": network.Allowed, "blocked": network.Blocked}[f[2]]
		of, err := path.Match(f[0], from)
		at, err2 := path.Match(f[1], to)
		if err != nil || err2 != nil || known == 0 {
			t.Fatalf("cannot read %q", line)
		}
		if of && at {
			expected = known
		}
	}
	return expected
}
