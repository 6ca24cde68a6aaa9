package simulate

import (
	"regexp"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
	"github.com/seatrial/seatrial/lint"
)

const limitDocs = "https://kubernetes.io/docs/concepts/policy/limit-range/"

var admissionTraps = []Trap{
	{
		Name:     "claim-templates-immutable",
		Cause:    "volumeClaimTemplates of a StatefulSet cannot be changed.",
		Evidence: "the API server refuses the update of the field",
		WaysOut:  []string{"grow the claims, delete the StatefulSet with --cascade=orphan, and apply"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/69041",
		kinds:    []string{plan.Denied}, explain: immutableUnder("StatefulSet", "spec.volumeClaimTemplates"),
	},
	{
		Name:     "selector-immutable",
		Cause:    "The selector of a workload cannot be changed.",
		Evidence: "the API server refuses the update of the field",
		WaysOut:  []string{"use another name", "delete the workload with --cascade=orphan, and apply"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/26202",
		kinds:    []string{plan.Denied}, explain: immutableUnder("", "spec.selector"),
	},
	{
		Name:     "job-immutable",
		Cause:    "The template of a Job cannot be changed, also when it has finished.",
		Evidence: "the API server refuses the update of the field",
		WaysOut:  []string{"delete the Job and apply", "give each run a name of its own"},
		Report:   "https://kubernetes.io/docs/concepts/workloads/controllers/job/",
		kinds:    []string{plan.Denied}, explain: immutableUnder("Job", ""),
	},
	{
		Name:     "field-immutable",
		Cause:    "The field cannot be changed after the object was created.",
		Evidence: "the API server refuses the update of the field",
		WaysOut:  []string{"delete the object and apply", "use another name"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/50808",
		kinds:    []string{plan.Denied}, explain: immutableUnder("", ""),
	},
	{
		Name: "last-applied-too-long",
		Cause: "Client-side apply keeps the manifest in an annotation of the object, and annotations have at most 262144 bytes " +
			"together.",
		Evidence: "the API server refuses the annotations of an object that client-side apply creates or updates",
		WaysOut: []string{
			"apply with --server-side, which keeps no copy of the manifest",
			"in Argo CD: the sync option ServerSideApply=true",
		},
		Report: "https://github.com/kubernetes/kubectl/issues/712",
		kinds:  []string{plan.Denied}, explain: lastAppliedTooLong,
	},
	{
		Name:     "policy-denies",
		Cause:    "An admission policy of the cluster, or of the set, refuses the object.",
		Evidence: "the API server names policy and binding in its answer",
		WaysOut:  []string{"change the object as the message of the policy says", "change or unbind the policy"},
		Report:   "https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/",
		kinds:    []string{plan.Denied, plan.Refused}, explain: policyDenies,
	},
	{
		Name: "policy-not-in-force-yet",
		Cause: "A policy comes with objects that it forbids: they are created before it is in force, and refused when they are changed for " +
			"the next time.",
		Evidence: "a dry run of each applied object against the policies, when nothing moves any more",
		WaysOut: []string{
			"apply policies first, and wait until they are in force",
			"change the object as the message of the policy says",
		},
		Report: "https://github.com/kubernetes/kubernetes/issues/119180", Rule: RiskPolicyLate,
	},
	{
		Name:     "pod-security",
		Cause:    "The Pod Security level of the namespace forbids the pods. The workload is accepted, its pods are not.",
		Evidence: "the pods are refused with: violates PodSecurity",
		WaysOut:  []string{"set what the message lists in securityContext", "lower the level of the namespace"},
		Report:   "https://kubernetes.io/docs/concepts/security/pod-security-admission/",
		kinds:    []string{plan.Refused}, explain: podSecurity,
	},
	{
		Name:     "service-account-missing",
		Cause:    "The service account of the pods does not exist.",
		Evidence: "the pods are refused, since the account is not found",
		WaysOut: []string{
			"add ServiceAccount NAME to the manifests", "declare it with --external ServiceAccount/NAME",
		},
		Report:  "https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/",
		kinds:   []string{plan.Refused},
		explain: missingForPods(`serviceaccount "([^"]+)" not found`, "ServiceAccount"),
	},
	{
		Name:     "priority-class-missing",
		Cause:    "The priority class of the pods does not exist.",
		Evidence: "the pods are refused, since the class is not found",
		WaysOut:  []string{"add PriorityClass NAME to the manifests", "declare it with --external PriorityClass/NAME"},
		Report:   "https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/#priorityclass",
		kinds:    []string{plan.Refused},
		explain:  missingForPods(`no PriorityClass with name (\S+) was found`, "PriorityClass"),
	},
	{
		Name:     "runtime-class-missing",
		Cause:    "The runtime class of the pods does not exist.",
		Evidence: "the pods are refused, since the class is not found",
		WaysOut:  []string{"add RuntimeClass NAME to the manifests", "declare it with --external RuntimeClass/NAME"},
		Report:   "https://kubernetes.io/docs/concepts/containers/runtime-class/",
		kinds:    []string{plan.Refused}, explain: missingForPods(`RuntimeClass "([^"]+)" not found`, "RuntimeClass"),
	},
	{
		Name:     "limit-range-default",
		Cause:    "A LimitRange gives containers without a limit its default, and the request is above it.",
		Evidence: "the pods are refused for a request above a limit that the template does not have",
		WaysOut:  []string{"write a limit into the template", "raise the default of the LimitRange"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/51430",
		kinds:    []string{plan.Refused}, explain: limitRangeDefault,
	},
	{
		Name:     "limit-range-bound",
		Cause:    "A LimitRange allows no container, or pod, of this size.",
		Evidence: "the pods are refused with the bound and what they ask for",
		WaysOut:  []string{"keep to the bound", "change the LimitRange"},
		Report:   limitDocs,
		kinds:    []string{plan.Refused}, explain: limitRangeBound,
	},
	{
		Name:     "quota-wants-requests",
		Cause:    "A ResourceQuota counts a resource, so that each container has to say how much of it it wants.",
		Evidence: "the pods are refused with: must specify",
		WaysOut:  []string{"write RESOURCE into resources of each container", "add a LimitRange with defaults"},
		Report:   "https://github.com/kubernetes/kubernetes/issues/55433",
		kinds:    []string{plan.Refused}, explain: quotaWantsRequests,
	},
	{
		Name:     "quota-too-small",
		Cause:    "A ResourceQuota has no room for all pods of the workload.",
		Evidence: "the quota refuses pods, with what is used and what they ask for",
		WaysOut:  []string{"raise the quota", "run fewer replicas, or ask for less"},
		Report:   "https://kubernetes.io/docs/concepts/policy/resource-quotas/",
		kinds:    []string{plan.Refused}, explain: quotaTooSmall,
	},
}

// refusedPath matches the first path of the server's answer to an update.
var refusedPath = regexp.MustCompile(` is invalid: \[?([A-Za-z][\w.\[\]/-]*): `)

// refusedChange matches what the server says of a change, and not of a value.
var refusedChange = regexp.MustCompile(`field is immutable|is immutable after|updates to statefulset spec|may not be changed` +
	`|may not change|cannot change roleRef|updates to parameters are forbidden|can not be less than|previously a storage version`)

// immutableUnder explains the refused change of a field under a path of a kind; empty: any.
func immutableUnder(kind, path string) func(*diagnosis) bool {
	return func(d *diagnosis) bool {
		m := refusedPath.FindStringSubmatch(d.problem.Message)
		o := d.problem.Object
		if m == nil || !refusedChange.MatchString(d.problem.Message) || kind != "" && o.Kind != kind ||
			!strings.HasPrefix(m[1], path) {
			return false
		}
		if o.Namespace == metav1.NamespaceDefault {
			o.Namespace = ""
		}
		d.help = lint.UpdateHelp(o, m[1])
		d.seen("the API server refuses another %s", m[1])
		return d.because("%s of %s cannot be changed", m[1], d.problem.Object)
	}
}

func lastAppliedTooLong(d *diagnosis) bool {
	if d.ServerSide || !strings.Contains(d.problem.Message, "metadata.annotations: Too long") {
		return false
	}
	d.seen("the annotations hold the manifest as %s", corev1.LastAppliedConfigAnnotation)
	return d.because("the copy of the manifest that client-side apply keeps is too long for an annotation")
}

var deniedByPolicy = regexp.MustCompile(
	`ValidatingAdmissionPolicy '([^']+)' with binding '([^']+)' denied request: (.*)$`,
)

func policyDenies(d *diagnosis) bool {
	m := deniedByPolicy.FindStringSubmatch(d.problem.Message)
	if m == nil {
		return false
	}
	d.seen("binding %s", m[2])
	return d.because("ValidatingAdmissionPolicy %s denies it: %s", m[1], m[3])
}

var securityLevel = regexp.MustCompile(`violates PodSecurity "([^"]+)": (.*)$`)

func podSecurity(d *diagnosis) bool {
	m := securityLevel.FindStringSubmatch(d.problem.Message)
	if m == nil {
		return false
	}
	var rules []string
	for _, part := range strings.Split(m[2], "), ") {
		rule, _, _ := strings.Cut(part, " (")
		rules = append(rules, rule)
	}
	d.seen("%s: %s", plural(len(rules), "rule"), strings.Join(rules, ", "))
	return d.because("the namespace enforces Pod Security level %s, which forbids the pods", m[1])
}

// missingForPods explains that pods are refused since an object is missing that a pattern names.
func missingForPods(pattern, kind string) func(*diagnosis) bool {
	missing := regexp.MustCompile(pattern)
	return func(d *diagnosis) bool {
		m := missing.FindStringSubmatch(d.problem.Message)
		if m == nil {
			return false
		}
		d.name("NAME", m[1])
		d.seen("no pod of %s can be created", d.about())
		return d.because("%s %s does not exist", kind, m[1])
	}
}

var aboveLimit = regexp.MustCompile(`Invalid value: "([^"]+)": must be less than or equal to (\S+) limit of (\S+)`)

func limitRangeDefault(d *diagnosis) bool {
	m := aboveLimit.FindStringSubmatch(d.problem.Message)
	if m == nil || len(d.recorder.namesOf("limitranges", d.about().Namespace)) == 0 {
		return false
	}
	d.seen("LimitRange %s", listed(d.recorder.namesOf("limitranges", d.about().Namespace)))
	return d.because(
		"the LimitRange of the namespace gives containers a %s limit of %s, and one asks for %s", m[2],
		strings.TrimSuffix(m[3], ";"), m[1],
	)
}

// namesOf returns the names of the objects of a resource in a namespace.
func (r *recorder) namesOf(resource, namespace string) (names []string) {
	prefix := "/" + resource + "/" + namespace + "/"
	for key := range r.objects {
		if name, ok := strings.CutPrefix(key, prefix); ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

var outOfBounds = regexp.MustCompile(
	`is forbidden: \[?((?:maximum|minimum) .*? per (?:Container|Pod) is [^,\]]+, but [^,\]]+)`,
)

func limitRangeBound(d *diagnosis) bool {
	m := outOfBounds.FindStringSubmatch(d.problem.Message)
	if m == nil {
		return false
	}
	d.seen("LimitRange %s", listed(d.recorder.namesOf("limitranges", d.about().Namespace)))
	return d.because("a LimitRange forbids the pods: %s", strings.TrimSuffix(m[1], "."))
}

var mustSpecify = regexp.MustCompile(`failed quota: ([^:]+): must specify (.+?) for: (.+)$`)

func quotaWantsRequests(d *diagnosis) bool {
	m := mustSpecify.FindStringSubmatch(d.problem.Message)
	if m == nil {
		return false
	}
	d.name("RESOURCE", m[2])
	d.seen("ResourceQuota %s counts it", m[1])
	return d.because("ResourceQuota %s counts %s, and container %s says none", m[1], m[2], m[3])
}

func quotaTooSmall(d *diagnosis) bool {
	m := exceeded.FindStringSubmatch(d.problem.Message)
	if m == nil || d.w == nil {
		return false
	}
	d.seen("used %s of %s", m[3], m[4])
	return d.because("ResourceQuota %s has room for %d of %d pods", m[1], len(d.pods()), desiredOf(d.w.current))
}

// findLatePolicies asks the policies that have come with the change about the objects that have come with it.
func (s *simulation) findLatePolicies() {
	p := &s.recorder.plan
	if !slices.ContainsFunc(p.Changes, func(c plan.Change) bool {
		return c.By == "" && c.Denied == "" && c.Action != plan.Delete &&
			strings.HasPrefix(c.Object.Kind, "ValidatingAdmissionPolicy")
	}) {
		return
	}
	for _, c := range p.Changes {
		if c.By != "" || c.Denied != "" || c.Action == plan.Delete {
			continue
		}
		m := deniedByPolicy.FindStringSubmatch(s.applier.tryAgain(c.Object))
		if m == nil {
			continue
		}
		d := diag.Diagnostic{
			Rule: RiskPolicyLate, Severity: diag.Warning, Object: c.Object, Path: "",
			Message: "ValidatingAdmissionPolicy " + m[1] + " was not in force yet, and forbids the object: " + m[3],
			Help:    "apply policies first and wait until they are in force; the next change of the object is refused",
		}
		s.locate(&d, c.Object)
		p.Findings = append(p.Findings, d)
	}
}
