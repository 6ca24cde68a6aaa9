package plan

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/seatrial/seatrial/diag"
)

// expectation is one line of a scenario's expect: [SUBJECT] PREDICATE. The subject is Kind/name or
// Kind/namespace/name; without one, a predicate is about every workload that the change is about.
type expectation struct {
	text             string
	kind, space, who string // of the subject; kind is empty without one
	check            func(*judgement) verdict
}

// judgement is what an expectation is judged by.
type judgement struct {
	*Plan
	Evidence
	subject *expectation
	about   []*Workload
}

// Evidence is what expectations ask of a simulation beside its report.
type Evidence struct {
	End     Time     // of the simulation
	Budgets []Budget // that exist at the end, by namespace and name
}

// Budget is how a PodDisruptionBudget fared.
type Budget struct {
	Object   diag.Object
	Violated *Time  // when it first had fewer healthy pods than it wants, after it had enough; nil: never
	Why      string // how many it had then
}

// verdict is an answer, and when it was decided.
type verdict struct {
	passed bool
	at     Time
	why    string
}

// predicates are the sentences that an expectation may be, each with an example for messages.
var predicates = []struct {
	example string
	pattern *regexp.Regexp
	build   func(match []string) (func(*judgement) verdict, error)
}{
	{
		"available >= 2 throughout",
		regexp.MustCompile(`^(available|ready|pods)\s*(>=|>|<=|<|==)\s*(\d+)(%?)\s+(throughout|at the end)$`),
		buildCount,
	},
	{"converges within 5m", regexp.MustCompile(`^converges(?:\s+within\s+(\S+))?$`), buildConverges},
	{"stalls", regexp.MustCompile(`^stalls$`), buildStalls},
	{"no pod Pending longer than 30s", regexp.MustCompile(`^no pod ([A-Za-z]+) longer than (\S+)$`), buildNotLonger},
	{"PDB never violated", regexp.MustCompile(`^PDB(?:\s+(\S+))? never violated$`), buildBudget},
	{"no preemption", regexp.MustCompile(`^no preemption$`), buildNone(Preempted, "preemption")},
	{"no eviction blocked", regexp.MustCompile(`^no eviction blocked$`), buildNone(Blocked, "blocked eviction")},
	{"no restarts", regexp.MustCompile(`^no restarts$`), buildNoRestarts},
	{"no problems", regexp.MustCompile(`^no problems$`), buildNoProblems},
	{"placed on at least 2 zones", regexp.MustCompile(`^placed on at least (\d+) (zones?|nodes?)$`), buildSpread},
	{"on node worker-1", regexp.MustCompile(`^on nodes? (\S+)$`), buildOnNode},
}

var subject = regexp.MustCompile(`^([A-Za-z]+)/([a-z0-9.-]+)(?:/([a-z0-9.-]+))?:?\s+(.*)$`)

// parseExpectation reads one line.
func parseExpectation(text string) (*expectation, error) {
	e := &expectation{text: text}
	rest := strings.Join(strings.Fields(text), " ")
	if m := subject.FindStringSubmatch(rest); m != nil {
		e.kind, e.who, rest = m[1], m[2], m[4]
		if m[3] != "" {
			e.space, e.who = m[2], m[3]
		}
	}
	for _, p := range predicates {
		m := p.pattern.FindStringSubmatch(rest)
		if m == nil {
			continue
		}
		check, err := p.build(m)
		if err != nil {
			return nil, fmt.Errorf("expectation %q: %w", text, err)
		}
		e.check = check
		return e, nil
	}
	examples := make([]string, len(predicates))
	for i, p := range predicates {
		examples[i] = p.example
	}
	return nil, fmt.Errorf(
		"expectation %q is not understood: want [Kind/name] and one such as: %s", text,
		strings.Join(examples, "; "),
	)
}

// Judge returns the answers to the expectations of a scenario, which may be nil.
func (s *Scenario) Judge(p *Plan, evidence Evidence) []Expectation {
	answers := []Expectation{}
	if s == nil {
		return answers
	}
	for _, text := range s.Expect {
		e, err := parseExpectation(text)
		if err != nil { // the reader of the scenario has reported it
			answers = append(answers, Expectation{Expect: text, Message: err.Error()})
			continue
		}
		j := &judgement{Plan: p, Evidence: evidence, subject: e}
		for i := range p.Workloads {
			w := &p.Workloads[i]
			if e.kind == "" && (w.Changed || len(w.Curve) > 1) || e.isAbout(w.Object) {
				j.about = append(j.about, w)
			}
		}
		v := verdict{why: fmt.Sprintf("there is no %s %s", e.kind, e.who), at: p.VirtualSeconds}
		if e.kind == "" || len(j.about) > 0 || e.isPod(p) {
			v = e.check(j)
		}
		answers = append(answers, Expectation{Expect: e.text, Passed: v.passed, At: v.at, Message: v.why})
	}
	return answers
}

func (e *expectation) isAbout(o diag.Object) bool {
	return strings.EqualFold(e.kind, o.Kind) && e.who == o.Name && (e.space == "" || e.space == o.Namespace)
}

// isPod reports whether the subject is a pod of its own.
func (e *expectation) isPod(p *Plan) bool {
	return slices.ContainsFunc(p.Pods, func(x Pod) bool { return e.isAbout(x.Object) })
}

// concerns reports whether an expectation is about one of some objects.
func (j *judgement) concerns(objects ...diag.Object) bool {
	return slices.ContainsFunc(objects, func(o diag.Object) bool {
		return slices.ContainsFunc(j.about, func(w *Workload) bool { return w.Object == o }) || j.subject.isAbout(o)
	})
}

// pods returns the pods that an expectation is about.
func (j *judgement) pods() (all []*Pod) {
	for i := range j.Pods {
		p := &j.Pods[i]
		if j.concerns(p.Workload, p.Object) {
			all = append(all, p)
		}
	}
	return all
}

func buildCount(m []string) (func(*judgement) verdict, error) {
	what, op, number, percent, when := m[1], m[2], m[3], m[4] != "", m[5]
	n, err := strconv.Atoi(number)
	if err != nil {
		return nil, err
	}
	holds := map[string]func(a, b int) bool{
		">=": func(a, b int) bool { return a >= b }, ">": func(a, b int) bool { return a > b },
		"<=": func(a, b int) bool { return a <= b },
		"<":  func(a, b int) bool { return a < b }, "==": func(a, b int) bool { return a == b },
	}[op]
	count := map[string]func(Point) int{
		"available": func(p Point) int { return p.Available }, "ready": func(p Point) int { return p.Ready },
		"pods": func(p Point) int { return p.Old + p.New },
	}[what]
	return func(j *judgement) verdict {
		extreme := math.MaxInt
		if op[0] == '<' {
			extreme = math.MinInt
		}
		for _, w := range j.about {
			points := w.Curve
			if when == "at the end" {
				points = points[len(points)-1:]
			}
			for _, p := range points {
				limit := n
				if percent {
					limit = int(math.Ceil(float64(n) * float64(p.Desired) / 100))
				}
				has := count(p)
				if !holds(has, limit) {
					return verdict{at: p.At, why: fmt.Sprintf("%s: %d %s at %s s", w.Object, has, what, p.At)}
				}
				if op[0] == '<' {
					extreme = max(extreme, has)
				} else {
					extreme = min(extreme, has)
				}
			}
		}
		switch {
		case len(j.about) == 0 && j.subject.kind != "":
			return verdict{at: j.VirtualSeconds, why: fmt.Sprintf("a %s has no pods to count", j.subject.kind)}
		case len(j.about) == 0:
			return verdict{passed: true, at: j.VirtualSeconds, why: "no workload is changed"}
		}
		word := "at least"
		if op[0] == '<' {
			word = "at most"
		}
		return verdict{passed: true, at: j.VirtualSeconds, why: fmt.Sprintf("%s %d", word, extreme)}
	}, nil
}

func buildConverges(m []string) (func(*judgement) verdict, error) {
	limit := time.Duration(math.MaxInt64)
	if m[1] != "" {
		d, err := time.ParseDuration(m[1])
		if err != nil || d <= 0 {
			return nil, fmt.Errorf("invalid duration %q: want one such as 30s or 5m", m[1])
		}
		limit = d
	}
	return func(j *judgement) verdict {
		end := Time(0)
		for _, w := range j.about {
			if w.Status == "deleted" {
				continue
			}
			if w.SettledAt == nil {
				return verdict{at: j.VirtualSeconds, why: fmt.Sprintf("%s: %s", w.Object, w.Status)}
			}
			end = max(end, *w.SettledAt)
		}
		if !j.Converged && len(j.about) == 0 {
			return verdict{at: j.VirtualSeconds, why: j.Reason}
		}
		if time.Duration(end) > limit {
			return verdict{at: Time(limit), why: fmt.Sprintf("it takes %s s", end)}
		}
		return verdict{passed: true, at: end, why: fmt.Sprintf("after %s s", end)}
	}, nil
}

func buildStalls([]string) (func(*judgement) verdict, error) {
	return func(j *judgement) verdict {
		if !j.Converged {
			return verdict{passed: true, at: *j.StalledAt, why: j.Reason}
		}
		return verdict{at: j.VirtualSeconds, why: fmt.Sprintf("it converges after %s s", j.VirtualSeconds)}
	}, nil
}

// podStatuses are those that `kubectl get pods` shows of the pods of a simulation.
var podStatuses = []string{
	"Pending", "ContainerCreating", "PodInitializing", "Running", "Completed", "Terminating", "Error",
	"CrashLoopBackOff", "OOMKilled", "ContainerCannotRun", "StartError",
	"ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull", "InvalidImageName", "CreateContainerConfigError",
	"Evicted", "DeadlineExceeded", "SchedulingGated", "Unknown",
}

func buildNotLonger(m []string) (func(*judgement) verdict, error) {
	status := m[1]
	if !slices.Contains(podStatuses, status) {
		return nil, fmt.Errorf("%q is no status of pods: want one of %s", status, strings.Join(podStatuses, ", "))
	}
	limit, err := time.ParseDuration(m[2])
	if err != nil || limit < 0 {
		return nil, fmt.Errorf("invalid duration %q: want one such as 30s or 5m", m[2])
	}
	return func(j *judgement) verdict {
		longest := Time(0)
		for _, p := range j.pods() {
			for i, s := range p.States {
				if s.Status != status {
					continue
				}
				end := j.end(p)
				if i+1 < len(p.States) {
					end = p.States[i+1].At
				}
				if took := end - s.At; time.Duration(took) > limit {
					return verdict{
						at:  s.At + Time(limit),
						why: fmt.Sprintf("pod %s is %s from %s s to %s s", p.Object.Name, status, s.At, end),
					}
				} else if took > longest {
					longest = took
				}
			}
		}
		return verdict{passed: true, at: j.VirtualSeconds, why: fmt.Sprintf("longest: %s s", longest)}
	}, nil
}

// end is when a pod was last seen.
func (j *judgement) end(p *Pod) Time {
	if p.Gone != nil {
		return *p.Gone
	}
	return j.Evidence.End
}

func buildBudget(m []string) (func(*judgement) verdict, error) {
	name := m[1]
	return func(j *judgement) verdict {
		known := false
		for _, b := range j.Budgets {
			if name != "" && b.Object.Name != name {
				continue
			}
			known = true
			if b.Violated != nil {
				return verdict{at: *b.Violated, why: fmt.Sprintf("%s: %s", b.Object, b.Why)}
			}
		}
		if !known {
			return verdict{at: j.VirtualSeconds, why: "there is no such PodDisruptionBudget"}
		}
		return verdict{passed: true, at: j.VirtualSeconds, why: "never fewer healthy pods than it wants"}
	}, nil
}

func buildNone(kind, word string) func([]string) (func(*judgement) verdict, error) {
	return func([]string) (func(*judgement) verdict, error) {
		return func(j *judgement) verdict {
			for _, p := range j.Problems {
				if p.Kind == kind && (j.subject.kind == "" || j.concerns(p.Workload, p.Object)) {
					return verdict{at: p.At, why: fmt.Sprintf("%s: %s", p.Object, p.Message)}
				}
			}
			return verdict{passed: true, at: j.VirtualSeconds, why: "no " + word}
		}, nil
	}
}

func buildNoRestarts([]string) (func(*judgement) verdict, error) {
	return func(j *judgement) verdict {
		for _, p := range j.pods() {
			before := p.States[0].Restarts
			if p.Created >= 0 {
				before = 0
			}
			for _, s := range p.States {
				if s.Restarts > before {
					return verdict{at: s.At, why: fmt.Sprintf("pod %s restarts", p.Object.Name)}
				}
			}
		}
		return verdict{passed: true, at: j.VirtualSeconds, why: "no container restarts"}
	}, nil
}

func buildNoProblems([]string) (func(*judgement) verdict, error) {
	return func(j *judgement) verdict {
		for _, p := range j.Problems {
			if len(j.about) == 0 && j.subject.kind == "" || j.concerns(p.Workload, p.Object) {
				return verdict{at: p.At, why: fmt.Sprintf("%s: %s", p.Object, p.Message)}
			}
		}
		return verdict{passed: true, at: j.VirtualSeconds, why: "none"}
	}, nil
}

// running returns the pods of a workload that have a node at the end.
func (j *judgement) running(w *Workload) (all []*Pod) {
	for i := range j.Pods {
		if p := &j.Pods[i]; p.Workload == w.Object && p.Node != "" && p.Stopping == nil {
			all = append(all, p)
		}
	}
	return all
}

func buildSpread(m []string) (func(*judgement) verdict, error) {
	n, err := strconv.Atoi(m[1])
	if err != nil {
		return nil, err
	}
	zones := strings.HasPrefix(m[2], "zone")
	return func(j *judgement) verdict {
		zoneOf := map[string]string{}
		for _, node := range j.Nodes {
			zoneOf[node.Name] = node.Zone
		}
		for _, w := range j.about {
			var places []string
			for _, p := range j.running(w) {
				at := p.Node
				if zones {
					at = zoneOf[p.Node]
				}
				if at != "" && !slices.Contains(places, at) {
					places = append(places, at)
				}
			}
			slices.Sort(places)
			if len(places) < n {
				return verdict{
					at: j.VirtualSeconds,
					why: fmt.Sprintf(
						"%s is on %d %ss%s", w.Object, len(places), strings.TrimSuffix(m[2], "s"), listed(places),
					),
				}
			}
		}
		return verdict{passed: true, at: j.VirtualSeconds, why: "at the end"}
	}, nil
}

// listed returns names behind a colon, nothing if there are none.
func listed(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return ": " + strings.Join(names, ", ")
}

func buildOnNode(m []string) (func(*judgement) verdict, error) {
	glob := CompileGlob(m[1])
	return func(j *judgement) verdict {
		for _, w := range j.about {
			for _, p := range j.running(w) {
				if !glob.MatchString(p.Node) {
					return verdict{
						at: j.VirtualSeconds, why: fmt.Sprintf("pod %s is on node %s", p.Object.Name, p.Node),
					}
				}
			}
		}
		return verdict{passed: true, at: j.VirtualSeconds, why: "at the end"}
	}, nil
}
