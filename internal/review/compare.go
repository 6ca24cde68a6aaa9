package review

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/source"
)

// Compare reviews a change. Everything of the environments, and of what Input.All returns, must have been read.
func Compare(in Input) *Report {
	r := &Report{Base: in.Base, Head: in.Head, Unchanged: in.Unchanged, Notes: in.Notes}
	all := func() []*Object {
		var objects []*Object
		for _, e := range in.Environments {
			if e.New != nil {
				objects = append(objects, e.New.Objects...)
			}
		}
		if in.Others != nil {
			objects = append(objects, in.Others()...)
		}
		return objects
	}
	var changes []located
	var compared []*matched
	for _, given := range in.Environments {
		compared = append(compared, match(given))
	}
	moves := findMoves(compared)
	for _, m := range compared {
		added, fixed, known := compareFindings(m)
		refused, rest := refusals(added)
		e := newEnvironment(m.withoutRefused(refused), all)
		e.found = added
		r.Consequences = append(r.Consequences, moves[m]...)
		r.Refused = append(r.Refused, refused...)
		r.New, r.Fixed, r.Known = append(r.New, rest...), append(r.Fixed, fixed...), append(r.Known, known...)
		r.Consequences = append(r.Consequences, e.consequences()...)
		r.Totals = append(r.Totals, e.totals()...)
		r.NodeRooms = append(r.NodeRooms, e.nodeRoom()...)
		changes = append(changes, m.changes()...)
		if n := len(m.unread); n > 0 {
			r.Notes = append(r.Notes, fmt.Sprintf(
				"%s of %s cannot be compared, since their source cannot be read: they are taken as they were",
				plural(n, "object", "objects"), m.Name,
			))
		}
		if m.differs() || len(added)+len(fixed)+len(refused) > 0 {
			r.Environments = append(r.Environments, m.report())
		} else {
			r.Unchanged++
			if n := len(m.varying); n > 0 {
				r.Notes = append(r.Notes, fmt.Sprintf(
					"%s differs in nothing but %s that each rendering makes anew, such as %s",
					m.Name, plural(n, "value", "values"), m.varying[0],
				))
			}
		}
	}
	r.Before = len(r.Known)
	r.Changes = groupChanges(changes)
	r.Refused, r.New, r.Fixed = groupFindings(r.Refused), groupFindings(r.New), groupFindings(r.Fixed)
	r.Known = groupFindings(r.Known)
	r.Consequences = groupConsequences(r.Consequences)
	r.Assess()
	return r
}

// refusals divides findings into those with which the server refuses what it had accepted, or did not have, and the
// rest.
func refusals(added []Finding) (refused, rest []Finding) {
	for _, f := range added {
		if f.Update = f.Rule == lint.UpdateRefused; f.Severity == diag.Error && isVerdict(f.Rule) {
			refused = append(refused, f)
		} else {
			rest = append(rest, f)
		}
	}
	return refused, rest
}

// isVerdict reports whether a rule is the API server's, or the client's before it.
func isVerdict(rule string) bool {
	return slices.ContainsFunc(
		lint.OwnRules, func(r *lint.Rule) bool { return r.Name == rule && r.Category == "verdict" },
	)
}

// withoutRefused returns an environment as it is when the server refuses some objects: what is there stays.
func (m *matched) withoutRefused(refused []Finding) *matched {
	if len(refused) == 0 || m.New == nil {
		return m
	}
	held := map[*Object]bool{}
	for i := range refused {
		if o := m.New.ObjectOf(&refused[i].Diagnostic); o != nil {
			held[o] = true
		}
	}
	applied := *m
	applied.pairs = nil
	for _, p := range m.pairs {
		switch {
		case p.new == nil || !held[p.new]:
			applied.pairs = append(applied.pairs, p)
		case p.old != nil:
			applied.pairs = append(applied.pairs, &pair{old: p.old, new: p.old})
		}
	}
	return &applied
}

// differs reports whether anything of the environment does.
func (e *matched) differs() bool {
	return e.Old == nil || e.New == nil || e.Was != "" ||
		e.Old.Problem != e.New.Problem ||
		slices.ContainsFunc(e.pairs, func(p *pair) bool { return p.action != "" })
}

// report counts what becomes of the objects of an environment.
func (e *matched) report() EnvironmentReport {
	r := EnvironmentReport{
		Name: e.Name, Was: e.Was, Kind: e.Kind, Action: Update, Reasons: []string{}, Varying: e.varying,
	}
	if r.Varying == nil {
		r.Varying = []VaryingField{}
	}
	switch {
	case e.Old == nil:
		r.Action = Create
	case e.New == nil:
		r.Action = Delete
	}
	if e.New != nil {
		r.Problem = e.New.Problem
		r.Breaks = r.Problem != "" && (e.Old == nil || e.Old.Problem == "")
	}
	for _, p := range e.pairs {
		switch p.action {
		case Create:
			r.Created++
		case Update:
			r.Updated++
		case Delete:
			r.Deleted++
		case Rename:
			r.Renamed++
		}
	}
	return r
}

// located is a change, with the objects that say where its fields are.
type located struct {
	Change
	*pair
}

// locate says where the source has the fields of a change.
func (c *located) locate() {
	if c.pair.old == nil || c.pair.new == nil {
		return
	}
	c.Fields = slices.Clone(c.Fields)
	for _, side := range []struct {
		*Object
		is func(Field) bool
		at func(Field) string
	}{
		{c.pair.new, func(f Field) bool { return f.After != "" }, func(f Field) string { return f.at.now }},
		{c.pair.old, func(f Field) bool { return f.After == "" }, func(f Field) string { return f.at.old }},
	} {
		var fields []*Field
		var places []FieldPlace
		for i := range c.Fields {
			if f := &c.Fields[i]; side.is(*f) && !f.Defaulted {
				fields = append(fields, f)
				places = append(places, FieldPlace{side.at(*f), side.Document.Find(side.at(*f)).Key})
			}
		}
		for i, at := range side.places(places) {
			fields[i].File, fields[i].Line = at.File, at.Start.Line
		}
	}
}

// places returns where the source has fields.
func (o *Object) places(fields []FieldPlace) (places []source.Range) {
	if o.Locate != nil && len(fields) > 0 {
		return o.Locate(fields)
	}
	for _, f := range fields {
		places = append(places, f.Range)
	}
	return places
}

// changes lists what becomes of the objects of an environment.
func (e *matched) changes() (all []located) {
	for _, p := range e.pairs {
		if p.action == "" {
			continue
		}
		o := p.newest()
		c := Change{
			Action: p.action, Object: o.shown(), Environments: []string{e.Name}, Fields: p.fields,
			Fate: p.fate.Outcome, Why: p.fate.Why, File: o.Place.File, Line: o.Place.Start.Line,
		}
		if p.action == Rename {
			c.Was = p.old.shown()
		}
		if c.Fields == nil {
			c.Fields = []Field{}
		}
		all = append(all, located{c, p})
	}
	return all
}

// actionOrder is that of reports: what is lost comes first.
var actionOrder = []string{Delete, Rename, Update, Create}

// groupChanges joins the same change of several environments.
func groupChanges(all []located) (grouped []Change) {
	at := map[string]int{}
	for _, c := range all {
		var key strings.Builder
		group := schema.FromAPIVersionAndKind(c.Object.APIVersion, c.Object.Kind).Group
		fmt.Fprintf(
			&key, "%s\x00%s\x00%s\x00%s\x00%s\x00%s", c.Action, group, c.Object.Kind, c.Object.Name, c.Was.Name, c.Fate,
		)
		for _, f := range c.Fields {
			fmt.Fprintf(&key, "\x00%s\x01%s\x01%s", f.Path, f.Before, f.After)
		}
		if c.Action == Create || c.Action == Delete {
			fmt.Fprintf(&key, "\x00%s", c.Why)
		}
		i, ok := at[key.String()]
		if !ok {
			at[key.String()] = len(grouped)
			c.locate()
			grouped = append(grouped, c.Change)
			continue
		}
		g := &grouped[i]
		g.Environments = addOnce(g.Environments, c.Environments...)
		if g.Object.Namespace != c.Object.Namespace {
			g.Object.Namespace = ""
		}
	}
	slices.SortStableFunc(grouped, func(a, b Change) int {
		return cmp.Or(
			cmp.Compare(slices.Index(actionOrder, a.Action), slices.Index(actionOrder, b.Action)),
			cmp.Compare(a.Object.Kind, b.Object.Kind), cmp.Compare(a.Object.Namespace, b.Object.Namespace),
			cmp.Compare(a.Object.Name, b.Object.Name),
		)
	})
	return grouped
}

// Assess finds the risk of each environment, with the reasons, and sorts the environments by it. It is called again
// when rollouts have been added.
func (r *Report) Assess() {
	for i := range r.Environments {
		e := &r.Environments[i]
		e.Risk, e.Reasons = r.assess(e)
	}
	slices.SortStableFunc(r.Environments, func(a, b EnvironmentReport) int {
		return cmp.Or(cmp.Compare(b.Risk, a.Risk), cmp.Compare(a.Name, b.Name))
	})
}

// reason is a reason of a risk.
type reason struct {
	risk Risk
	text string
}

func (r *Report) assess(e *EnvironmentReport) (Risk, []string) {
	var reasons []reason
	add := func(risk Risk, format string, args ...any) {
		reasons = append(reasons, reason{risk, fmt.Sprintf(format, args...)})
	}
	in := func(list []string) bool { return slices.Contains(list, e.Name) }
	if e.Problem != "" {
		add(High, "it cannot be rendered as a whole")
	}
	objects, files := r.refusedIn(e.Name)
	switch n := len(objects); n {
	case 0:
	case 1:
		add(High, "the API server refuses %s", objects[0])
	default:
		add(High, "the API server refuses %d objects", n)
	}
	for _, f := range files {
		add(High, "%s cannot be read", f)
	}
	for _, o := range r.Rollouts {
		if o.Environment == e.Name && o.Simulated && !o.Completes {
			add(High, "the simulated rollout does not complete")
		}
	}
	for _, kind := range Kinds {
		risk, n := None, 0
		var first *Consequence
		for i := range r.Consequences {
			c := &r.Consequences[i]
			if c.Kind == kind.Name && in(c.Environments) {
				if n++; first == nil {
					first = c // they are sorted by risk
				}
				risk = max(risk, c.Risk)
			}
		}
		if n > 0 {
			add(risk, "%s", kind.reason(n, first))
		}
	}
	if n := count(r.New, func(f Finding) bool { return in(f.Environments) && f.Severity == diag.Error }); n > 0 {
		add(High, "%s", plural(n, "new error of lint", "new errors of lint"))
	}
	if n := count(r.New, func(f Finding) bool { return in(f.Environments) && f.Severity == diag.Warning }); n > 0 {
		add(Low, "%s", plural(n, "new warning", "new warnings"))
	}
	pruned := 0
	for _, c := range r.Changes {
		if c.Action == Delete && c.Fate == Pruned && in(c.Environments) {
			pruned++
		}
	}
	if pruned > 0 {
		add(Medium, "%s", plural(pruned, "object is deleted", "objects are deleted"))
	}
	slices.SortStableFunc(reasons, func(a, b reason) int { return cmp.Compare(b.risk, a.risk) })
	risk, texts := None, []string{}
	for _, why := range reasons {
		risk = max(risk, why.risk)
		texts = append(texts, why.text)
	}
	if risk == None && e.Created+e.Updated+e.Deleted+e.Renamed > 0 {
		risk = Low
	}
	return risk, texts
}

// refusedIn returns the objects that the API server refuses in an environment, and the files that cannot be read.
func (r *Report) refusedIn(environment string) (objects, files []string) {
	for _, f := range r.Refused {
		switch {
		case !slices.Contains(f.Environments, environment):
		case f.Object.Kind == "":
			files = addOnce(files, f.Range.File)
		default:
			objects = addOnce(objects, strings.TrimSpace(f.Object.Kind+" "+f.Object.Name))
		}
	}
	return objects, files
}

// phrases say consequences as reasons: of one object, and of many. Without the first, it is what the message says.
var phrases = map[string][2]string{
	"restart":             {"%s restarts", "%d workloads restart"},
	"no-rollout":          {"%s does not roll out", "%d workloads do not roll out"},
	"stale-config":        {"%s keeps old configuration", "%d workloads keep old configuration"},
	"service-pods":        {"", "%d Services select other pods"},
	"reference-broken":    {"%s refers to what is removed", "%d references break"},
	"reference-orphaned":  {"%s is used no more", "%d objects are used no more"},
	"autoscaler-conflict": {"%s and its autoscaler disagree", "%d workloads and their autoscalers disagree"},
	"volume":              {"", "%d volumes change or go"},
	"image":               {"", "%d images need a look"},
	"rbac":                {"", "%d subjects may do more"},
	"network":             {"", "%d changes of who reaches whom"},
	"definition":          {"", "%d losses of definitions"},
	"api-not-served":      {"%s is not served", "%d objects are not served"},
	"quota":               {"%s is exceeded", "%d quotas are exceeded"},
	"recreate":            {"%s is deleted and created again", "%d objects are deleted and created again"},
	"moved":               {"%s moves", "%d objects move between environments"},
}

// clauseEnd ends the first clause of a message. A colon within a name, as in nginx:1.25, does not.
var clauseEnd = regexp.MustCompile(`[:;] | \(`)

// reason says a number of consequences of a kind as a reason of a risk: a grave one by itself.
func (k Kind) reason(n int, first *Consequence) string {
	if n > 1 && first.Risk < High {
		return fmt.Sprintf(phrases[k.Name][1], n)
	}
	reason := first.Object.Kind + " " + first.Object.Name
	if phrase := phrases[k.Name][0]; phrase != "" {
		reason = fmt.Sprintf(phrase, reason)
	} else {
		reason += ": " + clauseEnd.Split(first.Message, 2)[0]
	}
	if n > 1 {
		reason += fmt.Sprintf(", and %d more", n-1)
	}
	return reason
}

func count(all []Finding, is func(Finding) bool) (n int) {
	for _, f := range all {
		if is(f) {
			n++
		}
	}
	return n
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// Summary says in one line what becomes of the objects of the environment.
func (e *EnvironmentReport) Summary() string {
	var parts []string
	for _, c := range []struct {
		n    int
		word string
	}{{e.Created, "created"}, {e.Updated, "changed"}, {e.Deleted, "deleted"}, {e.Renamed, "renamed"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.word))
		}
	}
	if len(parts) == 0 {
		return "no object changes"
	}
	return strings.Join(parts, ", ")
}
