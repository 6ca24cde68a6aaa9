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

	"github.com/seatrial/seatrial/cluster"
	"github.com/seatrial/seatrial/cluster/trial"
)

func TestMain(m *testing.M) {
	klog.SetLogger(logr.Discard())
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
	for _, line := range []string{
		"create -f " + file,
		"get pods",
		"rollout status deployment/nginx-deploy",
		"get pods -o wide",
		"describe pod",
		"set image deployment/nginx-deploy nginx=nginx:latest",
		"get pods -l app=nginx --watch",
		"rollout status deployment/nginx-deploy",
		"rollout history deployment/nginx-deploy",
		"rollout undo deployment/nginx-deploy",
		"get events --field-selector involvedObject.kind=Pod",
		"describe deployment",
		"describe pod --show-events=true",
		"delete -f " + file,
		"get pods",
		"get all -A",
	} {
		t.Logf("$ %s\n%s", line, call(t, on, line))
	}
}
