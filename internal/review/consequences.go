package review

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/seatrial/seatrial/lint"
)

// Kind is one sort of consequence.
type Kind struct {
	Name string // stable: --fail-on names it
	Doc  string // one line
}

// Kinds lists the sorts of consequences.
var Kinds = []Kind{
	{"restart", "a workload replaces its pods"},
	{"no-rollout", "the pods of a workload keep the old template until somebody deletes them"},
	{"stale-config", "a ConfigMap or Secret changes, and pods keep the old values until they are restarted"},
	{"service-pods", "a Service selects other pods, or none any more"},
	{"reference-broken", "an object refers to another one, or to a key, that is removed"},
	{"reference-orphaned", "nothing refers to an object any more"},
	{"autoscaler-conflict", "the manifest sets replicas that an autoscaler decides"},
	{"volume", "a volume, claim or namespace is deleted, or a workload gets another volume"},
	{"image", "an image comes from another registry, or its tag may change its content"},
	{"rbac", "somebody may do more than before"},
	{"network", "a NetworkPolicy opens or cuts connections between pods"},
	{"definition", "a CustomResourceDefinition loses versions or fields, or is removed"},
	{"api-not-served", "the target version of Kubernetes does not serve the API version"},
	{"quota", "the pods of a namespace request more than its ResourceQuota allows"},
	{"recreate", "an object is deleted and created again, since the API server refuses its update"},
	{"moved", "an object moves from one environment to another"},
}

// finders look for consequences in an environment.
var finders = []func(*environment) []Consequence{
	restarts, staleConfig, services, references, autoscalers, volumes, images, permissions, connections, definitions,
	served, quotas, recreated,
}

// environment is what the finders look at.
type environment struct {
	*matched
	old, new  *lint.Set // what is in the cluster before and after
	all       func() []*Object
	restarted map[*Object]bool // workloads of the new side
	found     []Finding        // that are new
	amounts   func() sums
}

func newEnvironment(m *matched, all func() []*Object) *environment {
	e := &environment{
		matched: m, old: setOf(m.before()), new: setOf(m.after()), all: all, restarted: map[*Object]bool{},
	}
	e.amounts = sync.OnceValue(e.sum)
	return e
}

func setOf(objects []*Object) *lint.Set {
	resources := make([]*lint.Resource, len(objects))
	for i, o := range objects {
		resources[i] = o.Resource
	}
	return lint.NewSet(resources, nil)
}

// consequences returns all that follows for an environment.
func (e *environment) consequences() (all []Consequence) {
	for _, find := range finders {
		all = append(all, find(e)...)
	}
	for i := range all {
		all[i].Environments = []string{e.Name}
		if all[i].Details == nil {
			all[i].Details = []string{}
		}
	}
	return all
}

// recreated finds objects that are deleted and created again.
func recreated(e *environment) (found []Consequence) {
	if e.New == nil {
		return nil
	}
	for _, p := range e.pairs {
		if p.new == nil {
			continue
		}
		if why := e.New.Recreated[p.new.Identity()]; why != "" {
			risk := Medium
			if slices.Contains(neverRenamed, p.new.Resource.Object.Kind) || hasClaims(p.new) {
				risk = High
			}
			found = append(found, about(p.new, "recreate", risk, "is deleted and created again: %s", why))
		}
	}
	return found
}

// about returns a consequence for an object, at its place in the source.
func about(o *Object, kind string, risk Risk, format string, args ...any) Consequence {
	return Consequence{
		Kind: kind, Risk: risk, Object: o.shown(), Message: fmt.Sprintf(format, args...),
		File: o.Place.File, Line: o.Place.Start.Line,
	}
}

// both returns the pairs of objects that were there and stay, of some kinds of a group.
func (e *environment) both(group string, kinds ...string) (pairs []*pair) {
	for _, p := range e.pairs {
		if p.old != nil && p.new != nil && p.new.is(group, kinds...) {
			pairs = append(pairs, p)
		}
	}
	return pairs
}

// is reports whether an object is of one of some kinds of a group.
func (o *Object) is(group string, kinds ...string) bool {
	gk := o.Resource.GroupKind()
	return gk.Group == group && slices.Contains(kinds, gk.Kind)
}

// String names the object within its environment: Deployment web.
func (o *Object) String() string { return o.Resource.Object.Kind + " " + o.Name() }

// names joins the names of objects, of which a few are shown.
func names(list []string) string {
	const most = 4
	list = slices.Clone(list)
	slices.Sort(list)
	list = slices.Compact(list)
	if len(list) > most {
		return fmt.Sprintf("%s and %d more", strings.Join(list[:most-1], ", "), len(list)-most+1)
	}
	return strings.Join(list, ", ")
}

// groupConsequences joins the consequences that several environments have in common.
func groupConsequences(all []Consequence) (grouped []Consequence) {
	type key struct{ kind, object, message, details string }
	at := map[key]int{}
	for _, c := range all {
		k := key{c.Kind, c.Object.Kind + "/" + c.Object.Name, c.Message, strings.Join(c.Details, "\n")}
		i, ok := at[k]
		if !ok {
			at[k] = len(grouped)
			grouped = append(grouped, c)
			continue
		}
		g := &grouped[i]
		g.Environments = addOnce(g.Environments, c.Environments...)
		g.Risk = max(g.Risk, c.Risk)
		if g.Object.Namespace != c.Object.Namespace {
			g.Object.Namespace = ""
		}
	}
	slices.SortStableFunc(grouped, func(a, b Consequence) int {
		return cmp.Or(
			cmp.Compare(b.Risk, a.Risk), cmp.Compare(rank(a.Kind), rank(b.Kind)),
			cmp.Compare(a.Object.String(), b.Object.String()), cmp.Compare(a.Message, b.Message),
		)
	})
	return grouped
}

func rank(kind string) int {
	return slices.IndexFunc(Kinds, func(k Kind) bool { return k.Name == kind })
}

func addOnce(list []string, more ...string) []string {
	for _, s := range more {
		if !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}
