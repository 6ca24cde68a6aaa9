package simulate

import (
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/internal/plan"
)

// A Trap is a known way in which a change gets stuck or does harm. docs/plan-traps.md is generated from the catalogue;
// each trap has a case of its name in testdata/traps.
type Trap struct {
	Name     string   // in lower case, with hyphens
	Cause    string   // what goes wrong, and why
	Evidence string   // what in the simulation shows it
	WaysOut  []string // what to do, the first choice first; NODE, POD and other words in capitals are filled in
	Report   string   // URL of a public report or of the documentation

	// Rule is the risk that reports the trap; empty: it explains a problem.
	Rule string

	kinds   []string // of the problems that it may explain
	explain func(*diagnosis) bool
}

// TrapFamily is a part of the catalogue.
type TrapFamily struct {
	Title string
	Traps []Trap
}

// TrapCatalogue returns all known traps. Those that explain problems are tried in this order; the first that fits
// counts.
func TrapCatalogue() []TrapFamily {
	return []TrapFamily{
		{"Rollouts", rolloutTraps}, {"Scheduling", schedulingTraps}, {"Storage", storageTraps},
		{"Containers", containerTraps},
		{"Admission", admissionTraps}, {"Jobs", jobTraps}, {"Nodes and deletion", nodeTraps},
	}
}

// reportOf returns the public report of the trap that a rule is for, if there is one.
func reportOf(rule string) string {
	for _, family := range TrapCatalogue() {
		for i := range family.Traps {
			if family.Traps[i].Rule == rule {
				return family.Traps[i].Report
			}
		}
	}
	return ""
}

// diagnosis asks whether a trap explains an open problem, and takes down what the trap finds.
type diagnosis struct {
	*simulation
	problem  *plan.Problem
	w        *workloadTrack          // that the problem is about, or nil
	template *corev1.PodTemplateSpec // of w, or nil
	pod      *podTrack               // that waits for a node, or nil
	fits     []plan.NodeFit          // why nodes do not take it, by name

	cause    string
	evidence []string
	help     string // in place of the ways out of the trap
	at       plan.Time
	names    []string // what words of the ways out stand for, in pairs
}

// explainProblems puts causes, evidence and ways out beside problems.
func (s *simulation) explainProblems(all []plan.Problem) {
	for i := range all {
		if all[i].Open {
			s.explain(&all[i])
		}
	}
}

// explain finds the trap that explains a problem, and reports whether there is one.
func (s *simulation) explain(p *plan.Problem) bool {
	for _, family := range TrapCatalogue() {
		for i := range family.Traps {
			t := &family.Traps[i]
			if t.explain == nil || !slices.Contains(t.kinds, p.Kind) {
				continue
			}
			d := s.diagnose(p)
			if t.explain(d) {
				d.conclude(t)
				return true
			}
		}
	}
	return false
}

func (s *simulation) diagnose(p *plan.Problem) *diagnosis {
	d := &diagnosis{simulation: s, problem: p, w: s.recorder.workloads[p.Workload], at: p.At}
	if d.w != nil && d.w.current != nil {
		d.template = templateOf(d.w.current)
	}
	for _, uid := range s.recorder.waiting {
		u, t := s.recorder.unplaced[uid], s.recorder.pods[uid]
		if u.Until != nil || t == nil || t.gone || t.pod.Spec.NodeName != "" {
			continue
		}
		if t.life.Object == p.Object || !isZero(p.Workload) && t.life.Workload == p.Workload {
			d.pod, d.fits = t, u.Nodes
			break
		}
	}
	return d
}

// conclude writes into the problem what the trap has found.
func (d *diagnosis) conclude(t *Trap) {
	p := d.problem
	fill := strings.NewReplacer(d.names...)
	p.Trap, p.Cause, p.Evidence, p.Report = t.Name, d.cause, d.evidence, t.Report
	p.At = d.at
	p.Help = d.help
	if p.Help == "" {
		p.Help = fill.Replace(strings.Join(t.WaysOut, "; or "))
	}
}

// because sets the cause, and returns true for the trap to return.
func (d *diagnosis) because(format string, args ...any) bool {
	d.cause = fmt.Sprintf(format, args...)
	return true
}

func (d *diagnosis) seen(format string, args ...any) {
	d.evidence = append(d.evidence, fmt.Sprintf(format, args...))
}

// name sets what a word of the ways out stands for.
func (d *diagnosis) name(word, value string) { d.names = append(d.names, word, value) }

// about returns the workload of the problem, or its object.
func (d *diagnosis) about() diag.Object {
	if isZero(d.problem.Workload) {
		return d.problem.Object
	}
	return d.problem.Workload
}

// pods returns the pods of the problem that exist and are not stopping.
func (d *diagnosis) pods() (all []*podTrack) {
	for _, t := range d.recorder.order {
		mine := t.life.Object == d.problem.Object ||
			!isZero(d.problem.Workload) && t.life.Workload == d.problem.Workload
		if mine && !t.gone && t.pod.DeletionTimestamp == nil {
			all = append(all, t)
		}
	}
	return all
}

// unready returns the first pod of the problem that is not ready, or nil.
func (d *diagnosis) unready() *podTrack {
	for _, t := range d.pods() {
		if t.readyFrom.IsZero() && t.pod.Status.Phase != corev1.PodSucceeded {
			return t
		}
	}
	return nil
}

// exclusions are filters that say that a node is not for the pod, whatever runs there.
var exclusions = []string{"NodeUnschedulable", "NodeName", "TaintToleration", "NodeAffinity"}

// rejectedBy returns the nodes that a plugin rejected with a reason that has some words, by name.
func (d *diagnosis) rejectedBy(plugin, words string) (names []string) {
	for _, f := range d.fits {
		if f.Plugin == plugin && strings.Contains(f.Reason, words) {
			names = append(names, f.Name)
		}
	}
	return names
}

// allBy returns the nodes that a plugin rejected, if it rejected each node that is for the pod, and nil otherwise.
func (d *diagnosis) allBy(plugin, words string) []string {
	for _, f := range d.fits {
		if !slices.Contains(exclusions, f.Plugin) && (f.Plugin != plugin || !strings.Contains(f.Reason, words)) {
			return nil
		}
	}
	return d.rejectedBy(plugin, words)
}

// old returns the pods of an earlier template that are not stopping.
func (d *diagnosis) old() (all []*podTrack) {
	if d.w == nil {
		return nil
	}
	for _, t := range d.w.pods {
		if !t.gone && t.pod.DeletionTimestamp == nil && !d.w.isNew(t.pod) {
			all = append(all, t)
		}
	}
	return all
}

// surges reports whether pods of a new template are made while none of the old ones goes: maxSurge is above 0, and
// maxUnavailable is 0.
func (d *diagnosis) surges() bool {
	if d.w == nil {
		return false
	}
	switch o := d.w.current.(type) {
	case *appsv1.Deployment:
		r := o.Spec.Strategy.RollingUpdate
		return r != nil && scaledValue(r.MaxUnavailable, desiredOf(o), false) == 0
	case *appsv1.DaemonSet:
		r := o.Spec.UpdateStrategy.RollingUpdate
		return r != nil && scaledValue(r.MaxSurge, desiredOf(o), true) > 0
	}
	return false
}

func scaledValue(v *intstr.IntOrString, of int, up bool) int {
	if v == nil {
		return 0
	}
	n, err := intstr.GetScaledValueFromIntOrPercent(v, of, up)
	if err != nil {
		return 0 // the API server refuses it
	}
	return n
}

// listed returns the first names of some, and how many more there are.
func listed(names []string) string {
	const most = 4
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// podNames returns the names of pods.
func podNames(pods []*podTrack) (names []string) {
	for _, t := range pods {
		names = append(names, t.life.Object.Name)
	}
	return names
}

// findSilent looks for workloads and pods that lack something although no event says why, and that a trap explains.
func (s *simulation) findSilent(told []plan.Problem) (found []plan.Problem) {
	known := func(o diag.Object) bool {
		return slices.ContainsFunc(told, func(p plan.Problem) bool {
			return p.Open && p.Kind != plan.Deadline && (p.Workload == o || p.Object == o)
		})
	}
	try := func(o, workload diag.Object, why string, at plan.Time) {
		p := plan.Problem{
			Kind: plan.Waiting, At: max(0, at), Last: max(0, at), Count: 1, Object: o, Workload: workload, Message: why,
			Open: true,
		}
		if s.explain(&p) {
			found = append(found, p)
		}
	}
	for _, w := range s.recorder.sortedWorkloads() {
		if w.gone || w.why == "" || known(w.object) {
			continue
		}
		at := plan.Time(0)
		for _, t := range w.pods {
			if !t.gone && t.readyFrom.IsZero() {
				at = t.life.Created
				break
			}
		}
		try(w.object, w.object, w.why, at)
	}
	for _, t := range s.recorder.order {
		if why := s.unsettledPod(t); isZero(t.life.Workload) && why != "" && !known(t.life.Object) {
			try(t.life.Object, diag.Object{}, why, t.life.Created)
		}
	}
	return found
}
