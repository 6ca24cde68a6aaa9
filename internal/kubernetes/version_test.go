package kubernetes

import (
	"os"
	"regexp"
	"runtime/debug"
	"testing"

	"k8s.io/component-base/version"
)

// A stamp of the linker is not needed: this binary has none.
func TestLinkedPackagesKnowTheVersion(t *testing.T) {
	info := version.Get()
	major, minor := numbers(required(t))
	if info.GitVersion != required(t) || info.Major != major || info.Minor != minor || major == "" || minor == "" {
		t.Errorf("component-base says %s, %s.%s, want %s", info.GitVersion, info.Major, info.Minor, required(t))
	}
	if Version() != required(t) {
		t.Errorf("Version returns %s, want %s", Version(), required(t))
	}
}

func TestFallbackIsTheVersionInGoMod(t *testing.T) {
	if fallback != required(t) {
		t.Errorf("the fallback is %s, go.mod requires %s", fallback, required(t))
	}
}

func TestVersionComesFromTheBuildInformation(t *testing.T) {
	deps := func(version string) *debug.BuildInfo {
		return &debug.BuildInfo{
			Deps: []*debug.Module{{Path: "k8s.io/api", Version: "v0.99.1"}, {Path: module, Version: version}},
		}
	}
	for _, c := range []struct {
		info *debug.BuildInfo
		want string
	}{
		{deps("v1.99.1"), "v1.99.1"},
		{deps("(devel)"), fallback},
		{&debug.BuildInfo{}, fallback},
		{nil, fallback},
	} {
		if got := linked(c.info); got != c.want {
			t.Errorf("linked returns %s, want %s", got, c.want)
		}
	}
}

// required returns the version that go.mod requires.
func required(t *testing.T) string {
	t.Helper()
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^\s+k8s\.io/kubernetes (v\S+)`).FindSubmatch(data)
	if m == nil {
		t.Fatal("go.mod does not require " + module)
	}
	return string(m[1])
}
