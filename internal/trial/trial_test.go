package trial_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"k8s.io/klog/v2"

	"github.com/seatrial/seatrial/internal/cluster"
	"github.com/seatrial/seatrial/internal/trial"
)

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
	if line := os.Getenv(childEnv); line != "" {
		os.Exit(child(line))
	}
	os.Exit(m.Run())
}

const manifest = `apiVersion: apps/v1
kind: Deployment
metadata:
  name: nginx-deploy
  labels:
    chapter: first-app
spec:
  selector:
    matchLabels:
      app: nginx
  replicas: 2
  template:
    metadata:
      labels:
        app: nginx
    spec:
      containers:
      - name: nginx
        image: nginx:1.7.9
        ports:
        - containerPort: 80
`

// call runs a command line on a trial, and gives what it prints.
func call(t *testing.T, on *trial.Trial, line string) string {
	t.Helper()
	args := strings.Fields(line)
	for _, v := range trial.Verbs {
		if v.Name != args[0] {
			continue
		}
		var out, errOut bytes.Buffer
		err := v.Call(t.Context(), on, args[1:], strings.NewReader(""), &out, &errOut)
		var exit *trial.ExitError
		if err != nil && !errors.As(err, &exit) {
			t.Fatalf("%s: %v", line, err)
		}
		if exit != nil {
			errOut.WriteString(exit.Message)
		}
		return out.String() + errOut.String()
	}
	t.Fatalf("no verb %s", args[0])
	return ""
}

func seeded(t *testing.T) (*trial.Trial, string) {
	t.Helper()
	folder := t.TempDir()
	on := &trial.Trial{Path: filepath.Join(folder, "trial")}
	if err := on.Reset(t.Context(), 1, cluster.Config{}); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "nginx.yaml")
	if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
		t.Fatal(err)
	}
	return on, file
}

func TestDeploymentLivesFromCommandToCommand(t *testing.T) {
	on, file := seeded(t)
	for _, step := range []struct{ line, want string }{
		{"create -f " + file, "deployment.apps/nginx-deploy created"},
		{"get pods", "0/1     ContainerCreating"},
		{"rollout status deployment/nginx-deploy", `deployment "nginx-deploy" successfully rolled out`},
		{"get pods", "1/1     Running"},
		{"set image deployment/nginx-deploy nginx=nginx:latest", "deployment.apps/nginx-deploy image updated"},
		{"get pods --watch", "Terminating"},
		{"get pods -o jsonpath={.items[*].spec.containers[*].image}", "nginx:latest nginx:latest"},
		{"delete -f " + file, `deployment.apps "nginx-deploy" deleted`},
		{"wait pod --all --for=delete", ""},
		{"get pods", "No resources found in default namespace."},
	} {
		if got := call(t, on, step.line); !strings.Contains(got, step.want) {
			t.Errorf("$ %s\n%s\nwant %q", step.line, got, step.want)
		}
	}
}

func TestSameSeedGivesTheSameBytes(t *testing.T) {
	lives := make([]string, 2)
	for i := range lives {
		on, file := seeded(t)
		call(t, on, "create -f "+file)
		call(t, on, "rollout status deployment/nginx-deploy")
		lives[i] = call(t, on, "get pods,replicasets,deployments,events -o yaml")
	}
	if lives[0] != lives[1] {
		t.Errorf("first\n%s\nthen\n%s", lives[0], lives[1])
	}
}

func TestPodIsWatchedUntilItSettles(t *testing.T) {
	on, _ := seeded(t)
	call(t, on, "run missing --image=nginx:does-not-exist")
	if got := call(t, on, "get pods -w"); !strings.Contains(got, "ImagePullBackOff") {
		t.Error(got)
	}
}
