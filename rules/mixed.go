package rules

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
)

// mixedRules look at Services that have pods which were not meant, or lose those that run.
var mixedRules = []*lint.Rule{
	{
		Name:     "service-selects-mixed-workloads",
		Title:    "Service that also selects pods which do not serve its port",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{"Service"},
		URL:      "https://kubernetes.io/docs/concepts/services-networking/service/#services-in-kubernetes",
		Doc: "The selector matches the pods of two workloads, of which one declares the port and the other does not: part of " +
			"the requests goes to pods that refuse the connection. Labels that all parts of an application have are not " +
			"enough for a selector. Headless Services, named target ports, which choose by themselves, single pods, and " +
			"workloads in another folder are not judged.",
		CheckSet: checkMixed,
	},
	{
		Name:     "selector-label-drift",
		Title:    "change of labels by which a Service loses the pods that run",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{"Deployment", "StatefulSet", "DaemonSet"},
		URL:      "https://kubernetes.io/docs/concepts/services-networking/service/#services-in-kubernetes",
		Doc: "With `--base`: the labels of a workload's pods change, and a Service that selects the pods as they run does not " +
			"select them any more, or not the new ones. In the first case it has no endpoints until new pods are ready, in " +
			"the second none when the rollout has ended. Change a label in steps: add the new one to the pods, let the " +
			"rollout end, then select by it.",
		CheckSet: checkDrift,
	},
}

// checkMixed looks for workloads beside a Service, in the same folder: another folder may be another example.
func checkMixed(p *lint.SetPass) error {
	r := p.Resource
	if r.Selector == nil || r.Headless || r.External {
		return nil
	}
	for i, port := range r.Ports {
		if port.TargetName != "" {
			continue
		}
		var serving, other *lint.Resource
		for w := range p.Set.Selected(r) {
			switch {
			case w.Object.Kind == "Pod":
			case declares(w, port):
				serving = cmp.Or(serving, w)
			case path.Dir(w.File) == path.Dir(r.File):
				other = cmp.Or(other, w)
			}
		}
		if serving == nil || other == nil || serving.Object == other.Object {
			continue
		}
		p.Report(lint.Finding{
			Path:  r.Selector.Path,
			OnKey: true,
			Message: fmt.Sprintf(
				"%s also selects the pods of %s, which declare no port %d", r.Object, other.Object, port.TargetNumber,
			),
			Help: fmt.Sprintf("select by a label that only the pods of %s have", serving.Object),
			Related: []lint.RelatedPath{
				{Path: fmt.Sprintf("spec.ports[%d]", i), Message: "the port"},
				{Of: other, Path: "metadata.name", Message: "selected as well"},
			},
		})
		return nil
	}
	return nil
}

// declares reports whether pods declare the target port of a Service's port.
func declares(pods *lint.Resource, port lint.Port) bool {
	return slices.ContainsFunc(pods.Ports, func(p lint.Port) bool {
		return p.Number == port.TargetNumber && p.Protocol == port.Protocol
	})
}

// checkDrift looks at a workload whose pods get other labels, and at the Services that select those that run.
func checkDrift(p *lint.SetPass) error {
	r := p.Resource
	if r.Before == nil || len(r.Before.PodLabels) == 0 || maps.Equal(r.Before.PodLabels, r.PodLabels) {
		return nil
	}
	was, will := labels.Set(r.Before.PodLabels), labels.Set(r.PodLabels)
	for _, service := range p.Set.In("", "Service", r.Object.Namespace) {
		if service.Selector == nil || service.Before == nil || len(service.Before.Selector) == 0 {
			continue
		}
		before := labels.SelectorFromSet(service.Before.Selector)
		now := labels.SelectorFromSet(service.Selector.MatchLabels)
		if !before.Matches(was) || now.Matches(was) && now.Matches(will) {
			continue
		}
		f := lint.Finding{
			Path: strings.TrimSuffix(r.SpecPath, "spec") + "metadata.labels", OnKey: true,
			Related: []lint.RelatedPath{{Of: service, Path: service.Selector.Path, Message: "the Service's selector"}},
		}
		switch {
		case now.Matches(will):
			f.Message = fmt.Sprintf("%s selects the new labels at once, and loses the pods that run", service.Object)
			f.Help = "add the label first, let the rollout end, then select by it"
		case now.Matches(was):
			f.Message = fmt.Sprintf("%s selects the labels of before, and not the new pods", service.Object)
			f.Help = "keep the labels by which it selects, or change its selector afterwards"
		default:
			continue // it selects other pods now
		}
		p.Report(f)
	}
	return nil
}
