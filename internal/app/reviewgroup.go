package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/render"
	"github.com/seatrial/seatrial/internal/review"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
)

// reviewGroup is what a review reports as one environment: the units that the configuration names as one, or a unit.
type reviewGroup struct {
	name     string
	pairs    []*unitPair
	same     []*unit         // units of the environment that the change leaves as they are
	nodes    []*corev1.Node  // nil: they are not known
	known    string          // where they are known from
	snapshot *runningCluster // nil: none
	old, new *review.Side    // of all pairs; nil: that side has none
}

// group makes groups of the pairs, in their order.
func (r *reviewer) group() error {
	named := map[string]*reviewGroup{}
	for _, p := range r.pairs {
		u := p.either()
		if u.environment == nil {
			r.groups = append(r.groups, &reviewGroup{name: u.name, pairs: []*unitPair{p}})
			continue
		}
		g := named[u.environment.Name]
		if g == nil {
			g = &reviewGroup{name: u.environment.Name}
			named[g.name] = g
			r.groups = append(r.groups, g)
			if err := g.readCluster(u.environment); err != nil {
				return err
			}
		}
		g.pairs = append(g.pairs, p)
	}
	for _, u := range r.same {
		if u.environment != nil && named[u.environment.Name] != nil {
			g := named[u.environment.Name]
			g.same = append(g.same, u)
		}
	}
	for _, g := range r.groups {
		if r.Nodes != nil {
			g.nodes, g.known = r.Nodes, "the nodes of --nodes"
		}
		g.old = joinSides(g.pairs, func(p *unitPair) *review.Side { return p.oldRead })
		g.new = joinSides(g.pairs, func(p *unitPair) *review.Side { return p.newRead })
		if g.new != nil && len(g.pairs) > 1 {
			g.new.Unread = g.unread
		}
	}
	return nil
}

// readCluster reads what the configuration says of the cluster of an environment.
func (g *reviewGroup) readCluster(e *lint.Environment) (err error) {
	if e.Snapshot != "" {
		var unread *lint.InputError
		switch g.snapshot, err = readRunning(e.Snapshot); {
		case errors.As(err, &unread):
			return err
		case err != nil:
			return usage("environments: snapshot of %s: %w", g.name, err)
		}
		g.nodes, g.known = g.snapshot.nodes, "the nodes of the snapshot"
	}
	if len(e.Nodes) > 0 {
		if g.nodes, err = cluster.ParseNodes(e.Nodes...); err != nil {
			return usage("environments: nodes of %s: %w", g.name, err)
		}
		g.known = "the nodes of the configuration"
	}
	return nil
}

// rest returns the objects that the environment applies on both sides, and that are not compared.
func (g *reviewGroup) rest(ctx context.Context, charts render.Options) (all []*review.Object) {
	for _, u := range g.same {
		v, err := u.side.validator(ctx)
		if err != nil || u.render(charts) != nil {
			continue // it is no part of the change
		}
		all = append(all, objectsOfUnit(ctx, v, u, u.docs)...)
	}
	return all
}

// workloads returns the objects of both sides.
func (g *reviewGroup) workloads() (all []*review.Object) {
	for _, s := range []*review.Side{g.old, g.new} {
		if s != nil {
			all = append(all, s.Objects...)
		}
	}
	return all
}

// joinSides makes one side of those of some pairs; nil if none has it.
func joinSides(pairs []*unitPair, of func(*unitPair) *review.Side) *review.Side {
	if len(pairs) == 1 {
		return of(pairs[0])
	}
	all := &review.Side{Varying: map[review.Identity][]string{}, Recreated: map[review.Identity]string{}}
	found := false
	var problems []string
	for _, p := range pairs {
		s := of(p)
		if s == nil {
			continue
		}
		found = true
		all.Objects = append(all.Objects, s.Objects...)
		all.Findings = append(all.Findings, s.Findings...)
		maps.Copy(all.Varying, s.Varying)
		maps.Copy(all.Recreated, s.Recreated)
		if s.Problem != "" {
			problems = append(problems, fmt.Sprintf("%s: %s", p.either().name, s.Problem))
		}
	}
	if !found {
		return nil
	}
	all.Problem = strings.Join(problems, "; ")
	return all
}

// pairOf returns the pair whose old side has an object.
func (g *reviewGroup) pairOf(o *review.Object) *unitPair {
	for _, p := range g.pairs[1:] {
		if p.oldRead != nil && slices.Contains(p.oldRead.Objects, o) {
			return p
		}
	}
	return g.pairs[0]
}

// unread reports whether an object of the old side may be among what could not be read of the new one.
func (g *reviewGroup) unread(o *review.Object) bool {
	p := g.pairOf(o)
	return p.newRead != nil && p.newRead.Unread != nil && p.newRead.Unread(o)
}

// fate says what becomes of an object that is applied no more.
func (g *reviewGroup) fate(o *review.Object) review.Fate {
	p := g.pairOf(o)
	return p.either().fate(o, p.new == nil)
}

// kind returns what renders the group.
func (g *reviewGroup) kind() string {
	if len(g.pairs) == 1 {
		return g.pairs[0].either().kind
	}
	return "environment"
}

// was returns the name that the group had; empty if it has not moved.
func (g *reviewGroup) was() string {
	if p := g.pairs[0]; len(g.pairs) == 1 && p.moved {
		return p.old.name
	}
	return ""
}

// unchanged returns what the environment applies on both sides.
func (g *reviewGroup) unchanged() (docs []*manifest.Document) {
	for _, u := range g.same {
		docs = append(docs, withoutHooks(u.docs)...)
	}
	return docs
}

// environmentOf returns the environment of the configuration that a unit belongs to; nil if none names it.
func (s *reviewSide) environmentOf(u *unit) *lint.Environment {
	for i := range s.workspace.Config.Environments {
		e := &s.workspace.Config.Environments[i]
		if slices.ContainsFunc(e.Sources, func(glob string) bool {
			return matchesPath(s.rebased(glob), filepath.Join(s.root, filepath.FromSlash(u.name)))
		}) {
			return e
		}
	}
	return nil
}

// rebased returns a path of the configuration, which is that of the new side, below the root of this side.
func (s *reviewSide) rebased(path string) string {
	abs, err := filepath.Abs(path)
	if err != nil {
		return path
	}
	in, ok := below(s.configRoot, withoutLinks(abs))
	if !ok {
		return path
	}
	return filepath.Join(s.root, in)
}
