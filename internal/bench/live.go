package main

import (
	"errors"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// cluster is a live cluster in a folder of its own, which is also the home of its clients.
type cluster struct {
	seatrial, dir string
}

func (c cluster) kubeconfig() string { return filepath.Join(c.dir, "kubeconfig") }

// up starts the cluster, and tells how long that takes: from the start of the process to its exit,
// when the cluster answers.
func (c cluster) up(args ...string) (time.Duration, error) {
	start := time.Now()
	err := c.run(append([]string{"up", "--port", "0", "--data-dir", c.data()}, args...)...)
	return time.Since(start), err
}

func (c cluster) down() error { return c.run("down", "--purge", "--data-dir", c.data()) }

func (c cluster) data() string { return filepath.Join(c.dir, "live") }

// run runs a command as a user whose home is the folder of the cluster.
func (c cluster) run(args ...string) error {
	cmd := exec.Command(c.seatrial, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+c.kubeconfig(), "HOME="+c.dir)
	if text, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(args, " "), err, text)
	}
	return nil
}

// use is what the process of the cluster has used so far, and has in memory now. It needs /proc.
func (c cluster) use() (cpu time.Duration, rss int64, err error) {
	lock, err := os.ReadFile(filepath.Join(c.data(), "lock"))
	if err != nil {
		return 0, 0, err
	}
	data, err := os.ReadFile(filepath.Join("/proc", strings.TrimSpace(string(lock)), "stat"))
	if err != nil {
		return 0, 0, err
	}
	// What follows the name of the program, which may hold blanks, begins with field 3.
	fields := strings.Fields(string(data[strings.LastIndexByte(string(data), ')')+1:]))
	const utime, stime, pages, ticks = 14 - 3, 15 - 3, 24 - 3, 100
	var sum int64
	for _, f := range []int{utime, stime} {
		n, err := strconv.ParseInt(fields[f], 10, 64)
		if err != nil {
			return 0, 0, err
		}
		sum += n
	}
	resident, err := strconv.ParseInt(fields[pages], 10, 64)
	return time.Duration(sum) * time.Second / ticks, resident * int64(os.Getpagesize()), err
}

const (
	settleTime = 10 * time.Second // after the start, until the cluster counts as idle
	idleTime   = 30 * time.Second
)

// lives measures the live cluster: its start, what it needs, and a thousand pods.
func lives(seatrial string, rounds int) (string, error) {
	dir, err := os.MkdirTemp("", "seatrial-bench-live-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(dir)
	var first, again, idle, thousand []sample
	for i := range rounds {
		log.Printf("live: round %d of %d", i+1, rounds)
		c := cluster{seatrial, filepath.Join(dir, strconv.Itoa(i))}
		if err := os.Mkdir(c.dir, 0o700); err != nil {
			return "", err
		}
		fresh, restarted, resting, err := c.rest()
		var busy sample
		if err == nil {
			busy, err = c.thousand()
		}
		if err != nil {
			return "", errors.Join(err, c.down())
		}
		first, again, idle, thousand = append(first, fresh), append(
			again, restarted,
		), append(idle, resting), append(thousand, busy)
	}
	var page strings.Builder
	page.WriteString("\n## The live cluster\n\nOn an etcd of its own that waits for the disk, once. `up` is measured from the start of the process to its exit, when the cluster answers; " +
		"CPU and memory are those of the cluster, at the end of what is measured. A thousand pods are there when their Deployment says that all are ready.\n\n" +
		"| what | wall | CPU | memory |\n|---|---|---|---|\n")
	for _, row := range []struct {
		name    string
		samples []sample
	}{
		{"`up`, the first time", first},
		{"`up` of a cluster that was down", again},
		{fmt.Sprintf("idle for %v", idleTime), idle},
		{"1,000 pods on 100 nodes: `create`, then `wait`", thousand},
	} {
		s := medianOf(row.samples)
		fmt.Fprintf(
			&page, "| %s | %.2f s | %.2f s (%.1f%% of a core) | %d MB |\n", row.name, s.wall.Seconds(), s.cpu.Seconds(),
			100*s.cpu.Seconds()/s.wall.Seconds(), s.rss>>20,
		)
	}
	return page.String(), nil
}

// rest starts a small cluster twice, and lets it idle.
func (c cluster) rest() (fresh, again, idle sample, err error) {
	if fresh, err = c.start(); err != nil {
		return fresh, again, idle, err
	}
	if err := c.run("down", "--data-dir", c.data()); err != nil {
		return fresh, again, idle, err
	}
	if again, err = c.start(); err != nil {
		return fresh, again, idle, err
	}
	time.Sleep(settleTime)
	idle, err = c.during(func() error { time.Sleep(idleTime); return nil })
	if err != nil {
		return fresh, again, idle, err
	}
	return fresh, again, idle, c.down()
}

// start measures up.
func (c cluster) start(args ...string) (s sample, err error) {
	if s.wall, err = c.up(args...); err != nil {
		return s, err
	}
	s.cpu, s.rss, err = c.use()
	return s, err
}

// during measures what the cluster uses while f runs.
func (c cluster) during(f func() error) (s sample, err error) {
	before, _, err := c.use()
	if err != nil {
		return s, err
	}
	start := time.Now()
	if err := f(); err != nil {
		return s, err
	}
	s.wall = time.Since(start)
	s.cpu, s.rss, err = c.use()
	s.cpu -= before
	return s, err
}

// thousand measures a Deployment of a thousand pods on a hundred nodes.
func (c cluster) thousand() (sample, error) {
	file := filepath.Join(c.dir, "thousand.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, deployment, 1000), 0o600); err != nil {
		return sample{}, err
	}
	if _, err := c.up("--nodes", "100x4cpu8Gi"); err != nil {
		return sample{}, err
	}
	time.Sleep(settleTime)
	s, err := c.during(func() error {
		if err := c.run("create", "-f", file, "--context", "seatrial"); err != nil {
			return err
		}
		return c.run(
			"wait", "--for=jsonpath={.status.readyReplicas}=1000", "deployment/web", "--timeout", "5m", "--context",
			"seatrial",
		)
	})
	if err != nil {
		return s, err
	}
	return s, c.down()
}
