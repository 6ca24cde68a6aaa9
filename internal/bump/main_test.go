package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/seatrial/seatrial/internal/modcache"
)

const goMod = `module example.com/x

go 1.26

require (
	k8s.io/api v0.37.2
	k8s.io/kube-proxy v0.0.0 // indirect
	k8s.io/kubernetes v1.37.2
	sigs.k8s.io/yaml v1.6.0
)

replace (
	k8s.io/api => k8s.io/api v0.37.2
	k8s.io/gone => k8s.io/gone v0.37.2
)
`

func TestRewriteMovesKubernetesAndItsStagingModules(t *testing.T) {
	out, err := rewrite("go.mod", []byte(goMod), "v1.37.3", "v0.37.3", []string{"k8s.io/api", "k8s.io/kube-proxy"})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"k8s.io/kubernetes v1.37.3", "k8s.io/api v0.37.3", "k8s.io/kube-proxy v0.0.0", "k8s.io/api => k8s.io/api v0.37.3", "k8s.io/kube-proxy => k8s.io/kube-proxy v0.37.3", "sigs.k8s.io/yaml v1.6.0"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if strings.Contains(string(out), "k8s.io/gone") {
		t.Error("a module that is gone is still replaced")
	}
}

// TestTheReplaceBlockIsThatOfTheLinkedKubernetes holds our own go.mod against the tool.
func TestTheReplaceBlockIsThatOfTheLinkedKubernetes(t *testing.T) {
	data, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	dir, err := modcache.Dir("k8s.io/kubernetes@v1.37.2")
	if err != nil {
		t.Fatal(err)
	}
	staging, err := stagingModules(filepath.Join(dir, "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	for _, module := range staging {
		if !strings.Contains(string(data), module+" => "+module+" v0.37.2") {
			t.Errorf("go.mod does not replace %s", module)
		}
	}
}

func TestMoveRefusesWhatIsNoRelease(t *testing.T) {
	if err := move("go.mod", "1.37"); err == nil || !strings.Contains(err.Error(), "v1.37.3") {
		t.Errorf("got %v", err)
	}
}
