package catalogue

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// TestEmbedded reads all definitions: each is one of its kind, which serves what the index says.
func TestEmbedded(t *testing.T) {
	c, err := Open()
	if err != nil {
		t.Fatal(err)
	}
	if len(data) > 3<<20 || len(c.Kinds) < 300 {
		t.Errorf("%d bytes for %d kinds", len(data), len(c.Kinds))
	}
	held := map[string]bool{} // projects with definitions
	for _, k := range c.Kinds {
		held[k.Project] = held[k.Project] || len(k.Forms) > 0
	}
	for _, p := range c.Projects {
		if !held[p.Name] {
			if p.License != "" || len(p.Releases) != 0 {
				t.Errorf("%s has a license or releases, and no definition", p.Name)
			}
			continue
		}
		if !slices.Contains([]string{"Apache-2.0", "MIT", "BSD-3-Clause"}, p.License) || len(p.Releases) == 0 {
			t.Errorf("%s: license %q, releases %v", p.Name, p.License, p.Releases)
		}
	}
	for _, k := range c.Kinds {
		for _, d := range c.Definitions(k.Group, k.Kind) {
			text, err := d.JSON()
			if err != nil {
				t.Fatal(err)
			}
			var crd struct {
				Kind string
				Spec struct {
					Group    string
					Names    struct{ Kind string }
					Versions []struct {
						Name   string
						Served bool
					}
				}
			}
			if err := json.Unmarshal(text, &crd); err != nil {
				t.Fatalf("%s of %s: %v", k.Kind, d, err)
			}
			var served []string
			for _, v := range crd.Spec.Versions {
				if v.Served {
					served = append(served, v.Name)
				}
			}
			if crd.Spec.Group != k.Group || crd.Spec.Names.Kind != k.Kind || !slices.Equal(served, d.Versions) {
				t.Errorf(
					"%s of %s: the definition is of %s/%s %v", k.Kind, d, crd.Spec.Group, crd.Spec.Names.Kind, served,
				)
			}
		}
	}
}

// small is a catalogue of two projects, one with two releases that differ.
func small(t *testing.T) *Catalogue {
	t.Helper()
	index := Index{
		Projects: []Project{
			{Name: "a", Releases: []string{"v1.20.1", "v1.2.3", "v1.2.0"}},
			{Name: "b", Releases: []string{"v2.0.0"}},
			{Name: "named"},
		},
		Kinds: []Kind{
			{Group: "a.io", Kind: "Thing", Plural: "things", ShortNames: []string{"th"}, Project: "a", Forms: []Form{
				{Releases: []string{"v1.20.1"}, Versions: []string{"v2"}, Length: 3},
				{Releases: []string{"v1.2.3", "v1.2.0"}, Versions: []string{"v1"}, Length: 4},
			}},
			{Group: "b.io", Kind: "Thing", Plural: "things", Project: "b", Forms: []Form{
				{Releases: []string{"v2.0.0"}, Versions: []string{"v1"}, Length: 2},
			}},
			{Group: "messages.io", Kind: "QueuedTopic", Plural: "queuedtopics", Project: "named"},
			{Group: "messages.io", Kind: "XQueuedTopic", Plural: "xqueuedtopics", Project: "named"},
		},
	}
	out, err := Write(index, [][]byte{[]byte("newolder"), []byte("bb"), nil, nil})
	if err != nil {
		t.Fatal(err)
	}
	c, err := Decode(out)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// texts joins the definitions of a kind.
func texts(t *testing.T, c *Catalogue, group string) string {
	t.Helper()
	var all []string
	for _, d := range c.Definitions(group, "Thing") {
		text, err := d.JSON()
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, d.String()+"="+string(text))
	}
	return strings.Join(all, ", ")
}

func TestChoose(t *testing.T) {
	for _, test := range []struct {
		releases map[string]string
		a, b     string
	}{
		{nil, "a v1.20.1=new, a v1.2.3=olde", "b v2.0.0=bb"},
		{map[string]string{"a": "1.2"}, "a v1.2.3=olde", "b v2.0.0=bb"},
		{map[string]string{"a": "v1.20.1"}, "a v1.20.1=new", "b v2.0.0=bb"},
		{map[string]string{"a": "off"}, "", "b v2.0.0=bb"},
		{map[string]string{"*": "off"}, "", ""},
		{map[string]string{"*": "off", "b": "2"}, "", "b v2.0.0=bb"},
	} {
		c, err := small(t).Choose(test.releases)
		if err != nil {
			t.Fatal(err)
		}
		if a, b := texts(t, c, "a.io"), texts(t, c, "b.io"); a != test.a || b != test.b {
			t.Errorf("%v: %q and %q", test.releases, a, b)
		}
	}
	for project, release := range map[string]string{"c": "1", "a": "1.3", "b": "20"} {
		_, err := small(t).Choose(map[string]string{project: release})
		if err == nil || !strings.Contains(err.Error(), project) {
			t.Errorf("%s %s: %v", project, release, err)
		}
	}
}

func TestFind(t *testing.T) {
	for text, groups := range map[string]string{
		"thing": "a.io b.io", "Things": "a.io b.io", "th": "a.io", "thing.spec.b.io": "b.io", "things.a.io": "a.io",
		"v1.thing": "", "thin": "", "thing.spec.x": "a.io b.io",
	} {
		var found []string
		for _, k := range small(t).Find(text) {
			found = append(found, k.Group)
		}
		if got := strings.Join(found, " "); got != groups {
			t.Errorf("%s: %q, want %q", text, got, groups)
		}
	}
}

// TestNamed looks up a kind that is known by name only.
func TestNamed(t *testing.T) {
	c := small(t)
	k := c.Lookup("messages.io", "QueuedTopic")
	if k == nil || c.Newest(k.Group, k.Kind) != nil || len(c.Find("queuedtopic")) != 0 {
		t.Errorf("QueuedTopic is %+v, %d found", k, len(c.Find("queuedtopic")))
	}
	if found := c.FindNamed("queuedtopics"); len(found) != 1 || found[0] != k {
		t.Errorf("by name: %v", found)
	}
	if found := c.FindNamed("things"); len(found) != 0 {
		t.Errorf("things are known by name only: %v", found)
	}
}

func TestMeant(t *testing.T) {
	for _, test := range []struct{ group, kind, want string }{
		{"messages.io", "QueuedTopics", "messages.io QueuedTopic"},
		{"messages.io", "QuedTopic", ""}, // too far
		{"messages.io", "QueudTopic", "messages.io QueuedTopic"},
		{"messages.io", "queuedTopic", "messages.io QueuedTopic"},
		{"messages.io", "YQueuedTopic", ""}, // may be a kind of its own
		{"messages.io", "QueuedTopic", ""},
		{"mesages.io", "QueuedTopic", "messages.io QueuedTopic"},
		{"mesages.io", "Thing", ""},
		{"other.io", "QueuedTopic", ""},
	} {
		group, kind := small(t).Meant(test.group, test.kind)
		if got := strings.TrimSpace(group + " " + kind); got != test.want {
			t.Errorf("%s %s: meant %q, want %q", test.group, test.kind, got, test.want)
		}
	}
	off, err := small(t).Choose(map[string]string{"named": Off})
	if err != nil {
		t.Fatal(err)
	}
	if group, _ := off.Meant("messages.io", "QueudTopic"); group != "" {
		t.Errorf("a project that is off suggests %s", group)
	}
}

func TestDecodeRefusesDamage(t *testing.T) {
	for _, data := range [][]byte{nil, {0, 0, 0, 9, 1}, append([]byte{0, 0, 0, 4}, "none"...)} {
		if _, err := Decode(data); err == nil {
			t.Errorf("%q is accepted", data)
		}
	}
}
