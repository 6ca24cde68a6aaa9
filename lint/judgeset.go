package lint

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"
)

// judgeSet runs what looks at the set as a whole.
func (r *run) judgeSet(ctx context.Context, set *Set) ([]*finding, error) {
	const share = 512 // objects that a worker takes at a time
	resources := set.All
	parts := make([][]lateFinding, (len(resources)+share-1)/share)
	g, group := errgroup.WithContext(ctx)
	g.SetLimit(r.Jobs)
	for i := range parts {
		g.Go(func() (err error) {
			if group.Err() == nil {
				parts[i], err = r.judgeAmong(set, resources[i*share:min(len(resources), (i+1)*share)])
			}
			return cmp.Or(err, group.Err())
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return r.show(ctx, slices.Concat(parts...))
}

// judgeAmong judges some of the objects of a set.
func (r *run) judgeAmong(set *Set, resources []*Resource) (late []lateFinding, err error) {
	pass := &SetPass{Set: set}
	for _, res := range resources {
		gk := res.GroupKind()
		if first := set.Get(gk.Group, gk.Kind, res.Object.Namespace, res.Object.Name); first != nil && first != res {
			late = append(
				late,
				lateFinding{of: res, rule: ruleDuplicate, reason: "AlreadyExists", Finding: duplicate(first)},
			)
		}
		for _, rule := range r.rulesFor(res.Object.Kind).setChecks {
			pass.Rule, pass.Resource, pass.findings = rule, res, pass.findings[:0]
			pass.Params = r.Rules.paramsFor(rule, res.File, objectFacts{res.Object, res.Labels})
			if crash, err := guarded(func() error { return rule.CheckSet(pass) }); crash != nil {
				r.problem(fmt.Errorf("rule %s crashed on %s: %v", rule.Name, res.Object, crash))
				continue
			} else if err != nil {
				return nil, fmt.Errorf("rule %s on %s: %w", rule.Name, res.Object, err)
			}
			for _, f := range pass.findings {
				late = append(late, lateFinding{of: res, rule: rule, Finding: f})
			}
		}
	}
	return late, nil
}

// lateFinding is a finding about an object whose document is not at hand any more.
type lateFinding struct {
	of     *Resource
	rule   *Rule
	reason string           // of the server, for verdicts
	policy *PolicyViolation // that the finding is about; nil: none
	Finding
}

// duplicate says that an object is defined a second time.
func duplicate(first *Resource) Finding {
	return Finding{Path: "metadata.name", Message: fmt.Sprintf("%s is defined twice", first.Object),
		Help:    "create refuses the second one, apply lets it replace the first: rename or remove one",
		Related: []RelatedPath{{Of: first, Path: "metadata.name", Message: "first defined here"}}}
}
