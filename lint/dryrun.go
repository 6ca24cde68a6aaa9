package lint

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/manifest"
)

// DryRun creates a set of objects in a whole API server with admission, and gives an answer for
// each; existing objects are there before it. Package cluster has the real one.
type DryRun func(ctx context.Context, existing, set []*unstructured.Unstructured) ([]Answer, error)

// Answer is what a whole API server says of one object of a set.
type Answer struct {
	Refused    error    // an error of the API server; nil: the object is accepted
	Warnings   []string // that came with it
	PodRefused error    // what becomes of its pods, if the object is a workload that is accepted
}

// The rules of lint --dry-run.
var (
	ruleAdmission = &Rule{
		Name:     "admission",
		Title:    "admission refuses the object",
		Severity: diag.Error,
		Category: "verdict",
		Doc: "Found by `seatrial lint --dry-run`, which creates the whole set in an API server with the admission " +
			"plugins that are on by default: Pod Security, a quota, a LimitRange, " +
			"a class that is missing, or an admission policy of the set is against the object. Objects that exist " +
			"outside of the set are named with `--external`.",
	}
	ruleAdmissionPod = &Rule{
		Name:     "admission-pod",
		Title:    "admission refuses the pods of a workload",
		Severity: diag.Error,
		Category: "verdict",
		Doc: "Found by `seatrial lint --dry-run`: the API server accepts the workload, but would refuse the " +
			"pods that its controller makes. No pod would ever start, and only an event of the workload would tell.",
	}
)

// DryRunRules lists the rules that need Options.DryRun.
var DryRunRules = []*Rule{ruleAdmission, ruleAdmissionPod}

// judgeByCreating asks a whole API server about all objects, and gives what is not known yet:
// objects that are refused by themselves are passed over.
func (r *run) judgeByCreating(ctx context.Context, set *Set, known []*finding) ([]*finding, error) {
	if r.DryRun == nil {
		return nil, nil
	}
	existing, err := r.existing()
	if err != nil {
		return nil, err
	}
	resources, objects, err := r.objects(set)
	if err != nil {
		return nil, err
	}
	r.assumed = undefinedNamespaces(set, slices.Concat(existing, objects))
	for _, name := range r.assumed {
		o := &unstructured.Unstructured{}
		o.SetAPIVersion("v1")
		o.SetKind("Namespace")
		o.SetName(name)
		existing = append(existing, o)
	}
	answers, err := r.DryRun(ctx, existing, objects)
	if err != nil {
		return nil, fmt.Errorf("dry run: %w", err)
	}
	refused := map[docKey]bool{}
	for _, f := range known {
		if rejects(f.Rule) || f.Rule == ruleAdmissionPolicy.Name && f.Severity == diag.Error {
			refused[documentOf(f)] = true
		}
	}
	var late []lateFinding
	for i, res := range resources {
		if !refused[docKey{res.File, docRef{res.Document, res.Item}}] {
			late = append(late, explain(set, res, objects[i], &answers[i])...)
		}
	}
	found, err := r.show(ctx, late)
	if !slices.Contains(r.Versions, r.Linked) || len(r.Versions) == 1 {
		return found, err
	}
	for i := range found {
		found[i].Versions = []string{r.Linked}
	}
	return found, err
}

// undefinedNamespaces lists the namespaces of objects of a set that nothing defines, and that a new cluster does not
// have.
func undefinedNamespaces(set *Set, objects []*unstructured.Unstructured) []string {
	defined := map[string]bool{
		"": true, "default": true, "kube-system": true, "kube-public": true, "kube-node-lease": true,
	}
	for _, o := range objects {
		if o.GetKind() == "Namespace" {
			defined[o.GetName()] = true
		}
	}
	missing := map[string]bool{}
	for _, res := range set.All {
		if !defined[res.Object.Namespace] {
			missing[res.Object.Namespace] = true
		}
	}
	return sortedKeys(missing)
}

// objects returns all objects of the set with their facts, in the order of the files.
func (r *run) objects(set *Set) (resources []*Resource, objects []*unstructured.Unstructured, err error) {
	byKey := make(map[docKey]*Resource, len(set.All))
	for _, res := range set.All {
		byKey[docKey{res.File, docRef{res.Document, res.Item}}] = res
	}
	for i, name := range r.Files {
		if r.results[i] == nil {
			continue // it could not be read, which is reported
		}
		docs, err := r.inOrder(name)
		if err != nil {
			return nil, nil, err
		}
		for _, d := range docs {
			res := byKey[docKey{name, docRef{d.Number, d.Item}}]
			if o := decode(d); o != nil && res != nil {
				resources, objects = append(resources, res), append(objects, o)
			}
		}
	}
	return resources, objects, nil
}

// decode returns a document as a client would send it, nil if it could not.
func decode(d *manifest.Document) *unstructured.Unstructured {
	o := &unstructured.Unstructured{}
	if d.Object.APIVersion == "" || d.Object.Kind == "" || o.UnmarshalJSON(d.JSON) != nil {
		return nil
	}
	return o
}

// existing are the objects that were declared to be there already: definitions, and what
// Options.External names without globs, as far as others depend on it.
func (r *run) existing() (all []*unstructured.Unstructured, err error) {
	for _, name := range r.CRDs {
		docs, err := r.inOrder(name)
		if err != nil {
			return nil, err
		}
		for _, d := range docs {
			if o := decode(d); o != nil && isDefinition(d) {
				all = append(all, o)
			}
		}
	}
	for _, e := range r.External {
		kind, name, _ := strings.Cut(e, "/")
		if strings.ContainsAny(e, `*?[\`) || name == "" {
			continue
		}
		o := &unstructured.Unstructured{}
		o.SetKind(kind)
		if i := strings.IndexByte(name, '/'); i >= 0 {
			o.SetNamespace(name[:i])
			name = name[i+1:]
		}
		o.SetName(name)
		switch kind {
		case "Namespace", "ServiceAccount":
			o.SetAPIVersion("v1")
		case "PriorityClass":
			o.SetAPIVersion("scheduling.k8s.io/v1")
			o.Object["value"] = int64(0)
		default:
			continue
		}
		all = append(all, o)
	}
	return all, nil
}

// explain turns an answer into findings.
func explain(set *Set, res *Resource, o *unstructured.Unstructured, a *Answer) (late []lateFinding) {
	if meta.IsNoMatchError(a.Refused) {
		return nil // a kind whose schema may be missing
	}
	pods := PodTemplateOf(o)
	late = append(late, refusal(set, res, pods, ruleAdmission, a.Refused)...)
	late = append(late, refusal(set, res, pods, ruleAdmissionPod, a.PodRefused)...)
	for _, w := range a.Warnings {
		if !fromAdmission.MatchString(w) {
			continue // lint has said so by itself
		}
		late = append(late, lateFinding{of: res, rule: ruleServerWarning, Finding: Finding{
			Path: culprit(pods, w), Message: w, Related: decisive(set, res, w),
		}})
	}
	return late
}

// fromAdmission matches the warnings of admission plugins.
var fromAdmission = regexp.MustCompile(`^would violate PodSecurity|^Validation failed for ValidatingAdmissionPolicy`)

// forbidden is how the server begins when admission refuses an object.
var forbidden = regexp.MustCompile(`^\S+ "[^"]*" is forbidden: `)

func refusal(set *Set, res *Resource, pods *PodTemplate, rule *Rule, err error) (late []lateFinding) {
	if err == nil {
		return nil
	}
	var status interface{ Status() metav1.Status }
	if !errors.As(err, &status) {
		return []lateFinding{{of: res, rule: rule, Finding: Finding{Path: "metadata.name", Message: err.Error()}}}
	}
	s := status.Status()
	if s.Reason == metav1.StatusReasonInvalid && s.Details != nil &&
		slices.ContainsFunc(s.Details.Causes, func(c metav1.StatusCause) bool { return c.Field != "" }) {
		for _, c := range s.Details.Causes {
			path := c.Field
			if rule == ruleAdmissionPod && pods != nil {
				path = strings.TrimSuffix(pods.SpecPath, "spec") + path
			}
			late = append(late, lateFinding{
				of:      res,
				rule:    rule,
				reason:  string(c.Type),
				Finding: Finding{Path: path, Message: c.Message},
			})
		}
		return late
	}
	message := forbidden.ReplaceAllString(s.Message, "")
	return []lateFinding{{of: res, rule: rule, reason: string(s.Reason), Finding: Finding{
		Path: culprit(
			pods,
			message,
		), Message: message, Help: wayOut(set, message), Related: decisive(set, res, message),
	}}}
}

// culprits finds the field that a refusal speaks of. A path that begins with a dot is below the
// spec of the pods.
var culprits = []struct {
	says *regexp.Regexp
	path func(pods *PodTemplate, match []string) string
}{
	{regexp.MustCompile(`^namespaces "[^"]*" not found|is being terminated`), at("metadata.namespace")},
	{regexp.MustCompile(`PriorityClass`), at(".priorityClassName")},
	{regexp.MustCompile(`service account .* not found|serviceaccount "[^"]*" not found`), at(".serviceAccountName")},
	{regexp.MustCompile(`RuntimeClass`), at(".runtimeClassName")},
	{regexp.MustCompile(`exceeded quota|failed quota`), at("spec.replicas")},
	{
		regexp.MustCompile(`host namespaces \((hostNetwork|hostPID|hostIPC)=true`),
		func(_ *PodTemplate, m []string) string { return "." + m[1] },
	},
	{
		regexp.MustCompile(`containers? "([^"]+)"(?:, "[^"]+")* must (?:not )?set ([A-Za-z.]+)`),
		func(p *PodTemplate, m []string) string { return containerPath(p, m[1]) + "." + m[2] },
	},
	{
		regexp.MustCompile(`containers? "([^"]+)"(?:, "[^"]+")* uses hostPort`),
		func(p *PodTemplate, m []string) string { return containerPath(p, m[1]) + ".ports" },
	},
	{
		regexp.MustCompile(`containers? "([^"]+)"`),
		func(p *PodTemplate, m []string) string { return containerPath(p, m[1]) },
	},
	{regexp.MustCompile(`volumes? "([^"]+)"`), volumePath},
	{regexp.MustCompile(`usage per (?:Container|Pod)`), at(".containers[0].resources")},
	{regexp.MustCompile(`usage per PersistentVolumeClaim`), at("spec.resources")},
}

func at(path string) func(*PodTemplate, []string) string {
	return func(*PodTemplate, []string) string { return path }
}

func containerPath(p *PodTemplate, name string) string {
	for i := range p.Spec.InitContainers {
		if p.Spec.InitContainers[i].Name == name {
			return fmt.Sprintf(".initContainers[%d]", i)
		}
	}
	for i := range p.Spec.Containers {
		if p.Spec.Containers[i].Name == name {
			return fmt.Sprintf(".containers[%d]", i)
		}
	}
	return ""
}

func volumePath(p *PodTemplate, match []string) string {
	for i := range p.Spec.Volumes {
		if p.Spec.Volumes[i].Name == match[1] {
			return fmt.Sprintf(".volumes[%d]", i)
		}
	}
	return ""
}

func culprit(pods *PodTemplate, message string) string {
	for _, c := range culprits {
		m := c.says.FindStringSubmatch(message)
		if m == nil {
			continue
		}
		path := ""
		if pods != nil || len(m) == 1 {
			path = c.path(pods, m)
		}
		switch {
		case path == "", path[0] == '.' && pods == nil:
			return "metadata.name"
		case path[0] == '.':
			return pods.SpecPath + path
		case path == "spec.replicas" && (pods == nil || pods.Replicas == nil):
			return "metadata.name"
		}
		return path
	}
	return "metadata.name"
}

var missingNamespace = regexp.MustCompile(`^namespaces "([^"]*)" not found`)

// wayOut says what to do.
func wayOut(set *Set, message string) string {
	if m := missingNamespace.FindStringSubmatch(message); m != nil {
		if set.Get("", "Namespace", "", m[1]) != nil {
			return "the Namespace of the set is refused: fix that one first"
		}
		return fmt.Sprintf("add the Namespace to the set, or say --external Namespace/%s if it exists", m[1])
	}
	return ""
}

var (
	podSecurityWords = regexp.MustCompile(`violate PodSecurity`)
	quotaWords       = regexp.MustCompile(`(?:exceeded|failed) quota: ([^,:\s]+)`)
	policyWords      = regexp.MustCompile(`ValidatingAdmissionPolicy '([^']+)'`)
	limitWords       = regexp.MustCompile(`usage per (?:Container|Pod|PersistentVolumeClaim)|limit to request ratio`)
)

// decisive is the object of the set that is behind a refusal.
func decisive(set *Set, res *Resource, message string) []RelatedPath {
	namespace := res.Object.Namespace
	switch {
	case podSecurityWords.MatchString(message):
		if of := set.Get("", "Namespace", "", namespace); of != nil {
			return []RelatedPath{{Of: of, Path: "metadata.labels", Message: "the namespace asks for it"}}
		}
	case quotaWords.MatchString(message):
		if of := set.Get("", "ResourceQuota", namespace, quotaWords.FindStringSubmatch(message)[1]); of != nil {
			return []RelatedPath{{Of: of, Path: "spec.hard", Message: "the quota"}}
		}
	case policyWords.MatchString(message):
		if of := set.Get(
			"admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "", policyWords.FindStringSubmatch(message)[1],
		); of != nil {
			return []RelatedPath{{Of: of, Path: "metadata.name", Message: "the policy"}}
		}
	case limitWords.MatchString(message):
		if all := set.OfKind("", "LimitRange"); len(all) > 0 {
			for _, of := range all {
				if of.Object.Namespace == namespace {
					return []RelatedPath{{Of: of, Path: "spec.limits", Message: "the LimitRange"}}
				}
			}
		}
	}
	return nil
}
