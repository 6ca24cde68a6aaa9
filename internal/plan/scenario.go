package plan

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	kjson "sigs.k8s.io/json"

	"github.com/seatrial/seatrial/lint"
	"github.com/seatrial/seatrial/manifest"
	"github.com/seatrial/seatrial/schema"
	"github.com/seatrial/seatrial/source"
)

// ScenarioKind is the kind of a scenario's document; its apiVersion is APIVersion.
const ScenarioKind = "Scenario"

// Scenario says what the world does meanwhile: what containers do, what happens when, and what
// is expected of the plan. docs/scenario.schema.json describes it.
type Scenario struct {
	APIVersion string   `json:"apiVersion"`
	Kind       string   `json:"kind"`
	Metadata   Metadata `json:"metadata,omitzero"`

	Images     []ImageScript     `json:"images,omitempty"`     // the first that matches an image counts
	Containers []ContainerScript `json:"containers,omitempty"` // all that match a container count, later ones win
	Load       []Load            `json:"load,omitempty"`
	Actions    []Action          `json:"actions,omitempty"`
	Expect     []string          `json:"expect,omitempty"`     // docs/plan.md has the sentences
	NodeGroups []string          `json:"nodeGroups,omitempty"` // as the flag --node-group has them

}

// Metadata names a scenario, for people.
type Metadata struct {
	Name        string            `json:"name,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
}

// ImageScript is what a registry has.
type ImageScript struct {
	Match   string           `json:"match"`             // glob over the image as the pod names it: nginx:*
	Pull    *metav1.Duration `json:"pull,omitempty"`    // how long it takes where it is not present
	Size    string           `json:"size,omitempty"`    // a quantity: 180Mi
	Missing bool             `json:"missing,omitempty"` // the registry does not have it
	Error   string           `json:"error,omitempty"`   // what the registry answers instead
}

// Selector chooses containers. What is not said matches all.
type Selector struct {
	Namespace string            `json:"namespace,omitempty"`
	Workload  string            `json:"workload,omitempty"`  // Kind/name
	Labels    map[string]string `json:"labels,omitempty"`    // of the pod
	Pod       string            `json:"pod,omitempty"`       // glob over its name
	Node      string            `json:"node,omitempty"`      // glob over its name
	Container string            `json:"container,omitempty"` // name
	Image     string            `json:"image,omitempty"`     // glob
}

// ContainerScript is what containers do.
type ContainerScript struct {
	Match      Selector         `json:"match"`
	ReadyAfter *metav1.Duration `json:"readyAfter,omitempty"` // from its start until its probes succeed
	RunFor     *metav1.Duration `json:"runFor,omitempty"`     // until it exits by itself
	ExitCode   *int32           `json:"exitCode,omitempty"`   // with which it does
	ExitReason string           `json:"exitReason,omitempty"` // such as OOMKilled
	Crashes    int              `json:"crashes,omitempty"`    // only its first runs exit; 0: all
	StopFor    *metav1.Duration `json:"stopFor,omitempty"`    // from the signal to its end
	FailProbes []string         `json:"failProbes,omitempty"` // startup, readiness, liveness
	CPU        string           `json:"cpu,omitempty"`        // that each uses, for autoscalers: 200m
	Memory     string           `json:"memory,omitempty"`     // that each uses; above its limit it is killed
}

// Load is what the pods of a workload have to do together, over time.
type Load struct {
	Workload  string      `json:"workload"`            // Kind/name
	Namespace string      `json:"namespace,omitempty"` // default: default
	Resource  string      `json:"resource"`            // cpu or memory
	Points    []LoadPoint `json:"points"`              // in order of time; straight lines in between
}

// LoadPoint is a load at a moment.
type LoadPoint struct {
	At    metav1.Duration `json:"at"`
	Total string          `json:"total"` // a quantity, shared by the pods that are ready
}

// Action is something that happens at a moment after the change. Exactly one is set.
type Action struct {
	At metav1.Duration `json:"at"`

	Apply       string       `json:"apply,omitempty"`  // file, from the folder of the scenario
	Delete      string       `json:"delete,omitempty"` // Kind/name
	Scale       *ScaleAction `json:"scale,omitempty"`
	Patch       *PatchAction `json:"patch,omitempty"`
	DeletePod   string       `json:"deletePod,omitempty"` // glob, or labels such as app=web: the first by name
	FailNode    string       `json:"failNode,omitempty"`
	RecoverNode string       `json:"recoverNode,omitempty"`
	FailZone    string       `json:"failZone,omitempty"`
	Drain       string       `json:"drain,omitempty"` // node
	Cordon      string       `json:"cordon,omitempty"`
	Uncordon    string       `json:"uncordon,omitempty"`
	Undo        string       `json:"undo,omitempty"` // Deployment/name: back to the revision before

	Namespace string `json:"namespace,omitempty"` // of what is named; default: default

	Documents []*manifest.Document `json:"-"` // of Apply
}

// ScaleAction sets a number of replicas.
type ScaleAction struct {
	Workload string `json:"workload"` // Kind/name
	Replicas int32  `json:"replicas"`
}

// PatchAction merges a patch into an object.
type PatchAction struct {
	Object string         `json:"object"` // Kind/name
	Merge  map[string]any `json:"merge"`  // a JSON merge patch
}

// ScenarioError is what is wrong with a scenario, and where.
type ScenarioError struct {
	Range   source.Range
	Message string
}

func (e *ScenarioError) Error() string { return fmt.Sprintf("%s: %s", e.Range, e.Message) }

// ReadScenario reads a scenario, and the files that it applies.
func ReadScenario(name string) (*Scenario, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, lint.Unreadable(name, err)
	}
	docs, findings := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
	if len(findings) > 0 {
		return nil, &ScenarioError{findings[0].Range, findings[0].Message}
	}
	if len(docs) != 1 {
		return nil, fmt.Errorf("%s: %d documents: want one of kind %s", name, len(docs), ScenarioKind)
	}
	r := &scenarioReader{document: docs[0]}
	s := r.decode()
	r.check(s)
	if r.err == nil {
		r.readFiles(s, filepath.Dir(name))
	}
	if r.err != nil {
		return nil, r.err
	}
	slices.SortStableFunc(s.Actions, func(a, b Action) int { return cmp.Compare(a.At.Duration, b.At.Duration) })
	return s, nil
}

// scenarioReader reads one document; the first error counts.
type scenarioReader struct {
	document *manifest.Document
	err      error
}

func (r *scenarioReader) fail(path, format string, args ...any) {
	if r.err != nil {
		return
	}
	found := r.document.Find(path)
	at := found.Value
	if found.Key.IsValid() {
		at = found.Key
	}
	r.err = &ScenarioError{at, fmt.Sprintf(format, args...)}
}

var unknownField = regexp.MustCompile(`^(unknown|duplicate) field "(.*)"$`)

func (r *scenarioReader) decode() *Scenario {
	s := &Scenario{}
	var mistyped *json.UnmarshalTypeError
	strict, err := kjson.UnmarshalStrict(r.document.JSON, s)
	switch {
	case errors.As(err, &mistyped) && mistyped.Field != "":
		hint := ""
		if mistyped.Type.Kind() == reflect.String {
			hint = ": write it in quotes"
		}
		r.fail(
			strings.SplitN(mistyped.Field, ".", 2)[0], "%s: want a %s, got a %s%s", mistyped.Field,
			mistyped.Type.Kind(), mistyped.Value, hint,
		)
	case err != nil:
		r.fail("", "%v", err)
	case len(strict) > 0 && s.APIVersion == APIVersion && s.Kind == ScenarioKind:
		message := strict[0].Error()
		path := ""
		if m := unknownField.FindStringSubmatch(message); m != nil {
			path = m[2]
			if best := schema.DidYouMean(path[strings.LastIndexByte(path, '.')+1:], keysBeside(path)); best != "" {
				message += fmt.Sprintf(": did you mean %s?", best)
			}
		}
		r.fail(path, "%s", message)
	}
	return s
}

var index = regexp.MustCompile(`\[\d+\]`)

// keysBeside lists the keys that a place of a scenario may have.
func keysBeside(path string) (keys []string) {
	t := reflect.TypeFor[Scenario]()
	steps := strings.Split(index.ReplaceAllString(path, ""), ".")
	for _, step := range steps[:len(steps)-1] {
		next := fieldNamed(t, step)
		if next == nil {
			return nil
		}
		t = next
	}
	for i := range t.NumField() {
		if key := keyOf(t.Field(i)); key != "" {
			keys = append(keys, key)
		}
	}
	return keys
}

func fieldNamed(t reflect.Type, key string) reflect.Type {
	for i := range t.NumField() {
		if keyOf(t.Field(i)) != key {
			continue
		}
		next := t.Field(i).Type
		for next.Kind() == reflect.Pointer || next.Kind() == reflect.Slice {
			next = next.Elem()
		}
		if next.Kind() == reflect.Struct {
			return next
		}
	}
	return nil
}

func keyOf(f reflect.StructField) string {
	key, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return strings.TrimPrefix(key, "-")
}

func (r *scenarioReader) check(s *Scenario) {
	if s.APIVersion != APIVersion || s.Kind != ScenarioKind {
		r.fail("kind", "want apiVersion %s, kind %s, got %q, %q", APIVersion, ScenarioKind, s.APIVersion, s.Kind)
	}
	for i := range s.Images {
		r.checkImage(fmt.Sprintf("images[%d]", i), &s.Images[i])
	}
	for i := range s.Containers {
		r.checkContainer(fmt.Sprintf("containers[%d]", i), &s.Containers[i])
	}
	for i := range s.Load {
		r.checkLoad(fmt.Sprintf("load[%d]", i), &s.Load[i])
	}
	for i := range s.Actions {
		r.checkAction(fmt.Sprintf("actions[%d]", i), &s.Actions[i])
	}
	for i, text := range s.NodeGroups {
		if _, err := ParseNodeGroup(text); err != nil {
			r.fail(fmt.Sprintf("nodeGroups[%d]", i), "%v", err)
		}
	}
	for i, text := range s.Expect {
		if _, err := parseExpectation(text); err != nil {
			r.fail(fmt.Sprintf("expect[%d]", i), "%v", err)
			return
		}
	}
}

func (r *scenarioReader) checkImage(path string, i *ImageScript) {
	if i.Match == "" {
		r.fail(path, "match is missing: name images, such as nginx:*")
	}
	r.quantity(path+".size", i.Size)
	r.duration(path+".pull", i.Pull)
}

func (r *scenarioReader) quantity(path, text string) {
	if text == "" {
		return
	}
	if _, err := resource.ParseQuantity(text); err != nil {
		r.fail(path, "invalid quantity %q: want one such as 500m, 2 or 180Mi", text)
	}
}

func (r *scenarioReader) duration(path string, d *metav1.Duration) {
	if d != nil && d.Duration < 0 {
		r.fail(path, "invalid duration %v: must not be negative", d.Duration)
	}
}

var probes = []string{"startup", "readiness", "liveness"}

func (r *scenarioReader) checkContainer(path string, c *ContainerScript) {
	r.duration(path+".readyAfter", c.ReadyAfter)
	r.duration(path+".runFor", c.RunFor)
	r.duration(path+".stopFor", c.StopFor)
	r.quantity(path+".cpu", c.CPU)
	r.quantity(path+".memory", c.Memory)
	r.reference(path+".match.workload", c.Match.Workload, true)
	if c.Crashes < 0 {
		r.fail(path+".crashes", "invalid number %d: must not be negative", c.Crashes)
	}
	for i, p := range c.FailProbes {
		if !slices.Contains(probes, p) {
			r.fail(
				fmt.Sprintf("%s.failProbes[%d]", path, i), "unknown probe %q: want one of %s", p,
				strings.Join(probes, ", "),
			)
		}
	}
}

// reference checks a text that names an object: Kind/name.
func (r *scenarioReader) reference(path, text string, optional bool) {
	if text == "" && optional {
		return
	}
	if kind, name, ok := strings.Cut(text, "/"); !ok || kind == "" || name == "" || strings.Contains(name, "/") {
		r.fail(path, "invalid reference %q: want Kind/name, such as Deployment/web", text)
	}
}

func (r *scenarioReader) checkLoad(path string, l *Load) {
	r.reference(path+".workload", l.Workload, false)
	if l.Resource != "cpu" && l.Resource != "memory" {
		r.fail(path+".resource", "invalid resource %q: want cpu or memory", l.Resource)
	}
	if len(l.Points) == 0 {
		r.fail(path, "points are missing")
	}
	for i, p := range l.Points {
		at := fmt.Sprintf("%s.points[%d]", path, i)
		r.quantity(at+".total", p.Total)
		if p.Total == "" {
			r.fail(at, "total is missing")
		}
		if i > 0 && p.At.Duration <= l.Points[i-1].At.Duration {
			r.fail(at+".at", "points must be in order of time")
		}
	}
}

func (r *scenarioReader) checkAction(path string, a *Action) {
	r.duration(path+".at", &a.At)
	set := a.set()
	switch len(set) {
	case 1:
	case 0:
		r.fail(path, "nothing to do: want one of %s", strings.Join(actionKeys(), ", "))
	default:
		r.fail(path+"."+set[1], "an action does one thing: %s", strings.Join(set, " and "))
	}
	r.reference(path+".delete", a.Delete, true)
	r.reference(path+".undo", a.Undo, true)
	if a.Scale != nil {
		r.reference(path+".scale.workload", a.Scale.Workload, false)
		if a.Scale.Replicas < 0 {
			r.fail(path+".scale.replicas", "invalid number %d: must not be negative", a.Scale.Replicas)
		}
	}
	if a.Patch != nil {
		r.reference(path+".patch.object", a.Patch.Object, false)
		if len(a.Patch.Merge) == 0 {
			r.fail(path+".patch", "merge is missing: name the fields to change, such as {spec: {paused: true}}")
		}
	}
}

// notActions are the keys of an action that say when and where, not what.
var notActions = []string{"at", "namespace"}

func actionKeys() (keys []string) {
	t := reflect.TypeFor[Action]()
	for i := range t.NumField() {
		if key := keyOf(t.Field(i)); key != "" && !slices.Contains(notActions, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// set returns the keys of what an action does.
func (a *Action) set() (keys []string) {
	v := reflect.ValueOf(*a)
	for i := range v.NumField() {
		if key := keyOf(v.Type().Field(i)); slices.Contains(actionKeys(), key) && !v.Field(i).IsZero() {
			keys = append(keys, key)
		}
	}
	return keys
}

func (r *scenarioReader) readFiles(s *Scenario, folder string) {
	for i := range s.Actions {
		a := &s.Actions[i]
		if a.Apply == "" {
			continue
		}
		name := a.Apply
		if !filepath.IsAbs(name) {
			name = filepath.Join(folder, name)
		}
		path := fmt.Sprintf("actions[%d].apply", i)
		data, err := os.ReadFile(name)
		if err != nil {
			r.fail(path, "%v", lint.Unreadable(name, err))
			return
		}
		docs, findings := manifest.Read(source.NewFile(name, data), manifest.DefaultLimits)
		if len(findings) > 0 {
			r.fail(path, "%s: %s", findings[0].Range, findings[0].Message)
		}
		a.Documents = docs
	}
}
