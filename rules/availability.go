package rules

import (
	"cmp"
	"fmt"
	"iter"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

const (
	budgetURL = "https://kubernetes.io/docs/tasks/run-application/configure-pdb/"
	scalerURL = "https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/"
	spreadURL = "https://kubernetes.io/docs/concepts/scheduling-eviction/topology-spread-constraints/"
)

var availabilityRules = []*lint.Rule{
	{
		Name:     "replicas-too-few",
		Title:    "one replica, so that every disruption is an outage",
		Severity: diag.Info,
		Category: "availability",
		Kinds:    append([]string{"Deployment", "ReplicaSet", "ReplicationController"}, customWorkloads...),
		Equivalents: "kube-linter minimum-three-replicas, kube-score deployment-replicas, polaris " +
			"deploymentMissingReplicas, datree 16",
		Doc: "With a single replica a drained node, an eviction or a crash leaves nobody to answer. " +
			"Workloads that an autoscaler keeps at two or more are passed over, and so are those that a " +
			"PodDisruptionBudget speaks of, and those on a volume that one node at a time can mount: somebody " +
			"has thought about them.",
		Params: []lint.Param{
			{
				Name: "min-replicas", Doc: "the fewest replicas; above 2 a budget excuses nothing", Default: 2,
				Valid: atLeast(1),
			},
		},
		CheckSet: checkReplicas,
	},
	{
		Name:     "pdb-missing",
		Title:    "several replicas without a PodDisruptionBudget",
		Severity: diag.Info,
		Category: "availability",
		Kinds:    []string{"Deployment", "StatefulSet"},
		URL:      budgetURL,
		Optional: true,
		Equivalents: "kube-score deployment-has-poddisruptionbudget and statefulset-has-poddisruptionbudget, " +
			"polaris missingPodDisruptionBudget, popeye 206",
		Doc:    "Without a budget a drain may evict all replicas at the same time.",
		Params: []lint.Param{{Name: "min-replicas", Doc: "from how many replicas on", Default: 2, Valid: atLeast(1)}},
		CheckSet: func(p *lint.SetPass) error {
			if r := p.Resource; lowest(p.Set, r) >= max(p.Params.Int("min-replicas"), 1) && !budgeted(p.Set, r) {
				p.Report(lint.Finding{
					Path: "spec.replicas",
					Message: fmt.Sprintf(
						"%s has %s and no PodDisruptionBudget",
						r.Object,
						replicas(lowest(p.Set, r)),
					),
					Help: "add a PodDisruptionBudget with maxUnavailable: 1",
				})
			}
			return nil
		},
	},
	{
		Name:        "pdb-max-unavailable-zero",
		Title:       "PodDisruptionBudget that forbids every eviction",
		Severity:    diag.Warning,
		Category:    "availability",
		Kinds:       []string{"PodDisruptionBudget"},
		URL:         budgetURL,
		Equivalents: "kube-linter pdb-max-unavailable, polaris pdbDisruptionsIsZero",
		Doc: "maxUnavailable 0, or minAvailable 100%, never lets a pod go: a node that holds one cannot be " +
			"drained.",
		Check: eachBudget(func(p *lint.Pass, budget *policyv1.PodDisruptionBudget) {
			if v := budget.Spec.MaxUnavailable; v != nil && scaled(v, 100) == 0 {
				p.Report(lint.Finding{
					Path:    "spec.maxUnavailable",
					Message: fmt.Sprintf("maxUnavailable %s forbids every eviction", v),
					Help:    "a node with such a pod cannot be drained: allow 1",
					Fixes:   setting("spec.maxUnavailable", "1"),
				})
			}
			if v := budget.Spec.MinAvailable; v != nil && v.Type == intstr.String && scaled(v, 100) >= 100 {
				p.Report(lint.Finding{
					Path:    "spec.minAvailable",
					Message: fmt.Sprintf("minAvailable %s forbids every eviction", v),
					Help:    "a node with such a pod cannot be drained: use maxUnavailable: 1",
				})
			}
		}),
	},
	{
		Name:        "pdb-no-policy",
		Title:       "PodDisruptionBudget without minAvailable and maxUnavailable",
		Severity:    diag.Warning,
		Category:    "availability",
		Kinds:       []string{"PodDisruptionBudget"},
		URL:         budgetURL,
		Equivalents: "kube-score poddisruptionbudget-has-policy",
		Doc: "The API server accepts it; the disruption controller then expects no pods and allows no " +
			"eviction at all.",
		Check: eachBudget(func(p *lint.Pass, budget *policyv1.PodDisruptionBudget) {
			if budget.Spec.MinAvailable == nil && budget.Spec.MaxUnavailable == nil {
				p.Report(lint.Finding{
					Path:    "spec",
					OnKey:   true,
					Message: "neither minAvailable nor maxUnavailable is given, which forbids every eviction",
					Help:    "set maxUnavailable: 1",
					Fixes:   setting("spec.maxUnavailable", "1"),
				})
			}
		}),
	},
	{
		Name:        "pdb-unhealthy-eviction-policy-unset",
		Title:       "PodDisruptionBudget that protects pods which do not work",
		Severity:    diag.Info,
		Category:    "availability",
		Optional:    true,
		Kinds:       []string{"PodDisruptionBudget"},
		URL:         budgetURL,
		Equivalents: "kube-linter pdb-unhealthy-pod-eviction-policy",
		Doc: "By default a pod that runs and never becomes ready cannot be evicted while the budget is not " +
			"met, and blocks a drain. AlwaysAllow lets it go.",
		Check: eachBudget(func(p *lint.Pass, budget *policyv1.PodDisruptionBudget) {
			if budget.Spec.UnhealthyPodEvictionPolicy == nil {
				p.Report(lint.Finding{
					Path:    "spec.unhealthyPodEvictionPolicy",
					Message: "unhealthyPodEvictionPolicy is not given",
					Help:    "set unhealthyPodEvictionPolicy: AlwaysAllow",
					Fixes:   setting("spec.unhealthyPodEvictionPolicy", "AlwaysAllow"),
				})
			}
		}),
	},
	{
		Name:     "pdb-min-available-blocks",
		Title:    "PodDisruptionBudget that wants all replicas",
		Severity: diag.Warning,
		Category: "availability",
		Kinds:    []string{"PodDisruptionBudget"},
		URL:      budgetURL,
		Equivalents: "kube-linter pdb-min-available, polaris pdbDisruptionsIsZero and " +
			"pdbMinAvailableGreaterThanHPAMinReplicas, popeye 901",
		Doc: "minAvailable is not less than the replicas of the workloads that the budget protects, all " +
			"taken together: no pod may ever go, and a node that holds one cannot be drained. A percentage is " +
			"rounded up. Where an autoscaler decides, its minReplicas counts.",
		CheckSet: checkBudget,
	},
	{
		Name:        "pdb-multiple",
		Title:       "pods with several PodDisruptionBudgets",
		Severity:    diag.Warning,
		Category:    "availability",
		Kinds:       []string{"Pod", "Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"},
		URL:         budgetURL,
		Equivalents: "popeye 209",
		Doc: "The eviction API answers with an error for a pod that more than one budget selects: it cannot be " +
			"evicted.",
		CheckSet: func(p *lint.SetPass) error {
			all := slices.Collect(budgets(p.Set, p.Resource))
			if len(all) < 2 {
				return nil
			}
			f := lint.Finding{
				Path:    "metadata.name",
				Message: fmt.Sprintf("%d PodDisruptionBudgets select the pods of %s", len(all), p.Resource.Object),
				Help:    "a pod with more than one budget cannot be evicted: keep one",
			}
			for _, b := range all {
				f.Related = append(f.Related, lint.RelatedPath{Of: b, Path: "spec.selector", Message: b.Object.Name})
			}
			p.Report(f)
			return nil
		},
	},
	{
		Name:        "hpa-target-has-replicas",
		Title:       "replicas of a workload that an autoscaler scales",
		Severity:    diag.Info,
		Category:    "availability",
		Kinds:       []string{"Deployment", "StatefulSet", "ReplicaSet"},
		URL:         scalerURL,
		Equivalents: "kube-score deployment-targeted-by-hpa-does-not-have-replicas-configured",
		Doc:         "Each apply sets the replicas back to what the manifest says, until the autoscaler corrects it.",
		CheckSet: func(p *lint.SetPass) error {
			if all := scalers(p.Set, p.Resource); p.Resource.ReplicasWritten && len(all) > 0 {
				p.Report(lint.Finding{
					Path:    "spec.replicas",
					Message: fmt.Sprintf("%s is scaled by an autoscaler and sets replicas", p.Resource.Object),
					Help:    "leave replicas out",
					Related: []lint.RelatedPath{
						{Of: all[0], Path: "spec.scaleTargetRef", Message: "the autoscaler"},
					},
					Fixes: removing("spec.replicas"),
				})
			}
			return nil
		},
	},
	{
		Name:     "hpa-conflict",
		Title:    "two autoscalers for one workload",
		Severity: diag.Warning,
		Category: "availability",
		Kinds:    []string{"HorizontalPodAutoscaler"},
		URL:      scalerURL,
		Doc: "Each sets the replicas to what it thinks right, against the other. One autoscaler takes several " +
			"metrics.",
		CheckSet: checkScalers,
	},
	{
		Name:     "hpa-metric-without-request",
		Title:    "autoscaler on a utilization of which there is no request",
		Severity: diag.Warning,
		Category: "availability",
		Kinds:    []string{"HorizontalPodAutoscaler"},
		URL:      scalerURL,
		Doc: "Utilization is a percentage of what the containers request. When one of them requests nothing, " +
			"the autoscaler reports FailedGetResourceMetric and does not scale.",
		CheckSet: checkUtilization,
	},
	{
		Name:        "hpa-max-not-above-min",
		Title:       "autoscaler that cannot scale",
		Severity:    diag.Info,
		Category:    "availability",
		Kinds:       []string{"HorizontalPodAutoscaler"},
		URL:         scalerURL,
		Equivalents: "polaris hpaMaxAvailability",
		Doc:         "minReplicas and maxReplicas are the same.",
		Check: eachScaler(func(p *lint.Pass, lowest, highest int32) {
			if lowest == highest {
				p.Report(lint.Finding{
					Path:    "spec.maxReplicas",
					Message: fmt.Sprintf("maxReplicas %d is not above minReplicas", highest),
				})
			}
		}),
	},
	{
		Name:     "hpa-min-replicas-too-few",
		Title:    "autoscaler that goes down to one replica",
		Severity: diag.Info,
		Category: "availability",
		Optional: true,
		Kinds:    []string{"HorizontalPodAutoscaler"},
		URL:      scalerURL,
		Equivalents: "kube-linter hpa-minimum-three-replicas, kube-score horizontalpodautoscaler-replicas, polaris " +
			"hpaMinAvailability, datree 13",
		Doc: "In quiet hours a single replica is left, and the loss of its node is an outage. minReplicas " +
			"is 1 unless it is given.",
		Params: []lint.Param{{Name: "min-replicas", Doc: "the fewest replicas", Default: 2, Valid: atLeast(1)}},
		Check: eachScaler(func(p *lint.Pass, lowest, _ int32) {
			if least := p.Params.Int("min-replicas"); int(lowest) < least {
				p.Report(lint.Finding{
					Path:    "spec.minReplicas",
					Message: fmt.Sprintf("minReplicas is %d", lowest),
					Help:    fmt.Sprintf("set minReplicas: %d", least),
				})
			}
		}),
	},
	{
		Name:     "pod-anti-affinity-missing",
		Title:    "replicas that may share one node",
		Severity: diag.Info,
		Category: "availability",
		Optional: true,
		Kinds:    append([]string{"Deployment", "StatefulSet"}, customWorkloads...),
		URL:      spreadURL,
		Equivalents: "kube-linter no-anti-affinity, kube-score deployment-has-host-podantiaffinity and " +
			"statefulset-has-host-podantiaffinity, polaris topologySpreadConstraint, datree 83",
		Doc: "The scheduler spreads replicas by itself only as far as nothing else speaks against it. A pod " +
			"anti-affinity that selects the pods themselves, or a topology spread constraint, makes sure.",
		Params: []lint.Param{{Name: "min-replicas", Doc: "from how many replicas on", Default: 2, Valid: atLeast(1)}},
		Check: func(p *lint.Pass) error {
			s := p.Pods
			if s == nil || s.Replicas == nil || int(*s.Replicas) < max(p.Params.Int("min-replicas"), 1) ||
				len(s.Spec.TopologySpreadConstraints) > 0 ||
				repelsItself(s, p.Document.Object.Namespace) {
				return nil
			}
			p.Report(lint.Finding{
				Path:    s.SpecPath + ".topologySpreadConstraints",
				Message: fmt.Sprintf("the %d replicas may all run on one node", *s.Replicas),
				Help:    "add a topology spread constraint for kubernetes.io/hostname",
			})
			return nil
		},
	},
	{
		Name:        "topology-spread-invalid",
		Title:       "spread constraint that does not count its own pods",
		Severity:    diag.Warning,
		Category:    "availability",
		URL:         spreadURL,
		Equivalents: "kube-score pod-topology-spread-constraints",
		Doc: "The constraint's labelSelector does not match the labels of the pods that carry it: the scheduler " +
			"counts other pods, or none, and the replicas may all land in one place.",
		Check: checkSpread,
	},
	{
		Name:        "update-strategy-not-rolling",
		Title:       "update that stops all replicas before it starts new ones",
		Severity:    diag.Info,
		Category:    "availability",
		Optional:    true,
		Kinds:       append([]string{"Deployment", "StatefulSet", "DaemonSet"}, customWorkloads...),
		Equivalents: "kube-linter no-rolling-update-strategy, kube-score deployment-strategy, kubescape C-0305",
		Doc: "Recreate is an outage at every update; OnDelete updates nothing by itself. Right for programs " +
			"of which two versions cannot run side by side.",
		Check: checkStrategy,
	},
	{
		Name:     "volume-claim-shared",
		Title:    "replicas that share a volume of one node",
		Severity: diag.Warning,
		Category: "availability",
		Kinds:    []string{"Deployment", "ReplicaSet", "ReplicationController"},
		URL:      "https://kubernetes.io/docs/concepts/storage/persistent-volumes/#access-modes",
		Doc: "A claim with ReadWriteOnce can be mounted on one node at a time: replicas on other nodes wait in " +
			"ContainerCreating. A StatefulSet with volumeClaimTemplates gives each replica a claim of its own; " +
			"ReadWriteMany lets them share one.",
		CheckSet: checkSharedClaim,
	},
	{
		Name:        "naked-pod",
		Title:       "pod without a controller",
		Severity:    diag.Info,
		Category:    "availability",
		Optional:    true,
		Kinds:       []string{"Pod"},
		Equivalents: "popeye 208, datree 25, kubescape C-0073",
		Doc:         "When its node goes, nobody makes the pod anew. Use a Deployment, or a Job for work that ends.",
		Check: func(p *lint.Pass) error {
			if pod, ok := p.Object.(*corev1.Pod); ok && metav1.GetControllerOf(pod) == nil {
				p.Report(lint.Finding{
					Path:    "kind",
					Message: "no controller keeps the pod alive",
					Help:    "use a Deployment, or a Job for work that ends",
				})
			}
			return nil
		},
	},
	{
		Name:        "priority-class-unset",
		Title:       "pods without a priority class",
		Severity:    diag.Info,
		Category:    "availability",
		Optional:    true,
		Equivalents: "polaris priorityClassNotSet",
		Doc: "When nodes run short, pods of a higher priority push out those of a lower one; without a class the " +
			"default counts, most often 0.",
		Check: func(p *lint.Pass) error {
			if p.Pods != nil && p.Pods.Spec.PriorityClassName == "" && p.Pods.Spec.Priority == nil {
				p.Report(lint.Finding{
					Path:    p.Pods.SpecPath + ".priorityClassName",
					Message: "the pods have no priority class",
				})
			}
			return nil
		},
	},
}

func checkReplicas(p *lint.SetPass) error {
	r, least := p.Resource, max(p.Params.Int("min-replicas"), 1)
	if r.Replicas == nil || *r.Replicas < 1 || int(*r.Replicas) >= least || lowest(p.Set, r) >= least ||
		least == 2 && budgeted(p.Set, r) {
		return nil
	}
	for range singleNodeClaims(p) {
		return nil
	}
	f := lint.Finding{
		Path:    "spec.replicas",
		Message: fmt.Sprintf("%s has one replica and no PodDisruptionBudget", r.Object),
		Help:    "two replicas on different nodes survive the loss of one",
	}
	if least > 2 {
		f.Message = fmt.Sprintf("%s has %s", r.Object, replicas(int(*r.Replicas)))
		f.Help = fmt.Sprintf("want %d or more", least)
	}
	p.Report(f)
	return nil
}

func eachBudget(f func(*lint.Pass, *policyv1.PodDisruptionBudget)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		if budget, ok := p.Object.(*policyv1.PodDisruptionBudget); ok {
			f(p, budget)
		}
		return nil
	}
}

// eachScaler makes a check of one that looks at the bounds of an autoscaler.
func eachScaler(f func(p *lint.Pass, lowest, highest int32)) func(*lint.Pass) error {
	return func(p *lint.Pass) error {
		switch o := p.Object.(type) {
		case *autoscalingv2.HorizontalPodAutoscaler:
			f(p, ptr.Deref(o.Spec.MinReplicas, 1), o.Spec.MaxReplicas)
		case *autoscalingv1.HorizontalPodAutoscaler:
			f(p, ptr.Deref(o.Spec.MinReplicas, 1), o.Spec.MaxReplicas)
		}
		return nil
	}
}

// budgets walks through the PodDisruptionBudgets that speak of a workload's pods.
func budgets(set *lint.Set, r *lint.Resource) iter.Seq[*lint.Resource] {
	return set.Selecting("policy", "PodDisruptionBudget", r)
}

func budgeted(set *lint.Set, r *lint.Resource) bool { return first(budgets(set, r)) != nil }

// scalers lists the autoscalers of a workload.
func scalers(set *lint.Set, r *lint.Resource) []*lint.Resource {
	return set.Referring("HorizontalPodAutoscaler", r)
}

// lowest returns the fewest replicas that a workload is meant to have: those of its autoscaler, or its own.
func lowest(set *lint.Set, r *lint.Resource) int {
	for _, s := range scalers(set, r) {
		if s.Replicas != nil {
			return int(*s.Replicas)
		}
	}
	switch {
	case r.Replicas != nil:
		return int(*r.Replicas)
	case r.Object.Kind == "Pod":
		return 1
	}
	return unknown
}

// unknown is the number of replicas that nodes or a Job's progress decide.
const unknown = -1

// scaled returns a number of pods, or what a percentage of them comes to, rounded up as the
// disruption controller does.
func scaled(v *intstr.IntOrString, pods int) int {
	n, err := intstr.GetScaledValueFromIntOrPercent(v, pods, true)
	if err != nil {
		return unknown
	}
	return n
}

func checkBudget(p *lint.SetPass) error {
	r := p.Resource
	if r.Selector == nil || r.MinAvailable == nil {
		return nil
	}
	total := 0
	var chosen []*lint.Resource
	for w := range p.Set.Selected(r) {
		n := lowest(p.Set, w)
		if n == unknown {
			return nil
		}
		total += n
		chosen = append(chosen, w)
	}
	wanted := scaled(r.MinAvailable, total)
	if total == 0 || wanted < total ||
		r.MinAvailable.Type == intstr.String && scaled(r.MinAvailable, 100) >= 100 { // that is the rule of none at all
		return nil
	}
	of := chosen[0].Object.String()
	if len(chosen) > 1 {
		of = fmt.Sprintf("%d workloads", len(chosen))
	}
	f := lint.Finding{
		Path: "spec.minAvailable",
		Message: fmt.Sprintf(
			"minAvailable %s forbids every eviction from the %s of %s",
			r.MinAvailable,
			replicas(total),
			of,
		),
		Help:    "use maxUnavailable: 1, which holds for any number of replicas",
		Related: []lint.RelatedPath{{Of: chosen[0], Path: "spec.replicas", Message: "the replicas"}},
	}
	if all := scalers(p.Set, chosen[0]); len(all) > 0 {
		f.Message += ", the fewest that its autoscaler keeps"
		f.Related = []lint.RelatedPath{{Of: all[0], Path: "spec.minReplicas", Message: "the fewest replicas"}}
	}
	p.Report(f)
	return nil
}

func replicas(n int) string {
	if n == 1 {
		return "one replica"
	}
	return fmt.Sprintf("%d replicas", n)
}

// target returns the workload of an autoscaler; nil where the set does not define it.
func target(p *lint.SetPass) *lint.Resource {
	for _, ref := range p.Resource.Refs {
		if ref.Role == "scaleTargetRef" {
			return p.Set.Get(ref.Group, ref.Kind, ref.Namespace, ref.Name)
		}
	}
	return nil
}

func checkScalers(p *lint.SetPass) error {
	workload := target(p)
	if workload == nil {
		return nil
	}
	if all := scalers(p.Set, workload); all[0].Object != p.Resource.Object {
		p.Report(lint.Finding{
			Path:    "spec.scaleTargetRef",
			OnKey:   true,
			Message: fmt.Sprintf("%s scales %s as well", all[0].Object, workload.Object),
			Help:    "give one autoscaler all the metrics",
			Related: []lint.RelatedPath{
				{Of: all[0], Path: "spec.scaleTargetRef", Message: "the other autoscaler"},
			},
		})
	}
	return nil
}

func checkUtilization(p *lint.SetPass) error {
	workload := target(p)
	if workload == nil {
		return nil
	}
	for _, m := range p.Resource.Utilization {
		if p.Set.Defaulted(workload.Object.Namespace, m.Resource+" request") {
			continue
		}
		i := slices.IndexFunc(workload.Unrequested, func(r lint.Request) bool {
			return r.Resource == m.Resource && (m.Container == "" || m.Container == r.Container)
		})
		if i >= 0 {
			p.Report(lint.Finding{
				Path: m.Path,
				Message: fmt.Sprintf(
					"container %s of %s has no %s request to take a percentage of",
					workload.Unrequested[i].Container,
					workload.Object,
					m.Resource,
				),
				Help:    "set resources.requests." + m.Resource,
				Related: []lint.RelatedPath{{Of: workload, Path: "metadata.name", Message: "the workload"}},
			})
		}
	}
	return nil
}

func checkSpread(p *lint.Pass) error {
	if p.Pods == nil {
		return nil
	}
	for i, c := range p.Pods.Spec.TopologySpreadConstraints {
		selector, err := metav1.LabelSelectorAsSelector(c.LabelSelector)
		if err != nil || selector.Matches(labels.Set(p.Pods.Labels)) {
			continue
		}
		f := lint.Finding{
			Path:    fmt.Sprintf("%s.topologySpreadConstraints[%d].labelSelector", p.Pods.SpecPath, i),
			OnKey:   true,
			Message: "labelSelector does not match the pods' own labels",
			Help:    "select the labels of the pod template",
			Related: []lint.RelatedPath{{Path: p.Pods.LabelsPath, Message: "the pods' labels"}},
		}
		if c.LabelSelector == nil {
			f.Message = "the constraint has no labelSelector, which matches no pods"
		}
		p.Report(f)
	}
	return nil
}

func checkStrategy(p *lint.Pass) error {
	strategy, path := "", "spec.updateStrategy.type"
	switch o := p.Object.(type) {
	case *appsv1.Deployment:
		strategy, path = string(o.Spec.Strategy.Type), "spec.strategy.type"
	case *appsv1.StatefulSet:
		strategy = string(o.Spec.UpdateStrategy.Type)
	case *appsv1.DaemonSet:
		strategy = string(o.Spec.UpdateStrategy.Type)
	case *unstructured.Unstructured: // OpenShift has Rolling, Recreate and Custom; Argo has none of these
		strategy, _, _ = unstructured.NestedString(o.Object, "spec", "strategy", "type")
		path = "spec.strategy.type"
	}
	if strategy != "" && strategy != "RollingUpdate" && strategy != "Rolling" {
		p.Report(lint.Finding{
			Path:    path,
			Message: fmt.Sprintf("the update strategy is %s", strategy),
			Help:    "use RollingUpdate, unless two versions cannot run side by side",
			Fixes:   setting(path, "RollingUpdate"),
		})
	}
	return nil
}

// repelsItself reports whether pods have an anti-affinity to their own kind.
func repelsItself(pods *lint.PodTemplate, namespace string) bool {
	if pods.Spec.Affinity == nil || pods.Spec.Affinity.PodAntiAffinity == nil {
		return false
	}
	anti := pods.Spec.Affinity.PodAntiAffinity
	terms := slices.Clone(anti.RequiredDuringSchedulingIgnoredDuringExecution)
	for _, t := range anti.PreferredDuringSchedulingIgnoredDuringExecution {
		terms = append(terms, t.PodAffinityTerm)
	}
	return slices.ContainsFunc(terms, func(t corev1.PodAffinityTerm) bool {
		selector, err := metav1.LabelSelectorAsSelector(t.LabelSelector)
		own := len(t.Namespaces) == 0 && t.NamespaceSelector == nil || t.NamespaceSelector != nil ||
			slices.Contains(t.Namespaces, cmp.Or(namespace, "default"))
		return err == nil && own && selector.Matches(labels.Set(pods.Labels))
	})
}

func checkSharedClaim(p *lint.SetPass) error {
	n := lowest(p.Set, p.Resource)
	if n < 2 {
		return nil
	}
	for path, claim := range singleNodeClaims(p) {
		p.Report(lint.Finding{
			Path:    path,
			Message: fmt.Sprintf("%d replicas share %s, which one node at a time can mount", n, claim.Object),
			Help:    "use a StatefulSet with volumeClaimTemplates, or ReadWriteMany",
			Related: []lint.RelatedPath{
				{Of: claim, Path: "spec.accessModes", Message: "the claim's access modes"},
			},
		})
	}
	return nil
}

// singleNodeClaims walks through the claims of a workload, with the paths of their names, that one
// node at a time can mount.
func singleNodeClaims(p *lint.SetPass) iter.Seq2[string, *lint.Resource] {
	return func(yield func(string, *lint.Resource) bool) {
		for _, ref := range p.Resource.Refs {
			if ref.Kind != "PersistentVolumeClaim" {
				continue
			}
			if claim := p.Set.Get("", ref.Kind, ref.Namespace, ref.Name); claim != nil && claim.SingleNode &&
				!yield(ref.Path, claim) {
				return
			}
		}
	}
}
