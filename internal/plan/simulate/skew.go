package simulate

import (
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/component-helpers/scheduling/corev1/nodeaffinity"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// skewRisks looks for hard spread constraints that do not hold any more when a rollout is over: the scheduler counts
// the pods of the old template while it places the new ones, and then they go.
func (s *simulation) skewRisks(
	w *plan.Workload, t *workloadTrack, add func(severity diag.Severity, rule, path, message, help string),
) {
	template := templateOf(t.current)
	if template == nil || w.SettledAt == nil {
		return
	}
	for i := range template.Spec.TopologySpreadConstraints {
		c := &template.Spec.TopologySpreadConstraints[i]
		if c.WhenUnsatisfiable != corev1.DoNotSchedule {
			continue
		}
		counts := s.domainCounts(w.Object.Namespace, template, c)
		least, most := extremes(counts)
		if counts[most]-counts[least] <= int(c.MaxSkew) {
			continue
		}
		help := "run plan with --seeds to see how often; a descheduler or a restart may repair it"
		if !slices.Contains(c.MatchLabelKeys, "pod-template-hash") && w.Object.Kind == "Deployment" {
			help = "set matchLabelKeys: [pod-template-hash] in the constraint, so that pods of the old template do not count"
		}
		add(
			diag.Warning, RiskSkew, fmt.Sprintf("spec.template.spec.topologySpreadConstraints[%d]", i),
			fmt.Sprintf(
				"after the rollout %s %s has %d pods and %s has %d: maxSkew %d does not hold", c.TopologyKey, most,
				counts[most],
				least, counts[least], c.MaxSkew,
			), help,
		)
	}
}

// domainCounts returns how many pods that a constraint counts are in each of its domains.
func (s *simulation) domainCounts(
	namespace string, template *corev1.PodTemplateSpec, c *corev1.TopologySpreadConstraint,
) map[string]int {
	counts, domainOf := map[string]int{}, map[string]string{}
	wanted := nodeaffinity.GetRequiredNodeAffinity(&corev1.Pod{Spec: template.Spec})
	for name, n := range s.recorder.nodes {
		domain, ok := "", false
		if !n.gone && n.node != nil {
			domain, ok = n.node.Labels[c.TopologyKey]
		}
		if !ok || !counted(n.node, template, c, wanted) {
			continue
		}
		domainOf[name] = domain
		counts[domain] += 0
	}
	selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
	if err != nil {
		return nil // the API server refuses it
	}
	for _, p := range s.recorder.order {
		domain, ok := domainOf[p.life.Node]
		running := !p.gone && p.pod.DeletionTimestamp == nil && p.pod.Namespace == namespace
		if ok && running && selector.Matches(labels.Set(p.pod.Labels)) {
			counts[domain]++
		}
	}
	return counts
}

// counted reports whether a node makes a domain of a constraint.
func counted(
	node *corev1.Node, template *corev1.PodTemplateSpec, c *corev1.TopologySpreadConstraint,
	wanted nodeaffinity.RequiredNodeAffinity,
) bool {
	if c.NodeTaintsPolicy != nil && *c.NodeTaintsPolicy == corev1.NodeInclusionPolicyHonor &&
		repels(node, template.Spec.Tolerations) {
		return false
	}
	if c.NodeAffinityPolicy != nil && *c.NodeAffinityPolicy == corev1.NodeInclusionPolicyIgnore {
		return true
	}
	matches, err := wanted.Match(node)
	return err == nil && matches
}

// extremes returns the domains with the fewest and the most pods, the first by name of several.
func extremes(counts map[string]int) (least, most string) {
	for i, domain := range slices.Sorted(maps.Keys(counts)) {
		if i == 0 || counts[domain] < counts[least] {
			least = domain
		}
		if i == 0 || counts[domain] > counts[most] {
			most = domain
		}
	}
	return least, most
}
