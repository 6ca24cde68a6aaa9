package validation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"k8s.io/kubernetes/pkg/apis/scheduling"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	core "k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/plugin/pkg/admission/certificates/subjectrestriction"
	podsecurity "k8s.io/pod-security-admission/api"

	"github.com/seatrial/seatrial/validation/verdict"
)

// mutate does what the server's default admission does to an object before it is validated, as far as it needs to look
// at nothing else, and returns what that refuses.
func mutate(obj runtime.Object) (causes []verdict.Cause) {
	pod, ok := obj.(*core.Pod)
	if !ok {
		return nil
	}
	if _, mirror := pod.Annotations[core.MirrorPodAnnotationKey]; pod.Spec.ServiceAccountName == "" && !mirror {
		//lint:ignore SA1019 the server fills in both
		pod.Spec.ServiceAccountName, pod.Spec.DeprecatedServiceAccount = "default", "default"
	}
	forbid := func(path, format string, args ...any) {
		causes = append(causes, verdict.Cause{
			Class:   verdict.Forbidden,
			Reason:  string(metav1.StatusReasonForbidden),
			Path:    path,
			Message: fmt.Sprintf(format, args...),
		})
	}
	priority, known := classPriority[pod.Spec.PriorityClassName]
	if p := pod.Spec.Priority; known && p != nil && *p != priority {
		forbid("spec.priority",
			"the integer value of priority (%d) must not be provided in pod spec; priority admission "+
				"controller computed %d from the given PriorityClass name", *p, priority)
	}
	if p := pod.Spec.PreemptionPolicy; known && p != nil && *p != core.PreemptLowerPriority {
		forbid("spec.preemptionPolicy",
			"the string value of PreemptionPolicy (%s) must not be provided in pod spec; priority "+
				"admission controller computed %s from the given PriorityClass name", *p, core.PreemptLowerPriority)
	}
	if pod.Spec.RuntimeClassName == nil && pod.Spec.Overhead != nil {
		forbid("spec.overhead", "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
	}
	return causes
}

// classPriority is the priority of pods by their class, as far as every cluster has the class. Pods without a class
// have the priority of the class that is the default, which every cluster may choose for itself: 0 if it does not.
var classPriority = map[string]int32{
	"":                               0,
	scheduling.SystemClusterCritical: scheduling.SystemCriticalPriority,
	scheduling.SystemNodeCritical:    scheduling.SystemCriticalPriority + 1000,
}

// admit runs those of the server's default admission checks that look at nothing but the object, when it is valid.
func admit(ctx context.Context, k *kind, obj runtime.Object) []verdict.Cause {
	if ns, ok := obj.(*core.Namespace); ok {
		return podSecurityLabels(k, ns)
	}
	if k.gvk.Kind == "CertificateSigningRequest" {
		attrs := admission.NewAttributesRecord(
			obj,
			nil,
			k.gvk,
			"",
			"",
			schema.GroupVersionResource{Group: k.gvk.Group, Version: k.gvk.Version, Resource: k.resource},
			"",
			admission.Create,
			&metav1.CreateOptions{},
			true,
			admin,
		)
		return causesOf(subjectrestriction.NewPlugin().Validate(ctx, attrs, nil), false)
	}
	return nil
}

// podSecurityLabels is the Pod Security plugin's check of a new namespace.
func podSecurityLabels(k *kind, ns *core.Namespace) []verdict.Cause {
	defaults := podsecurity.Policy{Enforce: privileged, Audit: privileged, Warn: privileged}
	if _, errs := podsecurity.PolicyToEvaluate(ns.Labels, defaults); len(errs) > 0 {
		return causesOf(apierrors.NewInvalid(k.gvk.GroupKind(), ns.Name, errs), false)
	}
	return nil
}

var privileged = podsecurity.LevelVersion{Level: podsecurity.LevelPrivileged, Version: podsecurity.LatestVersion()}

// typeCheck returns what the server's controller would write into the status of a policy: the
// expressions that do not fit the types of what they match. One that does not compile is an error already.
func (v *Validator) typeCheck(answer *verdict.Verdict) []verdict.Warning {
	policy, ok := answer.Object.(*admissionregistrationv1.ValidatingAdmissionPolicy)
	if !ok || policy.Spec.MatchConstraints == nil {
		return nil
	}
	mapper, err := v.restMapper()
	if err != nil {
		return nil
	}
	checker := &validating.TypeChecker{SchemaResolver: Schemas(), RestMapper: mapper}
	var warnings []verdict.Warning
	for _, w := range checker.Check(policy.DeepCopy()) {
		if !slices.ContainsFunc(answer.Causes, func(c verdict.Cause) bool { return c.Path == w.FieldRef }) {
			warnings = append(warnings, verdict.Warning{Path: w.FieldRef, Text: strings.TrimSpace(w.Warning)})
		}
	}
	return warnings
}

// restMapper maps resources to the kinds that a server with default settings serves.
func (v *Validator) restMapper() (meta.RESTMapper, error) {
	all, err := v.storages.all()
	if err != nil {
		return nil, err
	}
	mapper := meta.NewDefaultRESTMapper(nil)
	for _, k := range all {
		if k.setting != "" {
			continue
		}
		scope := meta.RESTScopeRoot
		if k.namespaced {
			scope = meta.RESTScopeNamespace
		}
		gv := k.gvk.GroupVersion()
		mapper.AddSpecific(k.gvk, gv.WithResource(k.resource), gv.WithResource(k.resource), scope)
	}
	return mapper, nil
}
