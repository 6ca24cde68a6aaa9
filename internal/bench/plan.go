package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// forecast is a plan, with what the project allows it.
type forecast struct {
	name   string
	args   string // of seatrial plan; files are of the folder
	pods   int    // that the scheduler places, before the change and after
	wall   string // most
	memory string // most; "" for none
	real   bool   // measured on a live cluster as well
}

var forecasts = []forecast{
	{
		"2 pods on the default nodes, another image", "-f plan-2-after.yaml --from plan-2.yaml", 4, "250 ms", "200 MB",
		false,
	},
	{
		"200 pods on 50 nodes, another image", "-f plan-200-after.yaml --from plan-200.yaml --nodes " + liveNodes, 400,
		"1.5 s", "", true,
	},
	{
		"1,000 pods on 1,000 nodes, another image",
		"-f plan-1000-after.yaml --from plan-1000.yaml --nodes 1000x4cpu8Gi", 2000, "10 s", "1 GB", false,
	},
	{"100 hourly CronJobs over a day", "-f plan-cron.yaml --nodes 3x4cpu8Gi --until 24h", 2400, "20 s", "", false},
}

const liveNodes = "50x4cpu8Gi"

const cronJob = `---
apiVersion: batch/v1
kind: CronJob
metadata: {name: report-%d}
spec:
  schedule: "%d * * * *"
  jobTemplate:
    spec:
      template:
        spec:
          restartPolicy: Never
          containers: [{name: report, image: "busybox:1.36"}]
`

// plans measures plan, from the start of the process to its exit, and beside one of them the same
// work on a live cluster.
func plans(seatrial string, rounds int) (string, error) {
	dir, err := os.MkdirTemp("", "seatrial-bench-plan-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	if err := writePlans(dir); err != nil {
		return "", err
	}
	var table, ratio strings.Builder
	for _, f := range forecasts {
		log.Printf("plan: %s", f.name)
		seconds, err := f.virtual(seatrial, dir)
		if err != nil {
			return "", err
		}
		samples, real, err := f.measure(seatrial, dir, rounds)
		if err != nil {
			return "", err
		}
		m := medianOf(samples)
		wall := m.wall.Seconds()
		fmt.Fprintf(
			&table, "| %s | %.2f s | %s | %.2f s | %d MB | %s | %.0f | %.0f |\n", f.name, wall, f.wall, m.cpu.Seconds(),
			m.rss>>20, f.memory, seconds/wall, float64(f.pods)/wall,
		)
		if f.real {
			took := medianOf(real).wall.Seconds()
			fmt.Fprintf(
				&ratio,
				"\nThe same on a live cluster of `seatrial up` on this machine, in turns with the plan (`apply`, `rollout status`, `apply`, `rollout status`): %.1f s, %.1f times as long as the plan of %s.\n",
				took, took/wall, f.name,
			)
		}
	}
	return "\n## Plan\n\nProcess start to exit, once: what runs already is applied and settles, then the change. Virtual seconds are those from the change to the end, pods those that the scheduler placed, before the change and after; " +
		"both are divided by the wall time of the whole process.\n\n" +
		"| what | wall | allowed | CPU | memory | allowed | virtual s a second | pods a second |\n|---|---|---|---|---|---|---|---|\n" + table.String() + ratio.String(), nil
}

// measure runs a plan, in turns with the same work on a live cluster where that is asked for.
func (f forecast) measure(seatrial, dir string, rounds int) (samples, real []sample, err error) {
	live := cluster{seatrial, dir}
	if f.real {
		if _, err := live.up("--nodes", liveNodes); err != nil {
			return nil, nil, err
		}
		defer func() { err = errors.Join(err, live.down()) }()
	}
	for range rounds {
		s, err := once(contender{args: f.command(seatrial, dir)})
		if err != nil {
			return nil, nil, err
		}
		samples = append(samples, s)
		if !f.real {
			continue
		}
		took, err := live.rollOver()
		if err != nil {
			return nil, nil, err
		}
		real = append(real, sample{wall: took})
	}
	return samples, real, nil
}

func writePlans(dir string) error {
	files := map[string]string{}
	for _, replicas := range []int{2, 200, 1000} {
		before := fmt.Sprintf(deployment, replicas)
		files[fmt.Sprintf("plan-%d.yaml", replicas)] = before
		files[fmt.Sprintf("plan-%d-after.yaml", replicas)] = strings.Replace(before, "nginx:1.7.9", "nginx:latest", 1)
	}
	var jobs strings.Builder
	for i := range 100 {
		fmt.Fprintf(&jobs, cronJob, i, i%60)
	}
	files["plan-cron.yaml"] = jobs.String()
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (f forecast) command(seatrial, dir string) []string {
	return append([]string{seatrial, "plan"}, strings.Fields(strings.ReplaceAll(f.args, "plan-", dir+"/plan-"))...)
}

// virtual gives the seconds of the cluster's time that a plan tells of.
func (f forecast) virtual(seatrial, dir string) (float64, error) {
	args := append(f.command(seatrial, dir), "-o", "json")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stderr = os.Stderr
	text, err := cmd.Output()
	if err != nil {
		return 0, fmt.Errorf("%s: %w", strings.Join(args, " "), err)
	}
	var told struct{ VirtualSeconds float64 }
	err = json.Unmarshal(text, &told)
	return told.VirtualSeconds, err
}

// rollOver does on a live cluster what the plan of two hundred pods tells of, and removes it.
func (c cluster) rollOver() (took time.Duration, err error) {
	ask := func(args ...string) error { return c.run(append(args, "--context", "seatrial")...) }
	file := func(name string) string { return filepath.Join(c.dir, name) }
	status := []string{"rollout", "status", "deployment/web", "--timeout=10m"}
	start := time.Now()
	for _, args := range [][]string{
		{"apply", "-f", file("plan-200.yaml")}, status, {"apply", "-f", file("plan-200-after.yaml")}, status,
	} {
		if err := ask(args...); err != nil {
			return 0, err
		}
	}
	took = time.Since(start)
	return took, ask("delete", "deployment/web", "--cascade=foreground", "--timeout=10m")
}
