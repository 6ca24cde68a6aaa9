package rules

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/distribution/reference"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apiresource "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

const teamDoc = " It finds nothing until its parameter is set."

// teamRules are what each team decides for itself: they find nothing without parameters.
var teamRules = []*lint.Rule{
	{
		Name:     "image-registry-not-allowed",
		Title:    "image from a registry that is not allowed",
		Severity: diag.Error,
		Category: "images",
		Params: []lint.Param{
			{
				Name:    "allowed",
				Doc:     "globs of registries, or of registry/repository; docker.io is that of names without one",
				Default: []string{}, Valid: globs,
			},
		},
		Equivalents: "popeye 113",
		Doc:         "What runs in a cluster should come from where it was scanned and signed." + teamDoc,
		Check: func(p *lint.Pass) error {
			allowed := p.Params.List("allowed")
			if len(allowed) == 0 {
				return nil
			}
			return eachImage(func(p *lint.Pass, image, path string) {
				name := fullName(image)
				if name != "" &&
					!slices.ContainsFunc(allowed, func(glob string) bool { return repositoryMatches(glob, name) }) {
					p.Report(lint.Finding{
						Path: path, Message: fmt.Sprintf("image %q is not from %s", image, strings.Join(allowed, ", ")),
						Help: "use an image of an allowed registry",
					})
				}
			})(p)
		},
	},
	required("label-required", "labels", "kube-linter required-label-owner, datree 21 and 22",
		func(o metav1.Object) map[string]string { return o.GetLabels() }),
	required("annotation-required", "annotations", "kube-linter required-annotation-email",
		func(o metav1.Object) map[string]string { return o.GetAnnotations() }),
	{
		Name:     "volume-claim-annotation-required",
		Title:    "annotation that the volume claims of a StatefulSet have to have",
		Severity: diag.Error,
		Category: "config",
		Kinds:    []string{"StatefulSet"},
		Params: []lint.Param{
			{
				Name: "annotations", Doc: "regular expressions that the values match as a whole, by key",
				Default: map[string]string{}, Valid: patterns,
			},
		},
		Equivalents: "kube-linter statefulset-volumeclaimtemplate-annotation",
		Doc:         "Backups and encryption are often chosen by annotations of claims." + teamDoc,
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(*appsv1.StatefulSet)
			if !ok {
				return nil
			}
			for i := range o.Spec.VolumeClaimTemplates {
				claim := &o.Spec.VolumeClaimTemplates[i]
				path := fmt.Sprintf("spec.volumeClaimTemplates[%d].metadata.annotations", i)
				reportMissing(p, "annotation", path, claim.Annotations, p.Params.Map("annotations"))
			}
			return nil
		},
	},
	{
		Name:     "dns-option-missing",
		Title:    "DNS option that pods have to set",
		Severity: diag.Error,
		Category: "config",
		Params: []lint.Param{
			{Name: "options", Doc: "values by name, such as ndots: 2", Default: map[string]string{}},
		},
		Equivalents: "kube-linter dnsconfig-options",
		Doc:         "With ndots: 5, which pods get by default, a foreign name is looked up with each search domain first." + teamDoc,
		Check: func(p *lint.Pass) error {
			if p.Pods == nil {
				return nil
			}
			have := map[string]string{}
			if c := p.Pods.Spec.DNSConfig; c != nil {
				for _, o := range c.Options {
					have[o.Name] = ptr.Deref(o.Value, "")
				}
			}
			want := p.Params.Map("options")
			for _, name := range sortedKeys(want) {
				if value, given := have[name]; !given || value != want[name] {
					p.Report(lint.Finding{
						Path: p.Pods.SpecPath + ".dnsConfig.options", OnKey: true,
						Message: fmt.Sprintf("the DNS option %s is not %s", name, want[name]),
					})
				}
			}
			return nil
		},
	},
	{
		Name:     "annotation-forbidden",
		Title:    "annotation that is not allowed",
		Severity: diag.Error,
		Category: "config",
		Params: []lint.Param{
			{Name: "forbidden", Doc: "globs of keys, or of key=value", Default: []string{}, Valid: globs},
		},
		Doc: "Some annotations switch on what a cluster should not do." + teamDoc,
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(metav1.Object)
			if !ok {
				return nil
			}
			for _, key := range sortedKeys(o.GetAnnotations()) {
				forbidden := p.Params.List("forbidden")
				if matchesAny(forbidden, key) || matchesAny(forbidden, key+"="+o.GetAnnotations()[key]) {
					p.Report(lint.Finding{
						Path: "metadata.annotations[" + key + "]", OnKey: true,
						Message: fmt.Sprintf("annotation %s is not allowed", key),
					})
				}
			}
			return nil
		},
	},
	{
		Name:     "kind-forbidden",
		Title:    "kind that is not allowed",
		Severity: diag.Error,
		Category: "config",
		Params: []lint.Param{
			{Name: "forbidden", Doc: "globs of Kind or group/Kind", Default: []string{}, Valid: globs},
		},
		Equivalents: "kube-linter disallowed-api-obj",
		Doc:         "A namespace of a team may not be the place for ClusterRoles or bare Pods." + teamDoc,
		Check: func(p *lint.Pass) error {
			gvk := schema.FromAPIVersionAndKind(p.Document.Object.APIVersion, p.Document.Object.Kind)
			if forbidden := p.Params.List("forbidden"); matchesAny(forbidden, gvk.Kind) ||
				matchesAny(forbidden, gvk.Group+"/"+gvk.Kind) {
				p.Report(lint.Finding{Path: "kind", Message: fmt.Sprintf("kind %s is not allowed", gvk.Kind)})
			}
			return nil
		},
	},
	{
		Name:     "priority-class-not-allowed",
		Title:    "priority class that is not allowed",
		Severity: diag.Error,
		Category: "availability",
		Params: []lint.Param{
			{
				Name: "allowed", Doc: "globs of classes; pods without a class are passed over", Default: []string{},
				Valid: globs,
			},
		},
		Equivalents: "kube-linter priority-class-name",
		Doc:         "Who may choose any class may push out the pods of all others." + teamDoc,
		Check: func(p *lint.Pass) error {
			allowed := p.Params.List("allowed")
			if p.Pods == nil || len(allowed) == 0 || p.Pods.Spec.PriorityClassName == "" ||
				matchesAny(allowed, p.Pods.Spec.PriorityClassName) {
				return nil
			}
			p.Report(lint.Finding{
				Path: p.Pods.SpecPath + ".priorityClassName",
				Message: fmt.Sprintf(
					"priority class %s is not one of %s", p.Pods.Spec.PriorityClassName, strings.Join(allowed, ", "),
				),
			})
			return nil
		},
	},
	{
		Name:     "resource-out-of-range",
		Title:    "request or limit above or below what is allowed",
		Severity: diag.Error,
		Category: "resources",
		Params: []lint.Param{
			{
				Name: "max-requests", Doc: "the largest request by resource, such as cpu: 4",
				Default: map[string]string{}, Valid: quantities,
			},
			{
				Name: "max-limits", Doc: "the largest limit by resource, such as memory: 8Gi",
				Default: map[string]string{}, Valid: quantities,
			},
			{
				Name: "min-limits", Doc: "the smallest limit by resource", Default: map[string]string{},
				Valid: quantities,
			},
			{
				Name: "min-requests", Doc: "the smallest request by resource", Default: map[string]string{},
				Valid: quantities,
			},
		},
		Equivalents: "kube-linter cpu-requirements and memory-requirements",
		Doc: "What no node of the cluster has is never scheduled, and what a single container takes others miss." +
			" It finds nothing until a parameter is set.",
		Check: eachContainer(func(p *lint.Pass, c *corev1.Container, path string) {
			for _, bound := range []struct {
				param, field string
				list         corev1.ResourceList
				sign         int
			}{
				{"max-requests", "requests", c.Resources.Requests, 1}, {"max-limits", "limits", c.Resources.Limits, 1},
				{"min-requests", "requests", c.Resources.Requests, -1},
				{"min-limits", "limits", c.Resources.Limits, -1},
			} {
				for _, name := range sortedKeys(p.Params.Map(bound.param)) {
					q, given := bound.list[corev1.ResourceName(name)]
					limit, err := apiresource.ParseQuantity(p.Params.Map(bound.param)[name])
					if !given || err != nil || q.Cmp(limit)*bound.sign <= 0 {
						continue
					}
					p.Report(lint.Finding{
						Path: fmt.Sprintf("%s.resources.%s.%s", path, bound.field, name),
						Message: fmt.Sprintf(
							"%s %s of container %s: %s of %s is %s", name, strings.TrimSuffix(bound.field, "s"), c.Name,
							bound.param, name, limit.String(),
						),
					})
				}
			}
		}),
	},
}

// required makes a rule that asks for labels or annotations.
func required(name, what, peers string, of func(metav1.Object) map[string]string) *lint.Rule {
	one := strings.TrimSuffix(what, "s")
	return &lint.Rule{
		Name:     name,
		Title:    one + " that objects have to have",
		Severity: diag.Error,
		Category: "config",
		Params: []lint.Param{
			{
				Name: what, Doc: "regular expressions that the values match as a whole, by key",
				Default: map[string]string{}, Valid: patterns,
			},
			{
				Name: "kinds", Doc: "globs of the kinds that need them",
				Default: []string{"Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob"}, Valid: globs,
			},
		},
		Equivalents: peers,
		Doc:         fmt.Sprintf("Owners, cost centres and contacts are found by %s."+teamDoc, what),
		Check: func(p *lint.Pass) error {
			o, ok := p.Object.(metav1.Object)
			if !ok || !matchesAny(p.Params.List("kinds"), p.Document.Object.Kind) {
				return nil
			}
			reportMissing(p, one, "metadata."+what, of(o), p.Params.Map(what))
			return nil
		},
	}
}

// reportMissing reports labels or annotations that are missing, or that do not match what is wanted of them.
func reportMissing(p *lint.Pass, what, path string, have, want map[string]string) {
	for _, key := range sortedKeys(want) {
		value, given := have[key]
		switch {
		case !given:
			p.Report(lint.Finding{Path: path, OnKey: true, Message: fmt.Sprintf("%s %s is missing", what, key)})
		case !wholly(want[key]).MatchString(value):
			p.Report(lint.Finding{
				Path:    path + "[" + key + "]",
				Message: fmt.Sprintf("%s %s: %q does not match %s", what, key, value, want[key]),
			})
		}
	}
}

// wholly returns a pattern of whole values.
func wholly(pattern string) *regexp.Regexp { return regexp.MustCompile("^(?:" + pattern + ")$") }

func patterns(value any) error {
	for key, pattern := range value.(map[string]string) {
		if _, err := regexp.Compile("^(?:" + pattern + ")$"); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

func globs(value any) error {
	for _, glob := range value.([]string) {
		if _, err := path.Match(glob, ""); err != nil {
			return fmt.Errorf("invalid glob %q", glob)
		}
	}
	return nil
}

func quantities(value any) error {
	for name, text := range value.(map[string]string) {
		if _, err := apiresource.ParseQuantity(text); err != nil {
			return fmt.Errorf("%s: %q is not a quantity", name, text)
		}
	}
	return nil
}

// atLeast returns the check of a number that has a lower bound.
func atLeast(least int) func(any) error {
	return func(value any) error {
		if n, _ := value.(int); n < least {
			return fmt.Errorf("want %d or more", least)
		}
		return nil
	}
}

func matchesAny(globs []string, name string) bool {
	return slices.ContainsFunc(globs, func(glob string) bool {
		ok, err := path.Match(glob, name)
		return ok && err == nil
	})
}

// fullName returns registry and repository of an image, as the kubelet completes it; "" if it is none.
func fullName(image string) string {
	if imageProblem(image) != "" {
		return ""
	}
	named, err := reference.ParseNormalizedNamed(image)
	if err != nil {
		return image // it holds a placeholder
	}
	return named.Name()
}

// repositoryMatches reports whether a glob matches a registry and repository, or what leads there.
func repositoryMatches(glob, name string) bool {
	for {
		if ok, err := path.Match(strings.TrimSuffix(glob, "/"), name); ok && err == nil {
			return true
		}
		slash := strings.LastIndexByte(name, '/')
		if slash < 0 {
			return false
		}
		name = name[:slash]
	}
}
