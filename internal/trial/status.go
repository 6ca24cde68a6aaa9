package trial

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// Advance moves the clock, and prints what happened meanwhile.
func (t *Trial) Advance(ctx context.Context, by time.Duration, out io.Writer) error {
	return t.Do(ctx, func(s *Session) error {
		client, err := kubernetes.NewForConfig(s.RESTConfig())
		if err != nil {
			return err
		}
		time.Sleep(by)
		return printEvents(context.Background(), client, s.Began, out)
	})
}

// printEvents prints the events since a time, in order.
func printEvents(ctx context.Context, client kubernetes.Interface, since time.Time, out io.Writer) error {
	list, err := client.CoreV1().Events("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	events := slices.DeleteFunc(
		list.Items, func(e corev1.Event) bool { return lastSeen(&e).Before(since.Truncate(time.Second)) },
	)
	slices.SortStableFunc(events, func(a, b corev1.Event) int { return compareEvents(&a, &b) })
	if len(events) == 0 {
		_, err := fmt.Fprintln(out, "Nothing happened.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 3, ' ', 0)
	fmt.Fprintln(w, "AFTER\tTYPE\tREASON\tOBJECT\tMESSAGE")
	for i := range events {
		e := &events[i]
		object := strings.ToLower(e.InvolvedObject.Kind) + "/" + e.InvolvedObject.Name
		fmt.Fprintf(
			w, "%s\t%s\t%s\t%s\t%s\n", duration.HumanDuration(max(lastSeen(e).Sub(since), 0)), e.Type, e.Reason, object,
			strings.TrimSpace(e.Message),
		)
	}
	return w.Flush()
}

// compareEvents orders events by second, since most have no finer time, and then as they were written.
func compareEvents(a, b *corev1.Event) int {
	if order := lastSeen(a).Truncate(time.Second).Compare(lastSeen(b).Truncate(time.Second)); order != 0 {
		return order
	}
	order, err := resourceversion.CompareResourceVersion(a.ResourceVersion, b.ResourceVersion)
	if err != nil {
		return 0 // never: they come from a store of ours
	}
	return order
}

func lastSeen(e *corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	}
	return e.EventTime.Time
}

// Status prints the time of the trial, its contents, and what is not ready.
func (t *Trial) Status(ctx context.Context, out io.Writer) error {
	return t.Do(ctx, func(s *Session) error {
		client, err := kubernetes.NewForConfig(s.RESTConfig())
		if err != nil {
			return err
		}
		return t.printStatus(context.Background(), client, s, out)
	})
}

func (t *Trial) printStatus(ctx context.Context, client kubernetes.Interface, s *Session, out io.Writer) error {
	seen, err := survey(ctx, client)
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "Trial:\t%s\n", t.Path)
	fmt.Fprintf(w, "Clock:\t%s\n", s.Began.UTC().Format(time.RFC3339))
	if s.Seed != 0 {
		fmt.Fprintf(w, "Seed:\t%d\n", s.Seed)
	}
	fmt.Fprintf(w, "Nodes:\t%s\n", seen.nodes)
	fmt.Fprintf(w, "Objects:\t%d, of them %d pods\n", s.DB().Count(), seen.pods)
	fmt.Fprintf(w, "Unsettled:\t%s\n", seen.unsettled)
	return w.Flush()
}

// RealStatus prints the version and contents of a cluster that is no trial, what is not ready, and whether top and
// autoscaling by resources work on it.
func RealStatus(ctx context.Context, name string, config *rest.Config, out io.Writer) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	version, err := client.Discovery().ServerVersion()
	if err != nil {
		return fmt.Errorf("asking the cluster of context %q: %w", name, err)
	}
	seen, err := survey(ctx, client)
	if err != nil {
		return err
	}
	metrics := "served: top works, and so does autoscaling by cpu and memory"
	if _, err := client.Discovery().ServerResourcesForGroupVersion(v1beta1.SchemeGroupVersion.String()); err != nil {
		metrics = "not served: top and autoscaling by cpu and memory need a metrics server"
	}
	w := tabwriter.NewWriter(out, 0, 8, 2, ' ', 0)
	fmt.Fprintf(w, "Cluster:\t%s (context %q)\n", config.Host, name)
	fmt.Fprintf(w, "Version:\t%s\n", version.GitVersion)
	fmt.Fprintf(w, "Nodes:\t%s\n", seen.nodes)
	fmt.Fprintf(w, "Pods:\t%d\n", seen.pods)
	fmt.Fprintf(w, "Unsettled:\t%s\n", seen.unsettled)
	fmt.Fprintf(w, "Metrics:\t%s\n", metrics)
	return w.Flush()
}

// surveyed is what a cluster consists of, as printed.
type surveyed struct {
	nodes, unsettled string
	pods             int
}

func survey(ctx context.Context, client kubernetes.Interface) (seen surveyed, err error) {
	nodes, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return seen, err
	}
	pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return seen, err
	}
	left, _, err := Unsettled(ctx, client)
	if err != nil {
		return seen, err
	}
	seen = surveyed{
		nodes: strings.Join(shortened(nodeStates(nodes.Items)), ", "), unsettled: "nothing", pods: len(pods.Items),
	}
	if len(left) > 0 {
		seen.unsettled = strings.Join(shortened(left), "\n\t")
	}
	return seen, nil
}

// maxNamed is how many nodes, and how many objects that are not ready, are named.
const maxNamed = 12

func shortened(all []string) []string {
	if len(all) <= maxNamed {
		return all
	}
	return append(slices.Clone(all[:maxNamed]), fmt.Sprintf("and %d more", len(all)-maxNamed))
}

func nodeStates(nodes []corev1.Node) (states []string) {
	for i := range nodes {
		state := "NotReady"
		for _, c := range nodes[i].Status.Conditions {
			if c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue {
				state = "Ready"
			}
		}
		if nodes[i].Spec.Unschedulable {
			state += ",SchedulingDisabled"
		}
		states = append(states, fmt.Sprintf("%s (%s)", nodes[i].Name, state))
	}
	return states
}
