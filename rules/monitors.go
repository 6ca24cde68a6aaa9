package rules

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
)

const serviceMonitor, podMonitor = "ServiceMonitor", "PodMonitor"

var monitorRules = []*lint.Rule{
	{
		Name:     "monitor-selects-nothing",
		Title:    "ServiceMonitor or PodMonitor that selects nothing",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{serviceMonitor, podMonitor},
		Keeps:    []string{serviceMonitor, podMonitor},
		Doc: "Prometheus scrapes nothing, without an error. A ServiceMonitor selects by the labels of Services, and not " +
			"by those of their pods. It is reported where the set has a Service, or pods, whose labels are nearly those " +
			"of the selector: what a monitor is for is often not part of the set.",
		CheckSet: onMonitor(checkMonitorSelector),
	},
	{
		Name:     "monitor-port-missing",
		Title:    "ServiceMonitor or PodMonitor for a port that does not exist",
		Severity: diag.Warning,
		Category: "references",
		Kinds:    []string{serviceMonitor, podMonitor},
		Keeps:    []string{serviceMonitor, podMonitor},
		Doc: "An endpoint names a port: that of a ServiceMonitor a port of the Service, that of a PodMonitor a port of a " +
			"container. Where none of what is selected has it, Prometheus scrapes nothing.",
		CheckSet: onMonitor(checkMonitorPorts),
	},
}

// monitor is a ServiceMonitor or PodMonitor of the Prometheus operator.
type monitor struct {
	Spec struct {
		Selector          metav1.LabelSelector
		NamespaceSelector struct {
			Any        bool
			MatchNames []string
		}
		Endpoints, PodMetricsEndpoints []struct{ Port string }
	}

	kind       string
	namespaces []string // in which it selects; nil: in all
}

func onMonitor(check func(*lint.SetPass, *monitor)) func(*lint.SetPass) error {
	return func(p *lint.SetPass) error {
		m := &monitor{kind: p.Resource.Object.Kind}
		if p.Resource.GroupKind().Group != "monitoring.coreos.com" || json.Unmarshal(written(p.Resource), m) != nil {
			return nil // a schema reports what cannot be read
		}
		switch n := m.Spec.NamespaceSelector; {
		case n.Any:
		case len(n.MatchNames) > 0:
			m.namespaces = n.MatchNames
		default:
			m.namespaces = []string{p.Resource.Object.Namespace}
		}
		check(p, m)
		return nil
	}
}

// written returns an object as JSON: with defaults, or as it is written if its kind is not known.
func written(r *lint.Resource) []byte {
	if r.Stored != nil {
		return r.Stored
	}
	return r.Written
}

// candidates lists what a monitor selects from: Services, or objects with pods.
func (m *monitor) candidates(set *lint.Set) (all []*lint.Resource) {
	if m.kind == serviceMonitor {
		if m.namespaces == nil {
			return set.OfKind("", "Service")
		}
		for _, namespace := range m.namespaces {
			all = append(all, set.In("", "Service", namespace)...)
		}
		return all
	}
	for _, r := range set.All {
		if r.HasPods && (m.namespaces == nil || slices.Contains(m.namespaces, r.Object.Namespace)) {
			all = append(all, r)
		}
	}
	return all
}

// labelsOf returns the labels by which a monitor selects a candidate.
func (m *monitor) labelsOf(r *lint.Resource) map[string]string {
	if m.kind == serviceMonitor {
		return r.Labels
	}
	return r.PodLabels
}

// selected lists what a monitor selects; nil if its selector is wrong.
func (m *monitor) selected(candidates []*lint.Resource) (all []*lint.Resource) {
	selector, err := metav1.LabelSelectorAsSelector(&m.Spec.Selector)
	if err != nil {
		return nil
	}
	for _, r := range candidates {
		if selector.Matches(labels.Set(m.labelsOf(r))) {
			all = append(all, r)
		}
	}
	return all
}

func checkMonitorSelector(p *lint.SetPass, m *monitor) {
	wanted := m.Spec.Selector.MatchLabels
	candidates := m.candidates(p.Set)
	if len(wanted) == 0 || len(m.selected(candidates)) > 0 {
		return
	}
	for _, r := range candidates {
		if differs := nearly(m.labelsOf(r), wanted); len(differs) > 0 {
			p.Report(lint.Finding{
				Path:    "spec.selector.matchLabels." + differs[0],
				Message: fmt.Sprintf("the selector of the %s matches nothing in the set", m.kind),
				Help:    fmt.Sprintf("%s has %s", r.Object, labelList(m.labelsOf(r), differs)),
				Related: []lint.RelatedPath{{Of: r, Path: "metadata.name", Message: "its labels are nearly those"}},
			})
			return
		}
	}
}

// nearly returns the keys of wanted labels that others lack, if these are otherwise nearly the same: some are equal, or
// a value is misspelt.
func nearly(has, wanted map[string]string) (differs []string) {
	alike := false
	for _, key := range slices.Sorted(maps.Keys(wanted)) {
		value, ok := has[key]
		switch {
		case ok && value == wanted[key]:
			alike = true
			continue
		case ok && schema.DidYouMean(wanted[key], []string{value}) != "":
			alike = true
		}
		differs = append(differs, key)
	}
	if !alike {
		return nil
	}
	return differs
}

// labelList writes the labels of some keys.
func labelList(all map[string]string, keys []string) string {
	var list []string
	for _, key := range keys {
		if value, ok := all[key]; ok {
			list = append(list, key+": "+value)
		} else {
			list = append(list, "no label "+key)
		}
	}
	return strings.Join(list, ", ")
}

func checkMonitorPorts(p *lint.SetPass, m *monitor) {
	selected := m.selected(m.candidates(p.Set))
	if len(selected) == 0 {
		return
	}
	field, endpoints := "endpoints", m.Spec.Endpoints
	if m.kind == podMonitor {
		field, endpoints = "podMetricsEndpoints", m.Spec.PodMetricsEndpoints
	}
	for i, e := range endpoints {
		if e.Port == "" || slices.ContainsFunc(selected, func(r *lint.Resource) bool { return hasPort(r, e.Port) }) {
			continue
		}
		what := "port"
		if m.kind == podMonitor {
			what = "container port"
		}
		first := selected[0]
		help := "it has no ports with a name"
		if named := namedPorts(first); len(named) > 0 {
			help = "its ports are " + portList(named)
		}
		p.Report(lint.Finding{
			Path:    fmt.Sprintf("spec.%s[%d].port", field, i),
			Message: fmt.Sprintf("%s has no %s named %q", first.Object, what, e.Port),
			Help:    help,
			Related: []lint.RelatedPath{{Of: first, Path: "metadata.name", Message: "selected"}},
		})
	}
}

func hasPort(r *lint.Resource, name string) bool {
	return slices.ContainsFunc(r.Ports, func(p lint.Port) bool { return p.Name == name })
}

func namedPorts(r *lint.Resource) []lint.Port {
	return slices.DeleteFunc(slices.Clone(r.Ports), func(p lint.Port) bool { return p.Name == "" })
}
