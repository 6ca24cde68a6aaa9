package cli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/app"
	"github.com/seatrial/seatrial/internal/network"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/internal/sanitize"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
)

type reachOptions struct {
	Streams
	namespace, protocol string
	set                 *lint.Set
	documents           map[*lint.Resource]*manifest.Document
}

func newReachCommand(s Streams) *cobra.Command {
	o := &reachOptions{Streams: s}
	cmd := &cobra.Command{
		Use:   "reach FROM TO [PATH]...",
		Short: "Answer whether the NetworkPolicies of a set allow a connection",
		Long: `Answer whether the NetworkPolicies of a set allow a connection, which of them isolate its ends, and what allows it or
would have to be added.

FROM and TO are KIND/NAME or KIND/NAMESPACE/NAME of pods, of what makes pods, or of a Service; an IP address; internet,
which is any address outside of private networks; or dns, the DNS server of the cluster. TO may end in :PORT, a number or
a name; without it each port of a Service or of pods is asked for, and 443 of an address. Without PATH the current folder
is read; charts and kustomizations in folders are rendered.

The exit code is 1 if any of the connections is blocked. "depends" means that the manifests do not say: the address that
a pod will have, or the labels of a namespace that they do not define.`,
		Example: `  seatrial reach deployment/web service/api:8080 manifests/
  seatrial reach internet deployment/web manifests/`,
		Args: leastArgs(2, "FROM and TO"),
		RunE: func(cmd *cobra.Command, args []string) error {
			manifests, err := readSet(s, args[2:])
			if err != nil {
				return err
			}
			if o.set, o.documents, err = app.Resources(cmd.Context(), manifests); err != nil {
				return err
			}
			return o.run(args[0], args[1])
		},
	}
	cmd.Flags().StringVarP(
		&o.namespace, "namespace", "n", "",
		"namespace of the objects that are named without one (default: the only one that has them)",
	)
	cmd.Flags().StringVar(&o.protocol, "protocol", "", "TCP, UDP or SCTP (default: that of the port, or TCP)")
	return cmd
}

// readSet reads the objects of paths.
func readSet(s Streams, paths []string) ([]*app.Manifest, error) {
	if len(paths) == 0 {
		paths = []string{"."}
	}
	manifests, problems := app.NewFiles(s.In).Set(paths, render.Options{})
	if len(problems) > 0 {
		return nil, &exitError{exitFailed, errors.Join(problems...)}
	}
	if !slices.ContainsFunc(manifests, func(m *app.Manifest) bool { return len(m.Documents) > 0 }) {
		return nil, &exitError{exitFailed, app.NoDocuments(paths)}
	}
	return manifests, nil
}

// target is what a connection goes to, as it is named.
type target struct {
	ends    []network.Backend // pods, and their port
	outside *network.End
	port    network.Port // of outside
	name    string
}

func (o *reachOptions) run(from, to string) error {
	o.protocol = strings.ToUpper(o.protocol)
	if !slices.Contains([]string{"", "TCP", "UDP", "SCTP"}, o.protocol) {
		return usageError("invalid --protocol %s: want TCP, UDP or SCTP", o.protocol)
	}
	sources, err := o.source(from)
	if err != nil {
		return err
	}
	t, err := o.target(to)
	if err != nil {
		return err
	}
	blocked := false
	for _, source := range sources {
		if t.outside != nil {
			blocked = o.answer(source, *t.outside, t.port, t.name) || blocked
		}
		for _, b := range t.ends {
			blocked = o.answer(source, network.Pods(b.Pods), b.Port, t.name) || blocked
		}
	}
	if blocked {
		return &exitError{code: exitFindings}
	}
	return nil
}

// source reads FROM: one or more ends.
func (o *reachOptions) source(text string) ([]network.End, error) {
	if end, _, err := outside(text); end != nil || err != nil {
		return []network.End{*end}, err
	}
	r, port, err := o.find(text)
	if err != nil {
		return nil, err
	}
	if port != "" {
		return nil, usageError("invalid FROM %s: only TO has a port", text)
	}
	if r.HasPods {
		return []network.End{network.Pods(r)}, nil
	}
	var ends []network.End
	for pods := range o.set.Selected(r) {
		ends = append(ends, network.Pods(pods))
	}
	if len(ends) == 0 {
		return nil, usageError("%s selects no pods of the set", r.Object)
	}
	return ends, nil
}

// outside reads an end that is not of the set; nil if it is one of the set.
func outside(text string) (end *network.End, port string, err error) {
	host, port, _ := strings.Cut(text, ":")
	switch {
	case host == "internet":
		return &network.End{Outside: true}, port, nil
	case host == "dns":
		dns := network.DNS()
		return &dns, port, nil
	}
	if a, err := netip.ParseAddr(text); err == nil {
		return &network.End{Outside: true, Address: a}, "", nil
	}
	if a, err := netip.ParseAddrPort(text); err == nil {
		return &network.End{Outside: true, Address: a.Addr()}, strconv.Itoa(int(a.Port())), nil
	}
	return nil, "", nil
}

// target reads TO.
func (o *reachOptions) target(text string) (*target, error) {
	end, port, _ := outside(text)
	if end == nil {
		return o.targetInSet(text)
	}
	t := &target{outside: end, name: text}
	t.port = network.Port{Number: 443, Protocol: cmp.Or(o.protocol, "TCP")}
	if text == "dns" {
		t.port = network.Port{Number: 53, Protocol: cmp.Or(o.protocol, "UDP")}
	}
	if port != "" {
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil {
			return nil, usageError("invalid port %q in %s", port, text)
		}
		t.port.Number = int32(number)
	}
	return t, nil
}

func (o *reachOptions) targetInSet(text string) (*target, error) {
	r, port, err := o.find(text)
	if err != nil {
		return nil, err
	}
	number, err := strconv.ParseUint(cmp.Or(port, "0"), 10, 16)
	if err != nil {
		if number = uint64(network.PortNamed(r, port)); number == 0 {
			return nil, usageError("%s has no port %s", r.Object, port)
		}
	}
	t := &target{name: r.Object.String()}
	if !r.HasPods {
		if r.External {
			return nil, usageError("%s has no selector: its pods are not known", r.Object)
		}
		if t.ends = network.Of(o.set).Backends(r, int32(number)); len(t.ends) == 0 {
			return nil, usageError("%s leads to no pods of the set by port %s", r.Object, cmp.Or(port, "of its own"))
		}
		return t, nil
	}
	for _, p := range r.Ports {
		if number == 0 || p.Number == int32(number) {
			t.ends = append(
				t.ends,
				network.Backend{
					Pods: r, Port: network.Port{Number: p.Number, Protocol: cmp.Or(o.protocol, p.Protocol)},
				},
			)
		}
	}
	switch {
	case len(t.ends) > 0:
	case number == 0:
		return nil, usageError("%s declares no ports: say which one, as in %s:8080", r.Object, text)
	default: // a port need not be declared
		t.ends = []network.Backend{
			{Pods: r, Port: network.Port{Number: int32(number), Protocol: cmp.Or(o.protocol, "TCP")}},
		}
	}
	return t, nil
}

// find returns the object that KIND/NAME or KIND/NAMESPACE/NAME names, and the port behind it.
func (o *reachOptions) find(text string) (*lint.Resource, string, error) {
	named, port, _ := strings.Cut(text, ":")
	parts := strings.Split(named, "/")
	if len(parts) < 2 || len(parts) > 3 {
		return nil, "", usageError(
			"cannot read %q: want KIND/NAME, KIND/NAMESPACE/NAME, an IP address, internet or dns", text,
		)
	}
	store, err := schema.Open(schema.Latest)
	if err != nil {
		return nil, "", err
	}
	kinds, err := store.Find(parts[0])
	if err != nil {
		return nil, "", usageError("%v", err)
	}
	namespace, name := o.namespace, parts[len(parts)-1]
	if len(parts) == 3 {
		namespace = parts[1]
	}
	var found []*lint.Resource
	var names []string
	for _, r := range o.set.OfKind(kinds[0].Group, kinds[0].Kind) {
		names = append(names, r.Object.Name)
		if r.Object.Name == name && (namespace == "" || namespace == r.Object.Namespace) {
			found = append(found, r)
		}
	}
	switch {
	case len(found) == 1 && (found[0].HasPods || found[0].Object.Kind == "Service"):
		return found[0], port, nil
	case len(found) == 1:
		return nil, "", usageError("%s has no pods", found[0].Object)
	case len(found) > 1:
		return nil, "", usageError("%s %s is in namespaces %s and %s: say --namespace", kinds[0].Kind, name,
			found[0].Object.Namespace, found[1].Object.Namespace)
	}
	if best := schema.DidYouMean(name, names); best != "" {
		return nil, "", usageError("the set has no %s %s: did you mean %s?", kinds[0].Kind, name, best)
	}
	return nil, "", usageError("the set has no %s %s", kinds[0].Kind, name)
}

// answer writes whether one connection is allowed, and why. It reports whether it is blocked.
func (o *reachOptions) answer(from, to network.End, port network.Port, name string) bool {
	a := network.Of(o.set).Ask(from, to, port)
	word := map[network.Verdict]string{
		network.Allowed: "allowed", network.Depends: "depends", network.Blocked: "blocked",
	}[a.Verdict()]
	through := ""
	if endName(to) != name && to.Resource != nil {
		through = " by " + name
	}
	fmt.Fprintf(
		o.Out, "%s: %s to %s%s, port %d/%s\n", word, endName(from), endName(to), through, port.Number, port.Protocol,
	)
	o.way(a.Egress, from, to, port)
	o.way(a.Ingress, from, to, port)
	return a.Verdict() == network.Blocked
}

func endName(e network.End) string {
	switch {
	case e.Resource != nil:
		return sanitize.Line(e.Resource.Object.String())
	case e.Address.IsValid():
		return e.Address.String()
	case e.Outside:
		return "the internet"
	}
	return "the DNS server"
}

// way writes what the policies of one end say.
func (o *reachOptions) way(w network.Way, from, to network.End, port network.Port) {
	out := o.Out
	direction := map[bool]string{true: "egress", false: "ingress"}[w.Out]
	if w.End.Resource == nil {
		return
	}
	fmt.Fprintf(out, "  %s of %s: ", direction, endName(w.End))
	if len(w.Isolating) == 0 {
		why := "no policy isolates it"
		if w.End.Resource.HostNetwork {
			why = "policies do not apply to pods on the network of their node"
		}
		fmt.Fprintln(out, why)
		return
	}
	var names []string
	for _, p := range w.Isolating {
		names = append(names, o.policy(p, "spec."+direction))
	}
	fmt.Fprintf(out, "isolated by %s\n", strings.Join(names, ", "))
	switch w.Verdict {
	case network.Allowed:
		fmt.Fprintf(out, "    allowed by %s\n", o.policy(w.By, w.Rule))
	case network.Depends:
		fmt.Fprintf(out, "    may be allowed by %s: the manifests do not say\n", o.policy(w.By, w.Rule))
	default:
		fmt.Fprintf(
			out, "    no rule allows it; this would, in spec.%s of %s:\n", direction,
			sanitize.Line(w.Isolating[0].Object.String()),
		)
		other := from
		if w.Out {
			other = to
		}
		writeMissing(out, w, other, port)
	}
}

// policy names a policy with the place of one of its fields.
func (o *reachOptions) policy(p *lint.Resource, path string) string {
	d := o.documents[p]
	place := d.Find(path).Key.Start
	return fmt.Sprintf("%s (%s:%d)", sanitize.Line(p.Object.String()), sanitize.Line(p.File), place.Line)
}

// writeMissing writes the rule that would allow a connection.
func writeMissing(out io.Writer, w network.Way, other network.End, port network.Port) {
	peers := map[bool]string{true: "to", false: "from"}[w.Out]
	fmt.Fprintf(out, "      - %s:\n", peers)
	switch {
	case other.Address.IsValid():
		fmt.Fprintf(out, "        - ipBlock: {cidr: %s/%d}\n", other.Address, other.Address.BitLen())
	case other.Outside:
		fmt.Fprintln(out, "        - ipBlock: {cidr: 0.0.0.0/0}")
	default:
		indent := "        - "
		if other.Namespace != w.End.Resource.Object.Namespace {
			fmt.Fprintf(
				out, "%snamespaceSelector: {matchLabels: {%s: %s}}\n", indent, corev1.LabelMetadataName,
				other.Namespace,
			)
			indent = "          "
		}
		fmt.Fprintf(out, "%spodSelector: {matchLabels: {%s}}\n", indent, labelList(other.Labels))
	}
	fmt.Fprintln(out, "        ports:")
	fmt.Fprintf(out, "        - {port: %d, protocol: %s}\n", port.Number, port.Protocol)
}

// labelList writes labels as YAML on one line.
func labelList(labels map[string]string) string {
	var all []string
	for key, value := range labels {
		all = append(all, fmt.Sprintf("%s: %q", key, value))
	}
	slices.Sort(all)
	return sanitize.Line(strings.Join(all, ", "))
}
