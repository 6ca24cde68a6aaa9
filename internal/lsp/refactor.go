package lsp

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/source"
)

// refactoring offers changes of an object that no finding asks for.
type refactoring struct {
	server *Server
	open   *document
	doc    *manifest.Document
	offset int // byte at which the cursor stands
	wanted func(kind string) bool
	offers []codeAction
}

func (r *refactoring) offer(kind, title string, edits ...source.Edit) {
	if !r.wanted(kind) {
		return
	}
	if edit, ok := r.server.edit(r.open, edits); ok {
		r.offers = append(r.offers, codeAction{Title: title, Kind: kind, Edit: edit})
	}
}

// refactorings offers changes of the object at a byte of an open document.
func (s *Server) refactorings(
	ctx context.Context, d *document, offset int, wanted func(string) bool,
) ([]codeAction, error) {
	if isJSON(d.file) || !wanted(refactorExtract) && !wanted(refactorRewrite) {
		return nil, nil
	}
	for _, doc := range documentsAt(d.file, offset) {
		if !doc.Holds(offset) || doc.Item != "" {
			continue
		}
		r := &refactoring{server: s, open: d, doc: doc, offset: offset, wanted: wanted}
		var err error
		if path, _ := doc.At(offset); len(path) == 1 && path[0] == "apiVersion" {
			err = r.convert(ctx)
		} else {
			err = r.containers(ctx)
		}
		return r.offers, err
	}
	return nil, nil
}

// convert offers the other API versions in which the kind is served.
func (r *refactoring) convert(ctx context.Context) error {
	snapshot, err := r.server.snapshot(r.open)
	if err != nil {
		return err
	}
	store, err := snapshot.Store()
	if err != nil {
		return err
	}
	for _, k := range store.Kinds() {
		version := k.GroupVersion().String()
		if k.Kind != r.doc.Object.Kind || version == r.doc.Object.APIVersion {
			continue
		}
		text, err := snapshot.Convert(ctx, r.doc, version)
		if err != nil {
			continue // it cannot be written in that version
		}
		whole := r.open.file.Range(r.doc.Range().Start.Offset, behind(r.open.file, r.doc.Root().Range()))
		r.offer(refactorRewrite, "convert to "+version, source.Edit{Range: whole, NewText: text})
	}
	return nil
}

// containers offers changes of the container at the byte.
func (r *refactoring) containers(ctx context.Context) error {
	o, err := r.server.objects(ctx, r.open)
	if err != nil {
		return err
	}
	for _, object := range o.set.All {
		if object.File != r.open.name || object.Document != r.doc.Number || !object.HasPods {
			continue
		}
		for _, container := range itemsAt(r.doc, object.SpecPath+".containers") {
			if r.within(container) {
				r.extract(o.set, object, container)
				r.complement(object, container)
			}
		}
	}
	return nil
}

func (r *refactoring) within(n *manifest.Node) bool {
	at := n.Range()
	return n.Target() == n && at.Start.Offset <= r.offset && r.offset <= at.End.Offset
}

// extract offers to move the value of the environment variable at the byte into a ConfigMap.
func (r *refactoring) extract(set *lint.Set, object *lint.Resource, container *manifest.Node) {
	env := container.Get("env")
	if env == nil {
		return
	}
	for _, item := range env.Value.Items {
		name, value := item.Get("name"), item.Get("value")
		if !r.within(item) || name == nil || value == nil || value.Value.Style == manifest.Block ||
			value.Value.Shared ||
			strings.Contains(value.Value.Text, "$(") { // a reference to another variable, which a ConfigMap cannot hold
			continue
		}
		quoted, err := json.Marshal(value.Value.Text)
		if err != nil {
			continue
		}
		to := object.Object.Name + "-config"
		for i := 2; set.Get("", "ConfigMap", object.Object.Namespace, to) != nil; i++ {
			to = fmt.Sprintf("%s-config-%d", object.Object.Name, i)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: %s\n", to)
		if namespace := r.doc.Object.Namespace; namespace != "" {
			fmt.Fprintf(&b, "  namespace: %s\n", namespace)
		}
		fmt.Fprintf(&b, "data:\n  %s: %s\n", name.Value.Text, quoted)
		ref := fmt.Sprintf("valueFrom: {configMapKeyRef: {name: %s, key: %s}}", to, name.Value.Text)
		r.offer(
			refactorExtract, fmt.Sprintf("extract %s to ConfigMap %s", name.Value.Text, to),
			source.Edit{
				Range:   r.open.file.Range(value.Key().Start.Offset, value.Value.Range().End.Offset),
				NewText: ref,
			},
			r.insert(len(r.open.file.Data), b.String()),
		)
	}
}

// complement offers what a container should have and has not: requests, and probes of its first port.
func (r *refactoring) complement(object *lint.Resource, container *manifest.Node) {
	at := container.Range()
	if len(container.Fields) == 0 || r.open.file.Data[at.Start.Offset] == '{' {
		return
	}
	indent := strings.Repeat(" ", container.Fields[0].Key().Start.Column-1)
	add := func(title, field, text string) {
		if container.Get(field) == nil {
			text = indent + strings.ReplaceAll(field+":\n"+text, "\n", "\n"+indent) + "\n"
			r.offer(refactorRewrite, title, r.insert(behind(r.open.file, at), text))
		}
	}
	add("add requests", "resources", "  requests:\n    cpu: 100m\n    memory: 128Mi\n  limits:\n    memory: 128Mi")
	ports := container.Get("ports")
	if ports == nil || len(ports.Value.Items) == 0 || slices.Contains([]string{"Job", "CronJob"}, object.Object.Kind) {
		return
	}
	port := ports.Value.Items[0].Get("name")
	if port == nil {
		port = ports.Value.Items[0].Get("containerPort")
	}
	if port == nil || port.Value.Kind != manifest.Scalar {
		return
	}
	probe := fmt.Sprintf("  httpGet:\n    path: /\n    port: %s", port.Value.Text)
	add("add a readiness probe", "readinessProbe", probe)
	add("add a liveness probe", "livenessProbe", probe)
}

// insert returns the edit that adds lines at a byte, which begins a line or ends the file.
func (r *refactoring) insert(at int, text string) source.Edit {
	if at > 0 && r.open.file.Data[at-1] != '\n' {
		text = "\n" + text
	}
	return source.Edit{Range: r.open.file.Range(at, at), NewText: text}
}

// behind returns the byte behind the last line of a range that has text.
func behind(f *source.File, r source.Range) int {
	last := lastLine(f, r)
	return min(len(f.Data), f.LineStart(last)+len(f.Line(last))+1)
}
