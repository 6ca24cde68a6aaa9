package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// applications is how many applications the repository has that review is measured on.
const applications = 300

// reviews measures review on a repository of kustomizations: one of them changed, and all.
func reviews(seatrial, _ string, rounds int) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b, "\n## Review\n\nA repository of %d applications, each a kustomization with a Deployment, a Service and a generated ConfigMap; "+
		"process start to exit, the medians.\n\n| change | wall | allowed | CPU | memory |\n|---|---|---|---|---|\n", applications)
	for _, c := range []struct {
		name, allowed string
		changed       int
		args          []string
	}{
		{"none", "", 0, nil},
		{"an image of one application", "3 s", 1, nil},
		{"an image of one application, without the rollout", "3 s", 1, []string{"--plan", "none"}},
		{"images of all applications, without rollouts", "15 s", applications, []string{"--plan", "none"}},
	} {
		dir, err := os.MkdirTemp("", "seatrial-bench-review-")
		if err != nil {
			return "", err
		}
		m, err := reviewOf(seatrial, dir, c.changed, rounds, c.args)
		if removed := os.RemoveAll(dir); err == nil {
			err = removed
		}
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&b, "| %s | %.1f s | %s | %.1f s | %d MB |\n", c.name, m.wall.Seconds(), c.allowed, m.cpu.Seconds(), m.rss>>20)
	}
	return b.String(), nil
}

// reviewOf measures the review of a repository in which so many applications have changed.
func reviewOf(seatrial, dir string, changed, rounds int, args []string) (sample, error) {
	write := func(from, to int, image string) error {
		for i := from; i < to; i++ {
			if err := writeApplication(filepath.Join(dir, "apps", fmt.Sprintf("app-%03d", i)), i, image); err != nil {
				return err
			}
		}
		return nil
	}
	if err := write(0, applications, "nginx:1.25"); err != nil {
		return sample{}, err
	}
	for _, command := range [][]string{
		{"init", "--quiet", "--initial-branch=main"}, {"add", "--all"},
		{"-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "--message", "begin"},
	} {
		if out, err := exec.Command("git", append([]string{"-C", dir}, command...)...).CombinedOutput(); err != nil {
			return sample{}, fmt.Errorf("git %s: %w: %s", command[0], err, out)
		}
	}
	if err := write(0, changed, "nginx:1.27"); err != nil {
		return sample{}, err
	}
	c := contender{name: "seatrial review", args: append([]string{seatrial, "review", dir, "-o", "markdown"}, args...)}
	var samples []sample
	for range rounds {
		s, err := once(c)
		if err != nil {
			return sample{}, err
		}
		samples = append(samples, s)
	}
	return medianOf(samples), nil
}

func writeApplication(dir string, i int, image string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"kustomization.yaml": fmt.Sprintf("namespace: app-%03d\nresources: [web.yaml]\n"+
			"configMapGenerator: [{name: settings, literals: [number=%d]}]\n", i, i),
		"web.yaml": fmt.Sprintf(`apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: %s
        envFrom: [{configMapRef: {name: settings}}]
        ports: [{containerPort: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
`, image),
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
