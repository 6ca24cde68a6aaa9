package policy

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/seatrial/seatrial/diag"
	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/validation"
)

// Outcome is what came of a test of a rule.
type Outcome struct {
	Rule    *Rule
	Name    string // of the test
	Problem string // why it failed; "" if it passed
}

// Run holds rules against their tests.
func Run(ctx context.Context, rules []*Rule) (outcomes []Outcome, err error) {
	for _, r := range rules {
		for i := range r.Tests {
			problem, err := r.run(ctx, &r.Tests[i])
			if err != nil {
				return nil, fmt.Errorf("testing rule %s: %w", r.Name, err)
			}
			outcomes = append(outcomes, Outcome{r, r.Tests[i].title(i), problem})
		}
	}
	return outcomes, nil
}

// title names a test.
func (t *Test) title(i int) string {
	switch {
	case t.Name != "":
		return t.Name
	case t.Valid != nil:
		return fmt.Sprintf("%d, valid", i+1)
	}
	return fmt.Sprintf("%d, invalid", i+1)
}

// run returns why a test fails; "" if it passes.
func (r *Rule) run(ctx context.Context, t *Test) (problem string, err error) {
	if (t.Valid == nil) == (t.Invalid == nil) {
		return "a test has either valid or invalid manifests", nil
	}
	text, err := manifests(t.Valid, t.Invalid)
	if err != nil {
		return err.Error(), nil
	}
	found, unread, err := r.find(ctx, text, t.Params)
	switch {
	case err != nil:
		return "", err
	case unread != "":
		return unread, nil
	case t.Valid != nil && len(found) > 0:
		return fmt.Sprintf("found in a valid manifest: %s", found[0].Text()), nil
	case t.Valid != nil:
		return "", nil
	case len(found) == 0:
		return "nothing is found in an invalid manifest", nil
	}
	for _, d := range found {
		if strings.HasPrefix(d.Message, "the ") && strings.Contains(d.Message, " of rule "+r.Name+" fails: ") {
			return d.Message, nil
		}
	}
	if !slices.ContainsFunc(found, t.expects) {
		return fmt.Sprintf("want a finding at %q that says %q, found %s", t.Path, t.Message, found[0].Text()), nil
	}
	return "", nil
}

// expects reports whether a finding is the one that the test asks for.
func (t *Test) expects(d diag.Diagnostic) bool {
	return strings.Contains(d.Message, t.Message) && (t.Path == "" || d.Path == t.Path)
}

// manifests returns what a test gives as text.
func manifests(valid, invalid any) (string, error) {
	given := valid
	if given == nil {
		given = invalid
	}
	list, isList := given.([]any)
	if !isList {
		list = []any{given}
	}
	var texts []string
	for _, item := range list {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
			continue
		}
		data, err := json.Marshal(item)
		if err != nil {
			return "", err
		}
		texts = append(texts, string(data)+"\n")
	}
	return strings.Join(texts, "\n---\n"), nil
}

// find lints a text with the rule alone. Objects that cannot be read are said to be.
func (r *Rule) find(
	ctx context.Context, text string, params map[string]any,
) (found []diag.Diagnostic, unread string, err error) {
	all := append(slices.Clone(lint.OwnRules), r.Rule)
	selection, err := lint.Select(all, "none,"+r.Name, nil)
	if err != nil {
		return nil, "", err
	}
	if params != nil {
		params, _ = integers(maps.Clone(params)).(map[string]any)
		if err := selection.Configure(all, lint.ParamSettings{r.Name: params}, nil); err != nil {
			return nil, err.Error(), nil
		}
	}
	validator, err := validation.New()
	if err != nil {
		return nil, "", err
	}
	res, err := lint.Run(ctx, lint.Options{
		Files: []string{"test.yaml"}, Read: func(string) ([]byte, error) { return []byte(text), nil },
		Validator: validator, Linked: schema.Latest, Rules: selection, All: all,
	})
	if err != nil {
		return nil, err.Error(), nil
	}
	for _, d := range res.Diagnostics {
		switch {
		case d.Rule == r.Name:
			found = append(found, d)
		case d.Severity == diag.Error && unread == "" &&
			strings.Contains(" yaml-syntax yaml-tab kind-unknown field-unknown field-type ", " "+d.Rule+" "):
			unread = fmt.Sprintf("line %d of the manifests: %s", d.Range.Start.Line, d.Text())
		}
	}
	return found, unread, nil
}

// Skeleton returns the text of a file with a new rule, and tests that it passes.
func Skeleton(name string) string {
	return fmt.Sprintf(skeleton, name)
}

const skeleton = `customRules:
- name: %s
  title: workload without a team label
  doc: Whom to call when it fails is read from the label.
  severity: error
  match:
    kinds: [Deployment, StatefulSet, DaemonSet] # and groups, namespaces, names, labels, paths
  # true of what is right; object is the manifest, defaulted what the server stores, objects the set by kind
  expression: has(object.metadata.labels) && params.label in object.metadata.labels
  messageExpression: '"label " + params.label + " is missing"'
  message: a label is missing
  path: metadata.labels
  params:
    label: team
  tests:
  - name: a label
    valid:
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web, labels: {team: shop}}
      spec:
        selector: {matchLabels: {app: web}}
        template:
          metadata: {labels: {app: web}}
          spec: {containers: [{name: web, image: "nginx:1.29"}]}
  - name: no label
    invalid:
      apiVersion: apps/v1
      kind: Deployment
      metadata: {name: web}
      spec:
        selector: {matchLabels: {app: web}}
        template:
          metadata: {labels: {app: web}}
          spec: {containers: [{name: web, image: "nginx:1.29"}]}
    message: label team is missing
`
