package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// course is a series of commands on a trial. What prepares is not measured.
type course struct {
	name     string
	prepares []string
	measured []string
}

var courses = []course{
	{
		"`get pods` on a small cluster",
		[]string{"reset --seed 1", "create -f small.yaml", "rollout status deployment/web"}, []string{"get pods"},
	},
	{"the first command of all, on a new cluster", nil, []string{"get nodes"}},
	{
		"`create` of a Deployment of 2, then `wait` until it is available", []string{"reset --seed 1"},
		[]string{"create -f small.yaml", "wait --for=condition=Available deployment/web"},
	},
	{
		"an image changed, then `rollout status`",
		[]string{"reset --seed 1", "create -f small.yaml", "rollout status deployment/web"},
		[]string{"set image deployment/web web=nginx:latest", "rollout status deployment/web"},
	},
	{
		"`advance 1h` of an idle cluster",
		[]string{"reset --seed 1", "create -f small.yaml", "rollout status deployment/web"}, []string{"advance 1h"},
	},
	{
		"200 pods on 50 nodes: `create`, then `wait`", []string{"reset --seed 1 --nodes 50x4cpu8Gi"},
		[]string{"create -f large.yaml", "wait --for=condition=Available deployment/web"},
	},
}

const deployment = `apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "nginx:1.7.9"}]}
`

// trials measures commands on a trial, from the start of the process to its exit.
func trials(seatrial string, rounds int) (string, error) {
	dir, err := os.MkdirTemp("", "seatrial-trial-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	for name, replicas := range map[string]int{"small.yaml": 2, "large.yaml": 200} {
		if err := os.WriteFile(filepath.Join(dir, name), fmt.Appendf(nil, deployment, replicas), 0o600); err != nil {
			return "", err
		}
	}
	var page strings.Builder
	page.WriteString("\n## Commands on a trial\n\nEach from the start of its process to its exit, with the file read, the cluster started, and the file saved.\n\n" +
		"| what | wall | CPU | memory |\n|---|---|---|---|\n")
	for _, c := range courses {
		log.Printf("trial: %s", c.name)
		var samples []sample
		for range rounds {
			s, err := c.run(seatrial, dir)
			if err != nil {
				return "", err
			}
			samples = append(samples, s)
		}
		wall := median(samples, func(s sample) time.Duration { return s.wall })
		cpu := median(samples, func(s sample) time.Duration { return s.cpu })
		rss := median(samples, func(s sample) int64 { return s.rss })
		fmt.Fprintf(&page, "| %s | %.2f s | %.2f s | %d MB |\n", c.name, wall.Seconds(), cpu.Seconds(), rss>>20)
	}
	return page.String(), nil
}

func (c course) run(seatrial, dir string) (sum sample, err error) {
	file := filepath.Join(dir, "trial")
	if err := os.Remove(file); err != nil && !os.IsNotExist(err) {
		return sum, err
	}
	command := func(line string) contender {
		args := strings.Fields(strings.ReplaceAll(line, "-f ", "-f "+dir+"/"))
		return contender{name: line, args: append([]string{seatrial}, append(args, "--trial", file)...)}
	}
	for _, line := range c.prepares {
		if _, err := once(command(line)); err != nil {
			return sum, err
		}
	}
	for _, line := range c.measured {
		s, err := once(command(line))
		if err != nil {
			return sum, err
		}
		sum.wall, sum.cpu, sum.rss = sum.wall+s.wall, sum.cpu+s.cpu, max(sum.rss, s.rss)
	}
	return sum, nil
}
