package lsp

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// folds lists what an editor may fold: documents, maps and lists of several lines, and blocks of comments.
func (s *Server) folds(_ context.Context, p documentParams) (any, error) {
	folds := []foldingRange{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return folds, nil
	}
	add := func(kind string, first, last int) {
		if last > first && len(folds) < symbolCount {
			folds = append(folds, foldingRange{StartLine: first - 1, EndLine: last - 1, Kind: kind})
		}
	}
	for _, doc := range tolerant(d.file, -1) {
		r := doc.Range()
		add("region", r.Start.Line, lastLine(d.file, r))
		foldBelow(d.file, doc.Root(), add)
	}
	for line := 1; line <= d.file.Lines(); line++ {
		first := line
		for line <= d.file.Lines() && strings.HasPrefix(strings.TrimSpace(d.file.Line(line)), "#") {
			line++
		}
		add("comment", first, line-1)
	}
	return folds, nil
}

// lastLine returns the last line of a range that has text.
func lastLine(f *source.File, r source.Range) int {
	last := min(r.End.Line, f.Lines())
	for last > r.Start.Line && strings.TrimSpace(f.Line(last)) == "" {
		last--
	}
	return last
}

func foldBelow(f *source.File, n *manifest.Node, add func(kind string, first, last int)) {
	for i := range n.Fields {
		field := &n.Fields[i]
		key, value := field.Key(), field.Value.Range()
		if value.Start.Offset >= key.Start.Offset { // an alias stands for what is written elsewhere
			value.Start = key.Start
			add("region", key.Start.Line, lastLine(f, value))
			foldBelow(f, field.Value, add)
		}
	}
	for _, item := range n.Items {
		r := item.Range()
		add("region", r.Start.Line, lastLine(f, r))
		foldBelow(f, item, add)
	}
}

// selections returns, for each place, the value that stands there and all that hold it, from the inside out.
func (s *Server) selections(_ context.Context, p selectionParams) (any, error) {
	selections := []*selectionRange{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return selections, nil
	}
	docs := tolerant(d.file, -1)
	for _, place := range p.Positions {
		offset := s.edge.offset(d.file, place)
		chain := []source.Range{d.file.Range(0, len(d.file.Data))}
		for _, doc := range docs {
			if doc.Holds(offset) {
				chain = append(chain, doc.Range())
				chain = around(doc.Root(), offset, chain)
			}
		}
		var inner *selectionRange
		for _, r := range chain {
			inner = &selectionRange{Range: s.edge.rangeOf(d.file, r), Parent: inner}
		}
		selections = append(selections, inner)
	}
	return selections, nil
}

// around appends the ranges below a node that hold a byte, the widest first.
func around(n *manifest.Node, offset int, chain []source.Range) []source.Range {
	within := func(r source.Range) bool { return r.Start.Offset <= offset && offset <= r.End.Offset }
	for i := range n.Fields {
		field := &n.Fields[i]
		whole := source.Range{File: field.Key().File, Start: field.Key().Start, End: field.Value.Range().End}
		switch {
		case !within(whole):
		case within(field.Key()):
			return append(chain, whole, field.Key())
		case within(field.Value.Range()):
			return around(field.Value, offset, append(chain, whole, field.Value.Range()))
		default:
			return append(chain, whole)
		}
	}
	for _, item := range n.Items {
		if within(item.Range()) {
			return around(item, offset, append(chain, item.Range()))
		}
	}
	return chain
}

// links lists the images of containers, with the page of their repository, and the files that a kustomization names.
func (s *Server) links(_ context.Context, p documentParams) (any, error) {
	links := []documentLink{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return links, nil
	}
	for _, doc := range tolerant(d.file, -1) {
		files := strings.HasPrefix(filepath.Base(d.name), "kustomization.") || doc.Object.Kind == "Kustomization"
		scalars(doc.Root(), "", func(key string, n *manifest.Node) {
			target := ""
			switch {
			case key == "image" && doc.Object.Kind != "":
				target = imagePage(n.Text)
			case files && filepath.IsAbs(d.name):
				name := filepath.Join(filepath.Dir(d.name), filepath.FromSlash(n.Text))
				if info, err := os.Stat(name); err == nil &&
					(info.Mode().IsRegular() || strings.Contains(n.Text, "/")) {
					target = uriOf(name)
				}
			}
			if target != "" && len(links) < symbolCount {
				links = append(links, documentLink{Range: s.edge.rangeOf(d.file, n.Range()), Target: target})
			}
		})
	}
	return links, nil
}

// scalars calls yield with all scalars below a node, and the key below which they stand.
func scalars(n *manifest.Node, key string, yield func(key string, n *manifest.Node)) {
	if n.Kind == manifest.Scalar {
		yield(key, n)
	}
	for i := range n.Fields {
		scalars(n.Fields[i].Value, n.Fields[i].Name, yield)
	}
	for _, item := range n.Items {
		scalars(item, key, yield)
	}
}

// imagePage returns the address of the page of an image's repository; empty if none is known.
func imagePage(image string) string {
	name, _, _ := strings.Cut(image, "@")
	slash := strings.LastIndexByte(name, '/')
	if colon := strings.LastIndexByte(name, ':'); colon > slash {
		name = name[:colon]
	}
	if name == "" || strings.ContainsAny(name, " {}$\"'") {
		return ""
	}
	host, path, found := strings.Cut(name, "/")
	switch {
	case !found:
		return "https://hub.docker.com/_/" + url.PathEscape(name)
	case host == "docker.io":
		return "https://hub.docker.com/r/" + path
	case !strings.ContainsAny(host, ".:") && host != "localhost":
		return "https://hub.docker.com/r/" + name
	case host == "quay.io":
		return "https://quay.io/repository/" + path
	case host == "ghcr.io":
		return "https://ghcr.io/" + path
	}
	return ""
}

// lenses says above each object what it selects, and how many objects refer to it, and in a file of a chart or
// kustomization in how many variants that is rendered.
func (s *Server) lenses(ctx context.Context, p documentParams) (any, error) {
	lenses := []codeLens{}
	d, ok := s.document(p.TextDocument.URI)
	if !ok {
		return lenses, nil
	}
	snapshot, err := s.snapshot(&d)
	if err != nil {
		return lenses, err
	}
	if n := snapshot.Variants(d.name); n > 1 {
		lenses = append(lenses, codeLens{Command: command{Title: "renders in " + counted(n, "variant")}})
	}
	o, err := s.objects(ctx, &d)
	if err != nil {
		return lenses, err
	}
	users := o.users()
	for _, r := range o.set.All {
		doc := o.document(r)
		if r.File != d.name || doc == nil {
			continue
		}
		at := s.edge.rangeOf(d.file, doc.Find("").Key)
		say := func(format string, args ...any) {
			lenses = append(lenses, codeLens{Range: at, Command: command{Title: fmt.Sprintf(format, args...)}})
		}
		if r.Selector != nil && slices.Contains(selectors, r.Object.Kind) {
			say("selects %s", o.selected(r))
		}
		gk := r.GroupKind()
		if n := users[subject{group: gk.Group, kind: gk.Kind, namespace: r.Object.Namespace,
			name: r.Object.Name}]; n.all > 0 {
			say("used by %s", n)
		}
	}
	return lenses, nil
}

// selectors are the kinds whose lenses say which pods they select: of workloads that is known without.
var selectors = []string{"Service", "PodDisruptionBudget", "NetworkPolicy"}

// selected says which pods an object selects: how many, if all that makes them says so.
func (o *objects) selected(by *lint.Resource) string {
	pods, makers, known := 0, 0, true
	for r := range o.set.Selected(by) {
		makers++
		switch {
		case r.Object.Kind == "Pod":
			pods++
		case r.Replicas != nil:
			pods += int(*r.Replicas)
		default:
			known = false
		}
	}
	if !known {
		return "the pods of " + counted(makers, "object")
	}
	return counted(pods, "pod")
}

// uses counts the objects that refer to another.
type uses struct{ all, workloads int }

func (u uses) String() string {
	if u.workloads == u.all {
		return counted(u.all, "workload")
	}
	return counted(u.all, "object")
}

// users returns how many objects refer to each.
func (o *objects) users() map[subject]uses {
	users := map[subject]uses{}
	for _, r := range o.set.All {
		mine := map[subject]bool{}
		for _, ref := range r.Refs {
			mine[subject{group: ref.Group, kind: ref.Kind, namespace: ref.Namespace, name: ref.Name}] = true
		}
		for s := range mine {
			u := users[s]
			u.all++
			if r.HasPods {
				u.workloads++
			}
			users[s] = u
		}
	}
	return users
}

func counted(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
