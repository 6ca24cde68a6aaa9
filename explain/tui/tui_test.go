package tui

import (
	"fmt"
	"strings"
	"testing"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/seatrial/seatrial/schema"
)

// browser drives a model without a terminal.
type browser struct {
	model
	t *testing.T
}

func open(t *testing.T, o Options) *browser {
	t.Helper()
	m, err := newModel(o)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{m, t}
	return b.send(tea.WindowSizeMsg{Width: 80, Height: 24})
}

// send updates the model and runs the commands that it asks for until nothing is left to do.
func (b *browser) send(msg tea.Msg) *browser {
	next, cmd := b.Update(msg)
	b.model = next.(model)
	b.run(cmd)
	return b
}

func (b *browser) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	switch msg := cmd().(type) {
	case tea.BatchMsg:
		for _, c := range msg {
			b.run(c)
		}
	case indexed, switched:
		b.send(msg)
	}
}

var specialKeys = map[string]rune{"enter": tea.KeyEnter, "esc": tea.KeyEscape, "backspace": tea.KeyBackspace,
	"tab": tea.KeyTab, "up": tea.KeyUp, "down": tea.KeyDown,
	"left": tea.KeyLeft, "right": tea.KeyRight, "pgup": tea.KeyPgUp, "pgdown": tea.KeyPgDown, "home": tea.KeyHome,
	"end": tea.KeyEnd}

// press presses keys that are parted by spaces.
func (b *browser) press(keys string) *browser {
	for _, key := range strings.Fields(keys) {
		if code, ok := specialKeys[key]; ok {
			b.send(tea.KeyPressMsg{Code: code})
			continue
		}
		b.write(key)
	}
	return b
}

func (b *browser) write(text string) *browser {
	for _, r := range text {
		b.send(tea.KeyPressMsg{Code: r, Text: string(r)})
	}
	return b
}

// at returns the place of the cursor as kind and path.
func (b *browser) at() string {
	r := b.current()
	if r.kind == nil {
		return groupName(r.Group)
	}
	return strings.TrimSpace(r.Kind + " " + r.Path)
}

func (b *browser) want(place string) *browser {
	b.t.Helper()
	if got := b.at(); got != place {
		b.t.Errorf("at %q, want %q", got, place)
	}
	return b
}

func (b *browser) shown() string { return ansi.Strip(b.View().Content) }

func TestKeysMoveThroughTheTree(t *testing.T) {
	for _, c := range []struct{ start, keys, want string }{
		{"", "", "core"},
		{"", "j k", "core"},
		{"", "k up", "core"},
		{"deployment", "", "Deployment"},
		{"deployment", "right", "Deployment apiVersion"},
		{"deployment", "left l l", "Deployment apiVersion"},
		{"deployment.spec", "j down", "Deployment spec.paused"},
		{"deployment.spec.replicas", "h", "Deployment spec"},
		{"deployment.spec.replicas", "enter l", "Deployment spec.replicas"},
		{"deployment.spec.replicas", "backspace backspace backspace", "apps"},
		{"deployment.spec.replicas", "home", "core"},
		{"deployment.spec", "G g", "core"},
		{"", "end", "storagemigration.k8s.io"},
		{"", "pgdown pgup", "core"},
		{"Deploy.spec.template.spec.containers[0].image", "", "Deployment spec.template.spec.containers.image"},
		{"events.events.k8s.io.note", "", "Event note"},
	} {
		if b := open(t, Options{Start: c.start}).press(c.keys); b.at() != c.want {
			t.Errorf("%q from %q: at %q, want %q", c.keys, c.start, b.at(), c.want)
		}
	}
}

func TestStartMustExist(t *testing.T) {
	for start, want := range map[string]string{
		"deploymant":          `did you mean deployment`,
		"deployment.spec.rep": `Deployment: spec has no field "rep"`,
	} {
		err := Run(t.Context(), Options{Start: start})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %s", start, err, want)
		}
	}
}

func TestTypesThatHoldThemselvesOpenLevelByLevel(t *testing.T) {
	const schemaOf = "CustomResourceDefinition spec.versions.schema.openAPIV3Schema"
	b := open(t, Options{}).press("/").write("openapiv3schema not").press("enter").want(schemaOf + ".not")
	b.press("backspace j").want(schemaOf + ".$ref").press("/").write("openapiv3schema not").press("enter l l").want(
		schemaOf + ".not.$ref",
	)
	b = open(t, Options{Start: "crd.spec.versions.schema.openAPIV3Schema.not.not.not"}).want(schemaOf + ".not.not.not")
	if !b.current().recursive {
		t.Error("not known to be recursive")
	}
	if !strings.Contains(b.shown(), "↺ allOf []JSON") {
		t.Errorf("not marked as recursive:\n%s", b.shown())
	}
}

func TestDocumentationTellsTheFacts(t *testing.T) {
	for start, want := range map[string][]string{
		"deployment": {
			"API version  apps/v1", "Resource     deployments", "Short names  deploy", "Scope        namespaced",
			"Verbs        create",
		},
		"pod.spec.containers": {
			"Type         []Container", "Required     yes", "List type    map, by name", "Patch        merge, by name",
			"image string",
		},
		"svc.spec.ports.protocol": {"Default      TCP"},
		"deployment.spec.replicas": {
			"Format       int32", "Since        Kubernetes 1.20 or earlier", "Number of desired pods",
		},
		"pod.spec.hostUsers":              {"Since        Kubernetes 1.25"},
		"cronjobs.v1beta1.batch":          {"Removed      Kubernetes 1.25", "Use instead  batch/v1 CronJob"},
		"pod.spec.volumes.emptyDir":       {"EmptyDirVolumeSource", "medium string"},
		"pod.spec.containers.name":        {"Required     yes"},
		"deployment.spec.minReadySeconds": {"Required     no"},
	} {
		version := schema.Latest
		if strings.HasPrefix(start, "cronjobs") {
			version = "1.22"
		}
		shown := open(t, Options{Start: start, Version: version}).send(
			tea.WindowSizeMsg{Width: 120, Height: 60},
		).shown()
		for _, text := range want {
			if !strings.Contains(shown, text) {
				t.Errorf("%s: no %q in\n%s", start, text, shown)
			}
		}
	}
}

func TestDocumentationScrolls(t *testing.T) {
	b := open(t, Options{Start: "pod.spec"}).press("tab pgdown pgdown").want("Pod spec")
	if b.docTop == 0 {
		t.Error("the documentation did not move")
	}
	if b.press("home"); b.docTop != 0 {
		t.Error("home does not lead back")
	}
	if b.press("end"); !strings.Contains(b.shown(), "workloadRef") && !strings.Contains(b.shown(), "volumes []Volume") {
		t.Errorf("the end is not in sight:\n%s", b.shown())
	}
	b.press("tab j").want("Pod spec.activeDeadlineSeconds")
}

func TestSearchRanks(t *testing.T) {
	b := open(t, Options{})
	for query, want := range map[string]string{
		"deploy":                       "Deployment",
		"po":                           "Pod",
		"hpa":                          "HorizontalPodAutoscaler",
		"pod image":                    "Pod spec.containers.image",
		"deploy.spec.repl":             "Deployment spec.replicas",
		"Pod.spec.hostUsers":           "Pod spec.hostUsers",
		"ipp":                          "Pod spec.containers.imagePullPolicy",
		"nodesel":                      "Pod spec.nodeSelector",
		"svc port":                     "Service spec.ports.port",
		"cm data":                      "ConfigMap data",
		"pod.spec.containers[0].image": "Pod spec.containers.image",
		"sts repl":                     "StatefulSet spec.replicas",
		"pvc phase":                    "PersistentVolumeClaim status.phase",
		"ttl":                          "Job spec.ttlSecondsAfterFinished",
		"pod readynss":                 "",
		"pod rdnsprobe":                "Pod spec.containers.readinessProbe",
		"\u4e16\u754c":                 "",
		" . ":                          "",
	} {
		b.press("esc /").write(query)
		got := ""
		if len(b.hits) > 0 {
			got = b.at()
		}
		if got != want {
			t.Errorf("%q: found %q, want %q", query, got, want)
		}
	}
}

func TestSearchFollowsEachLetter(t *testing.T) {
	b := open(t, Options{}).press("/").write("deployment replicaz")
	if !strings.Contains(b.shown(), "nothing found") {
		t.Errorf("found something:\n%s", b.shown())
	}
	b.press("backspace").want("Deployment spec.replicas").press("down up enter").want("Deployment spec.replicas")
	if !strings.Contains(b.shown(), "Deployment › spec › replicas") {
		t.Errorf("the place is not in sight:\n%s", b.shown())
	}
}

func TestSearchCanBeLeft(t *testing.T) {
	open(t, Options{Start: "svc.spec"}).press("/").write("deploy").press("esc").want("Service spec").press(
		"/ enter j",
	).want(
		"Service spec.allocateLoadBalancerNodePorts",
	)
}

func TestVersionSwitchKeepsThePlace(t *testing.T) {
	for _, c := range []struct{ start, from, to, want string }{
		{"deployment.spec.replicas", "1.37", "1.20", "Deployment spec.replicas"},
		{"pod.spec.hostUsers", "1.37", "1.20", "Pod spec"},
		{"cronjob.spec.jobTemplate", "1.37", "1.20", "CronJob spec.jobTemplate"},
		{"podsecuritypolicy.spec", "1.20", "1.37", "policy"},
	} {
		b := open(t, Options{Start: c.start, Version: c.from})
		b.press("v")
		for b.newestFirst()[b.version] != c.to {
			if c.from > c.to {
				b.press("down")
			} else {
				b.press("up")
			}
		}
		if b.press("enter").want(c.want); !strings.Contains(b.shown(), "Kubernetes "+c.to) {
			t.Errorf("not version %s:\n%s", c.to, b.shown())
		}
	}
}

func TestVersionListTellsWhereAFieldIsMissing(t *testing.T) {
	shown := open(t, Options{Start: "pod.spec.hostUsers"}).press("v").shown()
	for _, text := range []string{"> Kubernetes 1.37 (now)", "Kubernetes 1.24 not yet", "Kubernetes 1.25  "} {
		if !strings.Contains(shown, strings.TrimPrefix(text, "> ")) {
			t.Errorf("no %q in\n%s", text, shown)
		}
	}
}

func TestSearchAfterAVersionSwitchKnowsThatVersion(t *testing.T) {
	b := open(t, Options{}).press("/").write("podsecuritypolicy").press("esc v end enter /").write("podsecuritypolicy")
	b.want("PodSecurityPolicy")
}

func TestCopiedPathsLeadBack(t *testing.T) {
	for start, want := range map[string]string{
		"deploy.spec.template":    "deployment.spec.template",
		"events.events.k8s.io":    "events.v1.events.k8s.io",
		"hpa.spec":                "horizontalpodautoscaler.spec",
		"po.spec.containers[0]":   "pod.spec.containers",
		"hpa.v1.autoscaling.spec": "horizontalpodautoscalers.v1.autoscaling.spec",
	} {
		b := open(t, Options{Start: start})
		got := address(b.tree.store, b.current())
		if got != want {
			t.Errorf("%s: copied %s, want %s", start, got, want)
		}
		if back := open(t, Options{Start: got}); back.current().place != b.current().place {
			t.Errorf("%s leads to %s", got, back.at())
		}
	}
}

func TestEveryScreenFitsItsWindow(t *testing.T) {
	for _, color := range []bool{false, true} {
		for width := 1; width < 130; width += 17 {
			for _, height := range []int{1, 2, 3, 5, 14, 24, 60} {
				for _, keys := range []string{"", "/ deploy", "v", "?", "tab", "v enter"} {
					b := open(t, Options{Start: "deployment.spec.template", Color: color}).send(
						tea.WindowSizeMsg{Width: width, Height: height},
					).press(
						keys,
					)
					lines := strings.Split(b.View().Content, "\n")
					if len(lines) > height {
						t.Fatalf("%dx%d %q: %d lines", width, height, keys, len(lines))
					}
					for _, line := range lines {
						if ansi.StringWidth(line) > width {
							t.Fatalf("%dx%d %q: %d columns: %q", width, height, keys, ansi.StringWidth(line), line)
						}
					}
				}
			}
		}
	}
}

const widget = `{"kind":"CustomResourceDefinition","spec":{"group":"example.com","scope":"Namespaced","names":{"kind":"Widget","plural":"widgets","singular":"widget"},
	"versions":[{"name":"v1","served":true,"schema":{"openAPIV3Schema":{"type":"object","properties":{
	"世界":{"type":"string","description":"世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界","enum":["大","小"]},
	"evil":{"type":"string","description":"\u001b]0;owned\u0007\u001b[2Jtext","default":"\u001b[31mred"}}}}}]}}`

func withWidget(version string) (*schema.Store, error) {
	s, err := schema.Open(version)
	if err != nil {
		return nil, err
	}
	return s.With([]byte(widget))
}

func TestWideCharactersKeepTheColumns(t *testing.T) {
	b := open(t, Options{Open: withWidget, Start: "widget.世界"})
	for width := 2; width < 100; width++ {
		b.send(tea.WindowSizeMsg{Width: width, Height: 24})
		for _, line := range strings.Split(b.View().Content, "\n") {
			if got := ansi.StringWidth(line); got != width {
				t.Fatalf("width %d: %d columns: %q", width, got, line)
			}
		}
	}
	if shown := b.shown(); !strings.Contains(shown, "Enum         大, 小") {
		t.Errorf("no enum:\n%s", shown)
	}
}

func TestCustomResourcesCannotCommandTheTerminal(t *testing.T) {
	content := open(t, Options{Open: withWidget, Start: "widget.evil"}).View().Content
	if strings.ContainsAny(content, "\a") || strings.Contains(content, "\x1b[2J") ||
		strings.Contains(content, "\x1b[31m") {
		t.Errorf("control characters came through: %q", content)
	}
	if !strings.Contains(content, "text") {
		t.Errorf("no description: %q", content)
	}
}

func TestTreeTellsWhatIsNewAndWhatIsOld(t *testing.T) {
	for start, want := range map[string]string{
		"pod.spec.hostUsers":      "hostUsers (new) boolean",
		"pod.spec.serviceAccount": "serviceAccount (deprecated) string",
		"pod.spec.hostname":       "hostname string",
		"cronjobs.v1beta1.batch":  "CronJob (deprecated) v1beta1",
	} {
		version := "1.25"
		if strings.HasPrefix(start, "cronjobs") {
			version = "1.22"
		}
		ui := open(t, Options{Start: start, Version: version}).send(tea.WindowSizeMsg{Width: 120, Height: 30})
		if shown := ui.shown(); !strings.Contains(shown, want) {
			t.Errorf("no %q in\n%s", want, shown)
		}
	}
}

func TestDeepPlacesKeepTheirNameInSight(t *testing.T) {
	shown := open(t, Options{Start: "crd.spec.versions.schema.openAPIV3Schema.not.not.not.not.not.uniqueItems"}).shown()
	if !strings.Contains(shown, "uniqueItems bool") {
		t.Errorf("no name:\n%s", shown)
	}
}

func TestWithoutColourNothingIsColoured(t *testing.T) {
	content := open(t, Options{Start: "pod.spec.containers"}).View().Content
	for color := 30; color < 38; color++ {
		if strings.Contains(content, fmt.Sprintf("\x1b[%dm", color)) {
			t.Errorf("colour %d is used", color)
		}
	}
}

func TestHelpNamesEveryKey(t *testing.T) {
	shown := open(t, Options{}).send(tea.WindowSizeMsg{Width: 80, Height: 40}).press("?").shown()
	for _, b := range bindings {
		if !strings.Contains(shown, b.name) || !strings.Contains(shown, b.help) {
			t.Errorf("no %s", b.name)
		}
	}
}

func TestEveryPlaceOfTheIndexExists(t *testing.T) {
	for _, version := range []string{"1.20", schema.Latest} {
		s, err := schema.Open(version)
		if err != nil {
			t.Fatal(err)
		}
		x := newIndex(s)
		for i := range x.entries {
			p := x.place(i)
			if p.Path == "" {
				continue
			}
			if f, err := s.Lookup(p.GVK).Field(p.Path); err != nil || f.Path != p.Path {
				t.Fatalf("%s %v: %v", version, p, err)
			}
		}
	}
}

func BenchmarkIndex(b *testing.B) {
	s := store(b)
	for b.Loop() {
		newIndex(s)
	}
}

func BenchmarkSearch(b *testing.B) {
	x := newIndex(store(b))
	for b.Loop() {
		x.search("deploy image", most)
	}
}

func BenchmarkView(b *testing.B) {
	m, err := newModel(Options{Start: "pod.spec"})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		m.View()
	}
}

func store(b *testing.B) *schema.Store {
	s, err := schema.Open(schema.Latest)
	if err != nil {
		b.Fatal(err)
	}
	return s
}
