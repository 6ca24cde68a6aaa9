package lsp

import (
	"context"
	"slices"
	"strconv"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/yaml"

	"github.com/seatrial/seatrial/lint"
)

// prepareRename returns the name under the cursor.
func (s *Server) prepareRename(ctx context.Context, p positionParams) (any, error) {
	d, o, offset, err := s.asked(ctx, p)
	if o == nil || err != nil {
		return nil, err
	}
	found, ok := o.at(d, offset)
	if !ok {
		return nil, nil
	}
	return s.edge.rangeOf(d.file, found.at), nil
}

// rename changes the name of an object, of a key of its data, of a port or container, or the value of a label, where it
// is declared and wherever it is referred to.
func (s *Server) rename(ctx context.Context, p renameParams) (any, error) {
	d, o, offset, err := s.asked(ctx, p.positionParams)
	if o == nil || err != nil {
		return nil, err
	}
	found, ok := o.at(d, offset)
	if !ok {
		return nil, invalid(
			"no name stands here: of an object, key, port or container, or the value of a label of pods",
		)
	}
	if err := o.renames(found.subject, p.NewName); err != nil {
		return nil, err
	}
	edit := workspaceEdit{Changes: map[string][]textEdit{}}
	for _, at := range o.of(found.subject) {
		if at.shared {
			return nil, invalid(
				"%s has an anchor in %s: other fields take its value; write the name there instead", at.title(), at.at,
			)
		}
		f := o.file(at.at.File)
		text := p.NewName
		if !at.quoted && !plain(text) {
			text = strconv.Quote(text)
		}
		uri := s.uri(f)
		edit.Changes[uri] = append(edit.Changes[uri], textEdit{Range: s.edge.rangeOf(f, at.at), NewText: text})
	}
	return edit, nil
}

// title names a subject for messages.
func (s subject) title() string {
	switch {
	case s.key != "":
		return "key " + s.key
	case s.port != "":
		return "port " + s.port
	case s.podPort != "":
		return "port " + s.podPort
	case s.container != "":
		return "container " + s.container
	case s.label != "":
		return "label " + s.label
	}
	return s.kind + " " + s.name
}

// renames returns why a subject cannot have a name; nil if it can.
func (o *objects) renames(s subject, name string) error {
	valid, taken := validation.IsDNS1123Subdomain, false
	target := o.set.Get(s.group, s.kind, s.namespace, s.name)
	switch {
	case s.key != "":
		valid = validation.IsConfigMapKey
		taken = target != nil && slices.Contains(target.Keys, name)
	case s.port != "":
		valid = validation.IsValidPortName
		taken = target != nil && slices.ContainsFunc(target.Ports, func(p lint.Port) bool { return p.Name == name })
	case s.podPort != "":
		valid = validation.IsValidPortName
		taken = slices.ContainsFunc(
			o.sharing(target, s.podPort), func(r *lint.Resource) bool { return hasPort(r, name) },
		)
	case s.container != "":
		valid = validation.IsDNS1123Label
		taken = o.writes(subject{group: s.group, kind: s.kind, namespace: s.namespace, name: s.name, container: name})
	case s.label != "":
		valid = validation.IsValidLabelValue
		taken = o.writes(subject{namespace: s.namespace, label: s.label, name: name})
	default:
		if s.group == rbacGroup {
			valid = content.IsPathSegmentName
		}
		taken = o.set.Get(s.group, s.kind, s.namespace, name) != nil
	}
	switch problems := valid(name); {
	case len(problems) > 0:
		return invalid("%q cannot be the name of %s: %s", name, s.title(), problems[0])
	case taken:
		return invalid("%s cannot be called %s: one of that name exists", s.title(), name)
	}
	return nil
}

// writes reports whether a subject is written somewhere.
func (o *objects) writes(s subject) bool { return len(o.of(s)) > 0 }

// rbacGroup is the API group whose names may hold colons.
const rbacGroup = "rbac.authorization.k8s.io"

// plain reports whether a name is a string of YAML without quotes.
func plain(name string) bool {
	var value any
	return yaml.Unmarshal([]byte(name), &value) == nil && value == any(name)
}
