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

// pullRequests is how many changes review is held against helm template and diff on.
const pullRequests = 20

// reviews measures review on a repository of kustomizations, one of them changed, and all; and on pull requests beside
// what people do without it.
func reviews(seatrial, bin string, rounds int) (string, error) {
	var b strings.Builder
	fmt.Fprintf(&b,
		"\n## Review\n\nA repository of %d applications, each a kustomization with a Deployment, a Service and a generated ConfigMap; "+
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
		{"images of all applications", "15 s", applications, nil},
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
		fmt.Fprintf(
			&b, "| %s | %.1f s | %s | %.1f s | %d MB |\n", c.name, m.wall.Seconds(), c.allowed, m.cpu.Seconds(),
			m.rss>>20,
		)
	}
	beside, err := reviewsBesideHelm(seatrial, bin, rounds)
	return b.String() + beside, err
}

// reviewsBesideHelm measures the review of pull requests that change one of many charts each, and, in a loop as well,
// helm template of that chart on both sides and diff, which knows beforehand which chart that is.
func reviewsBesideHelm(seatrial, bin string, rounds int) (string, error) {
	helm, err := program(bin, "helm.sh/helm/v4/cmd/helm", "helm")
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "seatrial-bench-review-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	repository, both := filepath.Join(dir, "repository"), filepath.Join(dir, "both")
	if err := writePullRequests(repository); err != nil {
		return "", err
	}
	review := fmt.Sprintf(`cd "$1" && for i in $(seq %d); do "$0" review --base pr-$i~1 --head pr-$i --plan none -o markdown > /dev/null || exit 1; done`,
		pullRequests)
	template := fmt.Sprintf(`cd "$1" && for i in $(seq %d); do
rm -rf "$2"; mkdir -p "$2/old" "$2/new"; chart=charts/chart-$(printf %%03d $i)
git archive pr-$i~1 $chart | tar -x -C "$2/old" && git archive pr-$i $chart | tar -x -C "$2/new" || exit 1
"$0" template shop "$2/old/$chart" > "$2/old.yaml" && "$0" template shop "$2/new/$chart" > "$2/new.yaml" || exit 1
diff -u "$2/old.yaml" "$2/new.yaml" > /dev/null; test $? -eq 1 || exit 1
done`, pullRequests)
	t := task{
		fmt.Sprintf("%d pull requests that change one of %d charts each, one after another", pullRequests, charts),
		pullRequests, rounds,
		[]contender{
			{"seatrial review", []string{"sh", "-c", review, seatrial, repository}, false},
			{
				"helm template of that chart on both sides, and diff",
				[]string{"sh", "-c", template, helm, repository, both}, false,
			},
		},
	}
	results, err := measure(t)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b,
		"\n### %s\n\n`helm template` and `diff` show the texts of the one chart that is named to them; `seatrial review` finds it, "+
			"and judges, lints and compares what it renders to.\n\n| command | wall | spread | CPU a pull request | memory |\n|---|---|---|---|---|\n", t.name)
	for _, c := range t.contenders {
		s := results[c.name]
		fmt.Fprintf(&b, "| %s | %.1f s | %.1f to %.1f s | %.2f s | %d MB |\n", c.name, s.wall.Seconds(),
			s.lowest.Seconds(),
			s.highest.Seconds(), s.cpu.Seconds()/pullRequests, s.rss>>20)
	}
	return b.String(), remember(t, results)
}

// writePullRequests makes a repository of charts, whose commits change one of them each and have tags.
func writePullRequests(dir string) error {
	if err := writeCharts(filepath.Join(dir, "charts")); err != nil {
		return err
	}
	if err := git(
		dir, []string{"init", "--quiet", "--initial-branch=main"}, []string{"add", "--all"}, commitOf("begin"),
	); err != nil {
		return err
	}
	for i := 1; i <= pullRequests; i++ {
		chart := filepath.Join(dir, "charts", fmt.Sprintf("chart-%03d", i))
		name, old, changed := filepath.Join(chart, "values.yaml"), `tag: "1.29"`, `tag: "1.30"`
		if i%2 == 0 {
			name, old, changed = filepath.Join(chart, "templates", "web-03.yaml"), "- name: web", "- name: web\n        imagePullPolicy: Always"
		}
		data, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(name, []byte(strings.Replace(string(data), old, changed, 1)), 0o644); err != nil {
			return err
		}
		tag := fmt.Sprintf("pr-%d", i)
		if err := git(dir, []string{"add", "--all"}, commitOf(tag), []string{"tag", tag}); err != nil {
			return err
		}
	}
	return nil
}

func commitOf(message string) []string {
	return []string{
		"-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "--quiet", "--message", message,
	}
}

// git runs git commands in a folder.
func git(dir string, commands ...[]string) error {
	for _, command := range commands {
		if out, err := exec.Command("git", append([]string{"-C", dir}, command...)...).CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w: %s", command[0], err, out)
		}
	}
	return nil
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
	if err := git(
		dir, []string{"init", "--quiet", "--initial-branch=main"}, []string{"add", "--all"}, commitOf("begin"),
	); err != nil {
		return sample{}, err
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
